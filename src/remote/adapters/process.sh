# shellcheck shell=sh
# Processes: which they are, what they run from, what they hold, where they print to; and the files of their logs.
# See common.sh.

# release_of PID: sets $runs to the release that it runs from, `current` if its arguments only name that, `other` if
# it runs from elsewhere, or nothing if that cannot be seen; and $place to the path that tells.
# Its directory tells; where that is none of a release, its program (a binary with a directory of its own), then its
# arguments (a script by an absolute path, or a process of another user).
release_of() {
	runs='' place=''
	release_cwd=$(readlink "/proc/$1/cwd" 2>/dev/null)
	release_exe=$(readlink "/proc/$1/exe" 2>/dev/null)
	for place in "$release_cwd" "$release_exe"; do
		case $place in
		"$release_real" | "$release_real"/*)
			runs=$release
			return
			;;
		"$releases"/?*)
			runs=${place#"$releases/"}
			runs=${runs%%/*}
			runs=${runs% (deleted)}
			return
			;;
		esac
	done
	release_args=$NL$(tr '\0' '\n' 2>/dev/null <"/proc/$1/cmdline")
	place=${release_cwd:-$release_exe}
	for release_base in "$root/releases" "$releases"; do
		case $release_args in
		*"$NL$release_base"/?*)
			place=${release_args#*"$NL$release_base/"}
			runs=${place%%[/"$NL"]*}
			place=$release_base/$runs
			return
			;;
		esac
	done
	case $release_args in
	*"$NL$root/current/"*) runs=current ;;
	*) runs=${place:+other} ;;
	esac
}

# tree_of PID: prints it and all that descend from it, as PID.START each.
tree_of() {
	set +f
	cat /proc/[0-9]*/stat 2>/dev/null | awk -v root="$1" '
		$1 ~ /^[0-9]+$/ && match($0, /.*\) /) {
			split(substr($0, RLENGTH + 1), f, " ")
			parent[$1] = f[2]; start[$1] = f[20]
		}
		END {
			in_tree[root] = 1
			do {
				more = 0
				for (p in parent) if (!(p in in_tree) && parent[p] in in_tree) { in_tree[p] = 1; more = 1 }
			} while (more)
			for (p in in_tree) if (p in start) printf "%s.%s ", p, start[p]
		}'
	set -f
}

# still_there PID.START...: whether one of them runs.
still_there() {
	for there in "$@"; do
		if process_start "${there%%.*}" && [ "$start" = "${there#*.}" ]; then
			return 0
		fi
	done
	return 1
}

# all_there PID.START...: whether all of them run.
all_there() {
	for there in "$@"; do
		process_start "${there%%.*}" && [ "$start" = "${there#*.}" ] || return 1
	done
}

# port_held: whether something listens on $port. Sets $holder to a text that says what, and $holder_pid if that is seen.
port_held() {
	holder='' holder_pid=''
	port_hex=$(printf '%04X' "$port")
	port_line=$(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -m 1 ":$port_hex [0-9A-F]*:0000 0A ") || return 1
	# shellcheck disable=SC2086
	set -- $port_line
	holder='a process that this user does not see'
	set +f
	# shellcheck disable=SC2012 # only the link's target is read, which is the kernel's
	holder_pid=$(ls -l /proc/[0-9]*/fd/ 2>/dev/null | awk -v socket="socket:[${10:-}]" '
		/^\/proc\// { split($0, part, "/"); pid = part[3] }
		$NF == socket { print pid; exit }')
	set -f
	is_number "$holder_pid" || return 0
	read -r holder_name 2>/dev/null <"/proc/$holder_pid/comm" || holder_name=
	holder="pid $holder_pid (${holder_name:-?})"
}

# show_port_holder: whether another process has the app's port, so that it cannot have it.
show_port_holder() {
	[ -n "$port" ] && port_held || return
	[ -n "$pid" ] || return 0
	[ -n "$holder_pid" ] || return
	case " $(tree_of "$pid")" in
	*" $holder_pid."*) return 1 ;;
	esac
}

show_lines() {
	show_text=$(last_lines "$1" 2>/dev/null | tail -n 20)
	[ -n "$show_text" ] || return 0
	printf 'the last lines of %s:\n%s\n' "$1" "$show_text"
}

# await_down NAME: waits until it is stopped. Where the supervisor would still start it by itself, it has not read the order.
await_down() {
	within "$GONE_WITHIN"
	while look "$1"; [ "$state" != down ] || [ -n "$wanted" ]; do
		in_time || return 1
		pause_to_ask
	done
}

# has_read_orders SINCE: whether the supervisor has surely read what it was told: ORDERS_LATE is how many hundredths of a
# second after a start it may still read an order to end what it started. What does not live that long is for watch.
has_read_orders() {
	[ -n "${ORDERS_LATE-}" ] && [ -n "$start" ] && [ $((up - $1)) -lt 6 ] || return 0
	hundredths
	[ $((up - start)) -ge "$ORDERS_LATE" ]
}

# look NAME: asks anew, then sets
#   state      up, starting (the supervisor is starting it, or will), down, job (runs to its end), unknown (no such name)
#   detail     the state in the supervisor's own word
#   crashed    `yes` where the supervisor says that it ended by itself, after it was last told to start it
#   final      `yes` where it is down, and the supervisor has given it up
#   wanted     `yes` where it is down, and the supervisor will start it by itself
#   pid, start of its process, or nothing
#   identity   differs after every start
#   restarts   how often the supervisor restarted it by itself, or nothing
look() {
	refresh
	look_again "$1"
}

# look_again NAME: the same, from what is known.
look_again() {
	state=unknown detail='' crashed='' wanted='' final='' pid='' start='' restarts='' invocation=''
	look_at "$1"
	if is_number "$pid" && [ "$pid" != 0 ]; then
		process_start "$pid" || start=
	else
		pid=
	fi
	identity=$pid.$start.$invocation
}

# note_before: writes down what runs, before it is changed: verify, stop and the way back read it.
note_before() {
	noted="began$TAB$began$TAB$release$NL"
	refresh
	for note_name in $members; do
		look_again "$note_name"
		output_of "$pid"
		noted="$noted$note_name$TAB$state$TAB$identity$TAB${output:--}$NL"
	done
	{ printf '%s' "$noted" >"$before"; } 2>/dev/null || rm -f "$before"
}

# read_before: sets $noted to what was written then, and $noted_began and $noted_release. A release that names more or fewer
# of them has another note: that of the same kind counts that knows one of these.
read_before() {
	noted='' noted_began='' noted_release=''
	read_before=$before
	[ -f "$before" ] || find_before || return
	noted=$(cat "$read_before")
	case $noted in
	"began$TAB"*) ;;
	*)
		noted=''
		return
		;;
	esac
	noted_release=${noted%%"$NL"*}
	noted_release=${noted_release#*"$TAB"}
	noted_began=${noted_release%%"$TAB"*}
	noted_release=${noted_release#*"$TAB"}
	is_number "$noted_began" || noted_began=
	noted="$noted$NL"
}

# find_before: sets $read_before to that note, if there is one.
find_before() {
	set +f
	for read_before in "$run/adapter.$kind".*.before; do
		for before_name in $members; do
			case $NL$(cat "$read_before" 2>/dev/null) in
			*"$NL$before_name$TAB"*)
				set -f
				return
				;;
			esac
		done
	done
	set -f
	return 1
}

# was NAME: sets $was_state, $was_identity and $was_output to what was noted of it. Fails if nothing was.
was() {
	was_state='' was_identity='' was_output=''
	was_line=${noted#*"$NL$1$TAB"}
	[ "$was_line" != "$noted" ] || return 1
	was_line=${was_line%%"$NL"*}
	was_state=${was_line%%"$TAB"*}
	was_line=${was_line#*"$TAB"}
	was_identity=${was_line%%"$TAB"*}
	was_output=${was_line#*"$TAB"}
}

# output_of PID: sets $output to the file that it prints to, or nothing.
output_of() {
	output=
	[ -n "$1" ] || return 0
	output=$(readlink "/proc/$1/fd/1" 2>/dev/null)
	case $output in
	/dev/null | /dev/std* | /dev/fd/* | /dev/pts/* | /dev/tty* | *"$TAB"* | *"$NL"*) output= ;;
	/*) [ -f "$output" ] || output= ;;
	*) output= ;;
	esac
}

# log_files NAME: prints the files that a service of runit or s6 logs to: those of its logger, and what it prints to itself.
log_files() {
	log_logger=$(logger_pid "$1")
	is_number "$log_logger" && [ "$log_logger" != 0 ] || log_logger=$(reader_of "$pid")
	[ -z "$log_logger" ] || logger_files "$log_logger"
	output_of "$pid"
	[ -n "$output" ] || {
		was "$1" && [ "$was_output" != - ] && output=$was_output
	}
	[ -z "$output" ] || printf '%s\n' "$output"
}

# logger_files PID: svlogd and s6-log are told directories, in which `current` is what they write.
logger_files() {
	logger_cwd=$(readlink "/proc/$1/cwd" 2>/dev/null)
	tr '\0' '\n' 2>/dev/null <"/proc/$1/cmdline" | while IFS= read -r logger_word; do
		case $logger_word in
		/*) ;;
		*) logger_word=$logger_cwd/${logger_word#./} ;;
		esac
		[ ! -f "$logger_word/current" ] || printf '%s\n' "$logger_word/current"
	done
}

# reader_of PID: prints the process that reads what it prints, if it prints to a pipe.
reader_of() {
	reader_pipe=$(readlink "/proc/${1:-none}/fd/1" 2>/dev/null)
	case $reader_pipe in
	pipe:*) ;;
	*) return ;;
	esac
	set +f
	# shellcheck disable=SC2012 # only the link's target is read, which is the kernel's
	ls -l /proc/[0-9]*/fd/ 2>/dev/null | awk -v pipe="$reader_pipe" '
		/^\/proc\// { split($0, part, "/"); pid = part[3] }
		$NF == pipe && $(NF - 2) == "0" { print pid; exit }'
	set -f
}
