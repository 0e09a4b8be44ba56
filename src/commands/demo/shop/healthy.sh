#!/bin/sh
# Stands for a request: an edition that says `soon` answers for two seconds.
if grep -q soon "$HOME/serving"; then
	[ "$(date +%s)" -lt "$(cat "$HOME/dies")" ]
fi
