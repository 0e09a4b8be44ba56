//! Programs over a connection: exec, and the two tasks that carry their bytes.
//!
//! The one place that touches the library's channels, because they have traps (russh 0.65): a write waits for
//! ever once the other side stopped reading; a channel that is not read stops all others of the connection;
//! one whose opening is cancelled stays open; `wait` after `close` never returns. So: opening runs in a task
//! of its own, writes race against the end, and the reading task never stops reading.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use russh::client::Msg;
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Pty, Sig};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::handler::{Shared, plain};
use super::sessions::{self, Opened, Opener, refused};
use crate::transport::modes::Mode;
use crate::transport::{Channel, ConnectError, Exit, Output, Screen, Window};

/// Chunks that wait in each direction.
const QUEUE: usize = 64;
/// Bytes that wait beyond that for a slow reader, before the connection has to.
const BACKLOG: usize = 16 << 20;
/// The same of a terminal: what waits is what Ctrl-C is answered after.
const SHOWN_LATER: usize = 1 << 20;
/// Standard error in the protocol (RFC 4254, 5.2).
const STDERR: u32 = 1;

/// Names and values.
pub(super) type Variables = Arc<[(String, String)]>;

/// What is started, with what in its environment, and on which terminal, if on one.
pub(super) struct Program {
    pub(super) command: String,
    /// The server drops those that it does not accept.
    pub(super) variables: Variables,
    /// Whether it may use the operator's agent.
    pub(super) lends: bool,
    pub(super) screen: Option<Screen>,
}

/// Starts a program. Dropping the future leaves nothing open on the server.
pub(super) async fn start(opener: Opener, program: Program) -> Result<Channel, ConnectError> {
    let (opened, answer) = oneshot::channel();
    tokio::spawn(run(opener, program, opened));
    answer.await.unwrap_or_else(|_| Err(refused("the connection is gone".to_owned())))
}

/// As the library names them; none that it does not know.
fn numbered(modes: &[Mode]) -> Vec<(Pty, u32)> {
    modes.iter().filter_map(|(number, value)| Some((Pty::from_u8(*number)?, *value))).collect()
}

async fn run(opener: Opener, Program { command, variables, lends, screen }: Program, opened: Opened) {
    let Some((channel, opened, place)) = sessions::open(&opener, opened).await else { return };
    let (read, write) = channel.split();
    // The replies are not awaited: input travels in the same flight. A refusal arrives as a message.
    let asked = async {
        if let Some(Screen { term, modes, window }) = &screen {
            let Window { columns, rows } = *window.borrow();
            write.request_pty(true, term, columns.into(), rows.into(), 0, 0, &numbered(modes)).await?;
        }
        if lends {
            write.agent_forward(false).await?;
        }
        for (name, value) in variables.iter() {
            write.set_env(false, name.as_str(), value.as_str()).await?;
        }
        write.exec(true, command.into_bytes()).await
    };
    if let Err(error) = asked.await {
        let reason = opener.shared.last_words().unwrap_or_else(|| plain(&error));
        let _ = opened.send(Err(refused(reason)));
        return;
    }
    let (input, chunks) = mpsc::channel(QUEUE);
    let (events, output) = mpsc::channel(QUEUE);
    // Nobody waits any more: both ends are dropped here, the program has no input and no audience.
    let _ = opened.send(Ok(Channel { input, output }));
    let closed = CancellationToken::new();
    let limit = if screen.is_some() { SHOWN_LATER } else { BACKLOG };
    let window = screen.map(|screen| screen.window);
    tokio::spawn(feed(write, chunks, window, closed.clone()));
    let (mut backlog, exit) = follow(read, &events, &opener.shared, limit).await;
    closed.cancel();
    drop(place);
    while let Some(output) = backlog.next() {
        if events.send(output).await.is_err() {
            return;
        }
    }
    let _ = events.send(Output::End(exit)).await;
}

/// Passes input on, and what becomes of the screen's size, until input ends or the channel does.
async fn feed(
    write: ChannelWriteHalf<Msg>,
    mut chunks: mpsc::Receiver<Bytes>,
    mut window: Option<watch::Receiver<Window>>,
    closed: CancellationToken,
) {
    let copy = async {
        loop {
            let sent = tokio::select! {
                chunk = chunks.recv() => match chunk {
                    Some(chunk) => write.data_bytes(chunk).await,
                    None => break,
                },
                Window { columns, rows } = resized(&mut window) => {
                    write.window_change(columns.into(), rows.into(), 0, 0).await
                }
            };
            if sent.is_err() {
                return;
            }
        }
        // Fails where the session is gone; then no one needs it.
        let _ = write.eof().await;
    };
    tokio::select! { () = copy => {}, () = closed.cancelled() => {} }
}

async fn resized(window: &mut Option<watch::Receiver<Window>>) -> Window {
    if let Some(window) = window
        && window.changed().await.is_ok()
    {
        return *window.borrow_and_update();
    }
    std::future::pending().await
}

/// What the reader has not taken yet.
#[derive(Default)]
struct Backlog {
    waiting: VecDeque<Output>,
    bytes: usize,
    unwanted: bool,
}

impl Backlog {
    fn add(&mut self, output: Output) {
        if !self.unwanted {
            self.bytes += size(&output);
            self.waiting.push_back(output);
        }
    }

    fn next(&mut self) -> Option<Output> {
        let output = self.waiting.pop_front()?;
        self.bytes -= size(&output);
        Some(output)
    }

    fn discard(&mut self) {
        *self = Self { unwanted: true, ..Self::default() };
    }
}

fn size(output: &Output) -> usize {
    match output {
        Output::Stdout(bytes) | Output::Stderr(bytes) => bytes.len(),
        Output::End(_) => 0,
    }
}

/// Reads to the end of the channel, which is neither EOF nor the exit status: they come in any order.
async fn follow(
    mut read: ChannelReadHalf,
    events: &mpsc::Sender<Output>,
    shared: &Shared,
    limit: usize,
) -> (Backlog, Exit) {
    let mut backlog = Backlog::default();
    let mut exit = None;
    loop {
        let message = tokio::select! {
            message = read.wait(), if backlog.bytes < limit => message,
            place = events.reserve(), if !backlog.waiting.is_empty() => {
                match (place, backlog.next()) {
                    (Ok(place), Some(output)) => place.send(output),
                    (Ok(_), None) => {}
                    (Err(_), _) => backlog.discard(),
                }
                continue;
            }
        };
        match message {
            Some(ChannelMsg::Data { data }) => backlog.add(Output::Stdout(data)),
            Some(ChannelMsg::ExtendedData { data, ext: STDERR }) => backlog.add(Output::Stderr(data)),
            Some(ChannelMsg::ExitStatus { exit_status }) => exit = Some(Exit::Code(exit_status)),
            Some(ChannelMsg::ExitSignal { signal_name, .. }) => exit = Some(Exit::Signal(name(&signal_name))),
            Some(ChannelMsg::Failure) => {
                let what =
                    if limit == BACKLOG { "to run the command" } else { "a terminal, or to run the command" };
                let why = format!("the server refused {what}");
                return (backlog, Exit::Lost(why));
            }
            Some(ChannelMsg::Close) => {
                let why = || Exit::Lost("the server closed the channel without an exit status".to_owned());
                return (backlog, exit.unwrap_or_else(why));
            }
            None => {
                let why = || shared.last_words().unwrap_or_else(|| "the connection is gone".to_owned());
                return (backlog, exit.unwrap_or_else(|| Exit::Lost(why())));
            }
            Some(_) => {}
        }
    }
}

/// Without `SIG`.
fn name(signal: &Sig) -> String {
    match signal {
        Sig::Custom(name) => name.clone(),
        known => format!("{known:?}"),
    }
}
