# shellcheck shell=sh
# The operator's files in shared/. The files of a release are kept with it. The file that was there before waits beside
# it until the deploy is confirmed. Files are put in place, and restored, by renames of what was made while there was
# disk space.
#
# $M/files    number, mode, path: a line each        $M/file.N    what it holds
# $R/file.N   path of one that this run sends        $R/nofile.N  there was none of that name
# beside its place: .shipit-RELEASE.N.new (what will be there) and .old (what was; a second link to it)

# file_names NUMBER PATH: sets $file_at, $file_new and $file_old to the paths of a file.
file_names() {
	file_at=$root/shared/$2
	file_new=${file_at%/*}/.shipit-$release.$1.new
	file_old=${file_new%.new}.old
}

# keep_file NUMBER MODE PATH: keeps what was sent as data with the release, and puts it ready beside its place.
keep_file() {
	command -v base64 >/dev/null || fail no-base64 files "$PATH"
	eval "file_text=\$data_file_$1"
	umask 077
	# shellcheck disable=SC2154 # set by eval
	if printf '%s' "$file_text" | base64 -d 2>/dev/null >"$M/file.$1" && printf '%s\t%s\t%s\n' "$@" >>"$M/files"; then
		umask "$mask"
		stage_file "$@"
		return
	fi
	write_failed files "$M/file.$1"
}

stage_file() {
	file_names "$1" "$3"
	[ ! -d "$file_at" ] || fail sent-to-directory files "$3"
	make_dirs files "${file_at%/*}"
	# The mark is first, and complete: the process that ends this run looks for what it names.
	{ printf '%s\n' "$3" >"$R/mark" && mv -f "$R/mark" "$R/file.$1"; } || write_failed files "$R"
	# Then the new file: as long as it exists it was not put in place, whatever else exists.
	umask 077
	{ cp "$M/file.$1" "$file_new" && chmod "$2" "$file_new"; } || write_failed files "$file_new"
	umask "$mask"
	if [ -e "$file_at" ] || [ -L "$file_at" ]; then
		# Some file systems have no hard links: then a copy. A machine that died may have left a file of that name.
		ln -f "$file_at" "$file_old" 2>/dev/null || run_tool cp -pPf "$file_at" "$file_old" ||
			fail cannot-copy files "$file_at" "$said"
	else
		mark "$R/nofile.$1" || write_failed files "$R"
	fi
}

# stage_files_again: stages the files of the release to return to.
stage_files_again() {
	[ -f "$M/files" ] || return 0
	while IFS=$TAB read -r files_number files_mode files_path; do
		stage_file "$files_number" "$files_mode" "$files_path"
	done <"$M/files"
}

# read_file_mark MARK: sets number, path and names of a file of this run. Returns 1 if there is none.
read_file_mark() {
	[ -e "$1" ] || return 1
	file_number=${1##*.}
	IFS= read -r file_path <"$1" && [ -n "$file_path" ] || return 1
	file_names "$file_number" "$file_path"
}

# is_sent PATH: whether this run sends it.
is_sent() {
	for file_mark in "$R"/file.*; do
		read_file_mark "$file_mark" && [ "$file_path" = "$1" ] && return
	done
	return 1
}

# place_files: puts the staged files in place.
place_files() {
	for file_mark in "$R"/file.*; do
		read_file_mark "$file_mark" || continue
		if [ -e "$file_new" ]; then run_tool mv -fT "$file_new" "$file_at" || return; fi
		[ ! -L "$R/link.$file_number" ] || run_tool mv -fT "$R/link.$file_number" "$rel/$file_path" || return
	done
}

# restore_files: restores the files as they were. Safe to repeat, and where nothing was put in place. $files_bad names
# those that could not be restored.
restore_files() {
	files_bad=
	for file_mark in "$R"/file.*; do
		read_file_mark "$file_mark" || continue
		# Two links to one file: this was cut off before, and mv refuses to replace one by the other.
		# shellcheck disable=SC3013 # -ef: POSIX.1-2024, and in all of dash, bash and busybox ash
		if [ -e "$file_new" ] || [ "$file_old" -ef "$file_at" ]; then
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

# end_files: the run ends: the live release keeps its files, and nothing waits beside them.
end_files() {
	for file_mark in "$R"/file.*; do
		[ -e "$file_mark" ] || return 0
		is_current "$release" || {
			restore_files
			return
		}
		read_file_mark "$file_mark" || continue
		keep_foreign_file || rm -f "$file_old"
		rm -f "$file_new" "$file_mark"
	done
}

# keep_foreign_file: keeps a file that no release brought under another name, since no release could restore it.
keep_foreign_file() {
	[ -e "$file_old" ] || [ -L "$file_old" ] || return
	file_before=
	[ -z "$from" ] || [ ! -f "$S/releases/$from/files" ] || file_before=$(cut -f 3 "$S/releases/$from/files")
	case $NL$file_before$NL in
	*"$NL$file_path$NL"*) return 1 ;;
	esac
	mv -fT "$file_old" "$file_at.before-$release" || return
	say notice "shared/$file_path was there already: it is kept as $file_path.before-$release"
}
