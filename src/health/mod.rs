//! Whether a service on a host is well: asked from there, through the connection to the host, until it is or time is over.
//!
//! Knows no plan and no terminal. What the service says is not trusted: of its words only a short line is kept, which has
//! to be cleaned before it is shown. What the host has to ask by itself (a command, `https`, and everything where its sshd
//! forbids forwarding) is an error here.

mod http;
#[cfg(test)]
mod tests;

use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};

use crate::config::{Health, HealthCheck};
use crate::transport::{Connection, DialError};

/// Characters of [`HealthError::Unhealthy::last`], at most.
const LONGEST: usize = 300;

/// Why a service does not count as healthy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HealthError {
    /// The host opens no connections for us: it has to ask by itself.
    #[error("the host's sshd forbids forwarding")]
    Forbidden,
    /// A question that is not asked from here ([`HealthCheck::is_for_host`]): the host has to ask by itself.
    #[error("only the host itself can ask this")]
    AskHost,
    /// It was not well in time.
    #[error("not healthy, asked {asked} times: {last}")]
    Unhealthy {
        /// What was wrong with the last answer that was not good: one line, short, and not yet clean.
        last: String,
        /// How often it was asked.
        asked: u32,
    },
    /// The connection to the host is lost. The text says what is known.
    #[error("the connection was lost: {0}")]
    Lost(String),
}

/// Asks at once and then every `interval` until the service is well, and has been for `stable_for`.
///
/// Whoever is not well when `within` is over is given up; one that is has `stable_for` more, and for its last answer
/// `timeout`.
///
/// # Errors
/// [`HealthError`], in its four ways.
pub async fn wait(
    connection: &dyn Connection,
    health: &Health,
    release: &str,
    revision: &str,
) -> Result<(), HealthError> {
    if health.check.is_for_host() {
        return Err(HealthError::AskHost);
    }
    let patience = Patience::new(health);
    let mut well_since = None;
    let (mut last, mut asked) = (String::new(), 0);
    loop {
        let now = Instant::now();
        asked += 1;
        let until = patience.answer_by(now, well_since);
        let answer = timeout_at(until, ask(connection, health, release, revision)).await;
        match answer.unwrap_or(Err(ProbeError::Late)) {
            Ok(()) if well_since.get_or_insert_with(Instant::now).elapsed() >= health.stable_for => {
                return Ok(());
            }
            Ok(()) => (),
            Err(ProbeError::Forbidden) => return Err(HealthError::Forbidden),
            Err(ProbeError::Lost(why)) => return Err(HealthError::Lost(why)),
            Err(ill) => {
                well_since = None;
                // A question that had less than its time says less than the one before it.
                if !(matches!(ill, ProbeError::Late) && until < now + health.timeout && !last.is_empty()) {
                    last = line(&ill.words(until - now));
                }
            }
        }
        match patience.next(now, well_since) {
            Some(next) => sleep_until(next).await,
            None => return Err(HealthError::Unhealthy { last, asked }),
        }
    }
}

/// When is asked, and how long an answer is waited for.
struct Patience<'a> {
    health: &'a Health,
    deadline: Instant,
    /// A question asked now has all its time for the answer; later it has less.
    last_chance: Instant,
}

impl<'a> Patience<'a> {
    fn new(health: &'a Health) -> Self {
        let begin = Instant::now();
        let last_chance = begin + health.within.saturating_sub(health.timeout);
        Self { health, deadline: begin + health.within, last_chance }
    }

    fn answer_by(&self, now: Instant, well_since: Option<Instant>) -> Instant {
        let limit = now + self.health.timeout;
        if well_since.is_some() { limit } else { limit.min(self.deadline) }
    }

    /// When to ask again, after a question of `asked`.
    fn next(&self, asked: Instant, well_since: Option<Instant>) -> Option<Instant> {
        let next = asked + self.health.interval;
        match well_since {
            Some(since) => Some(next.min(since + self.health.stable_for)),
            None if next < self.deadline => Some(next).filter(|_| Instant::now() < self.deadline),
            // Long intervals must not waste the end of the time.
            None => Some(self.last_chance).filter(|chance| asked < *chance),
        }
    }
}

/// Why one answer was not good.
enum ProbeError {
    Forbidden,
    Lost(String),
    Bad(String),
    /// None came.
    Late,
}

impl ProbeError {
    /// `after`: how long an answer was waited for.
    fn words(self, after: Duration) -> String {
        match self {
            ProbeError::Bad(why) | ProbeError::Lost(why) => why,
            ProbeError::Late => format!("no answer in {:.1} s", after.as_secs_f64()),
            ProbeError::Forbidden => HealthError::Forbidden.to_string(),
        }
    }
}

impl From<DialError> for ProbeError {
    fn from(error: DialError) -> Self {
        match error {
            DialError::Forbidden => ProbeError::Forbidden,
            DialError::Refused(why) => ProbeError::Bad(why),
            DialError::Lost(why) => ProbeError::Lost(why),
        }
    }
}

/// One question.
async fn ask(
    connection: &dyn Connection,
    health: &Health,
    release: &str,
    revision: &str,
) -> Result<(), ProbeError> {
    match &health.check {
        HealthCheck::Http(check) => {
            let stream = connection.dial(&check.url.host, check.url.port).await?;
            http::ask(stream, check, [release, revision]).await.map_err(ProbeError::Bad)
        }
        HealthCheck::Tcp { host, port } => Ok(connection.dial(host, *port).await.map(drop)?),
        HealthCheck::Command(_) => Err(ProbeError::Bad("a command is run by the host".to_owned())),
    }
}

/// As one line, of bounded length.
fn line(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().take(LONGEST).map(plain).collect::<String>().trim().to_owned()
}
