//! How much a host may say. What exceeds it is no host of ours: its connection counts as lost, and what it said so far is
//! all that is kept.

use crate::remote::wire::Reply;

/// Bytes of answers that are kept of one host: entries, records of runs, answers for `check`, pieces of logs.
pub(super) const KEPT: usize = 32 << 20;
/// Replies to one script, besides pieces of logs.
pub(super) const REPLIES: u32 = 100_000;
/// Texts of one host that are shown as notes in a run.
pub(super) const NOTICES: u32 = 200;

/// Whether a message may be taken in.
pub(super) enum Counted {
    Within,
    /// The host said more than a host may: what.
    TooMuch(String),
    /// The host was given up; this was on its way.
    Unwanted,
}

/// What a host said so far.
#[derive(Debug, Default)]
pub(super) struct Bounds {
    kept: usize,
    replies: u32,
    notices: u32,
    takes_longer: bool,
}

impl Bounds {
    /// A script is sent: what is said to it is counted from zero.
    pub(super) fn script_begins(&mut self) {
        self.replies = 0;
        self.takes_longer = false;
    }

    /// Whether the host may have more time for its script: once.
    pub(super) fn may_take_longer(&mut self) -> bool {
        !std::mem::replace(&mut self.takes_longer, true)
    }

    /// So many bytes were handed on, and are not kept any more.
    pub(super) fn handed_on(&mut self, bytes: usize) {
        self.kept = self.kept.saturating_sub(bytes);
    }

    /// Counts a reply. The error says what the host did.
    pub(super) fn count(&mut self, reply: &Reply) -> Result<(), String> {
        let pairs = |pairs: &[(String, String)]| pairs.iter().map(|(n, v)| n.len() + v.len() + 48).sum();
        let kept: usize = match reply {
            Reply::Entry(_, _, values) | Reply::Attempt(_, values) => pairs(values),
            Reply::Found(_, values) => values.iter().map(|value| value.len() + 24).sum(),
            Reply::Piece(of, _, bytes) => of.len() + bytes.len(),
            Reply::Raw(_) => return Ok(()),
            _ => 0,
        };
        self.kept = self.kept.saturating_add(kept);
        self.replies = self.replies.saturating_add(u32::from(!matches!(reply, Reply::Piece(..))));
        self.notices =
            self.notices.saturating_add(u32::from(matches!(reply, Reply::Notice(_) | Reply::Warning(..))));
        if self.kept > KEPT {
            return Err(format!("it answered with more than {} MiB", KEPT >> 20));
        }
        if self.replies > REPLIES {
            return Err(format!("it answered one script with more than {REPLIES} messages"));
        }
        if self.notices > NOTICES {
            return Err(format!("it sent more than {NOTICES} notes"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_handed_on_makes_room() {
        let mut bounds = Bounds::default();
        let piece = Reply::Piece("1".into(), 0, vec![0; 1 << 20].into());
        for _ in 0..100 {
            assert_eq!(bounds.count(&piece), Ok(()));
            bounds.handed_on((1 << 20) + 1);
        }
        let mut count = 0;
        while bounds.count(&piece).is_ok() {
            count += 1;
        }
        assert_eq!(count, 31);
    }

    #[test]
    fn replies_are_counted_for_each_script_and_notes_for_the_run() {
        let mut bounds = Bounds::default();
        let fact = Reply::Fact("live".into(), "x".into());
        for _ in 0..2 {
            bounds.script_begins();
            assert!((0..REPLIES).all(|_| bounds.count(&fact).is_ok()));
        }
        assert!(bounds.count(&fact).is_err());
        let mut bounds = Bounds::default();
        let note = Reply::Notice("x".into());
        assert!((0..NOTICES).all(|_| bounds.count(&note).is_ok()));
        bounds.script_begins();
        assert!(bounds.count(&note).is_err());
    }
}
