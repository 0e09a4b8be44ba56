//! What a user should know about a release before it is live, and that stops nothing. The host says a word and fields
//! (`warn` in `scripts/base.sh`); the message is made here. All hosts of an app say the same, so it is told once.

use std::collections::BTreeSet;

use super::supervisor_warning::SupervisorWarning;

/// Something about the files of a release, or about the repository on a host.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "`message` says what each means")]
pub enum Warning {
    LfsPointers { path: String },
    Filter { name: String, path: String },
    LinksOut { path: String, target: String, count: u64 },
    SubmodulesOff { path: String, count: u64 },
    RevisionReplaced,
    SourceDamaged { path: String },
    NoAssets { path: String },
    Undecided { path: String, names: String },
    Changed { parts: String },
    Returning { parts: String },
    OfSupervisor(SupervisorWarning),
}

impl Warning {
    /// The word of each, and how many fields it has.
    pub const ALL: [(&str, usize); 9] = [
        ("filter", 2),
        ("links-out", 3),
        ("submodules-off", 2),
        ("revision-replaced", 0),
        ("source-damaged", 1),
        ("no-assets", 1),
        ("undecided", 2),
        ("changed", 1),
        ("returning", 1),
    ];

    /// What a host said. `None`: not one of our words, or not its fields.
    #[must_use]
    pub fn parse(word: &str, fields: &[String]) -> Option<Warning> {
        Some(match (word, fields) {
            ("filter", [name, path]) if name == "lfs" => Warning::LfsPointers { path: path.clone() },
            ("filter", [name, path]) => Warning::Filter { name: name.clone(), path: path.clone() },
            ("links-out", [path, target, count]) => {
                Warning::LinksOut { path: path.clone(), target: target.clone(), count: count.parse().ok()? }
            }
            ("submodules-off", [path, count]) => {
                Warning::SubmodulesOff { path: path.clone(), count: count.parse().ok()? }
            }
            ("revision-replaced", []) => Warning::RevisionReplaced,
            ("source-damaged", [path]) => Warning::SourceDamaged { path: path.clone() },
            ("no-assets", [path]) => Warning::NoAssets { path: path.clone() },
            ("undecided", [path, names]) => Warning::Undecided { path: path.clone(), names: names.clone() },
            ("changed", [parts]) => Warning::Changed { parts: parts.clone() },
            ("returning", [parts]) => Warning::Returning { parts: parts.clone() },
            _ => return SupervisorWarning::parse(word, fields).map(Warning::OfSupervisor),
        })
    }

    /// Whether it is about one host, and not about the repository.
    #[must_use]
    pub fn is_of_host(&self) -> bool {
        matches!(self, Warning::SourceDamaged { .. } | Warning::Undecided { .. })
    }

    /// What happened, to what, and what to do about it.
    #[must_use]
    pub fn message(&self) -> String {
        let others = |count: &u64| match count {
            0 | 1 => String::new(),
            count => format!(" (and {} more)", count - 1),
        };
        match self {
            Warning::LfsPointers { path } => format!(
                "{path} is in Git LFS, which is not supported yet: a pointer goes live in place of its content"
            ),
            Warning::Filter { name, path } => format!(
                "{path} has the git filter {name}, which is not run on hosts: the file goes live as the repository has it \
                 (encrypted, if {name} encrypts)"
            ),
            Warning::LinksOut { path, target, count } => format!(
                "{path}{} is a link to {target}: outside of the release, and nothing is there",
                others(count)
            ),
            Warning::SubmodulesOff { path, count } => format!(
                "{path}{} is a submodule, and `submodules` is off: its directory is empty; set submodules = true",
                others(count)
            ),
            Warning::RevisionReplaced => {
                "the repository has a file REVISION: shipit's own takes its place in the release".to_owned()
            }
            Warning::SourceDamaged { path } => {
                format!("the git repository {path} has damaged objects: a fresh clone takes its place")
            }
            Warning::NoAssets { path } => {
                format!("`keep-assets` names {path}, and the build left no such directory in the release")
            }
            Warning::Undecided { path, names } => format!(
                "a new release would lack what lies in {path} and is in no commit: {names}; before you deploy, name each in \
                 `shared`, `carry` or `ignore-untracked`"
            ),
            Warning::Changed { parts } => {
                format!("no new commit; what changed since the live release: {}", listed(parts))
            }
            Warning::Returning { parts } => {
                format!("the values that this release was deployed with come back: {}", listed(parts))
            }
            Warning::OfSupervisor(warning) => warning.message(),
        }
    }
}

fn listed(parts: &str) -> String {
    parts.split_whitespace().collect::<Vec<_>>().join(", ")
}

/// The warnings of a run that were told, so that each is told once.
#[derive(Debug, Default)]
pub struct Told(BTreeSet<(usize, Warning)>);

impl Told {
    /// Whether this one, of that app, is new.
    pub fn is_new(&mut self, app: usize, warning: &Warning) -> bool {
        // A host can say many: then the rest are not worth a line.
        self.0.len() < 100 && self.0.insert((app, warning.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::program;

    #[test]
    fn scripts_say_these_words_with_their_fields_and_no_others() {
        let calls: Vec<Vec<&str>> = program::all()
            .into_iter()
            .flat_map(str::lines)
            .filter(|line| !line.trim_start().starts_with('#'))
            .filter_map(|line| {
                line.trim().strip_prefix("warn ").or(line.split_once("|| warn ").map(|(_, call)| call))
            })
            .map(|call| call.split("\" \"").flat_map(|part| part.splitn(2, ' ')).collect())
            .collect();
        for (word, fields) in Warning::ALL {
            let called: Vec<_> = calls.iter().filter(|call| call[0] == word).collect();
            assert!(!called.is_empty(), "no script says {word}");
            assert!(called.iter().all(|call| call.len() == 1 + fields), "{called:?} has not {fields} fields");
        }
        assert!(calls.iter().all(|call| Warning::ALL.iter().any(|(word, _)| *word == call[0])), "{calls:?}");
    }

    #[test]
    fn each_is_told_once_and_not_without_end() {
        let mut told = Told::default();
        let link = |n: u64| Warning::LinksOut { path: "a".into(), target: "..".into(), count: n };
        assert!(told.is_new(0, &link(1)) && !told.is_new(0, &link(1)) && told.is_new(1, &link(1)));
        assert_eq!((2..1000).filter(|n| told.is_new(0, &link(*n))).count(), 98);
    }
}
