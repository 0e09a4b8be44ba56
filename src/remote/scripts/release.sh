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
	*) return 1 ;;
	esac
	case $ours_at in
	releases | ./releases | "$root/releases") return 0 ;;
	esac
	# shellcheck disable=SC3013 # -ef: POSIX.1-2024, and in all of dash, bash and busybox ash
	[ "$root/current" -ef "$root/releases/$ours_is" ]
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

# tell_live: tells facts about the release that `current` names.
tell_live() {
	tell_environment
	live_is=
	if [ ! -L "$root/current" ]; then
		[ ! -e "$root/current" ] || fact foreign ''
		return 0
	fi
	live_target=$(readlink "$root/current")
	is_ours "$live_target" || {
		fact foreign "${live_target%%"$NL"*}"
		return
	}
	live_is=$ours_is
	fact live "$live_is"
	[ ! -e "$S/drained" ] || tell_drained
	[ -f "$S/releases/$live_is/meta" ] || return 0
	while IFS=$TAB read -r live_key live_value; do
		case $live_key in
		revision) fact live-revision "$live_value" ;;
		digest) fact live-digest "$live_value" ;;
		reference) fact live-reference "$live_value" ;;
		parent) fact live-parent "$live_value" ;;
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
	set -- "$root/releases/"[0-9]*
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
	umask 077
	printf '%s\n' "$3" >"$M/steps/$1.$store_number.$2" || write_failed prepare "$M/steps"
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
	mark "$R/made.$release" || write_failed prepare "$R"
	run_tool mkdir "$rel" "$M" "$M/steps" || fail cannot-make prepare "$rel" "$said"
	write_meta "$M"
}

check_layout() {
	need_git prepare
	[ -d "$root/source" ] || fail not-set-up prepare "$root/source"
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

# shellcheck disable=SC2016 # expanded by the job's own shell
CHECKOUT='git --git-dir="$1" --work-tree="$2" -c core.splitIndex=false read-tree --reset -u "$3"'

# checkout LIMIT: checks out the files of the release.
checkout() {
	[ -n "$pinned" ] || pin_revision || fail cannot-pin checkout "$revision" "$root/source" "$said"
	if [ -n "$subdir" ]; then
		git_source cat-file -e "$revision:$subdir/" 2>/dev/null || fail no-subdir checkout "$revision" "$subdir"
		printf '%s\n' "$subdir" >"$M/subdir" || write_failed checkout "$M"
	fi
	checkout_tree "$1" "$rel" "$revision${subdir:+:$subdir}" "$R/index"
	checkout_modules "$1"
	[ ! -L "$rel/REVISION" ] || rm -f "$rel/REVISION"
	printf '%s\n' "$revision" >"$rel/REVISION" || write_failed checkout "$rel/REVISION"
	printf 'revision\t%s\ndigest\t%s\nreference\t%s\nwho\t%s\nwhen\t%s\nparent\t%s\n' \
		"$revision" "$digest" "$reference" "$who" "$when" "$from" >"$M/meta" || write_failed checkout "$M"
}

# checkout_tree LIMIT DIR TREE INDEX: checks out a tree into a directory. The index becomes the mark of the release.
checkout_tree() {
	rm -f "$4"
	GIT_INDEX_FILE=$4
	export GIT_INDEX_FILE
	if [ -z "$fetch_mode$token_for$repo_key" ]; then
		must_run checkout "$1" "$2" git --git-dir="$root/source" --work-tree="$2" \
			-c core.splitIndex=false read-tree --reset -u "$3"
	else
		# A blobless clone fetches the files that it lacks here.
		must_run_git checkout "$1" "$2" /bin/sh -c "$GIT$CHECKOUT" shipit "$root/source" "$2" "$3"
	fi
	unset GIT_INDEX_FILE
}

# link_shared ENTRY...: links shared files into the release. d:PATH is a directory, which is made if it is missing;
# f:PATH has to exist.
link_shared() {
	[ -f "$M/links" ] || printf '%s\n' "$@" >"$M/links" || write_failed shared "$M"
	for link_entry in "$@"; do
		link_path=${link_entry#?:}
		link_to=$root/shared/$link_path link_at=$rel/$link_path
		case $link_entry in
		d:*)
			! is_sent "$link_path" || fail shared-and-sent shared "$link_path"
			make_dirs shared "$link_to"
			;;
		*) [ -e "$link_to" ] || is_sent "$link_path" || fail shared-missing shared "$link_to" ;;
		esac
		clear_link_place "$link_path" "$link_at"
		link_up=../../
		link_rest=$link_path
		while [ "$link_rest" != "${link_rest#*/}" ]; do
			link_up=../$link_up link_rest=${link_rest#*/}
		done
		link_to=$link_up''shared/$link_path
		# A file that is sent is put in place when the release goes live; until then `build` sees the staged file.
		link_staged=
		if is_sent "$link_path"; then
			ln -s "$link_to" "$R/link.$file_number" || write_failed shared "$R"
			link_staged=$R/link.$file_number
			link_to=$link_up''shared/${file_new#"$root/shared/"}
		fi
		run_tool ln -s "$link_to" "$link_at" || fail cannot-make shared "$link_at" "$said"
		check_link "$link_path" "$link_at" "$root/${link_to#"$link_up"}" "$link_staged"
	done
}

# check_link PATH AT MEANT [STAGED]: a link leads to what is meant. A relative one does not if a directory on its way is a
# link itself: then an absolute one does.
check_link() {
	# shellcheck disable=SC3013 # -ef: POSIX.1-2024, and in all of dash, bash and busybox ash
	[ ! "$2" -ef "$3" ] || return 0
	run_tool rm -f "$2" && run_tool ln -s "$3" "$2" || fail cannot-make shared "$2" "$said"
	if [ -n "${4:-}" ]; then
		run_tool rm -f "$4" && run_tool ln -s "$root/shared/$1" "$4" || fail cannot-make shared "$4" "$said"
	fi
	# shellcheck disable=SC3013
	[ "$2" -ef "$3" ] || fail link-leads-nowhere shared "$2" "$3"
}

# check_links_again: what was shared when a release was made has to be there still when it goes live again.
check_links_again() {
	[ -f "$M/links" ] || return 0
	while IFS= read -r again_link; do
		again_path=${again_link#?:}
		[ ! -e "$rel/$again_path" ] || continue
		case $again_link in
		d:*) make_dirs shared "$root/shared/$again_path" ;;
		esac
		[ -e "$rel/$again_path" ] || is_sent "$again_path" ||
			fail shared-missing shared "$root/shared/$again_path"
	done <"$M/links"
}

# clear_link_place PATH AT: removes what is in the way of a link. No file of the repository may be lost, and no link in
# the repository may lead out of the release.
clear_link_place() {
	make_dir_inside shared "$1" "${2%/*}"
	if [ -d "$2" ] && [ ! -L "$2" ]; then
		for link_held in "$2"/* "$2"/.[!.]* "$2"/..?*; do
			case ${link_held##*/} in
			.gitkeep | .keep | .gitignore | .placeholder) continue ;;
			esac
			[ ! -e "$link_held" ] || fail shared-files-tracked shared "$1" "${link_held##*/}"
		done
		rm -rf "$2"
	elif [ -e "$2" ] || [ -L "$2" ]; then
		fail shared-file-tracked shared "$1"
	fi
}

# make_dir_inside STEP PATH DIR: makes a directory of the release, but not through a link in the repository that leads
# out of it.
make_dir_inside() {
	inside_is=$3
	while [ ! -e "$inside_is" ] && [ ! -L "$inside_is" ]; do
		inside_is=${inside_is%/*}
	done
	inside_real=$(cd -P "$inside_is" 2>/dev/null && pwd -P) && rel_real=$(cd -P "$rel" && pwd -P)
	case $inside_real/ in
	"$rel_real"/*) ;;
	*) fail leads-out "$1" "$2" ;;
	esac
	make_dirs "$1" "$3"
}

# The running app may write where this copies from: what vanished or was replaced meanwhile is no failure. Only the ends of
# lines are compared, so no name can hide another error.
# shellcheck disable=SC2016 # expanded by the job's own shell
CARRY='LC_ALL=C
export LC_ALL
said=$(cp -a "$1" "$2" 2>&1) && exit
code=$?
printf "%s\n" "$said"
[ -e "$2" ] || [ -L "$2" ] || exit "$code"
printf "%s\n" "$said" | while IFS= read -r line; do
	case $line in
	*": No such file or directory" | *", as it was replaced while being copied") ;;
	*) exit 1 ;;
	esac
done || exit "$code"
echo "what vanished while it was copied is left out"'

# carry_over LIMIT PATH...: copies paths from the release before.
carry_over() {
	carry_limit=$1
	shift
	[ -n "$from" ] || return 0
	for carry_path in "$@"; do
		[ -e "$root/releases/$from/$carry_path" ] || continue
		[ ! -e "$rel/$carry_path" ] || fail carried-tracked carry "$carry_path"
		carry_to=$rel/$carry_path
		make_dir_inside carry "$carry_path" "${carry_to%/*}"
		must_run carry "$carry_limit" "$root" /bin/sh -c "$CARRY" shipit "releases/$from/$carry_path" "$rel/$carry_path"
	done
}

# remake_release LIMIT: makes the release to return to again from source, if it was pruned or is not whole.
remake_release() {
	check_layout
	save_vars
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
	run_tool mkdir "$rel" || fail cannot-make prepare "$rel" "$said"
	again_meta=$(cat "$M/meta")
	checkout "$1"
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
