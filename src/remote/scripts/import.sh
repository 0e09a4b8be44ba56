# shellcheck shell=sh
# The questions of `import`: what a deploy path holds that another tool made. Only reads. Answers are words and values;
# what follows from them is said on the operator's machine. Sent with the questions and not with the program.

# answer WORD VALUE...: an answer.
answer() {
	fields "$@"
	say "found$fields"
}

# import_place: what made the directory, and what is live there.
import_place() {
	if [ ! -e "$root" ]; then
		answer kind none
	elif [ -d "$root/.shipit" ]; then
		answer kind shipit
	elif [ -e "$root/source/.git" ] && [ ! -d "$root/releases" ]; then
		answer kind pm2-deploy
		import_source
	elif [ -d "$root/releases" ] && [ -L "$root/current" ]; then
		answer kind releases
	elif [ -n "$(ls -A "$root" 2>/dev/null)" ]; then
		answer kind other
	else
		answer kind none
	fi
}

# import_git ARG...: git in `source`; changes nothing, not even the times in its index.
import_git() {
	LC_ALL=C GIT_OPTIONAL_LOCKS=0 GIT_TERMINAL_PROMPT=0 git -C "$root/source" "$@" 2>/dev/null </dev/null
}

# import_source: the state of the work tree, and the files that git does not know.
import_source() {
	if ! import_commit=$(import_git rev-parse --verify -q HEAD); then
		# Git reads no directory of another login's.
		# shellcheck disable=SC2046 # fields of ls
		set -- $(LC_ALL=C ls -ld "$root/source" 2>/dev/null)
		answer unreadable "${3:-}"
		return
	fi
	answer commit "$import_commit"
	[ ! -e "$root/source/.git/MERGE_HEAD" ] || answer merging yes
	import_git symbolic-ref -q HEAD >/dev/null || answer detached yes
	[ -z "$(import_git diff-index --name-only HEAD -- | head -n 1)" ] || answer changed yes
	[ ! -f "$root/.deploys" ] || answer deploys "$(wc -l <"$root/.deploys")"
	# Names may hold whatever separates lines and fields: these become control characters, which is told.
	import_git ls-files -z --others --directory --no-empty-directory | tr '\n\t\000' '\001\002\n' | {
		import_count=0
		while [ "$import_count" -lt 300 ] && IFS= read -r import_name; do
			answer untracked "$import_name"
			import_count=$((import_count + 1))
		done
		# So that git is not killed in the middle.
		cat >/dev/null
		[ "$import_count" -lt 300 ] || answer more yes
	}
}
