# shellcheck shell=sh
# Making a host ready; safe to repeat.

# ground: the directories that the lock needs. What we keep for ourselves is for nobody else to read.
ground() {
	mkdir -p "$root" "$root/releases" "$root/shared" &&
		(umask 077 && mkdir -p "$S/journal" "$S/releases" "$S/logs") && [ -w "$root" ]
}

ground_or_fail() {
	[ ! -e "$root" ] || [ -d "$root" ] || fail 12 setup "$root is not a directory"
	ground 2>/dev/null || fail 12 setup "$root cannot be made or written to: $(ground 2>&1)"
}

# setup_lock: the lock. Where the path cannot be made yet there is nothing to lock, and pre-setup may make it possible.
setup_lock() {
	[ ! -e "$root" ] || [ -d "$root" ] || fail 12 setup "$root is not a directory"
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
		fail 12 setup "$root/current is not a link: move it away, shipit does not touch it"
	fi
	[ ! -e "$root/source/.git" ] || fail 12 setup "$root/source is a work tree (of pm2 deploy?); adopting it is not yet done: move it away, or choose another path"
	[ -d "$root/source/objects" ] || git init --quiet --bare "$root/source" >>"$LOG" 2>&1 || fail 13 setup "$root/source cannot be made a git repository"
	# No reflogs: nobody reads them here. No clean-up of its own in the middle of a fetch: finish does that.
	{ git_here config core.logAllRefUpdates false && git_here config maintenance.auto false; } ||
		fail 13 setup "$root/source cannot be configured"
	fetch_all "$1"
}

# dirs PATH...: the shared directories.
dirs() {
	for dirs_path in "$@"; do
		mkdir -p "$root/shared/$dirs_path" || fail 12 setup "$root/shared/$dirs_path cannot be made"
	done
}
