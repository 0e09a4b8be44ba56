//! How much of a repository a host holds, which part of it is the release, and with what access it is fetched.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use crate::common::{Host, Kind, World};

/// Each scenario with each shell that hosts have as `/bin/sh`.
macro_rules! on_each_sh {
    ($($scenario:ident),+ $(,)?) => {
        $(mod $scenario {
            #[test]
            fn dash() {
                super::$scenario("dash");
            }
            #[test]
            fn bash() {
                super::$scenario("bash");
            }
            #[test]
            fn busybox() {
                super::$scenario("busybox");
            }
        })+
    };
}

on_each_sh!(
    submodules_and_theirs_are_part_of_the_release,
    fast_holds_five_commits_and_still_knows_what_is_older,
    a_token_reaches_git_and_nothing_else,
);

/// git in what a host has fetched.
fn source(world: &World, host: &Host, args: &[&str]) -> String {
    let mut git = world.command(Path::new("/usr/bin/git"));
    let out = git.arg("--git-dir").arg(host.path("app/source")).args(args).output().unwrap();
    String::from_utf8_lossy(&out.stdout).trim().to_owned()
}

fn count(world: &World, host: &Host) -> usize {
    let revision = host.read("app/current/REVISION").unwrap();
    source(world, host, &["rev-list", "--count", revision.trim()]).parse().unwrap()
}

fn up(world: &World) {
    world.shipit(&["production", "setup"]).ends_with(0);
    world.shipit(&["production"]).ends_with(0);
}

// ---- subdir

#[test]
fn a_directory_of_the_repository_is_the_release() {
    let world = World::new(Kind::InProcess, 1);
    let host = world.host("web1");
    world.repo.publish(&[("apps/web shop/page", "one"), ("other/page", "no")]);
    world.production("subdir = \"apps/web shop\"\nkeep-releases = 1");
    up(&world);
    host.serves("one");
    assert_eq!(host.read("app/current/README"), None);
    let first = host.current().unwrap();
    world.repo.publish(&[("apps/web shop/page", "two")]);
    world.shipit(&["production"]).ends_with(0);
    // Made again by what it was made by, whatever the file says now.
    fs::remove_dir_all(host.path("app").join(&first)).unwrap();
    world.production("");
    world.shipit(&["production", "revert"]).ends_with(0);
    host.serves("one");
    assert_eq!(host.current().unwrap(), first);
    world.production("subdir = \"apps/nowhere\"");
    world.shipit(&["production"]).ends_with(1).says("has no directory apps/nowhere");
    host.serves("one");
}

#[test]
fn what_is_true_of_the_repository_is_told_once_and_not_by_each_host() {
    let world = World::new(Kind::InProcess, 2);
    world.repo.publish(&[(".gitattributes", "*.png filter=lfs\n"), ("a.png", "version https://git-lfs\n")]);
    world.production("");
    up(&world);
    world.publish("two");
    let run = world.shipit(&["production"]).ends_with(0).says("a.png is in Git LFS");
    assert_eq!(run.stderr.matches("a.png is in Git LFS").count(), 1, "{}", run.stderr);
}

// ---- submodules

/// `lib` beside the origin, with `deep` in it, as submodules of the repository.
fn with_submodules(world: &World) -> PathBuf {
    let root = world.root().canonicalize().unwrap();
    for name in ["deep", "lib"] {
        let (bare, work) = (root.join(format!("{name}.git")), root.join(format!("{name}-work")));
        let (bare, work) = (bare.to_str().unwrap(), work.to_str().unwrap());
        world.repo.git(&["init", "-q", "--bare", bare]);
        world.repo.git(&["clone", "-q", bare, work]);
        fs::write(root.join(format!("{name}-work/file")), name).unwrap();
        let git = |args: &[&str]| world.repo.git(&[&["-C", work], args].concat());
        if name == "lib" {
            git(&[
                "-c",
                "protocol.file.allow=always",
                "submodule",
                "add",
                "-q",
                "../deep.git",
                "in side/deep",
            ]);
        }
        git(&["add", "-A"]);
        git(&["commit", "-q", "-m", name]);
        git(&["push", "-q", "origin", "HEAD"]);
    }
    world.repo.git(&[
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "add",
        "-q",
        "../lib.git",
        "vendor/lib",
    ]);
    world.publish("one");
    root
}

fn submodules_and_theirs_are_part_of_the_release(sh: &'static str) {
    let world = World::new(Kind::InProcess, 1);
    let host = world.host("web1");
    host.sh(sh);
    let root = with_submodules(&world);
    world.production("submodules = true\nkeep-releases = 1");
    up(&world);
    assert_eq!(host.read("app/current/vendor/lib/file").as_deref(), Some("lib"));
    assert_eq!(host.read("app/current/vendor/lib/in side/deep/file").as_deref(), Some("deep"));
    assert!(!host.path("app/current/vendor/lib/.git").exists());
    let pins = source(&world, host, &["for-each-ref", "refs/shipit"]);
    assert_eq!(pins.lines().count(), 3, "{pins}");
    let first = host.current().unwrap();

    // It goes to another commit, and back without asking anybody.
    let work = root.join("work/vendor/lib");
    fs::write(work.join("file"), "lib 2").unwrap();
    let git = |args: &[&str]| world.repo.git(&[&["-C", work.to_str().unwrap()], args].concat());
    git(&["commit", "-q", "-am", "2"]);
    git(&["push", "-q", "origin", "HEAD"]);
    world.repo.git(&["add", "vendor/lib"]);
    world.deploy("two");
    assert_eq!(host.read("app/current/vendor/lib/file").as_deref(), Some("lib 2"));
    fs::remove_dir_all(host.path("app").join(&first)).unwrap();
    for name in ["origin", "lib", "deep"] {
        fs::rename(root.join(format!("{name}.git")), root.join(format!("{name}.gone"))).unwrap();
    }
    world.shipit(&["production", "revert"]).ends_with(0);
    assert_eq!(host.read("app/current/vendor/lib/file").as_deref(), Some("lib"));
    assert_eq!(host.read("app/current/vendor/lib/in side/deep/file").as_deref(), Some("deep"));
    host.serves("one");
}

#[test]
fn a_submodule_that_cannot_be_had_is_a_failure_before_anything_is_live() {
    let world = World::new(Kind::InProcess, 1);
    let root = with_submodules(&world);
    world.production("submodules = true");
    fs::rename(root.join("deep.git"), root.join("deep.gone")).unwrap();
    world.shipit(&["production", "setup"]).ends_with(0);
    let run = world.shipit(&["production"]).ends_with(1).says("submodules failed on web1");
    run.says("deep.git");
    world.host("web1").is_at_rest();
    assert_eq!(source(&world, world.host("web1"), &["for-each-ref", "refs/shipit"]), "", "no pin stays");
    fs::rename(root.join("deep.gone"), root.join("deep.git")).unwrap();
    world.shipit(&["production"]).ends_with(0);
}

#[test]
fn a_submodule_must_not_lead_to_the_files_of_the_host() {
    let world = World::new(Kind::InProcess, 1);
    let root = with_submodules(&world);
    // The same repository, over what is no path: then what it names may be none either.
    let url = serve(root.join("origin.git"), None).0;
    world.repo.git(&[
        "config",
        "-f",
        ".gitmodules",
        "submodule.vendor/lib.url",
        root.join("lib.git").to_str().unwrap(),
    ]);
    world.repo.publish(&[("page", "one")]);
    world.repo.git(&["add", ".gitmodules"]);
    world.publish("two");
    world.repo.git(&["--git-dir", root.join("origin.git").to_str().unwrap(), "update-server-info"]);
    world.config(&format!(
        "[deploy.production]\nhost = \"web1\"\nrepo = {url:?}\nref = \"main\"\npath = \"app\"\nsubmodules = true\n"
    ));
    world.shipit(&["production", "setup"]).ends_with(0);
    world.shipit(&["production", "--force"]).ends_with(1).says("transport 'file' not allowed");
}

// ---- how much history

fn fast_holds_five_commits_and_still_knows_what_is_older(sh: &'static str) {
    let world = World::new(Kind::InProcess, 1);
    let host = world.host("web1");
    host.sh(sh);
    let pages: Vec<String> = (1..=12).map(|n| n.to_string()).collect();
    let old: Vec<String> = pages.iter().map(|page| world.publish(page)).collect();
    // Dates tell what history does not; they count seconds.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    world.publish("new");
    world.production("fetch = \"fast\"");
    up(&world);
    host.serves("new");
    assert_eq!(count(&world, host), 5);
    // Near enough for history, and too far away for it.
    for revision in [&old[10], &old[2]] {
        world.shipit(&["production", "ref", revision]).ends_with(3).says("--allow-older");
        host.serves("new");
    }
    world.shipit(&["production", "ref", &old[2], "--allow-older"]).ends_with(0);
    host.serves("3");
    // Forward again, over more commits than are here.
    world.shipit(&["production"]).ends_with(0);
    host.serves("new");
    world.shipit(&["production", "revert"]).ends_with(0);
    host.serves("3");

    // All of it again, when the file says so.
    world.production("");
    world.deploy("newer");
    assert!(count(&world, host) > 12);
    world.shipit(&["production", "ref", &old[0]]).ends_with(3);
}

#[test]
fn fast_finds_a_commit_also_where_a_server_gives_none_by_name() {
    let world = World::new(Kind::InProcess, 1);
    let host = world.host("web1");
    let first = world.publish("one");
    (2..12).for_each(|n| drop(world.publish(&n.to_string())));
    host.tool("git", "#!/bin/sh\nfor word; do case $word in [0-9a-f]*:refs/shipit/*) exit 128 ;; esac; done\nexec /usr/bin/git \"$@\"\n");
    world.production("fetch = \"fast\"");
    up(&world);
    host.serves("11");
    assert_eq!(count(&world, host), 5);
    world.shipit(&["production", "ref", &first, "--allow-older"]).ends_with(0);
    host.serves("one");
    world.shipit(&["production", "ref", &first[..8], "--allow-older"]).ends_with(0);
}

#[test]
fn blobless_holds_all_commits_and_the_files_of_those_that_went_out() {
    let world = World::new(Kind::InProcess, 1);
    let host = world.host("web1");
    let origin = world.repo.url();
    world.repo.git(&["--git-dir", &origin, "config", "uploadpack.allowFilter", "true"]);
    world.repo.git(&["--git-dir", &origin, "config", "uploadpack.allowAnySHA1InWant", "true"]);
    let old = world.publish("old");
    world.publish("one");
    world.production("fetch = \"blobless\"\nkeep-releases = 1");
    up(&world);
    host.serves("one");
    assert_eq!(count(&world, host), 3);
    let missing = source(&world, host, &["rev-list", "--objects", "--missing=print", "--all"]);
    assert!(missing.lines().any(|line| line.starts_with('?')), "{missing}");
    world.shipit(&["production", "ref", &old]).ends_with(3).says("is older than the live commit");
    let first = host.current().unwrap();
    world.deploy("two");
    // What went out once is here.
    fs::remove_dir_all(host.path("app").join(&first)).unwrap();
    world.repo.take_origin_away();
    world.shipit(&["production", "revert"]).ends_with(0);
    host.serves("one");
    // Why what is missing cannot be had is told like any other access.
    world.repo.bring_origin_back();
    world.publish("three");
    world.production("");
    world.shipit(&["production"]).ends_with(0);
    host.serves("three");
}

// ---- repo-key

#[test]
fn a_key_of_the_host_opens_the_repository() {
    let world = World::new(Kind::Sshd, 2);
    let (host, server) = (world.host("web1"), world.host("web2"));
    let ssh = "#!/bin/sh\nexec /usr/bin/ssh -F \"$HOME/.ssh/config\" \"$@\"\n";
    host.tool("ssh", ssh);
    world.tool("ssh", ssh);
    let home = host.path("");
    host.put(
        ".ssh/config",
        &format!("Host *\n  UserKnownHostsFile {0}/.ssh/known_hosts\n  IdentityFile {0}/none\n  IdentityAgent none\n", home.display()),
    );
    host.put(".ssh/known_hosts", &format!("[127.0.0.1]:{} {}\n", server.port(), server.public_key()));
    let user = String::from_utf8(Command::new("id").arg("-un").output().unwrap().stdout).unwrap();
    let repo = format!("ssh://{}@127.0.0.1:{}{}", user.trim(), server.port(), world.repo.url());
    let with = |line: &str| {
        world.config(&format!(
            "[deploy.production]\nhost = \"web1\"\nrepo = {repo:?}\nref = \"main\"\npath = \"app\"\n{line}\n"
        ));
    };
    world.publish("one");
    with("");
    world.shipit(&["production", "setup"]).ends_with(1).says("rejected every SSH key");
    with("repo-key = \"~/keys/shop's $(touch key)\"");
    let run = world.shipit(&["production", "setup"]).ends_with(1).says("`repo-key`: ").says("is missing");
    run.says("ssh-keygen -q -t ed25519");
    let key = host.path("keys/shop's $(touch key)");
    fs::create_dir_all(key.parent().unwrap()).unwrap();
    fs::copy(world.home().join(".ssh/id_ed25519"), &key).unwrap();
    up(&world);
    host.serves("one");
    assert!(!host.path("key").exists() && !host.path("app/key").exists(), "a name is no command");
    // A build has no part in that access.
    with("repo-key = \"~/keys/shop's $(touch key)\"\nbuild = \"env >../../env\"");
    world.publish("two");
    world.shipit(&["production"]).ends_with(0);
    assert!(!host.read("app/env").unwrap().contains("keys/"));
}

// ---- repo-token

/// Where a server of files listens, and what was found in process lists while it answered.
type Served = (String, Arc<Mutex<Vec<String>>>);

/// A repository over http, as files; for who brings this token, if one is asked for.
fn serve(bare: PathBuf, token: Option<&'static str>) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://127.0.0.1:{}/shop.git", listener.local_addr().unwrap().port());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let found = Arc::clone(&seen);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            if let Some(token) = token {
                found.lock().unwrap().extend(command_lines_with(token));
            }
            let _ = answer(stream, &bare, token);
        }
    });
    (url, seen)
}

fn answer(stream: TcpStream, bare: &Path, token: Option<&str>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut first, mut allowed) = (String::new(), token.is_none());
    reader.read_line(&mut first)?;
    let wanted =
        token.map(|token| format!("Authorization: Basic {}", base64(&format!("x-access-token:{token}"))));
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line == "\r\n" {
            break;
        }
        allowed |= wanted.as_deref() == Some(line.trim_end());
    }
    let path = first.split(' ').nth(1).unwrap_or_default().split('?').next().unwrap_or_default();
    let file = bare.join(path.trim_start_matches("/shop.git/"));
    let (status, body) = match fs::read(file) {
        _ if !allowed => ("401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"shop\"", Vec::new()),
        Ok(body) => ("200 OK", body),
        Err(_) => ("404 Not Found", Vec::new()),
    };
    let mut stream = reader.into_inner();
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
    stream.write_all(&body)
}

fn base64(text: &str) -> String {
    let mut child = Command::new("base64")
        .arg("-w0")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let mut said = String::new();
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    child.wait().unwrap();
    said
}

fn command_lines_with(token: &str) -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines
        .map(|line| String::from_utf8_lossy(&line).into_owned())
        .filter(|line| line.contains(token))
        .collect()
}

fn files_with(directory: &Path, token: &str) -> Vec<PathBuf> {
    let out = Command::new("grep").args(["-rlaF", token]).arg(directory).output().unwrap();
    String::from_utf8_lossy(&out.stdout).lines().map(PathBuf::from).collect()
}

fn a_token_reaches_git_and_nothing_else(sh: &'static str) {
    const TOKEN: &str = "t0ken-s3cret'\"$(id)%s";
    let world = World::new(Kind::InProcess, 1);
    let host = world.host("web1");
    host.sh(sh);
    world.publish("one");
    let origin = world.repo.url();
    world.repo.git(&["--git-dir", &origin, "update-server-info"]);
    let (url, seen) = serve(PathBuf::from(&origin), Some(TOKEN));
    let with = |lines: &str| {
        world.config(&format!(
            "[deploy.production]\nhost = \"web1\"\nrepo = {url:?}\nref = \"main\"\npath = \"app\"\n{lines}\n"
        ));
    };
    // A helper of the host's that stores what it gets to know.
    host.put(".gitconfig", "[credential]\n  helper = store\n");
    world.env("GIT_TOKEN", TOKEN);
    with("");
    world.shipit(&["production", "setup"]).ends_with(1).says("asks for a login").says("repo-token");
    with("repo-token = \"${GIT_TOKEN}\"\nbuild = \"env >../../env\"");
    world
        .shipit(&["production", "plan", "--scripts"])
        .ends_with(0)
        .says("# repo-token ••••••")
        .does_not_say("t0ken");
    world.shipit(&["production", "setup", "-v"]).ends_with(0).does_not_say("t0ken");
    world.shipit(&["production", "-v"]).ends_with(0).does_not_say("t0ken");
    host.serves("one");
    assert_eq!(*seen.lock().unwrap(), [""; 0], "no command line");
    let files = files_with(&host.path(""), "t0ken-s3cret");
    assert!(files.is_empty(), "no file, no hook: {files:?}");

    world.env("GIT_TOKEN", "wrong");
    world.repo.publish(&[("page", "two")]);
    world.repo.git(&["--git-dir", &origin, "update-server-info"]);
    world.shipit(&["production"]).ends_with(1).says("the server rejected the token in `repo-token`");
    host.serves("one");
    world.env("GIT_TOKEN", "two\nlines");
    world.shipit(&["production"]).ends_with(2).says("`repo-token` is empty, or holds control characters");
}

#[test]
fn a_token_is_asked_for_with_its_place_and_only_for_an_encrypted_line() {
    let world = World::new(Kind::InProcess, 1);
    let with = |repo: &str, token: &str| {
        world.config(&format!(
            "[deploy.production]\nhost = \"web1\"\nrepo = {repo:?}\nref = \"main\"\npath = \"app\"\nrepo-token = {token:?}\n"
        ));
        world.shipit(&["production", "--force"]).ends_with(2)
    };
    with("https://git.example.com/shop", "${NOT_SET}")
        .says("`repo-token` needs the variable `NOT_SET`")
        .says("shipit.toml:6");
    with("https://git.example.com/shop", "s3cret").says("a token does not belong in this file");
    with("http://git.example.com/shop", "${T}").says("starts with https://");
    with("git@git.example.com:shop", "${T}").says("starts with https://");
    assert_eq!(world.host("web1").logins(), 0);
}
