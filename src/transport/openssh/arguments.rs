//! The arguments of `ssh`: what shipit.toml says about a host, and what must not be as the user's configuration has it.
//!
//! Pure. The first value of an option counts, so that these win over every file. Values are quoted as `ssh` reads them; its
//! tokens (`%h`) are not expanded in them.

use std::path::Path;

use super::options::Options;
use crate::config::Host;

/// The words of a command line.
pub(super) type Words = Vec<String>;

/// What would hang, fork, ask or open something beside the program that is run.
const OVERRIDDEN: [&str; 9] = [
    "RemoteCommand=none",
    "ForkAfterAuthentication=no",
    "StdinNull=no",
    "ClearAllForwardings=yes",
    "Tunnel=no",
    "ForwardX11=no",
    "EscapeChar=none",
    "VisualHostKey=no",
    "ControlPersist=no",
];

/// For every `ssh` to this host. The host itself is not among them: it comes last, after `--`.
pub(super) fn of_host(host: &Host, options: &Options) -> Words {
    let mut words = Words::new();
    let mut option = |text: String| words.extend(["-o".to_owned(), text]);
    OVERRIDDEN.iter().for_each(|text| option((*text).to_owned()));
    option(format!("BatchMode={}", if options.interactive { "no" } else { "yes" }));
    option(format!("ConnectTimeout={}", options.connect_timeout.as_secs().max(1)));
    option(format!("ServerAliveInterval={}", options.keepalive.as_secs().max(1)));
    option("ServerAliveCountMax=3".to_owned());
    if let Some(user) = &host.user {
        option(format!("User={}", value(user)));
    }
    if let Some(port) = host.port {
        option(format!("Port={port}"));
    }
    if let Some(key) = &host.key {
        option(format!("IdentityFile={}", path(key)));
        option("IdentitiesOnly=yes".to_owned());
    }
    match host.jump.as_deref() {
        None => {}
        Some([]) => option("ProxyJump=none".to_owned()),
        Some(jumps) => option(format!("ProxyJump={}", jumps.join(","))),
    }
    // Lines of ssh_config already, in ssh's own quoting.
    host.ssh_options.iter().for_each(|line| option(line.clone()));
    words
}

/// Where the key that the host shows is kept, and which one is pinned.
pub(super) fn known_keys(script: &Path, file: &Path, pinned: Option<&str>) -> Words {
    let command =
        format!("/bin/sh {} {} {} %I %H %t %K %f", path(script), path(file), pinned.unwrap_or("none"));
    let mut words = vec!["-o".to_owned(), format!("KnownHostsCommand={command}")];
    if pinned.is_some() {
        let only = ["UserKnownHostsFile=none", "GlobalKnownHostsFile=none", "StrictHostKeyChecking=yes"];
        let only = only.into_iter().chain(["UpdateHostKeys=no", "VerifyHostKeyDNS=no"]);
        words.extend(only.flat_map(|text| ["-o".to_owned(), text.to_owned()]));
    }
    words
}

/// A path as the value of an option that knows tokens.
pub(super) fn path(path: &Path) -> String {
    value(&path.to_string_lossy().replace('%', "%%"))
}

/// A value in quotes, for `ssh` takes options apart at blanks.
fn value(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::process::Command;

    use super::*;

    fn host() -> Host {
        Host {
            name: "web1".into(),
            machine: "web1".into(),
            local: false,
            user: None,
            port: None,
            key: None,
            jump: None,
            host_key: None,
            forward_agent: crate::config::ForwardAgent::No,
            ssh_options: vec!["SetEnv A=\"b c\"".into(), "ProxyJump first.example.com".into()],
            ssh: crate::config::SshClient::OpenSsh,
            roles: Vec::new(),
        }
    }

    /// What `ssh -G` says that it understood.
    fn understood(host: &Host) -> String {
        let options = Options::new("shipit".into(), Vec::new());
        let said = Command::new("ssh")
            .args(["-F", "none", "-G"])
            .args(of_host(host, &options))
            .args(known_keys(Path::new("/tmp/a b%/keys"), Path::new("/tmp/a b%/1"), host.host_key.as_deref()))
            .args(["--", &host.machine])
            .output()
            .unwrap();
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        String::from_utf8(said.stdout).unwrap()
    }

    #[test]
    fn ssh_reads_hostile_values_as_they_are_meant() {
        let mut host = host();
        host.user = Some("%h".into());
        host.port = Some(2222);
        host.key = Some(PathBuf::from("/home/u/my \"keys\"\\ -o/%h"));
        host.jump = Some(vec!["ops@gate:2200".into(), "inner".into()]);
        host.host_key = Some(format!("SHA256:{}", "a".repeat(43)));
        let text = understood(&host);
        for line in [
            "user %h",
            "port 2222",
            "identityfile /home/u/my \"keys\"\\ -o/%%h",
            "proxyjump ops@gate:2200,inner",
            "identitiesonly yes",
            "batchmode yes",
            "userknownhostsfile none",
            "stricthostkeychecking true",
            "setenv A=b c",
            "connecttimeout 10",
            "serveraliveinterval 15",
        ] {
            assert!(text.lines().any(|said| said == line), "{line}\nin {text}");
        }
        host.jump = Some(Vec::new());
        assert!(!understood(&host).contains("proxyjump gate"));
    }
}
