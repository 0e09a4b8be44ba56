//! The doctor's round: each host's answers, its clock against ours, and whether it forwards. Judges nothing.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use jiff::Timestamp;

use super::event::{Failure, Observer};
use super::fleet::Fleet;
use super::interrupt::Interrupt;
use crate::plan::{Plan, Work};
use crate::transport::{Forwarding, Transport};

/// What a round found.
#[derive(Debug, Clone)]
pub struct Checkup {
    /// Every host, in order.
    pub hosts: Vec<Checked>,
    /// The number of the signal by which the user stopped it, or 0.
    pub signal: i32,
}

/// What was found of one host.
#[derive(Debug, Clone)]
pub struct Checked {
    /// As in the file.
    pub host: String,
    /// Its answers: words and their values, in order. All of it is the host's text.
    pub found: Vec<(String, Vec<String>)>,
    /// Its clock, where it sent the time.
    pub clock: Option<Clock>,
    /// Whether it opens connections for us, where it was asked.
    pub forwarding: Option<Forwarding>,
    /// Why there are no answers, or not all.
    pub failure: Option<Failure>,
}

/// A clock against ours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clock {
    /// Seconds that it is ahead; below zero: behind.
    pub ahead: f64,
    /// How wrong that may be: half the way there and back, and what a clock that counts seconds leaves out.
    pub unsure: f64,
}

impl Clock {
    fn read(sent: i64, asked: Timestamp, way: Duration) -> Clock {
        let half = way.as_secs_f64() / 2.0;
        let here = asked.as_duration().as_secs_f64() + half;
        #[allow(clippy::cast_precision_loss, reason = "seconds of any clock are far below 2^52")]
        let there = sent as f64 + 0.5;
        Clock { ahead: there - here, unsure: half + 0.5 }
    }
}

/// Asks all hosts.
pub async fn check(
    plan: &Plan,
    transport: &dyn Transport,
    observer: &mut dyn Observer,
    interrupt: Interrupt,
) -> Checkup {
    let mut fleet = Fleet::new(plan, transport, observer, interrupt);
    fleet.open().await;
    let (asked, since) = (Timestamp::now(), Instant::now());
    for stage in &plan.stages {
        if let Work::Remote(scripts) = &stage.work {
            fleet.stage(stage.phase, scripts, false).await;
        }
    }
    let forwarding = join_all(fleet.hosts.iter().map(|host| async {
        match &host.connection {
            Some(connection) if host.failure.is_none() => Some(connection.forwarding().await),
            _ => None,
        }
    }))
    .await;
    let hosts = fleet.hosts.iter_mut().zip(forwarding).map(|(host, forwarding)| {
        let mut found = std::mem::take(&mut host.found);
        let sent = found.iter().position(|(word, _)| word == "clock").map(|at| found.remove(at).1);
        let sent = sent.and_then(|values| values.first()?.parse().ok());
        let way = (host.started + host.took).saturating_duration_since(since);
        let clock = sent.map(|sent| Clock::read(sent, asked, way));
        Checked { host: host.name.clone(), found, clock, forwarding, failure: host.failure.clone() }
    });
    let hosts = hosts.collect();
    let signal = fleet.known.signal;
    fleet.close().await;
    Checkup { hosts, signal }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_there_and_back_is_taken_off() {
        let asked = Timestamp::from_second(1_000).unwrap();
        let clock = Clock::read(1_001, asked, Duration::from_secs(2));
        assert!((clock.ahead - 0.5).abs() < 1e-6 && (clock.unsure - 1.5).abs() < 1e-6, "{clock:?}");
        let clock = Clock::read(900, asked, Duration::ZERO);
        assert!((clock.ahead + 99.5).abs() < 1e-6 && (clock.unsure - 0.5).abs() < 1e-6, "{clock:?}");
    }
}
