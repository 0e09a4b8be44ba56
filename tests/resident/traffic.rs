//! Drain and undrain: what runs in which order, by whose text, and where a host stands when a run is cut short.

use std::fs;

use shipit::remote::script::{HealthKind, Place, Script, Tries};
use shipit::remote::wire::Message;

use crate::ground::Ground;
use crate::states::Deploy;
use crate::{Sh, eventually, on_each_shell};

on_each_shell!(
    going_live_and_back_in_their_order,
    a_first_deploy_is_taken_in_and_drained_before_it_goes,
    a_drain_that_fails_is_undone_before_the_switch,
    a_host_that_cannot_be_taken_in_again_is_told,
    an_old_release_without_texts_is_taken_in_by_the_new_one,
    what_is_drained_already_is_not_drained_again,
    a_drain_that_was_cut_off_is_done_again,
    what_is_not_well_again_stays_out,
    the_operator_is_asked_on_the_way_back,
    an_operator_who_is_lost_when_asked_is_not_waited_for,
    a_revert_that_did_not_switch_serves_on,
    a_revert_that_lost_its_operator_goes_on_to_the_end,
    a_restart_takes_the_host_out_and_in,
    a_restart_that_waits_for_the_operator,
    a_drain_that_fails_restarts_nothing,
    the_operators_machine_does_it_when_asked,
    what_only_he_could_do_nobody_does_when_he_is_lost,
);

pub const ALL: [&str; 6] = ["drain", "post-deploy", "reload", "verify", "health", "undrain"];
const TRIES: Tries = Tries { within: 2, interval: 1, timeout: 2, stable: 0 };

/// A text that notes its name, whose it is, why it runs and where; and fails or hangs where a file of that name says so.
fn text(step: &str, label: &str) -> String {
    format!(
        r#"here=$(pwd -P)
echo "{step}-{label} $SHIPIT_ACTION ${{here##*/}}" >>"$OUT/order"
[ ! -e "$OUT/fail-{step}-{label}-$SHIPIT_ACTION" ]
[ ! -e "$OUT/hang-{step}-{label}-$SHIPIT_ACTION" ] || sleep 1000
"#
    )
}

/// A run that is ready to go live, with these texts.
pub fn ready<'a>(ground: &'a Ground, label: &str, steps: &[&str], kind: HealthKind) -> Deploy<'a> {
    ground.repo.publish(&[("page", label)]);
    let mut deploy = Deploy::begin(ground, 30);
    let mut script = Script::new().guard().begin().health_store(kind, TRIES, "what to ask");
    for step in steps {
        script = script.store(step, 20, &text(step, label));
    }
    deploy.run.script(&script.fetch(60).checkout(60).intent()).good();
    deploy
}

pub fn live() -> Script {
    Script::new().drain().switch().stored("post-deploy", Place::Current).activate_service().health().undrain()
}

/// The way back, by the host alone or as its operator says, who is told that not all of it worked.
fn goes_back_badly(deploy: &mut Deploy<'_>, lost: bool) {
    if lost {
        deploy.run.cut();
        return;
    }
    deploy.run.script(&Script::new().undo()).failed("not-rolled-back", "");
    deploy.run.message(&Message::Bye);
    deploy.run.ended();
}

/// One that is live and good: its release.
pub fn deployed(ground: &Ground, label: &str, steps: &[&str], kind: HealthKind) -> String {
    let mut deploy = ready(ground, label, steps, kind);
    deploy.run.script(&live().finish(5).unlock()).good();
    let release = deploy.release.clone();
    assert!(deploy.run.bye().success());
    release
}

pub fn order(ground: &Ground) -> Vec<String> {
    let lines = ground.wrote("order");
    ground.forget("order");
    lines.lines().map(str::to_string).collect()
}

pub fn lines(steps: &[&str], rest: &str) -> Vec<String> {
    steps.iter().map(|step| format!("{step}{rest}")).collect()
}

pub fn two(sh: Sh) -> (Ground, String) {
    let ground = Ground::new(sh);
    let old = deployed(&ground, "A", &ALL, HealthKind::Command);
    ground.forget("order");
    (ground, old)
}

fn going_live_and_back_in_their_order(sh: Sh) {
    let (ground, old) = two(sh);
    let mut deploy = ready(&ground, "B", &ALL, HealthKind::Command);
    let new = deploy.release.clone();
    let answer = deploy.run.script(&live()).good();
    assert_eq!(answer.ends.iter().map(|(step, ..)| step.as_str()).collect::<Vec<_>>(), ALL);
    let mut expected = vec![format!("drain-B deploy {old}")];
    expected.extend(lines(&ALL[1..], &format!("-B deploy {new}")));
    assert_eq!(order(&ground), expected);
    deploy.run.script(&Script::new().undo()).good();
    // By the texts of what it goes back to; while it is drained the new code is still there.
    let mut expected = vec![format!("drain-A rollback {new}")];
    expected.extend(lines(&ALL[1..], &format!("-A rollback {old}")));
    assert_eq!(order(&ground), expected);
    assert_eq!(ground.newest_entry(), Some((new, "back".into())));
    assert!(!ground.locked(), "undo lets go");
    assert!(deploy.run.bye().success());
    ground.comes_to_rest("undo");
}

fn a_first_deploy_is_taken_in_and_drained_before_it_goes(sh: Sh) {
    for taken_in in [true, false] {
        let ground = Ground::new(sh);
        let mut deploy = ready(&ground, "A", &[&ALL[..], &["stop"]].concat(), HealthKind::Command);
        let new = deploy.release.clone();
        if taken_in {
            deploy.run.script(&live()).good();
            assert_eq!(order(&ground), lines(&ALL[1..], &format!("-A deploy {new}")), "nothing to drain");
        } else {
            ground.leave("fail-health-A-deploy", "");
            deploy.run.script(&live()).failed("unhealthy", "after 2 s (last check: exit 1)");
            ground.forget("order");
        }
        deploy.run.script(&Script::new().undo()).good();
        let steps: &[&str] = if taken_in { &["drain", "stop"] } else { &["stop"] };
        assert_eq!(order(&ground), lines(steps, &format!("-A deploy {new}")));
        assert_eq!(ground.current(), None);
        assert!(deploy.run.bye().success());
        ground.comes_to_rest("a first deploy");
    }
}

fn a_drain_that_fails_is_undone_before_the_switch(sh: Sh) {
    let (ground, old) = two(sh);
    for lost in [false, true] {
        let mut deploy = ready(&ground, "B", &ALL, HealthKind::Command);
        let hurt = if lost { "hang-drain-B-deploy" } else { "fail-drain-B-deploy" };
        ground.leave(hurt, "");
        let number = deploy.run.tell(&live());
        if lost {
            deploy.run.step_begun("drain", 1);
            eventually("it drains", || ground.wrote("order").contains("drain-B"));
            deploy.run.cut();
        } else {
            let (_, step) = deploy.run.wait(number).fail.unwrap();
            assert_eq!(step, "drain");
            deploy.run.script(&Script::new().undo().unlock()).good();
            deploy.run.message(&Message::Bye);
            deploy.run.ended();
        }
        ground.comes_to_rest("a drain");
        assert_eq!(order(&ground), [format!("drain-B deploy {old}"), format!("undrain-B rollback {old}")]);
        assert_eq!(ground.newest_entry(), Some((old.clone(), "done".into())));
        ground.knows_nothing_of(&deploy.release);
        ground.forget(hurt);
    }
}

fn a_host_that_cannot_be_taken_in_again_is_told(sh: Sh) {
    let (ground, old) = two(sh);
    ground.leave("fail-undrain-B-rollback", "");
    for lost in [false, true] {
        let mut deploy = ready(&ground, "B", &ALL, HealthKind::Command);
        deploy.run.script(&Script::new().drain()).good();
        goes_back_badly(&mut deploy, lost);
        ground.comes_to_rest("undrain fails");
        assert_eq!(ground.newest_entry(), Some((deploy.release.clone(), "failed".into())), "lost: {lost}");
        assert_eq!(ground.current().as_deref(), Some(old.as_str()));
        ground.knows_nothing_of(&deploy.release);
        assert!(ground.root().join(".shipit/drained").exists(), "lost: {lost}");
    }
    ground.forget("fail-undrain-B-rollback");
    let mut deploy = ready(&ground, "B", &ALL, HealthKind::Command);
    deploy.run.script(&live()).good();
    assert!(!ground.root().join(".shipit/drained").exists());
}

fn an_old_release_without_texts_is_taken_in_by_the_new_one(sh: Sh) {
    let ground = Ground::new(sh);
    let old = deployed(&ground, "A", &["reload"], HealthKind::Command);
    ground.forget("order");
    for undrained in [true, false] {
        let mut deploy = ready(&ground, "B", &ALL, HealthKind::Command);
        let new = deploy.release.clone();
        deploy.run.script(&if undrained { live() } else { Script::new().drain().switch() }).good();
        ground.forget("order");
        deploy.run.script(&Script::new().undo()).good();
        let mut expected = lines(&["reload-A", "undrain-B"], &format!(" rollback {old}"));
        if undrained {
            expected.insert(0, format!("drain-B rollback {new}"));
        }
        assert_eq!(order(&ground), expected);
        assert!(deploy.run.bye().success());
        ground.comes_to_rest("an old release");
    }
    // What neither of them drained is not taken in.
    let mut deploy = ready(&ground, "C", &["reload", "undrain"], HealthKind::Command);
    deploy.run.script(&live()).good();
    ground.forget("order");
    deploy.run.script(&Script::new().undo()).good();
    assert_eq!(order(&ground), [format!("reload-A rollback {old}")]);
    assert!(deploy.run.bye().success());
}

fn what_is_drained_already_is_not_drained_again(sh: Sh) {
    let (ground, old) = two(sh);
    for (hurt, drained) in [("fail-reload-B-deploy", true), ("fail-undrain-B-deploy", false)] {
        ground.leave(hurt, "");
        let mut deploy = ready(&ground, "B", &ALL, HealthKind::Command);
        deploy.run.script(&live()).failed("step-failed", "exit 1");
        ground.forget("order");
        deploy.run.script(&Script::new().undo()).good();
        // Of one that failed while it was taken in nobody knows.
        let mut expected = lines(&ALL[1..], &format!("-A rollback {old}"));
        if !drained {
            expected.insert(0, format!("drain-A rollback {}", deploy.release));
        }
        assert_eq!(order(&ground), expected, "{hurt}");
        assert!(deploy.run.bye().success());
        ground.comes_to_rest(hurt);
        ground.forget(hurt);
    }
}

fn a_drain_that_was_cut_off_is_done_again(sh: Sh) {
    let (ground, old) = two(sh);
    let mut deploy = ready(&ground, "B", &ALL, HealthKind::Command);
    deploy.run.script(&live()).good();
    ground.forget("order");
    ground.leave("hang-drain-A-rollback", "");
    deploy.run.tell(&Script::new().undo());
    eventually("it is drained", || !ground.wrote("order").is_empty());
    ground.forget("hang-drain-A-rollback");
    deploy.run.cut();
    ground.comes_to_rest("a drain that was cut off");
    let drain = format!("drain-A rollback {}", deploy.release);
    let mut expected = vec![drain.clone(), drain];
    expected.extend(lines(&ALL[1..], &format!("-A rollback {old}")));
    assert_eq!(order(&ground), expected);
}

fn what_is_not_well_again_stays_out(sh: Sh) {
    let (ground, old) = two(sh);
    for (hurt, well) in [
        ("drain", true),
        ("post-deploy", true),
        ("reload", false),
        ("verify", false),
        ("health", false),
        ("undrain", true),
    ] {
        let fail = format!("fail-{hurt}-A-rollback");
        ground.leave(&fail, "");
        for lost in [false, true] {
            let mut deploy = ready(&ground, "B", &ALL, HealthKind::Command);
            deploy.run.script(&live()).good();
            ground.forget("order");
            goes_back_badly(&mut deploy, lost);
            ground.comes_to_rest(&fail);
            let ran = order(&ground);
            assert_eq!(ran.iter().any(|line| line.starts_with("undrain-A")), well, "{hurt}: {ran:?}");
            assert!(ran.iter().any(|line| line.starts_with("reload-A")), "{hurt}: {ran:?}");
            assert_eq!(ground.newest_entry(), Some((deploy.release.clone(), "failed".into())), "{hurt}");
            assert_eq!(ground.current().as_deref(), Some(old.as_str()));
        }
        ground.forget(&fail);
    }
}

/// A run that is live and asks, on its way back, whether the release before is healthy.
fn asking(ground: &Ground) -> (String, Deploy<'_>) {
    let old = deployed(ground, "A", &ALL, HealthKind::Client);
    let mut deploy = ready(ground, "B", &ALL, HealthKind::Client);
    deploy.run.script(&live()).good();
    ground.forget("order");
    for _ in 0..2 {
        let answer = deploy.run.script(&Script::new().undo().unlock()).good();
        assert_eq!(answer.fact("undo-health"), "what to ask");
        assert!(ground.locked(), "it is not over");
    }
    let mut expected = vec![format!("drain-A rollback {}", deploy.release)];
    expected.extend(lines(&["post-deploy", "reload", "verify"], &format!("-A rollback {old}")));
    assert_eq!(order(ground), expected, "once, and no health of its own");
    assert_eq!(ground.current().as_ref(), Some(&old));
    (old, deploy)
}

fn the_operator_is_asked_on_the_way_back(sh: Sh) {
    for (healthy, amiss) in [(true, false), (true, true), (false, false)] {
        let ground = Ground::new(sh);
        if amiss {
            ground.leave("fail-post-deploy-A-rollback", "");
        }
        let (old, mut deploy) = asking(&ground);
        let answer = deploy.run.script(&Script::new().undo_end(healthy));
        let undrained = if healthy { vec![format!("undrain-A rollback {old}")] } else { Vec::new() };
        assert_eq!(order(&ground), undrained);
        let state = if healthy && !amiss { "back" } else { "failed" };
        assert_eq!(ground.newest_entry(), Some((deploy.release.clone(), state.into())));
        match state {
            "back" => drop(answer.good()),
            _ => drop(answer.failed("not-rolled-back", "")),
        }
        assert!(!ground.locked());
        deploy.run.script(&Script::new().undo_end(false)).good();
        assert!(deploy.run.bye().success());
        ground.comes_to_rest("asked");
        ground.knows_nothing_of(&deploy.release);
    }
}

fn an_operator_who_is_lost_when_asked_is_not_waited_for(sh: Sh) {
    for taken_over in [false, true] {
        let ground = Ground::new(sh);
        let (old, deploy) = asking(&ground);
        if taken_over {
            deploy.run.silence();
            crate::loss::the_machine_dies(&ground);
            let mut next = crate::driver::Run::start(&ground, 30);
            next.script(&Script::new().steal()).good();
            assert!(next.bye().success());
        } else {
            deploy.run.cut();
        }
        ground.comes_to_rest("lost when asked");
        assert_eq!(order(&ground), [format!("undrain-A rollback {old}")]);
        assert_eq!(ground.newest_entry(), Some((deploy.release.clone(), "back".into())));
        ground.knows_nothing_of(&deploy.release);
    }
}

/// A revert to the first of two releases, ready to go.
fn reverting(ground: &Ground) -> (String, Deploy<'_>) {
    reverting_asked(ground, HealthKind::Command)
}

/// The same, of one whose health is found out that way.
pub fn reverting_asked(ground: &Ground, kind: HealthKind) -> (String, Deploy<'_>) {
    let old = deployed(ground, "A", &ALL, kind);
    deployed(ground, "B", &ALL, HealthKind::Command);
    ground.forget("order");
    let mut revert = Deploy::begin(ground, 30);
    let revision = ground.read(&format!("releases/{old}/REVISION"));
    revert.release.clone_from(&old);
    revert.set(&[("action", "revert"), ("revision", &revision)]);
    revert.run.script(&Script::new().again(60).intent()).good();
    (old, revert)
}

fn a_revert_that_did_not_switch_serves_on(sh: Sh) {
    for fails in [false, true] {
        let ground = Ground::new(sh);
        let (old, mut revert) = reverting(&ground);
        revert.run.script(&Script::new().drain()).good();
        let left = revert.from.clone().unwrap();
        if fails {
            ground.leave("fail-undrain-A-rollback", "");
        }
        let answer = revert.run.script(&Script::new().abandon().unlock());
        if fails {
            drop(answer.failed("still-drained", ""))
        } else {
            drop(answer.good())
        }
        assert_eq!(order(&ground), [format!("drain-A revert {left}"), format!("undrain-A rollback {left}")]);
        assert_eq!(ground.newest_entry(), Some((old, "failed".into())));
        assert!(revert.run.bye().success());
        ground.comes_to_rest("abandoned");
    }
}

fn a_revert_that_lost_its_operator_goes_on_to_the_end(sh: Sh) {
    for healthy in [true, false] {
        let ground = Ground::new(sh);
        let (old, mut revert) = reverting(&ground);
        revert.run.script(&Script::new().drain().switch()).good();
        if !healthy {
            ground.leave("fail-health-A-revert", "");
        }
        ground.forget("order");
        revert.run.cut();
        ground.comes_to_rest("a revert");
        let ran = order(&ground);
        let steps = if healthy { &ALL[1..] } else { &ALL[1..5] };
        let mut ran_once = ran.clone();
        ran_once.dedup();
        assert_eq!(ran_once, lines(steps, &format!("-A revert {old}")), "{ran:?}");
        let state = if healthy { "done" } else { "failed" };
        assert_eq!(ground.newest_entry(), Some((old.clone(), state.into())));
        assert_eq!(ground.current(), Some(old));
    }
}

fn restarting(ground: &Ground, kind: HealthKind) -> Deploy<'_> {
    let live = deployed(ground, "A", &ALL, kind);
    ground.forget("order");
    let mut run = Deploy::begin(ground, 30);
    run.release.clone_from(&live);
    run.set(&[("action", "restart")]);
    run
}

const RESTARTED: [&str; 5] = ["drain", "reload", "verify", "health", "undrain"];

fn a_restart_takes_the_host_out_and_in(sh: Sh) {
    let ground = Ground::new(sh);
    let mut run = restarting(&ground, HealthKind::Command);
    let at = format!("-A restart {}", run.release);
    run.run.script(&Script::new().restart().restart_end().unlock()).good();
    assert_eq!(order(&ground), lines(&RESTARTED, &at));
    for hurt in ["drain", "reload", "verify", "health", "undrain"] {
        run.run.script(&Script::new().lock()).good();
        let fail = format!("fail-{hurt}-A-restart");
        ground.leave(&fail, "");
        let answer = run.run.script(&Script::new().restart().restart_end().unlock());
        assert_eq!(answer.fail.unwrap().1, hurt);
        ground.forget(&fail);
        let ran = order(&ground);
        run.run.script(&Script::new().restart_again().unlock()).good();
        assert_eq!(order(&ground), Vec::<String>::new(), "{hurt}: what failed is not tried again");
        let taken_in = ran.iter().any(|line| line.starts_with("undrain"));
        assert_eq!(taken_in, matches!(hurt, "drain" | "undrain"), "{hurt}: {ran:?}");
    }
    // Lost in every one of them, it is done to its end.
    assert!(run.run.bye().success());
    for hurt in RESTARTED {
        let mut run = Deploy::begin(&ground, 30);
        run.release = run.from.clone().unwrap();
        run.set(&[("action", "restart")]);
        let hang = format!("hang-{hurt}-A-restart");
        ground.leave(&hang, "");
        run.run.tell(&Script::new().restart().restart_end().unlock());
        eventually(hurt, || ground.wrote("order").lines().any(|line| line.starts_with(hurt)));
        ground.forget(&hang);
        run.run.cut();
        ground.comes_to_rest(hurt);
        let ran = order(&ground);
        assert!(ran.last().unwrap().starts_with("undrain"), "{hurt}");
        let drained = ran.iter().filter(|line| line.starts_with("drain")).count();
        // Cut off in either of the two, nobody knows whether it takes requests.
        let expected = if matches!(hurt, "drain" | "undrain") { 2 } else { 1 };
        assert_eq!(drained, expected, "{hurt}: {ran:?}");
    }
}

fn a_restart_that_waits_for_the_operator(sh: Sh) {
    let ground = Ground::new(sh);
    let mut run = restarting(&ground, HealthKind::Client);
    let at = format!("-A restart {}", run.release);
    for healthy in [true, false] {
        run.run.script(&Script::new().lock().restart().unlock()).good();
        assert!(ground.locked());
        let end = if healthy { Script::new().restart_end() } else { Script::new().restart_unwell() };
        run.run.script(&end.unlock()).good();
        assert!(!ground.locked());
        run.run.script(&Script::new().restart_again().unlock()).good();
        let steps: &[&str] =
            if healthy { &["drain", "reload", "verify", "undrain"] } else { &RESTARTED[..3] };
        assert_eq!(order(&ground), lines(steps, &at));
    }
    run.run.script(&Script::new().lock().restart()).good();
    ground.forget("order");
    run.run.cut();
    ground.comes_to_rest("lost when asked");
    assert_eq!(order(&ground), lines(&["undrain"], &at));
}

fn a_drain_that_fails_restarts_nothing(sh: Sh) {
    let ground = Ground::new(sh);
    let mut run = restarting(&ground, HealthKind::Command);
    ground.leave("fail-drain-A-restart", "");
    run.run.script(&Script::new().restart().restart_end().unlock()).failed("step-failed", "exit 1");
    let at = format!("-A restart {}", run.release);
    assert_eq!(order(&ground), lines(&["drain", "undrain"], &at));
    run.run.script(&Script::new().unlock()).good();
    assert!(run.run.bye().success());
    // Nothing of it is left in the way of one that was deployed without any of that.
    fs::remove_dir_all(ground.out()).unwrap();
    fs::create_dir(ground.out()).unwrap();
    ground.deploy();
}

// A run that is ready to go live, and drained and taken in from the operator's machine. The path must not matter.
fn ready_here<'a>(ground: &'a Ground, label: &str) -> Deploy<'a> {
    ground.repo.publish(&[("page", label)]);
    let mut deploy = Deploy::begin(ground, 30);
    let script = Script::new().guard().begin().health_store(HealthKind::Command, TRIES, "");
    let script = script.store_here("drain").store("reload", 20, &text("reload", label)).store_here("undrain");
    deploy.run.script(&script.fetch(60).checkout(60).intent()).good();
    deploy
}

// Runs a script, and answers what is asked: each step, and how it ended.
fn answered(deploy: &mut Deploy<'_>, script: &Script, words: &[(&str, u32)]) -> crate::answer::Answer {
    let number = deploy.run.tell(script);
    for (step, code) in words {
        deploy.run.step_begun(step, 1);
        deploy.run.message(&Message::Word(step, number, *code));
    }
    deploy.run.wait(number)
}

fn two_here(sh: Sh) -> (Ground, String) {
    let ground = Ground::at(sh, |base| base.join("www.here.com"));
    ground.set_up();
    let mut deploy = ready_here(&ground, "A");
    answered(&mut deploy, &live(), &[("undrain", 0)]).good();
    deploy.run.script(&Script::new().healthy().finish(5).unlock()).good();
    deploy.run.message(&Message::Bye);
    deploy.run.ended();
    let old = ground.current().unwrap();
    assert_eq!(order(&ground), [format!("reload-A deploy {old}")], "the path is no step");
    ground.forget("order");
    (ground, old)
}

fn the_operators_machine_does_it_when_asked(sh: Sh) {
    let (ground, old) = two_here(sh);
    let drained = ground.root().join(".shipit/drained");
    let mut deploy = ready_here(&ground, "B");
    answered(&mut deploy, &live(), &[("drain", 9)]).failed("step-failed", "exit 9");
    answered(&mut deploy, &Script::new().undo(), &[("undrain", 0)]).good();
    deploy.run.message(&Message::Bye);
    deploy.run.ended();
    assert!(order(&ground).is_empty() && !drained.exists());
    let mut deploy = ready_here(&ground, "B");
    answered(&mut deploy, &live(), &[("drain", 0), ("undrain", 3)]).failed("step-failed", "exit 3");
    answered(&mut deploy, &Script::new().undo(), &[("drain", 0), ("undrain", 3)])
        .failed("not-rolled-back", "");
    deploy.run.message(&Message::Bye);
    deploy.run.ended();
    assert_eq!(ground.current(), Some(old));
    assert!(drained.exists());
    ground.comes_to_rest("answered");
}

fn what_only_he_could_do_nobody_does_when_he_is_lost(sh: Sh) {
    let (ground, old) = two_here(sh);
    let drained = ground.root().join(".shipit/drained");
    for (script, words, out) in [
        (Script::new().drain().switch(), &[("drain", 0)][..], true),
        (live(), &[("drain", 0), ("undrain", 0)], false),
    ] {
        let _ = fs::remove_file(&drained);
        let mut deploy = ready_here(&ground, "B");
        answered(&mut deploy, &script, words).good();
        deploy.run.cut();
        ground.comes_to_rest("lost");
        assert_eq!(ground.current().as_ref(), Some(&old));
        assert_eq!(ground.newest_entry(), Some((deploy.release.clone(), "back".into())), "out: {out}");
        assert_eq!(drained.exists(), out);
    }
    // And while he is asked.
    let mut deploy = ready_here(&ground, "B");
    deploy.run.tell(&live());
    deploy.run.step_begun("drain", 1);
    deploy.run.cut();
    ground.comes_to_rest("lost while he was asked");
    assert!(drained.exists());
    ground.knows_nothing_of(&deploy.release);
}
