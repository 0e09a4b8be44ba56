# shellcheck shell=sh
# Prepares a host; safe to repeat.

# make_layout: makes the directories that the lock needs. Only this login may read our own files.
make_layout() {
	mkdir -p "$root" "$root/releases" "$root/shared" &&
		(umask 077 && mkdir -p "$S/journal" "$S/releases" "$S/logs") && [ -w "$root" ]
}

must_make_layout() {
	[ ! -e "$root" ] || [ -d "$root" ] || fail not-a-directory setup "$root"
	run_tool make_layout && return
	[ -n "$said" ] || write_failed setup "$root"
	fail cannot-make setup "$root" "$said"
}

# setup_lock: takes the lock. If the path cannot be made yet there is nothing to lock, and the hook pre-setup may make
# it possible.
setup_lock() {
	need_layout setup
	need_own_login setup
	[ ! -e "$root" ] || [ -d "$root" ] || fail not-a-directory setup "$root"
	if make_layout 2>/dev/null; then
		lock
	else
		[ -d "$F" ] || must_make_layout
	fi
}

# setup_hooks: the hooks of setup belong to no release.
setup_hooks() {
	if [ ! -d "$R/$TOKEN" ] && [ -d "$F" ]; then R=$F LOG=$F/log; fi
	M=$R/meta
	write_meta "$M"
	begin_record
	set_hook_env '' '' '' setup
}

# setup_close: after pre-setup the path is made and locked.
setup_close() {
	R=$S/run.$run LOG=$S/logs/$run.log
	if [ ! -d "$R/$TOKEN" ]; then
		must_make_layout
		lock
	fi
	rm -rf "$F"
	setup_hooks
}

# setup LIMIT: makes the repository and fetches everything.
setup() {
	need_git setup
	if [ -L "$root/current" ] || [ ! -e "$root/current" ]; then :; else
		fail not-a-link setup "$root/current"
	fi
	[ ! -e "$root/source/.git" ] || [ "$clone" != "$root/source" ] || fail work-tree setup "$root/source"
	setup_fresh=
	if [ -d "$clone/objects" ]; then
		remove_git_locks
		# What a template of the login once left there.
		[ "$clone" != "$root/source" ] || rm -f "$clone/info/attributes" "$clone/info/sparse-checkout"
		! source_is_damaged || mend_source "$1"
	else
		run_tool make_repository "$root/source" || fail cannot-make-repository setup "$root/source" "$said"
		setup_fresh=yes
	fi
	fetch_all "$1"
	[ -z "$setup_fresh" ] || pin_releases "$root/source"
}

# make_shared_dirs PATH...: makes the shared directories.
make_shared_dirs() {
	for dirs_path in "$@"; do
		make_dirs setup "$root/shared/$dirs_path"
	done
}
