# shellcheck shell=sh
# The steps that make a release run: the same for all kinds. See common.sh.

detect() {
	find_supervisor
	find_members
	refresh
	for member in $members; do
		look_again "$member"
		[ "$state" != unknown ] || fail unknown-service "$kind" "$member"
		need_permission "$member"
		# What is down will be started, and then comes up with the machine where that is permitted.
		[ "$step:$state" != check:up ] || check_boot "$member"
	done
}

# go_back: whether this is the way back from a release that this run had begun to start.
go_back() {
	[ "$action" = rollback ] || { [ -n "$noted_release" ] && [ "$noted_release" != "$release" ]; }
}

stop_asked() {
	[ -e "$run/stop" ] && [ -z "$back" ]
}

reload() {
	find_supervisor
	find_members
	read_before
	back=
	! go_back || back=yes
	earlier=$noted
	# The way back may be told again; what ran at first is then known no longer, and is not needed.
	note_before
	rm -f "$after"
	added='' settled=''
	add_members
	canary=
	# shellcheck disable=SC2086
	set -- $members
	[ $# -lt 2 ] || [ -n "$back" ] || canary=yes
	for member in "$@"; do
		! stop_asked || fail stopped
		move "$member"
		settled=$settled$NL$member$TAB$identity
		# The others follow when the first has shown that the release stays up.
		[ -z "$canary" ] || {
			watch "$member"
			need_place "$member"
		}
		canary=
	done
	# What verify finds must still be that.
	{ printf '%s\n' "$settled" >"$after"; } 2>/dev/null || rm -f "$after"
}

# need_same NAME: fails if it was started again since the reload.
need_same() {
	[ -f "$after" ] || return 0
	same_text=$(cat "$after")$NL
	case $same_text in
	*"$NL$1$TAB$identity$NL"*) ;;
	*"$NL$1$TAB"*) fail_crashed "$1" ;;
	esac
}

# move NAME: makes it run $release.
move() {
	hundredths
	looked_at=$up
	look "$1"
	! untouched "$1" || return 0
	move_identity=$identity tell_code=0
	case " $added " in
	*" $1 "*)
		settle "$1" '' 0
		return
		;;
	esac
	# What was down may be started by the supervisor between the look and the order; all else is older than the order.
	hundredths
	move_since=$up
	[ "$state" != down ] || move_since=$looked_at
	case $state:$strategy in
	unknown:*) fail unknown-service "$kind" "$1" ;;
	down:stop-start)
		wait_for_port "$1"
		tell start "$1"
		;;
	down:*) tell start "$1" ;;
	*:stop-start) stop_start "$1" ;;
	*:reload) tell reload "$1" ;;
	*) tell restart "$1" ;;
	esac
	[ "$state" = job ] || settle "$1" "$move_identity" "$move_since"
}

# untouched NAME: whether the way back has nothing to do for it: it runs the release, since before this run.
untouched() {
	[ -n "$back" ] && [ "$state" = up ] || return
	release_of "$pid"
	[ "$runs" != "$release" ] || [ "$strategy" = reload ] || return 0
	case $earlier in
	*"$NL$1$TAB$state$TAB$identity$TAB"*) [ "$strategy" != reload ] ;;
	*) return 1 ;;
	esac
}

# tell VERB NAME: runs the tool and keeps what it says.
tell() {
	uptime
	# shellcheck disable=SC2034 # not every kind asks
	told_at=$up
	tell_said=$(tell_to "$1" "$2" 2>&1)
	tell_code=$?
	[ -z "$tell_said" ] || printf '%s\n' "$tell_said"
	words_of "$tell_said"
	[ "$tell_code" = 0 ] || why_refused "$1" "$2"
}

# stop_start NAME: for an app of which something lingers and keeps what the next one needs.
stop_start() {
	stop_tree=$(tree_of "${pid:-0}")
	tell stop "$1"
	stop_code=$tell_code
	await_down "$1" || fail supervisor-failed "$kind" "${said:-$1 does not stop: it is ${detail:-$state}}"
	[ "$stop_code" = 0 ] || [ "$state" = down ] || fail supervisor-failed "$kind" "$said"
	# What still runs after that may be meant to.
	# shellcheck disable=SC2086
	while in_time && still_there $stop_tree; do
		pause
	done
	wait_for_port "$1"
	tell start "$1"
}

# wait_for_port NAME: until nothing listens on it.
wait_for_port() {
	[ -n "$port" ] || return 0
	within "$GONE_WITHIN"
	while port_held; do
		if ! in_time; then
			# What follows says more, and the supervisor may try for longer.
			[ -z "$back" ] || return 0
			[ "$action" != restart ] || tell start "$1"
			fail port-held "$port" "$holder"
		fi
		pause
	done
}

# settle NAME IDENTITY SINCE: waits until it is up, and another process than that one, started since. (In clock ticks, which
# are hundredths of a second wherever programs are told of ticks. A tool may return before the old process is told.)
settle() {
	uptime
	settle_since=$up settle_down='' settle_again='' settle_seen=''
	within 999999
	while :; do
		look "$1"
		uptime
		case $state:$crashed in
		up:*)
			[ "$strategy" != reload ] || return 0
			if [ "$identity" != "$2" ] && [ "${start:-$3}" -ge "$3" ]; then
				! has_read_orders "$settle_since" || return 0
			elif [ $((up - settle_since)) -ge 10 ]; then
				fail_not_new "$1"
			fi
			;;
		*:yes) fail_crashed "$1" ;;
		starting:*)
			# Another one than the last that was seen starting: that one ended by itself before it was up.
			case ${settle_seen:-$identity} in
			"$identity") ;;
			*) [ -z "$pid" ] || fail_crashed "$1" ;;
			esac
			[ -z "$start" ] || [ "$start" -lt "$3" ] || settle_seen=$identity
			;;
		job:*) return 0 ;;
		# A tool that returned with an error has tried.
		*)
			settle_down=${settle_down:-$up}
			# An order may be lost between two starts of what ends at once.
			if [ -z "$settle_again$wanted" ] && [ $((up - settle_down)) -ge 3 ] && [ "$step" = reload ]; then
				settle_again=yes
				tell start "$1"
			fi
			[ "$tell_code$final" = 0 ] && [ $((up - settle_down)) -lt 8 ] || fail_app not-running "$kind" "$1" "${detail:-$state}"
			;;
		esac
		in_time || fail_app never-ready "$kind" "$1" $((up - settle_since))
		pause_to_ask
	done
}

fail_not_new() {
	[ "$tell_code" = 0 ] || fail supervisor-failed "$kind" "${said:-exit code $tell_code}"
	fail not-new "$kind" "$1" "$pid"
}

# fail_app REASON KIND NAME FIELD...: shows the app's last lines, then ends the step.
fail_app() {
	! show_port_holder || {
		show_lines "$3"
		fail port-held "$port" "$holder"
	}
	show_lines "$3"
	fail "$@"
}

# fail_crashed NAME: it ended by itself; $restarts says how often, if the supervisor counts.
fail_crashed() {
	case $restarts in
	'' | 0 | -*) restarts=1 ;;
	esac
	fail_app crash-loop "$kind" "$1" "$restarts"
}

# watch NAME...: whether they stay up: for $stable seconds, no process changes and no count moves. Processes can be looked at
# often; the supervisor is asked when one is gone, and at the end.
watch() {
	refresh
	watch_known=$NL watch_processes=''
	for watch_name in "$@"; do
		look_again "$watch_name"
		watch_known="$watch_known$watch_name$TAB$state$TAB$identity$TAB$restarts$NL"
		[ -z "$start" ] || watch_processes="$watch_processes $pid.$start"
	done
	hundredths
	watch_until=$((up + stable * 100))
	[ "$watch_until" -le "$((deadline * 100))" ] || watch_until=$((deadline * 100))
	while hundredths; [ "$up" -lt "$watch_until" ]; do
		! stop_asked || fail stopped
		pause
		# shellcheck disable=SC2086
		all_there $watch_processes || watch_until=0
	done
	refresh
	for watch_name in "$@"; do
		look_again "$watch_name"
		is_as_known "$watch_name"
	done
	# It is gone, and the supervisor does not know yet.
	[ "$watch_until" != 0 ] || fail_app not-running "$kind" "$*" "its process is gone"
}

# is_as_known NAME: fails if it is not as it was when watch began.
is_as_known() {
	case $watch_known in
	*"$NL$1$TAB$state$TAB$identity$TAB$restarts$NL"*) return ;;
	esac
	case $state in
	down) [ -z "$final" ] && [ -n "$crashed$wanted" ] || fail_app not-running "$kind" "$1" "${detail:-down}" ;;
	unknown) fail unknown-service "$kind" "$1" ;;
	esac
	# A count may have begun long before.
	known_rest=${watch_known#*"$NL$1$TAB"}
	known_rest=${known_rest%%"$NL"*}
	known_rest=${known_rest##*"$TAB"}
	if is_number "$known_rest" && is_number "$restarts"; then
		restarts=$((restarts - known_rest))
	fi
	fail_crashed "$1"
}

# need_place NAME: fails if it runs from another release. What it runs from can be seen only a moment after its start: a
# run script changes the directory, then becomes the app.
need_place() {
	within 3
	was "$1" || was_identity=
	while look_again "$1"; do
		[ -n "$pid" ] || return 0
		release_of "$pid"
		case $runs in
		"$release") return ;;
		current) [ "$identity" = "$was_identity" ] || return 0 ;;
		esac
		in_time || break
		pause_to_ask
		refresh
	done
	if [ "$identity" = "$was_identity" ] && [ "$strategy" = reload ]; then
		need_place_of_workers "$1"
		return
	fi
	case $runs in
	'' | other | current) warn unknown-release "$kind" "$1" ;;
	*) fail wrong-release "$kind" "$1" "$place" ;;
	esac
}

# need_place_of_workers NAME: a process that was told to reload itself stays, and may stay where it was started. Those
# that it started anew run the release.
need_place_of_workers() {
	workers_seen='' workers_other=''
	for worker in $(tree_of "$pid"); do
		[ "${worker%%.*}" != "$pid" ] || continue
		[ "${worker#*.}" -ge "${noted_began:-0}" ] || continue
		release_of "${worker%%.*}"
		case $runs in
		"$release") workers_seen=yes ;;
		'' | other | current) ;;
		*) workers_other=$place ;;
		esac
	done
	[ -z "$workers_seen" ] || return 0
	[ -z "$workers_other" ] || fail wrong-release "$kind" "$1" "$workers_other"
	warn unknown-release "$kind" "$1"
}

verify() {
	find_supervisor
	find_members
	read_before
	back='' tell_code=0 said=''
	[ "$action" != rollback ] || back=yes
	for member in $members; do
		look "$member"
		[ "$state" != unknown ] || fail unknown-service "$kind" "$member"
		settle "$member" '' 0
		[ "$state" = job ] || need_same "$member"
		need_new "$member"
	done
	# shellcheck disable=SC2086
	watch $members
	verified=
	for member in $members; do
		look "$member"
		[ "$state" != job ] || continue
		need_place "$member"
		[ -z "$start" ] || verified="$verified$pid $start $member$NL"
	done
	# What has to run still when all hosts are confirmed. Half a file would name another process.
	{ printf '%s' "$verified" >"$notes.verified.new" && mv -f "$notes.verified.new" "$notes.verified"; } 2>/dev/null || return 0
}

# need_new NAME: fails if it is the process that ran before, unless the way back left it alone, or it reloaded itself.
need_new() {
	[ "$state" = up ] && [ -n "$noted" ] && was "$1" || return 0
	[ "$identity" = "$was_identity" ] && [ "$strategy" != reload ] || return 0
	if [ "$action" != restart ]; then
		release_of "$pid"
		[ -z "$back" ] && [ "$runs" != "$release" ] || return 0
	fi
	fail not-new "$kind" "$1" "$pid"
}

# stop_started: stops what did not run before this run.
stop_started() {
	find_supervisor
	find_members
	read_before
	stop_failed=
	for member in $members; do
		look "$member"
		if was "$member"; then
			[ "$was_state" != up ] || continue
		else
			# It is not known what ran: what runs this release was started by this run.
			[ "$state" = starting ] || {
				[ -n "$pid" ] || continue
				release_of "$pid"
				[ "$runs" = "$release" ] || continue
			}
		fi
		[ "$state" != unknown ] || continue
		tell stop "$member"
		await_down "$member" || stop_failed=${said:-$member}
		forget_started "$member"
	done
	[ -z "$stop_failed" ] || fail supervisor-failed "$kind" "$stop_failed"
}
