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
use crate::report::import::{FoundFiles, Imported, screen};
use crate::report::{self, Printer, clean, human};

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
    let mut shared = BTreeMap::new();
    for environment in environments {
        let name = environment.name.clone();
        let mut files = FoundFiles::default();
        if no_hosts {
            imported.unasked.push(format!(
                "the hosts of {name}: --no-hosts; files that only they have are not in `shared`"
            ));
        } else {
            ask(invocation, environment, printer, (&mut files, &mut imported)).await?;
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
    write_new(&target, &document.written(&shared))?;
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
    (files, imported): (&mut FoundFiles, &mut Imported<'_>),
) -> Result<(), Error> {
    let context = Context::new(invocation, printer, Surroundings::read()?, environment)?;
    let plan = plan::import(context.environment.clone(), &context.options(false)?);
    let transport = match context.transport().await {
        Ok(transport) => transport,
        Err(error) => {
            let line = format!("the hosts of {}: {error}", context.environment.name);
            imported.unasked.push(line);
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

/// What is odd about what a host holds.
fn state(word: &str, value: &str) -> Option<String> {
    Some(match (word, value) {
        ("kind", "releases") => "`current` is a link among `releases`, which another tool made".to_owned(),
        ("kind", "other") => "the deploy path holds files that no deploy tool made".to_owned(),
        ("unreadable", owner) => {
            format!("git cannot read `source`, which belongs to {}", clean::line(owner.as_bytes(), 40))
        }
        ("merging", _) => "a merge is in progress in `source`; a release has nothing of it".to_owned(),
        ("changed", _) => {
            "files of the repository were changed in `source`; a release has nothing of it".to_owned()
        }
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
