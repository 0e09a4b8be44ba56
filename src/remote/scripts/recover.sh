# shellcheck shell=sh
# Ending a run in its operator's place: by the host itself when the operator is gone, by the next run when this
# host died too, by `unlock`. Always by one process, the owner of the run's token.

# recover DIR TOKEN: ends the run in DIR, whose owner was TOKEN. Runs in a shell of its own: it takes that run's
# names for its own.
recover() {
	R=$1 alone=yes
	recover_pid=${2#owner.}
	recover_pid=${recover_pid%%.*}
	# Its processes. A pid is not given away again while its process group has members.
	if [ "${2##*.}" = "$BOOT" ] && [ "$recover_pid" != $$ ]; then
		recover_start=${2#owner.*.}
		started "$recover_pid" || start=${recover_start%.*}
		if [ "$start" = "${recover_start%.*}" ] && kill -KILL "-$recover_pid" 2>/dev/null; then gone "$recover_pid"; fi
	fi
	# After a reboot their pids are other people's.
	[ "${2##*.}" != "$BOOT" ] || end_jobs "$R"
	rm -f "$R"/job.* "$R/stop" "$R/late"
	# Half a file would end this shell, and every taker's after it. It is the first that a run writes: without it there
	# is nothing to put right.
	[ "$(tail -n 1 "$R/vars" 2>/dev/null)" = '# whole' ] || {
		unlock
		return
	}
	# shellcheck disable=SC1091 # written by keep_vars
	. "$R/vars"
	recover_watch | recover_run
}

recover_run() {
	read -r recover_watcher
	exec 4<&0 </dev/null
	# A restart is done to its end: what was at it when it was cut off may have left nothing that serves.
	[ ! -e "$R/restarting" ] || (aim && restart_whole)
	recover_entry
	# Nobody is left who could answer what it asked.
	! asked || traffic out
	discard
	unlock
	kill "$recover_watcher"
}

# recover_watch: counts the time of what recover_run runs, while that is there: the ticker of that run is gone, and ours, if there
# is one, looks elsewhere.
recover_watch() {
	tick_silent=9 tick_last='' tick_age=0
	read -r watch_self _ </proc/self/stat
	echo "$watch_self"
	while sleep 1 >/dev/null && echo; do
		tick_jobs
	done
}

recover_entry() {
	mine || return 0
	case $state in
	open)
		if ! switched; then
			dropped
		elif [ "$action" = revert ]; then
			forward_ends
		else
			recover_back
		fi
		;;
	healthy)
		asked || recover_wait
		# A revert never returns to the release it leaves.
		if [ "$action" = revert ] || { ! asked && [ ! -e "$R/verdict.back" ]; }; then turn 'done'; else recover_back; fi
		;;
	esac
}

# forward_ends: the end of a revert that is done here as far as it can be.
forward_ends() {
	if apart recover_forward; then turn 'done'; else turn failed; fi
}

# recover_forward: what is left to do. What takes requests already is not disturbed.
recover_forward() {
	! came served || return 0
	! came unwell || return 1
	quiet_when_full
	aim
	if ! came active; then
		traffic_is out || drain
		stored post-deploy "$root/current"
		activate_service
	fi
	health
	undrain
}

# recover_back: what only the operator could ask nobody asks.
recover_back() {
	if traffic_is asked; then
		back_ends 0
	elif traffic_is amiss; then
		back_ends 1
	else
		apart put_back
		back_ends $?
	fi
}

# recover_wait: the operator may come back and say how it ended elsewhere.
recover_wait() {
	recover_left=$lost
	while [ "$recover_left" -gt 0 ] && [ "$mode" = wayout ]; do
		[ ! -e "$R/verdict.forward" ] && [ ! -e "$R/verdict.back" ] || return
		recover_left=$((recover_left - 1))
		sleep 1
	done
}

# settle RUN forward|back RELEASE: for an operator who lost its connection and came back: what became of that run here, and
# which way it goes if that is still open.
settle() {
	settle_dir=$S/run.$1
	mark "$settle_dir/verdict.$2" 2>/dev/null
	settle_left=$((lost + reload_limit + 60))
	for settle_health in "$S/releases"/*/health; do
		[ -f "$settle_health" ] || continue
		health_of "${settle_health%/*}"
		health_within=$((health_within + health_stable))
		[ "$health_within" -lt "${settle_within:=0}" ] || settle_within=$health_within
	done
	settle_left=$((settle_left + ${settle_within:-0}))
	while [ -d "$settle_dir" ] && [ "$settle_left" -gt 0 ]; do
		[ "$(readlink "$S/lock")" = "run.$1" ] || break
		settle_token=$(token_of "$settle_dir") && ! token_alive "$settle_token" && take_over "$settle_dir"
		settle_left=$((settle_left - 1))
		sleep 1
	done
	# Whether it was live at all: the journal's word on that run. Others went to the same release.
	for settle_entry in "$S/journal/"[0-9]*".$3."*; do
		[ -f "$settle_entry" ] || continue
		while IFS=$TAB read -r settle_name settle_is; do
			[ "$settle_name/$settle_is" != "run/$1" ] || settle_state=${settle_entry##*.}
		done <"$settle_entry"
	done
	[ -z "${settle_state:-}" ] || fact settled "$settle_state"
	live
}

# steal: ends the run that holds the lock, dead or alive.
steal() {
	steal_run=$(readlink "$S/lock") || return 0
	# No more than that: who ends a run on a full disk has no room for a line.
	make_dirs unlock "$R/$TOKEN"
	take_over "$S/$steal_run" force
	rm -rf "$R"
	live
}
