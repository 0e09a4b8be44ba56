# shellcheck shell=sh
# What changes a host without a new release: `restart` and `prune`; and what `sync` asks and needs besides the steps
# of a deploy.

# restart: the live release's supervisor, with what was stored for it. Once begun it is done to the end, by whoever ends
# this run: a reload that was killed half way may have left nothing that serves.
restart() {
	M=$S/releases/$release
	[ -d "$M" ] || fail unknown-release restart "$release"
	has_step reload || { [ -e "$S/drained" ] && has_step undrain; } || {
		fact idle yes
		say notice "release $release was deployed without a supervisor: there is nothing to restart"
		return
	}
	keep_vars
	{ mark "$R/traffic.in" && mark "$R/restarting"; } || write_failed restart "$R"
	restart_on
}

# restart_on: what was begun, but for taking requests again. Whoever ends this run needs no space for it.
restart_on() {
	! asked || return 0
	M=$S/releases/$release
	traffic_is out || restart_drain
	reload '' || restart_failed "$reload_step" "$stored_limit"
	stored verify "$root/current" try || restart_failed verify "$stored_limit"
	health_good || {
		restart_over
		health_failed
	}
	[ "$health_kind" != client ] || traffic asked
}

# restart_drain: where that fails nothing was touched yet, so the host takes requests as before.
restart_drain() {
	has_step drain || return 0
	if nobody_for drain; then
		# It may have been drained already when the operator was lost.
		! traffic_is unclear || take_in try
		rm -f "$R/restarting"
		exit
	fi
	traffic unclear || write_failed drain "$R"
	if stored drain "$root/current" try; then
		traffic out
		return
	fi
	restart_code=$code restart_why=$why restart_limit=$stored_limit
	[ "$why" = stop ] || take_in try
	code=$restart_code why=$restart_why
	restart_failed drain "$restart_limit"
}

# restart_over: it is not tried again, unless it was stopped.
restart_over() {
	[ "$why" = stop ] || rm -f "$R/restarting"
}

# restart_failed STEP LIMIT
restart_failed() {
	restart_over
	broken "$@"
}

# restart_end: what was restarted, and is healthy, takes requests again.
restart_end() {
	[ -e "$R/restarting" ] || return 0
	M=$S/releases/$release
	! asked || traffic out
	take_in try || restart_failed undrain "$stored_limit"
	rm -f "$R/restarting"
}

# restart_serve: that, or what the operator is to ask before it.
restart_serve() {
	[ -e "$R/restarting" ] || return 0
	health_asks || restart_end
}

# restart_unwell: the operator asked, and it is not healthy: it stays drained, and is not tried again.
restart_unwell() {
	traffic out
	rm -f "$R/restarting"
}

# restart_again: what was stopped in the middle is done after all. Where the operator is to ask whether it is healthy, he is told,
# and it waits with everything held.
restart_again() {
	rm -f "$R/stop"
	[ -e "$R/restarting" ] || return 0
	apart restart_whole && return
	unlock
	exit $FAILED
}

restart_whole() {
	quiet_when_full && restart_on || return
	if [ -z "$alone" ] && asked; then health_asks; else restart_end; fi
}

# prune_all KEEP: what a deploy leaves: more releases than are kept, what failed and was kept, records of what is gone.
prune_all() {
	prune "$1" all
	for prune_record in "$S/releases/"[0-9]*; do
		prune_name=${prune_record##*/}
		# What was good can be made again from its record.
		[ -d "$root/releases/$prune_name" ] || in_journal "$prune_name" || rm -rf "$prune_record"
	done
	rm -f "$S/hold."*
	tidy
	fact pruned "$pruned"
	[ "$prune_bad" = 0 ] || fail not-removed prune
}

# sync_lock: the lock of a host that may never have been set up.
sync_lock() {
	set_up
	setup_lock
}

# set_up: tells where setup never ran.
set_up() {
	[ -d "$root/source/objects" ] || fact bare yes
}

# known: the releases that can be made live again from what was kept, as one fact.
known() {
	known_all=
	for known_meta in "$S/releases/"*/meta; do
		[ -f "$known_meta" ] || continue
		known_meta=${known_meta%/meta}
		known_all="$known_all ${known_meta##*/}"
	done
	fact known "${known_all# }"
}

# make_way: removes what an attempt to deploy this very release left here.
make_way() {
	sound
	# shellcheck disable=SC3013 # -ef: POSIX.1-2024, and in all of dash, bash and busybox ash
	[ "$root/current" -ef "$rel" ] || {
		remove_release "$release"
		rm -rf "$M"
	}
}
