# shellcheck shell=sh
# What a repository has in its trees: listed, checked out, and looked at before anything is live. Names are read as git
# quotes them, so each is one line; a quoted one is shown, and never used as a path.
#
# $R/tree   of all entries, the links, submodules and attributes, as `git ls-tree` prints them; then `end` and its code

# A tree with more entries than that would fill the memory and the disk of the host.
LARGEST_LIST=400000000

# shellcheck disable=SC2016 # expanded by the job's own shell
LIST_TREE='list_tree() {
	{ git --git-dir="$1" ls-tree -r --full-tree "$2"; printf "end %s\n" $?; } | head -c "$4" |
		grep -e "^1[26]0000 " -e "[.]gitattributes\"*$" -e "^end " >"$3"
}
'

# Exits with 22 if the tree is too large. Filters of the login are not run: what they need is not here, or what they make is not what the repository has. The
# second list has the files that have a filter, and its name.
# shellcheck disable=SC2016 # expanded by the job's own shell
CHECKOUT='source=$1 at=$2 tree=$3 list=$4
attributes=
if [ -n "$list" ]; then
	list_tree "$source" "$tree" "$list" "$5"
	read -r first <"$list"
	if [ "$first" != "end 0" ]; then
		case $(tail -n 1 "$list") in
		"end "*) ;;
		*) exit 22 ;;
		esac
		! grep -q "^10.*gitattributes" "$list" || attributes=yes
	fi
fi
IFS="
"
set -f
[ -z "$attributes" ] || for key in $(git config --name-only --get-regexp "^filter[.].*[.](clean|smudge|process|required)$"); do
	case $key in
	*.required) key=$key=false ;;
	*) key=$key= ;;
	esac
	SHIPIT_GIT="$SHIPIT_GIT
-c
$key"
done
ours() {
	git --git-dir="$source" --work-tree="$at" "$@"
}
ours read-tree --reset -u "$tree" || exit
[ -n "$attributes" ] && ours grep --cached -q -e "filter *=" -- ":(glob)**/.gitattributes" || exit 0
ours ls-files | ours check-attr --cached --stdin filter |
	grep -v -e ": filter: unspecified$" -e ": filter: unset$" -e ": filter: set$" | head -n 1000 >"$list.filters"
exit 0'

# list_tree LIMIT COMMIT FILE: lists a tree outside of a checkout.
list_tree() {
	log_size
	step_from=$size
	git_alone
	run_job "$1" "$root" /bin/sh -c "$GIT$LIST_TREE"'list_tree "$@"' shipit "$clone" "$2" "$3" $LARGEST_LIST
	git_access_end
	[ "$why" = 'exit' ] || step_failed submodules "$1"
	tree_is_listed submodules "$2" "$3"
}

# tree_is_listed STEP TREE FILE: fails if the list is not whole.
tree_is_listed() {
	# Most trees have nothing to list.
	if IFS= read -r list_first 2>/dev/null <"$3" && [ "$list_first" = 'end 0' ]; then return; fi
	case $(tail -n 1 "$3" 2>/dev/null) in
	'end 0') ;;
	'end '*)
		said=$(tail -c "+$((step_from + 1))" "$LOG" | head -n 1)
		fail bad-tree "$1" "$2" "$said"
		;;
	*)
		[ -s "$3" ] || write_failed "$1" "$R"
		fail large-tree "$1" "$2"
		;;
	esac
}

# checkout_tree LIMIT DIR TREE INDEX LIST: checks out a tree into a directory. The index becomes the mark of the release.
# If LIST is not empty, the tree is listed there.
checkout_tree() {
	rm -f "$4"
	[ -z "$5" ] || rm -f "$5.filters"
	GIT_INDEX_FILE=$4
	export GIT_INDEX_FILE
	if [ -z "$fetch_mode$token_for$repo_key" ]; then
		git_alone
		run_step checkout "$1" "$2" /bin/sh -c "$GIT$LIST_TREE$CHECKOUT" shipit "$clone" "$2" "$3" "$5" $LARGEST_LIST
		git_access_end
		git_ended
	else
		# A blobless clone fetches the files that it lacks here.
		run_git checkout "$1" "$2" /bin/sh -c "$GIT$LIST_TREE$CHECKOUT" shipit "$clone" "$2" "$3" "$5" $LARGEST_LIST
	fi
	tree_code=$?
	unset GIT_INDEX_FILE
	return $tree_code
}

# look_at_release: what the user should know about the files before they are live, or what must not go live.
look_at_release() {
	[ -z "$revision_tracked" ] || warn revision-replaced
	tree_modules=0 tree_links=0 tree_looked=0
	while IFS=$TAB read -r tree_head tree_path; do
		case $tree_head in
		'160000 '*) look_at_module ;;
		'120000 '*) look_at_link ;;
		esac
	done <"$R/tree"
	[ "$tree_links" = 0 ] || warn links-out "$tree_link" "$tree_to" "$tree_links"
	[ "$tree_modules" = 0 ] || warn submodules-off "$tree_module" "$tree_modules"
	[ ! -s "$R/tree.filters" ] || look_at_filters
}

# look_at_module: a submodule that is not checked out leaves an empty directory.
look_at_module() {
	[ "$submodules" != yes ] && [ "$tree_modules" -lt 100 ] || return 0
	[ "$tree_modules" != 0 ] || read_gitmodules "$tree_limit" "$revision"
	module_setting path "${subdir:+$subdir/}$tree_path"
	[ -n "$module_name" ] || fail submodule-without-address checkout "${subdir:+$subdir/}$tree_path"
	[ "$tree_modules" != 0 ] || tree_module=$tree_path
	tree_modules=$((tree_modules + 1))
}

# look_at_link: counts links that lead out of the release to where nothing is. Those that lead somewhere are the
# business of the repository.
look_at_link() {
	case $tree_path in
	'"'*) return ;;
	esac
	[ ! -e "$rel/$tree_path" ] && [ -L "$rel/$tree_path" ] && [ "$tree_looked" -lt 50 ] || return 0
	tree_looked=$((tree_looked + 1))
	link_leads=$(readlink "$rel/$tree_path")
	link_leads_out || return 0
	[ "$tree_links" != 0 ] || tree_link=$tree_path tree_to=$link_leads
	tree_links=$((tree_links + 1))
}

# link_leads_out: whether $link_leads, the target of $tree_path, is outside of the release by its words.
link_leads_out() {
	case $link_leads in
	/*) return 0 ;;
	esac
	leads_depth=0 leads_rest=$tree_path
	while [ "$leads_rest" != "${leads_rest#*/}" ]; do
		leads_depth=$((leads_depth + 1)) leads_rest=${leads_rest#*/}
	done
	leads_rest=$link_leads/
	while [ -n "$leads_rest" ]; do
		case ${leads_rest%%/*} in
		'' | .) ;;
		..) leads_depth=$((leads_depth - 1)) ;;
		*) leads_depth=$((leads_depth + 1)) ;;
		esac
		[ "$leads_depth" -ge 0 ] || return 0
		leads_rest=${leads_rest#*/}
	done
	return 1
}

# look_at_filters: names the filters that files of the release have, with the first file of each. They are not run here.
look_at_filters() {
	filter_names=' ' filter_count=0
	while IFS= read -r filter_line; do
		filter_name=${filter_line##*: filter: }
		case $filter_names in
		*" $filter_name "*) continue ;;
		esac
		[ "$filter_count" -lt 5 ] || break
		filter_count=$((filter_count + 1))
		filter_names="$filter_names$filter_name "
		filter_path=${filter_line%": filter: $filter_name"}
		warn filter "$filter_name" "$filter_path"
	done <"$R/tree.filters"
}
