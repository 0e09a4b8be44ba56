//! What can be wrong with the system around the app. Pure.

/// The system around the app.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the fields say what their types and the variant say")]
pub enum System {
    /// systemd ends services of the user with the last session.
    LingerOff { user: String },
    /// The home directory of the login is missing.
    NoHome { path: String },
    /// `KillUserProcesses` of logind.
    ProcessesKilled,
    /// Its clock, compared with that of this machine.
    Clock { seconds: f64, is_ahead: bool },
    /// sshd did not say whether it forwards.
    ForwardingUnknown { why: String },
    /// sshd does not forward.
    ForwardingForbidden,
}

impl System {
    pub(super) fn text(&self) -> String {
        match self {
            System::LingerOff { user } => format!(
                "linger is off: systemd stops the services of {user} when the last session ends"
            ),
            System::NoHome { path } => {
                format!("the home directory of this login, {path}, is not there: `pre-setup` cannot run in it")
            }
            System::ProcessesKilled => {
                "logind ends all that a session leaves behind (KillUserProcesses): daemons that hooks start, and shipit's \
                 own rollback when the connection is lost"
                    .to_owned()
            }
            System::Clock { seconds, is_ahead } => {
                let which = if *is_ahead { "ahead of" } else { "behind" };
                format!(
                    "its clock is {seconds:.0} s {which} the one here: certificates, tokens and the times in `list` depend on it"
                )
            }
            System::ForwardingUnknown { why } => {
                format!("could not find out whether sshd allows forwarding: {why}")
            }
            System::ForwardingForbidden => {
                "sshd forbids forwarding: shipit cannot connect to services of the host, and it cannot be a jump host"
                    .to_owned()
            }
        }
    }

    pub(super) fn advice(&self) -> Option<&'static str> {
        match self {
            System::Clock { .. } => Some("if `date -u` is wrong there and not here:"),
            System::ForwardingForbidden => Some(
                "or the key is restricted in authorized_keys (restrict, no-port-forwarding); where sshd_config includes \
                 sshd_config.d:",
            ),
            System::LingerOff { .. }
            | System::NoHome { .. }
            | System::ProcessesKilled
            | System::ForwardingUnknown { .. } => None,
        }
    }
}
