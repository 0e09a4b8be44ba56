# shellcheck shell=sh
# Drain and undrain. Whether this host takes requests is told by the name of an empty file, made while there is space and
# from then on only renamed:
#
# $R/traffic.in       it does                  $R/traffic.out      drained, or never taken in
# $R/traffic.unclear  being drained or taken in, or that was cut off: may be either
# $R/traffic.asked    out, and well but for what only the operator can ask; he is to say whether it is healthy
# $R/traffic.amiss    the same, after something else on the way back failed
#
# $S/drained          what it becomes when the run ends and nobody has taken the host in again: `status` tells it

# traffic_ready: before anything is done about it. A first deploy takes the host in.
traffic_ready() {
	if [ -n "$from" ]; then mark "$R/traffic.in"; else mark "$R/traffic.out"; fi &&
		{ [ "$action" != revert ] || mark "$R/way.begun"; }
}

# reached active|served|unwell: how far a revert came, the only one that goes on from there and not back; another such name.
reached() {
	[ "$action" = revert ] && ! came "$1" || return 0
	mv "$R"/way.* "$R/way.$1" 2>/dev/null || mark "$R/way.$1"
	return 0
}

came() {
	[ -e "$R/way.$1" ]
}

# unwell: the operator asked, and it is not healthy: it stays drained.
unwell() {
	! mine || ! switched || reached unwell
}

traffic_is() {
	[ -e "$R/traffic.$1" ]
}

# traffic STATE
traffic() {
	! traffic_is "$1" || return 0
	mv "$R"/traffic.* "$R/traffic.$1" 2>/dev/null || mark "$R/traffic.$1"
}

# asked: whether this run waits to be told that the host is healthy.
asked() {
	traffic_is asked || traffic_is amiss
}

# drain: by the text of the release that is going live. Where nothing was live there is nothing to drain.
drain() {
	[ -n "$from" ] && has_step drain || return 0
	traffic unclear || write_failed drain "$R"
	stored drain "$root/current"
	traffic out
}

# undrain: the host takes requests, with what is in `current`.
undrain() {
	take_in
	reached served
}

# take_in [try]: that, by the text of release $M. Where nobody is left who could, it stays out.
take_in() {
	! nobody_for undrain || return 0
	if has_step undrain; then
		traffic unclear
		stored undrain "$root/current" "${1:-}" || return
		[ ! -e "$S/drained" ] || rm -f "$S/drained"
	fi
	traffic 'in'
}

# left_drained: of a run that ends here. Where nothing takes a host in, none counts as drained.
left_drained() {
	{ traffic_is out || traffic_is unclear; } && [ -L "$root/current" ] || return 0
	left_meta=$M
	for M in "$S/releases/$release" "$S/releases/$from"; do
		! has_step undrain || mv "$R"/traffic.* "$S/drained" 2>/dev/null
	done
	M=$left_meta
}

# drain_back: what went live is drained before what was live before takes its place, by that one's text. One of before
# there was such a text: by the new one's, and serve_again knows.
drain_back() {
	! traffic_is out || return 0
	drain_meta=$M drain_code=0
	has_step drain || M=$S/releases/$release
	if has_step drain && ! nobody_for drain; then
		traffic unclear
		stored drain "$root/current" try || drain_code=1
		traffic out
	fi
	M=$drain_meta
	return $drain_code
}

# serve_again: what was rolled back takes requests.
serve_again() {
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
	context "$from" "$from_revision" "$revision" rollback
	take_in try
}

# serve_on: nothing was switched here, but it was drained for that: what serves takes requests again, by the text that goes
# with the one that drained it.
serve_on() {
	[ -n "$from" ] || return 0
	traffic_is out || traffic_is unclear || return 0
	quiet_when_full
	aim
	context "$from" "$from_revision" "$revision" rollback
	take_in try
}
