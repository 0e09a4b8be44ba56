//! What chooses of a fleet, and how a deploy goes over it: apps, roles, batches.

use super::*;
use crate::config::{BatchSize, Share};

fn of_apps(references: &[(&str, &str)]) -> Command {
    let one = |(app, reference): &(&str, &str)| AppReference {
        app: Some((*app).into()),
        reference: (*reference).into(),
    };
    Command::Deploy { references: references.iter().map(one).collect() }
}

#[test]
fn a_ref_can_be_of_an_app() {
    let table = [
        ("production ref api=v2", of_apps(&[("api", "v2")])),
        ("production --ref web=v2 --ref api=v1", of_apps(&[("web", "v2"), ("api", "v1")])),
        ("production plan --ref api=HEAD", of_apps(&[("api", "HEAD")])),
        ("production ref api=a=b", of_apps(&[("api", "a=b")])),
    ];
    for (line, expected) in table {
        assert_eq!(parsed(&words(line)).unwrap().command, expected, "{line}");
    }
}

#[test]
fn hosts_and_apps_are_chosen_by_every_command_that_has_them() {
    for command in
        ["", "ref v1", "setup", "plan", "revert", "sync", "restart", "status", "list", "exec id", "check"]
    {
        let line =
            format!("production --roles web,db --roles=jobs --apps api --apps=web --concurrency 3 {command}");
        let invocation = parsed(&words(&line)).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!(invocation.roles, ["web", "db", "jobs"], "{line}");
        assert_eq!(invocation.apps, ["api", "web"], "{line}");
        assert_eq!(invocation.concurrency, Some(3), "{line}");
    }
    let table = [
        ("production config --roles web", "config does not take --roles"),
        ("production config --apps web", "config does not take --apps"),
        ("envs --apps web", "envs does not take --apps"),
        ("production --concurrency 0", "expected a number of hosts, at least 1"),
        ("production --concurrency all", "expected a number of hosts, at least 1"),
        ("production --roles", "a value is required"),
    ];
    table.into_iter().for_each(refused);
}

#[test]
fn batches_are_of_what_goes_live_and_the_rest_of_deploys() {
    let line = "production --batch 25% --no-pause --max-unreachable 2";
    for command in ["", "ref v1", "plan"] {
        let invocation = parsed(&words(&format!("{line} {command}"))).unwrap();
        assert_eq!(invocation.batch, Some(BatchSize::Part(Share::Percent(25))), "{command}");
        assert_eq!((invocation.no_pause, invocation.max_unreachable), (true, Some(Share::Count(2))));
    }
    for command in ["revert", "sync", "restart"] {
        let invocation = parsed(&words(&format!("production --batch all {command}"))).unwrap();
        assert_eq!(invocation.batch, Some(BatchSize::All), "{command}");
    }
    for command in ["setup", "prune", "status", "list", "check", "unlock", "hold"] {
        let error = parsed(&words(&format!("production --batch 2 {command}"))).unwrap_err();
        assert!(error.text.contains(&format!("{command} does not take --batch")), "{}", error.text);
    }
    let table = [
        ("production revert --no-pause", "revert does not take --no-pause"),
        ("production restart --max-unreachable 1", "restart does not take --max-unreachable"),
        ("production --batch 0", "no host would ever go live"),
        ("production --batch 0%", "no host would ever go live"),
        ("production --batch 101%", "expected a number of hosts or a percentage such as 25%, or all"),
        ("production --batch half", "expected a number of hosts"),
        ("production --max-unreachable all", "expected a number of hosts or a percentage such as 25%"),
        ("production --max-unreachable=-1", "expected a number of hosts"),
    ];
    table.into_iter().for_each(refused);
}
