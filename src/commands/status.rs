//! `shipit ENV status`: the fleet in one look.

use jiff::Timestamp;

use super::context::{Context, exit_code};
use crate::error::{Error, exit};
use crate::plan;
use crate::report::{Verbosity, fleet, human, json};

pub(super) async fn run(context: Context<'_>, check: bool) -> Result<u8, Error> {
    let looked =
        context.ask_hosts(&plan::status(context.environment.clone(), &context.options(false)?)).await?;
    let verbose = context.printer.verbosity() == Verbosity::Verbose;
    let now = Timestamp::now();
    let shown = fleet::Shown { now, all: verbose, width: context.printer.data_width() };
    let fleet = fleet::render(&context.environment.name, &looked, shown);
    if context.wants_json() {
        context.printer.json(&json::status(&looked));
    } else {
        context.printer.data(&fleet.table);
        if !fleet.processes.is_empty() {
            context.printer.data(&fleet.processes);
        }
        if let Some(hold) = super::hold::on(&looked) {
            context.printer.data(&format!("{}\n", human::hold(hold, now)));
        }
        for lock in &fleet.locks {
            context.printer.data(&format!("{lock}\n"));
        }
    }
    for line in &fleet.advice {
        context.printer.error(line);
    }
    Ok(match exit_code(&looked) {
        exit::OK if check && !fleet.alike => exit::FAILED,
        code => code,
    })
}
