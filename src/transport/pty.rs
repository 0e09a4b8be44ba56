//! A terminal of this machine (a pty) and a program on it: what sshd does for a session with one.
//!
//! The program is begun by `setsid -c`, which makes the pty its controlling terminal; without it that would take code
//! that is not safe Rust.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::process::Stdio;

use bytes::Bytes;
use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, Winsize, tcgetattr, tcsetattr, tcsetwinsize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, watch};

use super::exit_status::exit;
use super::{Channel, Exit, Output, Screen, Window, modes};

/// Chunks that wait in each direction.
const QUEUE: usize = 64;
/// Bytes read at once.
const CHUNK: usize = 32 << 10;
/// What a program has printed and was not read when it ends.
const REST: usize = 1 << 20;

/// Our end of the pty. Closing it hangs the program up.
struct Master {
    keys: pipe::Sender,
    shown: pipe::Receiver,
    sized: OwnedFd,
}

/// What comes from the operator's terminal.
struct Input {
    chunks: mpsc::Receiver<Bytes>,
    window: watch::Receiver<Window>,
}

/// Runs a `setsid -c PROGRAM…` on a terminal of its own. Closing the channel's input hangs it up.
///
/// # Errors
/// When there is no terminal to be had, or the program does not start.
pub fn start(mut setsid: Command, screen: Screen) -> io::Result<Channel> {
    let Screen { term, modes, window } = screen;
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let master = openpt(flags)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let name = ptsname(&master, Vec::new())?;
    let slave = open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
    resize(&master, *window.borrow())?;
    let mut treats = tcgetattr(&slave)?;
    modes::give(&mut treats, &modes);
    tcsetattr(&slave, OptionalActions::Now, &treats)?;
    rustix::io::ioctl_fionbio(&master, true)?;
    let child = setsid
        .env("TERM", term)
        .stdin(Stdio::from(slave.try_clone()?))
        .stdout(Stdio::from(slave.try_clone()?))
        .stderr(Stdio::from(slave))
        .spawn()?;
    // The command holds the program's ends.
    drop(setsid);
    let master = Master {
        keys: pipe::Sender::from_file_unchecked(File::from(master.try_clone()?))?,
        shown: pipe::Receiver::from_file_unchecked(File::from(master.try_clone()?))?,
        sized: master,
    };
    let (input, chunks) = mpsc::channel(QUEUE);
    let (events, output) = mpsc::channel(QUEUE);
    tokio::spawn(run(child, master, Input { chunks, window }, events));
    Ok(Channel { input, output })
}

/// Until the program has ended, or the operator's side is gone: then the terminal closes.
async fn run(mut child: Child, master: Master, input: Input, events: mpsc::Sender<Output>) {
    let Master { keys, mut shown, sized } = master;
    let ended = tokio::select! {
        status = child.wait() => Some(status),
        () = feed(keys, &sized, input) => None,
        () = show(&mut shown, &events) => None,
    };
    let status = match ended {
        Some(status) => {
            show_rest(&shown, &events).await;
            status
        }
        None => {
            drop((shown, sized));
            child.wait().await
        }
    };
    let exit = status.map_or_else(|error| Exit::Lost(format!("cannot wait for the program: {error}")), exit);
    // The receiver may be gone.
    let _ = events.send(Output::End(exit)).await;
}

/// What is typed, and the screen's size, to the terminal. Ends when the sender is gone.
async fn feed(mut keys: pipe::Sender, sized: &OwnedFd, Input { mut chunks, mut window }: Input) {
    loop {
        tokio::select! {
            chunk = chunks.recv() => {
                let Some(chunk) = chunk else { return };
                if keys.write_all(&chunk).await.is_err() {
                    // The program is ending, which is seen elsewhere.
                    return std::future::pending().await;
                }
            }
            Ok(()) = window.changed() => {
                let size = *window.borrow_and_update();
                // A terminal that is going away needs no size.
                let _ = resize(sized, size);
            }
        }
    }
}

/// What the terminal shows. Ends when the receiver is gone.
async fn show(shown: &mut pipe::Receiver, events: &mpsc::Sender<Output>) {
    let mut buffer = vec![0; CHUNK];
    loop {
        // A place in the queue first: if this future is dropped here, nothing that was read is lost.
        let Ok(place) = events.reserve().await else { return };
        match shown.read(&mut buffer).await {
            Ok(count @ 1..) => {
                place.send(Output::Stdout(Bytes::copy_from_slice(buffer.get(..count).unwrap_or_default())));
            }
            // EIO: the other end is closed, so the program is ending.
            _ => return std::future::pending().await,
        }
    }
}

/// What it had printed when it ended. A daemon that it left may print for ever, so only what is there.
async fn show_rest(shown: &pipe::Receiver, events: &mpsc::Sender<Output>) {
    let mut buffer = vec![0; CHUNK];
    let mut left = REST;
    while left > 0
        && let Ok(count @ 1..) = shown.try_read(&mut buffer)
    {
        let read = Bytes::copy_from_slice(buffer.get(..count).unwrap_or_default());
        left -= count.min(left);
        if events.send(Output::Stdout(read)).await.is_err() {
            return;
        }
    }
}

fn resize(master: &OwnedFd, Window { columns, rows }: Window) -> io::Result<()> {
    let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    Ok(tcsetwinsize(master, size)?)
}
