//! ssh_config, read once per run, asked once about each host, and the commands of `Match exec` in it, run once each.
//!
//! The only place here that runs a program of the user's to find out who a host is. Each has a bound, is killed with all that it
//! started when that has passed or when the run ends, and sees no terminal.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::process::Stdio;
use std::rc::Rc;
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::{OnceCell as Once, Semaphore};
use tokio::time::timeout;

use super::Options;
use super::config::{Machine, Place, Query, Settings, SshConfig, Stop};
use super::group::Group;
use crate::transport::ConnectError;

/// Commands of `Match exec` at once.
const AT_ONCE: usize = 8;

/// A host as it is asked for.
pub(in crate::transport) struct Asked<'a> {
    /// What would stand after `ssh`.
    pub(in crate::transport) host: &'a str,
    /// What shipit.toml says; ssh_config cannot change it.
    pub(in crate::transport) user: Option<&'a str>,
    /// What shipit.toml says.
    pub(in crate::transport) port: Option<u16>,
    /// `ssh-options`
    pub(in crate::transport) options: &'a [String],
}

impl Asked<'_> {
    fn key(&self) -> Key {
        (self.host.to_owned(), self.user.map(str::to_owned), self.port, self.options.to_vec())
    }
}

/// The answer to one command: asked by the first host that needs it, shared by all.
type Answer = Rc<Once<Result<bool, ConnectError>>>;

/// A host as it was asked for: name, login, port, `ssh-options`.
type Key = (String, Option<String>, Option<u16>, Vec<String>);

/// What ssh_config says of one host: found out by whoever asks first, shared by all who choose, check and connect.
type Found = Rc<Once<Result<Rc<Settings>, ConnectError>>>;

/// What ssh_config says, for any host.
pub(in crate::transport) struct Resolver {
    options: Options,
    machine: Machine,
    config: OnceCell<Result<SshConfig, ConnectError>>,
    found: RefCell<HashMap<Key, Found>>,
    answers: RefCell<HashMap<String, Answer>>,
    places: Semaphore,
}

impl Resolver {
    /// Reads nothing yet.
    pub(in crate::transport) fn new(options: &Options) -> Self {
        Self {
            machine: Machine::here(options.variables.clone()),
            options: options.clone(),
            config: OnceCell::new(),
            found: RefCell::default(),
            answers: RefCell::default(),
            places: Semaphore::new(AT_ONCE),
        }
    }

    /// What is said of a host.
    pub(in crate::transport) async fn settings(
        &self,
        asked: &Asked<'_>,
    ) -> Result<Rc<Settings>, ConnectError> {
        let found = Rc::clone(self.found.borrow_mut().entry(asked.key()).or_default());
        found.get_or_init(|| self.resolve(asked)).await.clone()
    }

    async fn resolve(&self, asked: &Asked<'_>) -> Result<Rc<Settings>, ConnectError> {
        let load = || SshConfig::load(&self.options.config_files, &self.options.home);
        let config = self.config.get_or_init(load).as_ref().map_err(Clone::clone)?;
        let mut answers = HashMap::new();
        // Each turn adds an answer, and a file has so many commands.
        loop {
            let query = Query {
                host: asked.host,
                user: asked.user,
                port: asked.port,
                options: asked.options,
                local_user: &self.options.user,
                home: &self.options.home,
                machine: &self.machine,
                answers: &answers,
            };
            match config.resolve(&query) {
                Ok(settings) => return Ok(Rc::new(settings)),
                Err(Stop::Error(error)) => return Err(error),
                Err(Stop::Ask { command, place }) => {
                    let answer = self.answer(&command, &place).await?;
                    answers.insert(command, answer);
                }
            }
        }
    }

    async fn answer(&self, command: &str, place: &Place) -> Result<bool, ConnectError> {
        let answer = Rc::clone(self.answers.borrow_mut().entry(command.to_owned()).or_default());
        let run = || async {
            // A semaphore that is never closed always gives a permit.
            let _place = self.places.acquire().await.ok();
            self.run(command).await.map_err(|reason| ConnectError::MatchExec {
                command: command.to_owned(),
                file: place.file.to_path_buf(),
                line: place.line,
                reason,
            })
        };
        answer.get_or_init(run).await.clone()
    }

    /// Whether it ends with 0.
    async fn run(&self, command: &str) -> Result<bool, String> {
        let shell = self.options.shell();
        let mut program = Command::new(shell);
        program.arg("-c").arg(command).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = program.process_group(0).spawn().map_err(|error| format!("{shell}: {error}"))?;
        let group = Group::of(&child);
        let bound = limit(self.options.connect_timeout);
        match timeout(bound, child.wait()).await {
            Ok(Ok(status)) => match status.code() {
                Some(code) => {
                    group.release();
                    Ok(code == 0)
                }
                None => Err("it was killed by a signal".to_owned()),
            },
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("it did not end within {} s", bound.as_secs_f64())),
        }
    }
}

fn limit(connect: Duration) -> Duration {
    connect.max(Duration::from_millis(100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_host_is_resolved_once_by_all_that_decides_it() {
        let home = tempfile::tempdir().unwrap();
        let options = Options::new(home.path().to_owned(), "ann".to_owned());
        let resolver = Resolver::new(&options);
        let port = ["Port 2222".to_owned()];
        let asked = |host, port, options| Asked { host, user: None, port, options };
        let first = resolver.settings(&asked("web1", None, &[])).await.unwrap();
        let again = resolver.settings(&asked("web1", None, &[])).await.unwrap();
        assert!(Rc::ptr_eq(&first, &again));
        for (other, expected) in [(asked("web1", Some(23), &[]), 23), (asked("web1", None, &port), 2222)] {
            assert_eq!(resolver.settings(&other).await.unwrap().port, expected);
        }
    }
}
