//! The edges forward: what is on disk after each.

use std::fs;

use shipit::remote::script::Script;
use shipit::remote::wire::Message;

use crate::ground::Ground;
use crate::states::{Deploy, State};
use crate::{Sh, on_each_shell};

on_each_shell!(
    every_edge_forward_leaves_its_mark,
    undo_twice_is_harmless,
    undo_takes_back_every_state,
    its_apps_stand_in_the_entry,
    all_is_on_the_disk_before_the_entry_is,
);

fn all_is_on_the_disk_before_the_entry_is(sh: Sh) {
    let ground = Ground::deployed(sh);
    ground.repo.publish(&[("page", "new")]);
    let mut deploy = Deploy::reach(&ground, 30, State::CheckedOut);
    let number =
        deploy.run.tell_text("sync() { ls $S/journal $R >$root/../seen; command sync $@; }\nopen_entry\n");
    deploy.run.wait(number).good();
    let seen = fs::read_to_string(ground.root().join("../seen")).unwrap();
    assert!(seen.lines().any(|name| name == "intent") && !seen.contains(".open"), "{seen}");
    deploy.run.script(&Script::new().undo().unlock()).good();
}

#[allow(clippy::too_many_lines, reason = "a table of edges")]
fn every_edge_forward_leaves_its_mark(sh: Sh) {
    let ground = Ground::deployed(sh);
    let old = ground.current().unwrap();
    ground.repo.publish(&[("page", "new")]);
    let mut deploy = Deploy::begin(&ground, 30);
    let new = deploy.release.clone();
    let run = format!("run.{}", deploy.run.name);
    let dir = format!(".shipit/{run}");
    assert_eq!(fs::read_link(ground.root().join(".shipit/lock")).unwrap().to_str().unwrap(), run);
    assert_eq!(ground.read(&format!("{dir}/who")), "ops on there");
    let token = format!("owner.{}.", deploy.run.main());
    assert!(ground.names(&dir).iter().any(|name| name.starts_with(&token)), "{:?}", ground.names(&dir));
    for state in State::ALL.into_iter().skip(1).filter(|s| *s != State::Building && *s != State::Reloading) {
        let before = State::ALL.into_iter().rev().find(|s| *s < state).unwrap();
        let before = match before {
            State::Building => State::CheckedOut,
            State::Reloading => State::Switched,
            other => other,
        };
        deploy.go(before, state);
        let has = |path: &str| fs::symlink_metadata(ground.root().join(path)).is_ok();
        let seen = |name: &str| has(&format!("{dir}/{name}"));
        assert!(ground.locked() && has(&format!("releases/{new}")), "{state:?}");
        assert!(seen("vars"), "{state:?}");
        assert_eq!(has(&format!("releases/{new}/page")), state >= State::CheckedOut, "{state:?}");
        assert_eq!(has(&format!("releases/{new}/artefact")), state >= State::Ready, "{state:?}");
        assert_eq!(ground.pins().len(), 1 + usize::from(state >= State::Fetched), "{state:?}");
        let entry = ground.newest_entry().unwrap();
        let expected = match state {
            State::Begun | State::Fetched | State::CheckedOut => (&old, "done"),
            State::Ready | State::Drained | State::Switched | State::Active => (&new, "open"),
            State::Healthy => (&new, "healthy"),
            _ => (&new, "done"),
        };
        assert_eq!(entry, (expected.0.clone(), expected.1.into()), "{state:?}");
        // The link that will be `current` lies ready, and is gone with the switch: that is the mark.
        assert_eq!(seen("go"), matches!(state, State::Ready | State::Drained), "{state:?}");
        assert_eq!(seen("back"), state >= State::Ready, "{state:?}");
        let live = if state >= State::Switched { &new } else { &old };
        assert_eq!(ground.current().as_ref(), Some(live), "{state:?}");
        assert_eq!(ground.wrote("served"), *if state >= State::Active { &new } else { &old }, "{state:?}");
    }
    assert_eq!(ground.wrote("post-deploy"), format!("deploy {old}\ndeploy {new}"));
    deploy.run.script(&Script::new().unlock()).good();
    assert!(!ground.locked() && ground.run_dirs().is_empty());
    let journal = deploy.run.script(&Script::new().journal()).good().entries;
    let [_, (state, pairs)] = &journal[..] else { panic!("{journal:?}") };
    let expected = [
        ("release", new.as_str()),
        ("revision", &ground.repo.head()),
        ("reference", "main"),
        ("action", "deploy"),
        ("from", &old),
        ("from-revision", &ground.read(&format!("releases/{old}/REVISION"))),
        ("who", "ops on there"),
        ("when", "2026-11-21T08:15:02Z"),
        ("run", &deploy.run.name),
        ("subject", "a change"),
    ]
    .map(|(name, value)| (name.to_string(), value.to_string()));
    assert_eq!((state.as_str(), &pairs[..]), ("done", &expected[..]));
    assert!(deploy.run.bye().success());
    ground.comes_to_rest("the end");
}

fn undo_twice_is_harmless(sh: Sh) {
    let ground = Ground::deployed(sh);
    let old = ground.current().unwrap();
    ground.repo.publish(&[("page", "new")]);
    let mut deploy = Deploy::reach(&ground, 30, State::Active);
    deploy.run.script(&Script::new().undo()).good();
    ground.serves(&old);
    let told = ground.wrote("post-deploy");
    deploy.run.script(&Script::new().undo()).good();
    assert_eq!(ground.wrote("post-deploy"), told, "the second did nothing");
    deploy.run.script(&Script::new().unlock().undo().unlock()).good();
    deploy.stands(State::Active, "undone twice");
    assert!(deploy.run.bye().success());
    ground.deploy();
}

fn undo_takes_back_every_state(sh: Sh) {
    let ground = Ground::deployed(sh);
    for state in State::ALL.into_iter().filter(|state| *state < State::Finished) {
        ground.repo.publish(&[("page", &format!("{state:?}"))]);
        let mut deploy = Deploy::begin(&ground, 30);
        deploy.go(State::Locked, state);
        if matches!(state, State::Building | State::Reloading) {
            deploy.run.message(&Message::Stop);
        }
        deploy.run.script(&Script::new().undo().unlock()).good();
        // Until the run is confirmed everywhere, its own word is to go back.
        deploy.stands(state.min(State::Active), &format!("{state:?}"));
        assert!(deploy.run.bye().success(), "{state:?}");
        ground.comes_to_rest(&format!("{state:?}"));
        ground.forget("served");
        ground.deploy();
    }
}

fn its_apps_stand_in_the_entry(sh: Sh) {
    let ground = Ground::new(sh);
    let mut deploy = Deploy::begin(&ground, 30);
    deploy.set(&[("apps", "api=a1 web=b2")]);
    deploy.complete();
    let entries = deploy.run.script(&Script::new().journal()).good().entries;
    assert!(entries[0].1.contains(&("apps".into(), "api=a1 web=b2".into())), "{entries:?}");
    assert!(deploy.run.bye().success());
}
