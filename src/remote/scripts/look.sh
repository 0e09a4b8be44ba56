# shellcheck shell=sh
# Looking: what runs, what steps printed, what an app logs, and a terminal. Nothing here takes the lock or changes what
# is live. Text of any size is sent in pieces, each only when it is asked for: so a slow reader delays nothing else, and
# beats get through. A piece is copied to a file first: its announced size must be right, whatever happens to the log.

# A `status` step may take that many seconds.
SERVING=15
# Bytes of one piece of a log file.
PIECE=131072

# tell_service: tells what the stored `status` step of the live release says about the service. Called after tell_live.
tell_service() {
	[ -n "${live_is:-}" ] && [ -d "$root/current" ] || return 0
	M=$S/releases/$live_is
	has_step status || has_supervisor || return 0
	if [ ! -d "$R" ]; then
		fact supervisor unknown
		return
	fi
	serving_revision=
	[ ! -f "$root/current/REVISION" ] || read -r serving_revision <"$root/current/REVISION"
	serving_says=$(
		exec 3>/dev/null
		set_hook_env "$live_is" "$serving_revision" '' status
		for serving_file in "$M/steps/status".*; do
			read_step status "$serving_file" || continue
			serving_limit=$step_limit
			[ "$serving_limit" -le $SERVING ] || serving_limit=$SERVING
			try_hook status "$serving_limit" "$root/current" "$M" "$serving_file" && continue
			if [ "$why" = limit ]; then echo late; else echo down; fi
			exit
		done
		echo ok
	)
	if [ "$serving_says" = ok ] && has_supervisor; then
		revision=$serving_revision
		ask_adapters status && hear_answer "$R/answers"
		serving_says=${ask_says:-}
	fi
	fact supervisor "${serving_says:-unknown}"
}

# tell_attempts: tells the record of each run whose output this host still has, oldest first.
tell_attempts() {
	attempts_held=$(readlink "$S/lock")
	for attempts_file in "$S/logs/"*.steps; do
		[ -f "$attempts_file" ] || continue
		attempts_run=${attempts_file##*/}
		attempts_run=${attempts_run%.steps}
		attempts_text=
		while IFS= read -r attempts_line; do
			# On a full disk the last line may have been cut.
			case $attempts_line in
			*"$TAB"*) attempts_text=$attempts_text$TAB$attempts_line ;;
			esac
		done <"$attempts_file"
		[ "$attempts_held" != "run.$attempts_run" ] || attempts_text=$attempts_text${TAB}running${TAB}yes
		say attempt "$attempts_run$attempts_text"
	done
}

# tell_piece NAME FROM: sends what is in $R/piece.
tell_piece() {
	count_bytes "$R/piece"
	tell_size=$size
	say piece "$1" "$2" "$tell_size"
	cat "$R/piece" >&3
}

# cut_piece FILE FROM COUNT
cut_piece() {
	tail -c "+$(($2 + 1))" -- "$1" | head -c "$3" >"$R/piece"
}

# need_scratch STEP
need_scratch() {
	[ -d "$R" ] || fail no-scratch "$1" "${TMPDIR:-/tmp}"
}

# tell_output: sends $count bytes, from $begin on, of what the run $wanted printed.
tell_output() {
	need_scratch show
	# shellcheck disable=SC2154 # set by the operator
	[ -f "$S/logs/$wanted.log" ] || fail output-gone show "$wanted"
	# shellcheck disable=SC2154 # set by the operator
	cut_piece "$S/logs/$wanted.log" "$begin" "$count" || write_failed show "$R"
	tell_piece "$wanted" "$begin"
}

# tell_log_lines LINES PATTERN...: sends the last LINES lines of the matching files the first time, then what is new. `all`
# instead of a number: all of them since $since_epoch. A log is known by a number: the link $R/tail.NUMBER leads to it. So
# what ls prints, and what $R/seen remembers (number, inode, position), has no name in it: a name may be anything, lines that
# look like those of ls too. One ls for all files, since this is called every second.
tell_log_lines() {
	need_scratch logs
	tails_lines=$1
	shift
	cd "$root" 2>/dev/null || fail not-set-up logs "$root"
	tails_first='' tails_dir=$(pwd) tails_number=$TAILS tails_known=' '
	[ -e "$R/seen" ] || tails_first=yes
	tails_patterns=$#
	for tails_pattern in "$@"; do
		# shellcheck disable=SC2088 # the home that is meant is that of the host
		case $tails_pattern in
		'~/'*) tails_pattern=$HOME/${tails_pattern#'~/'} ;;
		esac
		IFS=
		for tails_file in $tails_pattern; do
			[ -f "$tails_file" ] || continue
			if [ ! -r "$tails_file" ]; then
				fact unreadable "$tails_file"
			elif tails_count "$tails_file"; then
				set -- "$@" "tail.$tails_number"
			fi
		done
		unset IFS
	done
	shift "$tails_patterns"
	tails_send "$@"
	fact files "$#"
}

# tails_send LINK...: sends what is wanted of them. While all since a time is sent, one file follows the other: so lines of
# one program stay in their order.
tails_send() {
	{ printf '' >"$R/next" && printf '' >>"$R/seen"; } || write_failed logs "$R"
	tails_rotated
	# The links lead out of here.
	cd "$R" || write_failed logs "$R"
	tails_wait=
	[ $# = 0 ] || LC_ALL=C TIME_STYLE=locale ls -niLd "$@" >now 2>/dev/null
	[ $# = 0 ] || while read -r tails_inode _ _ _ _ tails_size tails_number; do
		tails_number=${tails_number##*tail.}
		is_number "$tails_size" && is_number "$tails_number" || continue
		if [ -n "$tails_first" ]; then tails_begin; else tails_one; fi
	done <now
	[ -n "$tails_wait" ] || rm -f catching-up
	mv next seen || write_failed logs "$R"
}

# tell_supervisor_logs LINES: the logs that the supervisors of the live release name: files, and systemd's journal.
tell_supervisor_logs() {
	need_scratch logs
	logs_lines=$1
	if [ ! -e "$R/log-files" ]; then
		tell_live
		printf '' >"$R/log-files" && printf '' >"$R/journals" || write_failed logs "$R"
		[ -z "$live_is" ] || name_logs
	fi
	shift
	while IFS= read -r logs_file; do
		set -- "$@" "$logs_file"
	done <"$R/log-files"
	# These are names and no patterns.
	set -f
	tell_log_lines "$logs_lines" "$@"
	set +f
	tell_journals $#
}

# name_logs: asks the supervisors for the places of their logs.
name_logs() {
	M=$S/releases/$live_is
	ask_adapters logs
	while IFS=$TAB read -r logs_kind logs_place logs_unit; do
		case $logs_kind in
		log)
			[ "$logs_lines" != all ] || since_archives "$logs_place"
			printf '%s\n' "$logs_place" >>"$R/log-files"
			;;
		journal) printf '%s\t%s\n' "$logs_place" "$logs_unit" >>"$R/journals" ;;
		esac
	done <"$R/answers"
}

# tell_journals FILES: the same for units of systemd.
tell_journals() {
	journal_files=$1 journal_number=0
	while IFS=$TAB read -r journal_scope journal_unit; do
		journal_number=$((journal_number + 1))
		[ -s "$R/journal.$journal_number" ] || read_journal
		[ ! -s "$R/journal.$journal_number" ] || send_spool "$R/journal.$journal_number" "journal.$journal_number"
	done <"$R/journals"
	fact files "$((journal_files + journal_number))"
}

# read_journal: makes a file of what a unit has new. $R/cursor.N remembers how far it was read: journalctl writes it at the
# end, so it must not be cut off.
read_journal() {
	journal_file=$R/journal.$journal_number
	set -- --quiet --no-pager --output=short-iso --cursor-file="$R/cursor.$journal_number" -u "$journal_unit"
	[ "$journal_scope" != user ] || set -- "$@" --user
	if [ ! -e "$R/cursor.$journal_number" ]; then
		[ "$logs_lines" = all ] || set -- "$@" -n "$logs_lines"
		[ ! -s "$R/since" ] || set -- "$@" --since="@$(cat "$R/since")"
	fi
	journal_before=
	[ ! -e "$journal_file" ] || journal_before=yes
	journalctl "$@" >"$journal_file" 2>/dev/null </dev/null
	[ -s "$journal_file" ] || [ -n "$journal_before" ] || journal_is_readable || fact no-journal "$journal_unit"
}

# journal_is_readable: whether this login can read the journal in which the unit's lines are. journalctl shows nothing
# where it cannot, as if nothing had been logged.
journal_is_readable() {
	command -v journalctl >/dev/null || return 1
	[ "$journal_scope" = system ] || return 0
	for journal_file in /var/log/journal/*/system.journal /run/log/journal/*/system.journal; do
		[ ! -r "$journal_file" ] || return 0
	done
	return 1
}

# Logs are numbered from here on, with as many digits: ls shows them in the order in which they were found.
TAILS=1000
# The most logs that are followed.
MOST_TAILS=200

# tails_count FILE: sets $tails_number to the number of that log, and makes its link. Returns 1 if it was counted before
# under another name, or is one too many.
tails_count() {
	# As a rule the files come in the same order each time.
	tails_number=$((tails_number + 1))
	# shellcheck disable=SC3013 # -ef: POSIX.1-2024, and in all of dash, bash and busybox ash
	[ "$R/tail.$tails_number" -ef "$1" ] || {
		tails_number=$((TAILS + 1))
		while [ -L "$R/tail.$tails_number" ] && ! [ "$R/tail.$tails_number" -ef "$1" ]; do
			tails_number=$((tails_number + 1))
		done
	}
	if [ ! -L "$R/tail.$tails_number" ]; then
		[ "$tails_number" -le $((TAILS + MOST_TAILS)) ] || return 1
		case $1 in
		/*) ln -s "$1" "$R/tail.$tails_number" || return 1 ;;
		*) ln -s "$tails_dir/$1" "$R/tail.$tails_number" || return 1 ;;
		esac
	fi
	case $tails_known in
	*" $tails_number "*) return 1 ;;
	esac
	tails_known="$tails_known$tails_number "
}

# tails_begin: sends its last lines, one piece at most. Like all of these, it uses $tails_number, $tails_inode and
# $tails_size.
tails_begin() {
	tails_oldest=0
	archives_begin
	if [ -n "${since_epoch:-}" ]; then
		since_find "tail.$tails_number" "$tails_size" || fact untimed "$(readlink "tail.$tails_number")"
		# shellcheck disable=SC2154 # since.sh, which is sent where it is needed, sets it
		tails_oldest=$since_from
		if [ "$tails_lines" = all ]; then
			tails_from=$since_from
			tails_more
			return
		fi
	fi
	tails_from=$((tails_size - PIECE))
	[ "$tails_from" -gt "$tails_oldest" ] || tails_from=$tails_oldest
	tail -c "+$((tails_from + 1))" "tail.$tails_number" | head -c "$((tails_size - tails_from))" |
		tail -n "$tails_lines" >piece
	[ "$tails_from" != 0 ] || archives_before
	tails_tell
	tails_from=$tails_size
	tails_note
}

# tails_tell: sends what is in `piece`. What svlogd or s6-log write is one stream, whatever file it is in.
tails_tell() {
	if [ -n "$tails_stamp" ]; then
		tell_piece "log.$tails_number" "$tails_from"
	else
		tell_piece "$tails_inode" "$tails_from"
	fi
}

# tails_note: remembers how far the log was shown; of those that svlogd or s6-log writes, also which rotation was.
tails_note() {
	echo "$tails_number $tails_inode $tails_from${tails_stamp:+ $tails_stamp}" >>next
}

tails_one() {
	tails_from=0 tails_stamp=''
	while read -r seen_number seen_inode seen_from seen_stamp; do
		[ "$seen_number" = "$tails_number" ] && is_number "$seen_from" || continue
		if [ -n "$seen_stamp" ]; then
			archives_one
			return
		elif [ "$seen_inode" != "$tails_inode" ]; then
			tails_left "$seen_number" "$seen_inode" "$seen_from"
		elif [ "$seen_from" -le "$tails_size" ]; then
			tails_from=$seen_from
		fi
	done <seen
	tails_more
}

# tails_more: sends a piece from $tails_from on.
tails_more() {
	if [ -z "$tails_wait" ] && [ "$tails_size" -gt "$tails_from" ]; then
		tails_wanted=$((tails_size - tails_from))
		[ "$tails_wanted" -le "$PIECE" ] || tails_wanted=$PIECE
		cut_piece "tail.$tails_number" "$tails_from" "$tails_wanted"
		tails_tell
		tails_from=$((tails_from + tell_size))
		[ "$tell_size" -lt "$PIECE" ] || [ ! -e catching-up ] || tails_wait=yes
	fi
	tails_note
}

# tails_rotated: sends the rest of rotated logs that did not fit into one piece.
tails_rotated() {
	[ -e "$R/rotated" ] || return 0
	mv "$R/rotated" "$R/rotating"
	while read -r seen_number seen_inode seen_from; do
		is_number "$seen_from" && tails_left "$seen_number" "$seen_inode" "$seen_from"
	done <"$R/rotating"
}

# tails_left NUMBER INODE FROM: a log was rotated. The rest of it is read under its new name, if it has one in the same
# directory.
tails_left() {
	left_dir=$(readlink "$R/tail.$1")
	find "${left_dir%/*}/" -maxdepth 1 -type f -inum "$2" -exec tail -c "+$(($3 + 1))" {} \; 2>/dev/null |
		head -c $PIECE >"$R/piece"
	[ -s "$R/piece" ] || return 0
	tell_piece "$2" "$3"
	[ "$tell_size" -lt "$PIECE" ] || echo "$1 $2 $(($3 + tell_size))" >>"$R/rotated"
}

# quoted TEXT: sets $quoted to it as one word of a shell.
quoted() {
	quoted="'" quoted_rest=$1
	while [ "$quoted_rest" != "${quoted_rest#*\'}" ]; do
		quoted=$quoted${quoted_rest%%\'*}"'\\''" quoted_rest=${quoted_rest#*\'}
	done
	quoted=$quoted$quoted_rest\'
}

# How the session of a terminal starts. The shell reads `rc` itself, after its own files, so that functions of a profile
# (nvm) exist too; a login shell has read its own files by then.
# shellcheck disable=SC2016 # expanded by the terminal's own shells
CONSOLE='shipit_meta=${0%/*}
. "$shipit_meta/context"
case $shipit_option:${shipit_shell##*/} in
-lc:*) exec "$shipit_shell" -lc ". \"\$1/rc\"; exec \"\$0\" -i" "$shipit_shell" "$shipit_meta" ;;
*:bash) exec "$shipit_shell" --rcfile "$shipit_meta/rc" -i ;;
esac
ENV=$shipit_meta/rc
export ENV
exec "$shipit_shell" -i'
# shellcheck disable=SC2016
CONSOLE_RC='. "$shipit_meta/enter"
. "$shipit_meta/env" || exit 14
unset ENV shipit_meta'

# console: makes what a terminal needs, and tells where it is. Secrets go to files that only this login can read; they
# are removed with this run.
console() {
	exec_ready console
	umask 077
	quoted "$M"
	console_meta=$quoted
	{
		for console_name in SHIPIT_RELEASE SHIPIT_REVISION SHIPIT_PREVIOUS_REVISION SHIPIT_ACTION SHIPIT_RELEASE_PATH \
			SHARED SHIPIT_ENV SHIPIT_APP SHIPIT_HOST SHIPIT_ROLES SHIPIT_REF SHIPIT_USER; do
			eval "quoted \"\$$console_name\""
			echo "export $console_name=$quoted"
		done
		[ "$agent" != git ] || echo 'unset SSH_AUTH_SOCK'
		quoted "$with_shell"
		echo "shipit_shell=$quoted shipit_option=$with_option"
		quoted "$root/current"
		echo "cd $quoted || exit 17"
	} >"$M/context" && {
		echo "shipit_meta=$console_meta"
		# Without this a person would miss the login's own aliases.
		# shellcheck disable=SC2016,SC2088
		case $with_option:${with_shell##*/} in
		-c:bash) echo '[ ! -r ~/.bashrc ] || . ~/.bashrc' ;;
		esac
		printf '%s\n' "$CONSOLE_RC"
	} >"$M/rc" && printf '%s\n' "$CONSOLE" >"$M/console" || write_failed console "$M"
	fact console "$M/console"
}
