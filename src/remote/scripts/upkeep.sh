# shellcheck shell=sh
# What changes a host without a new release: `restart` and `prune`; and what `sync` needs besides the steps of a deploy.

# restart: reloads the live release with its stored steps. Once begun it is completed, by the process that ends this run
# if necessary: an interrupted reload may have left the service stopped.
restart() {
	M=$S/releases/$release
	[ -d "$M" ] || fail unknown-release restart "$release"
	has_step reload || has_supervisor || { [ -e "$S/drained" ] && has_step undrain; } || {
		fact idle yes
		say notice "release $release was deployed without a supervisor: there is nothing to restart"
		return
	}
	save_vars
	keep_adapters
	{ mark "$R/traffic.in" && mark "$R/restarting"; } || write_failed restart "$R"
	continue_restart
}

# continue_restart: all of a restart up to taking requests again. A process that ends this run needs no disk space for
# it.
continue_restart() {
	! waits_for_operator || return 0
	M=$S/releases/$release
	traffic_is out || restart_drain
	reload '' || restart_failed "$reload_step" "$step_limit"
	verify_service || restart_failed verify "$step_limit"
	is_healthy || {
		end_restart_attempt
		health_failed
	}
	[ "$health_kind" != client ] || set_traffic asked
}

# restart_drain: if it fails nothing was changed, so the host takes requests as before.
restart_drain() {
	has_step drain || return 0
	if operator_missing_for drain; then
		# The host may have been drained already when the operator was lost.
		! traffic_is unclear || take_in try
		rm -f "$R/restarting"
		exit
	fi
	set_traffic unclear || write_failed drain "$R"
	if run_stored drain "$root/current" try; then
		set_traffic out
		return
	fi
	restart_code=$code restart_why=$why restart_limit=$step_limit
	[ "$why" = stop ] || take_in try
	code=$restart_code why=$restart_why
	restart_failed drain "$restart_limit"
}

# end_restart_attempt: it is not tried again, unless it was stopped.
end_restart_attempt() {
	[ "$why" = stop ] || rm -f "$R/restarting"
}

# restart_failed STEP LIMIT
restart_failed() {
	end_restart_attempt
	service_failed "$@"
}

# restart_end: the host, restarted and healthy, takes requests again.
restart_end() {
	[ -e "$R/restarting" ] || return 0
	M=$S/releases/$release
	! waits_for_operator || set_traffic out
	take_in try || restart_failed undrain "$step_limit"
	rm -f "$R/restarting"
}

# restart_serve: the same, or tells the operator which health check comes first.
restart_serve() {
	[ -e "$R/restarting" ] || return 0
	tell_health_check || restart_end
}

# mark_restart_unhealthy: the operator found it unhealthy: it stays drained, and is not tried again.
mark_restart_unhealthy() {
	set_traffic out
	rm -f "$R/restarting"
}

# restart_after_stop: completes a restart that was stopped. If the operator has to check the health, it is told so, and
# the lock stays held.
restart_after_stop() {
	rm -f "$R/stop" "$R/finishing" "$R/unbroken"
	[ -e "$R/restarting" ] || return 0
	in_subshell restart_whole && return
	unlock
	exit $FAILED
}

restart_whole() {
	quiet_when_full && continue_restart || return
	if [ -z "$alone" ] && waits_for_operator; then tell_health_check; else restart_end; fi
}

# prune_all KEEP: removes what deploys leave behind: releases above the number to keep, failed ones that were kept,
# records of removed ones.
prune_all() {
	prune "$1" all
	for prune_record in "$S/releases/"[0-9]*; do
		prune_name=${prune_record##*/}
		# A release that was live and healthy can be made again from its record.
		[ -d "$root/releases/$prune_name" ] || in_journal "$prune_name" || rm -rf "$prune_record"
	done
	rm -f "$S/hold."*
	collect_git_garbage
	fact pruned "$pruned"
	[ "$prune_bad" = 0 ] || fail not-removed prune
}

# sync_lock: takes the lock of a host that may never have been set up.
sync_lock() {
	set_up
	setup_lock
}

# set_up: tells if setup never ran here.
set_up() {
	[ -d "$clone/objects" ] || adoptable || fact bare yes
}

# tell_known: tells the releases that can be made live again from their records, as one fact.
tell_known() {
	known_all=
	for known_meta in "$S/releases/"*/meta; do
		[ -f "$known_meta" ] || continue
		known_meta=${known_meta%/meta}
		known_all="$known_all ${known_meta##*/}"
	done
	fact known "${known_all# }"
}

# clear_failed_attempt: removes what an earlier attempt to deploy this release left here.
clear_failed_attempt() {
	check_layout
	# shellcheck disable=SC3013 # -ef: POSIX.1-2024, and in all of dash, bash and busybox ash
	[ "$root/current" -ef "$rel" ] || {
		remove_release "$release" || fail not-removed prepare
		rm -rf "$M"
	}
}
