//! What a command says beside its answer, on standard error: one variant for each sentence, worded here. Pure.

use std::fmt;
use std::io;
use std::path::Path;

use super::{clean, human};
use crate::config::Remark;
use crate::git::Unchecked;
use crate::remote::hold::Hold;
use crate::remote::quote::quote;
use crate::remote::version::Version;
use crate::transport::ssh::Lack;

/// Something that the user should know.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "the fields say what their types and the variant say")]
pub enum Note<'a> {
    /// `list`, `show`: there is no deploy.
    NothingDeployed,
    /// `current`: no release is live.
    NothingLive { environment: &'a str },
    /// `previous`: no release was live before.
    NoPreviousDeploy { environment: &'a str },
    /// `list`: one list cannot show what each host serves.
    HostsDiffer { environment: &'a str },
    /// `list`: deploys that are not shown.
    MoreDeploys { more: usize, environment: &'a str },
    /// `show`: the hosts have removed the logs of that run.
    LogsRemoved,
    /// `unlock`: there is nothing to do.
    NoHostLocked,
    /// `unlock`: the run that holds the lock.
    LockHolder { run: &'a str },
    /// `hold` does not stop a run that holds the lock.
    RunContinues { run: &'a str },
    /// `hold`, on these hosts.
    HoldSet { environment: &'a str, hosts: &'a [&'a str], until: Option<&'a str> },
    /// `hold`: the hold of another person that it would replace.
    OtherHold { environment: &'a str, hold: &'a str },
    /// `resume`.
    HoldRemoved { environment: &'a str, hold: &'a Hold },
    /// `resume`: there is nothing to do.
    NotHeld { environment: &'a str },
    /// A deploy that does not know whether everything was pushed.
    Unchecked { repo: &'a str, why: &'a Unchecked },
    /// `init` below another file.
    FileAbove { file: &'a Path },
    /// `envs`: the file defines none.
    NoEnvironment,
    /// `config KEY`: it has no value.
    NotSet { key: &'a str, environment: &'a str },
    /// `console` without a host.
    FirstHost { host: &'a str, hosts: usize, environment: &'a str },
    /// `logs`: a file of a host.
    LogUnreadable { host: &'a str, file: &'a str },
    /// `logs --since`: the lines of a file have no times.
    LogUntimed { host: &'a str, file: &'a str },
    /// `logs`: the journal of a unit cannot be read.
    NoJournal { host: &'a str, unit: &'a str },
    /// `logs`: no file of a host has such a name.
    NoLogFile { host: &'a str, patterns: &'a str, waiting: bool },
    /// The keys of hosts are in known_hosts now.
    HostKeysAdded { hosts: &'a [&'a str] },
    /// A file of pm2's, read in place of a `shipit.toml`.
    Ecosystem { remark: &'a Remark },
    /// The system's `ssh` reaches these hosts, because the other client lacks what ssh's configuration asks for.
    SystemSsh { hosts: &'a [&'a str], lack: &'a Lack },
    /// The system's `ssh` wants something to be done, such as touching a key.
    SshSays { text: &'a str },
    /// What a plan cannot say, or a deploy would refuse.
    Plan(PlanNote<'a>),
    /// Something did not work, and what was asked for goes on.
    Warning(Warning<'a>),
}

/// What a plan cannot say, or what a deploy would refuse.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "the fields say what their types and the variant say")]
pub enum PlanNote<'a> {
    /// The environment is held.
    Held { environment: &'a str, hold: &'a Hold },
    /// A host did not answer.
    NotAsked { host: &'a str, why: &'a str },
    /// What a host says of its releases.
    FromHost { text: &'a str },
    /// The commit of a ref is not known. The app is named where there are several.
    Unresolved { reference: &'a str, app: Option<&'a str>, why: &'a str, deploy: Unresolved<'a> },
    /// The work tree lacks a commit; where it is shallow, the whole history is needed.
    CommitsUnknown { from: &'a Version, to: &'a Version, root: &'a Path, shallow: bool },
    /// The commit is older than what is live.
    Older { from: &'a Version, to: &'a Version },
    /// Another run holds the lock.
    LockHeld { run: &'a str },
    /// An earlier run ended in the middle on these hosts.
    Unfinished { hosts: &'a str },
    /// `current` is not a link to a release of shipit's on these hosts.
    ForeignCurrent { hosts: &'a str },
    /// What another tool deployed on these hosts is adopted.
    Adopts { hosts: &'a str },
    /// Setup never ran on these hosts.
    NotSetUp { environment: &'a str, hosts: &'a str },
    /// These hosts did not answer, and a run would do without them.
    WouldSkip { hosts: &'a str },
    /// These hosts did not answer, and a run needs them.
    WouldFail { hosts: &'a str },
}

/// What a deploy does about a ref that cannot be resolved here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unresolved<'a> {
    /// It asks this host.
    AsksHost(&'a str),
    /// It fails.
    Fails,
    /// It tries again.
    Retries,
}

/// Something that did not work, while what was asked for goes on.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "the fields say what their types and the variant say")]
pub enum Warning<'a> {
    /// The keys of hosts could not be added to known_hosts.
    HostKeysNotAdded { error: &'a (dyn std::error::Error + 'static) },
    /// Events are missing in a file; none: on standard output.
    EventsLost { file: Option<&'a Path>, error: &'a io::Error },
    /// The page that GitHub shows of a job.
    StepSummaryLost { error: &'a io::Error },
    /// What is likely a mistake in a file of pm2's.
    Ecosystem { remark: &'a Remark },
}

impl Note<'_> {
    /// Whether it is shown with `--quiet`, too.
    #[must_use]
    pub fn is_important(&self) -> bool {
        matches!(
            self,
            Note::NothingLive { .. }
                | Note::NoPreviousDeploy { .. }
                | Note::NotSet { .. }
                | Note::SshSays { .. }
                | Note::LogUnreadable { .. }
                | Note::LogUntimed { .. }
                | Note::NoJournal { .. }
                | Note::NoLogFile { .. }
                | Note::Warning(_)
        )
    }
}

fn held(environment: &str, hosts: &[&str], until: Option<&str>) -> String {
    let resume = || format!("until `shipit {environment} resume`");
    let until = until.map_or_else(resume, |until| format!("until {until}"));
    format!("{environment} is held on {} {until}; deploys are refused", human::places(hosts))
}

fn by_system_ssh(hosts: &[&str], lack: &Lack) -> String {
    let (verb, of) = if hosts.len() == 1 { ("is", "it") } else { ("are", "them") };
    let (hosts, Lack { keyword, file, line }) = (human::names(hosts), lack);
    format!(
        "{hosts} {verb} reached by the system's ssh: {keyword} is set for {of} in {}:{line}",
        file.display()
    )
}

/// As it is shown: in one line, and harmless.
impl fmt::Display for Note<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&clean::line(self.text().as_bytes(), 1000))
    }
}

impl Note<'_> {
    fn text(&self) -> String {
        match self {
            Note::NothingDeployed => "nothing was deployed yet".to_owned(),
            Note::NothingLive { environment } => format!("nothing is live on {environment}"),
            Note::NoPreviousDeploy { environment } => {
                format!("there is no earlier deploy to {environment} than what is live")
            }
            Note::HostsDiffer { environment } => {
                format!("hosts differ: `shipit {environment} status` shows which")
            }
            Note::MoreDeploys { more: 1, environment } => {
                format!("and 1 older deploy: shipit {environment} list -n N shows more")
            }
            Note::MoreDeploys { more, environment } => {
                format!("and {more} older deploys: shipit {environment} list -n N shows more")
            }
            Note::LogsRemoved => {
                "no host has the output of this run: only the logs of the last fifty runs are kept".to_owned()
            }
            Note::NoHostLocked => "no host is locked".to_owned(),
            Note::LockHolder { run } => (*run).to_owned(),
            Note::RunContinues { run } => format!("{run}: it is not stopped by the hold"),
            Note::HoldSet { environment, hosts, until } => held(environment, hosts, *until),
            Note::OtherHold { environment, hold } => format!("{environment} is already {hold}"),
            Note::HoldRemoved { environment, hold } => {
                format!("resumed: {environment} was held {}", hold.describe())
            }
            Note::NotHeld { environment } => format!("{environment} was not held"),
            Note::Unchecked { repo, why } => format!("note: {}", human::unchecked(repo, why)),
            Note::FileAbove { file } => {
                format!("note: commands that are run here no longer use {}", file.display())
            }
            Note::NoEnvironment => "no environment is defined: add a table [deploy.NAME]".to_owned(),
            Note::NotSet { key, environment } => format!("`{key}` is not set in {environment}"),
            Note::FirstHost { host, hosts, environment } => format!(
                "opening {host}, the first of {hosts} hosts; for another: shipit {environment} console HOST"
            ),
            Note::LogUnreadable { host, file } => format!("{host}: cannot read {file}"),
            Note::LogUntimed { host, file } => untimed(host, file),
            Note::NoJournal { host, unit } => format!(
                "{host}: cannot read the journal of {unit}; on the host, as root: usermod -aG systemd-journal LOGIN"
            ),
            Note::NoLogFile { host, patterns, waiting } => {
                let then = if *waiting { "; waiting for one" } else { "" };
                format!("{host}: no readable file matches {patterns}{then}")
            }
            Note::HostKeysAdded { hosts } => {
                let keys = if hosts.len() == 1 { "key" } else { "keys" };
                format!("added the host {keys} of {} to known_hosts", human::names(hosts))
            }
            Note::Ecosystem { remark } => format!("note: {remark}"),
            Note::SystemSsh { hosts, lack } => by_system_ssh(hosts, lack),
            Note::SshSays { text } => format!("ssh: {text}"),
            Note::Plan(note) => format!("note: {note}"),
            Note::Warning(warning) => format!("warning: {warning}"),
        }
    }
}

fn untimed(host: &str, file: &str) -> String {
    format!(
        "{host}: the lines of {file} do not say when they were written; use --lines N, or let the app or its logger \
         write the time (pm2: `time: true`; svlogd -tt; s6-log T)"
    )
}

impl fmt::Display for PlanNote<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PlanNote::Held { environment, hold } => {
                write!(f, "{environment} is held {}; a deploy would be refused", hold.describe())
            }
            PlanNote::NotAsked { host, why } => write!(f, "could not ask {host} what is live: {why}"),
            PlanNote::FromHost { text } => f.write_str(text),
            PlanNote::Unresolved { reference, app, why, deploy } => {
                let app = app.map_or(String::new(), |app| format!(" of {app}"));
                let why = clean::line(why.as_bytes(), 400);
                write!(f, "could not resolve {reference}{app} here: {why}; {}", without_a_ref(deploy))
            }
            PlanNote::CommitsUnknown { from, to, root, shallow } => {
                f.write_str(&commits_unknown((from, to), root, *shallow))
            }
            PlanNote::Older { from, to } => {
                let (from, to) = (from.short(), to.short());
                write!(f, "{to} is older than {from}, which is live; a deploy needs --allow-older")
            }
            PlanNote::LockHeld { run } => {
                write!(f, "{run}; what is live may be different when it ends")
            }
            PlanNote::Unfinished { hosts } => {
                write!(
                    f,
                    "an earlier run was cut off on {hosts}: the next run completes or undoes it first, which may change \
                     what is live"
                )
            }
            PlanNote::ForeignCurrent { hosts } => {
                write!(f, "`current` is not a link of shipit's on {hosts}: a deploy would fail")
            }
            PlanNote::Adopts { hosts } => {
                write!(
                    f,
                    "another tool deployed on {hosts}: what is live there is kept as a release that `revert` can return to"
                )
            }
            PlanNote::NotSetUp { environment, hosts } => {
                write!(f, "not set up yet: {hosts}; run `shipit {environment} setup` first")
            }
            PlanNote::WouldSkip { hosts } => write!(f, "{hosts} did not answer and would be skipped"),
            PlanNote::WouldFail { hosts } => {
                write!(f, "{hosts} did not answer, and this needs all hosts: it would fail")
            }
        }
    }
}

fn without_a_ref(deploy: &Unresolved<'_>) -> String {
    match deploy {
        Unresolved::AsksHost(host) => format!("a deploy asks {host}"),
        Unresolved::Fails => "a deploy would fail".to_owned(),
        Unresolved::Retries => "a deploy tries again".to_owned(),
    }
}

fn commits_unknown((from, to): (&Version, &Version), root: &Path, shallow: bool) -> String {
    let (from, to) = (from.short(), to.short());
    if shallow {
        return format!(
            "this clone is shallow and does not have all commits of {from}..{to}; to see them, clone with the whole history \
             (GitHub Actions: fetch-depth: 0)"
        );
    }
    let root = quote(&root.display().to_string());
    format!("this work tree does not have all commits of {from}..{to}: git -C {root} fetch")
}

impl fmt::Display for Warning<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::HostKeysNotAdded { error } => {
                write!(f, "{error}; the keys are trusted for this run only")
            }
            Warning::EventsLost { file: Some(file), error } => {
                write!(f, "cannot write events to {}: {}", file.display(), human::io(error))
            }
            Warning::EventsLost { file: None, error } => {
                write!(f, "cannot write events to standard output: {}", human::io(error))
            }
            Warning::StepSummaryLost { error } => {
                write!(f, "cannot write the step summary: {}", human::io(error))
            }
            Warning::Ecosystem { remark } => write!(f, "{remark}"),
        }
    }
}
