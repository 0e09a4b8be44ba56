//! Hosts that nobody knows yet: asked about once on a terminal, refused elsewhere, learned where ssh_config says so; and
//! never where a key has changed. Terminals are made by `script`.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::{Arc, Mutex};

use crate::common::{Kind, World, eventually, require};

on_sshd!(a_jump_host_is_asked_about_first_and_then_who_is_behind_it);
by_openssh!(a_jump_host_is_asked_about_first_and_then_who_is_behind_it);

const SHIPIT: &str = env!("CARGO_BIN_EXE_shipit");

/// A person at a terminal, on which `shipit` runs.
struct Terminal {
    child: Child,
    keys: ChildStdin,
    screen: Arc<Mutex<Vec<u8>>>,
}

impl Terminal {
    fn new(world: &World, args: &[&str]) -> Self {
        let mut command = world.command(&require("script"));
        let words: Vec<String> = args.iter().map(|word| format!("'{word}'")).collect();
        command.args(["-qefc", &format!("{SHIPIT} {}", words.join(" ")), "/dev/null"]).env("TERM", "xterm");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (keys, mut out) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let screen = Arc::new(Mutex::default());
        let share: Arc<Mutex<Vec<u8>>> = Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(n @ 1..) = out.read(&mut piece) {
                share.lock().unwrap().extend_from_slice(&piece[..n]);
            }
        });
        Self { child, keys, screen }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().unwrap()).replace('\r', "")
    }

    /// Waits for the question number `count` that holds this, and answers. Till then nothing is shown after it: what is drawn
    /// several times a second had the time to.
    #[track_caller]
    fn answers(mut self, count: usize, question: &str, answer: &str) -> Self {
        eventually(question, || self.text().matches(question).count() >= count);
        std::thread::sleep(std::time::Duration::from_millis(300));
        assert!(self.text().trim_end().ends_with(question), "{:?}", self.text());
        writeln!(self.keys, "{answer}").unwrap();
        self.keys.flush().unwrap();
        self
    }

    #[track_caller]
    fn ends_with(mut self, code: i32) -> String {
        let status = self.child.wait().unwrap();
        assert_eq!(status.code(), Some(code), "{}", self.text());
        self.text()
    }
}

/// A world whose operator has never been on these hosts.
struct Strangers {
    world: World,
    file: PathBuf,
}

impl Strangers {
    fn new(kind: Kind, hosts: usize) -> Self {
        let world = World::new(kind, hosts);
        world.production("");
        let file = world.home().join(".ssh/known_hosts");
        fs::remove_file(&file).unwrap();
        // Last, so that a scenario can say otherwise; the machine's own configuration may hash.
        let config = world.home().join(".ssh/config");
        let known = fs::read_to_string(&config).unwrap();
        fs::write(&config, format!("{known}  HashKnownHosts no\n")).unwrap();
        Self { world, file }
    }

    fn ssh_config(&self, lines: &str) {
        let config = self.world.home().join(".ssh/config");
        let known = fs::read_to_string(&config).unwrap();
        fs::write(&config, format!("{lines}\n{known}")).unwrap();
    }

    fn known(&self) -> String {
        fs::read_to_string(&self.file).unwrap_or_default()
    }

    fn line_of(&self, host: &str) -> String {
        let host = self.world.host(host);
        format!("[127.0.0.1]:{} {}\n", host.port(), host.public_key())
    }

    fn fingerprint_of(&self, host: &str) -> String {
        let file = self.world.root().join("key.pub");
        fs::write(&file, self.world.host(host).public_key()).unwrap();
        let mut command = self.world.command(Path::new("ssh-keygen"));
        let out = command.arg("-lf").arg(&file).output().unwrap();
        String::from_utf8(out.stdout).unwrap().split_whitespace().nth(1).unwrap().to_owned()
    }

    fn logins(&self) -> usize {
        self.world.hosts().iter().map(|host| host.logins()).sum()
    }
}

fn a_yes_makes_all_hosts_known(kind: Kind) {
    let all = Strangers::new(kind, 3);
    let terminal = Terminal::new(&all.world, &["production", "setup"]);
    let text = terminal.answers(1, "(yes/no/fingerprint)", "y").ends_with(0);
    assert_eq!(text.matches("(yes/no").count(), 1, "{text}");
    for host in ["web1", "web2", "web3"] {
        assert!(text.contains(&all.fingerprint_of(host)), "{host}: {text}");
        assert!(all.known().contains(&all.line_of(host)), "{host}: {}", all.known());
    }
    assert_eq!(all.logins(), 3, "who is asked about is not logged in to");
    all.world.shipit(&["production", "setup"]).ends_with(0);
    // OpenSSH finds them there too.
    let ssh = all.world.ssh("web2", "true");
    assert_eq!(ssh.code, Some(0), "{ssh}");
}

fn a_no_leaves_all_as_it_was(kind: Kind) {
    let all = Strangers::new(kind, 2);
    let terminal = Terminal::new(&all.world, &["production", "exec", "touch ran"]);
    let text = terminal
        .answers(1, "(yes/no/fingerprint)", "maybe")
        .answers(1, "please type yes, no or a fingerprint:", "no")
        .ends_with(4);
    assert!(text.contains("the host keys of web1 and web2 are not trusted"), "{text}");
    assert_eq!((all.known().as_str(), all.logins()), ("", 0));
}

on_each_kind!(a_yes_makes_all_hosts_known, a_no_leaves_all_as_it_was,);

#[test]
fn only_those_that_are_not_known_are_asked_about_and_their_fingerprints_are_an_answer() {
    let all = Strangers::new(Kind::InProcess, 3);
    fs::write(&all.file, all.line_of("web1").trim_end()).unwrap();
    let terminal = Terminal::new(&all.world, &["production", "setup"]);
    let text = terminal
        .answers(1, "(yes/no/fingerprint)", "SHA256:other")
        .answers(1, "please type yes, no or a fingerprint:", &all.fingerprint_of("web3"))
        .answers(1, "trust web2, too? (yes/no/fingerprint)", &all.fingerprint_of("web2"))
        .ends_with(0);
    assert!(!text.contains(&all.fingerprint_of("web1")), "{text}");
    assert_eq!(all.known(), all.line_of("web1") + &all.line_of("web2") + &all.line_of("web3"));
}

#[test]
fn without_a_terminal_they_are_refused_with_the_lines_to_add() {
    let all = Strangers::new(Kind::InProcess, 2);
    let run = all.world.shipit(&["production", "setup"]).ends_with(4);
    for host in ["web1", "web2"] {
        assert!(run.stderr.contains(&format!("echo '{}' >>", all.line_of(host).trim_end())), "{run}");
    }
    assert_eq!((all.known().as_str(), all.logins()), ("", 0));
    // Nor is anybody asked who wants no questions, or whom ssh_config forbids.
    let text = Terminal::new(&all.world, &["production", "setup", "--yes"]).ends_with(4);
    assert!(!text.contains("yes/no"), "{text}");
    all.ssh_config("StrictHostKeyChecking yes");
    let text = Terminal::new(&all.world, &["production", "setup"]).ends_with(4);
    assert!(!text.contains("yes/no") && text.contains("echo '"), "{text}");
    assert_eq!(all.known(), "");
}

#[test]
fn who_accepts_new_keys_is_not_asked_and_changed_ones_are_refused_all_the_same() {
    for word in ["accept-new", "no"] {
        let all = Strangers::new(Kind::InProcess, 2);
        all.ssh_config(&format!("StrictHostKeyChecking {word}\nHashKnownHosts yes"));
        all.world
            .shipit(&["production", "setup"])
            .ends_with(0)
            .says("added the host keys of web1 and web2 to known_hosts");
        let known = all.known();
        assert_eq!((known.lines().count(), known.matches("|1|").count()), (2, 2), "{known}");
        let again = all.world.shipit(&["production", "setup"]).ends_with(0);
        assert!(!again.stderr.contains("learned"), "{again}");

        // web2 answers where web1 was known.
        fs::write(
            &all.file,
            all.line_of("web1")
                .replace(&all.world.host("web1").public_key(), &all.world.host("web2").public_key()),
        )
        .unwrap();
        all.world.shipit(&["production", "exec", "true"]).ends_with(4).says("is not the one in");
    }
}

#[test]
fn what_cannot_be_written_is_trusted_for_this_time() {
    let all = Strangers::new(Kind::InProcess, 1);
    all.ssh_config("UserKnownHostsFile /dev/null\nStrictHostKeyChecking accept-new");
    all.world.shipit(&["production", "setup"]).ends_with(0);
    all.world.shipit(&["production", "status"]).ends_with(0);
    let all = Strangers::new(Kind::InProcess, 1);
    let nowhere = all.world.root().join("operator/.ssh/config/known_hosts");
    all.ssh_config(&format!("UserKnownHostsFile {}\nStrictHostKeyChecking accept-new", nowhere.display()));
    let run = all.world.shipit(&["production", "setup"]);
    assert!(run.stderr.contains("known_hosts"), "{run}");
}

fn a_jump_host_is_asked_about_first_and_then_who_is_behind_it(kind: Kind) {
    let all = Strangers::new(kind, 2);
    all.world.production_on(&["web2"], "jump = \"web1\"");
    let terminal = Terminal::new(&all.world, &["production", "setup"]);
    let text = terminal
        .answers(1, "(yes/no/fingerprint)", "yes")
        .answers(2, "(yes/no/fingerprint)", "yes")
        .ends_with(0);
    assert!(text.find(&all.fingerprint_of("web1")) < text.find(&all.fingerprint_of("web2")), "{text}");
    assert_eq!(all.known(), all.line_of("web1") + &all.line_of("web2"));
}
