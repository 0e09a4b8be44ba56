//! The login's environment is the user's: what it holds under a name that the program uses reaches what runs for him as it came.

use std::collections::BTreeSet;

use shipit::remote::program;
use shipit::remote::script::Script;
use shipit::remote::wire::Mode;

use crate::driver::Run;
use crate::ground::Ground;
use crate::states::{Deploy, State};
use crate::{Sh, on_each_shell};

on_each_shell!(what_a_login_has_under_our_names_reaches_what_runs_for_it);

/// What a shell has of its own, and what hooks are to find.
const NOT_THEIRS: [&str; 7] = ["ENV", "HOME", "IFS", "PATH", "SHARED", "SHELL", "SHLVL"];

// Every word of the program's that could be a variable's name: what is none does no harm here. Those in two parts begin with
// the name of the function that uses them, and are no login's.
fn names() -> BTreeSet<&'static str> {
    let code = program::all().into_iter().flat_map(str::lines);
    let code = code.filter(|line| !line.trim_start().starts_with('#'));
    let mut names = BTreeSet::new();
    for line in code {
        let words = || line.split(|c: char| !(c.is_ascii_alphanumeric() || "_=-".contains(c)));
        names.extend(words().filter_map(|word| word.split_once('=')).map(|(name, _)| name));
        let mut before = "";
        for word in words() {
            if ["for", "read", "-r"].contains(&before) {
                names.insert(word);
            }
            before = word;
        }
    }
    let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphabetic());
    names.retain(|name| is_name(name) && !NOT_THEIRS.contains(name));
    assert!(names.len() > 60 && names.contains("TOKEN") && names.contains("host"), "{names:?}");
    names
}

fn value(name: &str) -> String {
    format!("{name}, \"it's\" ${name}")
}

fn what_a_login_has_under_our_names_reaches_what_runs_for_it(sh: Sh) {
    let mut ground = Ground::new(sh);
    let names = names();
    let mut way_in = vec!["env".to_owned()];
    way_in.extend(names.iter().map(|name| format!("{name}={}", value(name))));
    ground.behind(way_in, ground.root().to_owned());
    let reached = |how: &str| {
        let found = ground.wrote(&format!("env.{how}"));
        ground.forget(&format!("env.{how}"));
        let lost = names.iter().filter(|name| {
            let line = format!("{name}={}", value(name));
            !found.lines().any(|found| found == line)
        });
        assert_eq!(lost.collect::<Vec<_>>(), Vec::<&&str>::new(), "{how}: {found}");
        assert!(!found.contains(crate::driver::NONCE), "{how}: {found}");
    };
    ground.deploy();
    reached("deploy");
    ground.repo.publish(&[("page", "new")]);
    let deploy = Deploy::reach(&ground, 2, State::Active);
    deploy.run.cut();
    deploy.is_resolved(State::Active, "the line ended");
    reached("rollback");
    let mut run = Run::start_as(&ground, Mode::Free, 30);
    run.script(&Script::new().exec_text(r#"env >"$OUT/env.exec""#)).good();
    assert!(run.bye().success());
    reached("exec");
}
