//! The keys of the file, of environments and of apps, a row each. Messages and `config` list them in this order.

use super::super::words::{DELIVER, DELIVER_LATER, Fetch, Shell, SshClient};
use super::key::{Key, Kind, Scope, key};

use Kind::{
    Apps, Count, Env, Environments, Files, Flag, FlagOr, Hooks, Hosts, Port, Secret, Supervisors, Table,
    Text, Texts, Word,
};

const FILE: &[Scope] = &[Scope::File];
const APP: &[Scope] = &[Scope::App];
const ENVIRONMENT: &[Scope] = &[Scope::Environment];
const BOTH: &[Scope] = &[Scope::Environment, Scope::App];
/// Also for single hosts.
const LOGIN: &[Scope] = &[Scope::Environment, Scope::Host];
const SITE: &[Scope] = &[Scope::Environment, Scope::App, Scope::Host];

pub(super) const KEYS: &[Key] = &[
    key("extends", FILE, Text, "Another file, which is read first; relative to this file."),
    key("defaults", FILE, Table(Scope::Environment), "Keys for all environments."),
    key("apps", FILE, Apps, "Several repositories that are deployed as one, by name."),
    key("deploy", FILE, Environments, "The environments, by name."),
    key("roles", APP, Texts, "The app goes to hosts with one of these roles.").instead("all hosts"),
    key("after", APP, Texts, "The app goes live after these apps.").instead("the order of the file"),
    key(
        "host",
        ENVIRONMENT,
        Hosts,
        "The hosts: names, ranges like web[01:12], tables, or a command that prints hosts.",
    )
    .required("[\"web1.example.com\"]"),
    key("hosts", ENVIRONMENT, Hosts, "Another name for `host`.").required("[\"web1.example.com\"]"),
    key("user", LOGIN, Text, "Login on the hosts.").instead("`~/.ssh/config`, else your own name"),
    key("port", LOGIN, Port, "SSH port of the hosts.").instead("`~/.ssh/config`, else 22"),
    key("key", LOGIN, Text, "Private key file on your machine; a relative path starts at this file.")
        .instead("`~/.ssh/config`, else agent and the usual files"),
    key("jump", LOGIN, Texts, "Jump hosts, nearest first: [user@]host[:port].").instead("`~/.ssh/config`"),
    key("host-key", LOGIN, Text, "The only host key to accept, as `ssh-keygen -l` prints it: SHA256:…")
        .instead("`known_hosts`"),
    key(
        "forward-agent",
        LOGIN,
        FlagOr(&["git", "all"]),
        "Lends your SSH agent to git on the host (true, \"git\"), or to hooks too (\"all\").",
    )
    .or("false"),
    key("ssh-options", LOGIN, Texts, "Lines of ssh_config, as after `ssh -o`; before `~/.ssh/config`."),
    key(
        "ssh",
        LOGIN,
        Word { words: &SshClient::WORDS, later: &[] },
        "Which SSH client reaches the hosts: the one in shipit, or the system's `ssh`.",
    )
    .or("\"auto\""),
    key("repo", BOTH, Text, "The git repository that the hosts fetch from: what `git clone` takes.")
        .required("\"git@github.com:acme/shop.git\""),
    key("ref", BOTH, Text, "Branch, tag or commit; resolved once per run, to one commit for all hosts.")
        .required("\"main\""),
    key(
        "path",
        SITE,
        Text,
        "Deploy path on the host; ~/ and relative paths are in the login's home directory.",
    )
    .required("\"/var/www/shop\""),
    key("deliver", BOTH, Word { words: &DELIVER, later: &DELIVER_LATER }, "How code gets to the hosts.")
        .or("\"pull\""),
    key("fetch", BOTH, Word { words: &Fetch::WORDS, later: &[] }, "How much history a host keeps.")
        .or("\"full\""),
    key("submodules", BOTH, Flag, "Whether submodules are checked out.").or("false"),
    key("subdir", BOTH, Text, "The release is this directory of the repository.")
        .instead("the whole repository"),
    key("repo-key", BOTH, Text, "Private key file on the host that git uses for `repo`."),
    key("repo-token", BOTH, Secret, "Token for `repo`, from one of your variables: ${TOKEN}."),
    key("files", BOTH, Files, "Files that you send to `shared/`."),
    key("env-file", BOTH, Text, "A path in `shared/` to which `env` is also written."),
    key("shared", BOTH, Texts, "Kept in `shared/` and linked into every release; a directory ends with /."),
    key("carry", BOTH, Texts, "Copied from the previous release before `build`."),
    key("keep-assets", BOTH, Texts, "Directories whose files of older releases are taken into the new one."),
    key("ignore-untracked", BOTH, Texts, "What may stay behind where another tool deployed before."),
    key("keep-releases", BOTH, Count(1), "How many releases stay on a host.").or("5"),
    key("env", SITE, Env, "Variables for hooks on the hosts, the supervisor's commands and `exec`."),
    key("prepend-path", BOTH, Texts, "Directories before the remote PATH."),
    key("profile", BOTH, Texts, "Files of the host that are read before every command."),
    key("shell", BOTH, Word { words: &Shell::WORDS, later: &[] }, "What runs hooks and `exec`.")
        .instead("bash where the host has it, else sh"),
    key("supervisor", BOTH, Supervisors, "What makes the new release the running one."),
    key("health", BOTH, Table(Scope::Health), "How shipit checks that the new release is healthy."),
    key("timeout", ENVIRONMENT, Table(Scope::Timeout), "How long shipit waits."),
    key("logs", BOTH, Texts, "Log files that `logs` shows; relative to `path`."),
    key("pre-setup", BOTH, Hooks, "On the host, in the login directory, before setup."),
    key("post-setup", BOTH, Hooks, "On the host, in the deploy path, after setup."),
    key("pre-deploy-local", BOTH, Hooks, "On your machine, once, before anything is changed on a host."),
    key("pre-deploy", BOTH, Hooks, "On the host, in the old code, before fetching."),
    key("build", BOTH, Hooks, "On the host, in the new release; nothing is live yet."),
    key("migrate", BOTH, Hooks, "On one host, in the new release, when all hosts have built."),
    key("pre-activate", BOTH, Hooks, "On all hosts, in the new release, before any host goes live."),
    key("drain", BOTH, Hooks, "Takes a host out of service before it goes live or is rolled back."),
    key("undrain", BOTH, Hooks, "Takes a host into service again when it is healthy."),
    key("post-deploy", BOTH, Hooks, "On the host, in `current`, after every switch and before the reload."),
    key("post-deploy-local", BOTH, Hooks, "On your machine, once, at the end; the outcome as JSON on stdin."),
    key(
        "on-failure-local",
        BOTH,
        Hooks,
        "On your machine, once, after a failure; the outcome as JSON on stdin.",
    ),
    key("confirm", ENVIRONMENT, Flag, "Asks before a deploy; without a terminal --yes is needed.")
        .or("false"),
    key("rollout", ENVIRONMENT, Table(Scope::Rollout), "In which batches the hosts go live."),
    key("use", ENVIRONMENT, Texts, "The apps that are deployed to this environment.").instead("all apps"),
    key("apps", ENVIRONMENT, Apps, "What is different about an app in this environment."),
];
