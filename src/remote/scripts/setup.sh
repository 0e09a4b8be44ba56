# shellcheck shell=sh
# Making a host ready; safe to repeat.

# ground: the directories that the lock needs. What we keep for ourselves is for nobody else to read.
ground() {
	mkdir -p "$root" "$root/releases" "$root/shared" &&
		(umask 077 && mkdir -p "$S/journal" "$S/releases" "$S/logs") && [ -w "$root" ]
}

ground_or_fail() {
	[ ! -e "$root" ] || [ -d "$root" ] || fail not-a-directory setup "$root"
	run_tool ground && return
	[ -n "$said" ] || write_failed setup "$root"
	fail cannot-make setup "$root" "$said"
}

# setup_lock: the lock. Where the path cannot be made yet there is nothing to lock, and pre-setup may make it possible.
setup_lock() {
	[ ! -e "$root" ] || [ -d "$root" ] || fail not-a-directory setup "$root"
	if ground 2>/dev/null; then
		lock
	else
		[ -d "$F" ] || ground_or_fail
	fi
}

# setup_hooks: the hooks of setup belong to no release.
setup_hooks() {
	if [ ! -d "$R/$TOKEN" ] && [ -d "$F" ]; then R=$F LOG=$F/log; fi
	M=$R/meta
	meta "$M"
	record
	context '' '' '' setup
}

# setup_close: after pre-setup the path can be made, and is locked.
setup_close() {
	R=$S/run.$run LOG=$S/logs/$run.log
	if [ ! -d "$R/$TOKEN" ]; then
		ground_or_fail
		lock
	fi
	rm -rf "$F"
	setup_hooks
}

# setup LIMIT: the repository, and a look at what a deploy will need.
setup() {
	need_git setup
	if [ -L "$root/current" ] || [ ! -e "$root/current" ]; then :; else
		fail not-a-link setup "$root/current"
	fi
	[ ! -e "$root/source/.git" ] || fail work-tree setup "$root/source"
	[ -d "$root/source/objects" ] || run_tool git init --quiet --bare "$root/source" ||
		fail cannot-make-repository setup "$root/source" "$said"
	# No reflogs: nobody reads them here. No clean-up of its own in the middle of a fetch: finish does that.
	{ run_tool git_here config core.logAllRefUpdates false && run_tool git_here config maintenance.auto false; } ||
		fail cannot-configure setup "$root/source" "$said"
	fetch_all "$1"
}

# dirs PATH...: the shared directories.
dirs() {
	for dirs_path in "$@"; do
		make_dirs setup "$root/shared/$dirs_path"
	done
}
