//! Files of the operator's in shared/: new content with what is live, the old one wherever that goes back to.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use shipit::config::FileEntry;
use shipit::remote::script::{Place, Script};
use shipit::remote::wire::Message;

use secrecy::ExposeSecret as _;

use crate::driver::Run;
use crate::ground::Ground;
use crate::states::{Deploy, State};
use crate::{Sh, eventually, on_each_shell};

on_each_shell!(
    a_host_left_alone_serves_a_file_and_a_release_that_belong_together,
    half_way_through_going_live_nothing_has_changed,
    a_file_that_is_not_yet_ready_leaves_nothing,
    what_cannot_be_put_back_before_going_live_is_told,
    a_first_file_goes_away_again,
    any_bytes_arrive,
    a_revert_brings_the_file_of_its_release,
);

const NEW: &[u8] = b"new\0\xff\nno newline at the end";

fn send(run: &Run, content: &[u8]) {
    let file = FileEntry::new("conf/env", 0o640, content);
    run.message(&Message::Data("file.0", file.content.expose_secret()));
}

fn stage() -> Script {
    Script::new().file(0, 0o640, "conf/env")
}

fn sent(ground: &Ground) -> Option<Vec<u8>> {
    fs::read(ground.root().join("shared/conf/env")).ok()
}

/// Nothing of ours waits in shared/. What somebody had put there, and a deploy that is good replaced, is kept.
fn is_tidy(ground: &Ground) {
    let (kept, left): (Vec<_>, Vec<_>) =
        ground.names("shared/conf").into_iter().partition(|name| name.starts_with("env.before-"));
    assert!(left.iter().all(|name| name == "env"), "{left:?}");
    let old = kept.iter().map(|name| fs::read(ground.root().join("shared/conf").join(name)).unwrap());
    assert_eq!(old.filter(|bytes| bytes == b"old").count(), kept.len(), "{kept:?}");
}

fn with_old(sh: Sh) -> Ground {
    let ground = Ground::deployed(sh);
    fs::create_dir_all(ground.root().join("shared/conf")).unwrap();
    fs::write(ground.root().join("shared/conf/env"), "old").unwrap();
    ground.repo.publish(&[("page", "new")]);
    ground
}

fn a_host_left_alone_serves_a_file_and_a_release_that_belong_together(sh: Sh) {
    for state in
        [State::Begun, State::CheckedOut, State::Building, State::Ready, State::Switched, State::Healthy]
    {
        let ground = with_old(sh);
        let mut deploy = Deploy::begin(&ground, if state == State::Healthy { 2 } else { 30 });
        deploy.go(State::Locked, State::Begun);
        send(&deploy.run, NEW);
        deploy.run.script(&stage()).good();
        deploy.go(State::Begun, state);
        let live = if state >= State::Switched { NEW } else { b"old" };
        assert_eq!(sent(&ground).unwrap(), live, "{state:?}");
        deploy.run.cut();
        deploy.is_resolved(state, &format!("{state:?}"));
        let left = if state.goes_forward() { NEW } else { b"old" };
        assert_eq!(sent(&ground).unwrap(), left, "{state:?}");
        is_tidy(&ground);
    }
}

// A deploy whose file is in its place, while the release is not yet.
fn placed(ground: &Ground) -> Deploy<'_> {
    let mut deploy = Deploy::begin(ground, 30);
    deploy.go(State::Locked, State::Begun);
    send(&deploy.run, NEW);
    deploy.run.script(&stage()).good();
    deploy.go(State::Begun, State::Ready);
    let number = deploy.run.tell_text("place_files\n");
    deploy.run.wait(number).good();
    deploy
}

fn half_way_through_going_live_nothing_has_changed(sh: Sh) {
    let ground = with_old(sh);
    let deploy = placed(&ground);
    assert_eq!(sent(&ground).unwrap(), NEW);
    deploy.run.cut();
    deploy.is_resolved(State::Ready, "between file and link");
    assert_eq!(sent(&ground).unwrap(), b"old");
    is_tidy(&ground);
}

fn a_file_that_is_not_yet_ready_leaves_nothing(sh: Sh) {
    // What stands still there, or fails.
    for (command, old) in [("mv", true), ("cp", true), ("cp", false), ("chmod", true), ("ln", true)] {
        for ends in ["mark \"$root/../reached\"; sleep 1000", "return 1"] {
            let ground = with_old(sh);
            if !old {
                fs::remove_file(ground.root().join("shared/conf/env")).unwrap();
            }
            let mut deploy = Deploy::begin(&ground, 30);
            deploy.go(State::Locked, State::Begun);
            send(&deploy.run, NEW);
            let stage = format!("{command}() {{ {ends}; }}\nkeep_file 0 0640 conf/env\n");
            let number = deploy.run.tell_text(&stage);
            if ends == "return 1" {
                deploy.run.wait(number);
                let answer = deploy.run.script(&Script::new().undo().unlock());
                assert!(answer.notices.is_empty(), "{command}: {answer:?}");
            } else {
                eventually(command, || ground.root().join("../reached").exists());
                deploy.run.cut();
                deploy.is_resolved(State::Begun, command);
            }
            assert_eq!(sent(&ground), old.then(|| b"old".to_vec()), "{command}");
            is_tidy(&ground);
        }
    }
}

fn what_cannot_be_put_back_before_going_live_is_told(sh: Sh) {
    let ground = with_old(sh);
    let mut deploy = placed(&ground);
    // Somebody was faster: no rename takes the place of a directory.
    let place = ground.root().join("shared/conf/env");
    fs::remove_file(&place).unwrap();
    fs::create_dir_all(place.join("mine")).unwrap();
    let answer = deploy.run.script(&Script::new().undo().unlock());
    let told = format!(
        "not as before: shared/conf/env; what was there waits beside it, in .shipit-{}.*.old",
        deploy.release
    );
    assert_eq!(answer.notices, [told], "{answer:?}");
    let waits = ground.root().join(format!("shared/conf/.shipit-{}.0.old", deploy.release));
    assert_eq!(fs::read(waits).unwrap(), b"old");
}

fn a_first_file_goes_away_again(sh: Sh) {
    let ground = Ground::deployed(sh);
    let mut deploy = Deploy::begin(&ground, 30);
    deploy.go(State::Locked, State::Begun);
    send(&deploy.run, NEW);
    deploy.run.script(&stage()).good();
    deploy.go(State::Begun, State::Reloading);
    assert_eq!(sent(&ground).unwrap(), NEW);
    deploy.run.cut();
    deploy.is_resolved(State::Reloading, "a first file");
    assert_eq!(sent(&ground), None);
    is_tidy(&ground);
}

fn deploy_with<'a>(ground: &'a Ground, content: &[u8]) -> Deploy<'a> {
    let mut deploy = Deploy::begin(ground, 30);
    deploy.go(State::Locked, State::Begun);
    send(&deploy.run, content);
    deploy.run.script(&stage()).good();
    deploy.go(State::Begun, State::Finished);
    deploy.run.script(&Script::new().unlock()).good();
    deploy
}

fn any_bytes_arrive(sh: Sh) {
    let ground = with_old(sh);
    let all: Vec<u8> = (0..30_000_u32).map(|n| (n * 7 + n / 251) as u8).collect();
    for content in [&b""[..], b"\n\n", b"$(touch x)'\"\\\n", &all] {
        let deploy = deploy_with(&ground, content);
        assert_eq!(sent(&ground).unwrap(), content);
        let mode = fs::metadata(ground.root().join("shared/conf/env")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
        let kept = ground.root().join(format!(".shipit/releases/{}/file.0", deploy.release));
        assert_eq!(fs::metadata(kept).unwrap().permissions().mode() & 0o777, 0o600);
        is_tidy(&ground);
    }
}

fn a_revert_brings_the_file_of_its_release(sh: Sh) {
    let ground = with_old(sh);
    let mut made = Vec::new();
    for content in [&b"one"[..], b"two"] {
        ground.repo.publish(&[("page", std::str::from_utf8(content).unwrap())]);
        let deploy = deploy_with(&ground, content);
        made.push(deploy.release.clone());
    }
    assert_eq!(sent(&ground).unwrap(), b"two");
    let mut revert = Deploy::begin(&ground, 30);
    let revision = ground.read(&format!("releases/{}/REVISION", made[0]));
    revert.set(&[("action", "revert"), ("release", &made[0]), ("revision", &revision)]);
    let script = Script::new().again(60).intent().switch().stored("post-deploy", Place::Current);
    revert.run.script(&script.activate_service().healthy().finish(5).unlock()).good();
    assert_eq!(sent(&ground).unwrap(), b"one");
    is_tidy(&ground);
}
