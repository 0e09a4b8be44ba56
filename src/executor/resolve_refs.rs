//! Which commit each app's ref is: once per run, under the lock, the same for all hosts. By the operator's git, and where that
//! cannot reach the repository by the first host.

use futures_util::future::join_all;

use super::decide::{Intent, Refusal};
use super::run_state::{RunState, Stopped};
use crate::git::{self, GitError, Resolved, Revision};
use crate::plan::Phase;
use crate::remote::script::Script;
use crate::remote::version::Version;

/// Of each app what its ref is; none where the run deploys nothing.
pub(super) async fn resolve_refs(run: &mut RunState<'_>) -> Result<Vec<Option<Version>>, Stopped> {
    let plan = run.plan();
    let apps = plan.environment.apps.len();
    let Intent::Deploy { commits, .. } = &run.request.intent else { return Ok(vec![None; apps]) };
    let mut revisions: Vec<Option<Revision>> =
        (0..apps).map(|app| given(run, commits, app).or_else(|| from_opening(run, app))).collect();
    // A path is the hosts': here it may be another repository, or none.
    let by_git: Vec<usize> =
        open(&revisions).into_iter().filter(|app| !git::is_path(&plan.environment.apps[*app].repo)).collect();
    for (app, resolved) in by_git.iter().zip(ask_git(run, &by_git).await?) {
        match resolved {
            Ok(Resolved::Commit { revision, fetch_ref }) => {
                // A branch is one of commits.
                let may_be_other = fetch_ref.is_none_or(|name| !name.starts_with("refs/heads/"));
                let commit =
                    if may_be_other { git::peel(&plan.environment.root, &revision) } else { Ok(revision) };
                match commit {
                    Ok(commit) => revisions[*app] = Some(commit),
                    Err(error) => {
                        return Err(refuse(run, &Refusal::Reference { message: error.to_string() }));
                    }
                }
            }
            Ok(Resolved::AskHost { .. }) => {}
            Err(error) => {
                return Err(refuse(run, &Refusal::Reference { message: error.to_string() }));
            }
        }
    }
    ask_first_hosts(run, &mut revisions).await?;
    match open(&revisions).first() {
        None => Ok(revisions.into_iter().map(|commit| commit.map(Version::from)).collect()),
        Some(app) => {
            let reference = plan.environment.apps[*app].reference.clone();
            Err(refuse(run, &Refusal::NoCommit { reference }))
        }
    }
}

fn refuse(run: &mut RunState<'_>, refusal: &Refusal) -> Stopped {
    run.stop(Phase::Lock, refusal.failure())
}

// Apps whose commit is not known yet.
fn open(revisions: &[Option<Revision>]) -> Vec<usize> {
    (0..revisions.len()).filter(|app| revisions[*app].is_none()).collect()
}

// A whole commit id needs no resolving.
fn given(run: &RunState<'_>, commits: &[Option<Revision>], app: usize) -> Option<Revision> {
    let typed = commits.get(app).cloned().flatten();
    typed.or_else(|| Revision::parse(&run.plan().environment.apps[app].reference))
}

// What the first host said with the opening, where it was asked for that: other hosts are not asked.
fn from_opening(run: &RunState<'_>, app: usize) -> Option<Revision> {
    let plan = run.plan();
    let first = plan.first_of(app).filter(|_| git::is_path(&plan.environment.apps[app].repo))?;
    run.fleet.hosts[first].facts.revision.clone()
}

// By the operator's git, all at once.
async fn ask_git(run: &mut RunState<'_>, apps: &[usize]) -> Result<Vec<Result<Resolved, GitError>>, Stopped> {
    let all = &run.plan().environment.apps;
    let asking = apps.iter().map(|app| git::resolve(&all[*app].repo, &all[*app].reference));
    let resolved = run.fleet.wait_for(join_all(asking), true).await;
    resolved.ok_or_else(|| {
        run.failed_in = Some(Phase::Lock);
        Stopped
    })
}

// By the own access of the first host of an app that can be asked.
async fn ask_first_hosts(run: &mut RunState<'_>, revisions: &mut [Option<Revision>]) -> Result<(), Stopped> {
    let asked: Vec<(usize, Option<usize>)> =
        open(revisions).into_iter().map(|app| (app, first_connected(run, app))).collect();
    if asked.is_empty() {
        return Ok(());
    }
    let mut scripts = vec![Script::new(); run.fleet.hosts.len()];
    for (app, first) in &asked {
        if let Some(first) = first {
            scripts[*first] = run.plan().find_ref[*app].clone();
        }
    }
    run.fleet.stage(Phase::Lock, &scripts, false).await;
    run.barrier(Phase::Lock, false)?;
    for (app, first) in asked {
        revisions[app] = first.and_then(|first| run.fleet.hosts[first].facts.revision.clone());
    }
    Ok(())
}

fn first_connected(run: &RunState<'_>, app: usize) -> Option<usize> {
    let mut targets = run.fleet.of_app(app);
    targets.find(|(_, host)| host.is_connected() && host.failure.is_none()).map(|(at, _)| at)
}
