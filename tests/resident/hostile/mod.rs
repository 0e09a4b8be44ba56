//! A repository that means harm: drawn by chance from a seed, with tree entries that no git would make, and deployed.
//!
//! However that ends, nothing was written outside of the release, nothing of the repository was executed, and the script
//! ended with success or with a reason.
//!
//! `SHIPIT_ADVERSARY_SECONDS` and `SHIPIT_ADVERSARY_SEED` say for how long, and from where (`tests/run adversary repository`).

mod draw;
mod store;
mod tree;
mod watch;

use std::collections::BTreeMap;

use shipit::remote::script::Script;

use crate::driver::Run;
use crate::ground::Ground;
use crate::{Sh, adversary, on_each_shell};

use draw::{Draw, KINDS};
use watch::Watch;

on_each_shell!(adversary_repository);

fn adversary_repository(sh: Sh) {
    let ground = Ground::deployed(sh);
    let watch = Watch::new(&ground);
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    let mut seeds = adversary::Seeds::new("repository");
    // The shells take turns, so that a short run has all kinds.
    let shell = [Sh::Dash, Sh::Bash, Sh::Busybox].iter().position(|other| *other == sh).unwrap() as u64;
    while let Some(seed) = seeds.next_seed() {
        let draw = Draw::new(&ground, seed.wrapping_mul(3) + shell);
        let kinds: Vec<&str> = draw.kinds.iter().map(|kind| KINDS[*kind].0).collect();
        let what = format!("{sh:?}, seed {seed}: {kinds:?}");
        let ended = deploy(&ground, &draw, &what);
        watch.sees_nothing(&ground, &what);
        for kind in &kinds {
            *counts.entry(format!("kind {kind}")).or_default() += 1;
        }
        *counts.entry(format!("ended {ended}")).or_default() += 1;
    }
    eprintln!("{sh:?}: {counts:#?}");
    // Whatever it met, the host still deploys what means well.
    ground.repo.commit(&[("page", "well")]);
    ground.repo.git(&["push", "-q", "--force", "origin", "HEAD"]);
    ground.deploy();
}

/// Deploys what was drawn, as far as that goes, and ends the run. How it ended: a reason's word, or `live`.
fn deploy(ground: &Ground, draw: &Draw, what: &str) -> String {
    let mut run = Run::start(ground, 30);
    let answer = run.script(&Script::new().lock().live()).good();
    let (release, from) = (ground.new_name(), answer.fact("live").to_owned());
    let more = [
        ("release", release.as_str()),
        ("revision", &draw.revision),
        ("from", &from),
        ("from_revision", answer.fact("live-revision")),
        ("subdir", draw.subdir),
        ("submodules", if draw.submodules { "yes" } else { "" }),
        ("fetch_mode", draw.fetch),
    ];
    run.set(ground, &more);
    let links = ["d:log", "d:var/log/app", "f:config/local.yml"].map(str::to_owned);
    let script = Script::new().begin().store("build", 20, "true").fetch(60).checkout(60);
    let script = script.link(&links).carry(60, &["node_modules".into(), "var/cache".into()]);
    let answer = run.script(&script.intent());
    let mut ended = "live".to_owned();
    match &answer.fail {
        Some((reason, _)) => ended = reason.word().to_owned(),
        None => assert_eq!(answer.code, 0, "{what}: no reason: {answer:?}"),
    }
    if answer.fail.is_none() && draw.stays {
        run.script(&Script::new().switch().finish(2).unlock()).good();
    } else {
        run.script(&Script::new().undo().unlock()).good();
        assert!(!ground.names("releases").contains(&release), "{what}: {release} stays");
    }
    assert!(run.bye().success(), "{what}");
    ended
}
