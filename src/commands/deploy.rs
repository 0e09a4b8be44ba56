//! `shipit ENV`, `shipit ENV ref REF`, `shipit ENV plan`.

use super::carry_out::carry_out;
use super::context::Context;
use crate::cli::{AppReference, Invocation};
use crate::config::{App, Environment, Pause, nearest};
use crate::error::Error;
use crate::executor::decide::Intent;
use crate::executor::{Ask, Request};
use crate::git::{self, LocalState, Revision};
use crate::plan;
use crate::remote::quote::quote;
use crate::report::prompt::{self, BatchPrompt, Question};

pub(super) async fn run(mut context: Context<'_>, references: &[AppReference]) -> Result<u8, Error> {
    let redeploy = context.invocation.redeploy;
    let commits = choose(&mut context.environment, references)?;
    let intent = Intent::Deploy { commits, redeploy };
    if context.partial && !context.invocation.split && !context.invocation.dry_run {
        return Err(Error::Refused {
            reason: "a deploy to part of the hosts leaves the environment on two releases".into(),
            hint: "deploy to all of them, or, on purpose, with --split".into(),
        });
    }
    if !context.invocation.force && !context.invocation.dry_run {
        for app in &context.environment.apps {
            check(&context, app)?;
        }
    }
    if context.environment.confirm && !context.invocation.dry_run && !context.invocation.yes {
        confirm(&context)?;
    }
    if context.invocation.yes {
        context.environment.rollout.pause = without_asking(context.environment.rollout.pause);
    }
    let asks = context.environment.rollout.pause == Pause::Ask && !context.invocation.dry_run;
    if asks && !prompt::can_ask(context.printer) {
        return Err(Error::Refused {
            reason: format!(
                "{} asks before each batch (`rollout.pause`), and nobody is there",
                context.environment.name
            ),
            hint: "go on without asking: --yes, or without pauses: --no-pause".into(),
        });
    }
    let mut options = context.options(true)?;
    options.tokens = context.tokens()?;
    options.files = super::files::read(&context)?;
    let plan = plan::deploy(context.environment.clone(), &options);
    let request = Request {
        plan: &plan,
        intent,
        lock_wait: context.lock_wait(),
        ask: asks.then_some(&BatchPrompt as &dyn Ask),
    };
    let undo = undo(&context);
    carry_out(&context, request, Some(undo)).await
}

fn without_asking(pause: Pause) -> Pause {
    if pause == Pause::Ask { Pause::None } else { pause }
}

/// Puts what was typed in the place of the file's refs; of `HEAD` the commits.
fn choose(
    environment: &mut Environment,
    references: &[AppReference],
) -> Result<Vec<Option<Revision>>, Error> {
    let mut commits = vec![None; environment.apps.len()];
    let mut given = vec![false; environment.apps.len()];
    for AppReference { app, reference } in references {
        let at = which(environment, app.as_deref(), reference)?;
        if std::mem::replace(&mut given[at], true) {
            let app = &environment.apps[at].name;
            return Err(Error::Usage(format!(
                "--ref {reference}: `{app}` has a ref already, give one for each app"
            )));
        }
        if reference == "HEAD" {
            commits[at] = Revision::parse(&git::head(&environment.root)?);
        } else {
            git::Reference::parse(reference)?;
        }
        environment.apps[at].reference.clone_from(reference);
    }
    Ok(commits)
}

fn which(environment: &Environment, app: Option<&str>, reference: &str) -> Result<usize, Error> {
    let apps = &environment.apps;
    let names = || apps.iter().map(|app| app.name.as_str());
    match app {
        None if apps.len() == 1 => Ok(0),
        None => {
            let all = names().collect::<Vec<_>>().join(", ");
            Err(Error::Usage(format!(
                "--ref {reference}: of which app? {} has {all}: write --ref {}={reference}, or choose one with --apps",
                environment.name, apps[0].name
            )))
        }
        Some(app) => names().position(|name| name == app).ok_or_else(|| {
            let near = nearest(app, names()).map_or(String::new(), |near| format!("; did you mean {near}?"));
            Error::Usage(format!(
                "--ref {app}={reference}: no app `{app}` is deployed to {}{near}",
                environment.name
            ))
        }),
    }
}

// Of part of the hosts or apps only these went: the others must not be taken back.
fn undo(context: &Context<'_>) -> String {
    let mut text = format!("shipit {} revert", context.environment.name);
    let Invocation { hosts, roles, .. } = context.invocation;
    for (option, words) in [("--hosts", hosts), ("--roles", roles)] {
        if context.partial && !words.is_empty() {
            text.push_str(&format!(" {option} {}", quote(&words.join(","))));
        }
    }
    text
}

// `confirm = true`: nobody deploys here by a slip of the fingers.
fn confirm(context: &Context<'_>) -> Result<(), Error> {
    let environment = &context.environment;
    if prompt::ask(context.printer, Question::Deploy(environment)) {
        return Ok(());
    }
    Err(Error::Refused {
        reason: format!("not confirmed, and {} asks before it is deployed to (`confirm`)", environment.name),
        hint: "answer y on a terminal, or say so beforehand: --yes".into(),
    })
}

// What is not committed or not pushed would not go out, and the user may think that it does.
fn check(context: &Context<'_>, app: &App) -> Result<(), Error> {
    let environment = &context.environment;
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
