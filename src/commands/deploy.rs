//! `shipit ENV`, `shipit ENV ref REF`, `shipit ENV plan`.

use super::carry_out::carry_out;
use super::context::Context;
use crate::cli::{AppReference, Invocation};
use crate::config::{App, Environment, Pause, nearest};
use crate::error::{Error, Refused, UsageError};
use crate::executor::decide::Intent;
use crate::executor::{Ask, Request};
use crate::git::{self, LocalState, Revision};
use crate::plan;
use crate::remote::quote::quote;
use crate::report::Note;
use crate::report::prompt::{self, RunPrompt};

pub(super) async fn run(mut context: Context<'_>, references: &[AppReference]) -> Result<u8, Error> {
    let redeploy = context.invocation.redeploy;
    let commits = choose(&mut context.environment, references)?;
    let intent = Intent::Deploy { commits, redeploy };
    if context.partial && !context.invocation.split && !context.invocation.dry_run {
        return Err(Refused::PartOfHosts.into());
    }
    if !context.invocation.force && !context.invocation.dry_run {
        for app in &context.environment.apps {
            check(&context, app)?;
        }
    }
    let asks = asks(&mut context)?;
    let mut options = context.options(true)?;
    options.tokens = context.tokens()?;
    options.files = super::files::read(&context)?;
    let plan = plan::deploy(context.environment.clone(), &options);
    let request = Request {
        plan: &plan,
        intent,
        lock_wait: context.lock_wait(),
        ask: asks.then_some(&RunPrompt as &dyn Ask),
    };
    let undo = undo(&context);
    carry_out(&context, request, Some(undo)).await
}

// Whether the run will ask something; refused where nobody can answer.
fn asks(context: &mut Context<'_>) -> Result<bool, Error> {
    if context.invocation.yes && context.environment.rollout.pause == Pause::Ask {
        context.environment.rollout.pause = Pause::None;
    }
    if context.invocation.dry_run {
        return Ok(false);
    }
    let can_ask = prompt::can_ask(context.printer) && !context.wants_json();
    let environment = || context.environment.name.clone();
    let confirm = context.environment.confirm && !context.invocation.yes;
    let pause = context.environment.rollout.pause == Pause::Ask;
    if confirm && !can_ask {
        return Err(Refused::DeployNotConfirmed { environment: environment() }.into());
    }
    if pause && !can_ask {
        return Err(Refused::CannotAsk { environment: environment() }.into());
    }
    Ok(confirm || pause)
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
            let (reference, app) = (reference.clone(), environment.apps[at].name.clone());
            return Err(UsageError::SecondRef { reference, app }.into());
        }
        if reference == "HEAD" {
            commits[at] = Some(git::head(&environment.root)?);
        } else {
            git::Reference::parse(reference)?;
        }
        environment.apps[at].reference.clone_from(reference);
    }
    for (commit, app) in commits.iter_mut().zip(&environment.apps) {
        if let Some(id) = Revision::parse(&app.reference) {
            *commit = Some(git::peel(&environment.root, &id)?);
        }
    }
    Ok(commits)
}

fn which(environment: &Environment, app: Option<&str>, reference: &str) -> Result<usize, Error> {
    let apps = &environment.apps;
    let names = || apps.iter().map(|app| app.name.as_str());
    let (reference, environment) = (reference.to_owned(), environment.name.clone());
    match app {
        None if apps.len() == 1 => Ok(0),
        None => {
            let apps = names().map(str::to_owned).collect();
            Err(UsageError::RefOfWhichApp { reference, environment, apps }.into())
        }
        Some(app) => names().position(|name| name == app).ok_or_else(|| {
            let (nearest, app) = (nearest(app, names()).map(str::to_owned), app.to_owned());
            UsageError::NoSuchApp { app, reference, nearest }.into()
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

// What is not committed or not pushed would not go out, and the user may think that it does.
fn check(context: &Context<'_>, app: &App) -> Result<(), Error> {
    let environment = &context.environment;
    match git::check(&environment.root, &app.repo, &app.reference, &environment.files_read())? {
        LocalState::NotApplicable | LocalState::Clean => Ok(()),
        LocalState::Dirty(changes) => Err(Refused::LocalChanges(changes).into()),
        LocalState::Unpushed { commits } => Err(Refused::Unpushed { commits }.into()),
        LocalState::Unchecked(why) => {
            let repo = &git::without_credentials(&app.repo);
            context.printer.note(Note::Unchecked { repo, why: &why });
            Ok(())
        }
    }
}
