//! What `revert` goes through where several apps are deployed as one: all apps of a deploy have the same release name, so
//! the newest name among the live ones says which deploy is undone first, and which apps it changed.

use super::journal::{self, Entry};

/// An app, as one host that serves it remembers it.
#[derive(Debug, Clone, Copy)]
pub struct Remembered<'a> {
    /// Its journal.
    pub entries: &'a [Entry],
    /// What is live; none: nothing.
    pub live: Option<&'a str>,
}

/// The states that are gone back through, nearest first: of each app what made its release. An app that a step does not
/// change is in it as it was before; one that is served nowhere is `None`.
#[must_use]
pub fn states<'a>(apps: &[Remembered<'a>]) -> Vec<Vec<Option<&'a Entry>>> {
    let made = |app: &Remembered<'a>| app.live.and_then(|live| journal::deploy_of(app.entries, live));
    let mut state: Vec<Option<&str>> = apps.iter().map(|app| app.live).collect();
    let mut entries: Vec<Option<&'a Entry>> = apps.iter().map(made).collect();
    // An app that came with a deploy stays when that is undone: there is nothing that it could go back to.
    let mut ended = vec![false; apps.len()];
    let mut states: Vec<Vec<Option<&'a Entry>>> = Vec::new();
    loop {
        let newest =
            (state.iter().zip(&ended)).filter(|(_, ended)| !**ended).filter_map(|(live, _)| *live).max();
        let Some(newest) = newest else { return states };
        let mut moved = false;
        for (at, app) in apps.iter().enumerate() {
            if state[at] != Some(newest) || ended[at] {
                continue;
            }
            match journal::before(app.entries, newest) {
                // A journal that someone edited must not send us round in circles.
                Some(entry) if entry.release.as_str() < newest || apps.len() == 1 => {
                    moved = true;
                    entries[at] = Some(entry);
                }
                _ => ended[at] = true,
            }
        }
        // What was undone in the other apps already is no news of the one that stays.
        let undone = |(app, at): (&Remembered<'a>, &Option<&str>)| {
            *at != Some(newest) && journal::deploy_of(app.entries, newest).is_some()
        };
        if !moved && apps.iter().zip(&state).any(undone) {
            continue;
        }
        if !moved || states.contains(&entries) {
            return states;
        }
        state = entries
            .iter()
            .zip(&state)
            .map(|(entry, live)| entry.map_or(*live, |e| Some(e.release.as_str())))
            .collect();
        states.push(entries.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::super::journal::State;
    use super::super::version::Version;
    use super::*;

    fn deploys(chain: &[(&str, &str)]) -> Vec<Entry> {
        let entry = |(release, from): &(&str, &str)| Entry {
            number: String::new(),
            state: State::Done,
            release: (*release).into(),
            version: Version::parse(&"0".repeat(40)).unwrap(),
            reference: String::new(),
            action: "deploy".into(),
            from: (*from).into(),
            subject: String::new(),
            who: String::new(),
            when: String::new(),
            run: String::new(),
            apps: Vec::new(),
        };
        chain.iter().map(entry).collect()
    }

    fn gone_through(apps: &[(&[Entry], Option<&str>)]) -> Vec<Vec<String>> {
        let apps: Vec<Remembered<'_>> =
            apps.iter().map(|(entries, live)| Remembered { entries, live: *live }).collect();
        let name = |entry: &Option<&Entry>| entry.map_or("-".to_owned(), |entry| entry.release.clone());
        states(&apps).iter().map(|state| state.iter().map(name).collect()).collect()
    }

    #[test]
    fn a_deploy_is_undone_in_the_apps_that_it_changed() {
        let api = deploys(&[("1", ""), ("2", "1"), ("4", "2")]);
        let web = deploys(&[("1", ""), ("3", "1"), ("4", "3")]);
        let through = gone_through(&[(&api, Some("4")), (&web, Some("4"))]);
        assert_eq!(through, [["2", "3"], ["2", "1"], ["1", "1"]]);
        assert_eq!(gone_through(&[(&api, Some("2")), (&web, Some("1"))]), [["1", "1"]]);
    }

    #[test]
    fn an_app_that_came_later_stays_when_it_has_nothing_to_go_back_to() {
        let api = deploys(&[("1", ""), ("2", "1")]);
        let web = deploys(&[("2", "")]);
        assert_eq!(gone_through(&[(&api, Some("2")), (&web, Some("2"))]), [["1", "2"]]);
        // Gone back from 3, which brought it.
        let api = deploys(&[("1", ""), ("2", "1"), ("3", "2")]);
        let web = deploys(&[("3", "")]);
        assert_eq!(gone_through(&[(&api, Some("2")), (&web, Some("3"))]), [["1", "3"]]);
        let api = deploys(&[("1", ""), ("2", "1"), ("4", "2")]);
        let web = deploys(&[("3", ""), ("4", "3")]);
        assert_eq!(gone_through(&[(&api, Some("4")), (&web, Some("4"))]), [["2", "3"]], "3 was web's alone");
        let api = deploys(&[("1", ""), ("2", "1")]);
        let only_web = deploys(&[("3", "")]);
        assert_eq!(gone_through(&[(&api, Some("2")), (&only_web, Some("3"))]), [[""; 2]; 0]);
    }

    #[test]
    fn one_app_is_as_its_journal_says_whatever_the_names() {
        let all = deploys(&[("b", ""), ("a", "b"), ("c", "a")]);
        assert_eq!(gone_through(&[(&all, Some("c"))]), [["a"], ["b"]]);
        assert_eq!(gone_through(&[(&all, None)]), [[""; 1]; 0]);
        let circle = deploys(&[("a", "b"), ("b", "a")]);
        assert_eq!(gone_through(&[(&circle, Some("a"))]), [["b"], ["a"]]);
    }
}
