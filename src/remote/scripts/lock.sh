# shellcheck shell=sh
# The lock is a link `lock` to the directory of the run that holds it. The directory is complete before the link is
# made, so a lock always says who holds it. ln(1) makes the link only if there is none.

# lock: takes it, or says who holds it. The lock of a dead run is taken over, after that run was ended properly. If it
# cannot be taken (a full disk), what is live is told all the same.
lock() {
	lock_tells_live=yes
	take_lock
	lock_tells_live=
}

take_lock() {
	if [ ! -d "$S" ]; then
		# What another tool deployed is adopted without setup.
		adoptable || fail not-set-up lock "$S"
		[ "$action" = deploy ] || fail not-adopted lock "$adopt_live"
		run_tool make_layout || fail cannot-make lock "$S" "$said"
	fi
	need_layout lock
	need_own_login lock
	[ -w "$S" ] || write_failed lock "$S"
	need_path_apart lock
	# Tried twice: remove_leftovers of another run may have removed it while it was half made.
	make_run_dir 2>/dev/null || make_run_dir 2>/dev/null || run_dir_failed
	for _ in 1 2 3 4 5 6; do
		if ln -sn "run.$run" "$S/lock" 2>/dev/null; then
			# If `lock` is a directory, ln makes a link inside it, which locks nothing.
			[ -L "$S/lock" ] || break
			claim_path
			remove_leftovers
			return
		fi
		lock_holder=$(readlink "$S/lock") || {
			# It was released just now. Whether it is a link at all is checked below: two looks here could see two
			# different locks.
			pause
			continue
		}
		[ "$lock_holder" != "run.$run" ] || return 0
		is_run_link "$lock_holder" || break
		take_over "$S/$lock_holder" || {
			tell_who "$S/$lock_holder"
			remove_run
			fail lock-held lock
		}
	done
	remove_run
	rm -rf "$S/lock/run.$run"
	need_lock_of_ours lock
	run_tool ln -sn "run.$run" "$S/lock"
	fail cannot-make lock "$S/lock" "$said"
}

# is_run_link TARGET: whether a link `lock` that leads there is one that shipit made.
is_run_link() {
	case $1 in
	run.*/* | [!r]* | '') return 1 ;;
	esac
}

# need_lock_of_ours STEP: if `lock` exists, shipit made it.
need_lock_of_ours() {
	if lock_is=$(readlink "$S/lock"); then
		is_run_link "$lock_is" || fail lock-foreign "$1" "$S/lock" "$lock_is"
	else
		# It may have been released between the two looks.
		[ -L "$S/lock" ] || [ ! -e "$S/lock" ] || fail lock-not-a-link "$1" "$S/lock"
	fi
}

# make_run_dir: of several shells of one run exactly one makes the directory, because mkdir(2) fails for the others.
# There is another one if the run reaches this directory under two names.
make_run_dir() {
	[ -d "$R/$TOKEN" ] && [ -s "$R/who" ] && return
	if [ ! -d "$R/$TOKEN" ]; then
		mkdir "$R" || return
		mkdir "$R/$TOKEN" || {
			rmdir "$R"
			return 1
		}
	fi
	printf '%s\n' "$target" >"$R/target" && printf '%s\n' "$who" >"$R/who" || return
	printf '' >>"$LOG" || { mkdir -p "$S/logs" && printf '' >>"$LOG"; }
}

# run_dir_failed: says why make_run_dir failed.
run_dir_failed() {
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		[ ! -d "$R/$TOKEN" ] || break
		# The other shell writes it as soon as it has made the directory.
		! read -r other_target 2>/dev/null <"$R/target" || fail same-directory lock "$root" "$other_target"
		make_run_dir 2>/dev/null && return
		[ -d "$R" ] || break
		pause
	done
	run_tool mkdir "$R" "$R/$TOKEN" || probe_write "$R"
	[ ! -d "$R/$TOKEN" ] || remove_run
	fail cannot-make lock "$R" "$said"
}

# tell_who DIR: tells who began the run in DIR.
tell_who() {
	who_is=
	read -r who_is 2>/dev/null <"$1/who"
	fact holder "$who_is"
}

# take_over DIR [force]: if the process of the run has ended (or with force), becomes its owner, ends the run properly
# and removes it. Returns 1 if it is alive.
take_over() {
	take_token=$(token_of "$1") || {
		# No owner: the run is just ending, or a crash lost the name of the token.
		pause
		[ "$(readlink "$S/lock")" = "${1##*/}" ] && become_owner "$1" || return 0
		take_token=$TOKEN
	}
	if [ "$take_token" != "$TOKEN" ]; then
		[ "${2:-}" = force ] || ! token_alive "$take_token" "$1" || return 1
		mv "$1/$take_token" "$1/$TOKEN" 2>/dev/null || return 0
	fi
	# Its steps take their time, which the operator's deadline for this script does not have yet.
	fact ending yes
	say notice "taking over from a run that ended: $(cat "$1/who" 2>/dev/null)"
	# What is said while the other run is ended is no reply to our operator.
	(recover "$1" "$take_token") 3>/dev/null
}

# become_owner DIR: of several processes that find a run without an owner, makes exactly one the owner, so that only one
# ever removes its link. Candidates are numbered; ln gives each number once, and the next number is free only when the
# candidate before is dead.
become_owner() {
	is_run_link "${1#"$S/"}" || return 1
	mkdir -p "$1" 2>/dev/null
	owner_number=1
	until ln -sn "$TOKEN" "$1/heir.$owner_number" 2>/dev/null; do
		owner_is=$(readlink "$1/heir.$owner_number") || return 1
		! token_alive "$owner_is" "$1" || return 1
		owner_number=$((owner_number + 1))
	done
	# The candidate before may have become the owner, and have died as the owner.
	! token_of "$1" >/dev/null && mkdir "$1/$TOKEN"
}

# remove_leftovers: removes directories of runs that died without the lock, and what removals left.
remove_leftovers() {
	finish_removals
	for left in "$S"/run.*; do
		if [ "$left" = "$R" ] || [ ! -d "$left" ]; then continue; fi
		# A directory without a token may be half made.
		left_token=$(token_of "$left") || { pause && left_token=$(token_of "$left"); }
		[ -n "$left_token" ] && token_alive "$left_token" "$left" && continue
		rm -rf "$left"
	done
}

# unlock: releases the lock, unless this run waits for the operator. The link goes first: a directory without a link is
# harmless, a link without a directory is not.
unlock() {
	! waits_for_operator || return 0
	# Not ours: of a shell that reaches the same directory under another name, or of whoever took over.
	[ -d "$R/$TOKEN" ] || return 0
	keep_drained_mark
	# shellcheck disable=SC3013 # -ef: POSIX.1-2024, and in all of dash, bash and busybox ash
	[ ! "$S/lock" -ef "$R" ] || rm -rf "$S/lock" "$R" || remove_run
	[ ! -d "$R" ] || remove_run
}

# remove_run: removes the directory of this run. More than once: the reader (`stop`) or the ticker (`beat`) may make a
# file in it meanwhile, and rm then finds the directory not empty.
remove_run() {
	rm -rf "$R" || rm -rf "$R" || rm -rf "$R"
	return 0
}
