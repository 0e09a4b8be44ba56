//! A run that was started from inside pm2: ten instances of a service, each started by hand with a configuration file of its
//! own, are told at the same moment to deploy the machine that they run on.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::common::{Kind, World, eventually, pm2, within};

/// Serves its release, and deploys when it is asked to.
const APP: &str = "const fs = require('fs'), http = require('http'), { spawn } = require('child_process');
const page = fs.readFileSync(__dirname + '/page', 'utf8').trim();
http.createServer((request, answer) => {
  if (request.url === '/deploy') {
    const log = fs.openSync(process.argv[3] + '.log', 'a');
    const shipit = spawn(process.argv[4], ['production', '-c', process.argv[3]], { stdio: ['ignore', log, log] });
    shipit.on('exit', (code) => fs.writeFileSync(process.argv[3] + '.code', String(code)));
  }
  answer.end(page);
}).listen(Number(process.argv[2]), '127.0.0.1');
";
const INSTANCES: usize = 10;

struct Machine {
    world: World,
    tools: PathBuf,
    ports: Vec<u16>,
}

impl Machine {
    fn new() -> Machine {
        let world = World::new(Kind::InProcess, 0);
        let listeners: Vec<_> = (0..INSTANCES).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let ports = listeners.iter().map(|listener| listener.local_addr().unwrap().port()).collect();
        Machine { world, tools: pm2(7), ports }
    }

    fn app(&self) -> PathBuf {
        self.world.root().join("app")
    }

    fn configure(&self, file: &str, supervisor: &str) {
        let (repo, path, tools) = (self.world.repo.url(), self.app(), &self.tools);
        self.world.repo.write(
            file,
            &format!(
                "[deploy.production]\nhost = 'localhost'\nrepo = {repo:?}\nref = 'main'\npath = {path:?}\n\
                 prepend-path = [{tools:?}]\n{supervisor}\n"
            ),
        );
    }

    fn pm2(&self, args: &[&str]) {
        let mut command = self.world.command(&self.tools.join("pm2"));
        let output = command.args(args).output().unwrap();
        assert!(output.status.success(), "pm2 {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn start(&self, instance: usize) {
        let config = format!("c{instance}.toml");
        self.configure(&config, "supervisor = { kind = 'pm2', stable-for = '1s' }");
        let current = self.app().join("current");
        let text = |path: PathBuf| path.to_str().unwrap().to_owned();
        let name = format!("service-{instance}");
        let (script, cwd) = (text(current.join("app.js")), text(current));
        let (port, config) = (self.ports[instance].to_string(), text(self.world.repo.work().join(config)));
        let shipit = env!("CARGO_BIN_EXE_shipit");
        self.pm2(&["start", &script, "--name", &name, "--cwd", &cwd, "--", &port, &config, shipit]);
    }

    fn ask(&self, instance: usize, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.ports[instance])).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer.split_once("\r\n\r\n")?.1.to_owned())
    }

    fn all_serve(&self, page: &str) -> bool {
        (0..INSTANCES).all(|instance| self.ask(instance, "/").as_deref() == Some(page))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.world.command(&self.tools.join("pm2")).arg("kill").output();
    }
}

#[test]
fn instances_that_deploy_themselves_all_at_once_make_one_deploy() {
    let machine = Machine::new();
    let world = &machine.world;
    machine.configure("shipit.toml", "");
    world.repo.publish(&[("app.js", APP), ("page", "one")]);
    world.shipit(&["production", "setup"]).ends_with(0);
    world.shipit(&["production"]).ends_with(0);
    (0..INSTANCES).for_each(|instance| machine.start(instance));
    eventually("all serve", || machine.all_serve("one"));

    world.repo.publish(&[("page", "two")]);
    std::thread::scope(|threads| {
        for instance in 0..INSTANCES {
            let machine = &machine;
            threads.spawn(move || machine.ask(instance, "/deploy"));
        }
    });
    within(Duration::from_secs(240), "all serve what is new", || machine.all_serve("two"));
    within(Duration::from_secs(240), "all runs have ended", || {
        !machine.app().join(".shipit/lock").exists() && shipits_of(world.root()).is_empty()
    });
    assert!(machine.all_serve("two"));
    let list = world.shipit(&["production", "list"]).ends_with(0);
    assert_eq!(list.stdout.lines().count(), 3, "one deploy before, and one: {list}");
    // Whoever survived to follow its run to the end saw it succeed.
    for instance in 0..INSTANCES {
        let code = fs::read_to_string(world.repo.work().join(format!("c{instance}.toml.code")));
        assert!(
            code.as_deref().is_err() || code.as_deref().is_ok_and(|code| code == "0" || code == "null"),
            "{code:?}"
        );
    }
}

/// The processes that go on apart, of this test.
fn shipits_of(root: &Path) -> Vec<String> {
    let root = root.to_str().unwrap().to_owned();
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    let lines = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    lines.filter(|line| line.contains("--shipit-apart=third") && line.contains(&root)).collect()
}
