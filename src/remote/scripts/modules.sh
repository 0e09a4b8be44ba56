# shellcheck shell=sh
# Submodules: their commits are fetched into $root/source like those of the repository, and each has a ref of its own.
# So no other clone is needed, and a release can be made again without a server.
#
# $M/modules   path, commit, address, one module a line; the first is the repository itself, path `.`

# fetch_modules LIMIT: fetches the submodules of $revision, and their submodules.
fetch_modules() {
	printf '.\t%s\t%s\n' "$revision" "$repo" >"$M/modules" || write_failed submodules "$M"
	modules_number=0
	# list_modules adds lines to the file while it is read.
	while IFS=$TAB read -r module_at module_is module_url; do
		[ "$modules_number" = 0 ] || fetch_module "$1"
		modules_number=$((modules_number + 1))
		list_modules
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
	module_into=refs/modules/$(printf %s "$module_url" | tr -c 'A-Za-z0-9' _)
	# An address in .gitmodules is not trusted: it may not be a path of the host or a program, unless the repository is
	# a path itself.
	case $repo in
	/* | file://*) ;;
	*) export GIT_PROTOCOL_FROM_USER=0 ;;
	esac
	fetch_from submodules "$1" "$module_mode" "$module_url" "$module_is" "$module_pin" "$module_into"
	unset GIT_PROTOCOL_FROM_USER
}

# list_modules: adds the submodules of $module_is to the list.
list_modules() {
	[ -n "$(git_source ls-tree "$module_is" .gitmodules)" ] || return 0
	rm -f "$R/gitmodules.z"
	git_source config --blob "$module_is:.gitmodules" -z --get-regexp '^submodule\..*\.(path|url)$' \
		2>>"$LOG" >"$R/gitmodules.z"
	# git-config(1): 1 is "none".
	case $? in
	0 | 1) [ -e "$R/gitmodules.z" ] || write_failed submodules "$R" ;;
	*)
		run_tool git_source config --blob "$module_is:.gitmodules" --list
		fail bad-gitmodules submodules "$module_is" "$said"
		;;
	esac
	tr '\n\0' '\t\n' <"$R/gitmodules.z" >"$R/gitmodules" || write_failed submodules "$R"
	[ -s "$R/gitmodules" ] || return 0
	said=$(in_c_locale git_source -c core.quotePath=false ls-tree -r --full-tree "$module_is" 2>&1 >"$R/tree") ||
		fail bad-tree submodules "$module_is" "$said"
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
		case $module_path in
		'"'* | *\\*) fail submodule-name submodules "$module_path" ;;
		esac
		module_address
		[ "$module_at" = . ] || module_path=$module_at/$module_path
		printf '%s\t%s\t%s\n' "$module_path" "${module_head##* }" "$module_from" >>"$M/modules" ||
			write_failed submodules "$M"
	done <"$R/tree"
}

# module_address: sets $module_from to the address of $module_path in .gitmodules.
module_address() {
	module_name='' module_from=''
	while IFS=$TAB read -r module_key module_value; do
		[ "${module_key##*.}/${module_value%/}" != "path/$module_path" ] || module_name=${module_key%.path}
	done <"$R/gitmodules"
	while IFS=$TAB read -r module_key module_value; do
		[ "$module_key" != "$module_name.url" ] || module_from=$module_value
	done <"$R/gitmodules"
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
		make_dir_inside submodules "$module_at" "$rel/$module_at"
		checkout_tree "$1" "$rel/$module_at" "$module_is" "$R/index.$modules_number"
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
