# shellcheck shell=sh
# Submodules: their commits are fetched into $root/source like those of the repository, and each has a ref of its own.
# So no other clone is needed, and a release can be made again without a server.
#
# $M/modules   path, commit, address, one module a line; the first is the repository itself, path `.`

# fetch_modules LIMIT: fetches the submodules of $revision, and their submodules.
fetch_modules() {
	printf '.\t%s\t%s\n' "$revision" "$repo" >"$M/modules" || write_failed submodules "$M"
	modules_number=0 modules_count=0
	# list_modules adds lines to the file while it is read.
	while IFS=$TAB read -r module_at module_is module_url; do
		[ "$modules_number" = 0 ] || fetch_module "$1"
		modules_number=$((modules_number + 1))
		list_modules "$1"
	done <"$M/modules"
}

# fetch_modules_again LIMIT: fetches those of a release that is made again.
fetch_modules_again() {
	[ -f "$M/modules" ] || return 0
	modules_number=0
	while IFS=$TAB read -r module_at module_is module_url; do
		[ "$modules_number" = 0 ] || fetch_module "$1"
		modules_number=$((modules_number + 1))
	done <"$M/modules"
}

# fetch_module LIMIT: fetches the commit $module_is from $module_url, and makes its ref.
fetch_module() {
	module_pin=refs/shipit/$release.$modules_number
	if has_commit "$module_is"; then
		run_tool git_source update-ref "$module_pin" "$module_is" ||
			fail cannot-pin submodules "$module_is" "$root/source" "$said"
		return
	fi
	module_mode=$fetch_mode
	# A partial clone asks only the remote `origin` for missing files, and this is another repository.
	[ "$module_mode" != blobless ] || module_mode=
	module_into=refs/modules/$(printf %s "$module_url" | tr -c 'A-Za-z0-9' _ | tail -c 200)
	# An address in .gitmodules is not trusted: it may not be a program, nor a path of the host, unless the repository
	# is a path itself.
	module_by=git:http:https:ssh
	case $repo in
	/* | file://*) module_by=$module_by:file ;;
	*::*) module_by=$module_by:${repo%%::*} ;;
	esac
	fetch_from submodules "$1" "$module_mode" "$module_url" "$module_is" "$module_pin" "$module_into" "$module_by"
}

# More submodules than anybody has, and a larger .gitmodules: one repository may name another thousands of times.
MOST_MODULES=1000
LARGEST_GITMODULES=500000

# Exits with 21 if .gitmodules is no file, or too large, and with 23 if a name or a value in it has a tab or a newline.
# git-config(1): 1 is "none".
# shellcheck disable=SC2016 # expanded by the job's own shell
LIST_MODULES='source=$1 commit=$2 to=$3 largest=$4
printf "" >"$to"
set -f
set -- $(git --git-dir="$source" ls-tree -l "$commit" .gitmodules)
case ${1:-} in
"") exit ;;
100*) [ "${4:-0}" -le "$largest" ] || exit 21 ;;
*) exit 21 ;;
esac
git --git-dir="$source" config --blob "$commit:.gitmodules" -z --get-regexp "^submodule\..*\.(path|url|update)$" >"$to.z"
case $? in
0) ;;
1) exit 0 ;;
*) exit 20 ;;
esac
tr "\n\0" "\t\n" <"$to.z" >"$to.lines"
tab=$(printf "\t")
! grep -q "$tab.*$tab" "$to.lines" || exit 23
sed "s/\$/$tab./" <"$to.lines" >"$to"'

# read_gitmodules LIMIT COMMIT: writes what its .gitmodules says to $R/gitmodules, a line each: name, value, and a dot,
# so that the end of a value can be searched for.
read_gitmodules() {
	log_size
	step_from=$size
	git_access
	run_job "$1" "$root" /bin/sh -c "$GIT$LIST_MODULES" shipit "$clone" "$2" "$R/gitmodules" $LARGEST_GITMODULES
	git_access_end
	case $why/$code in
	exit/0) ;;
	exit/21)
		said="it is not a file, or larger than $LARGEST_GITMODULES bytes"
		fail bad-gitmodules submodules "$2" "$said"
		;;
	exit/23)
		said='it has a tab or a newline in a name or a value'
		fail bad-gitmodules submodules "$2" "$said"
		;;
	exit/*)
		said=$(tail -c "+$((step_from + 1))" "$LOG" | head -n 1)
		fail bad-gitmodules submodules "$2" "$said"
		;;
	*) step_failed submodules "$1" ;;
	esac
}

# list_modules LIMIT: adds the submodules of $module_is to the list.
list_modules() {
	list_tree "$1" "$module_is" "$R/tree"
	modules_read=
	while IFS=$TAB read -r module_head module_path; do
		case $module_head in
		'160000 commit '*) ;;
		*) continue ;;
		esac
		if [ "$module_at" = . ] && [ -n "$subdir" ]; then
			case $module_path in
			"$subdir"/*) ;;
			*) continue ;;
			esac
		fi
		[ -n "$modules_read" ] || read_gitmodules "$1" "$module_is"
		modules_read=yes
		module_address
		[ "$module_update" != none ] || continue
		modules_count=$((modules_count + 1))
		[ "$modules_count" -le $MOST_MODULES ] || fail too-many-submodules submodules $MOST_MODULES
		[ "$module_at" = . ] || module_path=$module_at/$module_path
		printf '%s\t%s\t%s\n' "$module_path" "${module_head##* }" "$module_from" >>"$M/modules" ||
			write_failed submodules "$M"
	done <"$R/tree"
}

# module_setting KEY NAME-OR-PATH: sets $module_name and $module_value to the last line of .gitmodules that fits:
# `path` fits by its value, the others by the name of the submodule.
module_setting() {
	module_name='' module_value=''
	# grep takes for ever to search for more than any path has (PATH_MAX).
	[ ${#2} -lt 4096 ] || return 0
	case $1 in
	path) grep -F -e ".path$TAB$2$TAB." -e ".path$TAB$2/$TAB." "$R/gitmodules" ;;
	*) grep -F -e "$2.$1$TAB" "$R/gitmodules" ;;
	esac | tail -n 100 >"$R/settings" || write_failed submodules "$R"
	while IFS=$TAB read -r module_key module_is_set; do
		# Of an empty value only the dot is left.
		if [ "$module_is_set" = . ]; then module_is_set=; else module_is_set=${module_is_set%"$TAB."}; fi
		case $1 in
		path) [ "${module_key##*.}/${module_is_set%/}" = "path/$2" ] || continue ;;
		*) [ "$module_key" = "$2.$1" ] || continue ;;
		esac
		module_name=${module_key%.*} module_value=$module_is_set
	done <"$R/settings"
}

# module_address: sets $module_from to the address of $module_path in .gitmodules, and $module_update to what it says
# about updates.
module_address() {
	case $module_path in
	'"'* | *\\*) fail submodule-name submodules "$module_path" ;;
	esac
	is_clean_path "$module_path" || {
		module_path=$(printf %.200s "$module_path")
		fail submodule-outside submodules "$module_path"
	}
	module_setting path "$module_path"
	module_named=$module_name
	[ -n "$module_named" ] || fail submodule-without-address submodules "$module_path"
	module_setting update "$module_named"
	module_update=$module_value
	module_setting url "$module_named"
	module_from=$module_value
	case $module_from in
	'' | -*) fail submodule-without-address submodules "$module_path" ;;
	./* | ../*) module_relative ;;
	esac
}

# module_relative: makes an address that is relative to its parent's an absolute one.
module_relative() {
	module_base=${module_url%/} module_join=/
	while :; do
		case $module_from in
		./*) module_from=${module_from#./} ;;
		../*)
			module_from=${module_from#../}
			case $module_base in
			*/*) module_base=${module_base%/*} ;;
			*:*) module_base=${module_base%:*} module_join=: ;;
			*) fail submodule-leads-out submodules "$module_path" "$module_url" ;;
			esac
			;;
		*) break ;;
		esac
	done
	module_from=$module_base$module_join$module_from
}

# checkout_modules LIMIT: checks out the files of the submodules in the release.
checkout_modules() {
	[ -f "$M/modules" ] || return 0
	modules_number=-1
	while IFS=$TAB read -r module_at module_is module_url; do
		modules_number=$((modules_number + 1))
		[ "$module_at" != . ] || continue
		[ -z "$subdir" ] || module_at=${module_at#"$subdir"/}
		make_dir_inside submodules "$module_at"
		checkout_tree "$1" "$rel/$module_at" "$module_is" "$R/index.$modules_number" '' || git_failed checkout "$1"
	done <"$M/modules"
}

# unpin_modules RELEASE: removes the refs of its submodules.
unpin_modules() {
	[ -f "$S/releases/$1/modules" ] || return 0
	modules_number=0
	while IFS= read -r _; do
		[ "$modules_number" = 0 ] || git_source update-ref -d "refs/shipit/$1.$modules_number" 2>/dev/null
		modules_number=$((modules_number + 1))
	done <"$S/releases/$1/modules"
}
