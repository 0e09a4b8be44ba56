//! A full disk: the way back needs no space, and what does need it says so and leaves nothing.
//!
//! The deploy path is a small tmpfs in a mount namespace of its own, which needs no root where user namespaces are allowed.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::scope;

use shipit::remote::script::Script;

use crate::ground::Ground;
use crate::states::{Deploy, State};
use crate::{Sh, on_each_shell};

on_each_shell!(forward_needs_no_space_once_ready, what_needs_space_says_so,);

/// A host whose deploy path is on a small disk of its own.
pub struct Disk {
    pub ground: Ground,
    view: PathBuf,
    holder: Child,
}

impl Disk {
    pub fn new(sh: Sh) -> Disk {
        let mut ground = Ground::at(sh, |base| base.join("disk/app"));
        let disk = ground.base().join("disk");
        fs::create_dir(&disk).unwrap();
        let ways: [(&[&str], &[&str]); 2] =
            [(&["-rm"], &["-U", "--preserve-credentials", "-m"]), (&["-m"], &["-m"])];
        for (unshare, nsenter) in ways {
            let Some(holder) = hold(&disk, unshare) else { continue };
            let pid = holder.id().to_string();
            let mut way_in = vec!["nsenter".to_string(), "-t".into(), pid.clone()];
            way_in.extend(nsenter.iter().map(|word| (*word).to_string()));
            way_in.push("--".into());
            let view = PathBuf::from(format!("/proc/{pid}/root{}", disk.display()));
            ground.behind(way_in, view.join("app"));
            ground.set_up();
            return Disk { ground, view, holder };
        }
        panic!(
            "this test mounts a tmpfs: it needs either root with CAP_SYS_ADMIN or unprivileged user namespaces \
             (sysctl kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns)"
        );
    }

    /// To the last byte.
    pub fn fill(&self) {
        let mut file = File::options().create(true).append(true).open(self.view.join("fill")).unwrap();
        let mut piece = 4096;
        while piece > 0 {
            if file.write_all(&vec![0; piece]).is_err() {
                piece /= 2;
            }
        }
    }

    /// How many inodes are in use.
    pub fn inodes(&self) -> u64 {
        let said = Command::new("df").arg("-Pi").arg(&self.view).output().unwrap().stdout;
        let said = String::from_utf8(said).unwrap();
        said.lines().nth(1).unwrap().split_whitespace().nth(2).unwrap().parse().unwrap()
    }

    /// Mounts it once more with these options, by the shell of a run, which is in its namespace.
    pub fn remount(&self, run: &mut crate::driver::Run, options: &str) {
        let disk = self.ground.root().parent().unwrap().display();
        let number = run.tell_text(&format!("mount -o remount,{options} {disk}\n"));
        run.wait(number).good();
    }

    /// There is space again.
    pub fn free(&self) {
        fs::remove_file(self.view.join("fill")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

// A process that keeps the namespace; nothing in it names this ground, so it is not taken for one of the host's.
fn hold(disk: &std::path::Path, unshare: &[&str]) -> Option<Child> {
    let mut command = Command::new("unshare");
    command.args(unshare).args([
        "sh",
        "-c",
        r#"mount -t tmpfs -o size=3m none "$1" && echo ready && exec cat"#,
    ]);
    command.arg("holder").arg(disk).current_dir("/").env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut holder = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
    if line == "ready\n" {
        return Some(holder);
    }
    let _ = holder.wait();
    None
}

const STATES: [State; 10] = [
    State::Locked,
    State::Begun,
    State::CheckedOut,
    State::Building,
    State::Ready,
    State::Drained,
    State::Switched,
    State::Reloading,
    State::Active,
    State::Healthy,
];

// In each state: filled, hurt, resolved while full, and well again with some space. A disk per state, all at once: most of
// this is waiting. `turn` is the number of the way in which it is hurt.
fn in_each_state(turn: usize, hurt: impl Fn(&Ground, &mut Deploy<'_>, State) -> State + Sync) {
    scope(|threads| {
        for (at, state) in STATES.into_iter().enumerate() {
            for sh in Sh::in_turn(turn, at) {
                let hurt = &hurt;
                threads.spawn(move || {
                    let disk = Disk::new(*sh);
                    let ground = &disk.ground;
                    ground.deploy();
                    ground.repo.publish(&[("page", "new")]);
                    let mut deploy = Deploy::reach(ground, 2, state);
                    disk.fill();
                    let outcome = hurt(ground, &mut deploy, state);
                    deploy.is_resolved(outcome, &format!("{state:?} under {sh:?} on a full disk"));
                    disk.free();
                    ground.deploy();
                });
            }
        }
    });
}

#[test]
fn undo_needs_no_space() {
    in_each_state(0, |_, deploy, state| {
        if matches!(state, State::Building | State::Reloading) {
            deploy.run.message(&shipit::remote::wire::Message::Stop);
        }
        deploy.run.script(&Script::new().undo().unlock()).good();
        deploy.run.message(&shipit::remote::wire::Message::Bye);
        assert!(deploy.run.ended().success());
        deploy.run.close();
        state.min(State::Active)
    });
}

#[test]
fn a_lost_run_is_resolved_on_a_full_disk() {
    in_each_state(1, |_, deploy, state| {
        deploy.run.cut();
        state
    });
}

#[test]
fn the_next_run_resolves_on_a_full_disk() {
    in_each_state(2, |ground, deploy, state| {
        deploy.run.silence();
        crate::loss::the_machine_dies(ground);
        // A directory with a line in it is all that a run needs for the lock, and there is no room for the line.
        let mut thief = crate::driver::Run::start(ground, 30);
        thief.script(&Script::new().steal()).good();
        assert!(thief.bye().success());
        state
    });
}

fn forward_needs_no_space_once_ready(sh: Sh) {
    let disk = Disk::new(sh);
    disk.ground.deploy();
    disk.ground.repo.publish(&[("page", "new")]);
    let mut deploy = Deploy::reach(&disk.ground, 30, State::Ready);
    disk.fill();
    // A hook that prints would fail of it: that is the hook's own failure. The switch and the journal are not.
    deploy.run.script(&Script::new().drain().switch().undrain().healthy().finish(5).unlock()).good();
    assert_eq!(disk.ground.wrote("traffic"), "in");
    assert_eq!(disk.ground.current().as_ref(), Some(&deploy.release));
    assert_eq!(disk.ground.newest_entry(), Some((deploy.release.clone(), "done".into())));
    assert!(deploy.run.bye().success());
    disk.ground.comes_to_rest("forward on a full disk");
    disk.free();
    disk.ground.deploy();
}

fn what_needs_space_says_so(sh: Sh) {
    let disk = Disk::new(sh);
    let ground = &disk.ground;
    let old = ground.deploy();
    let mut run = crate::driver::Run::start(ground, 30);
    disk.fill();
    run.script(&Script::new().lock()).failed("cannot-make", "No space left on device");
    run.script(&Script::new().undo().unlock()).good();
    assert!(run.bye().success());
    ground.comes_to_rest("no lock");
    disk.free();
    let steps = [
        (State::Locked, State::Begun, &["no-space"][..]),
        (State::Begun, State::Fetched, &["git-access", "step-failed"]),
        (State::Fetched, State::CheckedOut, &["git-access", "step-failed", "cannot-pin", "cannot-write"]),
        (State::CheckedOut, State::Ready, &["cannot-write"]),
    ];
    for (before, after, words) in steps {
        // More than one page: git keeps small objects in what is left of one.
        ground.repo.publish(&[("page", &format!("{after:?}\n").repeat(2000))]);
        let mut deploy = Deploy::reach(ground, 30, before);
        disk.fill();
        let answer = deploy.run.script(&Deploy::script_to(after));
        let (reason, _) = answer.fail.clone().unwrap_or_else(|| panic!("{after:?}: {answer:?}"));
        assert!(words.contains(&reason.word()), "{after:?}: {answer:?}");
        deploy.run.script(&Script::new().undo().unlock()).good();
        deploy.stands(State::CheckedOut, &format!("{after:?} on a full disk"));
        assert!(deploy.run.bye().success());
        ground.comes_to_rest(&format!("{after:?}"));
        disk.free();
    }
    assert_eq!(ground.current(), Some(old));
    ground.deploy();
}
