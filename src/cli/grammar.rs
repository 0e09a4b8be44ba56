//! The names of commands and tools, and the options that each takes: the tables of the command line.
//!
//! Knows no meaning of a word: that is said in `words.rs` and `tools.rs`.

/// Names of commands, each with its full name.
pub(super) const COMMANDS: [(&str, &str); 25] = [
    ("update", "update"),
    ("deploy", "update"),
    ("ref", "ref"),
    ("setup", "setup"),
    ("revert", "revert"),
    ("sync", "sync"),
    ("restart", "restart"),
    ("hold", "hold"),
    ("resume", "resume"),
    ("prune", "prune"),
    ("plan", "plan"),
    ("status", "status"),
    ("list", "list"),
    ("show", "show"),
    ("console", "console"),
    ("logs", "logs"),
    ("current", "current"),
    ("curr", "current"),
    ("previous", "previous"),
    ("prev", "previous"),
    ("exec", "exec"),
    ("run", "exec"),
    ("check", "check"),
    ("unlock", "unlock"),
    ("config", "config"),
];

/// What other tools call a command, and people type.
pub(super) const SYNONYMS: [(&str, &str); 10] = [
    ("rollback", "revert"),
    ("undo", "revert"),
    ("diff", "plan"),
    ("history", "list"),
    ("releases", "list"),
    ("ssh", "console"),
    ("shell", "console"),
    ("doctor", "check"),
    ("reload", "restart"),
    ("cleanup", "prune"),
];

/// Options that every command takes.
pub(super) const COMMON: [&str; 6] = ["config", "chdir", "env", "color", "quiet", "verbose"];

/// Options of all commands but `config`, which only reads the file.
const OF_HOSTS: [&str; 6] = ["hosts", "roles", "apps", "concurrency", "set", "output"];

/// Options of the commands that make a new release.
const DEPLOYING: &[&str] = &[
    "force",
    "redeploy",
    "allow-older",
    "split",
    "lock-wait",
    "yes",
    "dry-run",
    "scripts",
    "keep-failed",
    "events",
    "batch",
    "no-pause",
    "max-unreachable",
];

/// Options of other commands that lock the hosts.
const RUNNING: &[&str] = &["lock-wait", "yes", "dry-run", "scripts", "events"];

/// Options of other commands that work on the hosts in batches.
const GOING_LIVE: &[&str] = &["batch"];

/// Options that must not be ignored even where a variable sets them: a dry run that is not one does harm.
pub(super) const NEVER_IGNORED: [&str; 1] = ["dry-run"];

/// Names of tools, each with the options that it uses.
pub(super) const TOOLS: [(&str, &[&str]); 6] = [
    ("demo", &["keep", "output", "color"]),
    ("init", &["chdir", "color", "quiet", "yes", "template", "hosts", "user", "path", "build", "supervisor"]),
    ("import", &["config", "chdir", "color", "quiet", "verbose", "yes", "concurrency", "no-hosts"]),
    ("completions", &["color"]),
    ("schema", &["color"]),
    ("envs", &["config", "chdir", "color", "quiet", "verbose"]),
];

/// A first word that names a configuration file rather than an environment.
pub(super) fn is_config_file(word: &str) -> bool {
    // As pm2 tells them, which knows no other `.js`.
    const ENDS: [&str; 8] =
        [".toml", ".json", ".json5", ".yml", ".yaml", ".config.js", ".config.cjs", ".config.mjs"];
    ENDS.iter().any(|end| word.ends_with(end) && word.len() > end.len())
}

/// Whether what follows `word` is a command of the user, which is passed on unchanged.
pub(super) fn runs_a_command(word: &str) -> bool {
    full_name(word) == Some("exec")
}

pub(super) fn full_name(word: &str) -> Option<&'static str> {
    COMMANDS.iter().find(|(name, _)| *name == word).map(|(_, full)| *full)
}

/// Whether the command is a run, which has events.
pub(super) fn has_events(name: &str) -> bool {
    matches!(name, "update" | "ref" | "setup" | "revert" | "sync" | "restart" | "prune" | "unlock" | "exec")
}

/// Whether the command, given by its full name, uses the option.
pub(super) fn takes(name: &str, option: &str) -> bool {
    let own: &[&[&str]] = match name {
        "update" => &[&["ref"], DEPLOYING],
        "ref" => &[DEPLOYING],
        "plan" => &[
            &["ref", "force", "redeploy", "allow-older", "split", "dry-run", "scripts", "events"],
            &["batch", "no-pause", "max-unreachable"],
        ],
        "config" => &[&["set", "origin"]],
        "revert" | "sync" | "restart" => &[RUNNING, GOING_LIVE],
        "setup" | "prune" => &[RUNNING],
        "hold" => &[&["message", "for", "yes"]],
        "unlock" => &[&["yes", "events"]],
        "exec" => &[&["once", "dry-run", "scripts", "events"]],
        "status" => &[&["check"]],
        "list" => &[&["dry-run"]],
        "logs" => &[&["force", "follow", "lines", "since"]],
        _ => &[],
    };
    let of_hosts: &[&str] = if name == "config" { &[] } else { &OF_HOSTS };
    COMMON.contains(&option) || of_hosts.contains(&option) || own.iter().any(|own| own.contains(&option))
}

/// Accepted, but not offered by completion: `-f` of logs, `-n` of list, what a plan implies or refuses, what some commands refuse.
const NOT_OFFERED: [(&str, &str); 6] = [
    ("logs", "force"),
    ("list", "dry-run"),
    ("plan", "dry-run"),
    ("plan", "events"),
    ("logs", "output"),
    ("console", "output"),
];

/// Whether completion offers the option for the command, given by its full name.
pub(super) fn offers(name: &str, option: &str) -> bool {
    takes(name, option) && !NOT_OFFERED.contains(&(name, option))
}

/// Whether the tool uses the option.
pub(super) fn tool_takes(name: &str, option: &str) -> bool {
    TOOLS.iter().any(|(tool, own)| *tool == name && own.contains(&option))
}
