//! Logins that ask a person: passphrases, passwords, questions of the server; once for all hosts, and never the same wrong answer twice.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::common::{Kind, World};
use crate::common_ssh::{Operator, host, keygen};
use futures_util::future::join_all;
use russh::keys::PrivateKey;
use russh::server::{Auth, Config, Handler, PublicKeyOffer, Response, VerifiedPublicKey, run_stream};
use russh::{MethodKind, MethodSet};
use secrecy::SecretString;
use shipit::config::Host;
use shipit::transport::ssh::Ssh;
use shipit::transport::{Boxed, ConnectError, LoginNote, LoginQuestion, Person, Transport as _};
use tokio::net::TcpListener;

/// What a server wants, in this order, and what it was told.
#[derive(Clone)]
struct Doorman {
    wants: Vec<MethodKind>,
    password: &'static str,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Doorman {
    fn next(&mut self) -> Auth {
        self.wants.remove(0);
        match self.wants.first() {
            None => Auth::Accept,
            Some(next) => Auth::Reject {
                proceed_with_methods: Some(MethodSet::from(&[*next][..])),
                partial_success: true,
            },
        }
    }

    fn judge(&mut self, method: MethodKind, answer: &str) -> Auth {
        self.heard.lock().unwrap().push(format!("{method:?} {answer}"));
        let right = self.wants.first() == Some(&method) && answer == self.password;
        if right { self.next() } else { self.no() }
    }

    fn no(&self) -> Auth {
        let wanted = self.wants.first().map(|method| MethodSet::from(&[*method][..]));
        Auth::Reject { proceed_with_methods: wanted, partial_success: false }
    }
}

impl Handler for Doorman {
    type Error = russh::Error;

    async fn auth_none(&mut self, _: &str) -> Result<Auth, Self::Error> {
        Ok(self.no())
    }

    async fn auth_publickey_offered(&mut self, _: &str, _: PublicKeyOffer<'_>) -> Result<Auth, Self::Error> {
        Ok(if self.wants.first() == Some(&MethodKind::PublicKey) { Auth::Accept } else { self.no() })
    }

    async fn auth_publickey(&mut self, _: &str, _: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        Ok(self.next())
    }

    async fn auth_password(&mut self, _: &str, password: &str) -> Result<Auth, Self::Error> {
        Ok(self.judge(MethodKind::Password, password))
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        _: &str,
        _: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, Self::Error> {
        let Some(answers) = response else {
            return Ok(Auth::Partial {
                name: Cow::Borrowed(""),
                instructions: Cow::Borrowed("two things\x1b[2J"),
                prompts: Cow::Borrowed(&[
                    (Cow::Borrowed("Password: "), false),
                    (Cow::Borrowed("Code: "), true),
                ]),
            });
        };
        let answers: Vec<String> =
            answers.map(|answer| String::from_utf8_lossy(&answer).into_owned()).collect();
        Ok(self.judge(MethodKind::KeyboardInteractive, &answers.join("+")))
    }
}

/// A server on a port of its own, until the test ends; it is known to the operator.
async fn door(operator: &Operator, wants: &[MethodKind], password: &'static str) -> (Host, Doorman) {
    let key = operator.ssh_file(&format!("door{}", getrandom::u64().unwrap()));
    let public = keygen(&key, "ed25519", "");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let known = std::fs::read_to_string(operator.ssh_file("known_hosts")).unwrap_or_default();
    operator.write("known_hosts", &format!("{known}[127.0.0.1]:{port} {public}\n"));
    let config = Arc::new(Config {
        keys: vec![PrivateKey::read_openssh_file(&key).unwrap()],
        auth_rejection_time: Duration::ZERO,
        nodelay: true,
        ..Config::default()
    });
    let doorman = Doorman { wants: wants.to_vec(), password, heard: Arc::default() };
    let served = doorman.clone();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let (config, doorman) = (Arc::clone(&config), served.clone());
            tokio::spawn(async move {
                if let Ok(session) = run_stream(config, socket, doorman).await {
                    let _ = session.await;
                }
            });
        }
    });
    (host("127.0.0.1", port), doorman)
}

/// Answers in this order, then no more.
#[derive(Default)]
struct Script {
    answers: RefCell<Vec<&'static str>>,
    asked: RefCell<Vec<LoginQuestion>>,
}

impl Person for Script {
    fn ask<'a>(&'a self, question: &'a LoginQuestion) -> Boxed<'a, Option<SecretString>> {
        Box::pin(async move {
            self.asked.borrow_mut().push(question.clone());
            // While one is asked, the others come and wait.
            tokio::time::sleep(Duration::from_millis(20)).await;
            let mut answers = self.answers.borrow_mut();
            if answers.is_empty() { None } else { Some(SecretString::from(answers.remove(0))) }
        })
    }

    fn tell(&self, _: &LoginNote) {}
}

fn script(answers: &[&'static str]) -> Rc<Script> {
    Rc::new(Script { answers: RefCell::new(answers.to_vec()), asked: RefCell::default() })
}

async fn all(ssh: &Ssh, hosts: &[&Host]) -> Vec<Option<ConnectError>> {
    join_all(hosts.iter().map(|host| async { ssh.connect(host).await.err() })).await
}

#[tokio::test]
async fn a_password_is_asked_once_for_all_hosts_and_a_slip_is_sent_to_one() {
    let operator = Operator::new();
    let mut doors = Vec::new();
    for _ in 0..3 {
        doors.push(door(&operator, &[MethodKind::Password], "right").await);
    }
    let hosts: Vec<&Host> = doors.iter().map(|(host, _)| host).collect();
    let person = script(&["slip", "right"]);
    let ssh = operator.ssh().asking(person.clone());
    assert_eq!(all(&ssh, &hosts).await, [None, None, None]);
    let heard: Vec<String> =
        doors.iter().flat_map(|(_, doorman)| doorman.heard.lock().unwrap().clone()).collect();
    assert_eq!(heard.iter().filter(|told| told.ends_with("slip")).count(), 1, "{heard:?}");
    assert_eq!(heard.len(), 4, "{heard:?}");
    assert_eq!(person.asked.borrow().len(), 2);

    // A host with another password asks for itself.
    let (other, _) = door(&operator, &[MethodKind::Password], "other").await;
    ssh.reload_known_hosts();
    person.answers.borrow_mut().push("other");
    assert_eq!(all(&ssh, &[&other]).await, [None]);
    let asked = person.asked.borrow().last().cloned();
    assert!(matches!(asked, Some(LoginQuestion::Password { again: true, .. })), "{asked:?}");
}

#[tokio::test]
async fn what_is_asked_of_nobody_is_said() {
    let operator = Operator::new();
    let (asks, doorman) = door(&operator, &[MethodKind::Password], "right").await;
    let error = operator.ssh().connect(&asks).await.err().unwrap();
    assert!(error.hint().unwrap().contains("ssh-copy-id"), "{:?}", error.hint());
    // Three wrong ones, and an end of input, and `BatchMode`: no more is sent than NumberOfPasswordPrompts says.
    let error = operator.ssh().asking(script(&["a", "b", "c", "right"])).connect(&asks).await.err().unwrap();
    assert!(error.to_string().contains("a password"), "{error}");
    assert_eq!(doorman.heard.lock().unwrap().len(), 3);
    let error = operator.ssh().asking(script(&[])).connect(&asks).await.err().unwrap();
    assert!(error.to_string().contains("a password (none was given)"), "{error}");
    operator.write("config", "BatchMode yes\n");
    let person = script(&["right"]);
    assert!(operator.ssh().asking(person.clone()).connect(&asks).await.is_err());
    assert_eq!((person.asked.borrow().len(), doorman.heard.lock().unwrap().len()), (0, 3));
    operator.write("config", "NumberOfPasswordPrompts 1\nPreferredAuthentications password\n");
    assert!(operator.ssh().asking(script(&["a", "right"])).connect(&asks).await.is_err());
    operator.write("config", "PasswordAuthentication no\n");
    assert!(operator.ssh().asking(script(&["right"])).connect(&asks).await.is_err());
}

#[tokio::test]
async fn a_key_and_then_answers_are_two_steps_of_one_login() {
    let operator = Operator::new();
    let wants = [MethodKind::PublicKey, MethodKind::KeyboardInteractive];
    let (first, _) = door(&operator, &wants, "right+42").await;
    let (second, doorman) = door(&operator, &wants, "right+42").await;
    let person = script(&["right", "42"]);
    let ssh = operator.ssh().asking(person.clone());
    assert_eq!(all(&ssh, &[&first, &second]).await, [None, None]);
    let asked = person.asked.borrow().clone();
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert!(matches!(&asked[1], LoginQuestion::Server { echo: true, prompt, .. } if prompt == "Code: "));
    assert_eq!(*doorman.heard.lock().unwrap(), ["KeyboardInteractive right+42"]);
    let (three, _) = door(&operator, &[wants[0], MethodKind::Password, wants[1]], "right+42").await;
    let error = operator.ssh().asking(script(&["x", "x", "x"])).connect(&three).await.err().unwrap();
    let ConnectError::Refused { refusal } = &error else { panic!("{error}") };
    assert_eq!(refusal.methods, ["password"], "what is wanted after the key: {error}");
}

/// Keys with a passphrase, in every format; each asked for once, and not where the server does not want the key.
#[tokio::test]
async fn a_passphrase_opens_keys_of_every_format() {
    let operator = Operator::new();
    for (name, kind, format, cipher) in [
        ("openssh", "ed25519", "", ""),
        ("pem", "rsa", "PEM", ""),
        ("pem_ec", "ecdsa", "PEM", ""),
        ("pkcs8", "rsa", "PKCS8", ""),
        ("aes256", "rsa", "", "-aes256"),
        ("des3", "rsa", "", "-des3"),
    ] {
        let file = operator.ssh_file(name);
        let text = file.to_string_lossy();
        keygen(&file, kind, if cipher.is_empty() { "a secret" } else { "" });
        if !format.is_empty() {
            let words = ["-q", "-p", "-m", format, "-P", "a secret", "-N", "a secret", "-f", &*text];
            crate::common_ssh::output("ssh-keygen", &words);
        }
        if !cipher.is_empty() {
            crate::common_ssh::output(
                "ssh-keygen",
                &["-q", "-p", "-m", "PEM", "-P", "", "-N", "", "-f", &text],
            );
            let words =
                ["rsa", "-traditional", cipher, "-passout", "pass:a secret", "-in", &*text, "-out", &*text];
            crate::common_ssh::output("openssl", &words);
        }
        let (mut asks, _) = door(&operator, &[MethodKind::PublicKey], "").await;
        asks.key = Some(file.clone());
        let person = script(&["wrong", "a secret"]);
        let ssh = operator.ssh().asking(person.clone());
        let ended = all(&ssh, &[&asks, &asks]).await;
        if name == "des3" {
            let text = ended[0].as_ref().unwrap().to_string();
            assert!(text.contains("the cipher DES-EDE3-CBC") && text.contains("ssh-keygen -p -f"), "{text}");
            continue;
        }
        assert_eq!(ended, [None, None], "{name}");
        assert_eq!(person.asked.borrow().len(), 2, "{name}");
        let (deaf, _) = door(&operator, &[MethodKind::Password], "").await;
        let unwanted = Host { key: Some(file), ..deaf };
        if !name.starts_with("pem") {
            let person = script(&[]);
            operator.write("config", "PasswordAuthentication no\n");
            assert!(operator.ssh().asking(person.clone()).connect(&unwanted).await.is_err());
            assert!(person.asked.borrow().is_empty(), "{name}: {:?}", person.asked.borrow());
        }
    }
}

fn lock(world: &World) {
    let key = world.home().join(".ssh/id_ed25519");
    let words = ["-q", "-p", "-P", "", "-N", "a secret", "-f", &*key.to_string_lossy()];
    crate::common_ssh::output("ssh-keygen", &words);
}

#[test]
fn on_a_terminal_the_passphrase_is_asked_once_for_all_hosts_and_not_shown() {
    let world = World::deployed(Kind::InProcess, 3, "");
    lock(&world);
    let question = "id_ed25519: ";
    let mut terminal = world.shipit_at_terminal(&["production", "exec", "echo here"]);
    crate::common::eventually(question, || terminal.shown().contains(question));
    terminal.types("wrong\n");
    let again = "that was not right. passphrase for the key";
    crate::common::eventually(again, || {
        terminal.shown().contains(again) && terminal.shown().trim_end().ends_with(':')
    });
    terminal.types("a secret\n");
    assert_eq!(terminal.wait(), Some(0), "{}", terminal.shown());
    let shown = terminal.shown();
    assert_eq!(shown.matches("passphrase for the key").count(), 2, "{shown}");
    assert!(!shown.contains("a secret") && !shown.contains("wrong\r"), "{shown}");
    assert_eq!(shown.matches("| here").count(), 3, "{shown}");
    assert!(terminal.is_cooked(), "echo is back");

    // Ctrl-C leaves the terminal as it was.
    let mut terminal = world.shipit_at_terminal(&["production", "status"]);
    crate::common::eventually(question, || terminal.shown().contains(question));
    terminal.kill(crate::common::Signal::INT);
    assert_ne!(terminal.wait(), Some(0), "{}", terminal.shown());
    assert!(terminal.is_cooked(), "echo is back");

    let run = world.shipit(&["production", "exec", "true"]).ends_with(4);
    assert!(run.stderr.contains("ssh-add "), "{run}");
}
