//! Findings as a user reads them: words of hosts in, text out.

use std::path::Path;

use super::*;
use crate::config::{self, Environment};
use crate::executor::event::{Failure, FailureKind};
use crate::executor::{Checked, Clock};
use crate::git::{Changes, GitError, LocalState, Unchecked};
use crate::remote::step::Step;
use crate::remote::supervisor_warning::SupervisorWarning;
use crate::transport::Forwarding;

const LINES: &str = "repo = \"git@git.example.com:acme/shop.git\"\nref = \"main\"\npath = \"/var/www/shop\"\n\
    host = [{ host = \"web1\", user = \"deploy\", port = 2222, jump = [\"gate\", \"inner\"] }, \"web2\", \"localhost\"]\n";

fn environment(lines: &str) -> Environment {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("shipit.toml");
    std::fs::write(&file, format!("[deploy.production]\n{LINES}{lines}")).unwrap();
    config::load(&file, "production").unwrap_or_else(|error| panic!("{error}"))
}

/// Lines of a word and its values, as a host's login `deploy` would answer.
fn answers(lines: &[&[&str]]) -> Checked {
    let me: &[&str] = &["me", "deploy", "1000", "apt-get", "/var/www/shop", "/home/deploy"];
    let found = std::iter::once(&me)
        .chain(lines)
        .map(|line| (line[0].to_owned(), line[1..].iter().map(|value| (*value).to_owned()).collect()));
    Checked { host: "web1".into(), found: found.collect(), clock: None, forwarding: None, failure: None }
}

fn shown(lines: &str, host: usize, checked: &Checked) -> String {
    let environment = environment(lines);
    render(&[examine(&environment, &environment.sites[host], checked)], false, usize::MAX)
}

/// The remedies alone.
fn remedies(lines: &str, host: usize, answer: &[&str]) -> Vec<String> {
    let environment = environment(lines);
    let group = examine(&environment, &environment.sites[host], &answers(&[answer]));
    group.findings.into_iter().flat_map(|finding| finding.remedy).collect()
}

#[test]
fn remedies_go_the_way_of_the_host() {
    let git: &[&str] = &["git", "", "/usr/bin"];
    let install = "'sudo apt-get install -y git'";
    assert_eq!(remedies("", 0, git), [format!("ssh -t -J gate,inner -p 2222 deploy@web1 {install}")]);
    assert_eq!(remedies("", 1, git), [format!("ssh -t web2 {install}")]);
    assert_eq!(remedies("", 2, git), ["sudo apt-get install -y git"]);
    assert_eq!(remedies("key = \"/k/my key\"\n", 1, git), [format!("ssh -t -i '/k/my key' web2 {install}")]);
}

#[test]
fn a_directory_that_is_closed() {
    for (answer, remedy) in [
        (
            ["closed", "/var/www", "root", "drwxr-xr-x"],
            "ssh -t web2 'sudo mkdir -p /var/www/shop && sudo chown deploy /var/www/shop'",
        ),
        (["closed", "/var/www/shop", "root", "drwxr-xr-x"], "ssh -t web2 'sudo chown deploy /var/www/shop'"),
        (
            ["closed", "/var/www/shop/shared", "root", "drwxr-xr-x"],
            "ssh -t web2 'sudo chown deploy /var/www/shop/shared'",
        ),
        (
            ["closed", "/var/www/shop/.shipit", "root", "drwxr-xr-x"],
            "ssh -t web2 'sudo chown -R deploy /var/www/shop/.shipit'",
        ),
        (
            ["closed", "/var/www/shop/.shipit", "ann", "drwx------"],
            "set user = \"ann\" in shipit.toml, or another `path`",
        ),
        (["closed", "/var/www/shop", "deploy", "dr-xr-xr-x"], "ssh web2 'chmod u+rwx /var/www/shop'"),
        (
            ["closed", "/var/www/shop", "deploy", "drwxr-xr-x"],
            r#"ssh -t web2 'sudo mount -o remount,rw "$(df -P /var/www/shop | awk '\''END { print $NF }'\'')"'"#,
        ),
    ] {
        assert_eq!(remedies("", 1, &answer), [remedy], "{answer:?}");
    }
}

#[test]
fn what_makes_a_deploy_fail_is_broken_and_the_rest_warns() {
    let broken = |answer: &[&str]| {
        let environment = environment("");
        examine(&environment, &environment.sites[1], &answers(&[answer])).is_broken()
    };
    let table: &[(&[&str], bool)] = &[
        (&["git", "2.39.5", ""], false),
        (&["git", "2.29.0.windows.1", ""], false),
        (&["git", "2.28.9", ""], true),
        (&["git", "1.8.3.1 (Apple Git-46)", ""], true),
        (&["git", "", ""], true),
        (&["space", "1025", "0", "/"], false),
        (&["space", "1024", "0", "/"], true),
        (&["space", "5000", "6000", "/"], true),
        (&["space", "much", "6000", "/"], false),
        (&["inodes", "1000", "99", "/"], true),
        (&["inodes", "0", "0", "/"], false),
        (&["inodes", "-", "-", "/"], false),
        (&["repository", "ok", ""], false),
        (&["repository", "slow", ""], true),
        (&["repository", "", "fatal: x"], true),
        (&["foreign", "/var/www/shop/current", "elsewhere"], true),
        (&["undecided", "/var/www/shop/source", ".env, uploads"], true),
        (&["damaged", "20261121T081502Z-1a2b3c4", "missing app.js"], true),
        (&["damaged", "20261121T081502Z-1a2b3c4", "eaten app.js"], false),
        (&["blocked", "/var/www"], true),
        (&["setup", "missing"], true),
        (&["kills", "deploy"], false),
        (&["home", "/home/deploy"], false),
        (&["source-damaged", "/var/www/shop/source"], true),
        (&["repository", "format", ""], true),
        (&["linger", "no"], false),
        (&["scratch", "/tmp"], true),
    ];
    for (answer, expected) in table {
        assert_eq!(broken(answer), *expected, "{answer:?}");
    }
}

#[test]
fn tools_of_a_login_become_one_line_of_the_file() {
    let checked = answers(&[
        &["tool", "node", "/opt/node/bin"],
        &["tool", "pm2", "/home/deploy/.npm-global/bin"],
        &["tool", "npm", "/opt/node/bin"],
        &["tool", "magick", ""],
    ]);
    insta::assert_snapshot!(shown("prepend-path = [\"~/bin\"]\n", 1, &checked), @r##"
    web1
      broken: magick, which a hook starts, is not found on this host
        add its directory to prepend-path in shipit.toml, or install it, if its package has the same name:
          ssh -t web2 'sudo apt-get install -y magick'
      broken: node, pm2 and npm: on the PATH of a login shell, but not on that of hooks
        in shipit.toml, in [deploy.production] or [defaults]:
          prepend-path = ["~/bin", "/opt/node/bin", "~/.npm-global/bin"]
    "##);
}

#[test]
fn a_git_server_and_its_fingerprint() {
    let checked = answers(&[
        &["repository", "unknown-key", "Host key verification failed."],
        &["server-key", "SHA256:rsa", "git.example.com ssh-rsa AAAA", "~/.ssh/known_hosts"],
        &["server-key", "SHA256:ed", "git.example.com ssh-ed25519 AAAA", "~/.ssh/known_hosts"],
    ]);
    insta::assert_snapshot!(shown("", 1, &checked), @r##"
    web1
      broken: unknown host key of the git server: Host key verification failed.
        only if SHA256:ed is the fingerprint that the owner of the server publishes:
          ssh web2 'mkdir -p -m 700 ~/.ssh && echo '\''git.example.com ssh-ed25519 AAAA'\'' >>~/.ssh/known_hosts'
    "##);
}

#[test]
fn clocks_and_forwarding() {
    let apart = |ahead: f64, unsure: f64| {
        let checked = Checked { clock: Some(Clock { ahead, unsure }), ..answers(&[]) };
        shown("", 1, &checked)
    };
    for (ahead, unsure) in [(5.4, 0.5), (-5.4, 0.5), (20.0, 16.0)] {
        assert_eq!(apart(ahead, unsure), "web1: ok\n");
    }
    assert!(apart(61.2, 0.6).contains("warning: its clock is 61 s ahead of the one here"));
    let forwarding = |forwarding| shown("", 1, &Checked { forwarding: Some(forwarding), ..answers(&[]) });
    assert_eq!(forwarding(Forwarding::Allowed), "web1: ok\n");
    insta::assert_snapshot!(forwarding(Forwarding::Forbidden), @r##"
    web1
      warning: sshd forbids forwarding: shipit cannot connect to services of the host, and it cannot be a jump host
        or the key is restricted in authorized_keys (restrict, no-port-forwarding); where sshd_config includes sshd_config.d:
          ssh -t web2 'sudo sh -c '\''printf "Match User %s\n  DisableForwarding no\n  AllowTcpForwarding local\n" deploy >/etc/ssh/sshd_config.d/zz-shipit.conf && { systemctl reload ssh || systemctl reload sshd; }'\'''
    "##);
}

#[test]
fn who_is_not_reached_and_what_a_host_breaks_off() {
    let failure = |kind, message: &str| Failure {
        kind,
        step: Step::Connect,
        exit: None,
        message: message.into(),
        reason: None,
        hint: Some("first\n  second".into()),
        tail: Vec::new(),
    };
    let unreached = Checked { failure: Some(failure(FailureKind::Unreachable, "no route")), ..answers(&[]) };
    assert_eq!(shown("", 1, &unreached), "web1\n  not reached: no route\n    first\n      second\n");
    let broken = Checked { failure: Some(failure(FailureKind::Step, "no shell came up")), ..answers(&[]) };
    assert_eq!(shown("", 1, &broken), "web1\n  broken: no shell came up\n    first\n      second\n");
}

#[test]
fn nothing_of_a_host_reaches_the_terminal_or_leaves_its_quotes() {
    let evil = "x'; touch hurt; '\u{1b}[2J\u{202e}";
    for word in [
        "closed",
        "blocked",
        "foreign",
        "undecided",
        "tool",
        "git",
        "repository",
        "server-key",
        "key",
        "space",
        "profile",
        "damaged",
        "home",
    ] {
        let text = shown("", 1, &answers(&[&[word, evil, evil, evil]]));
        assert!(!text.chars().any(|c| c == '\u{1b}' || c == '\u{202e}'), "{text:?}");
        for line in text.lines().filter(|line| line.starts_with("      ssh ")) {
            // ssh's own words, counted: nothing of the line has run here, and all of it is one command of ssh.
            let count = format!("ssh() {{ echo $#; }}\n{line}");
            let words = std::process::Command::new("sh").args(["-c", &count]).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&words.stdout).lines().count(), 1, "{line}");
        }
    }
}

#[test]
fn what_is_seen_here() {
    const REPO: &str = "git@example.com:acme/shop.git";
    let work_tree = |state| here::work_tree(&state, Path::new("/work"), REPO).unwrap();
    let findings = [
        here::missing_variable("TOKEN", "CI_TOKEN"),
        here::dead_agent(Path::new("/run/agent")),
        here::work_tree(
            &Ok(LocalState::Dirty(Changes { files: vec!["a b".into()], total: 3, used: Vec::new() })),
            Path::new("/my work"),
            REPO,
        )
        .unwrap(),
        work_tree(Ok(LocalState::Unpushed { commits: 2 })),
        work_tree(Ok(LocalState::Unchecked(Unchecked::NoGit))),
        work_tree(Ok(LocalState::Unchecked(Unchecked::OtherAddress { address: "work:acme/shop".into() }))),
        work_tree(Err(GitError::NotOwned { path: "/my work".into() })),
    ];
    let group =
        Group { name: "this machine".into(), findings: findings.into(), target: None, unreached: None };
    insta::assert_snapshot!(render(&[group], false, usize::MAX), @r##"
    this machine
      broken: `env.TOKEN` needs the variable CI_TOKEN, which is not set here
        with its value:
          export CI_TOKEN=
      warning: SSH_AUTH_SOCK names /run/agent, and no agent answers there
          eval "$(ssh-agent)" && ssh-add
      warning: a b and 2 more have uncommitted changes that would not be deployed
        a deploy is refused unless --force is given; to commit and push them:
          git -C '/my work' commit --all && git -C '/my work' push
      warning: 2 commits are not pushed and would not be deployed
        a deploy is refused unless --force is given:
          git -C /work push
      warning: did not look for uncommitted changes and unpushed commits: git is not installed here
      warning: did not look for uncommitted changes and unpushed commits: the remote of this work tree is work:acme/shop, not git@example.com:acme/shop.git
        if both are the same:
          git -C /work remote set-url origin git@example.com:acme/shop.git
      warning: git does not read the work tree /my work, because it belongs to another user
          git config --global --add safe.directory '/my work'
    "##);
}

fn host_of(name: &str, target: &str, findings: Vec<Finding>) -> Group {
    Group { name: name.into(), findings, target: Some(target.into()), unreached: None }
}

#[test]
fn the_same_trouble_on_several_hosts_is_one_item() {
    let tool = |tool: &str| Problem::Tool(Tool::Missing { tool: tool.to_owned() });
    let install = |target: &str| format!("ssh -t {target} 'sudo apt-get install -y nodejs'");
    let missing = |target: &str| Finding::new(tool("node"), install(target));
    let not_set_up = || Finding::new(Problem::NotSetUp, "shipit production setup".to_owned());
    let not_saved = |host: &str| {
        let dump = SupervisorWarning::NoDump { home: "/home/node/.pm2".to_owned() };
        let line = format!("shipit production exec --hosts {host} pm2 save");
        Finding::new(Problem::SupervisorWarning(dump), line)
    };
    let groups = [
        host_of("web1", "deploy@web1", vec![missing("deploy@web1"), not_set_up(), not_saved("web1")]),
        host_of(
            "web2",
            "deploy@web2",
            vec![Finding::from(tool("npm")), missing("deploy@web2"), not_set_up()],
        ),
        host_of("web3", "deploy@web3", vec![missing("deploy@web3"), not_set_up(), not_saved("web3")]),
        host_of("web4", "web4", vec![]),
    ];
    insta::assert_snapshot!(render(&groups, false, usize::MAX), @r#"
    web1, web2, web3
      broken: node, which a hook starts, is not found on this host
        add its directory to prepend-path in shipit.toml, or install it, if its package has the same name:
          for host in deploy@web1 deploy@web2 deploy@web3; do ssh -t "$host" 'sudo apt-get install -y nodejs'; done
      broken: not set up yet
          shipit production setup
    web1, web3
      warning: pm2 starts no app when the machine boots: nothing is saved in /home/node/.pm2
          shipit production exec --hosts web1,web3 pm2 save
    web2
      broken: npm, which a hook starts, is not found on this host
        add its directory to prepend-path in shipit.toml, or install it, if its package has the same name:
    web4: ok
    "#);
}

#[test]
fn hosts_that_are_not_reached_for_one_reason_are_named_together() {
    let unreached = |name: &str, message: &str, hint: &str| {
        let failure = Failure {
            kind: FailureKind::Unreachable,
            step: Step::Connect,
            exit: None,
            message: message.to_owned(),
            reason: None,
            hint: Some(hint.to_owned()),
            tail: Vec::new(),
        };
        Group { unreached: Some(failure), ..host_of(name, name, vec![]) }
    };
    let denied = |name: &str, address: &str| {
        let text = format!("permission denied for user deploy at {name} ({address}:22): offered id_ed25519");
        let hint = format!("put one of these keys into ~deploy/.ssh/authorized_keys on {name}");
        unreached(name, &text, &hint)
    };
    let groups = [
        denied("web1", "203.0.113.1"),
        unreached("web10", "no TCP connection to web10 (203.0.113.10:22)", "is it up?"),
        denied("web2", "203.0.113.2"),
    ];
    insta::assert_snapshot!(render(&groups, false, usize::MAX), @r"
    web1, web2
      not reached: permission denied for user deploy at each host: offered id_ed25519
        put one of these keys into ~deploy/.ssh/authorized_keys on each host
    web10
      not reached: no TCP connection to web10 (203.0.113.10:22)
        is it up?
    ");
}

#[test]
fn what_is_typed_where_a_reboot_would_lose_something() {
    let table: &[(&[&str], Option<&str>)] = &[
        (&["no-boot-unit"], Some("shipit production exec --hosts web1 pm2 startup")),
        (
            &["unit-broken", "pm2-node.service", "/nvm/node"],
            Some("shipit production exec --hosts web1 pm2 startup"),
        ),
        (&["no-dump", "/home/node/.pm2"], Some("shipit production exec --hosts web1 pm2 save")),
        (&["not-in-dump", "/home/node/.pm2", "web"], Some("shipit production exec --hosts web1 pm2 save")),
        (
            &["dump-pinned", "/home/node/.pm2", "web", "/x"],
            Some("shipit production exec --hosts web1 pm2 save"),
        ),
        (
            &["log-not-rotated", "/logs/web.log"],
            Some("shipit production exec --hosts web1 pm2 install pm2-logrotate"),
        ),
        (&["log-moved", "/logs/web.log", "/etc/logrotate.d/web"], None),
        (
            &["unit-disabled", "pm2-node.service"],
            Some("ssh -t web2 'sudo systemctl enable pm2-node.service'"),
        ),
        (&["unit-not-enabled", "user", "web"], Some("ssh web2 'systemctl --user enable web'")),
        (
            &["unit-not-enabled", "system", "web;reboot"],
            Some(r"ssh -t web2 'sudo systemctl enable '\''web;reboot'\'''"),
        ),
        (&["down-file", "web", "/var/service/web/down"], Some("ssh -t web2 'sudo rm /var/service/web/down'")),
        (&["no-autostart", "web"], None),
    ];
    for (warning, line) in table {
        let answer = [&["supervisor-warning"], *warning].concat();
        let lines: Vec<String> = line.iter().map(|line| (*line).to_owned()).collect();
        assert_eq!(remedies("supervisor = \"pm2\"", 1, &answer), lines, "{warning:?}");
    }
    let another = "supervisor = { kind = \"pm2\", home = \"~/second\" }";
    let line = remedies(another, 1, &["supervisor-warning", "no-dump", "/home/node/second"]);
    assert_eq!(line, ["shipit production exec --hosts web1 'export PM2_HOME=~/second; pm2 save'"]);
}
