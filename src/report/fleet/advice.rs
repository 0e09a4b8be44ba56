//! What to do about hosts that are not as they should be: one variant for each sentence, worded here. Pure.

use super::problem::{Majority, Problem, release};
use crate::executor::Looked;
use crate::report::{clean, human};

/// More host names than these are not typed as an option.
const FEW: usize = 3;

/// A sentence with a command to type. Each is about these hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Advice<'a> {
    /// They did not answer.
    Check(Vec<&'a str>),
    /// They were reverted to this release, and the others were not.
    RevertOthers(Vec<&'a str>, &'a str),
    /// They do not serve what most hosts serve.
    Sync(Vec<&'a str>),
    /// The last deploy failed there.
    FixFailed(Vec<&'a str>),
    /// They were not reverted to this release with another app.
    RevertToo(Vec<&'a str>, &'a str),
    /// What is live there is not whole.
    MakeNew(Vec<&'a str>),
    /// `restart` undrains them.
    Undrain(Vec<&'a str>),
    /// Only a deploy undrains them.
    Redeploy(Vec<&'a str>),
    /// The app does not run there.
    Start(Vec<&'a str>),
    /// The other way out of [`Advice::RevertOthers`].
    OrSync(Vec<&'a str>),
    /// A run that died holds their locks.
    TakeOver(Vec<&'a str>),
}

impl<'a> Advice<'a> {
    fn about(problem: Problem, reverted: &'a str, hosts: Vec<&'a str>) -> Option<Self> {
        Some(match problem {
            Problem::Unreachable => Advice::Check(hosts),
            Problem::RevertedAlone => Advice::RevertOthers(hosts, reverted),
            Problem::Differs => Advice::Sync(hosts),
            Problem::Failed => Advice::FixFailed(hosts),
            Problem::MissedRevert => Advice::RevertToo(hosts, reverted),
            Problem::Damaged => Advice::MakeNew(hosts),
            Problem::Drained => Advice::Undrain(hosts),
            Problem::DrainedUntilDeploy => Advice::Redeploy(hosts),
            Problem::NotRunning => Advice::Start(hosts),
            Problem::Foreign | Problem::Interrupted => return None,
        })
    }

    fn hosts(&self) -> &[&'a str] {
        match self {
            Advice::Check(hosts)
            | Advice::RevertOthers(hosts, _)
            | Advice::Sync(hosts)
            | Advice::FixFailed(hosts)
            | Advice::RevertToo(hosts, _)
            | Advice::MakeNew(hosts)
            | Advice::Undrain(hosts)
            | Advice::Redeploy(hosts)
            | Advice::Start(hosts)
            | Advice::OrSync(hosts)
            | Advice::TakeOver(hosts) => hosts,
        }
    }

    /// As it is shown: in one line, and harmless.
    #[must_use]
    pub fn text(&self, environment: &str) -> String {
        let hosts = self.hosts();
        let names = human::names(hosts);
        let one = hosts.len() == 1;
        let it = if one { "it" } else { "them" };
        let (is, does) = if one { ("is", "does") } else { ("are", "do") };
        let shipit = format!("shipit {environment}");
        let text = match self {
            Advice::Check(_) => {
                format!("{names} did not answer: `{shipit} check{}` says why", hosts_option(hosts))
            }
            Advice::RevertOthers(_, release) => format!(
                "{names} went back to an earlier deploy, and the other hosts did not: `{shipit} revert {release}` reverts \
                 them, too"
            ),
            Advice::Sync(_) => format!(
                "{names} {does} not serve the same release as the other hosts: `{shipit} sync` brings {it} to theirs"
            ),
            Advice::FixFailed(_) => format!(
                "the last deploy failed on {names}: `{shipit} show` shows why; then `{shipit} sync` brings {it} to what the \
                 other hosts serve, or `{shipit} --redeploy` makes a new release everywhere"
            ),
            Advice::RevertToo(_, release) => format!(
                "the last revert did not reach {names}: `{shipit} revert {release}` reverts {it}, too"
            ),
            Advice::MakeNew(_) => format!(
                "what {names} {does_serve} is not whole: `{shipit}` makes a new release on all hosts",
                does_serve = if one { "serves" } else { "serve" }
            ),
            Advice::Undrain(_) => format!(
                "{names} {is} still drained: `{shipit} restart{}{}` undrains {it} once healthy",
                hosts_option(hosts),
                apps_option(hosts)
            ),
            Advice::Redeploy(_) => format!(
                "{names} {is} still drained, and what is live there has no `undrain` step: `{shipit} --redeploy`"
            ),
            Advice::Start(_) => format!("the app does not run on {names}: `{shipit} restart` starts it"),
            Advice::OrSync(_) => {
                format!("or `{shipit} sync`, which brings {names} to what most hosts serve")
            }
            Advice::TakeOver(_) => format!(
                "a run that died holds the lock of {names}: the next run takes it over, or `{shipit} unlock` removes it"
            ),
        };
        clean::line(text.as_bytes(), 400)
    }
}

/// The option that chooses these hosts, where they are few.
fn hosts_option(names: &[&str]) -> String {
    // Where there are several apps, a name is that of a host and of an app.
    let mut hosts: Vec<&str> = names.iter().map(|name| name.split('/').next().unwrap_or(name)).collect();
    hosts.dedup();
    if hosts.len() > FEW { String::new() } else { format!(" --hosts {}", hosts.join(",")) }
}

/// The option that chooses these apps, where there are several.
fn apps_option(names: &[&str]) -> String {
    let mut apps: Vec<&str> = names.iter().filter_map(|name| Some(name.rsplit_once('/')?.1)).collect();
    apps.sort_unstable();
    apps.dedup();
    if apps.is_empty() { String::new() } else { format!(" --apps {}", apps.join(",")) }
}

/// What to do, most important first.
pub(super) fn advice<'a>(
    looked: &'a [Looked],
    majority: &Majority<'a>,
    problems: &[Vec<Problem>],
) -> Vec<Advice<'a>> {
    let with = |problem: Problem| -> Vec<&'a str> {
        let hosts = looked.iter().zip(problems).filter(|(_, of_host)| of_host.contains(&problem));
        hosts.map(|(host, _)| host.host.as_str()).collect()
    };
    let reverted = |problem: Problem| match problem {
        Problem::RevertedAlone => looked.iter().find(|host| majority.reverted_alone(host)).and_then(release),
        _ => looked.iter().find_map(|host| majority.missed_revert(host)),
    };
    let all = [
        Problem::Unreachable,
        Problem::RevertedAlone,
        Problem::Differs,
        Problem::Failed,
        Problem::MissedRevert,
        Problem::Damaged,
        Problem::Drained,
        Problem::DrainedUntilDeploy,
        Problem::NotRunning,
    ];
    // While a run is under way hosts differ, and no other run could do anything about it.
    let in_progress = looked.iter().any(|host| host.holder.as_ref().is_some_and(|(_, dead)| !dead));
    let all = all.into_iter().filter(|problem| !in_progress || *problem == Problem::Unreachable);
    let known =
        all.into_iter().map(|problem| (problem, with(problem))).filter(|(_, hosts)| !hosts.is_empty());
    let mut advice: Vec<Advice<'a>> = known
        .filter_map(|(problem, hosts)| Advice::about(problem, reverted(problem).unwrap_or_default(), hosts))
        .collect();
    // `sync` refuses to choose between halves.
    let most = 2 * looked.iter().filter(|host| majority.includes(host)).count() > looked.len();
    let reverted_alone = with(Problem::RevertedAlone);
    if most && !in_progress && !reverted_alone.is_empty() {
        advice.push(Advice::OrSync(reverted_alone));
    }
    let dead = looked.iter().filter(|host| host.holder.as_ref().is_some_and(|(_, dead)| *dead));
    let dead: Vec<&str> = dead.map(|host| host.host.as_str()).collect();
    if !dead.is_empty() {
        advice.push(Advice::TakeOver(dead));
    }
    advice
}
