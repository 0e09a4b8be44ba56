//! What is known of one host during a run, and how it grows with what the host says.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::event::{Event, Failure, FailureKind, Observer};
use super::local_steps::RunningLocalStep;
use super::outcome::Live;
use super::shell_session::{HostMessage, ShellSession};
use crate::plan::{Phase, Who};
use crate::remote::access::Trouble;
use crate::remote::attempt::Attempt;
use crate::remote::journal::Entry;
use crate::remote::wire::{Reply, StderrFrame};
use crate::remote::{remedy, validate};
use crate::transport::{Connection, Exit};

/// How the start command ends where there is no /proc.
const NOT_LINUX: u32 = 9;

/// The bytes kept of what a step printed.
const TAIL: usize = 16 * 1024;

/// How a host stands to the release of a `sync`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum SyncRole {
    /// It is not touched.
    #[default]
    InSync,
    /// It differs, and has the release from earlier.
    HasRelease,
    /// It differs, and does not have it.
    MissingRelease {
        /// Nothing was set up there.
        bare: bool,
    },
}

pub(super) struct HostState {
    pub(super) name: String,
    /// The app's index.
    pub(super) app: usize,
    pub(super) standing: SyncRole,
    /// It is done with going live, and serves.
    pub(super) in_service: bool,
    /// This run has nothing to do there, and let go of it.
    pub(super) idle: bool,
    /// Why it could not be asked, where the run goes on without it.
    pub(super) aside: Option<Failure>,
    /// Shared by the targets of a host; the last that drops it ends it.
    pub(super) connection: Option<Rc<dyn Connection>>,
    pub(super) line: Option<ShellSession>,
    pub(super) facts: BTreeMap<String, String>,
    pub(super) entries: Vec<Entry>,
    /// Answers to the doctor: words and their values, in order.
    pub(super) found: Vec<(String, Vec<String>)>,
    pub(super) attempts: Vec<Attempt>,
    /// Of logs, as they were asked for: which, where, what.
    pub(super) pieces: Vec<(String, u64, Bytes)>,
    pub(super) failure: Option<Failure>,
    /// The failure was told to the observer.
    pub(super) told: bool,
    /// It was live with this run's release at some time.
    pub(super) switched: bool,
    /// The script it is at.
    pub(super) running: Option<u32>,
    /// Exit code of `exec`'s command.
    pub(super) code: Option<u32>,
    /// It was told to go live, or to be restarted, or came to that by itself: from then on it serves what it did only when
    /// it says so.
    pub(super) touched: bool,
    /// The line ended in that phase, while something could still be undone there.
    pub(super) lost: Option<Phase>,
    /// What became of it is not known for sure.
    pub(super) in_doubt: bool,
    /// That it is in doubt it told itself, and what it is to serve is known.
    pub(super) told_doubt: bool,
    /// The last step that failed on the way back, and how it ended.
    pub(super) failed_back: Option<String>,
    pub(super) started: Instant,
    pub(super) took: Duration,
    /// A `migrate` hook ran here.
    pub(super) migrated: bool,
    /// What this machine does for it.
    pub(super) here: Option<RunningLocalStep>,
    /// Variables that it was told after the run began.
    pub(super) told_later: Vec<(String, String)>,
    /// Why git failed here.
    pub(super) trouble: Option<Trouble>,
    /// It may be asking the git server.
    pub(super) fetching: bool,
    step: Option<(String, Instant)>,
    // How much of the log was shown.
    shown: u64,
    tail: Vec<u8>,
    noise: Vec<u8>,
    hello: bool,
    /// It came to the end of a script.
    answered: bool,
    /// All that `exec`'s command prints on its standard error was heard.
    all_heard: bool,
    /// The script that is over but for that: its number and code.
    over: Option<(u32, u32)>,
}

impl HostState {
    pub(super) fn new(name: &str, app: usize) -> Self {
        HostState {
            name: name.to_owned(),
            app,
            standing: SyncRole::default(),
            in_service: false,
            idle: false,
            aside: None,
            connection: None,
            line: None,
            facts: BTreeMap::new(),
            entries: Vec::new(),
            found: Vec::new(),
            attempts: Vec::new(),
            pieces: Vec::new(),
            failure: None,
            told: false,
            switched: false,
            running: None,
            code: None,
            touched: false,
            lost: None,
            in_doubt: false,
            told_doubt: false,
            failed_back: None,
            started: Instant::now(),
            took: Duration::ZERO,
            migrated: false,
            here: None,
            told_later: Vec::new(),
            trouble: None,
            fetching: false,
            step: None,
            shown: 0,
            tail: Vec::new(),
            noise: Vec::new(),
            hello: false,
            answered: false,
            all_heard: false,
            over: None,
        }
    }

    pub(super) fn fact(&self, name: &str) -> Option<&str> {
        self.facts.get(name).map(String::as_str)
    }

    /// Whether what it serves is known: it told, or had nothing to tell.
    pub(super) fn was_asked(&self) -> bool {
        self.answered || !self.facts.is_empty()
    }

    /// What was live when the host was asked.
    pub(super) fn live(&self) -> Option<Live> {
        let release = self.fact("live")?.to_owned();
        Some(Live { release, revision: self.fact("live-revision").unwrap_or_default().to_owned() })
    }

    /// Whether a stage is for it.
    pub(super) fn takes_part(&self, who: Who) -> bool {
        if self.idle || self.aside.is_some() {
            return false;
        }
        match who {
            Who::All => true,
            Who::Bare => self.standing == SyncRole::MissingRelease { bare: true },
            Who::Lacking => matches!(self.standing, SyncRole::MissingRelease { .. }),
            Who::Having => self.standing == SyncRole::HasRelease,
            Who::Differing => self.standing != SyncRole::InSync,
            Who::Rest => self.standing == SyncRole::InSync,
            Who::Asking => self.fact("health").is_some(),
        }
    }

    /// Whether it could not be reached, authenticated or trusted.
    pub(super) fn is_gone(&self) -> bool {
        self.failure.as_ref().is_some_and(|failure| failure.kind == FailureKind::Unreachable)
    }

    /// Whether it can be told anything.
    pub(super) fn reachable(&self) -> bool {
        self.line.is_some()
    }

    /// Takes in what was said. Whether the script it is at is over.
    pub(super) fn hear(&mut self, said: HostMessage, phase: Phase, observer: &mut dyn Observer) -> bool {
        match said {
            HostMessage::Reply(number, reply) => self.reply(number, reply, phase, observer),
            HostMessage::StderrFrame(StderrFrame::Out(at, bytes)) => {
                self.show(at, &bytes, observer);
                false
            }
            HostMessage::StderrFrame(StderrFrame::Raw(bytes)) => {
                if self.hello && phase == Phase::Exec && !bytes.is_empty() {
                    observer.event(&Event::ErrorOutput { host: &self.name, bytes: &bytes });
                } else {
                    self.raw(&bytes, phase, observer);
                }
                false
            }
            HostMessage::StderrFrame(StderrFrame::Beat) | HostMessage::LocalStep(_) => false,
            HostMessage::StderrFrame(StderrFrame::Eof) => {
                self.all_heard = true;
                self.over.take().is_some_and(|(number, code)| self.done(number, code))
            }
            HostMessage::Gone(exit) => {
                self.gone(exit, phase);
                true
            }
        }
    }

    fn reply(&mut self, number: u32, reply: Reply, phase: Phase, observer: &mut dyn Observer) -> bool {
        match reply {
            Reply::Raw(bytes) => self.raw(&bytes, phase, observer),
            Reply::Hello => self.hello = true,
            Reply::Fact(name, value) if !validate::is_fact(&name, &value) => _ = self.facts.remove(&name),
            Reply::Fact(name, value) => _ = self.facts.insert(name, value),
            Reply::Found(word, values) => self.found.push((word, values)),
            Reply::Entry(number, state, pairs) => {
                self.entries.extend(Entry::read(&number, &state, &pairs).filter(validate::is_entry));
            }
            Reply::Attempt(run, pairs) => self.attempts.push(Attempt::read(&run, &pairs)),
            Reply::Piece(of, at, bytes) => self.pieces.push((of, at, bytes)),
            Reply::Step(step, at) => {
                self.shown = self.shown.max(at);
                self.tail.clear();
                self.migrated |= step == "migrate";
                self.touched |= step == "drain";
                self.fetching &= matches!(step.as_str(), "pre-setup" | "pre-deploy" | "fetch" | "submodules");
                observer.event(&Event::StepStarted { host: &self.name, step: &step });
                self.step = Some((step, Instant::now()));
            }
            Reply::Tail(_, at, bytes) => {
                self.tail = bytes.to_vec();
                self.show(at, &bytes, observer);
            }
            Reply::End(step, code, _, at) => {
                self.shown = self.shown.max(at);
                if phase == Phase::Rollback && code != 0 {
                    self.failed_back = Some(format!("{step}: exit {code}"));
                }
                let took = self.step.take().map_or(Duration::ZERO, |(_, since)| since.elapsed());
                observer.event(&Event::StepEnded {
                    host: &self.name,
                    step: &step,
                    exit: &Exit::Code(code),
                    took,
                });
            }
            // The fleet's.
            Reply::Ask(_) => {}
            Reply::Switched(_) => (self.switched, self.touched) = (true, true),
            Reply::Code(code) => self.code = Some(code),
            Reply::Notice(text) => observer.event(&Event::Notice { host: Some(&self.name), text: &text }),
            Reply::Fail(code, step, message) => self.fail(code, step, message),
            Reply::Done(code) => return self.done(number, code),
        }
        false
    }

    /// The end of what this machine printed in a step for the host: of its output there is none.
    pub(super) fn printed_here(&mut self, tail: Vec<u8>) {
        self.tail = tail;
    }

    fn done(&mut self, number: u32, code: u32) -> bool {
        if self.running != Some(number) {
            return false;
        }
        // Standard output and error come by ways of their own: which is first at the end is chance.
        if self.code.is_some() && !self.all_heard {
            self.over = Some((number, code));
            return false;
        }
        self.running = None;
        self.answered = true;
        self.fetching = false;
        if code != 0 && self.failure.is_none() {
            // Our own scripts say why; a code without a reason is a defect worth seeing as it is.
            self.fail(code, "script".into(), format!("ended with {code} without a reason"));
        }
        true
    }

    fn fail(&mut self, code: u32, step: String, message: String) {
        let kind = match code {
            11 => FailureKind::Busy,
            16 => FailureKind::Refused,
            18 => FailureKind::Interrupted,
            _ => FailureKind::Step,
        };
        // Of git's troubles the remedy names hosts, and comes when all have answered.
        if matches!(code, 13 | 17) && self.failure.is_none() {
            self.trouble = self.facts.remove("git-trouble").and_then(|word| Trouble::parse(&word));
        }
        let hint = remedy::hint(code, &step, &message).filter(|_| self.trouble.is_none()).map(str::to_owned);
        let (exit, message) = match message.strip_prefix("exit ").and_then(|code| code.parse().ok()) {
            Some(code) => (Some(Exit::Code(code)), String::new()),
            None => (None, message),
        };
        let tail = std::mem::take(&mut self.tail);
        self.failure.get_or_insert(Failure { kind, step, exit, message, hint, tail });
    }

    fn gone(&mut self, exit: Exit, phase: Phase) {
        self.line = None;
        self.connection = None;
        self.fetching = false;
        if self.running.take().is_none() && phase == Phase::Finish {
            return;
        }
        // Where no shell of ours came up nothing was begun.
        self.lost = self.hello.then_some(phase);
        let text = match &exit {
            Exit::Lost(text) => text.clone(),
            Exit::Code(code) => format!("the session ended with {code}"),
            Exit::Signal(signal) => format!("the session was ended by {signal}"),
        };
        let step = self.step.take().map_or_else(|| phase.name().to_owned(), |(step, _)| step);
        let (kind, message, hint) = if self.hello {
            // Whoever ends a run there ends its shell.
            let hint = match exit {
                Exit::Signal(_) => "did somebody end it there, with `unlock`? `status` shows what it serves",
                _ => "is the host up, and the network? `status` shows what it serves",
            };
            let hint = hint.to_owned();
            (FailureKind::Lost, if matches!(exit, Exit::Lost(_)) { String::new() } else { text }, Some(hint))
        } else if exit == Exit::Code(NOT_LINUX) {
            let kernel = String::from_utf8_lossy(&self.noise).trim().to_owned();
            (
                FailureKind::Unreachable,
                format!("hosts that are not Linux are not yet supported: this is {kernel}"),
                None,
            )
        } else {
            let hint = "log in by hand and run `sh -c 'dd --version; command -v setsid'`: a POSIX sh, dd and setsid are needed";
            (FailureKind::Step, format!("no shell of ours came up: {text}"), Some(hint.to_owned()))
        };
        let tail = if self.hello { std::mem::take(&mut self.tail) } else { std::mem::take(&mut self.noise) };
        self.failure.get_or_insert(Failure { kind, step, exit: Some(exit), message, hint, tail });
    }

    // Bytes of the log from `at` on: what was not shown yet.
    fn show(&mut self, at: u64, bytes: &[u8], observer: &mut dyn Observer) {
        let Some((step, _)) = &self.step else { return };
        let end = at + bytes.len() as u64;
        let skip = usize::try_from(self.shown.saturating_sub(at)).unwrap_or(usize::MAX);
        if skip >= bytes.len() {
            return;
        }
        if at > self.shown {
            let text = format!("… {} bytes not shown …\n", at - self.shown);
            observer.event(&Event::Output { host: &self.name, step, bytes: text.as_bytes() });
        }
        observer.event(&Event::Output { host: &self.name, step, bytes: &bytes[skip..] });
        self.shown = end;
    }

    fn raw(&mut self, bytes: &[u8], phase: Phase, observer: &mut dyn Observer) {
        if bytes.is_empty() {
            return;
        }
        if self.hello && phase == Phase::Exec {
            observer.event(&Event::Output { host: &self.name, step: "exec", bytes });
            return;
        }
        self.noise.extend_from_slice(bytes);
        let extra = self.noise.len().saturating_sub(TAIL);
        self.noise.drain(..extra);
    }
}

#[cfg(test)]
#[path = "host_tests.rs"]
mod tests;
