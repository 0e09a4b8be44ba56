# shellcheck shell=sh
# Puts shared and carried paths into a release. Whatever the repository has there, nothing is made outside of it.

# link_shared ENTRY...: links shared files into the release. d:PATH is a directory, which is made if it is missing;
# f:PATH has to exist: all that are missing are told at once.
link_shared() {
	link_missing=
	for link_entry in "$@"; do
		link_path=shared/${link_entry#?:}
		case $link_entry in
		f:*) [ -e "$root/$link_path" ] || is_sent "${link_entry#?:}" || link_missing=$link_missing${link_missing:+, }$link_path ;;
		esac
	done
	[ -z "$link_missing" ] || fail shared-missing shared "$link_missing"
	[ -f "$M/links" ] || printf '%s\n' "$@" >"$M/links" || write_failed shared "$M"
	for link_entry in "$@"; do
		link_path=${link_entry#?:}
		link_to=$root/shared/$link_path link_at=$rel/$link_path
		case $link_entry in
		d:*)
			! is_sent "$link_path" || fail shared-and-sent shared "$link_path"
			make_dirs shared "$link_to"
			;;
		esac
		clear_link_place "$link_path" "$link_at"
		link_up=../../
		link_rest=$link_path
		while [ "$link_rest" != "${link_rest#*/}" ]; do
			link_up=../$link_up link_rest=${link_rest#*/}
		done
		link_to=$link_up''shared/$link_path
		# A file that is sent is put in place when the release goes live; until then `build` sees the staged file.
		link_staged=
		if is_sent "$link_path"; then
			ln -s "$link_to" "$R/link.$file_number" || write_failed shared "$R"
			link_staged=$R/link.$file_number
			link_to=$link_up''shared/${file_new#"$root/shared/"}
		fi
		run_tool ln -s "$link_to" "$link_at" || fail cannot-make shared "$link_at" "$said"
		check_link "$link_path" "$link_at" "$root/${link_to#"$link_up"}" "$link_staged"
	done
}

# check_link PATH AT MEANT [STAGED]: a link leads to what is meant. A relative one does not if a directory on its way is a
# link itself: then an absolute one does.
check_link() {
	# shellcheck disable=SC3013 # -ef: POSIX.1-2024, and in all of dash, bash and busybox ash
	[ ! "$2" -ef "$3" ] || return 0
	run_tool rm -f "$2" && run_tool ln -s "$3" "$2" || fail cannot-make shared "$2" "$said"
	if [ -n "${4:-}" ]; then
		run_tool rm -f "$4" && run_tool ln -s "$root/shared/$1" "$4" || fail cannot-make shared "$4" "$said"
	fi
	# shellcheck disable=SC3013
	[ "$2" -ef "$3" ] || fail link-leads-nowhere shared "$2" "$3"
}

# check_links_again: what was shared when a release was made has to be there still when it goes live again.
check_links_again() {
	[ -f "$M/links" ] || return 0
	while IFS= read -r again_link; do
		again_path=${again_link#?:}
		[ ! -e "$rel/$again_path" ] || continue
		case $again_link in
		d:*) make_dirs shared "$root/shared/$again_path" ;;
		esac
		if [ ! -e "$root/shared/$again_path" ]; then
			is_sent "$again_path" || fail shared-missing shared "$root/shared/$again_path"
		elif [ ! -e "$rel/$again_path" ] && [ -L "$rel/$again_path" ]; then
			# `releases/` was moved to another disk since, and the link is a relative one.
			check_link "$again_path" "$rel/$again_path" "$root/shared/$again_path"
		fi
	done <"$M/links"
}

# clear_link_place PATH AT: removes what is in the way of a link. No file of the repository may be lost, and no link in
# the repository may lead out of the release.
clear_link_place() {
	case $1 in
	*/*) make_dir_inside shared "${1%/*}" ;;
	esac
	if [ -d "$2" ] && [ ! -L "$2" ]; then
		link_held=$(find "$2" ! -type d ! \( -type f \( -name .gitkeep -o -name .keep -o -name .gitignore -o -name .placeholder \) \) | head -n 1)
		[ -z "$link_held" ] || fail shared-files-tracked shared "$1" "${link_held#"$2/"}"
		rm -rf "$2"
	elif [ -e "$2" ] || [ -L "$2" ]; then
		fail shared-file-tracked shared "$1"
	fi
}

# make_dir_inside STEP PATH: makes a directory of the release, one component after the other: each is looked at before
# anything is made below it, since what a path leads to while it does not exist says nothing.
make_dir_inside() {
	inside_at=$rel inside_rest=$2/
	is_clean_path "$2" || fail leads-out "$1" "$2"
	while [ -n "$inside_rest" ]; do
		inside_at=$inside_at/${inside_rest%%/*}
		inside_rest=${inside_rest#*/}
		if [ -L "$inside_at" ]; then
			is_link_inside "$inside_at" "$rel" || fail leads-out "$1" "$2"
		elif [ ! -d "$inside_at" ]; then
			run_tool mkdir "$inside_at" || fail cannot-make "$1" "$inside_at" "$said"
		fi
	done
}

# is_clean_path PATH: whether it is relative, and each component is a name: not empty, `.`, `..` or `.git`. No path is as
# long as PATH_MAX.
is_clean_path() {
	[ ${#1} -lt 4096 ] || return
	case /$1/ in
	*//* | */./* | */../* | */.[gG][iI][tT]/*) return 1 ;;
	esac
}

# is_link_inside LINK DIR: whether it leads to a directory in DIR.
is_link_inside() {
	link_real=$(cd -P "$1" 2>/dev/null && pwd -P) && link_in=$(cd -P "$2" && pwd -P) || return
	case $link_real/ in
	"$link_in"/*) ;;
	*) return 1 ;;
	esac
}

# leads_out DIR PATH: whether a directory on the way to PATH in DIR is a link that leads out of DIR.
leads_out() {
	out_at=$1 out_rest=$2
	while [ "$out_rest" != "${out_rest#*/}" ]; do
		out_at=$out_at/${out_rest%%/*}
		out_rest=${out_rest#*/}
		[ ! -L "$out_at" ] || is_link_inside "$out_at" "$1" || return 0
	done
	return 1
}

# The running app may write where this copies from: what vanished or was replaced meanwhile is no failure. Only the ends of
# lines are compared, so no name can hide another error.
# shellcheck disable=SC2016 # expanded by the job's own shell
CARRY='LC_ALL=C
export LC_ALL
said=$(cp -a "$1" "$2" 2>&1) && exit
code=$?
printf "%s\n" "$said"
[ -e "$2" ] || [ -L "$2" ] || exit "$code"
printf "%s\n" "$said" | while IFS= read -r line; do
	case $line in
	*": No such file or directory" | *", as it was replaced while being copied") ;;
	*) exit 1 ;;
	esac
done || exit "$code"
echo "what vanished while it was copied is left out"'

# carry_over LIMIT PATH...: copies paths from the release before.
carry_over() {
	carry_limit=$1
	shift
	[ -n "$from" ] || return 0
	for carry_path in "$@"; do
		[ -e "$root/releases/$from/$carry_path" ] || continue
		! leads_out "$root/releases/$from" "$carry_path" || fail leads-out carry "$carry_path"
		case $carry_path in
		*/*) make_dir_inside carry "${carry_path%/*}" ;;
		esac
		if [ -e "$rel/$carry_path" ] || [ -L "$rel/$carry_path" ]; then fail carried-tracked carry "$carry_path"; fi
		must_run carry "$carry_limit" "$root" /bin/sh -c "$CARRY" shipit "releases/$from/$carry_path" "$rel/$carry_path"
	done
}
