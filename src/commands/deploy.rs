//! `shipit ENV`, `shipit ENV ref REF`, `shipit ENV plan`.

use super::Context;
use crate::error::Error;
use crate::executor::{Request, Wanted};
use crate::git::{self, LocalState, Revision};
use crate::plan;
use crate::remote::quote::quote;
use crate::report::human;

/// More names than these say less, in a question.
const HOSTS_SHOWN: usize = 20;

pub(super) async fn run(mut context: Context<'_>, reference: Option<&str>) -> Result<u8, Error> {
    let redeploy = context.invocation.redeploy;
    let mut wanted = Wanted::Reference { redeploy };
    match reference {
        Some("HEAD") => {
            let head = git::head(&context.environment.root)?;
            if let Some(revision) = Revision::parse(&head) {
                wanted = Wanted::Commit { revision, redeploy };
            }
            context.environment.app.reference = "HEAD".to_owned();
        }
        Some(reference) => {
            git::Reference::parse(reference)?;
            context.environment.app.reference = reference.to_owned();
        }
        None => {}
    }
    if context.part && !context.invocation.split && !context.invocation.dry_run {
        return Err(Error::Refused {
            reason: "a deploy to part of the hosts leaves the environment on two releases".into(),
            hint: "deploy to all of them, or, on purpose, with --split".into(),
        });
    }
    if !context.invocation.force && !context.invocation.dry_run {
        check(&context)?;
    }
    if context.environment.confirm && !context.invocation.dry_run && !context.invocation.yes {
        confirm(&context)?;
    }
    let mut options = context.options(true)?;
    options.token = context.token()?;
    options.files = super::files::read(&context)?;
    let plan = plan::deploy(context.environment.clone(), &options);
    let request = Request { plan: &plan, wanted, lock_wait: context.lock_wait() };
    let undo = undo(&context);
    if context.invocation.dry_run {
        return super::preview::deploy(&context, &request).await;
    }
    context.carry_out(request, Some(undo)).await
}

// Of part of the hosts only these went: the others must not be taken back.
fn undo(context: &Context<'_>) -> String {
    let hosts = if context.part {
        format!(" --hosts {}", quote(&context.invocation.hosts.join(",")))
    } else {
        String::new()
    };
    format!("shipit {} revert{hosts}", context.environment.name)
}

// `confirm = true`: nobody deploys here by a slip of the fingers.
fn confirm(context: &Context<'_>) -> Result<(), Error> {
    let environment = &context.environment;
    let names: Vec<&str> =
        environment.hosts.iter().take(HOSTS_SHOWN).map(|host| host.name.as_str()).collect();
    let more = if environment.hosts.len() > names.len() { ", …" } else { "" };
    context.printer.error(&format!(
        "deploy {} of {} to {}, {}: {}{more}\n",
        environment.app.reference,
        environment.app.repo,
        environment.name,
        human::hosts(environment.hosts.len()),
        names.join(", "),
    ));
    if context.printer.confirm("Go ahead?") {
        return Ok(());
    }
    Err(Error::Refused {
        reason: format!("not confirmed, and {} asks before it is deployed to (`confirm`)", environment.name),
        hint: "answer y on a terminal, or say so beforehand: --yes".into(),
    })
}

// What is not committed or not pushed would not go out, and the user may think that it does.
fn check(context: &Context<'_>) -> Result<(), Error> {
    let environment = &context.environment;
    let app = &environment.app;
    if app.reference == "HEAD" {
        return Ok(());
    }
    let refused = |reason: String, hint: &str| Err(Error::Refused { reason, hint: hint.to_owned() });
    match git::check(&environment.root, &app.repo, &app.reference)? {
        LocalState::NotApplicable | LocalState::Clean => Ok(()),
        LocalState::Dirty { files, total } => {
            let more = if total > files.len() {
                format!(" and {} more", total - files.len())
            } else {
                String::new()
            };
            let reason = format!("local changes that would not be deployed: {}{more}", files.join(", "));
            refused(reason, "commit and push them, or deploy without them: --force")
        }
        LocalState::Unpushed { commits } => {
            let commits =
                if commits == 1 { "1 commit is".to_owned() } else { format!("{commits} commits are") };
            refused(
                format!("{commits} not pushed and would not be deployed"),
                "push, or deploy without: --force",
            )
        }
    }
}
