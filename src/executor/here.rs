//! Steps that this machine does for a host, at the host's word: `drain` and `undrain` with `local`. The host knows when it
//! is time, on the way there as on the way back; what is done says the configuration of today, and never the host.

use std::path::Path;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::event::{Event, Failure, FailureKind};
use super::fleet::Fleet;
use super::line::Said;
use super::local;
use crate::plan::{Action, LocalHook, Phase};
use crate::remote::wire::Message;
use crate::transport::Exit;

/// What such a step does.
#[derive(Debug)]
pub(super) enum Here {
    /// It printed this.
    Printed {
        /// The step's name.
        step: String,
        bytes: Bytes,
    },
    /// It is over.
    Ended {
        /// The step's name.
        step: String,
        /// The script that asked for it.
        number: u32,
        code: u32,
        /// The end of what it printed.
        tail: Vec<u8>,
    },
}

impl Fleet<'_> {
    /// Begins such a step. Once the host goes back it is ended only with the program.
    pub(super) fn do_here(&mut self, at: usize, number: u32, step: String, undoing: bool) {
        let asked = |hook: &&LocalHook| hook.target == Some(at) && hook.step == step;
        let hooks: Vec<LocalHook> = self.plan.here.iter().filter(asked).cloned().collect();
        let variables: Vec<_> = hooks.iter().map(|hook| self.local_variables(hook)).collect();
        let root = self.plan.environment.root.clone();
        let (said, mut interrupt) = (self.sender.clone(), self.interrupt.clone());
        let known = interrupt.asked();
        tokio::spawn(async move {
            let stop = async {
                match undoing {
                    true => std::future::pending().await,
                    false => _ = interrupt.beyond(known).await,
                }
            };
            let (print, mut printed) = mpsc::unbounded_channel();
            let tell = async {
                while let Some(bytes) = printed.recv().await {
                    let news = Here::Printed { step: step.clone(), bytes };
                    // Whoever hears no more has left.
                    let _ = said.send((at, Said::Here(news))).await;
                }
            };
            let running = all(&hooks, &root, &variables, stop, print);
            let (ended, ()) = futures_util::future::join(running, tell).await;
            let (code, tail) = match ended {
                Ok(()) => (0, Vec::new()),
                Err(failure) => word(failure),
            };
            let _ = said.send((at, Said::Here(Here::Ended { step, number, code, tail }))).await;
        });
    }

    pub(super) fn heard_here(&mut self, at: usize, here: Here) {
        let host = &mut self.hosts[at];
        match here {
            Here::Printed { step, bytes } => {
                self.observer.event(&Event::Output { host: &host.name, step: &step, bytes: &bytes });
            }
            Here::Ended { step, number, code, tail } => {
                host.printed_here(tail);
                if let Some(line) = &host.line {
                    line.send(&Message::Word(&step, number, code));
                }
            }
        }
    }

    /// What a hook on this machine finds in its environment.
    pub(super) fn local_variables(&self, hook: &LocalHook) -> Vec<(String, String)> {
        let at = hook.target.or_else(|| self.plan.first_of(hook.app)).unwrap_or(0);
        let target = self.plan.targets.get(at);
        let known = |name: &str| {
            let found = target.and_then(|target| target.variables.iter().find(|(n, _)| *n == name));
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let of_host = |name: &str| if hook.target.is_some() { known(name) } else { String::new() };
        let live = self.hosts.get(at).and_then(super::host::HostState::live).unwrap_or_default();
        let goal = self.goals[hook.app].clone();
        let back = hook.target.is_some()
            && self.phase == Phase::PutBack
            && matches!(self.plan.action, Action::Deploy | Action::Sync);
        let (action, now, before) = if back {
            ("rollback".to_owned(), live, goal.unwrap_or_default())
        } else if self.plan.action == Action::Restart {
            (known("action"), live.clone(), live)
        } else {
            (known("action"), goal.unwrap_or_default(), live)
        };
        [
            ("SHIPIT_ENV", known("environment")),
            ("SHIPIT_APP", known("app")),
            ("SHIPIT_HOST", of_host("host")),
            ("SHIPIT_ROLES", of_host("roles")),
            ("SHIPIT_ACTION", action),
            ("SHIPIT_RELEASE", now.release),
            ("SHIPIT_REVISION", now.revision),
            ("SHIPIT_PREVIOUS_REVISION", before.revision),
            ("SHIPIT_REF", known("reference")),
            ("SHIPIT_USER", known("user")),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }
}

// One after the other, until one fails.
async fn all(
    hooks: &[LocalHook],
    root: &Path,
    variables: &[Vec<(String, String)>],
    stop: impl Future<Output = ()>,
    print: mpsc::UnboundedSender<Bytes>,
) -> Result<(), Failure> {
    let mut stop = std::pin::pin!(stop);
    for (hook, variables) in hooks.iter().zip(variables) {
        local::run(hook, (root, &variables[..]), "", &mut stop, &print).await?;
    }
    Ok(())
}

// What the host is told of a failure, and what its report ends with.
fn word(failure: Failure) -> (u32, Vec<u8>) {
    let code = match failure.exit {
        Some(Exit::Code(code)) => code,
        _ if failure.kind == FailureKind::Interrupted => 143,
        _ => 1,
    };
    let mut tail = failure.tail;
    if failure.exit.is_none() {
        tail.extend_from_slice(failure.message.as_bytes());
        tail.push(b'\n');
    }
    (code, tail)
}
