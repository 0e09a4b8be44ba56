# shellcheck shell=sh
# Going live and coming back. What is live is what `current` says; what this run did about it is told by marks in
# its directory and by the state of its journal entry.
#
#   open ──switch──▶ open, switched ──(all healthy)──▶ healthy ──▶ done
#     │                  │
#     └─ dropped         └──rolled back──▶ back, or failed

# aim: the release that the run is about; called before every script, once it is known.
aim() {
	rel=$root/releases/$release M=$S/releases/$release
	context "$release" "$revision" "$from_revision" "$action"
}

# switch: one rename, which is also the mark: from there on whoever ends this run rolls back.
switch() {
	if ! mine || switched; then fail not-ready switch; fi
	files_place || fail cannot-replace switch "$file_at" "$said"
	run_tool mv -T "$R/go" "$root/current" || fail cannot-replace switch "$root/current" "$said"
	say switched "$release"
}

# uptime: seconds since the machine started, in $up: a clock that nobody sets, and that costs no fork.
uptime() {
	read -r up _ </proc/uptime
	up=${up%%.*}
}

# busy_step STEP: a stored step, tried again while it says 75, as long as its limit allows, however long each try takes.
busy_step() {
	uptime
	busy_until=$((up + reload_limit))
	while :; do
		stored "$1" "$root/current" try && return
		uptime
		[ "$code" = 75 ] && [ "$up" -lt "$busy_until" ] && [ ! -e "$R/stop" ] || return
		sleep 1
	done
}

# reload FIRST: the supervisor of $M's release. FIRST is not empty where nothing was live before.
reload() {
	reload_step=reload
	if has_step start; then
		if has_step status; then
			stored status "$root/current" try || reload_step=start
		elif [ -n "$1" ]; then
			reload_step=start
		fi
	fi
	has_step "$reload_step" || return 0
	busy_step "$reload_step"
}

# activate_service: what follows a switch and its post-deploy.
activate_service() {
	aim
	reload_first=
	[ -n "$from" ] || reload_first=yes
	reload "$reload_first" || broken "$reload_step" "$stored_limit"
	stored verify "$root/current" try || broken verify "$stored_limit"
	reached active
}

# healthy: all hosts are. From here a host that loses its operator goes forward.
healthy() {
	turn healthy || fail cannot-replace confirm "$mine" "$said"
}

# going_back: after all were, they are to go back: from here one that loses its operator does that again.
going_back() {
	mine && [ "$state" = healthy ] && turn open
	return 0
}

# finish KEEP: recorded, pruned. Failures here are told, and change nothing.
finish() {
	turn 'done' || fail cannot-replace finish "$mine" "$said"
	fact finished yes
	finish_traffic
	files_end
	prune "$1"
	tidy
}

# finish_traffic: by today's configuration, where that takes no host in, none is out.
finish_traffic() {
	[ "$action" != revert ] && ! has_step undrain || return 0
	traffic 'in'
	[ ! -e "$S/drained" ] || rm -f "$S/drained"
}

# tidy: git's own clean-up, by its own rule of thumb (gc.auto, gc.autoPackLimit), asked without starting git.
tidy() {
	set -- "$root"/source/objects/pack/*.pack
	tidy_packs=$#
	set -- "$root"/source/objects/17/*
	[ "$tidy_packs" -gt 50 ] || [ $# -gt 27 ] || return 0
	job 300 "$root" git --git-dir="$root/source" -c gc.autoDetach=false gc --auto --quiet
	return 0
}

# prune KEEP [all]: the newest KEEP releases stay, and always the live one and the one before it. Counted is what was live
# and good once. The rest is what failed and was kept to be looked at: it pushes no release out, and goes with `all`.
prune() {
	prune_extra=-$1 prune_rest=${2:-} pruned=0 prune_bad=0
	for prune_dir in "$root/releases/"????????T??????Z-???????; do
		was_good "$prune_dir" || continue
		prune_extra=$((prune_extra + 1))
	done
	for prune_dir in "$root/releases/"????????T??????Z-???????; do
		if was_good "$prune_dir"; then
			[ "$prune_extra" -gt 0 ] || continue
			prune_extra=$((prune_extra - 1))
		elif [ -z "$prune_rest" ] || [ ! -d "$prune_dir" ] || [ -L "$prune_dir" ] || [ ! -d "$S/releases/${prune_dir##*/}" ]; then
			# Of what has no record nothing is known, so it is not ours to remove.
			continue
		fi
		prune_name=${prune_dir##*/}
		case $prune_name in
		"$release" | "$from" | "$parent") continue ;;
		esac
		# shellcheck disable=SC3013 # -ef: POSIX.1-2024, and in all of dash, bash and busybox ash
		[ "$prune_dir" -ef "$root/current" ] || prune_release
	done
	prune_logs
}

prune_release() {
	if remove_release "$prune_name" && [ ! -e "$prune_dir" ]; then
		pruned=$((pruned + 1))
		[ -z "$prune_rest" ] || say notice "removed release $prune_name"
	else
		prune_bad=$((prune_bad + 1))
		say notice "release $prune_name could not be removed"
	fi
}

# was_good DIR: whether it is a release that was live and good.
was_good() {
	[ -d "$1" ] && [ ! -L "$1" ] && in_journal "${1##*/}"
}

# prune_logs: step logs and records of the last fifty runs stay, the journal's last two hundred entries and those of releases that are
# there, and what they need.
prune_logs() {
	prune_oldest 100 "$S/logs/"[0-9]*
	prune_oldest 200 "$S/journal/"[0-9]*
	prune_oldest 100 "$S/releases/"[0-9]*
}

# prune_oldest KEEP PATH...: names of journal entries begin with a number, and end in a state.
prune_oldest() {
	prune_extra=$(($# - 1 - $1))
	shift
	for prune_old in "$@"; do
		[ "$prune_extra" -gt 0 ] || break
		prune_extra=$((prune_extra - 1))
		prune_of=${prune_old##*/}
		case $prune_old in
		"$S/journal/"*) prune_of=${prune_of#*.} prune_of=${prune_of%.*} ;;
		"$S/logs/"*) prune_of=none ;;
		esac
		[ -d "$root/releases/$prune_of" ] || rm -rf "$prune_old"
	done
}
