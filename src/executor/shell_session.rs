//! The session with one resident shell: two tasks, so that a host that does not read stops no other, and beats are sent
//! whatever else happens.
//!
//! A host that is silent for `timeout.lost` is given up: its input is closed, and it rolls itself back.

use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};

use super::message::HostMessage;
use crate::remote::wire::{Frames, Message, Reply, StderrFrame, reply, side};
use crate::transport::{Channel, Exit, Output};

/// How often a beat is sent. The host counts silence in seconds.
const BEAT: Duration = Duration::from_secs(2);

/// The sending end. Dropping it ends the host's input.
#[derive(Debug)]
pub(super) struct ShellSession {
    queue: mpsc::UnboundedSender<Bytes>,
    nonce: String,
}

impl ShellSession {
    /// Takes a channel over; what is said goes to `said`, with the host's number.
    pub(super) fn new(
        channel: Channel,
        nonce: &str,
        lost: Duration,
        said: (usize, mpsc::Sender<(usize, HostMessage)>),
    ) -> ShellSession {
        let (queue, queued) = mpsc::unbounded_channel();
        let Channel { input, output } = channel;
        tokio::spawn(write(input, queued, Message::Beat.encode(nonce)));
        tokio::spawn(read(output, nonce.to_owned(), lost, said));
        ShellSession { queue, nonce: nonce.to_owned() }
    }

    /// Sends text that is no message: the program, its header.
    pub(super) fn raw(&self, text: String) {
        // A closed queue: the host is gone, and that is said elsewhere.
        let _ = self.queue.send(Bytes::from(text));
    }

    pub(super) fn send(&self, message: &Message<'_>) {
        self.raw(message.encode(&self.nonce));
    }
}

async fn write(input: mpsc::Sender<Bytes>, mut queued: mpsc::UnboundedReceiver<Bytes>, beat: String) {
    let beat = Bytes::from(beat);
    let mut beats = interval(BEAT);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    beats.tick().await;
    loop {
        tokio::select! {
            next = queued.recv() => match next {
                Some(bytes) => if input.send(bytes).await.is_err() { return },
                None => return,
            },
            // A full pipe says as little as no beat would: none is queued behind it.
            _ = beats.tick() => match input.try_send(beat.clone()) {
                Err(mpsc::error::TrySendError::Closed(_)) => return,
                Ok(()) | Err(mpsc::error::TrySendError::Full(_)) => {}
            },
        }
    }
}

async fn read(
    mut output: mpsc::Receiver<Output>,
    nonce: String,
    lost: Duration,
    (host, said): (usize, mpsc::Sender<(usize, HostMessage)>),
) {
    let (mut out, mut err) = (Frames::new(&nonce), Frames::new(&nonce));
    loop {
        let news = match timeout_at(Instant::now() + lost, output.recv()).await {
            Err(_) => Output::End(Exit::Lost(format!("nothing was heard for {} s", lost.as_secs()))),
            Ok(None) => Output::End(Exit::Lost("the connection ended".into())),
            Ok(Some(news)) => news,
        };
        match news {
            Output::Stdout(bytes) => {
                out.push(&bytes);
                while let Some(piece) = out.next_piece() {
                    let Some((number, reply)) = reply(piece) else { continue };
                    if said.send((host, HostMessage::Reply(number, reply))).await.is_err() {
                        return;
                    }
                }
            }
            Output::Stderr(bytes) => {
                err.push(&bytes);
                while let Some(piece) = err.next_piece() {
                    let Some(side) = side(piece) else { continue };
                    if side != StderrFrame::Beat
                        && said.send((host, HostMessage::StderrFrame(side))).await.is_err()
                    {
                        return;
                    }
                }
            }
            Output::End(exit) => {
                for (rest, on_err) in [(out.rest(), false), (err.rest(), true)] {
                    let news = if on_err {
                        HostMessage::StderrFrame(StderrFrame::Raw(rest))
                    } else {
                        HostMessage::Reply(0, Reply::Raw(rest))
                    };
                    let _ = said.send((host, news)).await;
                }
                let _ = said.send((host, HostMessage::Gone(exit))).await;
                return;
            }
        }
    }
}
