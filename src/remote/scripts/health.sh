# shellcheck shell=sh
# Whether what was reloaded is well: tried again and again, by a command of the user's, or for an operator who has no way
# of his own to ask (ask.sh). In everybody's eyes one step, however many tries it takes: the log has the output of all of
# them, the operator sees that of the last.

# health_store KIND WITHIN INTERVAL STABLE SPEC: kept with the release. KIND is `command` (the step `health`) or `client`: the
# operator asks, and SPEC, a line, is his. The rest are seconds.
health_store() {
	umask 077
	printf '%s\n' "$*" >"$M/health" || write_failed prepare "$M"
	umask "$mask"
}

# health_of META: what is kept there; nothing in $health_kind where there is none.
health_of() {
	health_kind=''
	[ ! -f "$1/health" ] || read -r health_kind health_within health_interval health_stable health_spec <"$1/health"
}

# health_asks: tells the operator what to ask about $M's release. 1: that is not for him to find out.
health_asks() {
	health_of "$M"
	[ "$health_kind" = client ] || return
	fact health "$health_spec"
}

# serve: what went live takes requests, where nobody has to ask first whether it is healthy.
serve() {
	health_asks || undrain
}

# health: of $M's release, where the host can tell. Its failure ends the script.
health() {
	health_good || health_failed
}

# health_good: the same; its failure is only returned.
health_good() {
	health_of "$M"
	[ "$health_kind" = 'command' ] && has_step health || return 0
	shell_for "$M"
	tries "$health_within" "$health_interval" "$health_stable" health_try
}

health_failed() {
	[ "$why" != stop ] || fail stopped health
	fail unhealthy health "$tries_within" "$tries_says"
}

health_try() {
	for health_file in "$M/steps/health".*; do
		health_limit=${health_file##*.}
		[ "$health_limit" -le "$tries_left" ] || health_limit=$tries_left
		job "$health_limit" "$root/current" "$with_shell" "$with_option" "$with_text" shipit "$M" "$health_file"
		[ "$why/$code" = 'exit/0' ] || break
	done
	tries_says="exit $code"
	[ "$why" != limit ] || tries_says="took longer than $health_limit s"
}

# tries WITHIN INTERVAL STABLE TRY...: until TRY... has been good for STABLE seconds on end, or WITHIN seconds are over and
# it is not good. It leaves $code and $why, as a job does, and says in $tries_says what is wrong; $tries_left seconds are left to it.
tries() {
	tries_within=$1 tries_interval=$2 tries_stable=$3 tries_since=''
	shift 3
	step_begin health
	# Who watches is spared what each try prints.
	mark "$R/quiet" 2>/dev/null
	uptime
	tries_until=$((up + tries_within))
	while :; do
		log_size
		step_from=$size
		tries_left=$((tries_until - up))
		[ "$tries_left" -gt 0 ] || tries_left=1
		# What is good has all its time, to stay so.
		[ -z "$tries_since" ] || tries_left=999999999
		"$@"
		uptime
		if [ "$why/$code" = 'exit/0' ]; then
			tries_since=${tries_since:-$up}
			[ $((up - tries_since)) -lt "$tries_stable" ] || break
		else
			tries_since=''
		fi
		[ "$why" != stop ] || break
		[ -n "$tries_since" ] || [ "$up" -lt "$tries_until" ] || break
		tries_wait || break
	done
	printf . 2>/dev/null >"$R/quiet" || rm -f "$R/quiet"
	step_end
	return "$code"
}

# tries_wait: till the next one is due. 1: told to stop.
tries_wait() {
	tries_next=$((up + tries_interval)) tries_last=$tries_until
	[ -z "$tries_since" ] || tries_last=$((tries_since + tries_stable))
	[ "$tries_next" -le "$tries_last" ] || tries_next=$tries_last
	while [ "$up" -lt "$tries_next" ]; do
		sleep 1
		if [ -e "$R/stop" ]; then
			why=stop code=143
			return 1
		fi
		uptime
	done
}
