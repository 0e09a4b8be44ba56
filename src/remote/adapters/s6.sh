# shellcheck shell=sh
# s6, by s6-svc and s6-svstat. A service is a directory, or its name below one of the usual scan directories. See directories.sh.

find_supervisor() {
	need_tool s6-svc
	need_tool s6-svstat
}

# directory_of NAME: sets $directory to it, or to nothing.
directory_of() {
	choose_directory "$1" "/run/service/$1" "/service/$1" "${HOME-}/service/$1"
}

# Each service is asked when it is looked at.
refresh() {
	:
}

look_at() {
	directory_of "$1"
	[ -n "$directory" ] || return 0
	seen=$(as_allowed s6-svstat -o up,wantedup,pid,exitcode,signal "$directory" 2>&1) || not_supervised "$1"
	# shellcheck disable=SC2086
	set -- $seen
	case ${1-} in
	true)
		state=up detail=up
		pid=${3-}
		;;
	*)
		state=down detail="down, exit code ${4-}"
		[ "${5:-NA}" = NA ] || detail="down, $5"
		[ "${2-}" != true ] || wanted=yes
		;;
	esac
	restarts=$(as_allowed s6-svdt "$directory" 2>/dev/null | wc -l)
	restarts=${restarts##* }
}

# not_supervised NAME: its directory is there, but s6-svstat could not ask.
not_supervised() {
	words_of "$seen"
	if [ -n "$sudo" ] && ! sudo -n -l s6-svstat -o up,wantedup,pid,exitcode,signal "$directory" >/dev/null 2>&1; then
		fail not-permitted "$kind" "$1" "$said"
	fi
	if [ -z "$sudo" ] && [ -d "$directory/supervise" ] && [ ! -x "$directory/supervise" ]; then
		fail not-permitted "$kind" "$1" "$said"
	fi
	fail supervisor-down "$kind" "$said"
}

# With readiness where the service announces it. -r does nothing to a service that is down.
tell_to() {
	directory_of "$2"
	tell_up=u tell_again=r
	[ ! -e "$directory/notification-fd" ] || tell_up=U tell_again=R
	uptime
	tell_wait=$((deadline - up))
	[ "$tell_wait" -gt 5 ] || tell_wait=5
	[ "$1" != stop ] || [ "$tell_wait" -lt "$GONE_WITHIN" ] || tell_wait=$GONE_WITHIN
	tell_wait=${tell_wait}000
	case $1 in
	start) as_allowed s6-svc -T "$tell_wait" "-w$tell_up" -u "$directory" ;;
	stop) as_allowed s6-svc -T "$tell_wait" -wD -d "$directory" ;;
	reload) as_allowed s6-svc -h "$directory" ;;
	restart) as_allowed s6-svc -T "$tell_wait" "-w$tell_again" -r "$directory" ;;
	esac
}

# 99: it did not become what was waited for in time.
why_refused() {
	refused_said=$said
	look "$2"
	if [ ! -w "$directory/supervise/control" ] && [ -z "$sudo" ]; then
		fail not-permitted "$kind" "$2" "$refused_said"
	fi
	said=$refused_said
	[ "$tell_code:$1" != 99:stop ] || return 0
	if [ "$tell_code:$state" = 99:up ]; then
		uptime
		fail_app never-ready "$kind" "$2" $((up - told_at))
	fi
}

need_permission() {
	directory_of "$1"
	if [ -n "$sudo" ]; then
		need_sudo "$1" s6-svc
	elif [ ! -w "$directory/supervise/control" ]; then
		fail not-permitted "$kind" "$1" "$directory/supervise/control"
	fi
}

# logger_pid: prints the process of the service's log.
logger_pid() {
	directory_of "$1"
	as_allowed s6-svstat -o pid "$directory/log" 2>/dev/null
}
