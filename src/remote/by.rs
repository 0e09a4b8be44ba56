//! By whom a run was started, and where: one line, which hosts keep with the lock, the journal and the hold as they were sent it.
//! Text of a host, once it comes back: to be made harmless before it is shown.

use std::fmt::Write as _;

use jiff::Timestamp;

/// Characters of the line, at most.
const LONGEST: usize = 500;

/// By whom a run was started, and where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct By {
    /// The login on the operator's machine; in CI whoever started the job, where that is known.
    pub user: String,
    /// The operator's machine.
    pub machine: String,
    /// The process.
    pub pid: Option<u32>,
    /// In CI: the branch or tag of the job.
    pub branch: Option<String>,
    /// In CI: the page of the job.
    pub job: Option<String>,
    /// What was typed.
    pub command: String,
    /// When, by the operator's clock: RFC 3339.
    pub since: String,
}

impl By {
    /// As hosts keep it: `ann@desk (pid 7), `shipit production` for production, since 2026-11-21T08:15:02Z`.
    #[must_use]
    pub fn line(&self, environment: &str) -> String {
        let mut inside = self.pid.map_or(String::new(), |pid| format!("pid {pid}"));
        for (name, value) in [("branch", &self.branch), ("job", &self.job)] {
            if let Some(value) = value {
                let _ = write!(inside, ", {name} {}", escaped(value));
            }
        }
        let By { user, machine, command, since, .. } = self;
        let line =
            format!("{}@{machine} ({inside}), `{command}` for {environment}, since {since}", escaped(user));
        // One line of printable characters: others read it on their terminals.
        line.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST).collect()
    }

    /// What such a line says; of any other text its first word is the user.
    #[must_use]
    pub fn read(line: &str) -> By {
        let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
        let (user, machine) = name.rsplit_once('@').unwrap_or((name, ""));
        let mut by = By { user: unescaped(user), machine: machine.to_owned(), ..By::default() };
        let Some((inside, rest)) = rest.strip_prefix('(').and_then(|rest| rest.split_once(')')) else {
            return by;
        };
        for item in inside.split(", ") {
            match item.split_once(' ') {
                Some(("pid", pid)) => by.pid = pid.parse().ok(),
                Some(("branch", branch)) => by.branch = Some(unescaped(branch)),
                Some(("job", job)) => by.job = Some(unescaped(job)),
                // As it was written before jobs had a name.
                None if item.starts_with("http") => by.job = Some(item.to_owned()),
                _ => {}
            }
        }
        if let Some((_, since)) = rest.rsplit_once(", since ") {
            since.clone_into(&mut by.since);
        }
        if let Some((_, rest)) = rest.split_once('`') {
            by.command = rest.rsplit_once('`').map_or("", |(command, _)| command).to_owned();
        }
        by
    }

    /// In a word: `ann@desk`; in CI, where the machine says nothing, `ann`.
    #[must_use]
    pub fn name(&self) -> String {
        match (&self.branch, &self.job) {
            (None, None) if !self.machine.is_empty() => format!("{}@{}", self.user, self.machine),
            _ => self.user.clone(),
        }
    }

    /// What it does, while it holds the lock: `deploy in progress: ann@desk, started 26 s ago (pid 12582)`.
    #[must_use]
    pub fn at_work(&self, dead: bool, now: Timestamp) -> String {
        let actions = ["setup", "revert", "sync", "restart", "prune", "unlock"];
        let action = self.command.split(' ').skip(1).find(|word| actions.contains(word)).unwrap_or("deploy");
        let what = if dead { format!("{action} that died") } else { format!("{action} in progress") };
        format!("{what}: {}", self.started(now))
    }

    /// `ann@desk, started 26 s ago (pid 12582)`.
    #[must_use]
    pub fn started(&self, now: Timestamp) -> String {
        let name = Some(self.name()).filter(|name| !name.is_empty()).unwrap_or_else(|| "somebody".to_owned());
        let age = age(&self.since, now).map_or(String::new(), |age| format!(", started {age}"));
        let inside = [self.pid.map(|pid| format!("pid {pid}")), self.branch.clone(), self.job.clone()];
        let inside: Vec<String> = inside.into_iter().flatten().collect();
        let inside = if inside.is_empty() { String::new() } else { format!(" ({})", inside.join(", ")) };
        format!("{name}{age}{inside}")
    }
}

/// How long ago a time that was written down as RFC 3339 is: `3 h ago`; none where it is none.
#[must_use]
pub fn age(text: &str, now: Timestamp) -> Option<String> {
    let then = text.parse::<Timestamp>().ok()?;
    Some(match now.as_second() - then.as_second() {
        // Whoever wrote it may have a clock that is ahead.
        ..=0 => "just now".to_owned(),
        seconds @ ..60 => format!("{seconds} s ago"),
        seconds @ ..3_600 => format!("{} min ago", seconds / 60),
        seconds @ ..172_800 => format!("{} h ago", seconds / 3_600),
        seconds => format!("{} days ago", seconds / 86_400),
    })
}

// What would end the place where it stands.
const SPECIAL: [(char, &str); 5] = [('%', "%25"), (',', "%2C"), ('(', "%28"), (')', "%29"), (' ', "%20")];

fn escaped(text: &str) -> String {
    let escape = |c: char| SPECIAL.iter().find(|(special, _)| *special == c).map(|(_, code)| *code);
    text.chars().map(|c| escape(c).map_or_else(|| c.to_string(), str::to_owned)).collect()
}

fn unescaped(text: &str) -> String {
    // The sign itself last, so that what it makes is not read again.
    SPECIAL
        .iter()
        .rev()
        .fold(text.to_owned(), |text, (special, code)| text.replace(code, &special.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_as_it_was() {
        let of_person = By {
            user: "ann".into(),
            machine: "desk".into(),
            pid: Some(7),
            command: "shipit production ref HEAD".into(),
            since: "2026-11-21T08:15:02Z".into(),
            ..By::default()
        };
        let of_ci = By {
            user: "octo cat, (bot) 100%28".into(),
            branch: Some("fix/a,b (c)".into()),
            job: Some("https://ci.example.com/jobs/1?a=(b),c".into()),
            ..of_person.clone()
        };
        for by in [of_person, of_ci] {
            assert_eq!(By::read(&by.line("production")), by, "{}", by.line("production"));
        }
    }

    #[test]
    fn any_other_text_is_no_harm() {
        for (line, name, pid) in [
            ("", "", None),
            ("ops", "ops", None),
            ("ops@desk", "ops@desk", None),
            ("ops@desk (pid x", "ops@desk", None),
            ("bob@ci (pid 7), `shipit production`, since now", "bob@ci", Some(7)),
            ("bob@ci (pid 7, https://ci/1), `x` for y, since z", "bob", Some(7)),
            ("a ghost", "a", None),
        ] {
            let by = By::read(line);
            assert_eq!((by.name().as_str(), by.pid), (name, pid), "{line}");
        }
    }
}
