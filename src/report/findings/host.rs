//! From a host's answers to findings, each with its remedy.

use super::answers::Answers;
use super::finding::{Finding, Group};
use super::place::{Directory, Place};
use super::problem::{Problem, Tool};
use super::remedy::{Remote, at_home, toml_list};
use super::repository;
use super::system::System;
use super::upkeep;
use crate::config::{App, Environment, Site};
use crate::executor::event::{Failure, FailureKind};
use crate::executor::{Checked, Clock};
use crate::remote::quote::quote;
use crate::remote::reason::{Reason, with_commands};
use crate::remote::step::Step;
use crate::remote::supervisor_warning::SupervisorWarning;
use crate::transport::Forwarding;

/// Clocks that differ by more than this, in seconds, are a finding.
const CLOCKS_DIFFER: f64 = 5.0;
/// The first git with all that a release is fetched with (`--no-write-fetch-head`).
const OLDEST_GIT: (u32, u32) = (2, 29);
/// With less than this, in kB, not even a journal entry and a few logs are sure to fit.
const LEAST_SPACE: u64 = 1024;
/// So many files every release makes.
const LEAST_INODES: u64 = 100;
/// Programs that npm installs.
const FROM_NPM: [&str; 3] = ["pm2", "pnpm", "yarn"];

/// The host that is examined, as it described itself.
struct Host<'a> {
    answers: Answers<'a>,
    remote: Remote<'a>,
    environment: &'a str,
    /// How a command of shipit begins that runs something for this app on this host.
    exec: String,
    app: &'a App,
    user: &'a str,
    /// The directory of the app.
    root: &'a str,
    home: &'a str,
}

/// What is wrong on a host.
#[must_use]
pub fn examine(environment: &Environment, site: &Site, checked: &Checked) -> Group {
    let answers = Answers::new(&checked.found);
    let [user, uid, packager, root, home] = answers.first("me").unwrap_or_default();
    let remote = Remote { host: &environment.hosts[site.host], root: uid == "0", packager };
    let (several, environment, app) =
        (environment.apps.len() > 1, environment.name.as_str(), &environment.apps[site.app]);
    let of_app = if several { format!(" --apps {}", quote(&app.name)) } else { String::new() };
    let exec = format!("shipit {}{of_app} exec --hosts {}", quote(environment), quote(&checked.host));
    let host = Host { answers, remote, environment, exec, app, user, root, home };
    let mut found = Vec::new();
    host.place(&mut found);
    host.space(&mut found);
    found.extend(host.git());
    found.extend(repository::access(&host.answers, &host.remote, &app.repo));
    found.extend(repository::reference(&host.answers, &host.remote, &app.repo));
    host.hooks(&mut found);
    if host.answers.first::<0>("setup").is_some() {
        found.push(Finding::new(Problem::NotSetUp, format!("shipit {} setup", quote(environment))));
    }
    host.session(&mut found);
    found.extend(checked.clock.and_then(|clock| host.clock(clock)));
    found.extend(checked.forwarding.as_ref().and_then(|forwarding| host.forwarding(forwarding)));
    let target = (!host.remote.host.local).then(|| host.remote.target());
    let mut group = Group { name: checked.host.clone(), findings: found, target, unreached: None };
    match &checked.failure {
        Some(failure) if is_unreached(failure) => group.unreached = Some(failure.clone()),
        Some(failure) => group.findings.push(Problem::Check(failure.clone()).into()),
        None => {}
    }
    group
}

fn is_unreached(failure: &Failure) -> bool {
    matches!(failure.kind, FailureKind::Unreachable | FailureKind::Lost | FailureKind::Interrupted)
}

impl Host<'_> {
    fn place(&self, found: &mut Vec<Finding>) {
        let remote = &self.remote;
        let place = |place, remedy| Finding::new(Problem::Place(place), remedy);
        if let Some([directory, owner, mode]) = self.answers.first("closed") {
            found.push(self.unwritable(directory, owner, mode));
        }
        let move_away = |path: &str| {
            remote.run(&format!("mv {} {}", quote(path), quote(&format!("{path}.before-shipit"))))
        };
        if let Some([path]) = self.answers.first("blocked") {
            found.push(place(Place::Blocked { path: path.to_owned() }, move_away(path)));
        }
        for [path, target] in self.answers.all("foreign") {
            let foreign = Place::Foreign { path: path.to_owned(), target: target.to_owned() };
            found.push(place(foreign, move_away(path)));
        }
        if let Some([path, names]) = self.answers.first("undecided") {
            let undecided = Place::Undecided { path: path.to_owned(), names: names.to_owned() };
            found.push(place(undecided, remote.run(&format!("ls -la {}", quote(path)))));
        }
        let damaged =
            self.answers.first("damaged").and_then(|[release, damage]| Some((release, damage.parse().ok()?)));
        if let Some((release, damage)) = damaged {
            let remedy = format!("shipit {} --redeploy", quote(self.environment));
            found.push(place(Place::Damaged { release: release.to_owned(), damage }, remedy));
        }
        if let Some([path]) = self.answers.first("source-damaged") {
            let setup = format!("shipit {} setup", quote(self.environment));
            found.push(place(Place::DamagedSource { path: path.to_owned() }, setup));
        }
        if let Some([directory]) = self.answers.first("scratch") {
            let no_scratch = Place::NoScratch { directory: directory.to_owned() };
            found.push(place(no_scratch, remote.run(&format!("df -h /dev/shm {}", quote(directory)))));
        }
    }

    fn unwritable(&self, path: &str, owner: &str, mode: &str) -> Finding {
        let Host { remote, root, user, .. } = self;
        let is_inside = path == *root || path.strip_prefix(root).is_some_and(|rest| rest.starts_with('/'));
        let directory = Directory { path: path.to_owned(), root: (*root).to_owned(), is_inside };
        let place = quote(path);
        if owner == *user && mode.get(1..4) == Some("rwx") {
            let remount = format!("mount -o remount,rw \"$(df -P {place} | awk 'END {{ print $NF }}')\"");
            return Finding::new(Problem::Place(Place::ReadOnly { directory }), remote.sudo(&[&remount]));
        }
        let ours = path.strip_prefix(root).is_some_and(|rest| rest.starts_with("/.shipit"));
        // Giving it away would lock out the login that deploys here. What root made was not made on purpose.
        if ours && ![user, "root", ""].contains(&owner) {
            let (path, owner) = (path.to_owned(), owner.to_owned());
            let remedy = format!("set user = {owner:?} in shipit.toml, or another `path`");
            return Finding::new(Problem::Place(Place::OtherLogin { path, owner }), remedy);
        }
        let quoted_user = quote(user);
        let remedy = if owner == *user {
            remote.run(&format!("chmod u+rwx {place}"))
        } else if is_inside {
            // What is shared is also the app's; what is shipit's alone is given as a whole.
            let whole = if path.ends_with("/shared") || path == *root { "" } else { "-R " };
            remote.sudo(&[&format!("chown {whole}{quoted_user} {place}")])
        } else {
            let root = quote(root);
            remote.sudo(&[&format!("mkdir -p {root}"), &format!("chown {quoted_user} {root}")])
        };
        let (user, owner, mode) = ((*user).to_owned(), owner.to_owned(), mode.to_owned());
        Finding::new(Problem::Place(Place::Forbidden { directory, user, owner, mode }), remedy)
    }

    fn space(&self, found: &mut Vec<Finding>) {
        let number = |text: &str| text.parse::<u64>().ok();
        if let Some([free, needed, dir]) = self.answers.first("space")
            && let (Some(free), Some(needed)) = (number(free), number(needed))
            && free <= needed.max(LEAST_SPACE)
        {
            let largest = self.remote.run(&format!("du -xk {} | sort -n | tail -n 20", quote(dir)));
            found.push(Finding::new(Problem::Place(Place::Space { free, needed }), largest));
        }
        if let Some([total, free, dir]) = self.answers.first("inodes")
            && let (Some(1..), Some(free)) = (number(total), number(free))
            && free < LEAST_INODES
        {
            let most = self.remote.run(&format!("du -x --inodes {} | sort -n | tail -n 20", quote(dir)));
            found.push(Finding::new(Problem::Place(Place::Inodes { free }), most));
        }
    }

    fn git(&self) -> Option<Finding> {
        let [version, path] = self.answers.first("git")?;
        let tool = if version.is_empty() {
            Tool::NoGit { path: path.to_owned() }
        } else {
            let mut numbers = version.split(['.', ' ', '-']).map_while(|number| number.parse().ok());
            let (Some(major), Some(minor)) = (numbers.next(), numbers.next()) else { return None };
            if (major, minor) >= OLDEST_GIT {
                return None;
            }
            Tool::OldGit { version: version.to_owned(), oldest: OLDEST_GIT }
        };
        Some(Finding {
            problem: Problem::Tool(tool),
            remedy: self.remote.install("git").into_iter().collect(),
        })
    }

    fn hooks(&self, found: &mut Vec<Finding>) {
        if let Some([shell, login]) = self.answers.first("shell") {
            let problem = Problem::Tool(Tool::NoShell { shell: shell.to_owned(), login: login.to_owned() });
            let install = (shell == "bash").then(|| self.remote.install("bash")).flatten();
            found.push(Finding { problem, remedy: install.into_iter().collect() });
        }
        if let Some([why, code, output]) = self.answers.first("profile") {
            let code = (why != "limit").then(|| code.to_owned());
            let problem = Problem::Tool(Tool::Profile { code, output: output.to_owned() });
            let files: Vec<String> = self.app.profile.iter().map(|file| at_home(file)).collect();
            found.push(Finding::new(problem, self.remote.run(&format!("ls -l {}", files.join(" ")))));
        }
        self.tools(found);
        self.supervisors(found);
    }

    fn supervisors(&self, found: &mut Vec<Finding>) {
        let environment = quote(self.environment);
        for values in self.answers.lists("supervisor") {
            let reason = values.split_first().and_then(|(word, fields)| Reason::parse(word, fields));
            // What is missing on the PATH is told with the other tools.
            if let Some(reason) = reason.filter(|reason| !matches!(reason, Reason::NoSupervisor { .. })) {
                let hint = reason.hint(Step::Detect).map(|hint| with_commands(hint, &environment));
                found.push(Problem::Supervisor(reason, hint).into());
            }
        }
        for values in self.answers.lists("supervisor-warning") {
            let warning =
                values.split_first().and_then(|(word, fields)| SupervisorWarning::parse(word, fields));
            found.extend(warning.map(|warning| Finding {
                remedy: upkeep::remedy(&warning, &self.remote, self.app, &self.exec).into_iter().collect(),
                problem: Problem::SupervisorWarning(warning),
            }));
        }
    }

    fn tools(&self, found: &mut Vec<Finding>) {
        let (mut off_path, mut directories) = (Vec::new(), self.app.prepend_path.clone());
        for [tool, directory] in self.answers.all("tool") {
            if directory.is_empty() {
                found.push(self.missing(tool));
                continue;
            }
            off_path.push(tool.to_owned());
            let below_home = directory.strip_prefix(self.home);
            let below_home = below_home.filter(|rest| rest.starts_with('/') && !self.home.is_empty());
            let directory = below_home.map_or(directory.to_owned(), |rest| format!("~{rest}"));
            if !directories.contains(&directory) {
                directories.push(directory);
            }
        }
        if !off_path.is_empty() {
            let tool = Tool::OffPath { tools: off_path, environment: self.environment.to_owned() };
            let line = format!("prepend-path = {}", toml_list(&directories));
            found.push(Finding::new(Problem::Tool(tool), line));
        }
    }

    fn missing(&self, tool: &str) -> Finding {
        let remote = &self.remote;
        let install = match tool {
            tool if FROM_NPM.contains(&tool) => Some(remote.sudo(&[&format!("npm install --global {tool}")])),
            "node" => remote.install("nodejs"),
            tool => remote.install(tool.rsplit('/').next().unwrap_or(tool)),
        };
        let problem = Problem::Tool(Tool::Missing { tool: tool.to_owned() });
        Finding { problem, remedy: install.into_iter().collect() }
    }

    fn session(&self, found: &mut Vec<Finding>) {
        let (app, remote) = (self.app, &self.remote);
        if let Some([path]) = self.answers.first("home") {
            let make = format!("install -d -o {} -m 750 {}", quote(self.user), quote(path));
            let problem = Problem::System(System::NoHome { path: path.to_owned() });
            found.push(Finding::new(problem, remote.sudo(&[&make])));
        }
        let hooks = [&app.hooks.build, &app.hooks.post_deploy];
        let hooks = hooks.into_iter().flatten().map(|hook| hook.text.as_str());
        let supervisor =
            app.supervisors.iter().flat_map(|one| one.steps().map(|(_, text)| text.as_str()).take(1));
        let of_user = hooks.chain(supervisor).any(|text| text.contains("systemctl --user"));
        if of_user && self.answers.first::<0>("linger").is_some() {
            let problem = Problem::System(System::LingerOff { user: self.user.to_owned() });
            let enable = format!("loginctl enable-linger {}", quote(self.user));
            found.push(Finding::new(problem, remote.sudo(&[&enable])));
        }
        if self.answers.first::<0>("kills").is_some() {
            // Linger does not help: only what runs outside of the session is spared.
            let write = format!(
                "mkdir -p /etc/systemd/logind.conf.d && printf \"[Login]\\nKillExcludeUsers=root %s\\n\" {} \
                 >/etc/systemd/logind.conf.d/zz-shipit.conf && systemctl restart systemd-logind",
                quote(self.user)
            );
            let remedy = remote.sudo(&[&format!("sh -c {}", quote(&write))]);
            found.push(Finding::new(Problem::System(System::ProcessesKilled), remedy));
        }
    }

    fn clock(&self, clock: Clock) -> Option<Finding> {
        let seconds = clock.ahead.abs();
        if seconds <= CLOCKS_DIFFER + clock.unsure {
            return None;
        }
        let problem = System::Clock { seconds, is_ahead: clock.ahead > 0.0 };
        Some(Finding::new(Problem::System(problem), self.remote.sudo(&["timedatectl set-ntp true"])))
    }

    fn forwarding(&self, forwarding: &Forwarding) -> Option<Finding> {
        match forwarding {
            Forwarding::Allowed => return None,
            Forwarding::Unknown(why) => {
                return Some(Problem::System(System::ForwardingUnknown { why: why.clone() }).into());
            }
            Forwarding::Forbidden => {}
        }
        let write = format!(
            "printf \"Match User %s\\n  DisableForwarding no\\n  AllowTcpForwarding local\\n\" {} \
             >/etc/ssh/sshd_config.d/zz-shipit.conf && {reload}",
            quote(self.user),
            reload = "{ systemctl reload ssh || systemctl reload sshd; }"
        );
        let remedy = self.remote.sudo(&[&format!("sh -c {}", quote(&write))]);
        Some(Finding::new(Problem::System(System::ForwardingForbidden), remedy))
    }
}
