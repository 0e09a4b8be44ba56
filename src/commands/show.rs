//! `shipit ENV show`: one deploy, also one that failed: what it was about, how it ended on each host, and all that its steps
//! printed, from the logs on the hosts. Logs of any size pass through in pieces.

use jiff::Timestamp;

use super::chain::Chain;
use super::context::{Context, exit_code};
use crate::cli::Show;
use crate::error::{Error, NotFound, exit, interrupted};
use crate::executor::{Looked, Looking};
use crate::plan;
use crate::remote::attempt::{Known, Step};
use crate::remote::history;
use crate::report::output::{StepOutput, write};
use crate::report::{Deaf, Note, Silent, clean, deploys, json};

/// Bytes that a host is asked for at once.
const PIECE: u64 = 1 << 20;

pub(super) async fn run(context: Context<'_>, which: &Show) -> Result<u8, Error> {
    let plan = plan::output(context.environment.clone(), &context.options(false)?);
    let transport = context.transport().await?;
    let mut silent = Silent;
    let mut looking = Looking::begin(&plan, transport, &mut silent, Context::interrupt()?).await;
    let looked = looking.answers();
    for host in &looked {
        if let Some(failure) = &host.failure {
            context.printer.host_failure(&host.host, failure);
        }
    }
    let code = match chosen(&looked, which) {
        Err(error) => Err(error),
        Ok(None) => {
            if context.wants_json() {
                context.printer.json(&serde_json::Value::Null);
            }
            if exit_code(&looked) == exit::OK {
                context.printer.note(Note::NothingDeployed);
            }
            Ok(exit_code(&looked))
        }
        Ok(Some(known)) => {
            if context.wants_json() {
                write_json(&context, &json::begin(&known));
            } else {
                context.printer.data(&deploys::head(&known, &looked, Timestamp::now()));
            }
            Ok(outputs(&context, &mut looking, &looked, &known).await)
        }
    };
    looking.end().await;
    code
}

fn chosen(looked: &[Looked], which: &Show) -> Result<Option<Known>, Error> {
    let runs = history::runs(looked.iter().flat_map(|h| &h.entries), looked.iter().flat_map(|h| &h.attempts));
    match which {
        Show::Latest => Ok(runs.last().cloned()),
        Show::Back(back) => {
            let chain = Chain::of(looked);
            if chain.live.is_none() {
                return Ok(None);
            }
            let release = chain.release(usize::try_from(*back).unwrap_or(usize::MAX));
            let known = release.and_then(|release| history::of_release(&runs, release));
            known.cloned().map(Some).ok_or_else(|| NotFound::Back { back: *back }.into())
        }
        Show::Named(name) => match history::named(&runs, name) {
            Ok(known) => Ok(Some(known.clone())),
            Err(names) if names.is_empty() => Err(NotFound::Named { name: name.clone() }.into()),
            Err(names) => {
                let candidates = names.iter().map(|name| clean::line(name.as_bytes(), 60)).collect();
                Err(NotFound::Ambiguous { name: name.clone(), candidates }.into())
            }
        },
    }
}

/// Host by host, step by step.
async fn outputs(context: &Context<'_>, looking: &mut Looking<'_>, looked: &[Looked], known: &Known) -> u8 {
    let json = context.wants_json();
    let mut any = false;
    let deaf = Deaf::begin(context.printer);
    for (at, host) in looked.iter().enumerate() {
        if json && !write_json(context, &json::host(host, known, at == 0)) {
            return exit::OK;
        }
        let attempt = host.attempts.iter().find(|attempt| attempt.known.run == known.run);
        let steps = attempt.iter().flat_map(|attempt| attempt.steps.iter().map(move |step| (*attempt, step)));
        for (number, (attempt, step)) in steps.enumerate() {
            any = true;
            if json {
                write_json(context, &json::step(step, number == 0));
            } else {
                context.printer.data(&format!("\n{}", deploys::step_head(&host.host, step)));
            }
            match output(context, looking, &StepLog { host: at, run: &attempt.known.run, step }).await {
                Printed::All => {}
                Printed::Unwanted if looking.signal() != 0 => return interrupted(looking.signal()),
                Printed::Unwanted => return exit::OK,
                Printed::Broken => break,
            }
        }
        if json {
            write_json(context, json::END);
        }
    }
    if json {
        write_json(context, &format!("{}\n", json::END));
    }
    drop(deaf);
    if !any {
        context.printer.note(Note::LogsRemoved);
    }
    let failed = |at: usize| looking.failure(at).is_some_and(|_| looked[at].failure.is_none());
    for at in (0..looked.len()).filter(|at| failed(*at)) {
        if let Some(failure) = looking.failure(at) {
            context.printer.host_failure(&looked[at].host, failure);
        }
    }
    if (0..looked.len()).any(failed) { exit::UNREACHABLE } else { exit_code(looked) }
}

/// A piece of the JSON value. `false`: the reader has gone away.
fn write_json(context: &Context<'_>, piece: &str) -> bool {
    context.printer.stream(context.printer.on_one_line(piece).as_bytes())
}

/// How far the output of a step got.
enum Printed {
    All,
    /// Nobody reads any more, or the user interrupted it.
    Unwanted,
    /// The host stopped answering.
    Broken,
}

/// The output of a step in the logs of a host.
struct StepLog<'a> {
    host: usize,
    run: &'a str,
    step: &'a Step,
}

async fn output(context: &Context<'_>, looking: &mut Looking<'_>, log: &StepLog<'_>) -> Printed {
    let (mut at, end) = (log.step.from, log.step.end.as_ref().map_or(u64::MAX, |(end, ..)| *end));
    let mut printed = StepOutput::new(context.wants_json());
    loop {
        let count = PIECE.min(end.saturating_sub(at));
        let (begin, wanted) = (at.to_string(), count.to_string());
        let later = [("wanted", log.run), ("begin", &begin), ("count", &wanted)];
        if count > 0 {
            looking.again(Some(log.host), &later).await;
        }
        let mut out = Vec::new();
        let mut got = 0;
        for piece in looking.pieces() {
            got += piece.bytes.len() as u64;
            printed.push(&piece.bytes, context.printer, &mut out);
        }
        at += got;
        let last = got < count || at >= end;
        let is_broken = looking.failure(log.host).is_some();
        if last || is_broken {
            printed.finish(!is_broken, &mut out);
        }
        let read = tokio::select! {
            read = write(context.printer, out) => read,
            true = looking.pause(std::time::Duration::MAX) => false,
        };
        if is_broken {
            return Printed::Broken;
        }
        if !read || looking.signal() != 0 {
            return Printed::Unwanted;
        }
        if last {
            return Printed::All;
        }
    }
}
