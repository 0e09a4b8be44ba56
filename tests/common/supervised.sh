# shellcheck shell=sh
# A service for tests, started as `sh start PORT`: what ends by itself does so without waiting for Python.
read -r how seconds <behave
echo "starting $(pwd -P)"
case $how in
boot)
	echo 'fatal: cannot boot'
	exit 1
	;;
dies)
	sleep "$seconds"
	echo 'fatal: dies'
	exit 1
	;;
esac
exec /usr/bin/python3 -I -S -u app.py "$1"
