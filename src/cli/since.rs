//! The time of `logs --since`: how long ago, or when.

use std::time::Duration;

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::config::parse_duration;
use crate::remote::since::Since;

const TAKES: &str = "takes a duration such as 10m or 2h, or a time such as 12:30, 2026-07-01 or \
                     2026-07-01T12:30 (of this machine; with Z or +02:00 another zone's)";

/// What the option takes.
pub(super) fn since(text: &str) -> Result<Since, String> {
    read(text.trim(), &Zoned::now())
}

fn read(text: &str, now: &Zoned) -> Result<Since, String> {
    if let Some(ago) = parse_duration(text).filter(|ago| !ago.is_zero()) {
        // From 1970 on, which is before any log.
        return Ok(Since::Ago(ago.min(Duration::from_secs(now.timestamp().as_second().unsigned_abs()))));
    }
    let at = moment(text, now).ok_or_else(|| TAKES.to_owned())?;
    if at > now.timestamp() {
        return Err(format!(
            "{} has not come yet",
            at.to_zoned(now.time_zone().clone()).strftime("%Y-%m-%d %H:%M:%S %Z")
        ));
    }
    Ok(Since::At(at.as_second()))
}

fn moment(text: &str, now: &Zoned) -> Option<Timestamp> {
    let local = |time: DateTime, zone: &TimeZone| zone.to_timestamp(time).ok();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    // Of today; a date alone is its midnight.
    match text.parse::<DateTime>() {
        Ok(time) => local(time, now.time_zone()),
        Err(_) => local(now.date().to_datetime(text.parse::<Time>().ok()?), now.time_zone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Result<Since, String> {
        let now = "2026-07-01T12:30:00+02:00[+02:00]".parse::<Zoned>().unwrap();
        read(text, &now)
    }

    #[test]
    fn a_duration_or_a_time() {
        let midnight = 1_782_856_800;
        for (text, since) in [
            ("10m", Since::Ago(Duration::from_secs(600))),
            ("1h30m", Since::Ago(Duration::from_secs(5400))),
            ("90", Since::Ago(Duration::from_secs(90))),
            ("2026-07-01", Since::At(midnight)),
            ("2026-07-01 12:00", Since::At(midnight + 12 * 3600)),
            ("2026-07-01T12:00:05", Since::At(midnight + 12 * 3600 + 5)),
            ("2026-07-01T10:00:00Z", Since::At(midnight + 12 * 3600)),
            ("2026-06-30T22:00:00-00:00", Since::At(midnight)),
            ("12:00", Since::At(midnight + 12 * 3600)),
            ("00:00:01", Since::At(midnight + 1)),
        ] {
            assert_eq!(at(text), Ok(since), "{text}");
        }
    }

    #[test]
    fn what_is_neither_is_refused() {
        for text in ["", "0", "0s", "soon", "-10m", "10 minutes", "@17", "2026-13-01", "25:00", "$(date)"] {
            assert!(at(text).unwrap_err().starts_with("takes a duration such as 10m"), "{text}");
        }
        assert_eq!(at("12:31").unwrap_err(), "2026-07-01 12:31:00 +02 has not come yet");
        assert!(at("2027-01-01").unwrap_err().ends_with("has not come yet"));
    }
}
