//! Health by a command: tried until it is good, for as long as it is to be; told to stop; left alone.

use std::fs;

use shipit::remote::script::{HealthKind, Script, Tries};
use shipit::remote::wire::{Message, Reply};

use crate::ground::Ground;
use crate::states::{Deploy, State};
use crate::{Sh, eventually, on_each_shell};

on_each_shell!(
    it_is_tried_until_it_is_good,
    it_gives_up,
    it_must_stay_good,
    it_is_told_to_stop,
    one_that_hangs_on_the_way_back_of_a_host_left_alone_ends,
    a_host_left_alone_while_it_tries_goes_back,
);

/// A run that is active but for its health, by that text.
fn active<'a>(ground: &'a Ground, lost: u64, text: &str, limit: u64, tries: Tries) -> Deploy<'a> {
    ground.repo.publish(&[("page", text)]);
    let mut deploy = Deploy::begin(ground, lost);
    let script = Deploy::opening().health_store(HealthKind::Command, tries, "").store("health", limit, text);
    deploy.run.script(&script).good();
    deploy.go(State::Begun, State::CheckedOut);
    deploy.run.script(&Script::new().intent().drain().switch().activate_service()).good();
    deploy
}

const TRIES: Tries = Tries { within: 30, interval: 1, timeout: 5, stable: 0 };
const COUNT: &str = r#"echo x >>"$OUT/tries"; echo "try $(grep -c x "$OUT/tries")"; "#;

fn it_is_tried_until_it_is_good(sh: Sh) {
    let ground = Ground::new(sh);
    let good = format!(r#"{COUNT}sleep 1; [ "$(grep -c x "$OUT/tries")" = 4 ]"#);
    let mut deploy = active(&ground, 30, &good, 5, TRIES);
    let number = deploy.run.tell(&Script::new().health().undrain());
    let answer = deploy.run.wait(number).good();
    assert_eq!(answer.ends, [("health".into(), 0, "exit".into()), ("undrain".into(), 0, "exit".into())]);
    assert_eq!(answer.tails, [b"try 4\n".to_vec()], "of the last one");
    let log = ground.read(&format!(".shipit/logs/{}.log", deploy.run.name));
    assert!(log.contains("try 1\ntry 2\ntry 3\ntry 4"), "{log}");
    let heard = deploy.run.heard.lock().unwrap();
    let begun = |(n, reply): &&(u32, Reply)| *n == number && matches!(reply, Reply::Step(..));
    assert_eq!(heard.replies.iter().filter(begun).count(), 2);
    let spared = heard.live.iter().all(|(at, bytes)| at + *bytes as u64 <= log.find("try 1").unwrap() as u64);
    assert!(spared, "nothing of the tries is sent while they go on: {:?}", heard.live);
    drop(heard);
    // The record has them all as one step.
    let record = ground.read(&format!(".shipit/logs/{}.steps", deploy.run.name));
    assert_eq!(record.lines().filter(|line| line.ends_with(" health")).count(), 2, "{record}");
    deploy.run.script(&Script::new().finish(5).unlock()).good();
    assert!(deploy.run.bye().success());
}

fn it_gives_up(sh: Sh) {
    let ground = Ground::new(sh);
    let tries = Tries { within: 3, ..TRIES };
    let mut deploy = active(&ground, 30, &format!("{COUNT}exit 7"), 5, tries);
    let answer =
        deploy.run.script(&Script::new().health()).failed("unhealthy", "after 3 s (last check: exit 7)");
    assert_eq!(answer.fail.unwrap().1, "health");
    assert!((2..=5).contains(&ground.wrote("tries").lines().count()), "{:?}", ground.wrote("tries"));
    deploy.run.script(&Script::new().undo()).good();
    assert!(deploy.run.bye().success());
    let mut deploy = active(&ground, 30, "sleep 1000", 1, tries);
    deploy.run.script(&Script::new().health()).failed("unhealthy", "took longer than 1 s");
    deploy.run.script(&Script::new().undo()).good();
    assert!(deploy.run.bye().success());
    ground.comes_to_rest("given up");
}

fn it_must_stay_good(sh: Sh) {
    let ground = Ground::new(sh);
    // Good, once bad, good from then on.
    let text = format!(r#"{COUNT}[ "$(grep -c x "$OUT/tries")" != 2 ]"#);
    let mut deploy = active(&ground, 30, &text, 5, Tries { stable: 3, ..TRIES });
    deploy.run.script(&Script::new().health()).good();
    assert!(ground.wrote("tries").lines().count() >= 4, "{:?}", ground.wrote("tries"));
    deploy.run.script(&Script::new().undo()).good();
    assert!(deploy.run.bye().success());
    let mut deploy = active(&ground, 30, "true", 5, Tries { within: 2, stable: 5, ..TRIES });
    // Once it is good it has all that time, however little is left.
    deploy.run.script(&Script::new().health()).good();
    deploy.run.script(&Script::new().undo()).good();
    assert!(deploy.run.bye().success());
    ground.forget("tries");
    let text = format!(r#"{COUNT}[ "$(grep -c x "$OUT/tries")" -lt 4 ]"#);
    let mut deploy = active(&ground, 30, &text, 5, Tries { within: 2, stable: 9, ..TRIES });
    deploy.run.script(&Script::new().health()).failed("unhealthy", "after 2 s (last check: exit 1)");
    deploy.run.script(&Script::new().undo()).good();
    assert!(deploy.run.bye().success());
}

fn it_is_told_to_stop(sh: Sh) {
    let ground = Ground::new(sh);
    for (text, interval) in
        [(r#"echo x >>"$OUT/tries"; exit 1"#, 500), (r#"echo x >>"$OUT/tries"; sleep 1000"#, 1)]
    {
        ground.forget("tries");
        let tries = Tries { within: 900, interval, ..TRIES };
        let mut deploy = active(&ground, 30, text, 600, tries);
        let number = deploy.run.tell(&Script::new().health());
        eventually("it tries", || ground.wrote("tries") == "x");
        deploy.run.message(&Message::Stop);
        let answer = deploy.run.wait(number).failed("stopped", "");
        // It may just have ended by itself.
        assert!(
            matches!(&answer.ends[..], [(step, 1.., why)] if step == "health" && why == "stop"),
            "{answer:?}"
        );
        deploy.run.script(&Script::new().undo()).good();
        assert!(deploy.run.bye().success());
        ground.comes_to_rest("stopped");
    }
}

fn a_host_left_alone_while_it_tries_goes_back(sh: Sh) {
    let ground = Ground::deployed(sh);
    let old = ground.current().unwrap();
    for text in ["exit 1", "sleep 1000"] {
        let mut deploy = active(&ground, 30, &format!("{COUNT}{text}"), 600, Tries { within: 900, ..TRIES });
        deploy.run.tell(&Script::new().health());
        eventually("it tries", || !ground.wrote("tries").is_empty());
        deploy.run.cut();
        ground.comes_to_rest(text);
        ground.serves(&old);
        assert_eq!(ground.newest_entry(), Some((deploy.release.clone(), "back".into())));
        ground.forget("tries");
    }
}

fn one_that_hangs_on_the_way_back_of_a_host_left_alone_ends(sh: Sh) {
    let ground = Ground::deployed(sh);
    let old = ground.current().unwrap();
    let meta = ground.root().join(format!(".shipit/releases/{old}"));
    fs::write(meta.join("health"), "command 3 1 0\n").unwrap();
    fs::write(meta.join("steps/health.10.1"), "sleep 1000").unwrap();
    ground.repo.publish(&[("page", "new")]);
    let deploy = Deploy::reach(&ground, 30, State::Active);
    deploy.run.cut();
    ground.comes_to_rest("it ends");
    assert_eq!(ground.newest_entry(), Some((deploy.release.clone(), "failed".into())));
    assert_eq!(ground.current(), Some(old));
}
