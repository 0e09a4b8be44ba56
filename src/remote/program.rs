//! The resident shell's text and the command that starts it.

use std::sync::LazyLock;

/// The program, as every host receives it: the same bytes for all hosts and all runs. What differs travels after it.
pub static PROGRAM: LazyLock<String> = LazyLock::new(|| bare(SOURCE));

/// As it is written, in the order of its files.
pub const SOURCE: &str = concat!(
    include_str!("scripts/base.sh"),
    include_str!("scripts/job.sh"),
    include_str!("scripts/path.sh"),
    include_str!("scripts/lock.sh"),
    include_str!("scripts/journal.sh"),
    include_str!("scripts/git.sh"),
    include_str!("scripts/mend.sh"),
    include_str!("scripts/modules.sh"),
    include_str!("scripts/tree.sh"),
    include_str!("scripts/whole.sh"),
    include_str!("scripts/files.sh"),
    include_str!("scripts/parts.sh"),
    include_str!("scripts/inside.sh"),
    include_str!("scripts/release.sh"),
    include_str!("scripts/adapter.sh"),
    include_str!("scripts/health.sh"),
    include_str!("scripts/traffic.sh"),
    include_str!("scripts/live.sh"),
    include_str!("scripts/back.sh"),
    include_str!("scripts/recover.sh"),
    include_str!("scripts/setup.sh"),
    include_str!("scripts/hold.sh"),
    include_str!("scripts/upkeep.sh"),
    include_str!("scripts/look.sh"),
    include_str!("scripts/resident.sh"),
    "main \"$@\"\n",
);

/// Functions for `check` alone: part of its first script, after the program.
pub const CHECK: &str = include_str!("scripts/check.sh");

/// Functions that ask for the operator whether a host is healthy: part of the script that asks, as few ever do.
pub static ASK: LazyLock<String> = LazyLock::new(|| bare(include_str!("scripts/ask.sh")));

/// Without comments and indentation: a third less for every host to be sent and to read. No text between quotes or
/// after `<<` in these files has a line that means something else without them.
pub(super) fn bare(text: &str) -> String {
    let lines = text.lines().map(|line| line.trim_start_matches('\t'));
    let said = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    said.fold(String::with_capacity(text.len()), |bare, line| bare + line + "\n")
}

/// The command that starts it: it means the same to every login shell (`exec`, and nothing but single quotes). The program
/// follows on standard input; its length is known, because some shells read ahead what is not theirs
/// when they take a program from there.
#[must_use]
pub fn start_command() -> String {
    format!(
        "exec /bin/sh -c '[ -r /proc/self/stat ] || {{ uname -s; exit 9; }}; shipit_program=$(dd bs=\"$1\" count=1 iflag=fullblock 2>/dev/null); shift; \
         eval \"$shipit_program\"' shipit {}",
        PROGRAM.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_command_is_safe_in_every_login_shell() {
        let command = start_command();
        assert_eq!(command.matches('\'').count(), 2, "{command}");
        assert!(!command.contains(['!', '\n', '\\']), "tcsh and fish read these otherwise: {command}");
    }

    #[test]
    fn the_program_is_one_that_an_environment_can_carry() {
        assert!(PROGRAM.len() < 120_000, "Linux: 128 KiB for one variable (execve(2), MAX_ARG_STRLEN)");
    }
}
