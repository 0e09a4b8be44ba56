# shellcheck shell=sh
# The program is kept on the host by its SHA-256, in the cache of the login, so that a run sends it only where it is
# missing. The command that starts it (start.sh) looks for it, with the functions find_cache and is_cache_safe; a run
# that holds the lock keeps what it was sent.
#
# What is kept is read into a variable, and that variable is hashed and run. So a login can replace only what it could
# run anyhow, and another login nothing: the file matters only while its SHA-256 is the one that the operator names.

# find_cache: sets $cache_dir to where kept programs are, whether or not it exists.
find_cache() {
	case ${XDG_CACHE_HOME:-} in
	/*) cache_dir=$XDG_CACHE_HOME/shipit ;;
	*) cache_dir=${HOME:-/dev/null}/.cache/shipit ;;
	esac
}

# is_cache_safe: whether nobody but this login and root can write there or replace a directory above it. Then $cache_dir
# is without links.
is_cache_safe() {
	# shellcheck disable=SC3067 # -O: POSIX.1-2024, and in all of dash, bash and busybox ash
	cache_dir=$(cd -P "$cache_dir" 2>/dev/null && pwd -P) && [ -O "$cache_dir" ] || return
	cache_modes=$(
		set --
		cache_up=$cache_dir
		while [ -n "$cache_up" ]; do
			set -- "$@" "$cache_up"
			cache_up=${cache_up%/*}
		done
		stat -c "%u %a" "$@" / 2>/dev/null
	) || return
	# shellcheck disable=SC2086 # owner and mode of each, from the innermost out
	set -- $cache_modes
	cache_owner=$1
	[ "$2" = 700 ] || return
	while [ $# -gt 1 ]; do
		case $1 in
		0 | "$cache_owner") ;;
		*) return 1 ;;
		esac
		# In a sticky directory others can add, but not replace.
		case $2 in
		[1357]???) ;;
		*[2367] | *[2367]?) return 1 ;;
		esac
		shift 2
	done
}

# keep_program: once this run has the lock. What fails harms nothing: the next run is sent the program again.
keep_program() {
	[ "$mode" = held ] && [ -d "$R/$TOKEN" ] || return 0
	# shellcheck disable=SC2034 # the worker reads it
	program_was=kept
	(write_program) </dev/null >/dev/null 2>&1
	return 0
}

write_program() {
	umask 077
	find_cache
	mkdir -p "$cache_dir" && is_cache_safe && cd "$cache_dir" || return
	write_digest=$(printf '%s\n' "$shipit_program" | sha256sum) || return
	write_digest=${write_digest%% *}
	# Of a run with several shells here, or of hosts that share a home, each writes its own, and the last rename counts.
	write_new=program.new.$run.$$
	if printf '%s\n' "$shipit_program" >"$write_new"; then
		[ -d "program.$write_digest" ] || mv "$write_new" "program.$write_digest"
	fi
	rm -f "$write_new"
	# Three stay, of operators with other versions.
	write_count=0
	# shellcheck disable=SC2012 # names with anything else in them are passed over
	ls -t | while IFS= read -r write_name; do
		case $write_name in
		*[!0123456789abcdefghijklmnopqrstuvwxyzTZ.-]*) continue ;;
		program.*) ;;
		*) continue ;;
		esac
		write_count=$((write_count + 1))
		[ "$write_count" -le 3 ] || rm -f "$write_name"
	done
}
