# shellcheck shell=sh
# The repository: $root/source, and what it fetches from. Why git could not is told in one word (git_why), never
# in prose: what the words mean, and what to type, is known at the operator's end (src/remote/access.rs).

git_here() {
	git --git-dir="$root/source" "$@"
}

need_git() {
	command -v git >/dev/null && return
	fail no-git "$1" "$PATH"
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
	*'SSL certificate'* | *'certificate verif'* | *'local issuer'*) git_why=certificate ;;
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

# What every job that asks a server begins with. The operator's token reaches git from the environment of that job, and
# only for the server that it is for; no helper of the host's gets to know it, or it would be stored.
# shellcheck disable=SC2016 # expanded by the job's own shell
GIT='git() {
	[ -n "$SHIPIT_REPO_TOKEN" ] || { command git "$@"; return; }
	command git -c "credential.$SHIPIT_TOKEN_FOR.helper=" -c "credential.$SHIPIT_TOKEN_FOR.helper=$SHIPIT_HELPER" "$@"
}
'
# shellcheck disable=SC2016 # expanded by the helper's own shell
HELPER='!f() { [ "$1" != get ] || printf "username=%s\npassword=%s\n" "$SHIPIT_TOKEN_USER" "$SHIPIT_REPO_TOKEN"; }; f'

# git_access: from now on what is started finds the operator's access, and speaks our language. How git reaches ssh is the
# operator's to say (repo-key), then the login's; where neither does, ssh asks nobody.
git_access() {
	export LC_ALL=C SHIPIT_REPO_TOKEN="$data_token" SHIPIT_TOKEN_FOR="$token_for" SHIPIT_TOKEN_USER="$token_user"
	export SHIPIT_HELPER="$HELPER"
	login_ssh=${GIT_SSH_COMMAND:-}
	if [ -n "$ssh_command" ]; then
		export GIT_SSH_COMMAND="$ssh_command"
	elif [ -z "$login_ssh${GIT_SSH:-}" ] && ! git config core.sshCommand >/dev/null 2>&1; then
		export GIT_SSH_COMMAND='ssh -o BatchMode=yes'
	fi
}

git_access_end() {
	if [ -n "$locale" ]; then LC_ALL=$locale; else unset LC_ALL; fi
	if [ -n "$login_ssh" ]; then GIT_SSH_COMMAND=$login_ssh; else unset GIT_SSH_COMMAND; fi
	unset SHIPIT_REPO_TOKEN SHIPIT_TOKEN_FOR SHIPIT_TOKEN_USER SHIPIT_HELPER
}

# git_must STEP LIMIT DIR COMMAND...: like must, for a git that asks a server, with the reason when it fails.
git_must() {
	git_key "$1"
	git_access
	run_step "$@"
	git_access_end
	[ "$code" != 0 ] || return 0
	[ "$why" = 'exit' ] || broken "$1" "$2"
	git_why "$LOG" "$step_from" "$code"
	[ -n "$git_why" ] || broken "$1" "$2"
	fail git-access "$1" "$git_why" "$code"
}

# git_key STEP: the key that the configuration names must be there: ssh would go on without it.
git_key() {
	[ -n "$repo_key" ] || return 0
	case $repo_key in
	/*) git_key_is=$repo_key ;;
	*) git_key_is=$HOME/$repo_key ;;
	esac
	[ -r "$git_key_is" ] && return
	fail no-repo-key "$1" "$git_key_is"
}

# guard: a commit that the live one already contains is older: an older CI job must not overwrite a newer. Where history
# was cut short it is asked again when the commit is here.
guard() {
	if [ -z "$from_revision" ] || [ "$revision" = "$from_revision" ]; then return 0; fi
	[ "$fetch_mode" != fast ] && [ ! -f "$root/source/shallow" ] || mark "$R/guard"
	! has_revision || guard_older
}

guard_older() {
	git_here merge-base --is-ancestor "$revision" "$from_revision" 2>/dev/null || return 0
	fail older check "$revision" "$from_revision"
}

# guard_again: what five commits of history tell. Where they tell nothing the dates decide.
guard_again() {
	[ -e "$R/guard" ] && [ -f "$root/source/shallow" ] || return 0
	guard_older
	git_here merge-base --is-ancestor "$from_revision" "$revision" 2>/dev/null && return
	guard_new=$(git_here show -s --format=%ct "$revision" 2>/dev/null)
	guard_live=$(git_here show -s --format=%ct "$from_revision" 2>/dev/null)
	[ "${guard_new:-0}" -lt "${guard_live:-0}" ] || return 0
	fail older-date check "$revision" "$from_revision"
}

# has_commit COMMIT: whether it is here, with all that belongs to it: a fetch that was cut off may have left the commit
# alone. What a ref leads to was here whole, so there is little to walk. A partial clone gets what it lacks later, and is
# not to ask the server for it now.
has_commit() {
	if [ "$fetch_mode" = blobless ]; then
		git_here -c remote.origin.promisor=false cat-file -e "$1^{commit}" 2>/dev/null
	else
		git_here -c remote.origin.promisor=false rev-list --objects --quiet --exclude-promisor-objects "$1" \
			--not --all 2>/dev/null
	fi
}

# has_revision: asked once, until a fetch may have changed the answer.
has_revision() {
	[ -n "$has" ] || { has_commit "$revision" && has=yes || has=no; }
	[ "$has" = yes ]
}

# Most servers give a commit by its name, which spares both sides the list of all branches and tags. Where one does not,
# some branch or tag has it; with all their history, where the beginning of it is not enough. Either way it is pinned.
# Arguments: how much history, repository, commit, ref that pins it, where branches and tags go.
# shellcheck disable=SC2016 # expanded by the job's own shell
FETCH='mode=$1 repo=$2 revision=$3 pin=$4 into=$5
all() {
	git fetch --quiet --prune --force --no-tags --no-write-fetch-head "$@" "$repo" "+refs/heads/*:$into/heads/*" $tags
}
tags="+refs/tags/*:$into/tags/*"
[ "$mode$revision" != fast ] || tags=
set -f
whole=
[ ! -f "$GIT_DIR/shallow" ] || whole=--unshallow
case $mode in
fast) set -- --depth=5 ;;
blobless) set -- --filter=blob:none $whole ;;
*) set -- $whole ;;
esac
if [ -n "$revision" ]; then
	said=$(git fetch --quiet --no-tags --no-write-fetch-head "$@" "$repo" "$revision:$pin" 2>&1) && exit
	# Who was not let in is not to knock twice: servers count that.
	case $said in
	*"Could not read from remote"* | *"unable to access"* | *"Authentication failed"* | *"could not read Username"*)
		printf "%s\n" "$said" >&2
		exit 128
		;;
	esac
fi
all "$@" || exit
[ -n "$revision" ] || exit 0
[ "$mode" != fast ] || git update-ref "$pin" "$revision" 2>/dev/null || {
	[ ! -f "$GIT_DIR/shallow" ] || set -- --unshallow
	all "$@" || exit
}
git update-ref "$pin" "$revision"'

# fetch_from STEP LIMIT MODE REPOSITORY COMMIT PIN INTO: see FETCH.
fetch_from() {
	fetch_step=$1 fetch_limit=$2
	shift 2
	GIT_DIR=$root/source
	export GIT_DIR
	git_must "$fetch_step" "$fetch_limit" "$root" /bin/sh -c "$GIT$FETCH" shipit "$@"
	unset GIT_DIR
}

# promise: a partial clone asks its remote `origin` for what it lacks: in $fetch_repo, what is fetched from.
promise() {
	fetch_repo=$repo
	[ "$fetch_mode" = blobless ] || return 0
	fetch_repo=origin
	[ "$(git_here config remote.origin.url)" = "$repo" ] ||
		run_tool git_here config remote.origin.url "$repo" || fail cannot-configure fetch "$root/source" "$said"
}

# fetch LIMIT: the commit, when it is not here yet, and those of its submodules.
fetch() {
	if ! has_revision; then
		promise
		fetch_from fetch "$1" "$fetch_mode" "$fetch_repo" "$revision" "refs/shipit/$release" refs
		pinned=yes
	fi
	guard_again
	[ "$submodules" != yes ] || modules "$1"
}

# git_unlocked: what git leaves when it is ended would stop it for ever, or fill the disk: locks, halves of packs, and pins that
# a machine that lost its power has kept in name only. Whoever has the lock is alone at work there.
git_unlocked() {
	[ "$(readlink "$S/lock")" = "${R##*/}" ] || return 0
	rm -f "$root/source/"*.lock "$root/source/objects/info/"*.lock "$root/source/objects/pack/"tmp_*
	find "$root/source/refs" -name '*.lock' -exec rm -f {} +
	find "$root/source/refs/shipit" -type f -size 0 -exec rm -f {} +
}

# pin: keeps the commit from git's clean-up as long as the release is kept; fails where it is not here.
pin() {
	run_tool git_here update-ref "refs/shipit/$release" "$revision" && pinned=yes
}

# fetch_all LIMIT: all branches and tags.
fetch_all() {
	promise
	fetch_from fetch "$1" "$fetch_mode" "$fetch_repo" '' '' refs
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
	*) fail branch-and-tag resolve "$repo" "$reference" ;;
	esac
	[ -z "$find_other" ] || { fact revision "$find_other" && return; }
	find_commit "$1"
}

# list_refs LIMIT PATTERN...: what the repository has of that, in $R/refs.
list_refs() {
	list_limit=$1
	shift
	# shellcheck disable=SC2016 # expanded by the job's own shell
	git_must resolve "$list_limit" "$root" /bin/sh -c "$GIT"'to=$1 && shift && git ls-remote "$@" >"$to"' shipit \
		"$R/refs" "$repo" "$@"
}

# find_commit LIMIT: no name of the repository's: the beginning of a commit id, which only a clone completes.
find_commit() {
	case $reference in
	*[!0-9a-f]* | ?? | ???) ;;
	*)
		[ -d "$root/source" ] || fail not-set-up resolve "$root/source"
		# Only all of history completes it.
		[ "$fetch_mode" != fast ] || fetch_mode=
		fetch_all "$1"
		find_is=$(git_here rev-parse --verify --quiet "$reference^{commit}") && fact revision "$find_is" && return
		;;
	esac
	find_names "$1"
	fail no-ref resolve "$repo" "$reference"
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
