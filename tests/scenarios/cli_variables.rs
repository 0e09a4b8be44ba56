//! `SHIPIT_<OPTION>` for every option that the help lists: each is read, and a bad value of each is refused by name.

use crate::common::{Kind, World};

/// The variable of an option, a value that cannot be meant, and what is said of it.
const BAD: [(&str, &str, &str); 24] = [
    ("config", "nowhere.toml", "nowhere.toml"),
    ("chdir", "nowhere", "--chdir: "),
    ("hosts", "web9", "matches `web9`"),
    ("apps", "nope", "`production` has no app `nope`"),
    ("concurrency", "0", "expected a number of hosts, at least 1"),
    ("batch", "0", "no host would ever go live"),
    ("no-pause", "maybe", "takes true or false"),
    ("max-unreachable", "all", "expected a number of hosts"),
    ("set", "usr=x", "--> SHIPIT_SET:1:1"),
    ("force", "maybe", "takes true or false"),
    ("redeploy", "maybe", "takes true or false"),
    ("allow-older", "maybe", "takes true or false"),
    ("split", "maybe", "takes true or false"),
    ("keep", "maybe", "takes true or false"),
    ("lock-wait", "soon", "takes a duration"),
    ("yes", "maybe", "takes true or false"),
    ("dry-run", "maybe", "takes true or false"),
    ("scripts", "maybe", "takes true or false"),
    ("keep-failed", "maybe", "takes true or false"),
    ("origin", "maybe", "takes true or false"),
    ("output", "xml", "invalid value 'xml'"),
    ("color", "pink", "invalid value 'pink'"),
    ("quiet", "maybe", "takes true or false"),
    ("verbose", "maybe", "takes true or false"),
];

/// Those that no variable sets: hooks have three of them, one says where a single command runs, the rest is an answer rather than an
/// option.
const NONE: [&str; 6] = ["env", "ref", "roles", "once", "help", "version"];

/// Of no use to a plan, with which this is tried, or of `hold`, `status`, `logs`, `init` or `import` alone.
const ELSEWHERE: [&str; 13] = [
    "events",
    "for",
    "message",
    "check",
    "lines",
    "follow",
    "since",
    "template",
    "user",
    "path",
    "build",
    "supervisor",
    "no-hosts",
];

fn variable(option: &str) -> String {
    format!("SHIPIT_{}", option.to_uppercase().replace('-', "_"))
}

#[test]
fn every_option_of_the_help_has_a_variable_whose_bad_value_is_refused() {
    let world = World::new(Kind::InProcess, 0);
    world.production_on(&["web1"], "");
    let help = world.shipit(&["--help"]).ends_with(0).stdout;
    let listed = help.split_whitespace().filter_map(|word| word.strip_prefix("--"));
    let options: Vec<&str> =
        listed.take_while(|word| *word != "help").map(|word| word.trim_matches([',', ')', ':'])).collect();
    for option in options.iter().filter(|option| !NONE.contains(option) && !ELSEWHERE.contains(option)) {
        let row = BAD.iter().find(|(name, ..)| name == option);
        let (_, value, message) = row.unwrap_or_else(|| panic!("--{option}: no line in this test"));
        world.env(&variable(option), value);
        world.shipit(&["production", "plan"]).ends_with(2).says(message);
        // an empty variable is none
        world.env(&variable(option), "");
    }
    assert!(options.len() >= BAD.len());
    world.shipit(&["production", "setup", "-n"]).ends_with(0);
}

#[test]
fn a_good_value_is_what_was_typed() {
    let world = World::new(Kind::InProcess, 0);
    world.production_on(&["web1", "web2"], "");
    world.env("SHIPIT_HOSTS", "web2");
    let run = world.shipit(&["production", "setup", "-n"]).ends_with(0);
    assert!(run.stdout.contains("\non web2\n"), "{run}");
    world.env("SHIPIT_SET", "ref=v9");
    let run = world.shipit(&["production", "setup", "-n", "--scripts"]).ends_with(0);
    run.says("setup production: v9 of");
    world.env("SHIPIT_ORIGIN", "true");
    let run = world.shipit(&["production", "config", "ref"]).ends_with(0);
    assert_eq!(run.stdout, "ref = \"v9\"  # SHIPIT_SET\n");
    for name in NONE {
        world.env(&variable(name), "x");
    }
    world.shipit(&["production", "config", "ref"]).ends_with(0);
}
