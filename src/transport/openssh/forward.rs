//! Connections that the host opens for us (`ssh -W`), over our own shared connection.
//!
//! Over the user's own there are none: its `ssh` does not tell us why it opens none, and what is wrong with a service could not
//! be told from what is forbidden. There the host asks by itself.

use std::io;
use std::pin::Pin;
use std::process::Stdio;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, BufReader, ReadBuf};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use tokio::time::timeout;

use super::channel::Carrier;
use super::invocation::tail;
use super::log::open_failed;
use crate::transport::{DialError, Forwarding};

/// How long the host may take.
const LIMIT: Duration = Duration::from_secs(15);
/// What `ssh` remarks when the host has opened it.
const OPEN: &str = "mux_client_request_stdio_fwd: master session id";
/// Bytes of remarks.
const REMARKS: u64 = 256 << 10;

impl Carrier {
    /// Whether the host would open one: asked for a port on which nobody listens, one that may not says so.
    pub(super) async fn forwarding(&self) -> Forwarding {
        if self.own.is_none() {
            return Forwarding::Unknown("the shared connection of your own ssh does not tell".to_owned());
        }
        match self.dial("127.0.0.1", 1).await {
            Ok(_) | Err(DialError::Refused(_)) => Forwarding::Allowed,
            Err(DialError::Forbidden) => Forwarding::Forbidden,
            Err(DialError::Lost(why)) => Forwarding::Unknown(why),
        }
    }

    /// A connection from the host to `host`.
    pub(super) async fn dial(&self, host: &str, port: u16) -> Result<Tunnel, DialError> {
        let Some((_, log)) = &self.own else { return Err(DialError::Forbidden) };
        let target = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        let socket = self.socket();
        let mut options = self.options(&socket);
        // A connection of its own would be another login.
        options.extend(["-vv", "-o", "ProxyCommand=false", "-o", "BatchMode=yes", "-W", &target]);
        let mut ssh = self.invocation.command(&options);
        ssh.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let started = ssh.kill_on_drop(true).spawn();
        let mut child = started.map_err(|error| DialError::Lost(format!("ssh: {error}")))?;
        let (Some(input), Some(output), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(DialError::Lost("ssh has no pipes".to_owned()));
        };
        let late = |_| Opened::Not(Some(format!("no answer in {} s", LIMIT.as_secs())));
        let why = match timeout(LIMIT, opened(stderr)).await.unwrap_or_else(late) {
            Opened::Yes => return Ok(Tunnel { input, output, _child: child }),
            Opened::Not(Some(why)) => why,
            Opened::Not(None) => match open_failed(&tail(log)) {
                Some(why)
                    if why.starts_with("administratively prohibited")
                        || why.starts_with("unknown channel") =>
                {
                    return Err(DialError::Forbidden);
                }
                // sshd tells no more than this; its log on the host does.
                _ => "the host cannot connect to it".to_owned(),
            },
        };
        Err(DialError::Refused(format!("{host} port {port}: {why}")))
    }
}

enum Opened {
    Yes,
    /// With why, where that is known here.
    Not(Option<String>),
}

/// Reads the remarks of an `ssh -W` until they say that the host has connected, or end.
async fn opened(stderr: ChildStderr) -> Opened {
    let mut lines = BufReader::new(stderr.take(REMARKS)).lines();
    loop {
        match lines.next_line().await {
            Ok(Some(line)) if line.contains(OPEN) => {
                // It goes on to remark, and must not wait for us.
                tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
                return Opened::Yes;
            }
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => return Opened::Not(None),
        }
    }
}

/// Such a connection: the standard input and output of an `ssh`, which is killed with it.
pub(super) struct Tunnel {
    input: ChildStdin,
    output: ChildStdout,
    _child: Child,
}

impl AsyncRead for Tunnel {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.output).poll_read(cx, buf)
    }
}

impl AsyncWrite for Tunnel {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.input).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.input).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.input).poll_shutdown(cx)
    }
}
