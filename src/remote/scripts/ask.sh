# shellcheck shell=sh
# Health checks over HTTP and TCP by this host, for an operator that may not forward connections through it. Sent with
# the check and not with the program.

# probe: makes the check of the variables probe_*, which the operator sets before.
# shellcheck disable=SC2154 # set by the operator
probe() {
	case $probe_kind in
	http) ask_http "$probe_within" "$probe_interval" "$probe_timeout" "$probe_stable" "$probe_status" "$probe_body" "$probe_release" "$probe_at" ;;
	tcp) ask_tcp "$probe_within" "$probe_interval" "$probe_timeout" "$probe_stable" "$probe_at" "$probe_port" ;;
	esac
}

# What is run for each try; it writes one line about the answer to $1. The answer stays in memory, since a health check
# must work on a full disk. Comparisons are of bytes.
# shellcheck disable=SC2016 # expanded by the job's own shell
ASK_HTTP='said=$1 tool=$2 limit=$3 status=$4 body=$5 release=$6 revision=$7 url=$8
LC_ALL=C
export LC_ALL
newline="
"
cr=$(printf "\r")
end=$cr$newline
set -f
ends() {
	printf "%s\n" "$2"
	printf "%s\n" "$2" 2>/dev/null >"$said"
	exit "$1"
}
case $tool in
curl) answer=$(curl -q -sS -i -g -m "$limit" --noproxy "*" --url "$url" 2>&1 | head -c 262144) ;;
gnu) answer=$(wget --no-config -q -S -O - --content-on-error --max-redirect=0 --tries=1 -T "$limit" --no-proxy --no-hsts -- "$url" 2>&1 | head -c 262144) ;;
busybox) answer=$(wget -q -S -O - -Y off -- "$url" 2>&1 | head -c 262144) ;;
*) answer=$({ wget -q -O - -Y off -- "$url" && printf "\nwget was content"; } 2>&1 | head -c 262144) ;;
esac
code= content=$answer
case $tool in
curl)
	while :; do
		case $content in
		HTTP/*) ;;
		*) break ;;
		esac
		line=${content%%"$newline"*}
		code=${line#* }
		case $content in
		*"$end$end"*) content=${content#*"$end$end"} ;;
		*) content= ;;
		esac
		case $code in
		1*) ;;
		*) break ;;
		esac
	done
	;;
gnu | busybox)
	case $answer in
	"  HTTP/"* | "wget: server returned error: HTTP/"*)
		line=${answer#*HTTP/}
		line=${line%%"$newline"*}
		code=${line#* }
		;;
	esac
	while :; do
		line=${content%%"$newline"*}
		case ${line%"$cr"} in
		"  HTTP/"* | "  "[!\ ]*:* | "  ") ;;
		*) break ;;
		esac
		case $content in
		*"$newline"*) content=${content#*"$newline"} ;;
		*) content= ;;
		esac
		[ "$line" != "  $cr" ] && [ "$line" != "  " ] || break
	done
	;;
*)
	case $answer in
	*"${newline}wget was content") code=2xx ;;
	esac
	;;
esac
code=${code%"$cr"}
code=${code%% *}
case $code in
[1-9][0-9][0-9] | 2xx) ;;
*)
	line=${answer%%"$newline"*}
	ends 1 "${line:-no answer}"
	;;
esac
fits=
IFS=", "
for part in $status; do
	low=${part%%-*} high=${part##*-}
	if [ "$code" = 2xx ]; then
		[ "$low" -gt 299 ] || [ "$high" -lt 200 ] || fits=yes
	else
		[ "$code" -lt "$low" ] || [ "$code" -gt "$high" ] || fits=yes
	fi
done
[ -n "$fits" ] || ends 1 "HTTP $code"
case $content in
*"$body"*) ;;
*) ends 1 "HTTP $code, without the text that \`body\` wants" ;;
esac
if [ -n "$release" ]; then
	case $answer in
	*"$release"* | *"$revision"*) ;;
	*) ends 1 "HTTP $code, but it is not release $release that answers: neither that name nor $revision is in the answer" ;;
	esac
fi
ends 0 "HTTP $code"'

# ask_http WITHIN INTERVAL TIMEOUT STABLE STATUS BODY RELEASE URL: STATUS as 200-399 or 200,204. RELEASE yes: the
# answer, headers or body, must name the live release. Redirects are not followed, except by wget of busybox; if that
# wget does not show the status, 2xx is all that is known.
ask_http() {
	ask_limit=$3 ask_status=$5 ask_body=$6 ask_url=$8 ask_release='' ask_revision=''
	if [ "$7" = yes ]; then
		ask_release=$(readlink "$root/current") || fail nothing-live health "$root/current"
		! is_ours "$ask_release" || ask_release=$ours_is
		ask_revision=$ask_release
		[ ! -f "$root/current/REVISION" ] || read -r ask_revision <"$root/current/REVISION"
	fi
	if command -v curl >/dev/null; then
		ask_tool=curl
	elif command -v wget >/dev/null; then
		ask_tool=plain
		case $(wget --version 2>/dev/null) in
		*GNU*) ask_tool=gnu ;;
		*) case $(wget --help 2>&1) in
			*-[a-z]*S[]\ ]*) ask_tool=busybox ;;
			esac ;;
		esac
	else
		fail no-http-client health
	fi
	try_until_healthy "$1" "$2" "$4" ask_http_try || health_failed
}

ask_http_try() {
	ask_time
	ask_job "$ASK_HTTP" "$ask_tool" "$ask_time" "$ask_status" "$ask_body" "$ask_release" "$ask_revision" "$ask_url"
}

# ask_time: sets $ask_time to the seconds that a try may take.
ask_time() {
	ask_time=$ask_limit
	[ "$ask_time" -le "$try_left" ] || ask_time=$try_left
}

# ask_job TEXT ARGUMENT...
ask_job() {
	ask_text=$1
	shift
	printf '' 2>/dev/null >"$R/said"
	# The tool's own timeout gives the better message.
	run_job "$((ask_time + 1))" "$root" /bin/sh -c "$ask_text" shipit "$R/said" "$@"
	ask_said=''
	read -r ask_said 2>/dev/null <"$R/said"
	try_says=${ask_said:-exit $code}
	[ "$why" != limit ] || try_says="no answer within $ask_time s"
}

# shellcheck disable=SC2016 # expanded by the job's own shell
ASK_TCP='said=$1 tool=$2 limit=$3 host=$4 port=$5
case $tool in
bash) bash -c "exec 3<>\"/dev/tcp/\$1/\$2\"" shipit "$host" "$port" ;;
nc) nc -z -w "$limit" -- "$host" "$port" ;;
curl)
	# It stays connected until its time is over.
	[ "$limit" -le 2 ] || limit=2
	case $host in
	*:*) host=[$host] ;;
	esac
	took=$(curl -q -s -m "$limit" --noproxy "*" -o /dev/null -w "%{time_connect}" --url "telnet://$host:$port")
	[ "$took" != "${took#*[1-9]}" ]
	;;
esac && exit
printf "%s\n" "nobody listens at $host port $port" | tee "$said" 2>/dev/null
exit 1'

# ask_tcp WITHIN INTERVAL TIMEOUT STABLE HOST PORT: whether a service listens there.
ask_tcp() {
	ask_limit=$3 ask_host=$5 ask_port=$6
	if command -v bash >/dev/null; then
		ask_tool=bash
	elif command -v nc >/dev/null && nc -h 2>&1 | grep -q -e '-[a-zA-Z]*z'; then
		ask_tool=nc
	elif command -v curl >/dev/null; then
		ask_tool=curl
	else
		fail no-tcp-client health
	fi
	try_until_healthy "$1" "$2" "$4" ask_tcp_try || health_failed
}

ask_tcp_try() {
	ask_time
	ask_job "$ASK_TCP" "$ask_tool" "$ask_time" "$ask_host" "$ask_port"
}
