//! Events for machines: one JSON object a line, in the shape that `schema.json` describes and `shipit schema --events`
//! prints. The fields are an API: what is there stays, what is new is added, and `v` counts what breaks that.
//!
//! Text of hosts is in it as it came, but as UTF-8: whatever shows it has to make it harmless.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::background::{Background, Loss};
use super::{Verbosity, clean};
use crate::error::Error;
use crate::executor::event::{Event, Observer};
use crate::executor::outcome::{Outcome, exit_to_json};
use crate::plan::Action;

mod pieces;

use pieces::Pieces;

/// Of the shape of events.
const VERSION: u32 = 1;

/// The shape of every event, as JSON Schema.
pub const SCHEMA: &str = include_str!("schema.json");

/// The machine's reader of events.
#[derive(Debug)]
pub(super) struct Json {
    out: Background,
    verbosity: Verbosity,
    /// Nothing is held on hosts, so a slow reader may be waited for.
    patient: bool,
    /// What hosts print in their present step, by host and stream.
    streams: HashMap<(String, StreamName), Pieces>,
    dropped: usize,
}

/// `stdout` or `stderr`.
type StreamName = &'static str;

/// What printed something.
#[derive(Debug, Clone, Copy)]
struct Source<'a> {
    host: &'a str,
    step: &'a str,
    stream: StreamName,
}

impl Json {
    /// `out`: where its lines go, as data.
    pub(super) fn new(out: Background, verbosity: Verbosity) -> Self {
        Json { out, verbosity, patient: false, streams: HashMap::new(), dropped: 0 }
    }

    /// What remembers that not all could be written.
    pub(super) fn loss(&self) -> Loss {
        self.out.loss()
    }

    /// The last event.
    pub(super) fn end(&mut self, outcome: &Outcome, code: u8) {
        self.report_dropped();
        self.out.data_at_once(&line("finished", json!({ "exit_code": code, "outcome": outcome.to_value() })));
    }

    fn matters(&self, event: &Event<'_>) -> bool {
        let always = matches!(
            event,
            Event::Started { .. }
                | Event::HostFailed { .. }
                | Event::Notice { .. }
                | Event::Asking { .. }
                | Event::Interrupted { .. }
        );
        // What `exec` prints is why it was run.
        let of_exec =
            matches!(event, Event::Output { step: "exec", .. } | Event::StepEnded { step: "exec", .. });
        always || of_exec || matches!(event, Event::ErrorOutput { .. }) || self.verbosity > Verbosity::Quiet
    }

    fn print(&mut self, from: Source<'_>, bytes: &[u8]) {
        let mut texts = Vec::new();
        let key = (from.host.to_owned(), from.stream);
        self.streams.entry(key).or_default().push(bytes, &mut |text| texts.push(text));
        texts.iter().for_each(|text| self.output(from, text));
    }

    // What a run that holds the lock prints may be more than its reader takes: it is counted, not waited for.
    fn output(&mut self, from: Source<'_>, text: &str) {
        let Source { host, step, stream } = from;
        let line = line("output", json!({ "host": host, "step": step, "stream": stream, "text": text }));
        if self.patient {
            self.out.data(&line);
        } else if self.out.has_room() {
            self.report_dropped();
            self.out.data_at_once(&line);
        } else {
            self.dropped += 1;
        }
    }

    fn report_dropped(&mut self) {
        let count = std::mem::take(&mut self.dropped);
        if count > 0 {
            self.out.data_at_once(&line("dropped", json!({ "count": count })));
        }
    }

    fn finish_streams(&mut self, host: &str, step: &str) {
        for stream in ["stdout", "stderr"] {
            let rest = self.streams.remove(&(host.to_owned(), stream)).and_then(|mut pieces| pieces.finish());
            if let Some(text) = rest {
                self.output(Source { host, step, stream }, &text);
            }
        }
    }
}

impl Observer for Json {
    fn event(&mut self, event: &Event<'_>) {
        if let Event::Started { action, .. } = event {
            self.patient = *action == Action::Exec;
        }
        if !self.matters(event) {
            return;
        }
        match event {
            Event::Output { host, step, bytes } => {
                self.print(Source { host, step, stream: "stdout" }, bytes);
            }
            Event::ErrorOutput { host, bytes } => {
                self.print(Source { host, step: "exec", stream: "stderr" }, bytes);
            }
            Event::StepEnded { host, step, .. } => self.finish_streams(host, step),
            _ => {}
        }
        if let Some((kind, fields)) = fields(event) {
            self.out.data_at_once(&line(kind, fields));
        }
    }

    fn tick(&mut self) {}
}

/// The one event of a command that ended before it had anything to report.
#[must_use]
pub fn error(error: &Error) -> Value {
    let fields = json!({ "exit_code": error.exit_code(), "message": error.message(), "hint": error.hint() });
    whole("error", fields)
}

fn line(kind: &str, fields: Value) -> String {
    format!("{}\n", clean::json(&whole(kind, fields).to_string()))
}

fn whole(kind: &str, mut fields: Value) -> Value {
    let time = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
    let mut all = json!({ "v": VERSION, "time": time, "event": kind });
    if let (Some(all), Some(fields)) = (all.as_object_mut(), fields.as_object_mut()) {
        all.append(fields);
    }
    all
}

/// The kind and fields of an event; those of output are made in pieces.
fn fields(event: &Event<'_>) -> Option<(&'static str, Value)> {
    Some(match event {
        Event::Started { action, environment, hosts } => {
            let shipit = env!("CARGO_PKG_VERSION");
            (
                "started",
                json!({ "shipit": shipit, "environment": environment, "action": action.name(), "hosts": hosts }),
            )
        }
        Event::Resolved { app, reference, revision, release } => {
            let fields = json!({ "app": app, "ref": reference, "revision": revision, "release": release });
            ("resolved", fields)
        }
        Event::Commits { app, from, to, pending } => {
            let commits: Vec<Value> = pending
                .commits
                .iter()
                .map(|c| json!({ "revision": c.revision, "subject": c.subject }))
                .collect();
            let (total, taken_back) = (pending.total, pending.dropped_total);
            let fields = json!({ "app": app, "from": from, "to": to, "total": total, "taken_back": taken_back, "commits": commits });
            ("commits", fields)
        }
        Event::PhaseStarted { phase, part } => {
            ("phase-started", json!({ "phase": phase.name(), "part": part }))
        }
        Event::PhaseEnded { phase, took, failed } => {
            let seconds = took.as_secs_f64();
            ("phase-ended", json!({ "phase": phase.name(), "seconds": seconds, "failed": failed }))
        }
        Event::Connected { host } => ("connected", json!({ "host": host })),
        Event::StepStarted { host, step } => ("step-started", json!({ "host": host, "step": step })),
        Event::StepEnded { host, step, exit, took } => {
            let (exit, seconds) = (exit_to_json(exit), took.as_secs_f64());
            ("step-ended", json!({ "host": host, "step": step, "exit": exit, "seconds": seconds }))
        }
        Event::HostDone { host, phase } => ("host-done", json!({ "host": host, "phase": phase.name() })),
        Event::HostFailed { host, phase, failure } => {
            let failure = failure.to_json();
            ("host-failed", json!({ "host": host, "phase": phase.name(), "failure": failure }))
        }
        Event::Waiting { host, holder, .. } => {
            ("waiting", json!({ "host": host, "holder": holder, "by": super::json::by(holder) }))
        }
        Event::Notice { host, text } => ("notice", json!({ "host": host, "text": text })),
        Event::Asking { question } => ("asking", json!({ "question": question })),
        Event::Interrupted { signal, alone, .. } => {
            ("interrupted", json!({ "signal": signal, "alone": alone }))
        }
        Event::Output { .. } | Event::ErrorOutput { .. } => return None,
    })
}
