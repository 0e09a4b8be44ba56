//! `shipit ENV plan`: what a deploy would bring, as far as it can be known without one. Takes no lock and changes nothing; a
//! host that cannot be asked is named, and fails nothing.

use futures_util::future::join_all;

use super::{Context, hold};
use crate::config::App;
use crate::error::{Error, exit, interrupted};
use crate::executor::{Looked, Request, Wanted};
use crate::git::{self, GitError, Resolved, Revision};
use crate::plan::{self, Plan};
use crate::report::preview::{AppPreview, Incoming, Preview};
use crate::report::{Silent, clean, human};

/// The plan of a deploy.
pub(super) async fn deploy(context: &Context<'_>, request: &Request<'_>) -> Result<u8, Error> {
    let interrupt = Context::interrupt()?;
    let known = interrupt.asked();
    let looking = plan::look(context.environment.clone(), &context.options(false)?);
    // As they are: a look at what would be done is no time to trust a key.
    let transport = context.surroundings.transport(&context.environment.timeouts);
    let mut silent = Silent;
    let asked = async {
        tokio::join!(
            crate::executor::look(&looking, &transport, &mut silent, interrupt.clone()),
            revisions(context, &request.wanted),
        )
    };
    let mut stop = interrupt.clone();
    let (looked, revisions) = tokio::select! {
        answers = asked => answers,
        asked = stop.beyond(known) => return Ok(interrupted(asked.signal)),
    };
    for host in &looked {
        if let Some(failure) = &host.failure {
            let why = human::failure(failure);
            note(context, &format!("what {} serves is not known: {why}", host.host));
        }
    }
    let preview = preview(context, request.plan, looked, revisions).await;
    context.print_plan(request.plan, Some(&preview));
    Ok(exit::OK)
}

fn note(context: &Context<'_>, text: &str) {
    context.printer.note(&format!("note: {text}\n"));
}

/// What the refs mean, by the operator's git.
async fn revisions(context: &Context<'_>, wanted: &Wanted) -> Vec<Option<String>> {
    let commit = |at: usize| match wanted {
        Wanted::Refs { commits, .. } => commits.get(at).cloned().flatten(),
        _ => None,
    };
    let apps = context.environment.apps.iter().enumerate();
    join_all(apps.map(|(at, app)| revision(context, app, commit(at)))).await
}

async fn revision(context: &Context<'_>, app: &App, known: Option<Revision>) -> Option<String> {
    if let Some(revision) = known {
        return Some(revision.as_str().to_owned());
    }
    let reference = &app.reference;
    let (why, then) = match git::resolve(&app.repo, reference).await {
        Ok(Resolved::Commit { revision, .. }) => return Some(revision.as_str().to_owned()),
        Ok(Resolved::AskHost { reason }) => {
            (reason, format!("{} is asked when this is deployed", context.environment.hosts[0].name))
        }
        Err(error @ (GitError::NoSuchReference { .. } | GitError::AmbiguousReference { .. })) => {
            (error.to_string(), "a deploy would end here".to_owned())
        }
        Err(error) => (error.to_string(), "a deploy would say more".to_owned()),
    };
    let why = clean::line(why.as_bytes(), 400);
    let of_app =
        if context.environment.apps.len() == 1 { String::new() } else { format!(" of {}", app.name) };
    note(context, &format!("which commit {reference}{of_app} is cannot be told from here: {why}; {then}"));
    None
}

async fn preview(
    context: &Context<'_>,
    plan: &Plan,
    looked: Vec<Looked>,
    revisions: Vec<Option<String>>,
) -> Preview {
    if let Some(hold) = hold::on(&looked) {
        let held = clean::line(hold.describe().as_bytes(), 800);
        note(context, &format!("{} is held {held}: a deploy would be refused", context.environment.name));
    }
    let mut apps = Vec::new();
    for (app, revision) in revisions.into_iter().enumerate() {
        apps.push(of_app(context, plan, (app, revision), &looked).await);
    }
    Preview { looked, apps }
}

async fn of_app(
    context: &Context<'_>,
    plan: &Plan,
    (app, revision): (usize, Option<String>),
    looked: &[Looked],
) -> AppPreview {
    let hosts = || looked.iter().filter(|host| host.app == app);
    let mut incoming: Vec<Incoming> = Vec::new();
    for host in hosts().filter(|host| host.failure.is_none()) {
        let from = host.live.as_ref().map(|live| live.revision.clone());
        match incoming.iter_mut().find(|known| known.from == from) {
            Some(known) => known.hosts.push(host.host.clone()),
            None => incoming.push(Incoming { from, hosts: vec![host.host.clone()], pending: None }),
        }
    }
    if let Some(revision) = &revision {
        for group in &mut incoming {
            tell_pending(context, group, revision).await;
        }
    }
    let live = |(host, target): (&Looked, &plan::Target)| {
        let serves = host.live.as_ref().map(|live| &live.revision);
        host.failure.is_none() && serves == revision.as_ref() && host.digest.as_deref() == target.digest()
    };
    let targets = plan.targets.iter().filter(|target| target.app == app);
    let is_live = revision.is_some() && hosts().zip(targets).all(live);
    let differ = incoming.len() > 1 || hosts().any(|host| host.failure.is_some());
    AppPreview { revision, is_live, incoming, differ }
}

/// The commits between, or that they are not known here.
async fn tell_pending(context: &Context<'_>, incoming: &mut Incoming, revision: &str) {
    let Some(from) = incoming.from.clone().filter(|from| from != revision) else { return };
    let root = context.environment.root.clone();
    let (live, new) = (from.clone(), revision.to_owned());
    let walk = tokio::task::spawn_blocking(move || git::pending(&root, &live, &new));
    incoming.pending = walk.await.ok().flatten();
    let (from, to) = (human::revision(&from), human::revision(revision));
    match &incoming.pending {
        None => note(
            context,
            &format!(
                "which commits go out ({from}..{to}) is not known here: try git fetch in {}",
                context.environment.root.display()
            ),
        ),
        Some(pending) if pending.total == 0 && pending.taken_back > 0 && !context.invocation.allow_older => {
            note(
                context,
                &format!("{to} is older than {from}, which is live: refused without --allow-older"),
            );
        }
        Some(_) => {}
    }
}
