# shellcheck shell=sh
# The hold: a file of one line, replaced by rename, so that it needs no lock: a reader finds the old one or the new one.
# Fields, with tabs between: until when (empty: until `resume`), since when, who, why. The times come from operators:
# hosts neither set nor compare them, since their clocks may differ.

# tell_hold: tells the hold as a fact. An empty file is a hold too: somebody put it there to hold.
tell_hold() {
	held_line=
	IFS= read -r held_line 2>/dev/null <"$S/hold" || [ -e "$S/hold" ] || return 0
	fact hold "$held_line"
}

# hold UNTIL WHY
hold() {
	[ -d "$S" ] || fail not-set-up hold "$S"
	# Tried twice: a prune removes what a dead process left half made, and may have removed ours.
	run_tool hold_write "$@" || run_tool hold_write "$@" || {
		rm -f "$S/hold.$run"
		fail cannot-write hold "$S/hold" "$said"
	}
	tell_hold
}

hold_write() {
	printf '%s\t%s\t%s\t%s\n' "$1" "$when" "$who" "$2" >"$S/hold.$run" && mv -T "$S/hold.$run" "$S/hold"
}

# resume: tells the hold, then ends it.
resume() {
	tell_hold
	run_tool rm -f "$S/hold" || fail cannot-remove resume "$S/hold" "$said"
}
