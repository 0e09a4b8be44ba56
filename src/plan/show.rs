//! A plan as text: the dry run. What it prints as a script is what is sent, byte for byte.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::action::Action;
use super::model::{Batch, Participants, Plan, Stage, Target, Work};
use super::phase::Phase;
use crate::config::{Health, HealthCheck, Pause};
use crate::git;
use crate::remote::program::{DIGEST, PROGRAM, start_command};
use crate::remote::script::Script;

/// The plan of a run. `whole` adds the resident shell's program, which is the same for all runs.
#[must_use]
pub fn show(plan: &Plan, whole: bool) -> String {
    show_with(plan, whole, &[])
}

/// The same, with lines on top that say what it would bring.
#[must_use]
pub fn show_with(plan: &Plan, whole: bool, news: &[String]) -> String {
    let mut text = String::new();
    let names: Vec<&str> = plan.targets.iter().map(|t| t.name.as_str()).collect();
    let environment = &plan.environment;
    for app in &environment.apps {
        let named = if environment.apps.len() == 1 { String::new() } else { format!("{}: ", app.name) };
        let repo = git::without_credentials(&app.repo);
        let _ = writeln!(
            text,
            "# {} {}: {named}{} of {repo}",
            plan.action.name(),
            environment.name,
            app.reference
        );
    }
    let _ = writeln!(text, "# on {}", names.join(", "));
    if !news.is_empty() {
        let _ = writeln!(
            text,
            "#\n{}",
            news.iter().map(|line| format!("# {line}\n")).collect::<String>().trim_end()
        );
    }
    text.push('\n');
    let several = if environment.apps.len() == 1 { "" } else { ", for each of its apps" };
    let _ = writeln!(text, "## on each host{several}, once: one `sh` for the whole run");
    let _ = writeln!(text, "{}\n", start_command());
    show_program(&mut text, whole);
    variables(&mut text, plan);
    let title = format!("{}, with the connection", plan.opening_phase.name());
    show_scripts(&mut text, plan, &title, (&plan.opening, Participants::All));
    // Of a path it was asked with the connection already.
    let asked = |at: usize| git::is_path(&environment.apps[at].repo);
    for (at, find) in plan.find_ref.iter().enumerate().filter(|(at, find)| !find.is_empty() && !asked(*at)) {
        let first = plan.first_of(at).map_or("", |first| plan.targets[first].name.as_str());
        let _ = writeln!(text, "## {}, on {first}, if the ref cannot be resolved here", Phase::Lock.name());
        let _ = writeln!(text, "{}", find.as_str());
    }
    if !plan.release_lock.is_empty() {
        let _ = writeln!(text, "## if there is nothing to do, or while others hold the lock");
        let _ = writeln!(text, "{}", plan.release_lock.as_str());
    }
    show_adoption(&mut text, plan, whole);
    for stage in &plan.stages {
        show_stage(&mut text, plan, stage);
    }
    show_recovery(&mut text, plan);
    show_health_on_host(&mut text, &plan.check_health, whole);
    later(&mut text, plan);
    text
}

fn show_program(text: &mut String, whole: bool) {
    let program = format!("the resident shell's program, {} bytes, SHA-256 {}", PROGRAM.len(), *DIGEST);
    if whole {
        let _ = writeln!(text, "## {program}: sent where the host does not keep it\n{}", *PROGRAM);
    } else {
        let _ = writeln!(text, "# {program}: sent where the host does not keep it; -v shows it\n");
    }
}

impl Target {
    /// The variables that do not depend on the operator and the time; no secret is in them.
    pub fn shown_variables(&self) -> impl Iterator<Item = (&'static str, Cow<'_, str>)> {
        let shown = self.variables.iter().filter(|(name, _)| !matches!(*name, "when" | "who" | "digest"));
        shown.map(|(name, value)| match *name {
            "repo" => (*name, git::without_credentials(value).into()),
            _ => (*name, value.into()),
        })
    }

    /// What its configuration comes to: with the same, and the same commit, there is nothing to do.
    #[must_use]
    pub fn digest(&self) -> Option<&str> {
        self.variables.iter().find(|(name, _)| *name == "digest").map(|(_, value)| value.as_str())
    }
}

// Most of it is functions, which are the same for all runs.
fn show_adoption(text: &mut String, plan: &Plan, whole: bool) {
    if plan.adopt.iter().all(Script::is_empty) {
        return;
    }
    let title = format!("{}, on a host where another tool deployed before", Phase::Lock.name());
    if whole {
        show_scripts(text, plan, &title, (&plan.adopt, Participants::All));
    } else {
        let _ = writeln!(text, "## {title}: what is live there is adopted\n# -v shows the script\n");
    }
}

// The way back, or whatever else ends a run that failed.
fn show_recovery(text: &mut String, plan: &Plan) {
    let names = |batch: &Vec<usize>| {
        batch.iter().map(|at| plan.targets[*at].name.as_str()).collect::<Vec<_>>().join(", ")
    };
    if plan.recovery.batches.len() > 1 {
        let order: Vec<String> = plan.recovery.batches.iter().map(names).collect();
        let _ = writeln!(
            text,
            "# if it fails: hosts that do not serve the new release first, then {}",
            order.join("; ")
        );
    }
    for (_, when, script) in plan.recovery.parts().iter().filter(|(_, _, script)| !script.is_empty()) {
        let _ = writeln!(text, "## if it fails{when}\n{}", script.as_str());
    }
}

fn show_health_on_host(text: &mut String, script: &Script, whole: bool) {
    if script.is_empty() {
        return;
    }
    let _ = writeln!(text, "## where a host's sshd forbids forwarding: it checks its own health");
    if whole {
        let _ = writeln!(text, "{}", script.as_str());
    } else {
        let _ = writeln!(text, "# by curl, wget, bash or nc; -v shows the script\n");
    }
}

// Hooks that run here whenever their time comes.
fn later(text: &mut String, plan: &Plan) {
    let lists = [
        ("when a host asks for it, here", &plan.local_steps),
        ("after success, here", &plan.after_success),
        ("after a failure, here", &plan.after_failure),
    ];
    for (title, hooks) in lists {
        for hook in hooks {
            let host = hook.target.map_or(String::new(), |at| format!(" for {}", plan.targets[at].name));
            let _ = writeln!(text, "## {title}{host}: {}\n{}\n", hook.step, hook.text);
        }
    }
}

fn variables(text: &mut String, plan: &Plan) {
    let _ = writeln!(text, "## variables of the resident shell");
    let later = "apps from from_revision parent reference release revision";
    for target in &plan.targets {
        let _ = writeln!(text, "# on {}; when it is known: {later}", target.name);
        let _ = writeln!(text, "# root={}", target.path);
        for (name, value) in target.shown_variables() {
            let _ = writeln!(text, "# {name}={}", crate::remote::quote::quote(&value));
        }
        for (name, value) in &target.shown_env {
            let value = value.as_deref().map_or("••••••".to_owned(), crate::remote::quote::quote);
            let _ = writeln!(text, "# env {name}={value}");
        }
        for (path, mode) in &target.files {
            let _ = writeln!(text, "# file shared/{path} {mode:04o} ••••••");
        }
        if target.data.iter().any(|(name, _)| name == "token") {
            let _ = writeln!(text, "# repo-token ••••••");
        }
        for line in target.enter.lines() {
            let _ = writeln!(text, "# enter {line}");
        }
    }
    text.push('\n');
}

fn show_stage(text: &mut String, plan: &Plan, stage: &Stage) {
    match &stage.work {
        Work::Local(hooks) => {
            for hook in hooks {
                let host = hook.target.map_or(String::new(), |at| format!(" for {}", plan.targets[at].name));
                let of = match stage.participants {
                    Participants::All => String::new(),
                    some => format!(" (of hosts{})", some.condition()),
                };
                let phase = title(plan, stage);
                let _ = writeln!(text, "## {phase}, here{host}{of}: {}\n{}\n", hook.step, hook.text);
            }
        }
        Work::Remote(scripts) => show_scripts(text, plan, &title(plan, stage), (scripts, stage.participants)),
        Work::Health(targets) => {
            let names: Vec<&str> = targets.iter().map(|at| plan.targets[*at].name.as_str()).collect();
            let (condition, names) = (stage.participants.condition(), names.join(", "));
            let _ = writeln!(
                text,
                "## {}, health check from this machine, of {names}{condition}",
                title(plan, stage)
            );
            let today = stage.batch.and_then(|batch| plan.environment.apps[batch.app].health.as_ref());
            match today.filter(|_| plan.action == Action::Deploy) {
                Some(health) => asked(text, health),
                None => text.push_str("# where the release that goes live says so, and what it says\n\n"),
            }
        }
        Work::Pause(Pause::Lasting(time)) => {
            let _ = writeln!(text, "## before {}: a pause of {time:?}\n", title(plan, stage));
        }
        Work::Pause(_) => {
            let _ = writeln!(text, "## before {}: a pause until you say so\n", title(plan, stage));
        }
    }
}

fn asked(text: &mut String, health: &Health) {
    let what = match &health.check {
        HealthCheck::Http(http) => {
            let body = http.body.as_ref().map_or(String::new(), |body| format!(" with {body:?}"));
            let release = if http.release { ", naming the release" } else { "" };
            format!("{} answers {}{body}{release}", http.url, http.status_text())
        }
        HealthCheck::Tcp { host, port } => format!("{host} takes connections at {port}"),
        HealthCheck::Command(_) => "a command".to_owned(),
    };
    let Health { within, interval, stable_for, .. } = health;
    let stays = if stable_for.is_zero() { String::new() } else { format!(", for {stable_for:?}") };
    let _ = writeln!(text, "# {what}{stays}; within {within:?}, asked every {interval:?}\n");
}

// The phase, and of going live which app and which part of its hosts.
fn title(plan: &Plan, stage: &Stage) -> String {
    let mut title = stage.phase.name().to_owned();
    let Some(Batch { app, number, of }) = stage.batch else { return title };
    if plan.environment.apps.len() > 1 {
        let _ = write!(title, " {}", plan.environment.apps[app].name);
    }
    if of > 1 {
        let _ = write!(title, ", batch {number} of {of}");
    }
    title
}

fn show_scripts(
    text: &mut String,
    plan: &Plan,
    title: &str,
    (scripts, participants): (&[Script], Participants),
) {
    for (script, hosts) in alike(scripts) {
        let names: Vec<&str> = hosts.iter().map(|at| plan.targets[*at].name.as_str()).collect();
        let on = if hosts.len() == plan.targets.len() { "all hosts".to_owned() } else { names.join(", ") };
        let _ = writeln!(text, "## {title}, on {on}{}\n{}", participants.condition(), script.as_str());
    }
}

/// Hosts that get the same script, together, by their numbers.
#[must_use]
pub fn alike(scripts: &[Script]) -> Vec<(&Script, Vec<usize>)> {
    let mut groups: Vec<(&Script, Vec<usize>)> = Vec::new();
    for (at, script) in scripts.iter().enumerate().filter(|(_, script)| !script.is_empty()) {
        match groups.iter_mut().find(|(known, _)| *known == script) {
            Some((_, hosts)) => hosts.push(at),
            None => groups.push((script, vec![at])),
        }
    }
    groups
}
