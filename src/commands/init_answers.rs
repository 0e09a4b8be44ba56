//! What `init` puts into the file: what the work tree says, what options say, and what the user is asked. The user is asked only
//! for what a machine cannot know, and gets a proposal where there is one: Enter takes it.

use std::path::Path;

use super::init_supervisor::InitSupervisor;
use crate::cli::Init;
use crate::config::{self, RemotePath};
use crate::error::UsageError;
use crate::git::{self, Project};
use crate::report::{Printer, prompt};

/// Files by which a project tells how it is built, the telling ones first.
const BUILDS: [(&str, &str); 8] = [
    ("pnpm-lock.yaml", "pnpm install --frozen-lockfile"),
    ("yarn.lock", "yarn install --frozen-lockfile"),
    ("package-lock.json", "npm ci"),
    ("npm-shrinkwrap.json", "npm ci"),
    ("package.json", "npm install"),
    ("composer.json", "composer install --no-dev"),
    ("Gemfile", "bundle install"),
    ("Cargo.toml", "cargo build --release"),
];

/// All that is known when the file is written.
#[derive(Debug, Default)]
pub(super) struct Answers {
    pub(super) repo: Option<String>,
    pub(super) branch: Option<String>,
    /// The remote's address held a login, which was left out.
    pub(super) stripped: bool,
    /// None: nobody said.
    pub(super) hosts: Vec<String>,
    pub(super) user: Option<String>,
    pub(super) path: Option<String>,
    pub(super) build: Option<String>,
    pub(super) supervisor: Option<InitSupervisor>,
    pub(super) is_node: bool,
    /// The file is that of an example, which says how it is built and run, and where it lies.
    pub(super) of_example: bool,
}

impl Answers {
    /// What the work tree around `directory` says.
    pub(super) fn of(project: Option<&Project>, directory: &Path) -> Self {
        let remote = project.and_then(|project| project.remote.clone());
        let branch = project.and_then(|project| project.branch.clone());
        Answers {
            stripped: remote.as_ref().is_some_and(|remote| remote.stripped),
            repo: remote.map(|remote| remote.url),
            branch: branch.filter(|branch| config::reference_fault(branch).is_none()),
            build: build(directory),
            supervisor: InitSupervisor::found(directory),
            is_node: directory.join("package.json").is_file(),
            ..Answers::default()
        }
    }

    /// Neither the work tree nor an option says how the project is built or run.
    pub(super) fn knows_no_project(&self, told: &Init) -> bool {
        let Init { template, build, supervisor, .. } = told;
        let found = self.build.is_some() || self.supervisor.is_some();
        !found && template.is_none() && build.is_none() && supervisor.is_none()
    }

    /// The file is that of an example: what the work tree shows counts for nothing but repository and branch.
    pub(super) fn leave_to_example(&mut self) {
        (self.of_example, self.build, self.supervisor) = (true, None, None);
    }

    /// Takes what options say; they are checked as answers are.
    pub(super) fn take(&mut self, told: &Init) -> Result<(), UsageError> {
        let check = |option: &'static str, why: Option<String>| match why {
            Some(why) => Err(UsageError::InitOption { option, why }),
            None => Ok(()),
        };
        let hosts = hosts(&told.hosts.join(" "));
        check("hosts", hosts.as_ref().err().cloned())?;
        self.hosts = hosts.unwrap_or_default();
        check("user", told.user.as_deref().and_then(config::user_fault))?;
        check("path", told.path.as_deref().and_then(path_fault))?;
        self.user.clone_from(&told.user);
        self.path.clone_from(&told.path);
        if told.build.is_some() {
            self.build = told.build.as_deref().and_then(command);
        }
        if let Some(supervisor) = &told.supervisor {
            self.supervisor = InitSupervisor::read(supervisor);
        }
        Ok(())
    }

    /// Asks for what no option said.
    pub(super) fn ask(&mut self, told: &Init, name: &str, printer: &Printer) {
        if told.hosts.is_empty() {
            let text = "hosts, as after `ssh` (web1 web2, or web[1:3].example.com)";
            self.hosts = asked(printer, text, hosts).unwrap_or_default();
        }
        if told.user.is_none() {
            let user = |answer: &str| match config::user_fault(answer).filter(|_| !answer.is_empty()) {
                Some(why) => Err(why),
                None => Ok(answer.to_owned()),
            };
            let answer = asked(printer, "login there [as ~/.ssh/config says]", user);
            self.user = answer.filter(|user| !user.is_empty());
        }
        if self.of_example {
            return;
        }
        if told.path.is_none() {
            let proposal = self.proposed_path(name);
            let path = |answer: &str| match path_fault(answer).filter(|_| !answer.is_empty()) {
                Some(why) => Err(why),
                None => Ok(answer.to_owned()),
            };
            self.path = asked(printer, &format!("directory there [{proposal}]"), path);
            self.path = self.path.take().filter(|path| !path.is_empty());
        }
        if told.build.is_none() {
            let question = match &self.build {
                Some(proposal) => format!("build, in the new release, or `none` [{proposal}]"),
                None => "build, in the new release [none]".to_owned(),
            };
            // Enter takes the proposal.
            if let Some(answer) = prompt::line(printer, &question).filter(|answer| !answer.is_empty()) {
                self.build = command(&answer);
            }
        }
        if told.supervisor.is_none() {
            let proposal =
                self.supervisor.as_ref().map_or_else(|| "none yet".to_owned(), InitSupervisor::words);
            let answer = prompt::line(
                printer,
                &format!("what runs the app: pm2, systemd UNIT, or a command [{proposal}]"),
            );
            if let Some(answer) = answer.filter(|answer| !answer.is_empty()) {
                self.supervisor = InitSupervisor::read(&answer);
            }
        }
    }

    /// Where no root is needed to make it, unless the login is root.
    pub(super) fn proposed_path(&self, name: &str) -> String {
        let hosts_root = |host: &String| host.starts_with("root@");
        let root = match &self.user {
            Some(user) => user == "root",
            None => !self.hosts.is_empty() && self.hosts.iter().all(hosts_root),
        };
        if root { format!("/var/www/{name}") } else { format!("~/{name}") }
    }

    /// The repository is a path, which hosts look for on themselves.
    pub(super) fn is_path(&self) -> bool {
        self.repo.as_deref().is_some_and(git::is_path)
    }
}

/// Asks until the answer can be used; none where nobody answers.
pub(super) fn asked<T>(
    printer: &Printer,
    question: &str,
    read: impl Fn(&str) -> Result<T, String>,
) -> Option<T> {
    loop {
        match read(&prompt::line(printer, question)?) {
            Ok(answer) => return Some(answer),
            Err(why) => printer.error(&why),
        }
    }
}

/// Hosts with blanks or commas between; a comma in a range separates none.
fn hosts(text: &str) -> Result<Vec<String>, String> {
    let mut depth = 0_usize;
    let between = |c: char| {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c.is_whitespace() || (c == ',' && depth == 0)
    };
    let hosts: Vec<String> = text.split(between).filter(|host| !host.is_empty()).map(str::to_owned).collect();
    match hosts.iter().find_map(|host| config::host_fault(host)) {
        Some(why) => Err(why),
        None => Ok(hosts),
    }
}

/// A command that was typed; what people type for "there is none" is none.
fn command(text: &str) -> Option<String> {
    let text = text.trim();
    let is_none = ["", "-", "none", "no", "nothing"].contains(&text.to_lowercase().as_str());
    (!is_none).then(|| text.to_owned())
}

fn path_fault(text: &str) -> Option<String> {
    RemotePath::parse(text).err().map(|error| error.to_string())
}

/// How this project is built, by its files.
fn build(directory: &Path) -> Option<String> {
    let (_, install) = BUILDS.into_iter().find(|(file, _)| directory.join(file).is_file())?;
    let Some((manager, _)) = install.split_once(' ').filter(|(manager, _)| is_of_node(manager)) else {
        return Some(install.to_owned());
    };
    // What builds is mostly a development dependency; what only runs needs none.
    Some(match (has_build_script(directory), manager) {
        (true, "npm") => format!("{install} --include=dev && npm run build"),
        (true, manager) => format!("{install} && {manager} run build"),
        (false, "npm") => format!("{install} --omit=dev"),
        (false, _) => install.to_owned(),
    })
}

fn is_of_node(manager: &str) -> bool {
    ["npm", "yarn", "pnpm"].contains(&manager)
}

fn has_build_script(directory: &Path) -> bool {
    let text = std::fs::read(directory.join("package.json")).unwrap_or_default();
    let package: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
    package.pointer("/scripts/build").is_some_and(serde_json::Value::is_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_built_as_its_files_say() {
        let built = |files: &[(&str, &str)]| {
            let directory = tempfile::tempdir().unwrap();
            for (file, text) in files {
                std::fs::write(directory.path().join(file), text).unwrap();
            }
            build(directory.path())
        };
        let script = ("package.json", r#"{ "scripts": { "build": "vite build" } }"#);
        for (files, expected) in [
            (&[][..], None),
            (&[("package.json", "{}")], Some("npm install --omit=dev")),
            (&[("package.json", "{"), ("package-lock.json", "{}")], Some("npm ci --omit=dev")),
            (&[script, ("package-lock.json", "{}")], Some("npm ci --include=dev && npm run build")),
            (&[script, ("pnpm-lock.yaml", "")], Some("pnpm install --frozen-lockfile && pnpm run build")),
            (&[("composer.json", "{}")], Some("composer install --no-dev")),
        ] {
            assert_eq!(built(files).as_deref(), expected, "{files:?}");
        }
    }

    #[test]
    fn there_may_be_no_command() {
        for text in ["", " ", "-", "none", "None", "no"] {
            assert_eq!(command(text), None, "{text:?}");
        }
        assert_eq!(command(" make none ").as_deref(), Some("make none"));
        let told = Init { build: Some("none".to_owned()), ..Init::default() };
        let mut answers = Answers { build: Some("npm ci".to_owned()), ..Answers::default() };
        answers.take(&told).unwrap();
        assert_eq!(answers.build, None);
    }

    #[test]
    fn hosts_are_taken_as_they_are_typed() {
        assert_eq!(hosts("web1, web2  ops@web3:22").unwrap(), ["web1", "web2", "ops@web3:22"]);
        assert_eq!(hosts(" web[1:3].example.com").unwrap(), ["web[1:3].example.com"]);
        assert_eq!(hosts("").unwrap(), Vec::<String>::new());
        assert!(hosts("web1 -oProxyCommand=x").is_err());
    }
}
