//! `shipit ENV plan`, `--dry-run`: the very scripts, and above those of a deploy what it would bring, as far as that can be
//! known from here. Takes no lock and changes nothing, here or there; who cannot be asked is named, and fails nothing.

use futures_util::future::join_all;

use super::{Context, hold, json_plan};
use crate::config::App;
use crate::error::{Error, exit, interrupted};
use crate::executor::{Looked, Request, Wanted};
use crate::git::{self, GitError, Pending, Resolved, Revision};
use crate::plan::{self, Plan};
use crate::report::{Silent, Verbosity, clean, human};

/// What a deploy would bring.
pub(super) struct Preview {
    /// What each host answered, in the plan's order.
    pub(super) looked: Vec<Looked>,
    /// Of each app.
    pub(super) apps: Vec<AppNews>,
}

/// What it would bring of an app.
pub(super) struct AppNews {
    /// The commit that would go out; none: it cannot be told from here.
    pub(super) revision: Option<String>,
    /// All hosts serve this commit with this configuration.
    pub(super) is_live: bool,
    /// Hosts that serve the same, together.
    pub(super) brings: Vec<Brings>,
    /// Not all hosts serve the same, or not all could be asked.
    differ: bool,
}

/// What it would bring to hosts that serve the same.
pub(super) struct Brings {
    /// The commit that is live there; none: nothing is.
    pub(super) from: Option<String>,
    pub(super) hosts: Vec<String>,
    /// The commits between; none where there are none, or where the work tree does not know them.
    pub(super) pending: Option<Pending>,
}

/// Any plan, as text or as one value.
pub(super) fn print(context: &Context<'_>, plan: &Plan, preview: Option<&Preview>) {
    if context.wants_json() {
        context.printer.json(&json_plan::document(plan, preview));
        return;
    }
    let whole = context.printer.verbosity() == Verbosity::Verbose;
    let redeploys = context.invocation.redeploy;
    let news = preview.map_or_else(Vec::new, |preview| lines(plan, preview, redeploys));
    let news: Vec<String> = news.iter().map(|line| context.printer.harmless(line)).collect();
    context.printer.data_as_it_is(&plan::show_with(plan, whole, &news));
}

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
    print(context, request.plan, Some(&preview));
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
) -> AppNews {
    let hosts = || looked.iter().filter(|host| host.app == app);
    let mut brings: Vec<Brings> = Vec::new();
    for host in hosts().filter(|host| host.failure.is_none()) {
        let from = host.live.as_ref().map(|live| live.revision.clone());
        match brings.iter_mut().find(|known| known.from == from) {
            Some(known) => known.hosts.push(host.host.clone()),
            None => brings.push(Brings { from, hosts: vec![host.host.clone()], pending: None }),
        }
    }
    if let Some(revision) = &revision {
        for bring in &mut brings {
            tell_pending(context, bring, revision).await;
        }
    }
    let live = |(host, target): (&Looked, &plan::Target)| {
        let serves = host.live.as_ref().map(|live| &live.revision);
        host.failure.is_none() && serves == revision.as_ref() && host.digest.as_deref() == target.digest()
    };
    let targets = plan.targets.iter().filter(|target| target.app == app);
    let is_live = revision.is_some() && hosts().zip(targets).all(live);
    let differ = brings.len() > 1 || hosts().any(|host| host.failure.is_some());
    AppNews { revision, is_live, brings, differ }
}

/// The commits between, or that they are not known here.
async fn tell_pending(context: &Context<'_>, bring: &mut Brings, revision: &str) {
    let Some(from) = bring.from.clone().filter(|from| from != revision) else { return };
    let root = context.environment.root.clone();
    let (live, new) = (from.clone(), revision.to_owned());
    let walk = tokio::task::spawn_blocking(move || git::pending(&root, &live, &new));
    bring.pending = walk.await.ok().flatten();
    let (from, to) = (human::revision(&from), human::revision(revision));
    match &bring.pending {
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

/// What it brings, for people.
fn lines(plan: &Plan, preview: &Preview, redeploys: bool) -> Vec<String> {
    let apps = &plan.environment.apps;
    let told = |(app, news): (&App, &AppNews)| {
        let lines = app_lines(news, redeploys);
        let named = apps.len() > 1 && !lines.is_empty();
        let name = named.then(|| format!("{}:", clean::line(app.name.as_bytes(), 80)));
        name.into_iter().chain(lines).collect::<Vec<_>>()
    };
    apps.iter().zip(&preview.apps).flat_map(told).collect()
}

fn app_lines(preview: &AppNews, redeploys: bool) -> Vec<String> {
    let Some(revision) = &preview.revision else { return Vec::new() };
    let short = human::revision(revision);
    if preview.is_live && !redeploys {
        return vec![format!("nothing to do: {short} is live everywhere, with this configuration")];
    }
    let told = |bring: &Brings| {
        let lines = match (&bring.from, &bring.pending) {
            (None, _) => vec![format!("nothing is live yet; {short} goes out")],
            (Some(from), _) if from == revision => vec![format!("{short} is live; no commit goes out")],
            (Some(from), Some(pending)) => human::commits(None, from, revision, pending),
            (Some(from), None) => vec![format!("{}..{short} goes out", human::revision(from))],
        };
        let names: Vec<&str> = bring.hosts.iter().map(String::as_str).collect();
        let on = preview.differ.then(|| format!("on {}:", human::names(&names)));
        on.into_iter().chain(lines).collect::<Vec<_>>()
    };
    preview.brings.iter().flat_map(told).collect()
}
