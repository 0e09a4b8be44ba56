# shellcheck shell=sh
# The journal: a file per deploy and per revert, NUMBER.RELEASE.STATE, made with all it says before anything goes
# live; from then on only its name changes, which needs no space.
#
# open     will go live, or is          healthy  all hosts said so: from here it goes forward
# done     was live and good            back     was rolled back       failed   should have been rolled back, and was not

# mine: the entry that this run made, in whatever state, in $mine, and its state in $state: its number was kept in the
# run's directory.
mine() {
	mine='' state=none
	for mine_mark in "$R"/entry.*; do
		[ -e "$mine_mark" ] || return 1
		for mine_is in "$S/journal/${mine_mark##*/entry.}".*; do
			if [ -f "$mine_is" ]; then
				mine=$mine_is state=${mine_is##*.}
				return
			fi
		done
	done
	return 1
}

# intent: writes the entry, and makes the links and the mark that will be needed with no disk to spare. A machine that loses its
# power keeps names before it keeps what is in files: all is on the disk before the entry says that it will go live.
intent() {
	set -- "$S/journal/"[0-9]*
	eval "intent_last=\${$#}"
	intent_last=${intent_last##*/}
	intent_number=${intent_last%%.*}
	case $intent_number in
	'' | *[!0-9]*) intent_number=100000 ;;
	esac
	intent_number=$((intent_number + 1))
	intent_new=$R/intent
	{
		printf 'release\t%s\nrevision\t%s\nreference\t%s\naction\t%s\n' "$release" "$revision" "$reference" "$action" &&
			printf 'from\t%s\nfrom-revision\t%s\nwho\t%s\nwhen\t%s\nrun\t%s\n' "$from" "$from_revision" "$who" "$when" "$run" &&
			{ [ -z "$apps" ] || printf 'apps\t%s\n' "$apps"; }
	} >"$intent_new" || write_failed intent "$R"
	if { [ -z "$from" ] || ln -s "releases/$from" "$R/back"; } && ln -s "releases/$release" "$R/go" &&
		traffic_ready && mark "$R/entry.$intent_number" && { sync -f "$S" 2>/dev/null || sync; } &&
		mv "$intent_new" "$S/journal/$intent_number.$release.open"; then
		return 0
	fi
	write_failed intent "$R"
}

# turn STATE: renames this run's entry.
turn() {
	mine || return 0
	[ "$state" = "$1" ] || run_tool mv "$mine" "${mine%.*}.$1"
}

# in_journal RELEASE: whether it was live and good once.
in_journal() {
	for in_journal_entry in "$S/journal/"[0-9]*".$1.done" "$S/journal/"[0-9]*".$1.healthy"; do
		[ ! -f "$in_journal_entry" ] || return 0
	done
	return 1
}

# switched: whether this run replaced `current`: the link that does it is gone from its directory with that very rename.
switched() {
	[ ! -L "$R/go" ]
}

# journal: all entries, oldest first: number, state, then its lines, each a name and a value.
journal() {
	for journal_file in "$S/journal/"[0-9]*; do
		[ -f "$journal_file" ] || continue
		journal_name=${journal_file##*/}
		journal_text=
		while IFS= read -r journal_line; do
			journal_text=$journal_text$TAB$journal_line
		done <"$journal_file"
		say entry "${journal_name%%.*}" "${journal_name##*.}$journal_text"
	done
}
