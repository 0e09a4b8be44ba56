//! The screen of `import`: what was written, what the first deploy does to each app, what was found on hosts and where it
//! goes, what only the user can decide, and what to type next. Pure.

use std::fmt::Write as _;

use super::import_apps::{HostToday, app_lines};
use super::word_wrap::wrap_words;
use super::{clean, human};
use crate::config::Pm2App;

/// A terminal of 80 columns and 24 lines, of which the shell takes one for its prompt.
const COLUMNS: usize = 79;
const LINES: usize = 23;

/// Lines of a part, where there is room for them.
const PART: usize = 9;

/// What `import` tells.
#[derive(Debug, Default)]
pub struct Imported<'a> {
    /// The name of the file that was read.
    pub from: String,
    /// One a line: name, hosts, path.
    pub environments: Vec<String>,
    /// As the file names them.
    pub apps: &'a [Pm2App],
    /// The file is one of pm2's.
    pub of_pm2: bool,
    /// How pm2 runs them on the hosts.
    pub today: Vec<HostToday>,
    /// How the file is understood, where that is another meaning.
    pub differences: Vec<String>,
    /// Likely mistakes, and what depends on the user's variables.
    pub decisions: Vec<String>,
    /// Variables of `env` that look like secrets, and are in the new file in plain text.
    pub plain_secrets: Vec<String>,
    /// Of `source` on the hosts.
    pub files: FoundFiles,
    /// What is odd about a work tree on a host.
    pub states: Vec<String>,
    /// Hosts that were not asked, and why.
    pub unasked: Vec<String>,
    /// The environment for the next commands.
    pub environment: String,
}

impl Imported<'_> {
    /// How each app runs, and what the first deploy does to it.
    #[must_use]
    pub fn app_lines(&self) -> Vec<String> {
        app_lines(self.apps, &self.today)
    }
}

/// Files that git does not know, by what becomes of them; each once.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct FoundFiles {
    /// Written into `shared`.
    pub kept: Vec<String>,
    /// What a build makes again.
    pub rebuilt: Vec<String>,
    /// Neither: a copy somebody made, a name that no file can hold.
    pub undecided: Vec<String>,
}

impl FoundFiles {
    /// Takes in a path of the work tree; a directory ends in `/`.
    pub fn take(&mut self, path: &str) {
        let list = match () {
            () if path.contains(|c: char| c.is_control() || "\"\\".contains(c)) => &mut self.undecided,
            () if is_made_by_a_build(path) => &mut self.rebuilt,
            () if is_left_over(path) => &mut self.undecided,
            () => &mut self.kept,
        };
        if !list.iter().any(|known| known == path) {
            list.push(path.to_owned());
        }
    }

    /// Without what lies in another directory of the list, and in order.
    pub fn settle(&mut self) {
        for list in [&mut self.kept, &mut self.rebuilt, &mut self.undecided] {
            list.sort();
            let directories: Vec<String> = list.iter().filter(|path| path.ends_with('/')).cloned().collect();
            list.retain(|path| {
                !directories.iter().any(|outer| path != outer && path.starts_with(outer.as_str()))
            });
        }
    }

    /// Each once: two environments may have the same files.
    pub fn dedup(&mut self) {
        [&mut self.kept, &mut self.rebuilt, &mut self.undecided].into_iter().for_each(Vec::dedup);
    }

    fn is_empty(&self) -> bool {
        self.kept.is_empty() && self.rebuilt.is_empty() && self.undecided.is_empty()
    }
}

fn is_made_by_a_build(path: &str) -> bool {
    const MADE: [&str; 12] = [
        "node_modules",
        "dist",
        "build",
        ".next",
        ".nuxt",
        ".output",
        ".cache",
        ".turbo",
        "coverage",
        "vendor",
        "out",
        "__pycache__",
    ];
    let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    MADE.contains(&name) || (name.ends_with(".log") && !path.ends_with('/'))
}

fn is_left_over(path: &str) -> bool {
    const ENDS: [&str; 11] =
        [".bak", ".old", ".orig", ".rej", ".swp", ".tmp", ".tar.gz", ".tgz", ".zip", ".pid", "~"];
    ENDS.iter().any(|end| path.ends_with(end)) || path == "core" || path.starts_with("core.")
}

/// The screen: as much of each part as there is room for.
#[must_use]
pub fn screen(imported: &Imported<'_>) -> String {
    let apps = imported.app_lines();
    let files = files(&imported.files, &imported.states);
    let decisions: Vec<String> = plain_secrets(&imported.plain_secrets)
        .into_iter()
        .chain(imported.decisions.iter().cloned())
        .collect();
    let environment = &imported.environment;
    let next = [
        format!("shipit {environment} check    what is missing, and how to fix it"),
        format!("shipit {environment} setup    directories and a clone on the hosts"),
    ];
    // What the file itself explains in comments gives way first, and then what hosts were asked.
    let is_known = imported.today.iter().any(|host| host.apps.is_some());
    let gives_way = if is_known { [2, 2] } else { [1, 2] };
    let parts: [(&str, &[String]); 6] = [
        ("", &imported.environments),
        ("apps at the first deploy:", &apps),
        ("another meaning:", &imported.differences),
        ("found in `source` on the hosts:", &files),
        ("could not ask:", &imported.unasked),
        ("to decide:", &decisions),
    ];
    let head = format!("wrote shipit.toml from {}, which shipit no longer reads", imported.from);
    let mut lines = Vec::new();
    for most in (3..=PART).rev() {
        lines = vec![head.clone()];
        for (at, (title, items)) in parts.iter().enumerate() {
            part(&mut lines, title, items, if gives_way.contains(&at) { most.div_ceil(2) } else { most });
        }
        part(&mut lines, "next:", &next, next.len());
        if lines.len() <= LINES {
            break;
        }
    }
    lines.iter().fold(String::new(), |mut text, line| {
        let indented = line.len() - line.trim_start().len();
        let shown = clean::line(line.trim_start().as_bytes(), COLUMNS - indented);
        let _ = writeln!(text, "{}{shown}", " ".repeat(indented));
        text
    })
}

/// What looks like a secret comes first: the new file may be committed next.
fn plain_secrets(names: &[String]) -> Option<String> {
    let first = names.first()?;
    let kind = if names.len() == 1 { "a secret" } else { "secrets" };
    let names = human::names(&names.iter().map(String::as_str).collect::<Vec<_>>());
    Some(format!("{names}: {kind} in plain text? \"${{{first}}}\" would take your variable"))
}

/// A title and its items, broken at words, in `most` lines.
fn part(lines: &mut Vec<String>, title: &str, items: &[String], most: usize) {
    if items.is_empty() {
        return;
    }
    lines.extend((!title.is_empty()).then(|| title.to_owned()));
    let wrapped: Vec<Vec<String>> =
        items.iter().map(|item| wrap_words(&format!("  {item}"), COLUMNS)).collect();
    let all: usize = wrapped.iter().map(Vec::len).sum();
    let (mut left, mut shown) = (if all > most { most - 1 } else { most }, 0);
    for item in &wrapped {
        if item.len() > left {
            break;
        }
        left -= item.len();
        shown += 1;
        lines.extend(item.iter().cloned());
    }
    if shown == 0 && lines.last().is_some_and(|last| last == title) {
        lines.pop();
        lines.push(format!("{title} {} in the comments of shipit.toml", items.len()));
    } else if shown < items.len() {
        lines.push(format!("  and {} more: see the comments in shipit.toml", items.len() - shown));
    }
}

fn files(files: &FoundFiles, states: &[String]) -> Vec<String> {
    let mut lines = Vec::new();
    if !files.is_empty() {
        let lists = [
            ("kept, in `shared`", &files.kept),
            ("built again", &files.rebuilt),
            ("to decide", &files.undecided),
        ];
        let lists = lists.into_iter().filter(|(_, list)| !list.is_empty());
        lines.extend(lists.map(|(title, list)| {
            let list = list.join(" ");
            // A name may hold anything.
            format!("{title}: {}", list.replace(char::is_control, "?"))
        }));
    }
    lines.extend_from_slice(states);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_becomes_of_files() {
        let mut files = FoundFiles::default();
        for path in [
            ".env",
            "uploads/",
            "uploads/a",
            "node_modules/",
            "web/dist/",
            "a.log",
            "logs/",
            "x.tar.gz",
            "a\u{1}b",
            ".env",
            "vendor.txt",
        ] {
            files.take(path);
        }
        files.settle();
        assert_eq!(files.kept, [".env", "logs/", "uploads/", "vendor.txt"]);
        assert_eq!(files.rebuilt, ["a.log", "node_modules/", "web/dist/"]);
        assert_eq!(files.undecided, ["a\u{1}b", "x.tar.gz"]);
    }

    #[test]
    fn the_screen_fits_a_terminal() {
        let app = |name: &str| Pm2App {
            name: name.into(),
            mode: "cluster".into(),
            instances: "4".into(),
            watch: false,
            job: false,
            cwd: String::new(),
            script: String::new(),
        };
        let apps: Vec<Pm2App> = (0..30).map(|n| app(&format!("app{n}"))).collect();
        let many = |text: &str| vec![format!("{text} {}", "x".repeat(100)); 20];
        let mut files = FoundFiles::default();
        (0..50).for_each(|n| files.take(&format!("file{n}")));
        let imported = Imported {
            from: "ecosystem.config.js".into(),
            environments: vec!["production: 3 hosts".into()],
            apps: &apps,
            of_pm2: true,
            today: Vec::new(),
            differences: many("e.js:1: "),
            decisions: many("e.js:2: "),
            plain_secrets: vec!["API_KEY".into(), "DB_PASSWORD".into()],
            files,
            states: Vec::new(),
            unasked: vec!["web2: unreachable".into()],
            environment: "production".into(),
        };
        let screen = screen(&imported);
        assert!(
            screen.lines().count() <= 24 && screen.lines().all(|line| line.chars().count() < 80),
            "{screen}"
        );
    }
}
