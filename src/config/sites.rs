//! Which app on which host, and what it has there: path and `env`.

use std::collections::BTreeMap;

use super::app::App;
use super::environment::{Environment, Host, Site};
use super::file::Entry;
use super::hosts::Group;
use super::keys::{Kind, Place, Scope};
use super::layers::Layers;
use super::nearest::nearest;
use super::paths::RemotePath;
use super::placeholders::Placeholders;
use super::problem::{Problem, Problems, Span};
use super::sources::Sources;
use super::variable::EnvVariable;
use super::{env, paths, values};

/// What the sites of one app are made of.
pub(super) struct Context<'a> {
    pub sources: &'a Sources,
    pub environment: &'a str,
    /// The app's tables and what they build on.
    pub layers: Layers<'a>,
    pub app: &'a App,
    /// Index into [`Environment::apps`].
    pub number: usize,
    /// Whether all hosts are known: those that a command would print may not be.
    pub whole: bool,
}

/// The app on all hosts that it is for. A path that no layer gives is empty: the caller reports that it is missing.
pub(super) fn read(groups: &[Group<'_>], context: &Context<'_>, problems: &mut Problems) -> Vec<Site> {
    let app = context.app;
    let mut sites = Vec::new();
    let mut first = 0;
    for group in groups {
        let layers = group.tables.iter().fold(context.layers.clone(), |layers, table| layers.with(table));
        let path = layers.last("path", problems, |node| {
            Ok(WrittenPath { text: values::any_text(node)?.to_owned(), span: node.span.clone() })
        });
        let env = variables(&layers, context.sources, problems);
        for (number, host) in group.hosts.iter().enumerate().filter(|(_, host)| app.is_for(host)) {
            let filled = match &path {
                None => Some(RemotePath(String::new())),
                Some(path) => problems.keep(path.fill(context, host)),
            };
            let Some(path) = filled else { break };
            sites.push(Site { host: first + number, app: context.number, path, env: env.clone() });
        }
        first += group.hosts.len();
    }
    check_roles(groups, context, problems);
    sites
}

/// `path` as in the file.
struct WrittenPath {
    text: String,
    span: Span,
}

impl WrittenPath {
    fn fill(&self, context: &Context<'_>, host: &Host) -> Result<RemotePath, Problem> {
        let (environment, app) = (context.environment, context.app.name.as_str());
        // A colon in a path would be the end of it in PATH.
        let name = if host.name == host.machine {
            host.name.clone()
        } else {
            host.name.replace(['[', ']'], "").replace(':', "-")
        };
        let values = Placeholders { environment, app, host: Some(&name) };
        let path = values.fill_path(&self.text).map_err(|fault| fault.at(self.span.clone()))?;
        RemotePath::parse(&path).map_err(|error| Problem::at(self.span.clone(), error.to_string()))
    }
}

fn variables(layers: &Layers<'_>, sources: &Sources, problems: &mut Problems) -> Vec<EnvVariable> {
    let mut env: BTreeMap<String, EnvVariable> = BTreeMap::new();
    for (table, name) in layers.tables() {
        let Some(entry) = table.get("env") else { continue };
        let place = Place { name: format!("{name}.env"), parent: name.to_owned() };
        let variables = env::read(&entry.node, &place, sources, problems);
        env.extend(variables.into_iter().map(|variable| (variable.name.clone(), variable)));
    }
    env.into_values().collect()
}

/// A role that no host has would silently make an app or a hook run nowhere.
fn check_roles(groups: &[Group<'_>], context: &Context<'_>, problems: &mut Problems) {
    if !context.whole {
        return;
    }
    let hosts = || groups.iter().flat_map(|group| &group.hosts);
    let known: Vec<&str> = hosts().flat_map(|host| &host.roles).map(String::as_str).collect();
    // Only of the strongest entries: one that is overridden may be meant for another environment.
    let own = context.layers.of_app(context.environment, &context.app.name);
    for key in Scope::App.keys() {
        let listed: Vec<&Entry> = match key.kind {
            _ if key.name == "roles" => own.entry(key.name).into_iter().collect(),
            Kind::Hooks | Kind::Supervisors => {
                let items = context.layers.entry(key.name).map(|entry| entry.node.items());
                let tables = items.unwrap_or_default().iter().filter_map(|item| item.as_table().ok());
                tables.filter_map(|table| table.get("roles")).collect()
            }
            _ => continue,
        };
        for node in listed.into_iter().flat_map(|entry| entry.node.items()) {
            let Ok(role) = values::any_text(node) else { continue };
            if !known.contains(&role) {
                let near = nearest(role, known.iter().copied());
                let problem =
                    node.problem(format!("no host of `{}` has the role `{role}`", context.environment));
                problems.push(problem.help(match near {
                    Some(near) => format!("did you mean \"{near}\"?"),
                    None => format!("give the role to a host: {{ host = \"web1\", roles = [\"{role}\"] }}"),
                }));
            }
        }
    }
}

/// A host to which no app is deployed would silently be left out of everything.
pub(super) fn check_hosts(environment: &Environment, span: &Span, problems: &mut Problems) {
    // They are in the order of the hosts.
    let idle = |at: &usize| environment.sites.binary_search_by_key(at, |site| site.host).is_err();
    let idle: Vec<&str> =
        (0..environment.hosts.len()).filter(idle).map(|at| environment.hosts[at].name.as_str()).collect();
    // An app whose path is a mistake is deployed nowhere, too.
    if !idle.is_empty() && problems.is_empty() {
        let problem = Problem::at(span.clone(), format!("no app is deployed to {}", idle.join(", ")));
        problems.push(problem.help("give the host a role of one of the apps, or remove it from `host`"));
    }
}

/// Apps that share a deploy path would take each other's releases for their own; of paths that lie in one another, a prune
/// of the outer one would remove files of the inner one.
pub(super) fn check_paths(environment: &Environment, span: &Span, problems: &mut Problems) {
    let mut machines: BTreeMap<(&str, Option<u16>), Vec<&Site>> = BTreeMap::new();
    for site in environment.sites.iter().filter(|site| !site.path.as_str().is_empty()) {
        let host = &environment.hosts[site.host];
        let before = machines.entry((&host.machine, host.port)).or_default();
        if let Some(other) = before.iter().find(|other| overlap(environment, other, site)) {
            let message = overlap_message(environment, other, site);
            let help = match other.app == site.app {
                true => "name one of the two",
                false => "put the name of the app in the path: path = \"/var/www/{app}\"",
            };
            problems.push(Problem::at(span.clone(), message).help(help));
            return;
        }
        before.push(site);
    }
}

/// Whether two sites of one machine are, as far as the file shows, one directory, or one lies in the other.
fn overlap(environment: &Environment, one: &Site, two: &Site) -> bool {
    let [one, two] = [one, two].map(|site| absolute(site, &environment.hosts[site.host]));
    // A relative path is in the home of the login.
    one.1 == two.1 && paths::overlap(&one.0, &two.0)
}

/// A path with the home in which it is, where that is not known: by its login.
fn absolute<'a>(site: &Site, host: &'a Host) -> (String, Option<Option<&'a str>>) {
    let path = site.path.as_str();
    let home = match host.user.as_deref() {
        _ if host.local => std::env::home_dir(),
        Some("root") => Some("/root".into()),
        _ => None,
    };
    match home {
        _ if path.starts_with('/') => (path.to_owned(), None),
        Some(home) => (home.join(path).to_string_lossy().into_owned(), None),
        None => (path.to_owned(), Some(host.user.as_deref())),
    }
}

fn overlap_message(environment: &Environment, one: &Site, two: &Site) -> String {
    let name = |site: &Site| format!("`{}`", environment.apps[site.app].name);
    let hosts = [one, two].map(|site| environment.hosts[site.host].login());
    let host = &environment.hosts[one.host].machine;
    match (one.app == two.app, one.path == two.path) {
        (true, _) => {
            format!("{} and {} are one machine, with the same path on both: {}", hosts[0], hosts[1], one.path)
        }
        (false, true) => {
            format!("the apps {} and {} have the same path on {host}: {}", name(one), name(two), one.path)
        }
        (false, false) => format!(
            "the paths of the apps {} and {} lie in one another on {host}: {} and {}",
            name(one),
            name(two),
            one.path,
            two.path
        ),
    }
}

impl App {
    /// Whether it goes to that host.
    #[must_use]
    pub fn is_for(&self, host: &Host) -> bool {
        has_role(host, &self.roles)
    }
}

/// Whether a host has one of these roles; without roles: any host.
#[must_use]
pub fn has_role(host: &Host, roles: &[String]) -> bool {
    roles.is_empty() || host.roles.iter().any(|role| roles.contains(role))
}

impl Environment {
    /// As reports call a site: its host, and its app where there are several.
    #[must_use]
    pub fn site_name(&self, site: &Site) -> String {
        let host = &self.hosts[site.host].name;
        if self.apps.len() == 1 { host.clone() } else { format!("{host}/{}", self.apps[site.app].name) }
    }

    /// The same for a site of an environment that is part of this one.
    #[must_use]
    pub fn site_name_of(&self, part: &Environment, site: &Site) -> String {
        let host = &part.hosts[site.host].name;
        if self.apps.len() == 1 { host.clone() } else { format!("{host}/{}", part.apps[site.app].name) }
    }

    /// The sites of an app, in the order of the hosts: indices into [`Environment::sites`].
    #[must_use]
    pub fn sites_of(&self, app: usize) -> Vec<usize> {
        (0..self.sites.len()).filter(|at| self.sites[*at].app == app).collect()
    }
}
