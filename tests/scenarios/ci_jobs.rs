//! The job files for CI: their shell, run as a runner would, deploys what the job has checked out.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{Kind, Run, Running, World};

fn file(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/ci").join(name)).unwrap()
}

/// The lines that are indented deeper than the one that starts with `head`, without that indentation.
fn below(text: &str, head: &str) -> String {
    let from = text.find(head).unwrap_or_else(|| panic!("no {head:?}"));
    let line = text[..from].rfind('\n').map_or(0, |at| at + 1);
    let outer = from - line;
    let lines: Vec<&str> = text[from..].lines().skip(1).collect();
    let indent = lines[0].len() - lines[0].trim_start().len();
    assert!(indent > outer);
    let mut block = String::new();
    for line in lines {
        if !line.trim().is_empty() && line.len() - line.trim_start().len() <= outer {
            break;
        }
        writeln!(block, "{}", line.get(indent..).unwrap_or_default()).unwrap();
    }
    block
}

/// What GitHub's runner does with a `run: |`: a file for `bash -e`.
fn github(text: &str) -> (&'static str, String) {
    let deploy = &text[text.find("- name: deploy").unwrap()..];
    ("bash", below(deploy, "run: |"))
}

/// What GitLab's runner does with a `script`: its items in one shell, ended by the first that fails.
fn gitlab(text: &str) -> (&'static str, String) {
    let items = below(text, "script:");
    let lines = items.lines().filter_map(|line| line.strip_prefix("- "));
    ("sh", lines.map(|line| format!("{line}\n")).collect())
}

/// A runner: an empty home but for the names of the hosts, a clone with a detached HEAD, what the settings give.
fn job(world: &World, shell: &str, script: &str, key: &str) -> Run {
    let home = world.root().join("runner");
    fs::create_dir_all(home.join(".ssh")).unwrap();
    let config = fs::read_to_string(world.home().join(".ssh/config")).unwrap();
    let is_ours = |line: &&str| !line.contains("IdentityFile") && !line.contains("UserKnownHostsFile");
    let config: Vec<&str> = config.lines().filter(is_ours).collect();
    fs::write(home.join(".ssh/config"), config.join("\n")).unwrap();
    let work = world.root().join("checkout");
    clone(world, &work);
    let bin = Path::new(env!("CARGO_BIN_EXE_shipit")).parent().unwrap();
    let mut command = world.command(Path::new("/usr/bin/env"));
    command
        .args([shell, "-e", "-c", script])
        .env("HOME", &home)
        .env("PATH", format!("{}:{}", bin.display(), std::env::var("PATH").unwrap()))
        .env("CI", "true")
        .env("DEPLOY_KEY", key)
        .env("KNOWN_HOSTS", fs::read_to_string(world.home().join(".ssh/known_hosts")).unwrap())
        .current_dir(&work);
    let run = Running::start(command, format!("the job under {shell}")).wait();
    assert!(!home.join(".ssh/id_ed25519").exists(), "the key is in no file");
    run
}

fn clone(world: &World, to: &PathBuf) {
    let mut git = world.command(Path::new("git"));
    git.arg("clone").arg("--quiet").arg(world.repo.url()).arg(to).current_dir(world.root());
    assert!(git.status().unwrap().success());
    let mut git = world.command(Path::new("git"));
    assert!(git.args(["checkout", "--quiet", "--detach"]).current_dir(to).status().unwrap().success());
    fs::copy(world.repo.work().join("shipit.toml"), to.join("shipit.toml")).unwrap();
    fs::write(to.join(".git/info/exclude"), "/shipit.toml\n").unwrap();
}

fn base64(text: &str) -> String {
    let mut encode = std::process::Command::new("base64");
    let encode = encode.arg("-w0").stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut child = encode.spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), text.as_bytes()).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}

fn deploys(name: &str, part: fn(&str) -> (&'static str, String), encode: fn(&str) -> String) {
    let world = World::deployed(Kind::Sshd, 2, "");
    let key = fs::read_to_string(world.home().join(".ssh/id_ed25519")).unwrap();
    world.publish("two");
    let (shell, script) = part(&file(name));
    job(&world, shell, &script, &encode(&key)).ends_with(0);
    world.serve("two");
    // What CI set up is gone with the job.
    let wrong = fs::read_to_string(world.root().join("web1/server/key")).unwrap();
    fs::remove_dir_all(world.root().join("checkout")).unwrap();
    fs::remove_dir_all(world.root().join("runner")).unwrap();
    job(&world, shell, &script, &encode(&wrong)).ends_with(4);
    world.serve("two");
}

#[test]
fn the_job_for_github_deploys_what_it_checked_out() {
    // Settings lose the last newline.
    deploys("github-actions.yml", github, |key| key.trim_end().to_owned());
}

#[test]
fn the_job_for_gitlab_deploys_what_it_checked_out() {
    deploys("gitlab-ci.yml", gitlab, base64);
}
