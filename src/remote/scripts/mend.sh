# shellcheck shell=sh
# $root/source as it is made, and what a killed git, a crash or a power loss leaves in it.

# remove_git_locks: removes what a git that was killed leaves behind, which would stop every later git or fill the disk:
# locks, partial packs, and refs that a power loss left empty. The holder of the lock is alone in the repository, unless
# a person works there by hand.
remove_git_locks() {
	[ "$(readlink "$S/lock")" = "${R##*/}" ] && ! git_runs_there || return
	rm -f "$clone/"*.lock "$clone/objects/info/"*.lock "$clone/objects/pack/"tmp_*
	find "$clone/refs" -name '*.lock' -exec rm -f {} +
	[ ! -d "$clone/refs/shipit" ] || find "$clone/refs/shipit" -type f -size 0 -exec rm -f {} +
}

# git_runs_there: whether some git works in $root/source: as far as this login may see, by its directory, its arguments
# and its environment. Ours have ended.
git_runs_there() {
	for there_proc in /proc/[0-9]*; do
		read -r there_name 2>/dev/null <"$there_proc/comm" || continue
		case $there_name in
		git*) ;;
		*) continue ;;
		esac
		# It keeps passwords for some minutes, and has the environment of the fetch that started it.
		! grep -q credential "$there_proc/cmdline" 2>/dev/null || continue
		case $(readlink "$there_proc/cwd" 2>/dev/null)/ in
		"$root/source"/*) return ;;
		esac
		! grep -q -F -e "$root/source" "$there_proc/cmdline" "$there_proc/environ" 2>/dev/null || return 0
	done
	return 1
}

# make_repository DIR: one whose format is that of no login: no other hash, no other way of refs, no files of a template.
make_repository() {
	# No reflogs: nobody reads them here. No clean-up in the middle of a fetch: finish does that.
	# shellcheck disable=SC2086 # no setting contains a blank
	GIT_DEFAULT_HASH=sha1 GIT_DEFAULT_REF_FORMAT=files git $GIT_SETTINGS init --quiet --template= --bare "$1" &&
		git --git-dir="$1" config core.logAllRefUpdates false && git --git-dir="$1" config maintenance.auto false
}

# source_is_damaged: whether it has objects without content: what a power loss leaves.
source_is_damaged() {
	[ -n "$(find "$clone/objects" -type f -size 0 ! -name '*.lock' ! -name 'tmp_*' ! -path '*/info/*' 2>/dev/null | head -n 1)" ]
}

# mend_source LIMIT: a fresh clone takes the place of a damaged repository. It is made in the directory of this run, and
# has refs for all releases whose commits the server still has.
mend_source() {
	[ "$(readlink "$S/lock")" = "${R##*/}" ] || return
	[ "$clone" = "$root/source" ] || fail clone-damaged fetch "$clone"
	warn source-damaged "$root/source"
	rm -rf "$R/source"
	run_tool make_repository "$R/source" || fail cannot-make-repository fetch "$R/source" "$said"
	[ "$fetch_mode" != blobless ] || run_tool git --git-dir="$R/source" config remote.origin.url "$repo" ||
		fail cannot-configure fetch "$R/source" "$said"
	mend_repo=$repo
	[ "$fetch_mode" != blobless ] || mend_repo=origin
	GIT_DIR=$R/source
	export GIT_DIR
	must_run_git fetch "$1" "$root" /bin/sh -c "$GIT$FETCH" shipit "$fetch_mode" "$mend_repo" '' '' refs
	unset GIT_DIR
	pin_releases "$R/source"
	run_tool mv -T "$root/source" "$R/source.damaged" || fail cannot-replace fetch "$root/source" "$said"
	run_tool mv -T "$R/source" "$root/source" || fail cannot-replace fetch "$root/source" "$said"
	rm -rf "$R/source.damaged"
	has='' pinned=''
}

# pin_releases REPOSITORY: makes the refs of the releases on disk again.
pin_releases() {
	for pin_meta in "$S/releases/"*/meta; do
		pin_release=${pin_meta%/meta}
		[ -f "$pin_meta" ] && [ -d "$root/releases/${pin_release##*/}" ] || continue
		# shellcheck disable=SC2086 # no setting contains a blank
		while IFS=$TAB read -r pin_key pin_value; do
			[ "$pin_key" != revision ] ||
				git $GIT_SETTINGS --git-dir="$1" update-ref "refs/shipit/${pin_release##*/}" "$pin_value" 2>/dev/null
		done <"$pin_meta"
	done
}
