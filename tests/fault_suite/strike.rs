//! A fault while it lasts: made, at its moment, and taken back.

use std::fs;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::case::{Action, Case, Cut, Kind, Moment, Way};
use crate::common::{Run, Running, Signal, eventually};
use crate::events::Events;
use crate::fleet::Fleet;

/// Longer than hosts wait for a client that is silent (`timeout.lost` is 4 s), on a busy machine too.
const LONG_SILENCE: Duration = Duration::from_secs(9);

/// A run with a fault in it, after its end.
#[derive(Debug)]
pub struct Struck {
    pub run: Run,
    pub events: Events,
    /// In which phase the fault struck at the earliest, if it did.
    pub fired: Option<usize>,
    /// From the strike to the client's end.
    pub lingered: Duration,
}

/// Runs the case's action with its fault, to the client's end.
pub fn run(fleet: &Fleet, case: &Case) -> Struck {
    let holder = prepare(fleet, case);
    let mut running = start(fleet, case);
    let mut events = Events::default();
    let (mut fired, mut due, mut struck) = (None, None, Instant::now());
    let file = fleet.events();
    while !running.ended() {
        let phase = events.phase();
        events.poll(&file);
        match &case.moment {
            _ if fired.is_some() => {}
            Moment::Event(key, delay) => {
                if due.is_none() && events.keys.contains(key) {
                    due = Some(Instant::now() + Duration::from_millis(*delay));
                }
                if due.is_some_and(|due| due <= Instant::now()) {
                    (fired, struck) = (Some(phase), Instant::now());
                    strike(fleet, case, &running);
                }
            }
            Moment::Bytes(..) if fleet.lines[case.host].was_cut() => {
                (fired, struck) = (Some(phase), Instant::now());
            }
            Moment::Bytes(..) => {}
            Moment::Step(_) | Moment::Always => (fired, struck) = (Some(0), Instant::now()),
        }
        sleep(Duration::from_millis(1));
    }
    let run = running.wait();
    let lingered = struck.elapsed();
    events.poll(&file);
    if let (Moment::Bytes(..), None, true) = (&case.moment, fired, fleet.lines[case.host].was_cut()) {
        fired = Some(events.phase());
    }
    if let Some(holder) = holder {
        let _ = fs::remove_file(fleet.host(case.host).path("hold.post-setup"));
        holder.wait().ends_with(0);
    }
    Struck { run, events, fired, lingered }
}

fn prepare(fleet: &Fleet, case: &Case) -> Option<Running> {
    let host = fleet.host(case.host);
    fleet.lines.iter().for_each(super::proxy::Proxy::reset);
    match (case.kind, &case.moment) {
        (kind, Moment::Bytes(way, bytes)) => {
            fleet.lines[case.host].cut_after(
                *way,
                *bytes,
                if kind == Kind::CutFin { Cut::Fin } else { Cut::Rst },
            );
        }
        (_, Moment::Step(step)) if step.ends_with("-local") => {
            fs::write(fleet.world.root().join(format!("fail.{step}")), "").unwrap();
        }
        (_, Moment::Step(step)) if step == "pulse" => fleet.sicken(case.host),
        (kind, Moment::Step(step)) => {
            let back = if kind == Kind::BothWays { "rollback" } else { "" };
            host.put(&format!("fail.{step}"), &format!("deploy revert {back}"));
            if kind == Kind::BothWays && case.action == Action::First {
                host.put("fail.stop", "deploy");
            }
        }
        (Kind::OtherDisk, _) => fleet.move_releases(case.host),
        (Kind::HeldLock, _) => {
            host.put("hold.post-setup", "");
            let holder = fleet.shipit(&["setup", "--hosts", host.name()]);
            eventually("another run holds the lock", || {
                host.read("order").is_some_and(|order| order.contains(" post-setup "))
            });
            return Some(holder);
        }
        _ => {}
    }
    None
}

fn start(fleet: &Fleet, case: &Case) -> Running {
    let words: &[&str] = if case.action == Action::Revert { &["revert"] } else { &[] };
    let off = match case.kind {
        Kind::ClockAhead => "+5h",
        Kind::ClockBehind => "-5h",
        _ => return fleet.start(words, &[]),
    };
    let library = faketime();
    let preload = [("LD_PRELOAD", library.to_str().unwrap()), ("FAKETIME", off)];
    fleet.start(words, &[&preload[..], &[("FAKETIME_DONT_FAKE_MONOTONIC", "1")]].concat())
}

fn faketime() -> PathBuf {
    let places = fs::read_dir("/usr/lib").unwrap().flatten().map(|dir| dir.path());
    let mut files = places.map(|dir| dir.join("faketime/libfaketime.so.1"));
    files.find(|file| file.exists()).expect("this test needs libfaketime: tests/run installs it")
}

fn strike(fleet: &Fleet, case: &Case, running: &Running) {
    let line = &fleet.lines[case.host];
    match case.kind {
        Kind::CutRst => line.cut(Cut::Rst),
        Kind::CutFin => line.cut(Cut::Fin),
        Kind::KillSession => fleet.host(case.host).kill_session(),
        Kind::KillMachine => fleet.kill_machine(case.host),
        Kind::Freeze => fleet.freeze(case.host, true),
        Kind::Hiccup => {
            fleet.freeze(case.host, true);
            sleep(Duration::from_secs(1));
            fleet.freeze(case.host, false);
        }
        Kind::Silent => [Way::Up, Way::Down].into_iter().for_each(|way| line.silent(way, true)),
        Kind::SilentUp => line.silent(Way::Up, true),
        Kind::SilentDown => line.silent(Way::Down, true),
        Kind::ClientKill => running.kill(Signal::KILL),
        Kind::ClientTerm => running.kill(Signal::TERM),
        Kind::ClientInt => running.kill(Signal::INT),
        Kind::ClientIntTwice => {
            running.kill(Signal::INT);
            // Two of a kind that come at once are one.
            sleep(Duration::from_millis(50));
            running.kill(Signal::INT);
        }
        Kind::ClientFreeze => {
            running.kill(Signal::STOP);
            sleep(LONG_SILENCE);
            running.kill(Signal::CONT);
        }
        Kind::GoalEmptied | Kind::GoalRemoved => fleet.damage_goal(case.host, case.kind == Kind::GoalRemoved),
        Kind::LiveHalved => fleet.halve_live(case.host),
        Kind::ReadOnly => fleet.disks[case.host].remount("ro"),
        Kind::NoInodes => fleet.disks[case.host].use_inodes(),
        Kind::DiskFull => fleet.disks[case.host].fill(),
        Kind::HookFails | Kind::BothWays | Kind::HeldLock | Kind::ClockAhead | Kind::ClockBehind => {}
        Kind::OtherDisk => {}
    }
}

/// The network and the machine are there again.
pub fn revive(fleet: &Fleet, case: &Case) {
    let line = &fleet.lines[case.host];
    line.reset();
    [Way::Up, Way::Down].into_iter().for_each(|way| line.silent(way, false));
    match case.kind {
        Kind::Freeze => fleet.freeze(case.host, false),
        Kind::KillMachine => fleet.host(case.host).start(),
        Kind::ReadOnly => fleet.disks[case.host].remount("rw"),
        _ => {}
    }
}

/// Somebody has mended what only he could: the disk, the program.
pub fn mend(fleet: &Fleet, case: &Case) {
    fleet.disks[case.host].free();
    if case.kind == Kind::OtherDisk {
        fleet.bring_releases_back(case.host);
    }
    if let Moment::Step(step) = &case.moment {
        let _ = fs::remove_file(fleet.world.root().join(format!("fail.{step}")));
        let host = fleet.host(case.host);
        for step in [step, "stop"] {
            let _ = fs::remove_file(host.path(&format!("fail.{step}")));
        }
    }
}
