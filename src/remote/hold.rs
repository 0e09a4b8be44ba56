//! The hold of an environment, as it lies on a host: while it is there, `update` and `ref` are refused.
//!
//! Its times come from operators: the operator's clock says until when, and the clock of the operator that asks decides. Hosts'
//! clocks do not count, since the same hold must not be over on one host and not on another.

use jiff::Timestamp;

/// A hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// When it ends by itself.
    pub until: Option<Timestamp>,
    /// When it began: RFC 3339, as it was written.
    pub since: String,
    /// The operator: login and machine.
    pub who: String,
    /// Why; empty: it was not said.
    pub why: String,
}

impl Hold {
    /// From what a host said. Any text is a hold: a file that cannot be read was put there to hold, and does so until `resume`.
    #[must_use]
    pub fn read(line: &str) -> Hold {
        let mut fields = line.splitn(4, '\t').map(str::to_owned);
        let mut field = || fields.next().unwrap_or_default();
        let (until, since, who, why) = (field(), field(), field(), field());
        Hold { until: until.parse().ok(), since, who, why }
    }

    /// Of the holds of several hosts, the newest that is on.
    #[must_use]
    pub fn newest<'a>(holds: impl Iterator<Item = &'a Hold>, now: Timestamp) -> Option<&'a Hold> {
        holds.filter(|hold| hold.is_on(now)).max_by_key(|hold| &hold.since)
    }

    /// Whether it holds now, by the clock of this machine.
    #[must_use]
    pub fn is_on(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// `ops@desk since … until …: why`.
    #[must_use]
    pub fn describe(&self) -> String {
        // Behind the name is how shipit was started.
        let who = self.who.split_whitespace().next().unwrap_or("somebody");
        let since = if self.since.is_empty() { String::new() } else { format!(" since {}", self.since) };
        let until = self.until.map_or(String::new(), |until| format!(" until {}", stamp(until)));
        let why = if self.why.is_empty() { String::new() } else { format!(": {}", self.why) };
        format!("by {who}{since}{until}{why}")
    }
}

/// A time as it is written on hosts.
#[must_use]
pub fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_host_told_is_a_hold_whatever_it_is() {
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        let table = [
            ("", true, "by somebody"),
            ("\t\t\t", true, "by somebody"),
            ("garbage", true, "by somebody"),
            (
                "\t2026-11-21T09:00:00Z\tops@desk (pid 1), `shipit`\tfreeze\tof all",
                true,
                "by ops@desk since 2026-11-21T09:00:00Z: freeze\tof all",
            ),
            ("2026-11-21T12:00:01Z\t\tops\t", true, "by ops until 2026-11-21T12:00:01Z"),
            ("2026-11-21T12:00:00Z\t\tops\t", false, "by ops until 2026-11-21T12:00:00Z"),
            ("2026-11-20T12:00:00Z\t\tops\t", false, "by ops until 2026-11-20T12:00:00Z"),
        ];
        for (line, on, text) in table {
            let hold = Hold::read(line);
            assert_eq!((hold.is_on(now), hold.describe().as_str()), (on, text), "{line:?}");
        }
    }
}
