//! `--hosts`: names, globs, ranges and `!name`, in lists with commas; `--roles` and `--apps`: names.
//!
//! A pattern that matches nothing is an error: a typing mistake must not turn "on one host" into "on none" or "on all".

use super::environment::{Environment, Host, Site};
use super::error::ConfigError;
use super::host_name;
use super::nearest::nearest;

/// What the command line chooses of an environment; an empty list: all.
#[derive(Debug, Clone, Copy, Default)]
pub struct Choice<'a> {
    /// `--hosts`: patterns.
    pub hosts: &'a [String],
    /// `--roles`: hosts with one of these.
    pub roles: &'a [String],
    /// `--apps`: their names.
    pub apps: &'a [String],
}

/// The environment with what was chosen, in the order of the file.
///
/// # Errors
/// For a word that means nothing here, and where nothing is left.
pub fn select(mut environment: Environment, choice: Choice<'_>) -> Result<Environment, ConfigError> {
    let Choice { hosts, roles, apps } = choice;
    if hosts.is_empty() && roles.is_empty() && apps.is_empty() {
        return Ok(environment);
    }
    let hosts_chosen = chosen_hosts(&environment, &words(hosts))?;
    let roles = words(roles);
    let known = || environment.hosts.iter().flat_map(|host| host.roles.iter().map(String::as_str));
    if let Some(role) = roles.iter().find(|role| !known().any(|known| known == **role)) {
        return Err(environment.no_such("role", role, known()));
    }
    let has_role =
        |host: &Host| roles.is_empty() || host.roles.iter().any(|role| roles.contains(&role.as_str()));
    let apps = words(apps);
    let names = || environment.apps.iter().map(|app| app.name.as_str());
    if let Some(app) = apps.iter().find(|app| !names().any(|name| name == **app)) {
        return Err(environment.no_such("app", app, names()));
    }
    let mut sites = std::mem::take(&mut environment.sites);
    sites.retain(|site| {
        let app = environment.apps[site.app].name.as_str();
        hosts_chosen[site.host]
            && has_role(&environment.hosts[site.host])
            && (apps.is_empty() || apps.contains(&app))
    });
    if sites.is_empty() {
        return Err(ConfigError::NothingLeft { environment: environment.name });
    }
    environment.keep(sites);
    Ok(environment)
}

/// The environment with its first host alone, in the order of the file.
#[must_use]
pub fn first_host(mut environment: Environment) -> Environment {
    let mut sites = std::mem::take(&mut environment.sites);
    let first = sites.iter().map(|site| site.host).min();
    sites.retain(|site| Some(site.host) == first);
    environment.keep(sites);
    environment
}

fn words(lists: &[String]) -> Vec<&str> {
    lists.iter().flat_map(|list| list.split(',')).map(str::trim).collect()
}

fn chosen_hosts(environment: &Environment, words: &[&str]) -> Result<Vec<bool>, ConfigError> {
    let (without, only): (Vec<&str>, Vec<&str>) = words.iter().partition(|word| word.starts_with('!'));
    let mut chosen = vec![only.is_empty(); environment.hosts.len()];
    for word in only {
        for (chosen, matched) in chosen.iter_mut().zip(matches(environment, word)?) {
            *chosen |= matched;
        }
    }
    for word in without {
        for (chosen, matched) in chosen.iter_mut().zip(matches(environment, &word[1..])?) {
            *chosen &= !matched;
        }
    }
    if !chosen.contains(&true) {
        let (environment, patterns) = (environment.name.clone(), words.join(","));
        return Err(ConfigError::NoHostLeft { environment, patterns });
    }
    Ok(chosen)
}

impl Environment {
    fn no_such<'a>(
        &self,
        what: &'static str,
        word: &str,
        known: impl Iterator<Item = &'a str>,
    ) -> ConfigError {
        ConfigError::NoSuch {
            what,
            environment: self.name.clone(),
            word: word.to_owned(),
            nearest: nearest(word, known).map(str::to_owned),
        }
    }

    /// Only these sites, and of hosts and apps those that they are of.
    fn keep(&mut self, sites: Vec<Site>) {
        let renumber = |used: &dyn Fn(&Site) -> usize, count: usize| {
            let mut numbers = vec![None; count];
            let mut next = 0;
            for (old, number) in numbers.iter_mut().enumerate() {
                if sites.iter().any(|site| used(site) == old) {
                    *number = Some(next);
                    next += 1;
                }
            }
            numbers
        };
        let hosts = renumber(&|site| site.host, self.hosts.len());
        let apps = renumber(&|site| site.app, self.apps.len());
        let (mut kept_hosts, mut kept_apps) = (hosts.iter(), apps.iter());
        self.hosts.retain(|_| kept_hosts.next().is_some_and(Option::is_some));
        self.apps.retain(|_| kept_apps.next().is_some_and(Option::is_some));
        let renumbered = |site: Site| Some(Site { host: hosts[site.host]?, app: apps[site.app]?, ..site });
        self.sites = sites.into_iter().filter_map(renumbered).collect();
    }
}

/// Which hosts one pattern means; at least one.
fn matches(environment: &Environment, pattern: &str) -> Result<Vec<bool>, ConfigError> {
    let bad = |reason: String| ConfigError::BadPattern { pattern: pattern.to_owned(), reason };
    if pattern.is_empty() {
        return Err(bad("it is empty".to_owned()));
    }
    let exact = |host: &Host| host.name == pattern || host.machine == pattern || host.address() == pattern;
    let mut matched: Vec<bool> = environment.hosts.iter().map(exact).collect();
    if !matched.contains(&true) {
        matched = begin_with(environment, pattern).map_err(bad)?;
    }
    if !matched.contains(&true) {
        let globs = host_name::expand_pattern(pattern).map_err(|fault| bad(fault.message))?;
        let any = |host: &Host| {
            let names = [&host.name, &host.machine, &host.address()];
            globs.iter().any(|glob| names.iter().any(|name| glob_matches(glob, name)))
        };
        matched = environment.hosts.iter().map(any).collect();
    }
    if matched.contains(&true) {
        return Ok(matched);
    }
    let names = environment.hosts.iter().map(|host| host.name.as_str());
    Err(ConfigError::NoSuchHost {
        environment: environment.name.clone(),
        pattern: pattern.to_owned(),
        nearest: nearest(pattern, names).map(str::to_owned),
    })
}

/// Hosts whose name begins with the pattern and a dot: those of one name, else it is not clear which is meant.
fn begin_with(environment: &Environment, pattern: &str) -> Result<Vec<bool>, String> {
    let begins = |host: &Host| {
        let rest = host.machine.strip_prefix(pattern);
        rest.is_some_and(|rest| rest.starts_with('.')) && host.machine.parse::<std::net::IpAddr>().is_err()
    };
    let mut names: Vec<&str> =
        environment.hosts.iter().filter(|host| begins(host)).map(|host| host.machine.as_str()).collect();
    names.dedup();
    match names.as_slice() {
        [] | [_] => Ok(environment.hosts.iter().map(begins).collect()),
        several => Err(format!("it is the beginning of {}", several.join(", "))),
    }
}

/// Whether `text` is what `glob` describes: `*` any characters, `?` any one. Linear but for one step back per star.
#[must_use]
pub fn glob_matches(glob: &str, text: &str) -> bool {
    let (glob, text): (Vec<char>, Vec<char>) = (glob.chars().collect(), text.chars().collect());
    let (mut at, mut seen) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while seen < text.len() {
        match glob.get(at) {
            Some('*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(c) if *c == '?' || *c == text[seen] => {
                at += 1;
                seen += 1;
            }
            _ => match star {
                None => return false,
                Some((place, taken)) => {
                    star = Some((place, taken + 1));
                    at = place + 1;
                    seen = taken + 1;
                }
            },
        }
    }
    glob[at..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::glob_matches;

    #[test]
    fn globs() {
        for (glob, text, expected) in [
            ("web*", "web1", true),
            ("*", "", true),
            ("w?b", "web", true),
            ("w?b", "wb", false),
            ("*.example.*", "a.example.com", true),
            ("*a*b", "xaxxab", true),
            ("*a*b", "xaxxa", false),
            ("web", "web1", false),
        ] {
            assert_eq!(glob_matches(glob, text), expected, "{glob} {text}");
        }
    }
}
