//! What the user of a file of pm2's should know about how it is understood: it is read, and means something else or more.

use std::fmt;

use crate::config::variable::names_variable;

/// One remark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// `FILE:LINE`.
    pub place: String,
    /// What is to be known.
    pub kind: RemarkKind,
}

/// What is to be known.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields say what their types and the variant say")]
pub enum RemarkKind {
    /// Neither pm2 nor shipit knows the key.
    UnknownKey { key: String, nearest: Option<String> },
    /// A key of `shipit.toml`, which has no meaning in a file of pm2's.
    OwnKey { key: String },
    /// Of the first one nothing is left.
    GivenTwice { key: String },
    /// As a variable that is not set: pm2 leaves it out, too.
    Undefined { key: String },
    /// `post-deploy` is taken apart.
    Split { parts: Vec<String> },
    /// `post-deploy` stays as it is, because of this part.
    Kept { part: String },
    /// There is no `post-deploy`: what pm2 does then.
    DefaultHook { file: String },
    /// `env` is for more than `post-deploy`.
    EnvEverywhere,
    /// A value of `env` that the host's shell would have expanded.
    Dollar { key: String, value: String },
    /// What a hook does to the work tree, of which a release has no need.
    GitDropped { hook: String, commands: String },
    /// A hook that asks git about the release.
    GitInHook { hook: String },
    /// `post-setup` installs or builds.
    SetupBuilds { text: String },
    /// `post-setup` ran in the work tree.
    SetupElsewhere,
    /// Hooks have no terminal.
    NoTerminal,
    /// The agent is lent to all hooks.
    AgentForAll,
    /// `"no"` was a yes for pm2.
    AgentNotLent { value: String },
    /// A line of another tool's file that is no plain value.
    LeftOut { line: String, to: Option<usize> },
    /// A value of another tool's file that the file does not say in so many words.
    Taken { key: String, value: String, because: String },
    /// The home is the host's, and no longer the operator's.
    PathOnHost { path: String },
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.kind)
    }
}

impl RemarkKind {
    /// Whether it tells of a likely mistake, rather than of a difference.
    #[must_use]
    pub fn is_warning(&self) -> bool {
        matches!(
            self,
            RemarkKind::UnknownKey { .. }
                | RemarkKind::OwnKey { .. }
                | RemarkKind::GivenTwice { .. }
                | RemarkKind::Undefined { .. }
                | RemarkKind::Dollar { .. }
                | RemarkKind::AgentNotLent { .. }
                | RemarkKind::GitInHook { .. }
                | RemarkKind::LeftOut { .. }
                | RemarkKind::Taken { .. }
        )
    }
}

impl fmt::Display for RemarkKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RemarkKind::UnknownKey { key, nearest } => f.write_str(&unknown(key, nearest.as_deref())),
            RemarkKind::OwnKey { key } => {
                write!(f, "`{key}` is a key of shipit.toml and is ignored here; `shipit import` writes a shipit.toml")
            }
            RemarkKind::GivenTwice { key } => write!(f, "`{key}` is given twice: only the last one counts"),
            RemarkKind::Undefined { key } => write!(f, "`{key}` is undefined, and left out"),
            RemarkKind::Split { parts } => write!(
                f,
                "post-deploy is split, so that nothing live changes until all hosts are ready: {}",
                parts.join("; ")
            ),
            RemarkKind::Kept { part } => write!(
                f,
                "post-deploy runs whole after the switch, because of `{part}`; what only prepares the release belongs \
                 into `build` (shipit import)"
            ),
            RemarkKind::DefaultHook { file } => {
                write!(f, "no post-deploy: the apps of {file} are started or reloaded, as pm2 does")
            }
            RemarkKind::EnvEverywhere => {
                f.write_str("`env` reaches every hook and the apps, not only post-deploy")
            }
            RemarkKind::Dollar { key, value } => write!(
                f,
                "`{key}` is passed on as it is, {value}: nothing of it is expanded on the host{}",
                if key == "env.PATH" { "; use `prepend-path` of shipit.toml" } else { "" }
            ),
            RemarkKind::GitDropped { hook, commands } => {
                write!(f, "{hook}: `{commands}` is left out, because a release is always clean")
            }
            RemarkKind::GitInHook { hook } => write!(
                f,
                "{hook} calls git, and a release is no work tree; its commit is in the file REVISION and in $SHIPIT_REVISION"
            ),
            RemarkKind::SetupBuilds { text } => {
                write!(f, "post-setup: `{text}` runs in `build`, because every release needs it")
            }
            RemarkKind::SetupElsewhere => f.write_str(
                "post-setup runs in the deploy path, and there is no code yet; what needs the code belongs into `build`",
            ),
            RemarkKind::NoTerminal => {
                f.write_str("needs_tty has no effect: hooks have no terminal, so sudo must not ask (sudo -n)")
            }
            RemarkKind::AgentForAll => f.write_str(
                "forward-agent lends your agent to every hook; in shipit.toml `forward-agent = true` lends it to git alone",
            ),
            RemarkKind::AgentNotLent { value } => {
                write!(f, "forward-agent: \"{value}\" is read as no, where pm2 reads it as yes")
            }
            RemarkKind::LeftOut { line, to } => f.write_str(&left_out(line, *to)),
            RemarkKind::Taken { key, value, because } => write!(f, "{key} is {value}: {because}"),
            RemarkKind::PathOnHost { path } => {
                write!(f, "path {path} starts at the home of the login on the host, not at a directory of this machine")
            }
        }
    }
}

fn unknown(key: &str, nearest: Option<&str>) -> String {
    match nearest {
        Some(nearest) => format!("unknown key `{key}`, which is ignored; did you mean `{nearest}`?"),
        None => format!("unknown key `{key}`, which is ignored, as pm2 does"),
    }
}

/// What is not taken over, by its first line.
fn left_out(line: &str, to: Option<usize>) -> String {
    let to = to.map(|to| format!(", to line {to}")).unwrap_or_default();
    format!("not taken over{to}: `{line}`")
}

/// A value for people: variables of the operator by their names.
pub(super) fn shown(value: &str) -> String {
    match names_variable(value) {
        false => format!("`{}`", value.replace("$${", "${")),
        true => "a secret".to_owned(),
    }
}
