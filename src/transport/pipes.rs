//! A program of this machine on pipes: its bytes as a [`Channel`].
//!
//! Must not know what is run. What it prints is read to the end even when nobody listens: a full pipe would stop the program.

use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::exit_status::exit;
use super::{Channel, Exit, Output};

/// Chunks that wait in each direction.
const QUEUE: usize = 64;
/// Bytes read at once.
const CHUNK: usize = 32 << 10;

/// How long what a program printed may take to arrive after its end, where another process may hold its output open.
const REST: Duration = Duration::from_millis(500);

/// When the output of a program is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// When no process holds it open any more, as sshd has it.
    Closed,
    /// When the program has ended, and nothing comes any more: another process holds it open, too.
    Ended,
}

/// Starts it in a process group of its own, so that Ctrl-C in the operator's terminal does not reach it. Killed when `cut`
/// is cancelled.
pub(super) fn start(mut program: Command, over: Over, cut: CancellationToken) -> std::io::Result<Channel> {
    let mut child = program
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let (input, chunks) = mpsc::channel(QUEUE);
    let (events, output) = mpsc::channel(QUEUE);
    let (ended, end) = oneshot::channel();
    if let Some(stdin) = child.stdin.take() {
        tokio::spawn(feed(stdin, chunks, end));
    }
    tokio::spawn(follow(child, events, ended, (over, cut)));
    Ok(Channel { input, output })
}

/// Passes input on until the program stops reading, ends, or the sender is dropped (its end of input).
async fn feed(mut stdin: ChildStdin, mut chunks: mpsc::Receiver<Bytes>, ended: oneshot::Receiver<()>) {
    let copy = async {
        while let Some(chunk) = chunks.recv().await {
            if stdin.write_all(&chunk).await.is_err() {
                return;
            }
        }
    };
    // A write into a full pipe would wait for ever where a daemon inherited the reading end.
    tokio::select! { () = copy => {}, _ = ended => {} }
}

/// Reports output, then the end.
async fn follow(
    mut child: Child,
    events: mpsc::Sender<Output>,
    ended: oneshot::Sender<()>,
    (over, cut): (Over, CancellationToken),
) {
    let gone = CancellationToken::new();
    let stdout = drain(child.stdout.take(), &events, Output::Stdout, &gone);
    let stderr = drain(child.stderr.take(), &events, Output::Stderr, &gone);
    let wait = async {
        let status = tokio::select! {
            status = child.wait() => status,
            () = cut.cancelled() => {
                // Fails where it has just ended.
                let _ = child.start_kill();
                child.wait().await
            }
        };
        drop(ended);
        if over == Over::Ended {
            gone.cancel();
        }
        status
    };
    let ((), (), status) = tokio::join!(stdout, stderr, wait);
    let exit = status.map_or_else(|error| Exit::Lost(format!("cannot wait for the program: {error}")), exit);
    // The receiver may be gone: the program was left to itself.
    let _ = events.send(Output::End(exit)).await;
}

async fn drain<R: AsyncRead + Unpin>(
    from: Option<R>,
    events: &mpsc::Sender<Output>,
    kind: fn(Bytes) -> Output,
    gone: &CancellationToken,
) {
    let Some(mut from) = from else { return };
    let mut buffer = vec![0; CHUNK];
    loop {
        let silence = async {
            gone.cancelled().await;
            sleep(REST).await;
        };
        let read = tokio::select! {
            read = from.read(&mut buffer) => read,
            () = silence => return,
        };
        let Ok(count @ 1..) = read else { return };
        if let Some(read) = buffer.get(..count) {
            let _ = events.send(kind(Bytes::copy_from_slice(read))).await;
        }
    }
}
