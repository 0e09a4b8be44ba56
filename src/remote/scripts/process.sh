# shellcheck shell=sh
# Numbers, time and processes: what the resident shell and the adapters share.

# is_number WORD: whether it is digits, at most 15 and without a zero in front. Nothing else that a name, a file or a tool
# says may reach $(( )), or a comparison of numbers: there bash (/bin/sh of Red Hat, SUSE and Arch) evaluates a word as an
# expression, and a[$(command)] runs the command. Not a range: what lies in one depends on the locale.
is_number() {
	case $1 in
	'' | *[!0123456789]* | 0?* | ????????????????*) return 1 ;;
	esac
}

# uptime: sets $up to the seconds since the machine started: a clock that cannot be set, and that costs no fork.
uptime() {
	read -r up _ </proc/uptime
	up=${up%%.*}
}

# pause: about a fifth of a second, if sleep accepts fractions.
pause() {
	sleep 0.2 2>/dev/null || sleep 1
}

# process_start PID: sets $start to its start time in clock ticks (proc(5), field 22), which tells it from a later
# process with the same pid. Fails for a zombie, and for a process that is not there.
process_start() {
	start=
	read -r process_stat 2>/dev/null <"/proc/$1/stat" || return 1
	# The name of the program, in brackets, may contain blanks and brackets.
	# shellcheck disable=SC2086
	set -- ${process_stat##*) }
	case $1 in
	Z | X) return 1 ;;
	esac
	start=${20:-}
	is_number "$start"
}
