# shellcheck shell=sh
# What the adapters of systemd, supervisord, runit and s6 share. An adapter is scripts/process.sh, this file, process.sh,
# steps.sh, shown.sh, the file of its kind (before it directories.sh, for runit and s6), then `main "$@"`:
#
#   /bin/sh ADAPTER STEP ROOT RELEASE META PARAMS RUN ACTION LIMIT
#
# It exits with 0 when the step is done, with 10 when it said why it failed (a line in RUN/answer); any other code means
# that the adapter itself broke. The file system may be full: then answers are missing, but the code is right.
#
# The file of a kind has the functions
#   find_supervisor         finds the tool; fails if it is missing, or if its daemon does not answer
#   find_members            sets $members: the names that the parameters mean, a word each
#   add_members             adds to the supervisor what only its configuration has; sets $added to their names
#   check_boot NAME         warns if it runs, and would not after a reboot
#   need_permission NAME    fails if this user may not do to it what a reload does
#   refresh                 asks the supervisor about all $members at once
#   look_at NAME            sets, from what refresh learnt, what is listed at look
#   tell_to VERB NAME       runs the tool: start, stop, restart or reload; called in a subshell
#   why_refused VERB NAME   after a tool that failed: fails, if the kind knows why
#   last_lines NAME         prints the last lines that the app logged
#   list_logs NAME          answers with `log` and `journal` lines
#   forget_started NAME     after it was stopped again: undoes what else was done to start it

TAB='	'
NL='
'
FAILED=10
# How long an app may go on after it was told to stop, before the next one is started beside it.
GONE_WITHIN=30

main() {
	set -f
	umask 077
	LC_ALL=C
	export LC_ALL
	noted=''
	step=$1 root=$2 release=$3 params=$5 run=$6 action=$7 limit=$8
	# What releases hold may be linked elsewhere; processes are seen at the real path.
	releases=$(cd -P "$root/releases" 2>/dev/null && pwd -P) || releases=$root/releases
	# Of a release that another tool made the name is a link.
	release_real=$releases/${release:-.}
	if [ -L "$releases/${release:-.}" ] && [ -d "$releases/$release/" ]; then release_real=$(cd -P "$releases/$release" && pwd -P); fi
	is_number "$limit" || limit=120
	uptime
	deadline=$((up + limit - 3))
	process_start $$
	began=${start:-0}
	read_params
	name_notes
	case $step in
	detect | check) detect ;;
	reload) reload ;;
	verify) verify ;;
	stop) stop_started ;;
	status) show_status ;;
	logs) show_logs ;;
	save) ;;
	*) exit 64 ;;
	esac
}

# --- parameters and answers

# Not every kind has all of them.
# shellcheck disable=SC2034
read_params() {
	kind='' names='' strategy=restart stable=5 port='' sudo='' scope='' file='' slow_tool=''
	while IFS= read -r params_line || [ -n "$params_line" ]; do
		if [ -z "$kind" ]; then
			kind=$params_line
			continue
		fi
		params_value=${params_line#*"$TAB"}
		case ${params_line%%"$TAB"*} in
		unit | service) names="$names $params_value" ;;
		strategy) strategy=$params_value ;;
		stable-for) stable=$params_value ;;
		wait-port) port=$params_value ;;
		sudo) sudo=$params_value ;;
		scope) scope=$params_value ;;
		file) file=$params_value ;;
		esac
	done <"$params"
	[ -n "$kind" ] || exit 65
	is_number "$stable" || stable=5
	is_number "$port" || port=''
	[ "$sudo" = yes ] || sudo=''
}

# name_notes: what is noted is called by what it is of, and not by its place in the list of supervisors: the release before
# may have another list. $notes: how all of them begin; $before: what ran before a reload; $after: what it started.
name_notes() {
	notes_of=$(printf '%s' "$scope$names" | cksum)
	notes=$run/adapter.$kind.${notes_of%% *}
	before=$notes.before after=$notes.after
}

# answer WORD FIELD...: adds a line to what the operator is told.
answer() {
	answer_line=
	for answer_field in "$@"; do
		case $answer_field in
		*["$TAB$NL"]*) answer_field=$(printf '%s' "$answer_field" | tr '\t\n' '  ') ;;
		esac
		answer_line=$answer_line${answer_line:+"$TAB"}${answer_field:--}
	done
	{ printf '%s\n' "$answer_line" >>"$run/answer"; } 2>/dev/null || return 0
}

# fail REASON FIELD...: ends the step.
fail() {
	answer reason "$@"
	exit $FAILED
}

warn() {
	answer warning "$@"
}

# words_of TEXT: sets $said to the last line of what a tool printed, which is where it says what is wrong. (systemctl adds
# where to read more.)
words_of() {
	said=$1
	while :; do
		case $said in
		*["$NL$TAB "]) said=${said%?} ;;
		*"$NL"'See '*) said=${said%"$NL"*} ;;
		*) break ;;
		esac
	done
	said=${said##*"$NL"}
	[ "${#said}" -le 500 ] || said=$(printf '%s' "$said" | cut -c 1-500)
}

# as_allowed COMMAND...: runs it, by sudo where the parameters say so.
as_allowed() {
	if [ -n "$sudo" ]; then
		sudo -n "$@"
	else
		"$@"
	fi
}

# need_tool TOOL: fails if it is not on the PATH.
need_tool() {
	for need_tool in "$1" ${sudo:+sudo}; do
		command -v "$need_tool" >/dev/null 2>&1 || fail no-supervisor "$kind" "$need_tool" "$PATH"
	done
}

# need_sudo NAME COMMAND...: fails if sudo does not let this user run the command without a password. It runs nothing.
need_sudo() {
	need_sudo=$1
	shift
	need_said=$(sudo -n -l "$@" 2>&1) && return
	words_of "$need_said"
	fail not-permitted "$kind" "$need_sudo" "sudo $*: ${said:-not allowed}"
}

# --- time

# hundredths: sets $up to hundredths of a second instead.
hundredths() {
	read -r up _ </proc/uptime
	up=${up%%.*}${up#*.}
}

# within SECONDS: sets $until to a time in so many seconds, or to the end of what the step may take.
within() {
	uptime
	until=$((up + $1))
	[ "$until" -le "$deadline" ] || until=$deadline
}

# pause_to_ask: between two questions to the supervisor. Where each question starts an interpreter ($slow_tool), asking all
# the time would cost the host more than the app that it waits for.
pause_to_ask() {
	pause
	[ -z "$slow_tool" ] || {
		pause
		pause
	}
}

# in_time: whether $until is yet to come.
in_time() {
	uptime
	[ "$up" -lt "$until" ]
}
