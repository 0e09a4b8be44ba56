# shellcheck shell=sh
# Making a release beside the running one. Nothing here touches what is live.

# is_ours TARGET: whether `current` leads there because of us.
is_ours() {
	case $1 in
	releases/????????T??????Z-???????) ;;
	*) return 1 ;;
	esac
}

# live: the release that `current` names, as facts.
live() {
	[ -L "$root/current" ] || return 0
	live_is=$(readlink "$root/current")
	is_ours "$live_is" || {
		fact foreign "$live_is"
		return
	}
	live_is=${live_is#releases/}
	fact live "$live_is"
	[ ! -e "$S/drained" ] || live_drained
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

# live_drained: what takes the host in again: a restart, or only another release.
live_drained() {
	live_meta=$M
	M=$S/releases/$live_is
	if has_step undrain; then fact drained restart; else fact drained deploy; fi
	M=$live_meta
}

# newest: the newest release name on disk: a new one must sort after it, whatever the clocks say.
newest() {
	newest_is=
	set -- "$root/releases/"[0-9]*
	eval "newest_is=\${$#}"
	# shellcheck disable=SC2154 # set by eval
	[ ! -d "$newest_is" ] || fact newest "${newest_is##*/}"
}

# meta DIR: what every shell reads that runs a text of this configuration. $data_env holds secrets: it came as
# data, and goes to a file that only we can read; printf is a builtin, so no process list shows it.
meta() {
	umask 077
	if { [ -d "$1/steps" ] || mkdir -p "$1/steps"; } && printf '%s\n' "$shell" >"$1/shell" &&
		printf '%s' "$data_enter" >"$1/enter" && printf '%s' "$data_env" >"$1/env"; then
		umask "$mask"
		return
	fi
	write_failed prepare "$1"
}

# old: where the old code is, or would be.
old() {
	if [ -d "$root/current" ]; then echo "$root/current"; else echo "$root"; fi
}

# holder: who holds the lock, and whether he is there.
holder() {
	holder_run=$(readlink "$S/lock") || return 0
	fact holder "$(cat "$S/$holder_run/who" 2>/dev/null)"
	holder_token=$(token_of "$S/$holder_run") && token_alive "$holder_token" && return
	fact holder-dead yes
}

# clock: the time here. Alone in its script: the way there and back says how exact the answer is.
clock() {
	say found clock "$(date +%s)"
}

# store STEP LIMIT TEXT: a text of the user's, kept with release $M. Called in order.
store() {
	store_number=10
	for store_file in "$M/steps/$1".*; do
		[ ! -e "$store_file" ] || store_number=$((store_number + 1))
	done
	umask 077
	printf '%s\n' "$3" >"$M/steps/$1.$store_number.$2" || write_failed prepare "$M/steps"
	umask "$mask"
}

# store_here STEP: instead of a text that runs here: the operator's machine has one for this host, and its limit.
store_here() {
	mark "$M/steps/$1.10.here.$FOREVER" || write_failed prepare "$M/steps"
}

# keep_vars: what whoever ends this run in our place must know. No secrets.
keep_vars() {
	printf '%s\n# whole\n' "$vars" >"$R/vars" || write_failed prepare "$R"
	record
}

# begin: the ground under a new release: `current` is a link of ours, there is room, the records are made.
begin() {
	sound
	[ -z "$from" ] || room
	keep_vars
	mark "$R/made.$release" || write_failed prepare "$R"
	run_tool mkdir "$rel" "$M" "$M/steps" || fail cannot-make prepare "$rel" "$said"
	meta "$M"
}

sound() {
	need_git prepare
	[ -d "$root/source" ] || fail not-set-up prepare "$root/source"
	# shellcheck disable=SC3013 # -ef: POSIX.1-2024, and in all of dash, bash and busybox ash
	if [ -n "$from" ] && [ -L "$root/current" ] && [ "$root/current" -ef "$root/releases/$from" ]; then
		return
	elif [ -L "$root/current" ]; then
		sound_current=$(readlink "$root/current")
		is_ours "$sound_current" || fail foreign-current prepare "$root/current" "$sound_current"
	elif [ -e "$root/current" ]; then
		fail not-a-link prepare "$root/current"
	fi
}

# room: at least what the live release takes, once more. Where more is free than used, there is; only else it is measured.
room() {
	# shellcheck disable=SC2046 # seven words of head, then: file system, blocks, used, free
	set -- $(LC_ALL=C df -Pk "$root" 2>/dev/null)
	[ $# -gt 10 ] || return 0
	shift 7
	case $3$4 in
	'' | *[!0-9]*) return 0 ;;
	esac
	[ "$4" -le "$3" ] || return 0
	room_want=$(du -sk "$root/releases/$from" 2>/dev/null)
	room_want=${room_want%%[!0-9]*}
	[ "$4" -gt "${room_want:-0}" ] || fail no-space prepare "$4" "$room_want"
}

# shellcheck disable=SC2016 # expanded by the job's own shell
CHECKOUT='git --git-dir="$1" --work-tree="$2" read-tree --reset -u "$3"'

# checkout LIMIT: the files.
checkout() {
	[ -n "$pinned" ] || pin || fail cannot-pin checkout "$revision" "$root/source" "$said"
	if [ -n "$subdir" ]; then
		git_here cat-file -e "$revision:$subdir/" 2>/dev/null || fail no-subdir checkout "$revision" "$subdir"
		printf '%s\n' "$subdir" >"$M/subdir" || write_failed checkout "$M"
	fi
	checkout_tree "$1" "$rel" "$revision${subdir:+:$subdir}"
	checkout_modules "$1"
	[ ! -L "$rel/REVISION" ] || rm -f "$rel/REVISION"
	printf '%s\n' "$revision" >"$rel/REVISION" || write_failed checkout "$rel/REVISION"
	printf 'revision\t%s\ndigest\t%s\nreference\t%s\nwho\t%s\nwhen\t%s\nparent\t%s\n' \
		"$revision" "$digest" "$reference" "$who" "$when" "$from" >"$M/meta" || write_failed checkout "$M"
}

# checkout_tree LIMIT DIR TREE: its files into a directory.
checkout_tree() {
	rm -f "$R/index"
	GIT_INDEX_FILE=$R/index
	export GIT_INDEX_FILE
	if [ -z "$fetch_mode$token_for$repo_key" ]; then
		must checkout "$1" "$2" git --git-dir="$root/source" --work-tree="$2" read-tree --reset -u "$3"
	else
		# What a blobless clone lacks is fetched here.
		git_must checkout "$1" "$2" /bin/sh -c "$GIT$CHECKOUT" shipit "$root/source" "$2" "$3"
	fi
	unset GIT_INDEX_FILE
}

# link ENTRY...: shared files into the release. d:PATH is a directory, made when missing; f:PATH must be there.
link() {
	[ -f "$M/links" ] || printf '%s\n' "$@" >"$M/links" || write_failed shared "$M"
	for link_entry in "$@"; do
		link_path=${link_entry#?:}
		link_to=$root/shared/$link_path link_at=$rel/$link_path
		case $link_entry in
		d:*)
			! file_sent "$link_path" || fail shared-and-sent shared "$link_path"
			make_dirs shared "$link_to"
			;;
		*) [ -e "$link_to" ] || file_sent "$link_path" || fail shared-missing shared "$link_to" ;;
		esac
		link_free "$link_path" "$link_at"
		link_up=../../
		link_rest=$link_path
		while [ "$link_rest" != "${link_rest#*/}" ]; do
			link_up=../$link_up link_rest=${link_rest#*/}
		done
		link_to=$link_up''shared/$link_path
		# What is sent takes its place when this goes live; until then `build` sees it where it waits.
		if file_sent "$link_path"; then
			ln -s "$link_to" "$R/link.$file_number" || write_failed shared "$R"
			link_to=$link_up''shared/${file_new#"$root/shared/"}
		fi
		run_tool ln -s "$link_to" "$link_at" || fail cannot-make shared "$link_at" "$said"
	done
}

# link_free PATH AT: makes way for a link: nothing of the repository's may be lost to it, and no link in the
# repository may lead us out of the release.
link_free() {
	inside shared "$1" "${2%/*}"
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

# inside STEP PATH DIR: makes a directory of the release, but not through a link of the repository's that leads out.
inside() {
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

# carry LIMIT PATH...: from the release before.
carry() {
	carry_limit=$1
	shift
	[ -n "$from" ] || return 0
	for carry_path in "$@"; do
		[ -e "$root/releases/$from/$carry_path" ] || continue
		[ ! -e "$rel/$carry_path" ] || fail carried-tracked carry "$carry_path"
		carry_to=$rel/$carry_path
		inside carry "$carry_path" "${carry_to%/*}"
		must carry "$carry_limit" "$root" cp -a "releases/$from/$carry_path" "$rel/$carry_path"
	done
}

# again LIMIT: a release to return to whose directory was pruned: made again from source, as it was made.
again() {
	sound
	keep_vars
	[ -d "$M" ] || fail unknown-release prepare "$release"
	files_again
	[ ! -d "$rel" ] || return 0
	room
	subdir=
	[ ! -f "$M/subdir" ] || IFS= read -r subdir <"$M/subdir"
	modules_again "$1"
	has_revision || fail commit-gone prepare "$release" "$root/source"
	mark "$R/remade.$release" || write_failed prepare "$R"
	run_tool mkdir "$rel" || fail cannot-make prepare "$rel" "$said"
	again_meta=$(cat "$M/meta")
	checkout "$1"
	printf '%s\n' "$again_meta" >"$M/meta"
	[ ! -f "$M/links" ] || while IFS= read -r again_link; do link "$again_link"; done <"$M/links"
	stored build "$rel"
}

# discard: what this run made and nobody serves; what is live for good keeps its mark to the end.
discard() {
	left_drained
	git_unlocked
	files_end || say notice "not as before:$files_bad; what was there waits beside it, in .shipit-$release.*.old"
	for discard_mark in "$R"/made.* "$R"/remade.*; do
		[ -e "$discard_mark" ] || continue
		discard_release=${discard_mark##*/*made.}
		[ "$(readlink "$root/current")" != "releases/$discard_release" ] || continue
		[ -e "$R/keep" ] || remove_release "$discard_release"
		case $discard_mark in
		*/remade.*) ;;
		*) [ -e "$R/keep" ] || rm -rf "${S:?}/releases/$discard_release" ;;
		esac
		rm -f "$discard_mark"
	done
}

# remove_release RELEASE: its directory, and the pin of its commit: a file until git packs it (gitrepository-layout(5)).
remove_release() {
	modules_forget "$1"
	remove_pin=$root/source/refs/shipit/$1
	[ -f "$remove_pin" ] || git_here update-ref -d "refs/shipit/$1" 2>/dev/null
	rm -rf "${root:?}/releases/$1" "${remove_pin:?}" 2>/dev/null || {
		# Package managers make directories that even their owner cannot empty.
		chmod -R u+w "$root/releases/$1" 2>/dev/null
		rm -rf "${root:?}/releases/$1"
	}
}
