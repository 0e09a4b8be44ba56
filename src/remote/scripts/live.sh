# shellcheck shell=sh
# Going live and rolling back. `current` says what is live; marks in the run's directory and the state of its journal
# entry say what this run did about it.
#
#   open ──switch──▶ open, switched ──(all healthy)──▶ healthy ──▶ done
#     │                  │
#     └─ dropped         └──rolled back──▶ back, or failed

# use_release: sets variables and hook environment to the release of the run; called before every script, once the
# release is known.
use_release() {
	rel=$root/releases/$release M=$S/releases/$release
	set_hook_env "$release" "$revision" "$from_revision" "$action"
}

# switch: one rename, which is also the mark: from then on the process that ends this run rolls back.
switch() {
	if ! own_entry || has_switched; then fail not-ready switch; fi
	look_at "$release"
	[ -z "$damage" ] || fail not-whole switch "$release" "$damage"
	place_files || fail cannot-replace switch "$file_at" "$said"
	run_tool mv -T "$R/go" "$root/current" || fail cannot-replace switch "$root/current" "$said"
	say switched "$release"
}

# reload_set NUMBER FIRST: reloads with a set of the user's commands, or starts what does not run: again while that exits with
# 75, until the limit is over. Sets $reload_step to what it did.
reload_set() {
	reload_step=reload
	if find_step start "$1"; then
		if find_step status "$1"; then
			try_hook status "$step_limit" "$root/current" "$M" "$step_file" || reload_step=start
		elif [ -n "$2" ]; then
			reload_step=start
		fi
	fi
	uptime
	busy_until=$((up + reload_limit))
	while find_step "$reload_step" "$1"; do
		try_hook "$reload_step" "$step_limit" "$root/current" "$M" "$step_file" && return
		uptime
		[ "$code" = 75 ] && [ "$up" -lt "$busy_until" ] && [ ! -e "$R/stop" ] || return
		sleep 1
	done
}

# reload FIRST: reloads with the supervisors of release $M: each set of the user's commands, then those that shipit knows. FIRST
# is not empty if nothing was live before. On the way back a set that fails holds up none of the others.
reload() {
	answer_fail=
	reload_step=reload reload_code=0
	mark "$R/finishing" 2>/dev/null
	for reload_file in "$M/steps/reload".*; do
		read_step reload "$reload_file" || continue
		reload_set "$step_number" "$1" || reload_code=$code
		[ "$reload_code" = 0 ] || goes_on_after_failure reload || break
	done
	if { [ "$reload_code" = 0 ] || goes_on_after_failure reload; } && has_supervisor; then
		reload_step=reload
		mark "$R/unbroken" 2>/dev/null
		[ -z "$caller" ] || printf '%s\n' "$caller" >"$R/caller"
		run_adapters reload "$root/current" || reload_code=$code
	fi
	rm -f "$R/finishing" "$R/unbroken"
	return "$reload_code"
}

# activate_service: what follows a switch and its post-deploy.
activate_service() {
	use_release
	reload_first=
	[ -n "$from" ] || reload_first=yes
	reload "$reload_first" || service_failed "$reload_step" "$step_limit"
	verify_service || service_failed verify "$step_limit"
	set_progress active
}

# confirm_healthy: all hosts are healthy. From here a host that loses its operator goes forward.
confirm_healthy() {
	still_runs || fail ended-since confirm "$still_name" "$still_pid"
	set_state healthy || fail cannot-replace confirm "$entry" "$said"
}

# unconfirm_healthy: all hosts are to be rolled back after they were confirmed: a host that loses its operator rolls
# back again.
unconfirm_healthy() {
	own_entry && [ "$state" = healthy ] && set_state open
	return 0
}

# finish KEEP: records the deploy and prunes. A failure here is reported, and changes nothing.
finish() {
	set_state 'done' || fail cannot-replace finish "$entry" "$said"
	fact finished yes
	[ "$action" = revert ] || record_app
	end_traffic
	end_files
	use_release
	run_adapters save "$root/current" || say notice "the supervisor could not save what runs: after a reboot it starts what it saved last"
	prune "$1"
	collect_git_garbage
}

# end_traffic: if the current configuration takes no host in, no host counts as drained.
end_traffic() {
	[ "$action" != revert ] && ! has_step undrain || return 0
	set_traffic 'in'
	[ ! -e "$S/drained" ] || rm -f "$S/drained"
}

# collect_git_garbage: git's own clean-up, by git's own thresholds (gc.auto, gc.autoPackLimit), checked without starting
# git.
collect_git_garbage() {
	set -- "$clone"/objects/pack/*.pack
	tidy_packs=$#
	set -- "$clone"/objects/17/*
	[ "$tidy_packs" -gt 50 ] || [ $# -gt 27 ] || return 0
	# shellcheck disable=SC2086 # no setting contains a blank
	run_job 300 "$root" git $GIT_SETTINGS --git-dir="$clone" -c gc.autoDetach=false gc --auto --quiet
	return 0
}

# prune KEEP [all]: keeps the newest KEEP releases; the live one and the one before it are always among them. Only
# releases that were live and healthy are counted. Failed ones that were kept for inspection are removed with `all`.
prune() {
	prune_rest=${2:-} pruned=0 prune_bad=0
	for_each_prunable "$1" prune_release
	prune_pins
	finish_removals
	prune_bad=$((prune_bad + removals_bad))
	prune_logs
}

# tell_prunable KEEP: tells what `prune KEEP all` would remove, as one fact. Called after tell_live.
tell_prunable() {
	prune_rest=all prune_names='' release=${live_is:-} from='' parent=${live_parent:-}
	for_each_prunable "$1" name_prunable
	fact prunable "${prune_names# }"
}

name_prunable() {
	prune_names="$prune_names $prune_name"
}

# for_each_prunable KEEP FUNCTION: calls it for each release that goes, whose name is $prune_name.
for_each_prunable() {
	prune_extra=-$1 prune_counted=
	for prune_dir in "$root/releases/"????????T??????Z-???????; do
		was_good "$prune_dir" || continue
		prune_extra=$((prune_extra + 1))
	done
	for prune_dir in "$root/releases/"????????T??????Z-???????; do
		prune_counted=
		if was_good "$prune_dir"; then
			[ "$prune_extra" -gt 0 ] || continue
			prune_counted=yes
		elif [ -z "$prune_rest" ] || [ ! -d "$prune_dir" ] || [ -L "$prune_dir" ] || [ ! -d "$S/releases/${prune_dir##*/}" ]; then
			# A directory without a record is not ours to remove.
			continue
		fi
		prune_name=${prune_dir##*/}
		case $prune_name in
		"$release" | "$from" | "$parent") continue ;;
		esac
		# shellcheck disable=SC3013 # -ef: POSIX.1-2024, and in all of dash, bash and busybox ash
		[ ! "$prune_dir" -ef "$root/current" ] || continue
		# What has to stay takes no place of one that can go.
		[ -z "$prune_counted" ] || prune_extra=$((prune_extra - 1))
		in_use "$prune_dir" || "$2"
	done
}

# in_use DIR: whether a process is in there, runs a program of it, or was started with a path of it: what it loads later
# would be gone. Links are seen of this login's processes only, command lines of all.
in_use() {
	use_dir=$(cd -P "$1" && pwd -P) || return
	# A line that only looks like such a link keeps a release too much, no more.
	case $(ls -ld /proc/[0-9]*/cwd /proc/[0-9]*/exe 2>/dev/null)$NL in
	*" -> $use_dir$NL"* | *" -> $use_dir/"*) ;;
	*)
		# From standard input: on its command line grep would find itself.
		# shellcheck disable=SC2062 # the glob names files
		printf '%s/\n%s/\n' "$use_dir" "$1" | grep -qsF -f - /proc/[0-9]*/cmdline || return
		;;
	esac
	say notice "release ${1##*/} is kept: a process runs from it"
}

# prune_pins: what somebody else removed needs no commit either.
prune_pins() {
	for prune_pin in "$clone/refs/shipit/"*; do
		prune_name=${prune_pin##*/}
		[ ! -f "$prune_pin" ] || [ -e "$root/releases/${prune_name%%.*}" ] || rm -f "$prune_pin"
	done
}

prune_release() {
	if remove_release "$prune_name"; then
		pruned=$((pruned + 1))
		[ -z "$prune_rest" ] || say notice "removed release $prune_name"
	else
		prune_bad=$((prune_bad + 1))
		say notice "release $prune_name could not be removed"
	fi
}

# was_good DIR: whether it is a release that was live and healthy.
was_good() {
	[ -d "$1" ] && in_journal "${1##*/}" || return
	[ -L "$1" ] || return 0
	# Of another tool's making. The work tree is more than a release, and stays.
	# shellcheck disable=SC3013 # -ef: POSIX.1-2024, and in all of dash, bash and busybox ash
	[ -f "$S/releases/${1##*/}/link" ] && [ ! "$1" -ef "$root/source" ]
}

# prune_logs: keeps logs and records of the last fifty runs, the last two hundred journal entries, and all that belongs
# to releases on disk.
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
