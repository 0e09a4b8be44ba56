//! One file per command: what was typed goes in, one call is made, what is shown is chosen.

use std::cell::OnceCell;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use crate::cli::{Command, Invocation, Tool};
use crate::config::{self, App, Choice, Document, Environment, Pause, Rollout};
use crate::error::Error;
use crate::executor::Interrupt;
use crate::plan::Options;
use crate::report::{self, Printer, Show, human};

mod chain;
mod check;
mod completions;
mod console;
mod demo;
mod deploy;
mod deploy_cache;
mod dry_run;
mod envs;
mod exec;
mod files;
mod hold;
mod init;
mod list;
mod local_commands;
mod logs;
mod revert;
mod revisions;
mod setup;
mod show;
mod show_config;
mod status;
mod surroundings;
mod trust_hosts;
mod unlock;
mod upkeep;

use surroundings::{Surroundings, Ways};

/// What every command works with.
struct Context<'a> {
    invocation: &'a Invocation,
    printer: &'a Printer,
    surroundings: Surroundings,
    environment: Environment,
    /// It, with what commands of `env` printed, once they were run.
    answered: OnceCell<Environment>,
    /// Hosts of its apps were left out.
    part: bool,
    /// With those.
    everywhere: Environment,
    ways: OnceCell<Ways>,
}

fn choice(invocation: &Invocation) -> Choice<'_> {
    Choice { hosts: &invocation.hosts, roles: &invocation.roles, apps: &invocation.apps }
}

/// Whether hosts of the apps that were chosen are left out.
fn is_part(everywhere: &Environment, chosen: &Environment) -> bool {
    let sites = |environment: &Environment, name: &str| {
        environment.sites.iter().filter(|site| environment.apps[site.app].name == name).count()
    };
    chosen.apps.iter().any(|app| sites(chosen, &app.name) < sites(everywhere, &app.name))
}

/// The file's, under the options.
fn rollout(environment: &Environment, invocation: &Invocation) -> Rollout {
    let file = environment.rollout;
    Rollout {
        batch: invocation.batch.or(file.batch),
        // Who says how many go at a time means the first of them, too.
        canary: if invocation.batch.is_some() { 0 } else { file.canary },
        pause: if invocation.no_pause { Pause::None } else { file.pause },
        max_unreachable: invocation.max_unreachable.unwrap_or(file.max_unreachable),
    }
}

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
        return show_config::run(&document, invocation, (key.as_deref(), *origin), printer);
    }
    let environment = resolve(&document, &invocation.environment, printer)?;
    let mut everywhere = environment.clone();
    everywhere.rollout = rollout(&everywhere, invocation);
    let mut environment = config::select(environment, choice(invocation))?;
    environment.rollout = rollout(&environment, invocation);
    let part = is_part(&everywhere, &environment);
    let (answered, ways) = (OnceCell::new(), OnceCell::new());
    let context =
        Context { invocation, printer, surroundings, environment, answered, part, everywhere, ways };
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
        Command::List => list::run(context).await,
        Command::Show(which) => show::run(context, which).await,
        Command::Console { host } => self::console::run(context, host.as_deref()).await,
        Command::Logs { follow, lines } => logs::run(context, *follow, *lines).await,
        Command::Current => revisions::current(context).await,
        Command::Previous => revisions::previous(context).await,
        Command::Exec { command } => exec::run(context, command).await,
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
    Ok(config::read(&file, &invocation.set)?)
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
        Tool::Init => return init::run(&Surroundings::read()?.start(invocation.chdir.as_deref())?, printer),
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
        printer.error(&format!("warning: writing events to {}: {failed}", file.display()));
    }
    error.exit_code()
}

fn events_file(invocation: &Invocation) -> Option<PathBuf> {
    let chdir = invocation.chdir.clone().unwrap_or_default();
    invocation.events.as_ref().map(|file| chdir.join(file))
}

impl Context<'_> {
    /// What plans need besides the configuration; `env` is evaluated for commands that hand it to hosts.
    fn options(&self, with_env: bool) -> Result<Options, Error> {
        let mut options = self.surroundings.options(&self.environment.name);
        options.concurrency = self.invocation.concurrency;
        options.allow_older = self.invocation.allow_older;
        options.keep_failed = self.invocation.keep_failed;
        if with_env {
            let lookup = |name: &str| std::env::var(name).ok();
            self.environment.check_variables(&lookup)?;
            let environment = self.answered()?;
            for site in &environment.sites {
                options.env.push(environment.evaluate_env(site, &lookup)?);
            }
        }
        Ok(options)
    }

    /// The environment, with what the commands of `env` print. They run once, however often this is asked.
    fn answered(&self) -> Result<&Environment, Error> {
        if let Some(answered) = self.answered.get() {
            return Ok(answered);
        }
        let mut environment = self.environment.clone();
        let limit = environment.timeouts.hook;
        let answers =
            local_commands::ask(&environment.env_commands(), &environment.name, limit, self.printer);
        environment.answer(&answers)?;
        Ok(self.answered.get_or_init(|| environment))
    }

    /// `repo-token` of each app, for commands whose hosts ask the repository.
    fn tokens(&self) -> Result<Vec<Option<SecretString>>, Error> {
        let lookup = |name: &str| std::env::var(name).ok();
        let token = |app: &App| Ok(self.environment.evaluate_token(app, &lookup)?);
        self.environment.apps.iter().map(token).collect()
    }

    /// For what runs in `current`: with several apps it must be said in which.
    fn one_app(&self, command: &str) -> Result<(), Error> {
        let names: Vec<&str> = self.environment.apps.iter().map(|app| app.name.as_str()).collect();
        if names.len() == 1 {
            return Ok(());
        }
        let (environment, all) = (&self.environment.name, names.join(", "));
        Err(Error::Usage(format!(
            "{command} is in one app, and {environment} has {all}: choose with --apps {}",
            names[0]
        )))
    }

    fn interrupt() -> Result<Interrupt, Error> {
        Interrupt::listen().map_err(|source| Error::Surroundings {
            what: "listening to signals".into(),
            source: Some(source),
        })
    }

    /// A run that holds the lock, from its plan to its report.
    async fn carry_out(
        &self,
        request: crate::executor::Request<'_>,
        undo: Option<String>,
    ) -> Result<u8, Error> {
        if self.invocation.dry_run {
            return dry_run::show(self, &request).await;
        }
        let mut show = self.show()?;
        let hosts = self.hosts().await?;
        let interrupt = Self::interrupt()?;
        let outcome = crate::executor::run(&request, hosts, &mut show, interrupt).await;
        Ok(show.end(&outcome, undo.as_deref()))
    }

    /// Shows a plan instead of carrying it out.
    fn print_plan(&self, plan: &crate::plan::Plan, preview: Option<&report::preview::Preview>) {
        let format = report::dry_run::Format { json: self.wants_json(), scripts: self.invocation.scripts };
        report::dry_run::print(self.printer, plan, preview, format);
    }

    /// What a run is shown with, as the options say.
    fn show(&self) -> Result<Show<'_>, Error> {
        let file = events_file(self.invocation);
        Show::open(self.printer, self.invocation.output, file.as_deref()).map_err(|error| {
            let file = file.unwrap_or_default();
            Error::Usage(format!("--events: cannot write {}: {}", file.display(), human::io(&error)))
        })
    }

    /// The way to the hosts, whose keys are known, or will be refused.
    async fn hosts(&self) -> Result<&Ways, Error> {
        if let Some(ways) = self.ways.get() {
            return Ok(ways);
        }
        let ways = self.surroundings.transport(&self.environment.timeouts);
        trust_hosts::introduce(&ways, &self.environment.hosts, self.printer, !self.invocation.yes).await?;
        Ok(self.ways.get_or_init(|| ways))
    }

    /// Asks all hosts, and says on standard error who did not answer.
    async fn look(&self) -> Result<Vec<crate::executor::Looked>, Error> {
        self.ask(&crate::plan::look(self.environment.clone(), &self.options(false)?)).await
    }

    /// The same with a plan that is one script a host.
    async fn ask(&self, plan: &crate::plan::Plan) -> Result<Vec<crate::executor::Looked>, Error> {
        let hosts = self.hosts().await?;
        let looked = crate::executor::look(plan, hosts, &mut report::Silent, Self::interrupt()?).await;
        for host in &looked {
            if let Some(failure) = &host.failure {
                self.printer.host_failure(&host.host, failure);
            }
        }
        Ok(looked)
    }

    /// Whether the answer is wanted as JSON.
    fn wants_json(&self) -> bool {
        self.invocation.output == report::Mode::Json
    }

    fn lock_wait(&self) -> Duration {
        self.invocation.lock_wait
    }
}

/// The exit code when questions were asked: 4 where a host did not answer.
fn answered(looked: &[crate::executor::Looked]) -> u8 {
    use crate::error::exit;
    if looked.iter().any(|host| host.failure.is_some()) { exit::UNREACHABLE } else { exit::OK }
}
