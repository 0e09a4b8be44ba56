# shellcheck shell=sh disable=SC2154 # the lines before, which login.rs writes, set $root and $login
# Run by both kinds of server in place of the login shell: makes $root a machine of its own, then runs the
# command as sshd would, with $login -c. The account's own shell, which sshd cannot help starting first, must
# leave no trace: with a SHLVL above 1, for one, bash would not read .bashrc as it does under sshd.
unset SHLVL OLDPWD BASH_ENV ENV
command=${SSH_ORIGINAL_COMMAND-}
unset SSH_ORIGINAL_COMMAND
HOME=$root/home
PATH=$root/bin:$root/sh:/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin
SHELL=$(command -v "${login%% *}")
export HOME PATH SHELL
cd "$HOME" || exit 1
[ -n "$command" ] || exec "$SHELL" -l
case $command in
"exec /bin/sh"*) command="exec $root/sh/sh${command#exec /bin/sh}" ;;
esac
# shellcheck disable=SC2086 # "busybox ash" is two words
exec $login -c "$command"
