//! What to do about failures that many steps share: exit codes, limits, the disk.

use super::said::Said;
use super::step::Step;

// Exit codes that mean the same in every shell.
pub(super) fn exit_hint(code: u32) -> &'static str {
    match code {
        126 => {
            "the command may not be executed: check its mode (chmod +x), and that the file system is not noexec"
        }
        127 => {
            "command not found; hooks run without a login shell, so ~/.bashrc and nvm are not loaded: set `prepend-path` or \
             `profile`"
        }
        _ => "",
    }
}

pub(super) fn limit_hint(step: Step) -> &'static str {
    match step {
        Step::Fetch => "raise timeout.fetch, or fetch less with `fetch`",
        Step::Resolve | Step::Submodules | Step::Checkout | Step::Carry => "raise timeout.fetch",
        Step::Reload | Step::Start | Step::Verify => "raise timeout.reload",
        _ => "raise timeout.hook, or `timeout` in the hook's table",
    }
}

pub(super) fn disk_hint(said: &Said) -> &'static str {
    match DiskError::of(said) {
        Some(DiskError::Full) => {
            "the disk is full, and without some space no run can begin there: remove output of old runs (.shipit/logs in the deploy \
             path) or files of other programs; then keep fewer releases: set a smaller `keep-releases`, and `{shipit} prune`"
        }
        Some(DiskError::NoInodes) => {
            "the file system has no inodes left (`df -i`), and without some no run can begin there: remove output of old runs \
             (.shipit/logs in the deploy path) or files of other programs; then keep fewer releases: set a smaller \
             `keep-releases`, and `{shipit} prune`"
        }
        Some(DiskError::Quota) => "the login has used up its disk quota: free some space there",
        Some(DiskError::ReadOnly) => {
            "the file system is mounted read-only: remount it, or set another `path`"
        }
        Some(DiskError::Denied) => "this login may not do that: `{shipit} check` says whose the directory is",
        None => "`{shipit} check` looks at the disk and its owner",
    }
}

/// What a tool says in the C locale of errors that a user can do something about (errno(3)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DiskError {
    Full,
    NoInodes,
    Quota,
    ReadOnly,
    Denied,
}

impl DiskError {
    fn of(said: &Said) -> Option<DiskError> {
        let said = said.text();
        [
            ("No space left on device", DiskError::Full),
            ("(no inodes are left)", DiskError::NoInodes),
            ("Disk quota exceeded", DiskError::Quota),
            ("Read-only file system", DiskError::ReadOnly),
            ("Permission denied", DiskError::Denied),
        ]
        .into_iter()
        .find_map(|(text, error)| said.ends_with(text).then_some(error))
    }
}
