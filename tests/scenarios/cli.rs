//! The command line through the binary: help, version, what is refused and with which code, where the configuration is
//! found, and variables that stand in for options. No host may be contacted by any of it.

use std::fmt::Write as _;
use std::fs;
use std::net::TcpListener;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::Command;

use crate::common::{Kind, Run, Running, World};

const SHIPIT: &str = env!("CARGO_BIN_EXE_shipit");

/// An operator with one environment, whose only host counts who calls.
struct Desk {
    world: World,
    door: TcpListener,
}

impl Desk {
    fn new() -> Desk {
        let world = World::new(Kind::InProcess, 0);
        let door = TcpListener::bind("127.0.0.1:0").unwrap();
        door.set_nonblocking(true).unwrap();
        let desk = Desk { world, door };
        desk.world.config(&desk.toml("production"));
        desk
    }

    fn toml(&self, name: &str) -> String {
        let port = self.door.local_addr().unwrap().port();
        let repo = self.world.repo.url();
        format!(
            "[deploy.{name}]\nhost = \"127.0.0.1:{port}\"\nrepo = {repo:?}\nref = \"main\"\npath = \"app\"\n"
        )
    }

    /// Runs shipit; whatever becomes of it, nobody may have called.
    fn quietly(&self, args: &[&str]) -> Run {
        self.in_directory(self.world.repo.work(), args)
    }

    fn in_directory(&self, directory: &Path, args: &[&str]) -> Run {
        let mut command = self.world.command(Path::new(SHIPIT));
        command.args(args).current_dir(directory);
        let run = Running::start(command, format!("shipit {}", args.join(" "))).wait();
        assert!(self.door.accept().is_err(), "a host was contacted by {run}");
        run
    }

    /// What was typed, how it ended and what it said, side by side.
    fn session(&self, lines: &[&[&str]]) -> String {
        let mut text = String::new();
        for args in lines {
            let run = self.quietly(args);
            assert_eq!(run.stdout, "", "no data: {run}");
            let words: Vec<String> = args.iter().map(|word| shown(word)).collect();
            let _ = writeln!(
                text,
                "$ shipit {}\n[{}] {}\n",
                words.join(" "),
                run.code.unwrap(),
                run.stderr.trim_end()
            );
        }
        text.replace(self.world.root().canonicalize().unwrap().to_str().unwrap(), "[ROOT]")
    }

    /// The environments of its plan's first line, to see which file was read.
    fn planned(&self, directory: &Path, args: &[&str]) -> String {
        let run = self.in_directory(directory, args).ends_with(0);
        run.stdout.lines().next().unwrap().to_owned()
    }
}

fn shown(word: &str) -> String {
    if word.is_empty() || word.contains(' ') { format!("'{word}'") } else { word.to_owned() }
}

#[test]
fn the_help_is_data_and_lists_the_exit_codes() {
    let desk = Desk::new();
    let help = desk.quietly(&["--help"]).ends_with(0);
    assert_eq!(help.stderr, "");
    insta::assert_snapshot!(help.stdout);
    for args in [&["-h"][..], &["production", "--help"], &["help"], &["production", "help"]] {
        assert_eq!(desk.quietly(args).ends_with(0).stdout, help.stdout, "{args:?}");
    }
    for code in ["0", "1", "2", "3", "4", "5", "6", "70", "75", "130"] {
        assert!(
            help.stdout.lines().any(|line| line.trim_start().starts_with(&format!("{code}  "))),
            "{code}"
        );
    }
}

#[test]
fn the_version_is_the_packages() {
    let desk = Desk::new();
    for args in [["--version"], ["-V"]] {
        let run = desk.quietly(&args).ends_with(0);
        assert_eq!(
            (run.stdout.as_str(), run.stderr.as_str()),
            (concat!("shipit ", env!("CARGO_PKG_VERSION"), "\n"), "")
        );
    }
}

#[test]
fn what_cannot_be_meant_ends_with_2() {
    let desk = Desk::new();
    insta::assert_snapshot!(desk.session(&[
        &[],
        &[""],
        &["production", "sertup"],
        &["production", "updaet"],
        &["production", "x"],
        &["prodution"],
        &["setup"],
        &["exec", "production"],
        &["production", "exec"],
        &["production", "ref"],
        &["production", "ref", "a", "b"],
        &["production", "ref", "a b"],
        &["production", "ref", "HEAD^"],
        &["production", "--ref", "-x"],
        &["production", "revert", "0"],
        &["production", "revert", "1", "2"],
        &["production", "setup", "now"],
        &["production", "status", "--force"],
        &["production", "revert", "--redeploy"],
        &["production", "--frce"],
        &["production", "--lock-wait", "soon"],
        &["production", "--output", "yaml"],
        &["production", "-q", "-v"],
        &["production", "--hosts", "web*"],
        &["production", "--hosts", "!127.0.0.1"],
    ]));
}

#[test]
fn what_is_to_come_ends_with_2() {
    let desk = Desk::new();
    let run = desk.quietly(&["production", "logs", "--output", "json"]).ends_with(2).says("not yet");
    assert!(run.stdout.is_empty() && run.stderr.starts_with("error: "), "{run}");
}

#[test]
fn a_configuration_that_cannot_be_read_ends_with_2() {
    let desk = Desk::new();
    let work = desk.world.repo.work();
    fs::create_dir(work.join("folder.toml")).unwrap();
    fs::write(work.join("bytes.toml"), b"\xff\n").unwrap();
    fs::write(work.join("typo.toml"), "[deploy.production]\nhsot = \"a\"\nrepo = 1\n").unwrap();
    fs::write(work.join("later.toml"), format!("{}deliver = \"push\"\n", desk.toml("production"))).unwrap();
    insta::assert_snapshot!(desk.session(&[
        &["-c", "nowhere.toml", "production"],
        &["-c", "folder.toml", "production"],
        &["-c", "bytes.toml", "production"],
        &["-c", "typo.toml", "production"],
        &["later.toml", "production"],
        &["-C", "nowhere", "production"],
        &["-C", "..", "production"],
        &["staging"],
    ]));
}

#[test]
fn what_is_refused_here_ends_with_3_and_contacts_nobody() {
    let desk = Desk::new();
    desk.world.repo.commit(&[("app.js", "one\n")]);
    let unpushed =
        desk.session(&[&["production"], &["production", "update"], &["production", "ref", "main"]]);
    desk.world.repo.push();
    desk.world.repo.write("app.js", "two\n");
    let dirty = desk.session(&[&["production"], &["production", "--redeploy"]]);
    insta::assert_snapshot!(format!("{unpushed}{dirty}"));
}

#[test]
fn words_that_are_no_text_end_with_2() {
    let desk = Desk::new();
    for args in [&[b"\xff".as_slice()][..], &[b"production", b"\xfe"], &[b"production", b"--hosts", b"\xff"]]
    {
        let mut command = desk.world.command(Path::new(SHIPIT));
        command.args(args.iter().map(|word| std::ffi::OsStr::from_bytes(word)));
        Running::start(command, format!("{args:?}")).wait().ends_with(2);
        assert!(desk.door.accept().is_err());
    }
}

#[test]
fn the_configuration_is_found_up_to_the_top_of_the_work_tree() {
    let desk = Desk::new();
    let work = desk.world.repo.work();
    fs::create_dir_all(work.join("lib/deep")).unwrap();
    let from = |name: &str| format!("setup {name}: {}", desk.world.repo.url());
    assert_eq!(desk.planned(&work.join("lib/deep"), &["production", "setup", "-n"]), from("production"));
    fs::write(work.join("lib/shipit.toml"), desk.toml("nearer")).unwrap();
    assert_eq!(desk.planned(&work.join("lib/deep"), &["nearer", "setup", "-n"]), from("nearer"));
    assert_eq!(desk.planned(work, &["production", "setup", "-n"]), from("production"));
    // a work tree inside: its top is where the search ends
    fs::create_dir_all(work.join("vendor/other/src")).unwrap();
    let init = Command::new("git").args(["init", "-q"]).arg(work.join("vendor/other")).status().unwrap();
    assert!(init.success());
    desk.in_directory(&work.join("vendor/other/src"), &["production", "plan"])
        .ends_with(2)
        .says("no shipit.toml in");
}

#[test]
fn directory_and_file_are_chosen() {
    let desk = Desk::new();
    let work = desk.world.repo.work();
    fs::create_dir(work.join("ops")).unwrap();
    fs::write(work.join("ops/fleet.toml"), desk.toml("fleet")).unwrap();
    let home = desk.world.home();
    let fleet = format!("setup fleet: {}", desk.world.repo.url());
    let absolute = work.join("ops/fleet.toml");
    let work = work.to_str().unwrap();
    for (directory, args) in [
        (home, &["-C", work, "-c", "ops/fleet.toml", "fleet", "setup", "-n"][..]),
        (home, &["-c", "ops/fleet.toml", "fleet", "setup", "-n", "--chdir", work]),
        (home, &["--config", absolute.to_str().unwrap(), "fleet", "-n", "setup"]),
        (home, &["-C", work, "ops/fleet.toml", "fleet", "setup", "-n"]),
        (Path::new(work), &["ops/fleet.toml", "-e", "fleet", "setup", "-n"]),
    ] {
        assert_eq!(desk.planned(directory, args), fleet, "{args:?}");
    }
    assert!(desk.planned(home, &["-C", work, "production", "setup", "-n"]).starts_with("setup production"));
    desk.in_directory(home, &["production", "plan"]).ends_with(2);
}

#[test]
fn variables_stand_in_for_options() {
    let desk = Desk::new();
    let work = desk.world.repo.work().to_str().unwrap().to_owned();
    fs::create_dir(desk.world.repo.work().join("ops")).unwrap();
    fs::write(desk.world.repo.work().join("ops/fleet.toml"), desk.toml("fleet")).unwrap();
    desk.world.env("SHIPIT_CHDIR", &work);
    desk.world.env("SHIPIT_CONFIG", "ops/fleet.toml");
    desk.world.env("SHIPIT_DRY_RUN", "yes");
    // never from a variable: hooks have these, and a shipit that a hook starts must not deploy what its parent did
    desk.world.env("SHIPIT_REF", "other");
    desk.world.env("SHIPIT_ENV", "production");
    desk.world.env("SHIPIT_QUIET", "");
    let fleet = format!("setup fleet: {}", desk.world.repo.url());
    assert_eq!(desk.planned(desk.world.home(), &["fleet", "setup"]), fleet);
    assert!(
        desk.planned(desk.world.home(), &["-c", "shipit.toml", "production", "setup"]).contains("production"),
        "what is typed wins"
    );
    desk.world.env("SHIPIT_HOSTS", "web9");
    desk.quietly(&["fleet"]).ends_with(2).says("web9");
    desk.world.env("SHIPIT_HOSTS", "");
    // of no use to status, which must not take it for a dry run of something else
    desk.quietly(&["fleet", "status"]).ends_with(2).says("--dry-run");
    desk.world.env("SHIPIT_DRY_RUN", "maybe");
    desk.quietly(&["fleet"]).ends_with(2).says("takes true or false");
    desk.world.env("SHIPIT_DRY_RUN", "");
    for (name, value) in
        [("BATCH", "2"), ("NO_PAUSE", "1"), ("MAX_UNREACHABLE", "1"), ("CONCURRENCY", "1"), ("APPS", "nope")]
    {
        desk.world.env(&format!("SHIPIT_{name}"), value);
    }
    // as a hook has it
    desk.world.env("SHIPIT_ROLES", "web,db");
    desk.quietly(&["fleet", "setup", "-n"]).ends_with(2).says("`fleet` has no app `nope`");
    desk.world.env("SHIPIT_APPS", "");
    desk.quietly(&["fleet", "setup", "-n"]).ends_with(0);
}

#[test]
fn with_several_apps_a_ref_is_of_one_of_them() {
    let desk = Desk::new();
    let port = desk.door.local_addr().unwrap().port();
    let (repo, work) = (desk.world.repo.url(), desk.world.repo.work());
    let apps =
        format!("[defaults]\nrepo = {repo:?}\nref = \"main\"\npath = \"{{app}}\"\n[apps.api]\n[apps.web]\n");
    fs::write(work.join("shipit.toml"), format!("{apps}[deploy.production]\nhost = \"127.0.0.1:{port}\"\n"))
        .unwrap();
    insta::assert_snapshot!(desk.session(&[
        &["production", "ref", "v2"],
        &["production", "--ref", "v2"],
        &["production", "--ref", "api=v2", "--ref", "api=v3"],
        &["production", "--apps", "api", "--ref", "v2", "--ref", "api=v3"],
        &["production", "ref", "wbe=v2"],
        &["production", "--ref", "api=a b"],
        &["production", "--apps", "api", "ref", "web=v2"],
        &["production", "--apps", "wbe"],
        &["production", "--roles", "db"],
        &["production", "--set", "apps.apo.ref=v2"],
        &["production", "console"],
        &["production", "setup", "--batch", "2"],
        &["production", "revert", "--no-pause"],
        &["production", "--batch", "0"],
        &["production", "--max-unreachable", "all"],
        &["production", "--concurrency", "0"],
    ]));
    let head = |args: &[&str]| {
        let run = desk.in_directory(work, args).ends_with(0);
        run.stdout.lines().take_while(|line| !line.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    let lines = head(&["production", "setup", "-n"]);
    assert_eq!(
        lines[..2],
        [format!("setup production: api: {repo}"), format!("setup production: web: {repo}")]
    );
    assert_eq!(lines[2], "on 127.0.0.1");
    let run = desk.quietly(&["production", "setup", "-n", "--output", "json"]).ends_with(0);
    let json: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let apps: Vec<_> =
        json["apps"].as_array().unwrap().iter().map(|app| app["app"].as_str().unwrap()).collect();
    assert_eq!(apps, ["api", "web"]);
    let lines = head(&["production", "setup", "-n", "--apps", "web"]);
    assert_eq!(lines[0], format!("setup production: {repo}"));
}

#[test]
fn a_panic_is_a_bug_and_has_its_own_code() {
    assert_eq!(shipit::error::guarded(|| 3), 3);
    assert_eq!(shipit::error::guarded(|| panic!("on purpose")), 70);
    let listed = Desk::new().quietly(&["--help"]).ends_with(0);
    assert!(listed.stdout.contains("\n   70  a bug in shipit\n"), "{listed}");
}

#[test]
fn an_error_is_coloured_only_on_demand() {
    let desk = Desk::new();
    fs::write(desk.world.repo.work().join("typo.toml"), "[deploy.production]\nhsot = \"a\"\n").unwrap();
    let plain = desk.quietly(&["typo.toml", "production"]).ends_with(2);
    assert!(!plain.stderr.contains('\x1b'), "{plain}");
    let coloured = desk.quietly(&["typo.toml", "production", "--color", "always"]).ends_with(2);
    assert!(coloured.stderr.contains('\x1b'), "{coloured}");
}

#[test]
fn a_word_acts_on_no_terminal() {
    let desk = Desk::new();
    for args in [
        &["production", "\x1b[2J"][..],
        &["\x1b]0;x\x07"],
        &["production", "--hosts", "\x1b[31m"],
        &["production", "--\x1b[2J"],
        &["-c", "\x1b[2J", "a"],
    ] {
        let run = desk.quietly(args).ends_with(2);
        assert!(!run.stderr.contains('\x1b'), "{run}");
    }
}
