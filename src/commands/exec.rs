//! `shipit ENV exec CMD…`.

use super::context::Context;
use crate::error::Error;
use crate::plan;

pub(super) async fn run(context: Context<'_>, words: &[String]) -> Result<u8, Error> {
    context.one_app("exec")?;
    let plan = plan::exec(context.environment.clone(), &context.options(true)?, words);
    let mut show = context.show()?;
    let hosts = context.transport().await?;
    let interrupt = Context::interrupt()?;
    let outcome = crate::executor::exec(&plan, hosts, &mut show, interrupt).await;
    Ok(show.end(&outcome, None))
}
