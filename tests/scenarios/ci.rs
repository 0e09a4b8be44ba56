//! What CI systems read out of a log: folds, marks on failures, the step's summary. And that no host can say any of it.

use std::fs;

use crate::common::{Kind, Run, World};

/// What a hostile host prints: GitHub's commands in both spellings, a GitLab fold, and what ends a line.
const EVIL: &str = r#"printf '::add-mask::1\n  ::error::x\r::warning::y\n##[add-mask]2\nsee ##[error]z\n\033[0Ksection_start:1:x\r\033[0Kfold\n::stop-commands::t\n'"#;

fn in_github(world: &World) -> std::path::PathBuf {
    let summary = world.root().join("summary.md");
    fs::write(&summary, "of the step before\n").unwrap();
    world.env("CI", "true");
    world.env("GITHUB_ACTIONS", "true");
    world.env("GITHUB_STEP_SUMMARY", summary.to_str().unwrap());
    summary
}

/// What GitHub's runner does with a log: the commands in it, by name. Between `stop-commands` and its word there are none.
fn commands(run: &Run) -> Vec<String> {
    let mut deaf: Option<String> = None;
    let mut found = Vec::new();
    for line in run.stderr.split(['\n', '\r']) {
        let text = line.trim_start();
        let name = text.strip_prefix("::").and_then(|rest| rest.split_once("::")).map(|(command, _)| command);
        let name = name.map(|command| command.split(' ').next().unwrap().to_owned());
        match (&deaf, &name) {
            (Some(word), Some(name)) if word == name => deaf = None,
            (Some(_), _) => {}
            (None, Some(name)) if name == "stop-commands" => {
                deaf = Some(text["::stop-commands::".len()..].to_owned())
            }
            (None, Some(name)) => found.push(name.clone()),
            (None, None) if line.contains("##[") => found.push(line.to_owned()),
            (None, None) => {}
        }
    }
    assert!(deaf.is_none(), "commands are heard again at the end: {run}");
    found
}

#[test]
fn github_folds_phases_and_shows_a_summary() {
    let world = World::deployed(Kind::InProcess, 2, &format!("build = {EVIL:?}"));
    let before = world.repo.head();
    let summary = in_github(&world);
    let after = world.publish("two");
    let run = world.shipit(&["production"]).ends_with(0);
    let found = commands(&run);
    assert!(found.iter().all(|name| matches!(name.as_str(), "group" | "endgroup")), "{found:?}: {run}");
    let lines: Vec<&str> = run.stderr.lines().collect();
    let empty = |pair: &&[&str]| pair[0].starts_with("::group::") && pair[1] == "::endgroup::";
    assert_eq!(lines.windows(2).filter(empty).count(), 0, "{run}");
    assert!(
        found.len() >= 2 && found.chunks(2).all(|pair| pair == ["group", "endgroup"]),
        "{found:?}: {run}"
    );
    assert!(run.stderr.contains("\n::group::prepare\n") && !run.stderr.contains("[prepare]\n"), "{run}");

    let page = fs::read_to_string(&summary).unwrap();
    let (from, to) = (&before[..7], &after[..7]);
    assert!(page.starts_with("of the step before\n### shipit: deploy production\n"), "{page}");
    assert!(page.contains(&format!("deployed {to} to 2 hosts in ")), "{page}");
    assert!(page.contains(&format!("| web1 | {from} | {to} | ")) && page.contains("| done |"), "{page}");
    assert!(page.contains(&format!("{to} two")) || page.contains(to), "{page}");
}

#[test]
fn github_marks_what_failed_and_hosts_cannot() {
    let world = World::deployed(Kind::InProcess, 2, "");
    let summary = in_github(&world);
    world.production(&format!("build = {:?}", format!("{EVIL}; printf '50%% of a,b <b>|`x`'; exit 3")));
    world.publish("two");
    let run = world.shipit(&["production"]).ends_with(1);
    let found = commands(&run);
    assert_eq!(found.iter().filter(|name| *name == "error").count(), 1, "{found:?}: {run}");
    assert!(
        found.iter().all(|name| matches!(name.as_str(), "group" | "endgroup" | "error")),
        "{found:?}: {run}"
    );
    let mark = run.stderr.lines().find(|line| line.starts_with("::error ")).unwrap();
    assert!(mark.starts_with("::error title=build failed on web") && mark.contains("%3A exit 3::"), "{mark}");
    assert!(mark.contains("50%25 of a,b") && !mark.contains("| "), "{mark}");
    let page = fs::read_to_string(&summary).unwrap();
    assert!(page.contains("50% of a,b &lt;b&gt;|`x`") && !page.contains("<b>"), "{page}");
    assert!(page.contains("nothing live was changed"), "{page}");
}

#[test]
fn github_hears_nothing_of_what_exec_prints() {
    let world = World::deployed(Kind::InProcess, 2, "");
    let plain = world.shipit(&["production", "exec", EVIL]).ends_with(0);
    in_github(&world);
    let run = world.shipit(&["production", "exec", &format!("{EVIL}; {EVIL} >&2")]).ends_with(0);
    assert_eq!(commands(&run), [""; 0], "{run}");
    assert!(run.stderr.starts_with("::stop-commands::"), "{run}");
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&run.stdout), sorted(&plain.stdout), "data stays as it is");
    let json = world.shipit(&["production", "--output=json", "exec", EVIL]).ends_with(0);
    assert!(!json.stdout.contains("##["), "{json}");
    assert!(
        json.stdout.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()),
        "{json}"
    );
}

#[test]
fn github_hears_nothing_of_what_earlier_runs_and_apps_printed() {
    let world = World::deployed(Kind::InProcess, 2, &format!("build = {EVIL:?}\nlogs = [\"app/log\"]"));
    world.hosts().iter().for_each(|host| host.put("app/app/log", "::error::evil\n"));
    in_github(&world);
    for args in [
        &["production", "show"][..],
        &["production", "show", "--output=json"],
        &["production", "logs"],
        &["production", "plan", "--redeploy", "--scripts"],
    ] {
        let run = world.shipit(args).ends_with(0);
        assert_eq!(commands(&run), [""; 0], "{run}");
        assert!(run.stdout.contains("::error::") && run.stderr.contains("::stop-commands::"), "{run}");
    }
}

#[test]
fn github_marks_a_mistake_in_the_file() {
    let world = World::new(Kind::InProcess, 1);
    in_github(&world);
    world.production("hots = \"::error::a\"");
    let run = world.shipit(&["production"]).ends_with(2);
    assert_eq!(commands(&run), ["error"], "{run}");
    assert!(
        run.stderr.contains("\n::error title=shipit::unknown key `hots` in `deploy.production`%0A"),
        "{run}"
    );
}

#[test]
fn a_summary_that_cannot_be_written_breaks_nothing() {
    let world = World::deployed(Kind::InProcess, 1, "");
    in_github(&world);
    world.env("GITHUB_STEP_SUMMARY", "/dev/full");
    world.publish("two");
    world
        .shipit(&["production"])
        .ends_with(0)
        .says("warning: cannot write the step summary: no space left on device");
    world.serve("two");
}

#[test]
fn gitlab_folds_phases() {
    let world = World::deployed(Kind::InProcess, 2, &format!("build = {EVIL:?}"));
    world.env("CI", "true");
    world.env("GITLAB_CI", "true");
    world.publish("two");
    let run = world.shipit(&["production"]).ends_with(0);
    let names = |mark: &str| -> Vec<String> {
        let found = run
            .stderr
            .split(mark)
            .skip(1)
            .map(|rest| rest.split_once(':').unwrap().1.split('\r').next().unwrap());
        found.map(str::to_owned).collect()
    };
    let (opened, closed) = (names("\x1b[0Ksection_start:"), names("\x1b[0Ksection_end:"));
    assert_eq!(opened, closed, "{run}");
    assert!(opened.iter().any(|name| name.starts_with("shipit_prepare_")), "{opened:?}");
    assert!(run.stderr.contains("\r\x1b[0K[prepare]\n"), "{run}");
}

#[test]
fn elsewhere_a_log_is_only_text() {
    let world = World::deployed(Kind::InProcess, 2, "build = 'echo ::error::x'");
    world.env("CI", "true");
    world.env("TERM", "xterm-256color");
    world.publish("two");
    let run = world.shipit(&["production"]).ends_with(0).says("[prepare]").says("| ::error::x");
    assert!(!run.stderr.contains('\x1b') && !run.stderr.contains("::group"), "{run}");
    // Colours where somebody insists, and not even then where somebody wants none.
    world.publish("three");
    world.env("FORCE_COLOR", "1");
    let run = world.shipit(&["production"]).ends_with(0);
    assert!(run.stderr.contains("\x1b["), "{run}");
    world.env("NO_COLOR", "1");
    let run = world.shipit(&["production", "--redeploy"]).ends_with(0);
    assert!(!run.stderr.contains('\x1b'), "{run}");
}
