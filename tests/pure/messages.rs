//! Every message, side by side, to be read as a user reads them: what was tried, on what, and what to type next.
//!
//! The snapshot is the text; the rules that a machine can hold stand beside it.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use shipit::executor::Live;
use shipit::executor::event::{Action, Failure, FailureKind, Phase};
use shipit::executor::outcome::{End, HostOutcome, HostResult, Outcome};
use shipit::remote::access::{AccessError, Affected};
use shipit::remote::reason::{Reason, with_commands};
use shipit::remote::step::Step;
use shipit::remote::version::Version;
use shipit::report::summary;
use shipit::transport::{self, Attempt, ConnectError, Exit, NewKeys, OfferedKey, Refusal};

pub fn named(text: &str) -> String {
    text.to_owned()
}

pub fn gone() -> std::io::Error {
    std::io::Error::from_raw_os_error(2)
}

fn key() -> Box<OfferedKey> {
    Box::new(OfferedKey {
        host: named("web1"),
        address: named("192.0.2.1:2222"),
        name: named("[192.0.2.1]:2222"),
        key_type: named("ssh-ed25519"),
        fingerprint: named("SHA256:Zm9v"),
        line: named("[192.0.2.1]:2222 ssh-ed25519 AAAAC3Nz"),
        file: "/home/ann/.ssh/known_hosts".into(),
        new_keys: NewKeys::Ask,
        hashed: false,
        certificate: None,
    })
}

fn with_bad_certificate() -> Box<OfferedKey> {
    Box::new(OfferedKey { certificate: Some(named("it has expired")), ..*key() })
}

#[allow(clippy::too_many_lines, reason = "a table")]
fn connect_errors() -> Vec<ConnectError> {
    let (host, address, file) =
        (named("web1"), named("192.0.2.1:22"), PathBuf::from("/home/ann/.ssh/known_hosts"));
    let reason = || named("the connection was closed by the other side");
    let after = Duration::from_secs(10);
    let timeout =
        |step| ConnectError::Timeout { host: named("web1"), address: named("192.0.2.1:22"), step, after };
    let attempt =
        |address: &str, reason: &str| Attempt { address: address.parse().unwrap(), reason: named(reason) };
    let attempts = vec![
        attempt("192.0.2.1:22", "connection refused"),
        attempt("[2001:db8::1]:22", "network is unreachable"),
    ];
    let refusal = Refusal {
        host: host.clone(),
        address: address.clone(),
        user: named("deploy"),
        tried: vec![named("/home/ann/.ssh/id_ed25519")],
        skipped: vec![named("/home/ann/.ssh/id_rsa (has a passphrase)")],
        methods: vec![named("publickey")],
        ..Refusal::default()
    };
    let nothing =
        Refusal { host: host.clone(), address: address.clone(), user: named("deploy"), ..Refusal::default() };
    let exposed = Refusal { exposed: Some("/home/ann/.ssh/id_rsa".into()), ..nothing.clone() };
    let password = Refusal { methods: vec![named("publickey"), named("password")], ..nothing.clone() };
    let too_many = Refusal { too_many: true, tried: vec![named("a"), named("b")], ..nothing.clone() };
    let unsigned = Refusal { unsigned: vec![named("ann@desk (agent)")], ..nothing.clone() };
    let rejected = Refusal {
        rejected: true,
        tried: vec![named("ann@key (agent) (its signature was not accepted)")],
        ..nothing.clone()
    };
    let tunnel = ConnectError::Tunnel {
        target: named("web1"),
        reason: named("the jump host cannot connect there (ConnectFailed)"),
    };
    vec![
        ConnectError::Resolve { host: host.clone(), reason: named("name or service not known") },
        ConnectError::Unreachable { host: host.clone(), port: 22, attempts },
        timeout(transport::Step::Connect),
        timeout(transport::Step::KeyExchange),
        timeout(transport::Step::Authentication),
        timeout(transport::Step::Signature),
        timeout(transport::Step::AgentOrLogin),
        ConnectError::ClosedEarly { host: host.clone(), address: address.clone(), reason: reason() },
        ConnectError::Handshake { host: host.clone(), address, reason: reason() },
        ConnectError::UnknownHostKey { key: key() },
        ConnectError::UnknownHostKey { key: with_bad_certificate() },
        ConnectError::ChangedHostKey {
            key: key(),
            file: file.clone(),
            line: 7,
            known: Some(named("SHA256:b2xk")),
        },
        ConnectError::RevokedHostKey { key: key(), file: file.clone(), line: 7 },
        ConnectError::ShortHostKey { key: key(), bits: 2048, least: 3072 },
        ConnectError::PinnedHostKey { key: key(), pinned: named("SHA256:YmFy") },
        ConnectError::KnownHosts { file: file.clone(), reason: named("permission denied") },
        ConnectError::KeyNotAdded { file: file.clone(), reason: named("permission denied") },
        ConnectError::Refused { refusal: Box::new(refusal) },
        ConnectError::Refused { refusal: Box::new(nothing) },
        ConnectError::Refused { refusal: Box::new(exposed) },
        ConnectError::Refused { refusal: Box::new(password) },
        ConnectError::Refused { refusal: Box::new(too_many) },
        ConnectError::Refused { refusal: Box::new(unsigned) },
        ConnectError::Refused { refusal: Box::new(rejected) },
        ConnectError::KeyFile {
            path: "/home/ann/.ssh/deploy key".into(),
            reason: named("no such file or directory"),
        },
        ConnectError::KeyEncrypted { path: "/home/ann/.ssh/id_ed25519".into() },
        ConnectError::KeyExposed { path: "/home/ann/.ssh/id_ed25519".into() },
        ConnectError::SshConfigExposed { file: "/home/ann/.ssh/config".into() },
        ConnectError::Jump { host: host.clone(), hop: named("ops@gate"), source: Box::new(tunnel) },
        ConnectError::Channel { reason: reason() },
        ConnectError::SshConfig {
            file: "/home/ann/.ssh/config".into(),
            line: Some(4),
            reason: named("ssh is not a port"),
        },
        ConnectError::JumpSpec { hop: named("@gate"), reason: named("it should look like user@host:port") },
        ConnectError::ProxyCommand {
            host: host.clone(),
            reason: reason(),
            said: vec![named("cloudflared: no route"), named("exit status 1")],
        },
        ConnectError::Bind {
            what: named("BindInterface wg0"),
            reason: named("there is no such interface that is up"),
        },
        ConnectError::NoAgent { host: host.clone() },
        ConnectError::NoOpenSsh { reason: named("OpenSSH_8.4p1 is too old") },
        ConnectError::OpenSsh {
            host: host.clone(),
            said: named("no matching host key type found. Their offer: ssh-dss"),
        },
        ConnectError::RefusedByConfig {
            host: host.clone(),
            text: named("moved to web9"),
            file: "/home/ann/.ssh/config".into(),
            line: 9,
        },
        ConnectError::MatchExec {
            command: named("vpn is-up"),
            file: "/home/ann/.ssh/config".into(),
            line: 9,
            reason: named("it did not end within 10 s"),
        },
        needs_openssh("PKCS11Provider", true),
        needs_openssh("HostNmae", false),
    ]
}

fn needs_openssh(keyword: &str, known: bool) -> ConnectError {
    ConnectError::NeedsOpenSsh {
        host: "web1".to_owned(),
        keyword: keyword.to_owned(),
        file: "/home/ann/.ssh/config".into(),
        line: 9,
        known,
    }
}

fn host(name: &str, result: HostResult, failure: Option<Failure>) -> HostOutcome {
    let from = Some(Live {
        release: named("20261121T081502Z-1a2b3c4"),
        version: Version::parse(&"1a2b3c4".repeat(6)[..40]),
    });
    HostOutcome {
        host: named(name),
        to: from.clone(),
        known: true,
        serving: None,
        from,
        result,
        failure,
        failed_recovery: None,
        took: Duration::from_secs(1),
    }
}

fn outcome(end: End, failure: Failure, failed_in: Phase) -> Outcome {
    let result = if end == End::RolledBack { HostResult::RolledBack } else { HostResult::Failed };
    Outcome {
        apps: Vec::new(),
        action: Action::Deploy,
        environment: named("production"),
        end,
        release: None,
        version: None,
        hosts: vec![host("web1", result, Some(failure))],
        failure: None,
        failed_in: Some(failed_in),
        took: Duration::from_secs(2),
        migrated: false,
    }
}

fn failure(kind: FailureKind, step: &str, message: &str) -> Failure {
    Failure {
        kind,
        step: Step::parse(step).unwrap(),
        exit: None,
        message: named(message),
        reason: None,
        hint: None,
        tail: Vec::new(),
    }
}

/// The part of a report that tells the failure, without the table.
fn told(outcome: &Outcome) -> String {
    let text = summary::render(outcome, 100, false, None);
    let parts: Vec<&str> = text.trim_end().split("\n\n").filter(|part| !part.starts_with("host ")).collect();
    parts.join("\n")
}

pub fn section(title: &str, messages: impl IntoIterator<Item = String>) -> String {
    messages.into_iter().fold(format!("# {title}\n"), |mut text, message| {
        let _ = write!(text, "\n{}\n", message.trim_end());
        text
    })
}

#[test]
fn why_a_host_was_not_connected() {
    let texts = connect_errors().into_iter().map(|error| {
        let hint = error.hint();
        assert!(hint.is_some(), "what to type next: {error}");
        let failure = Failure { hint, ..failure(FailureKind::Unreachable, "connect", &error.full()) };
        let told = told(&outcome(End::Unreachable, failure, Phase::Connect));
        told.lines().filter(|line| !line.starts_with("could not connect")).collect::<Vec<_>>().join("\n")
    });
    insta::assert_snapshot!(section("not connected", texts));
}

#[test]
fn how_runs_end() {
    let exit = |step: &str, exit: Exit, tail: &str| Failure {
        exit: Some(exit),
        tail: tail.as_bytes().to_vec(),
        ..failure(FailureKind::Step, step, "")
    };
    let held = Failure {
        hint: Some(named(
            "try again later, wait with --lock-wait 10m, or end that run: shipit production unlock",
        )),
        ..failure(FailureKind::Busy, "lock", "deploy in progress: bob@ci, started 26 s ago (pid 7)")
    };
    let older = Failure {
        hint: Some(named("--allow-older deploys it anyway")),
        ..failure(FailureKind::Refused, "check", "1a2b3c4 is older than the live commit 5d6e7f8")
    };
    let lost = Failure {
        exit: Some(Exit::Lost(named("the host stopped answering"))),
        ..failure(FailureKind::Lost, "build", "")
    };
    let ends = [
        (End::Failed, exit("build", Exit::Code(1), "npm error missing script: build\n"), Phase::Prepare),
        (End::Failed, exit("migrate", Exit::Signal(named("KILL")), ""), Phase::Ready),
        (End::Failed, failure(FailureKind::Step, "build", "took longer than 15 min"), Phase::Prepare),
        (End::Failed, lost, Phase::Prepare),
        (End::RolledBack, exit("reload", Exit::Code(75), ""), Phase::Activate),
        (End::Busy, held, Phase::Lock),
        (End::Refused, older, Phase::Lock),
        (End::Interrupted(2), failure(FailureKind::Interrupted, "build", "stopped"), Phase::Prepare),
        (End::Split, exit("reload", Exit::Code(1), "port 3000 is taken\n"), Phase::Activate),
    ];
    let answered = Outcome {
        hosts: vec![host("web1", HostResult::RolledBack, None), host("web2", HostResult::Stopped, None)],
        failure: Some(failure(
            FailureKind::Refused,
            "pause",
            "stopped before batch 2 of 2, as you answered no",
        )),
        ..outcome(End::RolledBack, failure(FailureKind::Refused, "pause", ""), Phase::Activate)
    };
    let texts = ends.map(|(end, failure, phase)| told(&outcome(end, failure, phase)));
    insta::assert_snapshot!(section("ends", texts.into_iter().chain([told(&answered)])));
}

/// What each field of a reason may hold.
const SAMPLES: [(&str, &str); 42] = [
    ("address", "git@git.example.com:acme/shop.git"),
    ("app", "shop"),
    ("code", "3"),
    ("count", "1000"),
    ("damage", "missing app/server.js"),
    ("environment", "staging"),
    ("directory", "/tmp"),
    ("error", "denied"),
    ("file", "/home/deploy/.ssh/shop"),
    ("free", "20480"),
    ("kind", "tree"),
    ("last", "exit 7"),
    ("link", "/var/www/shop/releases/20261121T081502Z-1a2b3c4/log"),
    ("live", "5d6e7f85d6e7f85d6e7f85d6e7f85d6e7f85d6e7"),
    ("login", "ann"),
    ("needed", "409600"),
    ("number", "7"),
    ("other", "/var/www"),
    ("path", "/var/www/shop/there"),
    ("reference", "mian"),
    ("release", "20261121T081502Z-1a2b3c4"),
    ("repo", "git@git.example.com:acme/shop.git"),
    ("revision", "1a2b3c41a2b3c41a2b3c41a2b3c41a2b3c41a2b3"),
    ("run", "20261121T081502Z-77"),
    ("said", "mkdir: cannot create directory '/var/www/shop/there': No space left on device"),
    ("search_path", "/usr/bin:/bin"),
    ("seconds", "600"),
    ("shell", "fish"),
    ("subdir", "apps/shop"),
    ("name", "shop"),
    ("names", ".env, uploads"),
    ("tool", "node"),
    ("state", "errored"),
    ("restarts", "16"),
    ("place", "/var/www/shop/releases/20261101T081502Z-0a0b0c0"),
    ("pid", "4711"),
    ("port", "3000"),
    ("holder", "node (pid 4711)"),
    ("daemon", "v20.20.2"),
    ("version", "v18.20.8"),
    ("node", "v22.11.0"),
    ("module", "node_modules/bcrypt/build/Release/bcrypt_lib.node"),
];

/// Their hint comes from elsewhere (the lock holder, the repository), or the user asked for it.
const WITHOUT_HINT: [&str; 7] =
    ["lock-held", "git-access", "no-git", "no-repo-key", "no-ref", "stopped", "not-rolled-back"];

fn sample(word: &str, fields: &[&str], code: &str) -> Reason {
    let in_release =
        ["sent", "shared", "carried", "leads", "submodule"].iter().any(|kind| word.starts_with(kind));
    let value = |field: &&str| match *field {
        "code" => named(code),
        "path" if word == "shared-missing" => named("shared/.env, shared/config/local.json"),
        "path" if in_release => named("config/local.json"),
        "file" if in_release => named("README"),
        "kind" if word != "not-a-commit" => named("pm2"),
        "said" if word == "bad-pm2-file" => named("ReferenceError: x is not defined"),
        "said" if word.starts_with("supervisor-") => named("connect: connection refused"),
        "said" if word.starts_with("bad-") => named("fatal: not a tree object"),
        "target" if word == "same-directory" => named("web2"),
        "target" => named("../elsewhere"),
        field => named(SAMPLES.iter().find(|(name, _)| *name == field).expect(field).1),
    };
    let values: Vec<String> = fields.iter().map(value).collect();
    Reason::parse(word, &values).unwrap_or_else(|| panic!("{word} {values:?}"))
}

fn shown(reason: &Reason, step: &str) -> String {
    let (word, message) = (reason.word(), reason.message());
    assert!(!message.ends_with('.') && !message.starts_with(char::is_uppercase), "{message}");
    let hint = reason.hint(Step::parse(step).unwrap()).map(|hint| with_commands(hint, "production"));
    let fine = hint.is_some() || WITHOUT_HINT.contains(&word) || matches!(reason.exit_code(), Some(0..126));
    assert!(fine, "what to type next: {word}");
    format!("[{word}] {message}{}", hint.map_or(String::new(), |hint| format!("\n  → {hint}")))
}

#[test]
fn why_scripts_on_hosts_fail() {
    let all = Reason::ALL.iter().map(|(word, fields)| shown(&sample(word, fields, "3"), "prepare"));
    let exits = ["126", "127"].map(|code| shown(&sample("step-failed", &["code"], code), "build"));
    let limits = ["fetch", "checkout", "reload"]
        .map(|step| format!("{step}: {}", shown(&sample("timed-out", &["seconds"], ""), step)));
    let restart = shown(&sample("unknown-release", &["release"], ""), "restart");
    let disk = [
        "No space left on device (no inodes are left)",
        "Read-only file system",
        "Disk quota exceeded",
        "Permission denied",
        "Directory not empty",
    ]
    .map(|said| {
        let said = format!("mv: cannot move 'a' to 'b': {said}");
        shown(&Reason::parse("cannot-replace", &[named("/var/www/shop/current"), said]).unwrap(), "switch")
    });
    let all = all.chain(exits).chain(limits).chain([restart]).chain(disk);
    insta::assert_snapshot!(section("from hosts", all));
}

/// The words with which a host tells why git did not reach the repository (`git_why`).
#[test]
fn why_a_host_did_not_reach_its_repository() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("shipit.toml");
    let text = "[deploy.production]\nhost = ['web1', 'ops@web2:2222']\nrepo = 'git@git.example.com:acme/shop.git'\n\
                ref = 'main'\npath = '/var/www/shop'\n";
    std::fs::write(&file, text).unwrap();
    let environment = shipit::config::load(&file, "production").unwrap();
    let (app, sites): (_, Vec<_>) = (&environment.apps[0], environment.sites.iter().collect());
    // The hint for a missing ref is the name that may have been meant.
    let told = AccessError::all().filter(|error| *error != AccessError::NoRef).map(|error| {
        let message = error.message(&app.repo).unwrap_or_else(|| "(see the reason of that name)".into());
        let live = error != AccessError::Denied;
        let remedy = error.remedy(&Affected { environment: &environment, app, sites: &sites, live });
        format!("[{error}] {message}\n  → {}", remedy.replace('\n', "\n    "))
    });
    insta::assert_snapshot!(section("git on a host", told));
}
