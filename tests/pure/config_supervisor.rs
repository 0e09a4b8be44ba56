//! `supervisor` of a kind that shipit knows: what its adapter on a host is told.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;

use shipit::config::{self, KnownSupervisor};

fn load(line: &str) -> Result<config::Environment, config::ConfigError> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("shipit.toml");
    let host = "host = { host = 'web1', roles = ['web'] }";
    fs::write(
        &file,
        format!("[deploy.production]\nrepo = 'r:shop'\nref = 'main'\npath = '/srv/shop'\n{host}\n{line}\n"),
    )
    .unwrap();
    config::load(&file, "production")
}

fn parameters(line: &str) -> String {
    let environment = load(line).unwrap();
    let supervisors = environment.apps[0].supervisors_on(&environment.hosts[0]);
    let text = |known: &KnownSupervisor| {
        let pairs = known.parameters().into_iter().map(|(key, value)| format!("{key}={value}"));
        format!("{}: {}", known.program.name(), pairs.collect::<Vec<_>>().join(" "))
    };
    supervisors.iter().filter_map(|one| one.known()).map(text).collect::<Vec<_>>().join("; ")
}

#[test]
fn a_supervisor_has_the_parameters_that_its_adapter_is_told() {
    for (line, expected) in [
        ("supervisor = 'pm2'", "pm2: strategy=reload stable-for=5 environment=production"),
        ("supervisor = 'systemd'", "systemd: strategy=restart stable-for=5 unit=shop"),
        (
            "supervisor = { kind = 'pm2', name = ['a b', 'c'], env = '{env}', stable-for = '500ms', jobs = 'j' }",
            "pm2: strategy=reload stable-for=1 only=a b only=c env=production jobs=j environment=production",
        ),
        (
            "supervisor = { kind = 'supervisord', service = 'web:*', sudo = true, wait-port = 80, stable-for = 0 }",
            "supervisord: strategy=restart stable-for=0 wait-port=80 sudo=yes service=web:*",
        ),
        (
            "supervisor = [{ kind = 's6', roles = 'web' }, { kind = 'runit', roles = 'web' }]",
            "s6: strategy=restart stable-for=5 service=shop; runit: strategy=restart stable-for=5 service=shop",
        ),
    ] {
        assert_eq!(parameters(line), expected, "{line}");
    }
}

#[test]
fn a_supervisor_of_other_roles_is_not_on_the_host() {
    assert_eq!(parameters("supervisor = [{ kind = 's6', roles = 'web' }]").matches("s6").count(), 1);
}

#[test]
fn a_reload_has_more_time_than_it_is_watched() {
    for line in [
        "timeout = { reload = '20s' }\nsupervisor = { kind = 's6', stable-for = '20s' }",
        "timeout = { reload = '20s' }\nsupervisor = [{ kind = 'pm2' }, { kind = 's6', stable-for = '1m' }]",
        "timeout = { reload = '4s' }\nsupervisor = 'systemd'",
        "supervisor = { kind = 's6', stable-for = '2m' }",
    ] {
        let error = load(line).unwrap_err().to_string();
        assert!(error.contains("`timeout.reload` ends a reload after"), "{line}: {error}");
        assert_eq!(error.contains("the limit"), line.contains("timeout"), "{line}: both places: {error}");
    }
    assert!(load("timeout = { reload = '21s' }\nsupervisor = { kind = 's6', stable-for = '20s' }").is_ok());
    assert!(load("timeout = { reload = '1s' }\nsupervisor = { reload = 'true' }").is_ok());
}

#[test]
fn a_name_is_one_when_it_is_filled_in() {
    for (service, fault) in [
        ("web-{envv}", "`web-{envv}` is not a name that s6 can have"),
        ("{app", "`{app` is not a name"),
        ("x}", "`x}` is not a name"),
    ] {
        let error = load(&format!("supervisor = {{ kind = 's6', service = '{service}' }}")).unwrap_err();
        assert!(error.to_string().contains(fault), "{service}: {error}");
    }
    assert!(load("supervisor = { kind = 's6', service = '{app}-{env}@{host}' }").is_ok());
}
