//! Why a script on a host failed. The host says a word and fields, which are data (`fail` in `scripts/base.sh`); the message
//! and the hint are made here. Nothing that a host says can become a command that somebody pastes.
//!
//! Longer than most files: it is a table.

use super::access::AccessError;
use super::damage::Damage;
use super::reason_hints::{disk_hint, exit_hint, limit_hint};
use super::said::{Said, ShortCommit};
use super::step::Step;

macro_rules! reasons {
    ($($word:literal $reason:ident { $($field:ident: $type:ty),* } => $message:literal, $hint:literal;)*) => {
        /// Why a script failed; the fields are what the host says about it.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[allow(missing_docs, reason = "`message` says what each means")]
        pub enum Reason {
            $($reason { $($field: $type),* },)*
        }

        impl Reason {
            /// The word of each, and its fields.
            pub const ALL: &[(&str, &[&str])] = &[$(($word, &[$(stringify!($field)),*])),*];

            /// What a host said. `None`: not one of our words, or not its fields.
            #[must_use]
            pub fn parse(word: &str, fields: &[String]) -> Option<Reason> {
                let mut fields = fields.iter();
                let reason = match word {
                    $($word => Reason::$reason { $($field: fields.next()?.parse().ok()?),* },)*
                    _ => return None,
                };
                fields.next().is_none().then_some(reason)
            }

            /// The word that the host says.
            #[must_use]
            pub fn word(&self) -> &'static str {
                match self { $(Reason::$reason { .. } => $word,)* }
            }

            /// What happened, to what.
            #[must_use]
            #[allow(unused_variables, reason = "not every field is shown")]
            pub fn message(&self) -> String {
                match self { $(Reason::$reason { $($field),* } => format!($message),)* }
            }

            fn usual_hint(&self) -> &'static str {
                match self { $(Reason::$reason { .. } => $hint,)* }
            }
        }
    };
}

reasons! {
    "not-set-up" NotSetUp { path: String } =>
        "this host is not set up: {path} is missing", "set it up first: {shipit} setup";
    "not-adopted" NotAdopted { path: String } =>
        "another tool deployed {path}, and it is not adopted yet", "adopt it: `{shipit} setup`, or a deploy: `{shipit}`";
    "lock-held" LockHeld {} =>
        "another run holds the lock", "";
    "lock-not-a-link" LockNotALink { path: String } =>
        "cannot take the lock: {path} is not a link", "see what it is, and move it away if nobody needs it";
    "lock-foreign" LockForeign { path: String, target: String } =>
        "cannot take the lock: {path} points to {target}, which shipit did not make",
        "see what it is, and move it away if nobody needs it";
    "same-directory" SameDirectory { path: String, target: String } =>
        "{path} is the same directory as that of {target}: one machine under two names, or one volume on two machines",
        "remove one of the two from `host`, or give it another `path`";
    "paths-overlap" PathsOverlap { path: String, other: String, app: String, environment: String } =>
        "{path} and {other} lie in one another, and both are deploy paths (there: app `{app}`, environment `{environment}`)",
        "give one of them another `path`: what one removes would be the other's files";
    "other-login" OtherLogin { path: String, login: String } =>
        "{path} belongs to the login {login}, and a deploy path has one login",
        "deploy as that login (`user`), or set another `path`";
    "newer-layout" NewerLayout { path: String, number: String } =>
        "{path} was made by a newer shipit (layout {number})", "use that shipit, or a newer one, for this environment";
    "other-repository" OtherRepository { path: String, app: String, environment: String } =>
        "{path} is the path of another repository (app `{app}`, environment `{environment}`), with no history in common",
        "set another `path`; or, if nobody needs what is there, move that directory away";
    "cannot-make" CannotMake { path: String, said: Said } => "cannot make {path}{said}", "";
    "cannot-write" CannotWrite { path: String, said: Said } => "cannot write to {path}{said}", "";
    "cannot-replace" CannotReplace { path: String, said: Said } => "cannot replace {path}{said}", "";
    "cannot-remove" CannotRemove { path: String, said: Said } => "cannot remove {path}{said}", "";
    "cannot-copy" CannotCopy { path: String, said: Said } => "cannot keep a copy of {path}{said}", "";
    "cannot-read" CannotRead { path: String, said: Said } => "cannot read {path}{said}", "";
    "cannot-make-repository" CannotMakeRepository { path: String, said: Said } =>
        "cannot make a git repository in {path}{said}", "";
    "cannot-configure" CannotConfigure { path: String, said: Said } =>
        "cannot configure the git repository {path}{said}", "";
    "cannot-pin" CannotPin { revision: ShortCommit, path: String, said: Said } =>
        "cannot make a ref for {revision} in {path}{said}", "";
    "no-space" NoSpace { free: u64, needed: u64 } =>
        "not enough disk space: {free} kB are free, and a release needs more than the {needed} kB that the live one takes",
        "free some space there, or keep fewer releases: set a smaller `keep-releases`, then `{shipit} prune`";
    "no-scratch" NoScratch { directory: String } =>
        "no directory to work in: cannot write to /dev/shm or {directory}",
        "let this login write to one of the two";
    "not-a-directory" NotADirectory { path: String } =>
        "{path} is not a directory", "move it away, or set another `path`";
    "not-a-link" NotALink { path: String } =>
        "{path} is not a link, so shipit does not touch it", "move it away, or set another `path`";
    "foreign-current" ForeignCurrent { path: String, target: String } =>
        "{path} points to {target}, which shipit did not make", "move it away, or set another `path`";
    "adopt-no-commit" AdoptNoCommit { path: String } =>
        "cannot adopt {path}: git finds no commit that is checked out there", "see what `git status` says there";
    "adopt-no-revision" AdoptNoRevision { path: String } =>
        "cannot adopt {path}: it has no file REVISION that says which commit it was made of",
        "write the whole commit id into that file";
    "adopt-unread" AdoptUnread { path: String, said: Said } =>
        "cannot adopt {path}: git cannot list what it does not track there{said}", "see what `git status` says there";
    "adopt-undecided" AdoptUndecided { path: String, names: String } =>
        "the new release would lack what lies in {path} and is in no commit: {names}",
        "name each in `shared` (kept; `{shipit} setup` moves it), in `carry` (copied), or in `ignore-untracked`";
    "adopt-unmoved" AdoptUnmoved { path: String, names: String } =>
        "`shared` names what still lies in {path}: {names}", "move it to shared/, without a moment without it: {shipit} setup";
    "adopt-both" AdoptBoth { path: String, other: String } =>
        "{path} and {other} both exist, and differ", "keep one of them: move the other away";
    "adopt-other-disk" AdoptOtherDisk { path: String, other: String } =>
        "{path} cannot be moved to {other}: they are on two file systems, and nothing is copied",
        "stop what writes there, move it by hand, and leave a link in its place";
    "adopt-failed" AdoptFailed { path: String, target: String } =>
        "{path} changed meanwhile: it points to {target}", "does another tool deploy there just now? try again";
    "clone-damaged" CloneDamaged { path: String } =>
        "the git repository {path} has damaged objects, and shipit does not replace one that it did not make",
        "mend it there: find objects -type f -size 0 -delete, then git fetch --refetch origin";
    "work-tree" WorkTree { path: String } =>
        "{path} is a git work tree whose repository is elsewhere: .git is no directory",
        "move it away, or set another `path`";
    "not-ready" NotReady {} =>
        "this host is not ready to go live", "nothing was changed there: deploy again";
    "sent-to-directory" SentToDirectory { path: String } =>
        "cannot send the file shared/{path}: it is a directory on this host",
        "set another path in `files`, or move the directory away";
    "shared-and-sent" SharedAndSent { path: String } =>
        "{path} is a directory in `shared` and a file in `files`", "name it in one of the two only";
    "shared-missing" SharedMissing { path: String } =>
        "shared file missing: {path}", "put it into the deploy path of that host, then deploy again";
    "shared-file-tracked" SharedFileTracked { path: String } =>
        "{path} is in `shared`, and the repository has a file of that name",
        "remove it from the repository (git rm --cached) or from `shared`";
    "shared-files-tracked" SharedFilesTracked { path: String, file: String } =>
        "{path} is in `shared`, and the repository has files in it: {file}",
        "remove them from the repository (git rm -r --cached) or the directory from `shared`";
    "carried-tracked" CarriedTracked { path: String } =>
        "{path} is in `carry`, and also in the repository", "remove it from `carry`, or from the repository";
    "leads-out" LeadsOut { path: String } =>
        "{path}: a link in the repository leads out of the release",
        "remove that link from the repository, or the path from `shared` and `carry`";
    "link-leads-nowhere" LinkLeadsNowhere { link: String, target: String } =>
        "the link {link} does not lead to {target}", "see which directories on these paths are links themselves, and where they lead";
    "not-whole" NotWhole { release: String, damage: Damage } =>
        "release {release} is not whole any more: {damage}", "did something else clean up there? deploy again";
    "live-damaged" LiveDamaged { release: String, damage: Damage } =>
        "release {release} is live here and not whole: {damage}", "a deploy makes a new release: `--redeploy`";
    "no-base64" NoBase64 { search_path: String } =>
        "base64 is not on the PATH of a session without a terminal ({search_path})",
        "install it there (coreutils), or add its directory to `prepend-path`";
    "git-access" GitAccess { error: AccessError, code: u32 } =>
        "git cannot reach the repository ({error}), exit {code}", "";
    "no-git" NoGit { search_path: String } =>
        "git is not on the PATH of a session without a terminal ({search_path})", "";
    "no-repo-key" NoRepoKey { file: String } =>
        "`repo-key`: {file} is missing, or this login may not read it", "";
    "no-ref" NoRef { repo: String, reference: String } =>
        "{repo} has no branch, tag or commit {reference}", "";
    "branch-and-tag" BranchAndTag { repo: String, reference: String } =>
        "{repo} has a branch and a tag {reference}", "write refs/heads/… or refs/tags/…";
    "not-a-commit" NotACommit { revision: ShortCommit, kind: String } =>
        "{revision} is a {kind}, not a commit", "name the commit itself, or a branch or a tag that leads to it";
    "older" Older { revision: ShortCommit, live: ShortCommit } =>
        "{revision} is older than the live commit {live}", "--allow-older deploys it anyway";
    "older-date" OlderDate { revision: ShortCommit, live: ShortCommit } =>
        "{revision} has an older date than the live commit {live}, and the host has too little history to tell more",
        "--allow-older deploys it anyway";
    "no-subdir" NoSubdir { revision: ShortCommit, subdir: String } =>
        "{revision} has no directory {subdir}", "check `subdir`, and that the ref contains it";
    "bad-gitmodules" BadGitmodules { revision: ShortCommit, said: Said } =>
        "cannot read .gitmodules of {revision}{said}", "correct .gitmodules, commit and push it";
    "bad-tree" BadTree { revision: ShortCommit, said: Said } =>
        "cannot list the files of {revision}{said}", "`{shipit} check` looks at the host's own access to the repository";
    "large-tree" LargeTree { revision: ShortCommit } =>
        "{revision} has more files than a host can take", "see what the repository has: millions of entries?";
    "revision-tracked" RevisionTracked {} =>
        "the repository has a directory REVISION, where shipit writes the commit of the release",
        "rename it in the repository";
    "submodule-outside" SubmoduleOutside { path: String } =>
        "submodule {path}: this is no path inside of the repository", "remove it from the repository";
    "too-many-submodules" TooManySubmodules { count: u64 } =>
        "the repository has more than {count} submodules, with theirs", "see what .gitmodules names";
    "submodule-name" SubmoduleName { path: String } =>
        "submodule {path}: quotes and backslashes in its path are not supported yet", "give it another path";
    "submodule-without-address" SubmoduleWithoutAddress { path: String } =>
        "submodule {path}: .gitmodules has no address for it",
        "correct .gitmodules; if `git add` took a repository inside of this one, remove it: git rm --cached, then commit and push";
    "submodule-leads-out" SubmoduleLeadsOut { path: String, address: String } =>
        "submodule {path}: its address leads out of {address}", "correct .gitmodules, commit and push it";
    "no-bash" NoBash {} =>
        "`shell` is \"bash\", and bash is not installed on this host",
        "install bash there, or set shell = \"sh\"";
    "login-shell" LoginShell { shell: String } =>
        "`shell` is \"login\", and {shell} is not supported yet: it has to be a shell of the sh family",
        "set shell = \"bash\" or \"sh\"";
    "step-failed" StepFailed { code: u32 } => "exit {code}", "";
    "cannot-start" CannotStart { path: String, said: Said } =>
        "could not be started: cannot write to {path}{said}", "";
    "no-directory" NoDirectory { path: String } =>
        "could not be started: the directory {path} is missing", "`status` shows what is live";
    "timed-out" TimedOut { seconds: u64 } => "took longer than {seconds} s", "";
    "stopped" Stopped {} => "stopped", "";
    "unhealthy" Unhealthy { seconds: u64, last: String } =>
        "still unhealthy after {seconds} s (last check: {last})", "see `{shipit} logs`, or raise `health.within`";
    "not-rolled-back" NotRolledBack {} => "not everything could be rolled back", "";
    "still-drained" StillDrained {} =>
        "drained, and could not be taken in again", "`{shipit} restart` takes it in once it is healthy";
    "not-removed" NotRemoved {} =>
        "some releases could not be removed", "see what is in them: files of another user, or a mount?";
    "unknown-release" UnknownRelease { release: String } =>
        "this host has no record of release {release}", "";
    "commit-gone" CommitGone { release: String, path: String } =>
        "the commit of release {release} is no longer in {path}",
        "`{shipit} list` shows the deploys; deploy its commit again: {shipit} ref COMMIT";
    "output-gone" OutputGone { run: String } =>
        "the output of {run} is no longer here", "a host keeps the output of its last fifty runs: `{shipit} list` shows the deploys";
    "nothing-live" NothingLive { path: String } =>
        "nothing is deployed here: {path} is missing", "deploy first: {shipit}";
    "no-http-client" NoHttpClient {} =>
        "cannot check its health: neither curl nor wget is installed here, and sshd forbids forwarding",
        "install curl there, or allow forwarding (AllowTcpForwarding in sshd_config)";
    "no-tcp-client" NoTcpClient {} =>
        "cannot check its health: neither bash nor `nc -z` nor curl is installed here, and sshd forbids forwarding",
        "install curl there, or allow forwarding (AllowTcpForwarding in sshd_config)";
    // What adapters say of supervisors.
    "no-supervisor" NoSupervisor { kind: String, tool: String, search_path: String } =>
        "{tool} is not on the PATH of a session without a terminal, and `supervisor` {kind} needs it (PATH is {search_path})",
        "install it there, or set `prepend-path` or `profile` (nvm: profile = [\"~/.nvm/nvm.sh\"]); `{shipit} check` finds it";
    "supervisor-down" SupervisorDown { kind: String, said: Said } =>
        "{kind} does not run on this host{said}", "start it there";
    "unknown-service" UnknownService { kind: String, name: String } =>
        "{kind} does not know {name}", "check the name in `supervisor`, and that it was set up on this host";
    "not-permitted" NotPermitted { kind: String, name: String, said: Said } =>
        "this login may not control {name} of {kind}{said}",
        "let it, or set `sudo = true` in `supervisor` and allow these commands in sudoers";
    "not-running" NotRunning { kind: String, name: String, state: String } =>
        "{name} does not run: {kind} says {state}", "see `{shipit} logs`, and what it printed above";
    "crash-loop" CrashLoop { kind: String, name: String, restarts: String } =>
        "{name} ends soon after it starts (restarts by {kind}: {restarts})", "see what it printed above";
    "ended-since" EndedSince { name: String, pid: String } =>
        "{name} ended after it was verified, while other hosts went live (process {pid})",
        "`{shipit} logs` shows what it said";
    "wrong-release" WrongRelease { kind: String, name: String, place: String } =>
        "{name} does not run from the new release, but from {place}",
        "let it be started in `current`, not in the directory of one release";
    "pm2-elsewhere" Pm2Elsewhere { name: String, place: String } =>
        "{name} of pm2 does not run from the new release, but from {place}",
        "pm2 reloads an app where it was started first, and one that nothing reloads stays as it is: supervisor = \"pm2\" moves \
         it to each release; by hand: pm2 delete it, then start it in `current`, with that as `cwd` in its file";
    "not-new" NotNew { kind: String, name: String, pid: String } =>
        "{kind} did not start {name} anew: it still is process {pid}", "see what it printed above";
    "port-held" PortHeld { port: String, holder: String } =>
        "port {port} is still held by {holder}", "end that process; strategy = \"stop-start\" waits until a port is free";
    "supervisor-busy" SupervisorBusy { kind: String, said: Said } =>
        "{kind} is busy{said}", "try again";
    "supervisor-failed" SupervisorFailed { kind: String, said: Said } =>
        "{kind} failed{said}", "see what it printed above";
    "never-ready" NeverReady { kind: String, name: String, seconds: String } =>
        "{name} was not ready after {seconds} s, says {kind}", "see what it printed above; raise `timeout.reload` if it needs longer";
    "bad-pm2-file" BadPm2File { file: String, said: Said } =>
        "cannot read pm2's file {file}{said}", "read it there as pm2 does: node -p \"require('./ecosystem.config.js')\"";
    "no-pm2-file" NoPm2File { directory: String } =>
        "there is no ecosystem file of pm2 in the release, and pm2 runs nothing below {directory}",
        "add an ecosystem.config.js to the repository, or name the file: supervisor = { kind = \"pm2\", file = \"…\" }";
    "no-pm2-app" NoPm2App { name: String, file: String } =>
        "{file} has no app {name}", "check `only` in `supervisor`";
    "pm2-node-gone" Pm2NodeGone { path: String } =>
        "pm2's daemon runs a node that was removed ({path}): it can start nothing any more",
        "restart the daemon there when a gap is acceptable: pm2 update";
    "pm2-in-release" Pm2InRelease { path: String } =>
        "pm2 is {path}: its daemon would go with the release", "install it for the login: npm install -g pm2";
    "pm2-name-taken" Pm2NameTaken { name: String, place: String } =>
        "pm2 runs another app of the name {name}, from {place}: one of the same name is not started beside it",
        "give one of them another name, or this one a daemon of its own: supervisor = { kind = \"pm2\", home = \"~/.pm2-NAME\" }";
    "pm2-node-differs" Pm2NodeDiffers { daemon: String, node: String, module: String } =>
        "pm2's daemon runs node {daemon}, and the release is built by node {node}: {module} cannot be loaded by its workers",
        "start the daemon with that node when a gap is acceptable: pm2 update";
    "pm2-app-node-differs" Pm2AppNodeDiffers { name: String, version: String, node: String, module: String } =>
        "pm2 runs {name} by node {version}, and the release is built by node {node}: {module} cannot be loaded by it",
        "name the app in pm2's file, or `pm2 delete` it and start it by that node";
    "pm2-watch" Pm2Watch { name: String } =>
        "{name} has `watch`: pm2 would restart it by itself in the middle of a deploy", "remove `watch` from pm2's file for servers";
}

/// A hint with its commands as they are typed: `{shipit}` stands for `shipit` and the environment.
#[must_use]
pub fn with_commands(hint: &str, environment: &str) -> String {
    hint.replace("{shipit}", &format!("shipit {environment}"))
}

/// What a reason means for the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// The step failed.
    Failed,
    /// Another run holds the lock.
    Busy,
    /// A rule forbids it.
    Refused,
    /// The operator asked to stop.
    Interrupted,
}

impl Reason {
    /// What it means for the run.
    #[must_use]
    pub fn meaning(&self) -> Meaning {
        match self {
            Reason::LockHeld {} => Meaning::Busy,
            Reason::Older { .. } | Reason::OlderDate { .. } => Meaning::Refused,
            Reason::AdoptUndecided { .. } | Reason::AdoptUnmoved { .. } => Meaning::Refused,
            reason if reason.is_about_owner() => Meaning::Refused,
            Reason::Stopped {} => Meaning::Interrupted,
            _ => Meaning::Failed,
        }
    }

    /// Whether the deploy path is not this run's alone, or not its login's. Then the configuration is wrong, and nothing is to
    /// be done on any host.
    #[must_use]
    pub fn is_about_owner(&self) -> bool {
        matches!(
            self,
            Reason::SameDirectory { .. }
                | Reason::PathsOverlap { .. }
                | Reason::OtherLogin { .. }
                | Reason::NewerLayout { .. }
                | Reason::OtherRepository { .. }
        )
    }

    /// The exit code of the user's or git's command, where nothing else is known about its failure.
    #[must_use]
    pub fn exit_code(&self) -> Option<u32> {
        match self {
            Reason::StepFailed { code } => Some(*code),
            _ => None,
        }
    }

    /// Why git failed, where it is known. [`AccessError::remedy`] then takes the place of a hint.
    #[must_use]
    pub fn access_error(&self) -> Option<AccessError> {
        match self {
            Reason::GitAccess { error, .. } => Some(*error),
            Reason::NoGit { .. } => Some(AccessError::NoGit),
            Reason::NoRepoKey { .. } => Some(AccessError::NoKey),
            Reason::NoRef { .. } => Some(AccessError::NoRef),
            _ => None,
        }
    }

    /// What to type next; none where the message says it, or where only the user knows.
    #[must_use]
    pub fn hint(&self, step: Step) -> Option<&'static str> {
        let hint = match self {
            Reason::StepFailed { code } => exit_hint(*code),
            Reason::TimedOut { .. } => limit_hint(step),
            Reason::UnknownRelease { .. } if step == Step::Restart => "deploy again: {shipit} --redeploy",
            Reason::UnknownRelease { .. } => {
                "`{shipit} sync` builds there what most hosts serve; if no host has it, deploy its commit again: {shipit} ref COMMIT"
            }
            Reason::CannotMake { said, .. }
            | Reason::CannotWrite { said, .. }
            | Reason::CannotReplace { said, .. }
            | Reason::CannotRemove { said, .. }
            | Reason::CannotCopy { said, .. }
            | Reason::CannotRead { said, .. }
            | Reason::CannotStart { said, .. }
            | Reason::CannotMakeRepository { said, .. }
            | Reason::CannotConfigure { said, .. }
            | Reason::CannotPin { said, .. } => disk_hint(said),
            other => other.usual_hint(),
        };
        (!hint.is_empty()).then_some(hint)
    }
}

#[cfg(test)]
#[path = "reason_tests.rs"]
mod tests;
