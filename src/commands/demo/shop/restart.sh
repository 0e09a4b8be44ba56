#!/bin/sh
# Stands for `systemctl restart shop`: the page that it copies is what this host serves.
port=$(cat port)
if [ -e "$HOME/ports/$port" ]; then
	echo "port $port is taken by $(cat "$HOME/ports/$port")"
	exit 1
fi
cp page "$HOME/serving"
# What stands for an app that starts well and dies.
echo "$(($(date +%s) + 2))" >"$HOME/dies"
