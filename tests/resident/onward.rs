//! Reverts that end before all is said: each host goes on from where it is, and stays out where it is not well. And a deploy
//! that was said to be healthy and goes back after all.

use shipit::remote::script::{HealthKind, Place, Script};
use shipit::remote::wire::Message;

use crate::ground::Ground;
use crate::states::Deploy;
use crate::traffic::{ALL, lines, order, ready, reverting_asked, two};
use crate::{Sh, eventually, on_each_shell};

on_each_shell!(
    a_revert_that_waits_for_its_operator_is_taken_in_when_abandoned,
    a_revert_that_was_stopped_before_its_reload_is_done_to_its_end,
    a_revert_that_the_operator_found_unwell_stays_out,
    a_revert_that_serves_is_not_disturbed,
    one_that_goes_back_after_all_goes_back_without_its_operator,
    the_way_back_of_a_healthy_host_goes_on_without_its_operator,
);

/// Up to where the operator is asked, or the host serves.
fn reverted() -> Script {
    Script::new().drain().switch().stored("post-deploy", Place::Current).activate_service().health().serve()
}

fn ends(ground: &Ground, revert: Deploy<'_>, state: &str, ran: &[String]) {
    assert!(revert.run.bye().success());
    ground.comes_to_rest(state);
    assert_eq!(order(ground), ran);
    assert_eq!(ground.newest_entry(), Some((revert.release.clone(), state.into())));
    assert_eq!(ground.current(), Some(revert.release));
}

fn a_revert_that_waits_for_its_operator_is_taken_in_when_abandoned(sh: Sh) {
    for (stopped, lost, fails) in
        [(false, false, false), (true, false, false), (false, true, false), (false, false, true)]
    {
        let ground = Ground::new(sh);
        let (old, mut revert) = reverting_asked(&ground, HealthKind::Client);
        assert_eq!(revert.run.script(&reverted()).good().fact("health"), "what to ask");
        ground.forget("order");
        if fails {
            ground.leave("fail-undrain-A-revert", "");
        }
        let undrained = lines(&["undrain"], &format!("-A revert {old}"));
        if lost {
            revert.run.cut();
            ground.comes_to_rest("lost");
            assert_eq!(order(&ground), undrained);
            assert_eq!(ground.newest_entry(), Some((old, "done".into())));
            continue;
        }
        if stopped {
            revert.run.message(&Message::Stop);
        }
        let answer = revert.run.script(&Script::new().abandon().unlock());
        assert_eq!(answer.fail.is_some(), fails, "{answer:?}");
        ends(&ground, revert, if fails { "failed" } else { "done" }, &undrained);
    }
}

fn a_revert_that_was_stopped_before_its_reload_is_done_to_its_end(sh: Sh) {
    let ground = Ground::new(sh);
    let (old, mut revert) = reverting_asked(&ground, HealthKind::Command);
    revert.run.script(&Script::new().drain().switch()).good();
    ground.forget("order");
    revert.run.script(&Script::new().abandon().unlock()).good();
    ends(&ground, revert, "done", &lines(&ALL[1..], &format!("-A revert {old}")));
}

fn a_revert_that_the_operator_found_unwell_stays_out(sh: Sh) {
    for (stopped, lost) in [(false, false), (true, false), (false, true)] {
        let ground = Ground::new(sh);
        let (old, mut revert) = reverting_asked(&ground, HealthKind::Client);
        // Where nothing was switched it says nothing.
        revert.run.script(&Script::new().unwell()).good();
        revert.run.script(&reverted()).good();
        revert.run.script(&Script::new().unwell()).good();
        ground.forget("order");
        if lost {
            revert.run.cut();
            ground.comes_to_rest("lost");
            assert_eq!(order(&ground), [""; 0]);
            assert_eq!(ground.newest_entry(), Some((old, "failed".into())));
            continue;
        }
        if stopped {
            revert.run.message(&Message::Stop);
        }
        revert.run.script(&Script::new().abandon().unlock()).good();
        ends(&ground, revert, "failed", &[]);
    }
}

fn a_revert_that_serves_is_not_disturbed(sh: Sh) {
    for lost in [false, true] {
        let ground = Ground::new(sh);
        let (old, mut revert) = reverting_asked(&ground, HealthKind::Command);
        revert.run.script(&reverted()).good();
        ground.forget("order");
        if lost {
            revert.run.cut();
            ground.comes_to_rest("lost");
            assert_eq!(order(&ground), [""; 0]);
            assert_eq!(ground.newest_entry(), Some((old, "done".into())));
        } else {
            revert.run.message(&Message::Stop);
            revert.run.script(&Script::new().abandon().unlock()).good();
            ends(&ground, revert, "done", &[]);
        }
    }
}

fn one_that_goes_back_after_all_goes_back_without_its_operator(sh: Sh) {
    let (ground, old) = two(sh);
    let mut deploy = ready(&ground, "B", &ALL, HealthKind::Command);
    // Before anything is live it says nothing.
    deploy.run.script(&Script::new().going_back()).good();
    deploy.run.script(&reverted().healthy().going_back()).good();
    deploy.run.cut();
    ground.comes_to_rest("going back");
    assert_eq!(ground.newest_entry(), Some((deploy.release.clone(), "back".into())));
    assert_eq!(ground.current(), Some(old));
    ground.knows_nothing_of(&deploy.release);
}

fn the_way_back_of_a_healthy_host_goes_on_without_its_operator(sh: Sh) {
    let (ground, old) = two(sh);
    let mut deploy = ready(&ground, "B", &ALL, HealthKind::Command);
    deploy.run.script(&reverted().healthy()).good();
    ground.leave("hang-reload-A-rollback", "");
    deploy.run.tell(&Script::new().undo());
    eventually("it goes back", || ground.wrote("order").contains("reload-A rollback"));
    ground.forget("hang-reload-A-rollback");
    deploy.run.cut();
    ground.comes_to_rest("on its way back");
    assert_eq!(ground.newest_entry(), Some((deploy.release.clone(), "back".into())));
    assert_eq!(ground.current(), Some(old));
}
