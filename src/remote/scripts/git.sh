# shellcheck shell=sh
# The repository: $root/source, and what it fetches from. Why git could not is told in one word (git_why), never
# in prose: what the words mean, and what to type, is known at the operator's end (src/remote/access.rs).

git_here() {
	git --git-dir="$root/source" "$@"
}

need_git() {
	command -v git >/dev/null && return
	fact git-trouble no-git
	fail 17 "$1" "git is not on the PATH of a session without a terminal ($PATH)"
}

# git_why FILE FROM CODE: why a git that ended with CODE did not reach a repository, in $git_why: one word, or nothing
# where we cannot tell. It printed to FILE, behind FROM bytes, under LC_ALL=C. The gravest first: a full disk, for one,
# makes ssh forget keys.
git_why() {
	git_text=$(tail -c "+$(($2 + 1))" "$1" 2>/dev/null | head -c "$TAIL")
	case $git_text in
	*'No space left on device'* | *'Disk quota exceeded'*) git_why=full ;;
	*'detected dubious ownership in repository at '*"'$root/source'"*) git_why=owner-source ;;
	*'detected dubious ownership in repository at '*"/.git'"*) git_why=owner-tree ;;
	*'detected dubious ownership'* | *'unsafe repository'*) git_why=owner ;;
	*'REMOTE HOST IDENTIFICATION HAS CHANGED'* | *'REVOKED HOST KEY'* | *'ost key mismatch'*) git_why=changed-key ;;
	*'Host key verification failed'* | *' is not in the trusted hosts file'*) git_why=unknown-key ;;
	*'Could not resolve host'* | *'name resolution'* | *'Name or service not known'* | *'bad address'*) git_why=no-address ;;
	*'Connection refused'*) git_why=refused ;;
	*'timed out'* | *'No route to host'* | *'Network is unreachable'*) git_why=silent ;;
	*'Permission denied ('* | *'Too many authentication failures'* | *'No auth methods could be used'*) git_why=denied ;;
	*'could not read Username'* | *'could not read Password'* | *'Authentication failed'* | *'returned error: 40'[13]*) git_why=login ;;
	*'certificate'*) git_why=certificate ;;
	*'cannot run ssh'* | *'ssh: not found'* | *'ssh: command not found'*) git_why=no-ssh ;;
	*'not our ref'* | *'nonexistent object'* | *'not a valid SHA1'*) git_why=no-commit ;;
	*'epository not found'* | *'does not appear to be a git repository'* | *'does not exist'* | *'could not be found'*) git_why=missing ;;
	*'repository '*' not found'* | *'not exported'* | *' DENIED by '* | *'returned error: 404'*) git_why=missing ;;
	*'Failed to connect'* | *'Connection reset'* | *'Connection closed'* | *"Couldn't connect"*) git_why='cut' ;;
	*) git_why='' ;;
	esac
	# Of what it printed nothing may have found room.
	[ -n "$git_why$git_text" ] || printf . 2>/dev/null >"$R/probe" || git_why=full
	rm -f "$R/probe"
	[ "$3" != 129 ] || git_why=old
}

# git_must STEP LIMIT DIR COMMAND...: like must, for a git that asks a server: with the reason when it fails.
git_must() {
	export LC_ALL=C
	run_step "$@"
	if [ -n "$locale" ]; then LC_ALL=$locale; else unset LC_ALL; fi
	[ "$code" != 0 ] || return 0
	[ "$why" = 'exit' ] || broken "$1" "$2 s"
	git_why "$LOG" "$step_from" "$code"
	[ -n "$git_why" ] || broken "$1" "$2 s"
	fact git-trouble "$git_why"
	fail 13 "$1" "exit $code"
}

# guard: a commit that the live one already contains is older: an older CI job must not overwrite a newer.
guard() {
	if [ -z "$from_revision" ] || [ "$revision" = "$from_revision" ] || ! has_revision; then return 0; fi
	git_here merge-base --is-ancestor "$revision" "$from_revision" 2>/dev/null || return 0
	fail 16 check "$revision is older than what is live ($from_revision)"
}

# has_revision: whether the commit is here; asked once, until a fetch may have changed the answer.
has_revision() {
	[ -n "$has" ] || { git_here cat-file -e "$revision^{commit}" 2>/dev/null && has=yes || has=no; }
	[ "$has" = yes ]
}

# Most servers give a commit by its name, which spares both sides the list of all branches and tags. Where one does not,
# some branch or tag has it. Either way it is pinned.
# shellcheck disable=SC2016 # expanded by the job's own shell
FETCH='repo=$1 revision=$2 pin=$3
git fetch --quiet --no-tags --no-write-fetch-head "$repo" "$revision:$pin" 2>/dev/null && exit
git fetch --quiet --prune --force --no-write-fetch-head "$repo" "+refs/heads/*:refs/heads/*" "+refs/tags/*:refs/tags/*" &&
	git update-ref "$pin" "$revision"'

# fetch LIMIT: the commit, when it is not here yet.
fetch() {
	has_revision && return
	GIT_DIR=$root/source
	export GIT_DIR
	git_must fetch "$1" "$root" /bin/sh -c "$FETCH" shipit "$repo" "$revision" "refs/shipit/$release"
	unset GIT_DIR
	pinned=yes
}

# pin: keeps the commit from git's clean-up as long as the release is kept; fails where it is not here.
pin() {
	git_here update-ref "refs/shipit/$release" "$revision" 2>/dev/null && pinned=yes
}

fetch_all() {
	git_must fetch "$1" "$root" git --git-dir="$root/source" fetch --quiet --prune --force --no-write-fetch-head \
		"$repo" '+refs/heads/*:refs/heads/*' '+refs/tags/*:refs/tags/*'
}

# find_ref LIMIT: what the operator's git could not tell: the commit of $reference, by this host's own access.
find_ref() {
	need_git resolve
	find_name=${reference#refs/heads/}
	find_name=${find_name#origin/}
	find_tag=${reference#refs/tags/}
	find_tag=refs/tags/${find_tag#tags/}
	find_full=$find_tag
	case $reference in
	refs/*) find_full=$reference ;;
	esac
	list_refs "$1" "refs/heads/$find_name" "$find_tag" "$find_tag^{}" "$find_full"
	find_branch='' find_tagged='' find_other=''
	while IFS=$TAB read -r find_is find_ref; do
		case $find_ref in
		"refs/heads/$find_name") find_branch=$find_is ;;
		# The peeled line comes after the tag's own, and is the commit.
		"$find_tag" | "$find_tag^{}") find_tagged=$find_is ;;
		"$reference") find_other=$find_is ;;
		esac
	done <"$R/refs"
	case $find_branch/$find_tagged in
	/) ;;
	"$find_branch/" | "$find_branch/$find_branch") find_other=$find_branch ;;
	"/$find_tagged") find_other=$find_tagged ;;
	*) fail 13 resolve "$repo has a branch and a tag $reference: write refs/heads/… or refs/tags/…" ;;
	esac
	[ -z "$find_other" ] || { fact revision "$find_other" && return; }
	find_commit "$1"
}

# list_refs LIMIT PATTERN...: what the repository has of that, in $R/refs.
list_refs() {
	list_limit=$1
	shift
	# shellcheck disable=SC2016 # expanded by the job's own shell
	git_must resolve "$list_limit" "$root" /bin/sh -c 'to=$1 && shift && exec git ls-remote "$@" >"$to"' shipit \
		"$R/refs" "$repo" "$@"
}

# find_commit LIMIT: no name of the repository's: the beginning of a commit id, which only a clone completes.
find_commit() {
	case $reference in
	*[!0-9a-f]* | ?? | ???) ;;
	*)
		[ -d "$root/source" ] || fail 10 resolve "nothing was set up here: $root/source is not there"
		fetch_all "$1"
		find_is=$(git_here rev-parse --verify --quiet "$reference^{commit}") && fact revision "$find_is" && return
		;;
	esac
	find_names "$1"
	fact git-trouble no-ref
	fail 13 resolve "$repo has no branch, tag or commit $reference"
}

# find_names LIMIT: names that $reference may have been meant for, as one fact of bounded length.
find_names() {
	list_refs "$1" 'refs/heads/*' 'refs/tags/*'
	find_all=
	while IFS=$TAB read -r _ find_ref; do
		case $find_ref in
		*'^{}') continue ;;
		refs/heads/*) find_ref=${find_ref#refs/heads/} ;;
		*) find_ref=${find_ref#refs/tags/} ;;
		esac
		find_all="$find_all $find_ref"
		[ ${#find_all} -lt 65536 ] || break
	done <"$R/refs"
	fact names "${find_all# }"
}
