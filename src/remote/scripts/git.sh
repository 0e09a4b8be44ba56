# shellcheck shell=sh
# The repository: the clone in $root/source, and where it fetches from. Why git failed is one word (git_why), never prose: messages
# and commands are made on the operator's machine (src/remote/access.rs).

# What no setting of the login may change, an option a line: what is deployed and how it is read, and what may be
# executed. Options of the command stand above all files, and above what a login has in its environment. Its
# credentials, proxies and other addresses (insteadOf) hold. Hooks of the user do not see them.
GIT_SETTINGS='-c
core.autocrlf=false
-c
core.eol=lf
-c
core.safecrlf=false
-c
core.symlinks=true
-c
core.fileMode=true
-c
core.quotePath=true
-c
core.sparseCheckout=false
-c
core.protectHFS=true
-c
core.protectNTFS=true
-c
core.hooksPath=/dev/null
-c
core.attributesFile=/dev/null
-c
core.fsmonitor=false
-c
core.splitIndex=false
-c
submodule.recurse=false
-c
fetch.recurseSubmodules=false
-c
maintenance.auto=false
-c
log.showSignature=false
-c
protocol.ext.allow=never'

# find_clone: sets $clone, and $clone_refs, below which branches are fetched. In a work tree that pm2 deploy made, the clone
# is its git directory, and the branches there are not ours.
find_clone() {
	clone=$root/source clone_refs=refs
	[ ! -d "$clone/.git/objects" ] || clone=$clone/.git clone_refs=refs/fetched
}

# git_source ARGUMENT...: git in the clone. It never asks the server: what a partial clone lacks is missing here.
git_source() {
	# shellcheck disable=SC2086 # no setting contains a blank
	GIT_NO_LAZY_FETCH=1 GIT_ATTR_NOSYSTEM=1 git $GIT_SETTINGS --git-dir="$clone" "$@"
}

need_git() {
	command -v git >/dev/null && return
	fail no-git "$1" "$PATH"
}

# git_why FILE FROM CODE: sets $git_why to the word for why git, which ended with CODE, could not reach a repository;
# empty if that is unknown. git printed to FILE, after FROM bytes, in the C locale. The most serious cause comes first:
# a full disk, for example, makes ssh lose keys.
git_why() {
	git_text=$(tail -c "+$(($2 + 1))" "$1" 2>/dev/null | head -c "$TAIL")
	case $git_text in
	*'No space left on device'* | *'Disk quota exceeded'*) git_why=full ;;
	*'detected dubious ownership in repository at '*"'$clone'"*) git_why=owner-source ;;
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
	*'Unable to create '*'.lock'*': File exists'*) git_why=locked ;;
	*'mismatched algorithms'*) git_why='format' ;;
	*'object file '*' is empty'* | *'loose object '*' is corrupt'* | *'inflate: data stream error'*) git_why=damaged ;;
	*'bad object refs/'* | *'unable to read sha1 file of '* | *'packfile '*' is too small'*) git_why=damaged ;;
	*'not our ref'* | *'nonexistent object'* | *'not a valid SHA1'*) git_why=no-commit ;;
	*'epository not found'* | *'does not appear to be a git repository'* | *'does not exist'* | *'could not be found'*) git_why=missing ;;
	*'repository '*' not found'* | *'not exported'* | *' DENIED by '* | *'returned error: 404'*) git_why=missing ;;
	*'Failed to connect'* | *'Connection reset'* | *'Connection closed'* | *"Couldn't connect"*) git_why='cut' ;;
	*) git_why='' ;;
	esac
	# On a full disk nothing of what git printed may have been written.
	[ -n "$git_why$git_text" ] || printf . 2>/dev/null >"$R/probe" || git_why=full
	rm -f "$R/probe"
	[ "$3" != 129 ] || git_why=old
}

# The start of every job that asks a git server. The operator's token reaches git through the environment of that job,
# and only for its server. No credential helper of the host sees it: a helper would store it.
# shellcheck disable=SC2016 # expanded by the job's own shell
GIT='git() {
	[ -n "$SHIPIT_REPO_TOKEN" ] || { command git $SHIPIT_GIT "$@"; return; }
	command git $SHIPIT_GIT -c "credential.$SHIPIT_TOKEN_FOR.helper=" -c "credential.$SHIPIT_TOKEN_FOR.helper=$SHIPIT_HELPER" "$@"
}
'
# shellcheck disable=SC2016 # expanded by the helper's own shell
HELPER='!f() { [ "$1" != get ] || printf "username=%s\npassword=%s\n" "$SHIPIT_TOKEN_USER" "$SHIPIT_REPO_TOKEN"; }; f'

# git_access: gives what is started next the operator's access, and the C locale. How git runs ssh is decided by the
# operator (repo-key), then by the login; if neither does, ssh may not ask questions.
git_access() {
	git_alone
	export SHIPIT_REPO_TOKEN="$data_token" SHIPIT_TOKEN_FOR="$token_for" SHIPIT_TOKEN_USER="$token_user"
	export SHIPIT_HELPER="$HELPER"
	unset GIT_NO_LAZY_FETCH
	if [ -n "$ssh_command" ]; then
		export GIT_SSH_COMMAND="$ssh_command"
	elif [ -z "$login_ssh${GIT_SSH:-}" ] && ! git config core.sshCommand >/dev/null 2>&1; then
		export GIT_SSH_COMMAND='ssh -o BatchMode=yes'
	fi
}

# git_alone: the same for a git that asks no server: our settings and the C locale.
git_alone() {
	login_ssh=${GIT_SSH_COMMAND:-}
	export LC_ALL=C SHIPIT_REPO_TOKEN='' SHIPIT_GIT="$GIT_SETTINGS" GIT_ATTR_NOSYSTEM=1 GIT_NO_LAZY_FETCH=1
}

git_access_end() {
	if [ -n "$locale" ]; then LC_ALL=$locale; else unset LC_ALL; fi
	if [ -n "$login_ssh" ]; then GIT_SSH_COMMAND=$login_ssh; else unset GIT_SSH_COMMAND; fi
	unset SHIPIT_REPO_TOKEN SHIPIT_TOKEN_FOR SHIPIT_TOKEN_USER SHIPIT_HELPER SHIPIT_GIT GIT_ATTR_NOSYSTEM GIT_NO_LAZY_FETCH
}

# run_git STEP LIMIT DIR COMMAND...: like run_step, for a git that asks a server. A failure sets $git_why.
run_git() {
	need_repo_key "$1"
	git_access
	run_step "$@"
	git_access_end
	git_ended
}

# git_ended: whether the last step was good; if not, $git_why says why git failed.
git_ended() {
	git_why=
	[ "$code" != 0 ] || return 0
	[ "$why" != 'exit' ] || git_why "$LOG" "$step_from" "$code"
	return 1
}

# git_failed STEP LIMIT: ends the script with the reason for which run_git failed.
git_failed() {
	[ -n "$git_why" ] || step_failed "$1" "$2"
	fail git-access "$1" "$git_why" "$code"
}

# must_run_git STEP LIMIT DIR COMMAND...: the same; if it fails, the script ends.
must_run_git() {
	run_git "$@" || git_failed "$1" "$2"
}

# need_repo_key STEP: the key of the configuration has to be there: ssh would try other keys instead.
need_repo_key() {
	[ -n "$repo_key" ] || return 0
	case $repo_key in
	/*) git_key_is=$repo_key ;;
	*) git_key_is=$HOME/$repo_key ;;
	esac
	[ -r "$git_key_is" ] && return
	fail no-repo-key "$1" "$git_key_is"
}

# refuse_older: a commit that the live one contains is older, and an older CI job must not overwrite a newer one. In a
# shallow clone this is checked again when the commit was fetched.
refuse_older() {
	if [ -z "$from_revision" ] || [ "$revision" = "$from_revision" ]; then return 0; fi
	[ "$fetch_mode" != fast ] && [ ! -f "$clone/shallow" ] || mark "$R/guard"
	! has_revision || refuse_ancestor
}

refuse_ancestor() {
	git_source merge-base --is-ancestor "$revision" "$from_revision" 2>/dev/null || return 0
	fail older check "$revision" "$from_revision"
}

# refuse_older_again: what five commits of history tell. If they tell nothing, the dates decide.
refuse_older_again() {
	[ -e "$R/guard" ] && [ -f "$clone/shallow" ] || return 0
	refuse_ancestor
	git_source merge-base --is-ancestor "$from_revision" "$revision" 2>/dev/null && return
	guard_new=$(git_source show -s --format=%ct "$revision" 2>/dev/null)
	guard_live=$(git_source show -s --format=%ct "$from_revision" 2>/dev/null)
	is_number "$guard_new" || guard_new=0
	is_number "$guard_live" && [ "$guard_new" -lt "$guard_live" ] || return 0
	fail older-date check "$revision" "$from_revision"
}

# has_commit COMMIT: whether it is here with everything that belongs to it: a fetch that was interrupted may have left
# only the commit. What refs lead to is complete, so there is little to walk. A partial clone fetches missing files
# later, and is not to ask the server for them now.
has_commit() {
	if [ "$fetch_mode" = blobless ]; then
		git_source -c remote.origin.promisor=false cat-file -e "$1^{commit}" 2>/dev/null
	else
		git_source -c remote.origin.promisor=false rev-list --objects --quiet --exclude-promisor-objects "$1" \
			--not --all 2>/dev/null
	fi
}

# has_revision: the result is kept until a fetch may have changed it.
has_revision() {
	[ -n "$has" ] || { has_commit "$revision" && has=yes || has=no; }
	[ "$has" = yes ]
}

# Most servers give a commit by its id, which saves the list of all branches and tags. Otherwise some branch or tag
# contains it; if a shallow fetch is not enough, they are fetched with all their history. In both cases a ref pins the
# commit. Arguments: mode, repository, commit, ref that pins it, prefix for branches and tags.
# shellcheck disable=SC2016 # expanded by the job's own shell
FETCH='mode=$1 repo=$2 revision=$3 pin=$4 into=$5
[ -z "${6:-}" ] || { GIT_ALLOW_PROTOCOL=$6 && export GIT_ALLOW_PROTOCOL; }
# A partial clone that is shallow too would ask for what it lacks to find out what it lacks, for ever.
GIT_NO_LAZY_FETCH=1
export GIT_NO_LAZY_FETCH
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
	# A client that was rejected must not try twice: servers count failures.
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

# fetch_from STEP LIMIT MODE REPOSITORY COMMIT PIN INTO [PROTOCOLS]: see FETCH. Damaged objects are replaced, and locks
# that nobody holds removed: then it is tried once more.
fetch_from() {
	fetch_step=$1 fetch_limit=$2
	shift 2
	fetch_try "$@" || { fetch_mend && fetch_try "$@"; } || git_failed "$fetch_step" "$fetch_limit"
}

fetch_try() {
	GIT_DIR=$clone
	export GIT_DIR
	run_git "$fetch_step" "$fetch_limit" "$root" /bin/sh -c "$GIT$FETCH" shipit "$@"
	fetch_code=$?
	unset GIT_DIR
	return $fetch_code
}

fetch_mend() {
	case $git_why in
	damaged) mend_source "$fetch_limit" ;;
	locked) remove_git_locks ;;
	*) return 1 ;;
	esac
}

# set_promisor: sets $fetch_repo to what is fetched from. A partial clone asks its remote `origin` for files that it
# lacks.
set_promisor() {
	fetch_repo=$repo
	[ "$fetch_mode" = blobless ] || return 0
	fetch_repo=origin
	[ "$(git_source config remote.origin.url)" = "$repo" ] ||
		run_tool git_source config remote.origin.url "$repo" || fail cannot-configure fetch "$root/source" "$said"
}

# fetch LIMIT: fetches the commit, if it is not here, and those of its submodules.
fetch() {
	if ! has_revision; then
		set_promisor
		fetch_from fetch "$1" "$fetch_mode" "$fetch_repo" "$revision" "refs/shipit/$release" "$clone_refs"
		pinned=yes
	fi
	must_be_commit
	refuse_unrelated
	refuse_older_again
	[ "$submodules" != yes ] || fetch_modules "$1"
}

# must_be_commit: git checks trees out, too, and an annotated tag has another id than its commit: neither is older or newer
# than what is live. If git cannot say what it is, checkout will say why.
must_be_commit() {
	must_kind=$(git_source cat-file -t "$revision" 2>/dev/null) || return 0
	[ "$must_kind" = commit ] || fail not-a-commit fetch "$revision" "$must_kind"
}

# pin_revision: makes a ref, so that git keeps the commit as long as the release. Fails if the commit is not here.
pin_revision() {
	run_tool git_source update-ref "refs/shipit/$release" "$revision" && pinned=yes
}

# fetch_all LIMIT: fetches all branches and tags.
fetch_all() {
	set_promisor
	fetch_from fetch "$1" "$fetch_mode" "$fetch_repo" '' '' "$clone_refs"
}

# find_ref LIMIT: finds the commit of $reference with this host's own access to the repository.
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
	list_refs "$1" "refs/heads/$find_name" "$find_tag" "$find_tag^{}" "$find_full" "$find_full^{}"
	find_branch='' find_tagged='' find_other=''
	while IFS=$TAB read -r find_is find_ref; do
		[ ${#find_is} = 40 ] || fail git-access resolve 'format' 0
		case $find_ref in
		"refs/heads/$find_name") find_branch=$find_is ;;
		# The peeled line follows the tag's own line, and is the commit.
		"$find_tag" | "$find_tag^{}") find_tagged=$find_is ;;
		"$reference" | "$reference^{}") find_other=$find_is ;;
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

# list_refs LIMIT PATTERN...: writes the matching refs of the repository to $R/refs.
list_refs() {
	list_limit=$1
	shift
	# shellcheck disable=SC2016 # expanded by the job's own shell
	must_run_git resolve "$list_limit" "$root" /bin/sh -c "$GIT"'to=$1 && shift && git ls-remote "$@" >"$to"' shipit \
		"$R/refs" "$repo" "$@"
}

# find_commit LIMIT: $reference is no ref: perhaps the beginning of a commit id, which only a clone can complete.
find_commit() {
	case $reference in
	*[!0-9a-f]* | ?? | ???) ;;
	*)
		[ -d "$root/source" ] || fail not-set-up resolve "$root/source"
		# Only the whole history completes it.
		[ "$fetch_mode" != fast ] || fetch_mode=
		fetch_all "$1"
		find_is=$(git_source rev-parse --verify --quiet "$reference^{commit}") && fact revision "$find_is" && return
		;;
	esac
	find_similar_names "$1"
	fail no-ref resolve "$repo" "$reference"
}

# find_similar_names LIMIT: tells names that $reference may have been meant for, as one fact of bounded length.
find_similar_names() {
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
