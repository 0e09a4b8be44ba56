//! Every way to lose an operator or a process, in every state of a run: what is left is a host that serves one whole
//! release, unlocked, and takes the next run.

use std::thread::{scope, sleep};
use std::time::Duration;

use shipit::remote::script::Script;

use crate::driver::Run;
use crate::ground::Ground;
use crate::process::{Signal, signal};
use crate::states::{Deploy, State};
use crate::{Sh, eventually, on_each_shell};

on_each_shell!(
    a_first_deploy_leaves_nothing_live,
    what_git_left_when_it_was_ended_goes,
    a_line_that_comes_back_while_the_host_leaves_changes_nothing,
    a_reload_that_runs_is_left_to_end,
    a_clean_up_of_files_that_was_cut_off_is_ended,
    a_removal_that_was_cut_off_is_ended,
    a_line_that_ends_before_the_lock_is_taken_leaves_no_lock,
);

// One ground per state, all at once: most of this is waiting. `turn` is the number of the way in which the run is lost.
fn in_every_state(turn: usize, hurt: impl Fn(&mut Run, State) + Sync) {
    each_state(turn, |sh, state| {
        let ground = Ground::deployed(sh);
        ground.repo.publish(&[("page", "new")]);
        let mut deploy = Deploy::reach(&ground, 2, state);
        hurt(&mut deploy.run, state);
        deploy.is_resolved(state, &format!("{state:?} under {sh:?}"));
        ground.deploy();
    });
}

fn each_state(turn: usize, play: impl Fn(Sh, State) + Sync) {
    scope(|threads| {
        for (at, state) in State::ALL.into_iter().enumerate() {
            for sh in Sh::in_turn(turn, at) {
                let play = &play;
                threads.spawn(move || play(*sh, state));
            }
        }
    });
}

#[test]
fn the_end_of_input_resolves_the_run() {
    in_every_state(0, |run, _| run.close());
}

#[test]
fn the_end_of_all_pipes_resolves_the_run() {
    in_every_state(1, |run, _| run.cut());
}

// A git that gets a signal while it makes a file has not noted yet that it is to be removed.
fn what_git_left_when_it_was_ended_goes(sh: Sh) {
    for lost in [true, false] {
        let ground = Ground::deployed(sh);
        ground.repo.publish(&[("page", "new")]);
        let mut deploy = Deploy::reach(&ground, 30, State::Fetched);
        let left = [
            "shallow.lock",
            "packed-refs.lock",
            "objects/info/commit-graph.lock",
            &format!("refs/shipit/{}.lock", deploy.release),
            "refs/heads/main.lock",
            "objects/pack/tmp_pack_Xy1",
            // A machine that lost its power has kept the name, and not what was in it.
            "refs/shipit/20260101T000000Z-1a2b3c4",
        ];
        let left = left.map(|name| ground.root().join("source").join(name));
        left.iter().for_each(|path| std::fs::write(path, "").unwrap());
        if lost {
            deploy.run.cut();
            deploy.is_resolved(State::Fetched, "git was ended");
        } else {
            deploy.run.script(&Script::new().undo().unlock()).good();
            assert!(deploy.run.bye().success());
        }
        left.iter().for_each(|path| assert!(!path.exists(), "{}", path.display()));
        ground.deploy();
    }
}

#[test]
fn a_silent_line_resolves_the_run() {
    in_every_state(2, |run, _| run.silence());
}

#[test]
fn the_end_of_the_main_shell_resolves_the_run() {
    in_every_state(3, |run, _| {
        signal(run.main(), Signal::KILL);
        // sshd ends the line when the program that it started ends.
        run.ended();
        run.close();
    });
}

#[test]
fn the_end_of_the_reader_resolves_the_run() {
    in_every_state(4, |run, _| signal(run.parts()[1], Signal::KILL));
}

#[test]
fn the_end_of_the_worker_resolves_the_run() {
    in_every_state(5, |run, _| signal(run.parts()[2], Signal::KILL));
}

#[test]
fn the_end_of_the_ticker_is_noticed_by_the_operator() {
    in_every_state(6, |run, _| {
        signal(run.parts()[0], Signal::KILL);
        let mut beats = run.beats();
        eventually("no beat is answered any more", || {
            sleep(Duration::from_secs(3));
            std::mem::replace(&mut beats, run.beats()) == run.beats()
        });
        run.close();
    });
}

/// No process acts any more, also none that is just being started: they are stopped first, since whoever sees another die
/// puts things right.
pub fn the_machine_dies(ground: &Ground) {
    for process in [ground.processes(), ground.processes()].concat() {
        signal(process.pid, Signal::STOP);
    }
    eventually("all is dead", || {
        ground.processes().iter().for_each(|p| signal(p.pid, Signal::KILL));
        ground.processes().is_empty()
    });
}

#[test]
fn the_next_run_resolves_what_a_dead_machine_left() {
    each_state(7, |sh, state| {
        let ground = Ground::deployed(sh);
        ground.repo.publish(&[("page", "new")]);
        let deploy = Deploy::reach(&ground, 2, state);
        deploy.run.silence();
        the_machine_dies(&ground);
        assert!(ground.locked(), "{state:?} under {sh:?}: nobody was there to let go");
        let mut next = Deploy::begin(&ground, 30);
        deploy.stands(state, &format!("{state:?} under {sh:?}, taken over"));
        assert_eq!(ground.run_dirs(), [format!("run.{}", next.run.name)], "{state:?} under {sh:?}");
        next.complete();
        assert!(next.run.bye().success());
        ground.comes_to_rest("the next run");
    });
}

#[test]
fn a_bye_in_the_middle_is_a_loss() {
    in_every_state(8, |run, _| {
        run.message(&shipit::remote::wire::Message::Bye);
        run.close();
    });
}

fn a_first_deploy_leaves_nothing_live(sh: Sh) {
    let ground = Ground::new(sh);
    for state in [State::CheckedOut, State::Ready, State::Switched, State::Active] {
        ground.leave("served", "nothing");
        ground.leave("traffic", "out");
        let deploy = Deploy::reach(&ground, 2, state);
        deploy.run.close();
        ground.comes_to_rest(&format!("{state:?}"));
        assert_eq!(ground.current(), None);
        assert_eq!(ground.wrote("served"), "nothing", "what was started is stopped");
        assert_eq!(ground.wrote("traffic"), "out");
        ground.knows_nothing_of(&deploy.release);
    }
    ground.deploy();
}

fn a_line_that_comes_back_while_the_host_leaves_changes_nothing(sh: Sh) {
    let ground = Ground::deployed(sh);
    for _ in 0..3 {
        ground.repo.publish(&[("page", "new")]);
        let deploy = Deploy::reach(&ground, 2, State::Active);
        deploy.run.silence();
        // Its token is passed on: from here somebody acts for it.
        let token = format!("owner.{}.", deploy.run.main());
        let dir = format!(".shipit/run.{}", deploy.run.name);
        while ground.names(&dir).iter().any(|name| name.starts_with(&token)) {}
        for _ in 0..200 {
            deploy.run.message(&shipit::remote::wire::Message::Beat);
        }
        deploy.is_resolved(State::Active, "beats in the way");
    }
    ground.deploy();
}

// Half a reload is worse than the old release or the new one.
fn a_reload_that_runs_is_left_to_end(sh: Sh) {
    let ground = Ground::deployed(sh);
    ground.repo.publish(&[("page", "new")]);
    let mut deploy = Deploy::begin(&ground, 30);
    deploy.go(State::Locked, State::Ready);
    let reload = "printf begun >\"$OUT/slow\"; sleep 2; printf ended >\"$OUT/slow\"";
    deploy.run.tell_text(&format!(
        "printf '%s\\n' '{reload}' >\"$M/steps/reload.10.6\"\nswitch\nactivate_service\n"
    ));
    eventually("it reloads", || ground.wrote("slow") == "begun");
    deploy.run.cut();
    eventually("it is rolled back", || !ground.locked());
    assert_eq!(ground.wrote("slow"), "ended");
    ground.deploy();
}

// Between the removal of what was to come and that of the second link to what was there.
fn a_clean_up_of_files_that_was_cut_off_is_ended(sh: Sh) {
    let ground = Ground::deployed(sh);
    ground.repo.publish(&[("page", "new")]);
    let mut deploy = Deploy::begin(&ground, 30);
    deploy.go(State::Locked, State::Begun);
    let number = deploy.run.tell_text(
        "mkdir -p \"$root/shared\" && echo there >\"$root/shared/file\" && echo file >\"$R/file.0\" && file_names 0 file && \
         ln \"$file_at\" \"$file_old\"\n",
    );
    deploy.run.wait(number);
    deploy.run.cut();
    eventually("it is over", || !ground.locked());
    let left: Vec<_> = std::fs::read_dir(ground.root().join("shared")).unwrap().flatten().collect();
    let left: Vec<_> = left
        .iter()
        .map(std::fs::DirEntry::file_name)
        .filter(|name| name.to_string_lossy().contains("file"))
        .collect();
    assert_eq!(left, ["file"]);
    assert_eq!(std::fs::read_to_string(ground.root().join("shared/file")).unwrap(), "there\n");
}

// Between the rename of a release that is pruned and the removal of its last file.
fn a_removal_that_was_cut_off_is_ended(sh: Sh) {
    let ground = Ground::deployed(sh);
    let live = ground.current().unwrap();
    ground.repo.publish(&[("page", "new")]);
    let mut deploy = Deploy::begin(&ground, 30);
    deploy.go(State::Locked, State::Begun);
    let number =
        deploy.run.tell_text("mkdir -p \"$root/releases/.removed-20260101T000000Z-aaaaaaa.$run/dir\"\n");
    deploy.run.wait(number);
    deploy.run.cut();
    eventually("it is over", || !ground.locked());
    assert_eq!(ground.names("releases"), [live]);
}

// The reader sees the end when the run holds nothing yet; the worker takes the lock after that, and cannot say so.
fn a_line_that_ends_before_the_lock_is_taken_leaves_no_lock(sh: Sh) {
    let ground = Ground::deployed(sh);
    let mut run = Run::start(&ground, 30);
    run.script(&Script::new()).good();
    run.tell_text(&format!("mark \"$root/begun\"\nsleep 1\n{}", Script::new().lock().as_str()));
    eventually("it begins", || ground.root().join("begun").exists());
    run.cut();
    eventually("every process ends", || ground.processes().is_empty());
    assert!(!ground.locked());
    assert!(ground.run_dirs().is_empty(), "{:?}", ground.run_dirs());
    ground.deploy();
}
