# shellcheck shell=sh
# Takes files of older releases into the new one, where it has none of that name: pages that were open before a deploy go on
# asking for the files that they name. Part of the script that does so, since few apps need it.
#
# $M/assets/PATH   what the build of the release itself left in PATH, as hard links: a release passes on only its own files, so
#                  that they are gone with it

# In a tree: links the files of directories in it, as `find` names them, into another tree. What has a name there already stays
# as it is, and what vanishes meanwhile is no failure. Where a hard link cannot be made (another file system, the file of another
# login) a copy is. So few files at a time fit into any command line.
# shellcheck disable=SC2016 # expanded by the shell that find starts
ASSETS_LINK='to=$0 failed=
put() {
	[ $# != 0 ] || return 0
	ln "$@" "$to/$at/" 2>/dev/null && return
	for file do
		[ -e "$to/$file" ] || ln "$file" "$to/$file" 2>/dev/null || [ ! -f "$file" ] || cp -p "$file" "$to/$file" ||
			[ ! -e "$file" ] || failed=yes
	done
}
# Nothing is made through a link of the new release: it may lead out.
is_through_link() {
	rest=$1/ way=$to
	while [ -n "$rest" ]; do
		way=$way/${rest%%/*} rest=${rest#*/}
		[ ! -L "$way" ] || return 0
	done
	return 1
}
for at do
	if is_through_link "$at" || [ ! -d "$to/${at%/*}" ]; then continue; fi
	if [ ! -d "$to/$at" ]; then
		[ ! -e "$to/$at" ] || continue
		mkdir "$to/$at" || { failed=yes; continue; }
	fi
	set --
	for file in "$at"/* "$at"/.[!.]* "$at"/..?*; do
		if [ -L "$file" ] || [ ! -f "$file" ] || [ -e "$to/$file" ] || [ -L "$to/$file" ]; then continue; fi
		set -- "$@" "$file"
		[ $# -lt 200 ] || { put "$@"; set --; }
	done
	put "$@"
done
[ -z "$failed" ]'

# The job: for each pair of a tree and the tree to link into. A directory that vanishes under `find` is an error to it: what is
# there now is gone through again, which only adds.
# shellcheck disable=SC2016 # expanded by the job's own shell
ASSETS_TREES='link=$1
shift
while [ $# != 0 ]; do
	tries=3
	until (cd -P "$1" && find . -type d -exec /bin/sh -c "$link" "$2" {} +); do
		code=$? tries=$((tries - 1))
		[ "$tries" -gt 0 ] || exit "$code"
	done
	shift 2
done'

# keep_assets KEEP LIMIT PATH...: after the build. KEEP: how many releases stay on this host.
keep_assets() {
	name_asset_sources "$1"
	assets_limit=$2
	shift 2
	for assets_path in "$@"; do
		if [ ! -d "$rel/$assets_path" ] || leads_out "$rel" "$assets_path/"; then
			warn no-assets "$assets_path"
			continue
		fi
		take_assets
	done
}

# name_asset_sources KEEP: sets $assets_from to the releases that stay beside the new one: the live one first, which most open
# pages are of, then from the newest to the oldest.
name_asset_sources() {
	assets_left=$(($1 - 1)) assets_names=
	for assets_dir in "$root/releases/"????????T??????Z-???????; do
		[ "${assets_dir##*/}" = "$release" ] || [ "${assets_dir##*/}" = "$from" ] || ! was_good "$assets_dir" ||
			assets_names="${assets_dir##*/} $assets_names"
	done
	assets_from=
	[ -z "$from" ] || assets_from=$from assets_left=$((assets_left - 1))
	for assets_name in $assets_names; do
		[ "$assets_left" -gt 0 ] || break
		assets_from="$assets_from $assets_name" assets_left=$((assets_left - 1))
	done
}

# take_assets: keeps what the build left in $assets_path, and takes what older releases have there.
take_assets() {
	run_tool mkdir -p "$M/assets/$assets_path" || fail cannot-make keep-assets "$M/assets" "$said"
	set -- "$rel/$assets_path" "$M/assets/$assets_path"
	for assets_name in $assets_from; do
		assets_own=$S/releases/$assets_name/assets/$assets_path
		if [ ! -d "$assets_own" ]; then
			# A release that took nothing has only its own.
			assets_own=$root/releases/$assets_name/$assets_path
			[ -d "$assets_own" ] && ! leads_out "$root/releases/$assets_name" "$assets_path/" || continue
		fi
		set -- "$@" "$assets_own" "$rel/$assets_path"
	done
	must_run keep-assets "$assets_limit" "$root" /bin/sh -c "$ASSETS_TREES" shipit "$ASSETS_LINK" "$@"
}
