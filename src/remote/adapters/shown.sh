# shellcheck shell=sh
# What is shown of services: their state and what they use, and where their logs are. The same for all kinds. See common.sh.

show_status() {
	find_supervisor
	find_members
	refresh
	status_code=0 status_pids=''
	for member in $members; do
		look_again "$member"
		[ -z "$start" ] || status_pids="$status_pids $pid"
	done
	# shellcheck disable=SC2086
	used=$NL$(usage_of $status_pids)$NL
	now=$(date +%s)
	uptime
	for member in $members; do
		look_again "$member"
		status_since='' runs=''
		if [ -n "$pid" ]; then
			release_of "$pid"
			# A clock tick is a hundredth of a second wherever programs are told of ticks.
			[ -z "$start" ] || status_since=$((now - up + start / 100))
		fi
		[ "$runs" != current ] || runs=
		used_by "$pid"
		answer process "$state" "$pid" "$status_since" "$restarts" "$runs" "$member" "$cpu" "$memory"
		case $state in
		up | job) ;;
		*) status_code=1 ;;
		esac
	done
	return "$status_code"
}

# used_by PID: sets $cpu and $memory to what is in $used of it, or to nothing.
used_by() {
	cpu='' memory=''
	case $used in
	*"$NL${1:-none} "*) ;;
	*) return ;;
	esac
	memory=${used#*"$NL$1 "}
	memory=${memory%%"$NL"*}
	cpu=${memory% *}
	memory=${memory#* }
}

# usage_of PID...: prints of each that is there its pid, the processor time that it and all that it started use, in percent of
# one processor over half a second, and their memory in bytes; `-` for what is not known. What was used since the start would
# say little of now. A tick is a hundredth of a second wherever programs are told of ticks. The time of a process that ends
# goes to the one that waits for it, so it is counted with that one.
usage_of() {
	[ $# != 0 ] || return 0
	awk -v roots="$*" '
		function look(  all, line, f, p, at, up) {
			split("", parent); split("", ticks); split("", used); split("", kb)
			all = "cat /proc/[0-9]*/stat 2>/dev/null"
			while ((all | getline line) > 0) {
				if (line !~ /^[0-9]+ / || !match(line, /.*\) /)) continue
				split(substr(line, RLENGTH + 1), f, " ")
				p = line + 0
				parent[p] = f[2] + 0
				ticks[p] = f[12] + f[13] + f[14] + f[15]
			}
			close(all)
			getline line <"/proc/uptime"
			close("/proc/uptime")
			up = line + 0
			for (p in parent) {
				at = root_of(p)
				if (at == "") continue
				used[at] += ticks[p]
				members[p] = at
			}
			return up
		}
		function root_of(p,  steps) {
			for (steps = 0; p in parent && steps < 1000; steps++) {
				if (p in is_root) return p
				p = parent[p]
			}
			return ""
		}
		function memory(p,  file, line, f) {
			file = "/proc/" p "/status"
			while ((getline line <file) > 0) {
				if (line ~ /^VmRSS:/ && split(line, f, " ") > 1) kb[members[p]] += f[2]
			}
			close(file)
		}
		BEGIN {
			for (count = split(roots, root, " "); count > 0; count--) is_root[root[count] + 0]
			since = look()
			for (p in used) before[p] = used[p]
			system("sleep 0.5 2>/dev/null || sleep 1")
			split("", members)
			lasted = look() - since
			for (p in members) memory(p)
			for (p in used) {
				percent = lasted > 0 && p in before && used[p] >= before[p] ? sprintf("%.0f", (used[p] - before[p]) / lasted) : "-"
				bytes = kb[p] > 0 ? sprintf("%.0f", kb[p] * 1024) : "-"
				print p, percent, bytes
			}
		}' </dev/null
}

show_logs() {
	find_supervisor
	find_members
	refresh
	for member in $members; do
		look_again "$member"
		list_logs "$member"
	done
}
