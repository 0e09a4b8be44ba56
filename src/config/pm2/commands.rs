//! What the single commands of a hook do: to the release only, to a database, to the apps. Pure.

use super::shell::{Part, home_path};

/// What a command is to a deploy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Does {
    /// `cd DIR`, below the release.
    Enters(String),
    /// Reads a file of the host: `profile`.
    Profile(String),
    /// `export NAME=VALUE`, a literal.
    Sets(String, String),
    /// `export PATH=DIR:$PATH`.
    Path(String),
    /// Installs or builds, in the release only.
    Builds,
    /// Changes a database.
    Migrates,
    /// Makes pm2 run it.
    Reloads(Pm2Call),
    /// `pm2 save`, which shipit does by itself.
    Saves,
    /// Resets a work tree.
    Git,
    /// Something else, which may take effect at once.
    Other,
}

/// A call of pm2 that starts or reloads apps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Pm2Call {
    /// A file, below where it is called.
    pub file: Option<String>,
    /// Names of apps; empty: all.
    pub only: Vec<String>,
    /// `--env`.
    pub env: Option<String>,
    /// Where the program lies, if it was called by its path.
    pub directory: Option<String>,
}

const RELOADS: [&str; 7] = [
    "start",
    "restart",
    "reload",
    "startOrRestart",
    "startOrReload",
    "startOrGracefulReload",
    "gracefulReload",
];
const INSTALLS: [&str; 5] = ["ci", "install", "i", "rebuild", "prune"];
const RUNNERS: [&str; 4] = ["npm", "yarn", "pnpm", "bun"];
const PROFILES: [&str; 12] = [
    "nvm.sh",
    "profile",
    ".profile",
    ".bash_profile",
    ".bash_login",
    ".bashrc",
    ".zprofile",
    ".zshrc",
    "asdf.sh",
    "rvm",
    "env",
    ".env",
];
const COMPILERS: [&str; 6] = ["tsc", "next", "nest", "vite", "webpack", "nuxt"];

/// What a command does.
pub(super) fn does(part: &Part) -> Does {
    let Some(all) = &part.words else { return Does::Other };
    // `NODE_ENV=production npm ci`: for this command alone.
    let words: Vec<&str> = all.iter().map(String::as_str).skip_while(|word| is_assignment(word)).collect();
    let assigned = words.len() < all.len();
    let Some((first, rest)) = words.split_first() else { return Does::Other };
    let (directory, program) = match first.rsplit_once('/') {
        Some((directory, program)) if first.starts_with(['/', '~']) => (home_path(directory), program),
        Some(_) => return Does::Other,
        None => (None, *first),
    };
    let plain = rest.iter().all(|word| !word.contains('$'));
    match program {
        "source" | "." if rest.len() == 1 && !assigned => profile(rest[0]),
        "export" if rest.len() == 1 => export(rest[0]),
        _ if !plain => Does::Other,
        "cd" if rest.len() == 1 && is_below(rest[0]) => Does::Enters(rest[0].to_owned()),
        "pm2" if assigned => Does::Other,
        "pm2" if matches!(rest, ["save" | "dump"] | ["save" | "dump", "-f" | "--force"]) => Does::Saves,
        "pm2" => pm2(rest, directory).map_or(Does::Other, Does::Reloads),
        "git"
            if matches!(
                rest.first(),
                Some(&("reset" | "checkout" | "stash" | "clean" | "pull" | "fetch"))
            ) =>
        {
            Does::Git
        }
        program => runs(program, rest),
    }
}

fn is_assignment(word: &str) -> bool {
    let name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    word.split_once('=').is_some_and(|(before, value)| name(before) && !value.contains('$'))
}

fn is_below(path: &str) -> bool {
    !path.starts_with(['/', '~', '-']) && !path.split('/').any(|part| part == "..")
}

/// What sets up a session, and does nothing else. Any other file may do what must be done once.
fn profile(file: &str) -> Does {
    let name = file.rsplit('/').next().unwrap_or_default();
    match PROFILES.contains(&name) {
        true => home_path(file).map_or(Does::Other, Does::Profile),
        false => Does::Other,
    }
}

fn export(word: &str) -> Does {
    let Some((name, value)) = word.split_once('=') else { return Does::Other };
    if name == "PATH" {
        let directory = value.strip_suffix(":$PATH").filter(|directory| !directory.contains(':'));
        return directory.and_then(home_path).map_or(Does::Other, Does::Path);
    }
    // What nvm.sh itself sets where it is not set.
    if name == "NVM_DIR" && ["$HOME/.nvm", "~/.nvm"].contains(&value) {
        return Does::Profile("~/.nvm/nvm.sh".to_owned());
    }
    match is_assignment(word) && !value.starts_with('~') {
        true => Does::Sets(name.to_owned(), value.to_owned()),
        false => Does::Other,
    }
}

/// A package manager, or what it would run.
fn runs(program: &str, rest: &[&str]) -> Does {
    let words: Vec<&str> = rest.iter().copied().filter(|word| !word.starts_with('-')).collect();
    // Installed for all, it takes effect at once.
    if rest.iter().any(|word| ["-g", "--global"].contains(word)) {
        return Does::Other;
    }
    match (program, words.as_slice()) {
        ("yarn", []) => Does::Builds,
        (runner, [word, ..]) if RUNNERS.contains(&runner) && INSTALLS.contains(word) => Does::Builds,
        (runner, ["run" | "run-script", script, ..]) if RUNNERS.contains(&runner) => script_does(script),
        ("npx" | "bunx", [tool, more @ ..]) | ("yarn" | "pnpm", ["exec" | "dlx", tool, more @ ..]) => {
            tool_does(tool, more)
        }
        ("yarn" | "pnpm", [tool, more @ ..]) => match script_does(tool) {
            Does::Other => tool_does(tool, more),
            known => known,
        },
        (tool, more) => tool_does(tool, more),
    }
}

fn script_does(script: &str) -> Does {
    let words: Vec<&str> = script.split([':', '-', '_']).collect();
    let has = |known: &[&str]| words.iter().any(|word| known.contains(word));
    if has(&["pm2", "start", "restart", "reload", "stop", "deploy", "seed", "publish"]) {
        Does::Other
    } else if has(&["migrate", "migration", "migrations"]) {
        Does::Migrates
    } else if has(&["build", "compile", "bundle", "tsc", "generate"]) {
        Does::Builds
    } else {
        Does::Other
    }
}

fn tool_does(tool: &str, more: &[&str]) -> Does {
    match (tool, more) {
        ("prisma", ["generate", ..]) | ("tsc", _) => Does::Builds,
        (tool, ["build", ..]) if COMPILERS.contains(&tool) => Does::Builds,
        ("prisma", ["migrate", "deploy", ..])
        | ("sequelize" | "sequelize-cli", ["db:migrate", ..])
        | ("knex", ["migrate:latest", ..])
        | ("typeorm", ["migration:run", ..])
        | ("node-pg-migrate" | "db-migrate", ["up", ..]) => Does::Migrates,
        _ => Does::Other,
    }
}

fn pm2(words: &[&str], directory: Option<String>) -> Option<Pm2Call> {
    let (verb, rest) = words.split_first()?;
    if !RELOADS.contains(verb) {
        return None;
    }
    let mut call = Pm2Call { directory, ..Pm2Call::default() };
    let mut targets = Vec::new();
    let mut rest = rest.iter();
    while let Some(word) = rest.next() {
        match word.split_once('=').unwrap_or((word, "")) {
            ("--env", "") => call.env = Some((*rest.next()?).to_owned()),
            ("--env", name) => call.env = Some(name.to_owned()),
            ("--only", names) => {
                let names = if names.is_empty() { rest.next()? } else { names };
                call.only.extend(names.split(',').map(|name| name.trim().to_owned()));
            }
            ("--update-env" | "--silent" | "-s", _) => {}
            (option, _) if option.starts_with('-') => return None,
            _ => targets.push(*word),
        }
    }
    let starts = verb.starts_with("start");
    match targets.as_slice() {
        [file] if is_file(file) => {
            let inside = is_below(file).then(|| file.trim_start_matches("./").to_owned());
            call.file = Some(inside.or_else(|| home_path(file))?);
        }
        ["all"] if !starts => {}
        names if !names.is_empty() && !starts => {
            call.only.extend(names.iter().map(|name| (*name).to_owned()))
        }
        _ => return None,
    }
    Some(call)
}

/// As pm2 tells a file from the name of an app.
fn is_file(word: &str) -> bool {
    [".json", ".yml", ".yaml", ".config.js", ".config.cjs", ".config.mjs"]
        .iter()
        .any(|mark| word.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::super::shell::parts;
    use super::*;

    #[test]
    fn what_commands_do() {
        let does = |text: &str| does(&parts(text, false).unwrap()[0]);
        for text in [
            "npm ci",
            "npm install --omit=dev",
            "NODE_ENV=production npm i",
            "yarn",
            "yarn install --frozen-lockfile",
            "yarn build",
            "pnpm i --prod",
            "npm run build:prod",
            "npx tsc",
            "npx prisma generate",
            "npx next build",
            "/home/u/.nvm/versions/node/v22/bin/pnpm i",
        ] {
            assert_eq!(does(text), Does::Builds, "{text}");
        }
        for text in
            ["npx prisma migrate deploy", "npm run db:migrate", "yarn migrate", "npx knex migrate:latest"]
        {
            assert_eq!(does(text), Does::Migrates, "{text}");
        }
        for text in [
            "cp -r dist /var/www",
            "npm run pm2:prod",
            "sudo pm2 reload all",
            "npm i -g pm2",
            "./scripts/post.sh",
            "pm2 delete all",
            "pm2 start app.js",
            "pm2 start npm --name web -- start",
            "cd /srv",
            "cd ..",
            "npm run deploy",
            "node build.js",
            "echo $X",
            "export A=$B",
            "rm -rf node_modules",
            "npm run seed",
            "pm2 reload",
            "NODE_ENV=x pm2 reload all",
            ". ~/deploy.sh",
            "source ./scripts/reload.sh",
            "A=b . ~/.nvm/nvm.sh",
        ] {
            assert_eq!(does(text), Does::Other, "{text}");
        }
        assert_eq!(does("source ~/.nvm/nvm.sh"), Does::Profile("~/.nvm/nvm.sh".into()));
        assert_eq!(does(". \"$NVM_DIR/nvm.sh\""), Does::Profile("~/.nvm/nvm.sh".into()));
        assert_eq!(does("export A=b"), Does::Sets("A".into(), "b".into()));
        assert_eq!(does("export PATH=~/bin:$PATH"), Does::Path("~/bin".into()));
        assert_eq!(does("git reset --hard"), Does::Git);
        for text in ["pm2 save", "pm2 dump", "pm2 save --force", "/usr/local/bin/pm2 save -f"] {
            assert_eq!(does(text), Does::Saves, "{text}");
        }
    }

    #[test]
    fn what_pm2_is_told() {
        let call = |text: &str| match does(&parts(text, false).unwrap()[0]) {
            Does::Reloads(call) => call,
            other => panic!("{text}: {other:?}"),
        };
        let file = |file: &str| Pm2Call { file: Some(file.into()), ..Pm2Call::default() };
        assert_eq!(call("pm2 startOrRestart ./e.json"), file("e.json"));
        assert_eq!(call("pm2 startOrRestart ~/cfg/x.json"), file("~/cfg/x.json"));
        let staging = Pm2Call { env: Some("staging".into()), ..file("ecosystem.config.js") };
        assert_eq!(call("pm2 reload ecosystem.config.js --env staging --update-env"), staging);
        assert_eq!(call("pm2 reload all"), Pm2Call::default());
        assert_eq!(call("pm2 restart api web").only, ["api", "web"]);
        let only = |only: &[&str]| Pm2Call {
            only: only.iter().map(|name| (*name).into()).collect(),
            ..file("e.json")
        };
        assert_eq!(call("pm2 startOrReload e.json --only api,web"), only(&["api", "web"]));
        assert_eq!(call("pm2 start e.json --only=api"), only(&["api"]));
        assert_eq!(call("/usr/local/bin/pm2 reload all").directory.as_deref(), Some("/usr/local/bin"));
    }
}
