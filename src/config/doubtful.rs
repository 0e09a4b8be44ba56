//! What an app's configuration does that is allowed, and is rarely meant. Only a look at the texts: nothing is run.

use super::app::App;
use super::supervisor::Supervisor;

/// Tells pm2 to go on with what it has. pm2 keeps the directory in which an app was first started, so the release of that time
/// goes on running, with success, until it is pruned.
const PM2_KEEPS: [&str; 6] =
    ["reload", "restart", "gracefulReload", "startOrReload", "startOrRestart", "startOrGracefulReload"];

impl App {
    /// Whether a deploy makes something run, and nothing asks whether it serves. What only lies there, as a static site, needs
    /// no question.
    #[must_use]
    pub fn is_unchecked(&self) -> bool {
        let verified = self.supervisors.iter().any(Supervisor::verifies);
        let runs = !self.supervisors.is_empty() || !self.hooks.post_deploy.is_empty();
        runs && !verified && self.health.is_none()
    }

    /// Whether `logs` has anything to show.
    #[must_use]
    pub fn has_logs(&self) -> bool {
        !self.logs.is_empty() || self.supervisors.iter().any(|one| one.known().is_some())
    }

    /// The command with which pm2 would go on running an old release.
    #[must_use]
    pub fn pm2_keeps(&self) -> Option<String> {
        let texts = self.supervisors.iter().flat_map(Supervisor::steps).map(|(_, text)| text);
        let texts = texts.chain(self.hooks.post_deploy.iter().map(|hook| &hook.text));
        let all: Vec<&str> = texts.flat_map(|text| words(text)).collect();
        let calls = |words: &[&str]| words[0].rsplit('/').next() == Some("pm2");
        let mut pairs = all.windows(2).filter(|pair| calls(pair));
        if pairs.clone().any(|pair| pair[1] == "delete") {
            return None;
        }
        pairs.find(|pair| PM2_KEEPS.contains(&pair[1])).map(|pair| format!("pm2 {}", pair[1]))
    }

    /// The path in `carry` that `npm ci` removes before it installs anything.
    #[must_use]
    pub fn carried_in_vain(&self) -> Option<&str> {
        let path = self.carry.iter().find(|path| path.rsplit('/').next() == Some("node_modules"))?;
        let texts = self.hooks.build.iter().filter(|hook| !hook.local).map(|hook| words(&hook.text));
        let removes = |words: Vec<&str>| words.windows(2).any(|pair| pair[0] == "npm" && pair[1] == "ci");
        texts.into_iter().any(removes).then_some(path.as_str())
    }
}

fn words(text: &str) -> Vec<&str> {
    text.split([' ', '\t', '\n', ';', '&', '|', '(', ')']).filter(|word| !word.is_empty()).collect()
}
