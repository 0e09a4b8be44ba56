//! The messages between the operator and a resident shell. In both directions each line starts with the nonce of the run, so
//! that nothing that a banner, a `.bashrc` or a hook prints is taken for a message. Knows nothing of channels.

use std::time::Duration;

use bytes::{Bytes, BytesMut};

/// What is sent to a resident shell, besides the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message<'a> {
    /// "I am still here"; every two seconds.
    Beat,
    /// End the running job (TERM); the script it belongs to fails.
    Stop,
    /// End it with KILL.
    Kill,
    /// How a step ended that the host had asked for ([`Reply::Ask`]): its name, the script that asked, exit code.
    Word(&'a str, u32, u32),
    /// All is done: end.
    Bye,
    /// Variables, as shell assignments: what is only known later.
    Set(&'a str),
    /// Text that is not a script: `env` (secrets travel here), `enter`.
    Data(&'a str, &'a str),
    /// A script; its number comes back with every answer.
    Run(u32, &'a str),
}

impl Message<'_> {
    /// As it goes over the wire.
    #[must_use]
    pub fn encode(&self, nonce: &str) -> String {
        let block = |head: String, text: &str| {
            let newline = if text.ends_with('\n') || text.is_empty() { "" } else { "\n" };
            format!("{nonce} {head}\n{text}{newline}{nonce} end\n")
        };
        match self {
            Message::Beat => format!("{nonce} beat\n"),
            Message::Stop => format!("{nonce} stop\n"),
            Message::Kill => format!("{nonce} kill\n"),
            Message::Word(step, number, code) => format!("{nonce} word {step}.{number} {code}\n"),
            Message::Bye => format!("{nonce} bye\n"),
            Message::Set(text) => block("set".into(), text),
            Message::Data(name, text) => block(format!("data {name}"), text),
            Message::Run(number, text) => block(format!("run {number}"), text),
        }
    }
}

/// How often a host counts silence and the time of its jobs, answers beats, and sends output. Each time costs it a process
/// or two.
pub const TICK: Duration = Duration::from_secs(1);

/// What a resident shell is told before the first message.
#[derive(Debug, Clone, Copy)]
pub struct Header<'a> {
    /// Nonce of the run.
    pub nonce: &'a str,
    /// Where it keeps its things.
    pub mode: Mode,
    /// Its name on the host.
    pub run: &'a str,
    /// After so long a silence the operator is gone. In whole seconds, at least one.
    pub lost: Duration,
    /// How often the host counts: [`TICK`]. In milliseconds. A host whose `sleep` accepts no fractions counts in seconds.
    pub tick: Duration,
    /// Deploy path.
    pub root: &'a str,
}

impl Header<'_> {
    /// The lines between the program and the first message.
    #[must_use]
    pub fn encode(&self) -> String {
        let mode = match self.mode {
            Mode::Held => "held",
            Mode::Free => "free",
        };
        let Header { nonce, run, root, .. } = self;
        let (lost, tick) = (self.lost.as_secs().max(1), self.tick.as_millis());
        format!("{nonce}\n{mode}\n{run}\n{lost}\n{tick}\n{root}\n")
    }
}

/// Whether a run keeps its things with the lock on the deploy path, or outside, touching nothing there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// With the lock.
    Held,
    /// Without.
    Free,
}

/// What a resident shell says on its standard output. Text is the host's: any characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Bytes that are no reply: what `exec`'s command prints, or noise before the program ran.
    Raw(Bytes),
    /// Something about the host.
    Fact(String, String),
    /// An answer to a question of `check`: a word and its values.
    Found(String, Vec<String>),
    /// The host waits for the program.
    Need,
    /// The shell has started.
    Hello,
    /// A step began; its output starts there in the log.
    Step(String, u64),
    /// The last bytes a step printed, and where in the log they start.
    Tail(String, u64, Bytes),
    /// A step ended: exit code, how (`exit`, `limit`, `stop`), and where its output ends in the log.
    End(String, u32, String, u64),
    /// A journal entry: number, state, then names and values.
    Entry(String, String, Vec<(String, String)>),
    /// The record of a run: its name, then names and values.
    Attempt(String, Vec<(String, String)>),
    /// A piece of a log that was asked for: of which, where in it, and the bytes.
    Piece(String, u64, Bytes),
    /// A step that the operator's machine is to do for the host, which waits for [`Message::Word`].
    Ask(String),
    /// `current` was replaced.
    Switched(String),
    /// The exit code of `exec`'s command.
    Code(u32),
    /// Something that the user should know.
    Notice(String),
    /// What the user should know about the release ([`Warning`](super::warning::Warning)): word, fields.
    Warning(String, Vec<String>),
    /// Why the script ends ([`Reason`](super::reason::Reason)): word, step, fields.
    Fail(String, String, Vec<String>),
    /// The script ended.
    Done(u32),
}

/// What it says on its standard error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StderrFrame {
    /// Answer to a beat.
    Beat,
    /// Output of a job while it runs, and where in the log it starts.
    Out(u64, Bytes),
    /// The end of what `exec`'s command printed there.
    Eof,
    /// Bytes of `exec`'s command, or noise.
    Raw(Bytes),
}

/// Cuts a byte stream into frames: nonce, tab, fields, newline. What is between frames is passed on as
/// raw. Bounded: bytes are held back only while they may be the start of a frame, and each is looked at once.
#[derive(Debug)]
pub struct Frames {
    mark: Vec<u8>,
    held: BytesMut,
    // Bytes of the frame at hand in which there is no newline.
    scanned: usize,
    // What a frame announced: that many bytes follow it.
    payload: Option<(Vec<String>, usize)>,
}

/// A frame or what is between frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Its fields, and the bytes that it announced.
    Frame(Vec<String>, Bytes),
    /// Bytes of no frame.
    Raw(Bytes),
    /// What begins as a frame and is none of ours: too long, or it announces too much.
    False,
}

/// A longer frame is not one of ours: it is kept in memory until it is complete.
pub const LONGEST_FRAME: usize = 256 << 10;
/// The bytes that may follow a frame.
pub const LONGEST_PAYLOAD: usize = 1 << 20;
/// A host that sent so many frames that are none of ours does not speak our protocol.
pub const FALSE_FRAMES: u32 = 100;

impl Frames {
    /// For the run with that nonce.
    #[must_use]
    pub fn new(nonce: &str) -> Self {
        Frames { mark: format!("{nonce}\t").into_bytes(), held: BytesMut::new(), scanned: 0, payload: None }
    }

    /// Takes bytes in.
    pub fn push(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
    }

    /// The next piece that is complete.
    pub fn next_piece(&mut self) -> Option<Piece> {
        if let Some((fields, length)) = self.payload.take() {
            if self.held.len() < length {
                self.payload = Some((fields, length));
                return None;
            }
            return Some(Piece::Frame(fields, self.held.split_to(length).freeze()));
        }
        match find(&self.held, &self.mark) {
            Some(0) => self.frame(),
            Some(at) => Some(Piece::Raw(self.held.split_to(at).freeze())),
            None => {
                let safe = self.held.len() - may_start(&self.held, &self.mark);
                (safe > 0).then(|| Piece::Raw(self.held.split_to(safe).freeze()))
            }
        }
    }

    fn frame(&mut self) -> Option<Piece> {
        let start = self.mark.len();
        let from = start.max(self.scanned);
        let Some(length) = self.held[from..].iter().position(|b| *b == b'\n').map(|at| from + at - start)
        else {
            self.scanned = self.held.len();
            if self.held.len() <= LONGEST_FRAME {
                return None;
            }
            self.held.clear();
            self.scanned = 0;
            return Some(Piece::False);
        };
        self.scanned = 0;
        let line = self.held.split_to(start + length + 1);
        let text = String::from_utf8_lossy(&line[start..start + length]).into_owned();
        let fields: Vec<String> = text.split('\t').map(str::to_owned).collect();
        let announced = match fields.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            [_, "tail" | "piece", _, _, length] | ["out", _, length] => length.parse().unwrap_or(0),
            _ => 0,
        };
        if announced > LONGEST_PAYLOAD || line.len() > LONGEST_FRAME {
            return Some(Piece::False);
        }
        self.payload = Some((fields, announced));
        self.next_piece()
    }

    /// The end of the stream: what was held back.
    pub fn rest(&mut self) -> Bytes {
        self.held.split().freeze()
    }
}

fn find(held: &[u8], mark: &[u8]) -> Option<usize> {
    held.windows(mark.len()).position(|window| window == mark)
}

// How many bytes at the end may be the start of the mark.
fn may_start(held: &[u8], mark: &[u8]) -> usize {
    (1..mark.len().min(held.len() + 1)).rev().find(|n| held.ends_with(&mark[..*n])).unwrap_or(0)
}

/// Reads a piece of standard output. The number tells which script it answers. `None`: an unknown frame.
#[must_use]
pub fn reply(piece: Piece) -> Option<(u32, Reply)> {
    let (fields, bytes) = match piece {
        Piece::False => return None,
        Piece::Raw(bytes) => return Some((0, Reply::Raw(bytes))),
        Piece::Frame(fields, bytes) => (fields, bytes),
    };
    let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
    let (number, fields) = fields.split_first()?;
    let rest = |from: usize| fields[from..].join("\t");
    let reply = match fields {
        ["fact", key, ..] => Reply::Fact((*key).into(), rest(2)),
        ["found", word, values @ ..] => {
            Reply::Found((*word).into(), values.iter().map(|value| (*value).to_owned()).collect())
        }
        ["need"] => Reply::Need,
        ["hello"] => Reply::Hello,
        ["step", step, at] => Reply::Step((*step).into(), at.parse().ok()?),
        ["tail", step, at, _] => Reply::Tail((*step).into(), at.parse().ok()?, bytes),
        ["end", step, code, why, at] => {
            Reply::End((*step).into(), code.parse().ok()?, (*why).into(), at.parse().ok()?)
        }
        ["entry", entry, state, more @ ..] => Reply::Entry((*entry).into(), (*state).into(), pairs(more)),
        ["attempt", run, more @ ..] => Reply::Attempt((*run).into(), pairs(more)),
        ["piece", of, at, _] => Reply::Piece((*of).into(), at.parse().ok()?, bytes),
        ["ask", step] => Reply::Ask((*step).into()),
        ["switched", release] => Reply::Switched((*release).into()),
        ["code", code] => Reply::Code(code.parse().ok()?),
        ["notice", ..] => Reply::Notice(rest(1)),
        ["warning", word, values @ ..] => {
            Reply::Warning((*word).into(), values.iter().map(|value| (*value).to_owned()).collect())
        }
        ["fail", reason, step, values @ ..] => Reply::Fail(
            (*reason).into(),
            (*step).into(),
            values.iter().map(|value| (*value).to_owned()).collect(),
        ),
        ["done", code] => Reply::Done(code.parse().ok()?),
        _ => return None,
    };
    Some((number.parse().ok()?, reply))
}

fn pairs(fields: &[&str]) -> Vec<(String, String)> {
    fields.chunks_exact(2).map(|pair| (pair[0].to_owned(), pair[1].to_owned())).collect()
}

/// Reads a piece of standard error. `None`: an unknown frame.
#[must_use]
pub fn side(piece: Piece) -> Option<StderrFrame> {
    match piece {
        Piece::False => None,
        Piece::Raw(bytes) => Some(StderrFrame::Raw(bytes)),
        Piece::Frame(fields, bytes) => match fields.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["beat"] => Some(StderrFrame::Beat),
            ["eof"] => Some(StderrFrame::Eof),
            ["out", at, _] => Some(StderrFrame::Out(at.parse().ok()?, bytes)),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NONCE: &str = "00112233445566778899aabbccddeeff";

    fn cut(stream: &[u8], at: &[usize]) -> (Vec<(u32, Reply)>, Vec<u8>) {
        let mut frames = Frames::new(NONCE);
        let (mut replies, mut raw, mut last) = (Vec::new(), Vec::new(), 0);
        for end in at.iter().copied().chain([stream.len()]) {
            let end = end.clamp(last, stream.len());
            frames.push(&stream[last..end]);
            last = end;
            while let Some(piece) = frames.next_piece() {
                match reply(piece) {
                    Some((_, Reply::Raw(bytes))) => raw.extend_from_slice(&bytes),
                    Some(other) => replies.push(other),
                    None => {}
                }
            }
        }
        raw.extend_from_slice(&frames.rest());
        (replies, raw)
    }

    #[test]
    fn noise_before_and_between_is_not_taken_for_a_reply() {
        let stream = format!(
            "Welcome!\nno newline at the end{NONCE}\t0\thello\nfake {}\t1\tdone\t0\n{NONCE}\t1\tdone\t3\n",
            &NONCE[1..]
        );
        let (replies, raw) = cut(stream.as_bytes(), &[]);
        assert_eq!(replies, [(0, Reply::Hello), (1, Reply::Done(3))]);
        assert!(raw.starts_with(b"Welcome!\nno newline at the end"), "{raw:?}");
    }

    #[test]
    fn what_announces_more_than_we_ever_send_is_no_frame() {
        let stream = format!("{NONCE}\t1\ttail\tbuild\t0\t99999999999\n{NONCE}\t1\tdone\t0\n");
        let (replies, raw) = cut(stream.as_bytes(), &[]);
        assert_eq!(replies, [(1, Reply::Done(0))]);
        assert!(raw.is_empty(), "{raw:?}");
    }

    #[test]
    fn a_frame_that_never_ends_takes_bounded_memory_and_time() {
        let mut frames = Frames::new(NONCE);
        let mut false_ones = 0;
        for _ in 0..4000 {
            // Were each byte looked at again and again, this would take minutes.
            frames.push(format!("{NONCE}\t{NONCE}\t").repeat(16).as_bytes());
            while let Some(piece) = frames.next_piece() {
                false_ones += usize::from(piece == Piece::False);
            }
            assert!(frames.held.len() <= LONGEST_FRAME + 2048);
        }
        assert!(false_ones >= 10, "{false_ones}");
    }

    #[test]
    fn a_tail_may_hold_anything() {
        let inside = format!("{NONCE}\t9\tdone\t0\n\0\x1b[2J");
        let stream = format!("{NONCE}\t4\ttail\tbuild\t7\t{}\n{inside}{NONCE}\t4\tdone\t0\n", inside.len());
        let (replies, _) = cut(stream.as_bytes(), &[]);
        assert_eq!(
            replies,
            [(4, Reply::Tail("build".into(), 7, inside.into_bytes().into())), (4, Reply::Done(0))]
        );
    }

    proptest! {
        #[test]
        fn pieces_of_any_size_give_the_same(raw in proptest::collection::vec(any::<u8>(), 0..200),
                                           mut at in proptest::collection::vec(0usize..400, 0..20)) {
            let mut stream = raw.clone();
            stream.extend_from_slice(format!("{NONCE}\t2\tcode\t7\n").as_bytes());
            stream.extend_from_slice(&raw);
            at.sort_unstable();
            let (replies, said) = cut(&stream, &at);
            prop_assert_eq!(replies, vec![(2, Reply::Code(7))]);
            prop_assert_eq!(said, [raw.clone(), raw].concat());
        }
    }
}
