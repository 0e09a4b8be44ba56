//! `show` and `list`: what became of each deploy, and all that its steps printed, also of one that failed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use crate::common::{Kind, World, eventually, within};

on_sshd!(
    a_deploy_is_shown_with_all_that_its_steps_printed,
    a_failed_attempt_is_shown_by_the_name_that_its_report_gives,
    a_deploy_that_was_put_back_says_so_on_each_host,
    the_list_has_age_and_result_and_numbers_that_show_takes,
);

fn a_deploy_is_shown_with_all_that_its_steps_printed(kind: Kind) {
    let world = World::deployed(kind, 2, "build = 'echo built $SHIPIT_HOST $SHIPIT_ACTION; echo bad >&2'");
    let release = world.host("web1").releases().pop().unwrap();
    let revision = world.host("web1").read("app/current/REVISION").unwrap();
    let run = world.shipit(&["production", "show"]).ends_with(0);
    for text in [
        format!("deploy    {release}\n"),
        "ref       main\n".to_owned(),
        format!("revision  {}\n", revision.trim()),
        "by        operator@".to_owned(),
        "web1  deployed\n".to_owned(),
        "==> web1: build, exit 0 <==\nbuilt web1 deploy\nbad\n".to_owned(),
        "==> web2: build, exit 0 <==\nbuilt web2 deploy\nbad\n".to_owned(),
    ] {
        assert!(run.stdout.contains(&text), "{text:?} in {run}");
    }
    for name in ["0", &release, &release[..20], &revision[..7]] {
        let again = world.shipit(&["production", "show", name]).ends_with(0);
        assert!(again.stdout.contains(&format!("deploy    {release}\n")), "{name}: {again}");
    }
    world.shipit(&["production", "show", "nothing"]).ends_with(1).says("no deploy matches nothing");
    world.shipit(&["production", "show", "20"]).ends_with(1);
    world.shipit(&["production", "show", "7"]).ends_with(1).says("there is no deploy 7");
    let log = fs::read_dir(world.host("web1").path("app/.shipit/logs")).unwrap().flatten();
    for file in log.filter(|file| file.file_name().to_str().unwrap().ends_with(".steps")) {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0, "{file:?}");
    }
}

fn a_failed_attempt_is_shown_by_the_name_that_its_report_gives(kind: Kind) {
    let world = World::deployed(kind, 2, "");
    world.production("build = 'seq 1 3000; echo $SHIPIT_HOST; [ $SHIPIT_HOST = web1 ] || exit 3'");
    world.publish("two");
    let run = world.shipit(&["production"]).ends_with(1);
    let hint = run.stderr.lines().find_map(|line| line.strip_prefix("full output: shipit production show "));
    let name = hint.unwrap_or_else(|| panic!("no hint in {run}")).to_owned();
    world.serve("one");
    for show in [world.shipit(&["production", "show", &name]), world.shipit(&["production", "show"])] {
        let show = show.ends_with(0);
        assert!(show.stdout.contains(&format!("deploy    {name}\n")), "{show}");
        assert!(show.stdout.contains("web2  failed: build: exit 3\n"), "{show}");
        let all: String = (1..=3000).map(|n| format!("{n}\n")).collect();
        assert!(show.stdout.contains(&format!("==> web2: build, exit 3 <==\n{all}web2\n")), "{show}");
    }
    assert!(world.shipit(&["production", "show", "0"]).ends_with(0).stdout.contains("web1  deployed\n"));
}

fn a_deploy_that_was_put_back_says_so_on_each_host(kind: Kind) {
    let world = World::deployed(
        kind,
        2,
        "supervisor = { reload = 'echo reload $SHIPIT_HOST $(cat page); ! grep -q two page' }",
    );
    world.publish("two");
    world.shipit(&["production"]).ends_with(5).says("full output: shipit production show 2");
    let show = world.shipit(&["production", "show"]).ends_with(0);
    for text in [
        "web1  rolled back: reload: exit 1\n",
        "==> web1: reload, exit 1 <==\nreload web1 two\n",
        "==> web1: rollback: reload, exit 0 <==\nreload web1 one\n",
        "==> web2: reload, exit 1 <==\nreload web2 two\n",
    ] {
        assert!(show.stdout.contains(text), "{text:?} in {show}");
    }
}

fn the_list_has_age_and_result_and_numbers_that_show_takes(kind: Kind) {
    let world = World::deployed(kind, 2, "build = 'cat page'");
    world.deploy("two");
    world.deploy("three");
    world.shipit(&["production", "revert"]).ends_with(0);
    let list = world.shipit(&["production", "list"]).ends_with(0);
    let lines: Vec<&str> = list.stdout.lines().collect();
    let heads: Vec<&str> = lines[0].split_whitespace().collect();
    assert_eq!(heads, ["revert", "release", "ref", "when", "by", "result", "subject"], "{list}");
    let subject = world.repo.git(&["log", "-1", "--format=%s"]);
    assert!(lines[1].contains("  reverted to  ") && lines[2].contains("  deployed     "), "{list}");
    assert!(lines[2].ends_with(subject.trim()), "{subject} in {list}");
    assert!(lines[3].starts_with("live") && lines[4].starts_with("1 "), "{list}");
    assert!(lines[4].contains(" ago) ") || lines[4].contains("(just now) "), "{list}");
    assert!(lines[4].contains(" operator@"), "{list}");
    let newest = world.shipit(&["production", "list", "-n", "2"]).ends_with(0);
    assert_eq!(newest.stdout.lines().count(), 3, "{newest}");
    newest.says("and 2 older deploys: shipit production list -n N shows more");
    world.shipit(&["production", "list", "-n"]).ends_with(2).says("list -n takes a number");
    world.shipit(&["production", "show", "1"]).ends_with(0).says("exit 0 <==\none\n");
    world.shipit(&["production", "show", "0"]).ends_with(0).says("exit 0 <==\ntwo\n");
    // the latest is the revert, which built nothing
    world
        .shipit(&["production", "show"])
        .ends_with(0)
        .says("revert    ")
        .says("web2  reverted to\n")
        .does_not_say("==> web1: build");
}

#[test]
fn the_journals_of_hosts_that_saw_different_things_are_one() {
    let world = World::new(Kind::InProcess, 2);
    world.production_on(&["web1"], "");
    world.publish("one");
    world.shipit(&["production", "setup"]).ends_with(0);
    world.shipit(&["production"]).ends_with(0);
    world.production("");
    world.shipit(&["production", "setup"]).ends_with(0);
    world.publish("two");
    world.shipit(&["production"]).ends_with(0);
    let list = world.shipit(&["production", "list"]).ends_with(0);
    let lines = list.stdout.lines().skip(1);
    let result =
        |line: &'_ str| line.rsplit("  ").filter(|cell| !cell.is_empty()).nth(1).unwrap().trim().to_owned();
    let ends: Vec<String> = lines.map(result).collect();
    assert_eq!(ends, ["deployed", "deployed on 1 of 2 hosts"], "{list}");
    let first = world.host("web1").releases()[0].clone();
    world.shipit(&["production", "show", &first]).ends_with(0).says("web1  deployed\nweb2  no record\n");
}

#[test]
fn output_that_is_larger_than_memory_should_be_passes_through() {
    let world = World::deployed(Kind::Sshd, 1, "build = 'head -c 50000000 /dev/zero | base64; echo end'");
    let file = world.home().join("shown");
    let shipit = env!("CARGO_BIN_EXE_shipit");
    // What a child took at most: the kernel tells who waited for it.
    let python = format!(
        "import resource, subprocess\n\
         code = subprocess.call([{shipit:?}, 'production', 'show'], stdout=open({file:?}, 'wb'))\n\
         print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    );
    let out = world.command(&crate::common::require("python3")).args(["-c", &python]).output().unwrap();
    let said = String::from_utf8(out.stdout).unwrap();
    let numbers: Vec<u64> = said.split_whitespace().map(|n| n.parse().unwrap()).collect();
    assert_eq!(numbers[0], 0, "{said} {}", String::from_utf8_lossy(&out.stderr));
    assert!(numbers[1] < 64 * 1024, "{} KB of memory", numbers[1]);
    let shown = fs::read(&file).unwrap();
    let zeros = shown.iter().filter(|byte| **byte == b'A').count();
    assert!(shown.ends_with(b"end\n") && zeros > 66_000_000, "{zeros}");
}

#[test]
fn a_reader_that_pauses_loses_nothing() {
    let world = World::new(Kind::InProcess, 1);
    world.production("timeout = { lost = '5s' }\nbuild = 'seq 1 700000'");
    world.publish("one");
    world.shipit(&["production", "setup"]).ends_with(0);
    world.shipit(&["production"]).ends_with(0);
    let shipit = env!("CARGO_BIN_EXE_shipit");
    let script = format!("{shipit} production show | {{ sleep 9; grep -c '^[0-9][0-9]*$'; }}");
    let out = world.command(&crate::common::require("sh")).args(["-c", &script]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&out.stdout).trim(), "700000");
    assert_eq!(String::from_utf8_lossy(&out.stderr), "");
}

#[test]
fn a_run_at_work_is_shown_as_far_as_it_is() {
    let world = World::deployed(Kind::InProcess, 1, "");
    world.production("build = 'echo begun; touch ~/building; while [ ! -e ~/go ]; do sleep 0.1; done'");
    world.publish("two");
    let deploy = world.shipit_spawn(&["production"]);
    eventually("it builds", || world.host("web1").path("building").exists());
    world
        .shipit(&["production", "show"])
        .ends_with(0)
        .says("web1  in progress\n")
        .says("==> web1: build, unfinished <==\nbegun\n");
    world.host("web1").put("go", "");
    deploy.wait().ends_with(0);
}

#[test]
fn one_deploy_as_json_holds_its_steps_on_each_host() {
    let world = World::deployed(Kind::InProcess, 2, "");
    let json = |args: &[&str], code: i32| -> serde_json::Value {
        let run = world.shipit(&[&["production", "show", "--output", "json"], args].concat()).ends_with(code);
        assert_eq!(run.stdout.lines().count(), 1, "{run}");
        serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run}"))
    };
    // The second host fails once the first has built: a failure stops the builds of others.
    let built = world.root().join("built");
    let build = format!(
        "printf 'caf\\303\\251 \"q\" \\033[2J \\377\\n'; [ $SHIPIT_HOST != web1 ] || {{ : >{0}; exit; }}; \
         until [ -e {0} ]; do sleep 0.05; done; sleep 1; seq 1 400000; exit 3",
        built.display()
    );
    world.production(&format!("build = \"\"\"{}\"\"\"", build.replace('\\', "\\\\")));
    let two = world.publish("two");
    world.shipit(&["production"]).ends_with(1);
    let show = json(&[], 0);
    assert_eq!((&show["action"], &show["ref"]), (&"deploy".into(), &"main".into()));
    assert_eq!(show["revision"], world.repo.head().as_str(), "{two:?}");
    let of = |host: usize| {
        let host = &show["hosts"][host];
        let steps = host["steps"].as_array().unwrap();
        (host, steps.iter().find(|step| step["step"] == "build").unwrap())
    };
    let (host, build) = of(0);
    assert_eq!(
        (&host["host"], &host["running"], &host["failed"]),
        (&"web1".into(), &false.into(), &serde_json::Value::Null)
    );
    assert_eq!(build["output"], "caf\u{e9} \"q\" \u{1b}[2J \u{fffd}\n");
    assert_eq!((&build["exit"], &build["end"], &build["whole"]), (&0.into(), &"exit".into(), &true.into()));
    let (host, build) = of(1);
    assert_eq!((&host["failed"], &build["exit"]), (&"build: exit 3".into(), &3.into()));
    let output = build["output"].as_str().unwrap();
    assert!(output.ends_with("\n399999\n400000\n") && output.lines().count() == 400_001);
    assert_eq!(json(&["0"], 0)["hosts"][0]["state"], "done");
    world.host("web2").kill_sshd();
    let show = json(&["0"], 4);
    assert_eq!(show["hosts"][1]["failure"]["kind"], "unreachable");
    assert_eq!(show["hosts"][1]["steps"], serde_json::json!([]));
    assert!(!show["hosts"][0]["steps"].as_array().unwrap().is_empty());
}

#[test]
fn a_failed_setup_is_shown() {
    let world = World::new(Kind::InProcess, 1);
    world.production("post-setup = 'echo once; exit 9'");
    world.publish("one");
    world.shipit(&["production", "show"]).ends_with(0).says("nothing was deployed yet");
    assert_eq!(world.shipit(&["production", "show", "--output=json"]).ends_with(0).stdout, "null\n");
    world.shipit(&["production", "setup"]).ends_with(1).says("full output: shipit production show\n");
    world
        .shipit(&["production", "show"])
        .ends_with(0)
        .says("setup ")
        .says("web1  failed: post-setup: exit 9")
        .says("exit 9 <==\nonce\n");
}

#[test]
fn what_hooks_print_is_clean_on_a_terminal_and_as_it_is_elsewhere() {
    let world = World::deployed(Kind::InProcess, 1, "build = 'printf \"\\\\033[31mred\\\\033[2J\\\\n\"'");
    world.shipit(&["production", "show"]).ends_with(0).says("\u{1b}[31mred\u{1b}[2J\n");
    let shipit = env!("CARGO_BIN_EXE_shipit");
    let mut script = world.command(&crate::common::require("script"));
    let out = script.args(["-qec", &format!("{shipit} production show"), "/dev/null"]).output().unwrap();
    let shown = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(shown.contains("red\r\n") && !shown.contains("\u{1b}[2J"), "{shown:?}");
    within(Duration::from_secs(30), "it ends", || world.host("web1").processes().is_empty());
}
