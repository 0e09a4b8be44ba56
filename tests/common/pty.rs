//! Terminals: a person at one, as a scenario sees it, and the pair of ends that both it and the in-process server need.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use super::process::{self, Signal};

/// Our end and the program's end of a new terminal.
pub fn pair(columns: u16, rows: u16) -> (OwnedFd, OwnedFd) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let slave = open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).unwrap();
    resize(&master, columns, rows);
    (master, slave)
}

/// Gives a terminal another size.
pub fn resize(master: &OwnedFd, columns: u16, rows: u16) {
    let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(master, size).unwrap();
}

/// A program at a terminal; killed when dropped.
#[derive(Debug)]
pub struct Terminal {
    child: Child,
    master: OwnedFd,
    shown: Arc<Mutex<Vec<u8>>>,
}

impl Terminal {
    /// Starts `program` of this command on a terminal of 100 columns and 30 rows.
    pub fn start(mut command: Command) -> Self {
        let (master, slave) = pair(100, 30);
        let child = command
            .env("TERM", "xterm")
            .stdin(Stdio::from(slave.try_clone().unwrap()))
            .stdout(Stdio::from(slave.try_clone().unwrap()))
            .stderr(Stdio::from(slave))
            .spawn()
            .unwrap();
        drop(command);
        let shown = Arc::<Mutex<Vec<u8>>>::default();
        let (share, mut from) = (Arc::clone(&shown), File::from(master.try_clone().unwrap()));
        std::thread::spawn(move || {
            let mut piece = [0; 8192];
            while let Ok(count @ 1..) = from.read(&mut piece) {
                share.lock().unwrap().extend_from_slice(&piece[..count]);
            }
        });
        Self { child, master, shown }
    }

    /// All that was shown so far, without bash's words on how pasting works.
    pub fn shown(&self) -> String {
        let text = String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned();
        text.replace("\u{1b}[?2004l\r", "").replace("\u{1b}[?2004h", "")
    }

    /// Types it.
    pub fn types(&self, keys: &str) {
        File::from(self.master.try_clone().unwrap()).write_all(keys.as_bytes()).unwrap();
    }

    /// Gives the window another size.
    pub fn resize(&self, columns: u16, rows: u16) {
        resize(&self.master, columns, rows);
    }

    /// Whether a person sees what he types, and Enter ends a line.
    pub fn is_cooked(&self) -> bool {
        tcgetattr(&self.master)
            .unwrap()
            .local_modes
            .contains(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG)
    }

    /// Sends the program a signal.
    pub fn kill(&self, signal: Signal) {
        process::signal(self.child.id(), signal);
    }

    /// Waits for its end: the exit code.
    ///
    /// # Panics
    /// When it hangs.
    #[track_caller]
    pub fn wait(&mut self) -> Option<i32> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                // The last words are read by a thread, which then lets go of its share.
                while Arc::strong_count(&self.shown) > 1 && start.elapsed() < Duration::from_secs(60) {
                    std::thread::sleep(Duration::from_millis(2));
                }
                return status.code();
            }
            assert!(start.elapsed() < Duration::from_secs(60), "hangs, having shown:\n{}", self.shown());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
