//! Which release how many hosts serve: one count, and the two rules that read it.

use super::view::HostView;

/// Hosts by the release that they serve: those of most hosts first, and of as many the newer release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Serving<'a> {
    /// Each release and the names of its hosts.
    pub releases: Vec<(&'a str, Vec<&'a str>)>,
}

impl<'a> Serving<'a> {
    /// Counts hosts that serve anything.
    #[must_use]
    pub fn count(hosts: impl Iterator<Item = (&'a str, Option<&'a str>)>) -> Serving<'a> {
        let mut releases: Vec<(&str, Vec<&str>)> = Vec::new();
        for (host, live) in hosts {
            let Some(live) = live else { continue };
            match releases.iter_mut().find(|(release, _)| *release == live) {
                Some((_, hosts)) => hosts.push(host),
                None => releases.push((live, vec![host])),
            }
        }
        releases.sort_by(|(one, hosts), (other, others)| {
            others.len().cmp(&hosts.len()).then_with(|| other.cmp(one))
        });
        Serving { releases }
    }

    /// The release that most hosts serve, of as many the newer: what `revert` starts from, and `list` numbers.
    #[must_use]
    pub fn most(&self) -> Option<&'a str> {
        self.releases.first().map(|(release, _)| *release)
    }

    /// The release that more than half of the hosts serve: what `sync` brings to the others. Where hosts differ, those that
    /// could not be asked count against it: they may all serve another one.
    #[must_use]
    pub fn more_than_half(&self, unasked: usize) -> Option<&'a str> {
        let (release, hosts) = self.releases.first()?;
        let all: usize = self.releases.iter().map(|(_, hosts)| hosts.len()).sum();
        let alike = self.releases.len() == 1;
        let safe = alike || 2 * hosts.len() >= all + unasked;
        (2 * hosts.len() > all && safe).then_some(release)
    }
}

/// The release that most of these hosts serve; none where they serve nothing, or did not answer.
#[must_use]
pub fn common_release<'a>(hosts: impl Iterator<Item = HostView<'a>>) -> Option<&'a str> {
    Serving::count(hosts.filter(HostView::answered).map(|host| (host.name, host.live()))).most()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_count_and_two_rules() {
        type Lives<'a> = &'a [Option<&'a str>];
        // what hosts serve; hosts that could not be asked; most; more than half
        let table: [(Lives<'_>, usize, Option<&str>, Option<&str>); 16] = [
            (&[], 0, None, None),
            (&[None, None], 0, None, None),
            (&[Some("a")], 0, Some("a"), Some("a")),
            (&[Some("a")], 5, Some("a"), Some("a")),
            (&[Some("a"), Some("a"), None], 1, Some("a"), Some("a")),
            (&[Some("a"), Some("b")], 0, Some("b"), None),
            (&[Some("b"), Some("a")], 0, Some("b"), None),
            (&[Some("a"), Some("a"), Some("b"), Some("b")], 0, Some("b"), None),
            (&[Some("b"), Some("a"), Some("a"), Some("b"), None], 0, Some("b"), None),
            (&[Some("a"), Some("b"), Some("a")], 0, Some("a"), Some("a")),
            (&[Some("a"), Some("b"), Some("a")], 1, Some("a"), Some("a")),
            (&[Some("a"), Some("b"), Some("a")], 2, Some("a"), None),
            (&[Some("a"), Some("b"), Some("b"), Some("c")], 0, Some("b"), None),
            (&[Some("b"), Some("a"), Some("b"), Some("b"), Some("a")], 0, Some("b"), Some("b")),
            (&[Some("a"), Some("a"), Some("b"), Some("c")], 0, Some("a"), None),
            (&[Some("a"), Some("a"), Some("a"), Some("b")], 3, Some("a"), None),
        ];
        for (lives, unasked, most, half) in table {
            let hosts = lives.iter().map(|live| ("w", *live));
            let serving = Serving::count(hosts);
            assert_eq!(serving.most(), most, "{lives:?}");
            assert_eq!(serving.more_than_half(unasked), half, "{lives:?} and {unasked} unasked");
        }
    }
}
