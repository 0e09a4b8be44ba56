//! Plans: pure, whole, and what is really sent.
//!
//! Snapshots hold the text of the dry run; recorded sessions hold that a host receives these scripts, byte for byte,
//! and nothing else.

use std::fs;
use std::net::TcpListener;

use crate::common::{Kind, World};
use crate::plan_sent::{Shown, sent};
use shipit::config::{self, Environment};
use shipit::plan::{self, Action, Options, Plan, Work, show};
use shipit::remote::program::{DIGEST, PROGRAM};

const BASE: &str = "repo = \"git@example.com:acme/shop.git\"\nref = \"main\"\npath = \"/var/www/shop\"\n";

fn environment(lines: &str) -> Environment {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("shipit.toml");
    fs::write(&file, format!("[deploy.production]\n{BASE}{lines}")).unwrap();
    config::load(&file, "production").unwrap_or_else(|error| panic!("{error}"))
}

fn options(environment: &Environment) -> Options {
    let lookup = |name: &str| (name == "TOKEN").then(|| "hunter2 'quoted'\n## second line".to_owned());
    let env = environment.sites.iter().map(|site| environment.evaluate_env(site, &lookup).unwrap()).collect();
    Options {
        env,
        user: "operator".into(),
        who: "operator@desk".into(),
        when: "2026-11-21T08:15:02Z".into(),
        ..Options::default()
    }
}

/// A plan made of these lines of a configuration, with the options it needs.
fn planned(lines: &str, make: impl Fn(Environment, &Options) -> Plan) -> Plan {
    let environment = environment(lines);
    let options = options(&environment);
    make(environment, &options)
}

/// The dry run's text, without the numbers that every change of the program changes.
fn shown(plan: &Plan) -> String {
    let (size, digest) = (PROGRAM.len().to_string(), DIGEST.as_str());
    show(plan, false).replace(digest, "[SHA-256]").replace(&size, "[SIZE]")
}

const ALL_HOOKS: &str = r#"
hosts = ["deploy@web[1:2].example.com:2222", { host = "web3.example.com", path = "~/shop", env = { PORT = 3003 } }]
shared = ["log/", "config/local.json"]
carry = ["node_modules"]
keep-releases = 3
prepend-path = ["~/.local/bin", "/opt/node/bin"]
profile = ["~/.profile"]
shell = "bash"
timeout = { hook = "5m", fetch = "3m", reload = "90s" }
env = { PORT = 3000, API_TOKEN = "${TOKEN}", GREETING = "it's $HOME", DOLLAR = "$${TOKEN}" }
supervisor = { reload = "app reload", start = "app start", stop = "app stop", status = "app status", verify = "app verify {app}" }
pre-deploy-local = "npm test"
pre-deploy = "echo before"
build = ["npm ci", { run = "npm run assets", timeout = "30m" }]
migrate = "npm run migrate"
pre-activate = { run = "npm run warm", once = true }
post-deploy = ["npm run after", { run = "./purge-cdn", local = true }, "npm run later"]
post-deploy-local = "./announce"
on-failure-local = "./alarm"
"#;

#[test]
fn a_deploy_with_all_hooks() {
    insta::assert_snapshot!(shown(&planned(ALL_HOOKS, plan::deploy)));
}

#[test]
fn a_minimal_deploy() {
    insta::assert_snapshot!(shown(&planned("host = \"web1.example.com\"\n", plan::deploy)));
}

#[test]
fn a_revert() {
    insta::assert_snapshot!(shown(&planned(ALL_HOOKS, plan::revert)));
}

#[test]
fn a_sync() {
    insta::assert_snapshot!(shown(&planned(ALL_HOOKS, plan::sync)));
}

#[test]
fn a_restart_and_a_prune() {
    let lines = "hosts = [\"web1\", \"web2\"]\nkeep-releases = 2\n";
    insta::assert_snapshot!("a_restart", shown(&planned(lines, plan::restart)));
    insta::assert_snapshot!("a_prune", shown(&planned(lines, plan::prune)));
}

#[test]
fn a_setup() {
    let lines = "hosts = [\"web1\", \"web2\"]\nshared = [\"log/\", \"tmp/pids/\", \"local.json\"]\n\
                 pre-setup = [\"sudo mkdir -p /var/www\", { run = \"./dns\", local = true }, \"echo here\"]\n\
                 post-setup = { run = \"echo done\", once = true }\n";
    insta::assert_snapshot!(shown(&planned(lines, plan::setup)));
}

#[test]
fn an_exec() {
    let lines = "hosts = [\"web1\", \"web2\"]\n";
    let exec = |words: &'static [&'static str]| {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        shown(&planned(lines, |environment, options| plan::exec(environment, options, &words)))
    };
    insta::assert_snapshot!("an_exec_of_a_script", exec(&["ls *.log | wc -l"]));
    insta::assert_snapshot!("an_exec_of_an_argv", exec(&["echo", "a b", "*", "it's", "$HOME", ""]));
}

/// Phases of the stages in order; `here:` before those on the operator's machine, and who takes part where not all do.
fn outline(plan: &Plan) -> String {
    let stages = plan.stages.iter().map(|stage| {
        let phase = stage.phase.name();
        match &stage.work {
            Work::Local(hooks) => format!("here:{phase}*{}", hooks.len()),
            Work::Health(targets) => format!("health:{phase}@{}", targets.len()),
            Work::Pause(_) => format!("pause:{phase}"),
            Work::Remote(scripts) => {
                let busy = scripts.iter().filter(|script| !script.is_empty()).count();
                if busy == scripts.len() { phase.to_owned() } else { format!("{phase}@{busy}") }
            }
        }
    });
    stages.collect::<Vec<_>>().join(" ")
}

#[test]
fn stages_follow_the_hooks_that_are_set() {
    let table = [
        ("", "prepare activate confirm finish"),
        ("build = \"make\"", "prepare activate confirm finish"),
        ("pre-deploy-local = \"a\"", "here:local*1 prepare activate confirm finish"),
        ("migrate = \"a\"", "prepare ready@1 ready activate confirm finish"),
        ("migrate = \"a\"\npre-activate = \"b\"", "prepare ready@1 ready activate confirm finish"),
        ("pre-activate = \"b\"", "prepare ready activate confirm finish"),
        (
            "build = [\"a\", { run = \"b\", local = true }]",
            "prepare here:prepare*3 prepare activate confirm finish",
        ),
        (
            "build = { run = \"b\", local = true, once = true }",
            "prepare here:prepare*1 prepare activate confirm finish",
        ),
        (
            "post-deploy = [\"a\", { run = \"b\", local = true }]",
            "prepare activate here:activate*3 activate confirm finish",
        ),
        ("post-deploy-local = \"a\"\non-failure-local = \"b\"", "prepare activate confirm finish"),
    ];
    for (lines, wanted) in table {
        let plan = planned(&format!("hosts = [\"web1\", \"web2\", \"web3\"]\n{lines}\n"), plan::deploy);
        assert_eq!(outline(&plan), wanted, "{lines}");
    }
}

#[test]
fn every_kind_of_run_takes_its_own_way() {
    let lines = "hosts = [\"web1\", \"web2\"]\nbuild = \"make\"\nmigrate = \"m\"\npre-deploy-local = \"l\"\n";
    let words = ["true".to_owned()];
    let table = [
        (
            planned(lines, plan::setup),
            Action::Setup,
            "setup_lock\ntell_adoptable\n",
            "prepare finish",
            "undo\n",
        ),
        (
            planned(lines, plan::revert),
            Action::Revert,
            "lock\ntell_live\ntell_damage\ntell_known\ntell_incomplete\ntell_newest\ntell_journal\n",
            "prepare activate health:activate@2 activate confirm finish",
            "abandon\nunlock\n",
        ),
        (planned(lines, |e, o| plan::exec(e, o, &words)), Action::Exec, "exec_text true\n", "", ""),
        (
            planned(lines, plan::look),
            Action::Look,
            "tell_live\ntell_holder\ntell_hold\ntell_journal\n",
            "",
            "",
        ),
        (planned(lines, plan::unlock), Action::Unlock, "end_holder\n", "", ""),
        (
            planned(lines, plan::sync),
            Action::Sync,
            "sync_lock\ntell_live\ntell_damage\ntell_known\ntell_incomplete\ntell_journal\n",
            "prepare prepare prepare ready activate health:activate@2 activate confirm finish finish",
            "undo\n",
        ),
        (
            planned(lines, plan::restart),
            Action::Restart,
            "lock\ntell_live\ntell_damage\n",
            "activate health:activate@2 activate finish",
            "restart_after_stop\nunlock\n",
        ),
        (planned(lines, plan::prune), Action::Prune, "lock\ntell_live\n", "prune", "unlock\n"),
        (
            planned(lines, |e, o| plan::hold(e, o, "2026-11-22T08:00:00Z", "it's a freeze")),
            Action::Hold,
            "tell_hold\n",
            "connect",
            "",
        ),
        (planned(lines, plan::resume), Action::Resume, "resume\n", "", ""),
    ];
    for (plan, action, opening, stages, undo) in table {
        assert_eq!(plan.action, action);
        let openings: Vec<&str> = plan.opening.iter().map(|script| script.as_str()).collect();
        assert_eq!(openings, [opening; 2], "{action:?}");
        assert_eq!(outline(&plan), stages, "{action:?}");
        assert_eq!(plan.recovery.script.as_str(), undo, "{action:?}");
    }
}

#[test]
fn options_of_the_command_line_change_only_their_own_lines() {
    let lines = "host = \"web1\"\n";
    let plain = shown(&planned(lines, plan::deploy));
    let with = |change: fn(&mut Options)| {
        let environment = environment(lines);
        let mut options = options(&environment);
        change(&mut options);
        shown(&plan::deploy(environment, &options))
    };
    assert_eq!(with(|o| o.allow_older = true), plain.replace("refuse_older\n", ""));
    assert_eq!(
        with(|o| o.keep_failed = true),
        plain.replace("begin_release\n", "mark \"$R/keep\"\nbegin_release\n")
    );
    assert_ne!(plain, plain.replace("refuse_older\n", ""));
}

#[test]
fn the_same_input_gives_the_same_plan_and_another_run_the_same_text() {
    let text = shown(&planned(ALL_HOOKS, plan::deploy));
    assert_eq!(text, shown(&planned(ALL_HOOKS, plan::deploy)));
    let environment = environment(ALL_HOOKS);
    let later =
        Options { when: "2027-01-01T00:00:00Z".into(), who: "cron@ci".into(), ..options(&environment) };
    assert_eq!(text, shown(&plan::deploy(environment, &later)));
}

#[test]
fn no_value_of_a_secret_is_shown_whatever_it_holds() {
    use proptest::prelude::*;
    let environment = environment("host = \"web1\"\nenv = { A = \"${X}\", B = \"in the ${X} middle\" }\n");
    proptest!(|(secret in "[^\u{0}•]{8,40}")| {
        // what the plan holds anyway tells nothing
        let lookup = |_: &str| Some(format!("<<{secret}>>"));
        let env = vec![environment.evaluate_env(&environment.sites[0], &lookup).unwrap()];
        let plan = plan::deploy(environment.clone(), &Options { env, ..Options::default() });
        let text = show(&plan, true);
        let marked = format!("<<{secret}");
        prop_assert!(!text.contains(&marked));
        prop_assert!(text.contains("# env A=••••••\n# env B=••••••\n"));
        prop_assert!(!format!("{plan:?}").contains(&marked), "nor to a debugger");
    });
}

// ---- through the command line

#[test]
fn a_dry_run_of_setup_contacts_no_host_and_no_repository() {
    let world = World::new(Kind::InProcess, 0);
    let door = TcpListener::bind("127.0.0.1:0").unwrap();
    door.set_nonblocking(true).unwrap();
    let port = door.local_addr().unwrap().port();
    world.config(&format!(
        "[deploy.production]\nhosts = [\"127.0.0.1:{port}\", \"nobody.example.com\"]\nrepo = \"ssh://git@127.0.0.1:{port}/x\"\n\
         ref = \"main\"\npath = \"app\"\nbuild = \"make\"\n"
    ));
    for args in [
        &["production", "setup", "-n"][..],
        &["production", "setup", "-n", "-v"],
        &["production", "setup", "-n", "--scripts"],
    ] {
        let run = world.shipit(args).ends_with(0);
        assert_eq!(run.stdout.contains("## on each host, once"), args.len() > 3, "{run}");
        assert_eq!(run.stderr, "", "{run}");
        assert!(door.accept().is_err(), "somebody was called by {run}");
    }
    world.env("SHIPIT_DRY_RUN", "1");
    world.shipit(&["production", "setup", "--scripts"]).ends_with(0).says("## on each host, once");
    assert!(door.accept().is_err());
}

#[test]
fn a_dry_run_needs_the_secrets_and_shows_dots() {
    let world = World::new(Kind::InProcess, 1);
    world.production("env = { DATABASE = \"db://app:${DB_PASSWORD}@db.example.com\", PORT = 3000 }\n");
    let run = world.shipit(&["production", "plan"]).ends_with(2).says("DB_PASSWORD").says("shipit.toml:6");
    assert_eq!(run.stdout, "");
    world.env("DB_PASSWORD", "correct horse");
    for args in [
        &["production", "plan", "--scripts"][..],
        &["production", "plan", "-v"],
        &["production", "setup", "-n", "--scripts"],
    ] {
        let run = world.shipit(args).ends_with(0).does_not_say("correct horse").says("# env PORT=3000\n");
        assert!(run.stdout.contains("# env DATABASE=••••••\n"), "{run}");
    }
    // what was stored with the release counts: nothing is evaluated
    let run = world.shipit(&["production", "revert", "-n", "--scripts"]).ends_with(1);
    run.does_not_say("DATABASE").says("nothing is live that could be reverted");
}

#[test]
fn the_plan_is_data_on_stdout_and_is_readable() {
    let world = World::new(Kind::InProcess, 2);
    world.production("build = \"npm ci\"\n");
    let args = ["production", "ref", "v1.2", "--hosts", "web2", "-n"];
    let run = world.shipit(&[&args[..], &["--scripts"]].concat()).ends_with(0);
    assert!(
        run.stdout.starts_with(&format!("# deploy production: v1.2 of {}\n# on web2\n", world.repo.url())),
        "{run}"
    );
    let run = world.shipit(&args).ends_with(0);
    assert!(
        run.stdout.starts_with(&format!("deploy production: v1.2 of {}\non web2\n", world.repo.url())),
        "{run}"
    );
    assert!(!run.stdout.contains("##"), "the screen is for people: {run}");
}

/// Runs a command dry, then in earnest; what each host received must be what was shown for it.
fn sends_what_it_shows(world: &World, args: &[&str], code: i32, phases: &str) {
    sends_each_what_it_shows(world, args, code, |_| phases);
}

/// The same, where hosts do not all take the same part.
fn sends_each_what_it_shows<'a>(world: &World, args: &[&str], code: i32, phases: impl Fn(&str) -> &'a str) {
    let dry = world.shipit(&[args, &["--dry-run", "-v"]].concat()).ends_with(0);
    let shown = Shown::read(&dry.stdout);
    let before: Vec<usize> = world.hosts().iter().map(|host| host.recorded().len()).collect();
    let run = world.shipit(args).ends_with(code);
    for (host, before) in world.hosts().iter().zip(before) {
        assert_eq!(host.recorded().len(), before + 1, "one session: {run}");
        assert_eq!(host.commands().last().unwrap(), &shown.command);
        let sent = sent(&host.recorded()[before]);
        assert!(sent.program.as_ref().is_none_or(|program| *program == shown.program), "another program");
        assert!(!sent.stopped || code != 0, "nothing is stopped that goes well");
        let (titles, scripts) = shown.scripts(host.name(), phases(host.name()));
        assert_eq!(sent.scripts, scripts, "{}: {titles:?}", host.name());
        assert_eq!(sent.enter, shown.enter(host.name()));
        assert_eq!(sent.variables, shown.variables(host.name()));
        assert_eq!(sent.root, shown.root(host.name()));
        let secrets = String::from_utf8_lossy(&host.recorded()[before]).matches("correct horse").count();
        let times = if sent.program.is_some() { 2 } else { 1 };
        let of_env = times * sent.env.matches("correct horse").count();
        assert_eq!(secrets, of_env, "secrets travel apart from scripts");
        for (name, value) in shown.env(host.name()) {
            let value = value.unwrap_or_else(|| "'correct horse'".into());
            assert!(sent.env.contains(&format!("export {name}={value}\n")), "{}", sent.env);
        }
    }
}

#[test]
fn a_host_receives_what_was_shown_byte_for_byte() {
    let world = World::new(Kind::InProcess, 2);
    world.env("TOKEN", "correct horse");
    world.production(
        "shared = [\"log/\"]\nkeep-releases = 2\nprofile = [\"~/.appenv\"]\nprepend-path = [\"~/bin\", \"/opt/it's here\"]\n\
         env = { TOKEN = \"${TOKEN}\", GREETING = \"it's $HOME\" }\n\
         pre-setup = \"echo 'one  two'\"\nbuild = [\"echo \\\"$TOKEN\\\" | wc -c >size\", \"printf '%s' \\\"tab\\there\\\"\"]\n\
         migrate = \"echo migrated\"\npre-activate = \"true\"\npost-deploy = '''\necho one\n\n  echo \"two\"\n'''\n\
         supervisor = { reload = \"echo reload\", verify = \"true\" }\n",
    );
    for host in world.hosts() {
        host.put(".appenv", "");
    }
    let all = "lock local prepare ready activate confirm finish";
    sends_what_it_shows(&world, &["production", "setup"], 0, all);
    sends_what_it_shows(&world, &["production"], 0, all);
    sends_what_it_shows(&world, &["production"], 0, "lock nothing");
    world.repo.publish(&[("app.js", "two\n")]);
    sends_what_it_shows(&world, &["production"], 0, all);
    sends_what_it_shows(&world, &["production", "revert"], 0, all);
    assert_eq!(world.host("web1").read("app/current/size").as_deref(), Some("14\n"), "it really ran");
}

#[test]
fn a_single_host_receives_what_was_shown_in_one_round_trip() {
    let world = World::new(Kind::InProcess, 1);
    world.production(
        "build = \"echo built\"\nmigrate = \"true\"\nsupervisor = { reload = \"test ! -e bad\" }\n",
    );
    sends_what_it_shows(&world, &["production", "setup"], 0, "lock prepare finish");
    sends_what_it_shows(&world, &["production"], 0, "lock deploy");
    sends_what_it_shows(&world, &["production"], 0, "lock nothing");
    world.repo.publish(&[("bad", "")]);
    sends_what_it_shows(&world, &["production"], 5, "lock deploy fails");
    world.production("build = [\"true\", { run = \"echo here\", local = true }]\n");
    sends_what_it_shows(&world, &["production"], 0, "lock prepare deploy");
}

#[test]
fn hosts_that_are_brought_and_those_that_are_not_receive_what_was_shown() {
    let world = World::new(Kind::InProcess, 3);
    world.env("TOKEN", "correct horse");
    let lines = "shared = [\"log/\"]\nenv = { TOKEN = \"${TOKEN}\" }\npre-setup = \"echo setup\"\n\
                 build = \"echo built\"\nmigrate = \"true\"\npre-activate = \"true\"\n\
                 supervisor = { reload = \"test ! -e ~/bad\", verify = \"true\" }\nkeep-releases = 1\n";
    world.production_on(&["web1", "web2"], lines);
    world.publish("one");
    world.shipit(&["production", "setup"]).ends_with(0);
    world.shipit(&["production"]).ends_with(0);
    world.production(lines);
    let steps = "activate/differing confirm/differing finish/differing";
    let brought = |first: &str, host: &str, it: &str| match host == it {
        true => format!("lock {first} ready/differing {steps}"),
        false => "lock finish/rest".to_owned(),
    };
    let lacking = ["web1", "web2", "web3"]
        .map(|host| brought("prepare/bare prepare/lacking ready/lacking", host, "web3"));
    let at = |host: &str| usize::from(host.as_bytes()[3] - b'1');
    sends_each_what_it_shows(&world, &["production", "sync"], 0, |host| lacking[at(host)].as_str());
    world.serve("one");
    sends_what_it_shows(&world, &["production", "sync"], 0, "lock nothing");
    world.deploy("two");
    // back to what it has from before
    let one = world.host("web2").releases()[0].clone();
    let current = world.host("web2").path("app/current");
    fs::remove_file(&current).unwrap();
    std::os::unix::fs::symlink(format!("releases/{one}"), &current).unwrap();
    let having = ["web1", "web2", "web3"].map(|host| brought("prepare/having", host, "web2"));
    sends_each_what_it_shows(&world, &["production", "sync"], 0, |host| having[at(host)].as_str());
    world.serve("two");
    sends_what_it_shows(&world, &["production", "restart"], 0, "lock activate finish");
    sends_what_it_shows(&world, &["production", "prune"], 0, "lock prune");
    world.host("web1").put("bad", "");
    sends_what_it_shows(&world, &["production", "restart"], 6, "lock activate fails");
}

#[test]
fn the_first_host_finds_the_ref_by_what_was_shown() {
    let world = World::new(Kind::InProcess, 2);
    world.production("");
    let url = world.repo.url();
    let toml = fs::read_to_string(world.repo.work().join("shipit.toml")).unwrap();
    world.config(&toml.replace(&url, "git@git.example.com:acme/shop.git"));
    for host in world.hosts() {
        host.put(".gitconfig", &format!("[url \"{url}\"]\n insteadOf = git@git.example.com:acme/shop.git\n"));
    }
    // Of the work tree it tells; from the server nothing.
    let git = "case \" $* \" in *\" --get-url \"*) ;; *\" ls-remote \"* | *\" fetch \"*) echo >&2 no way from here && exit 128 ;; esac\n";
    world.tool("git", &format!("#!/bin/sh\n{git}PATH=${{PATH#*:}} exec git \"$@\"\n"));
    sends_what_it_shows(&world, &["production", "setup"], 0, "lock prepare finish");
    sends_what_it_shows(&world, &["production"], 0, "lock find prepare activate confirm finish");
    sends_what_it_shows(&world, &["production"], 0, "lock find nothing");
}

#[test]
fn a_host_receives_what_was_shown_when_something_fails() {
    let world = World::new(Kind::InProcess, 2);
    world.production("build = \"test ! -e app.js\"\nsupervisor = { reload = \"test ! -e bad\" }\n");
    world.shipit(&["production", "setup"]).ends_with(0);
    world.shipit(&["production"]).ends_with(0);
    world.repo.publish(&[("bad", "")]);
    sends_what_it_shows(&world, &["production"], 5, "lock prepare activate fails");
    world.repo.publish(&[("app.js", "")]);
    sends_what_it_shows(&world, &["production"], 1, "lock prepare fails");
}
