//! How far a host came in a run, and what is known of what it serves now.

/// What became of a host: one value, so that nothing is both rolled back and in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Fate {
    /// What it serves was not touched.
    #[default]
    Untouched,
    /// It was sent the order to go live or to restart, or it is being drained: that it still serves what it served is known
    /// only when it says so.
    Touched,
    /// It was live with this run's release at some time.
    Switched,
    /// It is live, healthy, and takes requests: its batch is complete.
    InService,
    /// It was live, and is rolled back to what it served before.
    RolledBack,
    /// Nobody knows what it serves.
    InDoubt {
        /// It was live with this run's release at some time.
        switched: bool,
    },
    /// The host itself said that not all worked on the way back, or on to the end: what it is to serve is known, whether it
    /// does is not.
    RecoveryFailed {
        /// See [`Fate::InDoubt`].
        switched: bool,
    },
}

impl Fate {
    /// Whether what it serves may have been touched.
    pub(super) fn was_touched(self) -> bool {
        self != Fate::Untouched
    }

    /// Whether it was live with this run's release at some time.
    pub(super) fn was_switched(self) -> bool {
        match self {
            Fate::Untouched | Fate::Touched => false,
            Fate::Switched | Fate::InService | Fate::RolledBack => true,
            Fate::InDoubt { switched } | Fate::RecoveryFailed { switched } => switched,
        }
    }

    /// Whether what it serves is not known for sure.
    pub(super) fn is_in_doubt(self) -> bool {
        matches!(self, Fate::InDoubt { .. } | Fate::RecoveryFailed { .. })
    }

    /// It was sent the order to go live, or is being drained.
    pub(super) fn touch(&mut self) {
        if *self == Fate::Untouched {
            *self = Fate::Touched;
        }
    }

    /// It was live with this run's release.
    pub(super) fn switch(&mut self) {
        match self {
            Fate::Untouched | Fate::Touched => *self = Fate::Switched,
            Fate::InDoubt { switched } | Fate::RecoveryFailed { switched } => *switched = true,
            Fate::Switched | Fate::InService | Fate::RolledBack => {}
        }
    }

    /// Its batch is complete.
    pub(super) fn serve(&mut self) {
        if *self == Fate::Switched {
            *self = Fate::InService;
        }
    }

    /// It serves again what it served before.
    pub(super) fn roll_back(&mut self) {
        if matches!(self, Fate::Switched | Fate::InService) {
            *self = Fate::RolledBack;
        }
    }

    /// What it serves is not known any more. What the host itself said is not made less.
    pub(super) fn doubt(&mut self) {
        if !matches!(self, Fate::RecoveryFailed { .. }) {
            *self = Fate::InDoubt { switched: self.was_switched() };
        }
    }

    /// The host said that its recovery failed.
    pub(super) fn fail_recovery(&mut self) {
        *self = Fate::RecoveryFailed { switched: self.was_switched() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_first_is_not_forgotten() {
        let mut fate = Fate::default();
        assert!(!fate.was_touched());
        fate.serve();
        assert_eq!(fate, Fate::Untouched, "only what was switched serves what is new");
        fate.touch();
        fate.doubt();
        assert_eq!(fate, Fate::InDoubt { switched: false });
        fate.switch();
        fate.touch();
        assert!(fate.was_switched() && fate.is_in_doubt());
        fate.fail_recovery();
        fate.doubt();
        fate.roll_back();
        assert_eq!(fate, Fate::RecoveryFailed { switched: true });
        let mut fate = Fate::Switched;
        fate.serve();
        fate.touch();
        assert_eq!(fate, Fate::InService);
        fate.roll_back();
        assert!(fate == Fate::RolledBack && fate.was_switched() && !fate.is_in_doubt());
    }
}
