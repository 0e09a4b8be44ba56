//! How the state of a host grows with what the host says.

use std::time::{Duration, Instant};

use super::event::{Event, Failure, FailureKind, Observer};
use super::host::{FailedStep, HostState, Shell};
use super::message::HostMessage;
use super::notice::Notice;
use crate::plan::Phase;
use crate::remote::attempt::Attempt;
use crate::remote::journal::Entry;
use crate::remote::program::STARTED;
use crate::remote::reason::{Meaning, Reason};
use crate::remote::step::Step;
use crate::remote::wire::{Reply, StderrFrame};
use crate::transport::Exit;

/// How the start command ends where there is no /proc.
const NOT_LINUX: u32 = 9;

/// The bytes kept of what a step printed.
const TAIL: usize = 16 * 1024;

impl HostState {
    /// Takes in what was said. Whether the script it is at is over.
    pub(super) fn hear(&mut self, said: HostMessage, phase: Phase, observer: &mut dyn Observer) -> bool {
        match said {
            HostMessage::Reply(number, reply) => self.reply(number, reply, phase, observer),
            HostMessage::StderrFrame(StderrFrame::Out(at, bytes)) => {
                self.show(at, &bytes, observer);
                false
            }
            HostMessage::StderrFrame(StderrFrame::Raw(bytes)) => {
                if self.has_started() && phase == Phase::Exec && !bytes.is_empty() {
                    observer.event(&Event::ErrorOutput { host: &self.name, bytes: &bytes });
                } else {
                    self.raw(&bytes, phase, observer);
                }
                false
            }
            HostMessage::StderrFrame(StderrFrame::Beat) | HostMessage::LocalStep(_) => false,
            HostMessage::StderrFrame(StderrFrame::Eof) => {
                self.output.stderr_ended = true;
                self.output.ended.take().is_some_and(|(number, code)| self.done(number, code))
            }
            HostMessage::Gone(exit) => {
                self.gone(exit, phase);
                true
            }
        }
    }

    fn has_started(&self) -> bool {
        self.shell >= Shell::Started
    }

    fn reply(&mut self, number: u32, reply: Reply, phase: Phase, observer: &mut dyn Observer) -> bool {
        match reply {
            Reply::Raw(bytes) => self.raw(&bytes, phase, observer),
            Reply::Fact(name, value) => self.facts.take(&name, &value),
            Reply::Found(word, values) => self.found.push((word, values)),
            Reply::Entry(number, state, pairs) => {
                self.entries.extend(Entry::read(&number, &state, &pairs).filter(Entry::is_well_formed));
            }
            Reply::Attempt(run, pairs) => self.attempts.push(Attempt::read(&run, &pairs)),
            Reply::Piece(of, at, bytes) => self.pieces.push((of, at, bytes)),
            Reply::Step(step, at) => {
                self.output.shown = self.output.shown.max(at);
                self.output.tail.clear();
                let known = Step::parse(&step);
                self.migrated |= known == Some(Step::Migrate);
                if known == Some(Step::Drain) {
                    self.fate.touch();
                }
                self.fetching &= known.is_some_and(Step::may_fetch);
                observer.event(&Event::StepStarted { host: &self.name, step: &step });
                self.output.step = Some((step, Instant::now()));
            }
            Reply::Tail(_, at, bytes) => {
                self.output.tail = bytes.to_vec();
                self.show(at, &bytes, observer);
            }
            Reply::End(step, code, why, at) => {
                self.output.shown = self.output.shown.max(at);
                if phase == Phase::Rollback && code != 0 {
                    self.failed_recovery_step = Some(FailedStep {
                        step: Step::of_host(&step),
                        code,
                        not_started: matches!(why.as_str(), "unnamed" | "nowhere"),
                    });
                }
                let took = self.output.step.take().map_or(Duration::ZERO, |(_, since)| since.elapsed());
                observer.event(&Event::StepEnded {
                    host: &self.name,
                    step: &step,
                    exit: &Exit::Code(code),
                    took,
                });
            }
            // The fleet's.
            Reply::Ask(_) | Reply::Warning(..) | Reply::Need | Reply::Hello => {}
            Reply::Switched(_) => self.fate.switch(),
            Reply::Code(code) => self.code = Some(code),
            Reply::Notice(text) => Notice::FromHost { host: self.name.clone(), text }.tell(observer),
            Reply::Fail(word, step, fields) => self.fail(&word, Step::of_host(&step), &fields),
            Reply::Done(code) => return self.done(number, code),
        }
        false
    }

    /// The end of what this machine printed in a step for the host: of its output there is none.
    pub(super) fn printed_here(&mut self, tail: Vec<u8>) {
        self.output.tail = tail;
    }

    fn done(&mut self, number: u32, code: u32) -> bool {
        if self.running != Some(number) {
            return false;
        }
        // Standard output and error come by ways of their own: which is first at the end is chance.
        if self.code.is_some() && !self.output.stderr_ended {
            self.output.ended = Some((number, code));
            return false;
        }
        self.running = None;
        self.shell = Shell::Answered;
        self.fetching = false;
        if code != 0 && self.failure.is_none() {
            // Our own scripts say why; a code without a reason is a defect worth seeing as it is.
            let message = format!("the script ended with exit code {code} and gave no reason");
            self.failed_with(FailureKind::Step, Step::Script, message);
        }
        true
    }

    fn fail(&mut self, word: &str, step: Step, fields: &[String]) {
        let Some(reason) = Reason::parse(word, fields) else {
            let message =
                format!("the host gave a reason that is not known here: {word} {}", fields.join(" "));
            return self.failed_with(FailureKind::Step, step, message);
        };
        let kind = match reason.meaning() {
            Meaning::Failed => FailureKind::Step,
            Meaning::Busy => FailureKind::Busy,
            Meaning::Refused => FailureKind::Refused,
            Meaning::Interrupted => FailureKind::Interrupted,
        };
        let exit = reason.exit_code().map(Exit::Code);
        let message = if exit.is_some() { String::new() } else { reason.message() };
        let hint = reason.hint(step).map(str::to_owned);
        let tail = std::mem::take(&mut self.output.tail);
        self.failure.get_or_insert(Failure { kind, step, exit, message, reason: Some(reason), hint, tail });
    }

    fn failed_with(&mut self, kind: FailureKind, step: Step, message: String) {
        let tail = std::mem::take(&mut self.output.tail);
        let failure = Failure { kind, step, exit: None, message, reason: None, hint: None, tail };
        self.failure.get_or_insert(failure);
    }

    fn gone(&mut self, exit: Exit, phase: Phase) {
        self.session = None;
        self.connection = None;
        self.fetching = false;
        if self.running.take().is_none() && phase == Phase::Finish {
            return;
        }
        let ran = take_mark(&mut self.output.noise);
        // Where the shipit shell did not start, nothing was begun.
        self.lost = self.has_started().then_some(phase);
        let text = match &exit {
            Exit::Lost(text) => text.clone(),
            Exit::Code(code) => format!("the session ended with {code}"),
            Exit::Signal(signal) => format!("the session was ended by {signal}"),
        };
        let step = self.output.step.take().map_or(phase.step(), |(step, _)| Step::of_host(&step));
        let (kind, message, hint) = if self.has_started() {
            // Ending a run on the host ends its shell.
            let hint = match exit {
                Exit::Signal(_) => {
                    "another user may have run `unlock`; `{shipit} status` shows what it serves"
                }
                _ => "is the host up, and the network? `{shipit} status` shows what it serves",
            };
            let hint = hint.to_owned();
            (FailureKind::Lost, if matches!(exit, Exit::Lost(_)) { String::new() } else { text }, Some(hint))
        } else if exit == Exit::Code(NOT_LINUX) {
            let kernel = String::from_utf8_lossy(&self.output.noise).trim().to_owned();
            let (message, hint) = match kernel.as_str() {
                "Linux" => (
                    "/proc is not mounted on this host, and shipit needs it".to_owned(),
                    Some("mount it there: mount -t proc proc /proc".to_owned()),
                ),
                kernel => (format!("hosts that are not Linux are not yet supported: this is {kernel}"), None),
            };
            (FailureKind::Unreachable, message, hint)
        } else if !ran && matches!(exit, Exit::Code(_)) {
            // nologin, git-shell, or a server that takes files only.
            let hint = "`ssh` with a command ends in the same way: shipit needs an account whose login shell runs commands";
            let message = format!("this account runs no commands: {text}");
            (FailureKind::Unreachable, message, Some(hint.to_owned()))
        } else {
            let hint = "log in by hand and run `sh -c 'dd --version; command -v setsid'`: a POSIX sh, dd and setsid are needed";
            (FailureKind::Step, format!("could not start the shipit shell: {text}"), Some(hint.to_owned()))
        };
        let tail = if self.has_started() {
            std::mem::take(&mut self.output.tail)
        } else {
            std::mem::take(&mut self.output.noise)
        };
        let failure = Failure { kind, step, exit: Some(exit), message, reason: None, hint, tail };
        self.failure.get_or_insert(failure);
    }

    // Bytes of the log from `at` on: what was not shown yet.
    fn show(&mut self, at: u64, bytes: &[u8], observer: &mut dyn Observer) {
        let Some((step, _)) = &self.output.step else { return };
        let end = at + bytes.len() as u64;
        let skip = usize::try_from(self.output.shown.saturating_sub(at)).unwrap_or(usize::MAX);
        if skip >= bytes.len() {
            return;
        }
        if at > self.output.shown {
            let text = format!("… {} bytes not shown …\n", at - self.output.shown);
            observer.event(&Event::Output { host: &self.name, step, bytes: text.as_bytes() });
        }
        observer.event(&Event::Output { host: &self.name, step, bytes: &bytes[skip..] });
        self.output.shown = end;
    }

    fn raw(&mut self, bytes: &[u8], phase: Phase, observer: &mut dyn Observer) {
        if bytes.is_empty() {
            return;
        }
        if self.has_started() && phase == Phase::Exec {
            observer.event(&Event::Output { host: &self.name, step: "exec", bytes });
            return;
        }
        self.output.noise.extend_from_slice(bytes);
        let extra = self.output.noise.len().saturating_sub(TAIL);
        self.output.noise.drain(..extra);
    }
}

/// Takes what [`STARTED`] is out of what was said before the program was there. Returns whether it was in it.
fn take_mark(noise: &mut Vec<u8>) -> bool {
    let at = noise.windows(STARTED.len()).position(|part| part == STARTED.as_bytes());
    if let Some(at) = at {
        noise.drain(at..at + STARTED.len());
    }
    at.is_some()
}

#[cfg(test)]
#[path = "hear_tests.rs"]
mod tests;
