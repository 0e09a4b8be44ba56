//! What each key takes and means, in a line: for the schema that editors read, and for what `config` shows.
//!
//! A table of texts. Which keys exist is said by `keys.rs`; a test holds that each of them is described here. The
//! defaults are those that `resolve.rs` gives, which a test holds, too.

/// What a value looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// One text, or a list of them.
    Texts,
    /// A text in which the operator's variables are filled in: never shown.
    Secret,
    Flag,
    /// An integer between these.
    Integer(i64, i64),
    Duration,
    /// A duration, or none.
    Pause,
    /// One of these words.
    Word(&'static [&'static str]),
    Hosts,
    Hooks,
    Env,
    Files,
    Timeout,
    Supervisor,
    Health,
    /// A port, or host and port.
    Endpoint,
    /// Codes of HTTP and ranges of them.
    Status,
    Rollout,
    /// A number of hosts, or a part of them.
    Share,
    /// The same, but not none; or all.
    Batch,
    /// A duration, none, or `ask`.
    Asking,
    /// The apps of the file; or what an environment changes of them.
    Apps,
    Environment,
    Environments,
}

/// A key of some table.
pub(super) struct Doc {
    pub key: &'static str,
    pub kind: Kind,
    /// As TOML; empty: none.
    pub default: &'static str,
    pub text: &'static str,
}

const fn doc(key: &'static str, kind: Kind, text: &'static str) -> Doc {
    Doc { key, kind, default: "", text }
}

impl Doc {
    const fn or(self, default: &'static str) -> Doc {
        Doc { default, ..self }
    }
}

/// The row of a key of an app.
pub(super) fn of_app(key: &str) -> Option<&'static Doc> {
    of(APP, key).or_else(|| of(ENVIRONMENT, key))
}

/// The row of a key.
pub(super) fn of(docs: &'static [Doc], key: &str) -> Option<&'static Doc> {
    docs.iter().find(|doc| doc.key == key)
}

/// Whether only text can be meant at a key of an environment, given as the keys that lead to it.
pub(super) fn is_text(keys: &[&str]) -> bool {
    let doc = match keys {
        [key] => of(ENVIRONMENT, key),
        ["supervisor", key] => of(SUPERVISOR, key),
        ["health", key] => of(HEALTH, key),
        ["apps", _, rest @ ..] => return is_text(rest),
        _ => None,
    };
    doc.is_some_and(|doc| {
        matches!(doc.kind, Kind::Text | Kind::Texts | Kind::Secret | Kind::Hosts | Kind::Hooks)
    })
}

pub(super) const DOCUMENT: &[Doc] = &[
    doc("extends", Kind::Text, "Another file like this one, taken first; relative to this file."),
    doc("defaults", Kind::Environment, "Keys for all environments."),
    doc("apps", Kind::Apps, "Several repositories, deployed as one: by their names."),
    doc("deploy", Kind::Environments, "The environments, by their names."),
];

pub(super) const ENVIRONMENT: &[Doc] = &[
    doc(
        "host",
        Kind::Hosts,
        "Where to: names, ranges like web[01:12], tables, or a command that prints hosts.",
    ),
    doc("hosts", Kind::Hosts, "Another word for `host`."),
    doc("user", Kind::Text, "Login on the hosts; else as ~/.ssh/config says."),
    doc("port", Kind::Integer(1, 65535), "SSH port; else as ~/.ssh/config says."),
    doc("key", Kind::Text, "Private key file; ~ is your home, else relative to this file."),
    doc("jump", Kind::Texts, "Jump hosts, nearest first: [user@]host[:port]."),
    doc("host-key", Kind::Text, "Pinned host key, as ssh-keygen -l prints it: SHA256:…"),
    doc("repo", Kind::Text, "The git repository that hosts fetch from: what git clone takes."),
    doc("ref", Kind::Text, "Branch, tag or commit; resolved once per run, to one commit for all hosts."),
    doc("path", Kind::Text, "Deploy path on a host; ~ and relative paths are the login's home."),
    doc("deliver", Kind::Word(&["pull"]), "How code gets to a host.").or("\"pull\""),
    doc("fetch", Kind::Word(&["full", "fast", "blobless"]), "How much history a host holds.").or("\"full\""),
    doc("submodules", Kind::Flag, "Whether submodules are checked out.").or("false"),
    doc("subdir", Kind::Text, "The release is this directory of the repository."),
    doc(
        "shared",
        Kind::Texts,
        "Kept in shared/ and linked into every release; with / at the end a directory.",
    ),
    doc("carry", Kind::Texts, "Copied from the release before, ahead of `build`."),
    doc("files", Kind::Files, "Files of yours that are sent to shared/."),
    doc("keep-releases", Kind::Integer(1, u32::MAX as i64), "How many releases stay on a host.").or("5"),
    doc("env", Kind::Env, "Variables for every hook, supervisor command and exec."),
    doc("env-file", Kind::Text, "A path in shared/ that `env` is also written to."),
    doc("repo-key", Kind::Text, "A private key file on the host, for the repository."),
    doc("repo-token", Kind::Secret, "A token for the repository, from a variable of yours: ${TOKEN}."),
    doc("prepend-path", Kind::Texts, "Directories before the remote PATH."),
    doc("profile", Kind::Texts, "Files of the host that are read before every command."),
    doc(
        "shell",
        Kind::Word(&["sh", "bash", "login"]),
        "What runs commands; else bash where there is one, else sh.",
    ),
    doc("supervisor", Kind::Supervisor, "What makes the new release the running one."),
    doc("health", Kind::Health, "How the new release is asked whether it is well, once it runs."),
    doc("logs", Kind::Texts, "Log files that `logs` shows."),
    doc("timeout", Kind::Timeout, "How long is waited."),
    doc("pre-setup", Kind::Hooks, "On the host, in the login directory, before setup."),
    doc("post-setup", Kind::Hooks, "On the host, in the deploy path, after setup."),
    doc("pre-deploy-local", Kind::Hooks, "Here, once, before hosts are changed."),
    doc("pre-deploy", Kind::Hooks, "On the host, in the old code, before fetching."),
    doc("build", Kind::Hooks, "On the host, in the new release; nothing is live yet."),
    doc("migrate", Kind::Hooks, "On one host, when all have built."),
    doc("pre-activate", Kind::Hooks, "On all hosts, before any goes live."),
    doc(
        "drain",
        Kind::Hooks,
        "On the host, in current, or here with `local`, before it goes live or back: takes it out of service.",
    ),
    doc(
        "undrain",
        Kind::Hooks,
        "On the host, in current, or here with `local`, when it is healthy: takes it in again.",
    ),
    doc("post-deploy", Kind::Hooks, "On the host, in current, after every switch and before the reload."),
    doc("post-deploy-local", Kind::Hooks, "Here, once, at the end; the outcome as JSON on stdin."),
    doc("on-failure-local", Kind::Hooks, "Here, once, after a failure; the outcome as JSON on stdin."),
    doc("confirm", Kind::Flag, "Asks before deploying; without a terminal --yes is needed.").or("false"),
    doc("rollout", Kind::Rollout, "How a deploy goes over the hosts."),
    doc("use", Kind::Texts, "The apps that are deployed here; else all of the file."),
    doc("apps", Kind::Apps, "What is different here about an app: [deploy.NAME.apps.APP]."),
];

/// What only an app has; all else is described with the environment.
pub(super) const APP: &[Doc] = &[
    doc("roles", Kind::Texts, "It goes to hosts with one of these roles; else to all."),
    doc("after", Kind::Texts, "It goes live after these apps."),
];

pub(super) const ROLLOUT: &[Doc] = &[
    doc(
        "batch",
        Kind::Batch,
        "How many hosts go live at a time: 2, \"25%\" or \"all\"; without it all, a quarter where there is `drain`.",
    ),
    doc("canary", Kind::Integer(0, u32::MAX as i64), "So many go first, alone.").or("0"),
    doc("pause", Kind::Asking, "Between batches: a duration, or \"ask\"."),
    doc("max-unreachable", Kind::Share, "How many hosts may be unreachable: 2 or \"10%\".").or("0"),
];

pub(super) const HOST: &[Doc] = &[
    doc("host", Kind::Texts, "Its name, or several with the same settings."),
    doc("command", Kind::Text, "A command run here that prints hosts: a line each, or JSON."),
    doc("user", Kind::Text, "Login on this host."),
    doc("port", Kind::Integer(1, 65535), "SSH port of this host."),
    doc("key", Kind::Text, "Private key file for this host."),
    doc("jump", Kind::Texts, "Jump hosts to this host."),
    doc("host-key", Kind::Text, "Pinned key of this host: SHA256:…"),
    doc("roles", Kind::Texts, "What it is for: apps and hooks name these."),
    doc("path", Kind::Text, "Deploy path on this host."),
    doc("env", Kind::Env, "Variables on this host, over those of the environment."),
];

pub(super) const HOOK: &[Doc] = &[
    doc("run", Kind::Text, "The script."),
    doc("script", Kind::Text, "A file here whose text is the script."),
    doc("roles", Kind::Texts, "Only on hosts with one of these roles."),
    doc("once", Kind::Flag, "Only on the first host (of its roles).").or("false"),
    doc("local", Kind::Flag, "Here, once per host.").or("false"),
    doc("timeout", Kind::Duration, "Instead of timeout.hook."),
];

pub(super) const SUPERVISOR: &[Doc] = &[
    doc("reload", Kind::Text, "Makes the release in current the running one."),
    doc("start", Kind::Text, "Instead of reload where nothing runs yet."),
    doc("stop", Kind::Text, "After a first deploy that failed."),
    doc("status", Kind::Text, "0: it runs; anything else: it does not."),
    doc("verify", Kind::Text, "0: the release in current is what runs."),
];

pub(super) const HEALTH: &[Doc] = &[
    doc("http", Kind::Text, "The URL that is asked, as the host itself sees it."),
    doc("tcp", Kind::Endpoint, "A port of the host, or host:port, that has to take connections."),
    doc("command", Kind::Text, "A script for the hooks' shell on the host: 0 is well."),
    doc("status", Kind::Status, "Which answers to `http` are well.").or("\"200-399\""),
    doc("body", Kind::Text, "What the answer to `http` has to hold."),
    doc("release", Kind::Flag, "The answer to `http` has to name the release or its full revision.")
        .or("false"),
    doc("within", Kind::Duration, "How soon it has to be well.").or("\"60s\""),
    doc("interval", Kind::Duration, "From one question to the next.").or("\"1s\""),
    doc("timeout", Kind::Duration, "How long one answer may take.").or("\"5s\""),
    doc("stable-for", Kind::Pause, "How long it has to stay well, from the first good answer on.")
        .or("\"0s\""),
];

pub(super) const TIMEOUT: &[Doc] = &[
    doc("connect", Kind::Duration, "Until a host is connected and authenticated.").or("\"10s\""),
    doc("hook", Kind::Duration, "A hook, and a command run here.").or("\"15m\""),
    doc("fetch", Kind::Duration, "git on the host.").or("\"15m\""),
    doc("reload", Kind::Duration, "A command of the supervisor.").or("\"2m\""),
    doc("lost", Kind::Duration, "A silent line.").or("\"30s\""),
];

pub(super) const FILE: &[Doc] = &[
    doc("from", Kind::Text, "A file of yours, relative to this file."),
    doc("command", Kind::Text, "A command run here, whose output is the content."),
    doc("mode", Kind::Text, "Who may read it, in octal.").or("\"0600\""),
];

#[cfg(test)]
mod tests {
    use super::super::keys::{self, Shape};
    use super::*;

    const TABLES: [(&str, &Shape, &[Doc]); 9] = [
        ("the file", &keys::DOCUMENT, DOCUMENT),
        ("an environment", &keys::ENVIRONMENT, ENVIRONMENT),
        ("a host", &keys::HOST, HOST),
        ("a hook", &keys::HOOK, HOOK),
        ("a supervisor", &keys::SUPERVISOR, SUPERVISOR),
        ("health", &keys::HEALTH, HEALTH),
        ("timeout", &keys::TIMEOUT, TIMEOUT),
        ("rollout", &keys::ROLLOUT, ROLLOUT),
        ("a file", &keys::FILE, FILE),
    ];

    #[test]
    fn every_key_of_an_app_is_described_and_all_but_its_own_are_an_environments() {
        for key in keys::APP.known {
            assert!(of_app(key).is_some(), "`{key}`");
            assert!(of(APP, key).is_some() != keys::ENVIRONMENT.has(key), "`{key}`");
        }
    }

    #[test]
    fn every_known_key_is_described_and_no_other() {
        for (table, shape, docs) in TABLES {
            for key in shape.known {
                assert!(of(docs, key).is_some(), "`{key}` of {table} has no line in describe.rs");
            }
            for doc in docs {
                assert!(shape.has(doc.key), "`{}` is no key of {table}", doc.key);
                assert!(doc.text.ends_with(['.', '…']), "{}", doc.key);
            }
        }
    }
}
