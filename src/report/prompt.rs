//! Questions on the terminal: the only place that asks one and reads the answer. A caller says which question; its text
//! and what an answer means are decided here.

use std::fmt::Write as _;
use std::io;

use tokio::sync::oneshot;

use super::{Printer, clean, human, table};
use crate::config::Environment;
use crate::error::{Error, SystemError};
use crate::executor::{Ask, Interrupt};
use crate::transport::{Boxed, OfferedKey};

/// More host names than these make a question longer, not clearer.
const HOSTS_SHOWN: usize = 20;

/// What the operator is asked.
#[derive(Debug, Clone, Copy)]
pub enum Question<'a> {
    /// Whether to deploy, where the configuration says `confirm`.
    Deploy(&'a Environment),
    /// Whether to end the run that holds the lock.
    EndRun,
    /// Whether to trust the keys of hosts that are not known yet. For a single host its fingerprint is an answer, too.
    TrustKeys(&'a [OfferedKey]),
}

/// Whether a person is there to be asked.
#[must_use]
pub fn can_ask(printer: &Printer) -> bool {
    printer.is_interactive() && io::IsTerminal::is_terminal(&io::stdin())
}

/// Shows what the question is about, then asks it. `false` where the answer is no, and where nobody can be asked.
///
/// # Errors
/// When the user interrupts instead of answering.
pub async fn ask(printer: &Printer, question: Question<'_>) -> Result<bool, Error> {
    if let Some(details) = details(question) {
        printer.error(&details);
    }
    if !can_ask(printer) {
        return Ok(false);
    }
    // Whoever listened to signals once in a process has taken their effect away: a read would go on after Ctrl-C.
    let mut interrupt = Interrupt::listen().map_err(|source| SystemError::Signals { source })?;
    let known = interrupt.asked();
    let mut text = text(question);
    loop {
        if !printer.prompt(&text) {
            return Ok(false);
        }
        let answer = tokio::select! {
            answer = typed() => answer,
            asked = interrupt.beyond(known) => return Err(Error::Interrupted { signal: asked.signal }),
        };
        let Some(answer) = answer else { return Ok(false) };
        match meaning(question, &answer) {
            Some(agreed) => return Ok(agreed),
            None => text = "please type yes or no: ".to_owned(),
        }
    }
}

/// Asks before a batch (`rollout.pause = "ask"`). The question itself is an event of the run, which the report shows.
#[derive(Debug)]
pub struct BatchPrompt;

impl Ask for BatchPrompt {
    fn ask<'a>(&'a self, _: &'a str) -> Boxed<'a, bool> {
        Box::pin(async { typed().await.is_some_and(|answer| is_yes(&answer)) })
    }
}

/// A line from the terminal; none at its end. Read in a thread that is never joined: an operator who interrupts instead of
/// answering leaves it reading.
async fn typed() -> Option<String> {
    let (sender, answer) = oneshot::channel();
    std::thread::spawn(move || {
        let _ = sender.send(read_answer());
    });
    answer.await.ok().flatten()
}

fn read_answer() -> Option<String> {
    let mut line = String::new();
    let read = io::stdin().read_line(&mut line).ok()?;
    (read > 0).then(|| line.trim().to_owned())
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.to_lowercase().as_str(), "y" | "yes")
}

/// What is shown above the question.
fn details(question: Question<'_>) -> Option<String> {
    match question {
        Question::Deploy(environment) => Some(deploy(environment)),
        Question::EndRun => None,
        Question::TrustKeys(keys) => Some(fingerprints(keys)),
    }
}

fn text(question: Question<'_>) -> String {
    match question {
        Question::Deploy(_) => "Go ahead? [y/N] ".to_owned(),
        Question::EndRun => "End that run? [y/N] ".to_owned(),
        Question::TrustKeys([_]) => "trust it and go on? (yes/no/fingerprint) ".to_owned(),
        Question::TrustKeys(_) => "trust all of them and go on? (yes/no) ".to_owned(),
    }
}

/// Whether an answer agrees; none: it has to be asked again.
fn meaning(question: Question<'_>, answer: &str) -> Option<bool> {
    let Question::TrustKeys(keys) = question else { return Some(is_yes(answer)) };
    // A key is trusted for good, so as with `ssh` a single letter is not enough.
    match (answer.to_lowercase().as_str(), keys) {
        ("yes", _) => Some(true),
        ("no", _) => Some(false),
        (_, [only]) if only.fingerprint == answer => Some(true),
        _ => None,
    }
}

fn deploy(environment: &Environment) -> String {
    let names: Vec<&str> =
        environment.hosts.iter().take(HOSTS_SHOWN).map(|host| host.name.as_str()).collect();
    let more = if environment.hosts.len() > names.len() { ", …" } else { "" };
    let what: Vec<String> =
        environment.apps.iter().map(|app| format!("{} of {}", app.reference, app.repo)).collect();
    format!(
        "deploy {} to {}, {}: {}{more}\n",
        what.join(", "),
        environment.name,
        human::hosts(environment.hosts.len()),
        names.join(", "),
    )
}

fn fingerprints(keys: &[OfferedKey]) -> String {
    let rows: Vec<Vec<String>> = keys
        .iter()
        .map(|key| {
            [&key.host, &format!("({})", key.address), &key.key_type, &key.fingerprint]
                .map(|cell| clean::line(cell.as_bytes(), 80))
                .to_vec()
        })
        .collect();
    let mut text = match keys.len() {
        1 => "this host is not known:\n".to_owned(),
        count => format!("these {count} hosts are not known:\n"),
    };
    for line in table::render(&rows).lines() {
        let _ = writeln!(text, "  {line}");
    }
    text + "on a host, `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` prints what its key is\n"
}
