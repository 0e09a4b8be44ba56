//! `shipit ENV exec CMD…`.

use super::context::Context;
use super::dry_run;
use crate::config;
use crate::error::{Error, exit};
use crate::plan;
use crate::remote::quote::quote;

/// `once`: on the first host that was chosen, whether it can be reached or not: a command that must not run twice is not to
/// move to another host because a line is down.
pub(super) async fn run(mut context: Context<'_>, words: &[String], once: bool) -> Result<u8, Error> {
    context.one_app("exec")?;
    if once {
        context.environment = config::first_host(context.environment);
    }
    let plan = plan::exec(context.environment.clone(), &context.options(true)?, words);
    if context.invocation.dry_run {
        dry_run::show_command(&context, &plan, &shown(words));
        return Ok(exit::OK);
    }
    let mut show = context.show()?;
    let hosts = context.transport().await?;
    let interrupt = Context::interrupt()?;
    let outcome = crate::executor::exec(&plan, hosts, &mut show, interrupt).await;
    Ok(show.end(&outcome, None))
}

/// As one would type it on the host.
fn shown(words: &[String]) -> String {
    match words {
        [script] => script.clone(),
        words => words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" "),
    }
}
