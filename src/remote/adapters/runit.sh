# shellcheck shell=sh
# runit, by sv. A service is a directory, or its name below one of the usual ones. See directories.sh.

find_supervisor() {
	need_tool sv
}

# directory_of NAME: sets $directory to it, or to nothing.
directory_of() {
	choose_directory "$1" ${SVDIR:+"$SVDIR/$1"} "/etc/service/$1" "/var/service/$1" "${HOME-}/service/$1"
}

# sv says it in one line for each directory, and of its log in the same line.
refresh() {
	set --
	for refresh_name in $members; do
		directory_of "$refresh_name"
		[ -z "$directory" ] || set -- "$@" "$directory"
	done
	seen=$NL
	[ $# = 0 ] || seen=$NL$(as_allowed sv status "$@" 2>&1)$NL
}

look_at() {
	directory_of "$1"
	[ -n "$directory" ] || return 0
	case $seen in
	*"${NL}run: $directory: (pid "*)
		look_rest=${seen#*"${NL}run: $directory: (pid "}
		pid=${look_rest%%')'*}
		state=up detail=run
		look_rest=${look_rest%%"$NL"*}
		case ${look_rest%%;*} in
		*', got TERM'*) state=starting detail='run, got TERM' ;;
		esac
		;;
	*"${NL}finish: $directory: "*) state=down detail=finish wanted=yes ;;
	*"${NL}down: $directory: "*)
		look_rest=${seen#*"${NL}down: $directory: "}
		look_rest=${look_rest%%"$NL"*}
		detail="down ${look_rest%%;*}"
		state=down
		case ${look_rest%%;*} in
		*'want up'*) wanted=yes ;;
		esac
		;;
	*) not_supervised "$1" ;;
	esac
}

# not_supervised NAME: its directory is there, but sv could not ask.
not_supervised() {
	case $seen in
	*": $directory: "*)
		said=${seen#*": $directory: "}
		said="$directory: ${said%%"$NL"*}"
		;;
	*) words_of "${seen%"$NL"}" ;;
	esac
	if [ -n "$sudo" ] && ! sudo -n -l sv status "$directory" >/dev/null 2>&1; then
		fail not-permitted "$kind" "$1" "$said"
	fi
	if [ -z "$sudo" ] && [ -d "$directory/supervise" ] && [ ! -x "$directory/supervise" ]; then
		fail not-permitted "$kind" "$1" "$said"
	fi
	fail supervisor-down "$kind" "$said"
}

# Between two starts of what ends at once runsv sleeps for a second, starts it, and only then reads what it was told.
# shellcheck disable=SC2034
ORDERS_LATE=150

# sv waits for 7 seconds; what takes longer is waited for by the caller.
tell_to() {
	directory_of "$2"
	case $1 in
	start) as_allowed sv up "$directory" ;;
	stop) as_allowed sv down "$directory" ;;
	reload) as_allowed sv hup "$directory" ;;
	restart) as_allowed sv restart "$directory" ;;
	esac
}

why_refused() {
	refused_said=$said
	look "$2"
	case $refused_said in
	*'access denied'* | *ermission* | *'password is required'* | *'not allowed'*)
		fail not-permitted "$kind" "$2" "$refused_said"
		;;
	esac
	said=$refused_said
	# It was told, and takes its time.
	[ "$state" != starting ] || tell_code=0
}

need_permission() {
	directory_of "$1"
	if [ -n "$sudo" ]; then
		case $strategy in
		stop-start) need_sudo "$1" sv down "$directory" ;;
		reload) need_sudo "$1" sv hup "$directory" ;;
		*) need_sudo "$1" sv restart "$directory" ;;
		esac
	elif [ ! -w "$directory/supervise/control" ]; then
		fail not-permitted "$kind" "$1" "$directory/supervise/control"
	fi
}

# logger_pid: prints the process of the service's log.
logger_pid() {
	directory_of "$1"
	cat "$directory/log/supervise/pid" 2>/dev/null
}
