//! What keeps an app running on a host, and how a new release is made to run: one of the supervisors that shipit knows, or
//! the user's own commands.

use std::time::Duration;

/// A supervisor of an app. What it needs later is stored with each release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Supervisor {
    /// Only on hosts with one of these; empty: on all.
    pub roles: Vec<String>,
    /// Which one it is.
    pub kind: SupervisorKind,
}

/// A supervisor that shipit knows, or commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SupervisorKind {
    /// `supervisor = { reload, … }`: the user's own commands.
    Commands(SupervisorCommands),
    /// `supervisor = "pm2"`, `{ kind = "systemd", … }`: an adapter drives it.
    Known(KnownSupervisor),
}

/// The user's own commands, texts like those of hooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupervisorCommands {
    /// Makes the release in `current` the running one.
    pub reload: String,
    /// Used instead of `reload` when `status` says that nothing runs (or on a first deploy where it is set).
    pub start: Option<String>,
    /// Stops it: after a first deploy that failed.
    pub stop: Option<String>,
    /// 0: runs; anything else: does not.
    pub status: Option<String>,
    /// 0: the release in `current` is what runs.
    pub verify: Option<String>,
}

/// A supervisor that an adapter drives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownSupervisor {
    /// Which program.
    pub program: Program,
    /// How the new release is made to run.
    pub strategy: Strategy,
    /// How long every process must stay up before the release counts as running.
    pub stable_for: Duration,
    /// A port that the app listens on: `stop-start` waits until it is free.
    pub wait_port: Option<u16>,
    /// It is called with `sudo -n`.
    pub sudo: bool,
    /// What differs from program to program, by the keys of the file: units, services, a file. A key may repeat.
    pub settings: Vec<(&'static str, String)>,
}

macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$what:meta])* $word:literal $variant:ident,)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$what])* $variant,)*
        }

        impl $name {
            /// All of them, with their words.
            pub const WORDS: &[(&'static str, $name)] = &[$(($word, $name::$variant)),*];

            /// Their words.
            pub const NAMES: &[&'static str] = &[$($word),*];

            /// The word in the file, and on a host.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $($name::$variant => $word,)* }
            }
        }
    };
}

words! {
    /// The supervisors that shipit knows.
    Program {
        /// pm2, of Node.js.
        "pm2" Pm2,
        /// systemd, of the system or of the login.
        "systemd" Systemd,
        /// supervisord.
        "supervisord" Supervisord,
        /// runit.
        "runit" Runit,
        /// s6.
        "s6" S6,
    }
}

words! {
    /// How the new release is made to run.
    Strategy {
        /// Without a gap where the supervisor can: pm2's reload, a HUP.
        "reload" Reload,
        /// Each process is stopped and started.
        "restart" Restart,
        /// All are stopped; once their pids and ports are free they are started.
        "stop-start" StopStart,
        /// All are removed from the supervisor's list and added anew.
        "recreate" Recreate,
    }
}

impl Program {
    /// What it does where the file says nothing.
    #[must_use]
    pub fn usual_strategy(self) -> Strategy {
        if self == Program::Pm2 { Strategy::Reload } else { Strategy::Restart }
    }

    /// The programs that its adapter needs on a host.
    #[must_use]
    pub fn tools(self) -> &'static [&'static str] {
        match self {
            Program::Pm2 => &["node", "pm2"],
            Program::Systemd => &["systemctl"],
            Program::Supervisord => &["supervisorctl"],
            Program::Runit => &["sv"],
            Program::S6 => &["s6-svc"],
        }
    }

    /// The keys of `supervisor` that this one has besides those of all.
    pub(super) fn keys(self) -> &'static [&'static str] {
        match self {
            Program::Pm2 => &["name", "only", "file", "env", "home", "jobs"],
            Program::Systemd => &["unit", "scope", "sudo"],
            Program::Supervisord => &["service", "name", "file", "sudo"],
            Program::Runit | Program::S6 => &["service", "name", "sudo"],
        }
    }

    /// The key under which a host finds the names of what is reloaded.
    pub(super) fn names(self) -> &'static str {
        match self {
            Program::Pm2 => "only",
            Program::Systemd => "unit",
            Program::Supervisord | Program::Runit | Program::S6 => "service",
        }
    }
}

impl KnownSupervisor {
    /// All that its adapter is told, as a host stores it: key and value, in order.
    #[must_use]
    pub fn parameters(&self) -> Vec<(&'static str, String)> {
        let stable = self.stable_for.as_secs() + u64::from(self.stable_for.subsec_nanos() > 0);
        let mut all = vec![("strategy", self.strategy.name().to_owned()), ("stable-for", stable.to_string())];
        all.extend(self.wait_port.map(|port| ("wait-port", port.to_string())));
        all.extend(self.sudo.then(|| ("sudo", "yes".to_owned())));
        all.extend(self.settings.iter().cloned());
        all
    }
}

impl Supervisor {
    /// The user's own commands by their steps; none for a supervisor that an adapter drives.
    pub fn steps(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let commands = match &self.kind {
            SupervisorKind::Commands(commands) => Some(commands),
            SupervisorKind::Known(_) => None,
        };
        commands.into_iter().flat_map(|commands| {
            let SupervisorCommands { reload, start, stop, status, verify } = commands;
            let optional = [("start", start), ("stop", stop), ("status", status), ("verify", verify)];
            let optional = optional.into_iter().filter_map(|(step, text)| Some((step, text.as_ref()?)));
            std::iter::once(("reload", reload)).chain(optional)
        })
    }

    /// The adapter's settings; none for the user's own commands.
    #[must_use]
    pub fn known(&self) -> Option<&KnownSupervisor> {
        match &self.kind {
            SupervisorKind::Known(known) => Some(known),
            SupervisorKind::Commands(_) => None,
        }
    }

    /// Whether it says that what runs is the release in `current`. An adapter always does.
    #[must_use]
    pub fn verifies(&self) -> bool {
        self.known().is_some() || self.steps().any(|(step, _)| step == "verify")
    }

    /// Whether a reload stops the service for a moment on each host.
    #[must_use]
    pub fn interrupts(&self) -> bool {
        self.known().is_some_and(|known| known.strategy != Strategy::Reload)
    }

    pub(super) fn map(&self, change: impl Fn(&String) -> String) -> Self {
        let kind = match &self.kind {
            SupervisorKind::Commands(commands) => SupervisorKind::Commands(SupervisorCommands {
                reload: change(&commands.reload),
                start: commands.start.as_ref().map(&change),
                stop: commands.stop.as_ref().map(&change),
                status: commands.status.as_ref().map(&change),
                verify: commands.verify.as_ref().map(&change),
            }),
            SupervisorKind::Known(known) => SupervisorKind::Known(KnownSupervisor {
                settings: known.settings.iter().map(|(key, value)| (*key, change(value))).collect(),
                ..known.clone()
            }),
        };
        Supervisor { roles: self.roles.clone(), kind }
    }
}
