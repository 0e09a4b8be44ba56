//! The commands to type after a run that left hosts on different releases: one variant for each, worded here.

use crate::executor::outcome::{HostOutcome, Outcome};
use crate::plan::Action;
use crate::remote::version::Version;
use crate::report::clean;

/// A command, and what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextCommand<'a> {
    /// What each host serves.
    Status,
    /// A new release for all.
    Redeploy,
    /// What most hosts serve, for all.
    Sync,
    /// The release of the revert, for the hosts that do not have it.
    SyncMissing,
    /// This commit, where few hosts have its release.
    DeployCommit(&'a Version),
    /// The same revert.
    RevertAgain(&'a str),
    /// The same sync.
    SyncAgain,
    /// The same restart.
    RestartAgain,
}

impl NextCommand<'_> {
    fn words(self) -> String {
        match self {
            NextCommand::Status => "status".to_owned(),
            NextCommand::Redeploy => "--redeploy".to_owned(),
            NextCommand::Sync | NextCommand::SyncMissing | NextCommand::SyncAgain => "sync".to_owned(),
            NextCommand::DeployCommit(version) => format!("ref {version}"),
            NextCommand::RevertAgain(release) => format!("revert {release}"),
            NextCommand::RestartAgain => "restart".to_owned(),
        }
    }

    fn purpose(self) -> &'static str {
        match self {
            NextCommand::Status => "show what each host serves",
            NextCommand::Redeploy => "deploy a new release to all hosts",
            NextCommand::Sync => "bring all hosts to what most of them serve",
            NextCommand::SyncMissing => "build that release on the hosts that do not have it",
            NextCommand::DeployCommit(_) => "deploy that commit again",
            NextCommand::RevertAgain(_) | NextCommand::SyncAgain | NextCommand::RestartAgain => "try again",
        }
    }
}

/// A line each, the purposes below each other. `lacking`: a revert failed because hosts do not have its release.
pub(super) fn render(outcome: &Outcome, lacking: bool) -> String {
    let commands = commands(outcome, lacking);
    let line = |command: &NextCommand<'_>| {
        let line = format!("shipit {} {}", outcome.environment, command.words());
        (clean::line(line.as_bytes(), 200), command.purpose())
    };
    let lines: Vec<(String, &str)> = commands.iter().map(line).collect();
    let width = lines.iter().map(|(line, _)| console::measure_text_width(line)).max().unwrap_or(0);
    let padded = |line| console::pad_str(line, width, console::Alignment::Left, None).into_owned();
    lines.iter().fold("\nnext:".to_owned(), |text, (line, why)| format!("{text}\n  {}  {why}", padded(line)))
}

fn commands(outcome: &Outcome, lacking: bool) -> Vec<NextCommand<'_>> {
    let mut commands = vec![NextCommand::Status];
    match (outcome.action, &outcome.release) {
        (Action::Revert, Some(release)) if lacking => {
            let has = |host: &&HostOutcome| host.to.as_ref().is_some_and(|live| live.release == *release);
            if 2 * outcome.hosts.iter().filter(has).count() > outcome.hosts.len() {
                commands.push(NextCommand::SyncMissing);
            } else if let Some(version) = &outcome.version {
                commands.push(NextCommand::DeployCommit(version));
            }
        }
        (Action::Revert, Some(release)) => commands.push(NextCommand::RevertAgain(release)),
        (Action::Revert, None) => commands.push(NextCommand::Sync),
        (Action::Sync, _) => commands.push(NextCommand::SyncAgain),
        (Action::Restart, _) => commands.push(NextCommand::RestartAgain),
        (Action::Deploy, _) => commands.extend([NextCommand::Redeploy, NextCommand::Sync]),
        _ => {}
    }
    commands
}
