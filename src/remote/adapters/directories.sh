# shellcheck shell=sh
# What runit and s6 have in common: a service is a directory, which its file of a kind finds (directory_of NAME), and its log
# is what another service writes. See common.sh.

find_members() {
	members=$names
}

# The supervisor finds by itself what is there.
add_members() {
	:
}

forget_started() {
	:
}

# Both keep a service down at their start whose directory holds `down`. Those of s6-rc all do: it starts them later.
check_boot() {
	directory_of "$1"
	[ -e "$directory/down" ] || return 0
	case $(cd -P "$directory" && pwd -P) in
	*/servicedirs/*) ;;
	*) warn down-file "$1" "$directory/down" ;;
	esac
}

# choose_directory CANDIDATE...: sets $directory to the first one that is there, or to nothing.
choose_directory() {
	for directory in "$@"; do
		case $directory in
		[~]/*) directory=${HOME-}/${directory#??} ;;
		esac
		case $directory in
		/*) [ ! -d "$directory" ] || return 0 ;;
		esac
	done
	directory=
}

last_lines() {
	log_files "$1" | while IFS= read -r last_file; do
		tail -n 20 "$last_file"
	done
}

list_logs() {
	log_files "$1" | while IFS= read -r log_file; do
		answer log "$log_file"
	done
}
