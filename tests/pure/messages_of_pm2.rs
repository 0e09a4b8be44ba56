//! What is said of a file of pm2's that is read in place of a `shipit.toml`: every variant, to be read as a user reads them.

use std::path::PathBuf;
use std::time::Duration;

use shipit::config::{EcosystemError, Exported, Remark, RemarkKind};
use shipit::remote::supervisor_warning::SupervisorWarning;
use shipit::report::note::{Note, Warning};

use crate::messages::{gone, named, section};

#[test]
fn why_a_file_of_pm2_is_not_read() {
    let file = || PathBuf::from("/home/ann/shop/ecosystem.config.js");
    let said = || vec![named("loading"), named("done")];
    let errors = [
        EcosystemError::NotRun { file: file(), command: named("config") },
        EcosystemError::NoNode { file: file() },
        EcosystemError::NotStarted { file: file(), source: gone() },
        EcosystemError::TimedOut { file: file(), limit: Duration::from_secs(10), said: said() },
        EcosystemError::Waits { file: file(), said: Vec::new() },
        EcosystemError::Ended { file: file(), how: named("exit code 0"), said: said() },
        EcosystemError::Threw {
            file: file(),
            line: Some(3),
            message: named("threw Error: Cannot find module 'dotenv'"),
        },
        EcosystemError::Threw {
            file: file(),
            line: None,
            message: named("threw TypeError: x is not a function"),
        },
        EcosystemError::Exports { file: file(), line: Some(1), exported: Exported::Function },
        EcosystemError::Exports { file: file(), line: Some(1), exported: Exported::Promise },
        EcosystemError::Exports { file: file(), line: None, exported: Exported::Nothing },
        EcosystemError::Exports { file: file(), line: None, exported: Exported::Other },
        EcosystemError::TooMuch { file: file(), limit: 1 << 20 },
        EcosystemError::Garbled { file: file() },
        EcosystemError::NoDeploy { file: file() },
    ];
    insta::assert_snapshot!(section("errors", errors.iter().map(ToString::to_string)));
}

#[test]
fn how_a_file_of_pm2_is_understood() {
    let (key, hook, text) = (named("env.X"), named("pre-deploy"), named("npm ci"));
    let kinds = [
        RemarkKind::UnknownKey { key: named("post-deply"), nearest: Some(named("post-deploy")) },
        RemarkKind::UnknownKey { key: named("copy"), nearest: None },
        RemarkKind::OwnKey { key: named("shared") },
        RemarkKind::GivenTwice { key: named("post-deploy") },
        RemarkKind::Undefined { key: key.clone() },
        RemarkKind::Split { parts: vec![named("build `npm ci`"), named("supervisor pm2")] },
        RemarkKind::Kept { part: named("cp -r dist /var/www") },
        RemarkKind::DefaultHook { file: named("ecosystem.config.js") },
        RemarkKind::EnvEverywhere,
        RemarkKind::Dollar { key, value: named("`$HOME/x`") },
        RemarkKind::Dollar { key: named("env.PATH"), value: named("`/x:$PATH`") },
        RemarkKind::GitDropped { hook: hook.clone(), commands: named("git reset --hard") },
        RemarkKind::GitInHook { hook },
        RemarkKind::SetupBuilds { text },
        RemarkKind::SetupElsewhere,
        RemarkKind::NoTerminal,
        RemarkKind::AgentForAll,
        RemarkKind::AgentNotLent { value: named("no") },
        RemarkKind::LeftOut { line: named("set :rbenv_ruby, '3.2'"), to: None },
        RemarkKind::LeftOut { line: named("namespace :deploy do"), to: Some(19) },
        RemarkKind::Taken {
            key: named("branch"),
            value: named("`main`"),
            because: named("Capistrano asks for it, and this is its default"),
        },
        RemarkKind::PathOnHost { path: named("~/shop") },
    ];
    let remarks = kinds.map(|kind| Remark { place: named("ecosystem.config.js:7"), kind });
    let shown = remarks.iter().map(|remark| match remark.kind.is_warning() {
        true => Note::Warning(Warning::Ecosystem { remark }).to_string(),
        false => Note::Ecosystem { remark }.to_string(),
    });
    insta::assert_snapshot!(section("remarks", shown));
}

#[test]
fn what_the_driver_of_a_supervisor_warns_of() {
    let said = SupervisorWarning::ALL.iter().map(|(word, names)| {
        let fields: Vec<String> = names.iter().map(|name| format!("<{name}>")).collect();
        SupervisorWarning::parse(word, &fields).unwrap().message()
    });
    insta::assert_snapshot!(section("warnings", said));
}
