//! The user's wish to stop. Signals are counted, not acted upon: the executor looks where it waits.

use tokio::sync::watch;

/// What was asked so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Asked {
    /// The first signal's number, 0 for none.
    pub signal: i32,
    /// Leave now: a second signal, or a SIGTERM five seconds ago.
    pub now: bool,
}

/// Receives the wish to stop; cheap to clone.
#[derive(Debug, Clone)]
pub struct Interrupt(watch::Receiver<Asked>);

/// SIGINT and SIGTERM, by signal(7).
const SIGINT: i32 = 2;
const SIGTERM: i32 = 15;
/// Who sends SIGTERM sends SIGKILL soon after.
const PATIENCE_OF_TERM: std::time::Duration = std::time::Duration::from_secs(5);

impl Interrupt {
    /// Listens to SIGINT and SIGTERM from now on.
    ///
    /// # Errors
    /// When the process cannot have signal handlers.
    pub fn listen() -> std::io::Result<Interrupt> {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut int, mut term) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let (sender, receiver) = watch::channel(Asked::default());
        tokio::spawn(async move {
            let mut leave_at: Option<tokio::time::Instant> = None;
            loop {
                let deadline = async {
                    match leave_at {
                        Some(at) => tokio::time::sleep_until(at).await,
                        None => std::future::pending().await,
                    }
                };
                let signal = tokio::select! {
                    _ = int.recv() => SIGINT,
                    _ = term.recv() => SIGTERM,
                    () = deadline => 0,
                };
                if signal == SIGTERM && leave_at.is_none() && sender.borrow().signal == 0 {
                    leave_at = Some(tokio::time::Instant::now() + PATIENCE_OF_TERM);
                }
                if signal == 0 {
                    leave_at = None;
                }
                sender.send_modify(|asked| {
                    asked.now = asked.now || asked.signal != 0;
                    if asked.signal == 0 {
                        asked.signal = signal;
                    }
                });
            }
        });
        Ok(Interrupt(receiver))
    }

    /// One that never comes.
    #[must_use]
    pub fn never() -> Interrupt {
        Interrupt(watch::channel(Asked::default()).1)
    }

    /// What was asked so far.
    #[must_use]
    pub fn asked(&self) -> Asked {
        *self.0.borrow()
    }

    /// Waits until something more is asked than `known`.
    pub async fn beyond(&mut self, known: Asked) -> Asked {
        let asked = self.0.wait_for(|asked| *asked != known).await.map(|asked| *asked);
        match asked {
            Ok(asked) => asked,
            Err(_) => std::future::pending().await,
        }
    }
}
