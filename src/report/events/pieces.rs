//! A stream of bytes in pieces of any size, as text: cut after each newline, so that a reader has whole lines; put
//! together, the pieces are what was printed, with what is no UTF-8 replaced.

/// A line longer than this comes in several pieces.
const LONGEST: usize = 8 << 10;

/// What of a stream is not told yet.
#[derive(Debug, Default)]
pub(super) struct Pieces(Vec<u8>);

impl Pieces {
    /// Takes the next bytes; hands each line that is complete to `emit`, with its newline.
    pub(super) fn push(&mut self, bytes: &[u8], emit: &mut dyn FnMut(String)) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.0.extend_from_slice(part);
            while self.0.len() > LONGEST {
                let rest = self.0.split_off(cut(&self.0));
                emit(text(&std::mem::replace(&mut self.0, rest)));
            }
            if self.0.ends_with(b"\n") {
                emit(text(&std::mem::take(&mut self.0)));
            }
        }
    }

    /// The end that no newline ended, if there is one.
    pub(super) fn finish(&mut self) -> Option<String> {
        (!self.0.is_empty()).then(|| text(&std::mem::take(&mut self.0)))
    }
}

// At most [`LONGEST`] bytes, and not within a character.
fn cut(bytes: &[u8]) -> usize {
    let within = |at: &usize| bytes.get(*at).is_some_and(|byte| byte & 0xC0 == 0x80);
    (LONGEST - 3..=LONGEST).rev().find(|at| !within(at)).unwrap_or(LONGEST)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(parts: &[&[u8]]) -> Vec<String> {
        let (mut pieces, mut told) = (Pieces::default(), Vec::new());
        parts.iter().for_each(|part| pieces.push(part, &mut |text| told.push(text)));
        told.extend(pieces.finish());
        told
    }

    #[test]
    fn lines_are_whole_however_they_come() {
        assert_eq!(told(&[b"one\ntw", b"o\n\nthr", b"ee"]), ["one\n", "two\n", "\n", "three"]);
        assert_eq!(told(&["caf\u{e9}\n".as_bytes().split_at(4).0, b"\xa9\n"]), ["caf\u{e9}\n"]);
        assert_eq!(told(&[b"\xff\n", b"10%\r20%\r\n"]), ["\u{fffd}\n", "10%\r20%\r\n"]);
        assert_eq!(told(&[]), [""; 0]);
    }

    #[test]
    fn a_line_without_end_comes_in_pieces_that_cut_no_character() {
        let long = "\u{20ac}".repeat(20_000);
        let told = told(&[long.as_bytes()]);
        assert_eq!(told.concat(), long);
        assert!(told.len() > 5 && told.iter().all(|text| text.len() <= LONGEST));
        assert!(super::tests::told(&[&[0x80; 20_000]]).concat().chars().all(|c| c == '\u{fffd}'));
    }
}
