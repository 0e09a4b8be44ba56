# shellcheck shell=sh
# The way back, on the operator's word: `undo`, and for a revert `abandon`. What a host does by itself is the same
# (recover.sh).

# point_back: `current` to what it was.
point_back() {
	[ "$(readlink "$root/current")" != "releases/$from" ] || return 0
	[ -L "$R/back" ] || ln -s "releases/$from" "$R/back"
	mv -T "$R/back" "$root/current"
}

# quiet_when_full: the way back must not die of its own words.
quiet_when_full() {
	head -c 65536 /dev/zero 2>/dev/null >"$R/probe" || LOG=/dev/null
	rm -f "$R/probe"
}

# put_back: drain, link, post-deploy, reload, verify, health of what was live before; a step that fails does not stop the next.
# 0: all is well   1: it is well, though a step failed   2: it is not. Whether it takes requests is another question
# (serve_again).
put_back() {
	put_back_code=0
	quiet_when_full
	if [ -z "$from" ]; then
		first_back
		return
	fi
	M=$S/releases/$from
	context "$from" "$from_revision" "$revision" rollback
	drain_back || put_back_code=1
	{ point_back && files_back; } || put_back_code=1
	stored post-deploy "$root/current" try || put_back_code=1
	reload '' || put_back_code=2
	stored verify "$root/current" try || put_back_code=2
	[ $put_back_code = 2 ] || health_good || put_back_code=2
	return $put_back_code
}

# first_back: of a first deploy. Nothing was live: what was started is stopped while `current` still leads to it.
first_back() {
	aim
	traffic_is out || nobody_for drain || stored drain "$root/current" try || put_back_code=1
	stored stop "$root/current" try || put_back_code=1
	[ ! -L "$root/current" ] || rm -f "$root/current" || put_back_code=1
	files_back || put_back_code=1
	return "$put_back_code"
}

# back_ends CODE: the end of what put_back began: what is well takes requests again. The entry says how it went.
back_ends() {
	back_code=$1
	[ "$back_code" -gt 1 ] || apart serve_again || back_code=2
	if [ "$back_code" = 0 ]; then turn back; else turn failed; fi
	return "$back_code"
}

# dropped: the entry of what never went live here; where the host could not be taken in again, it stays and says so.
dropped() {
	if apart serve_on; then
		rm -f "$mine"
		return
	fi
	turn failed
	return 1
}

# undo: back to before this run, whatever it did, and lets go. Harmless where it did nothing, and when done twice. Where only
# the operator can tell whether what is live again is healthy, it asks for that, and waits with everything held.
undo() {
	rm -f "$R/stop"
	undo_code=0
	going_back
	mine
	case $state in
	open | healthy)
		if ! switched; then
			dropped || undo_code=1
		elif asked; then
			health_of "$S/releases/$from"
			fact undo-health "$health_spec"
			return
		else
			apart put_back
			undo_code=$?
			! undo_asks || return 0
			back_ends $undo_code
			undo_code=$?
		fi
		;;
	failed) undo_code=1 ;;
	esac
	undo_over
}

undo_asks() {
	[ -n "$from" ] && [ "$undo_code" -le 1 ] || return
	health_of "$S/releases/$from"
	[ "$health_kind" = client ] || return
	if [ "$undo_code" = 0 ]; then traffic asked; else traffic amiss; fi
	fact undo-health "$health_spec"
}

# undo_end yes|no: the answer to that.
undo_end() {
	asked || return 0
	rm -f "$R/stop"
	undo_code=2
	if [ "$1" = yes ]; then
		undo_code=0
		! traffic_is amiss || undo_code=1
	fi
	traffic out
	back_ends $undo_code
	undo_code=$?
	undo_over
}

undo_over() {
	discard
	unlock
	[ "$undo_code" = 0 ] || fail not-rolled-back rollback
}

# abandon: a revert that failed here or elsewhere, or was told to stop. It never returns to the release it leaves: where it
# did not fail itself, it is done to its end; where it did not leave it yet, that serves on.
abandon() {
	abandon_stopped=
	[ ! -e "$R/stop" ] || abandon_stopped=yes
	rm -f "$R/stop"
	abandon_code=0
	mine
	case $state in
	open | healthy) abandon_entry ;;
	esac
	discard
	[ $abandon_code = 0 ] && return
	unlock
	fail still-drained rollback
}

abandon_entry() {
	if ! switched; then
		[ "$state" != open ] || apart serve_on || abandon_code=1
		turn failed
	elif [ -z "$abandon_stopped" ] && [ -e "$R/failed" ]; then
		turn failed
	else
		forward_ends
		mine
		# It serves already, whatever comes of that.
		[ "$state" != 'done' ] || { aim && health_asks; }
	fi
	return 0
}
