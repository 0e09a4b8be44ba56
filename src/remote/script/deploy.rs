//! Calls of the functions that deploy, revert, sync and setup go through, in the order of a run.

use std::fmt::Write as _;

use super::text::{Direction, Place, Script, Takes};
use crate::config::KnownSupervisor;
use crate::remote::program;
use crate::remote::quote::quote;

impl Script {
    /// Takes the lock.
    #[must_use]
    pub fn lock(self) -> Self {
        self.call("lock", &[])
    }

    /// Tells what is live.
    #[must_use]
    pub fn live(self) -> Self {
        self.call("tell_live", &[])
    }

    /// Tells whether what is live is whole. After [`Script::live`].
    #[must_use]
    pub fn damage(self) -> Self {
        self.call("tell_damage", &[])
    }

    /// Tells the releases that would have to be made again to go live.
    #[must_use]
    pub fn incomplete(self) -> Self {
        self.call("tell_incomplete", &[])
    }

    /// Tells the newest release on disk.
    #[must_use]
    pub fn newest(self) -> Self {
        self.call("tell_newest", &[])
    }

    /// Tells all journal entries.
    #[must_use]
    pub fn journal(self) -> Self {
        self.call("tell_journal", &[])
    }

    /// Tells who holds the lock.
    #[must_use]
    pub fn holder(self) -> Self {
        self.call("tell_holder", &[])
    }

    /// Lets go of the lock.
    #[must_use]
    pub fn unlock(self) -> Self {
        self.call("unlock", &[])
    }

    /// Refuses a commit that is older than what is live.
    #[must_use]
    pub fn guard(self) -> Self {
        self.call("refuse_older", &[])
    }

    /// Begins a release.
    #[must_use]
    pub fn begin(self) -> Self {
        self.call("begin_release", &[])
    }

    /// Leaves the directory of a release that fails.
    #[must_use]
    pub fn keep_failed(mut self) -> Self {
        self.text.push_str("mark \"$R/keep\"\n");
        self
    }

    /// Keeps a text of the user's with the release, under its step.
    #[must_use]
    pub fn store(self, step: &str, limit: u64, text: &str) -> Self {
        self.call("store_step", &[step, &limit.to_string(), text])
    }

    /// Keeps one of the user's commands for a supervisor with the release. Those that belong together have one number.
    #[must_use]
    pub fn store_command(self, set: usize, step: &str, limit: u64, text: &str) -> Self {
        // As hooks are numbered.
        let number = 10 + set;
        self.call("store_command", &[&number.to_string(), step, &limit.to_string(), text])
    }

    /// Keeps what the configuration of the release comes to, part by part, and tells which parts differ from those of the live
    /// release where that has the same commit.
    #[must_use]
    pub fn keep_parts(self, parts: &str) -> Self {
        self.call("keep_parts", &[parts])
    }

    /// Tells which values of `env` and which files come back with the release to return to.
    #[must_use]
    pub fn returning(self) -> Self {
        self.call("tell_returning", &[])
    }

    /// Stores the parameters of a supervisor that shipit knows.
    #[must_use]
    pub fn store_supervisor(self, known: &KnownSupervisor) -> Self {
        let parameters = known.parameters();
        let pairs = parameters.iter().flat_map(|(key, value)| [*key, value.as_str()]);
        let arguments: Vec<&str> = std::iter::once(known.program.name()).chain(pairs).collect();
        self.call("store_supervisor", &arguments)
    }

    /// Finds out whether the release's supervisors can do their work.
    #[must_use]
    pub fn detect(self) -> Self {
        self.step(&["detect"], "detect_service", &[])
    }

    /// Keeps with the release that the operator's machine does a step for this host.
    #[must_use]
    pub fn store_here(self, step: &str) -> Self {
        self.call("store_local_step", &[step])
    }

    /// Runs the texts kept under a step.
    #[must_use]
    pub fn stored(mut self, step: &str, place: Place) -> Self {
        self.note(step);
        let _ = writeln!(self.text, "run_stored {} {}", quote(step), place.word());
        self
    }

    /// Runs one of the texts kept under a step, counted from 0: where steps on the operator's machine lie between.
    #[must_use]
    pub fn stored_part(mut self, step: &str, part: usize, place: Place) -> Self {
        self.note(step);
        let _ = writeln!(self.text, "run_stored_part {} {part} {}", quote(step), place.word());
        self
    }

    /// Fetches the commit, when it is not there.
    #[must_use]
    pub fn fetch(self, limit: u64) -> Self {
        self.step(&["fetch"], "fetch", &[&limit.to_string()])
    }

    /// Fetches and tells the commit of the configured ref.
    #[must_use]
    pub fn find_ref(self, limit: u64) -> Self {
        self.call("find_ref", &[&limit.to_string()]).taking(Takes::Seconds(3 * limit))
    }

    /// Puts the files of the commit into the release.
    #[must_use]
    pub fn checkout(self, limit: u64) -> Self {
        self.step(&["checkout"], "checkout", &[&limit.to_string()])
    }

    /// Makes a file of the operator's ready, whose content came as data of that number.
    #[must_use]
    pub fn file(self, number: usize, mode: u32, path: &str) -> Self {
        self.step(&["files"], "keep_file", &[&number.to_string(), &format!("{mode:04o}"), path])
    }

    /// Links shared paths: `d:PATH` a directory, `f:PATH` a file.
    #[must_use]
    pub fn link(self, entries: &[String]) -> Self {
        if entries.is_empty() {
            return self;
        }
        self.step(&["shared"], "link_shared", &entries.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Copies from the release before.
    #[must_use]
    pub fn carry(self, limit: u64, paths: &[String]) -> Self {
        if paths.is_empty() {
            return self;
        }
        let limit = limit.to_string();
        self.step(
            &["carry"],
            "carry_over",
            &[&[limit.as_str()], &paths.iter().map(String::as_str).collect::<Vec<_>>()[..]].concat(),
        )
    }

    /// Takes the files of older releases along, which pages still ask for. `keep`: how many releases stay on the host.
    #[must_use]
    pub fn keep_assets(mut self, keep: u32, limit: u64, paths: &[String]) -> Self {
        if paths.is_empty() {
            return self;
        }
        self.text.push_str(&program::ASSETS);
        let (keep, limit) = (keep.to_string(), limit.to_string());
        let paths = paths.iter().map(String::as_str);
        self.step(
            &["keep-assets"],
            "keep_assets",
            &[keep.as_str(), limit.as_str()].into_iter().chain(paths).collect::<Vec<_>>(),
        )
    }

    /// Makes sure that the release to return to is on disk.
    #[must_use]
    pub fn again(self, limit: u64) -> Self {
        self.step(&["restore"], "remake_release", &[&limit.to_string()])
    }

    /// Writes the journal entry; from here going live needs no space.
    #[must_use]
    pub fn intent(self) -> Self {
        // All that was written is synced to the disk.
        self.call("open_entry", &[]).taking(Takes::Seconds(600))
    }

    /// Replaces `current`.
    #[must_use]
    pub fn switch(self) -> Self {
        self.step(&["switch"], "switch", &[])
    }

    /// Reloads and verifies.
    #[must_use]
    pub fn activate_service(self) -> Self {
        self.step(&["reload", "verify"], "activate_service", &[])
    }

    /// All hosts are healthy.
    #[must_use]
    pub fn healthy(self) -> Self {
        self.call("confirm_healthy", &[])
    }

    /// All hosts are to be rolled back after they were confirmed: a host that loses its operator from here on rolls back
    /// again. Harmless in every other state.
    #[must_use]
    pub fn going_back(self) -> Self {
        self.call("unconfirm_healthy", &[])
    }

    /// Records and prunes.
    #[must_use]
    pub fn finish(self, keep: u32) -> Self {
        self.step(&["record", "save", "prune"], "finish", &[&keep.to_string()])
    }

    /// Back to before this run, and the end of it: it lets go of the lock. Where only the operator can tell whether what is
    /// live again is healthy, the fact `undo-health` says that it waits for [`Script::undo_end`], with everything held.
    #[must_use]
    pub fn undo(self) -> Self {
        self.call("undo", &[]).taking(Takes::Recovery)
    }

    /// Ends a revert that failed here or elsewhere, without returning to what it leaves: where it can be, it is done to its end.
    #[must_use]
    pub fn abandon(self) -> Self {
        self.call("abandon", &[]).taking(Takes::Recovery)
    }

    /// Tells a host that lost its operator which way the run goes, and asks what it serves. Which run, and to which release,
    /// is in the variables `lost_run` and `lost_release`.
    #[must_use]
    pub fn settle(mut self, direction: Direction) -> Self {
        let direction = match direction {
            Direction::Forward => "forward",
            Direction::Back => "back",
        };
        let _ = writeln!(self.text, "resolve_run \"$lost_run\" {direction} \"$lost_release\"");
        self.taking(Takes::Recovery)
    }

    /// Ends the run that holds the lock.
    #[must_use]
    pub fn steal(self) -> Self {
        self.call("end_holder", &[]).taking(Takes::Recovery)
    }

    /// The directories and the lock, for setup.
    #[must_use]
    pub fn setup_lock(self) -> Self {
        self.call("setup_lock", &[])
    }

    /// The same, after `pre-setup` had its chance to make them possible.
    #[must_use]
    pub fn setup_close(self) -> Self {
        self.call("setup_close", &[])
    }

    /// Where setup's hooks are kept.
    #[must_use]
    pub fn setup_hooks(self) -> Self {
        self.call("setup_hooks", &[])
    }

    /// The repository and the checks of setup.
    #[must_use]
    pub fn setup(self, limit: u64) -> Self {
        self.step(&["clone"], "setup", &[&limit.to_string()])
    }

    /// The shared directories.
    #[must_use]
    pub fn dirs(self, paths: &[String]) -> Self {
        if paths.is_empty() {
            return self;
        }
        self.step(&["shared"], "make_shared_dirs", &paths.iter().map(String::as_str).collect::<Vec<_>>())
    }
}
