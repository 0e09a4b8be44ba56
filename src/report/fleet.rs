//! The fleet in one look: a row a host, those that are not as they should be first, the rest folded where they are many; and
//! sentences that name them, with the command to type. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{clean, human, table};
use crate::executor::Looked;
use crate::remote::journal::{Entry, State};
use crate::remote::lineage;

/// More hosts than these are told in groups.
const MOST_ROWS: usize = 20;
/// Alike hosts that are not worth a group.
const FEW: usize = 3;

/// What is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fleet {
    /// The table.
    pub table: String,
    /// What to do, a line each; empty where all is well.
    pub sentences: Vec<String>,
    /// All hosts that answered serve the same, and none is cut off, failed, left behind, drained or not running.
    pub alike: bool,
}

/// The release of an app that most of its hosts serve; of as many, the newer.
#[must_use]
pub fn common(looked: &[Looked], app: usize) -> Option<&str> {
    lineage::majority(looked.iter().filter(|host| host.app == app && host.failure.is_none()).map(release))
}

/// What `looked` comes to. `all`: nothing is folded.
#[must_use]
pub fn render(environment: &str, looked: &[Looked], now: Timestamp, all: bool) -> Fleet {
    let rest = Rest::of(looked);
    let troubles: Vec<Vec<Trouble>> = looked.iter().map(|host| troubles(host, &rest)).collect();
    let mut rows: Vec<(usize, Vec<String>)> = looked
        .iter()
        .zip(&troubles)
        .map(|(host, troubles)| (rank(troubles), row(host, troubles, now)))
        .collect();
    rows.sort_by_key(|(rank, _)| *rank);
    let mut rows: Vec<Vec<String>> = rows.into_iter().map(|(_, row)| row).collect();
    if rows.len() > MOST_ROWS && !all {
        rows = folded(rows);
    }
    rows.insert(0, ["host", "live", "ref", "age", "by", "state"].map(str::to_owned).to_vec());
    Fleet {
        table: table::render(&rows),
        sentences: sentences(environment, looked, &rest, &troubles),
        alike: troubles.iter().flatten().all(|trouble| *trouble == Trouble::Unreached),
    }
}

/// Why a host is not as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Trouble {
    Unreached,
    WentBack,
    Differs,
    Foreign,
    CutOff,
    Failed,
    LeftBehind,
    Drained,
    DrainedForGood,
    Down,
}

fn release(host: &Looked) -> Option<&str> {
    host.live.as_ref().map(|live| live.release.as_str())
}

fn troubles(host: &Looked, rest: &Rest<'_>) -> Vec<Trouble> {
    if host.failure.is_some() {
        return vec![Trouble::Unreached];
    }
    let at_work = host.holder.as_ref().is_some_and(|(_, dead)| !dead);
    let last = host.entries.last().map(|entry| entry.state);
    let behind = !at_work && rest.left_behind(host).is_some();
    let back = !at_work && rest.went_back(host);
    let tests = [
        (Trouble::WentBack, back),
        (Trouble::Differs, !rest.has(host) && !back),
        (Trouble::Foreign, host.foreign.is_some()),
        (Trouble::CutOff, !at_work && matches!(last, Some(State::Open | State::Healthy))),
        // What did not get there did not fail there.
        (Trouble::Failed, last == Some(State::Failed) && !behind),
        (Trouble::LeftBehind, behind),
        (Trouble::Drained, host.drained.as_deref() == Some("restart") && !at_work),
        (Trouble::DrainedForGood, host.drained.as_deref() == Some("deploy") && !at_work),
        (Trouble::Down, host.supervisor.as_ref().is_some_and(|says| says != "ok") && !at_work),
    ];
    tests.into_iter().filter(|(_, holds)| *holds).map(|(trouble, _)| trouble).collect()
}

/// What every host is held against.
struct Rest<'a> {
    /// By app: what most of its hosts serve.
    commons: BTreeMap<usize, Option<&'a str>>,
    /// By app: the reverts that made what most of its hosts serve, each once.
    reverts: Vec<(usize, &'a Entry)>,
    /// By app: the newest run that made anything live on hosts that serve what most do.
    newest: BTreeMap<usize, &'a str>,
}

impl<'a> Rest<'a> {
    fn of(looked: &'a [Looked]) -> Rest<'a> {
        let mut rest = Rest { commons: BTreeMap::new(), reverts: Vec::new(), newest: BTreeMap::new() };
        for host in looked {
            rest.commons.entry(host.app).or_insert_with(|| common(looked, host.app));
        }
        for host in looked {
            let Some(last) = last(host).filter(|_| rest.has(host)) else { continue };
            let newest = rest.newest.entry(host.app).or_insert(&last.run);
            *newest = (*newest).max(&last.run);
        }
        for host in looked {
            let reverted = last(host).filter(|entry| entry.action == "revert" && rest.has(host));
            let Some(last) = reverted else { continue };
            if !rest.reverts.iter().any(|(app, entry)| *app == host.app && entry.run == last.run) {
                rest.reverts.push((host.app, last));
            }
        }
        rest
    }

    /// Whether a host serves what most of its app's do.
    fn has(&self, host: &Looked) -> bool {
        host.failure.is_none() && self.commons.get(&host.app) == Some(&release(host))
    }

    /// Whether a host was reverted after the rest got what they serve: the operator stopped before it was their turn.
    fn went_back(&self, host: &Looked) -> bool {
        let differs = host.failure.is_none() && !self.has(host);
        let Some(last) = last(host).filter(|_| differs) else { return false };
        let later = self.newest.get(&host.app).is_some_and(|newest| last.run.as_str() > *newest);
        later && last.action == "revert" && Some(last.release.as_str()) == release(host)
    }

    /// The deploy to which another app was reverted, and by what that says this one with it, on all its hosts, and was not:
    /// the operator was lost between the two. A host that differs from the rest of its app needs a `sync`.
    fn left_behind(&self, host: &Looked) -> Option<&'a str> {
        let ((_, app), live, own) = (host.host.rsplit_once('/')?, host.live.as_ref()?, last(host));
        // The names of runs are in the order of their beginnings.
        let (_, entry) = self.reverts.iter().find(|(other, entry)| {
            *other != host.app
                && entry.apps.iter().any(|(name, revision)| name == app && *revision != live.revision)
                && own.is_none_or(|own| own.run < entry.run)
        })?;
        self.has(host).then_some(entry.release.as_str())
    }
}

// What was live and good there last.
fn last(host: &Looked) -> Option<&Entry> {
    host.entries.iter().rev().find(|entry| entry.was_good())
}

fn rank(troubles: &[Trouble]) -> usize {
    match troubles.iter().min() {
        Some(Trouble::Unreached | Trouble::WentBack | Trouble::Differs) => 0,
        Some(_) => 1,
        None => 2,
    }
}

fn row(host: &Looked, troubles: &[Trouble], now: Timestamp) -> Vec<String> {
    let made = release(host).and_then(|live| host.entries.iter().rev().find(|e| e.release == live));
    let (reference, age, who) = made.map_or_else(Default::default, |entry| {
        let who = entry.who.split_whitespace().next().unwrap_or_default();
        (entry.reference.as_str(), human::age(&entry.when, now), who)
    });
    let live = if host.failure.is_some() { "?" } else { release(host).unwrap_or("-") };
    [host.host.as_str(), live, reference, &age, who, &state(host, troubles)]
        .map(|cell| clean::line(cell.as_bytes(), 160))
        .to_vec()
}

fn state(host: &Looked, troubles: &[Trouble]) -> String {
    if let Some(failure) = &host.failure {
        return format!("not asked: {}", human::failure(failure));
    }
    let mut words: Vec<String> = troubles.iter().filter_map(|trouble| words(*trouble, host)).collect();
    if words.is_empty() {
        words.push(match (&host.live, host.supervisor.as_deref()) {
            (None, _) => "nothing deployed".to_owned(),
            (_, Some("ok")) => "running".to_owned(),
            _ => "ok".to_owned(),
        });
    }
    words.extend(host.holder.as_ref().map(|(who, dead)| {
        let dead = if *dead { " by a run that died" } else { " by a run that is alive" };
        format!("locked{dead}: {who}")
    }));
    words.join("; ")
}

fn words(trouble: Trouble, host: &Looked) -> Option<String> {
    Some(match trouble {
        Trouble::Unreached => return None,
        Trouble::WentBack => "went back, and the rest did not".to_owned(),
        Trouble::Differs if host.foreign.is_some() => return None,
        Trouble::Differs if host.live.is_none() => "nothing deployed".to_owned(),
        Trouble::Differs => "differs".to_owned(),
        Trouble::Foreign => {
            format!("current points to {}, not made by shipit", host.foreign.as_deref().unwrap_or_default())
        }
        Trouble::CutOff => "a deploy was cut off; the next run settles it".to_owned(),
        Trouble::Failed => "the last deploy or revert failed and was not rolled back".to_owned(),
        Trouble::LeftBehind => "the last revert did not get here".to_owned(),
        Trouble::Drained | Trouble::DrainedForGood => "drained".to_owned(),
        Trouble::Down => match host.supervisor.as_deref() {
            Some("late") => "its `status` step does not come to an end".to_owned(),
            Some("unknown") => "its `status` step could not be run".to_owned(),
            _ => "not running".to_owned(),
        },
    })
}

/// Alike hosts as one row, where they are more than a few.
fn folded(rows: Vec<Vec<String>>) -> Vec<Vec<String>> {
    let mut groups: Vec<Vec<Vec<String>>> = Vec::new();
    for row in rows {
        match groups.iter_mut().find(|group| group[0][1..] == row[1..]) {
            Some(group) => group.push(row),
            None => groups.push(vec![row]),
        }
    }
    let fold = |group: Vec<Vec<String>>| {
        if group.len() <= FEW {
            return group;
        }
        let mut row = group[0].clone();
        row[0] = human::hosts(group.len());
        vec![row]
    };
    groups.into_iter().flat_map(fold).collect()
}

// The option that chooses these, where they are few.
fn only(names: &[&str]) -> String {
    // Where there are several apps, a name is that of a host and of an app.
    let mut hosts: Vec<&str> = names.iter().map(|name| name.split('/').next().unwrap_or(name)).collect();
    hosts.dedup();
    if hosts.len() > FEW { String::new() } else { format!(" --hosts {}", hosts.join(",")) }
}

// The same for the apps.
fn apps(names: &[&str]) -> String {
    let mut apps: Vec<&str> = names.iter().filter_map(|name| Some(name.rsplit_once('/')?.1)).collect();
    apps.sort_unstable();
    apps.dedup();
    if apps.is_empty() { String::new() } else { format!(" --apps {}", apps.join(",")) }
}

fn sentences(
    environment: &str,
    looked: &[Looked],
    rest: &Rest<'_>,
    troubles: &[Vec<Trouble>],
) -> Vec<String> {
    let with = |trouble: Trouble| -> Vec<&str> {
        let hosts = looked.iter().zip(troubles).filter(|(_, of_host)| of_host.contains(&trouble));
        hosts.map(|(host, _)| host.host.as_str()).collect()
    };
    let told = [
        Trouble::Unreached,
        Trouble::WentBack,
        Trouble::Differs,
        Trouble::Failed,
        Trouble::LeftBehind,
        Trouble::Drained,
        Trouble::DrainedForGood,
        Trouble::Down,
    ];
    let reverted = |trouble: Trouble| match trouble {
        Trouble::WentBack => looked.iter().find(|host| rest.went_back(host)).and_then(release),
        _ => looked.iter().find_map(|host| rest.left_behind(host)),
    };
    let advice =
        told.into_iter().map(|trouble| (trouble, with(trouble))).filter(|(_, names)| !names.is_empty());
    let mut all: Vec<String> = advice
        .filter_map(|(trouble, names)| {
            let reverted = reverted(trouble).unwrap_or_default();
            advice_for(trouble, (environment, reverted), &names)
        })
        .collect();
    // `sync` refuses to choose between halves.
    let most = 2 * looked.iter().filter(|host| rest.has(host)).count() > looked.len();
    let back = with(Trouble::WentBack);
    if most && !back.is_empty() {
        let names = human::names(&back);
        all.push(format!("or `shipit {environment} sync`, which takes {names} to what most serve"));
    }
    let dead = looked.iter().filter(|host| host.holder.as_ref().is_some_and(|(_, dead)| *dead));
    let dead: Vec<&str> = dead.map(|host| host.host.as_str()).collect();
    if !dead.is_empty() {
        let names = human::names(&dead);
        all.push(format!(
            "a run that died holds the lock of {names}: the next one takes over, or `shipit {environment} unlock`"
        ));
    }
    all.iter().map(|text| clean::line(text.as_bytes(), 400)).collect()
}

/// What is to be done about hosts that are in the same trouble.
fn advice_for(trouble: Trouble, (environment, reverted): (&str, &str), hosts: &[&str]) -> Option<String> {
    let names = human::names(hosts);
    let of = |one: &'static str, many: &'static str| if hosts.len() == 1 { one } else { many };
    let it = of("it", "them");
    Some(match trouble {
        Trouble::Unreached => {
            format!("{names} could not be asked: `shipit {environment} check{}` says why", only(hosts))
        }
        Trouble::WentBack => format!(
            "{names} went back to an earlier deploy, and the rest did not: `shipit {environment} revert {reverted}` takes all \
             there"
        ),
        Trouble::Differs => format!(
            "{names} {} not serve the same release as the rest: `shipit {environment} sync` brings {it} there",
            of("does", "do")
        ),
        Trouble::Failed => format!(
            "what failed on {names}: `shipit {environment} show`; then `shipit {environment} sync` brings {it} to what the rest \
             serve, or `--redeploy` all to a new one"
        ),
        Trouble::LeftBehind => format!(
            "the last revert of other apps did not get to {names}: `shipit {environment} revert {reverted}` takes {it} along"
        ),
        Trouble::Drained => format!(
            "{names} {} left drained: `shipit {environment} restart{}{}` takes {it} in once healthy",
            of("was", "were"),
            only(hosts),
            apps(hosts)
        ),
        Trouble::DrainedForGood => format!(
            "{names} {} left drained, and what is live there takes no host in: `shipit {environment} --redeploy`",
            of("was", "were")
        ),
        Trouble::Down => {
            format!("the app does not run on {names}: `shipit {environment} restart` starts it")
        }
        Trouble::Foreign | Trouble::CutOff => return None,
    })
}
