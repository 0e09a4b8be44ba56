//! Our settings beside those of `ssh -G`, field by field, for every row of `rows`.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::rows::{DIFFERENT, Row, SAME};
use crate::transport::ssh::config::settings::{LoginRules, Way};
use crate::transport::ssh::config::{Agent, Choice, ForwardAgent, Machine, Query, Settings, SshConfig, Stop};
use crate::transport::{ConnectError, NewKeys};

/// What ssh is given, and what stands for `${…}` and `SendEnv`.
const VARIABLES: [(&str, &str); 6] = [
    ("PATH", "/usr/bin:/bin"),
    ("KEYS", "/keys"),
    ("SOCK", "/run/other.sock"),
    ("LANG", "C.UTF-8"),
    ("LC_TIME", "C"),
    ("LC_ALL", "C"),
];

pub(super) struct Fixture {
    dir: tempfile::TempDir,
    pub(super) file: PathBuf,
    pub(super) home: PathBuf,
    pub(super) user: String,
}

pub(super) fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

impl Fixture {
    /// Files that rows may include lie in `DIR`.
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("user.conf", "User included\n"),
            ("block.conf", "Host web1\nPort 11\nHost other\nPort 12\n"),
            ("match.conf", "Match host web1\nPort 13\n"),
            ("a1.conf", "ConnectTimeout 1\n"),
            ("a2.conf", "ConnectTimeout 2\nConnectionAttempts 2\n"),
            ("bad.conf", "User x\nPort 0\n"),
            ("with space.conf", "User spaced\n"),
        ] {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        std::fs::create_dir(dir.path().join("empty")).unwrap();
        std::fs::write(dir.path().join("circle"), format!("Include {}/circle", dir.path().display()))
            .unwrap();
        let file = dir.path().join("config");
        // ssh takes both from the password database, whatever the environment says.
        let user = output("id", &["-un"]);
        let home = output("sh", &["-c", &format!("echo ~{user}")]).into();
        Self { dir, file, home, user }
    }

    pub(super) fn with(&self, text: &str) {
        std::fs::write(&self.file, text.replace("DIR", &self.dir.path().to_string_lossy())).unwrap();
    }

    /// Options, login, host.
    fn words<'a>(&self, command: &'a str) -> (Vec<String>, Option<&'a str>, &'a str) {
        let mut options = Vec::new();
        let mut rest = command;
        while let Some(option) = rest.strip_prefix("-o '") {
            let (option, behind) = option.split_once("' ").unwrap();
            options.push(option.to_owned());
            rest = behind;
        }
        match rest.split_once('@') {
            Some((user, host)) => (options, Some(user), host),
            None => (options, None, rest),
        }
    }

    pub(super) fn ours(&self, command: &str) -> Result<Settings, ConnectError> {
        let (options, user, host) = self.words(command);
        let variables = VARIABLES.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let machine = Machine::here(variables);
        let mut answers = HashMap::new();
        let config = SshConfig::load(std::slice::from_ref(&self.file), Path::new("/none"))?;
        loop {
            let (local_user, home) = (self.user.as_str(), self.home.as_path());
            let query = Query {
                host,
                user,
                port: None,
                options: &options,
                local_user,
                home,
                machine: &machine,
                answers: &answers,
            };
            match config.resolve(&query) {
                Ok(settings) => return Ok(settings),
                Err(Stop::Error(error)) => return Err(error),
                Err(Stop::Ask { command, .. }) => {
                    let status = Command::new("sh").arg("-c").arg(&command).status().unwrap();
                    answers.insert(command, status.success());
                }
            }
        }
    }

    fn ssh(&self, command: &str) -> Output {
        let (options, user, host) = self.words(command);
        let mut ssh = Command::new("ssh");
        ssh.args(["-T", "-G", "-F"]).arg(&self.file).env_clear().envs(VARIABLES);
        for option in options {
            ssh.arg("-o").arg(option);
        }
        if let Some(user) = user {
            ssh.arg("-l").arg(user);
        }
        ssh.arg(host).output().unwrap()
    }

    /// Where the two differ: a line each.
    fn differences(&self, (command, text): Row) -> Vec<String> {
        self.with(text);
        let theirs = self.ssh(command);
        let said = String::from_utf8_lossy(&theirs.stderr).into_owned();
        match (self.ours(command), theirs.status.success()) {
            (Ok(settings), true) => self.compare(&settings, &String::from_utf8_lossy(&theirs.stdout)),
            (Err(ConnectError::SshConfig { line: Some(line), reason, file }), false) => {
                let named =
                    said.contains(&format!("line {line}:")) || said.contains(&format!("line {line} "));
                let of_lines = said.contains(" line ") && file.is_absolute();
                if named || !of_lines {
                    Vec::new()
                } else {
                    vec![format!("line {line}: {reason}; ssh: {said}")]
                }
            }
            (Err(_), false) => Vec::new(),
            // A keyword that neither knows.
            (Ok(settings), false) if settings.needs_openssh.iter().any(|need| !need.known) => Vec::new(),
            (Ok(_), false) => vec![format!("only ssh refuses: {said}")],
            (Err(error), true) => vec![format!("only shipit refuses: {error}")],
        }
    }

    fn compare(&self, ours: &Settings, theirs: &str) -> Vec<String> {
        let mut said: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for line in theirs.lines() {
            let (key, value) = line.split_once(' ').unwrap_or((line, ""));
            said.entry(key).or_default().push(value.to_owned());
        }
        let mut different = Vec::new();
        for (key, value) in self.as_ssh_prints(ours, &said) {
            let mut theirs = said.get(key).cloned().unwrap_or_default();
            if ["identityfile", "certificatefile", "identityagent", "userknownhostsfile"].contains(&key) {
                theirs.iter_mut().for_each(|text| *text = self.expanded(text, ours));
            }
            if value != theirs {
                different.push(format!("{key}: {value:?}; ssh: {theirs:?}"));
            }
        }
        different
    }

    /// `ssh -G` leaves `~`, tokens and variables in files as they are.
    fn expanded(&self, text: &str, settings: &Settings) -> String {
        let home = self.home.to_string_lossy();
        let mut text = text.strip_prefix('~').map_or(text.to_owned(), |rest| format!("{home}{rest}"));
        let port = settings.port.to_string();
        for (token, value) in [
            ("%d", home.as_ref()),
            ("%u", &self.user),
            ("%h", &settings.hostname),
            ("%r", &settings.user),
            ("%n", &settings.asked),
            ("%p", &port),
            ("%k", settings.trust.alias.as_deref().unwrap_or(&settings.asked)),
            ("${KEYS}", "/keys"),
            ("$SOCK", "/run/other.sock"),
            ("%%", "%"),
        ] {
            text = text.replace(token, value);
        }
        text
    }

    /// Our settings in ssh's words, as far as they are said.
    fn as_ssh_prints<'a>(
        &self,
        ours: &Settings,
        theirs: &BTreeMap<&str, Vec<String>>,
    ) -> Vec<(&'a str, Vec<String>)> {
        let (way, trust, login) = (&ours.way, &ours.trust, &ours.login);
        let mut lines = vec![
            ("hostname", vec![ours.hostname.clone()]),
            ("user", vec![ours.user.clone()]),
            ("port", vec![ours.port.to_string()]),
            ("hostkeyalias", trust.alias.iter().cloned().collect()),
            ("hashknownhosts", yes(trust.hashed)),
            ("requiredrsasize", vec![ours.algorithms.rsa_bits.to_string()]),
            (
                "forwardagent",
                vec![match &ours.session.forward_agent {
                    ForwardAgent::No => "no".to_owned(),
                    ForwardAgent::Yes => "yes".to_owned(),
                    ForwardAgent::Socket(path) => path.to_string_lossy().into_owned(),
                }],
            ),
        ];
        lines.extend(way_lines(way));
        lines.extend(login_lines(login));
        // Debian's ssh has 300 s where BatchMode is set.
        if !login.batch {
            lines.push(("serveraliveinterval", seconds(way.alive_interval, "0")));
        }
        if login.identities_set {
            let none = theirs["identityfile"].iter().filter(|file| *file == "none").cloned();
            lines.push(("identityfile", none.chain(paths(&login.identity_files)).collect()));
        }
        for (key, files) in
            [("userknownhostsfile", &trust.user_files), ("globalknownhostsfile", &trust.global_files)]
        {
            if let Some(files) = files {
                let all = paths(files);
                lines.push((key, vec![if all.is_empty() { "none".to_owned() } else { all.join(" ") }]));
            }
        }
        let checking = match trust.new_keys {
            NewKeys::Ask => "ask",
            NewKeys::Refuse => "true",
            NewKeys::Accept if theirs["stricthostkeychecking"] == ["false"] => "false",
            NewKeys::Accept => "accept-new",
        };
        lines.push(("stricthostkeychecking", vec![checking.to_owned()]));
        lines.extend(commands(ours, theirs));
        lines.extend(variables(ours, theirs));
        lines.extend(algorithms(ours));
        lines
    }
}

fn yes(flag: bool) -> Vec<String> {
    vec![if flag { "yes" } else { "no" }.to_owned()]
}

fn paths(files: &[PathBuf]) -> Vec<String> {
    files.iter().map(|file| file.to_string_lossy().into_owned()).collect()
}

fn seconds(time: Option<std::time::Duration>, unset: &str) -> Vec<String> {
    vec![time.map_or(unset.to_owned(), |time| time.as_secs().to_string())]
}

fn way_lines(way: &Way) -> Vec<(&'static str, Vec<String>)> {
    vec![
        (
            "proxyjump",
            Some(way.jumps.join(",").replace("ssh://", ""))
                .filter(|jumps| !jumps.is_empty())
                .into_iter()
                .collect(),
        ),
        (
            "addressfamily",
            vec![
                format!("{:?}", way.family)
                    .replace("V4", "inet")
                    .replace("V6", "inet6")
                    .replace("Any", "any"),
            ],
        ),
        ("bindaddress", way.bind_address.iter().cloned().collect()),
        ("bindinterface", way.bind_interface.iter().cloned().collect()),
        ("connecttimeout", seconds(way.connect_timeout, "none")),
        ("connectionattempts", vec![way.attempts.to_string()]),
        ("serveralivecountmax", vec![way.alive_count.to_string()]),
        ("tcpkeepalive", yes(way.tcp_keepalive)),
        ("compression", yes(way.compression)),
    ]
}

fn login_lines(login: &LoginRules) -> Vec<(&'static str, Vec<String>)> {
    vec![
        ("identitiesonly", yes(login.identities_only)),
        ("certificatefile", paths(&login.certificates)),
        ("pubkeyauthentication", vec![login.public_key.to_string()]),
        ("passwordauthentication", yes(login.password)),
        ("kbdinteractiveauthentication", yes(login.keyboard)),
        ("numberofpasswordprompts", vec![login.prompts.to_string()]),
        ("batchmode", yes(login.batch)),
        ("preferredauthentications", login.preferred.iter().map(|list| list.join(",")).collect()),
        (
            "identityagent",
            match &login.agent {
                Agent::Session => Vec::new(),
                Agent::None => vec!["none".to_owned()],
                Agent::Socket(path) => vec![path.to_string_lossy().into_owned()],
            },
        ),
    ]
}

/// `ssh -G` prints the command without its tokens replaced.
fn commands(ours: &Settings, theirs: &BTreeMap<&str, Vec<String>>) -> Option<(&'static str, Vec<String>)> {
    let theirs = theirs.get("proxycommand")?.first()?;
    let replaced = theirs
        .replace("%h", &ours.hostname)
        .replace("%p", &ours.port.to_string())
        .replace("%r", &ours.user)
        .replace("%n", &ours.asked);
    let same = ours.way.proxy_command.as_deref().unwrap_or("none") == replaced;
    Some((
        "proxycommand",
        if same { vec![theirs.clone()] } else { vec![format!("{:?}", ours.way.proxy_command)] },
    ))
}

/// What would be sent is what their patterns and settings say.
fn variables(ours: &Settings, theirs: &BTreeMap<&str, Vec<String>>) -> Option<(&'static str, Vec<String>)> {
    let none = Vec::new();
    let patterns = theirs.get("sendenv").unwrap_or(&none);
    let wanted =
        |name: &str| patterns.iter().any(|pattern| crate::transport::ssh::pattern::matches(pattern, name));
    let sent =
        VARIABLES.iter().filter(|(name, _)| wanted(name)).map(|(name, value)| format!("{name}={value}"));
    let all: Vec<String> = sent.chain(theirs.get("setenv").unwrap_or(&none).iter().cloned()).collect();
    let pairs = ours.session.variables.iter().map(|(name, value)| format!("{name}={value}"));
    let pairs: Vec<String> = pairs.collect();
    (pairs != all).then_some(("sendenv", pairs))
}

/// Their default list is the ground on which our choices are made.
fn algorithms(ours: &Settings) -> Vec<(&'static str, Vec<String>)> {
    let all = &ours.algorithms;
    let chosen: Vec<(&'static str, &Choice)> = [
        ("ciphers", &all.ciphers),
        ("macs", &all.macs),
        ("kexalgorithms", &all.kex),
        ("hostkeyalgorithms", &all.host_keys),
        ("pubkeyacceptedalgorithms", &all.user_keys),
        ("casignaturealgorithms", &all.authorities),
    ]
    .into_iter()
    .filter_map(|(key, choice)| Some((key, choice.as_ref()?)))
    .collect();
    if chosen.is_empty() {
        return Vec::new();
    }
    let fixture = Fixture::new();
    fixture.with("");
    let default = String::from_utf8(fixture.ssh("web1").stdout).unwrap();
    let list_of = |key: &str| {
        let line = default.lines().find(|line| line.starts_with(&format!("{key} "))).unwrap();
        line.split_once(' ').unwrap().1.split(',').map(str::to_owned).collect::<Vec<_>>()
    };
    let made = |(key, choice): (&'static str, &Choice)| {
        let list = list_of(key);
        let list: Vec<&str> = list.iter().map(String::as_str).collect();
        (key, vec![choice.of(&list).join(",")])
    };
    chosen.into_iter().map(made).collect()
}

/// The rows that differ, as text.
fn wrong(rows: &[Row]) -> Vec<String> {
    let fixture = Fixture::new();
    let rows = rows.iter().map(|row| (row, fixture.differences(*row)));
    rows.filter(|(_, different)| !different.is_empty())
        .map(|((command, text), different)| format!("{command}\n{text}\n  {}", different.join("\n  ")))
        .collect()
}

/// Each row is a process of `ssh`, so that they run side by side.
#[test]
fn the_same_settings_as_openssh() {
    const AT_ONCE: usize = 4;
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let parts = SAME.chunks(SAME.len().div_ceil(AT_ONCE));
        let running: Vec<_> = parts.map(|rows| scope.spawn(move || wrong(rows))).collect();
        running.into_iter().flat_map(|part| part.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), SAME.len(), wrong.join("\n\n"));
    assert!(SAME.len() + DIFFERENT.len() >= 100);
}

#[test]
fn different_on_purpose() {
    let fixture = Fixture::new();
    for (row, why) in DIFFERENT {
        assert!(!fixture.differences(*row).is_empty(), "no longer different: {row:?} ({why})");
    }
}
