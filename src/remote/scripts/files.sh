# shellcheck shell=sh
# Files of the operator's in shared/. What a release came with is kept with it; what was there before waits beside it,
# until the deploy is good. A place is taken, and given back, by renames of what was made while there was space.
#
# $M/files    number, mode, path: a line each        $M/file.N    what it holds
# $R/file.N   path of one that this run sends        $R/nofile.N  there was none of that name
# beside its place: .shipit-RELEASE.N.new (what will be there) and .old (what was; a second link to it)

# file_names NUMBER PATH: where things are, in $file_at, $file_new and $file_old.
file_names() {
	file_at=$root/shared/$2
	file_new=${file_at%/*}/.shipit-$release.$1.new
	file_old=${file_new%.new}.old
}

# file NUMBER MODE PATH: what came as data, kept with the release and ready beside its place.
file() {
	command -v base64 >/dev/null || fail no-base64 files "$PATH"
	eval "file_text=\$data_file_$1"
	umask 077
	# shellcheck disable=SC2154 # set by eval
	if printf '%s' "$file_text" | base64 -d 2>/dev/null >"$M/file.$1" && printf '%s\t%s\t%s\n' "$@" >>"$M/files"; then
		umask "$mask"
		file_stage "$@"
		return
	fi
	write_failed files "$M/file.$1"
}

file_stage() {
	file_names "$1" "$3"
	[ ! -d "$file_at" ] || fail sent-to-directory files "$3"
	make_dirs files "${file_at%/*}"
	# The mark first, and whole: who ends this run looks for what it names.
	{ printf '%s\n' "$3" >"$R/mark" && mv -f "$R/mark" "$R/file.$1"; } || write_failed files "$R"
	# Then the new one: while it is there it has not taken its place, whatever else is there.
	umask 077
	{ cp "$M/file.$1" "$file_new" && chmod "$2" "$file_new"; } || write_failed files "$file_new"
	umask "$mask"
	if [ -e "$file_at" ] || [ -L "$file_at" ]; then
		# Where a file system has no such links, a copy. A machine that died may have left one of that name.
		ln -f "$file_at" "$file_old" 2>/dev/null || run_tool cp -pPf "$file_at" "$file_old" ||
			fail cannot-copy files "$file_at" "$said"
	else
		mark "$R/nofile.$1" || write_failed files "$R"
	fi
}

# files_again: those that the release to return to came with.
files_again() {
	[ -f "$M/files" ] || return 0
	while IFS=$TAB read -r files_number files_mode files_path; do
		file_stage "$files_number" "$files_mode" "$files_path"
	done <"$M/files"
}

# file_of MARK: number and path of a file of this run; 1: there is none.
file_of() {
	[ -e "$1" ] || return 1
	file_number=${1##*.}
	IFS= read -r file_path <"$1" && [ -n "$file_path" ] || return 1
	file_names "$file_number" "$file_path"
}

# file_sent PATH: whether this run sends it.
file_sent() {
	for file_mark in "$R"/file.*; do
		file_of "$file_mark" && [ "$file_path" = "$1" ] && return
	done
	return 1
}

# files_place: what was made ready takes its place.
files_place() {
	for file_mark in "$R"/file.*; do
		file_of "$file_mark" || continue
		if [ -e "$file_new" ]; then run_tool mv -fT "$file_new" "$file_at" || return; fi
		[ ! -L "$R/link.$file_number" ] || run_tool mv -fT "$R/link.$file_number" "$rel/$file_path" || return
	done
}

# files_back: as it was. Harmless when done twice, and where nothing took its place. What could not be is named in $files_bad.
files_back() {
	files_bad=
	for file_mark in "$R"/file.*; do
		file_of "$file_mark" || continue
		if [ -e "$file_new" ]; then
			:
		elif [ -e "$file_old" ] || [ -L "$file_old" ]; then
			mv -fT "$file_old" "$file_at" || { files_bad="$files_bad shared/$file_path" && continue; }
		elif [ -e "$R/nofile.$file_number" ]; then
			rm -f "$file_at" || { files_bad="$files_bad shared/$file_path" && continue; }
		fi
		rm -f "$file_new" "$file_old" "$file_mark"
	done
	[ -z "$files_bad" ]
}

# files_end: a run ends: what is live keeps its files, and nothing waits beside them.
files_end() {
	for file_mark in "$R"/file.*; do
		[ -e "$file_mark" ] || return 0
		[ "$(readlink "$root/current")" = "releases/$release" ] || {
			files_back
			return
		}
		file_of "$file_mark" || continue
		file_kept || rm -f "$file_old"
		rm -f "$file_new" "$file_mark"
	done
}

# file_kept: what somebody else had put there stays beside it: no release would bring it back.
file_kept() {
	[ -e "$file_old" ] || [ -L "$file_old" ] || return
	file_before=
	[ -z "$from" ] || [ ! -f "$S/releases/$from/files" ] || file_before=$(cut -f 3 "$S/releases/$from/files")
	case $NL$file_before$NL in
	*"$NL$file_path$NL"*) return 1 ;;
	esac
	mv -fT "$file_old" "$file_at.before-$release" || return
	say notice "shared/$file_path was there already: it is kept as $file_path.before-$release"
}
