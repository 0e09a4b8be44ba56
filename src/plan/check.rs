//! The doctor's plan: questions to every host, no lock, nothing changed. Which commands the configuration's texts begin
//! with is read from them carefully: a command that is not certain is not asked about.

use super::action::Action;
use super::adopt::entries;
use super::base::{free, plan};
use super::model::{Participants, Plan, Stage, Work};
use super::options::Options;
use super::phase::Phase;
use crate::config::{App, Environment, Site, Supervisor};
use crate::git;
use crate::remote::script::Script;

/// How long the repository may take to answer, in seconds.
const REPOSITORY: u64 = 30;

/// Questions to every host, and then, alone, the time there.
#[must_use]
pub fn check(environment: Environment, options: &Options) -> Plan {
    let of_sites: Vec<Script> = environment.sites.iter().map(|site| of_site(&environment, site)).collect();
    let clock = vec![Script::new().clock(); environment.sites.len()];
    let mut plan = free(plan(Action::Check, environment, options, Script::new()));
    plan.opening = of_sites;
    plan.opening_phase = Phase::Check;
    plan.stages = vec![Stage {
        phase: Phase::Check,
        participants: Participants::All,
        batch: None,
        work: Work::Remote(clock),
    }];
    plan
}

fn of_site(environment: &Environment, site: &Site) -> Script {
    let app = &environment.apps[site.app];
    let supervisors = app.supervisors_on(&environment.hosts[site.host]);
    let known = supervisors.iter().filter_map(Supervisor::known);
    known.fold(questions(app), Script::check_supervisor).check_session()
}

fn questions(app: &App) -> Script {
    let (server, port) = git::ssh_server(&app.repo).unwrap_or_default();
    Script::new()
        .check_begin()
        .check_adopt(&entries(app))
        .check_git()
        .check_repository(REPOSITORY, server, port.unwrap_or_default())
        .check_tools(&commands(app))
}

// The commands that hooks and supervisor begin with on a host, each once.
fn commands(app: &App) -> Vec<String> {
    let hooks = &app.hooks;
    let lists = [
        &hooks.pre_setup,
        &hooks.post_setup,
        &hooks.pre_deploy,
        &hooks.build,
        &hooks.migrate,
        &hooks.pre_activate,
        &hooks.drain,
        &hooks.post_deploy,
        &hooks.undrain,
    ];
    let texts = lists.into_iter().flatten().filter(|hook| !hook.local).map(|hook| hook.text.as_str());
    let supervisor = app.supervisors.iter().flat_map(|one| one.steps().map(|(_, text)| text.as_str()));
    let tools = app.supervisors.iter().filter_map(|one| Some(one.known()?.program.tools())).flatten();
    let mut commands: Vec<String> = Vec::new();
    for command in texts.chain(supervisor).filter_map(first_command).chain(tools.copied()) {
        if !commands.iter().any(|known| known == command) {
            commands.push(command.to_owned());
        }
    }
    commands
}

// The first command of a text that is a program's name and no more; what only prepares the way is passed over.
fn first_command(text: &str) -> Option<&str> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    for part in lines.flat_map(|line| line.split("&&").flat_map(|part| part.split(';'))) {
        let mut words = part.split_whitespace().skip_while(|word| is_assignment(word) || *word == "exec");
        let Some(word) = words.next() else { continue };
        if matches!(word, "cd" | "export" | "set" | "umask" | "true" | ":") {
            continue;
        }
        let name = |c: char| c.is_ascii_alphanumeric() || "_.+-/".contains(c);
        let plain = word.chars().all(name) && !word.starts_with(['-', '.']);
        // A path within the release is not there yet.
        return (plain && (word.starts_with('/') || !word.contains('/'))).then_some(word);
    }
    None
}

fn is_assignment(word: &str) -> bool {
    let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    word.split_once('=').is_some_and(|(before, _)| !before.is_empty() && before.chars().all(name))
}

#[cfg(test)]
mod tests {
    use super::first_command;

    #[test]
    fn the_first_command_where_it_can_be_told() {
        for (text, command) in [
            ("npm ci --omit=dev", Some("npm")),
            ("\n# first\nset -x\ncd api && NODE_ENV=production npm ci", Some("npm")),
            ("exec pm2 reload shop", Some("pm2")),
            ("/usr/bin/make", Some("/usr/bin/make")),
            ("umask 022; composer install", Some("composer")),
            ("if true; then npm ci; fi", Some("if")),
            ("[ -e x ] || npm ci", None),
            ("bin/build", None),
            ("./build", None),
            ("$NPM ci", None),
            ("\"my tool\" x", None),
            ("cd \"a; b\"", None),
            ("A=1", None),
            ("", None),
        ] {
            assert_eq!(first_command(text), command, "{text}");
        }
    }
}
