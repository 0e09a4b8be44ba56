//! Hosts whose keys are not known: the user is asked once for all of them, on a terminal, before the run starts; as `ssh`
//! asks, and with what ssh_config says about new keys.

use super::surroundings::HostTransport;
use crate::config::Host;
use crate::error::Error;
use crate::report::note::{Note, Warning};
use crate::report::prompt::{self, Question};
use crate::report::{Printer, human};
use crate::transport::ssh::Ssh;
use crate::transport::{NewKeys, OfferedKey};

/// A jump host behind a jump host behind …
const ROUNDS: usize = 8;

/// Adds the keys of unknown hosts to known_hosts, where ssh_config or the user accepts them. `ask`: the user may be asked.
pub(super) async fn add_unknown_keys(
    transport: &HostTransport,
    hosts: &[Host],
    printer: &Printer,
    ask: bool,
) -> Result<(), Error> {
    let ask = ask && prompt::can_ask(printer);
    // What counts for the others, the system's `ssh` finds out.
    let hosts: Vec<Host> = hosts.iter().filter(|host| !transport.is_by_openssh(host)).cloned().collect();
    for _ in 0..ROUNDS {
        let may = |keys: NewKeys| keys == NewKeys::Accept || ask && keys == NewKeys::Ask;
        let unknown = transport.ssh.unknown_hosts(&hosts, may).await;
        if unknown.is_empty() {
            return Ok(());
        }
        let (accepted, others): (Vec<_>, Vec<_>) = transport
            .ssh
            .unknown_keys(&unknown)
            .await
            .into_iter()
            .partition(|key| key.new_keys == NewKeys::Accept);
        let asked: Vec<OfferedKey> =
            others.into_iter().filter(|key| ask && key.new_keys == NewKeys::Ask).collect();
        if accepted.is_empty() && asked.is_empty() {
            return Ok(());
        }
        add(&transport.ssh, printer, &accepted);
        ask_about(&transport.ssh, printer, &asked).await?;
        // What is left is behind a jump host that was unknown until now.
        if accepted.iter().chain(&asked).all(|key| unknown.iter().any(|host| host.machine == key.host)) {
            return Ok(());
        }
    }
    Ok(())
}

/// Asks once about all of these, and adds them to known_hosts.
pub(super) async fn ask_about(ssh: &Ssh, printer: &Printer, keys: &[OfferedKey]) -> Result<(), Error> {
    if !keys.is_empty() && !prompt::ask(printer, Question::TrustKeys(keys)).await? {
        return Err(untrusted(keys));
    }
    add(ssh, printer, keys);
    Ok(())
}

fn add(ssh: &Ssh, printer: &Printer, keys: &[OfferedKey]) {
    if keys.is_empty() {
        return;
    }
    let hosts: Vec<&str> = keys.iter().map(|key| key.host.as_str()).collect();
    printer.note(match &ssh.add_known_keys(keys) {
        Ok(()) => Note::HostKeysAdded { hosts: &hosts },
        Err(error) => Note::Warning(Warning::HostKeysNotAdded { error }),
    });
}

fn untrusted(keys: &[OfferedKey]) -> Error {
    let hosts: Vec<&str> = keys.iter().map(|key| key.host.as_str()).collect();
    Error::Untrusted { hosts: human::names(&hosts) }
}
