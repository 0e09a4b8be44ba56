# shellcheck shell=sh
# shellcheck disable=SC2154 # the functions are those of cache.sh
# What starts the program: DIGEST SIZE. It runs the program that is kept here if that has the digest; otherwise it says so and
# is sent it, after all that was sent before. That comes once more after the program.
#
# It goes out as one line between single quotes, after the functions of cache.sh, and means the same to every login
# shell: no single quotes, no exclamation marks, no backslash but in \t and \n.

# An account that runs no commands says anything but this: see STARTED.
printf "shipit\n"
# Not Linux.
[ -r /proc/self/stat ] || { uname -s; exit 9; }
shipit_was=sent
find_cache
if is_cache_safe && [ -f "$cache_dir/program.$1" ]; then
	shipit_program=$(dd if="$cache_dir/program.$1" bs="$2" count=1 iflag=fullblock 2>/dev/null)
	case $(printf "%s\n" "$shipit_program" | sha256sum 2>/dev/null) in
	"$1 "*) shipit_was=kept ;;
	esac
fi
if [ "$shipit_was" = sent ]; then
	read -r shipit_nonce
	printf "%s\t0\tneed\n" "$shipit_nonce"
	until [ "${shipit_line-}" = "$shipit_nonce program" ]; do read -r shipit_line || break; done
	# Its length is known: some shells read ahead what is not theirs when they take a program from there.
	shipit_program=$(dd bs="$2" count=1 iflag=fullblock 2>/dev/null)
fi
set -- "$shipit_was"
eval "$shipit_program"
