//! What a command works with: the process's surroundings, the printer, the environment that was chosen, and the way to its
//! hosts. Knows no command.

use std::cell::OnceCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use secrecy::SecretString;

use super::surroundings::{HostTransport, Surroundings};
use super::{client, local_commands, trust_hosts};
use crate::cli::{Command, Invocation};
use crate::config::{self, App, Choice, Environment, Pause, Rollout};
use crate::error::{Error, SystemError, UsageError, exit};
use crate::executor::{Interrupt, Looked};
use crate::plan::{Options, Plan};
use crate::report::login_prompt::LoginPrompt;
use crate::report::{self, Printer, Show, prompt};

/// What every command works with.
pub(super) struct Context<'a> {
    pub(super) invocation: &'a Invocation,
    pub(super) printer: &'a Printer,
    pub(super) surroundings: Surroundings,
    /// The hosts and apps that the options choose.
    pub(super) environment: Environment,
    /// All of the environment's hosts and apps.
    pub(super) everywhere: Environment,
    /// The options leave out hosts of the chosen apps.
    pub(super) partial: bool,
    /// The environment with what commands of `env` printed, once they were run.
    evaluated: OnceCell<Environment>,
    transport: OnceCell<HostTransport>,
}

fn choice(invocation: &Invocation) -> Choice<'_> {
    Choice { hosts: &invocation.hosts, roles: &invocation.roles, apps: &invocation.apps }
}

/// Whether hosts of the chosen apps are left out.
fn is_partial(everywhere: &Environment, chosen: &Environment) -> bool {
    let sites = |environment: &Environment, name: &str| {
        environment.sites.iter().filter(|site| environment.apps[site.app].name == name).count()
    };
    chosen.apps.iter().any(|app| sites(chosen, &app.name) < sites(everywhere, &app.name))
}

/// The file's rollout, overridden by the options.
fn rollout(environment: &Environment, invocation: &Invocation) -> Rollout {
    let file = environment.rollout;
    Rollout {
        batch: invocation.batch.or(file.batch),
        // `--batch` is the size of the first batch, too.
        canary: if invocation.batch.is_some() { 0 } else { file.canary },
        pause: if invocation.no_pause { Pause::None } else { file.pause },
        max_unreachable: invocation.max_unreachable.unwrap_or(file.max_unreachable),
    }
}

/// The file to which events are written, beside any output.
pub(super) fn events_file(invocation: &Invocation) -> Option<PathBuf> {
    let chdir = invocation.chdir.clone().unwrap_or_default();
    invocation.events.as_ref().map(|file| chdir.join(file))
}

impl<'a> Context<'a> {
    /// Chooses hosts and apps of `environment` by the options.
    pub(super) fn new(
        invocation: &'a Invocation,
        printer: &'a Printer,
        surroundings: Surroundings,
        mut everywhere: Environment,
    ) -> Result<Self, Error> {
        everywhere.rollout = rollout(&everywhere, invocation);
        let mut environment = config::select(everywhere.clone(), choice(invocation))?;
        environment.rollout = everywhere.rollout;
        let partial = is_partial(&everywhere, &environment);
        let (evaluated, transport) = (OnceCell::new(), OnceCell::new());
        Ok(Context {
            invocation,
            printer,
            surroundings,
            environment,
            everywhere,
            partial,
            evaluated,
            transport,
        })
    }

    /// What plans need besides the configuration; `env` is evaluated for commands that hand it to hosts.
    pub(super) fn options(&self, with_env: bool) -> Result<Options, Error> {
        let mut options = self.surroundings.options(&self.environment.name);
        options.concurrency = self.invocation.concurrency;
        options.allow_older = self.invocation.allow_older;
        options.keep_failed = self.invocation.keep_failed;
        if with_env {
            let lookup = |name: &str| std::env::var(name).ok();
            self.environment.check_variables(&lookup)?;
            let environment = self.evaluated()?;
            for site in &environment.sites {
                options.env.push(environment.evaluate_env(site, &lookup)?);
            }
        }
        Ok(options)
    }

    /// The environment, with what the commands of `env` print. They run once, however often this is asked.
    pub(super) fn evaluated(&self) -> Result<&Environment, Error> {
        if let Some(evaluated) = self.evaluated.get() {
            return Ok(evaluated);
        }
        let mut environment = self.environment.clone();
        let limit = environment.timeouts.hook;
        let answers =
            local_commands::ask(&environment.env_commands(), &environment.name, limit, self.printer);
        environment.answer(&answers)?;
        Ok(self.evaluated.get_or_init(|| environment))
    }

    /// `repo-token` of each app, for commands whose hosts ask the repository.
    pub(super) fn tokens(&self) -> Result<Vec<Option<SecretString>>, Error> {
        let lookup = |name: &str| std::env::var(name).ok();
        let token = |app: &App| Ok(self.environment.evaluate_token(app, &lookup)?);
        self.environment.apps.iter().map(token).collect()
    }

    /// For what runs in `current`: with several apps it must be said in which.
    pub(super) fn one_app(&self, command: &str) -> Result<(), Error> {
        let names: Vec<String> = self.environment.apps.iter().map(|app| app.name.clone()).collect();
        if names.len() == 1 {
            return Ok(());
        }
        let (command, environment) = (command.to_owned(), self.environment.name.clone());
        Err(UsageError::SeveralApps { command, environment, apps: names }.into())
    }

    pub(super) fn interrupt() -> Result<Interrupt, Error> {
        Interrupt::listen().map_err(|source| SystemError::Signals { source }.into())
    }

    /// What a run is shown with, as the options say.
    pub(super) fn show(&self) -> Result<Show<'_>, Error> {
        let file = events_file(self.invocation);
        let mode = match self.invocation.command {
            Command::Exec { .. } => self.printer.mode_beside_data(self.invocation.output),
            _ => self.invocation.output,
        };
        Show::open(self.printer, mode, file.as_deref())
            .map_err(|source| UsageError::Events { file: file.unwrap_or_default(), source }.into())
    }

    fn can_ask(&self) -> bool {
        !self.invocation.yes && prompt::can_ask(self.printer)
    }

    async fn new_transport(&self) -> HostTransport {
        let mut transport = self.surroundings.transport(&self.environment.timeouts, self.can_ask());
        if prompt::can_ask(self.printer) {
            transport.ssh = transport.ssh.asking(Rc::new(LoginPrompt::new(self.printer)));
        }
        client::choose(&transport, &self.environment.hosts, self.printer).await;
        transport
    }

    /// How the hosts are reached, for a look at them: no key is asked about, and none is learned.
    pub(super) async fn transport_without_trust(&self) -> Result<HostTransport, Error> {
        let transport = self.new_transport().await;
        if self.can_ask() {
            client::log_in_ahead(&transport, &self.environment.hosts, self.printer).await?;
        }
        Ok(transport)
    }

    /// How the hosts are reached. Their keys are known, or will be refused.
    pub(super) async fn transport(&self) -> Result<&HostTransport, Error> {
        if let Some(transport) = self.transport.get() {
            return Ok(transport);
        }
        let ask = !self.invocation.yes;
        let transport = self.new_transport().await;
        let hosts = &self.environment.hosts;
        trust_hosts::add_unknown_keys(&transport, hosts, self.printer, ask).await?;
        if self.can_ask() {
            client::connect_ahead(&transport, hosts, self.printer).await?;
        }
        Ok(self.transport.get_or_init(|| transport))
    }

    /// Asks all hosts; those that did not answer are named on standard error.
    pub(super) async fn look(&self) -> Result<Vec<Looked>, Error> {
        self.ask_hosts(&crate::plan::look(self.environment.clone(), &self.options(false)?)).await
    }

    /// The same with a plan that is one script per host.
    pub(super) async fn ask_hosts(&self, plan: &Plan) -> Result<Vec<Looked>, Error> {
        let transport = self.transport().await?;
        let looked = crate::executor::look(plan, transport, &mut report::Silent, Self::interrupt()?).await;
        for host in &looked {
            if let Some(failure) = &host.failure {
                self.printer.host_failure(&host.host, failure);
            }
        }
        Ok(looked)
    }

    /// Whether the answer is wanted as JSON.
    pub(super) fn wants_json(&self) -> bool {
        self.invocation.output == report::Mode::Json
    }

    pub(super) fn lock_wait(&self) -> Duration {
        self.invocation.lock_wait
    }
}

/// The exit code of a command that only asks: 4 where a host did not answer.
pub(super) fn exit_code(looked: &[Looked]) -> u8 {
    if looked.iter().any(|host| host.failure.is_some()) { exit::UNREACHABLE } else { exit::OK }
}
