//! Channels for programs: how many a connection carries, and opening one.
//!
//! A server allows its own number (`MaxSessions`) and says so only by refusing: from that the number is learned, and
//! further programs wait. Opening is never cancelled: the server would keep the channel.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use russh::client::{Handle, Msg};
use russh::{Channel, ChannelOpenFailure, Error};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{sleep, timeout};

use super::handler::{Client, Shared, plain};
use crate::transport::{Channel as Program, ConnectError};

/// Programs at once on a connection: sshd allows 10 (`MaxSessions`), one may be someone else's.
const SESSIONS: usize = 8;
/// For the server to open a channel.
const OPEN: Duration = Duration::from_secs(15);
/// A server that is full though nothing is open is asked this often, with longer pauses.
const REFUSALS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(20);

/// How many programs a connection carries. A server that allows fewer teaches it so.
#[derive(Debug)]
pub(super) struct Sessions {
    permits: Arc<Semaphore>,
    open: AtomicUsize,
}

impl Default for Sessions {
    fn default() -> Self {
        Self { permits: Arc::new(Semaphore::new(SESSIONS)), open: AtomicUsize::new(0) }
    }
}

/// Opens channels on a connection.
#[derive(Clone)]
pub(super) struct Opener {
    pub(super) handle: Arc<Handle<Client>>,
    pub(super) shared: Arc<Shared>,
    pub(super) sessions: Arc<Sessions>,
}

/// Receives the program that was started, or why it was not.
pub(super) type Opened = oneshot::Sender<Result<Program, ConnectError>>;

pub(super) fn refused(reason: String) -> ConnectError {
    ConnectError::Channel { reason }
}

/// One program's place; given back when dropped.
pub(super) struct Place {
    sessions: Arc<Sessions>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.sessions.open.fetch_sub(1, Ordering::Relaxed);
        self.permit.take();
    }
}

/// Takes a place and opens a channel; waits where the server allows no more for now. `None`: the caller has its answer, or is gone.
pub(super) async fn open(opener: &Opener, mut opened: Opened) -> Option<(Channel<Msg>, Opened, Place)> {
    let sessions = &opener.sessions;
    let mut refusals = 0;
    loop {
        let permit = tokio::select! {
            permit = Arc::clone(&sessions.permits).acquire_owned() => permit.ok()?,
            () = opened.closed() => return None,
        };
        let opening = opener.handle.channel_open_session();
        tokio::pin!(opening);
        let result = match timeout(OPEN, &mut opening).await {
            Ok(result) => result,
            Err(_) => {
                let _ = opened.send(Err(refused(format!("no answer in {} s", OPEN.as_secs()))));
                if let Ok(late) = opening.await {
                    let _ = late.close().await;
                }
                return None;
            }
        };
        match result {
            Ok(channel) if opened.is_closed() => {
                let _ = channel.close().await;
                return None;
            }
            Ok(channel) => {
                sessions.open.fetch_add(1, Ordering::Relaxed);
                return Some((
                    channel,
                    opened,
                    Place { sessions: Arc::clone(sessions), permit: Some(permit) },
                ));
            }
            // Too many for this server: one place fewer, and again when another program has ended.
            Err(error) if is_full(&error) && sessions.open.load(Ordering::Relaxed) > 0 => permit.forget(),
            // None of ours is open, but sshd may not have cleared away the last one yet.
            Err(error) if is_full(&error) && refusals < REFUSALS => {
                refusals += 1;
                sleep(PAUSE * refusals).await;
            }
            Err(error) => {
                let reason = opener.shared.last_words().unwrap_or_else(|| plain(&error));
                let _ = opened.send(Err(refused(reason)));
                return None;
            }
        }
    }
}

fn is_full(error: &Error) -> bool {
    use ChannelOpenFailure::{ConnectFailed, ResourceShortage};
    matches!(error, Error::ChannelOpenFailure(ConnectFailed | ResourceShortage))
}
