//! `shipit ENV logs`: the end of the app's log files on all hosts, `host | line`; with `-f`, what comes next, until Ctrl-C.
//!
//! The hosts are asked for what is new only when what they sent before is written: so a slow reader (a pager, Ctrl-S) fills
//! no memory here, and no host takes its operator for lost.

use std::collections::BTreeMap;
use std::time::Duration;

use super::context::Context;
use crate::config::App;
use crate::error::{Error, UsageError, exit, interrupted};
use crate::executor::Looking;
use crate::plan;
use crate::remote::facts::Facts;
use crate::remote::since::Since;
use crate::report::output::{Lines, write};
use crate::report::{Deaf, Note, Silent, clean};

/// How often hosts are asked for more.
const PAUSE: Duration = Duration::from_millis(500);
/// A piece of this size may have more behind it: `PIECE` of `look.sh`.
const FULL: usize = 131_072;
/// Columns of a host's name.
const HOST_WIDTH: usize = 32;

pub(super) async fn run(
    context: Context<'_>,
    follow: bool,
    lines: Option<u32>,
    since: Option<Since>,
) -> Result<u8, Error> {
    let environment = &context.environment;
    if !environment.apps.iter().any(App::has_logs) {
        return Err(UsageError::NoLogs.into());
    }
    let plan = plan::logs(environment.clone(), &context.options(false)?, lines, since);
    let transport = context.transport().await?;
    let mut silent = Silent;
    let looking = Looking::begin(&plan, transport, &mut silent, Context::interrupt()?).await;
    let names = environment.sites.iter().map(|site| environment.site_name(site)).collect();
    let mut tails = Tails::new(&context, names);
    let mut looking = looking;
    let deaf = Deaf::begin(context.printer);
    let code = tails.all(&mut looking, follow).await;
    drop(deaf);
    looking.end().await;
    Ok(code)
}

struct Tails<'a> {
    context: &'a Context<'a>,
    names: Vec<String>,
    prefixes: Vec<String>,
    lines: BTreeMap<(usize, String), Lines>,
    told: Vec<bool>,
}

impl<'a> Tails<'a> {
    fn new(context: &'a Context<'a>, names: Vec<String>) -> Self {
        let clean: Vec<String> = names.iter().map(|name| clean::line(name.as_bytes(), HOST_WIDTH)).collect();
        let width = clean.iter().map(|name| name.chars().count()).max().unwrap_or(0);
        let prefixes = clean.iter().map(|name| format!("{name:width$} | ")).collect();
        Tails { context, told: vec![false; names.len()], names, prefixes, lines: BTreeMap::new() }
    }

    async fn all(&mut self, looking: &mut Looking<'_>, follow: bool) -> u8 {
        self.about_files(looking, follow);
        loop {
            let (mut out, full) = self.take(looking);
            self.about_failures(looking);
            // What is left of a long log is asked for first.
            let over = !follow && !full;
            if over {
                for ((host, _), lines) in &mut self.lines {
                    lines.finish(&self.prefixes[*host], &mut out);
                }
            }
            let read = self.written(looking, out).await;
            if looking.signal() != 0 {
                return interrupted(looking.signal());
            }
            if !read || over || !looking.any_left() {
                break;
            }
            if !full && looking.pause(PAUSE).await {
                return interrupted(looking.signal());
            }
            looking.again(None, &[]).await;
        }
        self.code(looking)
    }

    /// Waits for the reader, or until the user interrupts.
    async fn written(&self, looking: &mut Looking<'_>, out: Vec<u8>) -> bool {
        tokio::select! {
            read = write(self.context.printer, out) => read,
            true = looking.pause(Duration::MAX) => false,
        }
    }

    fn take(&mut self, looking: &mut Looking<'_>) -> (Vec<u8>, bool) {
        let (mut out, mut full) = (Vec::new(), false);
        for piece in looking.pieces() {
            full |= piece.bytes.len() >= FULL;
            let lines = self.lines.entry((piece.host, piece.of)).or_default();
            lines.push(&piece.bytes, &self.prefixes[piece.host], self.context.printer, &mut out);
        }
        (out, full)
    }

    fn about_failures(&mut self, looking: &Looking<'_>) {
        for (at, name) in self.names.iter().enumerate() {
            if let (false, Some(failure)) = (self.told[at], looking.failure(at)) {
                self.told[at] = true;
                self.context.printer.host_failure(name, failure);
            }
        }
    }

    fn about_files(&self, looking: &Looking<'_>, follow: bool) {
        let printer = self.context.printer;
        for (at, name) in self.names.iter().enumerate() {
            let Some(facts) = looking.facts(at) else { continue };
            if let Some(file) = &facts.unreadable {
                printer.note(Note::LogUnreadable { host: name, file });
            }
            if let Some(file) = &facts.untimed {
                printer.note(Note::LogUntimed { host: name, file });
            }
            if let Some(unit) = &facts.no_journal {
                printer.note(Note::NoJournal { host: name, unit });
            }
            if facts.files == Some(0) {
                let environment = &self.context.environment;
                let patterns = environment.apps[environment.sites[at].app].logs.join(", ");
                printer.note(Note::NoLogFile { host: name, patterns: &patterns, waiting: follow });
            }
        }
    }

    /// 4 where a host was not reached or lost, 1 where one has no file, or one that could not be shown.
    fn code(&self, looking: &Looking<'_>) -> u8 {
        use crate::executor::event::FailureKind::{Lost, Unreachable};
        let kinds: Vec<_> = (0..self.names.len()).filter_map(|at| Some(looking.failure(at)?.kind)).collect();
        let lacks =
            |facts: &Facts| facts.files == Some(0) || facts.untimed.is_some() || facts.no_journal.is_some();
        let empty = (0..self.names.len()).filter_map(|at| looking.facts(at)).any(lacks);
        match () {
            () if kinds.iter().any(|kind| matches!(kind, Lost | Unreachable)) => exit::UNREACHABLE,
            () if !kinds.is_empty() || empty => exit::FAILED,
            () => exit::OK,
        }
    }
}
