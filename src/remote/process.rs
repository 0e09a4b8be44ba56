//! Processes of an app, as the adapter of its supervisor sees them (`process` in its answers).

use super::release;

/// Whether a process does its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProcessState {
    /// It is up.
    Up,
    /// It is not.
    Down,
    /// It is about to be.
    Starting,
    /// It runs now and then, and need not be up.
    Job,
    /// The supervisor could not tell.
    Unknown,
}

/// Where a process was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// In this release.
    Release(String),
    /// In another directory.
    Elsewhere,
    /// It could not be told.
    Unknown,
}

/// A process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// As its supervisor calls it. The host's text.
    pub name: String,
    /// Whether it is up.
    pub state: ProcessState,
    /// Its id.
    pub pid: Option<u32>,
    /// When it started, in seconds since 1970 by the host's clock.
    pub since: Option<i64>,
    /// How often the supervisor started it again.
    pub restarts: Option<u64>,
    /// What it runs from.
    pub origin: Origin,
    /// The processor time that it and what it started use now, in percent of one processor.
    pub cpu: Option<u32>,
    /// Their memory, in bytes.
    pub memory: Option<u64>,
}

/// More percent of one processor than any machine has.
const MOST_CPU: u32 = 1_000_000;
/// More bytes than any machine has, and what every reader of JSON reads exactly.
const MOST_MEMORY: u64 = 1 << 53;

impl ProcessState {
    const WORDS: [(&str, ProcessState); 5] = [
        ("up", ProcessState::Up),
        ("down", ProcessState::Down),
        ("starting", ProcessState::Starting),
        ("job", ProcessState::Job),
        ("unknown", ProcessState::Unknown),
    ];

    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::WORDS.iter().find(|(_, state)| *state == self).map_or("unknown", |(word, _)| word)
    }
}

impl Process {
    /// What an adapter said. `None`: not in our form. What the process uses is said by adapters of today only: an older one
    /// lies on a host until its next deploy.
    #[must_use]
    pub fn read(values: &[String]) -> Option<Process> {
        let [state, pid, since, restarts, origin, name, used @ ..] = values else { return None };
        let (_, state) = *ProcessState::WORDS.iter().find(|(word, _)| word == state)?;
        let origin = match origin.as_str() {
            "other" => Origin::Elsewhere,
            name if release::is_name(name) => Origin::Release(name.to_owned()),
            _ => Origin::Unknown,
        };
        Some(Process {
            name: name.clone(),
            state,
            pid: pid.parse().ok(),
            since: since.parse().ok(),
            restarts: restarts.parse().ok(),
            origin,
            cpu: used.first().and_then(|text| text.parse().ok()).filter(|percent| *percent <= MOST_CPU),
            memory: used.get(1).and_then(|text| text.parse().ok()).filter(|bytes| *bytes <= MOST_MEMORY),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_in_our_form_only() {
        let read = |text: &str| Process::read(&text.split(' ').map(str::to_owned).collect::<Vec<_>>());
        let whole = read("up 4711 1767225600 2 20261121T081502Z-1a2b3c4 web").unwrap();
        assert_eq!((whole.pid, whole.since, whole.restarts), (Some(4711), Some(1_767_225_600), Some(2)));
        assert_eq!(whole.origin, Origin::Release("20261121T081502Z-1a2b3c4".to_owned()));
        let little = read("unknown - - - - web").unwrap();
        assert_eq!((little.pid, little.restarts, &little.origin), (None, None, &Origin::Unknown));
        assert_eq!((whole.cpu, whole.memory), (None, None), "an older adapter");
        let used = |text: &str| {
            let process = read(&format!("up 1 1 1 other web {text}")).unwrap();
            (process.cpu, process.memory)
        };
        assert_eq!(used("12 89128960"), (Some(12), Some(89_128_960)));
        assert_eq!(used("- -"), (None, None));
        assert_eq!(used("0 0 0"), (Some(0), Some(0)));
        assert_eq!(used("1000001 9007199254740993"), (None, None), "no machine has that");
        assert_eq!(used("-1 1e9"), (None, None));
        assert_eq!(read("up 1 1 1 ../../etc web").unwrap().origin, Origin::Unknown);
        assert_eq!(read("gone 1 1 1 other web"), None);
        assert_eq!(read("up 1 1 1 other"), None);
    }
}
