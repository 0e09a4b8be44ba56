//! What `init` writes as `supervisor`: what the files of the project show, or what the user answers.

use std::path::Path;

use crate::config::{self, Program};

/// Files that pm2 reads, in its order.
const PM2_FILES: [&str; 8] = [
    "ecosystem.config.js",
    "ecosystem.config.cjs",
    "ecosystem.config.mjs",
    "ecosystem.json",
    "ecosystem.json5",
    "ecosystem.yml",
    "ecosystem.yaml",
    "process.json",
];
/// Directories in which a project keeps files of its supervisor.
const DIRECTORIES: [&str; 5] = ["", "deploy", "etc", "config", "systemd"];

/// A command of pm2, as in `pm2 restart`, is no name.
const VERBS: [&str; 4] = ["reload", "restart", "start", "startOrReload"];

/// A supervisor for the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum InitSupervisor {
    /// One that shipit knows, and the name of the unit or the service.
    Known(Program, Option<String>),
    /// A command of the user's.
    Command(String),
}

impl InitSupervisor {
    /// What the files of the project show: a file for pm2, a unit of systemd, a program of supervisord.
    pub(super) fn found(directory: &Path) -> Option<Self> {
        if PM2_FILES.iter().any(|file| directory.join(file).is_file()) {
            return Some(InitSupervisor::Known(Program::Pm2, None));
        }
        let places = || DIRECTORIES.iter().map(|place| directory.join(place));
        if let Some(unit) = places().find_map(|place| unit_in(&place)) {
            return Some(InitSupervisor::Known(Program::Systemd, Some(unit)));
        }
        let program = places().find_map(|place| program_in(&place.join("supervisord.conf")))?;
        Some(InitSupervisor::Known(Program::Supervisord, Some(program)))
    }

    /// What a user answers: the name of a supervisor, perhaps with that of a unit or a service; or a command. None: "none".
    pub(super) fn read(answer: &str) -> Option<Self> {
        let words: Vec<&str> = answer.split_whitespace().collect();
        let program =
            |word: &str| Program::WORDS.iter().find(|(known, _)| *known == word).map(|(_, program)| *program);
        match words[..] {
            [] | ["none" | "no" | "-"] => None,
            [word] if program(word).is_some() => Some(InitSupervisor::Known(program(word)?, None)),
            [word, name] if program(word).is_some() && is_plain(name) && !VERBS.contains(&name) => {
                Some(InitSupervisor::Known(program(word)?, Some(name.to_owned())))
            }
            _ => Some(InitSupervisor::Command(answer.trim().to_owned())),
        }
    }

    /// As the user would say it.
    pub(super) fn words(&self) -> String {
        match self {
            InitSupervisor::Known(program, None) => program.name().to_owned(),
            InitSupervisor::Known(program, Some(name)) => format!("{} {name}", program.name()),
            InitSupervisor::Command(command) => format!("`{command}`"),
        }
    }

    /// The value of the key.
    pub(super) fn toml(&self) -> String {
        match self {
            InitSupervisor::Known(program, None) => config::quoted(program.name()),
            InitSupervisor::Known(program, Some(name)) => {
                let key = match program {
                    Program::Systemd => "unit",
                    Program::Pm2 => "only",
                    Program::Supervisord | Program::Runit | Program::S6 => "service",
                };
                format!("{{ kind = {}, {key} = {} }}", config::quoted(program.name()), config::quoted(name))
            }
            InitSupervisor::Command(command) => format!("{{ reload = {} }}", config::quoted(command)),
        }
    }
}

// The first unit of systemd in a directory that is a service: its name, which needs no quotes.
fn unit_in(directory: &Path) -> Option<String> {
    let names =
        std::fs::read_dir(directory).ok()?.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut units: Vec<String> = names
        .filter(|name| name.ends_with(".service") && !name.ends_with("@.service") && is_plain(name))
        .collect();
    units.sort();
    units.into_iter().next().map(|name| name.trim_end_matches(".service").to_owned())
}

// The first program of a configuration of supervisord.
fn program_in(file: &Path) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let names = text.lines().filter_map(|line| line.trim().strip_prefix("[program:")?.strip_suffix(']'));
    names.map(str::trim).find(|name| is_plain(name)).map(str::to_owned)
}

fn is_plain(name: &str) -> bool {
    !name.starts_with('-') && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-@:".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_files_of_a_project_show() {
        let found = |files: &[(&str, &str)]| {
            let directory = tempfile::tempdir().unwrap();
            for (file, text) in files {
                let file = directory.path().join(file);
                std::fs::create_dir_all(file.parent().unwrap()).unwrap();
                std::fs::write(file, text).unwrap();
            }
            InitSupervisor::found(directory.path()).map(|supervisor| supervisor.toml())
        };
        for (files, toml) in [
            (&[("package.json", "{}")][..], None),
            (&[("package.json", "{}"), ("ecosystem.config.js", "")], Some(r#""pm2""#)),
            (
                &[("package.json", "{}"), ("deploy/shop.service", "")],
                Some(r#"{ kind = "systemd", unit = "shop" }"#),
            ),
            (&[("Cargo.toml", ""), ("shop.service", "")], Some(r#"{ kind = "systemd", unit = "shop" }"#)),
            (
                &[("setup.py", ""), ("supervisord.conf", "[supervisord]\n[program:web]\ncommand=x\n")],
                Some(r#"{ kind = "supervisord", service = "web" }"#),
            ),
            (&[("a b.service", "")], None),
        ] {
            assert_eq!(found(files).as_deref(), toml, "{files:?}");
        }
    }

    #[test]
    fn what_a_user_answers() {
        let toml = |answer: &str| InitSupervisor::read(answer).map(|supervisor| supervisor.toml());
        assert_eq!(toml("pm2").unwrap(), r#""pm2""#);
        assert_eq!(toml("systemd shop").unwrap(), r#"{ kind = "systemd", unit = "shop" }"#);
        assert_eq!(
            toml("systemctl --user restart shop").unwrap(),
            r#"{ reload = "systemctl --user restart shop" }"#
        );
        assert_eq!(toml("none"), None);
    }
}
