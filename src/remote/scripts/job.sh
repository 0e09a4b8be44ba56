# shellcheck shell=sh
# Jobs: what the user and git run on the host.
#
# A job has its own session and process group, no terminal, no input, and none of our descriptors, so that a daemon that
# it leaves behind keeps nothing of ours open. Its pid, start time and limit are the NAME of an empty file, which needs
# no free block on a full disk. The file of a job that has ended is not empty. A job makes its file before it looks for
# the token, and a process that takes over a run moves the token before it looks for jobs: so either the job sees that
# it must not start, or it is seen. If no inode is left for its file, it renames that of a job that has ended.

# shellcheck disable=SC2016 # expanded by the job's own shell
JOB='shipit_run=$1 shipit_token=$2 shipit_limit=$3 shipit_dir=$4
shift 4
read -r shipit_stat </proc/$$/stat
shipit_began() { shipit_began=${20}; }
shipit_began ${shipit_stat##*) }
shipit_file=$shipit_run/job.$$.$shipit_began.$shipit_limit
{ printf "" >"$shipit_file"; } 2>/dev/null || for shipit_old in "$shipit_run"/job.*; do
	[ -s "$shipit_old" ] && mv "$shipit_old" "$shipit_file" && printf "" >"$shipit_file" && break
done 2>/dev/null
[ -e "$shipit_file" ] && [ ! -s "$shipit_file" ] || { echo unnamed >&6; exit 19; }
[ -d "$shipit_run/$shipit_token" ] && [ ! -e "$shipit_run/stop" ] || exit 18
cd "$shipit_dir" || { echo nowhere >&6; exit 17; }
exec "$@" 6>&-'

# run_job LIMIT DIR COMMAND...: runs it; sets $code to its exit code and $why to how it ended: exit, limit or stop; or, if
# it was not started, unnamed (its file could not be made) or nowhere (DIR is missing).
run_job() {
	job_limit=$1 job_dir=$2
	shift 2
	if { printf '' >>"$LOG"; } 2>/dev/null; then
		# What the job says of its start comes on a descriptor of its own, which ends with the start.
		why=$(with_user_env setsid /bin/sh -c "$JOB" shipit-job "$R" "$TOKEN" "$job_limit" "$job_dir" "$@" \
			6>&1 </dev/null >>"$LOG" 2>&1 3>&- 4>&- 5>&-)
		code=$?
	else
		code=19 why=unnamed
	fi
	why=${why:-exit}
	[ ! -e "$R/late" ] || why=limit
	[ ! -e "$R/stop" ] || why=stop
	# A job that was ended has failed, even if it exits with 0.
	[ "$why" = 'exit' ] || [ "$code" != 0 ] || code=143
	[ "$why" != unnamed ] && [ "$why" != nowhere ] || return
	job_ended
	[ ! -e "$R/late" ] || rm -f "$R/late"
}

# job_ended: the first process of the job has ended. If the job was to be ended, its other processes may ignore TERM,
# and must not run beside what follows. Job files stay until the run ends: a fork for each would be a tenth of all
# forks.
job_ended() {
	[ ! -e "$R/late" ] && [ ! -e "$R/stop" ] || end_jobs "$R" 25
	for over_job in "$R"/job.*; do
		[ -s "$over_job" ] || [ ! -e "$over_job" ] || printf . 2>/dev/null >"$over_job" || rm -f "$over_job"
	done
}

# job_runs FILE: whether the job with that file has not ended.
job_runs() {
	[ -e "$1" ] && [ ! -s "$1" ]
}

# read_job FILE: sets $named_pid, $named_began and $named_limit from the name of a job's file. Returns 1 for a name that no
# job made: the process group of pid 1 would be all processes.
read_job() {
	named_limit=${1##*/job.}
	named_pid=${named_limit%%.*}
	named_limit=${named_limit#*.}
	named_began=${named_limit%%.*}
	named_limit=${named_limit#*.}
	is_number "$named_pid" && [ "$named_pid" -gt 1 ] && is_number "$named_began" && is_number "$named_limit"
}

# step_begin NAME: tells the operator, and the record of this run, that a step begins.
step_begin() {
	step=$1
	log_size
	step_from=$size
	say step "$step" "$step_from"
	note step "$step_from $step"
}

# step_end: tells how the last job of the step ended, and the end of what was printed since $step_from.
step_end() {
	log_size
	note end "$size $code $why $step"
	[ $((size - step_from)) -le $TAIL ] || step_from=$((size - TAIL))
	if [ "$size" -gt "$step_from" ]; then
		say tail "$step" "$step_from" "$((size - step_from))"
		tail -c "+$((step_from + 1))" "$LOG" | head -c "$((size - step_from))" >&3
	fi
	say end "$step" "$code" "$why" "$size"
}

# run_step NAME LIMIT DIR COMMAND...: runs a job as a step.
run_step() {
	step_begin "$1"
	shift
	run_job "$@"
	step_end
	return "$code"
}

# must_run NAME LIMIT DIR COMMAND...: the same; if it fails, the script ends.
must_run() {
	run_step "$@" || step_failed "$1" "$2"
}

# step_failed STEP LIMIT: ends the script with a reason that says how the last job ended.
step_failed() {
	case $why in
	limit) fail timed-out "$1" "$2" ;;
	stop) fail stopped "$1" ;;
	unnamed)
		probe_write "$R"
		fail cannot-start "$1" "$R" "$said"
		;;
	nowhere) fail no-directory "$1" "$job_dir" ;;
	esac
	fail step-failed "$1" "$code"
}

# end_jobs DIR [PATIENCE]: ends the jobs of a run: TERM, and KILL after PATIENCE fifths of a second (5 if not given).
end_jobs() {
	for end_job in "$1"/job.*; do
		job_runs "$end_job" && read_job "$end_job" || continue
		end_pid=$named_pid end_began=$named_began
		# The job may have ended long ago and its pid may be another process. A pid is not given away while its group
		# has members.
		process_start "$end_pid" || start=$end_began
		[ "$start" = "$end_began" ] || continue
		# Not `kill -TERM -- -PID`: dash and busybox ash say that this is an illegal number.
		kill -TERM "-$end_pid" 2>/dev/null || continue
		end_left=${2:-5}
		while group_lives "$end_pid" && [ "$end_left" -gt 0 ]; do
			end_left=$((end_left - 1))
			pause
		done
		kill -KILL "-$end_pid" 2>/dev/null && wait_until_gone "$end_pid"
	done
}

# wait_until_gone PID: waits until that process group has ended, about a second at most. A process that is killed in a
# system call still completes the call, and could make a link after this run has cleaned up.
wait_until_gone() {
	gone_left=10
	while group_lives "$1" && [ "$gone_left" -gt 0 ]; do
		gone_left=$((gone_left - 1))
		if [ "$gone_left" -gt 5 ]; then sleep 0.02 2>/dev/null || pause; else pause; fi
	done
}

# group_lives PID: whether a process of that group runs. A zombie that waits for its parent still counts for `kill -0`.
group_lives() {
	kill -0 "-$1" 2>/dev/null || return 1
	group_id=$1
	for group_stat in /proc/[0-9]*/stat; do
		read -r group_stat 2>/dev/null <"$group_stat" || continue
		# state, parent, group: what follows the name in brackets, see process_start
		# shellcheck disable=SC2086
		set -- ${group_stat##*) }
		[ "${3:-}" = "$group_id" ] || continue
		# A first thread that has ended while other threads run is Z as well.
		case $1:${18} in
		Z:[01] | X:*) ;;
		*) return 0 ;;
		esac
	done
	return 1
}

# A shell that runs a text of the user: it reads PATH and profile, then the environment, then the text.
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

# choose_shell META: sets $with_shell, $with_option and $with_text to what runs a text of the user.
choose_shell() {
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

# run_hook STEP LIMIT DIR META FILE: runs a text of the user as a step. If it fails, the script ends.
run_hook() {
	choose_shell "$4"
	must_run "$1" "$2" "$3" "$with_shell" "$with_option" "$with_text" shipit "$4" "$5"
}

# try_hook: the same, but returns the failure.
try_hook() {
	choose_shell "$4"
	run_step "$1" "$2" "$3" "$with_shell" "$with_option" "$with_text" shipit "$4" "$5"
}

# Waits until the operator says how a step ended: a file whose name ends in the exit code.
# shellcheck disable=SC2016
WORD='while :; do
	for word in "$1".*; do
		case ${word##*.} in
		"" | *[!0123456789]* | ????*) ;;
		*) [ ! -e "$word" ] || exit "${word##*.}" ;;
		esac
	done
	sleep 0.2 2>/dev/null || sleep 1
done'

# try_local_step STEP LIMIT: a step that the operator's machine runs for this host. The operator is asked, and a job
# waits for the result; without an operator the step fails.
try_local_step() {
	step_begin "$1"
	code=1 why='exit'
	if [ -z "$alone" ]; then
		say ask "$1"
		run_job "$2" / /bin/sh -c "$WORD" shipit-here "$R/word.$1.$SEQ"
	fi
	step_end
	return "$code"
}

# read_step STEP FILE: sets $step_limit, and $step_here if the operator's machine runs it, from the name of a stored text:
# STEP.NUMBER.LIMIT or STEP.NUMBER.here.LIMIT. Returns 1 for any other file.
read_step() {
	step_limit=${2##*/"$1".}
	step_number=${step_limit%%.*}
	step_limit=${step_limit#*.} step_here=
	case $step_limit in
	here.*) step_limit=${step_limit#here.} step_here=yes ;;
	esac
	[ -f "$2" ] && is_number "$step_number" && is_number "$step_limit"
}

# find_step STEP NUMBER: sets $step_file and $step_limit to the stored text of that number. Returns 1 if there is none.
find_step() {
	for step_file in "$M/steps/$1.$2".*; do
		! read_step "$1" "$step_file" || return 0
	done
	return 1
}

# run_stored STEP DIR [try]: runs the texts that are stored with release $M for that step, in their order. File names
# end in .LIMIT. With `try` a failure is returned.
run_stored() {
	step_code=0
	for step_file in "$M/steps/$1".*; do
		read_step "$1" "$step_file" || continue
		case ${3:-}:$step_here in
		try:yes) try_local_step "$1" "$step_limit" || step_code=$code ;;
		:yes) try_local_step "$1" "$step_limit" || step_failed "$1" "$step_limit" ;;
		try:*) try_hook "$1" "$step_limit" "$2" "$M" "$step_file" || step_code=$code ;;
		*) run_hook "$1" "$step_limit" "$2" "$M" "$step_file" ;;
		esac
	done
	return $step_code
}

# operator_missing_for STEP: whether only the operator's machine can run the step, and this process acts without an
# operator.
operator_missing_for() {
	[ -n "$alone" ] || return 1
	nobody_limit=$step_limit nobody_code=1
	for nobody_file in "$M/steps/$1".*.here.*; do
		! read_step "$1" "$nobody_file" || nobody_code=0
	done
	step_limit=$nobody_limit
	return $nobody_code
}

has_step() {
	has_limit=$step_limit has_code=1
	for has_file in "$M/steps/$1".*; do
		! read_step "$1" "$has_file" || has_code=0
	done
	# A caller may still tell of the step that it ran.
	step_limit=$has_limit
	return $has_code
}

# set_hook_env RELEASE REVISION PREVIOUS-REVISION ACTION: sets what hooks find in their environment.
set_hook_env() {
	export SHIPIT_RELEASE="$1" SHIPIT_REVISION="$2" SHIPIT_PREVIOUS_REVISION="$3" SHIPIT_ACTION="$4"
	export SHIPIT_RELEASE_PATH="$root/releases/$1" SHARED="$root/shared"
	export SHIPIT_ENV="$environment" SHIPIT_APP="$app" SHIPIT_HOST="$host" SHIPIT_ROLES="$roles"
	export SHIPIT_REF="$reference" SHIPIT_USER="$user"
}

# run_stored_part STEP NUMBER DIR: runs one of the stored texts, counted from 0.
run_stored_part() {
	for step_file in "$M/steps/$1.$((10 + $2))".*; do
		! read_step "$1" "$step_file" || run_hook "$1" "$step_limit" "$3" "$M" "$step_file"
	done
}
