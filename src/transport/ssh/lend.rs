//! Agent forwarding: the operator's agent, lent to what runs on one host.
//!
//! Nothing is lent unless it was asked for: a server that opens such a channel by itself is refused. Each channel gets a connection
//! of its own to the agent. A host may send what it likes: it gets so many connections and so much memory, and an agent that hangs
//! holds up neither the session nor its end.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use russh::client::{ChannelOpenHandle, Msg};
use russh::keys::agent::AgentSessionBinding;
use russh::keys::agent::client::{AgentClient, AgentStream};
use russh::{Channel, ChannelMsg, ChannelOpenFailure, ChannelReadHalf, ChannelWriteHalf};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split};
use tokio::net::UnixStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::config::{ForwardAgent, Settings};
use super::options::Options;
use crate::config::{ForwardAgent as Wish, Host};
use crate::transport::ConnectError;

/// An agent that is there answers at once; one behind a dead forwarding never does.
pub(super) const AGENT_ANSWER: Duration = Duration::from_secs(5);
/// Connections to the agent at once, for one session: each is an open file here.
const AT_ONCE: usize = 32;
/// Bytes that wait for the agent to read: the longest message that OpenSSH's agent takes, and its length.
const WAITING: usize = (256 << 10) + 4;
/// For a server to close a channel that has ended.
const CLOSING: Duration = Duration::from_secs(5);

/// The agent's socket that is lent to `host`; none: nothing is. ssh_config chooses only which agent it is.
pub(super) fn agent(
    host: &Host,
    settings: &Settings,
    options: &Options,
) -> Result<Option<PathBuf>, ConnectError> {
    if host.forward_agent == Wish::No {
        return Ok(None);
    }
    let own = || settings.login.agent.socket(options.agent.as_ref());
    let socket = match &settings.session.forward_agent {
        ForwardAgent::Socket(path) => Some(path.clone()),
        ForwardAgent::No | ForwardAgent::Yes => own(),
    };
    socket.map(Some).ok_or_else(|| ConnectError::NoAgent { host: host.machine.clone() })
}

/// An agent that is lent to one session.
#[derive(Debug, Clone)]
pub(super) struct Lent {
    socket: PathBuf,
    /// Tells the agent where it is lent to: it keeps back keys that are not for there (`ssh-add -h`).
    binding: Option<AgentSessionBinding>,
    places: Arc<Semaphore>,
}

type Socket = Box<dyn AgentStream + Send + Unpin>;

impl Lent {
    pub(super) fn new(socket: PathBuf, binding: Option<AgentSessionBinding>) -> Self {
        Self { socket, binding, places: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    async fn open(&self) -> io::Result<Socket> {
        let mut agent = AgentClient::connect(UnixStream::connect(&self.socket).await?);
        if let Some(binding) = &self.binding {
            // Agents that do not know it refuse, and have no such keys.
            let _ = agent.bind_session(binding, true).await;
        }
        Ok(agent.into_inner())
    }
}

/// Connects a channel that the server opened to the agent, or refuses it.
pub(super) async fn answer(channel: Channel<Msg>, reply: ChannelOpenHandle, lent: Option<Lent>) {
    let Some(lent) = lent else {
        return reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
    };
    let Ok(place) = Arc::clone(&lent.places).try_acquire_owned() else {
        return reply.reject(ChannelOpenFailure::ResourceShortage).await;
    };
    // In a task of its own: the session waits for this function, and must not wait for an agent.
    tokio::spawn(async move {
        let Ok(Ok(agent)) = timeout(AGENT_ANSWER, lent.open()).await else {
            return reply.reject(ChannelOpenFailure::ConnectFailed).await;
        };
        reply.accept().await;
        if !carry(channel, agent).await {
            // The library keeps something of such a channel as long as the session. sshd closes each, so that it has all places.
            place.forget();
        }
    });
}

/// Carries bytes both ways until one side has ended: the other one has nothing to wait for then. Whether the server closed the
/// channel.
async fn carry(channel: Channel<Msg>, agent: Socket) -> bool {
    let (mut read, write) = channel.split();
    let (mut answers, mut requests) = split(agent);
    // Together: a write to a channel that was closed waits for ever.
    let closed = tokio::select! {
        closed = pass_requests(&mut read, &mut requests) => closed,
        () = pass_answers(&mut answers, &write) => false,
    };
    closed || close(read, write).await
}

/// What the host sends, for the agent. Reads on while the agent does not: a channel that is not read stops all others.
async fn pass_requests(read: &mut ChannelReadHalf, agent: &mut (impl AsyncWrite + Unpin)) -> bool {
    let mut waiting = BytesMut::new();
    loop {
        tokio::select! {
            message = read.wait() => match message {
                Some(ChannelMsg::Data { data }) if waiting.len() + data.len() <= WAITING => {
                    waiting.extend_from_slice(&data);
                }
                Some(ChannelMsg::Close) | None => return true,
                Some(ChannelMsg::Data { .. } | ChannelMsg::Eof) => return false,
                Some(_) => {}
            },
            written = agent.write_buf(&mut waiting), if !waiting.is_empty() => {
                if written.is_err() {
                    return false;
                }
            }
        }
    }
}

/// What the agent says, for the host.
async fn pass_answers(agent: &mut (impl AsyncRead + Unpin), write: &ChannelWriteHalf<Msg>) {
    let mut answer = vec![0; 16 << 10];
    while let Ok(length @ 1..) = agent.read(&mut answer).await {
        if write.data_bytes(Bytes::copy_from_slice(&answer[..length])).await.is_err() {
            return;
        }
    }
}

/// Ends the channel. Whether the server has closed it, too.
async fn close(mut read: ChannelReadHalf, write: ChannelWriteHalf<Msg>) -> bool {
    let _ = write.eof().await;
    let closed = async { while !matches!(read.wait().await, Some(ChannelMsg::Close) | None) {} };
    if timeout(CLOSING, closed).await.is_ok() {
        return true;
    }
    // Fails where the session is gone.
    let _ = write.close().await;
    false
}

#[cfg(test)]
#[path = "lend_tests.rs"]
mod tests;
