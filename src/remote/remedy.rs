//! What to type next when a host's script fails with an answer of our own (`fail` in `scripts/base.sh`): known at the operator's
//! end, so that no host is asked for prose. Nothing of what the host says gets into it.

/// The table, read from the top: code, step (empty: any), a part of the message (empty: any).
const TABLE: [(u32, &str, &str, &str); 47] = [
    (10, "", "", "run `setup` first"),
    (
        12,
        "",
        "not enough space",
        "make room there, or keep fewer releases: a smaller `keep-releases`, then `prune`",
    ),
    (12, "lock", "is in the way", "look at it there; if it is nobody's, move it away"),
    (12, "files", "is a directory", "name another path in `files`, or move the directory away"),
    (12, "setup", "is not a directory", "move it away, or name another `path`"),
    (12, "setup", "is a work tree", ""),
    (12, "", "is not a link: move it away", ""),
    (12, "prepare", "which shipit did not make", "move it away, or name another `path`"),
    (12, "shared", "in `shared` and a file in `files`", "name it in one of the two only"),
    (
        12,
        "shared",
        "is shared, and the repository has",
        "take it out of the repository (git rm --cached) or out of `shared`",
    ),
    (12, "carry", "and the repository has it", "take it out of `carry`, or out of the repository"),
    (
        12,
        "",
        "leads out of the release",
        "take that link out of the repository, or the path out of `shared` and `carry`",
    ),
    (12, "", "is not ready", "nothing was changed there: deploy again"),
    (12, "", "no directory to work in", "let that login write to one of the two"),
    (12, "", "", "is the disk full, or does it belong to another login? `check` looks at both"),
    (13, "resolve", "has a branch and a tag", ""),
    (13, "resolve", "has no branch", "push it, or name another"),
    (13, "checkout", "has no directory", "check `subdir`, and that what is deployed has it"),
    (13, "submodules", "not yet supported", "give the submodule a path without quotes and backslashes"),
    (
        13,
        "submodules",
        "cannot be pinned",
        "is the disk full, or does `source` belong to another login? `check` looks at both",
    ),
    (13, "submodules", "", "mend .gitmodules, commit and push it"),
    (13, "checkout", "", "is the disk full, or does `source` belong to another login? `check` looks at both"),
    (
        13,
        "fetch",
        "cannot be configured",
        "is the disk full, or does `source` belong to another login? `check` looks at both",
    ),
    (13, "setup", "", "is the disk full, or does `source` belong to another login? `check` looks at both"),
    (13, "", "", "`check` looks at the host's own access to the repository"),
    (14, "", "there is none here", "install bash there, or say shell = \"sh\""),
    (14, "", "login shell of the sh family", "say shell = \"bash\" or \"sh\""),
    (14, "", "", "it was removed by hand? deploy again, with --redeploy"),
    (15, "fetch", "took longer", "allow more with timeout.fetch, or fetch less with `fetch`"),
    (15, "submodules", "took longer", "allow more with timeout.fetch"),
    (15, "checkout", "took longer", "allow more with timeout.fetch"),
    (15, "carry", "took longer", "allow more with timeout.fetch"),
    (15, "reload", "took longer", "allow more with timeout.reload"),
    (15, "start", "took longer", "allow more with timeout.reload"),
    (15, "verify", "took longer", "allow more with timeout.reload"),
    (15, "health", "not healthy", "allow more with health.within, or see what the service logs"),
    (15, "", "took longer", "allow more with timeout.hook, or with `timeout` in the hook's table"),
    (15, "rollback", "drained", "`restart` takes it in when it is healthy"),
    (15, "prune", "", "see what holds them: is something of another login in there?"),
    (16, "", "", "--allow-older deploys it all the same"),
    (17, "files", "base64", "install it there (coreutils), or name its directory in `prepend-path`"),
    (17, "shared", "put it there", ""),
    (17, "restart", "deploy anew", ""),
    (17, "show", "", "only the logs of the last fifty runs are kept: `list` shows the deploys"),
    (
        17,
        "prepare",
        "nothing is known",
        "`sync` builds there what most serve; where it is nowhere any more, deploy its commit anew: `ref`",
    ),
    (17, "prepare", "", "`list` shows the deploys; deploy its commit anew: `ref`"),
    (17, "", "nothing is deployed", "deploy first"),
];

/// Exit codes of commands that mean the same wherever they come from.
const ENDS: [(&str, &str); 2] = [
    (
        "exit 126",
        "126 is a command that may not be executed: check its mode (chmod +x), and that the file system is not noexec",
    ),
    (
        "exit 127",
        "127 is a command that was not found: there is no terminal and no login there; name directories in \
         `prepend-path`, or files to read in `profile`",
    ),
];

/// What to type next; none where the message says it, or where nobody but the user knows.
#[must_use]
pub fn hint(code: u32, step: &str, message: &str) -> Option<&'static str> {
    if let Some((_, hint)) = ENDS.iter().find(|(end, _)| message == *end) {
        return Some(hint);
    }
    let fits = |row: &&(u32, &str, &str, &str)| {
        row.0 == code && (row.1.is_empty() || row.1 == step) && message.contains(row.2)
    };
    TABLE.iter().find(fits).map(|row| row.3).filter(|hint| !hint.is_empty())
}
