//! `rollout`: how a deploy goes over the hosts.

use std::time::Duration;

use super::file::{Node, Value};
use super::keys::Scope;
use super::layers::Layers;
use super::problem::{Fault, Problem, Problems};
use super::values;

/// How a deploy goes over the hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rollout {
    /// How many hosts go live at a time; none: as [`Rollout::batches`] says.
    pub batch: Option<BatchSize>,
    /// So many go first, alone; 0: none.
    pub canary: usize,
    /// What comes between batches.
    pub pause: Pause,
    /// How many hosts may be unreachable.
    pub max_unreachable: Share,
}

/// `rollout.batch`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchSize {
    /// All hosts at once.
    All,
    /// So many of them, or that part.
    Part(Share),
}

/// A number of hosts, or a part of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// So many.
    Count(usize),
    /// So many of a hundred, 0 to 100.
    Percent(usize),
}

/// `rollout.pause`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pause {
    /// Nothing.
    #[default]
    None,
    /// So long.
    Lasting(Duration),
    /// Until the operator says so.
    Ask,
}

/// Of hosts that are taken out while they go live, a quarter may be missing.
const DRAINED: BatchSize = BatchSize::Part(Share::Percent(25));

impl Default for Share {
    fn default() -> Self {
        Share::Count(0)
    }
}

impl Share {
    /// Of so many hosts; of parts of a host none.
    #[must_use]
    pub fn of(self, hosts: usize) -> usize {
        match self {
            Share::Count(count) => count.min(hosts),
            Share::Percent(percent) => hosts * percent / 100,
        }
    }

    /// `3` or `25%`.
    ///
    /// # Errors
    /// What it should look like.
    pub fn parse(text: &str) -> Result<Share, String> {
        let digits = |text: &&str| text.bytes().all(|byte| byte.is_ascii_digit());
        let number = |text: &str| Some(text.trim()).filter(digits)?.parse::<usize>().ok();
        match text.trim().strip_suffix('%') {
            Some(percent) => number(percent).filter(|percent| *percent <= 100).map(Share::Percent),
            None => number(text).map(Share::Count),
        }
        .ok_or_else(|| "expected a number of hosts or a percentage such as 25%".to_owned())
    }
}

impl BatchSize {
    /// `3`, `25%` or `all`.
    ///
    /// # Errors
    /// What it should look like.
    pub fn parse(text: &str) -> Result<BatchSize, String> {
        if text.trim() == "all" {
            return Ok(BatchSize::All);
        }
        match Share::parse(text) {
            Ok(Share::Count(0) | Share::Percent(0)) => Err("no host would ever go live".to_owned()),
            Ok(share) => Ok(BatchSize::Part(share)),
            Err(why) => Err(why + ", or all"),
        }
    }
}

impl Rollout {
    /// The sizes of the batches of so many hosts, in their order; at least one host each.
    #[must_use]
    pub fn batches(&self, hosts: usize, drained: bool) -> Vec<usize> {
        let size = match self.batch.unwrap_or(if drained { DRAINED } else { BatchSize::All }) {
            BatchSize::All => hosts,
            BatchSize::Part(share) => share.of(hosts),
        };
        let first = self.canary.min(hosts);
        let mut sizes = Vec::new();
        let mut left = hosts;
        while left > 0 {
            let wanted = if sizes.is_empty() && first > 0 { first } else { size.max(1) };
            sizes.push(wanted.min(left));
            left -= wanted.min(left);
        }
        sizes
    }
}

pub(super) fn read(layers: &Layers<'_>, problems: &mut Problems) -> Rollout {
    let tables = layers.inner("rollout", Scope::Rollout, problems);
    Rollout {
        batch: tables.last("batch", problems, |node| parsed(node, BatchSize::parse)),
        canary: tables.value(Scope::Rollout, "canary", canary, problems),
        pause: tables.last("pause", problems, pause).unwrap_or_default(),
        max_unreachable: tables.value(
            Scope::Rollout,
            "max-unreachable",
            |node| parsed(node, Share::parse),
            problems,
        ),
    }
}

fn parsed<T>(node: &Node, parse: impl Fn(&str) -> Result<T, String>) -> Result<T, Problem> {
    let text = match &node.value {
        Value::Integer(number) => number.to_string(),
        Value::Text(text) => text.clone(),
        _ => return Err(node.expected("a number, or a string like \"25%\"")),
    };
    parse(&text).map_err(|why| Fault::new(format!("`{text}`: {why}")).at(node.span.clone()))
}

fn canary(node: &Node) -> Result<usize, Problem> {
    match node.value {
        Value::Integer(count) => {
            usize::try_from(count).map_err(|_| node.problem("a number of hosts cannot be less than 0"))
        }
        _ => Err(node.expected("a number of hosts")),
    }
}

fn pause(node: &Node) -> Result<Pause, Problem> {
    match &node.value {
        Value::Text(text) if text == "ask" => Ok(Pause::Ask),
        Value::Text(_) | Value::Integer(_) => match values::pause(node) {
            Ok(time) if time.is_zero() => Ok(Pause::None),
            Ok(time) => Ok(Pause::Lasting(time)),
            Err(_) => {
                Err(node.problem("this is not a pause").help("write \"30s\", \"5m\", \"ask\", or 0 for none"))
            }
        },
        _ => Err(node.expected("a duration like \"30s\", or \"ask\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_take_all_hosts_in_their_order() {
        let batches = |batch: &str, canary, hosts| {
            let batch = Some(BatchSize::parse(batch).unwrap());
            Rollout { batch, canary, ..Rollout::default() }.batches(hosts, false)
        };
        assert_eq!(batches("all", 0, 5), [5]);
        assert_eq!(batches("2", 0, 5), [2, 2, 1]);
        assert_eq!(batches("25%", 0, 8), [2, 2, 2, 2]);
        assert_eq!(batches("25%", 1, 9), [1, 2, 2, 2, 2]);
        assert_eq!(batches("10%", 0, 3), [1, 1, 1]);
        assert_eq!(batches("all", 1, 4), [1, 3]);
        assert_eq!(batches("all", 9, 4), [4]);
        assert_eq!(batches("3", 0, 0), [0_usize; 0]);
        assert_eq!(Rollout::default().batches(8, true), [2, 2, 2, 2]);
        assert_eq!(Rollout::default().batches(8, false), [8]);
    }

    #[test]
    fn shares_are_numbers_or_parts() {
        assert_eq!(Share::parse("25%"), Ok(Share::Percent(25)));
        assert_eq!(Share::parse("0"), Ok(Share::Count(0)));
        for bad in ["", "%", "-1", "+1", "101%", "1.5", "some"] {
            assert!(Share::parse(bad).is_err(), "{bad}");
        }
        for bad in ["0", "0%", "none"] {
            assert!(BatchSize::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(Share::Percent(25).of(3), 0);
        assert_eq!(Share::Count(7).of(3), 3);
    }
}
