//! Hosts that nobody knows: asked about once, for all, on a terminal, before anything is begun; as `ssh` asks, and with
//! what ssh_config says about new keys.

use super::surroundings::HostTransport;
use crate::config::Host;
use crate::error::Error;
use crate::report::note::{Note, Warning};
use crate::report::prompt::{self, Question};
use crate::report::{Printer, human};
use crate::transport::{NewKeys, OfferedKey};

/// A jump host behind a jump host behind …
const ROUNDS: usize = 8;

/// Makes hosts known that are to be made known. `ask`: somebody may be asked.
pub(super) async fn introduce(
    transport: &HostTransport,
    hosts: &[Host],
    printer: &Printer,
    ask: bool,
) -> Result<(), Error> {
    let ask = ask && prompt::can_ask(printer);
    for _ in 0..ROUNDS {
        let may = |keys: NewKeys| keys == NewKeys::Accept || ask && keys == NewKeys::Ask;
        let strangers = transport.ssh.strangers(hosts, may);
        if strangers.is_empty() {
            return Ok(());
        }
        let (accepted, unknown): (Vec<_>, Vec<_>) = transport
            .ssh
            .unknown_keys(&strangers)
            .await
            .into_iter()
            .partition(|key| key.new_keys == NewKeys::Accept);
        let asked: Vec<OfferedKey> =
            unknown.into_iter().filter(|key| ask && key.new_keys == NewKeys::Ask).collect();
        if accepted.is_empty() && asked.is_empty() {
            return Ok(());
        }
        learn(transport, printer, &accepted);
        if !asked.is_empty() && !prompt::ask(printer, Question::TrustKeys(&asked)) {
            return Err(untrusted(&asked));
        }
        learn(transport, printer, &asked);
        // What is left is behind a jump host that was unknown until now.
        if accepted.iter().chain(&asked).all(|key| strangers.iter().any(|host| host.name == key.host)) {
            return Ok(());
        }
    }
    Ok(())
}

fn learn(transport: &HostTransport, printer: &Printer, keys: &[OfferedKey]) {
    if keys.is_empty() {
        return;
    }
    let hosts: Vec<&str> = keys.iter().map(|key| key.host.as_str()).collect();
    printer.note(match &transport.ssh.learn(keys) {
        Ok(()) => Note::HostKeysAdded { hosts: &hosts },
        Err(error) => Note::Warning(Warning::HostKeysNotAdded { error }),
    });
}

fn untrusted(keys: &[OfferedKey]) -> Error {
    let hosts: Vec<&str> = keys.iter().map(|key| key.host.as_str()).collect();
    Error::Untrusted { hosts: human::names(&hosts) }
}
