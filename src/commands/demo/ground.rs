//! The directory in which all of the demonstration lies: the operator's home, the project with its history, and a
//! home for each host. Nothing outside of it is written; it is removed when its owner is dropped, unless kept.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::config;
use crate::error::DemoError;
use crate::transport::ssh::server::KeyPair;

/// What the operator's git reads, and no other configuration.
const GITCONFIG: &str = "[gc]\n\tauto = 0\n[push]\n\tdefault = simple\n";

/// The directory.
#[derive(Debug)]
pub(super) struct Ground {
    root: PathBuf,
    keep: bool,
}

impl Ground {
    /// A new one below `parent`, which other users cannot read.
    pub(super) fn make(parent: &Path, keep: bool) -> Result<Self, DemoError> {
        let failed = |source| DemoError::Directory { parent: parent.to_owned(), source };
        let parent = parent.canonicalize().map_err(failed)?;
        // The path goes into files with quotes of their own: a shell's, ssh's and the configuration's.
        let odd = |c: char| c.is_control() || "'\"\\%".contains(c);
        if parent.to_str().is_none_or(|path| path.contains(odd)) {
            return Err(DemoError::SpecialCharacter { parent });
        }
        let mut nonce = [0; 4];
        getrandom::fill(&mut nonce).map_err(|error| failed(io::Error::other(error.to_string())))?;
        let name = format!("shipit-demo-{:08x}", u32::from_be_bytes(nonce));
        let root = parent.join(name);
        DirBuilder::new().mode(0o700).create(&root).map_err(failed)?;
        Ok(Self { root, keep })
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Nobody removes it.
    pub(super) fn is_kept(&self) -> bool {
        self.keep
    }

    /// The operator's home.
    pub(super) fn home(&self) -> PathBuf {
        self.root.join("home")
    }

    /// The operator's work tree.
    pub(super) fn work(&self) -> PathBuf {
        self.root.join("shop")
    }

    /// Where the operator finds `shipit`.
    pub(super) fn bin(&self) -> PathBuf {
        self.root.join("bin")
    }

    /// A host's home.
    pub(super) fn host(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The operator: a git configuration, a key, and `~/.ssh` that knows the hosts (name, port, public key).
    pub(super) fn furnish(
        &self,
        key: &KeyPair,
        hosts: &[(&str, u16, String)],
        shipit: &Path,
    ) -> io::Result<()> {
        let (home, ssh) = (self.home(), self.home().join(".ssh"));
        put(&home.join(".gitconfig"), GITCONFIG, 0o644)?;
        put(&ssh.join("id_ed25519"), &key.private_text()?, 0o600)?;
        let (mut config, mut known) = (String::new(), String::new());
        for (name, port, public) in hosts {
            config.push_str(&format!("Host {name}\n  HostName 127.0.0.1\n  Port {port}\n"));
            known.push_str(&format!("[127.0.0.1]:{port} {public}\n"));
        }
        // Whole paths: OpenSSH's own client takes ~ for the account's home, whatever HOME says.
        let below = ssh.display();
        config.push_str(&format!(
            "Host *\n  User demo\n  ProxyJump none\n  IdentitiesOnly yes\n  IdentityFile \"{below}/id_ed25519\"\n  \
             UserKnownHostsFile \"{below}/known_hosts\"\n"
        ));
        put(&ssh.join("config"), &config, 0o600)?;
        put(&ssh.join("known_hosts"), &known, 0o600)?;
        let shipit = crate::remote::quote::quote(&shipit.to_string_lossy());
        let home = home.display();
        let start = format!(
            "#!/bin/sh\n# shipit as the operator of the demonstration, whose ~/.ssh knows its hosts.\n\
             unset SSH_AUTH_SOCK\nHOME='{home}' exec {shipit} \"$@\"\n"
        );
        put(&self.bin().join("shipit"), &start, 0o755)
    }

    /// A host's home, with a name of its own.
    pub(super) fn furnish_host(&self, name: &str) -> io::Result<()> {
        put(&self.host(name).join("bin/hostname"), &format!("#!/bin/sh\necho {name}\n"), 0o755)?;
        fs::create_dir_all(self.host(name).join("tmp"))
    }

    /// The project's files, before anything is committed.
    pub(super) fn write_project(&self) -> io::Result<()> {
        let work = self.work();
        let repo = config::quoted(&self.root.join("shop.git").to_string_lossy());
        put(&work.join("shipit.toml"), &include_str!("shop/shipit.toml").replace("{repo}", &repo), 0o644)?;
        put(&work.join("restart"), include_str!("shop/restart.sh"), 0o755)?;
        put(&work.join("healthy"), include_str!("shop/healthy.sh"), 0o755)?;
        put(&work.join("port"), "8080\n", 0o644)?;
        put(&work.join("page"), "the shop, first edition\n", 0o644)
    }

    /// On one host another program has the port that the project will move to.
    pub(super) fn take_port(&self, host: &str) -> io::Result<()> {
        put(&self.host(host).join("ports/9090"), "a metrics exporter\n", 0o644)
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        if !self.keep {
            // Nobody is left to tell if this fails; it is in a directory for temporary files.
            let _ = fs::remove_dir_all(&self.root);
        }
    }
}

/// A new file, with the directories it lies in.
fn put(file: &Path, text: &str, mode: u32) -> io::Result<()> {
    if let Some(parent) = file.parent() {
        fs::create_dir_all(parent)?;
    }
    OpenOptions::new().write(true).create_new(true).mode(mode).open(file)?.write_all(text.as_bytes())
}
