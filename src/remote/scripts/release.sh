# shellcheck shell=sh
# Makes a release beside the running one. Nothing here changes what is live.

# is_ours TARGET: whether `current`, a link to TARGET, names a release; sets $ours_is to the release. A person may have
# written it in another way than we do.
is_ours() {
	ours_is=$1
	while [ "$ours_is" != "${ours_is%/}" ]; do ours_is=${ours_is%/}; done
	ours_at=${ours_is%/*} ours_is=${ours_is##*/}
	case $ours_is in
	????????T??????Z-???????) ;;
	*)
		is_adopted "$1"
		return
		;;
	esac
	case $ours_at in
	releases | ./releases | "$root/releases") return 0 ;;
	esac
	# shellcheck disable=SC3013 # -ef: POSIX.1-2024, and in all of dash, bash and busybox ash
	[ "$root/current" -ef "$root/releases/$ours_is" ]
}

# is_adopted TARGET: whether `current`, a link to TARGET that another tool made, names a release that was adopted (adopt.sh);
# sets $ours_is to the release. $M/link of such a release holds the text of that link. A work tree is the release that
# it was adopted as until somebody checks out another commit there.
is_adopted() {
	for adopted_link in "$S/releases/"*/link; do
		adopted_is=${adopted_link%/link}
		adopted_is=${adopted_is##*/}
		[ -f "$adopted_link" ] && IFS= read -r adopted_text <"$adopted_link" && [ "$adopted_text" = "$1" ] || continue
		[ -d "$root/releases/$adopted_is" ] && is_checked_out "$adopted_is" || continue
		ours_is=$adopted_is
		return
	done
	return 1
}

# is_checked_out RELEASE: unless the release is the work tree `source`, which then has to be at its commit.
is_checked_out() {
	# shellcheck disable=SC3013 # -ef: POSIX.1-2024, and in all of dash, bash and busybox ash
	[ "$root/releases/$1" -ef "$root/source" ] || return 0
	out_head=$(git_source rev-parse --verify --quiet 'HEAD^{commit}') || return
	grep -qx "revision$TAB$out_head" "$S/releases/$1/meta" 2>/dev/null
}

# link_of RELEASE: sets $link_is to the text of `current` when it names that release.
link_of() {
	link_is=releases/$1
	[ ! -f "$S/releases/$1/link" ] || IFS= read -r link_is <"$S/releases/$1/link"
}

# adoptable: whether `current`, which names no release of ours, leads to what another tool made: a work tree in `source`
# (pm2 deploy), or a directory in `releases` (Capistrano, Deployer, shipit-js). Sets $adopt_kind, and $adopt_live to that
# directory.
adoptable() {
	[ -L "$root/current" ] && [ -d "$root/current/" ] && adopt_live=$(cd -P "$root/current/" && pwd -P) || return
	# shellcheck disable=SC3013 # -ef: POSIX.1-2024, and in all of dash, bash and busybox ash
	if [ "$root/current" -ef "$root/source" ] && [ -d "$root/source/.git/objects" ]; then
		adopt_kind='source'
	elif [ "${adopt_live%/*}" -ef "$root/releases" ]; then
		adopt_kind=releases
	else
		return 1
	fi
}

# is_current RELEASE: whether `current` names that release, which may be gone.
is_current() {
	[ -L "$root/current" ] || return 1
	# shellcheck disable=SC3013 # -ef: POSIX.1-2024, and in all of dash, bash and busybox ash
	[ "$root/current" -ef "$root/releases/$1" ] && return
	[ ! -e "$root/current" ] && is_ours "$(readlink "$root/current")" && [ "$ours_is" = "$1" ]
}

# tell_serving: tells what `current` is now, for an operator whose run went wrong.
tell_serving() {
	if [ -L "$root/current" ]; then
		serving_target=$(readlink "$root/current")
		if ! is_ours "$serving_target"; then
			fact serving "foreign ${serving_target%%"$NL"*}"
		elif [ -d "$root/current/" ]; then
			fact serving "release $ours_is"
		else
			fact serving "broken $ours_is"
		fi
	elif [ -e "$root/current" ]; then
		fact serving 'foreign '
	else
		fact serving 'nothing '
	fi
}

# tell_adoptable: tells whether another tool made what `current` leads to, adopted or not.
tell_adoptable() {
	if is_ours "$(readlink "$root/current")"; then
		[ ! -f "$S/releases/$ours_is/link" ] || fact adopt again
	elif adoptable; then
		fact adopt "$adopt_kind"
	fi
}

# tell_live: tells facts about the release that `current` names.
tell_live() {
	tell_environment
	live_is='' live_parent=
	if [ ! -L "$root/current" ]; then
		[ ! -e "$root/current" ] || fact foreign ''
		return 0
	fi
	live_target=$(readlink "$root/current")
	is_ours "$live_target" || {
		fact foreign "${live_target%%"$NL"*}"
		tell_adoptable
		return
	}
	live_is=$ours_is
	fact live "$live_is"
	tell_adoptable
	[ ! -e "$S/drained" ] || tell_drained
	[ -f "$S/releases/$live_is/meta" ] || return 0
	while IFS=$TAB read -r live_key live_value; do
		case $live_key in
		revision) fact live-revision "$live_value" ;;
		digest) fact live-digest "$live_value" ;;
		reference) fact live-reference "$live_value" ;;
		parent) live_parent=$live_value && fact live-parent "$live_value" ;;
		esac
	done <"$S/releases/$live_is/meta"
}

# tell_drained: tells what takes the host in again: a restart, or only another release.
tell_drained() {
	live_meta=$M
	M=$S/releases/$live_is
	if has_step undrain; then fact drained restart; else fact drained deploy; fi
	M=$live_meta
}

# tell_newest: tells the newest release on disk. A new name must sort after it, whatever the clocks say.
tell_newest() {
	newest_is=
	set -- "$root/releases/"????????T??????Z-???????
	eval "newest_is=\${$#}"
	# shellcheck disable=SC2154 # set by eval
	[ ! -d "$newest_is" ] || fact newest "${newest_is##*/}"
}

# write_meta DIR: writes what every shell reads that runs a text of the user. $data_env holds secrets: they were sent as
# data, and go to a file that only this login can read. printf is a builtin, so no process list shows them.
write_meta() {
	umask 077
	if { [ -d "$1/steps" ] || mkdir -p "$1/steps"; } && printf '%s\n' "$shell" >"$1/shell" &&
		printf '%s' "$data_enter" >"$1/enter" && printf '%s' "$data_env" >"$1/env"; then
		umask "$mask"
		return
	fi
	write_failed prepare "$1"
}

# old_code_dir: prints the directory of the live code, or where it will be.
old_code_dir() {
	if [ -d "$root/current" ]; then echo "$root/current"; else echo "$root"; fi
}

# tell_holder: tells who holds the lock, and whether that process still runs. A process elsewhere would have to be
# watched for a while, and counts as alive.
tell_holder() {
	need_layout look
	holder_run=$(readlink "$S/lock") && is_run_link "$holder_run" || {
		[ ! -e "$S/lock" ] && [ ! -L "$S/lock" ] || fact stuck "$S/lock"
		return 0
	}
	tell_who "$S/$holder_run"
	holder_token=$(token_of "$S/$holder_run") && read_token "$holder_token" && case $token_at in
	here) token_alive "$holder_token" "$S/$holder_run" && return ;;
	elsewhere) return ;;
	esac
	fact holder-dead yes
}

# tell_clock: tells the time of this host. It is alone in its script: the round trip time is the precision of the
# answer.
tell_clock() {
	say found clock "$(date +%s)"
}

# store_step STEP LIMIT TEXT: stores a text of the user with release $M. Called in order.
store_step() {
	store_number=10
	for store_file in "$M/steps/$1".*; do
		[ ! -e "$store_file" ] || store_number=$((store_number + 1))
	done
	store_command "$store_number" "$@"
}

# store_command NUMBER STEP LIMIT TEXT: the same, with a number from 10 on. The commands of a supervisor have that of their set.
store_command() {
	umask 077
	printf '%s\n' "$4" >"$M/steps/$2.$1.$3" || write_failed prepare "$M/steps"
	umask "$mask"
}

# store_local_step STEP: stores that the operator's machine runs this step for the host, and has its limit.
store_local_step() {
	mark "$M/steps/$1.10.here.$FOREVER" || write_failed prepare "$M/steps"
}

# save_vars: saves what a process needs that ends this run in our place. No secrets.
save_vars() {
	printf '%s\n# whole\n' "$vars" >"$R/vars" || write_failed prepare "$R"
	begin_record
}

# begin_release: checks that `current` is ours and that there is space, and makes the records of the release.
begin_release() {
	check_layout
	[ -z "$from" ] || need_space
	save_vars
	keep_adapters
	mark "$R/made.$release" || write_failed prepare "$R"
	run_tool mkdir "$rel" "$M" "$M/steps" || fail cannot-make prepare "$rel" "$said"
	write_meta "$M"
}

check_layout() {
	need_git prepare
	[ -d "$clone/objects" ] || fail not-set-up prepare "$root/source"
	# shellcheck disable=SC3013 # -ef: POSIX.1-2024, and in all of dash, bash and busybox ash
	if [ -n "$from" ] && [ -L "$root/current" ] && [ "$root/current" -ef "$root/releases/$from" ]; then
		return
	elif [ -L "$root/current" ]; then
		layout_current=$(readlink "$root/current")
		is_ours "$layout_current" || fail foreign-current prepare "$root/current" "$layout_current"
	elif [ -e "$root/current" ]; then
		fail not-a-link prepare "$root/current"
	fi
}

# need_space: at least as much space as the live release takes. If more is free than used, that is certain; it is
# measured only otherwise.
need_space() {
	# shellcheck disable=SC2046 # seven words of head, then: file system, blocks, used, free
	set -- $(LC_ALL=C df -Pk "$root" 2>/dev/null)
	[ $# -gt 10 ] || return 0
	shift 7
	is_number "$3" && is_number "$4" && [ "$4" -le "$3" ] || return 0
	space_needed=$(du -sk "$root/releases/$from" 2>/dev/null)
	space_needed=${space_needed%%[!0-9]*}
	is_number "$space_needed" || space_needed=0
	[ "$4" -gt "$space_needed" ] || fail no-space prepare "$4" "$space_needed"
}

# checkout LIMIT: checks out the files of the release, and looks at what the repository has in it.
checkout() {
	fill_release "$1"
	look_at_release
}

# fill_release LIMIT: puts the files of the commit and of its submodules into the release.
fill_release() {
	[ -n "$pinned" ] || pin_revision || fail cannot-pin checkout "$revision" "$root/source" "$said"
	if [ -n "$subdir" ]; then
		git_source cat-file -e "$revision:$subdir/" 2>/dev/null || fail no-subdir checkout "$revision" "$subdir"
		printf '%s\n' "$subdir" >"$M/subdir" || write_failed checkout "$M"
	fi
	tree_limit=$1
	checkout_tree "$1" "$rel" "$revision${subdir:+:$subdir}" "$R/index" "$R/tree" || {
		# A commit that is here may lack what belongs to it, after a crash.
		[ "$git_why" = damaged ] && mend_source "$1" && fetch "$1" && { [ -n "$pinned" ] || pin_revision; } &&
			checkout_tree "$1" "$rel" "$revision${subdir:+:$subdir}" "$R/index" "$R/tree"
	} || {
		[ "$code" != 22 ] || tree_is_listed checkout "$revision" "$R/tree"
		git_failed checkout "$1"
	}
	tree_is_listed checkout "$revision" "$R/tree"
	checkout_modules "$1"
	if [ -d "$rel/REVISION" ] && [ ! -L "$rel/REVISION" ]; then fail revision-tracked checkout; fi
	revision_tracked=
	if [ -e "$rel/REVISION" ] || [ -L "$rel/REVISION" ]; then
		revision_tracked=yes
		rm -f "$rel/REVISION"
	fi
	printf '%s\n' "$revision" >"$rel/REVISION" || write_failed checkout "$rel/REVISION"
	printf 'revision\t%s\ndigest\t%s\nreference\t%s\nwho\t%s\nwhen\t%s\nparent\t%s\n' \
		"$revision" "$digest" "$reference" "$who" "$when" "$from" >"$M/meta" || write_failed checkout "$M"
}

# remake_release LIMIT: makes the release to return to again from source, if it was pruned or is not whole.
remake_release() {
	check_layout
	save_vars
	keep_adapters
	[ -d "$M" ] || fail unknown-release prepare "$release"
	stage_files_again
	look_at "$release"
	if [ -z "$damage" ]; then
		check_links_again
		return
	fi
	! is_current "$release" || fail live-damaged prepare "$release" "$damage"
	need_space
	subdir=
	[ ! -f "$M/subdir" ] || IFS= read -r subdir <"$M/subdir"
	fetch_modules_again "$1"
	has_revision || fail commit-gone prepare "$release" "$root/source"
	mark "$R/remade.$release" || write_failed prepare "$R"
	take_away "$release" || fail not-removed prepare
	# Its pins stay: it is made of what they hold.
	[ ! -e "$root/releases/.removed-$release.$run" ] || empty_removed "$root/releases/.removed-$release.$run"
	mark "$M/whole" || write_failed prepare "$M"
	# What another tool made of it is gone.
	rm -f "$M/link"
	run_tool mkdir "$rel" || fail cannot-make prepare "$rel" "$said"
	again_meta=$(cat "$M/meta")
	fill_release "$1"
	printf '%s\n' "$again_meta" >"$M/meta"
	[ ! -f "$M/links" ] || while IFS= read -r again_link; do link_shared "$again_link"; done <"$M/links"
	run_stored build "$rel"
}

# discard: removes what this run made and is not live.
discard() {
	keep_drained_mark
	remove_git_locks
	end_files || say notice "not as before:$files_bad; what was there waits beside it, in .shipit-$release.*.old"
	for discard_mark in "$R"/made.* "$R"/remade.*; do
		[ -e "$discard_mark" ] || continue
		discard_release=${discard_mark##*/*made.}
		! is_current "$discard_release" || continue
		[ -e "$R/keep" ] || remove_release "$discard_release"
		case $discard_mark in
		*/remade.*) ;;
		# `prune` removes only what has a record.
		*) [ -e "$R/keep" ] || [ -e "$root/releases/$discard_release" ] || rm -rf "${S:?}/releases/$discard_release" ;;
		esac
		rm -f "$discard_mark"
	done
}
