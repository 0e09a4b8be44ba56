//! Standard error and standard output behind one thread, so that a terminal that does not take what it is given
//! (Ctrl-S, a full pipe) stops nothing but the output, and both streams keep one order.
//!
//! One thread drives all hosts: if it hung in a write, no host would hear from its operator any more, and each would
//! roll back what is not confirmed. So progress that does not get away is dropped. Data is not: `exec`, which holds no
//! lock, waits until there is room; a run that holds one only asks whether there is.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::clean;

/// Bytes that may wait to be written.
const WAITING_LIMIT: usize = 4 << 20;

/// How long the end of a run waits for a terminal that takes nothing.
const LAST_CHANCE: Duration = Duration::from_secs(2);

/// How often data that finds no room looks again.
const ROOM_INTERVAL: Duration = Duration::from_millis(5);

/// Two streams and their thread. Clones write to the same; the last one dropped waits until all is written.
#[derive(Debug, Clone)]
pub(super) struct Background(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    pieces: Option<Sender<Piece>>,
    waiting: Arc<AtomicUsize>,
    has_data: AtomicBool,
    ended: Mutex<Receiver<()>>,
    lost: Loss,
}

/// Why data could not be written, if it could not. Clones are of the same stream.
#[derive(Debug, Clone, Default)]
pub(super) struct Loss(Arc<Mutex<Option<io::Error>>>);

impl Loss {
    /// What went wrong first; asked once the stream's [`Background`] is dropped, it is final.
    pub(super) fn take(&self) -> Option<io::Error> {
        self.0.lock().ok()?.take()
    }

    /// Whether all arrived so far.
    pub(super) fn is_empty(&self) -> bool {
        self.0.lock().is_ok_and(|first| first.is_none())
    }

    pub(super) fn keep(&self, error: io::Error) {
        if let Ok(mut first) = self.0.lock() {
            first.get_or_insert(error);
        }
    }
}

#[derive(Debug)]
enum Piece {
    Progress(String),
    Data(String),
}

impl Background {
    /// Those of the process.
    pub(super) fn of_process() -> Self {
        Self::new(io::stderr(), io::stdout())
    }

    /// Any two.
    pub(super) fn new(progress: impl Write + Send + 'static, data: impl Write + Send + 'static) -> Self {
        let (pieces, taken) = channel();
        let (end, ended) = channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let (counter, lost) = (Arc::clone(&waiting), Loss::default());
        let loss = lost.clone();
        std::thread::spawn(move || {
            if let Err(error) = pass_on(&taken, progress, data, &counter) {
                loss.keep(error);
            }
            // Fails only where the receiver is gone.
            let _ = end.send(());
        });
        let has_data = AtomicBool::new(false);
        Background(Arc::new(Inner {
            pieces: Some(pieces),
            waiting,
            has_data,
            ended: Mutex::new(ended),
            lost,
        }))
    }

    /// Progress: handed over, or dropped where too much waits already.
    pub(super) fn write(&self, text: &str) {
        if self.has_room() {
            self.draw(&clean::shown(text));
        }
    }

    /// The same of text that moves the cursor, and is ours.
    pub(super) fn draw(&self, text: &str) {
        if self.has_room() {
            self.hand_over(text.len(), Piece::Progress(text.to_owned()));
        }
    }

    /// Data: handed over once there is room.
    pub(super) fn data(&self, text: &str) {
        self.0.has_data.store(true, Ordering::Relaxed);
        while self.0.waiting.load(Ordering::Relaxed) > WAITING_LIMIT {
            std::thread::sleep(ROOM_INTERVAL);
        }
        self.hand_over(text.len(), Piece::Data(text.to_owned()));
    }

    /// Data that does not wait for room: for what is bounded by itself.
    pub(super) fn data_at_once(&self, text: &str) {
        self.0.has_data.store(true, Ordering::Relaxed);
        self.hand_over(text.len(), Piece::Data(text.to_owned()));
    }

    /// Whether there is room for more data.
    pub(super) fn has_room(&self) -> bool {
        self.0.waiting.load(Ordering::Relaxed) <= WAITING_LIMIT
    }

    /// What remembers that data was lost.
    pub(super) fn loss(&self) -> Loss {
        self.0.lost.clone()
    }

    fn hand_over(&self, length: usize, piece: Piece) {
        self.0.waiting.fetch_add(length, Ordering::Relaxed);
        if let Some(pieces) = &self.0.pieces {
            // The thread outlives this sender.
            let _ = pieces.send(piece);
        }
    }
}

/// All of it; how writing data failed first, after which no more of it is tried.
fn pass_on(
    pieces: &Receiver<Piece>,
    mut progress: impl Write,
    mut data: impl Write,
    waiting: &AtomicUsize,
) -> io::Result<()> {
    let mut kept = Ok(());
    for piece in pieces {
        let length = match piece {
            Piece::Progress(text) => {
                // A terminal that is gone takes the rest as silently as it took this.
                let _ = progress.write_all(text.as_bytes()).and_then(|()| progress.flush());
                text.len()
            }
            Piece::Data(text) => {
                if kept.is_ok() {
                    kept = data.write_all(text.as_bytes()).and_then(|()| data.flush());
                }
                text.len()
            }
        };
        waiting.fetch_sub(length, Ordering::Relaxed);
    }
    kept
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.pieces = None;
        let Ok(ended) = self.ended.lock() else { return };
        // Late or not, the run is over; but a pager is read at leisure.
        let _ = match self.has_data.load(Ordering::Relaxed) {
            true => ended.recv().ok(),
            false => ended.recv_timeout(LAST_CHANCE).ok(),
        };
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Instant;

    use super::*;

    /// A stream that can be read back.
    #[derive(Clone, Default)]
    pub(in crate::report) struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Kept {
        pub(in crate::report) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn dropping_waits_for_what_is_not_written_yet() {
        let kept = Kept::default();
        let background = Background::new(kept.clone(), io::sink());
        for _ in 0..1000 {
            background.write("line\n");
        }
        drop(background);
        assert_eq!(kept.text().lines().count(), 1000);
    }

    #[test]
    fn a_stream_that_takes_nothing_stops_nobody() {
        struct Stuck;
        impl Write for Stuck {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                std::thread::sleep(Duration::from_secs(3600));
                Ok(0)
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let began = Instant::now();
        let background = Background::new(Stuck, io::sink());
        for _ in 0..100 {
            background.write(&"x".repeat(1 << 20));
        }
        assert!(background.0.waiting.load(Ordering::Relaxed) <= WAITING_LIMIT + (1 << 20));
        drop(background);
        assert!(began.elapsed() < LAST_CHANCE + Duration::from_secs(3));
    }
}
