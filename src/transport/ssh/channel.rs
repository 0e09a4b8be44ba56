//! Programs over a connection: exec, and the two tasks that carry their bytes.
//!
//! The one place that touches the library's channels, because they have traps (russh 0.65): a write waits for
//! ever once the other side stopped reading; a channel that is not read stops all others of the connection;
//! one whose opening is cancelled stays open; `wait` after `close` never returns. So: opening runs in a task
//! of its own, writes race against the end, and the reading task never stops reading.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use russh::client::{Handle, Msg};
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Sig};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::handler::{Client, Shared, plain};
use super::sessions::{self, Sessions};
use crate::transport::{Channel, ConnectError, Exit, Output};

/// Chunks that wait in each direction.
const QUEUE: usize = 64;
/// Bytes that wait beyond that for a slow reader, before the connection has to.
const BACKLOG: usize = 16 << 20;
/// Standard error in the protocol (RFC 4254, 5.2).
const STDERR: u32 = 1;

/// What a program's tasks need of its connection.
#[derive(Clone)]
pub(super) struct Host {
    pub(super) handle: Arc<Handle<Client>>,
    pub(super) shared: Arc<Shared>,
    pub(super) sessions: Arc<Sessions>,
}

pub(super) type Opened = oneshot::Sender<Result<Channel, ConnectError>>;

/// Starts `command`. Dropping the future leaves nothing open on the server.
pub(super) async fn exec(host: Host, command: String) -> Result<Channel, ConnectError> {
    let (opened, answer) = oneshot::channel();
    tokio::spawn(run(host, command, opened));
    answer.await.unwrap_or_else(|_| Err(refused("the connection is gone".to_owned())))
}

pub(super) fn refused(reason: String) -> ConnectError {
    ConnectError::Channel { reason }
}

async fn run(host: Host, command: String, opened: Opened) {
    let Some((channel, opened, seat)) = sessions::open(&host, opened).await else { return };
    let (read, write) = channel.split();
    // The reply is not awaited: input travels in the same flight. A refusal arrives as a message.
    if let Err(error) = write.exec(true, command.into_bytes()).await {
        let reason = host.shared.last_words().unwrap_or_else(|| plain(&error));
        let _ = opened.send(Err(refused(reason)));
        return;
    }
    let (input, chunks) = mpsc::channel(QUEUE);
    let (events, output) = mpsc::channel(QUEUE);
    // Nobody waits any more: both ends are dropped here, the program has no input and no audience.
    let _ = opened.send(Ok(Channel { input, output }));
    let closed = CancellationToken::new();
    tokio::spawn(feed(write, chunks, closed.clone()));
    let (mut backlog, exit) = follow(read, &events, &host.shared).await;
    closed.cancel();
    drop(seat);
    while let Some(output) = backlog.next() {
        if events.send(output).await.is_err() {
            return;
        }
    }
    let _ = events.send(Output::End(exit)).await;
}

/// Passes input on until it ends or the channel does.
async fn feed(write: ChannelWriteHalf<Msg>, mut chunks: mpsc::Receiver<Bytes>, closed: CancellationToken) {
    let copy = async {
        while let Some(chunk) = chunks.recv().await {
            if write.data_bytes(chunk).await.is_err() {
                return;
            }
        }
        // The session may be gone; then there is nobody to tell.
        let _ = write.eof().await;
    };
    tokio::select! { () = copy => {}, () = closed.cancelled() => {} }
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
) -> (Backlog, Exit) {
    let mut backlog = Backlog::default();
    let mut exit = None;
    loop {
        let message = tokio::select! {
            message = read.wait(), if backlog.bytes < BACKLOG => message,
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
                let why = "the server refused to run the command".to_owned();
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
