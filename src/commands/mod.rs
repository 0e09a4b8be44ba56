//! One file per command: what was typed goes in, one call is made, what is shown is chosen.

use std::path::PathBuf;

use crate::cli::{Command, Invocation, Tool};
use crate::config::{self, ConfigError, Document, EcosystemError, Environment};
use crate::error::Error;
use crate::report::note::{Note, Warning};
use crate::report::{self, Printer};

pub mod apart;
mod carry_out;
mod chain;
mod check;
mod client;
mod completions;
mod console;
mod context;
mod demo;
mod deploy;
mod deploy_cache;
mod dry_run;
mod envs;
mod evaluate;
mod exec;
mod files;
mod hold;
mod import;
mod init;
mod init_answers;
mod init_supervisor;
mod init_template;
mod list;
mod local_commands;
mod logs;
mod operator;
mod revert;
mod revisions;
mod setup;
mod show;
mod show_config;
pub mod ssh_helper;
mod started;
mod status;
mod surroundings;
mod trust_hosts;
mod unlock;
mod upkeep;

use context::{Context, events_file};
use surroundings::Surroundings;

/// Carries out what was asked for; the exit code.
///
/// # Errors
/// What stops a command before it has an outcome to report.
pub async fn run(invocation: &Invocation, printer: &Printer) -> Result<u8, Error> {
    if let Command::Tool(tool) = &invocation.command {
        return run_tool(tool, invocation, printer).await;
    }
    let surroundings = Surroundings::read()?;
    let document = read(invocation, &surroundings)?;
    if let Command::Config { key, origin } = &invocation.command {
        let shown = show_config::Selection { key: key.as_deref(), origin: *origin };
        return show_config::run(&document, invocation, &shown, printer);
    }
    let environment = resolve(&document, &invocation.environment, printer)?;
    tell(&document, invocation, printer);
    let context = Context::new(invocation, printer, surroundings, environment)?;
    match &invocation.command {
        Command::Deploy { references } => deploy::run(context, references).await,
        Command::Setup => setup::run(context).await,
        Command::Revert(to) => revert::run(context, to).await,
        Command::Sync => upkeep::sync(context).await,
        Command::Restart => upkeep::restart(context).await,
        Command::Hold { why, lasting } => hold::hold(context, why, *lasting).await,
        Command::Resume => hold::resume(context).await,
        Command::Prune => upkeep::prune(context).await,
        Command::Status { check } => status::run(context, *check).await,
        Command::List { most } => list::run(context, *most).await,
        Command::Show(which) => show::run(context, which).await,
        Command::Console { host } => self::console::run(context, host.as_deref()).await,
        Command::Logs { follow, lines, since } => logs::run(context, *follow, *lines, *since).await,
        Command::Current => revisions::current(context).await,
        Command::Previous => revisions::previous(context).await,
        Command::Exec { command, once } => exec::run(context, command, *once).await,
        Command::Check => check::run(context).await,
        Command::Unlock => unlock::run(context).await,
        // Ran above: they work on no host.
        Command::Config { .. } | Command::Tool(_) => Ok(crate::error::exit::OK),
    }
}

/// The file that was named, or is found here or above.
fn read(invocation: &Invocation, surroundings: &Surroundings) -> Result<Document, Error> {
    let start = surroundings.start(invocation.chdir.as_deref())?;
    let named: Option<PathBuf> = invocation.config.as_ref().map(|file| start.join(file));
    let file = config::find(named.as_deref(), &start)?;
    if !config::needs_node(&file) {
        return Ok(config::read(&file, &invocation.set)?);
    }
    // What only shows the file must be quick and harmless.
    let command = match &invocation.command {
        Command::Config { .. } => "config",
        Command::Tool(_) => "envs",
        _ => {
            let answer = evaluate::evaluate(&file, &start, config::EVALUATE)?;
            return Ok(config::read_evaluated(&file, &answer, &invocation.set)?);
        }
    };
    Err(ConfigError::Ecosystem(EcosystemError::NotRun { file, command: command.to_owned() }).into())
}

/// Says how a file of pm2's is understood, where that is of use: mistakes always, differences where it is put to work.
fn tell(document: &Document, invocation: &Invocation, printer: &Printer) {
    let works = matches!(invocation.command, Command::Deploy { .. } | Command::Setup | Command::Check);
    for remark in document.remarks(&invocation.environment) {
        match remark.kind.is_warning() {
            true => printer.note(Note::Warning(Warning::Ecosystem { remark })),
            false if works => printer.note(Note::Ecosystem { remark }),
            false => {}
        }
    }
}

/// The environment; commands that name its hosts are run when all that can be checked before was found good.
fn resolve(document: &Document, name: &str, printer: &Printer) -> Result<Environment, Error> {
    let draft = document.draft(name)?;
    if draft.host_commands.is_empty() {
        return Ok(draft.environment);
    }
    let limit = draft.environment.timeouts.hook;
    let answers = local_commands::ask(&draft.host_commands, name, limit, printer);
    Ok(document.resolve(name, &answers)?)
}

async fn run_tool(tool: &Tool, invocation: &Invocation, printer: &Printer) -> Result<u8, Error> {
    match tool {
        Tool::Demo { keep } => return demo::run(invocation, *keep, printer).await,
        Tool::Init(told) => {
            let directory = Surroundings::read()?.start(invocation.chdir.as_deref())?;
            return init::run(&directory, told, invocation.yes, printer);
        }
        Tool::Import { no_hosts } => return import::run(invocation, *no_hosts, printer).await,
        Tool::Schema { of_events: true } => printer.data(report::events::SCHEMA),
        Tool::Schema { of_events: false } => printer.data(&config::schema()),
        Tool::Envs => return envs::run(&read(invocation, &Surroundings::read()?)?, printer),
        Tool::Completions(shell) => printer.data_as_it_is(shell.script()),
        Tool::Candidates(words) => completions::candidates(words, Surroundings::read()?, printer),
    }
    Ok(crate::error::exit::OK)
}

/// Tells why a command ended before it was a run, wherever its events would have gone. The exit code.
pub fn fail(invocation: &Invocation, printer: &Printer, error: &Error) -> u8 {
    printer.fail(error);
    if invocation.output == report::Mode::Json {
        printer.json(&report::events::error(error));
    }
    if let Some(file) = events_file(invocation)
        // What could not be opened cannot be written either, and was told.
        && let Err(failed) = report::record_error(&file, error)
        && !matches!(error, Error::Usage(_))
    {
        printer.note(Note::Warning(Warning::EventsLost { file: Some(&file), error: &failed }));
    }
    error.exit_code()
}
