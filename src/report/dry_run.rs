//! What a dry run shows: what was decided, and the plan, for people or as one JSON value.

use super::preview::{Group, Preview};
use super::{Deaf, Printer, Verbosity, clean, human, json, plan_screen};
use crate::executor::decide::{Change, Decision, Role};
use crate::plan::{self, Action, Plan};
use crate::remote::reason::with_commands;
use crate::remote::version::Version;

/// How a plan is shown.
#[derive(Debug, Clone, Copy)]
pub struct Format<'a> {
    /// As one JSON value.
    pub json: bool,
    /// With the scripts.
    pub scripts: bool,
    /// The command that shows the scripts of the same plan.
    pub scripts_command: &'a str,
    /// The command that `exec` runs.
    pub command: Option<&'a str>,
}

/// Any plan; with what it would do, where hosts were asked.
pub fn print(printer: &Printer, plan: &Plan, preview: Option<&Preview>, format: Format<'_>) {
    if format.json {
        printer.json(&json::plan(plan, preview));
        return;
    }
    let mut news = preview.map_or_else(Vec::new, |preview| lines(plan, preview));
    news.extend(
        format.command.map(|command| format!("runs in `current`: {}", clean::line(command.as_bytes(), 400))),
    );
    let news: Vec<String> = news.iter().map(|line| printer.harmless(line)).collect();
    if format.scripts || printer.verbosity() == Verbosity::Verbose {
        let whole = printer.verbosity() == Verbosity::Verbose;
        let _deaf = Deaf::begin(printer);
        printer.data_as_it_is(&plan::show_with(plan, whole, &news));
    } else {
        printer.data(&plan_screen::render(plan, preview, &news, format.scripts_command));
    }
}

// What changes, for people.
fn lines(plan: &Plan, preview: &Preview) -> Vec<String> {
    if let Some(refusal) = &preview.refusal {
        let hint = refusal.hint().map(|hint| with_commands(&hint, &plan.environment.name));
        let hint = hint.map(|hint| format!("hint: {hint}"));
        return std::iter::once(format!("would be refused: {}", refusal.message())).chain(hint).collect();
    }
    let Some(decision) = &preview.decision else { return Vec::new() };
    let apps = &plan.environment.apps;
    let mut all: Vec<String> = decision
        .notices
        .iter()
        .map(|notice| match notice.host() {
            Some(host) => format!("{host}: {}", notice.text()),
            None => notice.text(),
        })
        .collect();
    for (at, app) in apps.iter().enumerate() {
        let lines = app_lines(plan, preview, decision, at);
        if apps.len() > 1 && !lines.is_empty() {
            all.push(format!("{}:", clean::line(app.name.as_bytes(), 80)));
        }
        all.extend(lines);
    }
    all
}

fn app_lines(plan: &Plan, preview: &Preview, decision: &Decision, at: usize) -> Vec<String> {
    let app = &preview.apps[at];
    let short = app.to.as_ref().map(Version::short).unwrap_or_default();
    let names = |hosts: &[usize]| {
        let names: Vec<&str> = hosts.iter().map(|at| plan.targets[*at].name.as_str()).collect();
        human::names(&names)
    };
    let silent = preview.looked.iter().any(|host| host.app == at && host.failure.is_some());
    let all = if silent { "all hosts that answered" } else { "all hosts" };
    match app.decided.change {
        Change::Unchanged if app.decided.goal.is_none() && silent => {
            vec!["what is live is not known: not all hosts answered".to_owned()]
        }
        Change::Unchanged if app.decided.goal.is_none() => vec!["nothing is live".to_owned()],
        Change::Unchanged if plan.action == Action::Deploy => {
            vec![format!("nothing to do: {short} is live on {all}, with this configuration")]
        }
        Change::Unchanged => vec![format!("nothing to do: {short} is live on {all}")],
        Change::NewRelease => (app.groups.iter().zip(std::iter::repeat(app.to.as_ref())))
            .filter_map(|(group, to)| Some((group, to?)))
            .flat_map(|(group, to)| {
                let on = app.differ.then(|| format!("on {}:", names(&group.hosts)));
                on.into_iter().chain(incoming(group, to))
            })
            .collect(),
        Change::ExistingRelease => {
            app.groups.iter().flat_map(|group| existing(group, decision, short, &names)).collect()
        }
        Change::InPlace if plan.action == Action::Prune => prunable(preview, at, &names),
        Change::InPlace => app
            .groups
            .iter()
            .map(|group| match human::live(group.from.as_ref()) {
                Some(from) => format!("{}: {from}, which stays live", names(&group.hosts)),
                None => format!("{}: nothing is live", names(&group.hosts)),
            })
            .collect(),
    }
}

// Hosts of an app by what a prune would remove there.
fn prunable(preview: &Preview, app: usize, names: &dyn Fn(&[usize]) -> String) -> Vec<String> {
    let mut groups: Vec<(&[String], Vec<usize>)> = Vec::new();
    let hosts =
        preview.looked.iter().enumerate().filter(|(_, host)| host.app == app && host.failure.is_none());
    for (at, host) in hosts {
        match groups.iter_mut().find(|(known, _)| *known == host.facts.prunable) {
            Some((_, hosts)) => hosts.push(at),
            None => groups.push((&host.facts.prunable, vec![at])),
        }
    }
    let line = |(releases, hosts): (&[String], Vec<usize>)| match releases {
        [] => format!("{}: nothing to remove", names(&hosts)),
        releases => format!("{}: removes {}", names(&hosts), releases.join(", ")),
    };
    groups.into_iter().map(line).collect()
}

fn incoming(group: &Group, to: &Version) -> Vec<String> {
    let short = to.short();
    let Some(live) = &group.from else { return vec![format!("nothing is live yet; {short} goes out")] };
    match (&live.version, &group.pending) {
        (None, _) => vec![format!("an unknown commit is live; {short} goes out")],
        (Some(from), _) if from == to => vec![format!("{short} is live; no commit goes out")],
        (Some(from), Some(pending)) => human::commits(None, from, to, pending),
        (Some(from), None) => vec![format!("{}..{short} goes out", from.short())],
    }
}

// One line for all hosts of a group with the same role.
fn existing(group: &Group, decision: &Decision, to: &str, names: &dyn Fn(&[usize]) -> String) -> Vec<String> {
    let from = human::live(group.from.as_ref()).unwrap_or_else(|| "nothing".to_owned());
    let mut by_role: Vec<(Role, Vec<usize>)> = Vec::new();
    for at in &group.hosts {
        let role = decision.roles[*at];
        match by_role.iter_mut().find(|(known, _)| *known == role) {
            Some((_, hosts)) => hosts.push(*at),
            None => by_role.push((role, vec![*at])),
        }
    }
    let line = |(role, hosts): &(Role, Vec<usize>)| {
        let serves = if hosts.len() == 1 { "serves" } else { "serve" };
        let is = if hosts.len() == 1 { "is" } else { "are" };
        let has = if hosts.len() == 1 { "has" } else { "have" };
        let it = if hosts.len() == 1 { "it" } else { "they" };
        let hosts = names(hosts);
        match role {
            Role::Released | Role::InSync => format!("{hosts}: {serves} {from}; no change"),
            Role::Full => format!("{hosts}: from {from} to {to}"),
            Role::NoRecord => format!("{hosts}: {serves} {from}; cannot be reverted"),
            Role::HasRelease => format!("{hosts}: from {from} to {to}, which {it} {has}"),
            Role::MissingRelease { bare: false } => {
                format!("{hosts}: from {from} to {to}, which is built there")
            }
            Role::MissingRelease { bare: true } => {
                format!("{hosts}: {is} set up first; {to} is built there")
            }
        }
    };
    by_role.iter().map(line).collect()
}
