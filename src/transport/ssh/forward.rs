//! Connections that the server at the other end opens for us, to what listens there (direct-tcpip).
//!
//! Jump hosts use the same channels by `Link::tunnel`; what is here is for services on the host itself.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use russh::client::Msg;
use russh::{ChannelOpenFailure, ChannelStream, Error};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::timeout;

use super::handler::plain;
use super::link::{Link, TUNNEL};
use crate::transport::{DialError, Forwarding};

/// How long the server may take to close a channel after we have.
const FAREWELL: Duration = Duration::from_secs(1);

impl Link {
    /// Whether the server would open one: asked for a port on which nobody listens, one that may not says so and one that
    /// may tries.
    pub(super) async fn forwarding(&self) -> Forwarding {
        match timeout(TUNNEL, self.opened("127.0.0.1", 1)).await {
            Ok(Ok(_) | Err(DialError::Refused(_))) => Forwarding::Allowed,
            Ok(Err(DialError::Forbidden)) => Forwarding::Forbidden,
            Ok(Err(DialError::Lost(why))) => Forwarding::Unknown(why),
            Err(_) => Forwarding::Unknown(format!("no answer in {} s", TUNNEL.as_secs())),
        }
    }

    /// A connection from the host to `host`.
    pub(super) async fn dial(&self, host: &str, port: u16) -> Result<Forwarded, DialError> {
        let late = |_| Err(refused(host, port, &format!("no answer in {} s", TUNNEL.as_secs())));
        timeout(TUNNEL, self.opened(host, port)).await.unwrap_or_else(late)
    }

    async fn opened(&self, host: &str, port: u16) -> Result<Forwarded, DialError> {
        use ChannelOpenFailure::{AdministrativelyProhibited, ConnectFailed, UnknownChannelType};
        let why = match self.open(host, port).await {
            Ok(Ok(channel)) => return Ok(Forwarded(Some(channel.into_stream()))),
            Ok(Err(Error::ChannelOpenFailure(failure))) => {
                return Err(match failure {
                    AdministrativelyProhibited | UnknownChannelType => DialError::Forbidden,
                    // sshd tells no more than this; its log on the host does.
                    ConnectFailed => refused(host, port, "the host cannot connect to it"),
                    other => refused(host, port, &format!("the host does not connect to it ({other:?})")),
                });
            }
            Ok(Err(error)) => plain(&error),
            Err(_) => "the connection is gone".to_owned(),
        };
        Err(DialError::Lost(self.shared.last_words().unwrap_or(why)))
    }
}

fn refused(host: &str, port: u16, why: &str) -> DialError {
    DialError::Refused(format!("{host} port {port}: {why}"))
}

/// Such a connection.
pub(super) struct Forwarded(Option<ChannelStream<Msg>>);

impl Forwarded {
    fn stream(&mut self) -> io::Result<Pin<&mut ChannelStream<Msg>>> {
        self.0.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

/// Closed by the server where it does so at once: the library keeps a few kilobytes of each channel that was closed from here.
impl Drop for Forwarded {
    fn drop(&mut self) {
        let (Some(mut stream), Ok(runtime)) = (self.0.take(), tokio::runtime::Handle::try_current()) else {
            return;
        };
        runtime.spawn(timeout(FAREWELL, async move {
            let _ = stream.shutdown().await;
            let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
        }));
    }
}

impl AsyncRead for Forwarded {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.get_mut().stream()?.poll_read(cx, buf)
    }
}

impl AsyncWrite for Forwarded {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut().stream()?.poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().stream()?.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().stream()?.poll_shutdown(cx)
    }
}
