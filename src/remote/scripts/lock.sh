# shellcheck shell=sh
# The lock: a link `lock` to the directory of the run that holds it. The directory is complete before the link is
# made, so a lock always says whose it is; ln(1) makes it only where there is none.

# lock: takes it, or says who has it. A dead run's is taken over, after its traces are put right.
lock() {
	[ -d "$S" ] || fail not-set-up lock "$S"
	[ ! -e "$S" ] || [ -w "$S" ] || write_failed lock "$S"
	# Tried again: another run's look for leftovers may have met it half made.
	lock_dir 2>/dev/null || lock_dir 2>/dev/null || {
		run_tool mkdir -p "$R/$TOKEN" "$S/logs" && probe_write "$R"
		rm -rf "$R"
		fail cannot-make lock "$R" "$said"
	}
	for _ in 1 2 3 4 5 6; do
		if ln -sn "run.$run" "$S/lock" 2>/dev/null; then
			# In a directory of that name, ln makes a link that locks nothing.
			[ -L "$S/lock" ] || break
			leftovers
			return
		fi
		lock_holder=$(readlink "$S/lock") || {
			# Let go of just now; whether it is a link at all is for later: looking twice sees two locks.
			pause
			continue
		}
		[ "$lock_holder" != "run.$run" ] || return 0
		case $lock_holder in
		run.*/* | [!r]*) break ;;
		esac
		take_over "$S/$lock_holder" || {
			fact holder "$(cat "$S/$lock_holder/who" 2>/dev/null)"
			rm -rf "$R"
			fail lock-held lock
		}
	done
	rm -rf "$R" "$S/lock/run.$run"
	[ -L "$S/lock" ] || [ ! -e "$S/lock" ] || fail lock-not-a-link lock "$S/lock"
	case ${lock_holder:-run.} in
	run.*/* | [!r]*) fail lock-foreign lock "$S/lock" "$lock_holder" ;;
	esac
	run_tool ln -sn "run.$run" "$S/lock"
	fail cannot-make lock "$S/lock" "$said"
}

lock_dir() {
	[ -d "$R/$TOKEN" ] && [ -s "$R/who" ] && return
	mkdir -p "$R/$TOKEN" "$S/logs" && printf '%s\n' "$who" >"$R/who" && printf '' >>"$LOG"
}

# take_over DIR [force]: when the run's process is gone (or by force), becomes its owner, puts things right and
# removes it. 1: it is alive.
take_over() {
	take_token=$(token_of "$1") || {
		# No owner: a run that is just ending, or one whose owner's name a crash took with it.
		pause
		[ "$(readlink "$S/lock")" = "${1##*/}" ] && heir "$1" || return 0
		take_token=$TOKEN
	}
	if [ "$take_token" != "$TOKEN" ]; then
		[ "${2:-}" = force ] || ! token_alive "$take_token" || return 1
		mv "$1/$take_token" "$1/$TOKEN" 2>/dev/null || return 0
	fi
	say notice "taking over from a run that ended: $(cat "$1/who" 2>/dev/null)"
	# What ends the other run is no answer to ours.
	(recover "$1" "$take_token") 3>/dev/null
}

# heir DIR: of several that find a run without an owner, makes exactly one its owner, so that only one ever removes its
# link. Heirs are numbered; ln gives each number once, and the next is free only when the one before is dead, for good.
heir() {
	case ${1#"$S/"} in
	run.*/* | [!r]*) return 1 ;;
	esac
	mkdir -p "$1" 2>/dev/null
	heir_number=1
	until ln -sn "$TOKEN" "$1/heir.$heir_number" 2>/dev/null; do
		heir_is=$(readlink "$1/heir.$heir_number") || return 1
		! token_alive "$heir_is" || return 1
		heir_number=$((heir_number + 1))
	done
	# The heir before may have become the owner, and have died as that.
	! token_of "$1" >/dev/null && mkdir "$1/$TOKEN"
}

# leftovers: directories of runs that died without the lock.
leftovers() {
	for left in "$S"/run.*; do
		if [ "$left" = "$R" ] || [ ! -d "$left" ]; then continue; fi
		# One without a token may just be in the making.
		left_token=$(token_of "$left") || { pause && left_token=$(token_of "$left"); }
		[ -n "$left_token" ] && token_alive "$left_token" && continue
		rm -rf "$left"
	done
}

# unlock: lets go; not of what waits for a word of the operator's. The link first: a directory without a link is harmless, a
# link without a directory is not.
unlock() {
	! asked || return 0
	left_drained
	# shellcheck disable=SC3013 # -ef: POSIX.1-2024, and in all of dash, bash and busybox ash
	if [ "$S/lock" -ef "$R" ]; then rm -rf "$S/lock" "$R"; else rm -rf "$R"; fi
	return 0
}
