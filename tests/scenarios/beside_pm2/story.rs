//! What is done with each tool, in the same order: chapters, each of which notes what was seen.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::side::{Seen, Side, Tool};
use crate::common::Run;

/// Hooks of every kind. Each is a list of commands, of which the first one sees what the tool puts before a hook.
const HOOKS: &str = "env: { greeting: 'hello', Port: 8080, token: process.env.TOKEN }, \
    'pre-setup': 'seen=pre-setup . ~/observe', 'post-setup': 'seen=post-setup . ~/observe', \
    'pre-deploy-local': 'seen=local . ./observe; echo here >>observed', \
    'pre-deploy': 'seen=pre-deploy . ~/observe && seen=second . ~/observe', \
    'post-deploy': 'seen=post-deploy . ~/observe && touch leftover && echo $GREETING $PORT'";

pub const HOOK_LINES: [&str; 11] = [
    "directory",
    "flags",
    "arguments",
    "shell",
    "umask",
    "pipefail",
    "stdin",
    "terminal",
    "ignored",
    "page",
    "git",
];
pub const HOOK_VARIABLES: [&str; 9] =
    ["HOME", "SHELL", "LANG", "TERM", "SHARED", "GREETING", "PORT", "SSH_AUTH_SOCK", "MINE"];

pub fn play(side: &mut Side) {
    let repo = &side.world.repo;
    repo.write("tool", "#!/bin/sh\n");
    fs::set_permissions(repo.work().join("tool"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("page", repo.work().join("link")).unwrap();
    repo.git(&["add", "tool", "link"]);
    side.publish("one", &[("gone", ""), (".hidden", "h"), ("deep/er/file", "d")]);
    side.world.repo.tag("v1");
    side.world.repo.push();
    setup(side);
    first_deploy(side);
    // Each login of pm2's was counted: from here on they share a connection, which costs less.
    side.share_connections(true);
    second_deploy(side);
    questions(side);
    refs(side);
    reverts(side);
    failures(side);
    odd_hooks(side);
    local_checks(side);
    formats(side);
    words(side);
    kinds_of_setup(side);
    mistakes(side);
    hosts(side);
    side.share_connections(false);
    connections(side);
}

/// What a hook wrote down of where it runs, and with what.
fn hook(side: &mut Side, name: &str, seen: &Seen) {
    for line in HOOK_LINES {
        let value = seen.line(line);
        let as_usual = line == "umask" && value == side.umask;
        side.note(&format!("{name}: {line}"), if as_usual { "as usual" } else { &value });
    }
    for variable in HOOK_VARIABLES {
        let value = seen.var(variable);
        let value = if variable == "SHELL" { value.rsplit('/').next().unwrap() } else { &value };
        side.note(&format!("{name}: ${variable}"), value);
    }
    let of_shipit = if seen.names("SHIPIT_").is_empty() { "none" } else { "some" };
    side.note(&format!("{name}: variables of shipit"), of_shipit);
    side.note(&format!("{name}: variables of the connection"), &seen.names("SSH_"));
    if name != "local" {
        let (more, other) = seen.against(&side.login());
        side.note(&format!("{name}: variables that a login has not"), &more);
        side.note(&format!("{name}: variables of a login that are missing or changed"), &other);
    }
}

fn setup(side: &mut Side) {
    let file = side.production(HOOKS);
    side.note("the file", &file);
    let before = side.logins("web1");
    side.ends("setup", &["production", "setup"]);
    let logins = side.logins("web1") - before;
    side.note("setup: logins", &logins.to_string());
    for name in ["pre-setup", "post-setup"] {
        let seen = side.seen(name);
        hook(side, name, &seen);
    }
    tree(side, "setup");
}

fn tree(side: &mut Side, when: &str) {
    let host = side.world.host("web1");
    let names = |path: &str| {
        let mut names: Vec<String> = fs::read_dir(host.path(path))
            .map(|entries| entries.flatten().map(|entry| entry.file_name().into_string().unwrap()).collect())
            .unwrap_or_default();
        names.sort();
        names.join(" ")
    };
    let git = |args: &[&str]| {
        let source = host.path("app/source");
        let output = std::process::Command::new("git").arg("-C").arg(&source).args(args).output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    let mode = |path: &str| {
        let data = fs::metadata(host.path(path));
        data.map_or("none".to_owned(), |data| format!("{:o}", data.permissions().mode() & 0o755))
    };
    let current = match host.current() {
        None => "no link".to_owned(),
        Some(link) if link.starts_with("releases/") => "a release".to_owned(),
        Some(link) => link,
    };
    let values = [
        ("path", names("app")),
        ("shared", names("app/shared")),
        ("current", current),
        ("remote", git(&["remote", "get-url", "origin"])),
        ("branch", git(&["rev-parse", "--abbrev-ref", "HEAD"])),
        ("upstream", git(&["rev-parse", "--abbrev-ref", "@{upstream}"])),
        ("modes", format!("{} {}", mode("app"), mode("app/shared"))),
    ];
    for (what, value) in values {
        side.note(&format!("{when}: {what}"), &value);
    }
}

fn first_deploy(side: &mut Side) {
    let before = side.logins("web1");
    let run = side.ends("deploy", &["production"]);
    let logins = side.logins("web1") - before;
    side.note("deploy: logins", &logins.to_string());
    for name in ["local", "pre-deploy", "post-deploy"] {
        let seen = side.seen(name);
        hook(side, name, &seen);
    }
    let second = side.seen("second");
    side.note("pre-deploy, second command: $SHARED", &second.var("SHARED"));
    tree(side, "deploy");
    let log = side.tmp_log();
    let secret = |text: &str| if text.contains("s3cret-of-ann") { "shown" } else { "not shown" };
    let screen = format!("{}{}", run.stdout, run.stderr);
    side.note("a value of env on the screen", secret(&screen));
    side.note("a value of env in /tmp", secret(&log));
    side.note("what a hook prints is on the screen", said(&run, "hello 8080"));
    let current = fs::canonicalize(side.world.host("web1").path("app/current")).unwrap();
    let mode =
        |name: &str| format!("{:o}", fs::metadata(current.join(name)).unwrap().permissions().mode() & 0o755);
    let modes = format!("{} {} {}", mode("page"), mode("tool"), mode("deep"));
    side.note("served: modes", &modes);
    let link = fs::read_link(current.join("link")).unwrap();
    side.note("served: link", link.to_str().unwrap());
    let mut files: Vec<String> = fs::read_dir(&current)
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    files.retain(|name| name != "REVISION" && name != ".git");
    files.sort();
    side.note("served: files", &files.join(" "));
}

fn said(run: &Run, text: &str) -> &'static str {
    if run.stdout.contains(text) || run.stderr.contains(text) { "yes" } else { "no" }
}

fn second_deploy(side: &mut Side) {
    let runs = |side: &Side| {
        fs::read_to_string(side.world.repo.work().join("observed")).unwrap().lines().count().to_string()
    };
    side.world.repo.git(&["rm", "-q", "gone"]);
    side.publish("two", &[]);
    side.ends("update", &["production", "update"]);
    for name in ["pre-deploy", "post-deploy"] {
        let seen = side.seen(name);
        for line in ["directory", "page"] {
            side.note(&format!("update, {name}: {line}"), &seen.line(line));
        }
    }
    let page = side.page();
    side.note("update: page", &page);
    let there = |side: &Side, name: &str| {
        let path = side.world.host("web1").path(&format!("app/current/{name}"));
        if path.exists() { "there" } else { "gone" }.to_owned()
    };
    let gone = there(side, "gone");
    side.note("a file that was removed", &gone);
    // As a build would leave it.
    let current = fs::canonicalize(side.world.host("web1").path("app/current")).unwrap();
    fs::write(current.join("made"), "").unwrap();
    let before = runs(side);
    side.ends("nothing new", &["production"]);
    let again = if runs(side) == before { "no" } else { "yes" };
    side.note("nothing new: hooks run again", again);
    side.publish("three", &[]);
    side.ends("a third deploy", &["production"]);
    let made = there(side, "made");
    side.note("a file that a build left", &made);
    let deploys = side.read("app/.deploys");
    side.note(".deploys", deploys.trim());
}

fn questions(side: &mut Side) {
    side.world.repo.write("only-here", "");
    for words in [
        &["curr"][..],
        &["current"],
        &["prev"],
        &["previous"],
        &["run", "cat page"],
        &["exec", "echo $HOME $GREETING"],
        &["exec", "echo *"],
        &["exec", "exit 7"],
        &["config"],
        &["console"],
        &["list"],
    ] {
        let fact = words.join(" ");
        let run = side.run(&[&["production"], words].concat());
        side.note_end(&fact, &run);
        let text = run.stdout.replace("--> Success", "");
        let said: Vec<&str> = text.lines().filter(|line| !line.starts_with("-->")).collect();
        let said = said.join("\n");
        if words == ["run", "cat page"] {
            side.note("run: names the host", if said.starts_with("web1 | ") { "yes" } else { "no" });
        }
        let said = side.plain(&said.replace("web1 | ", ""));
        match words[0] {
            "exec" if words[1] == "echo *" => {
                let here = if said.contains("only-here") { "here" } else { "on the host" };
                side.note("exec echo *: files", here);
            }
            "list" => {
                let first = said.lines().find(|line| line.contains("three")).unwrap_or_default();
                let first = first.split_whitespace().next().unwrap_or_default();
                side.note("list: begins the line of what is live with", first);
            }
            _ => side.note(&format!("{fact}: says"), said.trim()),
        }
    }
    fs::remove_file(side.world.repo.work().join("only-here")).unwrap();
}

fn refs(side: &mut Side) {
    side.production("'post-deploy': 'true'");
    let three = side.commit("three");
    side.world.repo.branch("feature/x");
    side.publish("feature", &[]);
    side.world.repo.git(&["switch", "-q", "main"]);
    for (fact, words) in [
        ("origin/ and a branch", &["origin/feature/x"][..]),
        ("a ref that is not there", &["nope"]),
        ("a tag of an older commit", &["v1"]),
        ("back", &["v1", "--allow-older"]),
        ("a commit", &[three.as_str()]),
        ("a branch with a slash", &["feature/x"]),
    ] {
        let words = if side.tool == Tool::Pm2 { &words[..1] } else { words };
        let fact = format!("ref, {fact}");
        side.ends(&fact, &[&["production", "ref"], words].concat());
        let page = side.page();
        side.note(&format!("{fact}: page"), &page);
    }
    side.world.repo.git(&["merge", "-q", "--ff-only", "feature/x"]);
    side.publish("four", &[]);
    for (fact, reference) in [("ref, a branch", "main"), ("ref, HEAD", "HEAD")] {
        side.ends(fact, &["production", "ref", reference]);
        let page = side.page();
        side.note(&format!("{fact}: page"), &page);
    }
}

fn reverts(side: &mut Side) {
    for page in ["five", "six", "seven"] {
        side.publish(page, &[]);
        side.ends(page, &["production"]);
    }
    for (fact, words) in [
        ("revert 2", &["production", "revert", "2"][..]),
        ("and on", &["production"]),
        ("revert", &["production", "revert"]),
        ("revert once more", &["production", "revert"]),
        ("revert 99", &["production", "revert", "99"]),
    ] {
        side.ends(fact, words);
        let page = side.page();
        side.note(&format!("{fact}: page"), &page);
    }
    side.world.repo.take_origin_away();
    side.ends("revert without the git server", &["production", "revert"]);
    side.world.repo.bring_origin_back();
}

fn failures(side: &mut Side) {
    for (at, (fact, hooks)) in [
        ("pre-deploy-local fails", "'pre-deploy-local': 'exit 3'"),
        ("pre-deploy fails", "'pre-deploy': 'exit 3'"),
        ("post-deploy fails", "'post-deploy': 'exit 3'"),
        ("a; b in post-deploy", "'post-deploy': 'false; echo after >>~/after'"),
        ("a list as a hook", "'post-deploy': ['touch ~/list']"),
        ("env overrides path", "env: { path: '/nowhere' }, 'post-deploy': 'true'"),
        ("a double quote in a hook", "'post-deploy': 'echo \"x\" >~/double && touch ~/after-double'"),
        ("a newline in a hook", "'post-deploy': 'touch ~/line-1\\ntouch ~/line-2'"),
        ("a single quote in a hook", "'post-deploy': 'sh -c \\'touch ~/single\\''"),
    ]
    .into_iter()
    .enumerate()
    {
        side.production(hooks);
        let page = format!("f{at}");
        side.publish(&page, &[]);
        side.ends(fact, &["production"]);
        let live = if side.page() == page { "the new one" } else { "the one before" };
        side.note(&format!("{fact}: live"), live);
    }
    let host = side.world.host("web1");
    let there = |name: &str| if host.path(name).exists() { "there" } else { "not there" };
    let halves = [
        ("a double quote in a hook: its halves", format!("{}, {}", there("double"), there("after-double"))),
        ("a newline in a hook: its lines", format!("{}, {}", there("line-1"), there("line-2"))),
        ("a single quote in a hook: done", there("single").to_owned()),
        ("a; b in post-deploy: b", there("after").to_owned()),
    ];
    for (fact, value) in halves {
        side.note(fact, &value);
    }
}

/// One hook that meets all that can be done to a text.
fn odd_hooks(side: &mut Side) {
    side.production(
        "needs_tty: 'yes', env: { dollar: '$HOME', words: 'a b' }, \
         'post-deploy': 'seen=odd . ~/observe && echo * >~/star && git rev-parse HEAD >~/rev || true'",
    );
    side.publish("odd", &[]);
    side.world.repo.write("only-here", "");
    let run = side.ends("odd hooks", &["production"]);
    fs::remove_file(side.world.repo.work().join("only-here")).unwrap();
    let seen = side.seen("odd");
    side.note("needs_tty: terminal", &seen.line("terminal"));
    side.note("needs_tty: told", said(&run, "needs_tty"));
    side.note("env with a blank: value", &seen.var("WORDS"));
    side.note("env with a dollar: value", &seen.var("DOLLAR"));
    let star = if side.read("star").contains("only-here") { "here" } else { "on the host" };
    side.note("a star in a hook: files", star);
    let rev = side.read("rev");
    side.note("git in a hook: says", rev.trim());
}

fn local_checks(side: &mut Side) {
    side.production("'post-deploy': 'true'");
    side.publish("checked", &[]);
    side.world.repo.write("untracked", "");
    side.ends("an untracked file here", &["production"]);
    side.world.repo.write("page", "changed");
    side.ends("a changed file here", &["production"]);
    for force in ["--force", "-f"] {
        side.ends(&format!("a changed file here, {force}"), &["production", force]);
    }
    side.world.repo.git(&["add", "page"]);
    side.world.repo.git(&["commit", "-q", "-m", "x"]);
    side.ends("a commit that is not pushed", &["production"]);
    side.world.repo.git(&["reset", "-q", "--hard", "origin/main"]);
    side.world.repo.git(&["checkout", "-q", "--detach"]);
    let run = side.ends("a detached HEAD", &["production"]);
    side.note("a detached HEAD: says fatal", said(&run, "fatal"));
    side.world.repo.git(&["switch", "-q", "main"]);
    let elsewhere = side.world.home().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::copy(side.world.repo.work().join("ecosystem.config.js"), elsewhere.join("ecosystem.config.js"))
        .unwrap();
    let run = side.run_in(&elsewhere, &["production"]);
    side.note_end("outside of a work tree", &run);
}

fn words(side: &mut Side) {
    side.write(&[("production", "'post-deploy': 'true'"), ("list", "'post-deploy': 'true'")]);
    side.publish("words", &[]);
    side.ends("a mistyped command", &["production", "sertup"]);
    let deployed = if side.page() == "words" { "deployed" } else { "nothing" };
    side.note("a mistyped command: does", deployed);
    side.ends("an environment that is not there", &["nowhere"]);
    side.ends("no environment", &["ecosystem.config.js"]);
    side.ends("the file first", &["ecosystem.config.js", "production", "curr"]);
    side.ends("pm2's order of words", &["deploy", "production", "curr"]);
    side.ends("setup again", &["production", "setup"]);
    let run = side.ends("an environment called list", &["list"]);
    side.note("an environment called list: names -e", said(&run, "-e list"));
}

fn formats(side: &mut Side) {
    let path = side.world.host("web1").path("app");
    let repo = side.world.repo.url();
    let json = format!(
        "// deploys\n{{ \"deploy\": {{ \"production\": {{ \"host\": \"web1\", \"ref\": \"origin/main\", \"repo\": \"{repo}\", \"path\": \"{}\" }} }} }}",
        path.display()
    );
    let yaml = format!(
        "base: &base\n  host: web1\n  ref: origin/main\n  repo: {repo}\ndeploy:\n  production:\n    <<: *base\n    path: {}\n",
        path.display()
    );
    let package = json.trim_start_matches("// deploys\n").to_owned();
    for (file, text) in [("ecosystem.json", &json), ("ecosystem.yml", &yaml), ("package.json", &package)] {
        side.world.repo.write(file, text);
        let run = side.ends(&format!("{file}: curr"), &[file, "production", "curr"]);
        let said: Vec<&str> = run.stdout.lines().filter(|line| !line.starts_with("-->")).collect();
        side.note(&format!("{file}: says"), said.join("\n").trim());
        fs::remove_file(side.world.repo.work().join(file)).unwrap();
    }
}

/// Environments whose first hook writes down how it got there, and fails: one login, and nothing more is done.
fn connections(side: &mut Side) {
    let user = side.world.ssh("web1", "id -un").stdout.trim().to_owned();
    let home = side.world.home().to_path_buf();
    fs::write(home.join("observe"), super::side::OBSERVE).unwrap();
    side.world.repo.write("probe.sh.local", "seen=script . ~/observe </dev/null\nexit 9\n");
    // Nothing but the file says how to log in to 127.0.0.1.
    fs::create_dir(home.join("keys")).unwrap();
    fs::rename(home.join(".ssh/id_ed25519"), home.join("keys/deploy.pem")).unwrap();
    let config = fs::read_to_string(home.join(".ssh/config")).unwrap();
    let config = config.replace(".ssh/id_ed25519", "keys/deploy.pem").replace("Host *", "Host web*");
    fs::write(home.join(".ssh/config"), config).unwrap();
    let agent = crate::common_ssh::Agent::start(&home);
    agent.add(&home.join("keys/deploy.pem"), "");
    side.world.env("SSH_AUTH_SOCK", agent.socket.to_str().unwrap());
    let known = format!("UserKnownHostsFile={}/.ssh/known_hosts", home.display());
    for (fact, more) in PROBES {
        let name = fact.replace([' ', '-', '='], "_");
        let more = more
            .replace("BY_KEY", "host: '127.0.0.1', user: 'USER', port, key: '~/keys/deploy.pem'")
            .replace("USER", &user)
            .replace("KNOWN", &known);
        let hook = format!("'pre-setup': 'seen={name} . ~/observe; exit 9'");
        side.production(&format!("path: root + '/web1/home/{name}', {hook}, {more}"));
        side.ends(fact, &["production", "setup"]);
        let seen = side.seen(if fact == "a local script" { "script" } else { &name });
        side.note(&format!("{fact}: runs in"), &seen.line("directory"));
        if fact.to_lowercase().starts_with("forward") {
            let lent = if seen.env.contains_key("SSH_AUTH_SOCK") { "lent" } else { "not lent" };
            side.note(&format!("{fact}: agent"), lent);
        }
    }
}

/// Ways to say how a host is reached.
const PROBES: [(&str, &str); 15] = [
    ("port as text", "BY_KEY, ssh_options: 'KNOWN'"),
    ("ssh_options as a list", "BY_KEY, ssh_options: ['KNOWN', 'ConnectTimeout=9']"),
    (
        "a host as an object",
        "host: [{ host: '127.0.0.1', user: 'USER', port, key: '~/keys/deploy.pem' }], ssh_options: 'KNOWN'",
    ),
    ("port as a number", "BY_KEY, ssh_options: 'KNOWN', port: Number(port)"),
    ("a user in the host", "BY_KEY, ssh_options: 'KNOWN', host: 'USER@127.0.0.1'"),
    ("forward-agent yes", "'forward-agent': 'yes'"),
    ("forward-agent true", "'forward-agent': true"),
    ("forward-agent no", "'forward-agent': 'no'"),
    ("ForwardAgent=yes", "ssh_options: 'ForwardAgent=yes'"),
    ("a local script", "'pre-setup': 'probe.sh.local'"),
    ("an option in the host", "host: 'web1 -o ConnectTimeout=9'"),
    ("localhost", "host: 'localhost', path: root + '/local'"),
    ("a host that is not there", "host: '127.0.0.1', port: '1'"),
    (
        "a host key that is not known",
        "BY_KEY, ssh_options: ['UserKnownHostsFile=/dev/null', 'StrictHostKeyChecking=yes']",
    ),
    ("a login that is refused", "BY_KEY, ssh_options: 'KNOWN', user: 'nobody'"),
];

fn kinds_of_setup(side: &mut Side) {
    let sha = side.commit("two");
    for (fact, reference, more) in [
        ("setup of a branch with a slash", "feature/x", ""),
        ("setup of a tag", "v1", ""),
        ("setup of a commit", sha.as_str(), ""),
        ("setup, fast", "origin/main", "fetch: 'fast'"),
    ] {
        let name = fact.replace([' ', ',', '/'], "_");
        side.production(&format!(
            "path: root + '/web1/home/{name}', ref: '{reference}', 'post-deploy': 'true', {more}"
        ));
        side.ends(fact, &["production", "setup"]);
    }
    side.ends("deploy, fast", &["production"]);
    let page = side.read("setup__fast/current/page");
    side.note("deploy, fast: page", &page);
    let shallow = side.world.host("web1").path("setup__fast/source");
    let shallow = [".git/shallow", "shallow"].iter().any(|file| shallow.join(file).exists());
    side.note("deploy, fast: the history", if shallow { "is cut off" } else { "is whole" });
    side.production("path: 'rel', 'post-deploy': 'true'");
    side.ends("setup of a relative path", &["production", "setup"]);
    let on_host = side.world.host("web1").path("rel").exists();
    let here = side.world.repo.work().join("rel").exists();
    let at = match (on_host, here) {
        (true, false) => "the home on the host",
        (false, true) => "the directory here",
        _ => "elsewhere",
    };
    side.note("setup of a relative path: at", at);
    // Another address of the same repository.
    let moved = side.world.root().join("moved.git");
    side.world.repo.git(&["clone", "-q", "--mirror", &side.world.repo.url(), moved.to_str().unwrap()]);
    side.world.repo.commit(&[("page", "moved")]);
    side.world.repo.git(&["push", "-q", moved.to_str().unwrap(), "HEAD:main"]);
    side.production("repo: root + '/moved.git', 'post-deploy': 'true'");
    side.ends("a changed repo", &["production", "--force"]);
    let page = side.page();
    side.note("a changed repo: page", &page);
    side.world.repo.git(&["reset", "-q", "--hard", "origin/main"]);
    side.production("path: root + '/web1/home/norepo', repo: root + '/none.git', 'post-deploy': 'true'");
    side.ends("setup of a repository that is not there", &["production", "setup"]);
}

fn mistakes(side: &mut Side) {
    side.world.repo.write("id_rsa.pub", "");
    side.production("host: undefined");
    side.ends("no host", &["production", "curr"]);
    for (fact, more, word) in [
        ("an empty list of hosts", "host: []", "no hosts"),
        (
            "a template that nobody filled in",
            "user: 'SSH_USERNAME', host: 'SSH_HOSTMACHINE', repo: 'GIT_REPOSITORY', path: 'DESTINATION_PATH'",
            "never filled in",
        ),
        ("an unknown key", "'post-deply': 'x'", "post-deply"),
        ("a key given twice", "ref: 'x', ref: 'origin/main'", "given twice"),
        ("a public key", "key: 'id_rsa.pub'", "public key"),
    ] {
        side.production(more);
        let run = side.ends(fact, &["production", "curr"]);
        side.note(&format!("{fact}: told"), said(&run, word));
    }
    for (fact, text) in [
        (
            "a file without environments",
            "module.exports = { deploy: { host: 'web1', ref: 'x', repo: 'r', path: '/x' } }",
        ),
        ("a file that throws", "throw new Error('no')"),
    ] {
        side.world.repo.write("ecosystem.config.js", text);
        side.ends(fact, &["production", "curr"]);
    }
    side.production("");
    let file = side.world.repo.work().join("ecosystem.config.js");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("console.log('noise of the file');\n{text}")).unwrap();
    let run = side.ends("a file that prints", &["production", "curr"]);
    side.note("a file that prints: shown", said(&run, "noise of the file"));
}

/// Both hosts have one disk here, so the path is that of each login; pm2 has no other way to say that.
fn hosts(side: &mut Side) {
    let _ = fs::remove_file(side.world.repo.work().join("observed"));
    let path = if side.tool == Tool::Pm2 { "/$HOME/fleet" } else { "fleet" };
    side.production(&format!(
        "host: ['web1', 'web2'], path: '{path}', 'pre-deploy-local': 'echo here >>observed', \
         'pre-deploy': 'test ! -e ~/bad', 'post-deploy': 'date +%s.%N >~/when'"
    ));
    side.publish("fleet", &[]);
    side.ends("two hosts: setup", &["production", "setup"]);
    side.ends("two hosts: deploy", &["production"]);
    let local = fs::read_to_string(side.world.repo.work().join("observed")).unwrap();
    side.note("two hosts: pre-deploy-local ran", &local.lines().count().to_string());
    side.world.host("web2").put("bad", "");
    side.publish("split", &[]);
    side.ends("the second of two hosts fails", &["production"]);
    let pages: Vec<String> = side
        .world
        .hosts()
        .iter()
        .map(|host| host.read("fleet/current/page").unwrap_or_else(|| "nothing".to_owned()))
        .collect();
    side.note("the second of two hosts fails: pages", &pages.join(" "));
}
