//! Which process it is: its number, and when it started. The number alone may belong to another one later.

use std::fmt;
use std::fs;

/// A process, as `PID.START`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Started {
    pid: u32,
    /// In clock ticks since the machine started; none: it was gone already, or there is no /proc.
    start: Option<u64>,
}

impl Started {
    pub(super) fn this() -> Started {
        Started::of(std::process::id())
    }

    pub(super) fn of(pid: u32) -> Started {
        Started { pid, start: stat(pid).map(|(_, start)| start) }
    }

    /// What [`fmt::Display`] wrote.
    pub(super) fn read(text: &str) -> Option<Started> {
        let (pid, start) = text.trim().split_once('.')?;
        let start = if start.is_empty() { None } else { Some(start.parse().ok()?) };
        Some(Started { pid: pid.parse().ok()?, start })
    }

    /// Whether it has not ended. What nobody waited for yet has.
    pub(super) fn runs(self) -> bool {
        stat(self.pid).is_some_and(|(state, start)| state != 'Z' && self.start == Some(start))
    }
}

impl fmt::Display for Started {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.", self.pid)?;
        self.start.map_or(Ok(()), |start| write!(f, "{start}"))
    }
}

// proc(5), stat: what follows the name in brackets is the state, then other fields; the 22nd of all is the start.
fn stat(pid: u32) -> Option<(char, u64)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = text.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?.chars().next()?;
    Some((state, fields.nth(18)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_with_the_same_number_is_another_one() {
        let this = Started::this();
        assert!(this.runs() && Started::read(&this.to_string()) == Some(this), "{this}");
        let other = Started { start: this.start.map(|start| start - 1), ..this };
        assert!(!other.runs() && Started::read(&other.to_string()) == Some(other), "{other}");
        let gone = Started::of(u32::MAX);
        assert!(!gone.runs() && Started::read(&gone.to_string()) == Some(gone), "{gone}");
        assert!(["", "7", "x.1", "7.x"].iter().all(|text| Started::read(text).is_none()));
    }
}
