//! How a process of this machine ended, in the words of [`Exit`].

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use super::Exit;

pub(super) fn exit(status: ExitStatus) -> Exit {
    match (status.code(), status.signal()) {
        (Some(code), _) => Exit::Code(code.unsigned_abs()),
        (None, Some(number)) => Exit::Signal(signal_name(number)),
        (None, None) => Exit::Lost(format!("the program ended strangely: {status}")),
    }
}

fn signal_name(number: i32) -> String {
    use rustix::process::Signal;
    let name = match Signal::from_named_raw(number) {
        Some(Signal::HUP) => "HUP",
        Some(Signal::INT) => "INT",
        Some(Signal::QUIT) => "QUIT",
        Some(Signal::ILL) => "ILL",
        Some(Signal::ABORT) => "ABRT",
        Some(Signal::BUS) => "BUS",
        Some(Signal::FPE) => "FPE",
        Some(Signal::KILL) => "KILL",
        Some(Signal::SEGV) => "SEGV",
        Some(Signal::PIPE) => "PIPE",
        Some(Signal::ALARM) => "ALRM",
        Some(Signal::TERM) => "TERM",
        Some(Signal::USR1) => "USR1",
        Some(Signal::USR2) => "USR2",
        Some(Signal::XCPU) => "XCPU",
        Some(Signal::XFSZ) => "XFSZ",
        _ => return number.to_string(),
    };
    name.to_owned()
}
