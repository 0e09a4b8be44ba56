# shellcheck shell=sh disable=SC2154 # the hook that reads this sets $seen
mkdir -p ~/seen
{
	echo "directory=$(pwd -P)"
	echo "flags=$-"
	echo "arguments=$#"
	echo "shell=${BASH_VERSION:+bash}"
	echo "umask=$(umask)"
	if [ -n "$BASH_VERSION" ]; then
		# shellcheck disable=SC3040,SC3044
		echo "pipefail=$(set -o | awk '$1 == "pipefail" { print $2 }') login=$(shopt -q login_shell && echo yes || echo no)"
	fi
	if read -r line; then echo "stdin=$line"; else echo "stdin=empty"; fi
	echo "terminal=$(if [ -t 0 ] || [ -t 1 ] || [ -t 2 ]; then echo yes; else echo no; fi)"
	# 32 and 33 belong to the C library.
	echo "ignored=$(awk '/^SigIgn/ { print substr($2, 10) }' /proc/self/status)"
	echo "page=$(cat page 2>/dev/null || echo none)"
	echo "git=$(git rev-parse HEAD 2>/dev/null || echo none)"
} >~/seen/"$seen"
env | LC_ALL=C sort >~/seen/"$seen".env
