# shellcheck shell=sh
# The rollback that the operator asks for: `undo`, and `abandon` for a revert. What a host does by itself is in
# recover.sh.

# restore_current: points `current` to what it was, but never to what is gone: then what is live now stays.
restore_current() {
	! is_current "$from" || return 0
	[ -d "$root/releases/$from" ] || return 1
	link_of "$from"
	[ -L "$R/back" ] || ln -s "$link_is" "$R/back" || return
	mv -T "$R/back" "$root/current"
}

# stay_live: `current` could not be moved, so this host goes on to serve the new release: nothing is reloaded. If it is
# known to be healthy, it takes requests again.
stay_live() {
	use_release
	read_health "$M"
	[ "$health_kind" != client ] || return
	if is_healthy; then take_in try; fi
	return 2
}

# quiet_when_full: a rollback must not fail because it cannot write to the log.
quiet_when_full() {
	head -c 65536 /dev/zero 2>/dev/null >"$R/probe" || LOG=/dev/null
	rm -f "$R/probe"
}

# roll_back: drain, link, post-deploy, reload, verify and health of the release that was live before. A step that fails
# does not stop the next. Returns 0: all is well; 1: healthy, but a step failed; 2: not healthy. Whether the host takes
# requests again is decided later (take_in_rolled_back).
roll_back() {
	roll_back_code=0
	# What follows in the record is the way back.
	note rollback yes
	quiet_when_full
	if [ -z "$from" ]; then
		roll_back_first
		return
	fi
	M=$S/releases/$from
	set_hook_env "$from" "$from_revision" "$revision" rollback
	drain_for_rollback || roll_back_code=1
	restore_current || {
		stay_live
		return 2
	}
	restore_files || roll_back_code=1
	run_stored post-deploy "$root/current" try || roll_back_code=1
	stop_new_service || roll_back_code=1
	serve_again || { has_supervisor && serve_again; } || roll_back_code=2
	[ $roll_back_code = 2 ] || is_healthy || roll_back_code=2
	return $roll_back_code
}

# serve_again: reloads and verifies what is live again. With a supervisor that shipit knows it is done twice if need be: what
# crashes in a loop may be between two starts when its supervisor is told, and then starts as it was once more.
serve_again() {
	again_code=0
	reload '' || again_code=1
	verify_service || again_code=1
	return $again_code
}

# roll_back_first: for a first deploy. Nothing was live: what was started is stopped while `current` still points to it.
roll_back_first() {
	use_release
	traffic_dir
	traffic_is out || operator_missing_for drain || run_stored drain "$traffic_dir" try || roll_back_code=1
	stop_service "$traffic_dir" || roll_back_code=1
	[ ! -L "$root/current" ] || rm -f "$root/current" || roll_back_code=1
	restore_files || roll_back_code=1
	return "$roll_back_code"
}

# end_rollback CODE: ends what roll_back began: a healthy host takes requests again. The entry says how it went.
end_rollback() {
	back_code=$1
	[ "$back_code" -gt 1 ] || in_subshell take_in_rolled_back || back_code=2
	if [ "$back_code" = 0 ]; then set_state back; else set_state failed; fi
	return "$back_code"
}

# drop_entry: removes the entry of a release that never went live here. If the host could not be taken in again, the
# entry stays and says so.
drop_entry() {
	if in_subshell take_in_unchanged; then
		rm -f "$entry"
		return
	fi
	set_state failed
	return 1
}

# undo: back to before this run, and releases the lock. Safe to repeat, and where the run did nothing. If only the
# operator can check the health of what is live again, it asks for that, and waits with the lock held.
undo() {
	rm -f "$R/stop" "$R/finishing" "$R/unbroken"
	undo_code=0
	unconfirm_healthy
	own_entry
	case $state in
	open | healthy)
		if ! has_switched; then
			drop_entry || undo_code=1
		elif waits_for_operator; then
			read_health "$S/releases/$from"
			fact undo-health "$health_spec"
			return
		else
			in_subshell roll_back
			undo_code=$?
			! undo_waits || return 0
			end_rollback $undo_code
			undo_code=$?
		fi
		;;
	failed) undo_code=1 ;;
	esac
	undo_over
}

undo_waits() {
	[ -n "$from" ] && [ "$undo_code" -le 1 ] || return
	read_health "$S/releases/$from"
	[ "$health_kind" = client ] || return
	if [ "$undo_code" = 0 ]; then set_traffic asked; else set_traffic amiss; fi
	fact undo-health "$health_spec"
}

# undo_end yes|no: the operator's answer.
undo_end() {
	waits_for_operator || return 0
	rm -f "$R/stop"
	undo_code=2
	if [ "$1" = yes ]; then
		undo_code=0
		! traffic_is amiss || undo_code=1
	fi
	set_traffic out
	end_rollback $undo_code
	undo_code=$?
	undo_over
}

undo_over() {
	tell_serving
	discard
	unlock
	[ "$undo_code" = 0 ] || fail not-rolled-back rollback
}

# abandon: ends a revert that failed here or elsewhere, or was stopped. It never returns to the release that it leaves:
# if it did not fail on this host, it is completed; if it did not switch yet, the live release stays.
abandon() {
	abandon_stopped=
	[ ! -e "$R/stop" ] || abandon_stopped=yes
	rm -f "$R/stop" "$R/finishing" "$R/unbroken"
	abandon_code=0
	own_entry
	case $state in
	open | healthy) abandon_entry ;;
	esac
	tell_serving
	discard
	[ $abandon_code = 0 ] && return
	unlock
	fail still-drained rollback
}

abandon_entry() {
	if ! has_switched; then
		[ "$state" != open ] || in_subshell take_in_unchanged || abandon_code=1
		set_state failed
	elif [ -z "$abandon_stopped" ] && [ -e "$R/failed" ]; then
		set_state failed
	else
		end_revert
		own_entry
		# It is live already, whatever the health check says.
		[ "$state" != 'done' ] || { use_release && tell_health_check; }
	fi
	return 0
}
