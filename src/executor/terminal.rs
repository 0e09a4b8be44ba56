//! A terminal on one host. The resident shell makes ready what it starts from (`env` in files that no other login can read), a second
//! channel of the same connection carries it, and the resident shell clears up when either end is gone.

use bytes::Bytes;
use tokio::sync::{mpsc, watch};

use super::event::{Failure, FailureKind, Observer};
use super::fleet::{Fleet, plain_failure};
use super::interrupt::Interrupt;
use crate::plan::Plan;
use crate::remote::quote::quote;
use crate::remote::step::Step;
use crate::transport::{Channel, Exit, Output, Screen, Transport, Window, modes};

/// The operator's end of a terminal.
#[derive(Debug)]
pub struct Ends {
    /// What is typed. Its end: the operator's terminal is gone.
    pub keys: mpsc::Receiver<Bytes>,
    /// What is to be shown, as it is.
    pub shown: mpsc::Sender<Bytes>,
    /// What kind of terminal: `TERM`.
    pub term: String,
    /// Its keys and modes.
    pub modes: Vec<modes::Mode>,
    /// Its size, now and later.
    pub window: watch::Receiver<Window>,
}

/// Opens a terminal on the plan's only host and stays until its shell ends. `enter` is called when the host is ready, and
/// not before: until then this terminal is as it was.
///
/// # Errors
/// Why there was no terminal, or that it ended otherwise than by its shell.
pub async fn attach(
    plan: &Plan,
    transport: &dyn Transport,
    observer: &mut dyn Observer,
    interrupt: Interrupt,
    enter: impl FnOnce() -> std::io::Result<Ends>,
) -> Result<Exit, Failure> {
    let mut fleet = Fleet::new(plan, transport, observer, interrupt);
    fleet.open().await;
    let ended = session(&mut fleet, enter).await;
    fleet.close().await;
    ended
}

async fn session(
    fleet: &mut Fleet<'_>,
    enter: impl FnOnce() -> std::io::Result<Ends>,
) -> Result<Exit, Failure> {
    let failed = |message: String| plain_failure(FailureKind::Step, Step::Console, message);
    let Some(host) = fleet.hosts.first() else { return Err(failed("no host".into())) };
    if let Some(failure) = &host.failure {
        return Err(failure.clone());
    }
    let file = host.facts.console.as_deref();
    let (Some(file), Some(connection)) = (file, &host.connection) else {
        return Err(failed("the host did not say where the terminal starts".into()));
    };
    let command = format!("exec /bin/sh {}", quote(file));
    let Ends { mut keys, shown, term, modes, window } =
        enter().map_err(|error| failed(format!("this terminal cannot be used: {error}")))?;
    let channel = connection.terminal(&command, Screen { term, modes, window }).await;
    let Channel { input, mut output } = channel.map_err(|error| failed(error.to_string()))?;
    let known = fleet.known;
    loop {
        tokio::select! {
                   typed = keys.recv() => match typed {
        // A full queue: the typing waits, and what comes meanwhile is shown.
                       Some(typed) => pass_on(&input, typed, &mut output, &shown).await,
                       None => return Ok(Exit::Signal("HUP".into())),
                   },
                   said = output.recv() => match said {
                       Some(Output::Stdout(bytes) | Output::Stderr(bytes)) => {
                           if shown.send(bytes).await.is_err() {
                               return Ok(Exit::Signal("HUP".into()));
                           }
                       }
                       Some(Output::End(exit)) => return Ok(exit),
                       None => return Ok(Exit::Lost("the connection ended".into())),
                   },
                   asked = fleet.interrupt.beyond(known) => {
                       return Ok(Exit::Signal(if asked.signal == 15 { "TERM" } else { "INT" }.into()));
                   }
               }
    }
}

async fn pass_on(
    input: &mpsc::Sender<Bytes>,
    typed: Bytes,
    output: &mut mpsc::Receiver<Output>,
    shown: &mpsc::Sender<Bytes>,
) {
    let send = input.send(typed);
    tokio::pin!(send);
    loop {
        tokio::select! {
            // Whoever does not read any more has ended, and says so himself.
            _ = &mut send => return,
            Some(said) = output.recv() => if let Output::Stdout(bytes) | Output::Stderr(bytes) = said {
                let _ = shown.send(bytes).await;
            },
        }
    }
}
