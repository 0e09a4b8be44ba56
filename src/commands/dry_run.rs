//! `shipit ENV plan` and every `--dry-run`: asks the hosts and git what a run would decide from, decides as the run would, and
//! shows that. Takes no lock and changes nothing; a host that cannot be asked is named, and fails nothing.

use futures_util::future::join_all;
use jiff::Timestamp;

use super::context::Context;
use super::hold;
use crate::config::App;
use crate::error::{Error, exit, failure_code, interrupted};
use crate::executor::decide::{
    Change, Contact, HostView, Intent, Situation, Skip, check_hold, decide, may_skip,
};
use crate::executor::{Looked, Request};
use crate::git::{self, GitError, Resolved, Revision};
use crate::plan::{self, OnFailure, Plan};
use crate::report::note::{PlanNote, Unresolved};
use crate::report::preview::{AppPreview, Group, Preview};
use crate::report::{Note, Silent, dry_run, human};

pub(super) async fn show(context: &Context<'_>, request: &Request<'_>) -> Result<u8, Error> {
    if request.intent == Intent::Nothing {
        print(context, request.plan, None);
        return Ok(exit::OK);
    }
    let interrupt = Context::interrupt()?;
    let known = interrupt.asked();
    let looking = plan::dry_run(context.environment.clone(), &context.options(false)?);
    // As they are: a look at what would be done is no time to trust a key.
    let transport = context.surroundings.transport(&context.environment.timeouts);
    let mut silent = Silent;
    let asked = async {
        tokio::join!(
            crate::executor::look(&looking, &transport, &mut silent, interrupt.clone()),
            revisions(context, &request.intent),
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
            note(context, PlanNote::NotAsked { host: &host.host, why: &why });
        }
    }
    note_what_would_fail(context, request, &looked);
    if let Some(hold) = hold::on(&looked).filter(|_| request.plan.policy.respects_hold) {
        note(context, PlanNote::Held { environment: &context.environment.name, hold });
    }
    let preview = preview(context, request, looked, revisions).await;
    print(context, request.plan, Some(&preview));
    // What holds a deploy up was said, and may be over when it is meant.
    Ok(match preview.refusal.as_ref() {
        Some(refusal) => failure_code(&refusal.failure()),
        None => exit::OK,
    })
}

fn print(context: &Context<'_>, plan: &Plan, preview: Option<&Preview>) {
    let format = dry_run::Format { json: context.wants_json(), scripts: context.invocation.scripts };
    dry_run::print(context.printer, plan, preview, format);
}

fn note(context: &Context<'_>, note: PlanNote<'_>) {
    context.printer.note(Note::Plan(note));
}

/// Hosts on which the run would end before anything is decided.
fn note_what_would_fail(context: &Context<'_>, request: &Request<'_>, looked: &[Looked]) {
    let names =
        |hosts: &[usize]| human::names(&hosts.iter().map(|at| looked[*at].host.as_str()).collect::<Vec<_>>());
    let plan = request.plan;
    let environment = &plan.environment.name;
    let bare: Vec<usize> = (0..looked.len()).filter(|at| looked[*at].facts.bare).collect();
    if !bare.is_empty() && !matches!(request.intent, Intent::Sync { .. }) {
        let hosts = names(&bare);
        note(context, PlanNote::NotSetUp { environment, hosts: &hosts });
    }
    let silent: Vec<usize> = (0..looked.len()).filter(|at| looked[*at].failure.is_some()).collect();
    let goes_on = plan.policy.on_failure == OnFailure::Continue && silent.len() < looked.len();
    if silent.is_empty() || goes_on {
        return;
    }
    match may_skip(plan, &silent) {
        Skip::Skip => note(context, PlanNote::WouldSkip { hosts: &names(&silent) }),
        Skip::Fail | Skip::FailFor(_) => {
            note(context, PlanNote::WouldFail { hosts: &names(&silent) });
        }
    }
}

/// What the refs mean, by the operator's git; only a deploy asks for it.
async fn revisions(context: &Context<'_>, intent: &Intent) -> Vec<Option<Revision>> {
    let apps = &context.environment.apps;
    let Intent::Deploy { commits, .. } = intent else { return vec![None; apps.len()] };
    let commit = |at: usize| commits.get(at).cloned().flatten();
    join_all(apps.iter().enumerate().map(|(at, app)| revision(context, app, commit(at)))).await
}

async fn revision(context: &Context<'_>, app: &App, known: Option<Revision>) -> Option<Revision> {
    if known.is_some() {
        return known;
    }
    let reference = &app.reference;
    let (why, deploy) = match git::resolve(&app.repo, reference).await {
        Ok(Resolved::Commit { revision, .. }) => return Some(revision),
        Ok(Resolved::AskHost { reason }) => {
            (reason, Unresolved::AsksHost(&context.environment.hosts[0].name))
        }
        Err(error @ (GitError::NoSuchReference { .. } | GitError::AmbiguousReference { .. })) => {
            (error.to_string(), Unresolved::Fails)
        }
        Err(error) => (error.to_string(), Unresolved::Retries),
    };
    let app = (context.environment.apps.len() > 1).then_some(app.name.as_str());
    note(context, PlanNote::Unresolved { reference, app, why: &why, deploy });
    None
}

async fn preview(
    context: &Context<'_>,
    request: &Request<'_>,
    looked: Vec<Looked>,
    revisions: Vec<Option<Revision>>,
) -> Preview {
    let plan = request.plan;
    let situation = situation(plan, &looked);
    let decided = decide(&situation, &request.intent, &revisions);
    let is_held = plan.policy.respects_hold && check_hold(&situation).is_err();
    let (decision, refusal) = match decided {
        Ok(decision) => (Some(decision), None),
        Err(refusal) => (None, Some(refusal)),
    };
    let mut apps = Vec::new();
    for (app, revision) in revisions.iter().enumerate() {
        let mut groups = groups(&looked, app);
        let decided = decision.as_ref().map(|decision| decision.apps[app].clone()).unwrap_or_default();
        // Of a new release only the commit is known.
        let to = match (&decided.goal, decided.change) {
            (_, Change::NewRelease) => revision.as_ref().map(|revision| revision.as_str().to_owned()),
            (Some(goal), _) => Some(goal.live.revision.clone()),
            (None, _) => None,
        };
        for group in &mut groups {
            find_commits(context, group, to.as_deref(), decided.change).await;
        }
        let asked = situation.of_app(app).all(|(_, host)| host.answered());
        let differ = groups.len() > 1 || !asked;
        apps.push(AppPreview { decided, to, groups, differ });
    }
    drop(situation);
    Preview { looked, decision, refusal, is_held, apps }
}

fn situation<'a>(plan: &'a Plan, looked: &'a [Looked]) -> Situation<'a> {
    let silent: Vec<usize> = (0..looked.len()).filter(|at| looked[*at].failure.is_some()).collect();
    let contact = if may_skip(plan, &silent) == Skip::Skip { Contact::Skipped } else { Contact::Failed };
    let view = |(host, target): (&'a Looked, &'a plan::Target)| HostView {
        name: &host.host,
        app: host.app,
        contact: if host.failure.is_some() { contact } else { Contact::Answered },
        facts: &host.facts,
        entries: &host.entries,
        digest: target.digest(),
    };
    Situation {
        environment: &plan.environment,
        hosts: looked.iter().zip(&plan.targets).map(view).collect(),
        now: Timestamp::now(),
    }
}

// Hosts of an app by what they serve.
fn groups(looked: &[Looked], app: usize) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let hosts = looked.iter().enumerate().filter(|(_, host)| host.app == app && host.failure.is_none());
    for (at, host) in hosts {
        let from = host.live.as_ref().map(|live| live.revision.clone());
        match groups.iter_mut().find(|known| known.from == from) {
            Some(known) => known.hosts.push(at),
            None => groups.push(Group { from, hosts: vec![at], pending: None }),
        }
    }
    groups
}

/// The commits between, or that they are not known here.
async fn find_commits(context: &Context<'_>, group: &mut Group, to: Option<&str>, change: Change) {
    let (Some(from), Some(to)) = (group.from.clone(), to) else { return };
    if from == to || change == Change::Unchanged {
        return;
    }
    let root = context.environment.root.clone();
    let (live, new) = (from.clone(), to.to_owned());
    let walk = tokio::task::spawn_blocking(move || git::pending(&root, &live, &new));
    group.pending = walk.await.ok().flatten();
    let (from, root) = (from.as_str(), context.environment.root.as_path());
    match &group.pending {
        None if change == Change::NewRelease => note(context, PlanNote::CommitsUnknown { from, to, root }),
        Some(pending)
            if change == Change::NewRelease && is_older(pending) && !context.invocation.allow_older =>
        {
            note(context, PlanNote::Older { from, to });
        }
        _ => {}
    }
}

fn is_older(pending: &git::Pending) -> bool {
    pending.total == 0 && pending.taken_back > 0
}
