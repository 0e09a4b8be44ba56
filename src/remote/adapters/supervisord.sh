# shellcheck shell=sh
# supervisord, by supervisorctl. A program of several processes is a group: `web` and `web:*` both mean all of them.
# See common.sh.

find_supervisor() {
	need_tool supervisorctl
	case $file in
	'' | /*) ;;
	[~]/*) file=${HOME-}/${file#??} ;;
	*)
		# Before the first deploy there is no such file.
		[ "$step$release" != check ] || exit 0
		file=$root/releases/$release/$file
		;;
	esac
	members=$names available=$NL fresh='' slow_tool=yes
	refresh
	fresh=yes
}

ctl() {
	if [ -n "$file" ]; then
		as_allowed supervisorctl -c "$file" "$@"
	else
		as_allowed supervisorctl "$@"
	fi
}

# Each call starts a Python: what find_supervisor has just learnt is not asked again. Exit codes: 3 when something does not
# run, 4 when a name is not known or nobody answers.
refresh() {
	if [ -n "$fresh" ]; then
		fresh=
		return
	fi
	# shellcheck disable=SC2086
	seen=$(ctl status $members 2>&1)
	case $? in
	0 | 3) ;;
	4)
		case $seen in
		*': ERROR (no such '*) ;;
		*) no_answer ;;
		esac
		;;
	*) no_answer ;;
	esac
	seen=$NL$seen$NL
}

no_answer() {
	words_of "$seen"
	case $said in
	*ermission* | *uthentication* | *UNAUTHORIZED* | *'password is required'* | *'not allowed'*)
		fail not-permitted "$kind" "$(first_of "$names")" "$said"
		;;
	esac
	fail supervisor-down "$kind" "$said"
}

first_of() {
	# shellcheck disable=SC2086
	set -- $1
	printf '%s\n' "$1"
}

find_members() {
	find_names=
	for find_name in $names; do
		find_names="$find_names $(processes_of "$find_name")"
	done
	members=$find_names
	case $seen in
	*': ERROR (no such '*) fresh='' ;;
	*) return ;;
	esac
	case $step in
	detect | check | reload) find_available ;;
	esac
}

# processes_of NAME: prints the names of its processes, or NAME if there are none.
processes_of() {
	case $seen in
	*"$NL$1 "*)
		printf '%s\n' "$1"
		return
		;;
	esac
	processes_group=${1%':*'}
	processes_lines=$seen
	case $processes_group in
	*:*) ;;
	*) [ "$processes_group" != "$1" ] || processes_lines=$(ctl status "$1:*" 2>/dev/null) ;;
	esac
	processes_found=$(printf '%s\n' "$processes_lines" | while read -r processes_name _; do
		case $processes_name in
		*: | *:\*) ;;
		"$processes_group":*) printf '%s\n' "$processes_name" ;;
		esac
	done)
	printf '%s\n' "${processes_found:-$1}"
}

# find_available: for names that are not known, what its configuration has: a file of a program may be new. Reading it
# again starts and stops nothing.
find_available() {
	refresh
	case $seen in
	*': ERROR (no such '*) ;;
	*) return ;;
	esac
	ctl reread
	available=$NL$(ctl avail 2>/dev/null)$NL
}

# is_available NAME: whether its configuration has it.
is_available() {
	case $available in
	*"$NL${1%':*'} "* | *"$NL${1%':*'}:"*) ;;
	*) return 1 ;;
	esac
}

# A group that is added is started with it, where it has autostart.
add_members() {
	for add_name in $members; do
		case $seen in
		*"$NL$add_name "*) ;;
		*) ! is_available "$add_name" || ctl update "${add_name%%:*}" ;;
		esac
	done
	[ "$available" != "$NL" ] || return 0
	available=$NL
	add_known=" $members "
	members=$names
	refresh
	find_members
	refresh
	for add_name in $members; do
		look_again "$add_name"
		case $add_known:$state in
		*" $add_name "*:*) ;;
		*:up | *:starting) added="$added $add_name" ;;
		esac
	done
}

look_at() {
	look_name=$1
	case $seen in
	*"$NL$1 "*) ;;
	*)
		! is_available "$1" || state=down detail=available
		return
		;;
	esac
	look_rest=${seen#*"$NL$1 "}
	# shellcheck disable=SC2086
	set -- ${look_rest%%"$NL"*}
	detail=$1
	shift
	case $detail in
	RUNNING)
		state=up
		[ "${1-}" != pid ] || pid=${2%,}
		;;
	STARTING)
		state=starting
		# The status does not name the process before it is up. What sudo may not allow is not tried: it tells root.
		[ -n "$sudo" ] || pid=$(ctl pid "$look_name" 2>/dev/null)
		;;
	STOPPING) state=starting ;;
	BACKOFF) state=starting crashed=yes ;;
	STOPPED) state=down ;;
	EXITED) state=down detail="$detail: $*" ;;
	FATAL) state=down detail="$detail: $*" final=yes ;;
	esac
}

tell_to() {
	case $1 in
	reload) ctl signal HUP "$2" ;;
	*) ctl "$1" "$2" ;;
	esac
}

# It waits for what it starts, so it knows when that ended at once.
why_refused() {
	refused_said=$said
	look "$2"
	said=$refused_said
	case $1:$state in
	stop:* | reload:*) ;;
	*:down) fail_app not-running "$kind" "$2" "$detail" ;;
	*:unknown) fail unknown-service "$kind" "$2" ;;
	*) fail_crashed "$2" ;;
	esac
}

forget_started() {
	:
}

need_permission() {
	[ -n "$sudo" ] || return 0
	case $strategy in
	stop-start) need_verbs='stop start' ;;
	reload) need_verbs='signal' ;;
	*) need_verbs='restart' ;;
	esac
	for need_verb in $need_verbs; do
		[ "$need_verb" != signal ] || need_verb='signal HUP'
		# shellcheck disable=SC2086
		if [ -n "$file" ]; then
			need_sudo "$1" supervisorctl -c "$file" $need_verb "$1"
		else
			need_sudo "$1" supervisorctl $need_verb "$1"
		fi
	done
}

# Its own list of programs ends each line with what it does at its start: `auto` or `manual`, and the priorities. What sudo
# may not allow is not tried: it tells root.
check_boot() {
	[ -z "$sudo" ] || return 0
	[ -n "${boot_list-}" ] || boot_list=$NL$(ctl avail 2>/dev/null)$NL
	case $boot_list in
	*"$NL$1 "*) ;;
	*) return 0 ;;
	esac
	boot_line=${boot_list#*"$NL$1 "}
	case "${boot_line%%"$NL"*} " in
	*' manual '*) warn no-autostart "$1" ;;
	esac
}

last_lines() {
	for last_of in stdout stderr; do
		ctl tail -8000 "$1" "$last_of" 2>/dev/null | grep -v "^$1: ERROR" | tail -n 10
	done
}

# supervisorctl does not tell where the logs are, but the daemon does: the Python that supervisorctl runs with asks it.
list_logs() {
	[ -n "${logs_known-}" ] || ask_logs
	logs_rest=${logs_known#*"$NL$1$TAB"}
	[ "$logs_rest" != "$logs_known" ] || return 0
	logs_rest=${logs_rest%%"$NL"*}
	for logs_path in "${logs_rest%%"$TAB"*}" "${logs_rest#*"$TAB"}"; do
		case $logs_path in
		/dev/null | /dev/std* | /dev/fd/*) ;;
		/*) answer log "$logs_path" ;;
		esac
	done
}

# ask_logs: sets $logs_known to a line for each process: its name, and the paths.
ask_logs() {
	logs_known=$NL
	logs_tool=$(command -v supervisorctl)
	IFS= read -r logs_python <"$logs_tool" || return 0
	case $logs_python in
	'#!'*python*) logs_python=${logs_python#'#!'} ;;
	*) logs_python=python3 ;;
	esac
	# shellcheck disable=SC2086
	logs_known=$NL$($logs_python -c '
import sys
from supervisor.options import ClientOptions
o = ClientOptions()
o.realize(sys.argv[1:])
for p in o.getServerProxy().supervisor.getAllProcessInfo(): print((p["name"] if p["name"] == p["group"] else p["group"] + ":" + p["name"]) + "\t" + (p["stdout_logfile"] or "-") + "\t" + (p["stderr_logfile"] or "-"))
' ${file:+-c "$file"} 2>/dev/null)$NL
}
