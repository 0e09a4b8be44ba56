//! What ends a command before it is a run, and what a command says beside its answer: every variant, to be read as a user
//! reads them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use shipit::config::ConfigError;
use shipit::error::{
    CommandFailure, DemoError, Error, FileError, NotFound, Refused, SystemError, UsageError,
};
use shipit::git::{Changes, GitError, Unchecked};
use shipit::remote::hold::Hold;
use shipit::remote::version::Version;
use shipit::report::note::{Note, PlanNote, Unresolved, Warning};
use shipit::transport::ssh::Lack;

use crate::messages::{gone, named, section};

const FILE: &str = "/home/ann/shop/shipit.toml";

fn config_errors() -> Vec<ConfigError> {
    let (file, known) = (PathBuf::from(FILE), vec![named("production"), named("staging")]);
    let (environment, patterns) = (named("production"), named("web1,!web1"));
    vec![
        ConfigError::NotFound { start: "/home/ann/shop/api".into(), top: Some("/home/ann/shop".into()) },
        ConfigError::NotFound { start: "/tmp".into(), top: None },
        ConfigError::Unreadable { file: file.clone(), source: gone() },
        ConfigError::NotAFile { file: "/dev/zero".into() },
        ConfigError::TooLarge { file: file.clone(), limit: 1 << 20 },
        ConfigError::NotText { file: file.clone(), line: 3 },
        ConfigError::Foreign { file: file.clone(), owner: 1001 },
        ConfigError::UnknownEnvironment {
            file: file.clone(),
            name: named("prod"),
            nearest: Some(named("production")),
            known: known.clone(),
        },
        ConfigError::UnknownEnvironment { file: file.clone(), name: named("x"), nearest: None, known },
        ConfigError::UnknownEnvironment { file, name: named("x"), nearest: None, known: Vec::new() },
        ConfigError::NoSuchHost {
            environment: environment.clone(),
            pattern: named("wbe1"),
            nearest: Some(named("web1")),
        },
        ConfigError::BadPattern {
            pattern: named("web[3:1]"),
            reason: named("the range ends before it begins"),
        },
        ConfigError::NoHostLeft { environment, patterns },
    ]
}

fn git_errors() -> Vec<GitError> {
    let repo = named("git@example.com:acme/shop.git");
    let root = PathBuf::from("/home/ann/shop");
    vec![
        GitError::BadReference { text: named("a..b"), reason: "it holds `..`" },
        GitError::NoSuchReference { name: named("mian"), repo: repo.clone(), nearest: Some(named("main")) },
        GitError::NoSuchReference { name: named("v2"), repo: repo.clone(), nearest: None },
        GitError::AmbiguousReference { name: named("v1"), repo },
        GitError::NoWorkTree { root: root.clone() },
        GitError::WorkTree { root: root.clone(), said: named("fatal: index file corrupt") },
        GitError::NotOwned { path: named("/home/ann/my shop") },
        GitError::NoGit { root },
        GitError::NotACommit { revision: "7".repeat(40), kind: named("tree") },
    ]
}

fn refusals() -> Vec<Refused> {
    let environment = || named("production");
    let names = |files: &[&str]| files.iter().map(|file| named(file)).collect();
    let files = |files: &[&str], total, used: &[&str]| {
        Refused::LocalChanges(Changes { files: names(files), total, used: names(used) })
    };
    vec![
        Refused::PartOfHosts,
        files(&["a.js"], 1, &[]),
        files(&["a.js", "b.js"], 2, &[]),
        files(&["a.js", "b.js"], 7, &[]),
        files(&[], 0, &["shipit.toml"]),
        files(&["a.js"], 1, &["shipit.toml", "deploy/prod.env"]),
        Refused::Unpushed { commits: 1 },
        Refused::Unpushed { commits: 3 },
        Refused::DeployNotConfirmed { environment: environment() },
        Refused::CannotAsk { environment: environment() },
        Refused::UnlockNotConfirmed,
        Refused::FileExists { file: FILE.into() },
    ]
}

fn usage_errors() -> Vec<UsageError> {
    let (environment, apps) = (|| named("production"), || vec![named("shop"), named("api")]);
    let (reference, file) = (|| named("v2"), || PathBuf::from("/home/ann/shop/.env"));
    let of_file = |source| UsageError::File { path: named(".env"), source };
    let of_command = |failure| of_file(FileError::Command { command: named("pass show shop"), failure });
    vec![
        UsageError::NotADirectory { directory: "/nowhere".into() },
        UsageError::ImportToml { file: "shipit.toml".into() },
        UsageError::NothingToImport { directory: "/home/ann/shop".into() },
        UsageError::InitOption { option: "path", why: "the path is empty".to_owned() },
        UsageError::Events { file: "/nowhere/events".into(), source: gone() },
        UsageError::SeveralApps { command: named("exec"), environment: environment(), apps: apps() },
        UsageError::NoTerminal { environment: environment() },
        UsageError::SeveralHosts { pattern: named("web*"), hosts: vec![named("web1"), named("web2")] },
        UsageError::RefOfWhichApp { reference: reference(), environment: environment(), apps: apps() },
        UsageError::SecondRef { reference: reference(), app: named("api") },
        UsageError::NoSuchApp { app: named("ap"), reference: reference(), nearest: Some(named("api")) },
        of_file(FileError::Unreadable { file: file(), source: gone() }),
        of_file(FileError::NotAFile { file: file() }),
        of_file(FileError::TooLarge { file: file(), limit: 262_144 }),
        of_file(FileError::TooMuchOutput { command: named("cat dump"), limit: 262_144 }),
        of_command(CommandFailure::NotStarted { directory: "/home/ann/shop".into(), error: gone() }),
        of_command(CommandFailure::Unreadable { error: gone() }),
        of_command(CommandFailure::NoStatus { error: gone() }),
        of_command(CommandFailure::Panicked),
        of_command(CommandFailure::NotText),
        of_command(CommandFailure::TooMuch { limit: 1 << 20 }),
        of_command(CommandFailure::TimedOut { limit: Duration::from_secs(60) }),
        of_command(CommandFailure::Exit { code: 1 }),
        of_command(CommandFailure::Signal { number: 9 }),
        UsageError::FilesTooLarge { bytes: 2_000_000, limit: 1 << 20 },
        UsageError::NoLogs,
        UsageError::DemoJson,
    ]
}

fn demo_errors() -> Vec<DemoError> {
    let (command, parent) = (|| named("git push -q"), || PathBuf::from("/tmp"));
    vec![
        DemoError::NoGit { source: gone() },
        DemoError::Program { source: gone() },
        DemoError::Directory { parent: parent(), source: gone() },
        DemoError::SpecialCharacter { parent: "/tmp/a\"b".into() },
        DemoError::NoExec { directory: parent() },
        DemoError::Path { source: gone() },
        DemoError::Key { source: gone() },
        DemoError::Hosts { source: gone() },
        DemoError::Project { source: gone() },
        DemoError::Run { command: command(), source: gone() },
        DemoError::Wait { command: command(), source: gone() },
        DemoError::Failed { command: command(), output: named("error: failed to push some refs") },
        DemoError::UnexpectedExit { command: command(), code: 1, expected: 0 },
    ]
}

fn before_a_run() -> Vec<Error> {
    let candidates = vec![named("20261121T081502Z-1a2b3c4"), named("20261121T091502Z-1a2b3c4")];
    let not_found = [
        NotFound::Back { back: 20 },
        NotFound::Named { name: named("v3") },
        NotFound::Ambiguous { name: named("2026"), candidates },
    ];
    let system = [
        SystemError::CurrentDirectory { source: gone() },
        SystemError::NoHome,
        SystemError::Signals { source: gone() },
        SystemError::Stdout { source: gone() },
        SystemError::Runtime { source: gone() },
        SystemError::Write { file: FILE.into(), source: gone() },
    ];
    let untrusted = [Error::Untrusted { hosts: named("web1 and web2") }, Error::Interrupted { signal: 2 }];
    (config_errors().into_iter().map(Error::from))
        .chain(git_errors().into_iter().map(Error::from))
        .chain(refusals().into_iter().map(Error::from))
        .chain(untrusted)
        .chain(usage_errors().into_iter().map(Error::from))
        .chain(not_found.into_iter().map(Error::from))
        .chain(system.into_iter().map(Error::from))
        .chain(demo_errors().into_iter().map(Error::from))
        .chain([Error::Bug])
        .collect()
}

#[test]
fn what_ends_a_command_before_it_is_a_run() {
    let all = before_a_run();
    for error in &all {
        let text = error.message();
        assert!(!text.contains("os error") && !text.ends_with('.'), "{text}");
        let shouts = text.chars().next().is_some_and(char::is_uppercase) && !text.starts_with("HOME");
        assert!(!shouts, "lower case: {text}");
    }
    insta::assert_snapshot!(section(
        "before a run",
        all.iter().map(|error| format!("[{}] {}", error.exit_code(), error.render(false)))
    ));
}

#[test]
fn what_commands_say_beside_their_answers() {
    let (environment, host, error) = ("production", "web1", &gone());
    let run = "deploy in progress: bob@ci, started 26 s ago (pid 7)";
    let hold = &Hold::read("\t2026-11-21T08:15:02Z\tbob@ci (pid 7)\tmigration");
    let root = Path::new("/home/ann/shop");
    let elsewhere = &Unchecked::OtherAddress { address: named("work:acme/shop") };
    let not_added = std::io::Error::other("cannot write /home/ann/.ssh/known_hosts: permission denied");
    let [from, to] = ["5d6e7f8a1b2c3d4e5f60718293a4b5c6d7e8f900", "1a2b3c4d5e6f708192a3b4c5d6e7f80910213243"]
        .map(|id| Version::parse(id).unwrap());
    let (from, to) = (&from, &to);
    let lack = Lack { keyword: named("PKCS11Provider"), file: "/home/ann/.ssh/config".into(), line: 9 };
    let unresolved = |deploy| {
        let (reference, why) = ("main", "cannot reach git@example.com:acme/shop.git");
        Note::Plan(PlanNote::Unresolved { reference, app: Some("shop"), why, deploy })
    };
    let notes = [
        Note::NothingDeployed,
        Note::NothingLive { environment },
        Note::NoPreviousDeploy { environment },
        Note::HostsDiffer { environment },
        Note::LogsRemoved,
        Note::NoHostLocked,
        Note::LockHolder { run },
        Note::RunContinues { run },
        Note::MoreDeploys { more: 1, environment },
        Note::MoreDeploys { more: 25, environment },
        Note::HoldSet { environment, hosts: &["web1", "web2"], until: None },
        Note::HoldSet { environment, hosts: &["web1"], until: Some("2026-11-21 12:00") },
        Note::HoldRemoved { environment, hold },
        Note::NotHeld { environment },
        Note::Unchecked { repo: "git@example.com:acme/shop.git", why: &Unchecked::NoGit },
        Note::Unchecked { repo: "git@example.com:acme/shop.git", why: elsewhere },
        Note::FileAbove { file: Path::new(FILE) },
        Note::NoEnvironment,
        Note::NotSet { key: "migrate", environment },
        Note::FirstHost { host, hosts: 3, environment },
        Note::LogUnreadable { host, file: "/var/www/shop/shared/logs/app.log" },
        Note::LogUntimed { host, file: "/var/www/shop/shared/logs/app.log" },
        Note::NoJournal { host, unit: "shop" },
        Note::NoLogFile { host, patterns: "shared/logs/*.log", waiting: false },
        Note::NoLogFile { host, patterns: "shared/logs/*.log", waiting: true },
        Note::HostKeysAdded { hosts: &["web1"] },
        Note::HostKeysAdded { hosts: &["web1", "web2"] },
        Note::SystemSsh { hosts: &["web1"], lack: &lack },
        Note::SystemSsh { hosts: &["web1", "web2"], lack: &lack },
        Note::SshSays { text: "Confirm user presence for key ED25519-SK SHA256:Zm9v" },
        Note::Plan(PlanNote::Held { environment, hold }),
        Note::Plan(PlanNote::NotAsked { host, why: "unknown host key of web1 (192.0.2.1:22)" }),
        unresolved(Unresolved::AsksHost("web1")),
        unresolved(Unresolved::Fails),
        unresolved(Unresolved::Retries),
        Note::Plan(PlanNote::CommitsUnknown { from, to, root, shallow: false }),
        Note::Plan(PlanNote::CommitsUnknown { from, to, root, shallow: true }),
        Note::Plan(PlanNote::Older { from, to }),
        Note::Plan(PlanNote::NotSetUp { environment, hosts: "web1 and web2" }),
        Note::Plan(PlanNote::LockHeld { run }),
        Note::Plan(PlanNote::Unfinished { hosts: host }),
        Note::Plan(PlanNote::ForeignCurrent { hosts: host }),
        Note::Plan(PlanNote::Adopts { hosts: host }),
        Note::Plan(PlanNote::WouldSkip { hosts: host }),
        Note::Plan(PlanNote::WouldFail { hosts: host }),
        Note::Warning(Warning::HostKeysNotAdded { error: &not_added }),
        Note::Warning(Warning::EventsLost { file: Some(Path::new("/run/events")), error }),
        Note::Warning(Warning::EventsLost { file: None, error }),
        Note::Warning(Warning::StepSummaryLost { error }),
    ];
    insta::assert_snapshot!(section("notes", notes.iter().map(ToString::to_string)));
}
