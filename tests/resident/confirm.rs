//! After "all are healthy": a host that loses its operator waits for him, then goes forward; unless he says otherwise.

use std::fs;
use std::time::{Duration, Instant};

use shipit::remote::script::{Direction, Script};

use crate::answer::Answer;
use crate::driver::Run;
use crate::ground::Ground;
use crate::states::{Deploy, State};
use crate::{Sh, eventually, on_each_shell};

on_each_shell!(
    what_ended_after_it_was_verified_is_not_confirmed,
    a_confirmed_host_waits_and_goes_forward,
    settle_back_in_the_wait_puts_back,
    settle_forward_ends_the_wait,
    settle_on_a_host_that_is_through_tells_what_is_live,
    settle_takes_over_from_a_dead_machine,
    settle_tells_of_that_run_and_not_of_another_to_the_same_release,
);

fn lost_after_healthy(ground: &Ground, lost: u64) -> (String, Deploy<'_>) {
    let old = ground.deploy();
    ground.repo.publish(&[("page", "new")]);
    let deploy = Deploy::reach(ground, lost, State::Healthy);
    deploy.run.cut();
    (old, deploy)
}

// As an operator does that lost its connection in that run, which went to that release.
fn ask_again(ground: &Ground, other: &mut Run, forward: bool, [run, release]: [&str; 2]) -> Answer {
    other.set(ground, &[("lost_run", run), ("lost_release", release)]);
    let direction = if forward { Direction::Forward } else { Direction::Back };
    other.script(&Script::new().settle(direction)).good()
}

fn settled(ground: &Ground, run: &str, forward: bool) -> String {
    let mut other = Run::start(ground, 30);
    let answer = ask_again(ground, &mut other, forward, [run, ""]);
    assert!(other.bye().success());
    answer.fact("live").to_string()
}

fn a_confirmed_host_waits_and_goes_forward(sh: Sh) {
    let ground = Ground::new(sh);
    let start = Instant::now();
    let (_, deploy) = lost_after_healthy(&ground, 4);
    let lost = Instant::now();
    while lost.elapsed() < Duration::from_secs(2) {
        assert!(ground.locked(), "it waits ({:?} after the start)", start.elapsed());
        assert_eq!(ground.newest_entry().unwrap().1, "healthy");
        std::thread::sleep(Duration::from_millis(50));
    }
    deploy.is_resolved(State::Healthy, "forward");
    ground.deploy();
}

fn settle_back_in_the_wait_puts_back(sh: Sh) {
    let ground = Ground::new(sh);
    let (old, deploy) = lost_after_healthy(&ground, 50);
    assert_eq!(settled(&ground, &deploy.run.name, false), old);
    deploy.is_resolved(State::Active, "told to go back");
    ground.deploy();
}

fn settle_forward_ends_the_wait(sh: Sh) {
    let ground = Ground::new(sh);
    // Longer than anybody here waits.
    let (_, deploy) = lost_after_healthy(&ground, 500);
    assert_eq!(settled(&ground, &deploy.run.name, true), deploy.release);
    deploy.is_resolved(State::Healthy, "told to go on");
    ground.deploy();
}

fn settle_on_a_host_that_is_through_tells_what_is_live(sh: Sh) {
    let ground = Ground::deployed(sh);
    let old = ground.current().unwrap();
    ground.repo.publish(&[("page", "new")]);
    let deploy = Deploy::reach(&ground, 30, State::Active);
    deploy.run.close();
    deploy.is_resolved(State::Active, "lost while live");
    for forward in [true, false] {
        assert_eq!(settled(&ground, &deploy.run.name, forward), old, "forward: {forward}");
    }
    ground.comes_to_rest("asked");
}

fn settle_takes_over_from_a_dead_machine(sh: Sh) {
    let ground = Ground::new(sh);
    for (state, forward) in [(State::Active, true), (State::Healthy, false), (State::Healthy, true)] {
        let old = ground.deploy();
        ground.repo.publish(&[("page", &format!("{state:?} {forward}"))]);
        let deploy = Deploy::reach(&ground, 30, state);
        eventually("all is dead", || {
            let left = ground.processes();
            left.iter().for_each(|p| crate::process::signal(p.pid, crate::process::Signal::KILL));
            left.is_empty()
        });
        let went_forward = state == State::Healthy && forward;
        let live = if went_forward { &deploy.release } else { &old };
        assert_eq!(&settled(&ground, &deploy.run.name, forward), live);
        deploy.is_resolved(if went_forward { State::Healthy } else { State::Active }, "settled");
    }
    ground.deploy();
}

fn settle_tells_of_that_run_and_not_of_another_to_the_same_release(sh: Sh) {
    let ground = Ground::deployed(sh);
    let release = ground.current().unwrap();
    let journal = ground.root().join(".shipit/journal");
    let entry = fs::read_dir(&journal).unwrap().next().unwrap().unwrap();
    let text = fs::read_to_string(entry.path()).unwrap();
    let run = text.lines().find_map(|line| line.strip_prefix("run\t")).unwrap();
    fs::write(journal.join(format!("100900.{release}.failed")), text.replace(run, "another")).unwrap();
    let mut other = Run::start(&ground, 30);
    for (run, state) in [(run, "done"), ("another", "failed"), ("none", "")] {
        let answer = ask_again(&ground, &mut other, true, [run, &release]);
        assert_eq!(answer.fact("settled"), state, "{run}");
    }
    assert!(other.bye().success());
}

fn what_ended_after_it_was_verified_is_not_confirmed(sh: Sh) {
    let ground = Ground::new(sh);
    ground.deploy();
    ground.repo.publish(&[("page", "new")]);
    let mut deploy = Deploy::reach(&ground, 30, State::Active);
    let run = ground.names(".shipit").into_iter().find(|name| name.starts_with("run.")).unwrap();
    let note = ground.root().join(".shipit").join(run).join("adapter.runit.1.verified");
    let mine = std::process::id();
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let start = stat.rsplit_once(") ").unwrap().1.split(' ').nth(19).unwrap().to_owned();
    let mut confirm = |line: &str| {
        fs::write(&note, format!("{mine} {start} web\n{line}")).unwrap();
        deploy.run.script(&Script::new().healthy())
    };
    confirm("999999999 1 my queue\n").failed("ended-since", "my queue");
    // Another process has its number now.
    confirm(&format!("{mine} 1 web\n")).failed("ended-since", "web");
    confirm("").good();
    deploy.run.script(&Script::new().finish(5).unlock()).good();
    assert!(deploy.run.bye().success());
}
