//! What a host may cost that says too much, too little or the wrong thing: a transport of this test's own speaks for it.

use std::fs;
use std::time::{Duration, Instant};

use bytes::Bytes;
use shipit::config::{self, Environment, Host};
use shipit::executor::event::{Event, FailureKind, Observer};
use shipit::executor::{Interrupt, Looked, look};
use shipit::plan::{self, Options, Plan};
use shipit::remote::script::{Place, Script};
use shipit::transport::{
    Boxed, Channel, ConnectError, Connection, DialError, Exit, Forwarding, Output, Screen, Stream, Transport,
};
use tokio::sync::mpsc;

/// What the host does once it knows the nonce of the run.
#[derive(Clone, Copy)]
enum Way {
    /// It prints before its first word, without end.
    Noise,
    /// It says its first word, answers beats, and no script.
    Hangs,
    /// Journal entries without end.
    Entries,
    /// Facts without end.
    Facts,
    /// Frames of no kind that we have.
    False,
    /// A frame without end.
    Unending,
}

struct Liar(Way);

impl Transport for Liar {
    fn connect<'a>(&'a self, _: &'a Host) -> Boxed<'a, Result<Box<dyn Connection>, ConnectError>> {
        Box::pin(async { Ok(Box::new(Liar(self.0)) as Box<dyn Connection>) })
    }
}

impl Connection for Liar {
    fn exec<'a>(&'a self, _: &'a str) -> Boxed<'a, Result<Channel, ConnectError>> {
        let (input, received) = mpsc::channel(64);
        let (says, output) = mpsc::channel(64);
        tokio::spawn(lie(self.0, received, says));
        Box::pin(async { Ok(Channel { input, output }) })
    }
    fn terminal<'a>(&'a self, _: &'a str, _: Screen) -> Boxed<'a, Result<Channel, ConnectError>> {
        unreachable!()
    }
    fn forwarding(&self) -> Boxed<'_, Forwarding> {
        Box::pin(async { Forwarding::Forbidden })
    }
    fn dial<'a>(&'a self, _: &'a str, _: u16) -> Boxed<'a, Result<Box<dyn Stream>, DialError>> {
        unreachable!()
    }
}

async fn lie(way: Way, mut received: mpsc::Receiver<Bytes>, says: mpsc::Sender<Output>) -> Option<()> {
    let mut all = Vec::new();
    let nonce = loop {
        all.extend_from_slice(&received.recv().await?);
        if let Some(end) = all.iter().position(|byte| *byte == b'\n') {
            break String::from_utf8(all[..end].to_vec()).unwrap();
        }
    };
    let out = async |text: String| says.send(Output::Stdout(text.into())).await.ok();
    if !matches!(way, Way::Noise) {
        out(format!("{nonce}\t0\thello\n")).await?;
    }
    match way {
        Way::Noise => loop {
            out("welcome\n".into()).await?;
            tokio::time::sleep(Duration::from_millis(50)).await;
        },
        Way::Hangs => loop {
            received.recv().await?;
            says.send(Output::Stderr(format!("{nonce}\tbeat\n").into())).await.ok()?;
        },
        Way::Entries => {
            let entry = format!("{nonce}\t1\tentry\t100001\tdone\trelease\t{}\n", "x".repeat(30_000));
            loop {
                out(entry.clone()).await?;
            }
        }
        Way::Facts => loop {
            out(format!("{nonce}\t1\tfact\tholder\tsomeone\n").repeat(100)).await?;
        },
        Way::False => loop {
            out(format!("{nonce}\t1\tnonsense\n{nonce}\t\n")).await?;
        },
        Way::Unending => {
            out(format!("{nonce}\t1\tfact\tholder\t")).await?;
            loop {
                out("x".repeat(30_000)).await?;
            }
        }
    }
}

struct Quiet;

impl Observer for Quiet {
    fn event(&mut self, _: &Event<'_>) {}
    fn tick(&mut self) {}
}

fn environment() -> Environment {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("shipit.toml");
    let text = "[deploy.production]\nhost = 'web1'\nrepo = 'r:shop'\nref = 'main'\npath = '/srv/shop'\n\
        timeout = { connect = '1s', lost = '5s' }\n";
    fs::write(&file, text).unwrap();
    config::load(&file, "production").unwrap()
}

fn status() -> Plan {
    let environment = environment();
    let options = Options { env: vec![Vec::new()], user: "operator".into(), ..Options::default() };
    let mut plan = plan::status(environment, &options);
    plan.opening = vec![Script::new().live()];
    plan
}

fn looked(way: Way, plan: &Plan) -> Looked {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let since = Instant::now();
    let looked = runtime.block_on(look(plan, &Liar(way), &mut Quiet, Interrupt::never())).remove(0);
    // Only a hang takes longer.
    assert!(since.elapsed() < Duration::from_secs(300), "{:?}", since.elapsed());
    looked
}

#[test]
fn a_login_that_prints_for_ever_has_no_more_time_than_a_silent_one() {
    let failure = looked(Way::Noise, &status()).failure.unwrap();
    assert!(failure.message.contains("did not answer within 6 s"), "{failure:?}");
}

#[test]
fn a_script_that_does_not_end_is_given_up_though_beats_are_answered() {
    let mut plan = status();
    plan.targets[0].limits.beside_steps = 8;
    let failure = looked(Way::Hangs, &plan).failure.unwrap();
    let exit = Exit::Lost("its script did not end within the limits of all its steps and a minute".into());
    assert_eq!((failure.kind, failure.exit), (FailureKind::Lost, Some(exit)));
}

#[test]
fn what_never_ends_or_is_none_of_ours_is_the_end_of_a_host() {
    for (way, why) in [
        (Way::Entries, "it answered with more than 32 MiB"),
        (Way::Facts, "it answered one script with more than 100000 messages"),
        (Way::False, "it does not speak shipit's protocol"),
        (Way::Unending, "it does not speak shipit's protocol"),
    ] {
        let failure = looked(way, &status()).failure.unwrap();
        assert_eq!((failure.kind, failure.exit), (FailureKind::Lost, Some(Exit::Lost(why.into()))));
    }
}

#[test]
fn a_script_has_the_time_of_its_steps_and_a_minute() {
    let limits = status().targets[0].limits.clone();
    let seconds = |script: Script| limits.deadline(&script).map(|limit| limit.as_secs());
    assert_eq!(seconds(Script::new().live()), Some(60));
    // Each limit is rounded up.
    assert_eq!(seconds(Script::new().fetch(900)), Some(60 + 901));
    assert_eq!(seconds(Script::new().fetch(900).checkout(900)), Some(60 + 2 * 901));
    assert_eq!(seconds(Script::new().find_ref(900)), Some(60 + 3 * 900));
    // A release of before may have a hook that today's file lacks.
    assert_eq!(seconds(Script::new().stored("post-deploy", Place::Current)), Some(60 + 900));
    assert_eq!(seconds(Script::new().exec_text("true")), None);
    assert!(seconds(Script::new().undo()) > Some(3600), "it may have to go all the way back");
}
