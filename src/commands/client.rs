//! Which SSH client reaches which host, and what is settled with the user before a run begins: unknown host keys, and what
//! the system's `ssh` asks.

use std::collections::BTreeMap;

use secrecy::SecretString;

use super::surroundings::HostTransport;
use super::trust_hosts;
use crate::config::{Host, SshClient};
use crate::error::Error;
use crate::report::note::Note;
use crate::report::prompt;
use crate::report::{Printer, secret};
use crate::transport::OfferedKey;
use crate::transport::openssh::{Kind, OpenSsh, Question};
use crate::transport::ssh::Lack;

/// A jump host behind a jump host behind …
const ROUNDS: usize = 8;

/// Chooses a client for each host; the user is told once where it is the system's `ssh` unasked.
pub(super) async fn choose(transport: &HostTransport, hosts: &[Host], printer: &Printer) {
    let mut chosen = Vec::new();
    let mut unasked: BTreeMap<Lack, Vec<&str>> = BTreeMap::new();
    for host in hosts.iter().filter(|host| !host.local) {
        let lack = match host.ssh {
            SshClient::Builtin => continue,
            SshClient::OpenSsh => None,
            SshClient::Auto => match transport.ssh.lacks(host).await {
                None => continue,
                lack => lack,
            },
        };
        chosen.push(host.name.clone());
        if let Some(lack) = lack {
            unasked.entry(lack).or_default().push(&host.name);
        }
    }
    for (lack, hosts) in &unasked {
        printer.note(Note::SystemSsh { hosts, lack });
    }
    transport.by_openssh.replace(chosen);
}

/// Connects the hosts of the system's `ssh` while the user can be asked, and asks what it asks.
pub(super) async fn connect_ahead(
    transport: &HostTransport,
    hosts: &[Host],
    printer: &Printer,
) -> Result<(), Error> {
    let mut left: Vec<&Host> = hosts.iter().filter(|host| transport.is_by_openssh(host)).collect();
    for _ in 0..ROUNDS {
        if left.is_empty() {
            return Ok(());
        }
        let unknown;
        (unknown, left) = answering(&transport.openssh, &left, printer).await?;
        trust_hosts::ask_about(&transport.ssh, printer, &unknown).await?;
    }
    Ok(())
}

/// The same without a question about keys: a host whose key is not known is not reached.
pub(super) async fn log_in_ahead(
    transport: &HostTransport,
    hosts: &[Host],
    printer: &Printer,
) -> Result<(), Error> {
    let hosts: Vec<&Host> = hosts.iter().filter(|host| transport.is_by_openssh(host)).collect();
    answering(&transport.openssh, &hosts, printer).await.map(drop)
}

/// Connects, and answers meanwhile. The keys that are not known, and the hosts that are not connected for that.
async fn answering<'a>(
    openssh: &OpenSsh,
    hosts: &[&'a Host],
    printer: &Printer,
) -> Result<(Vec<OfferedKey>, Vec<&'a Host>), Error> {
    let asking = async {
        while let Some(question) = openssh.next_question().await {
            match answer(printer, &question).await {
                Ok(answer) => question.answer(answer),
                Err(error) => return error,
            }
        }
        std::future::pending().await
    };
    tokio::select! {
        unknown = openssh.connect_ahead(hosts) => Ok(unknown),
        error = asking => Err(error),
    }
}

async fn answer(printer: &Printer, question: &Question) -> Result<Option<SecretString>, Error> {
    match question.kind {
        Kind::Notice => {
            printer.note(Note::SshSays { text: &question.text });
            Ok(None)
        }
        Kind::Secret => secret::ask(printer, &question.text).await,
        Kind::YesNo => {
            let question = prompt::Question::OfSsh(&question.text);
            let agreed = prompt::ask(printer, question).await?;
            Ok(Some(SecretString::from(if agreed { "yes" } else { "no" }.to_owned())))
        }
    }
}
