//! Names of releases: `20261121T081502Z-1a2b3c4`. They sort by time, and are the same on every host of a deploy.

use sha2::{Digest, Sha256};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::version::Version;

/// Years by which no operator's clock is ahead: what a host calls its newest is the host's to say.
const YEARS: i64 = 20;

/// A name for what has that [`identity`], now; later than `newest`, whatever the clocks of several operators say.
#[must_use]
pub fn name(now: Timestamp, identity: &str, newest: &[&str]) -> String {
    let believed = |at: &Timestamp| at.duration_since(now) < SignedDuration::from_hours(YEARS * 365 * 24);
    let latest = newest.iter().filter_map(|name| when(name)).filter(believed).max();
    let later = latest.filter(|latest| stamp(*latest) >= stamp(now));
    let at = later.and_then(|latest| latest.checked_add(SignedDuration::from_secs(1)).ok()).unwrap_or(now);
    format!("{}-{}", stamp(at), &identity[..identity.len().min(7)])
}

/// What a release is named after: the version, where all its apps have the same one; else a digest of their versions, in
/// their order.
#[must_use]
pub fn identity(versions: &[&Version]) -> String {
    match versions {
        [first, rest @ ..] if rest.iter().all(|other| other == first) => first.as_str().to_owned(),
        all => {
            let mut digest = Sha256::new();
            all.iter().for_each(|version| digest.update(format!("{version}\n")));
            digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
        }
    }
}

/// Whether that is one.
#[must_use]
pub fn is_name(name: &str) -> bool {
    const FORM: &[u8] = b"00000000T000000Z-fffffff";
    name.len() == FORM.len()
        && name.bytes().zip(FORM).all(|(byte, form)| match form {
            b'0' => byte.is_ascii_digit(),
            b'f' => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            form => byte == *form,
        })
}

fn stamp(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// When a release was named.
#[must_use]
pub fn when(name: &str) -> Option<Timestamp> {
    let stamp = name.get(..16)?;
    let civil = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", stamp).ok()?;
    Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_time_and_seven_digits() {
        assert!(is_name("20261121T081502Z-1a2b3c4"));
        for other in
            ["", "..", "20261121T081502Z-1a2b3c", "20261121T081502Z-1A2B3C4", "20261121T081502Z-1a2b3c4/"]
        {
            assert!(!is_name(other), "{other}");
        }
    }

    #[test]
    fn names_sort_after_all_that_are_there() {
        let now: Timestamp = "2026-11-21T08:15:02.7Z".parse().unwrap();
        let revision = "1a2b3c4d5e";
        assert_eq!(name(now, revision, &[]), "20261121T081502Z-1a2b3c4");
        assert_eq!(name(now, revision, &["20261121T081502Z-fffffff"]), "20261121T081503Z-1a2b3c4");
        assert_eq!(name(now, revision, &["20301231T235959Z-fffffff", "x"]), "20310101T000000Z-1a2b3c4");
        assert_eq!(name(now, revision, &["99991230T220000Z-fffffff"]), "20261121T081502Z-1a2b3c4");
    }
}
