//! The keys of the tables inside an environment, a row each.

use super::super::supervisor::{Program, Strategy};
use super::key::{Key, Kind, Scope, key};

use Kind::{Batch, Count, Duration, DurationOrZero, Endpoint, Flag, Pause, Share, Status, Text, Texts};

const HOST: &[Scope] = &[Scope::Host];
const HOOK: &[Scope] = &[Scope::Hook];
const SUPERVISOR: &[Scope] = &[Scope::Supervisor];
const PROGRAM: Kind = Kind::Word { words: Program::NAMES, later: &[] };
const STRATEGY: Kind = Kind::Word { words: Strategy::NAMES, later: &[] };
const MANAGER: Kind = Kind::Word { words: &["user", "system"], later: &[] };
const HEALTH: &[Scope] = &[Scope::Health];
const TIMEOUT: &[Scope] = &[Scope::Timeout];
const ROLLOUT: &[Scope] = &[Scope::Rollout];
const SENT_FILE: &[Scope] = &[Scope::SentFile];

/// Those of a host that an environment has too are in `table.rs`.
pub(super) const KEYS: &[Key] = &[
    key("host", HOST, Texts, "Name of the host, or of several hosts with the same settings."),
    key("command", HOST, Text, "A command on your machine that prints hosts: one per line, or JSON."),
    key("roles", HOST, Texts, "What the host is for; apps and hooks name these roles."),
    key("run", HOOK, Text, "The script."),
    key("script", HOOK, Text, "A file on your machine whose text is the script."),
    key("roles", HOOK, Texts, "Only on hosts with one of these roles.").instead("all hosts"),
    key("once", HOOK, Flag, "Only on the first host (of its roles).").or("false"),
    key("local", HOOK, Flag, "On your machine, once per host.").or("false"),
    key("timeout", HOOK, Duration, "How long the script may run.").instead("`timeout.hook`"),
    key("kind", SUPERVISOR, PROGRAM, "The supervisor; without it, your own commands.")
        .instead("your own commands"),
    key("roles", SUPERVISOR, Texts, "Only on hosts with one of these roles.").instead("all hosts"),
    key("strategy", SUPERVISOR, STRATEGY, "How the new release is made to run.")
        .instead("`\"reload\"` with pm2, else `\"restart\"`"),
    key("stable-for", SUPERVISOR, DurationOrZero, "How long no process may die or restart.").or("\"5s\""),
    key("wait-port", SUPERVISOR, Kind::Port, "`stop-start` waits until this port is free."),
    key("sudo", SUPERVISOR, Flag, "The supervisor is called with `sudo -n`.").or("false"),
    key("name", SUPERVISOR, Texts, "Names of processes or services: another name of `only` and `service`."),
    key("unit", SUPERVISOR, Texts, "Units of systemd.").instead("the app's name"),
    key("scope", SUPERVISOR, MANAGER, "Which systemd: the login's own, or the machine's.")
        .instead("the one that has the unit"),
    key("service", SUPERVISOR, Texts, "Services of supervisord, runit or s6.").instead("the app's name"),
    key("file", SUPERVISOR, Text, "pm2's file, or supervisord's configuration.")
        .instead("the release's first `ecosystem.*`"),
    key("env", SUPERVISOR, Text, "pm2: the `env_NAME` of its file.").instead("the environment's name"),
    key("only", SUPERVISOR, Texts, "pm2: only these apps of its file.").instead("all apps of the file"),
    key("home", SUPERVISOR, Text, "pm2: PM2_HOME.").instead("`~/.pm2`"),
    key("jobs", SUPERVISOR, Texts, "pm2: apps that run now and then, and are not expected to be up."),
    key("reload", SUPERVISOR, Text, "Your command: makes the release in `current` the running one."),
    key("start", SUPERVISOR, Text, "Runs instead of `reload` where nothing runs yet.").instead("`reload`"),
    key("stop", SUPERVISOR, Text, "Runs when a first deploy is rolled back."),
    key("status", SUPERVISOR, Text, "Exit code 0: the app runs; any other: it does not."),
    key("verify", SUPERVISOR, Text, "Exit code 0: the release in `current` is the one that runs."),
    key("http", HEALTH, Text, "A URL that is requested, as the host itself sees it."),
    key("tcp", HEALTH, Endpoint, "A port of the host, or host:port, that must accept connections."),
    key("command", HEALTH, Text, "A script on the host; exit code 0: healthy."),
    key("status", HEALTH, Status, "Status codes of `http` that are healthy.").or("\"200-399\""),
    key("body", HEALTH, Text, "A text that the answer to `http` must contain."),
    key("release", HEALTH, Flag, "The answer to `http` must contain the release or its full revision.")
        .or("false"),
    key("within", HEALTH, Duration, "How soon the release must be healthy.").or("\"60s\""),
    key("interval", HEALTH, Duration, "Time from one check to the next.").or("\"1s\""),
    key("timeout", HEALTH, Duration, "How long one check may take.").or("\"5s\""),
    key(
        "stable-for",
        HEALTH,
        DurationOrZero,
        "How long it must stay healthy, from the first good answer on.",
    )
    .or("\"0s\""),
    key("connect", TIMEOUT, Duration, "Until a host is connected and authenticated.").or("\"10s\""),
    key("hook", TIMEOUT, Duration, "A hook, and a command on your machine.").or("\"15m\""),
    key("fetch", TIMEOUT, Duration, "git on the host.").or("\"15m\""),
    key("reload", TIMEOUT, Duration, "A command of the supervisor.").or("\"2m\""),
    key("lost", TIMEOUT, Duration, "How long a connection may be silent before it counts as lost.")
        .or("\"30s\""),
    key("batch", ROLLOUT, Batch, "How many hosts go live at a time: 2, \"25%\" or \"all\".")
        .instead("`\"all\"`; `\"25%\"` where there is `drain`"),
    key("canary", ROLLOUT, Count(0), "How many hosts go live first, alone.").or("0"),
    key("pause", ROLLOUT, Pause, "What happens between batches: a duration, or \"ask\".").instead("no pause"),
    key("max-unreachable", ROLLOUT, Share, "How many hosts may be unreachable: 2 or \"10%\".").or("0"),
    key("from", SENT_FILE, Text, "A file on your machine, relative to this file."),
    key("command", SENT_FILE, Text, "A command on your machine; what it prints is the content."),
    key("mode", SENT_FILE, Text, "Permissions, in octal.").or("\"0600\""),
];
