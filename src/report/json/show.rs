//! `show` as one JSON value, for `--output json`, written as it comes: what steps printed passes through in pieces, also where
//! it is larger than memory should be. Fields are an API: they are added to, not changed.

use serde_json::{Value, json};

use super::by::by;
use super::deploys::state_name;
use crate::executor::Looked;
use crate::executor::event::Failure;
use crate::remote::attempt::{Known, Step};
use crate::remote::version::Version;

/// What comes before the hosts.
#[must_use]
pub fn begin(known: &Known) -> String {
    let about = json!({
        "run": known.run,
        "action": known.action,
        "release": known.release,
        "revision": known.version.as_ref().map_or("", Version::as_str),
        "ref": known.reference,
        "by": by(&known.who),
        "when": known.when,
    });
    opened(&about, "hosts")
}

/// What comes before the steps of a host.
#[must_use]
pub fn host(host: &Looked, known: &Known, is_first: bool) -> String {
    let entry = host.entries.iter().rev().find(|entry| known.is(entry));
    let attempt = host.attempts.iter().find(|attempt| attempt.known.run == known.run);
    let about = json!({
        "host": host.host,
        "state": entry.map(|entry| state_name(entry.state)),
        "running": attempt.is_some_and(|attempt| attempt.running),
        "failed": attempt.and_then(|attempt| attempt.failed.as_ref()),
        "failure": host.failure.as_ref().map(Failure::to_json),
    });
    format!("{}{}", if is_first { "" } else { "," }, opened(&about, "steps"))
}

/// What comes before the output of a step.
#[must_use]
pub fn step(step: &Step, is_first: bool) -> String {
    let (exit, why) = step.end.as_ref().map_or((None, None), |(_, code, why)| (Some(code), Some(why)));
    let about = json!({ "step": step.name, "rollback": step.rollback, "exit": exit, "end": why }).to_string();
    let about = about.strip_suffix('}').unwrap_or(&about);
    format!("{}{about},\"output\":\"", if is_first { "" } else { "," })
}

/// What comes after it: whether it is all of it.
#[must_use]
pub fn step_end(is_whole: bool) -> String {
    format!("\",\"whole\":{is_whole}}}")
}

/// The end of the steps of a host, and of all.
pub const END: &str = "]}";

fn opened(about: &Value, list: &str) -> String {
    let about = about.to_string();
    format!("{},\"{list}\":[", about.strip_suffix('}').unwrap_or(&about))
}

/// Bytes in pieces of any size, as the inside of one JSON string; what is no UTF-8 is replaced.
#[derive(Debug, Default)]
pub struct Text(Vec<u8>);

impl Text {
    /// Takes the next bytes; what is complete.
    #[must_use]
    pub fn push(&mut self, bytes: &[u8]) -> String {
        self.0.extend_from_slice(bytes);
        let rest = self.0.split_off(self.0.len() - begun(&self.0));
        inside(&std::mem::replace(&mut self.0, rest))
    }

    /// The rest.
    #[must_use]
    pub fn finish(&mut self) -> String {
        inside(&std::mem::take(&mut self.0))
    }
}

fn inside(bytes: &[u8]) -> String {
    let text = Value::from(String::from_utf8_lossy(bytes)).to_string();
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or_default().to_owned()
}

/// How many bytes at the end are the beginning of a character.
fn begun(bytes: &[u8]) -> usize {
    let long = |count: usize| match bytes[bytes.len() - count] {
        0xC0..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF7 => 4,
        _ => 0,
    };
    (1..=bytes.len().min(3)).find(|count| long(*count) > *count).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_in_pieces_is_the_string_whole() {
        let whole = "caf\u{e9} \u{20ac} \u{1f980} \"quoted\\\n\u{1b}[2J".as_bytes();
        for size in 1..whole.len() {
            let mut text = Text::default();
            let mut json: String = whole.chunks(size).map(|piece| text.push(piece)).collect();
            json += &text.finish();
            assert_eq!(format!("\"{json}\""), Value::from(std::str::from_utf8(whole).unwrap()).to_string());
        }
        let mut text = Text::default();
        let broken = [text.push(b"a\xff\xc3"), text.push(b"b\xe2\x82"), text.finish()].concat();
        assert_eq!(broken, "a\u{fffd}\u{fffd}b\u{fffd}");
    }
}
