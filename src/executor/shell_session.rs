//! The session with one resident shell: two tasks, so that a host that does not read stops no other, and beats are sent
//! whatever else happens.
//!
//! A host that is silent for `timeout.lost` is given up: its input is closed, and it rolls itself back. So is one that does
//! not say its first word within `timeout.connect` and `timeout.lost`, whatever its login prints meanwhile, and one that
//! sends frames that are none of ours.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::AbortHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};

use super::message::HostMessage;
use crate::remote::program::sending;
use crate::remote::wire::{FALSE_FRAMES, Frames, Message, Piece, Reply, StderrFrame, reply, side};
use crate::transport::{Channel, Exit, Output};

/// How often a beat is sent. The host counts silence in seconds.
const BEAT: Duration = Duration::from_secs(2);

/// What a host said and the run has not looked at yet, in units of [`UNIT`] bytes: 4 MiB.
const ROOM: u32 = 256;
const UNIT: usize = 16 << 10;

/// How long a host may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// Until its shell says its first word.
    pub(super) first_word: Duration,
    /// Of silence.
    pub(super) lost: Duration,
}

/// The sending end. Dropping it ends the host's input.
#[derive(Debug)]
pub(super) struct ShellSession {
    queue: mpsc::UnboundedSender<Bytes>,
    nonce: String,
    /// All that was sent, while its shell may ask for the program: then it did not see that.
    before: RefCell<Option<String>>,
    room: Arc<Semaphore>,
    reader: AbortHandle,
}

impl Drop for ShellSession {
    fn drop(&mut self) {
        // What it still says need not wait for room.
        self.room.close();
    }
}

impl ShellSession {
    /// Takes a channel over; what is said goes to `said`, with the host's number.
    pub(super) fn new(
        channel: Channel,
        nonce: &str,
        patience: Patience,
        (host, said): (usize, mpsc::Sender<(usize, HostMessage)>),
    ) -> ShellSession {
        let (queue, queued) = mpsc::unbounded_channel();
        let Channel { input, output } = channel;
        tokio::spawn(write(input, queued, Message::Beat.encode(nonce)));
        let room = Arc::new(Semaphore::new(ROOM as usize));
        let ear = Ear { host, said, room: Arc::clone(&room), started: false, false_frames: 0 };
        let reader = tokio::spawn(ear.read(output, nonce.to_owned(), patience)).abort_handle();
        let before = RefCell::new(Some(String::new()));
        ShellSession { queue, nonce: nonce.to_owned(), before, room, reader }
    }

    /// The run has looked at what was said: there is room for more.
    pub(super) fn heard(&self, message: &HostMessage) {
        if !self.room.is_closed() {
            self.room.add_permits(units(message) as usize);
        }
    }

    /// The host is not listened to any more.
    pub(super) fn give_up(self) {
        self.reader.abort();
    }

    /// Sends text that is no message: the header.
    pub(super) fn raw(&self, text: String) {
        if let Some(before) = self.before.borrow_mut().as_mut() {
            before.push_str(&text);
        }
        self.queue(text);
    }

    /// Its shell asks for the program. It is sent once.
    pub(super) fn send_program(&self) {
        if let Some(before) = self.before.take() {
            self.queue(sending(&self.nonce, &before));
        }
    }

    /// Its shell runs the program.
    pub(super) fn started(&self) {
        self.before.take();
    }

    fn queue(&self, text: String) {
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

/// The room that a message takes until the run has looked at it.
fn units(message: &HostMessage) -> u32 {
    let bytes = match message {
        HostMessage::Reply(_, Reply::Raw(bytes) | Reply::Tail(_, _, bytes) | Reply::Piece(_, _, bytes))
        | HostMessage::StderrFrame(StderrFrame::Raw(bytes) | StderrFrame::Out(_, bytes)) => bytes.len(),
        HostMessage::Reply(_, Reply::Entry(_, _, pairs) | Reply::Attempt(_, pairs)) => {
            pairs.iter().map(|(name, value)| name.len() + value.len()).sum()
        }
        HostMessage::Reply(
            _,
            Reply::Found(_, values) | Reply::Warning(_, values) | Reply::Fail(_, _, values),
        ) => values.iter().map(String::len).sum(),
        HostMessage::Reply(_, Reply::Fact(_, text) | Reply::Notice(text)) => text.len(),
        _ => 0,
    };
    u32::try_from(bytes / UNIT).unwrap_or(ROOM).saturating_add(1).min(ROOM)
}

/// The listening end.
struct Ear {
    host: usize,
    said: mpsc::Sender<(usize, HostMessage)>,
    room: Arc<Semaphore>,
    /// Its shell has said hello.
    started: bool,
    false_frames: u32,
}

/// Nobody listens any more.
struct Unheard;

impl Ear {
    async fn read(mut self, mut output: mpsc::Receiver<Output>, nonce: String, patience: Patience) {
        let (mut out, mut err) = (Frames::new(&nonce), Frames::new(&nonce));
        let first_word = Instant::now() + patience.first_word;
        loop {
            let silent = Instant::now() + patience.lost;
            let until = if self.started { silent } else { first_word };
            let news = match timeout_at(until, output.recv()).await {
                Err(_) if !self.started => {
                    let seconds = patience.first_word.as_secs();
                    Output::End(Exit::Lost(format!("its shell did not answer within {seconds} s")))
                }
                Err(_) => {
                    Output::End(Exit::Lost(format!("nothing was heard for {} s", patience.lost.as_secs())))
                }
                Ok(None) => Output::End(Exit::Lost("the connection ended".into())),
                Ok(Some(news)) => news,
            };
            let heard = match news {
                Output::Stdout(bytes) => self.stdout(&mut out, &bytes).await,
                Output::Stderr(bytes) => self.stderr(&mut err, &bytes).await,
                Output::End(exit) => return self.end(out.rest(), err.rest(), exit).await,
            };
            if heard.is_err() {
                return;
            }
            if self.false_frames > FALSE_FRAMES {
                let why = "it does not speak shipit's protocol";
                return self.end(Bytes::new(), Bytes::new(), Exit::Lost(why.into())).await;
            }
        }
    }

    async fn stdout(&mut self, frames: &mut Frames, bytes: &[u8]) -> Result<(), Unheard> {
        frames.push(bytes);
        while let Some(piece) = frames.next_piece() {
            if piece == Piece::False {
                self.false_frames = FALSE_FRAMES + 1;
                return Ok(());
            }
            match reply(piece) {
                Some((number, reply)) => {
                    self.started |= reply == Reply::Hello;
                    self.pass_on(HostMessage::Reply(number, reply)).await?;
                }
                None => self.false_frames += 1,
            }
        }
        Ok(())
    }

    async fn stderr(&mut self, frames: &mut Frames, bytes: &[u8]) -> Result<(), Unheard> {
        frames.push(bytes);
        while let Some(piece) = frames.next_piece() {
            if piece == Piece::False {
                self.false_frames = FALSE_FRAMES + 1;
                return Ok(());
            }
            match side(piece) {
                Some(StderrFrame::Beat) => {}
                Some(side) => self.pass_on(HostMessage::StderrFrame(side)).await?,
                None => self.false_frames += 1,
            }
        }
        Ok(())
    }

    async fn pass_on(&self, message: HostMessage) -> Result<(), Unheard> {
        // Closed where the run has let go of the host: then only the end matters.
        let Ok(room) = self.room.acquire_many(units(&message)).await else { return Ok(()) };
        room.forget();
        self.said.send((self.host, message)).await.map_err(|_| Unheard)
    }

    async fn end(self, out: Bytes, err: Bytes, exit: Exit) {
        let rest = [HostMessage::Reply(0, Reply::Raw(out)), HostMessage::StderrFrame(StderrFrame::Raw(err))];
        for message in rest {
            if self.pass_on(message).await.is_err() {
                return;
            }
        }
        let _ = self.said.send((self.host, HostMessage::Gone(exit))).await;
    }
}
