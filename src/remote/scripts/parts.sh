# shellcheck shell=sh
# What the configuration of a release comes to, part by part: `build:1a2b3 env.API_KEY:4c5d6`, one line in $M/parts. It tells
# which parts of two releases differ, and never a value.

# keep_parts PARTS: keeps them with release $M. If the live release has the same commit, tells what made a new one.
keep_parts() {
	umask 077
	printf '%s\n' "$1" >"$M/parts" || write_failed prepare "$M"
	umask "$mask"
	[ -n "$from" ] && [ "$revision" = "$from_revision" ] || return 0
	read_parts "$from" || return 0
	compare_parts "$1" "$parts_of"
	[ -z "$parts_differ" ] || warn changed "$parts_differ"
}

# tell_returning: tells which values of `env` and which files the release to return to has that the live one has not, or
# has otherwise.
tell_returning() {
	[ -n "$from" ] && read_parts "$from" || return 0
	parts_live=$parts_of
	read_parts "$release" || return 0
	compare_parts "$parts_of" "$parts_live" values
	[ -z "$parts_differ" ] || warn returning "$parts_differ"
}

# read_parts RELEASE: sets $parts_of. Returns 1 if they are not known.
read_parts() {
	parts_of=
	[ -f "$S/releases/$1/parts" ] && IFS= read -r parts_of <"$S/releases/$1/parts"
}

# compare_parts ONE OTHER [values]: sets $parts_differ to the names of those that differ, or are in one only; with `values`
# only those of `env` and of files.
compare_parts() {
	parts_differ=
	# What looks like a pattern is none.
	set -f
	for parts_part in $1 $2; do
		case " $1 " in
		*" $parts_part "*) case " $2 " in *" $parts_part "*) continue ;; esac ;;
		esac
		case ${3:-}:$parts_part in
		values:env.* | values:shared/* | :*) ;;
		*) continue ;;
		esac
		case " $parts_differ " in
		*" ${parts_part%:*} "*) ;;
		*) parts_differ="$parts_differ ${parts_part%:*}" ;;
		esac
	done
	set +f
	parts_differ=${parts_differ# }
}
