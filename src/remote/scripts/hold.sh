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
	[ -d "$S" ] || fail 10 hold "nothing was set up here: $root/.shipit is not there"
	# Tried again: a prune removes what a dead one left half made, and may have met ours.
	hold_write "$@" || hold_write "$@" || {
		rm -f "$S/hold.$run"
		fail 12 hold "$S/hold cannot be written"
	}
	held
}

hold_write() {
	printf '%s\t%s\t%s\t%s\n' "$1" "$when" "$who" "$2" >"$S/hold.$run" && mv -T "$S/hold.$run" "$S/hold"
}

# resume: ends the hold, after telling it.
resume() {
	held
	rm -f "$S/hold"
	[ ! -e "$S/hold" ] || fail 12 resume "$S/hold cannot be removed"
}
