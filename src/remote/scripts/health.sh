# shellcheck shell=sh
# Whether a reloaded service is healthy: checked again and again, by a command of the user, or on behalf of an operator
# that cannot reach the service itself (ask.sh). It is one step, however many tries it takes: the log has the output of
# all tries, the operator sees that of the last one.

# store_health KIND WITHIN INTERVAL STABLE SPEC: stores the health check with the release. KIND is `command` (the step
# `health`) or `client`: then the operator makes the check, and SPEC is a line for the operator. The others are seconds.
store_health() {
	umask 077
	printf '%s\n' "$*" >"$M/health" || write_failed prepare "$M"
	umask "$mask"
}

# read_health META: reads what is stored there; $health_kind is empty if there is none.
read_health() {
	health_kind=''
	[ ! -f "$1/health" ] || read -r health_kind health_within health_interval health_stable health_spec <"$1/health"
	[ -n "$health_kind" ] || return 0
	# Not as we wrote it: one try.
	is_number "$health_within" && is_number "$health_interval" && is_number "$health_stable" ||
		health_within=0 health_interval=1 health_stable=0
}

# tell_health_check: tells the operator which check to make for release $M. Returns 1 if the operator has none to make.
tell_health_check() {
	read_health "$M"
	[ "$health_kind" = client ] || return
	fact health "$health_spec"
}

# serve_if_known_healthy: takes the host in, unless the operator has to check its health first.
serve_if_known_healthy() {
	tell_health_check || undrain
}

# leave_to_operator: ends the script where the operator has to check the health of release $M, which it was told.
leave_to_operator() {
	[ "$health_kind" != client ] || exit 0
}

# need_health: checks release $M, if the host can. If it is unhealthy, the script ends.
need_health() {
	is_healthy || health_failed
}

# is_healthy: the same, but returns the result.
is_healthy() {
	read_health "$M"
	[ "$health_kind" = 'command' ] && has_step health || return 0
	choose_shell "$M"
	try_until_healthy "$health_within" "$health_interval" "$health_stable" health_try
}

health_failed() {
	[ "$why" != stop ] || fail stopped health
	fail unhealthy health "$try_within" "$try_says"
}

health_try() {
	for health_file in "$M/steps/health".*; do
		read_step health "$health_file" || continue
		health_limit=$step_limit
		[ "$health_limit" -le "$try_left" ] || health_limit=$try_left
		run_job "$health_limit" "$root/current" "$with_shell" "$with_option" "$with_text" shipit "$M" "$health_file"
		[ "$why/$code" = 'exit/0' ] || break
	done
	case $why in
	limit) try_says="took longer than $health_limit s" ;;
	unnamed) try_says="could not be started: cannot write to $R" ;;
	nowhere) try_says="could not be started: $job_dir is missing" ;;
	*) try_says="exit $code" ;;
	esac
}

# try_until_healthy WITHIN INTERVAL STABLE TRY...: until TRY... has succeeded for STABLE seconds without a break, or
# WITHIN seconds are over and it fails. Sets $code and $why, as a job does, and $try_says to what is wrong. A try has
# $try_left seconds.
try_until_healthy() {
	try_within=$1 try_interval=$2 try_stable=$3 try_since=''
	shift 3
	step_begin health
	# The operator does not see what each try prints.
	mark "$R/quiet" 2>/dev/null
	uptime
	try_until=$((up + try_within))
	while :; do
		log_size
		step_from=$size
		try_left=$((try_until - up))
		[ "$try_left" -gt 0 ] || try_left=1
		# A service that is healthy has all its time, to stay so.
		[ -z "$try_since" ] || try_left=999999999
		"$@"
		uptime
		if [ "$why/$code" = 'exit/0' ]; then
			try_since=${try_since:-$up}
			[ $((up - try_since)) -lt "$try_stable" ] || break
		else
			try_since=''
		fi
		[ "$why" != stop ] || break
		[ -n "$try_since" ] || [ "$up" -lt "$try_until" ] || break
		wait_for_next_try || break
	done
	printf . 2>/dev/null >"$R/quiet" || rm -f "$R/quiet"
	step_end
	return "$code"
}

# wait_for_next_try: returns 1 if the run was told to stop.
wait_for_next_try() {
	try_next=$((up + try_interval)) try_last=$try_until
	[ -z "$try_since" ] || try_last=$((try_since + try_stable))
	[ "$try_next" -le "$try_last" ] || try_next=$try_last
	while [ "$up" -lt "$try_next" ]; do
		sleep 1
		if [ -e "$R/stop" ]; then
			why=stop code=143
			return 1
		fi
		uptime
	done
}
