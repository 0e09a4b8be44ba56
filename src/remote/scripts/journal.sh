# shellcheck shell=sh
# The journal: a file for each deploy and revert, NUMBER.RELEASE.STATE. It is complete before anything goes live; later
# only its name changes, which needs no disk space.
#
# open     will go live, or is          healthy  all hosts are: from here it goes forward
# done     was live and good            back     was rolled back       failed   should have been rolled back, and was not

# own_entry: sets $entry to the entry that this run made, and $state to its state. Its number is kept in the run's
# directory.
own_entry() {
	entry='' state=none
	for entry_mark in "$R"/entry.*; do
		[ -e "$entry_mark" ] || return 1
		for entry_is in "$S/journal/${entry_mark##*/entry.}".*; do
			if [ -f "$entry_is" ]; then
				entry=$entry_is state=${entry_is##*.}
				return
			fi
		done
	done
	return 1
}

# is_entry NAME: whether it is a name of ours. A number is six digits; more would not be one for every shell.
is_entry() {
	case $1 in
	??????.????????T??????Z-???????.*) is_number "${1%%.*}" ;;
	*) return 1 ;;
	esac
}

# open_entry: marks the release as whole, writes the entry, and makes the links and marks that are needed later, while
# there is disk space. After a power loss a file system may have the name of a file without its content: so everything is
# synced before the entry says that the release will go live.
open_entry() {
	mark_whole
	entry_number=100000
	for entry_last in "$S/journal/"[0-9]*; do
		is_entry "${entry_last##*/}" && entry_number=${entry_last##*/}
	done
	entry_number=${entry_number%%.*}
	entry_number=$((entry_number + 1))
	entry_new=$R/intent
	# The subject of the commit, for lists: data, which the operator cleans. rev-list, whatever the login's git is told.
	entry_subject=$(git_source rev-list --max-count=1 --format=%s "$revision" 2>/dev/null) || entry_subject=
	case $entry_subject in
	*"$NL"*) entry_subject=${entry_subject#*"$NL"} entry_subject=${entry_subject%%["$NL$TAB"]*} ;;
	*) entry_subject= ;;
	esac
	{
		printf 'release\t%s\nrevision\t%s\nreference\t%s\naction\t%s\n' "$release" "$revision" "$reference" "$action" &&
			printf 'from\t%s\nfrom-revision\t%s\nwho\t%s\nwhen\t%s\nrun\t%s\n' "$from" "$from_revision" "$who" "$when" "$run" &&
			printf 'subject\t%.200s\n' "$entry_subject" &&
			{ [ -z "$apps" ] || printf 'apps\t%s\n' "$apps"; }
	} >"$entry_new" || write_failed intent "$R"
	link_of "$from"
	if { [ -z "$from" ] || ln -s "$link_is" "$R/back"; } && link_of "$release" && ln -s "$link_is" "$R/go" &&
		mark_traffic && { printf . >"$R/job.0.0.0"; } && mark "$R/entry.$entry_number" && { sync -f "$S" 2>/dev/null || sync; } &&
		mv "$entry_new" "$S/journal/$entry_number.$release.open"; then
		return 0
	fi
	write_failed intent "$R"
}

# set_state STATE: renames the entry of this run.
set_state() {
	own_entry || return 0
	[ "$state" = "$1" ] || run_tool mv "$entry" "${entry%.*}.$1"
}

# in_journal RELEASE: whether it was live and healthy once.
in_journal() {
	for in_journal_entry in "$S/journal/"[0-9]*".$1.done" "$S/journal/"[0-9]*".$1.healthy"; do
		[ ! -f "$in_journal_entry" ] || return 0
	done
	return 1
}

# has_switched: whether this run replaced `current`: the rename that does it takes the link out of the run's directory.
has_switched() {
	[ ! -L "$R/go" ]
}

# tell_journal: tells all entries, oldest first: number, state, then each line as a name and a value.
tell_journal() {
	for journal_file in "$S/journal/"[0-9]*; do
		journal_name=${journal_file##*/}
		is_entry "$journal_name" && [ -f "$journal_file" ] || continue
		journal_text=
		while IFS= read -r journal_line; do
			journal_text=$journal_text$TAB$journal_line
		done <"$journal_file"
		say entry "${journal_name%%.*}" "${journal_name##*.}$journal_text"
	done
}
