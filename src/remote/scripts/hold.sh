# shellcheck shell=sh
# The hold: a file of one line, replaced by rename, so that it needs no lock: who asks finds the old one or the new one.
# Fields, with tabs between: until when (empty: until `resume`), since when, who, why. The times are the operators': hosts
# neither set nor judge them, since their clocks may differ.

# held: the hold, as a fact. Also of a file that holds nothing: it was put there to hold.
held() {
	held_line=
	IFS= read -r held_line 2>/dev/null <"$S/hold" || [ -e "$S/hold" ] || return 0
	fact hold "$held_line"
}

# hold UNTIL WHY
hold() {
	[ -d "$S" ] || fail not-set-up hold "$S"
	# Tried again: a prune removes what a dead one left half made, and may have met ours.
	run_tool hold_write "$@" || run_tool hold_write "$@" || {
		rm -f "$S/hold.$run"
		fail cannot-write hold "$S/hold" "$said"
	}
	held
}

hold_write() {
	printf '%s\t%s\t%s\t%s\n' "$1" "$when" "$who" "$2" >"$S/hold.$run" && mv -T "$S/hold.$run" "$S/hold"
}

# resume: ends the hold, after telling it.
resume() {
	held
	run_tool rm -f "$S/hold" || fail cannot-remove resume "$S/hold" "$said"
}
