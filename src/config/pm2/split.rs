//! `post-deploy` of pm2's, taken apart into what shipit does before the switch and what it does after it. Pure.
//!
//! Only where every command is known to change nothing but the release, a database, or the apps of pm2: anything else would
//! take effect while the old release is live.

use super::commands::{Does, Pm2Call, does};
use super::shell::{Part, parts};

/// What a hook consists of.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Split {
    pub profile: Vec<String>,
    pub path: Vec<String>,
    pub env: Vec<(String, String)>,
    pub build: Option<String>,
    pub migrate: Option<String>,
    /// The call, and the directory of the release in which it was made.
    pub pm2: Option<(Pm2Call, String)>,
}

/// The hook in its parts, or the part because of which it stays whole.
pub(super) fn split(text: &str) -> Result<Split, String> {
    let list = parts(text, false).ok_or_else(|| first_line(text))?;
    let mut split = Split::default();
    let mut entered = String::new();
    let (mut build, mut migrate) = (Vec::new(), Vec::new());
    let mut builds = false;
    for part in &list {
        let what = does(part);
        if split.pm2.is_some() && what != Does::Saves {
            return Err(part.text.clone());
        }
        match what {
            Does::Enters(directory) => {
                entered = joined(&entered, &directory);
                build.push(part.text.as_str());
            }
            Does::Profile(file) if !split.profile.contains(&file) => split.profile.push(file),
            Does::Profile(_) => {}
            Does::Path(directory) => split.path.push(directory),
            Does::Sets(name, value) => split.env.push((name, value)),
            Does::Builds => {
                build.push(&part.text);
                builds = true;
            }
            Does::Migrates => migrate.push(in_directory(&entered, part)),
            Does::Reloads(call) => {
                split.path.extend(call.directory.clone());
                split.pm2 = Some((call, entered.clone()));
            }
            // Of nothing.
            Does::Saves if split.pm2.is_some() => {}
            Does::Saves | Does::Git | Does::Other => return Err(part.text.clone()),
        }
    }
    split.build = builds.then(|| build.join(" && "));
    split.migrate = (!migrate.is_empty()).then(|| migrate.join(" && "));
    Ok(split)
}

/// The words of a hook that only installs or builds: what `post-setup` does that every release needs.
pub(super) fn only_builds(text: &str) -> bool {
    let list = parts(text, false).unwrap_or_default();
    !list.is_empty()
        && list.iter().all(|part| matches!(does(part), Does::Builds | Does::Enters(_)))
        && list.iter().any(|part| does(part) == Does::Builds)
}

/// A hook without what resets a work tree, and that. None: there is nothing of the kind in it, or it cannot be taken apart.
pub(super) fn without_git(text: &str) -> Option<(String, String)> {
    let list = parts(text, true)?;
    let (git, rest): (Vec<&Part>, Vec<&Part>) = list.iter().partition(|part| does(part) == Does::Git);
    let ends = if parts(text, false).is_some() { " && " } else { "; " };
    (!git.is_empty()).then(|| (texts(&rest).join(ends), texts(&git).join("; ")))
}

fn texts<'a>(parts: &[&'a Part]) -> Vec<&'a str> {
    parts.iter().map(|part| part.text.as_str()).collect()
}

/// Whether a hook calls git.
pub(super) fn calls_git(text: &str) -> bool {
    text.split([' ', '\t', '\n', ';', '&', '|', '(', ')', '`', '"', '\'']).any(|word| word == "git")
}

fn joined(directory: &str, more: &str) -> String {
    let more = more.trim_start_matches("./").trim_end_matches('/');
    match directory {
        _ if more.is_empty() || more == "." => directory.to_owned(),
        "" => more.to_owned(),
        directory => format!("{directory}/{more}"),
    }
}

fn in_directory(directory: &str, part: &Part) -> String {
    match directory {
        "" => part.text.clone(),
        directory => format!("cd '{}' && {}", directory.replace('\'', "'\\''"), part.text),
    }
}

/// What joins commands is shown with what is around it.
fn first_line(text: &str) -> String {
    let line = text.trim().lines().next().unwrap_or_default();
    match line.char_indices().nth(60) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hooks_are_split_where_all_of_them_is_known() {
        let split = |text: &str| {
            split(text).map(|split| {
                let pm2 = split.pm2.map(|(call, directory)| {
                    format!("{directory}:{}", call.file.unwrap_or_else(|| "-".into()))
                });
                [split.build, split.migrate, pm2].map(|part| part.unwrap_or_default()).join("|")
            })
        };
        for (text, expected) in [
            (
                "npm install && pm2 reload ecosystem.config.js --env production",
                Ok("npm install||:ecosystem.config.js"),
            ),
            ("cd backend && npm i && pm2 reload e.config.js", Ok("cd backend && npm i||backend:e.config.js")),
            (
                "npm ci && npx prisma migrate deploy && npm run build && pm2 restart all && pm2 save",
                Ok("npm ci && npm run build|npx prisma migrate deploy|:-"),
            ),
            ("cd a && cd b && npm run migrate", Ok("|cd 'a/b' && npm run migrate|")),
            ("source ~/.nvm/nvm.sh && npm i && pm2 reload e.config.js", Ok("npm i||:e.config.js")),
            ("npm ci && cp -r dist /var/www && pm2 reload all", Err("cp -r dist /var/www")),
            (
                "npm i; pm2 startOrRestart ~/cfg/x.json; pm2 save",
                Err("npm i; pm2 startOrRestart ~/cfg/x.json; pm2 save"),
            ),
            ("pm2 reload a.json && npm run notify", Err("npm run notify")),
            ("pm2 save", Err("pm2 save")),
            ("pm2 reload a.json && pm2 reload b.json", Err("pm2 reload b.json")),
            ("git pull && npm ci", Err("git pull")),
        ] {
            assert_eq!(split(text).as_deref().map_err(String::as_str), expected, "{text}");
        }
    }

    #[test]
    fn what_resets_a_work_tree_is_left_out() {
        assert_eq!(without_git("git reset --hard"), Some((String::new(), "git reset --hard".into())));
        assert_eq!(without_git("git checkout . && date"), Some(("date".into(), "git checkout .".into())));
        assert_eq!(without_git("a; git stash; b"), Some(("a; b".into(), "git stash".into())));
        assert_eq!(without_git("date"), None);
    }
}
