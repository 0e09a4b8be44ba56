# shellcheck shell=sh
# The deploy path has one owner: one login, one app, and a layout that this program knows.

# The number of the layout below .shipit. An older one is read; what a newer shipit made may mean something else.
FORMAT=1

# need_layout STEP: this login may read .shipit, and this program knows its layout.
need_layout() {
	[ -d "$S" ] || return 0
	[ -x "$S" ] || need_own_login "$1"
	format_is=
	read -r format_is 2>/dev/null <"$S/format" || [ -n "$format_is" ] || return 0
	! is_number "$format_is" || [ "$format_is" -gt $FORMAT ] || return 0
	fail newer-layout "$1" "$S" "$format_is"
}

# need_own_login STEP: .shipit belongs to this login. A second login could not roll back what the first one deployed:
# only the first can read its `env`.
need_own_login() {
	# shellcheck disable=SC3067 # -O: POSIX.1-2024, and in all of dash, bash and busybox ash
	if [ ! -d "$S" ] || [ -O "$S" ]; then return 0; fi
	# A file server may give all files to one login; then it gives it ours too.
	login_probe=$S/.shipit-probe
	login_is=
	if [ -w "$S" ] && mark "$login_probe" 2>/dev/null; then
		login_of "$login_probe"
		rm -f "$login_probe"
	fi
	login_ours=$login_is
	login_of "$S"
	[ "$login_is" = "$login_ours" ] || fail other-login "$1" "$S" "$login_is"
}

# login_of PATH: sets $login_is to the login that it belongs to.
login_of() {
	# shellcheck disable=SC2046 # fields of ls
	set -- $(LC_ALL=C ls -ld "$1" 2>/dev/null)
	login_is=${3:-}
}

# need_path_apart STEP: no deploy path lies in another: a prune of the outer one would remove files of the inner one.
need_path_apart() {
	for apart_path in "$root" "$(cd -P "$root" && pwd -P)"; do
		while apart_path=${apart_path%/*} && [ -n "$apart_path" ]; do
			! is_deploy_path "$apart_path" || path_overlaps "$1" "$apart_path"
		done
	done
	for apart_path in "$root"/*/.shipit "$root"/*/*/.shipit; do
		# What is in a release is of the repository, whatever it is called.
		case ${apart_path#"$root/"} in
		current/* | releases/* | source/*) continue ;;
		esac
		! is_deploy_path "${apart_path%/.shipit}" || path_overlaps "$1" "${apart_path%/.shipit}"
	done
}

is_deploy_path() {
	[ -d "$1/.shipit" ] && [ -d "$1/releases" ]
}

# path_overlaps STEP OTHER
path_overlaps() {
	app_environment='' app_name=''
	IFS=$TAB read -r app_environment app_name _ 2>/dev/null <"$2/.shipit/app"
	fail paths-overlap "$1" "$root" "$2" "${app_name:-unknown}" "${app_environment:-unknown}"
}

# claim_path: under the lock: writes the number of the layout, and whose path this is, unless that is known. On a full
# disk it is written another time.
claim_path() {
	[ -s "$S/format" ] || echo $FORMAT 2>/dev/null >"$S/format"
	[ -s "$S/app" ] || record_app
}

# record_app: writes whose path this is: environment, app, repository. A reader finds the old line or the new one.
record_app() {
	app_line=
	IFS= read -r app_line 2>/dev/null <"$S/app"
	[ "$app_line" != "$environment$TAB$app$TAB$repo" ] || return 0
	umask 077
	printf '%s\t%s\t%s\n' "$environment" "$app" "$repo" 2>/dev/null >"$R/app" && mv -f "$R/app" "$S/app"
	umask "$mask"
}

# read_app: sets $app_environment, $app_name and $app_repo to whose path this is, as far as that is known.
read_app() {
	app_environment='' app_name='' app_repo=''
	IFS=$TAB read -r app_environment app_name app_repo 2>/dev/null <"$S/app"
}

# tell_environment: tells the environment that was last live here, if it is another one.
tell_environment() {
	read_app
	[ -z "$app_environment" ] || [ "$app_environment" = "$environment" ] || fact other-environment "$app_environment"
}

# refuse_unrelated: the path of another repository. One that only moved to another address has the same history.
refuse_unrelated() {
	read_app
	if [ -z "$from_revision" ] || [ -z "$app_repo" ] || [ "$app_repo" = "$repo" ]; then return 0; fi
	git_source merge-base "$revision" "$from_revision" >/dev/null 2>&1 && return
	# Nothing can be said without the live commit, or with part of the history.
	[ ! -f "$clone/shallow" ] && git_source cat-file -e "$from_revision^{commit}" 2>/dev/null || return 0
	fail other-repository check "$root" "$app_name" "$app_environment"
}
