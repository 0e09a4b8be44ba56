//! The judgement after a fault: what the hosts serve, what the report said of them, the exit code, and that the next plain
//! run brings everything to the newest commit.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::case::{Action, Case, Kind};
use crate::codes;
use crate::fleet::{APPS, DRAINED, Fleet, HOSTS};
use crate::look::{self, Seen};
use crate::strike::{self, Struck};

/// By then every host has put itself right, on a busy machine too.
const SETTLED: Duration = Duration::from_secs(90);

/// How a case ended, when all was as it must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The moment never came.
    Missed,
    New,
    Old,
    /// Hosts differ, and the report named them.
    Split,
}

/// Plays a case, judges it, and makes the fleet whole again. Err: every violation, with what the run printed.
pub fn play(fleet: &mut Fleet, case: &Case) -> Result<Ending, String> {
    if case.action == Action::First {
        fleet.wipe();
    }
    let old = look::host(fleet, 0).live;
    let hosts = fleet.world.hosts();
    hosts.iter().for_each(|host| _ = std::fs::remove_file(host.path("order")));
    if case.action != Action::Revert {
        fleet.publish();
    }
    let struck = strike::run(fleet, case);
    strike::revive(fleet, case);
    let waits = matches!(case.kind, Kind::KillMachine | Kind::ReadOnly);
    let dead = (waits && struck.fired.is_some()).then_some(case.host);
    let mut seen = settle(fleet, dead, case.kind.damages().then_some(case.host));
    let mut damaged = Vec::new();
    if case.kind.damages() {
        damaged = not_whole(fleet, &seen);
        // A person did that, and it is judged by what `status` says of it.
        seen[case.host].troubles.retain(|trouble| !is_of_damage(trouble));
    }
    let troubled = |at: &usize| !seen[*at].troubles.is_empty() && Some(*at) != dead;
    let records: String = (0..HOSTS).filter(troubled).map(|at| look::records(fleet, at)).collect();
    let (ending, mut faults) = judge(case, &struck, &old, &seen, dead);
    faults.extend(damaged);
    faults.extend(look::hooks(fleet));
    if ending == Ending::Split {
        faults.extend(status(fleet, &seen));
    }
    strike::mend(fleet, case);
    if matches!(case.kind, Kind::ClockAhead | Kind::ClockBehind) && case.action == Action::Deploy {
        faults.extend(goes_back(fleet, &old));
    }
    if ending == Ending::Split {
        // Two releases of one commit, of which this may have been the way back, are no reason to deploy it once more. And
        // what was live before is not the same everywhere, until the deploy after next.
        fleet.publish();
        faults.extend(next(fleet));
        fleet.publish();
    }
    faults.extend(next(fleet));
    if case.action == Action::First {
        // There must be something to revert to.
        fleet.publish();
        faults.extend(next(fleet));
    }
    if faults.is_empty() {
        return Ok(if struck.fired.is_none() { Ending::Missed } else { ending });
    }
    let phases: Vec<&str> = struck.events.keys.iter().map(String::as_str).collect();
    let at = struck.fired.map(|phase| crate::events::PHASES[phase]);
    Err(format!(
        "{}\n{records}struck in: {at:?}\nbefore: {old:?}\nthen:\n{}\nevents: {}\n{}",
        faults.join("\n"),
        seen.iter().map(|seen| format!("  {seen:?}")).collect::<Vec<_>>().join("\n"),
        phases.join(" "),
        struck.run
    ))
}

// What somebody damaged stays so until the next run.
fn is_of_damage(trouble: &str) -> bool {
    let damage = ["which is not whole", "shared/env is not that of", "is half a release", "and not there"];
    damage.iter().any(|text| trouble.contains(text))
}

// `status` says of every host whether what it serves is whole.
fn not_whole(fleet: &Fleet, seen: &[Seen]) -> Vec<String> {
    let run = fleet.shipit(&["status", "--check", "--output", "json"]).wait();
    let rows: Value = serde_json::from_str(&run.stdout).unwrap_or_default();
    let mut faults = Vec::new();
    for (at, host) in seen.iter().enumerate() {
        for (app, live) in APPS.iter().zip(&host.live) {
            let name = format!("web{}/{app}", at + 1);
            let page = std::fs::read(fleet.path(at, app, "current/page")).unwrap_or_default();
            let whole = live.is_none() || !page.is_empty();
            let row = rows.as_array().and_then(|rows| rows.iter().find(|row| row["host"] == name));
            if row.is_none_or(|row| row["damaged"].is_null() != whole) || !whole && run.code != Some(1) {
                faults
                    .push(format!("{name}: that what is live is whole is {whole}, and `status` says: {run}"));
            }
        }
    }
    faults
}

// Waits until all hosts have come to rest, but for one that is dead until somebody calls. What was damaged stays so.
fn settle(fleet: &Fleet, dead: Option<usize>, damaged: Option<usize>) -> Vec<Seen> {
    let start = Instant::now();
    loop {
        let seen = look::all(fleet);
        let rests = |(at, seen): (usize, &Seen)| {
            let known = |trouble: &String| Some(at) == damaged && is_of_damage(trouble);
            Some(at) == dead || seen.troubles.iter().all(known)
        };
        if seen.iter().enumerate().all(rests) || start.elapsed() > SETTLED {
            return seen;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn judge(
    case: &Case,
    struck: &Struck,
    old: &[Option<String>],
    seen: &[Seen],
    dead: Option<usize>,
) -> (Ending, Vec<String>) {
    let mut faults = Vec::new();
    let code = struck.run.code;
    let killed = case.kind == Kind::ClientKill && struck.fired.is_some();
    let allowed = codes::allowed(case, struck);
    if code.map_or(!killed, |code| !allowed.contains(&code)) {
        faults.push(format!("the exit code is {code:?}, and should be one of {allowed:?}"));
    }
    let target: Vec<_> = APPS.iter().map(|app| struck.events.release(app).map(str::to_owned)).collect();
    let mut counts = [0, 0];
    for (at, host) in seen.iter().enumerate() {
        // Of a host with several apps some may be back, and others not.
        let is_old = host.live.iter().zip(old).any(|(live, old)| live == old);
        let is_target = |(live, to): (&Option<String>, &Option<String>)| to.is_some() && live == to;
        let is_new = host.live.iter().zip(&target).any(is_target);
        counts[0] += usize::from(is_old);
        counts[1] += usize::from(is_new);
        let name = format!("web{}", at + 1);
        let by_app = host.live.iter().zip(old).zip(&target);
        let known = by_app.into_iter().all(|((live, old), to)| live == old || is_target((live, to)));
        if !known && Some(at) != dead {
            faults.push(format!("{name} serves {:?}: neither old nor new", host.live));
        }
        let hurt = case.kind.of_the_client() || at == case.host;
        faults.extend(told(struck, &name, host, Some(at) == dead, hurt));
    }
    let ending = match counts {
        [0, _] => Ending::New,
        [_, 0] => Ending::Old,
        _ => Ending::Split,
    };
    let fits = match code {
        Some(0) => ending == Ending::New,
        Some(1 | 3 | 4 | 5 | 75 | 130 | 143) => ending == Ending::Old,
        Some(6) => true,
        _ => ending != Ending::Split || dies_alone(case, struck),
    };
    if !fits {
        faults.push(format!("{ending:?} with exit code {code:?}: {} old, {} new", counts[0], counts[1]));
    }
    (ending, faults)
}

// Whether the report says of a host what is so.
fn told(struck: &Struck, name: &str, host: &Seen, dead: bool, hurt: bool) -> Vec<String> {
    let mut faults = Vec::new();
    let outcome = struck.events.outcome();
    let results: Vec<Option<&Value>> = APPS.iter().map(|app| of(outcome?, name, app)).collect();
    let doubt = results.iter().flatten().any(|result| result["result"] == "in-doubt");
    if doubt && !struck.run.stderr.contains(name) {
        faults.push(format!("{name} is in doubt, and the report does not name it"));
    }
    if doubt && !hurt {
        faults.push(format!("{name} is in doubt, and nothing happened to it"));
    }
    if dead {
        return faults;
    }
    faults.extend(host.troubles.iter().map(|trouble| format!("{name}: {trouble}")));
    if host.running != host.live && !(struck.run.code == Some(6) && doubt) {
        faults.push(format!("{name}: {:?} runs and {:?} is live", host.running, host.live));
    }
    for (app, (live, result)) in APPS.iter().zip(host.live.iter().zip(&results)) {
        if let Some(said) = result.and_then(said)
            && live.as_deref() != Some(said)
        {
            faults.push(format!("{name}: the report says that {app} is at {said}, and it is at {live:?}"));
        }
    }
    faults
}

// What the report says of an app on a host.
fn of<'a>(outcome: &'a Value, host: &str, app: &str) -> Option<&'a Value> {
    let hosts = outcome["hosts"].as_array()?;
    hosts.iter().find(|is| is["host"] == host || is["host"] == format!("{host}/{app}"))
}

// What it serves by the report.
fn said(host: &Value) -> Option<&str> {
    host["to"]["release"].as_str()
}

// An operator who is killed may leave hosts that differ only between "all are healthy" and its acknowledgement; or in a
// revert, which never returns.
fn dies_alone(case: &Case, struck: &Struck) -> bool {
    let active = struck.events.keys.iter().filter(|key| key.starts_with("host-done:activate@")).count();
    match case.action {
        Action::Deploy | Action::First => active >= HOSTS * APPS.len(),
        Action::Revert => struck.events.phase() >= 4,
    }
}

// While hosts differ, `status` says so, and names them with what they serve.
fn status(fleet: &Fleet, seen: &[Seen]) -> Vec<String> {
    // Apps that stand on different deploys are nothing odd: each can be deployed alone.
    if seen.iter().all(|host| host.live == seen[0].live) {
        return Vec::new();
    }
    let run = fleet.shipit(&["status", "--check", "--output", "json"]).wait();
    let mut faults = Vec::new();
    if run.code != Some(1) {
        faults.push(format!("hosts differ, and: {run}"));
    }
    let rows: Value = serde_json::from_str(&run.stdout).unwrap_or_default();
    let live = |name: &str| {
        let row = rows.as_array()?.iter().find(|row| row["host"] == name)?;
        row["live"]["release"].as_str().map(str::to_owned)
    };
    for (at, host) in seen.iter().enumerate() {
        for (app, serves) in APPS.iter().zip(&host.live) {
            let name = format!("web{}/{app}", at + 1);
            if live(&name) != *serves {
                faults.push(format!("{name} serves {serves:?}, and `status` says {:?}: {run}", live(&name)));
            }
        }
    }
    faults
}

// After a deploy by a clock that was wrong: the way back leads to what was live before it.
fn goes_back(fleet: &Fleet, old: &[Option<String>]) -> Vec<String> {
    let run = fleet.shipit(&["revert"]).wait();
    if run.code == Some(0) && settle(fleet, None, None).iter().all(|seen| seen.live == old) {
        return Vec::new();
    }
    vec![format!("the revert after it does not lead back to {old:?}: {run}")]
}

// The next plain run succeeds, and all is on the newest commit and at rest.
fn next(fleet: &Fleet) -> Vec<String> {
    // A host whose disk was read-only until now may still be ending the last run: a busy machine takes its time for that.
    let run = fleet.shipit(&["--lock-wait", "90s"]).wait();
    if run.code != Some(0) {
        return vec![format!("the next plain run does not succeed: {run}")];
    }
    let seen = settle(fleet, None, None);
    let head = fleet.world.repo.head();
    let mut faults = Vec::new();
    for (at, host) in seen.iter().enumerate() {
        let name = format!("web{}, after the next run", at + 1);
        faults.extend(host.troubles.iter().map(|trouble| format!("{name}: {trouble}")));
        if fleet.path(at, DRAINED, ".shipit/drained").exists() {
            faults.push(format!("{name}: {DRAINED} is still drained"));
        }
        if host.running != host.live || host.live != seen[0].live {
            faults.push(format!("{name}: {:?} runs and {:?} is live", host.running, host.live));
        }
        for app in APPS {
            let revision =
                std::fs::read_to_string(fleet.path(at, app, "current/REVISION")).unwrap_or_default();
            if revision.trim() != head {
                faults.push(format!("{name}: {app} is on {revision}, and the newest is {head}"));
            }
        }
    }
    if !faults.is_empty() {
        faults.push(format!("after {run}"));
    }
    faults
}
