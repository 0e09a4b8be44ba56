//! Agents that sign with more than a key: a security key, a person who has to agree, and agents that never answer.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use russh::keys::signature::Signer as _;
use russh::keys::ssh_key::PublicKey;
use russh::keys::ssh_key::private::KeypairData;
use russh::keys::{PrivateKey, load_secret_key};
use sha2::{Digest as _, Sha256};
use shipit::transport::{ConnectError, Exit, Step};

use crate::common::{Kind, World};
use crate::common_ssh::{Agent, Client, Operator, Sshd, keygen, refused, run};

on_each_client!(
    a_security_key_of_the_agent_logs_in_with_its_flags_as_they_are,
    an_agent_that_never_answers_is_not_waited_for_without_end,
);

on_sshd!(an_agent_asks_before_it_signs);
by_openssh!(an_agent_asks_before_it_signs);

const TYPE: &str = "sk-ssh-ed25519@openssh.com";
const APPLICATION: &str = "ssh:";
const TOUCHED: u8 = 1;
const VERIFIED: u8 = 4;
/// Not a flag: it does not sign.
const SILENT: u8 = 255;

/// Bytes as they travel: behind their length.
fn string(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}

/// Takes such bytes off.
fn take<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let (length, bytes) = rest.split_at(4);
    let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
    let (taken, after) = bytes.split_at(length);
    *rest = after;
    taken
}

/// An agent that holds one security key and signs as its hardware would: with these flags.
struct Token {
    socket: PathBuf,
    public: String,
    flags: Arc<AtomicU8>,
}

impl Token {
    fn start(operator: &Operator) -> Self {
        let file = operator.dir.path().join("token");
        keygen(&file, "ed25519", "");
        let key = load_secret_key(&file, None).unwrap();
        fs::remove_file(&file).unwrap();
        let KeypairData::Ed25519(pair) = key.key_data() else { panic!("another key") };
        let parts = [TYPE.as_bytes(), &pair.public.0, APPLICATION.as_bytes()];
        let blob = parts.map(string).concat();
        let public = PublicKey::from_bytes(&blob).unwrap().to_openssh().unwrap();
        let socket = operator.dir.path().join("token.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let flags = Arc::new(AtomicU8::new(TOUCHED));
        let shared = Arc::clone(&flags);
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let (key, blob, flags) = (key.clone(), blob.clone(), Arc::clone(&shared));
                std::thread::spawn(move || serve(stream, &key, &blob, &flags));
            }
        });
        Self { socket, public, flags }
    }

    fn gives(&self, flags: u8) {
        self.flags.store(flags, Ordering::Relaxed);
    }
}

fn serve(mut stream: UnixStream, key: &PrivateKey, blob: &[u8], flags: &AtomicU8) -> io::Result<()> {
    loop {
        let mut length = [0; 4];
        stream.read_exact(&mut length)?;
        let mut request = vec![0; u32::from_be_bytes(length) as usize];
        stream.read_exact(&mut request)?;
        let mut rest = &request[1..];
        let answer = match request[0] {
            // What it holds.
            11 => [vec![12, 0, 0, 0, 1], string(blob), string(b"my token")].concat(),
            13 if take(&mut rest) == blob => match flags.load(Ordering::Relaxed) {
                SILENT => {
                    // Until the other side hangs up.
                    let _ = stream.read(&mut length);
                    return Ok(());
                }
                flags => [vec![14], string(&signature(key, flags, take(&mut rest)))].concat(),
            },
            _ => vec![5],
        };
        stream.write_all(&string(&answer))?;
    }
}

/// Over the application, the flags, the counter and the message, with both texts as their digests.
fn signature(key: &PrivateKey, flags: u8, message: &[u8]) -> Vec<u8> {
    let trailer = [&[flags][..], &0x0102_0304_u32.to_be_bytes()].concat();
    let application = Sha256::digest(APPLICATION.as_bytes());
    let signed = [&application[..], &trailer, &Sha256::digest(message)[..]].concat();
    let bytes = key.try_sign(&signed).unwrap().as_bytes().to_vec();
    [string(TYPE.as_bytes()), string(&bytes), trailer].concat()
}

/// An operator whose only key is in that token.
fn operator_with_token(server: &Sshd) -> (Operator, Token) {
    let operator = Operator::new();
    operator.write("known_hosts", &format!("{}\n", server.known_line()));
    fs::remove_file(operator.ssh_file("id_ed25519")).unwrap();
    let token = Token::start(&operator);
    (operator, token)
}

async fn a_security_key_of_the_agent_logs_in_with_its_flags_as_they_are(by: Client) {
    let (usual, strict) = (Sshd::start(""), Sshd::start(""));
    let (operator, token) = operator_with_token(&usual);
    let known = format!("{}\n{}\n", usual.known_line(), strict.known_line());
    operator.write("known_hosts", &known);
    usual.authorize(&token.public);
    strict.authorize(&format!("verify-required {}", token.public));
    let transport = operator.with_agent(by, Some(&token.socket));
    for (flags, server) in [(TOUCHED, &usual), (TOUCHED | VERIFIED, &usual), (TOUCHED | VERIFIED, &strict)] {
        token.gives(flags);
        let connection = transport.connect(&server.host()).await.unwrap();
        assert_eq!(run(&*connection, "exit 7").await.exit, Exit::Code(7), "{flags}");
    }
    for (flags, server) in [(0, &usual), (VERIFIED, &usual), (TOUCHED, &strict)] {
        token.gives(flags);
        let error = refused(&*transport, &server.host()).await;
        let said = error.to_string();
        assert!(
            said.contains("offered my token (agent) (its signature was not accepted)"),
            "{flags}: {said}"
        );
        assert!(error.hint().unwrap().contains("verify-required"), "{flags}: {:?}", error.hint());
    }
}

async fn an_agent_that_never_answers_is_not_waited_for_without_end(by: Client) {
    const SHORT: Duration = Duration::from_secs(1);
    let server = Sshd::start("");
    let (operator, token) = operator_with_token(&server);
    server.authorize(&token.public);
    // It takes the question, and there is no answer.
    token.gives(SILENT);
    let transport = operator.patient_with_agent(by, Some(&token.socket), SHORT, SHORT * 3);
    let error = refused(&*transport, &server.host()).await;
    let step = if by == Client::Builtin { Step::Signature } else { Step::AgentOrLogin };
    let said = error.to_string();
    assert!(
        matches!(error, ConnectError::Timeout { step: at, after, .. } if at == step && after == SHORT * 3),
        "{said}"
    );
    // It does not even tell what it holds.
    let deaf = operator.dir.path().join("deaf.sock");
    let _listener = UnixListener::bind(&deaf).unwrap();
    operator.write("config", &format!("IdentityAgent {}\n", deaf.display()));
    let transport = operator.patient_with_agent(by, None, SHORT, SHORT * 3);
    let error = refused(&*transport, &server.host()).await;
    let said = error.to_string();
    match by {
        Client::Builtin => assert!(said.contains("deaf.sock (no answer in 5 s)"), "{said}"),
        Client::OpenSsh => assert!(
            matches!(error, ConnectError::Timeout { step: Step::AgentOrLogin, after, .. } if after == SHORT * 2),
            "{said}"
        ),
    }
}

/// `ssh-add -c`: whoever sits there says yes or no to each use.
fn an_agent_asks_before_it_signs(kind: Kind) {
    let world = World::deployed(kind, 1, "");
    let (key, answer) = (world.home().join(".ssh/id_ed25519"), world.root().join("answer"));
    // It is asked what it may do, and ends with what is written there.
    let script = format!("echo \"$1\" >>'{0}.asked'; exit \"$(cat '{0}')\"", answer.display());
    let agent = Agent::asking(world.root(), &script);
    agent.add_as(&["-q", "-c"], &key, "");
    fs::remove_file(&key).unwrap();
    world.env("SSH_AUTH_SOCK", &agent.socket.to_string_lossy());
    fs::write(&answer, "0").unwrap();
    world.deploy("two");
    let asked = fs::read_to_string(answer.with_extension("asked")).unwrap();
    assert_eq!(asked.matches("Allow use of key").count(), 1, "{asked}");
    fs::write(&answer, "1").unwrap();
    world
        .shipit(&["production", "exec", "true"])
        .ends_with(4)
        .says("the agent refused to sign with ")
        .says("allow it when your agent asks");
}
