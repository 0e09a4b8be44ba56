# shellcheck shell=sh
# Runs the user's command in `current`, for `exec`.

# raw LIMIT DIR COMMAND...: runs it as a job, and passes its output through unchanged.
raw() {
	job_dir=$2
	why=$(with_user_env setsid /bin/sh -c "$JOB" shipit-job "$R" "$TOKEN" "$@" 6>&1 </dev/null >&3 2>&5 3>&- 4>&- 5>&-)
	code=$?
	job_ended
	printf '%s\teof\n' "$N" >&5
	[ -z "$why" ] || step_failed 'exec' "$1"
	say code "$code"
}

# exec_ready ACTION
exec_ready() {
	M=$R/meta
	[ -d "$R" ] || fail no-scratch "$1" "${TMPDIR:-/tmp}"
	[ -d "$root/current" ] || fail nothing-live "$1" "$root/current"
	exec_release=$(readlink "$root/current")
	release=$exec_release
	! is_ours "$exec_release" || release=$ours_is
	revision=
	[ ! -f "$root/current/REVISION" ] || read -r revision <"$root/current/REVISION"
	write_meta "$M"
	set_hook_env "$release" "$revision" '' "$1"
	choose_shell "$M"
}

exec_text() {
	exec_ready 'exec'
	store_step 'exec' 0 "$1"
	raw $FOREVER "$root/current" "$with_shell" "$with_option" "$with_text" shipit "$M" "$M/steps/exec.10.0"
}

exec_argv() {
	exec_ready 'exec'
	raw $FOREVER "$root/current" "$with_shell" "$with_option" "$ENTER_ARGV" shipit "$M" '' "$@"
}
