# shellcheck shell=sh
# What all other files use: replies to the operator, failures, and whether a process lives.
#
# N       nonce of the run; every line to the operator starts with it
# SEQ     number of the script that is being answered
# root    deploy path        S  $root/.shipit        R  directory of this run
# Reply:  N, tab, SEQ, tab, kind, tab, fields, newline; on fd 3, which only the worker writes. It may begin in the
# middle of a line that a command of the user left open.

# A shell exports a variable that it found in its environment, whatever value it gives it later. So a variable of the
# login that has the name of one of ours is kept under another name, and with_user_env restores it for what runs for the
# user: the login's values are not overwritten, and hooks see none of ours.
user_env_names='
	BOOT CARRY CHECKOUT CONSOLE CONSOLE_RC EMPTIED ENTER ENTER_ADAPTER ENTER_ARGV ENTER_BASH F FAILED FETCH FOREVER FORMAT GIT
	GIT_COMMITTER_EMAIL GIT_COMMITTER_NAME GIT_SETTINGS GIT_TERMINAL_PROMPT HELPER JOB LARGEST_GITMODULES LARGEST_LIST LIST_MODULES LIST_TREE LOG M MOST_MODULES MOST_TAILS N NL PIECE PLACE R S TAILS
	SEQ SERVING TAB TAIL TOKEN WORD action agent alone answer app apps begin caller body clone clone_refs code content count cr damage digest dir end
	entry environment fields fits from has high host into left limit line locale lost low mask mode newline parent part pin
	pinned port pruned quoted reference rel release remote repo revision roles root run said shell size start state
	status step subdir submodules tags target text tick to took tool up url user vars wanted when who whole why word
	lost_release lost_run probe_at probe_body probe_interval probe_kind probe_port probe_release probe_stable probe_status
	probe_timeout probe_within adapter_pm2 adapter_systemd adapter_supervisord adapter_runit adapter_s6 data_enter data_env data_token fetch_mode from_revision reload_limit repo_key ssh_command token_for token_user
'
user_env_kept=''
for user_env_name in $user_env_names; do
	eval "[ -n \"\${$user_env_name+set}\" ]" || continue
	eval "user_env_value_$user_env_name=\$$user_env_name"
	unset "$user_env_name"
	user_env_kept="$user_env_kept $user_env_name"
done

TAB='	'
NL='
'
TAIL=16384
# More seconds than any job takes.
FOREVER=999999999

# with_user_env COMMAND...: replaces this shell with the command, and restores the login's own variables. An agent that the
# operator lends to git alone, and the name that our git has, are hidden from all that is started outside of git_access and
# git_alone.
with_user_env() {
	if [ -z "${SHIPIT_GIT:-}" ]; then
		unset GIT_COMMITTER_EMAIL GIT_COMMITTER_NAME GIT_TERMINAL_PROMPT
		[ "${agent:-}" != git ] || unset SSH_AUTH_SOCK
	fi
	for user_env_name in $user_env_kept; do
		eval "export $user_env_name=\"\$user_env_value_$user_env_name\""
	done
	exec "$@"
}

# count_bytes FILE: sets $size.
count_bytes() {
	size=$(wc -c <"$1")
	# Some wc print blanks before the number.
	size=${size##* }
	is_number "$size" || size=0
}

# A reply is one line: a name that has more is cut.
say() {
	say_line=$N$TAB$SEQ
	for say_field in "$@"; do
		say_line=$say_line$TAB${say_field%%"$NL"*}
	done
	printf '%s\n' "$say_line" >&3
}

# The exit code of a script that said why it failed.
FAILED=10

# fail REASON STEP [FIELD...]: ends the running script. Reasons, their fields, and the messages made of them are in
# src/remote/reason.rs.
fail() {
	fail_reason=$1 fail_step=$2
	shift 2
	[ -z "${lock_tells_live:-}" ] || {
		lock_tells_live=
		tell_live
	}
	fields "$@"
	say fail "$fail_reason" "$fail_step$fields"
	note reason "$fail_step $fail_reason"
	for fail_field in "$@"; do
		note field "${fail_field%%"$NL"*}"
	done
	# The rollback reads it.
	mark "$R/failed"
	exit $FAILED
}

# fields VALUE...: sets $fields to the values, with a tab before each. A reply is one line, so a value is cut at its
# first newline or tab.
fields() {
	fields=
	for fields_value in "$@"; do
		fields_value=${fields_value%%"$NL"*}
		fields=$fields$TAB${fields_value%%"$TAB"*}
	done
}

# run_tool COMMAND...: runs it in the C locale and sets $said to what it prints, which a failure passes on.
run_tool() {
	said=$(in_c_locale "$@" 2>&1)
}

# in_c_locale COMMAND...: for a subshell: it changes the environment.
in_c_locale() {
	LC_ALL=C
	export LC_ALL
	"$@"
}

# probe_write PATH: tries to write there with a tool that says why it cannot, in $said. dash itself says only "I/O
# error" for a full disk.
probe_write() {
	probe_file=$1.shipit-probe
	[ ! -d "$1" ] || probe_file=$1/.shipit-probe
	run_tool cp /proc/version "$probe_file"
	rm -f "$probe_file"
	case $said in
	*'No space left on device') probe_inodes "${probe_file%/*}" ;;
	esac
}

# probe_inodes DIR: adds to $said that no inodes are left there.
probe_inodes() {
	# shellcheck disable=SC2046 # seven words of head, then: file system, inodes, used, free; not every busybox counts them
	set -- $(LC_ALL=C df -Pi "$1" 2>/dev/null)
	case $#:${9:-0}:${11:-1} in
	?:* | 10:* | *:0:*) ;;
	*:0) said="$said (no inodes are left)" ;;
	esac
}

# write_failed STEP PATH: fails, with what a tool says about writing there.
write_failed() {
	probe_write "$2"
	fail cannot-write "$1" "$2" "$said"
}

# make_dirs STEP DIR...: makes them, or fails with the words of mkdir.
make_dirs() {
	make_step=$1
	shift
	run_tool mkdir -p "$@" || fail cannot-make "$make_step" "$1" "$said"
}

# note KEY VALUE: adds a line to the record of this run, which lies beside its log, if it was begun. On a full disk only
# that line is missing.
note() {
	case $LOG in
	*.log) [ ! -e "${LOG%.log}.steps" ] || printf '%s\t%s\n' "$1" "${2%%"$TAB"*}" 2>/dev/null >>"${LOG%.log}.steps" ;;
	esac
	return 0
}

# begin_record: makes the record of this run, which says what the run is about. Safe to repeat.
begin_record() {
	case $LOG in
	*.log) [ ! -e "${LOG%.log}.steps" ] || return 0 ;;
	*) return 0 ;;
	esac
	umask 077
	printf '' 2>/dev/null >"${LOG%.log}.steps"
	umask "$mask"
	note action "$action"
	note release "$release"
	note revision "$revision"
	note reference "$reference"
	note who "$who"
	note when "$when"
}

# warn WORD [FIELD...]: what the user should know about a release that is made: see src/remote/warning.rs.
warn() {
	warn_word=$1
	shift
	fields "$@"
	say warning "$warn_word$fields"
}

fact() {
	say fact "$1" "$2"
}

# log_size: sets $size to the bytes in the log. Forks are the most expensive thing here, so an empty log costs none.
log_size() {
	size=0
	[ ! -s "$LOG" ] || count_bytes "$LOG"
}

# in_subshell FUNCTION: runs it in a subshell, so that its failure does not end this shell. A subshell that was killed
# because our output is closed (SIGPIPE) cannot say how far it came: then this shell ends too, and its successor reads
# from the disk how far it came.
in_subshell() {
	(
		"$@"
		subshell_code=$?
		# A step of the user can end with that code as well.
		[ $subshell_code != 141 ] || subshell_code=1
		exit $subshell_code
	)
	subshell_code=$?
	[ $subshell_code != 141 ] || exit 141
	return $subshell_code
}

# mark FILE: makes an empty file. Not `: >FILE`: `:` is a special builtin, and a shell exits when its redirection fails.
mark() {
	printf '' >"$1"
}

# token_of DIR: prints the token of a run: a directory named owner.PID.START.PLACE. The process that it names may act for
# the run. The token changes hands by rename, so exactly one of several processes gets it, on a full disk too. PLACE is
# where that process is, see init_place.
token_of() {
	for token_is in "$1"/owner.*; do
		[ -d "$token_is" ] && read_token "${token_is##*/}" && {
			echo "${token_is##*/}"
			return
		}
	done
	return 1
}

# read_token TOKEN: sets $token_pid and $token_start, and $token_at to where its process is: here; gone, with an earlier
# boot of this machine; or elsewhere, on another machine or in another container, whose processes are not seen here.
# Returns 1 for a name that no process of ours has: the process group of pid 1 would be all processes.
read_token() {
	token_place=${1#owner.}
	token_pid=${token_place%%.*}
	token_place=${token_place#*.}
	token_start=${token_place%%.*}
	token_place=${token_place#*.}
	is_number "$token_pid" && [ "$token_pid" -gt 1 ] && is_number "$token_start" || return
	case $token_place in
	'' | *[!0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._-]*) return 1 ;;
	"$PLACE" | "$BOOT") token_at=here ;;
	"$BOOT".* | *.unknown) token_at=elsewhere ;;
	*."${PLACE#*.*.}") token_at=gone ;;
	*.*) token_at=elsewhere ;;
	*) token_at=gone ;;
	esac
}

# token_alive TOKEN DIR: whether the process that owns the run in DIR still runs.
token_alive() {
	read_token "$1" || return
	case $token_at in
	here) process_start "$token_pid" && [ "$start" = "$token_start" ] ;;
	elsewhere) token_beats "$2/$1" ;;
	*) return 1 ;;
	esac
}

# token_beats DIR: whether the owner of a token elsewhere still writes its heartbeat. It does so about once a second, and
# is dead when the file is unchanged for timeout.lost. Times of two files are compared, since clocks may differ.
token_beats() {
	mark "$R/seen" 2>/dev/null || return 0
	# The operator's deadline for this script does not have that time.
	fact ending yes
	beats_left=$lost
	while [ "$beats_left" -ge 0 ]; do
		beats_left=$((beats_left - 1))
		sleep 1
		# It has changed hands, which the caller will notice. (NFS asks the server again when a file is opened.)
		[ -d "$1" ] || return 1
		read -r _ 2>/dev/null <"$1/beat"
		# shellcheck disable=SC3013 # -nt: POSIX.1-2024, and in all of dash, bash and busybox ash
		[ ! "$1/beat" -nt "$R/seen" ] || return 0
	done
	return 1
}

# beat DIR: the heartbeat of the run in DIR, if this process owns it. Truncating changes the time on a full disk too.
beat() {
	[ ! -d "$1/$TOKEN" ] || printf . 2>/dev/null >"$1/$TOKEN/beat"
}
