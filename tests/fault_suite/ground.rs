//! Small disks for the hosts: the tests run once more in a mount namespace of their own, where each deploy path has a
//! tmpfs. That needs no root where user namespaces are allowed, and goes with the process.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// Where the disks are, in the inner process.
const INSIDE: &str = "SHIPIT_FAULTS_DISKS";

/// Enough for all worlds at a time.
pub const DISKS: usize = 32;

/// Mounts the disks, and becomes the program after `--`; without root as the user again, in a namespace within.
const MOUNT: &str = r#"set -e
for disk in "$1"/*; do mount -t tmpfs -o size=8m,nr_inodes=16k none "$disk"; done
mkfifo "$1.ask"
# Not while a file there is open for writing: it is tried until there is none.
while read -r how disk; do
	tries=500
	until mount -o "remount,$how" "$disk" 2>/dev/null || [ $((tries -= 1)) = 0 ]; do sleep 0.01; done
done <"$1.ask" &
exec 8>"$1.ask"
shift
exec "$@""#;

/// Does the work where there are disks; `test` is the name of the test that asks.
pub fn with_disks(test: &str, work: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        return work();
    }
    let base = tempfile::Builder::new().prefix("shipit-disks-").tempdir().unwrap();
    for n in 0..DISKS {
        std::fs::create_dir(base.path().join(format!("{n:02}"))).unwrap();
    }
    let mut command = Command::new("unshare");
    let root = rustix::process::geteuid().is_root();
    command.arg(if root { "-m" } else { "-rm" }).args(["sh", "-c", MOUNT, "sh"]).arg(base.path());
    let _fifo = RemoveAtEnd(base.path().with_extension("ask"));
    if !root {
        let (user, group) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        command.args(["unshare", &format!("--map-user={user}"), &format!("--map-group={group}")]);
    }
    command.arg(std::env::current_exe().unwrap()).args(["--exact", test, "--include-ignored", "--nocapture"]);
    let status = command.env(INSIDE, base.path()).status().unwrap();
    // As the harness says that a test failed, which said why.
    assert!(status.code() != Some(101), "{test} failed");
    assert!(
        status.success(),
        "{test}: {status}. It mounts small disks: that needs root with CAP_SYS_ADMIN, or unprivileged user namespaces \
         (sysctl kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns)"
    );
}

// What asks for another mount lies beside the directory of the disks.
struct RemoveAtEnd(PathBuf);

impl Drop for RemoveAtEnd {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

static TAKEN: Mutex<[bool; DISKS]> = Mutex::new([false; DISKS]);

/// A small disk of one host's own.
#[derive(Debug)]
pub struct Disk {
    number: usize,
    path: PathBuf,
}

impl Disk {
    pub fn take() -> Disk {
        let mut taken = TAKEN.lock().unwrap();
        let number = taken.iter().position(|taken| !taken).expect("a disk that is free");
        taken[number] = true;
        let path = Path::new(&std::env::var_os(INSIDE).unwrap()).join(format!("{number:02}"));
        Disk { number, path }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// To the last byte.
    pub fn fill(&self) {
        let mut file =
            std::fs::File::options().create(true).append(true).open(self.path.join("fill")).unwrap();
        let mut piece = 64 * 1024;
        while piece > 0 {
            if file.write_all(&vec![0; piece]).is_err() {
                piece /= 2;
            }
        }
    }

    /// To the last inode.
    pub fn use_inodes(&self) {
        let files = self.path.join("files");
        let _ = std::fs::create_dir(&files);
        for number in 0.. {
            if std::fs::write(files.join(number.to_string()), "").is_err() {
                return;
            }
        }
    }

    pub fn free(&self) {
        let _ = std::fs::remove_file(self.path.join("fill"));
        let _ = std::fs::remove_dir_all(self.path.join("files"));
    }

    /// `ro` or `rw`: by the process that mounted it, which may do that.
    pub fn remount(&self, how: &str) {
        let ask = self.path.parent().unwrap().with_extension("ask");
        let text = format!("{how} {}\n", self.path.display());
        std::fs::OpenOptions::new().append(true).open(ask).unwrap().write_all(text.as_bytes()).unwrap();
        let probe = self.path.join("probe");
        for _ in 0..1000 {
            let done = std::fs::write(&probe, "").is_ok() == (how == "rw");
            let _ = std::fs::remove_file(&probe);
            if done {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("{} was not remounted {how}", self.path.display());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        for entry in std::fs::read_dir(&self.path).unwrap().flatten() {
            let _ = std::fs::remove_dir_all(entry.path()).or_else(|_| std::fs::remove_file(entry.path()));
        }
        TAKEN.lock().unwrap()[self.number] = false;
    }
}
