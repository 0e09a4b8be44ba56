//! The operator's own terminal, lent to a session on a host: keys go there, and what comes from there is shown as it is, as ssh
//! does. The one place where a remote byte acts on the terminal; the user asked for just that.
//!
//! While it is lent it is raw: no key means anything here. [`Lent`] gives it back on every way out.

use std::io::{self, IsTerminal, Read, Write};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use bytes::Bytes;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

use crate::executor::Ends;
use crate::transport::{Window, modes};

/// Chunks that wait in each direction.
const QUEUE: usize = 16;
/// How long the end waits for a terminal that takes nothing.
const LAST_CHANCE: Duration = Duration::from_secs(2);
/// Assumed of a terminal that does not know its size.
const USUAL: Window = Window { columns: 80, rows: 24 };

/// Whether a person sits at both ends.
#[must_use]
pub fn is_there() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// The terminal while it is lent. Dropping it gives it back.
#[derive(Debug)]
pub struct Lent {
    before: Termios,
    written: Receiver<()>,
}

/// Lends it.
///
/// # Errors
/// When it is none, or cannot be made raw.
pub fn lend() -> io::Result<(Lent, Ends)> {
    let before = tcgetattr(io::stdin())?;
    let mut raw = before.clone();
    raw.make_raw();
    let resized = signal(SignalKind::window_change())?;
    let (typed, keys) = mpsc::channel(QUEUE);
    let (shown, show) = mpsc::channel(QUEUE);
    let (size, window) = watch::channel(window());
    let (done, written) = std::sync::mpsc::channel();
    tcsetattr(io::stdin(), OptionalActions::Now, &raw)?;
    let modes = modes::of(&before);
    let lent = Lent { before, written };
    std::thread::spawn(move || {
        write(show);
        // Fails only where the receiver is gone.
        let _ = done.send(());
    });
    // It waits for a key when all is over, and ends with the process.
    std::thread::spawn(move || read(&typed));
    tokio::spawn(watch_size(resized, size));
    let term =
        std::env::var("TERM").ok().filter(|term| !term.is_empty()).unwrap_or_else(|| "dumb".to_owned());
    Ok((lent, Ends { keys, shown, term, modes, window }))
}

impl Drop for Lent {
    fn drop(&mut self) {
        // What came last is shown first, unless this is a panic, or the terminal takes nothing.
        if !std::thread::panicking() {
            let _ = self.written.recv_timeout(LAST_CHANCE);
        }
        // A terminal that is gone needs no state.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}

fn read(typed: &mpsc::Sender<Bytes>) {
    let mut buffer = [0; 4096];
    loop {
        match io::stdin().lock().read(&mut buffer) {
            Ok(count @ 1..) => {
                let keys = Bytes::copy_from_slice(buffer.get(..count).unwrap_or_default());
                if typed.blocking_send(keys).is_err() {
                    return;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            _ => return,
        }
    }
}

fn write(mut show: mpsc::Receiver<Bytes>) {
    let mut stdout = io::stdout().lock();
    while let Some(bytes) = show.blocking_recv() {
        if stdout.write_all(&bytes).and_then(|()| stdout.flush()).is_err() {
            return;
        }
    }
}

async fn watch_size(mut resized: tokio::signal::unix::Signal, size: watch::Sender<Window>) {
    while resized.recv().await.is_some() {
        if size.send(window()).is_err() {
            return;
        }
    }
}

fn window() -> Window {
    match tcgetwinsize(io::stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => Window { columns: size.ws_col, rows: size.ws_row },
        _ => USUAL,
    }
}
