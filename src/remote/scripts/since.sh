# shellcheck shell=sh
# `logs --since`: where in a log file a time begins. Sent with the question and not with the program. A time is read from
# the lines themselves; a line without one belongs to the line before. Better some lines too many than one too few.

# since_begin WHEN: WHEN is seconds since 1970, or -SECONDS before now. Sets $since_epoch, and $since_zone to the offset of
# this host's local time, in seconds. $R/since is a file of that time, and holds it.
since_begin() {
	need_scratch logs
	case $1 in
	-*) since_epoch=$(($(date +%s) - ${1#-})) ;;
	*) since_epoch=$1 ;;
	esac
	[ "$since_epoch" -ge 0 ] || since_epoch=0
	since_zone=$(TZ='' date -d "$(date -d "@$since_epoch" '+%Y-%m-%d %H:%M:%S')" +%s 2>/dev/null)
	is_number "$since_zone" || since_zone=$since_epoch
	since_zone=$((since_zone - since_epoch))
	{ echo "$since_epoch" >"$R/since" && touch -d "@$since_epoch" "$R/since" && mark "$R/catching-up"; } || write_failed logs "$R"
}

# since_archives FILE: adds to $R/log-files what svlogd or s6-log moved away from FILE since then, the oldest first: small
# files are their habit. Of packed ones a copy.
since_archives() {
	archives_of "$1"
	since_copies=0
	for since_archive in $archives; do
		! is_older "$archives_dir/$since_archive" || continue
		since_file=$archives_dir/$since_archive
		archive_packer "$since_archive"
		if [ -n "$packer" ]; then
			since_copies=$((since_copies + 1))
			since_file=$R/unpacked.$since_copies
			read_archive "$since_archive" >"$since_file"
		fi
		printf '%s\n' "$since_file" >>"$R/log-files"
	done
}

# is_older FILE: whether nothing was written to it since then.
is_older() {
	# shellcheck disable=SC3013 # -nt: POSIX.1-2024, and in all of dash, bash and busybox ash
	[ ! -f "$1" ] || [ "$R/since" -nt "$1" ]
}

# since_find FILE SIZE: sets $since_from to where the lines of that time begin, or to SIZE if there are none. Returns 1 if
# its lines have no times. The times of a log grow, so half of what is left is looked at in each step.
since_find() {
	since_from=$2
	[ "$2" -gt 0 ] && ! is_older "$1" || return 0
	since_low=0 since_high=$2
	while [ $((since_high - since_low)) -gt $PIECE ]; do
		since_middle=$(((since_low + since_high) / 2))
		# No time at all in a piece: somewhere before it is one.
		if [ "$(tail -c "+$((since_middle + 1))" "$1" | head -c $PIECE | since_first 2 old)" = old ]; then
			since_low=$since_middle
		else
			since_high=$since_middle
		fi
	done
	# The first line of what is left is cut.
	since_line=1
	[ "$since_low" = 0 ] || since_line=2
	since_found=$(tail -c "+$((since_low + 1))" "$1" | head -c "$(($2 - since_low))" | since_first "$since_line" new)
	case $since_found in
	old) return 0 ;;
	none) [ "$since_low" -gt 0 ] || return 1 ;;
	*)
		is_number "$since_found" || return 1
		since_from=$(tail -c "+$((since_low + 1))" "$1" | head -n "$((since_found - 1))" | wc -c)
		since_from=$((since_low + ${since_from##* }))
		;;
	esac
}

# since_first LINE old|new: reads lines from LINE on. With `new` it prints the number of the first one of that time or later,
# else `old` if all are before, or `none` if none has a time. With `old` the first line that has a time decides: `old` or
# its number.
since_first() {
	LC_ALL=C awk -v line="$1" -v stop="$2" -v since="$since_epoch" -v zone="$since_zone" "$SINCE_FIRST"
}

# Times that are read: those of svlogd and s6-log (TAI64N, and svlogd's UTC with five decimals); a date and a time near the
# start of a line, with - or / between, a zone or none; `[01/Jul/2026:12:00:00 +0200]` of web servers; and in JSON the
# usual keys, also in milliseconds. TAI is counted as svlogd counts it; skalibs' table is 27 seconds further.
# No {4} in patterns: mawk of old does not know them.
# shellcheck disable=SC2016 # awk's own
SINCE_FIRST='
function days(y, m, d) {
	if (m < 3) { y--; m += 12 }
	return 365 * y + int(y / 4) - int(y / 100) + int(y / 400) + int((153 * (m - 3) + 2) / 5) + d - 719469
}
function offset(rest, local) {
	if (match(rest, "^[.,][0-9]+")) {
		if (RLENGTH == 6) local = 0
		rest = substr(rest, RLENGTH + 1)
	}
	if (rest ~ "^ ?(Z|UTC|GMT)") return 0
	if (rest !~ "^ ?[+-][0-9][0-9]:?[0-9][0-9]([^0-9]|$)") return local
	sub("^ ", "", rest)
	return (substr(rest, 1, 1) == "-" ? -60 : 60) * (60 * substr(rest, 2, 2) + substr(rest, 4 + (substr(rest, 4, 1) == ":"), 2))
}
function moment(y, m, d, rest, local,  s, end) {
	end = substr(rest, 6) ~ "^:[0-9][0-9]" ? 9 : 6
	s = end == 9 ? substr(rest, 7, 2) : 59
	return 86400 * days(y, m, d) + 3600 * substr(rest, 1, 2) + 60 * substr(rest, 4, 2) + s - offset(substr(rest, end), local)
}
function dated(text) {
	return moment(substr(text, 1, 4) + 0, substr(text, 6, 2) + 0, substr(text, 9, 2) + 0, substr(text, 12), substr(text, 11, 1) == "_" ? 0 : zone)
}
function tai(hex,  n, at) {
	n = 0
	for (at = 1; at <= 10; at++) n = 16 * n + index("0123456789abcdef", substr(hex, at, 1)) - 1
	return n - 10
}
function time_of(text,  n) {
	if (text ~ "^@400000[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]") return tai(substr(text, 8, 10))
	if (text ~ "^ *[{]" && match(text, "\"(@?timestamp|time|ts)\" *: *\"?")) {
		text = substr(text, RSTART + RLENGTH, 60)
		if (match(text, "^[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]+")) {
			n = substr(text, 1, RLENGTH) + 0
			return n > 100000000000 ? n / 1000 : n
		}
	}
	if (match(substr(text, 1, 60), DATE "[T _]" CLOCK)) return dated(substr(text, RSTART, 60))
	if (match(substr(text, 1, 300), "[[]" TWO "/[A-Z][a-z][a-z]/" TWO TWO ":" CLOCK)) {
		text = substr(text, RSTART + 1, 40)
		n = index("JanFebMarAprMayJunJulAugSepOctNovDec", substr(text, 4, 3))
		return moment(substr(text, 8, 4) + 0, int((n + 2) / 3), substr(text, 1, 2) + 0, substr(text, 13), zone)
	}
	return -1
}
BEGIN { TWO = "[0-9][0-9]"; DATE = TWO TWO "[-/]" TWO "[-/]" TWO; CLOCK = TWO ":" TWO; found = "none" }
NR >= line {
	time = time_of(substr($0, 1, 4000))
	if (time < 0) next
	if (time >= since) { found = NR; exit }
	found = "old"
	if (stop == "old") exit
}
END { print found }'
