//! The journal of a host, and what `revert` makes of it.

use super::release;
use super::version::Version;

/// One deploy or revert on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Counts up on that host.
    pub number: String,
    /// How it ended.
    pub state: State,
    /// What it made live.
    pub release: String,
    /// What that was made of.
    pub version: Version,
    /// The ref it was asked by.
    pub reference: String,
    /// `deploy`, `sync` or `revert`.
    pub action: String,
    /// What was live before; empty: nothing.
    pub from: String,
    /// The first line of its commit's message.
    pub subject: String,
    /// The operator, as [`By`](super::by::By) reads it.
    pub who: String,
    /// When, by the operator's clock: RFC 3339.
    pub when: String,
    /// The run that did it, which names its log; empty in entries of before that was written down.
    pub run: String,
    /// The apps that the deploy is about, on all its hosts, and the version of each; empty where it is about one unnamed.
    pub apps: Vec<(String, Version)>,
}

/// How an entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Going live, or cut off there.
    Open,
    /// All hosts are healthy; being recorded.
    Healthy,
    /// Was live and good.
    Done,
    /// Was rolled back.
    Back,
    /// Should have been rolled back, or reverted, and was not.
    Failed,
}

impl State {
    /// The state of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<State> {
        match name {
            "open" => Some(State::Open),
            "healthy" => Some(State::Healthy),
            "done" => Some(State::Done),
            "back" => Some(State::Back),
            "failed" => Some(State::Failed),
            _ => None,
        }
    }
}

impl Entry {
    /// From what the host said; `None` if it is no entry of ours.
    #[must_use]
    pub fn read(number: &str, state: &str, pairs: &[(String, String)]) -> Option<Entry> {
        let get = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        Some(Entry {
            number: number.to_owned(),
            state: State::parse(state)?,
            release: get("release")?,
            version: Version::parse(&get("revision")?)?,
            reference: get("reference").unwrap_or_default(),
            action: get("action")?,
            from: get("from").unwrap_or_default(),
            subject: get("subject").unwrap_or_default(),
            who: get("who").unwrap_or_default(),
            when: get("when").unwrap_or_default(),
            run: get("run").unwrap_or_default(),
            apps: apps(&get("apps").unwrap_or_default())?,
        })
    }

    /// Whether releases and the ref have the form that they have from us: another host may act on them.
    #[must_use]
    pub fn is_well_formed(&self) -> bool {
        release::is_name(&self.release)
            && (self.from.is_empty() || release::is_name(&self.from))
            && !self.reference.contains(char::is_control)
    }

    // On a host that was brought to a release, that is what made it there.
    fn made(&self, release: &str) -> bool {
        self.release == release && matches!(self.action.as_str(), "deploy" | "sync") && self.was_good()
    }

    /// Whether it was live and good.
    #[must_use]
    pub fn was_good(&self) -> bool {
        matches!(self.state, State::Done | State::Healthy)
    }
}

// `api=1a2b… web=3c4d…`
fn apps(text: &str) -> Option<Vec<(String, Version)>> {
    let pairs = text.split_whitespace().filter_map(|word| word.split_once('='));
    pairs.map(|(name, version)| Some((name.to_owned(), Version::parse(version)?))).collect()
}

/// What was live before `release`: the release that was live when it was first deployed and stayed. Reverts do not
/// count: so two reverts go two back, and never forward.
#[must_use]
pub fn before<'a>(entries: &'a [Entry], release: &str) -> Option<&'a Entry> {
    let made = deploy_of(entries, release)?;
    deploy_of(entries, &made.from)
}

/// The deploy that made a release: the first, where it was made live there again.
#[must_use]
pub fn deploy_of<'a>(entries: &'a [Entry], release: &str) -> Option<&'a Entry> {
    entries.iter().find(|e| e.made(release))
}

/// The releases that `revert` goes through from `live`, nearest first: what `list` numbers.
#[must_use]
pub fn chain<'a>(entries: &'a [Entry], live: &str) -> Vec<&'a Entry> {
    let mut chain: Vec<&Entry> = Vec::new();
    let mut at = live.to_owned();
    while let Some(entry) = before(entries, &at) {
        // A journal that someone edited must not send us round in circles.
        if chain.iter().any(|seen| seen.release == entry.release) {
            break;
        }
        at.clone_from(&entry.release);
        chain.push(entry);
    }
    chain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: u32, action: &str, release: &str, from: &str, state: State) -> Entry {
        Entry {
            number: number.to_string(),
            state,
            release: release.into(),
            version: Version::parse(&"0".repeat(40)).unwrap(),
            reference: String::new(),
            action: action.into(),
            from: from.into(),
            subject: String::new(),
            who: String::new(),
            when: String::new(),
            run: String::new(),
            apps: Vec::new(),
        }
    }

    fn names(chain: &[&Entry]) -> Vec<String> {
        chain.iter().map(|e| e.release.clone()).collect()
    }

    #[test]
    fn reverts_go_back_and_never_forward() {
        let mut all = vec![
            entry(1, "deploy", "a", "", State::Done),
            entry(2, "deploy", "b", "a", State::Done),
            entry(3, "deploy", "bad", "b", State::Back),
            entry(4, "deploy", "c", "b", State::Done),
        ];
        assert_eq!(names(&chain(&all, "c")), ["b", "a"]);
        all.push(entry(5, "revert", "b", "c", State::Done));
        assert_eq!(names(&chain(&all, "b")), ["a"], "after a revert, a second one goes further back");
        all.push(entry(6, "deploy", "d", "b", State::Done));
        assert_eq!(
            names(&chain(&all, "d")),
            ["b", "a"],
            "after a revert and a deploy: what was live before it"
        );
    }

    #[test]
    fn a_sync_makes_a_release_where_it_was_not_and_changes_no_chain_where_it_was() {
        let mut all = vec![
            entry(1, "deploy", "a", "", State::Done),
            entry(2, "deploy", "b", "a", State::Done),
            entry(3, "sync", "d", "b", State::Done),
        ];
        assert_eq!(names(&chain(&all, "d")), ["b", "a"], "a host that missed c");
        all.push(entry(4, "sync", "a", "d", State::Done));
        assert_eq!(names(&chain(&all, "a")), [""; 0], "a host that missed the reverts");
        all.push(entry(5, "sync", "e", "a", State::Back));
        all.push(entry(6, "sync", "a", "a", State::Done));
        assert_eq!(names(&chain(&all, "d")), ["b", "a"]);
    }

    #[test]
    fn the_apps_of_a_deploy_are_read_and_what_is_none_is_no_harm() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let [api, web] = ["a1", "b2"].map(|digits| Version::parse(&digits.repeat(20)).unwrap());
        let mut pairs = vec![pair("release", "r"), pair("revision", api.as_str()), pair("action", "deploy")];
        assert_eq!(Entry::read("1", "done", &pairs).unwrap().apps, []);
        pairs.push(pair("apps", &format!("api={api} web={web} half")));
        let apps = [("api".to_owned(), api), ("web".to_owned(), web)];
        assert_eq!(Entry::read("1", "done", &pairs).unwrap().apps, apps);
        pairs.last_mut().unwrap().1 = "api=main".to_owned();
        assert_eq!(Entry::read("1", "done", &pairs), None, "an app of which nobody knows what is live");
    }

    #[test]
    fn an_entry_leads_nowhere_else() {
        let read = |name: &str, value: &str| {
            let pairs = [
                ("release", "20261121T081502Z-1a2b3c4"),
                ("revision", "1a2b3c4d5e6f1a2b3c4d5e6f1a2b3c4d5e6f1a2b"),
                ("action", "deploy"),
                ("from", ""),
            ];
            let pair = |(key, text): &(&str, &str)| {
                ((*key).to_owned(), if *key == name { value } else { *text }.to_owned())
            };
            Entry::read("1", "done", &pairs.iter().map(pair).collect::<Vec<_>>())
        };
        assert!(read("from", "20261121T081502Z-1a2b3c4").unwrap().is_well_formed());
        assert!(!read("from", "..").unwrap().is_well_formed());
        assert!(!read("release", "..").unwrap().is_well_formed());
        assert_eq!(read("revision", "--upload-pack=x"), None);
    }

    #[test]
    fn a_journal_in_circles_ends() {
        let all = [entry(1, "deploy", "a", "b", State::Done), entry(2, "deploy", "b", "a", State::Done)];
        assert_eq!(names(&chain(&all, "a")), ["b", "a"]);
    }
}
