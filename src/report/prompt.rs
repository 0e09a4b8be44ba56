//! Questions on the terminal, and the only place that reads an answer. A caller says which question; its text and what an
//! answer means are decided here (of a login: in `login_prompt.rs`).

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io;

use tokio::sync::oneshot;

use super::{Printer, clean, human, table};
use crate::error::{Error, SystemError};
use crate::executor::{Ask, Interrupt};
use crate::transport::{Boxed, OfferedKey};

/// What the operator is asked.
#[derive(Debug, Clone, Copy)]
pub enum Question<'a> {
    /// Whether to end the run that holds the lock.
    EndRun,
    /// Whether to replace the hold of another person.
    ReplaceHold,
    /// Whether to trust the keys of hosts that are not known yet. Their fingerprints are an answer, too.
    TrustKeys(&'a [OfferedKey]),
    /// What the system's `ssh` asks, in its words.
    OfSsh(&'a str),
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
    if let Some(details) = details(question, printer.width()) {
        printer.error(&details);
    }
    if !can_ask(printer) {
        return Ok(false);
    }
    // Whoever listened to signals once in a process has taken their effect away: a read would go on after Ctrl-C.
    let mut interrupt = Interrupt::listen().map_err(|source| SystemError::Signals { source })?;
    let known = interrupt.asked();
    let (mut text, mut compared) = (text(question), Vec::new());
    loop {
        if !printer.prompt(&text) {
            return Ok(false);
        }
        let answer = tokio::select! {
            answer = typed() => answer,
            asked = interrupt.beyond(known) => return Err(Error::Interrupted { signal: asked.signal }),
        };
        let Some(answer) = answer else { return Ok(false) };
        match meaning(question, &answer, &mut compared) {
            Ok(agreed) => return Ok(agreed),
            Err(again) => text = again,
        }
    }
}

/// Asks during a run (`confirm`, `rollout.pause = "ask"`). The question itself is an event of the run, which the report shows.
#[derive(Debug)]
pub struct RunPrompt;

impl Ask for RunPrompt {
    fn ask<'a>(&'a self, _: &'a str) -> Boxed<'a, bool> {
        Box::pin(async { typed().await.is_some_and(|answer| is_yes(&answer)) })
    }
}

/// Asks for a line of text; none where nobody answers.
#[must_use]
pub fn line(printer: &Printer, question: &str) -> Option<String> {
    let question = clean::line(question.as_bytes(), 500);
    printer.prompt(&format!("{question}: ")).then(read_answer).flatten()
}

/// A line from the terminal; none at its end. Read in a thread that is never joined: an operator who interrupts instead of
/// answering leaves it reading.
pub(super) async fn typed() -> Option<String> {
    Some(typed_line().await?.trim().to_owned())
}

/// The same with every blank, and the newline.
pub(super) async fn typed_line() -> Option<String> {
    let (sender, answer) = oneshot::channel();
    std::thread::spawn(move || {
        let _ = sender.send(read_line());
    });
    answer.await.ok().flatten()
}

fn read_answer() -> Option<String> {
    Some(read_line()?.trim().to_owned())
}

fn read_line() -> Option<String> {
    let mut line = String::new();
    let read = io::stdin().read_line(&mut line).ok()?;
    (read > 0).then_some(line)
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.to_lowercase().as_str(), "y" | "yes")
}

/// What is shown above the question.
fn details(question: Question<'_>, width: usize) -> Option<String> {
    match question {
        Question::EndRun | Question::ReplaceHold | Question::OfSsh(_) => None,
        Question::TrustKeys(keys) => Some(fingerprints(keys, width)),
    }
}

fn text(question: Question<'_>) -> String {
    match question {
        Question::ReplaceHold => "Replace that hold? [y/N] ".to_owned(),
        Question::EndRun => "End that run? [y/N] ".to_owned(),
        Question::OfSsh(text) => {
            let lines = text.lines().take(20).map(|line| clean::line(line.as_bytes(), 500));
            format!("{} ", lines.collect::<Vec<_>>().join("\n").trim_end())
        }
        Question::TrustKeys([_]) => "trust it and go on? (yes/no/fingerprint) ".to_owned(),
        Question::TrustKeys(_) => "trust all of them and go on? (yes/no/fingerprint) ".to_owned(),
    }
}

/// Whether an answer agrees; else the text with which it is asked again. `compared`: fingerprints that were typed before.
fn meaning(question: Question<'_>, answer: &str, compared: &mut Vec<String>) -> Result<bool, String> {
    let Question::TrustKeys(keys) = question else { return Ok(is_yes(answer)) };
    if is_yes(answer) {
        return Ok(true);
    }
    if matches!(answer.to_lowercase().as_str(), "n" | "no") {
        return Ok(false);
    }
    // Also out of a whole line of `ssh-keygen -l`, which is what there is to paste.
    let typed: Vec<&str> = answer.split_whitespace().filter(|word| word.starts_with("SHA256:")).collect();
    if typed.is_empty() {
        return Err("please type yes, no or a fingerprint: ".to_owned());
    }
    if let Some(other) = typed.iter().find(|typed| keys.iter().all(|key| key.fingerprint != **typed)) {
        let other = clean::line(other.as_bytes(), 60);
        return Err(format!("none of these keys is {other}\nplease type yes, no or a fingerprint: "));
    }
    compared.extend(typed.into_iter().map(str::to_owned));
    let left: Vec<&str> =
        keys.iter().filter(|key| !compared.contains(&key.fingerprint)).map(|key| key.host.as_str()).collect();
    match left.is_empty() {
        true => Ok(true),
        false => {
            let left = clean::line(human::names(&left).as_bytes(), 200);
            Err(format!("that is right. trust {left}, too? (yes/no/fingerprint) "))
        }
    }
}

/// A line for each key, that fits where it can: the address goes where there is no room, the type where all have the same.
fn fingerprints(keys: &[OfferedKey], width: usize) -> String {
    let types: BTreeSet<&str> = keys.iter().map(|key| key.key_type.as_str()).collect();
    let one_type = types.iter().next().filter(|_| types.len() == 1);
    let rows = |with_address: bool| {
        let row = |key: &OfferedKey| {
            let address = with_address.then(|| format!("({})", key.address));
            let key_type = one_type.is_none().then(|| key.key_type.clone());
            let cells = [Some(key.host.clone()), address, key_type, Some(key.fingerprint.clone())];
            cells.into_iter().flatten().map(|cell| clean::line(cell.as_bytes(), 80)).collect()
        };
        table::render(&keys.iter().map(row).collect::<Vec<Vec<String>>>())
    };
    let mut table = rows(true);
    if table.lines().any(|line| console::measure_text_width(line) + 2 > width) {
        table = rows(false);
    }
    let of_type = one_type.map_or(String::new(), |name| format!(" ({})", clean::line(name.as_bytes(), 40)));
    let mut text = match keys.len() {
        1 => format!("this host and its key{of_type} are not known:\n"),
        count => format!("these {count} hosts and their keys{of_type} are not known:\n"),
    };
    for line in table.lines() {
        let _ = writeln!(text, "  {line}");
    }
    // The name of the file says less of a type than the type does: ssh-ed25519, ecdsa-sha2-nistp256, ssh-rsa.
    let file = one_type
        .and_then(|name| ["ed25519", "ecdsa", "rsa"].into_iter().find(|word| name.contains(word)))
        .unwrap_or("*");
    text + &format!("a host itself says: ssh-keygen -lf /etc/ssh/ssh_host_{file}_key.pub\n")
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::transport::NewKeys;

    fn key(n: usize) -> OfferedKey {
        OfferedKey {
            host: format!("web{n}.example.com"),
            address: format!("203.0.113.{n}:22"),
            key_type: "ssh-ed25519".to_owned(),
            fingerprint: format!("SHA256:{n:0>43}"),
            name: String::new(),
            line: String::new(),
            file: PathBuf::new(),
            new_keys: NewKeys::Ask,
            hashed: false,
            certificate: None,
        }
    }

    #[test]
    fn the_keys_of_twenty_hosts_and_the_question_fit_a_small_window() {
        let keys: Vec<OfferedKey> = (1..=20).map(key).collect();
        let text = fingerprints(&keys, 80) + &super::text(Question::TrustKeys(&keys));
        assert!(text.lines().count() < 24, "{text}");
        assert!(text.lines().all(|line| line.len() < 80), "{text}");
        assert!(!text.contains("203.0.113.7"), "no room: {text}");
        assert!(fingerprints(&keys, 120).contains("web7.example.com   (203.0.113.7:22)"), "{text}");
    }

    #[test]
    fn yes_no_and_fingerprints_are_answers() {
        let keys = [key(1), key(2)];
        let meaning = |answer: &str, compared: &mut Vec<String>| {
            super::meaning(Question::TrustKeys(&keys), answer, compared)
        };
        for answer in ["y", "Y", "yes", "YES"] {
            assert_eq!(meaning(answer, &mut Vec::new()), Ok(true), "{answer}");
        }
        for answer in ["n", "no", "No"] {
            assert_eq!(meaning(answer, &mut Vec::new()), Ok(false), "{answer}");
        }
        for answer in ["", "maybe", "SHA256:other"] {
            let again = meaning(answer, &mut Vec::new()).unwrap_err();
            assert!(again.ends_with("please type yes, no or a fingerprint: "), "{answer}: {again}");
        }
        let (mut compared, line) = (Vec::new(), format!("256 {} root@web2 (ED25519)", keys[1].fingerprint));
        let again = meaning(&line, &mut compared).unwrap_err();
        assert!(again.contains("trust web1.example.com, too?"), "{again}");
        assert_eq!(meaning(&keys[0].fingerprint, &mut compared), Ok(true));
    }
}
