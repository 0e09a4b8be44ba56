//! Plans of several apps and of hosts in batches: which stages, in what order, on whom; and how the dry run reads.

use std::fs;

use shipit::config::{self, Choice, Environment};
use shipit::plan::{self, Options, Plan, Work, show};
use shipit::remote::program::{DIGEST, PROGRAM};
use shipit::report::plan_screen;

const APP: &str =
    "[defaults]\nref = \"main\"\nrepo = \"git@git.example.com:acme/shop.git\"\npath = \"/srv/{app}\"\n";

fn environment(text: &str) -> Environment {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("shipit.toml");
    fs::write(&file, text).unwrap();
    config::load(&file, "production").unwrap_or_else(|error| panic!("{text}\n{error}"))
}

fn planned(environment: Environment, make: impl Fn(Environment, &Options) -> Plan) -> Plan {
    let env =
        environment.sites.iter().map(|site| environment.evaluate_env(site, &|_| None).unwrap()).collect();
    let options = Options { env, user: "operator".into(), ..Options::default() };
    make(environment, &options)
}

/// One app on so many hosts.
fn one_app(hosts: usize, lines: &str) -> Environment {
    let base = "repo = \"r:shop\"\nref = \"main\"\npath = \"/srv/shop\"\n";
    environment(&format!("[deploy.production]\n{base}hosts = [\"web[1:{hosts}]\"]\n{lines}\n"))
}

/// Without the number that every change of the program changes.
fn shown(plan: &Plan) -> String {
    let (size, digest) = (PROGRAM.len().to_string(), DIGEST.as_str());
    show(plan, false).replace(digest, "[SHA-256]").replace(&size, "[SIZE]")
}

/// Each stage: its phase, and how many take part where not all do.
fn outline(plan: &Plan) -> String {
    let all = plan.targets.len();
    let stages = plan.stages.iter().map(|stage| {
        let (what, count) = match &stage.work {
            Work::Local(hooks) => ("here:", hooks.len()),
            Work::Health(targets) => ("health:", targets.len()),
            Work::Pause(_) => return "pause".to_owned(),
            Work::Remote(scripts) => ("", scripts.iter().filter(|script| !script.is_empty()).count()),
        };
        let phase = stage.phase.name();
        if count == all { format!("{what}{phase}") } else { format!("{what}{phase}@{count}") }
    });
    stages.collect::<Vec<_>>().join(" ")
}

/// Who takes part in the stages of a phase: names, stage by stage.
fn who(plan: &Plan, phase: &str) -> Vec<String> {
    let names = |at: &mut dyn Iterator<Item = usize>| {
        at.map(|at| plan.targets[at].name.as_str()).collect::<Vec<_>>().join(" ")
    };
    let stages = plan.stages.iter().filter(|stage| stage.phase.name() == phase);
    stages
        .filter_map(|stage| match &stage.work {
            Work::Remote(scripts) => {
                let busy = |at: &usize| !scripts[*at].is_empty();
                Some(names(&mut (0..scripts.len()).filter(busy)))
            }
            Work::Health(targets) => Some(format!("health of {}", names(&mut targets.iter().copied()))),
            _ => None,
        })
        .collect()
}

#[test]
fn a_batch_waits_for_the_one_before() {
    let table = [
        (4, "rollout.batch = 2", "prepare activate@2 activate@2 confirm finish"),
        (5, "rollout.batch = \"40%\"", "prepare activate@2 activate@2 activate@1 confirm finish"),
        (4, "rollout = { batch = \"all\", canary = 1 }", "prepare activate@1 activate@3 confirm finish"),
        (
            4,
            "rollout = { batch = 2, canary = 1, pause = \"30s\" }",
            "prepare activate@1 pause activate@2 pause activate@1 confirm finish",
        ),
        (4, "rollout = { pause = \"ask\" }", "prepare activate confirm finish"),
        (2, "rollout = { batch = 1, pause = 0 }", "prepare activate@1 activate@1 confirm finish"),
        // who is taken out is taken out by quarters
        (8, "drain = \"out\"", "prepare activate@2 activate@2 activate@2 activate@2 confirm finish"),
        (8, "undrain = \"in\"", "prepare activate confirm finish"),
        (4, "drain = \"out\"\nrollout.batch = \"all\"", "prepare activate confirm finish"),
        // asked from here: a stage of its own, and then taken in
        (2, "health = { tcp = 3000 }", "prepare activate health:activate activate confirm finish"),
        (2, "health = { command = \"x\" }", "prepare activate confirm finish"),
        (
            4,
            "health = { tcp = 3000 }\nrollout = { batch = 2, pause = 1 }",
            "prepare activate@2 health:activate@2 activate@2 pause activate@2 health:activate@2 activate@2 confirm finish",
        ),
        (
            4,
            "post-deploy = { run = \"x\", local = true }\nrollout.batch = 2",
            "prepare activate@2 here:activate@2 activate@2 activate@2 here:activate@2 activate@2 confirm finish",
        ),
        (1, "rollout = { batch = 1, canary = 1, pause = \"ask\" }", "deploy"),
    ];
    for (hosts, lines, wanted) in table {
        assert_eq!(outline(&planned(one_app(hosts, lines), plan::deploy)), wanted, "{lines}");
    }
}

#[test]
fn a_way_back_and_a_restart_take_batches_but_no_pause() {
    let fleet = || one_app(4, "rollout = { batch = 2, pause = \"ask\" }\ndrain = \"out\"\nundrain = \"in\"");
    let revert = outline(&planned(fleet(), plan::revert));
    assert!(
        revert.starts_with("prepare activate@2 health:activate@2 activate@2 activate@2 health"),
        "{revert}"
    );
    let restart = outline(&planned(fleet(), plan::restart));
    assert!(restart.starts_with("activate@2 ") && !restart.contains("pause"), "{restart}");
}

const TWO_APPS: &str = "\n[apps.web]\nafter = \"api\"\nroles = [\"web\"]\nbuild = \"make web\"\nhealth = { http = \"http://127.0.0.1:80/\" }\n\
                        [apps.api]\nroles = [\"api\"]\nbuild = [\"make api\", { run = \"make docs\", roles = [\"docs\"] }]\n\
                        migrate = \"migrate\"\npost-deploy = { run = \"warm\", roles = [\"docs\"], once = true }\n\
                        [deploy.production]\nhosts = [{ host = \"front[1:2]\", roles = [\"web\"] },\n\
                        { host = \"back1\", roles = [\"api\"] }, { host = \"back2\", roles = [\"api\", \"docs\", \"migrate\", \"web\"] }]\n";

fn two_apps(lines: &str) -> Environment {
    environment(&format!("{APP}{TWO_APPS}{lines}\n"))
}

#[test]
fn apps_go_live_one_after_the_other_when_all_are_ready() {
    let plan = planned(two_apps(""), plan::deploy);
    let names: Vec<&str> = plan.targets.iter().map(|target| target.name.as_str()).collect();
    assert_eq!(names, ["front1/web", "front2/web", "back1/api", "back2/api", "back2/web"]);
    assert_eq!(
        outline(&plan),
        "prepare ready@1 ready activate@2 activate@3 health:activate@3 activate@3 confirm finish"
    );
    // on the host with the role, not on the first
    assert_eq!(who(&plan, "ready")[0], "back2/api");
    assert_eq!(
        who(&plan, "activate"),
        [
            "back1/api back2/api",
            "front1/web front2/web back2/web",
            "health of front1/web front2/web back2/web",
            "front1/web front2/web back2/web"
        ]
    );
    assert_eq!(plan.needed, [3, 3], "where `migrate` and `once` are");
    let plan = planned(two_apps("rollout.batch = 1"), plan::deploy);
    assert_eq!(who(&plan, "activate")[..2], ["back1/api", "back2/api"]);
    assert_eq!(who(&plan, "activate").len(), 2 + 3 * 3);
}

#[test]
fn migrate_is_on_the_first_of_what_was_chosen_where_none_has_the_role() {
    let chosen = |hosts: &str| {
        let hosts = [hosts.to_owned()];
        config::select(two_apps(""), Choice { hosts: &hosts, ..Choice::default() }).unwrap()
    };
    assert_eq!(who(&planned(chosen("back*"), plan::deploy), "ready")[0], "back2/api");
    assert_eq!(who(&planned(chosen("back1,front1"), plan::deploy), "ready")[0], "back1/api");
    assert_eq!(who(&planned(chosen("front*"), plan::deploy), "ready"), [""; 0], "no app there has one");
}

#[test]
fn hooks_with_roles_are_kept_on_those_hosts_alone() {
    let plan = planned(two_apps(""), plan::deploy);
    let kept = |text: &str| {
        let scripts = plan.stages.iter().filter_map(|stage| match &stage.work {
            Work::Remote(scripts) => Some(scripts),
            _ => None,
        });
        let with = scripts.flat_map(|scripts| {
            scripts.iter().enumerate().filter(|(_, script)| script.as_str().contains(text))
        });
        with.map(|(at, _)| plan.targets[at].name.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(kept("make api"), ["back1/api", "back2/api"]);
    assert_eq!(kept("make docs"), ["back2/api"]);
    assert_eq!(kept(" warm\n"), ["back2/api"]);
    assert_eq!(kept("make web"), ["front1/web", "front2/web", "back2/web"]);
}

#[test]
fn a_deploy_of_two_apps() {
    insta::assert_snapshot!(shown(&planned(two_apps(""), plan::deploy)));
}

#[test]
fn a_deploy_in_batches() {
    let lines = "drain = 'lb out \"$SHIPIT_HOST\"'\nundrain = 'lb in \"$SHIPIT_HOST\"'\nrollout = { batch = 1, canary = 1, pause = \"30s\" }\n\
                 health = { http = \"http://127.0.0.1:3000/healthz\", release = true }\n\
                 supervisor = { reload = \"systemctl restart shop\" }\n";
    insta::assert_snapshot!(shown(&planned(one_app(2, lines), plan::deploy)));
}

#[test]
fn what_hosts_ask_for_is_part_of_the_plan() {
    let lines = "drain = [{ run = 'lb out', local = true, timeout = '1m' }, { run = 'sleep 9', local = true, roles = ['a'], timeout = '2m' }]\n\
                 undrain = { run = 'lb in', local = true }\n";
    let fleet = environment(&format!(
        "[deploy.production]\nrepo = \"r:shop\"\nref = \"main\"\npath = \"/srv/shop\"\n\
         hosts = [{{ host = \"web1\", roles = [\"a\"] }}, \"web2\"]\n{lines}"
    ));
    let plan = planned(fleet.clone(), plan::deploy);
    let asked: Vec<_> =
        plan.local_steps.iter().map(|hook| (hook.step.name(), hook.target, hook.text.as_str())).collect();
    let expected = [
        ("drain", Some(0), "lb out"),
        ("drain", Some(1), "lb out"),
        ("drain", Some(0), "sleep 9"),
        ("undrain", Some(0), "lb in"),
        ("undrain", Some(1), "lb in"),
    ];
    assert_eq!(asked, expected);
    let text = shown(&plan);
    assert!(text.contains("## when a host asks for it, here for web1: drain\nlb out\n"), "{text}");
    assert!(text.contains("store_local_step drain\n") && !text.contains("store_step drain"), "{text}");
    assert_eq!(
        outline(&plan).matches("here:").count(),
        0,
        "they come when a host says so: {}",
        outline(&plan)
    );
    assert!(planned(fleet, plan::setup).local_steps.is_empty());
}

#[test]
fn a_plan_for_people_fits_a_screen() {
    let lines = "build = \"b\"\nmigrate = \"m\"\npost-deploy = \"p\"\ndrain = \"d\"\nundrain = \"u\"\npre-deploy-local = \"l\"\n\
                 supervisor = { reload = \"r\", verify = \"v\" }\nhealth = { http = \"http://127.0.0.1:3000/\" }\n\
                 rollout = { canary = 1, batch = 2, pause = \"30s\" }";
    let fleet = planned(one_app(5, lines), plan::deploy);
    let news = ["1 commit goes out (1a2b3c4..5d6e7f8):".to_owned(), "  5d6e7f8 Second page".to_owned()];
    let screens = [
        plan_screen::render(&fleet, None, &news, "shipit production … --scripts"),
        plan_screen::render(&planned(two_apps(""), plan::deploy), None, &[], "shipit production … --scripts"),
        plan_screen::render(
            &planned(one_app(5, lines), plan::revert),
            None,
            &[],
            "shipit production … --scripts",
        ),
        plan_screen::render(&planned(one_app(2, ""), plan::sync), None, &[], "shipit production … --scripts"),
        plan_screen::render(
            &planned(one_app(2, ""), plan::restart),
            None,
            &[],
            "shipit production … --scripts",
        ),
        plan_screen::render(
            &planned(one_app(2, ""), plan::prune),
            None,
            &[],
            "shipit production … --scripts",
        ),
        plan_screen::render(
            &planned(one_app(2, ""), plan::setup),
            None,
            &[],
            "shipit production … --scripts",
        ),
    ];
    assert!(screens[0].lines().count() <= 24, "{}", screens[0]);
    assert!(screens[0].lines().all(|line| line.chars().count() <= 80), "{}", screens[0]);
    insta::assert_snapshot!(screens.join("----\n"));
}
