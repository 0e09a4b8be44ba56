//! The lines of `import` about apps: how pm2 runs each on the hosts today, what the first deploy does to it, and what that costs.
//! Hosts that differ are told apart; what a host did not tell is unknown, and that is said. Pure.

use super::human;
use crate::config::Pm2App;
use crate::remote::app_today::{AppToday, Effect};

/// What a host's pm2 answered.
#[derive(Debug, Clone)]
pub struct HostToday {
    /// As it is called on the screen.
    pub host: String,
    /// Its apps; `None`: it could not be asked.
    pub apps: Option<Vec<AppToday>>,
    /// A hook of the user's reloads the apps, and not shipit.
    pub hooked: bool,
}

/// A line for each app of the file, then for each that only hosts know.
#[must_use]
pub fn app_lines(apps: &[Pm2App], today: &[HostToday]) -> Vec<String> {
    let mut lines: Vec<String> = apps
        .iter()
        .map(|app| {
            let count = if app.instances.is_empty() { String::new() } else { format!(" x{}", app.instances) };
            let what = match (of_hosts(&app.name, today), app.watch) {
                (_, true) => "`watch` would restart it at the switch: remove it from the file".to_owned(),
                (Some(what), _) => what,
                (None, _) if today.is_empty() => by_the_file(app).to_owned(),
                (None, _) => format!("today unknown; {}", by_its_mode(app)),
            };
            format!("{} ({}{count}): {what}", app.name, app.mode)
        })
        .collect();
    let mut others: Vec<&str> = Vec::new();
    for app in today.iter().filter_map(|host| host.apps.as_ref()).flatten() {
        if !apps.iter().any(|known| known.name == app.name) && !others.contains(&app.name.as_str()) {
            others.push(&app.name);
        }
    }
    lines.extend(
        others
            .into_iter()
            .filter_map(|name| Some(format!("{name} (in no file): {}", of_hosts(name, today)?))),
    );
    lines
}

/// What the file alone tells.
fn by_the_file(app: &Pm2App) -> &'static str {
    match (app.job, app.mode.as_str()) {
        (true, _) => "moved, and not started before its time",
        (_, "cluster") => "new processes come up beside the old ones: no interruption",
        _ => "started again once from the release: about a second",
    }
}

/// The same in few words, where the hosts could not be asked.
fn by_its_mode(app: &Pm2App) -> &'static str {
    match (app.job, app.mode.as_str()) {
        (true, _) => "moved, not started",
        (_, "cluster") => "as a cluster: no interruption",
        _ => "as a fork: about a second",
    }
}

/// What hosts say of an app, those together that say the same. `None`: none says anything.
fn of_hosts(name: &str, today: &[HostToday]) -> Option<String> {
    let mut said: Vec<(String, Vec<&str>)> = Vec::new();
    let mut is_known = false;
    for host in today {
        let what = match &host.apps {
            None => "unknown".to_owned(),
            Some(apps) => {
                let Some(app) = apps.iter().find(|app| app.name == name) else { continue };
                is_known = true;
                described(app, host.hooked)
            }
        };
        match said.iter_mut().find(|(known, _)| *known == what) {
            Some((_, hosts)) => hosts.push(&host.host),
            None => said.push((what, vec![&host.host])),
        }
    }
    match said.as_slice() {
        _ if !is_known => None,
        [(what, _)] => Some(what.clone()),
        _ => {
            let parts = said.iter().map(|(what, hosts)| format!("on {} {what}", human::names(hosts)));
            Some(parts.collect::<Vec<_>>().join("; "))
        }
    }
}

fn described(app: &AppToday, hooked: bool) -> String {
    let AppToday { name, effect, mode, processes, status, place, gap } = app;
    let count = if *processes == 1 { String::new() } else { format!(" x{processes}") };
    let odd = if status == "online" { String::new() } else { format!(" ({status})") };
    let today = match (effect, processes) {
        (Effect::Taken, _) => format!("pm2 runs another {name} from {place}"),
        (Effect::Started | Effect::Away, _) => "not there".to_owned(),
        (Effect::Job, 0) if place == "-" => "not there".to_owned(),
        (_, 0) => format!("stopped, of {place}"),
        _ => format!("{mode}{count} from {place}{odd}"),
    };
    let cost = if *gap { "interrupted for about a second" } else { "no interruption" };
    let then = match effect {
        Effect::Taken => "the deploy is refused".to_owned(),
        Effect::Left => "left as it is".to_owned(),
        _ if hooked => "left to your `post-deploy`".to_owned(),
        Effect::Job => "moved to `current`, and not started before its time".to_owned(),
        Effect::Started => "started".to_owned(),
        Effect::Away => "not started until you do".to_owned(),
        Effect::Stopped => "stays stopped".to_owned(),
        Effect::Moved => format!("moved to `current`, {cost}"),
        Effect::Reloaded => format!("reloaded, {cost}"),
    };
    format!("{today}: {then}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, mode: &str) -> Pm2App {
        let text = String::new();
        let (name, mode) = (name.to_owned(), mode.to_owned());
        Pm2App {
            name,
            mode,
            instances: text.clone(),
            watch: false,
            job: false,
            cwd: text.clone(),
            script: text,
        }
    }

    fn host(host: &str, answers: &[&str]) -> HostToday {
        let parse =
            |text: &&str| AppToday::parse(&text.split(' ').map(str::to_owned).collect::<Vec<_>>()).unwrap();
        HostToday { host: host.to_owned(), apps: Some(answers.iter().map(parse).collect()), hooked: false }
    }

    #[test]
    fn each_app_has_a_line_that_says_what_runs_and_what_becomes_of_it() {
        for (answer, line) in [
            (
                "a moved cluster 2 online source -",
                "cluster x2 from source: moved to `current`, no interruption",
            ),
            (
                "a moved fork 1 online releases/7 gap",
                "fork from releases/7: moved to `current`, interrupted for about a second",
            ),
            (
                "a reloaded cluster 2 errored current -",
                "cluster x2 from current (errored): reloaded, no interruption",
            ),
            ("a stopped fork 0 stopped source -", "stopped, of source: stays stopped"),
            ("a started - 0 - - -", "not there: started"),
            ("a away - 0 - - -", "not there: not started until you do"),
            ("a job - 0 - - -", "not there: moved to `current`, and not started before its time"),
            ("a taken fork 1 online /srv/a.js -", "pm2 runs another a from /srv/a.js: the deploy is refused"),
            ("a left fork 0 stopped source -", "stopped, of source: left as it is"),
        ] {
            assert_eq!(
                app_lines(&[file("a", "fork")], &[host("web1", &[answer])]),
                [format!("a (fork): {line}")]
            );
        }
    }

    #[test]
    fn hosts_that_differ_or_are_unknown_are_told_apart() {
        let unknown = HostToday { host: "web3".to_owned(), apps: None, hooked: false };
        let (same, other) = ("a moved cluster 2 online source -", "a started - 0 - - -");
        let apps = [file("a", "cluster")];
        let all = [
            host("web1", &[same]),
            host("web2", &[other, "b left fork 1 online source -"]),
            host("web4", &[same]),
            unknown.clone(),
        ];
        assert_eq!(
            app_lines(&apps, &all),
            [
                "a (cluster): on web1 and web4 cluster x2 from source: moved to `current`, no interruption; \
                 on web2 not there: started; on web3 unknown",
                "b (in no file): on web2 fork from source: left as it is; on web3 unknown",
            ]
        );
        let only_unknown = app_lines(&apps, std::slice::from_ref(&unknown));
        assert!(only_unknown[0].starts_with("a (cluster): today unknown; as a cluster"), "{only_unknown:?}");
        assert!(app_lines(&apps, &[])[0].starts_with("a (cluster): new processes"));
        let hooked = HostToday { hooked: true, ..host("web1", &[same]) };
        assert_eq!(
            app_lines(&apps, &[hooked]),
            ["a (cluster): cluster x2 from source: left to your `post-deploy`"]
        );
    }
}
