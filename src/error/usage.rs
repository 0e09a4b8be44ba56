//! What the command line, or a file that the configuration names, asks for and cannot have. No host was contacted.

use std::io;
use std::path::PathBuf;

use super::FileError;

/// Why a command line cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    /// `--chdir`.
    #[error("--chdir: {} is not a directory", directory.display())]
    NotADirectory {
        /// Which.
        directory: PathBuf,
    },
    /// An option of `init` that cannot be written into the file.
    #[error("--{option}: {why}")]
    InitOption {
        /// Which.
        option: &'static str,
        /// Why not.
        why: String,
    },
    /// `import` of a file of ours.
    #[error("{} is a configuration of shipit's own: import reads those of other tools", file.display())]
    ImportToml {
        /// Which.
        file: PathBuf,
    },
    /// `import` where there is nothing to read.
    #[error(
        "nothing to import in {}: no file of pm2 with a `deploy` section, and none of Capistrano, Deployer or shipit-js; name one \
         with -c FILE, or write a shipit.toml with `shipit init`",
        directory.display()
    )]
    NothingToImport {
        /// Where it was looked for.
        directory: PathBuf,
    },
    /// `--events`.
    #[error("--events: cannot write {}", file.display())]
    Events {
        /// Which file.
        file: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A command that runs in `current` of one app.
    #[error("{command} runs in one app, and {environment} has {}: choose with --apps {}", apps.join(", "), apps[0])]
    SeveralApps {
        /// The command.
        command: String,
        /// Which environment.
        environment: String,
        /// Its apps, at least two.
        apps: Vec<String>,
    },
    /// `console` without a terminal.
    #[error(
        "console needs a terminal for input and output: `shipit {environment} exec CMD…` runs a command without one"
    )]
    NoTerminal {
        /// Which environment.
        environment: String,
    },
    /// `console` with a pattern of several hosts.
    #[error("console opens on one host, and {pattern} matches {}", hosts.join(", "))]
    SeveralHosts {
        /// What was typed.
        pattern: String,
        /// What it matches.
        hosts: Vec<String>,
    },
    /// `--ref` without an app, where there are several.
    #[error(
        "--ref {reference}: {environment} has the apps {}; write --ref {}={reference}, or choose one with --apps",
        apps.join(", "),
        apps[0]
    )]
    RefOfWhichApp {
        /// What was typed.
        reference: String,
        /// Which environment.
        environment: String,
        /// Its apps, at least two.
        apps: Vec<String>,
    },
    /// `--ref` twice for one app.
    #[error("--ref {reference}: `{app}` already has a ref; give one per app")]
    SecondRef {
        /// The second.
        reference: String,
        /// Of which app.
        app: String,
    },
    /// `--ref` for an app that is not there.
    #[error(
        "--ref {app}={reference}: this run has no app `{app}`{}",
        nearest.as_ref().map_or(String::new(), |near| format!("; did you mean `{near}`?"))
    )]
    NoSuchApp {
        /// What was typed.
        app: String,
        /// For it.
        reference: String,
        /// An app with a similar name.
        nearest: Option<String>,
    },
    /// A file of `files`.
    #[error("files.\"shared/{path}\"")]
    File {
        /// Below `shared/`.
        path: String,
        /// Why it cannot be sent.
        #[source]
        source: FileError,
    },
    /// All files of an app.
    #[error("files: {bytes} bytes in all; at most {limit} can be sent")]
    FilesTooLarge {
        /// Their size.
        bytes: usize,
        /// The largest that is sent.
        limit: usize,
    },
    /// `logs` of apps that name no log file.
    #[error(
        "`logs` is not set: name the app's log files in shipit.toml, for example logs = [\"shared/logs/*.log\"] \
         (of pm2, systemd and other supervisors with a `kind` it finds them by itself)"
    )]
    NoLogs,
    /// `demo --output json`.
    #[error("demo --output json: the demo is text for people")]
    DemoJson,
}
