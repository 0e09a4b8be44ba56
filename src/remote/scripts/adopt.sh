# shellcheck shell=sh
# Adopts what another tool deployed, under the lock, before anything else is done: a work tree `source` (pm2 deploy), or
# directories in `releases` (Capistrano, Deployer, shipit-js). `current` and what it leads to are left as they are. Each
# release gets a record and a journal entry of ours, and a name of ours in releases/, which is a link. So all that
# follows (a rollback of the first deploy, revert, list, prune) finds releases. Sent only to hosts that need it.
#
# A name must be the same on every host, so it is made of what is: the time in the name of the directory, or that of the
# commit.
#
# $S/adopted           shell, env and steps as the configuration has them, which every record gets a copy of
# $S/adopted.lines     how many lines of .deploys were read
# $M/adopted           this record is of a release that another tool made
# $M/link              the text of `current` when it leads there; missing if the release is not on disk

# adopt_begin: begins what every record gets a copy of.
adopt_begin() {
	M=$S/adopted
	rm -rf "$M"
	write_meta "$M"
}

# adopt move|check ENTRY...: adopts what `current` leads to, unless that was done before. ENTRY: what the configuration says
# of a path: d: or f: kept in shared/, c: carried, i: ignored, a pattern. `move`: what belongs into shared/ is moved
# there; `check`: fails if anything would be missing in a new release.
adopt() {
	adopt_mode=$1
	shift
	adopt_find || return 0
	# shellcheck disable=SC3067 # -O: POSIX.1-2024, and in all of dash, bash and busybox ash
	if [ ! -O "$adopt_live/" ]; then
		login_of "$adopt_live/"
		# shellcheck disable=SC2154 # set by login_of
		fail other-login adopt "$adopt_live" "$login_is"
	fi
	[ "$adopt_mode" = move ] || adopt_check "$@"
	adopt_links "$@"
	[ -n "$ours_is" ] || adopt_releases
	adopt_copy_steps
	[ "$adopt_mode" = check ] || adopt_move "$@"
}

# adopt_find: finds what another tool made: sets $adopt_live and $adopt_kind, and $ours_is if it was adopted before.
adopt_find() {
	if is_ours "$(readlink "$root/current")"; then
		[ -f "$S/releases/$ours_is/link" ] || return
		adopt_live=$(cd -P "$root/current/" && pwd -P) adopt_kind=releases
		# shellcheck disable=SC3013 # -ef: POSIX.1-2024, and in all of dash, bash and busybox ash
		[ ! "$root/current" -ef "$root/source" ] || adopt_kind='source'
	else
		ours_is=
		adoptable
	fi
}

# check_adopt ENTRY...: for `check`: tells what the configuration does not speak of.
check_adopt() {
	if [ -z "$check_scratch" ] || ! adopt_find; then return 0; fi
	check_undecided=$(
		exec 3>/dev/null
		adopt_undecided "$@"
		printf '%s' "$undecided"
	)
	[ -z "$check_undecided" ] || found undecided "$adopt_live" "$check_undecided"
}

# adopt_links ENTRY...: what is linked into a release that has to be made again.
adopt_links() {
	for links_entry in "$@"; do
		case $links_entry in
		[df]:*) printf '%s\n' "$links_entry" ;;
		esac
	done >"$M/links" || write_failed adopt "$M"
	[ -s "$M/links" ] || rm -f "$M/links"
}

# adopt_copy_steps: every adopted release gets the steps of today.
adopt_copy_steps() {
	for copy_to in "$S/releases/"*/adopted; do
		[ -f "$copy_to" ] || continue
		copy_to=${copy_to%/adopted}
		rm -rf "$copy_to/steps" "$copy_to/supervisor."* "$copy_to/links"
		run_tool cp -Rp "$M/." "$copy_to/" || fail cannot-copy adopt "$copy_to" "$said"
	done
}

# adopt_releases: makes records and journal entries. Safe to repeat after it was cut off: the link that `current` is known
# by is written last.
adopt_releases() {
	adopt_text=$(readlink "$root/current")
	adopt_from='' adopt_number=100000
	for adopt_entry in "$S/journal/"[0-9]*; do
		adopt_entry=${adopt_entry##*/}
		is_entry "$adopt_entry" || continue
		adopt_number=${adopt_entry%%.*} adopt_entry=${adopt_entry#*.}
		case $adopt_entry in
		*.done | *.healthy) adopt_from=${adopt_entry%.*} ;;
		esac
	done
	adopt_first=
	[ -n "$adopt_from" ] || adopt_first=yes
	adopt_clone
	adopt_base=$adopt_text adopt_who=
	while [ "$adopt_base" != "${adopt_base%/}" ]; do adopt_base=${adopt_base%/}; done
	if [ "$adopt_kind" = source ]; then
		adopt_who='pm2 deploy'
		adopt_source
	else
		[ ! -f "$root/revisions.log" ] || adopt_who=Capistrano
		[ ! -d "$root/.dep" ] || adopt_who=Deployer
		adopt_directories
	fi
	adopt_end
}

# adopt_clone: the clone that commits are fetched into. The other tool's own copy of the repository saves asking the server
# for all of it.
adopt_clone() {
	adopt_mirror=
	for adopt_git in "$clone" "$root/repo" "$root/.dep/repo"; do
		[ ! -d "$adopt_git/objects" ] || [ -n "$adopt_mirror" ] || adopt_mirror=$adopt_git
	done
	if [ ! -d "$clone/objects" ]; then
		run_tool make_repository "$clone" || fail cannot-make-repository adopt "$clone" "$said"
		if [ -n "$adopt_mirror" ]; then
			# shellcheck disable=SC2086 # no setting contains a blank
			run_job 900 "$root" git $GIT_SETTINGS --git-dir="$clone" fetch --quiet --no-tags "$adopt_mirror" '+refs/heads/*:refs/heads/*'
		fi
	fi
	# Whose history a new commit has to share.
	[ -n "$adopt_first" ] && adopt_url=$(git --git-dir="${adopt_mirror:-$clone}" config remote.origin.url) || return 0
	umask 077
	printf '%s\t%s\t%s\n' "$environment" "$app" "$adopt_url" >"$R/app" && mv -f "$R/app" "$S/app" || write_failed adopt "$R"
	umask "$mask"
}

# adopt_commit REPOSITORY COMMIT: sets $adopt_revision, $adopt_stamp (the time of a name), $adopt_when and $adopt_subject.
adopt_commit() {
	adopt_said=$(TZ=UTC git --git-dir="$1" --no-pager show -s --no-show-signature \
		--date=format-local:"%Y%m%dT%H%M%SZ$TAB%Y-%m-%dT%H:%M:%SZ" --format="%H$TAB%cd$TAB%s" "$2^{commit}" -- 2>/dev/null) || return
	IFS=$TAB read -r adopt_revision adopt_stamp adopt_when adopt_subject <<-END
		$adopt_said
	END
	[ -n "$adopt_when" ]
}

# adopt_source: the commits in .deploys, each line one that was live, and the one that is checked out.
adopt_source() {
	adopt_all=0 adopt_read=0
	[ ! -f "$root/.deploys" ] || adopt_all=$(wc -l <"$root/.deploys")
	adopt_all=${adopt_all##* }
	read -r adopt_read 2>/dev/null <"$S/adopted.lines"
	is_number "$adopt_all" && is_number "$adopt_read" && [ "$adopt_read" -le "$adopt_all" ] || adopt_read=0
	adopt_left=$((adopt_all - adopt_read))
	[ "$adopt_left" -le 100 ] || adopt_left=100
	[ "$adopt_left" = 0 ] || tail -n "$adopt_left" "$root/.deploys" >"$R/deploys" || write_failed adopt "$R"
	[ "$adopt_left" = 0 ] || while IFS= read -r adopt_line; do
		case $adopt_line in
		*[!0-9a-f]* | '' | ? | ?? | ???) continue ;;
		esac
		adopt_commit "$clone" "$adopt_line" || continue
		adopt_record ''
	done <"$R/deploys"
	adopt_commit "$clone" HEAD || fail adopt-no-commit adopt "$root/source"
	for adopt_old in "$root/releases/"????????T??????Z-???????; do
		# What was live there once is not there any more.
		# shellcheck disable=SC3013 # -ef: POSIX.1-2024, and in all of dash, bash and busybox ash
		[ ! -L "$adopt_old" ] || [ ! "$adopt_old" -ef "$root/source" ] || rm -f "$adopt_old" "$S/releases/${adopt_old##*/}/link"
	done
	adopt_record ../source
	adopt_live_is=$adopt_name adopt_live_revision=$adopt_revision
	echo "$adopt_all" >"$S/adopted.lines" || write_failed adopt "$S"
}

# adopt_directories: releases of Capistrano, Deployer or shipit-js, in the order of their times.
adopt_directories() {
	adopt_current=${adopt_live##*/}
	printf '' >"$R/adopt" || write_failed adopt "$R"
	for adopt_dir in "$root/releases/"*; do
		[ -d "$adopt_dir" ] && [ ! -L "$adopt_dir" ] || continue
		adopt_dir=${adopt_dir##*/}
		adopt_directory || [ "$adopt_dir" != "$adopt_current" ] || fail adopt-no-revision adopt "$adopt_live"
	done
	# Of two with one name the one that is live stays.
	LC_ALL=C sort "$R/adopt" >"$R/adopted" || write_failed adopt "$R"
	adopt_live_is=
	while IFS=$TAB read -r _ adopt_stamp adopt_revision adopt_dir adopt_when adopt_subject; do
		adopt_name_of
		[ "$adopt_name" != "$adopt_live_is" ] || continue
		adopt_record "$adopt_dir"
		[ "$adopt_dir" != "$adopt_current" ] || adopt_live_is=$adopt_name adopt_live_revision=$adopt_revision
	done <"$R/adopted"
	[ -n "$adopt_live_is" ] || fail adopt-no-revision adopt "$adopt_live"
}

# adopt_directory: adds the release in $adopt_dir to the list, if it was live once, and its commit is known.
adopt_directory() {
	case $adopt_dir in
	*[!0-9A-Za-z._-]* | .* | ????????T??????Z-???????) return 1 ;;
	esac
	adopt_path=$root/releases/$adopt_dir
	if [ "$adopt_dir" != "$adopt_current" ]; then
		[ ! -e "$adopt_path/BAD_RELEASE" ] && [ ! -e "$adopt_path/DIRTY_RELEASE" ] || return
		[ ! -f "$root/revisions.log" ] || grep -qF "deployed as release $adopt_dir by" "$root/revisions.log" || return
	fi
	adopt_revision=
	read -r adopt_revision _ 2>/dev/null <"$adopt_path/REVISION"
	case $adopt_revision in
	*[!0-9a-f]*) return 1 ;;
	????????????????????????????????????????) ;;
	*) return 1 ;;
	esac
	adopt_commit "${adopt_mirror:-$clone}" "$adopt_revision" || adopt_stamp='' adopt_when='' adopt_subject=''
	# What they are sorted by: Deployer counts, the others name the time.
	adopt_order=${adopt_stamp%T*}
	case $adopt_dir in
	*[!0-9]*) ;;
	*) adopt_order=00000000000000$adopt_dir adopt_order=${adopt_order#"${adopt_order%??????????????}"} ;;
	esac
	case $adopt_dir in
	*[!0-9]*) ;;
	??????????????)
		adopt_day=${adopt_dir%??????} adopt_time=${adopt_dir#????????}
		adopt_stamp=${adopt_day}T${adopt_time}Z
		adopt_month=${adopt_day#????} adopt_rest=${adopt_time#??}
		adopt_when=${adopt_day%????}-${adopt_month%??}-${adopt_month#??}T${adopt_time%????}:${adopt_rest%??}:${adopt_rest#??}Z
		;;
	esac
	[ -n "$adopt_stamp" ] || {
		adopt_stamp=$(date -u -r "$adopt_path/REVISION" +%Y%m%dT%H%M%SZ)
		adopt_when=$(date -u -r "$adopt_path/REVISION" +%Y-%m-%dT%H:%M:%SZ)
	}
	printf '%s\t%s\t%s\t%s\t%s\t%s\n' "${adopt_order:-0}" "$adopt_stamp" "$adopt_revision" "$adopt_dir" "$adopt_when" \
		"$adopt_subject" >>"$R/adopt" || write_failed adopt "$R"
}

# adopt_name_of: sets $adopt_name.
adopt_name_of() {
	adopt_name=$adopt_stamp-${adopt_revision%"${adopt_revision#???????}"}
}

# adopt_record TARGET: a record and a journal entry for the release in $adopt_revision, and a link in releases/ that leads to
# TARGET; empty: it is not on disk.
adopt_record() {
	adopt_name_of
	adopt_meta=$S/releases/$adopt_name
	if [ ! -d "$adopt_meta" ]; then
		rm -rf "$R/record"
		{ mkdir "$R/record" && mark "$R/record/adopted" &&
			printf 'revision\t%s\ndigest\t\nreference\t\nwho\t%s\nwhen\t%s\nparent\t%s\n' "$adopt_revision" "$adopt_who" \
				"$adopt_when" "$adopt_from" >"$R/record/meta" && mv "$R/record" "$adopt_meta"; } || write_failed adopt "$S/releases"
	fi
	if [ "$1" = ../source ] && [ -d "$root/releases/$adopt_name" ] && [ ! -L "$root/releases/$adopt_name" ]; then
		# Of the same commit, made for a revert; now it is live from the work tree.
		remove_release "$adopt_name" || fail cannot-remove adopt "$root/releases/$adopt_name" ''
	fi
	if [ -n "$1" ] && [ ! -d "$root/releases/$adopt_name" ]; then
		run_tool ln -sfn "$1" "$root/releases/$adopt_name" || fail cannot-make adopt "$root/releases/$adopt_name" "$said"
		[ "$1" = ../source ] || printf '%s\n' "${adopt_base%/*}/$1" >"$adopt_meta/link" || write_failed adopt "$adopt_meta"
	fi
	# The server may have forgotten it.
	run_tool git_source update-ref "refs/shipit/$adopt_name" "$adopt_revision"
	if ! in_journal "$adopt_name"; then
		adopt_journal deploy
	elif [ "$adopt_from" != "$adopt_name" ] && [ "$adopt_kind" = source ]; then
		# A commit that was live before: a return to it.
		adopt_journal revert
	fi
}

# adopt_journal ACTION: a journal entry that says that the release in $adopt_name was made live.
adopt_journal() {
	adopt_number=$((adopt_number + 1))
	{
		printf 'release\t%s\nrevision\t%s\nreference\t\naction\t%s\n' "$adopt_name" "$adopt_revision" "$1" &&
			printf 'from\t%s\nfrom-revision\t\nwho\t%s\nwhen\t%s\nrun\t\n' "$adopt_from" "$adopt_who" "$adopt_when" &&
			printf 'subject\t%.200s\n' "$adopt_subject"
	} >"$R/entry" && mv "$R/entry" "$S/journal/$adopt_number.$adopt_name.done" || write_failed adopt "$R"
	adopt_from=$adopt_name
}

# adopt_end: what is live was made live last; and `current` is known from here on.
adopt_end() {
	adopt_name=$adopt_live_is adopt_revision=$adopt_live_revision
	[ "$adopt_from" = "$adopt_name" ] || adopt_journal revert
	{ printf '%s\n' "$adopt_text" >"$R/link" && mv -f "$R/link" "$S/releases/$adopt_name/link"; } || write_failed adopt "$R"
	# shellcheck disable=SC3013 # -ef: POSIX.1-2024, and in all of dash, bash and busybox ash
	[ "$root/current" -ef "$root/releases/$adopt_name" ] || fail adopt-failed adopt "$root/current" "$adopt_text"
	say notice "adopted what was deployed here before: $adopt_text is release $adopt_name"
}

# For names, each of them an argument: prints those that no pattern covers, a line each. Lines of $1: patterns for a name, or for
# the end of a path; of $2: paths that are kept.
# shellcheck disable=SC2016 # expanded by the shell that xargs starts
ADOPT_UNDECIDED='NL="
"
patterns=$1 kept=$2
shift 2
decided() {
	IFS=$NL
	set -f
	for pattern in $patterns; do
		case $pattern in
		*/*) case $1 in $pattern | $pattern/*) return ;; esac ;;
		*) case /$1/ in */$pattern/*) return ;; esac ;;
		esac
	done
	for path in $kept; do
		case $1 in "$path" | "$path"/*) return ;; esac
	done
	return 1
}
# Whether all that is in a directory has a name that is decided.
built() {
	if [ -L "$1" ] || [ ! -d "$1" ]; then return 1; fi
	set -- "./$1" ! -name "*"
	IFS=$NL
	set -f
	for pattern in $patterns; do
		case $pattern in */*) ;; *) set -- "$@" -o -name "$pattern" ;; esac
	done
	at=$1
	shift
	[ -z "$(find "$at" \( "$@" \) -prune -o ! -type d -print | head -n 1)" ]
}
look() {
	! decided "$1" || return 0
	for path in $kept; do
		case $path in "$1"/*)
			set +f
			unset IFS
			for below in "$1"/* "$1"/.[!.]* "$1"/..?*; do
				if [ -e "$below" ] || [ -L "$below" ]; then (look "$below"); fi
			done
			return ;;
		esac
	done
	! (built "$1") || return 0
	case $1 in
	*"$NL"*) printf "%s" "$1" | tr "\n\t" "??" && echo ;;
	*) printf "%s\n" "$1" ;;
	esac
}
for name do (look "${name%/}"); done'

# adopt_check ENTRY...: fails if what is in the work tree, or linked into the live release, would be missing in a new one.
adopt_check() {
	adopt_shared check "$@"
	[ -z "$adopt_unmoved" ] || fail adopt-unmoved adopt "$root/source" "$adopt_unmoved"
	adopt_undecided "$@"
	[ -z "$undecided" ] || fail adopt-undecided adopt "$adopt_live" "$undecided"
}

# adopt_undecided ENTRY...: sets $undecided to the names that the configuration does not speak of, a few of them.
adopt_undecided() {
	undecided_patterns='' undecided_kept='' undecided=
	for undecided_entry in "$@"; do
		case $undecided_entry in
		i:*) undecided_patterns=$undecided_patterns${undecided_entry#i:}$NL ;;
		*) undecided_kept=$undecided_kept${undecided_entry#?:}$NL ;;
		esac
	done
	# No name is read from lines: it may hold a newline.
	if [ "$adopt_kind" = source ]; then
		# shellcheck disable=SC2086 # no setting contains a blank
		said=$(cd "$root/source" && in_c_locale git $GIT_SETTINGS --git-dir="$clone" --work-tree=. ls-files -z --others --directory \
			--no-empty-directory 2>&1 >"$R/names") || fail adopt-unread adopt "$root/source" "$said"
	else
		adopt_linked >"$R/names" || write_failed adopt "$R"
	fi
	(cd "$adopt_live" && xargs -0 -r -n 100 /bin/sh -c "$ADOPT_UNDECIDED" shipit "$undecided_patterns" "$undecided_kept") \
		<"$R/names" >"$R/undecided" || write_failed adopt "$R"
	undecided_count=0
	while IFS= read -r undecided_name; do
		undecided_count=$((undecided_count + 1))
		[ "$undecided_count" -gt 20 ] || undecided=$undecided${undecided:+, }$undecided_name
	done <"$R/undecided"
	[ "$undecided_count" -le 20 ] || undecided="$undecided, and $((undecided_count - 20)) more"
}

# adopt_linked: prints what the other tool linked from shared/ into the live release, with a NUL after each.
adopt_linked() {
	# shellcheck disable=SC2016 # expanded by the shell that xargs starts
	(cd "$adopt_live" && find . \( -name node_modules -o -name .git \) -prune -o -type l -print0 |
		xargs -0 -r /bin/sh -c 'shared=$0/
		for link do
			case $(readlink "$link") in
			"$shared"* | ../*/shared/* | ../shared/*) printf "%s\0" "${link#./}" ;;
			esac
		done' "$root/shared")
}
