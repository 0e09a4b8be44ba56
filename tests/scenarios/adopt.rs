//! Directories that other tools deployed to, on real sshds: the real `pm2 deploy`, and what Capistrano leaves.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use crate::common::{Host, Kind, Run, Running, World, eventually};
use crate::pm2_client::ask;

/// As `pm2 deploy` leaves a host: a work tree `source` at the last of these commits.
fn pm2_deployed(world: &World, host: &Host, commits: &[String]) {
    let app = host.path("app");
    fs::create_dir_all(app.join("shared/logs")).unwrap();
    let source = app.join("source");
    world.repo.git(&["clone", "-q", &world.repo.url(), source.to_str().unwrap()]);
    world.repo.git(&["-C", source.to_str().unwrap(), "reset", "-q", "--hard", commits.last().unwrap()]);
    let log: String = commits.iter().map(|commit| format!("{}\n", &commit[..7])).collect();
    fs::write(app.join(".deploys"), log).unwrap();
    symlink(&source, app.join("current")).unwrap();
}

fn pages(world: &World, page: &str) {
    for host in world.hosts() {
        assert_eq!(host.page().as_deref(), Some(page), "on {}", host.name());
    }
}

/// The others say so, and change nothing.
fn only_a_deploy_and_a_setup_adopt(world: &World) {
    for words in [&["revert", "--yes"][..], &["sync"], &["revert", "--yes"], &["restart"], &["prune"]] {
        let run = world.shipit(&[&["production"], words].concat()).ends_with(1);
        run.says("it is not adopted yet").says("shipit production setup");
    }
    pages(world, "two");
}

#[test]
fn a_directory_of_pm2_deploy_is_adopted_without_setup_and_no_file_is_lost() {
    let world = World::new(Kind::Sshd, 2);
    let lines = "shared = ['.env', 'uploads/']\npost-deploy = 'echo $SHIPIT_ACTION >>~/said'\n\
                 pre-activate = 'test ! -e bad'\nsupervisor = { reload = 'test ! -e crash', verify = 'true' }";
    world.production(lines);
    let commits = ["one", "two"].map(|page| world.publish(page));
    for host in world.hosts() {
        pm2_deployed(&world, host, &commits);
        host.put("app/source/.env", "secret");
        host.put("app/source/uploads/a", "theirs");
        host.put("app/source/node_modules/x/index.js", "");
    }
    let odd = "app/source/re\nport.pdf";
    world.host("web2").put(odd, "theirs");

    only_a_deploy_and_a_setup_adopt(&world);

    // Nothing is lost: it says what to decide, on which host.
    world.shipit(&["production", "plan"]).ends_with(0).says("another tool deployed on web1 and web2");
    world
        .shipit(&["production", "check"])
        .says("re?port.pdf")
        .says("ignore-untracked")
        .does_not_say("node_modules");
    let run = world
        .shipit(&["production"])
        .ends_with(3)
        .says("uploads")
        .says(".env")
        .says("shipit production setup");
    run.does_not_say("node_modules");
    pages(&world, "two");
    let run = world.shipit(&["production", "setup"]).ends_with(0);
    run.says("re?port.pdf").says("moved source/uploads to shared/uploads");
    world.shipit(&["production"]).ends_with(3).says("re?port.pdf").says("web2").says("ignore-untracked");
    world.production(&format!("{lines}\nignore-untracked = ['*.pdf']"));

    // A first deploy that fails leads back to what was there.
    let found = world.host("web1").current();
    world.repo.publish(&[("crash", ""), ("page", "bad")]);
    world.shipit(&["production"]).ends_with(5);
    pages(&world, "two");
    assert_eq!(world.host("web1").current(), found);
    assert_eq!(world.host("web1").read("said").as_deref(), Some("deploy\nrollback\n"));
    world.repo.git(&["rm", "-q", "crash"]);
    let three = world.publish("three");
    world.shipit(&["production"]).ends_with(0);
    pages(&world, "three");
    for host in world.hosts() {
        assert_eq!(host.read("app/current/uploads/a").as_deref(), Some("theirs"));
        assert_eq!(host.read("app/source/.env").as_deref(), Some("secret"), "what runs from there finds it");
    }
    assert_eq!(world.host("web2").read(odd).as_deref(), Some("theirs"));
    world.shipit(&["production", "status"]).ends_with(0).says(&three[..7]);

    // The time of pm2 is in the list, and can be reverted to.
    let list = world.shipit(&["production", "list"]).ends_with(0);
    list.says("pm2").says(&commits[0][..7]).says(&commits[1][..7]);
    world.shipit(&["production", "revert", "--yes"]).ends_with(0);
    pages(&world, "two");
    assert_eq!(
        world.host("web2").current().as_deref(),
        Some(world.host("web2").path("app/source").to_str().unwrap())
    );
    world.shipit(&["production", "revert", "--yes"]).ends_with(0);
    pages(&world, "one");
    assert_eq!(world.host("web1").read("app/current/.env").as_deref(), Some("secret"));
    world.deploy_page("four");
}

/// A host that another tool deployed to joins hosts of shipit's.
#[test]
fn a_host_of_pm2_deploy_that_is_new_among_others_is_adopted_by_a_sync() {
    let world = World::new(Kind::Sshd, 2);
    let lines =
        "supervisor = { reload = '[ $SHIPIT_ACTION != sync ] || test ! -e ~/broken', verify = 'true' }";
    world.production_on(&["web1"], lines);
    let zero = world.publish("zero");
    let one = world.publish("one");
    pm2_deployed(&world, world.host("web2"), &[zero.clone(), one, zero]);
    let theirs = world.host("web2").current();
    world.shipit(&["production", "setup"]).ends_with(0);
    for page in ["one", "two"] {
        world.publish(page);
        world.shipit(&["production"]).ends_with(0);
    }
    world.production(lines);
    world.host("web2").put("app/source/notes", "theirs");
    let sync = || world.shipit(&["production", "sync"]);
    let serve = |on_web1: &str, on_web2: &str| {
        let both = ["web1", "web2"].map(|name| world.host(name).page());
        assert_eq!(both, [on_web1, on_web2].map(|page| Some(page.to_owned())));
    };
    sync().ends_with(3).says("notes").says("ignore-untracked");
    serve("two", "zero");
    world.production(&format!("{lines}\nignore-untracked = ['notes']"));
    world.shipit(&["production", "sync", "--dry-run"]).ends_with(0).says("another tool deployed on web2");
    // Where it fails, what ran there is live again.
    world.host("web2").put("broken", "");
    sync().ends_with(5);
    serve("two", "zero");
    assert_eq!(world.host("web2").current(), theirs);
    fs::remove_file(world.host("web2").path("broken")).unwrap();
    sync().ends_with(0).says("brought web2 to");
    serve("two", "two");
    assert_eq!(world.host("web2").read("app/source/notes").as_deref(), Some("theirs"));
    // What the other tool deployed there is no deploy of the environment.
    world.shipit(&["production", "revert", "--yes"]).says("web2");
    serve("one", "two");
    world.deploy_page("three");
}

trait DeployPage {
    fn deploy_page(&self, page: &str);
}

impl DeployPage for World {
    fn deploy_page(&self, page: &str) {
        self.publish(page);
        self.shipit(&["production"]).ends_with(0);
        pages(self, page);
    }
}

#[test]
fn a_directory_of_capistrano_is_adopted_and_its_releases_count() {
    let world = World::new(Kind::Sshd, 1);
    world.production("shared = ['log/']\nkeep-releases = 2");
    let host = world.host("web1");
    let app = host.path("app");
    fs::create_dir_all(app.join("shared/log")).unwrap();
    world.repo.git(&["clone", "-q", "--mirror", &world.repo.url(), app.join("repo").to_str().unwrap()]);
    let mut log = String::new();
    for (at, page) in ["one", "two", "three"].into_iter().enumerate() {
        let commit = world.publish(page);
        let name = format!("2024010{}120000", at + 1);
        host.put(&format!("app/releases/{name}/page"), page);
        host.put(&format!("app/releases/{name}/REVISION"), &format!("{commit}\n"));
        symlink(app.join("shared/log"), app.join(format!("releases/{name}/log"))).unwrap();
        log += &format!("Branch main (at {commit}) deployed as release {name} by ann\n");
    }
    fs::write(app.join("revisions.log"), log).unwrap();
    symlink(app.join("releases/20240103120000"), app.join("current")).unwrap();
    let found = host.current();
    world.shipit(&["production", "setup"]).ends_with(0);
    assert_eq!(host.current(), found);
    world.deploy_page("four");
    let list = world.shipit(&["production", "list"]).ends_with(0);
    list.says("Capistrano");
    assert!(!host.path("app/releases/20240101120000").exists(), "{:?}", host.releases());
    world.shipit(&["production", "revert", "--yes"]).ends_with(0);
    pages(&world, "three");
    assert_eq!(host.current(), found, "absolute, as it was");
    world.shipit(&["production", "revert", "2", "--yes"]).ends_with(0);
    pages(&world, "one");
    capistrano_goes_on(&world, &app);
}

/// What `cap deploy` of Capistrano 3 does to a directory, as its tasks `git:update`, `git:create_release`, `symlink:shared`,
/// `symlink:release`, `cleanup` and `log_revision` do it. The gem is not here, which would bring 20 packages with it: 3.17.2 leaves the same.
const CAP_DEPLOY: &str = r#"set -e
cd "$1"; release=$1/releases/$2
mkdir -p shared/log releases
git --git-dir=repo remote update --prune >/dev/null 2>&1
mkdir -p "$release"
git --git-dir=repo archive main | tar -x -f - -C "$release"
commit=$(git --git-dir=repo rev-list --max-count=1 main)
echo "$commit" >"$release/REVISION"
ln -s "$1/shared/log" "$release/log"
ln -s "$release" releases/current
mv releases/current .
# `keep_releases` 1, of what it takes for its own; never what is live.
for old in $(ls releases | grep -E '^[0-9]{14}$' | head -n -1); do
	[ "$1/releases/$old" = "$(readlink current)" ] || rm -rf "releases/$old"
done
echo "Branch main (at $commit) deployed as release $2 by ann" >>revisions.log
"#;

/// It deploys twice on the directory that was adopted, between and after deploys of shipit's.
fn capistrano_goes_on(world: &World, app: &std::path::Path) {
    let host = world.host("web1");
    let cap_deploy = |release: &str, page: &str| {
        world.publish(page);
        let mut command = std::process::Command::new("sh");
        command.args(["-c", CAP_DEPLOY, "cap"]).arg(app).arg(release);
        let done = command.output().unwrap();
        assert!(done.status.success(), "{done:?}");
        assert_eq!(host.current().as_deref(), app.join("releases").join(release).to_str());
        pages(world, page);
    };
    cap_deploy("20990101120000", "five");
    world.shipit(&["production", "check"]).does_not_say("which shipit did not make");
    world.deploy_page("six");
    let ours = host.current();
    cap_deploy("20990102120000", "seven");
    let kept = ours.map(|ours| host.path("app").join(ours).is_dir());
    assert_eq!(kept, Some(true), "Capistrano removes only what is named as its own: {:?}", host.releases());
    world.deploy_page("eight");
    world.shipit(&["production", "revert", "--yes"]).ends_with(0);
    pages(world, "seven");
    world.shipit(&["production", "revert", "--yes"]).ends_with(0);
    pages(world, "six");
}

/// One host with the real pm2, to which the real `pm2 deploy` deploys.
struct Pm2 {
    world: World,
    bin: PathBuf,
    port: u16,
}

impl Pm2 {
    fn new() -> Pm2 {
        let bin = crate::common::pm2(7);
        let world = World::new(Kind::Sshd, 1);
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        world.host("web1").put("port", &port.to_string());
        let ssh = format!(
            "#!/bin/sh\nexec {} -F {} -o BatchMode=yes \"$@\"\n",
            crate::common::require("ssh").display(),
            world.home().join(".ssh/config").display()
        );
        world.tool("ssh", &ssh);
        let start = format!("PATH={}:$PATH pm2 startOrRestart ecosystem.config.js", bin.display());
        let deploy = serde_json::json!({ "apps": [], "deploy": { "production": {
            "host": "web1", "ref": "origin/main", "repo": world.repo.url(),
            "path": world.host("web1").path("app"), "post-deploy": start,
        } } });
        world.repo.write("pm2.json", &deploy.to_string());
        fs::write(world.repo.work().join(".git/info/exclude"), "/shipit.toml\n/pm2.json\n").unwrap();
        let pm2 = Pm2 { world, bin, port };
        pm2.reload_by("supervisor = { kind = 'pm2', stable-for = '2s' }");
        pm2
    }

    fn reload_by(&self, line: &str) {
        self.world.production(&format!(
            "prepend-path = [{:?}]\n{line}\nshared = ['.env']\nignore-untracked = ['runs']",
            self.bin.to_str().unwrap()
        ));
    }

    fn publish(&self, id: &str, more: &str) {
        let ecosystem = "const fs = require('fs');\nmodule.exports = { apps: [{ name: 'web', script: 'app.js', \
             exec_mode: 'cluster', instances: 2, env: { PORT: Number(fs.readFileSync(process.env.HOME + '/port', 'utf8')) } }] };\n";
        let release = format!("{{\"id\":\"{id}\"{more}}}");
        let app = include_str!("../pm2/app.js");
        self.world.repo.publish(&[
            ("app.js", app),
            ("ecosystem.config.js", ecosystem),
            ("release.json", &release),
        ]);
    }

    /// The real `pm2 deploy`.
    fn deploy(&self, words: &[&str]) -> Run {
        let mut command = self.world.command(&self.bin.join("pm2"));
        command.args(["deploy", "pm2.json", "production"]).args(words);
        Running::start(command, format!("pm2 deploy {words:?}")).wait()
    }

    #[track_caller]
    fn serves(&self, id: &str) {
        eventually("it answers", || ask(self.port).is_some());
        let said = format!("\"release\":\"{id}\"");
        for _ in 0..6 {
            let answer = ask(self.port).unwrap();
            assert!(answer.contains(&said), "it serves {answer}, not {id}");
        }
    }
}

impl Drop for Pm2 {
    fn drop(&mut self) {
        let mut command = self.world.command(&self.bin.join("pm2"));
        command.arg("kill");
        let _ = Running::start(command, "pm2 kill".into()).wait();
    }
}

#[test]
fn from_the_real_pm2_deploy_to_shipit_and_back() {
    let pm2 = Pm2::new();
    let host = pm2.world.host("web1");
    pm2.publish("one", "");
    pm2.deploy(&["setup"]).ends_with(0);
    pm2.deploy(&[]).ends_with(0);
    pm2.serves("one");
    host.put("app/source/.env", "secret");
    let found = host.current();

    // The app is bound to the work tree; a first deploy that crashes, or that pm2's own reload leaves there, leaves it so.
    pm2.world.shipit(&["production", "setup"]).ends_with(0);
    pm2.reload_by("post-deploy = 'pm2 reload all -s'");
    pm2.world
        .shipit(&["production"])
        .ends_with(5)
        .says(" of pm2 does not run from the new release, but from ")
        .says("/source");
    pm2.serves("one");
    assert_eq!(host.current(), found);
    pm2.reload_by("supervisor = { kind = 'pm2', stable-for = '2s' }");
    pm2.publish("bad", ",\"crash\":0");
    pm2.world.shipit(&["production"]).ends_with(5);
    pm2.serves("one");
    assert_eq!(host.current(), found);
    pm2.publish("two", "");
    pm2.world.shipit(&["production"]).ends_with(0);
    pm2.serves("two");
    assert_eq!(host.read("app/current/.env").as_deref(), Some("secret"));
    pm2.world.shipit(&["production", "revert", "--yes"]).ends_with(0);
    pm2.serves("one");
    assert_eq!(host.current(), found);

    // And back: pm2 deploy goes on where it was.
    pm2.publish("three", "");
    pm2.deploy(&["--force"]).ends_with(0);
    pm2.serves("three");
    assert_eq!(host.read("app/.deploys").unwrap().lines().count(), 2);
    pm2.publish("four", "");
    pm2.world.shipit(&["production"]).ends_with(0);
    pm2.serves("four");
    pm2.world.shipit(&["production", "revert", "--yes"]).ends_with(0);
    pm2.serves("three");
}
