//! Facts: what a host says about itself, as names and values (`fact` in `scripts/base.sh`), made typed fields.
//!
//! One host's facts decide what others do: which commit they fetch, which release goes live there, what is put into their
//! variables. So a value counts only where it has the form that it has from us.

use super::damage::{Damage, Serving};
use super::hold::Hold;
use super::journal::State;
use super::release;
use super::version::Version;
use crate::git::Revision;

macro_rules! facts {
    ($($name:literal $fact:ident $meaning:literal,)*) => {
        /// The name of a fact. Scripts say no other; a test compares them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Fact {
            $(#[doc = $meaning] $fact,)*
        }

        impl Fact {
            /// All of them.
            pub const ALL: &[Fact] = &[$(Fact::$fact),*];

            /// As scripts say it.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Fact::$fact => $name,)* }
            }

            /// The fact of that name.
            #[must_use]
            pub fn parse(name: &str) -> Option<Fact> {
                match name { $($name => Some(Fact::$fact),)* _ => None }
            }
        }
    };
}

facts! {
    "live" Live "The release that `current` names.",
    "live-revision" LiveRevision "The commit of the live release.",
    "live-digest" LiveDigest "The digest of the configuration that the live release was deployed with.",
    "live-reference" LiveReference "The ref that the live release was deployed from.",
    "live-parent" LiveParent "The release that was live before the live release.",
    "damaged" Damaged "What is wrong with the live release, which is not whole.",
    "foreign" Foreign "Where `current` leads, if it names no release; empty: it is no link.",
    "adopt" Adopt "What `current` leads to was made by another tool: a work tree `source`, directories in `releases`, or one of these that was adopted before (`again`).",
    "serving" Serving "What `current` is after a run that went wrong.",
    "incomplete" Incomplete "The releases with a record that are pruned or not whole.",
    "newest" Newest "The newest release on disk.",
    "known" Known "The releases that can be made live again from what was kept.",
    "bare" Bare "The host was never set up.",
    "drained" Drained "The host was left drained.",
    "supervisor" Supervisor "What the stored `status` step says of the service.",
    "holder" Holder "The run that holds the lock.",
    "holder-dead" HolderDead "The process of the lock holder has ended.",
    "stuck" Stuck "What stands in the place of the lock, if shipit did not make it.",
    "other-environment" OtherEnvironment "The environment that the path was last deployed for, if it is another one.",
    "hold" Hold "The hold of the environment.",
    "revision" Revision "The commit that the configured ref names.",
    "names" Names "Branches and tags that the configured ref may have been meant for.",
    "health" Health "The health check that the operator is to make before the host takes requests.",
    "undo-health" UndoHealth "The same, after a rollback: the host waits for the result.",
    "settled" Settled "The journal's state of the run that was asked about.",
    "finished" Finished "The run is recorded as done.",
    "idle" Idle "There was nothing to restart.",
    "prunable" Prunable "The releases that a prune would remove.",
    "pruned" Pruned "How many releases were removed.",
    "console" Console "The script that starts a terminal.",
    "files" Files "How many log files there are.",
    "unreadable" Unreadable "A log file that cannot be read.",
    "untimed" Untimed "A log file whose lines have no times, where those since a time are wanted.",
    "no-journal" NoJournal "A unit whose journal cannot be read.",
    "ending" Ending "The script ends another run first, which takes its time; not kept.",
}

/// What another tool made of the deploy path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adoptable {
    /// pm2 deploy: a work tree in `source`.
    WorkTree,
    /// Capistrano, Deployer, shipit-js: directories in `releases`.
    Releases,
    /// One of these, which was adopted by an earlier run and is live.
    Adopted,
}

/// What takes a drained host in again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UndrainedBy {
    /// A restart of the live release.
    Restart,
    /// Only another release: the live one has no `undrain`.
    Deploy,
}

/// What the supervisor says of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceState {
    /// It runs.
    Ok,
    /// It does not run.
    Down,
    /// The `status` step took too long.
    Late,
    /// It could not be asked.
    Unknown,
}

/// What a host said about itself. A field is empty until the host says it, and again once the host says it in a form that is
/// not ours.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "`Fact` says what each means")]
pub struct Facts {
    pub live: Option<String>,
    pub live_version: Option<Version>,
    pub live_digest: Option<String>,
    pub live_reference: Option<String>,
    pub live_parent: Option<String>,
    pub damaged: Option<Damage>,
    pub foreign: Option<String>,
    pub adopt: Option<Adoptable>,
    pub serving: Option<Serving>,
    pub incomplete: Vec<String>,
    pub newest: Option<String>,
    pub known: Vec<String>,
    pub bare: bool,
    pub drained: Option<UndrainedBy>,
    pub supervisor: Option<ServiceState>,
    pub holder: Option<String>,
    pub holder_dead: bool,
    pub stuck: Option<String>,
    pub other_environment: Option<String>,
    pub hold: Option<Hold>,
    pub revision: Option<Revision>,
    pub names: Vec<String>,
    pub health: Option<String>,
    pub undo_health: Option<String>,
    pub settled: Option<State>,
    pub finished: bool,
    pub idle: bool,
    pub prunable: Vec<String>,
    pub pruned: Option<u32>,
    pub console: Option<String>,
    pub files: Option<u32>,
    pub unreadable: Option<String>,
    pub untimed: Option<String>,
    pub no_journal: Option<String>,
}

impl Facts {
    /// Takes in what a host said. An unknown name changes nothing; a malformed value empties the field.
    pub fn take(&mut self, name: &str, value: &str) {
        let Some(fact) = Fact::parse(name) else { return };
        match fact {
            Fact::Live => self.live = release_name(value),
            Fact::LiveRevision => self.live_version = Version::parse(value),
            Fact::LiveDigest => self.live_digest = any(value),
            Fact::LiveReference => self.live_reference = one_line(value),
            Fact::LiveParent => self.live_parent = release_name(value),
            Fact::Damaged => self.damaged = value.parse().ok(),
            Fact::Foreign => self.foreign = any(value),
            Fact::Adopt => self.adopt = Adoptable::parse(value),
            Fact::Serving => self.serving = Serving::parse(value),
            Fact::Incomplete => self.incomplete = release_names(value),
            Fact::Newest => self.newest = release_name(value),
            Fact::Known => self.known = release_names(value),
            Fact::Bare => self.bare = flag(value),
            Fact::Drained => self.drained = UndrainedBy::parse(value),
            Fact::Supervisor => self.supervisor = ServiceState::parse(value),
            Fact::Holder => self.holder = any(value),
            Fact::HolderDead => self.holder_dead = flag(value),
            Fact::Stuck => self.stuck = any(value),
            Fact::OtherEnvironment => self.other_environment = one_line(value),
            Fact::Hold => self.hold = Some(Hold::read(value)),
            Fact::Revision => self.revision = Revision::parse(value),
            Fact::Names => self.names = value.split_whitespace().map(str::to_owned).collect(),
            Fact::Health => self.health = any(value),
            Fact::UndoHealth => self.undo_health = any(value),
            Fact::Settled => self.settled = State::parse(value),
            Fact::Finished => self.finished = flag(value),
            Fact::Idle => self.idle = flag(value),
            Fact::Prunable => self.prunable = release_names(value),
            Fact::Pruned => self.pruned = value.parse().ok(),
            Fact::Console => self.console = one_line(value).filter(|file| file.starts_with('/')),
            Fact::Files => self.files = value.parse().ok(),
            Fact::Unreadable => self.unreadable = any(value),
            Fact::Untimed => self.untimed = any(value),
            Fact::NoJournal => self.no_journal = any(value),
            Fact::Ending => {}
        }
    }

    /// Whether the host said nothing yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Facts::default()
    }
}

impl Adoptable {
    fn parse(word: &str) -> Option<Adoptable> {
        match word {
            "source" => Some(Adoptable::WorkTree),
            "releases" => Some(Adoptable::Releases),
            "again" => Some(Adoptable::Adopted),
            _ => None,
        }
    }
}

impl UndrainedBy {
    /// As the host says it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            UndrainedBy::Restart => "restart",
            UndrainedBy::Deploy => "deploy",
        }
    }

    fn parse(word: &str) -> Option<UndrainedBy> {
        [UndrainedBy::Restart, UndrainedBy::Deploy].into_iter().find(|one| one.name() == word)
    }
}

impl ServiceState {
    /// As the host says it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ServiceState::Ok => "ok",
            ServiceState::Down => "down",
            ServiceState::Late => "late",
            ServiceState::Unknown => "unknown",
        }
    }

    fn parse(word: &str) -> Option<ServiceState> {
        use ServiceState::{Down, Late, Ok, Unknown};
        [Ok, Down, Late, Unknown].into_iter().find(|one| one.name() == word)
    }
}

fn any(value: &str) -> Option<String> {
    Some(value.to_owned())
}

// What becomes a variable of other hosts.
fn one_line(value: &str) -> Option<String> {
    (!value.contains(char::is_control)).then(|| value.to_owned())
}

fn release_name(value: &str) -> Option<String> {
    release::is_name(value).then(|| value.to_owned())
}

fn release_names(value: &str) -> Vec<String> {
    value.split_whitespace().map(release_name).collect::<Option<_>>().unwrap_or_default()
}

fn flag(value: &str) -> bool {
    value == "yes"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::program::{ADOPT, ASK, CHECK, IMPORT, PROGRAM};

    const RELEASE: &str = "20261121T081502Z-1a2b3c4";
    const COMMIT: &str = "1a2b3c4d5e6f1a2b3c4d5e6f1a2b3c4d5e6f1a2b";

    #[test]
    fn a_value_that_others_would_act_on_has_our_form() {
        for (name, good, bad) in [
            ("live", RELEASE, "../../etc"),
            ("live", RELEASE, ""),
            ("newest", RELEASE, "20261121T081502Z-1a2b3c4/.."),
            ("live-parent", RELEASE, ".."),
            ("known", "20261121T081502Z-1a2b3c4 20261121T081503Z-1a2b3c4", "20261121T081502Z-1a2b3c4 .."),
            ("revision", COMMIT, "--upload-pack=touch /tmp/x"),
            ("revision", COMMIT, "äääääää"),
            ("live-revision", COMMIT, "main"),
            ("live-reference", "release/ä b", "main\nrm"),
            ("console", "/dev/shm/x/console", "/tmp/x\n/bin/sh"),
            ("console", "/dev/shm/x/console", "-c"),
            ("drained", "restart", "by hand"),
            ("adopt", "source", "../source"),
            ("supervisor", "down", ""),
            ("damaged", "emptied app/ä b.js", "eaten app.js"),
            ("serving", "broken 20261121T081502Z-1a2b3c4", "release ../../etc"),
            ("incomplete", "20261121T081502Z-1a2b3c4", "20261121T081502Z-1a2b3c4 .."),
            ("settled", "failed", "../failed"),
            ("pruned", "3", "-3"),
            ("bare", "yes", "no"),
        ] {
            let mut facts = Facts::default();
            facts.take(name, good);
            assert!(!facts.is_empty(), "{name} {good:?}");
            facts.take(name, bad);
            assert!(facts.is_empty(), "{name} {bad:?}: {facts:?}");
        }
    }

    #[test]
    fn an_unknown_name_says_nothing() {
        let mut facts = Facts::default();
        facts.take("live-who", "ops");
        assert!(facts.is_empty(), "{facts:?}");
    }

    #[test]
    fn scripts_say_these_facts_and_no_others() {
        let scripts = format!("{}{CHECK}{IMPORT}{}{}", *PROGRAM, *ASK, *ADOPT);
        // `say fact "$1"` is the function itself.
        let mut said: Vec<&str> = words_after(&scripts, "fact ").filter(|word| *word != "\"$1\"").collect();
        said.sort_unstable();
        said.dedup();
        let mut known: Vec<&str> = Fact::ALL.iter().map(|fact| fact.name()).collect();
        known.sort_unstable();
        assert_eq!(said, known);
        assert!(Fact::ALL.iter().all(|fact| Fact::parse(fact.name()) == Some(*fact)));
    }

    // The word after each call of a function.
    fn words_after<'a>(text: &'a str, call: &'a str) -> impl Iterator<Item = &'a str> {
        let starts = text.match_indices(call).filter(|(at, _)| {
            text[..*at].chars().next_back().is_none_or(|before| matches!(before, ' ' | '\n' | '\t' | '{'))
        });
        let rest = starts.map(|(at, _)| &text[at + call.len()..]);
        rest.map(|rest| rest.split([' ', '\n', ';']).next().unwrap_or_default())
    }
}
