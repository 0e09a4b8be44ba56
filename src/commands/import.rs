//! `shipit import`: writes the `shipit.toml` that means what the file of another tool means, with what was found on the hosts, and shows
//! what that changes.
//!
//! Hosts are only read. Never writes over a file.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::context::Context;
use super::evaluate;
use super::init::write_new;
use super::surroundings::Surroundings;
use crate::cli::Invocation;
use crate::config::{self, Document, Environment, FILE_NAME, FileFormat, ForeignTool};
use crate::error::{Error, Refused, UsageError, exit};
use crate::executor::{self, Checked};
use crate::plan;
use crate::remote::app_today::AppToday;
use crate::remote::reason::Reason;
use crate::report::import::{FoundFiles, Imported, screen};
use crate::report::import_apps::HostToday;
use crate::report::{self, Printer, clean, human};

/// Columns of a comment about an app.
const LONGEST_COMMENT: usize = 300;

pub(super) async fn run(invocation: &Invocation, no_hosts: bool, printer: &Printer) -> Result<u8, Error> {
    let start = Surroundings::read()?.start(invocation.chdir.as_deref())?;
    let file = source(invocation, &start)?;
    // pm2's file and ours begin their relative paths in the same directory.
    let project = ForeignTool::of(&file).map_or(file.parent(), |tool| tool.project(&file));
    let directory = project.unwrap_or(&start);
    let target = directory.join(FILE_NAME);
    // Before a host is asked: nobody answers for nothing.
    if target.symlink_metadata().is_ok() {
        return Err(Refused::FileExists { file: target }.into());
    }
    let document = read(&file, &start)?;
    let environments: Vec<Environment> = document
        .environments()
        .iter()
        .map(|name| document.draft(name).map(|draft| draft.environment))
        .collect::<Result<_, _>>()?;
    let mut imported = described(&document, &file, &environments);
    imported.of_pm2 = ForeignTool::of(&file).is_none();
    let (mut shared, count) = (BTreeMap::new(), environments.len());
    for environment in environments {
        let name = environment.name.clone();
        let mut files = FoundFiles::default();
        if no_hosts {
            imported.unasked.push(format!(
                "the hosts of {name}: --no-hosts; files that only they have are not in `shared`"
            ));
        } else {
            let several = (count > 1).then_some(name.as_str());
            ask(invocation, environment, printer, (&mut files, &mut imported, several)).await?;
        }
        files.settle();
        shared.insert(name, files.kept.clone());
        for (all, own) in [
            (&mut imported.files.kept, files.kept),
            (&mut imported.files.rebuilt, files.rebuilt),
            (&mut imported.files.undecided, files.undecided),
        ] {
            all.extend(own);
        }
    }
    imported.files.settle();
    imported.files.dedup();
    // They hold what hosts said.
    let apps: Vec<String> =
        imported.app_lines().iter().map(|line| clean::line(line.as_bytes(), LONGEST_COMMENT)).collect();
    write_new(&target, &document.written(&shared, &apps))?;
    check_written(&target)?;
    printer.data(&screen(&imported));
    Ok(exit::OK)
}

/// The file to read.
fn source(invocation: &Invocation, start: &Path) -> Result<PathBuf, Error> {
    match &invocation.config {
        Some(file) if FileFormat::of(file) == FileFormat::Toml && ForeignTool::of(file).is_none() => {
            Err(UsageError::ImportToml { file: file.clone() }.into())
        }
        Some(file) => Ok(start.join(file)),
        None => config::ecosystem_in(start)
            .or_else(|| config::foreign_in(start))
            .ok_or_else(|| UsageError::NothingToImport { directory: start.to_owned() }.into()),
    }
}

fn read(file: &Path, start: &Path) -> Result<Document, Error> {
    if let Some(tool) = ForeignTool::of(file) {
        let answer = match tool {
            ForeignTool::ShipitJs => Some(evaluate::evaluate(file, start, config::EVALUATE_SHIPIT_JS)?),
            ForeignTool::Capistrano | ForeignTool::Deployer => None,
        };
        return Ok(config::read_foreign(file, answer.as_deref())?);
    }
    if config::needs_node(file) {
        let answer = evaluate::evaluate(file, start, config::EVALUATE)?;
        return Ok(config::read_evaluated(file, &answer, &[])?);
    }
    Ok(config::read(file, &[])?)
}

/// What the file alone tells.
fn described<'a>(document: &'a Document, file: &Path, environments: &[Environment]) -> Imported<'a> {
    let line = |environment: &Environment| {
        let hosts: Vec<&str> = environment.hosts.iter().map(|host| host.name.as_str()).collect();
        let path = environment.sites.first().map(|site| site.path.to_string()).unwrap_or_default();
        format!("{}: {}, path {path}", environment.name, human::places(&hosts))
    };
    let variables = environments.iter().flat_map(|one| &one.sites).flat_map(|site| &site.env);
    let mut plain_secrets: Vec<String> = variables
        .filter(|variable| variable.is_plain_secret())
        .map(|variable| variable.name.clone())
        .collect();
    plain_secrets.sort();
    plain_secrets.dedup();
    let mut imported = Imported {
        from: file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        environments: environments.iter().map(line).collect(),
        apps: document.pm2_apps(),
        environment: environments.first().map(|one| one.name.clone()).unwrap_or_default(),
        plain_secrets,
        ..Imported::default()
    };
    let remarks = environments.iter().flat_map(|environment| document.remarks(&environment.name));
    for remark in document.unplaced().iter().chain(remarks) {
        let list = if remark.kind.is_warning() { &mut imported.decisions } else { &mut imported.differences };
        let line = remark.to_string();
        if !list.contains(&line) {
            list.push(line);
        }
    }
    let asked = document.variables_asked();
    if !asked.is_empty() {
        let names = asked.join(" ");
        let line = format!(
            "{} depends on your variables {names}: shipit.toml holds what they are today",
            imported.from
        );
        imported.decisions.push(format!("{line}, and of `env` their names"));
    }
    imported
}

async fn ask(
    invocation: &Invocation,
    environment: Environment,
    printer: &Printer,
    (files, imported, several): (&mut FoundFiles, &mut Imported<'_>, Option<&str>),
) -> Result<(), Error> {
    let context = Context::new(invocation, printer, Surroundings::read()?, environment)?;
    let environment = &context.environment;
    let hooked = environment.apps.iter().all(|app| app.supervisors.is_empty());
    let apps = imported.of_pm2.then_some(imported.apps);
    let plan = plan::import(environment.clone(), &context.options(false)?, apps);
    // One host may belong to two environments.
    let named = |host: &str| several.map_or(host.to_owned(), |name| format!("{host} ({name})"));
    let transport = match context.transport().await {
        Ok(transport) => transport,
        Err(error) => {
            imported.unasked.push(format!("the hosts of {}: {error}", environment.name));
            let hosts = plan.targets.iter().map(|target| named(&target.name));
            imported.today.extend(hosts.map(|host| HostToday { host, apps: None, hooked }));
            return Ok(());
        }
    };
    let checkup = executor::check(&plan, transport, &mut report::Silent, Context::interrupt()?).await;
    if checkup.signal != 0 {
        return Err(Error::Interrupted { signal: checkup.signal });
    }
    for host in &checkup.hosts {
        take(host, files, imported);
    }
    if imported.of_pm2 {
        take_apps(&checkup.hosts, hooked, &named, imported);
    }
    Ok(())
}

fn take(host: &Checked, files: &mut FoundFiles, imported: &mut Imported<'_>) {
    let name = &host.host;
    if let Some(failure) = &host.failure {
        imported.unasked.push(format!("{name}: {}", human::failure(failure)));
    }
    for (word, values) in &host.found {
        let value = values.first().map(String::as_str).unwrap_or_default();
        if word == "untracked" {
            files.take(value);
        } else if let Some(state) = state(word, value) {
            imported.states.push(format!("{name}: {state}"));
        }
    }
}

/// How the apps run on the hosts; those that could not be asked are named, by the reason.
fn take_apps(hosts: &[Checked], hooked: bool, named: &dyn Fn(&str) -> String, imported: &mut Imported<'_>) {
    let mut unknown: Vec<(String, Vec<String>)> = Vec::new();
    for checked in hosts {
        let host = named(&checked.host);
        let why = unasked(checked);
        let answers = checked.found.iter().filter(|(word, _)| word == "app");
        let apps = why.is_none().then(|| answers.filter_map(|(_, fields)| AppToday::parse(fields)).collect());
        // Of a host that failed, that is said already.
        if let Some(why) = why.filter(|_| checked.failure.is_none()) {
            match unknown.iter_mut().find(|(known, _)| *known == why) {
                Some((_, hosts)) => hosts.push(host.clone()),
                None => unknown.push((why, vec![host.clone()])),
            }
        }
        imported.today.push(HostToday { host, apps, hooked });
    }
    // Nobody said that pm2 is used there.
    if hooked && imported.apps.is_empty() {
        return;
    }
    imported.unasked.extend(unknown.into_iter().map(|(why, hosts)| {
        let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
        format!("{}: how apps run: {why}", human::names(&hosts))
    }));
}

/// Why the pm2 of a host told nothing.
fn unasked(checked: &Checked) -> Option<String> {
    if checked.failure.is_some() {
        return Some(String::new());
    }
    let answer =
        |wanted: &str| checked.found.iter().find(|(word, _)| word == wanted).map(|(_, values)| values);
    if answer("scratch").is_some() {
        return Some("no room for temporary files".to_owned());
    }
    if answer("shell").or(answer("profile")).is_some() {
        return Some("the shell of hooks does not start".to_owned());
    }
    let (word, fields) = answer("supervisor")?.split_first()?;
    Some(match Reason::parse(word, fields) {
        Some(Reason::NoSupervisor { tool, .. }) => format!("{tool} is not on the PATH of a plain session"),
        Some(Reason::SupervisorDown { .. }) => "pm2 does not run".to_owned(),
        Some(reason) => reason.message(),
        None => "pm2 could not be asked".to_owned(),
    })
}

/// What is odd about what a host holds.
fn state(word: &str, value: &str) -> Option<String> {
    Some(match (word, value) {
        ("kind", "releases") => "`current` is a link among `releases`, which another tool made".to_owned(),
        ("kind", "other") => "the deploy path holds files that no deploy tool made".to_owned(),
        ("unreadable", owner) => {
            format!("git cannot read `source`, which belongs to {}", clean::line(owner.as_bytes(), 40))
        }
        ("merging", _) => "a merge is in progress in `source`; a release has nothing of it".to_owned(),
        ("changed", _) => "files of the repository were changed; a release has nothing of it".to_owned(),
        ("more", _) => "more than 300 files are not known to git; the rest is not shown".to_owned(),
        _ => return None,
    })
}

/// What is written has to mean what was read; a mistake in it is one of ours.
fn check_written(target: &Path) -> Result<(), Error> {
    let checked = config::read(target, &[]).and_then(|document| {
        document.environments().iter().try_for_each(|name| document.draft(name).map(|_| ()))
    });
    checked.map_err(|error| {
        let _ = fs::remove_file(target);
        error.into()
    })
}
