//! The operator's end of one resident shell: starts the program, speaks the protocol, beats.
//!
//! The pipes are real ones, and each of them can be closed at any moment; nothing here waits without a deadline.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, PipeWriter, Read, Write, pipe};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use shipit::remote::program::{DIGEST, PROGRAM, digest, start_command};
use shipit::remote::script::Script;
use shipit::remote::wire::{Frames, Header, Message, Mode, Reply, reply, side};

use crate::answer::{Answer, Heard};
use crate::ground::Ground;
use crate::process;

/// Only hangs meet it.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// Of every run here; guessing it is what noise does.
pub const NONCE: &str = "0123456789abcdef0123456789abcdef";
const NONBLOCK: i32 = 0o4000;
/// The first pause between two looks at a pipe.
const SHORTEST: Duration = Duration::from_millis(2);

/// The pause after that one: some scenarios have dozens of pipes, which are silent for seconds.
fn longer(idle: Duration) -> Duration {
    (idle * 5 / 4).min(Duration::from_millis(25))
}

/// A resident shell that runs, and the line to it.
pub struct Run {
    pub(crate) child: Child,
    /// Its name on the host.
    pub name: String,
    pub(crate) input: Arc<Mutex<Option<PipeWriter>>>,
    /// The program as this host has it, and what was sent while its shell may ask for it.
    before: Arc<Mutex<Option<(String, String)>>>,
    pub heard: Arc<Mutex<Heard>>,
    pub(crate) beating: Arc<AtomicBool>,
    pub(crate) cut: Arc<AtomicBool>,
    pub(crate) deaf: Arc<AtomicBool>,
    number: u32,
}

impl Run {
    /// Starts one with the lock's mode, and tells it what every script needs.
    pub fn start(ground: &Ground, lost: u64) -> Run {
        Run::start_as(ground, Mode::Held, lost)
    }

    /// Starts one.
    pub fn start_as(ground: &Ground, mode: Mode, lost: u64) -> Run {
        Run::start_named(ground, mode, lost, ground.new_name())
    }

    /// Starts one of a run that may have others here.
    pub fn start_named(ground: &Ground, mode: Mode, lost: u64, name: String) -> Run {
        let shell = ground.sh();
        let sh = shell.to_str().unwrap();
        let program = PROGRAM.replace("/bin/sh", sh);
        let start = start_command().replace("/bin/sh", sh).replace(
            &format!("{} {}", *DIGEST, PROGRAM.len()),
            &format!("{} {}", digest(&program), program.len()),
        );
        let way = ground.way_in();
        let mut command = process::command(&way[0]);
        command.args(&way[1..]).args(["-c", &start]).current_dir(ground.home()).process_group(0);
        ground.closed(&mut command);
        let (child_in, input) = pipe().unwrap();
        let (output, child_out) = pipe().unwrap();
        let (errors, child_err) = pipe().unwrap();
        let child = command.stdin(child_in).stdout(child_out).stderr(child_err).spawn().unwrap();
        // The command holds the child's ends.
        drop(command);
        let mut run = Run {
            child,
            input: Arc::new(Mutex::new(Some(input))),
            before: Arc::new(Mutex::new(Some((program, String::new())))),
            heard: Arc::default(),
            beating: Arc::new(AtomicBool::new(true)),
            cut: Arc::default(),
            deaf: Arc::default(),
            number: 0,
            name,
        };
        run.listen(reopened(&output), false);
        run.listen(reopened(&errors), true);
        let root = ground.root().to_str().unwrap();
        let lost = Duration::from_secs(lost);
        run.send(&Header { nonce: NONCE, mode, run: &run.name, lost, tick: ground.tick, root }.encode());
        run.set(ground, &[]);
        run.message(&Message::Data("enter", ""));
        run.message(&Message::Data("env", &format!("export OUT='{}'\n", ground.out().display())));
        run.beat();
        run
    }

    fn listen(&self, mut from: File, errors: bool) {
        let (heard, cut, deaf) = (Arc::clone(&self.heard), Arc::clone(&self.cut), Arc::clone(&self.deaf));
        let (before, input) = (Arc::clone(&self.before), Arc::clone(&self.input));
        spawn(move || {
            let mut frames = Frames::new(NONCE);
            let mut buffer = vec![0; 32 << 10];
            let mut idle = SHORTEST;
            while !cut.load(Ordering::SeqCst) {
                if deaf.load(Ordering::SeqCst) {
                    sleep(SHORTEST);
                    continue;
                }
                match from.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(count) => {
                        frames.push(&buffer[..count]);
                        idle = SHORTEST;
                    }
                    Err(e) if e.kind() == ErrorKind::WouldBlock => {
                        sleep(idle);
                        idle = longer(idle);
                        continue;
                    }
                    Err(e) => panic!("{e}"),
                }
                let mut heard = heard.lock().unwrap();
                while let Some(piece) = frames.next_piece() {
                    if errors {
                        side(piece).into_iter().for_each(|said| heard.side(said));
                    } else {
                        let said = reply(piece);
                        match said {
                            Some((_, Reply::Need)) => send_program(&before, &input),
                            Some((_, Reply::Hello)) => drop(before.lock().unwrap().take()),
                            _ => {}
                        }
                        heard.replies.extend(said);
                    }
                }
            }
            heard.lock().unwrap().ended += 1;
        });
    }

    fn beat(&self) {
        let (input, beating) = (Arc::clone(&self.input), Arc::clone(&self.beating));
        spawn(move || {
            loop {
                sleep(Duration::from_millis(200));
                let mut input = input.lock().unwrap();
                let Some(pipe) = input.as_mut() else { return };
                if beating.load(Ordering::SeqCst) && pipe.write_all(beat().as_bytes()).is_err() {
                    return;
                }
            }
        });
    }

    fn send(&self, text: &str) {
        // Locked until it is written: what the program is sent after is what comes once more.
        let mut before = self.before.lock().unwrap();
        if let Some((_, before)) = before.as_mut() {
            before.push_str(text);
        }
        if let Some(pipe) = self.input.lock().unwrap().as_mut() {
            // It may be dead: that is what many scenarios are about.
            let _ = pipe.write_all(text.as_bytes());
        }
    }

    pub fn message(&self, message: &Message<'_>) {
        self.send(&message.encode(NONCE));
    }

    /// Tells the variables of a run, with these on top.
    pub fn set(&mut self, ground: &Ground, more: &[(&str, &str)]) {
        self.message(&Message::Set(&ground.variables(more)));
    }

    /// Starts a script.
    pub fn tell(&mut self, script: &Script) -> u32 {
        self.tell_text(script.as_str())
    }

    /// Starts a script that is text.
    pub fn tell_text(&mut self, text: &str) -> u32 {
        self.number += 1;
        self.message(&Message::Run(self.number, text));
        self.number
    }

    /// Waits for the end of a script.
    pub fn wait(&self, number: u32) -> Answer {
        let start = Instant::now();
        let mut idle = SHORTEST;
        loop {
            if let Some(answer) = self.heard.lock().unwrap().answer(number) {
                return answer;
            }
            assert!(
                start.elapsed() < PATIENCE,
                "script {number} never ended: {:?}",
                self.heard.lock().unwrap()
            );
            sleep(idle);
            idle = longer(idle);
        }
    }

    /// Runs a script to its end.
    pub fn script(&mut self, script: &Script) -> Answer {
        let number = self.tell(script);
        self.wait(number)
    }

    /// Waits until a step began that many times.
    pub fn step_begun(&self, step: &str, times: usize) {
        crate::eventually(&format!("step {step} in {:?}", self.name), || {
            let heard = self.heard.lock().unwrap();
            let begun = |(_, reply): &&(u32, Reply)| matches!(reply, Reply::Step(name, _) if name == step);
            heard.replies.iter().filter(begun).count() >= times
        });
    }
}

fn send_program(before: &Mutex<Option<(String, String)>>, input: &Mutex<Option<PipeWriter>>) {
    let mut before = before.lock().unwrap();
    let Some((program, sent)) = before.take() else { return };
    if let Some(pipe) = input.lock().unwrap().as_mut() {
        let _ = pipe.write_all(format!("{NONCE} program\n{program}{sent}").as_bytes());
    }
}

/// A beat as it goes over the wire.
pub fn beat() -> String {
    Message::Beat.encode(NONCE)
}

// The same pipe, to be read without waiting: a reader that sits in read(2) could not be told to close it.
fn reopened(pipe: &impl AsRawFd) -> File {
    let path = format!("/proc/self/fd/{}", pipe.as_raw_fd());
    OpenOptions::new().read(true).custom_flags(NONBLOCK).open(path).unwrap()
}
