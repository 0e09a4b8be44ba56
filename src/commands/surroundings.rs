//! The surroundings of the process, read once: directory, home, user, CI, agent. Nothing below asks again.

use std::cell::RefCell;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use jiff::Timestamp;

use super::operator;
use crate::cli::pm2_number;
use crate::config::{Host, Timeouts};
use crate::error::{Error, SystemError, UsageError};
use crate::plan::Options;
use crate::remote::by::By;
use crate::remote::quote::quote;
use crate::transport::local::Local;
use crate::transport::openssh::{self, OpenSsh};
use crate::transport::ssh::{self, Ssh};
use crate::transport::{Boxed, ConnectError, Connection, Transport};

pub(super) struct Surroundings {
    pub(super) directory: PathBuf,
    home: PathBuf,
    user: String,
}

impl Surroundings {
    pub(super) fn read() -> Result<Surroundings, Error> {
        let directory = std::env::current_dir().map_err(|source| SystemError::CurrentDirectory { source })?;
        let home = std::env::home_dir().filter(|home| home.is_absolute());
        let home = home.ok_or(SystemError::NoHome)?;
        let user = ["USER", "LOGNAME"]
            .iter()
            .find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()));
        Ok(Surroundings { directory, home, user: user.unwrap_or_else(name_of_user) })
    }

    /// Where work begins: here, or where `--chdir` says.
    pub(super) fn start(&self, chdir: Option<&Path>) -> Result<PathBuf, Error> {
        let start = chdir.map_or_else(|| self.directory.clone(), |directory| self.directory.join(directory));
        match start.is_dir() {
            true => Ok(start),
            false => Err(UsageError::NotADirectory { directory: start }.into()),
        }
    }

    /// Where things lie that can be made anew.
    pub(super) fn cache(&self) -> PathBuf {
        let set = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        set.unwrap_or_else(|| self.home.join(".cache")).join("shipit")
    }

    /// What the journal and the lock say of this run.
    pub(super) fn options(&self, environment: &str) -> Options {
        let when = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let machine = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let typed = std::env::args().skip(1).filter(|argument| !argument.starts_with(super::apart::ARGUMENT));
        let words = said(typed).into_iter().take(6).collect::<Vec<_>>();
        let by = By {
            user: self.user.clone(),
            machine,
            pid: Some(std::process::id()),
            command: format!("shipit {}", words.join(" ")).trim_end().to_owned(),
            since: when.clone(),
            ..By::default()
        };
        let who = operator::in_ci(by, &|name| std::env::var(name).ok()).line(environment);
        Options { user: self.user.clone(), who, when, caller: caller(), ..Options::default() }
    }

    /// What was typed, made to show the scripts of the same plan.
    pub(super) fn with_scripts() -> String {
        with_scripts(std::env::args().skip(1))
    }

    /// The agent's socket, where one is named and no agent answers there.
    pub(super) fn dead_agent(&self) -> Option<PathBuf> {
        let socket = std::env::var_os("SSH_AUTH_SOCK").filter(|path| !path.is_empty()).map(PathBuf::from)?;
        std::os::unix::net::UnixStream::connect(&socket).is_err().then_some(socket)
    }

    /// The ways to hosts. `interactive`: the user can be asked.
    pub(super) fn transport(&self, timeouts: &Timeouts, interactive: bool) -> HostTransport {
        let mut options = ssh::Options::new(self.home.clone(), self.user.clone());
        // What is the default may be written down, and changes nothing.
        options.connect_timeout_said = timeouts.connect != options.connect_timeout;
        options.connect_timeout = timeouts.connect;
        // A connection counts as dead after four of these went unanswered.
        options.keepalive = timeouts.lost / 4;
        options.agent = std::env::var_os("SSH_AUTH_SOCK").filter(|path| !path.is_empty()).map(PathBuf::from);
        let text =
            |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
        options.variables = std::env::vars_os().filter_map(text).collect();
        let bases = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
        let bases = bases.into_iter().chain([std::env::temp_dir(), "/tmp".into()]).collect();
        // Also when the file is replaced while the run goes on.
        let program = PathBuf::from(format!("/proc/{}/exe", std::process::id()));
        let mut of_openssh = openssh::Options::new(program, bases);
        of_openssh.connect_timeout = options.connect_timeout;
        of_openssh.keepalive = options.keepalive;
        of_openssh.agent = options.agent.is_some();
        of_openssh.interactive = interactive;
        HostTransport {
            ssh: Ssh::new(options),
            openssh: OpenSsh::new(of_openssh),
            by_openssh: RefCell::default(),
            local: Local::new(self.home.clone(), std::env::vars_os()),
        }
    }
}

/// The process of pm2 that this one descends from, and the home of its daemon.
fn caller() -> Option<String> {
    let number = pm2_number()?;
    let home = std::env::var("PM2_HOME").unwrap_or_default();
    (!home.contains('\n')).then(|| format!("{number} {home}"))
}

/// Without `USER`, as in many containers: the name of the account; where it has none, its number. Nobody becomes root by a
/// variable that is missing.
fn name_of_user() -> String {
    let said =
        std::process::Command::new("id").arg("-un").stdin(Stdio::null()).stderr(Stdio::null()).output();
    let said = said.ok().filter(|output| output.status.success());
    let name = said.and_then(|output| String::from_utf8(output.stdout).ok());
    let name = name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    name.unwrap_or_else(|| rustix::process::getuid().as_raw().to_string())
}

/// The arguments as others may read them: what `--set` sets may be a secret.
fn said(args: impl Iterator<Item = String>) -> Vec<String> {
    let mut value_follows = false;
    let hide = |text: &str| text.split_once('=').map_or("…".to_owned(), |(key, _)| format!("{key}=…"));
    args.map(|arg| match arg.strip_prefix("--set=") {
        _ if std::mem::replace(&mut value_follows, arg == "--set") => hide(&arg),
        Some(setting) => format!("--set={}", hide(setting)),
        None => arg,
    })
    .collect()
}

fn with_scripts(words: impl Iterator<Item = String>) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.,:/@%+=".contains(c);
    let quoted = |word: String| {
        if !word.is_empty() && word.chars().all(plain) { word } else { quote(&word) }
    };
    let words: Vec<String> = shown(words).into_iter().map(quoted).collect();
    format!("shipit {} --scripts", words.join(" "))
}

/// The arguments as they may stand in a log: what `--set` sets in `env`, or as a token, may be a secret.
fn shown(args: impl Iterator<Item = String>) -> Vec<String> {
    let mut value_follows = false;
    let is_secret = |setting: &str| {
        let key = setting.split_once('=').map_or(setting, |(key, _)| key);
        key.split('.').any(|part| part == "env" || part == "repo" || part.ends_with("token"))
    };
    let hide = |setting: &str| match setting.split_once('=') {
        Some((key, _)) if is_secret(setting) => format!("{key}=…"),
        _ => setting.to_owned(),
    };
    args.map(|arg| match arg.strip_prefix("--set=") {
        _ if std::mem::replace(&mut value_follows, arg == "--set") => hide(&arg),
        Some(setting) => format!("--set={}", hide(setting)),
        None => arg,
    })
    .collect()
}

/// One of the two clients of SSH, or for `localhost` no SSH at all.
pub(super) struct HostTransport {
    pub(super) ssh: Ssh,
    pub(super) openssh: OpenSsh,
    /// The names of the hosts that the system's `ssh` reaches.
    pub(super) by_openssh: RefCell<Vec<String>>,
    local: Local,
}

impl HostTransport {
    /// Whether the system's `ssh` reaches this host.
    pub(super) fn is_by_openssh(&self, host: &Host) -> bool {
        !host.local && self.by_openssh.borrow().contains(&host.name)
    }
}

impl Transport for HostTransport {
    fn connect<'a>(&'a self, host: &'a Host) -> Boxed<'a, Result<Box<dyn Connection>, ConnectError>> {
        match host.local {
            true => self.local.connect(host),
            false if self.is_by_openssh(host) => self.openssh.connect(host),
            false => self.ssh.connect(host),
        }
    }
}

/// What the demonstration is made of: it needs no home, and hands nothing on that would change what is done.
#[derive(Debug)]
pub(super) struct DemoEnvironment {
    /// This very program.
    pub(super) program: PathBuf,
    /// Where temporary files lie.
    pub(super) temporary: PathBuf,
    /// Where programs are looked for.
    path: OsString,
    /// How the terminal is, and what language is spoken.
    pub(super) appearance: Vec<(OsString, OsString)>,
}

impl DemoEnvironment {
    pub(super) fn find() -> std::io::Result<Self> {
        const KEPT: [&str; 7] = ["TERM", "COLORTERM", "NO_COLOR", "CLICOLOR_FORCE", "LANG", "TZ", "TZDIR"];
        let kept = |name: &str| KEPT.contains(&name) || name.starts_with("LC_");
        let variables = std::env::vars_os();
        Ok(Self {
            program: std::env::current_exe()?,
            temporary: std::env::temp_dir(),
            path: std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into()),
            appearance: variables.filter(|(name, _)| name.to_str().is_some_and(kept)).collect(),
        })
    }

    /// The `PATH` with one directory before all others.
    pub(super) fn path_with(&self, first: PathBuf) -> std::io::Result<OsString> {
        let all = std::iter::once(first).chain(std::env::split_paths(&self.path));
        std::env::join_paths(all).map_err(std::io::Error::other)
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn without_user_the_account_has_a_name() {
        let said = std::process::Command::new("id").arg("-un").output().unwrap();
        assert_eq!(super::name_of_user(), String::from_utf8(said.stdout).unwrap().trim());
    }

    #[test]
    fn what_is_set_is_not_told_to_others() {
        let line = "production --set env.T=s3cret=x update --set=ref=v2 --set s3cret -y exec --set a";
        let said = super::said(line.split(' ').map(str::to_owned)).join(" ");
        assert_eq!(said, "production --set env.T=… update --set=ref=… --set … -y exec --set …");
    }

    #[test]
    fn the_command_that_shows_the_scripts_is_what_was_typed() {
        for (typed, shown) in [
            ("production|revert|2|-n", "shipit production revert 2 -n --scripts"),
            (
                "production|plan|--hosts|web[1:2],!web3",
                "shipit production plan --hosts 'web[1:2],!web3' --scripts",
            ),
            (
                "-c|my file|prod|-n|--set|keep-releases=1|--set=env.T=s3cret|--set|apps.api.repo-token=x",
                "shipit -c 'my file' prod -n --set keep-releases=1 '--set=env.T=…' --set 'apps.api.repo-token=…' --scripts",
            ),
        ] {
            assert_eq!(super::with_scripts(typed.split('|').map(str::to_owned)), shown);
        }
    }
}
