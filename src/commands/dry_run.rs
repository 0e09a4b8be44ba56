//! `shipit ENV plan` and every `--dry-run`: asks the hosts and git what a run would decide from, decides as the run would, and
//! shows that. Takes no lock and changes nothing; a host that cannot be asked is named, and fails nothing.

use futures_util::future::join_all;
use jiff::Timestamp;

use super::context::Context;
use super::hold;
use super::surroundings::Surroundings;
use crate::config::App;
use crate::error::{Error, exit, failure_code, interrupted};
use crate::executor::decide::{
    Change, Contact, Decision, HostView, Intent, Role, Situation, Skip, adopting, decide, may_skip,
    missing_from,
};
use crate::executor::event::{Event, FailureKind, Observer};
use crate::executor::{Live, Looked, Looking, Request};
use crate::git::{self, GitError, Resolved, Revision};
use crate::plan::{self, OnFailure, Plan};
use crate::remote::journal::{Entry, State};
use crate::remote::version::Version;
use crate::report::note::{PlanNote, Unresolved};
use crate::report::preview::{AppPreview, Group, Preview};
use crate::report::{Note, dry_run, human};

pub(super) async fn show(context: &Context<'_>, request: &Request<'_>) -> Result<u8, Error> {
    if request.intent == Intent::Nothing {
        print(context, request.plan, None, None);
        return Ok(exit::OK);
    }
    let interrupt = Context::interrupt()?;
    let known = interrupt.asked();
    let looking = plan::dry_run(request.plan.action, context.environment.clone(), &context.options(false)?);
    // As they are: a look at what would be done is no time to trust a key.
    let transport = context.transport_without_trust().await?;
    let mut said = Said::default();
    let asked = async {
        tokio::join!(
            Looking::begin(&looking, &transport, &mut said, interrupt.clone()),
            versions(context, &request.intent),
        )
    };
    let mut stop = interrupt.clone();
    let (mut looking, versions) = tokio::select! {
        answers = asked => answers,
        asked = stop.beyond(known) => return Ok(interrupted(asked.signal)),
    };
    let looked = looking.answers();
    for host in &looked {
        if let Some(failure) = &host.failure {
            let why = human::failure(failure);
            note(context, PlanNote::NotAsked { host: &host.host, why: &why });
        }
    }
    note_obstacles(context, request, &looked);
    if let Some(hold) = hold::on(&looked).filter(|_| request.plan.policy.respects_hold) {
        note(context, PlanNote::Held { environment: &context.environment.name, hold });
    }
    let preview = preview(context, request, looked, versions).await;
    ask_about_goal(&mut looking, &preview).await;
    looking.end().await;
    for text in &said.notices {
        note(context, PlanNote::FromHost { text });
    }
    note_silent(context, request, &preview.looked, preview.decision.as_ref());
    print(context, request.plan, Some(&preview), None);
    // A hold is only noted: it may end before the deploy.
    Ok(match preview.refusal.as_ref() {
        Some(refusal) => failure_code(&refusal.failure()),
        None => exit::OK,
    })
}

/// What `exec` would run, and where. Asks no host.
pub(super) fn show_command(context: &Context<'_>, plan: &Plan, command: &str) {
    print(context, plan, None, Some(command));
}

/// What hosts say while they are asked.
#[derive(Default)]
struct Said {
    notices: Vec<String>,
}

impl Observer for Said {
    fn event(&mut self, event: &Event<'_>) {
        if let Event::Notice { host, text } = event {
            let host = host.map_or(String::new(), |host| format!("{host}: "));
            self.notices.push(format!("{host}{text}"));
        }
    }

    fn tick(&mut self) {}
}

/// Of each app that changes its first host is asked what its goal brings: the others hold the same.
async fn ask_about_goal(looking: &mut Looking<'_>, preview: &Preview) {
    let Some(decision) = &preview.decision else { return };
    for (app, decided) in decision.apps.iter().enumerate() {
        let Some(goal) = decided.goal.as_ref().filter(|_| decided.change == Change::ExistingRelease) else {
            continue;
        };
        let goes = |(at, host): &(usize, &Looked)| {
            host.app == app && host.failure.is_none() && decision.roles[*at] == Role::Full
        };
        let Some((at, host)) = preview.looked.iter().enumerate().find(goes) else { continue };
        let from = host.live.as_ref().map_or("", |live| live.release.as_str());
        looking.again(Some(at), &[("from", from), ("release", &goal.live.release)]).await;
    }
}

fn print(context: &Context<'_>, plan: &Plan, preview: Option<&Preview>, command: Option<&str>) {
    let scripts_command = Surroundings::with_scripts();
    let format = dry_run::Format {
        json: context.wants_json(),
        scripts: context.invocation.scripts,
        scripts_command: &scripts_command,
        command,
    };
    dry_run::print(context.printer, plan, preview, format);
}

fn note(context: &Context<'_>, note: PlanNote<'_>) {
    context.printer.note(Note::Plan(note));
}

/// What would end the run, or make it wait, before it comes to a decision.
fn note_obstacles(context: &Context<'_>, request: &Request<'_>, looked: &[Looked]) {
    let environment = &request.plan.environment.name;
    let which = |is: &dyn Fn(&Looked) -> bool| {
        let names: Vec<&str> = looked.iter().filter(|host| is(host)).map(|host| host.host.as_str()).collect();
        (!names.is_empty()).then(|| human::names(&names))
    };
    let holder = looked.iter().find_map(|host| host.holder.as_ref().filter(|(_, dead)| !dead));
    if let Some((holder, _)) = holder {
        let run = human::lock(holder, false, Timestamp::now());
        note(context, PlanNote::LockHeld { run: &run });
    }
    let unfinished = |host: &Looked| {
        let open = |entry: &Entry| matches!(entry.state, State::Open | State::Healthy);
        holder.is_none() && (host.facts.holder_dead || host.entries.last().is_some_and(open))
    };
    if let Some(hosts) = which(&unfinished) {
        note(context, PlanNote::Unfinished { hosts: &hosts });
    }
    if let Some(hosts) = which(&|host| host.facts.bare).filter(|_| !is_sync(request)) {
        note(context, PlanNote::NotSetUp { environment, hosts: &hosts });
    }
    let deploys = matches!(request.intent, Intent::Deploy { .. });
    let adopts = |host: &Looked| host.foreign.is_some() && host.facts.adopt.is_some();
    let adopting = adopting(&situation(request.plan, looked), &request.intent);
    let adopting = looked.iter().zip(adopting).filter(|(host, is)| *is && adopts(host));
    let adopting: Vec<&str> = adopting.map(|(host, _)| host.host.as_str()).collect();
    if !adopting.is_empty() && (deploys || is_sync(request)) {
        note(context, PlanNote::Adopts { hosts: &human::names(&adopting) });
    }
    if let Some(hosts) = which(&|host| host.foreign.is_some() && !adopts(host)).filter(|_| deploys) {
        note(context, PlanNote::ForeignCurrent { hosts: &hosts });
    }
}

fn is_sync(request: &Request<'_>) -> bool {
    matches!(request.intent, Intent::Sync { .. })
}

/// Hosts that did not answer, and what the run would do about them. `decision`: as it would be made without them.
fn note_silent(context: &Context<'_>, request: &Request<'_>, looked: &[Looked], decision: Option<&Decision>) {
    let plan = request.plan;
    let names =
        |hosts: &[usize]| human::names(&hosts.iter().map(|at| looked[*at].host.as_str()).collect::<Vec<_>>());
    let silent: Vec<usize> = (0..looked.len()).filter(|at| looked[*at].failure.is_some()).collect();
    let goes_on = plan.policy.on_failure == OnFailure::Continue && silent.len() < looked.len();
    if silent.is_empty() || goes_on {
        return;
    }
    let skipped = skipped(plan, looked);
    let changes = |app| decision.is_none_or(|decision| decision.changes(app));
    let needed = missing_from(plan, &skipped, changes).is_err();
    if skipped.len() == silent.len() && !needed {
        note(context, PlanNote::WouldSkip { hosts: &names(&silent) });
    } else {
        note(context, PlanNote::WouldFail { hosts: &names(&silent) });
    }
}

// Hosts that a run would skip: those that cannot be reached, where it may do without them.
fn skipped(plan: &Plan, looked: &[Looked]) -> Vec<usize> {
    let unreachable =
        |host: &Looked| host.failure.as_ref().is_some_and(|failure| failure.kind == FailureKind::Unreachable);
    let unreachable: Vec<usize> = (0..looked.len()).filter(|at| unreachable(&looked[*at])).collect();
    if may_skip(plan, &unreachable) == Skip::Skip { unreachable } else { Vec::new() }
}

/// What the refs mean, by the operator's git; only a deploy asks for it.
async fn versions(context: &Context<'_>, intent: &Intent) -> Vec<Option<Version>> {
    let apps = &context.environment.apps;
    let Intent::Deploy { commits, .. } = intent else { return vec![None; apps.len()] };
    let commit = |at: usize| commits.get(at).cloned().flatten();
    let asking = apps.iter().enumerate().map(|(at, app)| revision(context, app, commit(at)));
    join_all(asking).await.into_iter().map(|commit| commit.map(Version::from)).collect()
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
    versions: Vec<Option<Version>>,
) -> Preview {
    let plan = request.plan;
    let situation = situation(plan, &looked);
    let decided = decide(&situation, &request.intent, &versions);
    let (decision, refusal) = match decided {
        Ok(decision) => (Some(decision), None),
        Err(refusal) => (None, Some(refusal)),
    };
    let mut apps = Vec::new();
    for (app, version) in versions.into_iter().enumerate() {
        let mut groups = groups(&looked, app);
        let decided = decision.as_ref().map(|decision| decision.apps[app].clone()).unwrap_or_default();
        // Of a new release only the version is known.
        let to = match (&decided.goal, decided.change) {
            (_, Change::NewRelease) => version,
            (Some(goal), _) => goal.live.version.clone(),
            (None, _) => None,
        };
        for group in &mut groups {
            find_commits(context, group, to.as_ref(), decided.change).await;
        }
        let asked = situation.of_app(app).all(|(_, host)| host.answered());
        let differ = groups.len() > 1 || !asked;
        apps.push(AppPreview { decided, to, groups, differ });
    }
    drop(situation);
    Preview { looked, decision, refusal, apps }
}

fn situation<'a>(plan: &'a Plan, looked: &'a [Looked]) -> Situation<'a> {
    let skipped = skipped(plan, looked);
    let contact = |at: usize| match &looked[at].failure {
        Some(_) if skipped.contains(&at) => Contact::Skipped,
        Some(_) => Contact::Failed,
        None => Contact::Answered,
    };
    let view = |(at, (host, target)): (usize, (&'a Looked, &'a plan::Target))| HostView {
        contact: contact(at),
        digest: target.digest(),
        ..host.view()
    };
    Situation {
        environment: &plan.environment,
        hosts: looked.iter().zip(&plan.targets).enumerate().map(view).collect(),
        now: Timestamp::now(),
    }
}

// Hosts of an app by what they serve.
fn groups(looked: &[Looked], app: usize) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let hosts = looked.iter().enumerate().filter(|(_, host)| host.app == app && host.failure.is_none());
    for (at, host) in hosts {
        let version = |live: &Option<Live>| live.as_ref().map(|live| live.version.clone());
        match groups.iter_mut().find(|known| version(&known.from) == version(&host.live)) {
            Some(known) => known.hosts.push(at),
            None => groups.push(Group { from: host.live.clone(), hosts: vec![at], pending: None }),
        }
    }
    groups
}

/// The commits between, or that they are not known here.
async fn find_commits(context: &Context<'_>, group: &mut Group, to: Option<&Version>, change: Change) {
    let from = group.from.as_ref().and_then(|live| live.version.as_ref());
    let (Some(from), Some(to)) = (from, to) else { return };
    if from == to || change == Change::Unchanged {
        return;
    }
    let root = context.environment.root.as_path();
    let pending = git::pending(root, from.as_str(), to.as_str()).await;
    match &pending {
        Err(why @ (git::Unknown::NotFetched | git::Unknown::Shallow)) if change == Change::NewRelease => {
            let shallow = *why == git::Unknown::Shallow;
            note(context, PlanNote::CommitsUnknown { from, to, root, shallow });
        }
        Ok(pending)
            if change == Change::NewRelease && is_older(pending) && !context.invocation.allow_older =>
        {
            note(context, PlanNote::Older { from, to });
        }
        _ => {}
    }
    group.pending = pending.ok();
}

fn is_older(pending: &git::Pending) -> bool {
    pending.total == 0 && pending.dropped_total > 0
}
