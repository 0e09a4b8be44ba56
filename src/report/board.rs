//! Where every host stands, made from events: what a sign of life and live lines are told from.
//!
//! Draws nothing and asks no clock: the time is handed in.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::clean::{self, Lines};
use super::human;
use crate::executor::event::{Event, Phase};

/// All hosts of a run.
#[derive(Debug)]
pub(super) struct Board {
    /// `deploy production`.
    pub title: String,
    pub phase: Option<Phase>,
    pub began: Instant,
    pub rows: Vec<Row>,
    index: HashMap<String, usize>,
    /// How many of the rows are hosts; what comes after is this machine, while a hook runs on it.
    hosts: usize,
}

/// A host.
#[derive(Debug)]
pub(super) struct Row {
    pub host: String,
    pub state: State,
    /// What it does, or did last, and since when.
    pub step: String,
    pub since: Instant,
    /// How it failed, or the last it printed.
    pub last: String,
    lines: Lines,
}

/// Of one host, in the present phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    Failed,
    Working,
    Waiting,
    Done,
}

impl Board {
    pub(super) fn new(now: Instant) -> Self {
        Board {
            title: String::new(),
            phase: None,
            began: now,
            rows: Vec::new(),
            index: HashMap::new(),
            hosts: 0,
        }
    }

    /// Takes one event in.
    pub(super) fn apply(&mut self, event: &Event<'_>, now: Instant) {
        match event {
            Event::Started { action, environment, hosts } => {
                self.title = format!("{} {environment}", action.name());
                self.began = now;
                hosts.iter().for_each(|host| _ = self.row(host, now));
                self.hosts = self.rows.len();
            }
            Event::PhaseStarted { phase, .. } => self.enter(*phase, now),
            Event::Connected { host } => self.row(host, now).turn(State::Done, "connected", now),
            Event::StepEnded { host, .. } => self.leave(host),
            Event::StepStarted { host, step } => self.row(host, now).turn(State::Working, step, now),
            Event::Output { host, bytes, .. } | Event::ErrorOutput { host, bytes } => {
                self.row(host, now).print(bytes)
            }
            Event::HostDone { host, .. } => self.row(host, now).done(),
            Event::HostFailed { host, failure, .. } => {
                let row = self.row(host, now);
                row.turn(State::Failed, failure.step.name(), now);
                row.last = super::human::failure(failure);
            }
            Event::Waiting { host, holder, .. } => {
                let row = self.row(host, now);
                row.turn(State::Waiting, "lock", now);
                row.last = human::lock(holder, false, jiff::Timestamp::now());
            }
            Event::Resolved { app, reference, .. } => {
                let (begin, app) =
                    (if self.title.contains(": ") { "," } else { ":" }, app.unwrap_or_default());
                let what = format!("{app} {reference}");
                self.title = format!("{}{begin} {}", self.title, clean::line(what.trim().as_bytes(), 80));
            }
            Event::PhaseEnded { .. }
            | Event::Commits { .. }
            | Event::Notice { .. }
            | Event::Asking { .. }
            | Event::Interrupted { .. } => {}
        }
    }

    fn enter(&mut self, phase: Phase, now: Instant) {
        // Whoever is done with its part of a phase stays so while others go through theirs.
        let again = self.phase == Some(phase);
        self.phase = Some(phase);
        let stays = |row: &Row| row.state == State::Failed || again && row.state == State::Done;
        for row in self.rows.iter_mut().filter(|row| !stays(row)) {
            row.turn(State::Waiting, "", now);
        }
    }

    fn leave(&mut self, guest: &str) {
        let is_guest = |at: &usize| self.hosts > 0 && *at >= self.hosts && at + 1 == self.rows.len();
        if self.index.get(guest).is_some_and(is_guest) {
            self.index.remove(guest);
            self.rows.pop();
        }
    }

    fn row(&mut self, host: &str, now: Instant) -> &mut Row {
        let next = self.rows.len();
        let at = *self.index.entry(host.to_owned()).or_insert(next);
        if at == next {
            self.rows.push(Row {
                host: clean::line(host.as_bytes(), 60),
                state: State::Waiting,
                step: String::new(),
                since: now,
                last: String::new(),
                lines: Lines::default(),
            });
        }
        &mut self.rows[at]
    }

    /// What hosts are at, counted, the most first: `40 build, 12 fetch, 3 done`.
    pub(super) fn counted<'a>(rows: impl Iterator<Item = &'a Row>) -> String {
        let mut counts: Vec<(usize, &str)> = Vec::new();
        for row in rows {
            let word = row.word();
            match counts.iter_mut().find(|(_, known)| *known == word) {
                Some((count, _)) => *count += 1,
                None => counts.push((1, word)),
            }
        }
        counts.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        let words: Vec<String> = counts.iter().map(|(count, word)| format!("{count} {word}")).collect();
        words.join(", ")
    }

    /// What goes on, in one line, for logs that would otherwise be silent.
    pub(super) fn sign_of_life(&self, now: Instant) -> String {
        let phase = self.phase.map_or("waiting", Phase::name);
        let counted = Board::counted(self.rows.iter());
        format!("still in {phase} after {}: {counted}", human::duration(now - self.began))
    }
}

impl Row {
    fn turn(&mut self, state: State, step: &str, now: Instant) {
        self.state = state;
        self.step = clean::line(step.as_bytes(), 40);
        self.since = now;
        self.last.clear();
        self.lines = Lines::default();
    }

    fn done(&mut self) {
        if self.state != State::Failed {
            self.state = State::Done;
            self.last.clear();
        }
    }

    fn print(&mut self, bytes: &[u8]) {
        let last = &mut self.last;
        self.lines.push(bytes, &mut |line| {
            if !line.is_empty() {
                *last = line;
            }
        });
    }

    /// The last it printed, which may be a line that has not ended.
    pub(super) fn last(&self) -> String {
        self.lines.pending().filter(|line| !line.is_empty()).unwrap_or_else(|| self.last.clone())
    }

    pub(super) fn elapsed(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.since)
    }

    /// What it is at, in a word.
    pub(super) fn word(&self) -> &str {
        match self.state {
            State::Failed => "failed",
            State::Waiting => "waiting",
            State::Done => "done",
            State::Working => &self.step,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Action;

    #[test]
    fn hosts_are_counted_by_what_they_do() {
        let now = Instant::now();
        let mut board = Board::new(now);
        let hosts: Vec<String> = (1..=4).map(|n| format!("web{n}")).collect();
        board
            .apply(&Event::Started { action: Action::Deploy, environment: "production", hosts: &hosts }, now);
        board.apply(&Event::PhaseStarted { phase: Phase::Prepare, part: None }, now);
        for host in &hosts[..2] {
            board.apply(&Event::StepStarted { host, step: "build" }, now);
        }
        board.apply(&Event::StepStarted { host: "web3", step: "fetch" }, now);
        board.apply(&Event::HostDone { host: "web4", phase: Phase::Prepare }, now);
        let later = now + Duration::from_secs(90);
        assert_eq!(board.sign_of_life(later), "still in prepare after 1m 30s: 2 build, 1 fetch, 1 done");
    }

    #[test]
    fn the_last_line_may_be_one_that_has_not_ended() {
        let now = Instant::now();
        let mut board = Board::new(now);
        let output = |bytes| Event::Output { host: "web1", step: "build", bytes };
        board.apply(&output(b"one\ntwo\n\n"), now);
        assert_eq!(board.rows[0].last(), "two");
        board.apply(&output(b"10%\r20%"), now);
        assert_eq!(board.rows[0].last(), "20%");
    }
}
