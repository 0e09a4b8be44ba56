//! A plan for people: what changes, the steps in their order and on which hosts, and what happens if it fails. The
//! scripts are `plan --scripts`.

use std::fmt::Write as _;

use super::preview::Preview;
use super::{clean, human, table};
use crate::config::{App, KnownSupervisor, Pause, Program, Strategy, Supervisor};
use crate::executor::decide::Role;
use crate::git;
use crate::plan::{Action, Batch, OnFailure, Participants, Phase, Plan, Stage, Work};

/// Columns of a terminal.
const WIDTH: usize = 80;

/// The screen. `news`: what changes, a line each. `scripts`: the command that shows the scripts of this very plan.
#[must_use]
pub fn render(plan: &Plan, preview: Option<&Preview>, news: &[String], scripts: &str) -> String {
    let mut text = String::new();
    let environment = &plan.environment;
    for app in &environment.apps {
        let named = if environment.apps.len() == 1 { String::new() } else { format!("{}: ", app.name) };
        let repo = git::without_credentials(&app.repo);
        let what = if plan.action == Action::Deploy { format!("{} of {repo}", app.reference) } else { repo };
        let _ = writeln!(text, "{} {}: {named}{what}", plan.action.name(), environment.name);
    }
    let names: Vec<&str> = environment.hosts.iter().map(|host| host.name.as_str()).collect();
    let _ = writeln!(text, "on {}", names.join(", "));
    if !news.is_empty() {
        let _ = writeln!(text, "\n{}", news.join("\n").trim_end());
    }
    let nothing =
        preview.and_then(|preview| preview.decision.as_ref()).is_some_and(|decision| decision.is_nothing());
    if nothing || preview.is_some_and(|preview| preview.refusal.is_some()) {
        return text;
    }
    let roles = preview.and_then(|preview| preview.decision.as_ref()).map(|decision| &decision.roles[..]);
    let rows = rows(plan, roles.unwrap_or_default());
    if !rows.is_empty() {
        let _ = write!(text, "\n{}", table::render(&rows));
        if plan.action != Action::Deploy && rows.iter().any(|row| row[2].contains("reload")) {
            text.push_str("(drain, reload, verify, health and undrain: only those that the release has)\n");
        }
    }
    text.push_str(&reloads(plan));
    let _ = writeln!(text, "\n{}", after_a_failure(plan));
    let _ = writeln!(text, "the scripts: {scripts}");
    text
}

/// What a deploy reloads, in the words of the file: an app's line of its own.
fn reloads(plan: &Plan) -> String {
    let mut text = String::new();
    let apps = &plan.environment.apps;
    for app in apps.iter().filter(|_| plan.action == Action::Deploy) {
        let of_app = if apps.len() == 1 { String::new() } else { format!(" of {}", app.name) };
        for supervisor in &app.supervisors {
            let line = match (supervisor.known(), supervisor.steps().next()) {
                (Some(known), _) => format!("reload{of_app}: {}", known_reload(known)),
                (None, Some((_, reload))) => {
                    let looked =
                        if is_reloaded_by_hand(app) { ", and what pm2 runs is verified" } else { "" };
                    let room = WIDTH.saturating_sub(12 + of_app.len() + looked.len());
                    format!("reload{of_app} is `{}`{looked}", clean::line(reload.as_bytes(), room))
                }
                (None, None) => continue,
            };
            let _ = writeln!(text, "{}", clean::truncate(&line, WIDTH));
        }
        if app.supervisors.is_empty() && is_reloaded_by_hand(app) {
            let _ = writeln!(text, "verify{of_app}: what pm2 runs from its path runs from the new release");
        }
    }
    text
}

// Whether the app may be one of pm2 that no adapter verifies.
fn is_reloaded_by_hand(app: &App) -> bool {
    let by_adapter =
        app.supervisors.iter().any(|one| one.known().is_some_and(|known| known.program == Program::Pm2));
    let by_hand = !app.supervisors.is_empty() || !app.hooks.post_deploy.is_empty();
    by_hand && !by_adapter
}

// What a supervisor does, and to what.
fn known_reload(known: &KnownSupervisor) -> String {
    let does = match known.strategy {
        Strategy::Reload => "reloads",
        Strategy::Restart => "restarts",
        Strategy::StopStart => "stops, then starts",
        Strategy::Recreate => "starts anew",
    };
    let named = known.settings.iter().filter(|(key, _)| matches!(*key, "only" | "unit" | "service"));
    let names: Vec<&str> = named.map(|(_, name)| name.as_str()).collect();
    let what = if names.is_empty() { "all apps of its file".to_owned() } else { human::names(&names) };
    format!("{} {does} {what}", known.program.name())
}

// A row for each part of a phase: phase, hosts, steps. Hosts that the decision leaves alone are in none.
fn rows(plan: &Plan, roles: &[Role]) -> Vec<Vec<String>> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for stage in &plan.stages {
        let members = members(plan, stage, roles);
        let steps = steps(plan, stage, &members);
        if members.is_empty() || steps.is_empty() {
            continue;
        }
        let (phase, hosts) = (stage.phase.name().to_owned(), hosts(plan, stage, &members, roles));
        match rows.last_mut() {
            // What follows a health check from this machine is the same batch.
            Some(last) if last[0] == phase && last[1] == hosts => add(&mut last[2], &steps),
            _ => rows.push(vec![phase, hosts, steps.join(", ")]),
        }
    }
    wrap(&mut rows);
    // A phase is named once.
    for at in (1..rows.len()).rev() {
        if rows[at][0] == rows[at - 1][0] {
            rows[at][0].clear();
        }
    }
    rows
}

// Steps that do not fit beside their hosts go on in rows of their own.
fn wrap(rows: &mut Vec<Vec<String>>) {
    let width = |column: usize| rows.iter().map(|row| measure(&row[column])).max().unwrap_or(0) + 2;
    let room = WIDTH.saturating_sub(width(0) + width(1)).max(20);
    let mut wrapped = Vec::new();
    for row in rows.drain(..) {
        let mut lines: Vec<String> = vec![String::new()];
        for step in row[2].split(", ") {
            let last = lines.len() - 1;
            if lines[last].is_empty() {
                lines[last].push_str(step);
            } else if measure(&lines[last]) + 2 + measure(step) <= room {
                let _ = write!(lines[last], ", {step}");
            } else {
                lines[last].push(',');
                lines.push(step.to_owned());
            }
        }
        let mut lines = lines.into_iter();
        wrapped.extend(lines.next().map(|line| vec![row[0].clone(), row[1].clone(), line]));
        wrapped.extend(lines.map(|line| vec![row[0].clone(), String::new(), line]));
    }
    *rows = wrapped;
}

fn measure(text: &str) -> usize {
    console::measure_text_width(text)
}

// The targets that a stage is for, by what was decided; without a decision all that it may be for.
fn members(plan: &Plan, stage: &Stage, roles: &[Role]) -> Vec<usize> {
    // A host without a record fails before anything is changed there.
    let takes_part = |at: &usize| {
        roles.get(*at).is_none_or(|role| *role != Role::NoRecord && role.takes_part(stage.participants))
    };
    let all = 0..plan.targets.len();
    match &stage.work {
        Work::Remote(scripts) => all.filter(|at| !scripts[*at].is_empty()).filter(takes_part).collect(),
        Work::Health(targets) => targets.iter().copied().filter(takes_part).collect(),
        Work::Local(hooks) => {
            let of_hook = |at: &usize| {
                hooks.iter().any(|hook| match hook.target {
                    Some(target) => target == *at,
                    None => hook.app == plan.targets[*at].app,
                })
            };
            all.filter(of_hook).filter(takes_part).collect()
        }
        Work::Pause(_) => {
            let of_app = |at: &usize| stage.batch.is_some_and(|batch| batch.app == plan.targets[*at].app);
            all.filter(of_app).filter(takes_part).collect()
        }
    }
}

// A step that comes again, after a health check from this machine, comes only then.
fn add(row: &mut String, steps: &[String]) {
    let before = row.split(", ").filter(|known| steps.iter().all(|step| step != known)).map(str::to_owned);
    *row = before.chain(steps.iter().cloned()).collect::<Vec<_>>().join(", ");
}

fn hosts(plan: &Plan, stage: &Stage, members: &[usize], roles: &[Role]) -> String {
    let here = match &stage.work {
        Work::Local(hooks) => hooks.iter().all(|hook| hook.target.is_none()),
        _ => false,
    };
    if here {
        return "here".to_owned();
    }
    let condition = match stage.participants {
        Participants::All | Participants::HealthChecked => "",
        // A decision says which they are.
        _ if !roles.is_empty() => "",
        other => other.condition(),
    };
    let names: Vec<&str> = members.iter().map(|at| plan.targets[*at].name.as_str()).collect();
    let names =
        if members.len() == plan.targets.len() { "all hosts".to_owned() } else { human::names(&names) };
    match (stage.batch, &stage.work) {
        (Some(Batch { number, of, .. }), Work::Pause(_)) => format!("before {number} of {of}"),
        (Some(Batch { number, of, .. }), _) if of > 1 => format!("{number} of {of}: {names}{condition}"),
        _ => format!("{names}{condition}"),
    }
}

fn steps(plan: &Plan, stage: &Stage, members: &[usize]) -> Vec<String> {
    match &stage.work {
        Work::Remote(scripts) => {
            let mut all: Vec<String> = Vec::new();
            for at in members {
                let app = &plan.environment.apps[plan.targets[*at].app];
                for step in scripts[*at].steps().iter().filter(|step| exists(plan, app, step)) {
                    if !all.contains(step) {
                        all.push(step.clone());
                    }
                }
            }
            all
        }
        Work::Local(hooks) => {
            let mut all: Vec<String> = hooks.iter().map(|hook| format!("{} (here)", hook.step)).collect();
            all.dedup();
            all
        }
        Work::Health(_) => vec!["health".to_owned()],
        Work::Pause(Pause::Lasting(time)) => vec![format!("pause of {} s", time.as_secs())],
        Work::Pause(Pause::Ask) => vec!["you are asked".to_owned()],
        Work::Pause(Pause::None) => Vec::new(),
    }
}

// Of a new release today's configuration says whether there is anything to reload; of another its own does.
fn exists(plan: &Plan, app: &App, step: &str) -> bool {
    match step {
        "detect" => app.supervisors.iter().any(|one| one.known().is_some()),
        "save" => app.supervisors.iter().filter_map(Supervisor::known).any(|one| one.program == Program::Pm2),
        _ if plan.action != Action::Deploy => true,
        "reload" => !app.supervisors.is_empty(),
        "verify" => app.supervisors.iter().any(Supervisor::verifies),
        "undrain" => !app.hooks.undrain.is_empty(),
        "post-deploy" => !app.hooks.post_deploy.is_empty(),
        _ => true,
    }
}

fn after_a_failure(plan: &Plan) -> String {
    if plan.action == Action::Exec {
        let others = if plan.targets.len() == 1 { "" } else { ", and the other hosts go on" };
        return format!("if it fails: what it did stays{others}");
    }
    let goes_live =
        plan.stages.iter().any(|stage| matches!(stage.phase, Phase::Activate | Phase::SingleHost));
    match plan.policy.on_failure {
        OnFailure::RollBack if goes_live => {
            let names = |batch: &Vec<usize>| {
                batch.iter().map(|at| plan.targets[*at].name.as_str()).collect::<Vec<_>>().join(", ")
            };
            let order: Vec<String> = plan.recovery.batches.iter().map(names).collect();
            let order = match order.len() {
                0 | 1 => String::new(),
                _ => format!(":\n  hosts that do not serve it first, then {}", order.join("; ")),
            };
            let all = if plan.targets.len() == 1 { "the host is" } else { "all hosts are" };
            let first = if plan.targets.len() == 1 { "it" } else { "any host" };
            format!(
                "if it fails before {first} is live: nothing live changes\n\
                 if it fails later: {all} rolled back to what is live there now{order}"
            )
        }
        OnFailure::RollBack => "if it fails: what was done stays, and nothing live changes".to_owned(),
        OnFailure::Continue => {
            "if a host fails: it is reported, and the others go on;\nno host returns to what it leaves"
                .to_owned()
        }
        OnFailure::FinishInPlace => {
            "if a host fails: it is reported, no other host starts,\nand hosts that have started finish"
                .to_owned()
        }
    }
}
