//! One file per command: what was typed goes in, one call is made, what is shown is chosen.

use std::path::PathBuf;
use std::time::Duration;

use crate::cli::{Command, Invocation};
use crate::config::{self, Environment};
use crate::error::Error;
use crate::executor::Interrupt;
use crate::plan::Options;
use crate::report::{self, Printer};

mod console;
mod deploy;
mod exec;
mod list;
mod logs;
mod revert;
mod revisions;
mod setup;
mod show;
mod status;
mod stream;
mod surroundings;
mod unlock;

use surroundings::Surroundings;

/// What every command works with.
struct Context<'a> {
    invocation: &'a Invocation,
    printer: &'a Printer,
    surroundings: Surroundings,
    environment: Environment,
    /// `--hosts` left some out.
    part: bool,
}

/// Carries out what was asked for; the exit code.
///
/// # Errors
/// What stops a command before it has an outcome to report.
pub async fn run(invocation: &Invocation, printer: &Printer) -> Result<u8, Error> {
    let surroundings = Surroundings::read()?;
    let start = match &invocation.chdir {
        Some(directory) => surroundings.directory.join(directory),
        None => surroundings.directory.clone(),
    };
    if !start.is_dir() {
        return Err(Error::Usage(format!("--chdir: {} is not a directory", start.display())));
    }
    let named: Option<PathBuf> = invocation.config.as_ref().map(|file| start.join(file));
    let file = config::find(named.as_deref(), &start)?;
    let environment = config::load(&file, &invocation.environment)?;
    let all = environment.hosts.len();
    let environment = config::select(environment, &invocation.hosts)?;
    let part = environment.hosts.len() < all;
    let context = Context { invocation, printer, surroundings, environment, part };
    match &invocation.command {
        Command::Deploy { reference } => deploy::run(context, reference.as_deref()).await,
        Command::Setup => setup::run(context).await,
        Command::Revert(to) => revert::run(context, to).await,
        Command::Status { check } => status::run(context, *check).await,
        Command::List => list::run(context).await,
        Command::Show(which) => show::run(context, which).await,
        Command::Console { host } => self::console::run(context, host.as_deref()).await,
        Command::Logs { follow, lines } => logs::run(context, *follow, *lines).await,
        Command::Current => revisions::current(context).await,
        Command::Previous => revisions::previous(context).await,
        Command::Exec { command } => exec::run(context, command).await,
        Command::Unlock => unlock::run(context).await,
    }
}

impl Context<'_> {
    /// What plans need besides the configuration; `env` is evaluated for commands that hand it to hosts.
    fn options(&self, with_env: bool) -> Result<Options, Error> {
        let mut options = self.surroundings.options(&self.environment.name);
        options.allow_older = self.invocation.allow_older;
        options.keep_failed = self.invocation.keep_failed;
        if with_env {
            let lookup = |name: &str| std::env::var(name).ok();
            for host in &self.environment.hosts {
                options.env.push(self.environment.evaluate_env(host, &lookup)?);
            }
        }
        Ok(options)
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
            let whole = self.printer.verbosity() == report::Verbosity::Verbose;
            self.printer.data(&crate::plan::show(request.plan, whole));
            return Ok(crate::error::exit::OK);
        }
        let hosts = self.surroundings.transport(&self.environment.timeouts);
        let mut observer = report::observer(self.invocation.output, self.printer);
        let interrupt = Self::interrupt()?;
        let outcome = crate::executor::run(&request, &hosts, observer.as_mut(), interrupt).await;
        drop(observer);
        self.printer.report(&outcome, undo.as_deref());
        Ok(crate::error::exit_code(&outcome))
    }

    /// Asks all hosts, and says on standard error who did not answer.
    async fn look(&self) -> Result<Vec<crate::executor::Looked>, Error> {
        self.look_by(crate::plan::look(self.environment.clone(), &self.options(false)?)).await
    }

    async fn look_by(&self, plan: crate::plan::Plan) -> Result<Vec<crate::executor::Looked>, Error> {
        let hosts = self.surroundings.transport(&self.environment.timeouts);
        let looked = crate::executor::look(&plan, &hosts, &mut report::Silent, Self::interrupt()?).await;
        for host in &looked {
            if let Some(failure) = &host.failure {
                self.printer.host_failure(&host.host, failure);
            }
        }
        Ok(looked)
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
