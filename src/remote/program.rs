//! The resident shell's text, and the command that starts it: a host keeps the program by its digest, and is sent it where
//! it is missing.

use std::sync::LazyLock;

use sha2::{Digest as _, Sha256};

/// The program: the same bytes for all hosts and all runs. What differs is no part of it. It ends with one newline, because
/// a shell that reads it into a variable cannot tell how many there were.
pub static PROGRAM: LazyLock<String> = LazyLock::new(|| bare(SOURCE));

/// As it is written, in the order of its files.
pub const SOURCE: &str = concat!(
    include_str!("scripts/process.sh"),
    include_str!("scripts/base.sh"),
    include_str!("scripts/cache.sh"),
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
    include_str!("scripts/pm2.sh"),
    include_str!("scripts/health.sh"),
    include_str!("scripts/traffic.sh"),
    include_str!("scripts/live.sh"),
    include_str!("scripts/back.sh"),
    include_str!("scripts/recover.sh"),
    include_str!("scripts/setup.sh"),
    include_str!("scripts/hold.sh"),
    include_str!("scripts/upkeep.sh"),
    include_str!("scripts/archives.sh"),
    include_str!("scripts/look.sh"),
    include_str!("scripts/exec.sh"),
    include_str!("scripts/resident.sh"),
    "main \"$@\"\n",
);

/// Functions for `check` alone: part of its first script, after the program.
pub const CHECK: &str = include_str!("scripts/check.sh");

/// Functions for `import` alone: part of its one script, after the program.
pub const IMPORT: &str = include_str!("scripts/import.sh");

/// Functions that ask for the operator whether a host is healthy: part of the script that asks, as few ever do.
pub static ASK: LazyLock<String> = LazyLock::new(|| bare(include_str!("scripts/ask.sh")));

/// Functions that find a time in a log: part of the first script of `logs --since`.
pub static SINCE: LazyLock<String> = LazyLock::new(|| bare(include_str!("scripts/since.sh")));

/// Functions that adopt what another tool deployed: part of the script that does so, which few hosts are ever sent.
pub static ADOPT: LazyLock<String> =
    LazyLock::new(|| bare(concat!(include_str!("scripts/adopt.sh"), include_str!("scripts/moving.sh"))));

/// Functions that take files of older releases along: part of the script that does so, which few apps need.
pub static ASSETS: LazyLock<String> = LazyLock::new(|| bare(include_str!("scripts/assets.sh")));

/// All that is ever sent to a host as functions: the program, and what is part of one script.
#[must_use]
pub fn all() -> [&'static str; 7] {
    [SOURCE, CHECK, IMPORT, &ASK, &SINCE, &ADOPT, &ASSETS]
}

/// Without comments and indentation: a third less for every host to be sent and to read. No text between quotes or
/// after `<<` in these files has a line that means something else without them.
pub(super) fn bare(text: &str) -> String {
    let lines = text.lines().map(|line| line.trim_start_matches('\t'));
    let said = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    said.fold(String::with_capacity(text.len()), |bare, line| bare + line + "\n")
}

/// Its SHA-256 in hex: the name that hosts keep it by.
pub static DIGEST: LazyLock<String> = LazyLock::new(|| digest(&PROGRAM));

/// What is kept by such a name.
#[must_use]
pub fn digest(program: &str) -> String {
    Sha256::digest(program.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The command that starts it: it means the same to every login shell (`exec`, and nothing but single quotes). What the
/// program reads follows on standard input; the program only where the host asks for it, see `scripts/start.sh`.
#[must_use]
pub fn start_command() -> String {
    let [find, start] = [include_str!("scripts/cache.sh"), include_str!("scripts/start.sh")];
    let find = find.split("# keep_program").next().unwrap_or_default();
    format!(
        "exec /bin/sh -c '{}' shipit {} {}",
        one_line(&bare(&format!("{find}{start}"))),
        *DIGEST,
        PROGRAM.len()
    )
}

/// What `scripts/start.sh` says first, so that an account whose login shell runs no commands is told from a host that lacks a
/// tool.
pub const STARTED: &str = "shipit\n";

/// What is sent to a host that asked for it. `before`: all that it was sent already.
#[must_use]
pub fn sending(nonce: &str, before: &str) -> String {
    format!("{nonce} program\n{}{before}", *PROGRAM)
}

/// A script as one line. The files that are sent so have no text over several lines.
fn one_line(script: &str) -> String {
    let opens = |line: &str| {
        ["then", "do", "else", "in"].iter().any(|word| line.ends_with(&format!(" {word}")) || line == *word)
            || ["{", "(", ";;", "||", "&&", "|"].iter().any(|end| line.ends_with(end))
    };
    let lines = script.lines().map(|line| if opens(line) { format!("{line} ") } else { format!("{line}; ") });
    lines.collect::<String>().trim_end_matches([' ', ';']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_command_is_safe_in_every_login_shell() {
        let command = start_command();
        assert_eq!(command.matches('\'').count(), 2, "{command}");
        assert!(command.contains(&format!("printf {STARTED:?}")), "{command}");
        assert!(!command.contains(['!', '\n']), "tcsh reads these otherwise: {command}");
        let escapes = command.split('\\').skip(1);
        assert!(
            escapes.into_iter().all(|after| after.starts_with(['t', 'n'])),
            "so do fish and tcsh: {command}"
        );
    }

    #[test]
    fn the_program_is_one_that_an_environment_can_carry() {
        assert!(PROGRAM.len() < 120_000, "Linux: 128 KiB for one variable (execve(2), MAX_ARG_STRLEN)");
    }
}
