# shellcheck shell=sh
# Looking: what runs, what steps printed, what an app logs, and a terminal. Nothing here takes the lock or changes what is
# live. Text of any size leaves in pieces, each only when it is asked for: so whoever reads slowly makes nobody wait, and
# beats get through. A piece is read into a file first: what it announces must be there, whatever others do to the log.

# A `status` step that takes longer than this many seconds has said enough.
SERVING=15
# Bytes of one piece of a log file.
PIECE=131072

# serving: what the stored `status` step of the live release says of the app. After live.
serving() {
	[ -n "${live_is:-}" ] && [ -d "$root/current" ] || return 0
	M=$S/releases/$live_is
	has_step status || return 0
	if [ ! -d "$R" ]; then
		fact supervisor unknown
		return
	fi
	serving_revision=
	[ ! -f "$root/current/REVISION" ] || read -r serving_revision <"$root/current/REVISION"
	serving_says=$(
		exec 3>/dev/null
		context "$live_is" "$serving_revision" '' status
		for serving_file in "$M/steps/status".*; do
			serving_limit=${serving_file##*.}
			[ "$serving_limit" -le $SERVING ] || serving_limit=$SERVING
			try_hook status "$serving_limit" "$root/current" "$M" "$serving_file" && continue
			if [ "$why" = limit ]; then echo late; else echo down; fi
			exit
		done
		echo ok
	)
	fact supervisor "${serving_says:-unknown}"
}

# attempts: what this host wrote down of each run whose output it still has, oldest first.
attempts() {
	attempts_held=$(readlink "$S/lock")
	for attempts_file in "$S/logs/"*.steps; do
		[ -f "$attempts_file" ] || continue
		attempts_run=${attempts_file##*/}
		attempts_run=${attempts_run%.steps}
		attempts_text=
		while IFS= read -r attempts_line; do
			# The last line of a disk that was full may be half a line.
			case $attempts_line in
			*"$TAB"*) attempts_text=$attempts_text$TAB$attempts_line ;;
			esac
		done <"$attempts_file"
		[ "$attempts_held" != "run.$attempts_run" ] || attempts_text=$attempts_text${TAB}running${TAB}yes
		say attempt "$attempts_run$attempts_text"
	done
}

# tell_piece NAME FROM: what is in $R/piece.
tell_piece() {
	tell_size=$(($(wc -c <"$R/piece")))
	say piece "$1" "$2" "$tell_size"
	cat "$R/piece" >&3
}

# cut_piece FILE FROM COUNT
cut_piece() {
	tail -c "+$(($2 + 1))" -- "$1" | head -c "$3" >"$R/piece"
}

# room_to_look STEP
room_to_look() {
	[ -d "$R" ] || fail no-scratch "$1" "${TMPDIR:-/tmp}"
}

# output: $count bytes, from $begin on, of what the run $wanted printed.
output() {
	room_to_look show
	# shellcheck disable=SC2154 # set by the operator
	[ -f "$S/logs/$wanted.log" ] || fail output-gone show "$wanted"
	# shellcheck disable=SC2154 # set by the operator
	cut_piece "$S/logs/$wanted.log" "$begin" "$count" || write_failed show "$R"
	tell_piece "$wanted" "$begin"
}

# tails LINES PATTERN...: the first time the last LINES lines of the files that match; then what they have new.
# $R/seen remembers: inode, how far, name. One ls for all, since this is asked every second.
tails() {
	room_to_look logs
	tails_lines=$1
	shift
	cd "$root" 2>/dev/null || fail not-set-up logs "$root"
	tails_first=
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
			if [ -r "$tails_file" ]; then set -- "$@" "$tails_file"; else fact unreadable "$tails_file"; fi
		done
		unset IFS
	done
	shift "$tails_patterns"
	{ printf '' >"$R/next" && printf '' >>"$R/seen"; } || write_failed logs "$R"
	tails_rotated
	[ $# = 0 ] || LC_ALL=C TIME_STYLE=locale QUOTING_STYLE=literal ls -niLd -- "$@" >"$R/now"
	[ $# = 0 ] || while read -r tails_inode _ _ _ _ tails_size _ _ _ tails_file; do
		if [ -n "$tails_first" ]; then tails_begin "$tails_file"; else tails_one "$tails_file"; fi
	done <"$R/now"
	mv "$R/next" "$R/seen" || write_failed logs "$R"
	fact files "$#"
}

# tails_begin NAME: its last lines, of a piece at most. With $tails_inode and $tails_size, as all of these.
tails_begin() {
	tails_from=$((tails_size - PIECE))
	[ "$tails_from" -gt 0 ] || tails_from=0
	tail -c "+$((tails_from + 1))" -- "$1" | head -c "$((tails_size - tails_from))" | tail -n "$tails_lines" >"$R/piece"
	tell_piece "$tails_inode" "$tails_from"
	echo "$tails_inode $tails_size $1" >>"$R/next"
}

tails_one() {
	tails_from=0
	while read -r seen_inode seen_from seen_file; do
		[ "$seen_file" = "$1" ] || continue
		if [ "$seen_inode" != "$tails_inode" ]; then
			tails_gone "$seen_inode" "$seen_from" "$1"
		elif [ "$seen_from" -le "$tails_size" ]; then
			tails_from=$seen_from
		fi
	done <"$R/seen"
	if [ "$tails_size" -gt "$tails_from" ]; then
		tails_count=$((tails_size - tails_from))
		[ "$tails_count" -le "$PIECE" ] || tails_count=$PIECE
		cut_piece "$1" "$tails_from" "$tails_count"
		tell_piece "$tails_inode" "$tails_from"
		tails_from=$((tails_from + tell_size))
	fi
	echo "$tails_inode $tails_from $1" >>"$R/next"
}

# tails_gone INODE FROM NAME: a log was rotated away. What it had left is read under its new name, if it got one there.
tails_gone() {
	gone_dir=.
	case $3 in
	*/*) gone_dir=${3%/*}/ ;;
	esac
	QUOTING_STYLE=literal ls -i -- "$gone_dir" >"$R/there" 2>/dev/null
	while read -r gone_inode gone_file; do
		[ "$gone_inode" != "$1" ] || tails_left "$1" "$2" "${gone_dir%/}/$gone_file"
	done <"$R/there"
}

# tails_rotated: what did not fit into one piece.
tails_rotated() {
	[ -e "$R/rotated" ] || return 0
	mv "$R/rotated" "$R/rotating"
	while read -r seen_inode seen_from seen_file; do
		tails_left "$seen_inode" "$seen_from" "$seen_file"
	done <"$R/rotating"
}

# tails_left INODE FROM NAME
tails_left() {
	[ -f "$3" ] || return 0
	cut_piece "$3" "$2" "$PIECE"
	tell_piece "$1" "$2"
	[ "$tell_size" -lt "$PIECE" ] || echo "$1 $(($2 + tell_size)) $3" >>"$R/rotated"
}

# quoted TEXT: as one word for a shell, in $quoted.
quoted() {
	quoted="'" quoted_rest=$1
	while [ "$quoted_rest" != "${quoted_rest#*\'}" ]; do
		quoted=$quoted${quoted_rest%%\'*}"'\\''" quoted_rest=${quoted_rest#*\'}
	done
	quoted=$quoted$quoted_rest\'
}

# What a terminal's session starts from. The shell reads `rc` itself, after its own files, so that functions of a profile
# (nvm) are there too; a login shell has read its own by then.
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

# console: makes ready what a terminal needs, and tells where. Secrets go to files that only we can read; they are removed with
# this run.
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
		quoted "$with_shell"
		echo "shipit_shell=$quoted shipit_option=$with_option"
		quoted "$root/current"
		echo "cd $quoted || exit 17"
	} >"$M/context" && {
		echo "shipit_meta=$console_meta"
		# Else a person would miss his own aliases.
		# shellcheck disable=SC2016,SC2088
		case $with_option:${with_shell##*/} in
		-c:bash) echo '[ ! -r ~/.bashrc ] || . ~/.bashrc' ;;
		esac
		printf '%s\n' "$CONSOLE_RC"
	} >"$M/rc" && printf '%s\n' "$CONSOLE" >"$M/console" || write_failed console "$M"
	fact console "$M/console"
}
