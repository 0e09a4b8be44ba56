//! What has to be so: a row for each fact, the same for both tools, or a difference that the page for users of `pm2 deploy` names.

use super::story::{HOOK_LINES, HOOK_VARIABLES};

/// A fact, what each tool makes of it, and where they differ the first cell of the page's row.
pub struct Row {
    pub fact: String,
    pub pm2: String,
    pub shipit: String,
    pub page: Option<&'static str>,
}

fn same(fact: &str, value: &str) -> Row {
    Row { fact: fact.to_owned(), pm2: value.to_owned(), shipit: value.to_owned(), page: None }
}

fn differs(fact: &str, pm2: &str, shipit: &str, page: &'static str) -> Row {
    Row { fact: fact.to_owned(), pm2: pm2.to_owned(), shipit: shipit.to_owned(), page: Some(page) }
}

/// All rows.
pub fn rows() -> Vec<Row> {
    let mut rows = hooks();
    rows.extend(on_disk());
    rows.extend(commands());
    rows.extend(refs_and_reverts());
    rows.extend(failures());
    rows.extend(words());
    rows.extend(connections());
    rows
}

const ENV: &str = "`env` reaches `post-deploy` alone";
const SHARED: &str = "`SHARED` is set for the first command, and lost with `env`";
const FAILS: &str = "`a; b` in a hook hides that `a` failed";
const TREE: &str = "the code is a git work tree, and hooks call git in it";
const RESETS: &str = "resets the work tree that runs";
const FIRST: &str = "the first `pre-deploy` finds the code that `setup` cloned";
const POST_SETUP: &str = "`post-setup` runs in `current`";
const OWN: &str = "hooks are told nothing of the deploy";
const CODES: &str = "whatever fails ends with 1";

/// By hook: what differs from what all hooks have.
fn hooks() -> Vec<Row> {
    let mut rows = Vec::new();
    for name in ["pre-setup", "post-setup", "local", "pre-deploy", "post-deploy"] {
        for line in HOOK_LINES {
            let (pm2, shipit, page) = hook_line(name, line);
            rows.push(Row { fact: format!("{name}: {line}"), pm2: pm2.into(), shipit: shipit.into(), page });
        }
        for variable in HOOK_VARIABLES {
            let (pm2, shipit, page) = hook_variable(name, variable);
            rows.push(Row {
                fact: format!("{name}: ${variable}"),
                pm2: pm2.into(),
                shipit: shipit.into(),
                page,
            });
        }
        rows.push(differs(&format!("{name}: variables of shipit"), "none", "some", OWN));
        if name != "local" {
            let pm2 = match name {
                "pre-setup" => "",
                "post-deploy" => "GREETING PORT TOKEN",
                _ => "SHARED",
            };
            let page = if name == "post-deploy" { SHARED } else { ENV };
            let fact = format!("{name}: variables that a login has not");
            rows.push(differs(&fact, pm2, "GREETING PORT SHARED TOKEN", page));
            rows.push(same(&format!("{name}: variables of a login that are missing or changed"), ""));
        }
        let connection = if name == "local" { "" } else { "SSH_CLIENT SSH_CONNECTION" };
        rows.push(same(&format!("{name}: variables of the connection"), connection));
    }
    rows.push(differs("pre-deploy, second command: $SHARED", "not set", "PATH/shared", SHARED));
    rows.push(differs("update, pre-deploy: directory", "SOURCE", "RELEASE", RESETS));
    rows.push(same("update, pre-deploy: page", "one"));
    rows.push(differs("update, post-deploy: directory", "SOURCE", "RELEASE", RESETS));
    rows.push(same("update, post-deploy: page", "two"));
    rows.push(same("what a hook prints is on the screen", "yes"));
    rows
}

type Cells = (&'static str, &'static str, Option<&'static str>);

fn hook_line(hook: &str, line: &str) -> Cells {
    let same = |value| (value, value, None);
    match (hook, line) {
        ("pre-setup", "directory") => same("HOME"),
        ("post-setup", "directory") => ("SOURCE", "PATH", Some(POST_SETUP)),
        ("pre-deploy", "directory") => ("SOURCE", "PATH", Some(FIRST)),
        ("post-deploy", "directory") => ("SOURCE", "RELEASE", Some(RESETS)),
        (_, "directory") => same("ROOT/work"),
        ("post-setup", "page" | "git") => ("one", "none", Some(POST_SETUP)),
        ("pre-deploy", "page" | "git") => ("one", "none", Some(FIRST)),
        ("post-deploy", "git") => ("one", "none", Some(TREE)),
        ("pre-setup", "page" | "git") => same("none"),
        (_, "page" | "git") => same("one"),
        (_, "flags") => ("hBc", "ehBc", Some(FAILS)),
        (_, "pipefail") => ("off login=no", "on login=no", Some(FAILS)),
        (_, "arguments") => same("0"),
        (_, "shell") => same("bash"),
        (_, "umask") => same("as usual"),
        (_, "stdin") => same("empty"),
        (_, "terminal") => same("no"),
        _ => same("0000000"),
    }
}

fn hook_variable(hook: &str, variable: &str) -> Cells {
    let same = |value| (value, value, None);
    match (hook, variable) {
        ("local", "HOME") => same("OPERATOR"),
        ("local", "SHELL") => same("sh"),
        ("local", "LANG") => same("C.UTF-8"),
        ("local", "MINE") => same("the operator's"),
        ("local", _) => same("not set"),
        (_, "HOME") => same("HOME"),
        (_, "SHELL") => same("bash"),
        ("post-deploy", "GREETING") => same("hello"),
        ("post-deploy", "PORT") => same("8080"),
        (_, "GREETING") => ("not set", "hello", Some(ENV)),
        (_, "PORT") => ("not set", "8080", Some(ENV)),
        ("pre-setup" | "post-deploy", "SHARED") => ("not set", "PATH/shared", Some(SHARED)),
        (_, "SHARED") => same("PATH/shared"),
        _ => same("not set"),
    }
}

fn on_disk() -> Vec<Row> {
    let clone = "`setup` clones into the work tree `source`, and links it as `current`";
    let logs = "`setup` makes `shared/logs` and `shared/pids`";
    let live = "`current` always leads to `source`";
    let made = ["setup", "deploy"].map(|when| {
        let mut rows = vec![
            differs(&format!("{when}: shared"), "logs pids", "", logs),
            differs(&format!("{when}: remote"), "ROOT/origin.git", "", clone),
            differs(&format!("{when}: branch"), "main", "HEAD", clone),
            differs(&format!("{when}: upstream"), "origin/main", "", clone),
            same(&format!("{when}: modes"), "755 755"),
        ];
        rows.extend(match when {
            "setup" => [
                differs("setup: path", "current shared source", ".shipit releases shared source", clone),
                differs("setup: current", "SOURCE", "no link", clone),
            ],
            _ => [
                differs(
                    "deploy: path",
                    ".deploys current shared source",
                    ".shipit current releases shared source",
                    live,
                ),
                differs("deploy: current", "SOURCE", "a release", live),
            ],
        });
        rows
    });
    let mut rows: Vec<Row> = made.into_iter().flatten().collect();
    rows.extend([
        same("served: files", ".hidden README deep gone leftover link page tool"),
        same("served: modes", "644 755 755"),
        same("served: link", "page"),
        same("a file that was removed", "gone"),
        differs("a file that a build left", "there", "gone", "leftovers of builds stay for ever"),
        differs(".deploys", "one\ntwo\ntwo\nthree", "nothing", "`.deploys` holds what was deployed"),
        differs("a value of env on the screen", "shown", "not shown", SECRETS),
        differs("a value of env in /tmp", "shown", "not shown", SECRETS),
    ]);
    rows
}

const SECRETS: &str = "values of `env` appear on screen and in `/tmp`";

fn commands() -> Vec<Row> {
    let logins = "a login for each step: five or six a host and command";
    let expands = "globs and `$` of hooks and `exec` are expanded on your machine";
    let config = "`config` prints an empty line, `console` is not found";
    vec![
        same("setup", "exit 0"),
        differs("setup: logins", "5", "1", logins),
        same("deploy", "exit 0"),
        differs("deploy: logins", "6", "1", logins),
        same("update", "exit 0"),
        same("update: page", "two"),
        same("nothing new", "exit 0"),
        differs(
            "nothing new: hooks run again",
            "yes",
            "no",
            "a commit that is live already is deployed again, hooks and all",
        ),
        same("a third deploy", "exit 0"),
        same("curr", "exit 0"),
        same("curr: says", "three"),
        same("current", "exit 0"),
        same("current: says", "three"),
        same("prev", "exit 0"),
        same("prev: says", "two"),
        same("previous", "exit 0"),
        same("previous: says", "two"),
        same("run cat page", "exit 0"),
        same("run cat page: says", "three"),
        differs("run: names the host", "no", "yes", "`exec` prints the lines of all hosts as they come"),
        same("exec echo $HOME $GREETING", "exit 0"),
        differs("exec echo $HOME $GREETING: says", "OPERATOR", "HOME hello", expands),
        same("exec echo *", "exit 0"),
        differs("exec echo *: files", "here", "on the host", expands),
        differs("exec exit 7", "exit 1", "exit 7", CODES),
        same("exec exit 7: says", ""),
        differs("config", "exit 0", "exit 2", config),
        same("config: says", ""),
        differs("console", "exit 1", "exit 2", config),
        same("console: says", ""),
        same("list", "exit 0"),
        differs("list: begins the line of what is live with", "0", "live", "`list` numbers commits from 0"),
    ]
}

fn refs_and_reverts() -> Vec<Row> {
    let older = "an older commit is deployed as any other";
    let slash = "`ref: 'feature/x'` cannot be set up";
    let branch = "`ref: 'main'` is the host's stale branch";
    let head = "`ref HEAD` is what the host has already";
    let twice = "two reverts return to the broken release";
    let fetches = "`revert` fetches and runs all hooks";
    let none = "`revert` without history deploys something else";
    let repo = "a changed `repo` is not fetched from";
    let path = "`~` and relative paths in `path` are those of your machine";
    vec![
        same("ref, origin/ and a branch", "exit 0"),
        same("ref, origin/ and a branch: page", "feature"),
        same("ref, a ref that is not there", "exit 1"),
        same("ref, a ref that is not there: page", "feature"),
        differs("ref, a tag of an older commit", "exit 0", "exit 3", older),
        differs("ref, a tag of an older commit: page", "one", "feature", older),
        same("ref, back", "exit 0"),
        same("ref, back: page", "one"),
        same("ref, a commit", "exit 0"),
        same("ref, a commit: page", "three"),
        differs("ref, a branch with a slash", "exit 1", "exit 0", slash),
        differs("ref, a branch with a slash: page", "three", "feature", slash),
        same("ref, a branch", "exit 0"),
        differs("ref, a branch: page", "three", "four", branch),
        same("ref, HEAD", "exit 0"),
        differs("ref, HEAD: page", "three", "four", head),
        same("five", "exit 0"),
        same("six", "exit 0"),
        same("seven", "exit 0"),
        same("revert 2", "exit 0"),
        same("revert 2: page", "five"),
        same("and on", "exit 0"),
        same("and on: page", "seven"),
        same("revert", "exit 0"),
        same("revert: page", "five"),
        same("revert once more", "exit 0"),
        differs("revert once more: page", "seven", "four", twice),
        differs("revert 99", "exit 0", "exit 1", none),
        differs("revert 99: page", "one", "four", none),
        differs("revert without the git server", "exit 1", "exit 0", fetches),
        differs("setup of a branch with a slash", "exit 1", "exit 0", slash),
        same("setup of a tag", "exit 0"),
        differs("setup of a commit", "exit 1", "exit 0", slash),
        same("setup, fast", "exit 0"),
        same("deploy, fast", "exit 0"),
        same("deploy, fast: page", "words"),
        same("deploy, fast: the history", "is cut off"),
        same("setup of a relative path", "exit 0"),
        differs("setup of a relative path: at", "the directory here", "the home on the host", path),
        same("a changed repo", "exit 0"),
        differs("a changed repo: page", "words", "moved", repo),
        same("setup of a repository that is not there", "exit 1"),
        differs("setup again", "exit 1", "exit 0", "setup again fails; no host can be added"),
    ]
}

fn failures() -> Vec<Row> {
    let back = "a `post-deploy` that fails leaves the new code live";
    let list = "a hook as a list is ignored";
    let path = "keys in `env` override `path`, `user`";
    let double = "a double quote cuts the hook, and it succeeds";
    let newline = "a newline drops the hook";
    let single = "a single quote lets the rest run on your machine";
    let unquoted = "values of `env` are unquoted: blanks break, `$` and `;` act";
    let checks = "local changes: checks whatever repository is here";
    let (new, old) = ("the new one", "the one before");
    vec![
        same("pre-deploy-local fails", "exit 1"),
        same("pre-deploy-local fails: live", old),
        same("pre-deploy fails", "exit 1"),
        same("pre-deploy fails: live", old),
        differs("post-deploy fails", "exit 1", "exit 5", CODES),
        differs("post-deploy fails: live", new, old, back),
        differs("a; b in post-deploy", "exit 0", "exit 5", FAILS),
        differs("a; b in post-deploy: live", new, old, FAILS),
        differs("a; b in post-deploy: b", "there", "not there", FAILS),
        differs("a list as a hook", "exit 0", "exit 2", list),
        differs("a list as a hook: live", new, old, list),
        differs("env overrides path", "exit 1", "exit 0", path),
        differs("env overrides path: live", old, new, path),
        same("a double quote in a hook", "exit 0"),
        same("a double quote in a hook: live", new),
        differs("a double quote in a hook: its halves", "not there, not there", "there, there", double),
        same("a newline in a hook", "exit 0"),
        same("a newline in a hook: live", new),
        differs("a newline in a hook: its lines", "not there, not there", "there, there", newline),
        differs("a single quote in a hook", "exit 1", "exit 0", single),
        same("a single quote in a hook: live", new),
        differs("a single quote in a hook: done", "not there", "there", single),
        same("odd hooks", "exit 0"),
        same("needs_tty: terminal", "no"),
        differs("needs_tty: told", "no", "yes", "`needs_tty` asks for a terminal that is none"),
        differs("env with a blank: value", "a", "a b", unquoted),
        differs("env with a dollar: value", "HOME", "$HOME", unquoted),
        differs(
            "a star in a hook: files",
            "here",
            "on the host",
            "globs and `$` of hooks and `exec` are expanded on your machine",
        ),
        differs("git in a hook: says", "odd", "", TREE),
        same("an untracked file here", "exit 0"),
        differs("a changed file here", "exit 1", "exit 3", CODES),
        same("a changed file here, --force", "exit 0"),
        differs("a changed file here, -f", "exit 1", "exit 0", "`-f` does nothing"),
        differs("a commit that is not pushed", "exit 1", "exit 3", CODES),
        same("a detached HEAD", "exit 0"),
        differs("a detached HEAD: says fatal", "yes", "no", checks),
        differs("outside of a work tree", "exit 1", "exit 0", checks),
    ]
}

fn words() -> Vec<Row> {
    let flat = "`deploy` without environments: \"not defined\"";
    let file = "a file that prints, exits or waits: as it comes";
    let mut rows = vec![
        differs("a mistyped command", "exit 0", "exit 2", "a mistyped command deploys"),
        differs("a mistyped command: does", "deployed", "nothing", "a mistyped command deploys"),
        differs("an environment that is not there", "exit 1", "exit 2", CODES),
        differs("no environment", "exit 0", "exit 2", "a file and no environment: help and exit 0"),
        same("the file first", "exit 0"),
        differs("pm2's order of words", "exit 1", "exit 2", CODES),
        differs("an environment called list", "exit 0", "exit 2", "an environment called `list` runs `list`"),
        differs(
            "an environment called list: names -e",
            "no",
            "yes",
            "an environment called `list` runs `list`",
        ),
        differs("no host", "exit 1", "exit 2", CODES),
        differs("an empty list of hosts", "exit 0", "exit 2", "an empty list of hosts is a success"),
        differs("an empty list of hosts: told", "no", "yes", "an empty list of hosts is a success"),
        differs(
            "a template that nobody filled in",
            "exit 1",
            "exit 2",
            "a template that nobody filled in is tried",
        ),
        differs(
            "a template that nobody filled in: told",
            "no",
            "yes",
            "a template that nobody filled in is tried",
        ),
        same("an unknown key", "exit 0"),
        differs("an unknown key: told", "no", "yes", "unknown keys: nothing is said"),
        same("a key given twice", "exit 0"),
        differs("a key given twice: told", "no", "yes", "a key given twice: nothing is said"),
        differs("a public key", "exit 0", "exit 2", "a public key as `key` is taken"),
        differs("a public key: told", "no", "yes", "a public key as `key` is taken"),
        differs("a file without environments", "exit 1", "exit 2", flat),
        differs("a file that throws", "exit 1", "exit 2", CODES),
        same("a file that prints", "exit 0"),
        differs("a file that prints: shown", "yes", "no", file),
        same("two hosts: setup", "exit 0"),
        same("two hosts: deploy", "exit 0"),
        differs("two hosts: pre-deploy-local ran", "2", "1", "`pre-deploy-local` runs once per host"),
        same("the second of two hosts fails", "exit 1"),
        differs(
            "the second of two hosts fails: pages",
            "split fleet",
            "fleet fleet",
            "a failure on one host leaves the others new",
        ),
    ];
    for file in ["ecosystem.json", "ecosystem.yml", "package.json"] {
        rows.push(same(&format!("{file}: curr"), "exit 0"));
        rows.push(same(&format!("{file}: says"), "checked"));
    }
    rows
}

fn connections() -> Vec<Row> {
    let number = "`port` as a number is ignored";
    let agent = "`forward-agent: true` is ignored, `\"no\"` is yes";
    let login = "a user in `user` and in `host`, too: no such login";
    let option = "an option of ssh in `host` works";
    let mut rows = Vec::new();
    let here = "HOME";
    for fact in ["port as text", "ssh_options as a list", "a host as an object", "a local script"] {
        rows.extend([same(fact, "exit 1"), same(&format!("{fact}: runs in"), here)]);
    }
    rows.extend([
        same("localhost", "exit 1"),
        differs(
            "localhost: runs in",
            "ROOT/work",
            "OPERATOR",
            "`pre-setup` on `localhost` runs where you are",
        ),
        same("port as a number", "exit 1"),
        differs("port as a number: runs in", "did not run", here, number),
        same("a user in the host", "exit 1"),
        differs("a user in the host: runs in", "did not run", here, login),
        differs("an option in the host", "exit 1", "exit 2", option),
        differs("an option in the host: runs in", here, "did not run", option),
    ]);
    for (fact, pm2, shipit) in [
        ("forward-agent yes", "lent", "lent"),
        ("ForwardAgent=yes", "lent", "lent"),
        ("forward-agent true", "not lent", "lent"),
        ("forward-agent no", "lent", "not lent"),
    ] {
        rows.extend([same(fact, "exit 1"), same(&format!("{fact}: runs in"), here)]);
        let fact = format!("{fact}: agent");
        rows.push(if pm2 == shipit { same(&fact, pm2) } else { differs(&fact, pm2, shipit, agent) });
    }
    for fact in ["a host that is not there", "a host key that is not known", "a login that is refused"] {
        rows.extend([
            differs(fact, "exit 1", "exit 4", CODES),
            same(&format!("{fact}: runs in"), "did not run"),
        ]);
    }
    rows
}
