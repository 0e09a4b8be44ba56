//! `shipit ENV exec CMD…`.

use super::Context;
use crate::error::{Error, exit_code};
use crate::plan;
use crate::report;

pub(super) async fn run(context: Context<'_>, words: &[String]) -> Result<u8, Error> {
    let plan = plan::exec(context.environment.clone(), &context.options(true)?, words);
    let hosts = context.surroundings.transport(&context.environment.timeouts);
    let mut observer = report::observer(context.invocation.output, context.printer);
    let interrupt = Context::interrupt()?;
    let outcome = crate::executor::exec(&plan, &hosts, observer.as_mut(), interrupt).await;
    drop(observer);
    context.printer.report(&outcome, None);
    Ok(exit_code(&outcome))
}
