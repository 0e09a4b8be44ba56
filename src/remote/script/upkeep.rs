//! Calls of `scripts/hold.sh` and `scripts/upkeep.sh`: what changes hosts without a new release, and what `sync` asks.

use super::text::{Script, Takes};

impl Script {
    /// Tells the hold.
    #[must_use]
    pub fn held(self) -> Self {
        self.call("tell_hold", &[])
    }

    /// Holds the host, until a time of the operator's (RFC 3339) or, where that is empty, until `resume`.
    #[must_use]
    pub fn hold(self, until: &str, why: &str) -> Self {
        self.call("hold", &[until, why])
    }

    /// Ends the hold.
    #[must_use]
    pub fn resume(self) -> Self {
        self.call("resume", &[])
    }

    /// Drains, reloads and verifies the live release in place, and sees whether it is healthy, where the host can tell.
    /// [`Script::restart_end`] follows, or [`Script::restart_unwell`].
    #[must_use]
    pub fn restart(self) -> Self {
        self.step(&["drain", "reload", "verify", "health"], "restart", &[])
    }

    /// [`Script::restart_end`], unless the operator's side is to find out whether it is healthy; the fact `health` then says
    /// what to ask.
    #[must_use]
    pub fn restart_serve(self) -> Self {
        self.step(&["undrain"], "restart_serve", &[])
    }

    /// Takes the host in again, which was restarted and is healthy. Harmless where nothing was.
    #[must_use]
    pub fn restart_end(self) -> Self {
        self.step(&["undrain"], "restart_end", &[])
    }

    /// Ends a restart after which the operator found the host not healthy: it stays drained.
    #[must_use]
    pub fn restart_unwell(self) -> Self {
        self.call("mark_restart_unhealthy", &[])
    }

    /// Does to its end a restart that was stopped in the middle.
    #[must_use]
    pub fn restart_again(self) -> Self {
        self.call("restart_after_stop", &[]).taking(Takes::Recovery)
    }

    /// Removes what is not kept.
    #[must_use]
    pub fn prune(self, keep: u32) -> Self {
        self.step(&["prune"], "prune_all", &[&keep.to_string()])
    }

    /// Takes the lock, also of a host that was never set up.
    #[must_use]
    pub fn sync_lock(self) -> Self {
        self.call("sync_lock", &[])
    }

    /// Tells whether `setup` ever ran there.
    #[must_use]
    pub fn set_up(self) -> Self {
        self.call("set_up", &[])
    }

    /// Tells which releases can be made live again from what was kept.
    #[must_use]
    pub fn known(self) -> Self {
        self.call("tell_known", &[])
    }

    /// Tells which releases a prune to that number would remove. After [`Script::live`].
    #[must_use]
    pub fn prunable(self, keep: u32) -> Self {
        self.call("tell_prunable", &[&keep.to_string()])
    }

    /// Removes what a failed attempt at the same release left.
    #[must_use]
    pub fn make_way(self) -> Self {
        self.call("clear_failed_attempt", &[])
    }
}
