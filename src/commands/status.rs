//! `shipit ENV status`: the fleet in one look.

use jiff::Timestamp;

use super::context::{Context, exit_code};
use crate::error::{Error, exit};
use crate::plan;
use crate::report::{Verbosity, clean, fleet, json};

pub(super) async fn run(context: Context<'_>, check: bool) -> Result<u8, Error> {
    let looked =
        context.ask_hosts(&plan::status(context.environment.clone(), &context.options(false)?)).await?;
    let verbose = context.printer.verbosity() == Verbosity::Verbose;
    let fleet = fleet::render(&context.environment.name, &looked, Timestamp::now(), verbose);
    if context.wants_json() {
        context.printer.json(&json::status(&looked));
    } else {
        context.printer.data(&fleet.table);
        if let Some(hold) = super::hold::on(&looked) {
            context.printer.data(&format!("held {}\n", clean::line(hold.describe().as_bytes(), 800)));
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
