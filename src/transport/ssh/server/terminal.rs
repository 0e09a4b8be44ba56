//! The joining of a channel with a program on a terminal.

use russh::server::{Handle, Msg};
use russh::{Channel, ChannelMsg, Sig};

use crate::transport::{Channel as Program, Exit, Output};

/// Until the program has ended, or the channel or the connection has: then the terminal is hung up.
pub(super) async fn join(channel: Channel<Msg>, program: Program, session: Handle) {
    let (mut from, to) = channel.split();
    let Program { input, mut output } = program;
    loop {
        tokio::select! {
            message = from.wait() => match message {
                // A program that does not read what is typed blocks only itself.
                Some(ChannelMsg::Data { data }) => drop(input.send(data).await),
                Some(ChannelMsg::Close) | None => return,
                Some(_) => {}
            },
            said = output.recv() => match said {
                Some(Output::Stdout(bytes) | Output::Stderr(bytes)) => {
                    if to.data_bytes(bytes).await.is_err() {
                        return;
                    }
                }
                Some(Output::End(exit)) => {
                    // A client that is gone gets no answer.
                    match exit {
                        Exit::Code(code) => drop(to.exit_status(code).await),
                        Exit::Signal(name) => {
                            let (name, none) = (signal(&name), String::new);
                            let _ = session.exit_signal_request(to.id(), name, false, none(), none()).await;
                        }
                        Exit::Lost(_) => {}
                    }
                    let _ = to.eof().await;
                    let _ = to.close().await;
                    return;
                }
                None => return,
            },
        }
    }
}

fn signal(name: &str) -> Sig {
    match name {
        "HUP" => Sig::HUP,
        "INT" => Sig::INT,
        "QUIT" => Sig::QUIT,
        "KILL" => Sig::KILL,
        "SEGV" => Sig::SEGV,
        "PIPE" => Sig::PIPE,
        "TERM" => Sig::TERM,
        other => Sig::Custom(format!("{other}@example.com")),
    }
}
