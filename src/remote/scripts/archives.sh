# shellcheck shell=sh
# What svlogd and s6-log move away from a log. Both write `current`, in a directory with a `lock`. When it is full they call it
# @STAMP.s (@STAMP.u: not written to its end), and a processor may have packed it. s6-log calls it `previous` while its
# processor works. A stamp is a time in 24 hex digits: names in their order are times in their order.

# The most bytes that are taken out of a packed one.
ARCHIVE_MOST=67108864

# archives_of FILE [STAMP]: sets $archives to the names of what was moved away from it after STAMP, oldest first, `previous`
# last; $archives_dir to where they are; and $archives_stamp to the newest stamp (- for none), with a + where there is a
# `previous`. For a log that neither of the two writes, all are empty.
archives_of() {
	archives='' archives_dir=${1%/*} archives_stamp=''
	[ "${1##*/}" = current ] && [ -e "$archives_dir/lock" ] || return 0
	archives_last=${2:--} archives_stamp=-
	case $- in
	*f*) archives_flag=-f ;;
	*) archives_flag=+f ;;
	esac
	set +f
	for archives_file in "$archives_dir"/@*.[su]; do
		archives_hex=${archives_file##*/@}
		archives_end=${archives_hex##*.} archives_hex=${archives_hex%.[su]}
		case ${#archives_hex}:$archives_hex in
		24:*[!0123456789abcdef]*) continue ;;
		24:*) ;;
		*) continue ;;
		esac
		# With both ends for a moment: the first one is whole.
		[ "$archives_hex" != "$archives_stamp" ] || continue
		archives_stamp=$archives_hex
		# shellcheck disable=SC3012 # \>: in all of dash, bash and busybox ash
		[ "$archives_hex" \> "$archives_last" ] || continue
		archives="$archives @$archives_hex.$archives_end"
	done
	set "$archives_flag"
	[ ! -f "$archives_dir/previous" ] || archives="$archives previous" archives_stamp=$archives_stamp+
}

# archive_packer NAME: sets $packer to the program that unpacks it, or to nothing.
archive_packer() {
	case $(head -c 4 "$archives_dir/$1" 2>/dev/null | od -An -tx1) in
	' 1f 8b'*) packer=gzip ;;
	' fd 37 7a 58') packer=xz ;;
	' 28 b5 2f fd') packer=zstd ;;
	' 42 5a 68'*) packer=bzip2 ;;
	*) packer= ;;
	esac
}

# read_archive NAME: prints it, unpacked.
read_archive() {
	archive_packer "$1"
	if [ -z "$packer" ]; then
		cat "$archives_dir/$1" 2>/dev/null
	elif ! command -v "$packer" >/dev/null; then
		fact unreadable "$archives_dir/$1"
	else
		"$packer" -dc <"$archives_dir/$1" 2>/dev/null | head -c "$ARCHIVE_MOST"
	fi
}

# archives_begin: sets $tails_stamp to how far the log in $tails_number is rotated, and $tails_size to its size then.
archives_begin() {
	tails_stamp='?'
	while archives_of "$(readlink "tail.$tails_number")" && [ "$tails_stamp" != "$archives_stamp" ]; do
		tails_stamp=$archives_stamp
		[ -n "$tails_stamp" ] || continue
		count_bytes "tail.$tails_number"
		tails_size=$size
	done
}

# archives_before: `piece` holds a whole log: puts before it what was moved away from it, until there are $tails_lines lines.
archives_before() {
	before_names=
	for before_name in $archives; do
		before_names="$before_name $before_names"
	done
	for before_name in $before_names; do
		before_lines=$(wc -l <piece)
		before_lines=$((tails_lines - ${before_lines##* }))
		[ "$before_lines" -gt 0 ] || break
		{
			read_archive "$before_name" | tail -n "$before_lines"
			cat piece
		} | tail -c "$PIECE" >before && mv before piece
	done
	[ -n "${since_epoch:-}" ] || return 0
	before_from=$(since_first 1 new <piece)
	[ "$before_from" != old ] || before_from=$((tails_lines + 1))
	! is_number "$before_from" || { tail -n "+$before_from" piece >before && mv before piece; }
}

# archives_one: sends what a log of svlogd or s6-log has new since $seen_from and $seen_stamp: first what was moved away.
archives_one() {
	tails_from=$seen_from tails_stamp=$seen_stamp
	if [ -z "$tails_wait" ]; then
		[ -s "left.$tails_number" ] || archives_left
		[ ! -s "left.$tails_number" ] || send_spool "left.$tails_number" "log.$tails_number"
	fi
	if [ -s "left.$tails_number" ]; then
		tails_note
	else
		tails_more
	fi
}

# archives_left: makes a file of what was moved away and not shown: the rest of what was followed, and what followed on that.
archives_left() {
	archives_of "$(readlink "tail.$tails_number")" "${tails_stamp%+}"
	for left_name in $archives; do
		case $tails_stamp in
		# What was shown as `previous` is the first one, whatever its name is now.
		*+) tails_stamp=${tails_stamp%+} ;;
		*)
			read_archive "$left_name" | tail -c "+$((tails_from + 1))" >>"left.$tails_number"
			tails_from=0
			;;
		esac
		case $left_name in
		previous) tails_stamp=$tails_stamp+ ;;
		*) tails_stamp=${left_name#@} tails_stamp=${tails_stamp%.[su]} ;;
		esac
	done
}

# send_spool FILE NAME: sends the next piece of what was put into it, and empties it after the last one.
send_spool() {
	spool_sent=0
	count_bytes "$1"
	spool_size=$size
	[ ! -e "$1.sent" ] || read -r spool_sent <"$1.sent"
	is_number "$spool_sent" || spool_sent=0
	cut_piece "$1" "$spool_sent" "$PIECE"
	tell_piece "$2" "$spool_sent"
	spool_sent=$((spool_sent + tell_size))
	if [ "$spool_sent" -ge "$spool_size" ]; then
		mark "$1"
		spool_sent=0
	fi
	echo "$spool_sent" >"$1.sent"
}
