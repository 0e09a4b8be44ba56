//! How a run ended, in one word: from it the exit code follows.

use super::event::FailureKind;

/// How a run ended, as the exit codes tell it. Ordered by nothing: see `error::exit_code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// All done.
    Done,
    /// All hosts had it already.
    NothingToDo,
    /// Nothing live was changed.
    Failed,
    /// A rule forbade it.
    Refused,
    /// A host was not reached, authenticated or trusted; nothing live was changed.
    Unreachable,
    /// It was live on some and every host was rolled back.
    RolledBack,
    /// Not every host serves the same.
    Split,
    /// Another run holds the lock.
    Busy,
    /// The user stopped it; nothing live was changed, or all were rolled back. The signal's number.
    Interrupted(i32),
}

impl End {
    /// The end of a run that changed nothing live: by the signal, else by the cause.
    pub(super) fn without_change(signal: i32, cause: Option<FailureKind>) -> End {
        match cause {
            _ if signal != 0 => End::Interrupted(signal),
            Some(FailureKind::Unreachable) => End::Unreachable,
            Some(FailureKind::Busy) => End::Busy,
            Some(FailureKind::Refused) => End::Refused,
            _ => End::Failed,
        }
    }

    /// A word for machines.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            End::Done => "done",
            End::NothingToDo => "nothing-to-do",
            End::Failed => "failed",
            End::Refused => "refused",
            End::Unreachable => "unreachable",
            End::RolledBack => "rolled-back",
            End::Split => "split",
            End::Busy => "busy",
            End::Interrupted(_) => "interrupted",
        }
    }
}
