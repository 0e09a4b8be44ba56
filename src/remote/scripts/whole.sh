# shellcheck shell=sh
# A release is whole, or it is not there. Making it ends with a mark in its record; removing it begins with a rename. What
# is made live, or called live, is looked at first: one lstat(2) for each path that git tracks.
#
# $M/whole                    the mark: a git index of the tracked paths that were there when the release was ready. An
#                             empty file: it is being made again. What older versions made has none.
# $M/whole.N                  the same for a submodule, the Nth line of $M/modules
# $R/index, $R/index.N        the same while the release is being made
# releases/.removed-RELEASE.RUN   what a removal has not removed yet: a name with a dot is no release

# index_git INDEX DIR COMMAND...: runs git with that index, for the files in DIR. git quotes names that it prints in
# lines, so that no name can end a line or hold a tab.
index_git() {
	index_file=$1 index_dir=$2
	shift 2
	# shellcheck disable=SC2086 # no setting contains a blank
	GIT_INDEX_FILE=$index_file GIT_NO_LAZY_FETCH=1 GIT_ATTR_NOSYSTEM=1 git $GIT_SETTINGS --git-dir="$clone" \
		--work-tree="$index_dir" -c core.quotePath=false "$@"
}

# index_changes INDEX DIR: sets $index_changes to the paths that are missing (D), of another kind (T), or whose stat(2)
# has changed (M), as git prints them. Fails if git cannot tell.
index_changes() {
	index_changes=$(index_git "$1" "$2" diff-files --ignore-submodules=all --raw --diff-filter=DTM 2>/dev/null)
}

# For pairs of a head and a path, as `diff-files --raw -z` prints them: prints the paths of files that are empty, and were
# not when they were committed.
# shellcheck disable=SC2016 # expanded by the shell that xargs starts
EMPTIED='cd "$0" || exit
while [ $# -gt 1 ]; do
	case $1 in
	*" e69de29bb2d1d6434b8b29ae775ad8c2e48c5391 "*) ;;
	*" 473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813 "*) ;;
	*) [ -s "$2" ] || printf "%s\0" "$2" ;;
	esac
	shift 2
done'

# index_emptied INDEX DIR: prints the paths that were emptied, with a NUL after each. So few arguments at a time fit into
# any command line, and no pair is cut.
index_emptied() {
	index_git "$1" "$2" diff-files --ignore-submodules=all --raw -z --diff-filter=M |
		xargs -0 -r -n 30 /bin/sh -c "$EMPTIED" "$2"
}

# mark_whole: the release is ready: marks it, if this run made it.
mark_whole() {
	[ -f "$R/index" ] || return 0
	# A build may have removed it.
	[ -s "$rel/REVISION" ] || printf '%s\n' "$revision" >"$rel/REVISION" || write_failed intent "$rel/REVISION"
	if [ -f "$M/modules" ]; then
		mark_number=0
		while IFS=$TAB read -r mark_at _; do
			[ -z "$subdir" ] || mark_at=${mark_at#"$subdir"/}
			[ ! -f "$R/index.$mark_number" ] || mark_index "$R/index.$mark_number" "$rel/$mark_at" "$M/whole.$mark_number"
			mark_number=$((mark_number + 1))
		done <"$M/modules"
	fi
	mark_index "$R/index" "$rel" "$M/whole"
}

# mark_index INDEX DIR TO: what is missing, of another kind, or empty now was not to be there. A time in the future keeps
# git from reading files that were written in the same second as the index.
mark_index() {
	touch -t 203801010000 "$1"
	if [ ! -d "$2" ]; then
		# A submodule that the build removed.
		rm -f "$1" "$3"
		return
	fi
	index_changes "$1" "$2"
	if [ -n "$index_changes" ]; then
		{ index_git "$1" "$2" diff-files --ignore-submodules=all --name-only -z --diff-filter=DT |
			index_git "$1" "$2" update-index -z --force-remove --stdin; } 2>>"$LOG" || write_failed intent "$R"
		{ index_emptied "$1" "$2" | index_git "$1" "$2" update-index -z --force-remove --stdin; } 2>>"$LOG" ||
			write_failed intent "$R"
		touch -t 203801010000 "$1"
	fi
	run_tool mv -f "$1" "$3" || fail cannot-replace intent "$3" "$said"
}

# look_at RELEASE: sets $damage to what is wrong with it: a word, a blank, and a path as far as one is meant. Empty: it is
# whole, as far as can be told.
look_at() {
	look_dir=$root/releases/$1 look_meta=$S/releases/$1 damage=''
	if [ ! -d "$look_dir" ]; then
		damage='gone '
	elif [ ! -d "$look_meta" ]; then
		damage='unrecorded '
	elif [ -e "$look_meta/whole" ] && [ ! -s "$look_meta/whole" ]; then
		damage='unfinished '
	elif [ ! -e "$look_meta/whole" ] && ! in_journal "$1"; then
		damage='unfinished '
	elif [ -f "$look_meta/link" ]; then
		is_checked_out "$1" || damage='gone '
	elif [ ! -s "$look_dir/REVISION" ]; then
		damage='missing REVISION'
	elif [ -e "$look_meta/whole" ]; then
		look_at_index "$look_meta/whole" "$look_dir" ''
		[ -n "$damage" ] || [ ! -f "$look_meta/modules" ] || look_at_modules
	fi
}

look_at_modules() {
	look_number=0 look_subdir=''
	[ ! -f "$look_meta/subdir" ] || IFS= read -r look_subdir <"$look_meta/subdir"
	while IFS=$TAB read -r look_path _ && [ -z "$damage" ]; do
		[ -z "$look_subdir" ] || look_path=${look_path#"$look_subdir"/}
		if [ -f "$look_meta/whole.$look_number" ]; then
			if [ -d "$look_dir/$look_path" ]; then
				look_at_index "$look_meta/whole.$look_number" "$look_dir/$look_path" "$look_path/"
			else
				damage="missing $look_path"
			fi
		fi
		look_number=$((look_number + 1))
	done <"$look_meta/modules"
}

# look_at_index INDEX DIR PREFIX
look_at_index() {
	index_changes "$1" "$2" || return 0
	case $index_changes in
	*" D$TAB"*) look_word=missing look_path=${index_changes#*" D$TAB"} ;;
	*" T$TAB"*) look_word=changed look_path=${index_changes#*" T$TAB"} ;;
	*" M$TAB"*) look_word=emptied look_path=$(index_emptied "$1" "$2" | tr '\0\n\t' '\n??') ;;
	*) return 0 ;;
	esac
	[ -z "$look_path" ] || damage="$look_word $3${look_path%%"$NL"*}"
}

# tell_damage: tells what is wrong with the live release. Called after tell_live.
tell_damage() {
	[ -n "${live_is:-}" ] || return 0
	look_at "$live_is"
	[ -z "$damage" ] || fact damaged "$damage"
}

# tell_incomplete: tells the releases that have a record, and would have to be made again to go live.
tell_incomplete() {
	incomplete_all=
	for incomplete_meta in "$S/releases/"*/meta; do
		[ -f "$incomplete_meta" ] || continue
		incomplete_meta=${incomplete_meta%/meta}
		look_at "${incomplete_meta##*/}"
		[ -z "$damage" ] || incomplete_all="$incomplete_all ${incomplete_meta##*/}"
	done
	fact incomplete "${incomplete_all# }"
}

# has_mount DIR: whether something is mounted there or below; sets $mount_at to where. The kernel escapes blanks and
# backslashes there (proc_pid_mountinfo(5)).
has_mount() {
	mount_real=$(cd -P "$1" 2>/dev/null && pwd -P) || return 1
	mount_rest=$mount_real mount_real=
	while :; do
		case $mount_rest in
		*[\\\ "$TAB$NL"]*) ;;
		*) break ;;
		esac
		mount_part=${mount_rest%%[\\\ "$TAB$NL"]*}
		mount_rest=${mount_rest#"$mount_part"}
		case $mount_rest in
		\\*) mount_part=$mount_part'\134' ;;
		\ *) mount_part=$mount_part'\040' ;;
		"$TAB"*) mount_part=$mount_part'\011' ;;
		*) mount_part=$mount_part'\012' ;;
		esac
		mount_real=$mount_real$mount_part mount_rest=${mount_rest#?}
	done
	mount_real=$mount_real$mount_rest
	while read -r _ _ _ _ mount_at _; do
		case $mount_at in
		"$mount_real" | "$mount_real"/*) return 0 ;;
		esac
	done 2>/dev/null </proc/self/mountinfo
	return 1
}

# take_away RELEASE: the beginning of its removal: from here on it is not there. In the same directory, so that it is one
# rename also if `releases` is a link to another disk.
take_away() {
	[ -e "$root/releases/$1" ] || [ -L "$root/releases/$1" ] || return 0
	! is_current "$1" || return 1
	# Of a release of another tool's the name is a link; it leads to a directory beside it, or to the work tree.
	away=$1
	[ ! -L "$root/releases/$1" ] || ! away_to=$(readlink "$root/releases/$1") || [ "$away_to" != "${away_to##*/}" ] ||
		[ ! -d "$root/releases/$away_to" ] || away=$away_to
	if [ ! -L "$root/releases/$away" ] && has_mount "$root/releases/$away"; then
		say notice "release $1 is not removed: $mount_at is mounted in it"
		return 1
	fi
	mv -T "$root/releases/$away" "$root/releases/.removed-$1.$run" 2>/dev/null || return
	[ "$away" = "$1" ] || rm -f "$root/releases/$1"
	drop_assets "$1"
}

# drop_assets RELEASE: what a removed release passed on to others (assets.sh) takes no more space.
drop_assets() {
	[ ! -d "$S/releases/$1/assets" ] || rm -rf "${S:?}/releases/$1/assets"
}

# empty_removed DIR: removes what a removal left, but nothing that somebody mounted there since.
empty_removed() {
	! has_mount "$1" || return 1
	rm -rf "$1" 2>/dev/null || {
		# Package managers make directories that even their owner cannot empty without chmod.
		chmod -R u+w "$1" 2>/dev/null
		rm -rf "$1"
	}
}

# remove_release RELEASE: removes its directory, and the refs that pin its commits.
remove_release() {
	take_away "$1" || return
	unpin "$1"
	[ ! -e "$root/releases/.removed-$1.$run" ] || empty_removed "$root/releases/.removed-$1.$run"
}

# finish_removals: completes removals that were interrupted. Sets $removals_bad to how many it could not complete.
finish_removals() {
	removals_bad=0
	for removals_dir in "$root/releases/.removed-"*; do
		[ -d "$removals_dir" ] && [ ! -L "$removals_dir" ] || continue
		removals_of=${removals_dir##*/.removed-}
		removals_of=${removals_of%%.*}
		# It may have been made again.
		[ -e "$root/releases/$removals_of" ] || {
			unpin "$removals_of"
			drop_assets "$removals_of"
		}
		empty_removed "$removals_dir" || removals_bad=$((removals_bad + 1))
	done
}

# unpin RELEASE: removes the refs that pin its commits: the first is a file until git packs it (gitrepository-layout(5)).
unpin() {
	unpin_modules "$1"
	unpin_ref=$clone/refs/shipit/$1
	[ -f "$unpin_ref" ] || git_source update-ref -d "refs/shipit/$1" 2>/dev/null
	rm -f "${unpin_ref:?}"
}
