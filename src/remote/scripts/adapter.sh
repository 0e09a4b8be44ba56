# shellcheck shell=sh
# Supervisors that shipit knows. What drives one is its adapter (src/remote/adapters/), a program that lies in
# $S/adapters/KIND and is written anew by each run that has the kind in its configuration. With a release lie only its
# parameters, $M/supervisor.NN: so a release of old is rolled back by the adapter of today.
#
# $R/answer     what the adapter says: words and fields, a line each
# $R/adapter.*.verified   a line for each process that was verified: pid, start time, name
# $R/finishing  a reload runs: when the operator is lost it is left to end, since half of one is worse than either
# $R/unbroken   an adapter reloads: not even Ctrl-C ends it in the middle

# keep_adapters: writes those that came with the connection.
keep_adapters() {
	for keep_kind in pm2 systemd supervisord runit s6; do
		eval "keep_text=\${adapter_$keep_kind:-}"
		[ -n "$keep_text" ] || continue
		[ -d "$S/adapters" ] || make_dirs prepare "$S/adapters"
		keep_file=$S/adapters/$keep_kind
		[ -f "$keep_file" ] && [ "$keep_text" = "$(cat "$keep_file")$NL" ] && continue
		umask 077
		{ printf '%s' "$keep_text" >"$keep_file.$run" && mv "$keep_file.$run" "$keep_file"; } || write_failed prepare "$S/adapters"
		umask "$mask"
	done
}

# store_supervisor KIND KEY VALUE...: stores the parameters of a supervisor with release $M. Called in order.
store_supervisor() {
	store_number=10
	for store_file in "$M/supervisor."[0-9][0-9]; do
		[ ! -e "$store_file" ] || store_number=$((store_number + 1))
	done
	store_text=$1
	shift
	while [ $# -gt 1 ]; do
		store_text=$store_text$NL$1$TAB$2
		shift 2
	done
	umask 077
	printf '%s\n' "$store_text" >"$M/supervisor.$store_number" || write_failed prepare "$M"
	umask "$mask"
}

# The hooks' shell reads PATH and profile, and nothing else of its environment goes further: an app would keep it, and
# pm2 would write it to a file.
# shellcheck disable=SC2016 # expanded by the adapter's own shells
ENTER_ADAPTER='shipit_meta=$1 shipit_env=$1/env
# A profile finds no arguments, and can change none.
shipit_enter() { shift $#; . "$shipit_meta/enter"; }
shipit_enter
shift
exec env -i HOME="$HOME" PATH="$PATH" LANG="${LANG:-C.UTF-8}" ${NVM_DIR:+"NVM_DIR=$NVM_DIR"} \
	SHIPIT_RELEASE="$SHIPIT_RELEASE" SHIPIT_REVISION="$SHIPIT_REVISION" /bin/sh -c '\''. "$0" || exit 14
command -v "$1" >/dev/null || {
	printf "reason\tno-supervisor\tpm2\t%s\t%s\n" "$1" "$PATH" >"$8/answer"
	exit 10
}
exec "$@"'\'' "$shipit_env" "$@"'

# has_supervisor: whether release $M has a supervisor that shipit knows.
has_supervisor() {
	for has_file in "$M/supervisor."[0-9][0-9]; do
		[ ! -f "$has_file" ] || return 0
	done
	return 1
}

# read_kind FILE: sets $adapter_kind, and $adapter_with to what runs its adapter.
read_kind() {
	adapter_kind='' adapter_with=/bin/sh
	read -r adapter_kind <"$1"
	case $adapter_kind in
	pm2) adapter_with=node ;;
	systemd | supervisord | runit | s6) ;;
	*) return 1 ;;
	esac
}

# run_adapters STEP DIR: runs a step of the adapter of each supervisor of release $M, in their order. If one fails, so does this:
# $code is the exit code of the first that did, and $answer_fail what it said.
run_adapters() {
	answer_fail='' adapters_code=0
	for adapter_file in "$M/supervisor."[0-9][0-9]; do
		[ -f "$adapter_file" ] || continue
		read_kind "$adapter_file" || fail cannot-read "$1" "$adapter_file" ''
		run_adapter "$1" "$2" && continue
		goes_on_after_failure "$1" || return
		[ "$adapters_code" != 0 ] || adapters_code=$code adapters_fail=$answer_fail
	done
	[ "$adapters_code" = 0 ] || code=$adapters_code answer_fail=$adapters_fail
	return "$adapters_code"
}

# goes_on_after_failure STEP: on the way back, and where what was started is stopped, a supervisor that fails keeps no other from
# its work.
goes_on_after_failure() {
	[ "$why" != stop ] && { [ "$SHIPIT_ACTION" = rollback ] || [ "$1" = stop ]; }
}

# run_adapter STEP DIR [LIMIT]: for the one in $adapter_file, of release $M.
run_adapter() {
	rm -f "$R/answer"
	choose_shell "$M"
	step_limit=${3:-$reload_limit}
	[ "$1" != reload ] || wait_for_old
	run_step "$1" "$step_limit" "$2" "$with_shell" "$with_option" "$ENTER_ADAPTER" shipit "$M" \
		"$adapter_with" "$S/adapters/$adapter_kind" "$1" "$root" "${M##*/}" "$M" "$adapter_file" "$R" "$SHIPIT_ACTION" "$step_limit"
	hear_answer "$R/answer"
	return "$code"
}

# wait_for_old: raises $step_limit to what `detect` found that old processes may take to end, here or in what is rolled back, and a
# minute; to three times as much at most (plan/limits.rs).
wait_for_old() {
	old_most=$((3 * step_limit))
	for old_file in "$M/supervisor."*.takes "$S/releases/$release/supervisor."*.takes; do
		{ [ -f "$old_file" ] && read -r old_takes <"$old_file" && is_number "$old_takes"; } || continue
		old_takes=$((old_takes + 60))
		[ "$old_takes" -le "$old_most" ] || old_takes=$old_most
		[ "$old_takes" -le "$step_limit" ] || step_limit=$old_takes
	done
}

# hear_answer FILE: passes on what an adapter said. Its lines have the form of replies: words and fields with a tab between.
hear_answer() {
	[ -s "$1" ] || return 0
	head -c 65536 "$1" >"$R/heard" || return 0
	while IFS= read -r answer_line; do
		case $answer_line in
		reason"$TAB"?*) answer_fail=${answer_line#*"$TAB"} ;;
		warning"$TAB"?*) printf '%s\t%s\t%s\n' "$N" "$SEQ" "$answer_line" >&3 ;;
		process"$TAB"?*) printf '%s\t%s\tfound\t%s\n' "$N" "$SEQ" "$answer_line" >&3 ;;
		esac
	done <"$R/heard"
}

# ask_adapters STEP: a question about release $M, which must be live. No step is told: it is a question of somebody who looks.
# Sets $ask_says to ok, or to what one of them said instead: down or late. Its answers are in $R/answers.
ask_adapters() {
	printf '' >"$R/answers" || return
	ask_says=$(
		exec 3>/dev/null
		set_hook_env "${M##*/}" "$revision" '' status
		for adapter_file in "$M/supervisor."[0-9][0-9]; do
			[ -f "$adapter_file" ] || continue
			read_kind "$adapter_file" || {
				echo unknown
				exit
			}
			run_adapter "$1" "$root/current" $SERVING
			cat "$R/answer" >>"$R/answers" 2>/dev/null
			[ "$code" != 0 ] || continue
			if [ "$why" = limit ]; then echo late; else echo down; fi
			exit
		done
		echo ok
	)
}

# service_failed STEP LIMIT: ends the script, with what the adapter said of its failure, or with how the step ended.
service_failed() {
	[ "$why/$code" = exit/10 ] && [ -n "$answer_fail" ] || step_failed "$1" "$2"
	failed_step=$1 failed_rest=$answer_fail$TAB
	set --
	while [ -n "$failed_rest" ]; do
		set -- "$@" "${failed_rest%%"$TAB"*}"
		failed_rest=${failed_rest#*"$TAB"}
	done
	failed_word=$1
	shift
	fail "$failed_word" "$failed_step" "$@"
}

# detect_service: finds out whether the supervisors of the release can do their work, before anything is live.
detect_service() {
	run_adapters detect "$rel" || service_failed detect "$step_limit"
}

# verify_service: whether what runs is the release in `current`, and goes on running.
verify_service() {
	verify_code=0
	for verify_file in "$M/steps/verify".*; do
		read_step verify "$verify_file" || continue
		try_hook verify "$step_limit" "$root/current" "$M" "$verify_file" || {
			verify_code=$code
			goes_on_after_failure verify || return "$verify_code"
		}
	done
	run_adapters verify "$root/current" || verify_code=$code
	[ "$verify_code" != 0 ] || verify_pm2 || verify_code=$code
	return "$verify_code"
}

# still_runs: whether each process that an adapter verified is the same still: with batches and pauses that may have been long ago.
# Sets $still_pid and $still_name to one that is not.
still_runs() {
	for still_file in "$R/adapter."*.verified; do
		[ -f "$still_file" ] || continue
		while read -r still_pid still_start still_name; do
			process_start "$still_pid" && [ "$start" = "$still_start" ] || return
		done <"$still_file"
	done
	return 0
}

# stop_service: a first deploy failed: what it started is stopped.
stop_service() {
	stop_code=0
	run_stored stop "$1" try || stop_code=1
	run_adapters stop "$1" || stop_code=1
	return $stop_code
}

# stop_new_service: the release before has another supervisor: what this run started with its own is stopped.
stop_new_service() {
	new_meta=$M new_code=0
	M=$S/releases/$release
	for adapter_file in "$M/supervisor."[0-9][0-9]; do
		[ -f "$adapter_file" ] && read_kind "$adapter_file" || continue
		is_in_release "$adapter_file" "$new_meta" || run_adapter stop "$root/current" || new_code=1
	done
	for stop_file in "$M/steps/stop".*; do
		read_step stop "$stop_file" || continue
		stop_limit=$step_limit
		is_new_set "$new_meta" "$step_number" || continue
		try_hook stop "$stop_limit" "$root/current" "$M" "$stop_file" || new_code=1
	done
	M=$new_meta
	return $new_code
}

# is_new_set META NUMBER: whether the commands in that set of release $M are for something that the other release has not: it
# has fewer sets, and none with the same command.
is_new_set() {
	for set_file in "$1/steps/reload.$2".*; do
		[ ! -f "$set_file" ] || return 1
	done
	for set_step in reload stop; do
		find_step "$set_step" "$2" || continue
		for set_file in "$1/steps/$set_step".*; do
			[ ! -f "$set_file" ] || [ "$(cat "$set_file")" != "$(cat "$step_file")" ] || return 1
		done
	done
}

# is_in_release FILE META: whether that release has the same supervisor with the same names. pm2 knows by itself which of its
# apps both have.
is_in_release() {
	same_names=$(grep -E "^(unit|service)$TAB" "$1")
	for same_file in "$2/supervisor."[0-9][0-9]; do
		[ -f "$same_file" ] && grep -qx "$adapter_kind" "$same_file" || continue
		[ "$same_names" != "$(grep -E "^(unit|service)$TAB" "$same_file")" ] || return 0
	done
	return 1
}

# await_reload DIR: waits until a reload of the run in DIR has ended, within its limit.
await_reload() {
	[ -e "$1/finishing" ] || return 0
	for await_job in "$1"/job.*; do
		job_runs "$await_job" && read_job "$await_job" || continue
		await_pid=$named_pid await_limit=$named_limit
		process_start "$await_pid" && [ "$start" = "$named_began" ] || continue
		uptime
		await_until=$((up + await_limit))
		while group_lives "$await_pid" && [ "$up" -lt "$await_until" ]; do
			# Whoever shares this directory sees that its owner lives.
			beat "$1"
			pause
			uptime
		done
	done
	rm -f "$1/finishing" "$1/unbroken"
}
