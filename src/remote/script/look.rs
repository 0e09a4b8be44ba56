//! Scripts that change no release: questions, what the doctor asks, logs, a terminal, and commands of the user's.

use super::text::{Script, Takes};
use crate::config::KnownSupervisor;
use crate::remote::program;
use crate::remote::since::Since;

/// For all `status` steps of a release, each of which has `SERVING` of `look.sh`.
const SERVING: u64 = 120;
/// For pieces of logs over a slow line.
const SENDING: u64 = 300;

impl Script {
    /// Whether what is live runs, by its stored `status` step. After [`Script::live`].
    #[must_use]
    pub fn serving(self) -> Self {
        self.call("tell_service", &[]).taking(Takes::Seconds(SERVING))
    }

    /// Tells the records of all runs whose output is still there.
    #[must_use]
    pub fn attempts(self) -> Self {
        self.call("tell_attempts", &[])
    }

    /// Tells a piece of what a run printed; which is in `wanted`, `begin` and `count`.
    #[must_use]
    pub fn output(self) -> Self {
        self.call("tell_output", &[]).taking(Takes::Seconds(SENDING))
    }

    /// Before [`Script::tails`] and [`Script::supervisor_logs`], the first time: only lines since then.
    #[must_use]
    pub fn since(mut self, since: Since) -> Self {
        self.text.push_str(&program::SINCE);
        self.call("since_begin", &[&since.word()])
    }

    /// The first time the last lines of the files that match (all of them where that is `None`), then what is new in them.
    #[must_use]
    pub fn tails(self, lines: Option<u32>, patterns: &[String]) -> Self {
        let lines = how_many(lines);
        self.call(
            "tell_log_lines",
            &[&[lines.as_str()], &patterns.iter().map(String::as_str).collect::<Vec<_>>()[..]].concat(),
        )
        .taking(Takes::Seconds(SENDING))
    }

    /// The same for the logs that the supervisors of the live release name.
    #[must_use]
    pub fn supervisor_logs(self, lines: Option<u32>) -> Self {
        self.call("tell_supervisor_logs", &[&how_many(lines)]).taking(Takes::Seconds(SENDING + SERVING))
    }

    /// Makes ready what a terminal starts from, and tells where it is.
    #[must_use]
    pub fn console(self) -> Self {
        self.call("console", &[])
    }

    /// The user's script in `current`.
    #[must_use]
    pub fn exec_text(self, text: &str) -> Self {
        self.call("exec_text", &[text]).taking(Takes::Endless)
    }

    /// The functions of `check`, and its first questions: login, path, layout, space.
    #[must_use]
    pub fn check_begin(mut self) -> Self {
        self.text.push_str(program::CHECK);
        self.call("check_begin", &[])
    }

    /// The functions of `import`, and its questions: what another tool made here, and what git does not know of it.
    #[must_use]
    pub fn import_place(mut self) -> Self {
        self.text.push_str(program::IMPORT);
        // A work tree may be large.
        self.call("import_place", &[]).taking(Takes::Seconds(120))
    }

    /// How pm2 runs apps today: the functions of `check`, and what is asked by them. `known` names the apps.
    #[must_use]
    pub fn import_apps(mut self, known: &KnownSupervisor) -> Self {
        self.text.push_str(program::CHECK);
        self.call("check_room", &[]).check_tools(&[]).ask_supervisor("today", known)
    }

    /// Whether git is there, and which.
    #[must_use]
    pub fn check_git(self) -> Self {
        self.call("check_git", &[])
    }

    /// The host's own access to the repository; `server` and `port` where it is behind ssh, else empty.
    #[must_use]
    pub fn check_repository(self, limit: u64, server: &str, port: &str) -> Self {
        // The question itself, what ssh_config says of the server, and its keys.
        self.call("check_repository", &[&limit.to_string(), server, port]).taking(Takes::Seconds(3 * limit))
    }

    /// What the hooks' shell reads first, and the commands that the hooks begin with.
    #[must_use]
    pub fn check_tools(self, words: &[String]) -> Self {
        // The hooks' shell, and the login's twice.
        self.call("check_tools", &words.iter().map(String::as_str).collect::<Vec<_>>())
            .taking(Takes::Seconds(50))
    }

    /// What a supervisor's adapter would find in a deploy. After [`Script::check_tools`].
    #[must_use]
    pub fn check_supervisor(self, known: &KnownSupervisor) -> Self {
        self.ask_supervisor("check", known)
    }

    fn ask_supervisor(self, step: &str, known: &KnownSupervisor) -> Self {
        // The adapter's limit in seconds; most take less than one.
        const LIMIT: u64 = 30;
        let limit = LIMIT.to_string();
        let parameters = known.parameters();
        let pairs = parameters.iter().flat_map(|(key, value)| [*key, value.as_str()]);
        let words = [step, limit.as_str(), known.program.name()];
        let arguments: Vec<&str> = words.into_iter().chain(pairs).collect();
        self.call("check_supervisor", &arguments).taking(Takes::Seconds(LIMIT))
    }

    /// What becomes of processes when a session ends.
    #[must_use]
    pub fn check_session(self) -> Self {
        self.call("check_session", &[])
    }

    /// Tells the time.
    #[must_use]
    pub fn clock(self) -> Self {
        self.call("tell_clock", &[])
    }

    /// The user's argv in `current`, each word one argument.
    #[must_use]
    pub fn exec_argv(self, words: &[String]) -> Self {
        self.call("exec_argv", &words.iter().map(String::as_str).collect::<Vec<_>>()).taking(Takes::Endless)
    }
}

fn how_many(lines: Option<u32>) -> String {
    lines.map_or_else(|| "all".to_owned(), |lines| lines.to_string())
}
