# shellcheck shell=sh
# The questions of `check`: what a deploy will need here. They take no lock and do not touch the deploy path. Answers
# are words and values; messages and remedies are made on the operator's machine. Sent with the questions and not with
# the program, so that deploys do not carry it.

# found WORD VALUE...: an answer.
found() {
	fields "$@"
	say "found$fields"
}

# check_begin: the login, the package manager of this system, and where the questions may write.
check_begin() {
	check_me=$(id -un)
	check_packager=
	for check_tool in apt-get dnf yum zypper apk pacman; do
		command -v "$check_tool" >/dev/null && check_packager=$check_tool && break
	done
	found me "$check_me" "$(id -u)" "$check_packager" "$root" "$HOME"
	check_room
	check_path
	check_foreign
	check_free_space
}

# check_room: where the questions may write, and where they run.
check_room() {
	check_home=$HOME
	[ -d "$HOME" ] || { found home "$HOME" && check_home=/; }
	check_scratch=
	if [ -d "$R/$TOKEN" ] && printf . 2>/dev/null >"$R/said"; then check_scratch=yes; else found scratch "${TMPDIR:-/tmp}"; fi
}

# check_closed DIR: tells a directory that this login cannot work in: its owner, and its mode as ls prints it.
check_closed() {
	[ ! -w "$1" ] || [ ! -x "$1" ] || return 1
	check_owner "$1"
}

# check_owner DIR: tells its owner and its mode.
check_owner() {
	check_dir=$1
	# shellcheck disable=SC2046 # fields of ls
	set -- $(LC_ALL=C ls -ld "$1" 2>/dev/null)
	found closed "$check_dir" "${3:-}" "${1:-}"
}

# check_path: the deploy path, or the directory in which it would be made.
check_path() {
	check_at=$root
	while [ ! -e "$check_at" ] && [ ! -L "$check_at" ]; do
		check_at=${check_at%/*}
		[ -n "$check_at" ] || check_at=/
	done
	if [ ! -d "$check_at" ]; then
		found blocked "$check_at"
		# The questions that follow need an existing directory.
		while [ ! -d "$check_at" ]; do
			check_at=${check_at%/*}
			[ -n "$check_at" ] || check_at=/
		done
	elif [ "$check_at" != "$root" ]; then
		check_closed "$check_at"
	elif ! (need_own_login check) 3>/dev/null; then
		check_owner "$S"
	else
		for check_part in "$root" "$root/releases" "$root/shared" "$S" "$S/journal" "$S/releases" "$S/logs" \
			"$root/source" "$clone/objects" "$clone/refs"; do
			[ -d "$check_part" ] || continue
			! check_closed "$check_part" || break
		done
	fi
}

# check_foreign: what exists where shipit's own files will be.
check_foreign() {
	if [ -L "$root/current" ]; then
		check_live=$(readlink "$root/current")
		if is_ours "$check_live"; then
			look_at "$ours_is"
			[ -z "$damage" ] || found damaged "$ours_is" "$damage"
		elif ! adoptable; then
			found foreign "$root/current" "$check_live"
		fi
	elif [ -e "$root/current" ]; then
		found foreign "$root/current" ''
	fi
	[ ! -e "$root/source/.git" ] || [ "$clone" != "$root/source" ] || found foreign "$root/source" ''
	[ -d "$S/journal" ] && [ -d "$clone/objects" ] || found 'setup' missing
	! source_is_damaged || found source-damaged "$root/source"
}

# check_free_space: free kB and inodes, kB that the live release takes, and where the file system is mounted; measured
# as a deploy does (need_space).
check_free_space() {
	check_want=0
	# shellcheck disable=SC2046 # seven words of head, then: file system, blocks, used, free
	set -- $(LC_ALL=C df -Pk "$check_at" 2>/dev/null)
	if [ $# -gt 10 ]; then
		shift 7
		if is_number "$3" && is_number "$4"; then
			if [ "$4" -le "$3" ] && [ -d "$root/current/" ]; then
				check_want=$(du -sk "$root/current/" 2>/dev/null)
				check_want=${check_want%%[!0-9]*}
			fi
			found space "$4" "${check_want:-0}" "$6"
		fi
	fi
	# shellcheck disable=SC2046 # as above; not every busybox counts inodes, and not every file system has a number of them
	set -- $(LC_ALL=C df -Pi "$check_at" 2>/dev/null)
	[ $# -le 10 ] || found inodes "$9" "${11}" "${13:-/}"
}

# check_git: its version, or the PATH on which it is missing.
check_git() {
	check_version=$(git --version 2>/dev/null) || check_version=
	found git "${check_version#git version }" "$PATH"
}

# check_run LIMIT COMMAND...: runs a job in the C locale; its output is in $R/said.
check_run() {
	check_limit=$1
	shift
	# shellcheck disable=SC2016 # expanded by the job's own shell
	run_job "$check_limit" "$check_home" /bin/sh -c 'said=$1; shift; LC_ALL=C; export LC_ALL; exec "$@" >"$said" 2>&1' shipit "$R/said" "$@"
}

# check_repository LIMIT SERVER PORT: this host's own access, and whether the ref exists. SERVER and PORT are set for a
# repository behind ssh.
check_repository() {
	[ -n "$check_scratch" ] && [ -n "$check_version" ] || return 0
	git_access
	check_branch=${reference#refs/} check_tag=${reference#refs/} check_named=
	check_branch=${check_branch#heads/}
	# shellcheck disable=SC2016 # expanded by the job's own shell
	check_run "$1" /bin/sh -c "$GIT"'git ls-remote "$@"' shipit "$repo" HEAD "refs/heads/${check_branch#origin/}" \
		"refs/tags/${check_tag#tags/}" "$reference"
	git_access_end
	case $why/$code in
	'exit/0')
		git_why=ok
		while IFS=$TAB read -r check_id check_ref; do
			[ "${#check_id}/$check_ref" != 64/HEAD ] || git_why='format'
			case $check_ref in
			"refs/heads/${check_branch#origin/}" | "refs/tags/${check_tag#tags/}" | "$reference") check_named=yes ;;
			esac
		done <"$R/said"
		case $check_named:$reference in
		yes:*) ;;
		# A commit, or the beginning of its id: only a clone can tell.
		:*[!0-9a-fA-F]* | :? | :?? | :???) found no-ref "$reference" ;;
		esac
		;;
	limit/*) git_why=slow ;;
	*) git_why "$R/said" 0 "$code" ;;
	esac
	found repository "$git_why" "$(check_words "$R/said")"
	case $git_why in
	unknown-key) check_server "$1" "$2" "$3" ;;
	denied)
		for check_key in "$HOME"/.ssh/id_*.pub; do
			[ ! -f "$check_key" ] || found key "$check_key"
		done
		;;
	esac
}

# check_words FILE: prints the most useful line of what git and ssh said: the first that is neither decoration nor
# advice.
check_words() {
	grep -v -e '^[[:space:]]*$' -e '^@' -e '^Warning: Permanently' -e '^Cloning into' "$1" 2>/dev/null | head -n 1 | head -c 300
}

# check_server LIMIT SERVER PORT: tells the keys that the git server shows to this host, with their fingerprints, and
# the file in which ssh looks for them. What ssh_config says about the server counts.
check_server() {
	[ -n "$2" ] && command -v ssh-keyscan >/dev/null || return 0
	check_name=$2 check_port=${3:-22} check_file=
	# If the address has no port, ssh_config may set one.
	if [ -n "$3" ]; then set -- "$1" -p "$3" "$2"; else set -- "$1" "$2"; fi
	check_wait=$1
	shift
	check_run "$check_wait" ssh -G "$@"
	while read -r check_key check_value _; do
		case $check_key in
		hostname) check_name=$check_value ;;
		port) check_port=$check_value ;;
		userknownhostsfile) check_file=$check_value ;;
		esac
	done <"$R/said"
	check_run "$check_wait" ssh-keyscan -T 10 -p "$check_port" -t ed25519,ecdsa,rsa "$check_name"
	grep -v '^#' "$R/said" >"$R/keys"
	while read -r check_line; do
		printf '%s\n' "$check_line" >"$R/said"
		check_print=$(ssh-keygen -lf "$R/said" 2>/dev/null) || continue
		check_print=${check_print#* }
		found server-key "${check_print%% *}" "$check_line" "$check_file"
	done <"$R/keys"
}

# What a text of the user would find: missing commands go to $2/missing. The positional parameters are emptied first,
# for a profile that reads them.
# shellcheck disable=SC2016 # expanded by the hook's shell
CHECK_TOOLS='shipit_meta=$1 shipit_at=$2
shift $#
. "$shipit_meta/enter"
. "$shipit_meta/env" || exit 14
while read -r shipit_word; do
	command -v "$shipit_word" >/dev/null 2>&1 || printf "%s\n" "$shipit_word"
done <"$shipit_at/words" >"$shipit_at/missing"
exit 0'

# check_tools WORD...: the hooks' shell and what it reads first, and the commands that the hooks begin with.
check_tools() {
	[ -n "$check_scratch" ] || return 0
	M=$R/meta
	write_meta "$M"
	(choose_shell "$M") 3>/dev/null || {
		found shell "$shell" "${SHELL:-}"
		return
	}
	choose_shell "$M"
	set_hook_env '' '' '' check
	if [ $# = 0 ]; then mark "$R/words"; else printf '%s\n' "$@" >"$R/words"; fi
	check_run 30 "$with_shell" "$with_option" "$CHECK_TOOLS" shipit "$M" "$R"
	if [ "$why/$code" != 'exit/0' ]; then
		found profile "$why" "$code" "$(check_words "$R/said")"
		return
	fi
	check_entered=yes
	[ -s "$R/missing" ] || return 0
	check_login
	while read -r check_word; do
		found tool "$check_word" "$(check_find "$check_word")"
	done <"$R/missing"
}

# check_supervisor STEP LIMIT KIND KEY VALUE...: what the adapter answers in STEP: `check`, what a deploy would find, as far as
# it can be seen without a release; `today`, how apps run. It changes nothing, and lies with all else of this run. After
# check_tools.
check_supervisor() {
	[ -n "${check_entered:-}" ] || return 0
	check_step=$1 check_limit=$2
	shift 2
	store_supervisor "$@"
	adapter_file=$M/supervisor.$store_number
	read_kind "$adapter_file" || return 0
	eval "check_text=\${adapter_$adapter_kind:-}"
	[ -n "$check_text" ] && printf '%s' "$check_text" >"$R/adapter" || return 0
	rm -f "$R/answer"
	check_live=
	! is_ours "$(readlink "$root/current")" || check_live=$ours_is
	set_hook_env "$check_live" '' '' check
	check_run "$check_limit" "$with_shell" "$with_option" "$ENTER_ADAPTER" shipit "$M" \
		"$adapter_with" "$R/adapter" "$check_step" "$root" "$check_live" "$M" "$adapter_file" "$R" check "$check_limit"
	# Of what the session lacks, check_tools has told.
	case $why/$code in
	'exit/0' | 'exit/10') ;;
	limit/*) found supervisor timed-out "$check_limit" ;;
	*) found supervisor step-failed "$code" ;;
	esac
	[ -s "$R/answer" ] || return 0
	head -c 65536 "$R/answer" >"$R/heard" || return 0
	while IFS= read -r check_line; do
		case $check_line in
		reason"$TAB"?*) check_word=supervisor ;;
		warning"$TAB"?*) check_word=supervisor-warning ;;
		app"$TAB"?*) check_word=app ;;
		*) continue ;;
		esac
		printf '%s\t%s\tfound\t%s\t%s\n' "$N" "$SEQ" "$check_word" "${check_line#*"$TAB"}" >&3
	done <"$R/heard"
}

# check_login: the PATH of a person that logs in; first without, then with what only terminals read.
check_login() {
	check_paths=
	export SHIPIT_PATHS="$R/paths"
	case ${SHELL##*/} in
	sh | bash | dash | ash | ksh | mksh | zsh | fish) ;;
	*) return ;;
	esac
	for check_option in -lc -ilc; do
		# shellcheck disable=SC2016 # expanded by the login shell
		check_run 10 "$SHELL" "$check_option" 'env >"$SHIPIT_PATHS"'
		check_value=$(grep '^PATH=' "$R/paths" 2>/dev/null | head -n 1)
		check_paths=$check_paths:${check_value#PATH=}
	done
}

# check_find WORD: prints the directory of the login's PATH that has it.
check_find() {
	check_rest=$check_paths:
	while [ -n "$check_rest" ]; do
		check_dir=${check_rest%%:*}
		check_rest=${check_rest#*:}
		[ -n "$check_dir" ] && [ -f "$check_dir/$1" ] && [ -x "$check_dir/$1" ] || continue
		# fnm makes a directory of links for each session, which is gone with it: what it leads to stays.
		cd -P "$check_dir" && pwd -P
		return
	done
}

# check_session: whether logind ends what a session leaves behind, by the rules of logind.conf(5).
check_session() {
	[ -d /run/systemd/system ] || return 0
	[ -e "/var/lib/systemd/linger/$check_me" ] || found linger no
	# logind ends nothing of a session that it does not know.
	[ -n "${XDG_SESSION_ID:-}" ] || return 0
	check_kill=no check_only='' check_except=''
	for check_dir in /etc /run /usr/local/lib /usr/lib; do
		check_conf=$check_dir/systemd/logind.conf
		if [ -r "$check_conf" ]; then
			check_logind "$check_conf"
			break
		fi
	done
	for check_name in $(check_dropins); do
		for check_dir in /etc /run /usr/local/lib /usr/lib; do
			check_conf=$check_dir/systemd/logind.conf.d/$check_name
			if [ -r "$check_conf" ]; then
				check_logind "$check_conf"
				break
			fi
		done
	done
	case " ${check_except:-root} " in
	*" $check_me "*) return 0 ;;
	esac
	case " $check_only " in
	'  ') ;;
	*" $check_me "*) check_kill=yes ;;
	*) check_kill=no ;;
	esac
	[ "$check_kill" = no ] || found kills "$check_me"
}

# check_dropins: prints their names, in the order in which they are read. Such names contain no blanks.
check_dropins() {
	for check_conf in /etc/systemd/logind.conf.d/*.conf /run/systemd/logind.conf.d/*.conf \
		/usr/local/lib/systemd/logind.conf.d/*.conf /usr/lib/systemd/logind.conf.d/*.conf; do
		[ ! -e "$check_conf" ] || echo "${check_conf##*/}"
	done | LC_ALL=C sort -u
}

# check_logind FILE: reads its settings. A list grows from file to file, and an empty value empties it.
check_logind() {
	while IFS='=' read -r check_key check_value || [ -n "$check_key" ]; do
		# shellcheck disable=SC2086 # blanks around the sign mean nothing
		set -- $check_key
		check_key=${1:-}
		# shellcheck disable=SC2086
		set -- $check_value
		case $check_key in
		KillUserProcesses)
			case ${1:-} in
			1 | [yY] | [yY][eE][sS] | [tT] | [tT][rR][uU][eE] | [oO][nN]) check_kill=yes ;;
			*) check_kill=no ;;
			esac
			;;
		KillOnlyUsers) if [ $# = 0 ]; then check_only=; else check_only="$check_only $*"; fi ;;
		KillExcludeUsers) if [ $# = 0 ]; then check_except=; else check_except="$check_except $*"; fi ;;
		esac
	done <"$1"
}
