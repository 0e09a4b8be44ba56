//! `prune`, and what a deploy prunes: only what was live and good counts, and what failed and was kept stays till then.

use crate::common::{Kind, World};

on_sshd!(what_is_not_kept_goes_and_is_named, what_failed_and_was_kept_pushes_no_good_release_out,);

fn what_is_not_kept_goes_and_is_named(kind: Kind) {
    let world = World::deployed(kind, 2, "keep-releases = 9");
    for page in ["two", "three", "four"] {
        world.deploy(page);
    }
    let releases = world.host("web1").releases();
    world.production("keep-releases = 1");
    let run = world.shipit(&["production", "prune"]).ends_with(0).says("pruned 2 hosts");
    for host in ["web1", "web2"] {
        for gone in &releases[..2] {
            let told = run
                .stderr
                .lines()
                .any(|line| line.contains(host) && line.contains(&format!("removed release {gone}")));
            assert!(told, "{run}");
        }
        assert_eq!(world.host(host).releases(), releases[2..], "the live one, and the one before");
    }
    world.serve("four");
    world.shipit(&["production", "prune"]).ends_with(0).says("nothing to remove");
    // of what is gone the record is kept
    world.shipit(&["production", "revert", "3"]).ends_with(0);
    world.serve("one");
}

fn what_failed_and_was_kept_pushes_no_good_release_out(kind: Kind) {
    let world = World::deployed(kind, 1, "keep-releases = 2\nbuild = \"! grep -q bad page\"");
    let good = world.host("web1").releases();
    world.publish("bad");
    for _ in 0..3 {
        world.shipit(&["production", "--keep-failed"]).ends_with(1);
    }
    world.deploy("two");
    let releases = world.host("web1").releases();
    assert_eq!(releases.len(), 5, "{releases:?}");
    assert_eq!(releases[0], good[0]);
    world.shipit(&["production", "revert"]).ends_with(0);
    world.serve("one");
    world.shipit(&["production", "prune", "--dry-run", "--scripts"]).ends_with(0).says("prune_all 2");
    assert_eq!(world.host("web1").releases(), releases);
    world.shipit(&["production", "prune"]).ends_with(0);
    assert_eq!(world.host("web1").releases(), [good[0].clone(), releases[4].clone()]);
    world.serve("one");
}

#[test]
fn a_prune_waits_for_no_run_and_disturbs_none() {
    let world = World::deployed(Kind::Sshd, 1, "build = \"[ ! -e ~/slow ] || sleep 300\"");
    world.host("web1").put("slow", "");
    world.publish("two");
    let running = world.shipit_spawn(&["production"]);
    crate::common::eventually("it builds", || {
        world.host("web1").processes().iter().any(|p| p.command.contains("sleep 300"))
    });
    world.shipit(&["production", "prune"]).ends_with(75);
    assert_eq!(world.host("web1").releases().len(), 2);
    running.kill(crate::common::Signal::INT);
    running.wait().ends_with(130);
    world.serve("one");
}
