//! The byte stream under an SSH session: a TCP socket, or a channel of a jump host.
//!
//! Adds three things that the library lacks: a way to hang up from outside (a session whose handshake was given
//! up would else keep its socket until the server closes it), the knowledge whether the server ever said
//! something, and TCP_QUICKACK.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use russh::ChannelStream;
use russh::client::Msg;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// What carries the bytes.
pub(super) enum Socket {
    Tcp(TcpStream),
    Channel(Box<ChannelStream<Msg>>),
}

pub(super) struct Wire {
    socket: Socket,
    hung_up: Pin<Box<WaitForCancellationFutureOwned>>,
    heard: Arc<AtomicBool>,
}

impl Wire {
    /// Cancelling `hangup` ends the session that owns the wire; `heard` turns true with the first byte.
    pub(super) fn new(socket: Socket, hangup: CancellationToken, heard: Arc<AtomicBool>) -> Self {
        Self { socket, hung_up: Box::pin(hangup.cancelled_owned()), heard }
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
        };
        if buf.filled().len() > before {
            wire.heard.store(true, Ordering::Relaxed);
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
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().socket {
            Socket::Tcp(tcp) => Pin::new(tcp).poll_flush(cx),
            Socket::Channel(channel) => Pin::new(channel).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().socket {
            Socket::Tcp(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Socket::Channel(channel) => Pin::new(channel).poll_shutdown(cx),
        }
    }
}
