//! The byte stream under an SSH session: a TCP socket, a channel of a jump host, or a `ProxyCommand`.
//!
//! Adds three things that the library lacks: a way to hang up from outside (a session whose handshake was given
//! up would else keep its socket until the server closes it), the server's first words, and TCP_QUICKACK.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use russh::ChannelStream;
use russh::client::Msg;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::proxy::Proxy;

/// What carries the bytes.
pub(super) enum Socket {
    Tcp(TcpStream),
    Channel(Box<ChannelStream<Msg>>),
    /// A `ProxyCommand`.
    Program(Box<Proxy>),
}

/// The first bytes a server sent. One that is full says so in plain text and closes (`Exceeded MaxStartups`).
#[derive(Debug, Default)]
pub(super) struct Greeting(Mutex<Vec<u8>>);

impl Greeting {
    const KEPT: usize = 1024;

    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        // Nothing in here is ever half written.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(&self, bytes: &[u8]) {
        let mut kept = self.bytes();
        let room = Self::KEPT.saturating_sub(kept.len());
        kept.extend(bytes.iter().take(room));
    }

    /// Whether there was a banner; lines of text may come before it.
    pub(super) fn is_ssh(&self) -> bool {
        self.bytes().split(|byte| *byte == b'\n').any(|line| line.starts_with(b"SSH-"))
    }

    /// The first line, if it is not empty, without anything that could act on a terminal.
    pub(super) fn line(&self) -> Option<String> {
        let bytes = self.bytes();
        let line = String::from_utf8_lossy(bytes.split(|byte| *byte == b'\n').next()?);
        let line: String = line.chars().filter(|c| !c.is_control()).take(200).collect();
        Some(line).filter(|line| !line.is_empty())
    }
}

pub(super) struct Wire {
    socket: Socket,
    hung_up: Pin<Box<WaitForCancellationFutureOwned>>,
    greeting: Arc<Greeting>,
}

impl Wire {
    /// Cancelling `hangup` ends the session that owns the wire; `greeting` keeps what is heard first.
    pub(super) fn new(socket: Socket, hangup: CancellationToken, greeting: Arc<Greeting>) -> Self {
        Self { socket, hung_up: Box::pin(hangup.cancelled_owned()), greeting }
    }

    fn alive(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.hung_up.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::ErrorKind::ConnectionAborted.into()),
            Poll::Pending => Ok(()),
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        wire.alive(cx)?;
        let before = buf.filled().len();
        let result = match &mut wire.socket {
            Socket::Tcp(tcp) => {
                let result = Pin::new(&mut *tcp).poll_read(cx, buf);
                if result.is_ready() {
                    acknowledge(tcp);
                }
                result
            }
            Socket::Channel(channel) => Pin::new(channel).poll_read(cx, buf),
            Socket::Program(program) => Pin::new(program).poll_read(cx, buf),
        };
        if let Some(heard) = buf.filled().get(before..) {
            wire.greeting.hear(heard);
        }
        result
    }
}

/// sshd leaves Nagle on until the first exec and then waits for an ACK that the kernel would delay by 40 ms.
/// The kernel forgets the wish, hence after each read; where it cannot be granted it is only slower.
fn acknowledge(tcp: &TcpStream) {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = socket2::SockRef::from(tcp).set_tcp_quickack(true);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = tcp;
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let wire = self.get_mut();
        wire.alive(cx)?;
        match &mut wire.socket {
            Socket::Tcp(tcp) => Pin::new(tcp).poll_write(cx, bytes),
            Socket::Channel(channel) => Pin::new(channel).poll_write(cx, bytes),
            Socket::Program(program) => Pin::new(program).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().socket {
            Socket::Tcp(tcp) => Pin::new(tcp).poll_flush(cx),
            Socket::Channel(channel) => Pin::new(channel).poll_flush(cx),
            Socket::Program(program) => Pin::new(program).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().socket {
            Socket::Tcp(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Socket::Channel(channel) => Pin::new(channel).poll_shutdown(cx),
            Socket::Program(program) => Pin::new(program).poll_shutdown(cx),
        }
    }
}
