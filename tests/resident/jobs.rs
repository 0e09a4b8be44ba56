//! Jobs end when they are told to, when they take too long, and with the line; all that they started ends with them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::thread::sleep;
use std::time::Duration;

use shipit::remote::script::Script;
use shipit::remote::wire::{Message, Mode};

use crate::driver::Run;
use crate::ground::Ground;
use crate::process::{Signal, signal};
use crate::states::{Deploy, State};
use crate::{Sh, eventually, on_each_shell};

on_each_shell!(
    two_shells_of_a_run_without_a_lock_are_each_alone,
    stop_ends_the_job_and_all_it_started,
    a_deaf_job_is_ended_with_kill,
    what_a_step_started_does_not_outlive_it_deaf,
    the_end_of_the_line_ends_a_deaf_job,
    no_job_survives_a_line_that_ends_as_it_starts,
    a_job_that_takes_too_long_is_ended,
    limits_are_in_seconds_whatever_a_tick_is,
    what_was_ended_has_not_succeeded,
    a_daemon_that_holds_its_output_holds_nothing_up,
    nothing_that_is_run_ignores_a_signal,
    an_exec_that_is_left_is_ended,
);

/// Runs a text of the user's as a step named `step`, without a release.
pub fn step(limit: u64, text: &str) -> Script {
    Script::new().setup_hooks().store("step", limit, text).stored("step", shipit::remote::script::Place::Root)
}

pub fn locked(ground: &Ground, lost: u64) -> Run {
    let mut run = Run::start(ground, lost);
    run.script(&Script::new().lock()).good();
    run
}

fn sleeps(ground: &Ground, seconds: u32) -> usize {
    let wanted = format!("sleep {seconds}");
    ground.processes().iter().filter(|process| process.command.ends_with(&wanted)).count()
}

fn ends_well(mut run: Run, ground: &Ground) {
    run.script(&Script::new().undo().unlock()).good();
    assert!(run.bye().success());
    ground.comes_to_rest("the end");
}

fn stop_ends_the_job_and_all_it_started(sh: Sh) {
    let ground = Ground::new(sh);
    let mut run = locked(&ground, 30);
    let number = run.tell(&step(600, "sleep 1002 & (sleep 1002; true) & sleep 1002"));
    eventually("it runs", || sleeps(&ground, 1002) == 3);
    run.message(&Message::Stop);
    let answer = run.wait(number).failed("stopped", "");
    assert_eq!(answer.ends[0].2, "stop");
    eventually("all of it is gone", || sleeps(&ground, 1002) == 0);
    run.script(&step(600, "true")).failed("stopped", "");
    ends_well(run, &ground);
}

fn a_deaf_job_is_ended_with_kill(sh: Sh) {
    let ground = Ground::new(sh);
    let mut run = locked(&ground, 30);
    let number = run.tell(&step(600, "trap '' TERM; sleep 1002 & while :; do sleep 0.1; done"));
    eventually("it runs", || sleeps(&ground, 1002) == 1);
    run.message(&Message::Stop);
    sleep(Duration::from_millis(500));
    assert_eq!(sleeps(&ground, 1002), 1, "it is deaf");
    run.message(&Message::Kill);
    run.wait(number).failed("stopped", "");
    eventually("all of it is gone", || sleeps(&ground, 1002) == 0);
    ends_well(run, &ground);
}

fn what_a_step_started_does_not_outlive_it_deaf(sh: Sh) {
    let ground = Ground::new(sh);
    let mut run = locked(&ground, 30);
    // Its first process is gone at once.
    let text = "sh -c \"trap '' TERM; sleep 1002 & while :; do sleep 0.1; done\"; true";
    run.script(&step(1, text)).failed("timed-out", "1 s");
    assert_eq!(sleeps(&ground, 1002), 0, "what follows is alone");
    std::fs::remove_dir_all(ground.root().join(format!(".shipit/run.{}/meta", run.name))).unwrap();
    let number = run.tell(&step(600, text));
    eventually("it runs", || sleeps(&ground, 1002) == 1);
    run.message(&Message::Stop);
    run.wait(number).failed("stopped", "");
    assert_eq!(sleeps(&ground, 1002), 0, "what follows is alone");
    ends_well(run, &ground);
}

fn the_end_of_the_line_ends_a_deaf_job(sh: Sh) {
    let ground = Ground::new(sh);
    let mut run = locked(&ground, 30);
    run.tell(&step(600, "trap '' TERM HUP INT; sleep 1002 & while :; do sleep 0.1; done"));
    eventually("it runs", || sleeps(&ground, 1002) == 1);
    run.cut();
    ground.comes_to_rest("a deaf job");
}

fn no_job_survives_a_line_that_ends_as_it_starts(sh: Sh) {
    let ground = Ground::new(sh);
    for round in 0..30_u64 {
        let mut run = locked(&ground, 30);
        // Noise enough to meet every moment of a start.
        let delay = Duration::from_micros(round * 1300 + (std::process::id() as u64 * 37) % 1300);
        run.tell(&step(600, "sleep 1002 & sleep 1002"));
        sleep(delay);
        run.close();
        ground.comes_to_rest(&format!("round {round}, {delay:?}"));
    }
}

fn a_job_that_takes_too_long_is_ended(sh: Sh) {
    let ground = Ground::new(sh);
    let mut run = locked(&ground, 30);
    for text in ["sleep 1002 & sleep 1002", "trap '' TERM; sleep 1002 & while :; do sleep 0.1; done"] {
        let answer = run.script(&step(1, text)).failed("timed-out", "1 s");
        assert_eq!(answer.ends[0].2, "limit");
        eventually("all of it is gone", || sleeps(&ground, 1002) == 0);
        run.script(&Script::new()).good();
        std::fs::remove_dir_all(ground.root().join(format!(".shipit/run.{}/meta", run.name))).unwrap();
    }
    run.script(&step(600, "true")).good();
    ends_well(run, &ground);
}

// A tenth of a second, a second, and a tenth where `sleep` knows only whole seconds: what it refuses does not count as time.
fn limits_are_in_seconds_whatever_a_tick_is(sh: Sh) {
    for (tick, whole) in [(100, false), (1000, false), (100, true)] {
        let mut ground = Ground::new(sh);
        ground.tick = Duration::from_millis(tick);
        if whole {
            let tools = ground.base().join("tools");
            fs::create_dir(&tools).unwrap();
            let sleep = tools.join("sleep");
            fs::write(&sleep, "#!/bin/sh\ncase $1 in *.*) exit 1 ;; esac\nexec /bin/sleep \"$1\"\n").unwrap();
            fs::set_permissions(&sleep, fs::Permissions::from_mode(0o755)).unwrap();
            let path = std::env::var("PATH").unwrap();
            let way_in = vec!["env".to_owned(), format!("PATH={}:{path}", tools.display())];
            ground.behind(way_in, ground.root().to_owned());
        }
        let mut run = locked(&ground, 30);
        let before = run.beats();
        run.script(&step(8, "echo begun; sleep 1")).good();
        let what = format!("a tick of {tick} ms, whole seconds: {whole}");
        eventually(&what, || run.beats() > before);
        std::fs::remove_dir_all(ground.root().join(format!(".shipit/run.{}/meta", run.name))).unwrap();
        let answer = run.script(&step(1, "sleep 1002")).failed("timed-out", "1 s");
        assert_eq!(answer.ends[0].2, "limit", "{what}");
        ends_well(run, &ground);
    }
}

fn what_was_ended_has_not_succeeded(sh: Sh) {
    let ground = Ground::new(sh);
    let mut run = locked(&ground, 30);
    let polite = "trap 'exit 0' TERM; while :; do sleep 0.1; done";
    let answer = run.script(&step(1, polite)).failed("timed-out", "1 s");
    assert_ne!(answer.ends[0].1, 0);
    ends_well(run, &ground);
}

fn a_daemon_that_holds_its_output_holds_nothing_up(sh: Sh) {
    let ground = Ground::new(sh);
    let mut run = locked(&ground, 30);
    run.script(&step(600, r#"sleep 1002 & echo $! >"$OUT/daemon""#)).good();
    eventually("it stays", || sleeps(&ground, 1002) == 1);
    run.script(&Script::new().unlock()).good();
    assert!(run.bye().success());
    signal(ground.wrote("daemon").parse().unwrap(), Signal::KILL);
    ground.comes_to_rest("a daemon");
}

fn nothing_that_is_run_ignores_a_signal(sh: Sh) {
    let ground = Ground::new(sh);
    let check = |action: &str, how: &str| {
        let mask = ground.wrote(&format!("ignored.{action}"));
        ground.forget(&format!("ignored.{action}"));
        let mask = mask.strip_prefix("SigIgn:").unwrap_or_else(|| panic!("{how}: {mask:?}"));
        let mask = u64::from_str_radix(mask.trim(), 16).unwrap();
        // 1 to 31; those above are the C library's own.
        assert_eq!(mask & 0x7fff_ffff, 0, "{how}: {mask:x}");
    };
    ground.deploy();
    check("deploy", "reload");
    type Ending<'a> = (&'a str, &'a dyn Fn(&mut Run));
    let endings: [Ending; 5] = [
        ("undo", &|run| drop(run.script(&Script::new().undo().unlock()).good())),
        ("the end of input", &|run| run.close()),
        ("silence", &|run| run.silence()),
        ("bye", &|run| run.message(&Message::Bye)),
        ("the end of the worker's input", &|run| signal(run.parts()[1], Signal::KILL)),
    ];
    for (how, end) in endings {
        ground.repo.publish(&[("page", how)]);
        let mut deploy = Deploy::reach(&ground, 2, State::Active);
        end(&mut deploy.run);
        deploy.run.close();
        deploy.is_resolved(State::Active, how);
        check("rollback", how);
    }
    let deploy = Deploy::reach(&ground, 30, State::Active);
    let mut thief = Run::start(&ground, 30);
    thief.script(&Script::new().steal()).good();
    check("rollback", "steal");
    drop(deploy);
}

fn an_exec_that_is_left_is_ended(sh: Sh) {
    let ground = Ground::deployed(sh);
    let mut run = Run::start_as(&ground, Mode::Free, 30);
    assert_eq!(run.script(&Script::new().exec_text("exit 3")).good().exec, Some(3));
    assert!(run.bye().success());
    for bye in [true, false] {
        let mut run = Run::start_as(&ground, Mode::Free, 30);
        run.tell(&Script::new().exec_text("sleep 1002 & sleep 1002"));
        eventually("it runs", || sleeps(&ground, 1002) == 2);
        if bye {
            run.message(&Message::Bye);
        }
        run.close();
        ground.comes_to_rest("exec");
    }
}

fn two_shells_of_a_run_without_a_lock_are_each_alone(sh: Sh) {
    let ground = Ground::deployed(sh);
    let text = |name: &str| format!(r#"echo begun >"$OUT/{name}"; sleep 1000"#);
    let first = ground.new_name();
    let mut one = Run::start_named(&ground, Mode::Free, 30, first.clone());
    one.tell(&Script::new().exec_text(&text("one")));
    eventually("one runs", || ground.wrote("one") == "begun");
    let mut other = Run::start_named(&ground, Mode::Free, 30, first);
    other.tell(&Script::new().exec_text(&text("other")));
    eventually("the other runs", || ground.wrote("other") == "begun");
    let running = || ground.processes().iter().filter(|p| p.command.ends_with("sleep 1000")).count();
    eventually("both run", || running() == 2);
    // Whoever ends a run ends the one that its directory names.
    let mut places = ["/dev/shm".into(), ground.home()].map(|p| fs::read_dir(p).unwrap().flatten());
    let ours = places.iter_mut().flatten().filter(|e| e.file_name().to_string_lossy().contains(&other.name));
    let owners = |dir: fs::DirEntry| {
        let names = fs::read_dir(dir.path()).unwrap().flatten();
        names.filter(|e| e.file_name().to_string_lossy().starts_with("owner.")).count()
    };
    assert_eq!(ours.map(owners).collect::<Vec<_>>(), [1, 1]);
    other.cut();
    eventually("what was lost is ended", || running() < 2);
    other.ended();
    eventually("and only that", || running() == 1);
    one.cut();
    ground.comes_to_rest("both are gone");
}
