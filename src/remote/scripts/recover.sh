# shellcheck shell=sh
# Ends a run in its operator's place: the host itself does so when the operator is gone, the next run when this host
# died too, and `unlock`. It is always one process, the owner of the run's token.

# recover DIR TOKEN: ends the run in DIR, whose owner was TOKEN. It runs in a shell of its own, since it takes over the
# variables of that run.
recover() {
	R=$1 alone=yes
	# The processes of the run. A pid is not given away again while its process group has members. After a reboot their
	# pids belong to other processes, and elsewhere they are not seen.
	if read_token "$2" && [ "$token_at" = here ]; then
		recover_pid=$token_pid
		if [ "$recover_pid" != $$ ]; then
			process_start "$recover_pid" || start=$token_start
			if [ "$start" = "$token_start" ] && kill -KILL "-$recover_pid" 2>/dev/null; then wait_until_gone "$recover_pid"; fi
		fi
		await_reload "$R"
		end_jobs "$R"
	fi
	rm -f "$R"/job.* "$R/stop" "$R/late"
	# A partial file would end this shell, and that of every later process that tries. It is the first file that a run
	# writes: without it there is nothing to undo.
	[ "$(tail -n 1 "$R/vars" 2>/dev/null)" = '# whole' ] || {
		unlock
		return
	}
	# shellcheck disable=SC1091 # written by save_vars
	. "$R/vars"
	recover_watch | recover_run
}

recover_run() {
	read -r recover_watcher
	exec 4<&0 </dev/null
	# A restart is completed: one that was interrupted may have left the service stopped.
	[ ! -e "$R/restarting" ] || (use_release && restart_whole)
	recover_entry
	# There is no operator to answer.
	! waits_for_operator || set_traffic out
	discard
	# The next run would complete them, but nobody knows when that is.
	finish_removals
	unlock
	kill "$recover_watcher"
}

# recover_watch: enforces the limits of what recover_run runs: the ticker of that run is gone, and our own ticker, if
# there is one, watches other jobs.
recover_watch() {
	tick_silent=3000 tick_last='' tick_age=0
	read -r watch_self _ </proc/self/stat
	echo "$watch_self"
	while wait_tick && echo; do
		beat "$R"
		tick_jobs
	done
}

recover_entry() {
	own_entry || return 0
	case $state in
	open)
		if ! has_switched; then
			drop_entry
		elif [ "$action" = revert ]; then
			end_revert
		else
			recover_back
		fi
		;;
	healthy)
		waits_for_operator || recover_wait
		# A revert never returns to the release that it leaves.
		if [ "$action" = revert ] || { ! waits_for_operator && [ ! -e "$R/verdict.back" ]; }; then set_state 'done'; else recover_back; fi
		;;
	esac
}

# end_revert: completes a revert, as far as that is possible here.
end_revert() {
	if in_subshell recover_forward; then set_state 'done'; else set_state failed; fi
}

# recover_forward: what is left to do. A host that takes requests already is not disturbed.
recover_forward() {
	! progress_is served || return 0
	! progress_is unwell || return 1
	quiet_when_full
	use_release
	if ! progress_is active; then
		traffic_is out || drain
		run_stored post-deploy "$root/current"
		activate_service
	fi
	need_health
	undrain
}

# recover_back: without an operator, the checks that only the operator could make are left out.
recover_back() {
	if traffic_is asked; then
		end_rollback 0
	elif traffic_is amiss; then
		end_rollback 1
	else
		in_subshell roll_back
		end_rollback $?
	fi
}

# recover_wait: waits for an operator that comes back and says how the run ended on other hosts.
recover_wait() {
	recover_left=$lost
	while [ "$recover_left" -gt 0 ] && [ "$mode" = successor ]; do
		[ ! -e "$R/verdict.forward" ] && [ ! -e "$R/verdict.back" ] || return
		recover_left=$((recover_left - 1))
		sleep 1
	done
}

# resolve_run RUN forward|back RELEASE: for an operator that lost its connection and came back: tells how that run ended
# here, and says which way it goes if that is still open.
resolve_run() {
	resolve_dir=$S/run.$1
	mark "$resolve_dir/verdict.$2" 2>/dev/null
	resolve_left=$((lost + 4 * reload_limit + 60))
	for resolve_health in "$S/releases"/*/health; do
		[ -f "$resolve_health" ] || continue
		read_health "${resolve_health%/*}"
		health_within=$((health_within + health_stable))
		[ "$health_within" -lt "${resolve_within:=0}" ] || resolve_within=$health_within
	done
	resolve_left=$((resolve_left + ${resolve_within:-0}))
	while [ -d "$resolve_dir" ] && [ "$resolve_left" -gt 0 ]; do
		[ "$(readlink "$S/lock")" = "run.$1" ] || break
		resolve_token=$(token_of "$resolve_dir") && ! token_alive "$resolve_token" "$resolve_dir" && take_over "$resolve_dir"
		resolve_left=$((resolve_left - 1))
		sleep 1
	done
	# Whether it was live at all: the journal has the answer for that run. Other runs may have used the same release.
	for resolve_entry in "$S/journal/"[0-9]*".$3."*; do
		[ -f "$resolve_entry" ] || continue
		while IFS=$TAB read -r resolve_name resolve_is; do
			[ "$resolve_name/$resolve_is" != "run/$1" ] || resolve_state=${resolve_entry##*.}
		done <"$resolve_entry"
	done
	[ -z "${resolve_state:-}" ] || fact settled "$resolve_state"
	tell_live
	tell_serving
}

# end_holder: ends the run that holds the lock, dead or alive.
end_holder() {
	need_layout unlock
	need_own_login unlock
	need_lock_of_ours unlock
	ending_run=$(readlink "$S/lock") || return 0
	# Only that directory: on a full disk there is no space for more.
	make_dirs unlock "$R/$TOKEN"
	take_over "$S/$ending_run" force
	remove_run
	tell_live
}
