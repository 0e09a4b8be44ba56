# shellcheck shell=sh
# Submodules: their commits are fetched into $root/source like those of the repository itself, each with a pin of its own,
# so that no other clone is needed and a release can be made again without asking anybody.
#
# $M/modules   path, commit, address: a line each; the first is the repository itself, path `.`

# modules LIMIT: the submodules of $revision, and theirs.
modules() {
	printf '.\t%s\t%s\n' "$revision" "$repo" >"$M/modules" || write_failed submodules "$M"
	modules_number=0
	# The list grows while it is read.
	while IFS=$TAB read -r module_at module_is module_url; do
		[ "$modules_number" = 0 ] || module_get "$1"
		modules_number=$((modules_number + 1))
		modules_of
	done <"$M/modules"
}

# modules_again LIMIT: those of a release that is made again.
modules_again() {
	[ -f "$M/modules" ] || return 0
	modules_number=0
	while IFS=$TAB read -r module_at module_is module_url; do
		[ "$modules_number" = 0 ] || module_get "$1"
		modules_number=$((modules_number + 1))
	done <"$M/modules"
}

# module_get LIMIT: the commit $module_is from $module_url, and its pin.
module_get() {
	module_pin=refs/shipit/$release.$modules_number
	if has_commit "$module_is"; then
		run_tool git_here update-ref "$module_pin" "$module_is" ||
			fail cannot-pin submodules "$module_is" "$root/source" "$said"
		return
	fi
	module_mode=$fetch_mode
	# There is one remote that a partial clone asks for more, and that is not this one.
	[ "$module_mode" != blobless ] || module_mode=
	module_into=refs/modules/$(printf %s "$module_url" | tr -c 'A-Za-z0-9' _)
	# An address that a repository names is not ours: no paths of the host, no programs of its own; unless the repository
	# is such a path itself.
	case $repo in
	/* | file://*) ;;
	*) export GIT_PROTOCOL_FROM_USER=0 ;;
	esac
	fetch_from submodules "$1" "$module_mode" "$module_url" "$module_is" "$module_pin" "$module_into"
	unset GIT_PROTOCOL_FROM_USER
}

# modules_of: adds the submodules of $module_is to the list.
modules_of() {
	[ -n "$(git_here ls-tree "$module_is" .gitmodules)" ] || return 0
	rm -f "$R/gitmodules.z"
	git_here config --blob "$module_is:.gitmodules" -z --get-regexp '^submodule\..*\.(path|url)$' \
		2>>"$LOG" >"$R/gitmodules.z"
	# git-config(1): 1 is "none".
	case $? in
	0 | 1) [ -e "$R/gitmodules.z" ] || write_failed submodules "$R" ;;
	*)
		run_tool git_here config --blob "$module_is:.gitmodules" --list
		fail bad-gitmodules submodules "$module_is" "$said"
		;;
	esac
	tr '\n\0' '\t\n' <"$R/gitmodules.z" >"$R/gitmodules" || write_failed submodules "$R"
	[ -s "$R/gitmodules" ] || return 0
	said=$(in_c_locale git_here -c core.quotePath=false ls-tree -r --full-tree "$module_is" 2>&1 >"$R/tree") ||
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

# module_address: where $module_path comes from, by .gitmodules, in $module_from.
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

# module_relative: relative to where its parent comes from.
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

# checkout_modules LIMIT: their files, each where it belongs in the release.
checkout_modules() {
	[ -f "$M/modules" ] || return 0
	while IFS=$TAB read -r module_at module_is module_url; do
		[ "$module_at" != . ] || continue
		[ -z "$subdir" ] || module_at=${module_at#"$subdir"/}
		inside submodules "$module_at" "$rel/$module_at"
		checkout_tree "$1" "$rel/$module_at" "$module_is"
	done <"$M/modules"
}

# modules_forget RELEASE: its pins.
modules_forget() {
	[ -f "$S/releases/$1/modules" ] || return 0
	modules_number=0
	while IFS= read -r _; do
		[ "$modules_number" = 0 ] || git_here update-ref -d "refs/shipit/$1.$modules_number" 2>/dev/null
		modules_number=$((modules_number + 1))
	done <"$S/releases/$1/modules"
}
