//! How an app runs under pm2 on a host today, and what a first deploy does to it: the answers of the adapter's step `today`.

/// What a deploy does to an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Another app has its name: the deploy is refused.
    Taken,
    /// It runs now and then: it is moved, and not started.
    Job,
    /// It is in no file, and runs now and then: it stays as it is.
    Left,
    /// It has no process, and is started.
    Started,
    /// It has no process, and nobody started it beside the others: it is not started.
    Away,
    /// It is stopped, and stays so.
    Stopped,
    /// It runs from `current` from then on.
    Moved,
    /// It runs from `current` already.
    Reloaded,
}

impl Effect {
    /// With the words of the adapter.
    pub const WORDS: [(&str, Effect); 8] = [
        ("taken", Effect::Taken),
        ("job", Effect::Job),
        ("left", Effect::Left),
        ("started", Effect::Started),
        ("away", Effect::Away),
        ("stopped", Effect::Stopped),
        ("moved", Effect::Moved),
        ("reloaded", Effect::Reloaded),
    ];
}

/// An app on one host. Its texts are the host's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppToday {
    /// As pm2 calls it.
    pub name: String,
    /// What the first deploy does.
    pub effect: Effect,
    /// `cluster` or `fork`.
    pub mode: String,
    /// The number of its processes that are not stopped.
    pub processes: u32,
    /// What pm2 says of them.
    pub status: String,
    /// Where they run from: `current`, `source`, `releases/NAME`, a path.
    pub place: String,
    /// It does not serve for a moment.
    pub gap: bool,
}

impl AppToday {
    /// What a host answered. `None`: not in our form.
    #[must_use]
    pub fn parse(fields: &[String]) -> Option<AppToday> {
        let [name, effect, mode, processes, status, place, gap] = fields else { return None };
        let effect = Effect::WORDS.iter().find(|(word, _)| word == effect)?.1;
        let (name, mode, status, place) = (name.clone(), mode.clone(), status.clone(), place.clone());
        Some(AppToday {
            name,
            effect,
            mode,
            processes: processes.parse().ok()?,
            status,
            place,
            gap: gap == "gap",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{AppToday, Effect};

    #[test]
    fn the_adapter_says_these_words() {
        let adapter =
            include_str!("adapters/pm2/40-apps.js").to_owned() + include_str!("adapters/pm2/68-today.js");
        for (word, _) in Effect::WORDS {
            assert!(adapter.contains(&format!("'{word}'")), "{word}");
        }
    }

    #[test]
    fn an_answer_is_whole_or_none() {
        let parse = |text: &str| AppToday::parse(&text.split(' ').map(str::to_owned).collect::<Vec<_>>());
        let web = parse("web moved cluster 2 online source -").unwrap();
        assert_eq!((web.effect, web.processes, web.gap), (Effect::Moved, 2, false));
        for text in
            ["web moved cluster two online source -", "web grown cluster 2 online source -", "web moved"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
