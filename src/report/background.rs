//! Standard error behind a thread, so that a terminal that does not take what it is given (Ctrl-S, a full pipe)
//! stops nothing but the output.
//!
//! One thread drives all hosts: if it hung in a write, no host would hear from its operator any more, and each would put
//! back what is not confirmed. What waits is bounded: beyond that, output is dropped.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// Bytes that may wait to be written.
const WAITING_LIMIT: usize = 4 << 20;

/// How long the end of a run waits for a terminal that takes nothing.
const LAST_CHANCE: Duration = Duration::from_secs(2);

/// A writer that never blocks. Clones write to the same stream; the last one dropped waits for the rest to be written.
#[derive(Debug, Clone)]
pub(super) struct Background(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    pieces: Option<Sender<Vec<u8>>>,
    waiting: Arc<AtomicUsize>,
    ended: std::sync::Mutex<Receiver<()>>,
}

impl Background {
    /// Standard error.
    pub(super) fn stderr() -> Self {
        Self::new(io::stderr())
    }

    /// Any stream.
    pub(super) fn new(stream: impl Write + Send + 'static) -> Self {
        let (pieces, taken) = channel();
        let (end, ended) = channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&waiting);
        std::thread::spawn(move || {
            pass_on(&taken, stream, &counter);
            // Fails only where nobody waits any more.
            let _ = end.send(());
        });
        Background(Arc::new(Inner { pieces: Some(pieces), waiting, ended: std::sync::Mutex::new(ended) }))
    }

    /// Hands `text` over, or drops it where too much waits already.
    pub(super) fn write(&self, text: &str) {
        if self.0.waiting.fetch_add(text.len(), Ordering::Relaxed) > WAITING_LIMIT {
            self.0.waiting.fetch_sub(text.len(), Ordering::Relaxed);
            return;
        }
        if let Some(pieces) = &self.0.pieces {
            // The thread outlives this sender.
            let _ = pieces.send(text.as_bytes().to_vec());
        }
    }
}

fn pass_on(pieces: &Receiver<Vec<u8>>, mut stream: impl Write, waiting: &AtomicUsize) {
    for piece in pieces {
        // A stream that is closed takes the rest as silently as it took this.
        let _ = stream.write_all(&piece).and_then(|()| stream.flush());
        waiting.fetch_sub(piece.len(), Ordering::Relaxed);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.pieces = None;
        if let Ok(ended) = self.ended.lock() {
            // Late or not, the run is over.
            let _ = ended.recv_timeout(LAST_CHANCE);
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Mutex;
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
        let background = Background::new(kept.clone());
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
        let background = Background::new(Stuck);
        for _ in 0..100 {
            background.write(&"x".repeat(1 << 20));
        }
        assert!(background.0.waiting.load(Ordering::Relaxed) <= WAITING_LIMIT + (1 << 20));
        drop(background);
        assert!(began.elapsed() < LAST_CHANCE + Duration::from_secs(3));
    }
}
