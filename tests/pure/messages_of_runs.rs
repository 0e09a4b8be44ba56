//! What a run says besides failures: notices, and why it is refused. All variants, as they are worded.

use std::time::Duration;

use shipit::executor::decide::Refusal;
use shipit::executor::{Going, Notice, Question};
use shipit::remote::damage::Damage;
use shipit::remote::hold::Hold;
use shipit::remote::journal::State;
use shipit::remote::reason::with_commands;
use shipit::remote::step::Step;
use shipit::remote::version::Version;
use shipit::remote::warning::Warning;

#[test]
fn what_runs_notice() {
    let (host, hosts) = ("web1".to_owned(), vec!["web1".to_owned(), "web2".to_owned()]);
    let environment = "production".to_owned();
    let all = [
        Notice::LeftDrained { host: host.clone(), environment: environment.clone() },
        Notice::OtherEnvironment { host: host.clone(), other: "staging".into() },
        Notice::AppsStay { apps: vec!["api".into()] },
        Notice::DamagedLive {
            host: host.clone(),
            release: "20261121T081502Z-1a2b3c4".into(),
            damage: Damage::Missing("app/server.js".into()),
        },
        Notice::MadeAgain { release: "20261121T081502Z-1a2b3c4".into(), hosts: hosts.clone() },
        Notice::NoRecord {
            release: "20261121T081502Z-1a2b3c4".into(),
            hosts: hosts.clone(),
            environment: environment.clone(),
        },
        Notice::ConfigurationChanged { release: "20261121T081502Z-1a2b3c4".into(), hosts: hosts.clone() },
        Notice::Skipped { hosts: hosts.clone(), environment: environment.clone() },
        Notice::Skipped { hosts: vec![host.clone()], environment },
        Notice::NoHostOfApp { app: "api".into() },
        Notice::CannotSkip { hosts },
        Notice::UnreachableUnchanged { host: host.clone() },
        Notice::LostUnchanged { host: host.clone() },
        Notice::LostAtTheEnd { host: host.clone() },
        Notice::LostWhenConfirmed { host: host.clone() },
        Notice::NotCleanedUp { host: host.clone(), message: "cannot write to /srv/app/.shipit".into() },
        Notice::CallingAgain { host: host.clone() },
        Notice::Pause { time: Duration::from_secs(90), before: "api, batch 2 of 3".into() },
        Notice::LocalHookFailed { step: Step::PostDeployLocal, message: "took longer than 5 s".into() },
        Notice::Unchecked { apps: Vec::new() },
        Notice::Unchecked { apps: vec!["api".into(), "web".into()] },
        Notice::FromHost { host, text: "removed release 20261121T081502Z-1a2b3c4".into() },
    ];
    let warnings = [
        Warning::LfsPointers { path: "public/logo.png".into() },
        Warning::Filter { name: "git-crypt".into(), path: "secrets/prod.env".into() },
        Warning::LinksOut { path: "lib".into(), target: "../../common".into(), count: 1 },
        Warning::SubmodulesOff { path: "vendor/theme".into(), count: 3 },
        Warning::RevisionReplaced,
        Warning::SourceDamaged { path: "/srv/app/source".into() },
        Warning::Undecided { path: "/srv/app/source".into(), names: ".env, uploads".into() },
    ];
    let warnings = warnings.map(|warning| {
        let host = warning.is_of_host().then(|| "web1".to_owned());
        Notice::Release { host, app: None, warning }
    });
    let of_app = Notice::Release { host: None, app: Some("api".into()), warning: Warning::RevisionReplaced };
    let all: Vec<Notice> = all.into_iter().chain(warnings).chain([of_app]).collect();
    let text: Vec<String> = all
        .iter()
        .map(|notice| notice.host().map_or(String::new(), |host| format!("{host}: ")) + &notice.text())
        .collect();
    insta::assert_snapshot!(text.join("\n"));
}

#[test]
fn why_runs_are_refused() {
    let environment = "production".to_owned();
    let hold = Hold::read("2026-11-22T08:00:00Z\t2026-11-21T08:00:00Z\tops@desk (pid 7)\tfreeze");
    let serving = vec![("a".to_owned(), vec!["web1".to_owned()]), ("b".to_owned(), vec!["web2".to_owned()])];
    let none = |earlier, several_apps| Refusal::NoSuchDeploy { earlier, several_apps };
    let all = [
        Refusal::Held { environment: environment.clone(), hold },
        Refusal::NoCommit { reference: "main".into() },
        Refusal::Reference { message: "git@git.example.com:acme/shop.git has no mian".into() },
        Refusal::NothingToRevert,
        Refusal::NotAdopted { step: Step::Revert, hosts: vec!["web1".into(), "web2".into()] },
        none(0, false),
        none(1, false),
        none(4, true),
        Refusal::NoDeployOfName { name: "1a2b3c4".into(), ended: None },
        Refusal::NoDeployOfName { name: "1a2b3c4".into(), ended: Some(State::Back) },
        Refusal::NoDeployOfName { name: "1a2b3c4".into(), ended: Some(State::Failed) },
        Refusal::NoRecord {
            release: "20261121T081502Z-1a2b3c4".into(),
            commit: "1a2b3c4d5e6f1a2b3c4d5e6f1a2b3c4d5e6f1a2b".into(),
        },
        Refusal::NothingToSync,
        Refusal::NoMajority { environment: environment.clone(), serving: serving.clone(), unasked: 0 },
        Refusal::NoMajority { environment: environment.clone(), serving, unasked: 2 },
        Refusal::LiveDamaged {
            environment,
            release: "20261121T081502Z-1a2b3c4".into(),
            hosts: vec!["web1".into(), "web2".into()],
            damage: Damage::Emptied("app/server.js".into()),
            step: Step::Sync,
        },
        Refusal::UnknownCommit { release: "20261121T081502Z-1a2b3c4".into() },
        Refusal::NothingToRestart { hosts: vec!["web1".into()] },
    ];
    let text: Vec<String> = all
        .iter()
        .map(|refusal| {
            let hint = refusal.hint().map(|hint| with_commands(&hint, "production"));
            let hint = hint.map_or(String::new(), |hint| format!("\n  → {hint}"));
            format!("[{}] {}{hint}", refusal.step(), refusal.message())
        })
        .collect();
    insta::assert_snapshot!(text.join("\n"));
}

#[test]
fn what_runs_ask() {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let going = |app: Option<&str>, from: Option<&str>, commits| Going {
        app: app.map(str::to_owned),
        from: from.and_then(Version::parse),
        to: Version::parse("5d6e7f8a1b2c3d4e5f60718293a4b5c6d7e8f900").unwrap(),
        commits,
    };
    let from = Some("1a2b3c4d5e6f708192a3b4c5d6e7f80910213243");
    let environment = "production".to_owned();
    let (next, hosts) = ("batch 2 of 3".to_owned(), names(&["web3", "web4"]));
    let deploy = |changes: Vec<Going>, hosts: &[&str]| Question::Deploy {
        environment: environment.clone(),
        changes,
        hosts: names(hosts),
    };
    let batch = |live: &[&str]| Question::Batch {
        next: next.clone(),
        changes: vec![going(None, from, Some(3))],
        hosts: hosts.clone(),
        live: names(live),
    };
    let all = [
        deploy(vec![going(None, from, Some(3))], &["web1", "web2"]),
        deploy(vec![going(None, None, None)], &["web1"]),
        deploy(
            vec![going(Some("api"), from, Some(1)), going(Some("web"), from, None)],
            &["web1/api", "web2/web"],
        ),
        batch(&["web1", "web2"]),
        batch(&[]),
    ];
    insta::assert_snapshot!(all.map(|question| question.text()).join("\n"));
}
