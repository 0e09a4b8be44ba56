//! Adapters: the programs that drive supervisors on a host, a text for each kind. One is sent to the hosts that use it, lies
//! there below `.shipit/adapters/`, and is run as a job by `scripts/adapter.sh`, which says how it is called and how it answers.

use std::sync::LazyLock;

use super::program::bare;
use crate::config::Program;

static SYSTEMD: LazyLock<String> = LazyLock::new(|| shell(include_str!("systemd.sh")));
static SUPERVISORD: LazyLock<String> = LazyLock::new(|| shell(include_str!("supervisord.sh")));
static RUNIT: LazyLock<String> =
    LazyLock::new(|| shell(concat!(include_str!("directories.sh"), include_str!("runit.sh"))));
static S6: LazyLock<String> =
    LazyLock::new(|| shell(concat!(include_str!("directories.sh"), include_str!("s6.sh"))));
static PM2: LazyLock<String> = LazyLock::new(|| script(PM2_PARTS));

// In their order: one program.
const PM2_PARTS: &str = concat!(
    include_str!("pm2/10-ground.js"),
    include_str!("pm2/20-daemon.js"),
    include_str!("pm2/25-unit.js"),
    include_str!("pm2/30-file.js"),
    include_str!("pm2/40-apps.js"),
    include_str!("pm2/50-process.js"),
    include_str!("pm2/52-usage.js"),
    include_str!("pm2/55-lock.js"),
    include_str!("pm2/60-reload.js"),
    include_str!("pm2/65-start.js"),
    include_str!("pm2/68-check.js"),
    include_str!("pm2/68-today.js"),
    include_str!("pm2/70-steps.js"),
);

/// The adapter of a supervisor: a program for `/bin/sh`, that of pm2 for `node`.
#[must_use]
pub fn adapter(program: Program) -> &'static str {
    match program {
        Program::Pm2 => &PM2,
        Program::Systemd => &SYSTEMD,
        Program::Supervisord => &SUPERVISORD,
        Program::Runit => &RUNIT,
        Program::S6 => &S6,
    }
}

// What all have in common comes first, and the call last.
fn shell(own: &str) -> String {
    let shared = [
        include_str!("../scripts/process.sh"),
        include_str!("common.sh"),
        include_str!("process.sh"),
        include_str!("steps.sh"),
        include_str!("shown.sh"),
    ];
    shared.map(bare).concat() + &bare(own) + "main \"$@\"\n"
}

// JavaScript without comments and indentation: no text between quotes in these files goes over more than one line.
fn script(text: &str) -> String {
    let said = text.lines().map(str::trim_start).filter(|line| !line.is_empty() && !line.starts_with("//"));
    said.fold(String::with_capacity(text.len()), |script, line| script + line + "\n")
}

#[cfg(test)]
mod tests {
    use crate::config::Program;
    use crate::remote::program::SOURCE;

    /// What follows `begin` up to `end`, each time that it is there.
    fn between<'a>(begin: &'a str, end: &'a str) -> impl Iterator<Item = &'a str> {
        SOURCE.split(begin).skip(1).filter_map(move |rest| Some(rest.split_once(end)?.0))
    }

    #[test]
    fn the_program_knows_the_same_kinds() {
        let names = Program::NAMES;
        let kept: Vec<&str> = between("for keep_kind in ", ";").flat_map(str::split_whitespace).collect();
        assert_eq!(kept, names, "keep_adapters");
        let received = between("case ${worker_line##*.} in\n", ")").next().unwrap();
        assert_eq!(received.split('|').map(str::trim).collect::<Vec<_>>(), names, "what is received");
        let read = between("case $adapter_kind in\n", "esac").next().unwrap();
        let read: Vec<&str> =
            read.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| names.contains(word)).collect();
        assert_eq!(read, names, "read_kind");
        let variables: Vec<&str> =
            SOURCE.split_whitespace().filter_map(|word| word.strip_prefix("adapter_")).collect();
        assert!(names.iter().all(|name| variables.contains(name)), "user_env_names");
    }
}
