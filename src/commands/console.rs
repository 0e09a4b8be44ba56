//! `shipit ENV console [HOST]`: a terminal in `current` of one host, with the environment that hooks have.

use tokio::signal::unix::{SignalKind, signal};

use super::context::Context;
use crate::config::{self, Choice};
use crate::error::{Error, SystemError, UsageError, exit, failure_code};
use crate::executor::attach;
use crate::plan;
use crate::report::{Note, Silent, terminal};
use crate::transport::Exit;

pub(super) async fn run(mut context: Context<'_>, host: Option<&str>) -> Result<u8, Error> {
    let environment = context.environment.name.clone();
    if !terminal::is_there() {
        return Err(UsageError::NoTerminal { environment }.into());
    }
    context.one_app("console")?;
    choose(&mut context, host)?;
    let name = context.environment.hosts[0].name.clone();
    let plan = plan::console(context.environment.clone(), &context.options(true)?);
    let transport = context.transport().await?;
    let listen = |kind| signal(kind).map_err(|source| SystemError::Signals { source });
    // Whoever sends these wants an end, but the terminal back as it was.
    let (mut hangup, mut quit) = (listen(SignalKind::hangup())?, listen(SignalKind::quit())?);
    let (mut lent, mut silent) = (None, Silent);
    let attached = attach(&plan, transport, &mut silent, Context::interrupt()?, || {
        let (held, ends) = terminal::lend()?;
        lent = Some(held);
        Ok(ends)
    });
    let ended = tokio::select! {
        ended = attached => ended,
        _ = hangup.recv() => Ok(Exit::Signal("HUP".into())),
        _ = quit.recv() => Ok(Exit::Signal("QUIT".into())),
    };
    drop(lent);
    Ok(match ended {
        Ok(Exit::Code(code)) => u8::try_from(code).unwrap_or(exit::FAILED),
        Ok(Exit::Signal(name)) => by_signal(&name),
        Ok(Exit::Lost(why)) => {
            context.printer.error(&format!("{name}: {}", crate::report::human::exit(&Exit::Lost(why))));
            exit::UNREACHABLE
        }
        Err(failure) => {
            context.printer.host_failure(&name, &failure);
            failure_code(&failure)
        }
    })
}

/// One host: the named one, else the first, saying so.
fn choose(context: &mut Context<'_>, host: Option<&str>) -> Result<(), Error> {
    if let Some(host) = host {
        let hosts = [host.to_owned()];
        let choice = Choice { hosts: &hosts, ..Choice::default() };
        context.environment = config::select(context.environment.clone(), choice)?;
        let names: Vec<String> = context.environment.hosts.iter().map(|host| host.name.clone()).collect();
        if names.len() > 1 {
            return Err(UsageError::SeveralHosts { pattern: host.to_owned(), hosts: names }.into());
        }
        return Ok(());
    }
    let count = context.environment.hosts.len();
    if count > 1 {
        let first = [context.environment.hosts[0].name.clone()];
        let choice = Choice { hosts: &first, ..Choice::default() };
        context.environment = config::select(context.environment.clone(), choice)?;
        let (host, environment) = (&first[0], &context.environment.name);
        context.printer.note(Note::FirstHost { host, hosts: count, environment });
    }
    Ok(())
}

/// As shells tell it: 128 and the signal's number.
fn by_signal(name: &str) -> u8 {
    let known = [
        ("HUP", 1),
        ("INT", 2),
        ("QUIT", 3),
        ("ABRT", 6),
        ("KILL", 9),
        ("SEGV", 11),
        ("PIPE", 13),
        ("TERM", 15),
    ];
    known.iter().find(|(known, _)| *known == name).map_or(exit::FAILED, |(_, number)| 128 + number)
}
