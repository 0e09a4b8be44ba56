# shellcheck shell=sh
# Moves what another tool's work tree holds, and the configuration keeps in shared/, there: never by copying it, and so
# that what is open, or asked for just now, is found. The other part of adopt.sh, sent with it.

# adopt_move ENTRY...: moves it, and says what is not decided yet.
adopt_move() {
	adopt_finish_move
	adopt_shared move "$@"
	adopt_undecided "$@"
	[ -z "$undecided" ] || warn undecided "$adopt_live" "$undecided"
}

# adopt_shared check|move ENTRY...: what is in the work tree, and not in shared/ yet, is moved there; with `check` it is
# only named, in $adopt_unmoved.
adopt_shared() {
	shared_mode=$1 adopt_unmoved=
	shift
	[ "$adopt_kind" = source ] || return 0
	for shared_entry in "$@"; do
		case $shared_entry in
		[df]:*) ;;
		*) continue ;;
		esac
		shared_path=${shared_entry#?:}
		shared_at=$root/source/$shared_path shared_to=$root/shared/$shared_path
		adopt_is_unmoved || continue
		if [ "$shared_mode" = move ]; then
			adopt_move_one
		else
			adopt_unmoved=$adopt_unmoved${adopt_unmoved:+, }$shared_path
		fi
	done
}

# adopt_is_unmoved: whether it is there, holds anything, and is not what lies in shared/. What git tracks stays: a deploy
# says so in its own words.
adopt_is_unmoved() {
	[ -e "$shared_at" ] || return
	# shellcheck disable=SC3013 # -ef: POSIX.1-2024, and in all of dash, bash and busybox ash
	[ ! "$shared_at" -ef "$shared_to" ] || return
	# shellcheck disable=SC2086 # no setting contains a blank
	[ -z "$(cd "$root/source" && git $GIT_SETTINGS --git-dir="$clone" --work-tree=. --literal-pathspecs ls-files -- "$shared_path" |
		grep -v -e '/\.gitkeep$' -e '/\.keep$' -e '/\.gitignore$' -e '/\.placeholder$' | head -n 1)" ] || return
	if [ -d "$shared_at" ]; then [ -n "$(find "$shared_at/" ! -type d | head -n 1)" ] || return; fi
	[ -e "$shared_to" ] || [ -L "$shared_to" ] || return 0
	if [ -d "$shared_to" ] && [ -d "$shared_at" ] && [ -z "$(find "$shared_to/" ! -type d | head -n 1)" ]; then return; fi
	[ ! -f "$shared_at" ] || ! cmp -s "$shared_at" "$shared_to" || return 0
	fail adopt-both adopt "$shared_at" "$shared_to"
}

# adopt_move_one: moves $shared_at to $shared_to, and leaves a link.
adopt_move_one() {
	case $shared_path in
	*/*) make_dirs adopt "$root/shared/${shared_path%/*}" ;;
	esac
	if [ -L "$shared_at" ]; then
		# It leads elsewhere already: so does what is shared.
		shared_real=$(readlink -f "$shared_at") && run_tool ln -s "$shared_real" "$shared_to" ||
			fail cannot-make adopt "$shared_to" "$said"
		return
	fi
	adopt_link_text
	adopt_same_disk
	shared_link=${shared_at%/*}/.shipit-link.$run
	run_tool ln -sfn "$shared_link_text" "$shared_link" || fail cannot-make adopt "$shared_link" "$said"
	# A process that dies here is followed by one that knows what is left to do.
	printf '%s\n' "$shared_path" >"$S/moving" || write_failed adopt "$S"
	if [ -f "$shared_at" ]; then adopt_move_file; else adopt_move_dir; fi
	rm -f "$S/moving" "$shared_link"
	# shellcheck disable=SC3013 # -ef: POSIX.1-2024, and in all of dash, bash and busybox ash
	[ "$shared_at" -ef "$shared_to" ] || fail link-leads-nowhere adopt "$shared_at" "$shared_to"
	say notice "moved source/$shared_path to shared/$shared_path; a link is left in its place"
}

# adopt_link_text: sets $shared_link_text, which leads from the work tree to shared/.
adopt_link_text() {
	shared_link_text=../shared/$shared_path shared_rest=$shared_path
	while [ "$shared_rest" != "${shared_rest#*/}" ]; do
		shared_link_text=../$shared_link_text shared_rest=${shared_rest#*/}
	done
	# `source` may be a link, or a directory on the way.
	# shellcheck disable=SC3013 # -ef: POSIX.1-2024, and in all of dash, bash and busybox ash
	[ "${shared_at%/*}/${shared_link_text%"/shared/$shared_path"}" -ef "$root" ] || shared_link_text=$shared_to
}

# adopt_same_disk: a second link to a file can be made only where a rename moves, and does not copy.
adopt_same_disk() {
	! has_mount "$shared_at" || fail adopt-other-disk adopt "$shared_at" "$root/shared"
	disk_probe=${shared_at%/*}/.shipit-probe.$run disk_to=${shared_to%/*}/.shipit-probe.$run
	mark "$disk_probe" || write_failed adopt "${shared_at%/*}"
	run_tool ln "$disk_probe" "$disk_to"
	disk_code=$?
	rm -f "$disk_probe" "$disk_to"
	[ "$disk_code" = 0 ] || case $said in
	*ross-device*) fail adopt-other-disk adopt "$shared_at" "$root/shared" ;;
	esac
}

# adopt_move_file: there is no moment without it: it has two names, then one of them becomes a link.
adopt_move_file() {
	if run_tool ln -f "$shared_at" "$shared_to"; then
		run_tool mv -fT "$shared_link" "$shared_at" || fail cannot-replace adopt "$shared_at" "$said"
	else
		adopt_rename
	fi
}

# adopt_move_dir: the same for a directory, if two names can be exchanged; otherwise it takes two renames, one right after the
# other.
adopt_move_dir() {
	[ ! -d "$shared_to" ] || run_tool find "$shared_to" -depth -type d -exec rmdir {} + || fail cannot-replace adopt "$shared_to" "$said"
	if run_tool ln -s "$shared_link_text" "$shared_to" && exchange_names "$shared_at" "$shared_to"; then return; fi
	[ ! -L "$shared_to" ] || rm -f "$shared_to"
	adopt_rename
}

# exchange_names ONE OTHER: each becomes the other, in one step: renameat2(2) with RENAME_EXCHANGE. GNU mv has it since coreutils
# 9.5; before that Perl, which Debian and its kin always have, makes the system call by its number, in a 64-bit process.
exchange_names() {
	! mv --exchange -T "$1" "$2" 2>/dev/null || return 0
	case $(uname -m) in
	x86_64) exchange_number=316 ;;
	aarch64 | riscv64) exchange_number=276 ;;
	*) return 1 ;;
	esac
	# shellcheck disable=SC2016 # expanded by Perl; -100 is AT_FDCWD, 2 is RENAME_EXCHANGE
	perl -e 'exit !(length(pack("P", "")) == 8 && syscall($ARGV[0] + 0, -100, $ARGV[1], -100, $ARGV[2], 2) == 0)' \
		"$exchange_number" "$1" "$2" 2>/dev/null
}

adopt_rename() {
	run_tool mv -T "$shared_at" "$shared_to" && run_tool mv -fT "$shared_link" "$shared_at" ||
		fail cannot-replace adopt "$shared_at" "$said"
}

# adopt_finish_move: completes a move that was cut off between its two renames.
adopt_finish_move() {
	IFS= read -r shared_path 2>/dev/null <"$S/moving" || return 0
	shared_at=$root/source/$shared_path shared_to=$root/shared/$shared_path
	if [ ! -e "$shared_at" ] && [ ! -L "$shared_at" ] && [ -e "$shared_to" ]; then
		adopt_link_text
		run_tool ln -s "$shared_link_text" "$shared_at" || fail cannot-make adopt "$shared_at" "$said"
	fi
	rm -f "$S/moving" "${shared_at%/*}/.shipit-link."*
}
