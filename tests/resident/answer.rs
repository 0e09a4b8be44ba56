//! What a resident shell said: all of it in order, and what it means for one script.

use std::collections::BTreeMap;

use shipit::remote::reason::Reason;
use shipit::remote::warning::Warning;
use shipit::remote::wire::{Reply, StderrFrame};

/// Everything heard so far.
#[derive(Debug, Default)]
pub struct Heard {
    /// Replies, each with the number of the script it answers.
    pub replies: Vec<(u32, Reply)>,
    /// Beats that were answered.
    pub beats: usize,
    /// Live output: where in the log, and how much.
    pub live: Vec<(u64, usize)>,
    /// What was on standard error and was no frame.
    pub noise: Vec<u8>,
    /// Both ends of output are closed.
    pub ended: usize,
}

impl Heard {
    /// Takes in a piece of standard error.
    pub fn side(&mut self, side: StderrFrame) {
        match side {
            StderrFrame::Beat => self.beats += 1,
            StderrFrame::Out(at, bytes) => self.live.push((at, bytes.len())),
            StderrFrame::Raw(bytes) => self.noise.extend_from_slice(&bytes),
            StderrFrame::Eof => {}
        }
    }

    /// The answer to script `number`, when it is complete.
    pub fn answer(&self, number: u32) -> Option<Answer> {
        let said = || self.replies.iter().filter(|(n, _)| *n == number).map(|(_, reply)| reply);
        let code = said().find_map(|reply| match reply {
            Reply::Done(code) => Some(*code),
            _ => None,
        })?;
        let mut answer = Answer { code, ..Answer::default() };
        for reply in said() {
            match reply {
                Reply::Fact(name, value) => drop(answer.facts.insert(name.clone(), value.clone())),
                Reply::Fail(word, step, fields) => {
                    let reason = Reason::parse(word, fields);
                    answer.fail = Some((reason.unwrap_or_else(|| panic!("{reply:?}")), step.clone()));
                }
                Reply::End(step, code, why, _) => answer.ends.push((step.clone(), *code, why.clone())),
                Reply::Entry(_, state, pairs) => answer.entries.push((state.clone(), pairs.clone())),
                Reply::Warning(word, fields) => {
                    answer.warnings.push(Warning::parse(word, fields).unwrap_or_else(|| panic!("{reply:?}")));
                }
                Reply::Notice(text) => answer.notices.push(text.clone()),
                Reply::Tail(_, _, bytes) => answer.tails.push(bytes.to_vec()),
                Reply::Code(code) => answer.exec = Some(*code),
                _ => {}
            }
        }
        Some(answer)
    }
}

/// The answer to one script.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    pub code: u32,
    /// Reason and step.
    pub fail: Option<(Reason, String)>,
    pub facts: BTreeMap<String, String>,
    /// Steps that ended: name, code, how.
    pub ends: Vec<(String, u32, String)>,
    pub entries: Vec<(String, Vec<(String, String)>)>,
    pub notices: Vec<String>,
    pub warnings: Vec<Warning>,
    pub tails: Vec<Vec<u8>>,
    /// The code of `exec`'s command.
    pub exec: Option<u32>,
}

impl Answer {
    /// It went well.
    pub fn good(self) -> Self {
        assert!(self.code == 0 && self.fail.is_none(), "{self:?}");
        self
    }

    /// It failed for the reason of that word, and the message made of it holds `text`.
    pub fn failed(self, word: &str, text: &str) -> Self {
        let (reason, _) = self.fail.clone().unwrap_or_else(|| panic!("it gave no reason: {self:?}"));
        let message = reason.message();
        assert!(
            reason.word() == word && self.code != 0 && message.contains(text),
            "not {word}, {text:?}: {self:?}"
        );
        self
    }

    /// A fact, or nothing.
    pub fn fact(&self, name: &str) -> &str {
        self.facts.get(name).map_or("", String::as_str)
    }
}
