//! Hostile names, by a seed: every script meets names of files that are code, arithmetic, options, lines of `ls`, or the
//! deploy path itself. A program `canary` tells whether any of it was run.
//!
//! `SHIPIT_ADVERSARY_SECONDS` and `SHIPIT_ADVERSARY_SEED` say for how long, and from where (`tests/run adversary names`).

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Instant;

use shipit::remote::script::{Direction, Script};
use shipit::remote::wire::Mode;

use crate::driver::Run;
use crate::ground::Ground;
use crate::states::{Deploy, State};
use crate::{Sh, adversary, on_each_shell, process};

on_each_shell!(adversary_names);

/// What names are made of.
const PARTS: [&str; 22] = [
    "a[$(canary)]",
    "x[`canary`0]",
    "$(canary)",
    "`canary`",
    ";canary;",
    "\n1 1 1 1 1 a[$(canary)] Nov 30 09:00 y\n",
    "x\n7 -rw-r--r-- 1 0 0 a[$(canary)] Nov 30 09:00 tail.1",
    "\ncanary\n",
    "\t",
    " ",
    "-rf",
    "*",
    "?[!a]",
    "%s%n%d",
    "\\0101\\c",
    "'",
    "\"",
    "\u{1b}]0;t\u{7}",
    "\u{202e}\u{9b}31m",
    "${S}",
    "x=$((a[$(canary)]))",
    "é&|<>#!~",
];
/// Digits that are no number of ours.
const NUMBERS: [&str; 5] =
    ["00099", "0777", "08", "99999999999999999999", "99999999999999999999999999999999"];

struct Names(adversary::Random);

impl Names {
    fn any(&mut self) -> String {
        let count = 1 + self.0.below(3);
        let name: String = (0..count).map(|_| *self.0.pick(&PARTS)).collect();
        // NAME_MAX is 255; some of these names get a lot in front.
        name.chars().take(100).collect()
    }

    fn number(&mut self) -> String {
        (*self.0.pick(&NUMBERS)).to_owned()
    }

    /// What a deploy path may hold: no control characters.
    fn path(&mut self) -> String {
        let name = self.any();
        let name: String = name.chars().filter(|c| !c.is_control()).collect();
        format!("app{name}")
    }
}

fn write(path: PathBuf, text: &str) {
    let _ = fs::write(path, text);
}

// Names in all directories that scripts look into.
fn plant(ground: &Ground, names: &mut Names, live: &str, boot: &str) {
    let root = ground.root();
    let own = root.join(".shipit");
    let _ = fs::create_dir(root.join("log"));
    for _ in 0..3 {
        write(root.join("log").join(names.any()), "a line\n");
        write(root.join("log").join(format!("{}.log", names.any())), "a line\n");
        for name in [
            format!("0{}", names.any()),
            format!("999999{}.r.done", names.any()),
            format!("7.{}.done", names.any()),
            format!("{}.r.done", names.number()),
            names.any(),
        ] {
            write(own.join("journal").join(name), "release\ta[$(canary)]\nrun\t$(canary)\n");
        }
        let record = own.join("releases").join(format!("0{}", names.any()));
        let _ = fs::create_dir_all(record.join("steps"));
        write(record.join("health"), "command a[$(canary)] a[$(canary)] a[$(canary)] $(canary)\n");
        write(record.join("meta"), "revision\ta[$(canary)]\n");
        write(own.join("logs").join(format!("0{}.steps", names.any())), "action\ta[$(canary)]\nno tab\n");
        write(own.join("logs").join(format!("0{}.log", names.any())), "text\n");
        write(own.join(format!("hold.{}", names.any())), "");
        let _ = fs::create_dir_all(root.join("releases").join(format!("0{}", names.any())));
        write(root.join("shared").join(names.any()), "");
        write(root.join("source").join(format!("{}.lock", names.any())), "");
        plant_run(&own.join(format!("run.{}", names.any())), names, boot);
        let steps = own.join("releases").join(live).join("steps");
        for step in ["reload", "status", "health", "drain", "undrain", "verify", "post-deploy"] {
            write(steps.join(format!("{step}.11.{}", names.any())), "canary\n");
            write(steps.join(format!("{step}.{}", names.any())), "canary\n");
        }
    }
    let _ = fs::create_dir_all(root.join("releases").join("a[$(ls)]T;ls;lsZ-a[$(ls)"));
    write(own.join("releases").join(live).join("health"), "command a[$(canary)] 1 a[$(canary)] x\n");
}

// Never a process id that exists: the test would end what it names, if a script believed it.
fn plant_run(dir: &Path, names: &mut Names, boot: &str) {
    let _ = fs::create_dir_all(dir);
    let _ = fs::create_dir_all(dir.join(format!("owner.a[$(canary)].1.{boot}")));
    let _ = fs::create_dir_all(dir.join(format!("owner.a[$(canary)].{}.x", names.any())));
    let _ = symlink(format!("owner.a[$(canary)].a[$(canary)].{boot}"), dir.join("heir.1"));
    for name in [
        "job.a[$(canary)].1.a[$(canary)]".to_owned(),
        format!("job.a[$(canary)].1.{}", names.any()),
        format!("job.{}", names.any()),
        format!("job.99999999.1.{}", names.any()),
        format!("job.99999999.a[$(canary)].{}", names.number()),
        format!("entry.{}", names.any()),
        format!("word.build.1.{}", names.any()),
        format!("made.{}", names.any()),
        format!("traffic.{}", names.any()),
        format!("file.{}", names.any()),
    ] {
        write(dir.join(name), "");
    }
}

fn adversary_names(sh: Sh) {
    let mut seeds = adversary::Seeds::new("names");
    while let Some(seed) = seeds.next_seed() {
        let since = Instant::now();
        round(sh, seed);
        eprintln!("seed {seed}: {:?}", since.elapsed());
    }
}

// Whatever the answer is.
fn tell(run: &mut Run, script: &Script) {
    let number = run.tell(script);
    run.wait(number);
}

fn round(sh: Sh, seed: u64) {
    let mut names = Names(adversary::Random::new(seed));
    let deploy_path = names.path();
    let mut ground = Ground::at(sh, |base| base.join(&deploy_path));
    let told = ground.base().join("canary-told");
    let bin = ground.base().join("canary-bin");
    fs::create_dir(&bin).unwrap();
    fs::write(bin.join("canary"), format!("#!/bin/sh\necho run >>'{}'\necho 0\n", told.display())).unwrap();
    fs::set_permissions(bin.join("canary"), fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("PATH={}:{}", bin.display(), std::env::var("PATH").unwrap());
    ground.behind(vec!["env".into(), path], ground.root().to_owned());
    let silent =
        |what: &str| assert!(!told.exists(), "{sh:?}, seed {seed}, {deploy_path:?}: {what} ran a name");
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    ground.set_up();
    let live = ground.deploy();
    silent("a first deploy");
    plant(&ground, &mut names, &live, boot.trim());

    let mut run = Run::start_as(&ground, Mode::Free, 30);
    tell(
        &mut run,
        &Script::new().live().newest().holder().journal().held().serving().attempts().known().set_up(),
    );
    silent("status");
    tell(&mut run, &Script::new().check_begin().check_git().check_tools(&["canary".into()]).check_session());
    silent("check");
    tell(&mut run, &Script::new().console());
    tell(&mut run, &Script::new().exec_argv(&["true".into()]));
    silent("exec");
    let patterns = ["log/*".to_owned()];
    tell(&mut run, &Script::new().tails(Some(10), &patterns));
    for entry in fs::read_dir(ground.root().join("log")).unwrap().flatten() {
        let aside = entry.path().with_file_name(names.any());
        let _ = fs::rename(entry.path(), aside);
        write(entry.path(), "another line\n");
    }
    tell(&mut run, &Script::new().tails(Some(10), &patterns));
    tell(&mut run, &Script::new().tails(Some(10), &patterns));
    silent("logs");
    run.bye();

    // A deploy, whose directory is full of such names while a job runs; it is lost when it is live.
    ground.repo.publish(&[("page", "new")]);
    let mut deploy = Deploy::begin(&ground, 30);
    deploy.go(State::Locked, State::Begun);
    plant_run(
        &ground.root().join(".shipit").join(format!("run.{}", deploy.run.name)),
        &mut names,
        boot.trim(),
    );
    tell_text(&mut deploy.run, "run_job 30 \"$R\" /bin/sh -c 'sleep 2.2'\n");
    silent("a job");
    deploy.go(State::Begun, State::Active);
    silent("going live");
    let _ = fs::remove_file(ground.root().join(".shipit/releases").join(&live).join("health"));
    deploy.run.message(&shipit::remote::wire::Message::Stop);
    deploy.run.cut();
    crate::eventually("it is rolled back", || !ground.locked());
    silent("a rollback");
    assert_eq!(ground.current().as_deref(), Some(live.as_str()), "{sh:?}, seed {seed}: what is live");

    // A run whose host died: the next run ends it.
    let dead = Deploy::reach(&ground, 30, State::Ready);
    plant_run(&ground.root().join(".shipit").join(format!("run.{}", dead.run.name)), &mut names, boot.trim());
    // Its whole process group at once, so that nothing of it sees the end of the rest.
    process::succeed(std::process::Command::new("kill").args([
        "-KILL",
        "--",
        &format!("-{}", dead.run.main()),
    ]));
    let mut next = Deploy::begin(&ground, 30);
    silent("taking over");
    next.set(&[("lost_run", "a[$(canary)]"), ("lost_release", "$(canary)"), ("action", "restart")]);
    tell(&mut next.run, &Script::new().restart().restart_end());
    silent("restart");
    tell(&mut next.run, &Script::new().settle(Direction::Back));
    silent("resolving");
    next.set(&[]);
    tell(&mut next.run, &Script::new().prune(1));
    tell(&mut next.run, &Script::new().undo());
    silent("prune and undo");
    next.run.bye();
    let mut run = Run::start_as(&ground, Mode::Free, 30);
    tell(&mut run, &Script::new().steal());
    run.bye();
    silent("unlock");
    assert_eq!(ground.current().as_deref(), Some(live.as_str()), "{sh:?}, seed {seed}: what is live");
}

fn tell_text(run: &mut Run, text: &str) {
    let number = run.tell_text(text);
    run.wait(number);
}
