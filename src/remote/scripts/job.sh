# shellcheck shell=sh
# Jobs: what the user and git run on the host.
#
# A job has its own session and process group, no terminal, no input, and none of our descriptors, so that a
# daemon it leaves behind holds nothing of ours open. Its pid, when that began, and its limit are the NAME of an empty file:
# that needs no free block on a full disk. A job that is over has something in it. It is written before the token is looked for, and whoever takes a run over
# moves the token before it looks for jobs: so either the job sees that it must not start, or it is seen.

# shellcheck disable=SC2016 # expanded by the job's own shell
JOB='shipit_run=$1 shipit_token=$2 shipit_limit=$3 shipit_dir=$4
shift 4
read -r shipit_stat </proc/$$/stat
shipit_began() { shipit_began=${20}; }
shipit_began ${shipit_stat##*) }
printf "" >"$shipit_run/job.$$.$shipit_began.$shipit_limit" || exit 19
[ -d "$shipit_run/$shipit_token" ] && [ ! -e "$shipit_run/stop" ] || exit 18
cd "$shipit_dir" || exit 17
exec "$@"'

# job LIMIT DIR COMMAND...: runs it; leaves its exit code in $code, and in $why how it ended: exit, limit or stop.
job() {
	job_limit=$1 job_dir=$2
	shift 2
	(theirs setsid /bin/sh -c "$JOB" shipit-job "$R" "$TOKEN" "$job_limit" "$job_dir" "$@") \
		</dev/null >>"$LOG" 2>&1 3>&- 4>&- 5>&-
	code=$?
	why='exit'
	[ ! -e "$R/late" ] || why=limit
	[ ! -e "$R/stop" ] || why=stop
	# What was ended has not succeeded, also when it says so.
	[ "$why" = 'exit' ] || [ "$code" != 0 ] || code=143
	over
	[ ! -e "$R/late" ] || rm -f "$R/late"
}

# over: the first process of this run's job has ended. Where it was to end, what that started may be deaf, and must not go on
# beside what follows. The names of jobs stay till the run ends: a fork for each would be a tenth of all its forks.
over() {
	[ ! -e "$R/late" ] && [ ! -e "$R/stop" ] || end_jobs "$R" 25
	for over_job in "$R"/job.*; do
		[ -s "$over_job" ] || [ ! -e "$over_job" ] || printf . 2>/dev/null >"$over_job" || rm -f "$over_job"
	done
}

# runs FILE: whether the job of that name is not over yet.
runs() {
	[ -e "$1" ] && [ ! -s "$1" ]
}

# step_begin NAME: what the operator sees of a step, and the record of this run.
step_begin() {
	step=$1
	log_size
	step_from=$size
	say step "$step" "$step_from"
	noted step "$step_from $step"
}

# step_end: how its last job ended, and the end of what was printed since $step_from.
step_end() {
	log_size
	noted end "$size $code $why $step"
	[ $((size - step_from)) -le $TAIL ] || step_from=$((size - TAIL))
	if [ "$size" -gt "$step_from" ]; then
		say tail "$step" "$step_from" "$((size - step_from))"
		tail -c "+$((step_from + 1))" "$LOG" | head -c "$((size - step_from))" >&3
	fi
	say end "$step" "$code" "$why" "$size"
}

# run_step NAME LIMIT DIR COMMAND...: a job that the operator sees, with the end of what it printed.
run_step() {
	step_begin "$1"
	shift
	job "$@"
	step_end
	return "$code"
}

# must NAME LIMIT DIR COMMAND...: the same, and its failure ends the script.
must() {
	run_step "$@" || broken "$1" "$2"
}

# broken STEP LIMIT: ends the script, saying how the job before ended.
broken() {
	case $why in
	limit) fail timed-out "$1" "$2" ;;
	stop) fail stopped "$1" ;;
	esac
	fail step-failed "$1" "$code"
}

# end_jobs DIR [PATIENCE]: ends what a run has running: TERM, and KILL when it is deaf for so many fifths of a second [5].
end_jobs() {
	for end_job in "$1"/job.*; do
		runs "$end_job" || continue
		end_job=${end_job##*/job.}
		end_pid=${end_job%%.*}
		end_began=${end_job#*.}
		end_began=${end_began%%.*}
		# The job may be long over and its pid another's; a pid is not given away while its group has members.
		started "$end_pid" || start=$end_began
		[ "$start" = "$end_began" ] || continue
		# Not `kill -TERM -- -PID`: dash and busybox ash take that for an illegal number.
		kill -TERM "-$end_pid" 2>/dev/null || continue
		end_left=${2:-5}
		while lives "$end_pid" && [ "$end_left" -gt 0 ]; do
			end_left=$((end_left - 1))
			pause
		done
		kill -KILL "-$end_pid" 2>/dev/null && gone "$end_pid"
	done
}

# gone PID: waits till that process group is, a second or so at most: what is killed in a call of the system still ends that,
# and a link that it makes then would be nobody's.
gone() {
	gone_left=10
	while lives "$1" && [ "$gone_left" -gt 0 ]; do
		gone_left=$((gone_left - 1))
		if [ "$gone_left" -gt 5 ]; then sleep 0.02 2>/dev/null || pause; else pause; fi
	done
}

# lives PID: whether a process of that group does. What is dead and waits for its parent (often the first process, which may
# take its time) still counts for `kill -0`, and does nothing any more.
lives() {
	kill -0 "-$1" 2>/dev/null || return 1
	lives_group=$1
	for lives_stat in /proc/[0-9]*/stat; do
		read -r lives_stat 2>/dev/null <"$lives_stat" || continue
		# state, parent, group: after the name in brackets, see started
		# shellcheck disable=SC2086
		set -- ${lives_stat##*) }
		[ "${3:-}" = "$lives_group" ] || continue
		# A first thread that has ended while others go on is Z as well.
		case $1:${18} in
		Z:[01] | X:*) ;;
		*) return 0 ;;
		esac
	done
	return 1
}

# A shell that runs the user's text: what it reads first (PATH, profile), the environment, the text.
# shellcheck disable=SC2016 # expanded by the hook's shell
ENTER='shipit_meta=$1 shipit_step=$2
shift $#
. "$shipit_meta/enter"
. "$shipit_meta/env" || exit 14
set -e
. "$shipit_step"'
ENTER_BASH="set -o pipefail
$ENTER"
# shellcheck disable=SC2016
ENTER_ARGV='. "$1/enter"
. "$1/env" || exit 14
shift 2
"$@"'

# shell_for META: sets $with_shell, $with_option and $with_text to what runs a text there.
shell_for() {
	with_option=-c with_text=$ENTER
	read -r with_shell <"$1/shell" || {
		run_tool cat "$1/shell"
		fail cannot-read shell "$1/shell" "$said"
	}
	case $with_shell in
	auto) if command -v bash >/dev/null; then with_shell=bash; else with_shell=/bin/sh; fi ;;
	bash) command -v bash >/dev/null || fail no-bash shell ;;
	login)
		with_shell=${SHELL:-/bin/sh} with_option=-lc
		case ${with_shell##*/} in
		sh | bash | dash | ash | ksh | mksh | zsh) ;;
		*) fail login-shell shell "${with_shell##*/}" ;;
		esac
		;;
	*) with_shell=/bin/sh ;;
	esac
	case ${with_shell##*/} in
	bash | zsh | ksh) with_text=$ENTER_BASH ;;
	esac
}

# hook STEP LIMIT DIR META FILE: a text of the user's as a step. Its failure ends the script.
hook() {
	shell_for "$4"
	must "$1" "$2" "$3" "$with_shell" "$with_option" "$with_text" shipit "$4" "$5"
}

# try_hook: the same; its failure is only returned.
try_hook() {
	shell_for "$4"
	run_step "$1" "$2" "$3" "$with_shell" "$with_option" "$with_text" shipit "$4" "$5"
}

# Waits for the operator's word on a step: a file whose name ends in the exit code.
# shellcheck disable=SC2016
WORD='while :; do
	for word in "$1".*; do
		[ ! -e "$word" ] || exit "${word##*.}"
	done
	sleep 0.2 2>/dev/null || sleep 1
done'

# try_here STEP LIMIT: a step that the operator's machine does for this host. It is told, and a job like any other waits for its
# word; where nobody hears it the step fails.
try_here() {
	step_begin "$1"
	code=1 why='exit'
	if [ -z "$alone" ]; then
		say ask "$1"
		job "$2" / /bin/sh -c "$WORD" shipit-here "$R/word.$1.$SEQ"
	fi
	step_end
	return "$code"
}

# stored STEP DIR [try]: the texts stored with release $M under that name, in order. File names end in .LIMIT.
stored() {
	stored_code=0
	for stored_file in "$M/steps/$1".*; do
		[ -f "$stored_file" ] || continue
		stored_limit=${stored_file##*.}
		case ${3:-}:${stored_file##*/} in
		try:*.here.*) try_here "$1" "$stored_limit" || stored_code=$code ;;
		*.here.*) try_here "$1" "$stored_limit" || broken "$1" "$stored_limit" ;;
		try:*) try_hook "$1" "$stored_limit" "$2" "$M" "$stored_file" || stored_code=$code ;;
		*) hook "$1" "$stored_limit" "$2" "$M" "$stored_file" ;;
		esac
	done
	return $stored_code
}

# nobody_for STEP: whether only the operator's machine can do it, and he is gone.
nobody_for() {
	[ -n "$alone" ] || return 1
	for nobody_file in "$M/steps/$1".*.here.*; do
		[ ! -f "$nobody_file" ] || return 0
	done
	return 1
}

has_step() {
	for has_file in "$M/steps/$1".*; do
		[ -f "$has_file" ] && return 0
	done
	return 1
}

# context RELEASE REVISION PREVIOUS-REVISION ACTION: what hooks find in their environment.
context() {
	export SHIPIT_RELEASE="$1" SHIPIT_REVISION="$2" SHIPIT_PREVIOUS_REVISION="$3" SHIPIT_ACTION="$4"
	export SHIPIT_RELEASE_PATH="$root/releases/$1" SHARED="$root/shared"
	export SHIPIT_ENV="$environment" SHIPIT_APP="$app" SHIPIT_HOST="$host" SHIPIT_ROLES="$roles"
	export SHIPIT_REF="$reference" SHIPIT_USER="$user"
}

# stored_part STEP NUMBER DIR: one of them, counted from 0.
stored_part() {
	for stored_file in "$M/steps/$1.$((10 + $2))".*; do
		hook "$1" "${stored_file##*.}" "$3" "$M" "$stored_file"
	done
}
