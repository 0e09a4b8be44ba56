# shellcheck shell=sh
# Apps that a hook, or commands of the user's, reload with pm2: whether they run from the release that is live. pm2 keeps an
# app in the directory that it was started in, and calls a reload of it there a success. Where `supervisor` is pm2, its adapter
# tells. What the kernel says of processes counts, and pm2 itself is asked nothing.
#
# Where there is no /proc, nothing is found; and nothing is said of what runs elsewhere than in a release or in `source`.

# How long a process may still run from elsewhere: an old worker ends, or a new one has not gone to its directory yet.
PM2_ENDS_WITHIN=15

# verify_pm2: sets what service_failed reads, if it fails. A rollback is not failed by it.
verify_pm2() {
	! grep -qsx pm2 "$M/supervisor."[0-9][0-9] || return 0
	pm2_releases=$(cd -P "$root/releases" 2>/dev/null && pwd -P) || return 0
	pm2_release=$(cd -P "$root/releases/${M##*/}" 2>/dev/null && pwd -P) || return 0
	pm2_source=$(cd -P "$root/source" 2>/dev/null && pwd -P) || pm2_source=$root/source
	find_elsewhere || return 0
	if [ "$SHIPIT_ACTION" = rollback ]; then
		say notice "$pm2_name of pm2 runs from $pm2_place"
		return
	fi
	step_begin verify
	why=exit code=0 answer_fail=''
	await_release
	step_end
	return "$code"
}

# await_release: until nothing of pm2 runs from elsewhere. Sets $code, $why and $answer_fail.
await_release() {
	uptime
	pm2_until=$((up + PM2_ENDS_WITHIN))
	while :; do
		while process_start "$pm2_pid" && runs_elsewhere; do
			if [ -e "$R/stop" ]; then
				why=stop code=143
				return
			elif [ "$up" -ge "$pm2_until" ]; then
				fields "$pm2_name" "$pm2_place"
				code=$FAILED answer_fail=pm2-elsewhere$fields
				return
			fi
			pause
			uptime
		done
		find_elsewhere || return 0
	done
}

# find_elsewhere: finds a process that pm2's daemons of this login started, and that does not run from $pm2_release. Sets
# $pm2_pid, $pm2_place and $pm2_name.
find_elsewhere() {
	set --
	# shellcheck disable=SC2013 # a word is a name below /proc
	for pm2_daemon in $(grep -ls '^PM2 v[^:]*: God Daemon' /proc/[0-9]*/cmdline); do
		pm2_daemon=${pm2_daemon%/cmdline}
		[ ! -O "$pm2_daemon" ] || set -- "$@" "${pm2_daemon#/proc/}"
	done
	[ $# -gt 0 ] || return
	# shellcheck disable=SC2013 # a word is a number
	for pm2_pid in $(cat /proc/[0-9]*/stat 2>/dev/null | awk -v of=" $* " '
		$1 ~ /^[0-9]+$/ && match($0, /.*\) /) {
			split(substr($0, RLENGTH + 1), f, " ")
			if (index(of, " " f[2] " ")) print $1
		}'); do
		if [ -O "/proc/$pm2_pid" ] && runs_elsewhere && name_unless_free; then return 0; fi
	done
	return 1
}

# runs_elsewhere: whether the directory of $pm2_pid, or else its script, is in `source` or in another release. Sets $pm2_place.
runs_elsewhere() {
	pm2_place=$(readlink "/proc/$pm2_pid/cwd" 2>/dev/null)
	! is_elsewhere || return 0
	# pm2 makes `node SCRIPT` one word. A name is whole where something follows: it may cut that word.
	pm2_words=$NL$(tr '\0' '\n' 2>/dev/null <"/proc/$pm2_pid/cmdline")
	pm2_words=${pm2_words#"${NL}node "} pm2_words=$NL${pm2_words#"$NL"}
	for pm2_base in "$pm2_releases" "$root/releases"; do
		case $pm2_words in
		*"$NL$pm2_base"/*/*) ;;
		*) continue ;;
		esac
		pm2_place=${pm2_words#*"$NL$pm2_base/"}
		pm2_place=$pm2_releases/${pm2_place%%/*}
		is_elsewhere
		return
	done
	return 1
}

is_elsewhere() {
	case $pm2_place in
	"$pm2_release" | "$pm2_release"/*) return 1 ;;
	"$pm2_releases"/?* | "$pm2_source" | "$pm2_source"/* | "$pm2_source (deleted)") ;;
	*) return 1 ;;
	esac
}

# name_unless_free: fails where $pm2_pid is a job, which may run to its end where it is, or pm2's own server of files below
# `current`, which are live by themselves. Sets $pm2_name, with the app's name where pm2 gave it to the process: in fork mode as
# variables, in cluster mode as JSON.
name_unless_free() {
	pm2_name=$(tr '\0\n' '\n ' 2>/dev/null <"/proc/$pm2_pid/environ" | LIVE=$root/current awk '
		/^name=./ { name = substr($0, 6) }
		/^cron_restart=./ { cron = 1 }
		/^autorestart=false$/ { once = 1 }
		index($0 "/", "PM2_SERVE_PATH=" ENVIRON["LIVE"] "/") == 1 { live = 1 }
		index($0, "pm2_env={") == 1 {
			if (match($0, /"name":"[^"\\]*"/)) name = substr($0, RSTART + 8, RLENGTH - 9)
			if (index($0, "\"cron_restart\":\"")) cron = 1
			if (index($0, "\"autorestart\":false")) once = 1
			if (match($0, /"PM2_SERVE_PATH":"[^"\\]*/))
				live = index(substr($0, RSTART + 18, RLENGTH - 18) "/", ENVIRON["LIVE"] "/") == 1
		}
		END { if (live || (cron && once)) print "free"; else print "app " substr(name, 1, 200) }')
	[ "$pm2_name" != free ] || return
	pm2_name=${pm2_name#app} pm2_name=${pm2_name# }
	pm2_name=${pm2_name:-an app}" (process $pm2_pid)"
}
