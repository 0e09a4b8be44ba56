# shellcheck shell=sh
# What everything else stands on: replies, failure, who is alive.
#
# N       nonce of the run; every line to the operator starts with it
# SEQ     number of the script that is being answered
# root    deploy path        S  $root/.shipit        R  directory of this run
# Reply:  N, tab, SEQ, tab, kind, tab, fields, newline; on fd 3, which only the worker writes. It may begin in the
# middle of a line that a command of the user's left open.

# What a shell finds in its environment it passes on, whatever it sets that to. A login's variables that are called as ours are
# put aside, and given back to what runs for the user (theirs): nothing of his is overwritten, nothing of ours gets to him.
theirs_names='
	BOOT CHECKOUT CONSOLE CONSOLE_RC ENTER ENTER_ARGV ENTER_BASH F FAILED FETCH FOREVER GIT HELPER JOB LOG M N NL PIECE R S
	SEQ SERVING TAB TAIL TOKEN WORD action alone answer app apps begin body code content count cr digest dir end
	environment fields fits from has high host into left limit line locale lost low mask mine mode newline parent part pin
	pinned port pruned quoted reference rel release remote repo revision roles root run said shell size start state
	status step subdir submodules tags text to took tool up url user vars wanted when who whole why word
	lost_release lost_run probe_at probe_body probe_interval probe_kind probe_port probe_release probe_stable probe_status
	probe_timeout probe_within data_enter data_env data_token fetch_mode from_revision reload_limit repo_key ssh_command token_for token_user
'
theirs_aside=''
for aside_name in $theirs_names; do
	eval "[ -n \"\${$aside_name+set}\" ]" || continue
	eval "aside_$aside_name=\$$aside_name"
	unset "$aside_name"
	theirs_aside="$theirs_aside $aside_name"
done

TAB='	'
NL='
'
TAIL=16384
# Seconds that no job takes.
FOREVER=999999999

# theirs COMMAND...: becomes that command, with the login's own variables.
theirs() {
	for theirs_name in $theirs_aside; do
		eval "export $theirs_name=\"\$aside_$theirs_name\""
	done
	exec "$@"
}

say() {
	say_line=$N$TAB$SEQ
	for say_field in "$@"; do
		say_line=$say_line$TAB$say_field
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
	fields "$@"
	say fail "$fail_reason" "$fail_step$fields"
	noted reason "$fail_step $fail_reason"
	for fail_field in "$@"; do
		noted field "${fail_field%%"$NL"*}"
	done
	# How a run ends may depend on it.
	mark "$R/failed"
	exit $FAILED
}

# fields VALUE...: in $fields, with a tab before each. A reply is one line: of a value it has the first line, up to a tab.
fields() {
	fields=
	for fields_value in "$@"; do
		fields_value=${fields_value%%"$NL"*}
		fields=$fields$TAB${fields_value%%"$TAB"*}
	done
}

# run_tool COMMAND...: what it prints, in the C locale, is in $said: a failure passes it on.
run_tool() {
	said=$(in_c_locale "$@" 2>&1)
}

# in_c_locale COMMAND...: for a subshell.
in_c_locale() {
	LC_ALL=C
	export LC_ALL
	"$@"
}

# probe_write PATH: tries to write there with a tool that says in $said why it cannot: dash says "I/O error" for a full disk.
probe_write() {
	probe_file=$1.shipit-probe
	[ ! -d "$1" ] || probe_file=$1/.shipit-probe
	run_tool cp /proc/version "$probe_file"
	rm -f "$probe_file"
}

# write_failed STEP PATH: fails, with what a tool says of writing there.
write_failed() {
	probe_write "$2"
	fail cannot-write "$1" "$2" "$said"
}

# make_dirs STEP DIR...: makes them; fails with the words of mkdir.
make_dirs() {
	make_step=$1
	shift
	run_tool mkdir -p "$@" || fail cannot-make "$make_step" "$1" "$said"
}

# noted KEY VALUE: a line in the record of this run, beside its log, once that was begun. On a full disk it is missing,
# and nothing else.
noted() {
	case $LOG in
	*.log) [ ! -e "${LOG%.log}.steps" ] || printf '%s\t%s\n' "$1" "${2%%"$TAB"*}" 2>/dev/null >>"${LOG%.log}.steps" ;;
	esac
	return 0
}

# record: begins it: what this run is about. Safe to repeat.
record() {
	case $LOG in
	*.log) [ ! -e "${LOG%.log}.steps" ] || return 0 ;;
	*) return 0 ;;
	esac
	umask 077
	printf '' 2>/dev/null >"${LOG%.log}.steps"
	umask "$mask"
	noted action "$action"
	noted release "$release"
	noted revision "$revision"
	noted reference "$reference"
	noted who "$who"
	noted when "$when"
}

fact() {
	say fact "$1" "$2"
}

# log_size: bytes in the log, in $size. Forks cost more than all else here, so none where nothing was printed.
log_size() {
	size=0
	[ ! -s "$LOG" ] || size=$(($(wc -c <"$LOG")))
}

# apart FUNCTION: in a subshell, so that its failure is not ours. One that died of our closed output (SIGPIPE) tells nothing of
# what it was at: we end too, and who goes on in our place finds that out from the disk.
apart() {
	(
		"$@"
		apart_code=$?
		# A step may end so as well.
		[ $apart_code != 141 ] || apart_code=1
		exit $apart_code
	)
	apart_code=$?
	[ $apart_code != 141 ] || exit 141
	return $apart_code
}

# mark FILE: makes it, empty. Not `: >FILE`: a shell dies of it when that fails, since `:` is a special builtin.
mark() {
	printf '' >"$1"
}

# started PID: its start time in clock ticks (proc(5), field 22), in $start: a pid that was given away again has another.
# One that has ended and only waits for its parent does not count.
started() {
	start=
	read -r started_stat 2>/dev/null <"/proc/$1/stat" || return 1
	# The name of the program, in brackets, may hold blanks and brackets.
	# shellcheck disable=SC2086
	set -- ${started_stat##*) }
	case $1 in
	Z | X) return 1 ;;
	esac
	start=${20}
}

# token_of DIR: the token of a run: a directory named owner.PID.START.BOOT. Whoever it names may act for the run;
# it passes from one to the next by rename, so exactly one of several gets it, also on a full disk.
token_of() {
	for token_is in "$1"/owner.*; do
		[ -d "$token_is" ] && {
			echo "${token_is##*/}"
			return
		}
	done
	return 1
}

# token_alive TOKEN: whether its process is there.
token_alive() {
	token_rest=${1#owner.}
	token_pid=${token_rest%%.*}
	token_rest=${token_rest#*.}
	[ "${token_rest#*.}" = "$BOOT" ] && started "$token_pid" && [ "$start" = "${token_rest%%.*}" ]
}

# pause: about a fifth of a second, where sleep knows fractions.
pause() {
	sleep 0.2 2>/dev/null || sleep 1
}
