//! `--output json`, `--events FILE` and `schema --events`: what programs read. Every event that a run emits is held to the
//! schema.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use crate::common::{Kind, Run, Signal, World, eventually};
use crate::json_schema::faults;
use serde_json::Value;

const SHIPIT: &str = env!("CARGO_BIN_EXE_shipit");

fn schema(world: &World) -> Value {
    let run = world.shipit(&["schema", "--events"]).ends_with(0);
    serde_json::from_str(&run.stdout).unwrap()
}

/// The events, each of them held to the schema.
#[track_caller]
fn events(world: &World, text: &str) -> Vec<Value> {
    let schema = schema(world);
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for event in &events {
        assert_eq!(faults(&schema, event), [""; 0], "{event}");
    }
    events
}

fn kinds(events: &[Value]) -> BTreeSet<&str> {
    events.iter().map(|event| event["event"].as_str().unwrap()).collect()
}

fn of<'a>(events: &'a [Value], kind: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["event"] == kind).collect()
}

fn answer(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run}"))
}

#[test]
fn a_deploy_is_told_from_its_first_event_to_its_last() {
    let world = World::deployed(Kind::InProcess, 2, "build = 'printf \"one\\n\\377two\"; echo three >&2'");
    let before = world.repo.head();
    let revision = world.publish("two");
    let run = world.shipit(&["production", "--output", "json"]).ends_with(0);
    assert_eq!(run.stderr, "", "all of it is data");
    let events = events(&world, &run.stdout);

    let (first, last) = (&events[0], events.last().unwrap());
    assert_eq!(first["event"], "started");
    assert_eq!(first["shipit"], env!("CARGO_PKG_VERSION"));
    assert_eq!((&first["action"], &first["environment"]), (&"deploy".into(), &"production".into()));
    assert_eq!(first["hosts"], serde_json::json!(["web1", "web2"]));
    assert_eq!((&last["event"], &last["exit_code"]), (&"finished".into(), &0.into()));
    assert_eq!(
        (&last["outcome"]["result"], &last["outcome"]["revision"]),
        (&"done".into(), &revision.clone().into())
    );

    let printed = |host: &str| -> String {
        let own = of(&events, "output").into_iter().filter(|e| e["host"] == host && e["step"] == "build");
        own.map(|event| event["text"].as_str().unwrap()).collect()
    };
    assert_eq!(printed("web1"), "one\n\u{fffd}twothree\n");
    let commits = of(&events, "commits")[0];
    assert_eq!(
        (&commits["from"], &commits["to"], &commits["total"]),
        (&before.into(), &revision.into(), &1.into())
    );
    assert!(kinds(&events).is_superset(&BTreeSet::from([
        "started",
        "resolved",
        "commits",
        "phase-started",
        "phase-ended",
        "connected",
        "step-started",
        "output",
        "step-ended",
        "host-done",
        "finished",
    ])));
}

#[test]
fn a_deploy_that_fails_tells_why_and_with_which_code() {
    let world = World::deployed(Kind::InProcess, 2, "");
    world.production("build = 'echo no such thing; exit 7'");
    world.publish("two");
    let run = world.shipit(&["production", "--output=json"]).ends_with(1).says("build failed");
    let events = events(&world, &run.stdout);
    let failed = of(&events, "host-failed")[0];
    assert_eq!(failed["failure"]["exit"], serde_json::json!({ "code": 7 }));
    assert_eq!(failed["failure"]["output"], "no such thing\n");
    let last = events.last().unwrap();
    assert_eq!((&last["exit_code"], &last["outcome"]["result"]), (&1.into(), &"failed".into()));
    assert!(run.stderr.contains("build failed"), "a person reads why: {run}");
}

#[test]
fn questions_are_answered_with_arrays() {
    let world = World::deployed(Kind::InProcess, 2, "");
    let one = world.repo.head();
    let two = world.deploy("two");
    let json =
        |command: &str| answer(&world.shipit(&["production", command, "--output", "json"]).ends_with(0));

    world.shipit(&["production", "hold", "-m", "a \"freeze\""]).ends_with(0);
    assert_eq!(json("status")[1]["hold"]["why"], "a \"freeze\"");
    world.shipit(&["production", "resume"]).ends_with(0);
    let status = json("status");
    assert_eq!((&status[0]["hold"], &status[0]["supervisor"]), (&Value::Null, &Value::Null));
    assert_eq!((&status[0]["host"], &status[1]["host"]), (&"web1".into(), &"web2".into()));
    assert_eq!((&status[0]["live"]["revision"], &status[0]["state"]), (&two.clone().into(), &"ok".into()));
    assert_eq!((&status[0]["lock"], &status[0]["failure"]), (&Value::Null, &Value::Null));

    let list = json("list");
    assert_eq!(
        (&list[0]["revision"], &list[0]["live"], &list[0]["revert"]),
        (&two.clone().into(), &true.into(), &Value::Null)
    );
    assert_eq!(
        (&list[1]["revision"], &list[1]["live"], &list[1]["revert"]),
        (&one.clone().into(), &false.into(), &1.into())
    );

    let both = |revision: &str| serde_json::json!([{ "host": "web1", "revision": revision }, { "host": "web2", "revision": revision }]);
    assert_eq!(json("current"), both(&two));
    assert_eq!(json("previous"), both(&one));
}

#[test]
fn a_host_that_does_not_answer_is_in_the_answer() {
    let world = World::deployed(Kind::InProcess, 2, "");
    world.host("web2").kill_sshd();
    let status = answer(&world.shipit(&["production", "status", "--output", "json"]).ends_with(4));
    assert_eq!((&status[0]["state"], &status[1]["state"]), (&"ok".into(), &"not-asked".into()));
    assert_eq!(status[1]["failure"]["kind"], "unreachable");
    let list = answer(&world.shipit(&["production", "list", "--output", "json"]).ends_with(4));
    assert_eq!(list.as_array().unwrap().len(), 1);
}

#[test]
fn what_exec_prints_and_how_it_ends_is_told_per_host() {
    let world = World::deployed(Kind::InProcess, 2, "");
    let script = "echo out; echo err >&2; test $SHIPIT_HOST = web1 || exit 9";
    for quiet in [&["-q"][..], &[]] {
        let args = [quiet, &["--output=json", "production", "exec", script]].concat();
        let run = world.shipit(&args).ends_with(9);
        let events = events(&world, &run.stdout);
        let printed: BTreeSet<_> = of(&events, "output")
            .iter()
            .map(|e| ["host", "stream", "text"].map(|k| e[k].as_str().unwrap()))
            .collect();
        assert_eq!(
            printed,
            BTreeSet::from([
                ["web1", "stderr", "err\n"],
                ["web1", "stdout", "out\n"],
                ["web2", "stderr", "err\n"],
                ["web2", "stdout", "out\n"],
            ])
        );
        let ends: BTreeSet<_> = of(&events, "step-ended")
            .iter()
            .map(|e| (e["host"].as_str().unwrap(), e["exit"]["code"].as_u64().unwrap()))
            .collect();
        assert_eq!(ends, BTreeSet::from([("web1", 0), ("web2", 9)]));
        assert_eq!(events.last().unwrap()["exit_code"], 9);
    }
}

#[test]
fn events_go_into_a_file_beside_any_output() {
    let world = World::deployed(Kind::InProcess, 2, "");
    let file = world.root().join("events");
    fs::write(&file, "of an earlier run").unwrap();
    world.publish("two");
    fs::remove_file(&file).unwrap();
    let path = file.to_str().unwrap();
    let run = world.shipit(&["production", "--events", path]).ends_with(0).says("[prepare]");
    assert_eq!(run.stdout, "");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&file).unwrap();
    let told = events(&world, &text);
    assert_eq!((&told[0]["event"], &told.last().unwrap()["event"]), (&"started".into(), &"finished".into()));

    // The next run's events take their place; a variable sets it as any option, and where it says nothing it is ignored.
    world.env("SHIPIT_EVENTS", path);
    world.shipit(&["production"]).ends_with(0);
    world.shipit(&["production", "status"]).ends_with(0);
    let text = fs::read_to_string(&file).unwrap();
    let told = events(&world, &text);
    assert_eq!(told.last().unwrap()["outcome"]["result"], "nothing-to-do");
    assert_eq!(of(&told, "started").len(), 1);
}

#[test]
fn a_file_of_events_that_is_full_breaks_nothing_and_is_told_once() {
    let world = World::deployed(Kind::InProcess, 2, "");
    world.publish("two");
    let run = world.shipit(&["production", "--events", "/dev/full"]).ends_with(0);
    assert_eq!(run.stderr.matches("/dev/full: no space left on device").count(), 1, "{run}");
    world.serve("two");
    world.publish("three");
    let nowhere = world.root().join("nowhere/events");
    world
        .shipit(&["production", "--events", nowhere.to_str().unwrap()])
        .ends_with(2)
        .says("no such file or directory");
    world.serve("two");
}

#[test]
fn what_ends_before_it_begins_is_one_event() {
    let world = World::new(Kind::InProcess, 1);
    world.production("hots = 1");
    let file = world.root().join("events");
    let args = ["production", "--output=json", "--events", file.to_str().unwrap()];
    let run = world.shipit(&args).ends_with(2).says("unknown key `hots`");
    for text in [&run.stdout, &fs::read_to_string(&file).unwrap()] {
        let events = events(&world, text);
        assert_eq!(
            (events.len(), &events[0]["event"], &events[0]["exit_code"]),
            (1, &"error".into(), &2.into())
        );
        assert!(events[0]["message"].as_str().unwrap().contains("hots"), "{text}");
    }
}

#[test]
fn a_run_that_waits_and_is_stopped_tells_that_too() {
    let world = World::deployed(Kind::InProcess, 1, "");
    world.production("build = 'sleep 30'");
    world.publish("two");
    let first = world.shipit_spawn(&["production", "--output", "json"]);
    eventually("it builds", || first.stdout().contains("\"step\":\"build\""));
    let second = world.shipit_spawn(&["production", "--output", "json", "--lock-wait", "1m"]);
    eventually("the other waits", || second.stdout().contains("\"waiting\""));
    second.kill(Signal::INT);
    let told = events(&world, &second.wait().ends_with(130).stdout);
    assert!(kinds(&told).is_superset(&BTreeSet::from(["waiting", "finished"])), "{told:?}");
    first.kill(Signal::INT);
    let told = events(&world, &first.wait().ends_with(130).stdout);
    assert_eq!(of(&told, "interrupted")[0]["signal"], "Ctrl-C");
    assert_eq!(told.last().unwrap()["outcome"]["result"], "interrupted");
}

#[test]
fn data_that_does_not_arrive_is_an_error_and_a_reader_that_has_had_enough_is_none() {
    let world = World::deployed(Kind::InProcess, 1, "");
    let into = |args: &[&str], target: Stdio| {
        let mut command = world.command(std::path::Path::new(SHIPIT));
        command.args(args).stdout(target).stderr(Stdio::piped()).stdin(Stdio::null()).output().unwrap()
    };
    let full = || Stdio::from(fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
    for args in [
        &["production", "status"][..],
        &["production", "list"],
        &["production", "setup", "-n"],
        &["production", "current", "--output=json"],
        &["production", "exec", "echo x"],
        &["production", "--output=plain", "exec", "echo x"],
        &["schema", "--events"],
        &["--help"],
    ] {
        let run = into(args, full());
        let said = String::from_utf8_lossy(&run.stderr).into_owned();
        assert_eq!(run.status.code(), Some(1), "{args:?}: {said}");
        assert_eq!(said.matches("standard output: no space left on device").count(), 1, "{args:?}: {said}");
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let run = into(args, Stdio::from(writer));
        assert_eq!((run.status.code(), run.stderr.as_slice()), (Some(0), &b""[..]), "{args:?}");
    }
    world.publish("two");
    let run = into(&["production", "--output", "json"], full());
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert_eq!(run.status.code(), Some(0), "a deploy that is done is done: {said}");
    assert!(said.contains("warning: cannot write events") && said.contains("deployed"), "{said}");
    world.serve("two");
}

#[test]
fn the_schema_knows_what_is_wrong() {
    let world = World::new(Kind::InProcess, 0);
    let schema = schema(&world);
    let good = serde_json::json!({ "v": 1, "time": "2026-11-21T08:15:02.123Z", "event": "connected", "host": "web1" });
    assert_eq!(faults(&schema, &good), [""; 0]);
    for (key, value) in [
        ("v", 2.into()),
        ("time", "noon".into()),
        ("event", "x".into()),
        ("host", 1.into()),
        ("more", 1.into()),
    ] {
        let mut bad = good.clone();
        bad[key] = value;
        assert!(!faults(&schema, &bad).is_empty(), "{bad}");
    }
}
