//! `shipit ENV plan`, `--dry-run`: the very scripts, and above those of a deploy what it would bring, as far as that can be
//! known from here. Takes no lock and changes nothing, here or there; who cannot be asked is named, and fails nothing.

use super::{Context, hold, json_plan};
use crate::error::{Error, exit, interrupted};
use crate::executor::{Looked, Request, Wanted};
use crate::git::{self, GitError, Pending, Resolved};
use crate::plan::{self, Plan};
use crate::report::{Silent, Verbosity, clean, human};

/// What a deploy would bring.
pub(super) struct Preview {
    /// The commit that would go out; none: it cannot be told from here.
    pub(super) revision: Option<String>,
    /// What each host answered, in the plan's order.
    pub(super) looked: Vec<Looked>,
    /// All hosts serve this commit with this configuration.
    pub(super) is_live: bool,
    /// Hosts that serve the same, together.
    pub(super) brings: Vec<Brings>,
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
    let news = preview.map_or_else(Vec::new, |preview| lines(preview, redeploys));
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
            revision(context, &request.wanted),
        )
    };
    let mut stop = interrupt.clone();
    let (looked, revision) = tokio::select! {
        answers = asked => answers,
        asked = stop.beyond(known) => return Ok(interrupted(asked.signal)),
    };
    for host in &looked {
        if let Some(failure) = &host.failure {
            let why = human::failure(failure);
            note(context, &format!("what {} serves is not known: {why}", host.host));
        }
    }
    let preview = preview(context, request.plan, looked, revision).await;
    print(context, request.plan, Some(&preview));
    Ok(exit::OK)
}

fn note(context: &Context<'_>, text: &str) {
    context.printer.note(&format!("note: {text}\n"));
}

/// What the ref means, by the operator's git.
async fn revision(context: &Context<'_>, wanted: &Wanted) -> Option<String> {
    if let Wanted::Commit { revision, .. } = wanted {
        return Some(revision.as_str().to_owned());
    }
    let app = &context.environment.app;
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
    note(context, &format!("which commit {reference} is cannot be told from here: {why}; {then}"));
    None
}

async fn preview(
    context: &Context<'_>,
    plan: &Plan,
    looked: Vec<Looked>,
    revision: Option<String>,
) -> Preview {
    let mut brings: Vec<Brings> = Vec::new();
    for host in looked.iter().filter(|host| host.failure.is_none()) {
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
    if let Some(hold) = hold::on(&looked) {
        let held = clean::line(hold.describe().as_bytes(), 800);
        note(context, &format!("{} is held {held}: a deploy would be refused", context.environment.name));
    }
    let live = |(host, target): (&Looked, &plan::Target)| {
        let serves = host.live.as_ref().map(|live| &live.revision);
        host.failure.is_none() && serves == revision.as_ref() && host.digest.as_deref() == target.digest()
    };
    let is_live = revision.is_some() && looked.iter().zip(&plan.targets).all(live);
    Preview { revision, looked, is_live, brings }
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
fn lines(preview: &Preview, redeploys: bool) -> Vec<String> {
    let Some(revision) = &preview.revision else { return Vec::new() };
    let short = human::revision(revision);
    if preview.is_live && !redeploys {
        return vec![format!("nothing to do: {short} is live everywhere, with this configuration")];
    }
    let differ = preview.brings.len() > 1 || preview.looked.iter().any(|host| host.failure.is_some());
    let told = |bring: &Brings| {
        let lines = match (&bring.from, &bring.pending) {
            (None, _) => vec![format!("nothing is live yet; {short} goes out")],
            (Some(from), _) if from == revision => vec![format!("{short} is live; no commit goes out")],
            (Some(from), Some(pending)) => human::commits(from, revision, pending),
            (Some(from), None) => vec![format!("{}..{short} goes out", human::revision(from))],
        };
        let names: Vec<&str> = bring.hosts.iter().map(String::as_str).collect();
        let on = differ.then(|| format!("on {}:", human::names(&names)));
        on.into_iter().chain(lines).collect::<Vec<_>>()
    };
    preview.brings.iter().flat_map(told).collect()
}
