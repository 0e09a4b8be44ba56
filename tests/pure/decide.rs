//! The decision of a run, as a table: what hosts say and what is wanted, and what follows for each app and each host.
//!
//! A host is written as words: the letter of the release that it serves (`-`: nothing), `!` unreachable, `~` skipped, and
//! what else it says: `kept:ab` (releases that it can return to), `old` (deployed with another configuration), `failed` (the
//! last run there failed), `unfinished` (a run there is open), `bare` (never set up), `drained`, `held`, `foreign` (`current`
//! is not shipit's), `broken` (what is live is not whole), `pruned:ab` (releases that it would have to make again),
//! `lost-commit` (it does not know the commit of its release), `journal:abc` (what was deployed there, in
//! that order; without it: `a` up to what it serves). `a@c`: release `a`, but of commit `c`.

use jiff::Timestamp;
use shipit::config::{self, Environment};
use shipit::executor::decide::{
    Change, Contact, Decision, HostView, Intent, Refusal, RevertTo, Role, Situation, check_hold, decide,
    variables,
};
use shipit::remote::facts::Facts;
use shipit::remote::journal::Entry;
use shipit::remote::version::Version;

const TODAY: &str = "digest-of-today";
const NOW: &str = "2026-11-21T12:00:00Z";

fn commit(letter: char) -> String {
    let digits = format!("{:02x}", letter as u32);
    digits.repeat(20)
}

fn release(letter: char) -> String {
    format!("202611{:02}T080000Z-{}", letter as u32 - 'a' as u32 + 1, &commit(letter)[..7])
}

// The letter of a release; `+`: it is none of ours, so it is new.
fn letter(name: &str) -> char {
    ('a'..='k').find(|letter| release(*letter) == name).unwrap_or('+')
}

struct Host {
    name: String,
    app: usize,
    contact: Contact,
    facts: Facts,
    entries: Vec<Entry>,
}

fn entry(number: usize, letter: char, from: Option<char>, state: &str) -> Entry {
    let pairs = [
        ("release", release(letter)),
        ("revision", commit(letter)),
        ("reference", "main".to_owned()),
        ("action", "deploy".to_owned()),
        ("from", from.map(release).unwrap_or_default()),
        ("who", "ops".to_owned()),
        ("when", NOW.to_owned()),
        ("run", format!("run{number}")),
    ];
    let pairs: Vec<(String, String)> = pairs.map(|(name, value)| (name.to_owned(), value)).to_vec();
    Entry::read(&number.to_string(), state, &pairs).unwrap()
}

fn host(name: &str, app: usize, words: &str) -> Host {
    let mut facts = Facts::default();
    let mut contact = Contact::Answered;
    let (mut journal, mut last) = (None, None);
    for word in words.split(' ') {
        match word.split_once(':') {
            Some(("kept", letters)) => {
                facts.take("known", &letters.chars().map(release).collect::<Vec<_>>().join(" "));
            }
            Some(("pruned", letters)) => {
                facts.take("incomplete", &letters.chars().map(release).collect::<Vec<_>>().join(" "));
            }
            Some(("journal", letters)) => journal = Some(letters.chars().collect::<Vec<char>>()),
            Some(other) => panic!("{other:?} in {words}"),
            None => match word {
                "-" => {}
                "!" => contact = Contact::Failed,
                "~" => contact = Contact::Skipped,
                "old" => facts.take("live-digest", "another digest"),
                "failed" | "unfinished" => last = Some(word),
                "bare" => facts.take("bare", "yes"),
                "shared" => facts.take("other-environment", "staging"),
                "drained" => facts.take("drained", "restart"),
                "held" => facts.take("hold", "\t2026-11-20T00:00:00Z\tops\tfreeze"),
                "broken" => facts.take("damaged", "missing app.js"),
                "foreign" => facts.take("foreign", "/srv/elsewhere"),
                "adopted" => facts.take("adopt", "again"),
                "lost-commit" => facts.take("live-revision", ""),
                live => {
                    let mut letters = live.chars();
                    let name = letters.next().unwrap();
                    let of = letters.nth(1).unwrap_or(name);
                    facts.take("live", &release(name));
                    facts.take("live-revision", &commit(of));
                    facts.take("live-reference", "main");
                    facts.take("live-digest", TODAY);
                }
            },
        }
    }
    let live = facts.live.as_deref().map(letter);
    let journal = journal.unwrap_or_else(|| live.map(|live| ('a'..=live).collect()).unwrap_or_default());
    let before = |at: usize| at.checked_sub(1).map(|before| journal[before]);
    let mut entries: Vec<Entry> =
        (0..journal.len()).map(|at| entry(at + 1, journal[at], before(at), "done")).collect();
    if let (Some(word), Some(live)) = (last, live) {
        let state = if word == "failed" { "failed" } else { "open" };
        entries.push(entry(90, live, None, state));
    }
    if facts.adopt.is_some() {
        // Another tool has no runs.
        entries.iter_mut().for_each(|entry| entry.run.clear());
    }
    Host { name: name.to_owned(), app, contact, facts, entries }
}

// Hosts are separated by commas, apps by semicolons.
fn hosts(text: &str) -> Vec<Host> {
    let several = text.contains(';');
    let apps = text.split(';').enumerate();
    apps.flat_map(|(app, hosts)| {
        hosts.split(',').enumerate().map(move |(at, words)| {
            let name = format!("web{}", at + 1);
            let name = if several { format!("{name}/{}", ["api", "web"][app]) } else { name };
            host(&name, app, words.trim())
        })
    })
    .collect()
}

fn environment(text: &str) -> Environment {
    let several = text.contains(';');
    let count = text.split(';').map(|hosts| hosts.split(',').count()).max().unwrap();
    let apps = "[apps.api]\nrepo = \"r:api\"\n[apps.web]\nrepo = \"r:web\"\n";
    let one = "repo = \"r:shop\"\n";
    let text = format!(
        "[defaults]\nref = \"main\"\npath = \"/srv/{{app}}\"\n{}\n[deploy.production]\nhosts = [\"web[1:{count}]\"]\n{}",
        if several { apps } else { "" },
        if several { "" } else { one },
    );
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("shipit.toml");
    std::fs::write(&file, &text).unwrap();
    config::load(&file, "production").unwrap_or_else(|error| panic!("{text}\n{error}"))
}

fn intent(words: &str) -> (Intent, Vec<Option<Version>>) {
    let (verb, rest) = words.split_once(' ').unwrap_or((words, ""));
    let deploy = |redeploy| {
        let version = |c: char| if c == '?' { None } else { Version::parse(&commit(c)) };
        let versions = rest.chars().filter(|c| *c != ' ').map(version).collect();
        (Intent::Deploy { commits: Vec::new(), redeploy }, versions)
    };
    match verb {
        "deploy" => deploy(false),
        "redeploy" => deploy(true),
        "revert" => {
            let to = match rest.parse() {
                Ok(count) => RevertTo::Back(count),
                Err(_) => RevertTo::Deploy(release(rest.chars().next().unwrap())),
            };
            (Intent::Revert(to), vec![None; 2])
        }
        "sync" => {
            (Intent::Sync { only: rest.split_whitespace().map(str::to_owned).collect() }, vec![None; 2])
        }
        "restart" => (Intent::Restart, vec![None; 2]),
        "prune" => (Intent::Prune, vec![None; 2]),
        other => panic!("{other}"),
    }
}

// `new`, `same`, `=a` (an existing release) of each app, then the roles, then what is said.
fn told(decided: &Result<Decision, Refusal>) -> String {
    let decision = match decided {
        Ok(decision) => decision,
        Err(refusal) => return format!("refused: {}", variant(&format!("{refusal:?}"))),
    };
    let app = |app: &shipit::executor::decide::AppDecision| {
        let goal = app.goal.as_ref().map_or('?', |goal| letter(&goal.live.release));
        match app.change {
            Change::Unchanged => format!("same({goal})"),
            Change::NewRelease => format!("new({goal})"),
            Change::ExistingRelease => format!("to({goal})"),
            Change::InPlace => "in-place".to_owned(),
        }
    };
    let role = |role: &Role| match role {
        Role::Full => "full",
        Role::Released => "released",
        Role::InSync => "in-sync",
        Role::HasRelease => "has",
        Role::MissingRelease { bare: false } => "missing",
        Role::MissingRelease { bare: true } => "bare",
        Role::NoRecord => "no-record",
    };
    let apps: Vec<String> = decision.apps.iter().map(app).collect();
    let roles: Vec<&str> = decision.roles.iter().map(role).collect();
    let mut text = format!("{} | {}", apps.join(" "), roles.join(" "));
    for notice in &decision.notices {
        text += &format!(" | {}", variant(&format!("{notice:?}")));
    }
    if decision.incomplete {
        text += " | incomplete";
    }
    text
}

fn variant(debug: &str) -> &str {
    debug.split([' ', '(']).next().unwrap_or(debug)
}

type Variables = Vec<(&'static str, String)>;

fn made(wanted: &str, text: &str) -> (Result<Decision, Refusal>, Vec<Variables>) {
    let (environment, mut hosts) = (environment(text), hosts(text));
    // A host has a record of all that it served, unless it says otherwise.
    for host in hosts.iter_mut().filter(|host| wanted.starts_with("revert") && host.facts.known.is_empty()) {
        host.facts.known = host.entries.iter().map(|entry| entry.release.clone()).collect();
    }
    let view = |host: &'static Host| HostView {
        name: &host.name,
        app: host.app,
        contact: host.contact,
        facts: &host.facts,
        entries: &host.entries,
        digest: Some(TODAY),
    };
    // A table of a test may leak.
    let hosts: &'static [Host] = Box::leak(hosts.into_boxed_slice());
    let environment: &'static Environment = Box::leak(Box::new(environment));
    let now: Timestamp = NOW.parse().unwrap();
    let situation = Situation { environment, hosts: hosts.iter().map(view).collect(), now };
    let (intent, versions) = intent(wanted);
    let decided = decide(&situation, &intent, &versions);
    let told = decided.as_ref().map(|decision| variables(&situation, decision)).unwrap_or_default();
    (decided, told)
}

const TABLE: &[(&str, &str, &str)] = &[
    // ---- deploy
    ("deploy a", "-", "new(+) | full"),
    ("deploy a", "- bare", "new(+) | full"),
    ("deploy a", "- foreign", "new(+) | full"),
    ("deploy a", "a", "same(a) | full"),
    ("deploy b", "a", "new(+) | full"),
    ("deploy a", "a old", "new(+) | full"),
    ("deploy a", "a, a", "same(a) | full full"),
    ("deploy a", "a, -", "new(+) | full full"),
    ("deploy a", "a, a old", "new(+) | full full"),
    // one commit, two releases: nobody could revert them together
    ("deploy a", "a, b@a", "new(+) | full full"),
    ("deploy a", "b@a, b@a", "same(b) | full full"),
    ("deploy a", "a, b", "new(+) | full full"),
    ("deploy a", "a, ~", "same(a) | full full"),
    ("deploy a", "a, !", "new(+) | full full"),
    ("deploy a", "~, a", "same(a) | full full"),
    ("deploy a", "a, b, ~", "new(+) | full full full"),
    ("deploy a", "a lost-commit", "new(+) | full"),
    ("deploy a", "a drained", "same(a) | full | LeftDrained"),
    ("deploy a", "a drained, a drained", "same(a) | full full | LeftDrained | LeftDrained"),
    ("deploy b", "a drained", "new(+) | full"),
    ("deploy b", "a shared, a", "new(+) | full full | OtherEnvironment"),
    ("deploy a", "a failed", "same(a) | full"),
    ("deploy a", "a unfinished", "same(a) | full"),
    // what is live is not whole
    ("deploy a", "a broken", "new(+) | full | DamagedLive"),
    ("deploy a", "a, a broken", "new(+) | full full | DamagedLive"),
    ("deploy b", "a broken, a broken", "new(+) | full full | DamagedLive | DamagedLive"),
    ("deploy ab", "a; a broken", "same(a) new(+) | released full | DamagedLive"),
    ("deploy ab", "a broken; a", "new(+) new(+) | full full | DamagedLive"),
    ("deploy a", "a pruned:b", "same(a) | full"),
    ("redeploy a", "a", "new(+) | full"),
    ("redeploy a", "a, a", "new(+) | full full"),
    // the commit is not known here
    ("deploy ?", "a", "new(?) | full"),
    ("deploy ?", "-", "new(?) | full"),
    // several apps
    ("deploy aa", "a; a", "same(a) same(a) | full full"),
    ("deploy ab", "a; a", "same(a) new(+) | released full"),
    ("deploy ba", "a, a; a, a", "new(+) same(a) | full full released released"),
    ("deploy bb", "a; a", "new(+) new(+) | full full"),
    ("deploy a?", "a; a", "same(a) new(?) | released full"),
    ("deploy ab", "a, a old; a, a", "new(+) new(+) | full full full full"),
    ("redeploy ab", "a; b", "new(+) new(+) | full full"),
    ("deploy aa", "a; -", "same(a) new(+) | released full"),
    // ---- revert
    ("revert 1", "-", "refused: NothingToRevert"),
    ("revert 1", "!", "refused: NothingToRevert"),
    ("revert 1", "a", "refused: NoSuchDeploy"),
    ("revert 1", "c journal:bc, c journal:axyc adopted", "to(b) | full no-record | NoRecord"),
    ("revert 1", "c", "to(b) | full"),
    ("revert 2", "c", "to(a) | full"),
    ("revert 3", "c", "refused: NoSuchDeploy"),
    ("revert a", "c", "to(a) | full"),
    ("revert d", "c", "refused: NoDeployOfName"),
    // a host that came later has no record of what was before it
    ("revert 1", "c, c, c journal:c", "to(b) | full full no-record | NoRecord"),
    ("revert 1", "c, c kept:c, c kept:c", "to(b) | full no-record no-record | NoRecord"),
    ("revert 1", "c kept:c, c kept:c", "refused: NoRecord"),
    ("revert 1", "c kept:c, c kept:c, !", "refused: NoRecord"),
    ("revert c", "c", "same(c) | full"),
    ("revert c", "c failed", "to(c) | full"),
    ("revert 1", "c, c", "to(b) | full full"),
    ("revert 1", "c, c, !", "to(b) | full full full"),
    ("revert b", "b, b, !", "same(b) | full full full"),
    // two against two: the newer release is what is reverted
    ("revert 1", "b, b, c, c", "to(b) | full full full full"),
    ("revert 1", "c, b, c, b", "to(b) | full full full full"),
    ("revert 1", "c, b, b", "to(a) | full full full"),
    // a host that came later remembers less
    ("revert 1", "c journal:c, c", "to(b) | no-record full | NoRecord"),
    ("revert 1", "c, -", "to(b) | full no-record | NoRecord"),
    ("revert 1", "c foreign, c", "to(b) | full full"),
    ("revert 1", "b; b", "to(a) to(a) | full full"),
    // the newest deploy changed one app
    ("revert 1", "a; c journal:abc", "same(a) to(b) | released full"),
    ("revert 1", "c journal:c; c", "same(c) to(b) | released full | AppsStay"),
    ("revert 1", "c; -", "to(b) same(?) | full released"),
    ("revert 1", "c pruned:b, c pruned:a", "to(b) | full full | MadeAgain"),
    ("revert 2", "c pruned:b, c", "to(a) | full full"),
    ("revert 1", "c broken", "to(b) | full"),
    ("revert 1", "c, b broken, c", "refused: LiveDamaged"),
    ("revert c", "c broken", "refused: LiveDamaged"),
    // ---- sync
    ("sync", "-", "refused: NothingToSync"),
    ("sync", "-, !", "refused: NothingToSync"),
    ("sync", "a, a", "same(a) | in-sync in-sync"),
    ("sync", "a, a, b", "to(a) | in-sync in-sync missing"),
    ("sync", "b, b, a kept:ab", "to(b) | in-sync in-sync missing"),
    ("sync", "b, b, c kept:abc", "to(b) | in-sync in-sync has"),
    ("sync", "b, a adopted", "to(b) | in-sync missing"),
    ("sync", "b, a adopted, a adopted", "to(b) | in-sync missing missing"),
    ("sync", "b, b adopted", "same(b) | in-sync in-sync"),
    ("sync", "a adopted, a adopted, b adopted", "to(a) | in-sync in-sync missing"),
    ("sync", "b, b, -", "to(b) | in-sync in-sync missing"),
    ("sync", "b, b, - bare", "to(b) | in-sync in-sync bare"),
    ("sync", "b, b, - foreign", "to(b) | in-sync in-sync missing"),
    ("sync", "a, b", "refused: NoMajority"),
    ("sync", "a, a, b, b", "refused: NoMajority"),
    ("sync", "a, a, b, ~", "to(a) | in-sync in-sync missing in-sync | incomplete"),
    ("sync", "a, a, b, ~, ~", "refused: NoMajority"),
    ("sync", "a, a, ~, ~, ~", "same(a) | in-sync in-sync in-sync in-sync in-sync | incomplete"),
    ("sync", "a, a failed", "to(a) | in-sync has"),
    ("sync", "a, a unfinished", "same(a) | in-sync in-sync"),
    ("sync", "a drained, a", "same(a) | in-sync in-sync"),
    ("sync", "a lost-commit, a lost-commit, b", "refused: UnknownCommit"),
    ("sync", "a lost-commit, a, b", "to(a) | in-sync in-sync missing"),
    ("sync", "a old, a old, -", "to(a) | in-sync in-sync missing | ConfigurationChanged"),
    ("sync", "a old, a old, b kept:ab journal:ab", "to(a) | in-sync in-sync has"),
    ("sync web3", "a, b, a, a", "same(a) | in-sync in-sync in-sync in-sync"),
    ("sync web2", "a, b, a, a", "to(a) | in-sync missing in-sync in-sync"),
    ("sync web1", "a, a, ~", "same(a) | in-sync in-sync in-sync"),
    ("sync", "a, a, -; b, b, b", "to(a) same(b) | in-sync in-sync missing in-sync in-sync in-sync"),
    ("sync", "a, a, a; -, -, -", "same(a) same(?) | in-sync in-sync in-sync in-sync in-sync in-sync"),
    ("sync", "a broken, a, b", "refused: LiveDamaged"),
    ("sync", "a, a, b broken kept:ab journal:ab", "to(a) | in-sync in-sync has"),
    ("sync", "a, a, b kept:ab journal:ab pruned:a", "to(a) | in-sync in-sync has | MadeAgain"),
    // ---- restart, prune
    ("restart", "a broken", "in-place | full | DamagedLive"),
    ("restart", "a", "in-place | full"),
    ("restart", "a, b", "in-place | full full"),
    ("restart", "a, -", "refused: NothingToRestart"),
    ("restart", "a foreign, - foreign", "refused: NothingToRestart"),
    ("restart", "a drained", "in-place | full"),
    ("prune", "a, -", "in-place | full full"),
];

#[test]
fn each_state_of_the_hosts_leads_to_one_decision() {
    assert!(TABLE.len() >= 60);
    let wrong: Vec<String> = TABLE
        .iter()
        .filter_map(|(wanted, hosts, expected)| {
            let (decided, _) = made(wanted, hosts);
            let got = told(&decided);
            (got != *expected).then(|| format!("{wanted} with {hosts}\n  is     {got}\n  not    {expected}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_new_release_is_newer_than_all_that_hosts_know() {
    let (decided, told) = made("deploy c", "b, a");
    let goal = decided.unwrap().apps[0].goal.clone().unwrap().live;
    assert!(goal.release > release('b') && goal.version == Version::parse(&commit('c')), "{goal:?}");
    for (variables, from) in told.iter().zip(['b', 'a']) {
        let get = |name: &str| variables.iter().find(|(known, _)| *known == name).unwrap().1.clone();
        assert_eq!((get("release"), get("from")), (goal.release.clone(), release(from)));
    }
}

#[test]
fn hosts_are_told_what_they_come_from_and_what_was_before() {
    let value = |told: &[(&'static str, String)], name: &str| {
        told.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    };
    let (_, told) = made("revert 1", "c, c");
    assert_eq!(value(&told[0], "parent"), Some(release('a')), "what the goal of a revert was deployed on");
    assert_eq!(value(&told[0], "reference").as_deref(), Some("main"));
    let (_, told) = made("deploy ab", "a; a");
    assert_eq!(told[0], [], "an app that does not change is told nothing");
    assert_eq!(value(&told[1], "apps"), Some(format!("web={}", commit('b'))));
    let (_, told) = made("restart", "b");
    assert_eq!(value(&told[0], "release"), Some(release('b')));
    let (_, told) = made("sync", "b, b, c kept:b journal:abc");
    assert_eq!(value(&told[2], "parent"), Some(release('a')), "as its own journal says");
}

#[test]
fn a_hold_refuses_only_while_it_lasts() {
    let environment = environment("a");
    let held = |text: &str| {
        let hosts = hosts(text);
        let view = |host: &Host| {
            check_hold(&Situation {
                environment: &environment,
                hosts: vec![HostView {
                    name: "web1",
                    app: 0,
                    contact: Contact::Answered,
                    facts: &host.facts,
                    entries: &[],
                    digest: None,
                }],
                now: NOW.parse().unwrap(),
            })
        };
        view(&hosts[0]).is_err()
    };
    assert!(held("a held") && !held("a"));
}
