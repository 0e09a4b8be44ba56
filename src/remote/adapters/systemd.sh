# shellcheck shell=sh
# systemd: units of the machine, or of the user's own manager. A unit may be given without its suffix, and is named to the
# tool as it was given: a line in sudoers may say just that. See common.sh.

find_supervisor() {
	need_tool systemctl
	user_id=$(id -u)
	# Without a login of PAM's, nothing else says where the user's manager listens.
	XDG_RUNTIME_DIR=/run/user/$user_id
	DBUS_SESSION_BUS_ADDRESS=unix:path=$XDG_RUNTIME_DIR/bus
	export XDG_RUNTIME_DIR DBUS_SESSION_BUS_ADDRESS
	[ -n "$scope" ] || choose_scope
	[ "$scope" = system ] || sudo=
	ask_said=$(ask show --property=Version 2>&1) || manager_down "$ask_said"
}

manager_down() {
	words_of "$1"
	fail supervisor-down "$kind" "$said"
}

# ask ARGUMENT...: what changes nothing.
ask() {
	if [ "$scope" = user ]; then
		systemctl --user --no-pager "$@"
	else
		systemctl --no-pager "$@"
	fi
}

# order ARGUMENT...: what changes something.
order() {
	if [ "$scope" = user ]; then
		systemctl --user "$@"
	elif [ -n "$sudo" ]; then
		sudo -n systemctl "$@"
	else
		systemctl --no-ask-password "$@"
	fi
}

# choose_scope: the user's manager if it has the first unit, else the machine's.
choose_scope() {
	# shellcheck disable=SC2086
	set -- $names
	scope=user
	if ask show --property=Version >/dev/null 2>&1; then
		! has_unit "$1" || return 0
	elif [ -e "${HOME-}/.config/systemd/user/$(unit_file "$1")" ]; then
		return
	fi
	scope=system
}

# unit_file NAME: prints the name of its file: that of the template, for an instance.
unit_file() {
	case $1 in
	*.*) unit_file=$1 ;;
	*) unit_file=$1.service ;;
	esac
	case $unit_file in
	*@*) unit_file=${unit_file%%@*}@.${unit_file##*.} ;;
	esac
	printf '%s\n' "$unit_file"
}

has_unit() {
	case $1 in
	*[*?]*) [ -n "$(ask list-unit-files --no-legend "$(unit_file "$1")" 2>/dev/null)" ] ;;
	*) [ "$(ask show --property=LoadState -- "$1" 2>/dev/null)" != LoadState=not-found ] ;;
	esac
}

find_members() {
	members=
	for find_name in $names; do
		case $find_name in
		*[*?]*) find_instances "$find_name" ;;
		*) add_member "$find_name" ;;
		esac
	done
}

add_member() {
	case " $members " in
	*" $1 "*) ;;
	*) members="$members $1" ;;
	esac
}

# find_instances PATTERN: those that run or failed, and those that are enabled. One that was stopped is loaded no longer.
find_instances() {
	case $1 in
	*.*) find_pattern=$1 ;;
	*) find_pattern=$1.service ;;
	esac
	find_count=$members
	for find_line in $({ running_units "$find_pattern"; enabled_units "$find_pattern"; } | sort -u); do
		case $find_line in
		*@.*) ;;
		*) add_member "$find_line" ;;
		esac
	done
	[ "$members" != "$find_count" ] || add_member "$1"
}

running_units() {
	ask show --property=Id --state=active,activating,deactivating,reloading,failed -- "$1" 2>/dev/null | sed -n 's/^Id=//p'
}

enabled_units() {
	ask list-unit-files --no-legend --state=enabled,enabled-runtime -- "$1" 2>/dev/null | while read -r enabled_name _; do
		printf '%s\n' "$enabled_name"
	done
}

# What only its configuration has, it loads by itself.
add_members() {
	:
}

refresh() {
	# shellcheck disable=SC2086
	seen=$(ask show --property=LoadState,ActiveState,SubState,Type,MainPID,InvocationID,NRestarts \
		--property=Result,ExecMainStatus,NeedDaemonReload,UnitFileState,WorkingDirectory -- $members 2>&1) ||
		manager_down "$seen"
}

# block_of NAME: sets $block to what it said of it: in the order of $members, with an empty line between two.
block_of() {
	block=$seen$NL$NL
	for block_name in $members; do
		[ "$block_name" != "$1" ] || break
		block=${block#*"$NL$NL"}
	done
	block=$NL${block%%"$NL$NL"*}$NL
}

# value KEY: sets $value to what the block has.
value() {
	case $block in
	*"$NL$1="*) ;;
	*)
		value=
		return
		;;
	esac
	value=${block#*"$NL$1="}
	value=${value%%"$NL"*}
}

look_at() {
	block_of "$1"
	value LoadState
	case $value in
	not-found | '') return ;;
	esac
	value MainPID
	pid=$value
	value InvocationID
	invocation=$value
	value NRestarts
	restarts=$value
	value ActiveState
	detail=$value
	value SubState
	look_sub=$value
	case $detail in
	active) look_active "$1" ;;
	activating | deactivating | reloading)
		state=starting
		detail="$detail ($look_sub)"
		[ "$look_sub" != auto-restart ] || look_restart
		;;
	*) look_down ;;
	esac
}

look_active() {
	state=up
	value Type
	# Without a process of its own: a socket, a timer, or what runs to its end.
	case $1:$value in
	*.socket:* | *.timer:* | *.target:* | *.path:* | *:oneshot) state=job ;;
	*) [ "$look_sub" != exited ] || state=job ;;
	esac
}

look_down() {
	state=down
	value Type
	look_type=$value
	value Result
	look_result=$value
	[ "$look_type:$look_result:$detail" != oneshot:success:inactive ] || state=job
	[ "$detail" = failed ] || return 0
	exit_status
	detail="failed: $look_result, $exit_status"
	case $restarts in
	'' | 0) final=yes ;;
	*) crashed=yes ;;
	esac
	case $value in
	200 | 203) crashed='' final=yes ;;
	esac
}

# look_restart: it ended, and is about to be started again, which is of no use where it cannot be started at all.
look_restart() {
	exit_status
	case $value in
	200 | 203) state=down final=yes detail=$exit_status ;;
	*) crashed=yes ;;
	esac
}

# exit_status: sets $exit_status to how it ended.
exit_status() {
	value ExecMainStatus
	case $value in
	200) exit_status='exit code 200: the directory that it starts in is missing' ;;
	203) exit_status='exit code 203: its program cannot be run' ;;
	*) exit_status="exit code $value" ;;
	esac
}

# can_sudo ARGUMENT...: whether sudo lets this user run systemctl so. It runs nothing.
can_sudo() {
	sudo -n -l systemctl "$@" >/dev/null 2>&1
}

tell_to() {
	block_of "$2"
	value NeedDaemonReload
	[ "$value" != yes ] || may daemon-reload
	case $1 in
	start)
		may reset-failed "$2"
		start_unit "$2"
		;;
	restart)
		may reset-failed "$2"
		order restart "$2"
		;;
	reload) order reload-or-restart "$2" ;;
	stop) order stop "$2" ;;
	esac
}

# may ARGUMENT...: does it if it can: what follows does not depend on it.
may() {
	[ -z "$sudo" ] || can_sudo "$@" || return 0
	order "$@" >/dev/null 2>&1 || return 0
}

# start_unit NAME: so that it starts with the machine, too, where that is permitted.
start_unit() {
	value UnitFileState
	if [ "$value" = disabled ] && { [ -z "$sudo" ] || can_sudo enable --now "$1"; }; then
		if order enable --now "$1"; then
			{ printf '%s\n' "$1" >>"$notes.enabled"; } 2>/dev/null || :
			return
		fi
	fi
	if [ -n "$sudo" ] && ! can_sudo start "$1"; then
		order restart "$1"
	else
		order start "$1"
	fi
}

forget_started() {
	{ [ -f "$notes.enabled" ] && grep -qxF -- "$1" "$notes.enabled"; } || return 0
	may disable "$1"
}

need_permission() {
	need_place_of_unit "$1"
	if [ "$scope" = user ]; then
		need_user=$(id -un)
		[ -e "/var/lib/systemd/linger/$need_user" ] || warn no-linger "$need_user"
		return
	fi
	if [ -n "$sudo" ]; then
		case $strategy in
		stop-start)
			need_sudo "$1" systemctl stop "$1"
			need_sudo "$1" systemctl start "$1"
			;;
		reload) need_sudo "$1" systemctl reload-or-restart "$1" ;;
		*) need_sudo "$1" systemctl restart "$1" ;;
		esac
	elif [ "$user_id" != 0 ]; then
		need_polkit "$1"
	fi
}

# check_boot NAME: a disabled unit may still be started by a socket, a timer, or another unit.
check_boot() {
	block_of "$1"
	value UnitFileState
	[ "$value" = disabled ] || return 0
	boot_others=$(ask show --property=TriggeredBy,WantedBy,RequiredBy --value -- "$1" 2>/dev/null) || return 0
	case $boot_others in
	*[!"$NL"]*) ;;
	*) warn unit-not-enabled "$scope" "$1" ;;
	esac
}

# need_place_of_unit NAME: a unit that names a release starts that one for ever.
need_place_of_unit() {
	block_of "$1"
	value WorkingDirectory
	# To `check` none of the releases is the next one.
	[ "$step" != check ] || release=
	case $value in
	"$root/releases/$release" | "$root/releases/$release/"* | "$releases/$release" | "$releases/$release/"*) ;;
	"$root/releases/"* | "$releases/"*) fail wrong-release "$kind" "$1" "$value" ;;
	esac
}

# need_polkit NAME: asks for the change in a manner that is refused after the permission was looked at: only a start can
# isolate. A rule of polkit may permit some verbs only, and no user can ask polkit for another reason.
need_polkit() {
	case $1 in
	*.*) need_unit=$1 ;;
	*) need_unit=$1.service ;;
	esac
	case $strategy in
	stop-start) need_method=StopUnit ;;
	reload) need_method=ReloadOrRestartUnit ;;
	*) need_method=RestartUnit ;;
	esac
	need_said=$(busctl --allow-interactive-authorization=no call org.freedesktop.systemd1 /org/freedesktop/systemd1 \
		org.freedesktop.systemd1.Manager "$need_method" ss "$need_unit" isolate 2>&1)
	! denied "$need_said" || {
		words_of "$need_said"
		fail not-permitted "$kind" "$1" "$said"
	}
}

# denied TEXT: whether these are the words of a missing permission.
denied() {
	case $1 in
	*'uthentication required'* | *'ccess denied'* | *'password is required'* | *'not allowed'*) ;;
	*) return 1 ;;
	esac
}

why_refused() {
	refused_said=$said
	look "$2"
	! denied "$refused_said" || fail not-permitted "$kind" "$2" "$refused_said"
	block_of "$2"
	value Result
	if [ "$value" = timeout ] && [ "$1" != stop ]; then
		uptime
		fail_app never-ready "$kind" "$2" $((up - told_at))
	fi
	said=$refused_said
}

last_lines() {
	if [ "$scope" = user ]; then
		journalctl --user --unit "$1" --lines 20 --no-pager --quiet --output cat
	elif [ -n "$sudo" ] && sudo -n -l journalctl --unit "$1" --lines 20 --no-pager --quiet --output cat >/dev/null 2>&1; then
		sudo -n journalctl --unit "$1" --lines 20 --no-pager --quiet --output cat
	else
		journalctl --unit "$1" --lines 20 --no-pager --quiet --output cat
	fi
	! was "$1" || [ "$was_output" = - ] || tail -n 20 "$was_output"
}

list_logs() {
	output_of "$pid"
	[ -z "$output" ] || answer log "$output"
	answer journal "$scope" "$1"
}
