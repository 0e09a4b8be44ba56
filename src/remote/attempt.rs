//! What a host wrote down of a run beside its log: what it was about, its steps and where in the log their output is. Also of
//! runs that failed before they came into the journal.

use super::reason::Reason;
use super::version::Version;

/// A run, in a journal or only on record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Known {
    /// Its name, which names its log; empty where only a journal of before that was written down has it.
    pub run: String,
    /// `deploy`, `revert`, `setup` …
    pub action: String,
    /// What it was to make live; empty where it was about none.
    pub release: String,
    /// What that was made of; none where it is about none, or where that is not known.
    pub version: Option<Version>,
    /// The ref it was asked by.
    pub reference: String,
    /// The operator: login and machine.
    pub who: String,
    /// When, by the operator's clock: RFC 3339.
    pub when: String,
}

/// The record of one run on one host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attempt {
    /// What it was about.
    pub known: Known,
    /// Step and reason of the first failure on that host.
    pub failed: Option<String>,
    /// It holds the lock there.
    pub running: bool,
    /// Its steps, in order.
    pub steps: Vec<Step>,
}

/// One step that ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// `fetch`, `build`, `reload` …
    pub name: String,
    /// It ran on the way back to the release before.
    pub rollback: bool,
    /// Where its output begins in the log.
    pub from: u64,
    /// Where that ends, the exit code, and how it came to that (`exit`, `limit`, `stop`); none: it was never seen to end.
    pub end: Option<(u64, u32, String)>,
}

impl Attempt {
    /// From what the host said.
    #[must_use]
    pub fn read(run: &str, pairs: &[(String, String)]) -> Attempt {
        let mut attempt = Attempt::default();
        attempt.known.run = run.to_owned();
        let mut failures: Vec<RecordedFailure> = Vec::new();
        let mut rollback = false;
        for (key, value) in pairs {
            let text = value.clone();
            match key.as_str() {
                "action" => attempt.known.action = text,
                "release" => attempt.known.release = text,
                "revision" => attempt.known.version = Version::parse(value),
                "reference" => attempt.known.reference = text,
                "who" => attempt.known.who = text,
                "when" => attempt.known.when = text,
                "reason" => failures.extend(RecordedFailure::read(value)),
                "field" => failures
                    .iter_mut()
                    .next_back()
                    .into_iter()
                    .for_each(|last| last.fields.push(text.clone())),
                "running" => attempt.running = true,
                "rollback" => rollback = true,
                "step" => attempt.steps.extend(begun(value, rollback)),
                "end" => attempt.end(value).unwrap_or_default(),
                _ => {}
            }
        }
        attempt.failed = failures.first().map(RecordedFailure::message);
        attempt
    }

    fn end(&mut self, value: &str) -> Option<()> {
        let mut fields = value.splitn(4, ' ');
        let end = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?, fields.next()?.to_owned());
        let name = fields.next()?;
        let step = self.steps.iter_mut().rev().find(|step| step.name == name && step.end.is_none())?;
        step.end = Some(end);
        Some(())
    }
}

// A failure as a run's record has it: `reason`, then a `field` for each of its fields.
struct RecordedFailure {
    step: String,
    word: String,
    fields: Vec<String>,
}

impl RecordedFailure {
    fn read(value: &str) -> Option<RecordedFailure> {
        let (step, word) = value.split_once(' ')?;
        Some(RecordedFailure { step: step.to_owned(), word: word.to_owned(), fields: Vec::new() })
    }

    fn message(&self) -> String {
        let reason = Reason::parse(&self.word, &self.fields);
        // A record by another version, or cut short by a full disk.
        let message = reason.map_or_else(|| self.word.clone(), |reason| reason.message());
        format!("{}: {message}", self.step)
    }
}

fn begun(value: &str, rollback: bool) -> Option<Step> {
    let (from, name) = value.split_once(' ')?;
    Some(Step { name: name.to_owned(), rollback, from: from.parse().ok()?, end: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_down_is_read_and_half_a_line_is_no_harm() {
        let lines = [
            ("action", "deploy"),
            ("step", "0 fetch"),
            ("end", "12 0 exit fetch"),
            ("rollback", "yes"),
            ("step", "12 rollback"),
            ("end", "99"),
            ("end", "x 0 exit rollback"),
            ("reason", "build step-failed"),
            ("field", "1"),
            ("reason", "rollback stopped"),
            ("step", "nonsense"),
            ("later", "unknown"),
        ];
        let pairs: Vec<(String, String)> = lines.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        let read = Attempt::read("r1", &pairs);
        assert_eq!((read.known.run.as_str(), read.known.action.as_str()), ("r1", "deploy"));
        assert_eq!(read.failed.as_deref(), Some("build: exit 1"));
        let fetch =
            Step { name: "fetch".into(), rollback: false, from: 0, end: Some((12, 0, "exit".into())) };
        let back = Step { name: "rollback".into(), rollback: true, from: 12, end: None };
        assert_eq!(read.steps, [fetch, back]);
    }
}
