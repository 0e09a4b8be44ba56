# shellcheck shell=sh
# The resident shell: three processes in a pipeline, none of them in the background: a process that a shell starts with
# & ignores SIGINT and SIGQUIT, and so does everything that it starts.
#
#   ticker | reader | worker
#
# reader  is never busy: it answers the operator's beats, ends jobs, hands the rest on, and notices the end of input
# worker  runs scripts, one after the other, and is the only one that writes to our standard output
# ticker  counts silence and the jobs' time, once every tick; the only one that writes to our standard error
#
# Called with what start.sh says of the program: kept, or sent. From the operator, a line each, starting with the nonce N:
#   N beat | N stop | N kill | N bye | N word STEP.SEQ CODE
#   N set | N data NAME | N run NUMBER      with lines up to `N end`

# leave_to_successor: ends the run in the operator's place, with a process in a session of its own, which a lost
# connection cannot end. It is a new process because the ticker gets a signal for every beat, which the successor must
# survive. The program is in its environment; job shells never see it.
leave_to_successor() {
	leave_mode=$mode leave_dir=$R
	if [ ! -d "$R/$TOKEN" ] && [ -d "$F" ]; then leave_mode=free leave_dir=$F; fi
	# Without the token there is nothing to end: the directory may be of another shell of this run, or of whoever took
	# over.
	[ -d "$leave_dir/$TOKEN" ] || exit
	export SHIPIT_PROGRAM="$shipit_program"
	# shellcheck disable=SC2016
	(with_user_env setsid /bin/sh -c 'eval "$SHIPIT_PROGRAM"' shipit successor "$leave_mode" "$run" "$lost" "$tick" "$root" "$leave_dir" "$TOKEN") \
		</dev/null >/dev/null 2>&1 3>&- 4>&- 5>&-
	exit
}

successor() {
	printf '' >>"$LOG" || LOG=/dev/null
	exec 3>/dev/null 2>>"$LOG"
	# Two processes of a shell may leave it to a successor each: the rename decides.
	mv "$R/$successor_old" "$R/$TOKEN" 2>/dev/null || exit 0
	successor_kind=$mode
	mode=successor
	cd /
	recover "$R" "$successor_old"
	[ "$successor_kind" != free ] || remove_run
	# The lost run may have been ending another run itself: then the other run has its token.
	successor_other=$(readlink "$S/lock") && [ -d "$S/$successor_other/$successor_old" ] && take_over "$S/$successor_other"
}

ticker() {
	tick_silent=-$tick tick_heard='' tick_sent=0 tick_last='' tick_age=0
	# A beat may come at the beginning of a tick or at its end: that tick does not count as silence.
	trap 'tick_silent=-$tick tick_heard=1' USR1
	read -r tick_self _ </proc/self/stat
	echo "$tick_self"
	exec >&5 2>/dev/null
	while :; do
		wait_tick
		tick_silent=$((tick_silent + tick))
		[ $((tick_silent / 1000)) -lt "$lost" ] || leave_to_successor
		if [ -n "$tick_heard" ]; then
			tick_heard=''
			printf '%s\tbeat\n' "$N"
		fi
		[ "$mode" = free ] || beat "$R"
		tick_jobs
	done
}

# set_tick MILLISECONDS: sets $tick, in which the ticker counts, $tick_seconds, which `sleep` takes, and $tick_most, the
# bytes of output that a tick sends.
set_tick() {
	tick=$1 tick_seconds=$(($1 / 1000)) tick_most=$((TAIL * $1 / 1000))
	[ $((tick % 1000)) = 0 ] || {
		tick_part=$((tick % 1000 + 1000))
		tick_seconds=$tick_seconds.${tick_part#1}
	}
}

# wait_tick: waits for a tick. A tick is a second where `sleep` accepts no fractions.
wait_tick() {
	sleep "$tick_seconds" >/dev/null 2>&1 5>&- && return
	set_tick 1000
	sleep 1 >/dev/null 2>&1 5>&-
}

# tick_jobs: checks the running job's age, in milliseconds, and sends its output.
tick_jobs() {
	tick_any=
	for tick_file in "$R"/job.* "$F"/job.*; do
		is_own_job "$tick_file" || continue
		tick_any=yes
		# Seconds are divided and limits not multiplied: the arithmetic of a shell may have 32 bits.
		if [ "$tick_file" = "$tick_last" ]; then tick_age=$((tick_age + tick)); else tick_last=$tick_file tick_age=0; fi
		if [ $((tick_age / 1000)) -ge $((named_limit + 5)) ]; then
			kill -KILL "-$named_pid"
		elif [ $((tick_age / 1000)) -ge "$named_limit" ]; then
			mark "${tick_file%/*}/late"
			kill -TERM "-$named_pid"
		fi
	done
	if [ -z "$tick_any" ]; then
		tick_last=''
		return
	fi
	# An operator that sends no beats may read nothing, and a full pipe would stop the counting. What
	# is sent in so long fits into its 16 pages, of which short messages fill not all.
	[ "$tick_silent" -ge 2500 ] || tick_output
}

# tick_output: sends at most TAIL bytes a second of new output; the rest is only in the log.
tick_output() {
	[ -f "$LOG" ] || return 0
	count_bytes "$LOG"
	tick_size=$size
	[ "$tick_size" -gt "$tick_sent" ] || return 0
	if job_runs "$R/quiet"; then
		tick_sent=$tick_size
		return
	fi
	[ $((tick_size - tick_sent)) -le "$tick_most" ] || tick_sent=$((tick_size - tick_most))
	printf '%s\tout\t%s\t%s\n' "$N" "$tick_sent" "$((tick_size - tick_sent))"
	tail -c "+$((tick_sent + 1))" "$LOG" | head -c "$((tick_size - tick_sent))"
	tick_sent=$tick_size
}

reader() {
	trap ':' PIPE
	read -r reader_tick
	process_start "$reader_tick"
	reader_start=$start
	exec <&4 4<&- 2>/dev/null
	while IFS= read -r reader_line; do
		case $reader_line in
		"$N beat")
			# If the ticker has ended, its pid may belong to another process.
			process_start "$reader_tick"
			[ "$start" = "$reader_start" ] || leave_to_successor
			kill -USR1 "$reader_tick"
			# An empty line, which the worker ignores; it fails when the worker is dead.
			printf '\n' || break
			;;
		"$N stop")
			mark_stop
			signal_jobs TERM
			;;
		"$N kill") signal_jobs KILL ;;
		"$N word "*)
			reader_line=${reader_line#* * }
			# If the result cannot be written, the step must not wait for it.
			mark "$R/word.${reader_line% *}.${reader_line##* }" || signal_jobs TERM
			;;
		"$N bye")
			bye_or_leave
			printf '%s\n' "$reader_line"
			end_ticker
			exit 0
			;;
		*) printf '%s\n' "$reader_line" || break ;;
		esac
	done
	# Of a run that holds nothing no successor ends the ticker.
	[ -d "$R/$TOKEN" ] || [ -d "$F" ] || end_ticker
	leave_to_successor
}

end_ticker() {
	process_start "$reader_tick"
	[ "$start" != "$reader_start" ] || kill "$reader_tick"
}

# bye_or_leave: what the operator leaves unfinished is ended at once, as if the operator was lost.
bye_or_leave() {
	[ "$mode" = free ] || [ ! -d "$R/$TOKEN" ] || leave_to_successor
	mark_stop
	for bye_file in "$R"/job.* "$F"/job.*; do
		! is_own_job "$bye_file" || leave_to_successor
	done
}

# is_own_job FILE: whether the job runs, and is of a run that this shell owns: the pids of another owner may be those of
# another machine. Sets what read_job sets.
is_own_job() {
	job_runs "$1" && read_job "$1" && [ -d "${1%/*}/$TOKEN" ]
}

# mark_stop: no job of this shell is started any more.
mark_stop() {
	for stop_dir in "$R" "$F"; do
		[ ! -d "$stop_dir/$TOKEN" ] || mark "$stop_dir/stop"
	done
}

# signal_jobs SIGNAL: not to an adapter that reloads: it sees the stop, and ends where nothing is left half done.
signal_jobs() {
	[ ! -e "$R/unbroken" ] || return 0
	for signal_file in "$R"/job.* "$F"/job.*; do
		is_own_job "$signal_file" || continue
		kill "-$1" "-$named_pid"
	done
}

worker() {
	# Who is killed by a closed output releases no lock. Scripts run in a subshell, which is.
	trap ':' PIPE
	exec 2>/dev/null
	say hello
	while IFS= read -r worker_line; do
		case $worker_line in
		"$N set")
			collect
			vars=$text
			eval "$text"
			;;
		"$N data env") collect && data_env=$text ;;
		"$N data enter") collect && data_enter=$text ;;
		"$N data adapter."*)
			collect
			case ${worker_line##*.} in
			pm2 | systemd | supervisord | runit | s6) eval "adapter_${worker_line##*.}=\$text" ;;
			esac
			;;
		"$N data token") collect && data_token=${text%"$NL"} ;;
		"$N data file."*)
			collect
			eval "data_file_${worker_line##*.}=\$text"
			;;
		"$N run "*)
			SEQ=${worker_line##* }
			collect
			# shellcheck disable=SC2030
			(
				[ -z "$release" ] || use_release
				eval "$text"
			) </dev/null
			# Nobody hears what else was to run.
			say 'done' $? || leave_to_successor
			# The operator has its answer: nothing waits for this.
			[ "$program_was" != sent ] || keep_program
			;;
		"$N bye")
			[ "$mode" != free ] || remove_run
			[ ! -d "$F" ] || rm -rf "$F"
			[ ! -d "$R/$TOKEN" ] || leave_to_successor
			exit 0
			;;
		esac
	done
	leave_to_successor
}

# collect: reads the lines up to the end mark into $text.
collect() {
	text=
	while IFS= read -r collect_line; do
		[ "$collect_line" != "$N end" ] || return 0
		text=$text$collect_line$NL
	done
	leave_to_successor
}

# free_dir: the directory of a run without the lock, for its job files: not on the disk of the deploy path if that can
# be avoided.
free_dir() {
	for free_parent in "${XDG_RUNTIME_DIR:-}" /dev/shm "${TMPDIR:-/tmp}" "$S"; do
		# A run may have several shells on this host, one for each app.
		R=$free_parent/shipit-$run.$$
		[ ! -d "$R/$TOKEN" ] || return 0
		[ -n "$free_parent" ] && mkdir -m 700 "$R" 2>/dev/null &&
			mkdir -m 700 "$R/$TOKEN" "$R/meta" "$R/meta/steps" 2>/dev/null && return
	done
	R=$S/run.$run
}

# find_home: a login may come without HOME: then it is what passwd(5) says.
find_home() {
	find_home_uid=$(id -u) HOME=/
	while IFS=: read -r _ _ find_home_of _ _ find_home_is _; do
		[ "$find_home_of" != "$find_home_uid" ] || [ -z "$find_home_is" ] || HOME=$find_home_is
	done </etc/passwd
	export HOME
}

# init_variables: the variables that every process starts with.
init_variables() {
	[ -n "${HOME:-}" ] || find_home
	case $root in
	/*) ;;
	*) root=$HOME/$root ;;
	esac
	S=$root/.shipit && find_clone
	# Where setup works while the deploy path cannot be made yet; otherwise a path that never exists.
	F=/dev/null/none
	mask=$(umask) locale=${LC_ALL:-}
	alone='' SEQ=0 step_limit='' N=${N:-} data_env='' data_enter='' data_token='' vars='' has='' pinned=''
	# The operator sets these; the login's environment must not.
	action='' agent='' app='' apps='' digest='' environment='' from='' from_revision='' host='' parent='' reference='' release=''
	fetch_mode='' ssh_command='' subdir='' submodules='' repo_key='' token_for='' token_user=''
	# shellcheck disable=SC2034 # read by scripts that the operator sends
	reload_limit=120 repo='' revision='' roles='' shell='' target='' user='' when='' who='' wanted='' begin=0 count=0
	# shellcheck disable=SC2034 # used by the script that the operator sends
	lost_run='' lost_release='' caller=''
	init_place
	process_start $$
	TOKEN=owner.$$.$start.$PLACE
}

# init_place: sets $PLACE to where the pids of this process mean something: boot id, pid namespace (told by the start of
# its process 1), machine and its name. What cannot be read is unknown.
init_place() {
	read -r BOOT </proc/sys/kernel/random/boot_id
	process_start 1
	place_id='' place_name='' place_machine=unknown
	read -r place_id 2>/dev/null </etc/machine-id
	read -r place_name 2>/dev/null </proc/sys/kernel/hostname
	case $place_id in
	'' | *[!0123456789abcdef]*) ;;
	*) place_machine=$place_id-${place_name%%[!0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-]*} ;;
	esac
	PLACE=$BOOT.${start:-0}.$place_machine
}

# lead_process_group WAS: our processes have to be a process group of their own, so that they can be ended together.
# Under sshd they are one, unless the login shell stays between. WAS is passed on.
lead_process_group() {
	read -r _ lead_rest </proc/self/stat
	# shellcheck disable=SC2086
	set -- "$1" ${lead_rest##*) }
	[ "$4" = $$ ] && return
	export SHIPIT_PROGRAM="$shipit_program"
	# shellcheck disable=SC2016
	with_user_env setsid /bin/sh -c 'eval "$SHIPIT_PROGRAM"' shipit "$1"
}

main() {
	[ -z "${SHIPIT_PROGRAM:-}" ] || shipit_program=$SHIPIT_PROGRAM
	unset SHIPIT_PROGRAM
	lead_process_group "${1:-}"
	# git must not ask questions. It gets a name, since it would look up the host's name in the DNS for a reflog.
	export GIT_TERMINAL_PROMPT=0 GIT_COMMITTER_NAME=shipit GIT_COMMITTER_EMAIL=shipit@localhost
	# What a login has set for its own repositories would be taken for ours; with CDPATH, `cd` goes elsewhere.
	unset CDPATH GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES \
		GIT_NAMESPACE GIT_TEMPLATE_DIR GIT_ATTR_SOURCE SHIPIT_GIT
	# Otherwise bash believes that sshd started it, and reads .bashrc before every hook.
	export SHLVL=1
	if [ "${1:-}" = successor ]; then
		mode=$2 run=$3 lost=$4 root=$6
		set_tick "$5"
		init_variables
		R=$7 successor_old=$8 LOG=$S/logs/$run.log
		[ -d "$S/logs" ] && [ "$mode" != free ] || LOG=/dev/null
		successor
		exit
	fi
	program_was=${1:-}
	read -r N && read -r mode && read -r run && read -r lost && read -r tick && IFS= read -r root || exit 1
	set_tick "$tick"
	init_variables
	R=$S/run.$run LOG=$S/logs/$run.log
	if [ "$mode" = free ]; then
		free_dir
		LOG=$R/log
	elif [ ! -w "$S" ]; then
		free_dir
		[ "$R" = "$S/run.$run" ] || F=$R
		R=$S/run.$run
	fi
	exec 3>&1 4<&0 5>&2 2>/dev/null
	ticker 3>&- 4<&- | reader 3>&- 5>&- | worker 4<&-
}
