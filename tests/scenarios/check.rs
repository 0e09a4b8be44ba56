//! The doctor: broken set-ups are found, each with its remedy; the remedy is pasted, and all is well.
//!
//! What cannot be had without root or a machine of its own is made of mount namespaces and of tools that stand for sudo.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::common::{Kind, World};
use crate::doctor::{cured, ready, remedies, sudo, without};

on_each_kind!(all_is_well, a_host_that_is_not_reached_counts_most,);

on_sshd!(
    all_is_well_with_busybox,
    a_host_that_was_never_set_up,
    no_git,
    an_old_git,
    an_unwritable_path,
    a_current_that_is_a_directory,
    a_current_of_somebody_elses,
    pm2_only_on_the_login_path,
    node_of_a_version_manager,
    a_tool_that_is_nowhere,
    a_profile_that_is_not_there,
    a_wrong_clock,
    a_variable_that_is_not_set,
    a_value_whose_command_fails,
    nothing_is_locked_and_nothing_changed,
    what_a_host_says_acts_on_nothing,
);

fn all_is_well(kind: Kind) {
    let world = ready(kind, 2, "build = \"true\"");
    let run = world.shipit(&["production", "check"]).ends_with(0);
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("this machine, web1 and web2: ok\n", ""));
    let run = world.shipit(&["production", "check", "--output", "json"]).ends_with(0);
    let well = |host: &str| format!("{{\"failure\":null,\"findings\":[],\"host\":{host}}}");
    assert_eq!(run.stdout, format!("[{},{},{}]\n", well("null"), well("\"web1\""), well("\"web2\"")));
    world.shipit(&["production", "check", "now"]).ends_with(2);
    world.shipit(&["production", "check", "--force"]).ends_with(2);
}

fn all_is_well_with_busybox(kind: Kind) {
    let world = ready(kind, 1, "build = \"true\"");
    let host = world.host("web1");
    host.put(".profile", "");
    host.sh("busybox");
    host.shell("busybox ash");
    crate::doctor::busybox(host);
    world.shipit(&["production", "check"]).ends_with(0).says("this machine and web1: ok");
    fs::remove_file(host.path("app/current")).unwrap();
    host.put("app/current/page", "by hand");
    cured(&world);
}

fn a_host_that_was_never_set_up(kind: Kind) {
    let world = crate::doctor::desk(kind, 1);
    world.production("");
    let run = world.shipit(&["production", "check"]).ends_with(1).says("not set up yet");
    assert_eq!(remedies(&run), ["shipit production setup"]);
    cured(&world);
}

fn no_git(kind: Kind) {
    let world = ready(kind, 2, "");
    let host = world.host("web2");
    without(host, &["git"]);
    sudo(host);
    host.tool("apt-get", "#!/bin/sh\n[ \"$*\" = 'install -y git' ] && ln -s /usr/bin/git ~/../bin/git\n");
    let run = world.shipit(&["production", "check"]).ends_with(1);
    assert!(
        run.stdout.contains("web2\n  broken: git is not on the PATH of a session without a terminal"),
        "{run}"
    );
    assert!(run.stdout.contains("this machine and web1: ok"), "{run}");
    cured(&world);
}

fn an_old_git(kind: Kind) {
    let world = ready(kind, 1, "");
    world.host("web1").tool(
        "git",
        "#!/bin/sh\n[ \"$1\" != --version ] || exec echo git version 2.28.1\nexec /usr/bin/git \"$@\"\n",
    );
    world
        .shipit(&["production", "check"])
        .ends_with(1)
        .says("git is too old: 2.28.1, and at least 2.29 is needed");
}

fn an_unwritable_path(kind: Kind) {
    let world = ready(kind, 1, "");
    let host = world.host("web1");
    // Root writes everywhere, unless it lacks what makes it root.
    if rustix::process::geteuid().is_root() {
        host.shell("setpriv --bounding-set=-dac_override,-dac_read_search bash");
    }
    for dir in ["app/.shipit/journal", "app/source", "app"] {
        fs::set_permissions(host.path(dir), fs::Permissions::from_mode(0o555)).unwrap();
        world.shipit(&["production", "check"]).ends_with(1).says(&format!("{dir} cannot be written to by"));
        cured(&world);
    }
}

fn a_current_that_is_a_directory(kind: Kind) {
    let world = ready(kind, 1, "");
    let host = world.host("web1");
    fs::remove_file(host.path("app/current")).unwrap();
    host.put("app/current/page", "by hand");
    world.shipit(&["production", "check"]).ends_with(1).says("app/current is not a link");
    cured(&world);
    assert_eq!(host.read("app/current.before-shipit/page").as_deref(), Some("by hand"));
    world.deploy("two");
}

fn a_current_of_somebody_elses(kind: Kind) {
    let world = ready(kind, 1, "");
    let host = world.host("web1");
    fs::remove_file(host.path("app/current")).unwrap();
    std::os::unix::fs::symlink("source", host.path("app/current")).unwrap();
    world.shipit(&["production", "check"]).ends_with(1).says("points to source, which shipit did not make");
    cured(&world);
}

fn pm2_only_on_the_login_path(kind: Kind) {
    let lines = "build = \"set -x\\ncd . && NODE_ENV=production npm ci\"\nsupervisor = { reload = \"pm2 reload shop\" }\n";
    let world = ready(kind, 1, "");
    let host = world.host("web1");
    host.put(".profile", "PATH=$HOME/.npm-global/bin:$PATH\n");
    crate::doctor::program(&host.path(".npm-global/bin/pm2"), "#!/bin/sh\n");
    crate::doctor::program(&host.path(".npm-global/bin/npm"), "#!/bin/sh\n");
    without(host, &["npm", "pm2"]);
    world.production(lines);
    let run = world.shipit(&["production", "check"]).ends_with(1);
    let run = run
        .says("npm and pm2: on the PATH of a login shell, but not on that of hooks")
        .says("warning: nothing checks whether the app serves after a deploy")
        .says("warning: `pm2 reload` keeps running the release in which pm2 first started the app");
    let lines_now = remedies(&run);
    let [health, reload, path] = &lines_now[..] else { panic!("{run}") };
    assert_eq!(path, "prepend-path = [\"~/.npm-global/bin\"]");
    let lines = lines.replace("reload = \"pm2 reload shop\"", reload);
    world.production(&format!("{path}\n{health}\n{lines}"));
    world.shipit(&["production", "check"]).ends_with(0).says("this machine and web1: ok");
}

// What nvm and fnm write into ~/.bashrc counts for terminals only; fnm's directory is of one session.
fn node_of_a_version_manager(kind: Kind) {
    for (rc, tools, line) in [
        (
            "export NVM_DIR=$HOME/.nvm\n. $NVM_DIR/nvm.sh\n",
            ".nvm/versions/node/v20.1.0/bin",
            "prepend-path = [\"~/.nvm/versions/node/v20.1.0/bin\"]",
        ),
        (
            "ln -s ~/.fnm/node-versions/v20.1.0/installation ~/session.$$\nPATH=$HOME/session.$$/bin:$PATH\n",
            ".fnm/node-versions/v20.1.0/installation/bin",
            "prepend-path = [\"~/.fnm/node-versions/v20.1.0/installation/bin\"]",
        ),
    ] {
        let world = ready(kind, 1, "");
        let host = world.host("web1");
        host.shell("bash");
        host.put(".bashrc", &format!("case $- in *i*) ;; *) return ;; esac\n{rc}"));
        host.put(".profile", ". ~/.bashrc\n");
        host.put(".nvm/nvm.sh", "PATH=$NVM_DIR/versions/node/v20.1.0/bin:$PATH\n");
        for tool in ["node", "pm2"] {
            crate::doctor::program(&host.path(tools).join(tool), "#!/bin/sh\n");
        }
        without(host, &["pm2"]);
        world.production("supervisor = \"pm2\"");
        let run = world.shipit(&["production", "check"]).ends_with(1);
        let run = run.says("pm2: on the PATH of a login shell, but not on that of hooks");
        assert_eq!(remedies(&run), [line], "{run}");
        world.production(&format!("{line}\nsupervisor = \"pm2\""));
        world.shipit(&["production", "check"]).ends_with(0).says("this machine and web1: ok");
    }
}

fn a_tool_that_is_nowhere(kind: Kind) {
    let world = ready(kind, 1, "");
    world.production("build = \"frobnicate --all\"");
    let host = world.host("web1");
    sudo(host);
    host.tool(
        "apt-get",
        "#!/bin/sh\n[ \"$*\" = 'install -y frobnicate' ] && ln -s /bin/true ~/../bin/frobnicate\n",
    );
    world.shipit(&["production", "check"]).ends_with(1).says("frobnicate, which a hook starts, is not found");
    cured(&world);
}

fn a_profile_that_is_not_there(kind: Kind) {
    let world = ready(kind, 1, "");
    world.production("profile = [\"~/.nvm/nvm.sh\"]");
    world.shipit(&["production", "check"]).ends_with(1).says("profile: ~/.nvm/nvm.sh cannot be read");
    world.host("web1").put(".nvm/nvm.sh", "set -- and its arguments\n");
    world.shipit(&["production", "check"]).ends_with(0);
}

fn a_wrong_clock(kind: Kind) {
    let world = ready(kind, 1, "");
    let host = world.host("web1");
    sudo(host);
    host.tool(
        "date",
        "#!/bin/sh\n[ \"$1\" != +%s ] || exec echo $(($(/bin/date +%s) - 300))\nexec /bin/date \"$@\"\n",
    );
    host.tool("timedatectl", "#!/bin/sh\n[ \"$*\" = 'set-ntp true' ] && rm ~/../bin/date\n");
    let run = world.shipit(&["production", "check"]).ends_with(0);
    assert!(
        run.stdout.contains("  warning: its clock is ") && run.stdout.contains(" s behind the one here"),
        "{run}"
    );
    cured(&world);
}

fn a_variable_that_is_not_set(kind: Kind) {
    let world = ready(kind, 1, "");
    world.production("env = { TOKEN = \"${DOCTOR_TOKEN}\" }");
    let run = world.shipit(&["production", "check"]).ends_with(1);
    let run = run.says("this machine\n  broken: `env.TOKEN` needs the variable DOCTOR_TOKEN");
    assert_eq!(remedies(&run), ["export DOCTOR_TOKEN="]);
    world.env("DOCTOR_TOKEN", "hunter2");
    world.shipit(&["production", "check"]).ends_with(0).does_not_say("hunter2");
}

fn a_host_that_is_not_reached_counts_most(kind: Kind) {
    let world = ready(kind, 3, "");
    world.host("web1").kill_sshd();
    fs::write(world.home().join(".ssh/known_hosts"), known_but(&world, "web2")).unwrap();
    world.host("web3").put("app/current.new/page", "");
    fs::remove_file(world.host("web3").path("app/current")).unwrap();
    fs::rename(world.host("web3").path("app/current.new"), world.host("web3").path("app/current")).unwrap();
    let run = world.shipit(&["production", "check"]).ends_with(4);
    assert!(run.stdout.contains("web1\n  not reached: cannot connect to web1"), "{run}");
    assert!(run.stdout.contains("web2\n  not reached: unknown host key of web2"), "{run}");
    assert!(run.stdout.contains("web3\n  broken: "), "{run}");
    // The hint for the unknown key is a remedy like any other.
    let line = run.stdout.lines().find(|line| line.trim_start().starts_with("echo ")).unwrap().to_owned();
    crate::doctor::paste(&world, line.trim());
    let run = world.shipit(&["production", "check"]).ends_with(4);
    assert!(!run.stdout.contains("web2\n"), "{run}");
}

fn known_but(world: &World, name: &str) -> String {
    let port = world.host(name).port();
    let known = fs::read_to_string(world.home().join(".ssh/known_hosts")).unwrap();
    known
        .lines()
        .filter(|line| !line.contains(&format!("]:{port} ")))
        .map(|line| format!("{line}\n"))
        .collect()
}

fn nothing_is_locked_and_nothing_changed(kind: Kind) {
    let world = ready(kind, 1, "build = \"touch ~/ran\"");
    let host = world.host("web1");
    fs::remove_file(host.path("ran")).unwrap();
    let all = || {
        let listed = std::process::Command::new("find")
            .arg(host.path("app"))
            .args(["-printf", "%p %T@ %l\n"])
            .output();
        String::from_utf8(listed.unwrap().stdout).unwrap()
    };
    let before = all();
    world.shipit(&["production", "check"]).ends_with(0);
    assert_eq!(all(), before);
    assert!(!host.path("ran").exists(), "no hook runs");
    // A lock that another run holds is nothing to it.
    std::os::unix::fs::symlink("run.other", host.path("app/.shipit/lock")).unwrap();
    world.shipit(&["production", "check"]).ends_with(0);
}

fn what_a_host_says_acts_on_nothing(kind: Kind) {
    let world = ready(kind, 1, "");
    let host = world.host("web1");
    host.tool("sudo", "#!/bin/sh\nexit 1\n");
    host.tool(
        "id",
        "#!/bin/sh\n[ \"$1\" = -u ] && exec echo 1000\nprintf \"'; touch ~/hurt; '\\033[2J\\n\"\n",
    );
    host.tool("git", "#!/bin/sh\n[ \"$1\" != --version ] || exec echo git version 2.99\nprintf '\\033]0;x\\007fatal: \\tnothing\\n%0999999d\\n' 1; exit 1\n");
    let run = world.shipit(&["production", "check"]).ends_with(1);
    assert!(!run.stdout.contains('\u{1b}') && run.stdout.len() < 20_000, "{run}");
    remedies(&run).iter().for_each(|line| drop(crate::doctor::paste(&world, line)));
    assert!(!world.home().join("hurt").exists());
}

fn a_value_whose_command_fails(kind: Kind) {
    let world = ready(kind, 1, "");
    world.production("env = { TOKEN = { command = \"exit 3\" } }");
    let run = world.shipit(&["production", "check"]).ends_with(1);
    assert!(
        run.stdout.starts_with("this machine\n  broken: ") && run.stdout.ends_with("web1: ok\n"),
        "{run}"
    );
}

#[test]
fn a_ref_that_does_not_exist() {
    let world = ready(Kind::Sshd, 2, "");
    let repo = world.repo.url();
    let production = |reference: &str| {
        world.config(&format!(
            "[deploy.production]\nhosts = [\"web1\", \"web2\"]\nrepo = {repo:?}\nref = {reference:?}\npath = \"app\"\n"
        ));
        world.shipit(&["production", "check"])
    };
    world.repo.git(&["tag", "v1"]);
    world.repo.git(&["push", "-q", "origin", "v1"]);
    for missing in ["nosuch", "refs/heads/v1", "tags/main", "refs/pull/1/head"] {
        let told = format!("broken: {repo} has no branch, tag or commit {missing}");
        let run = production(missing).ends_with(1).says(&told);
        assert!(run.stdout.contains("web1, web2\n") && run.stdout.matches(&told).count() == 1, "once: {run}");
    }
    let head = world.repo.head();
    for there in [
        "main",
        "heads/main",
        "refs/heads/main",
        "origin/main",
        "v1",
        "tags/v1",
        "refs/tags/v1",
        &head,
        &head[..8],
    ] {
        production(there).ends_with(0);
    }
}
