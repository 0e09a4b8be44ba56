//! Why git could not reach a repository: what real programs print, and the word that is made of it.

use std::fs;

use shipit::remote::access::AccessError;
use shipit::remote::script::Script;

use crate::driver::Run;
use crate::ground::Ground;
use crate::{Sh, on_each_shell};

on_each_shell!(
    what_git_printed_becomes_a_word,
    only_what_the_step_printed_counts,
    a_failed_fetch_tells_the_word
);

const SAID: [(&str, &str); 26] = [
    (
        "No ED25519 host key is known for [127.0.0.1]:22 and you have requested strict checking.\nHost key verification failed.\nfatal: Could not read from remote repository.",
        "unknown-key",
    ),
    (
        "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\nHost key verification failed.",
        "changed-key",
    ),
    (
        "git@github.com: Permission denied (publickey).\nfatal: Could not read from remote repository.",
        "denied",
    ),
    ("Received disconnect from 10.0.0.1: 2: Too many authentication failures", "denied"),
    ("ERROR: Repository not found.\nfatal: Could not read from remote repository.", "missing"),
    ("remote: Repository not found.\nfatal: repository 'https://github.com/a/b/' not found", "missing"),
    (
        "ERROR: The project you were looking for could not be found or you don't have permission to view it.",
        "missing",
    ),
    ("fatal: '/srv/x.git' does not appear to be a git repository", "missing"),
    ("fatal: remote error: access denied or repository not exported: /x", "missing"),
    ("fatal: could not read Username for 'https://github.com': terminal prompts disabled", "login"),
    ("remote: HTTP Basic: Access denied\nfatal: Authentication failed for 'https://x/'", "login"),
    ("fatal: unable to access 'https://x/': The requested URL returned error: 403", "login"),
    ("ssh: Could not resolve hostname git.example: Name or service not known", "no-address"),
    ("fatal: unable to access 'https://x/': Could not resolve host: x", "no-address"),
    ("ssh: connect to host 127.0.0.1 port 1: Connection refused", "refused"),
    ("ssh: connect to host 10.0.0.1 port 22: Connection timed out", "silent"),
    ("ssh: connect to host 10.0.0.1 port 22: No route to host", "silent"),
    (
        "fatal: unable to access 'https://x/': Failed to connect to 127.0.0.1 port 1 after 0 ms: Couldn't connect to server",
        "cut",
    ),
    ("kex_exchange_identification: Connection closed by remote host", "cut"),
    (
        "fatal: unable to access 'https://x/': server certificate verification failed. CAfile: none",
        "certificate",
    ),
    ("fatal: detected dubious ownership in repository at '/srv/x.git'", "owner"),
    ("fatal: detected dubious ownership in repository at '/srv/x/.git'", "owner-tree"),
    ("error: cannot run ssh: No such file or directory\nfatal: unable to fork", "no-ssh"),
    ("fatal: write error: No space left on device\nHost key verification failed.", "full"),
    ("fatal: remote error: upload-pack: not our ref 0123", "no-commit"),
    ("fatal: something nobody has seen", ""),
];

fn word(ground: &Ground, run: &mut Run, said: &str, from: usize, code: u32) -> String {
    let file = ground.out().join("said");
    fs::write(&file, said).unwrap();
    let text = format!("git_why '{}' {from} {code}\nfact word \"$git_why\"\n", file.display());
    let number = run.tell_text(&text);
    let answer = run.wait(number);
    answer.fact("word").to_owned()
}

fn what_git_printed_becomes_a_word(sh: Sh) {
    let ground = Ground::new(sh);
    let mut run = Run::start(&ground, 30);
    run.script(&Script::new().lock()).good();
    for (said, expected) in SAID {
        assert_eq!(word(&ground, &mut run, said, 0, 128), expected, "{said}");
        assert!(expected.is_empty() || expected.parse::<AccessError>().is_ok(), "{expected}");
    }
    assert_eq!(word(&ground, &mut run, "error: unknown option `no-write-fetch-head'", 0, 129), "old");
    run.script(&Script::new().unlock()).good();
}

fn only_what_the_step_printed_counts(sh: Sh) {
    let ground = Ground::new(sh);
    let mut run = Run::start(&ground, 30);
    run.script(&Script::new().lock()).good();
    let before = "Host key verification failed.\n";
    let said = format!("{before}git@github.com: Permission denied (publickey).\0\u{1b}[2J");
    assert_eq!(word(&ground, &mut run, &said, before.len(), 128), "denied");
    assert_eq!(word(&ground, &mut run, before, before.len(), 128), "");
    run.script(&Script::new().unlock()).good();
}

fn a_failed_fetch_tells_the_word(sh: Sh) {
    let ground = Ground::new(sh);
    let mut run = Run::start(&ground, 30);
    run.script(&Script::new().lock()).good();
    ground.repo.take_origin_away();
    run.script(&Script::new().find_ref(60)).failed("git-access", "(missing), exit 128");
    ground.repo.bring_origin_back();
    run.set(&ground, &[("reference", "mian")]);
    let answer = run.script(&Script::new().find_ref(60)).failed("no-ref", "no branch, tag or commit mian");
    assert_eq!(answer.fact("names"), "main");
    assert_eq!(answer.fact("revision"), "");
    run.script(&Script::new().unlock()).good();
}
