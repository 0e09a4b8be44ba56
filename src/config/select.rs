//! `--hosts`: names, globs, ranges and `!name`, in lists with commas.
//!
//! A pattern that matches nothing is an error: a slip must not turn "on one host" into "on none" or "on all".

use super::diagnostic::nearest;
use super::error::ConfigError;
use super::{Environment, Host, host_name};

/// The environment with the hosts that the patterns choose, in the order of the file; no pattern: all.
pub fn select(mut environment: Environment, patterns: &[String]) -> Result<Environment, ConfigError> {
    if patterns.is_empty() {
        return Ok(environment);
    }
    let words: Vec<&str> = patterns.iter().flat_map(|list| list.split(',')).map(str::trim).collect();
    let (without, only): (Vec<&str>, Vec<&str>) = words.iter().partition(|word| word.starts_with('!'));
    let mut chosen = vec![only.is_empty(); environment.hosts.len()];
    for word in only {
        for (chosen, matched) in chosen.iter_mut().zip(matches(&environment, word)?) {
            *chosen |= matched;
        }
    }
    for word in without {
        for (chosen, matched) in chosen.iter_mut().zip(matches(&environment, &word[1..])?) {
            *chosen &= !matched;
        }
    }
    let mut chosen = chosen.into_iter();
    environment.hosts.retain(|_| chosen.next().unwrap_or(false));
    if environment.hosts.is_empty() {
        let patterns = patterns.join(",");
        return Err(ConfigError::NoHostLeft { environment: environment.name, patterns });
    }
    Ok(environment)
}

/// Which hosts one pattern means; at least one.
fn matches(environment: &Environment, pattern: &str) -> Result<Vec<bool>, ConfigError> {
    let bad = |reason: String| ConfigError::BadPattern { pattern: pattern.to_owned(), reason };
    if pattern.is_empty() {
        return Err(bad("it is empty".to_owned()));
    }
    let exact = |host: &Host| host.name == pattern || host.address() == pattern;
    let mut matched: Vec<bool> = environment.hosts.iter().map(exact).collect();
    if !matched.contains(&true) {
        let globs = host_name::expand_pattern(pattern).map_err(|fault| bad(fault.message))?;
        let any = |host: &Host| {
            globs.iter().any(|glob| glob_matches(glob, &host.name) || glob_matches(glob, &host.address()))
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
