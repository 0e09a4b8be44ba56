//! Two readers for `tests/plan.rs`: of what a dry run shows, and of what a host received. Neither lets a byte go unread.

/// What `--dry-run -v` printed.
pub struct Shown {
    pub command: String,
    pub program: String,
    sections: Vec<(String, String)>,
}

impl Shown {
    /// Reads the text; no script of the scenarios has a line that begins with `## `.
    pub fn read(text: &str) -> Shown {
        let program = shipit::remote::program::PROGRAM.as_str();
        let (before, after) = text.split_once(program).expect("-v shows the program");
        let mut sections = self::sections(before);
        let after = after.strip_prefix('\n').expect("an empty line after the program");
        sections.extend(self::sections(after.strip_suffix('\n').unwrap()));
        let command =
            sections.iter().find(|(title, _)| title.starts_with("on each host")).unwrap().1.trim().to_owned();
        Shown { command, program: program.to_owned(), sections }
    }

    /// Titles and scripts for a host, in order, of these phases; `find`, `nothing` and `fails` are what is sent only then,
    /// `prepare/lacking` what is for those hosts only.
    pub fn scripts(&self, host: &str, phases: &str) -> (Vec<String>, Vec<String>) {
        let phases: Vec<&str> = phases.split(' ').collect();
        let mine = self.sections.iter().filter(|(title, _)| {
            let (phase, hosts) = when(title);
            let here = hosts.is_none_or(|hosts| hosts.split(", ").any(|name| name == host));
            phases.contains(&phase.as_str()) && here
        });
        mine.map(|(title, script)| (title.clone(), script.clone())).unzip()
    }

    fn about(&self, host: &str) -> Vec<&str> {
        let (_, all) = self.sections.iter().find(|(title, _)| title.starts_with("variables")).unwrap();
        let head = format!("# on {host};");
        let mine = all.lines().skip_while(|line| !line.starts_with(&head)).skip(1);
        mine.take_while(|line| !line.starts_with("# on "))
            .filter_map(|line| line.strip_prefix("# "))
            .collect()
    }

    /// The names and values of a host's variables.
    pub fn variables(&self, host: &str) -> Vec<String> {
        let lines = self.about(host).into_iter();
        lines
            .filter(|l| !["env ", "enter ", "root="].iter().any(|p| l.starts_with(p)))
            .map(str::to_owned)
            .collect()
    }

    pub fn root(&self, host: &str) -> String {
        self.about(host).iter().find_map(|line| line.strip_prefix("root=")).unwrap().to_owned()
    }

    pub fn enter(&self, host: &str) -> String {
        let lines = self.about(host).into_iter().filter_map(|line| line.strip_prefix("enter "));
        lines.map(|line| format!("{line}\n")).collect()
    }

    /// Names of `env`, and values that are shown.
    pub fn env(&self, host: &str) -> Vec<(String, Option<String>)> {
        let lines =
            self.about(host).into_iter().filter_map(|line| line.strip_prefix("env ")?.split_once('='));
        lines.map(|(name, value)| (name.to_owned(), (value != "••••••").then(|| value.to_owned()))).collect()
    }
}

const CONDITIONS: [(&str, &str); 6] = [
    (" once the health check from this machine passed", "asking"),
    (" where setup never ran", "bare"),
    (" that differ and do not have the release", "lacking"),
    (" that differ and have the release", "having"),
    (" that differ", "differing"),
    (" that do not differ", "rest"),
];

// The phase of a section, and whom it is for, where it is not for all.
fn when(title: &str) -> (String, Option<&str>) {
    let condition = CONDITIONS.iter().find_map(|(end, word)| Some((title.strip_suffix(end)?, *word)));
    let (title, word) = condition.unwrap_or((title, ""));
    let (phase, hosts) = phase_of(title);
    (if word.is_empty() { phase.to_owned() } else { format!("{phase}/{word}") }, hosts)
}

fn phase_of(title: &str) -> (&str, Option<&str>) {
    if let Some(when) = title.strip_prefix("if it fails") {
        let part = match when {
            ", on each host" => "fails",
            " while hosts confirm: first, on all hosts" => "confirming",
            _ => "",
        };
        return (part, None);
    }
    if title.starts_with("if there is nothing to do") {
        return ("nothing", None);
    }
    let (phase, rest) = title.split_once(", ").unwrap_or((title, ""));
    if rest.starts_with("on a host where another tool deployed before") {
        return ("adopting", None);
    }
    match rest.trim_start_matches("with the connection, ").strip_prefix("on ") {
        Some("all hosts") => (phase, None),
        Some(names) => match names.split_once(", if the ref") {
            Some((first, _)) => ("find", Some(first)),
            None => (phase, Some(names)),
        },
        None => ("", None),
    }
}

// Title and body of each `## `; a body ends with the empty line that follows it.
fn sections(text: &str) -> Vec<(String, String)> {
    let parts = text.split("\n## ").map(|part| part.strip_prefix("## ").unwrap_or(part));
    let titled = parts.filter_map(|part| part.split_once('\n'));
    titled.map(|(title, body)| (title.to_owned(), body.to_owned())).collect()
}

/// What came in on the standard input of a resident shell.
#[derive(Default)]
pub struct Sent {
    /// Where the host did not keep it.
    pub program: Option<String>,
    pub root: String,
    pub enter: String,
    pub env: String,
    /// Of the first block; those that no plan can know are left out.
    pub variables: Vec<String>,
    pub scripts: Vec<String>,
    /// It was told to end the running job.
    pub stopped: bool,
}

/// What is only known when the run is: who, when, and the digest, which covers secrets.
const UNSHOWN: [&str; 3] = ["digest=", "when=", "who="];
const LATER: [&str; 7] =
    ["apps=", "from=", "from_revision=", "parent=", "reference=", "release=", "revision="];

/// Reads all of it.
///
/// # Panics
/// At the first byte that is none of: header, variables, data, scripts in the order of their numbers, beats, orders to stop,
/// one goodbye; or, between the opening and the same once more, the program.
pub fn sent(bytes: &[u8]) -> Sent {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let nonce = text.lines().next().unwrap().to_owned();
    assert!(nonce.len() == 32 && nonce.bytes().all(|b| b.is_ascii_hexdigit()), "{nonce}");
    let (program, rest) = without_program(&text, &nonce);
    let mut lines = rest.split_inclusive('\n');
    let mut line = || lines.next().and_then(|line| line.strip_suffix('\n'));
    assert_eq!(line(), Some(nonce.as_str()));
    assert_eq!(line(), Some("held"));
    let run = line().unwrap();
    assert!(run.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'), "{run}");
    assert_eq!(line(), Some("30"), "timeout.lost");
    assert!(line().is_some_and(|tick| tick.parse::<u32>().is_ok()), "the tick");
    let mut sent = Sent { program, root: line().unwrap().to_owned(), ..Sent::default() };
    let (mut sets, mut gone) = (0, false);
    while let Some(head) = line() {
        let head = head.strip_prefix(&format!("{nonce} ")).unwrap_or_else(|| panic!("what is this: {head}"));
        assert!(!gone, "after goodbye: {head}");
        match head {
            "beat" => continue,
            "stop" | "kill" => {
                sent.stopped = true;
                continue;
            }
            "bye" => {
                gone = true;
                continue;
            }
            _ => {}
        }
        let mut block = String::new();
        loop {
            let next = line().expect("the end of a block");
            if next == format!("{nonce} end") {
                break;
            }
            block.push_str(next);
            block.push('\n');
        }
        match head {
            "set" => {
                sets += 1;
                set(&mut sent, &block, sets);
            }
            "data enter" => sent.enter = block,
            "data env" => sent.env = block,
            run => {
                let number: usize = run.strip_prefix("run ").expect("a script").parse().unwrap();
                assert!(number > sent.scripts.len());
                sent.scripts.push(block);
            }
        }
    }
    assert!(gone, "no goodbye");
    sent
}

// What was sent before the program comes once more after it, but for beats.
fn without_program<'a>(text: &'a str, nonce: &str) -> (Option<String>, &'a str) {
    let Some((before, after)) = text.split_once(&format!("{nonce} program\n")) else { return (None, text) };
    let (program, rest) = after.split_at(shipit::remote::program::PROGRAM.len());
    let before = before.replace(&format!("{nonce} beat\n"), "");
    assert!(rest.starts_with(&before), "the opening was sent twice, and not the same");
    (Some(program.to_owned()), rest)
}

fn set(sent: &mut Sent, block: &str, sets: usize) {
    let is = |line: &str, names: &[&str]| names.iter().any(|name| line.starts_with(name));
    let lines = block.lines().filter(|line| !is(line, &UNSHOWN)).map(str::to_owned);
    if sets == 1 {
        sent.variables = lines.collect();
    } else {
        let known = |line: &String| is(line, &LATER) || sent.variables.contains(line);
        assert_eq!(lines.filter(|line| !known(line)).collect::<Vec<_>>(), [""; 0], "set later");
    }
}
