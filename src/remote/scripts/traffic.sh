# shellcheck shell=sh
# Drain and undrain. Whether this host takes requests is the name of an empty file, which is made while there is disk
# space and later only renamed:
#
# $R/traffic.in       it does                  $R/traffic.out      drained, or never taken in
# $R/traffic.unclear  being drained or taken in, or that was cut off: may be either
# $R/traffic.asked    drained, and waits for the health check that only the operator can make
# $R/traffic.amiss    the same, after another step of the rollback failed
#
# $S/drained          what it becomes if the run ends while the host is still drained: `status` shows it

# mark_traffic: makes that file. Before a first deploy the host takes no requests.
mark_traffic() {
	if [ -n "$from" ]; then mark "$R/traffic.in"; else mark "$R/traffic.out"; fi &&
		{ [ "$action" != revert ] || mark "$R/way.begun"; }
}

# set_progress active|served|unwell: how far a revert came. Only a revert continues from there, and does not return. The
# mark is renamed like the one for traffic.
set_progress() {
	[ "$action" = revert ] && ! progress_is "$1" || return 0
	mv "$R"/way.* "$R/way.$1" 2>/dev/null || mark "$R/way.$1"
	return 0
}

progress_is() {
	[ -e "$R/way.$1" ]
}

# mark_unhealthy: the operator found it unhealthy: it stays drained.
mark_unhealthy() {
	! own_entry || ! has_switched || set_progress unwell
}

traffic_is() {
	[ -e "$R/traffic.$1" ]
}

# set_traffic STATE
set_traffic() {
	! traffic_is "$1" || return 0
	mv "$R"/traffic.* "$R/traffic.$1" 2>/dev/null || mark "$R/traffic.$1"
}

# waits_for_operator: whether this run waits for the operator's health check.
waits_for_operator() {
	traffic_is asked || traffic_is amiss
}

# drain: with the text of the release that is going live. On a first deploy there is nothing to drain.
drain() {
	[ -n "$from" ] && has_step drain || return 0
	set_traffic unclear || write_failed drain "$R"
	traffic_dir
	run_stored drain "$traffic_dir"
	set_traffic out
}

# traffic_dir: sets $traffic_dir to where drain and undrain run: `current` may lead nowhere.
traffic_dir() {
	traffic_dir=$root/current
	[ -d "$traffic_dir" ] || traffic_dir=$root
}

# undrain: the host takes requests, with the release in `current`.
undrain() {
	take_in
	set_progress served
}

# take_in [try]: undrains with the text of release $M. If only a missing operator could do it, the host stays drained.
take_in() {
	! operator_missing_for undrain || return 0
	if has_step undrain; then
		set_traffic unclear
		traffic_dir
		run_stored undrain "$traffic_dir" "${1:-}" || return
		[ ! -e "$S/drained" ] || rm -f "$S/drained"
	fi
	set_traffic 'in'
}

# keep_drained_mark: for a run that ends here. If no text takes the host in, it does not count as drained.
keep_drained_mark() {
	{ traffic_is out || traffic_is unclear; } && [ -L "$root/current" ] || return 0
	left_meta=$M
	for M in "$S/releases/$release" "$S/releases/$from"; do
		! has_step undrain || mv "$R"/traffic.* "$S/drained" 2>/dev/null
	done
	M=$left_meta
}

# drain_for_rollback: drains the new release before the old one takes its place, with the old one's text. If the old one
# has none: with the new one's, and take_in_rolled_back knows that.
drain_for_rollback() {
	! traffic_is out || return 0
	drain_meta=$M drain_code=0
	has_step drain || M=$S/releases/$release
	if has_step drain && ! operator_missing_for drain; then
		set_traffic unclear
		run_stored drain "$root/current" try || drain_code=1
		set_traffic out
	fi
	M=$drain_meta
	return $drain_code
}

# take_in_rolled_back: the host takes requests again after a rollback.
take_in_rolled_back() {
	[ -n "$from" ] || return 0
	quiet_when_full
	M=$S/releases/$from
	if ! has_step undrain; then
		serve_drained=
		! has_step drain || serve_drained=yes
		M=$S/releases/$release
		! has_step drain || serve_drained=yes
		[ -n "$serve_drained" ] && has_step undrain || return 0
	fi
	set_hook_env "$from" "$from_revision" "$revision" rollback
	take_in try
}

# take_in_unchanged: nothing was switched here, but the host was drained for it: it takes requests again, with the text
# of the release that drained it.
take_in_unchanged() {
	[ -n "$from" ] || return 0
	traffic_is out || traffic_is unclear || return 0
	quiet_when_full
	use_release
	set_hook_env "$from" "$from_revision" "$revision" rollback
	take_in try
}
