//! What reaches the run from a host: what its shell says, how a local step goes, and the end of the connection.

use bytes::Bytes;

use crate::remote::step::Step;
use crate::remote::wire::{Reply, StderrFrame};
use crate::transport::Exit;

/// What a host said, or that its connection ended.
#[derive(Debug)]
pub(super) enum HostMessage {
    /// Of the script of that number.
    Reply(u32, Reply),
    StderrFrame(StderrFrame),
    /// Of a step that this machine does for the host.
    LocalStep(LocalStep),
    /// The end of the connection; nothing comes after.
    Gone(Exit),
}

/// What a step does that this machine does for a host.
#[derive(Debug)]
pub(super) enum LocalStep {
    /// It printed this.
    Printed { step: Step, bytes: Bytes },
    /// It ended.
    Ended {
        step: Step,
        /// The script that asked for it.
        number: u32,
        code: u32,
        /// The end of what it printed.
        tail: Vec<u8>,
    },
}
