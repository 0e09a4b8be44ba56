//! What is said of a key: the types of which the rows are made.

/// A table of the file, by what it may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config) enum Scope {
    /// The file itself: above the first header.
    File,
    /// `[defaults]` and `[deploy.ENV]`.
    Environment,
    /// `[apps.NAME]` and `[deploy.ENV.apps.NAME]`.
    App,
    /// A table in `host`.
    Host,
    /// A table of a hook.
    Hook,
    Supervisor,
    Health,
    Timeout,
    Rollout,
    /// An entry of `files`.
    SentFile,
}

impl Scope {
    /// All of them.
    pub(in crate::config) const ALL: [Scope; 10] = [
        Scope::File,
        Scope::Environment,
        Scope::App,
        Scope::Host,
        Scope::Hook,
        Scope::Supervisor,
        Scope::Health,
        Scope::Timeout,
        Scope::Rollout,
        Scope::SentFile,
    ];
}

/// What a key takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config) enum Kind {
    Text,
    /// One string, or a list of them.
    Texts,
    /// A string with variables of the operator in it: never shown.
    Secret,
    Flag,
    /// `true`, `false`, or one of these words.
    FlagOr(&'static [&'static str]),
    /// A TCP port.
    Port,
    /// An integer, at least this.
    Count(u32),
    Duration,
    /// A duration; 0 is none.
    DurationOrZero,
    /// A duration, 0, or `"ask"`.
    Pause,
    /// One of these words; the later ones are refused as "not yet".
    Word {
        words: &'static [&'static str],
        later: &'static [&'static str],
    },
    /// A number of hosts, or a percentage of them.
    Share,
    /// The same but not none; or `"all"`.
    Batch,
    /// A port, or `"host:port"`.
    Endpoint,
    /// HTTP status codes and ranges of them.
    Status,
    /// A string or a table of [`Scope::Host`], or a list of them.
    Hosts,
    /// A string or a table of [`Scope::Hook`], or a list of them.
    Hooks,
    /// A word or a table of [`Scope::Supervisor`], or a list of them.
    Supervisors,
    /// A table whose keys are names of variables.
    Env,
    /// A table whose keys are paths, with tables of [`Scope::SentFile`].
    Files,
    /// A table whose keys are names of apps, with tables of [`Scope::App`].
    Apps,
    /// A table whose keys are names of environments, with tables of [`Scope::Environment`].
    Environments,
    /// A table with keys of its own.
    Table(Scope),
}

/// What holds where a key is not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config) enum Unset {
    /// What the key asks for does not happen.
    Nothing,
    /// A mistake; with a value for the message, as TOML.
    Required { example: &'static str },
    /// This value, as TOML: it is read like one of the file.
    Value(&'static str),
    /// No value of the key: what holds instead, in Markdown.
    Instead(&'static str),
}

/// One key of some tables.
#[derive(Debug, Clone, Copy)]
pub(in crate::config) struct Key {
    pub name: &'static str,
    /// The tables it is allowed in.
    pub scopes: &'static [Scope],
    pub kind: Kind,
    pub unset: Unset,
    /// One sentence.
    pub meaning: &'static str,
    /// The version it came with.
    pub since: &'static str,
}

/// The version of most keys.
const FIRST: &str = "0.1.0";

pub(super) const fn key(
    name: &'static str,
    scopes: &'static [Scope],
    kind: Kind,
    meaning: &'static str,
) -> Key {
    Key { name, scopes, kind, unset: Unset::Nothing, meaning, since: FIRST }
}

impl Key {
    /// With a default, as TOML.
    pub(super) const fn or(self, default: &'static str) -> Key {
        Key { unset: Unset::Value(default), ..self }
    }

    /// With what holds where the key is not set, in Markdown.
    pub(super) const fn instead(self, words: &'static str) -> Key {
        Key { unset: Unset::Instead(words), ..self }
    }

    pub(super) const fn required(self, example: &'static str) -> Key {
        Key { unset: Unset::Required { example }, ..self }
    }

    /// What to write where the key is missing.
    pub fn example(&self) -> Option<String> {
        match self.unset {
            Unset::Required { example } => Some(format!("for example: {} = {example}", self.name)),
            _ => None,
        }
    }

    /// The default, as TOML.
    pub fn default(&self) -> Option<&'static str> {
        match self.unset {
            Unset::Value(toml) => Some(toml),
            _ => None,
        }
    }
}
