//! From the tree of the file to one resolved environment: layers, required keys, defaults.
//!
//! Only what the environment is made of is checked: a slip in staging does not stop a revert in production.

use std::path::Path;
use std::time::Duration;

use super::diagnostic::{Problem, Problems, nearest};
use super::error::ConfigError;
use super::file::{Entry, Node, Source, Table};
use super::keys::{self, Place};
use super::layers::Layers;
use super::placeholders::Placeholders;
use super::{App, Environment, SharedPath, Timeouts, hooks, hosts, paths, values};

/// The environment `name` of the file, resolved. All its mistakes are reported at once.
pub fn load(file: &Path, name: &str) -> Result<Environment, ConfigError> {
    let source = Source::read(file)?;
    let document = source.parse()?;
    let mut problems = Problems::default();
    let environment = resolve(&source, &document, name, &mut problems);
    let problems = problems.into_vec();
    if !problems.is_empty() {
        return Err(source.mistakes(problems));
    }
    environment.ok_or_else(|| unknown_environment(&source, &document, name))
}

/// The names of the file's environments, in its order.
pub fn environments(file: &Path) -> Result<Vec<String>, ConfigError> {
    let source = Source::read(file)?;
    let document = source.parse()?;
    Ok(names(&document))
}

fn names(document: &Table) -> Vec<String> {
    let deploy = document.get("deploy").and_then(|entry| entry.node.as_table().ok());
    deploy.map(|deploy| deploy.entries.iter().map(|entry| entry.key.clone()).collect()).unwrap_or_default()
}

fn unknown_environment(source: &Source, document: &Table, name: &str) -> ConfigError {
    let known = names(document);
    let nearest = nearest(name, known.iter().map(String::as_str)).map(str::to_owned);
    ConfigError::UnknownEnvironment { file: source.file.clone(), name: name.to_owned(), nearest, known }
}

fn resolve(source: &Source, document: &Table, name: &str, problems: &mut Problems) -> Option<Environment> {
    let top = Place { name: String::new(), parent: String::new() };
    keys::check(document, &keys::DOCUMENT, &top, problems);
    let deploy = problems.keep(document.get("deploy")?.node.as_table())?;
    let entry = deploy.get(name)?;
    let own = problems.keep(entry.node.as_table())?;
    let parent = format!("deploy.{name}");
    if !is_plain_name(name) {
        let problem = Problem::at(entry.key_span.clone(), format!("`{name}` cannot name an environment"));
        problems.push(problem.help("letters, digits and . _ - only, beginning with a letter or a digit"));
    }

    let mut layers = Layers::default();
    if let Some(defaults) = document.get("defaults") {
        layers.push(problems.keep(defaults.node.as_table())?, "defaults");
    }
    layers.push(own, parent.as_str());
    for (table, name) in layers.tables() {
        let place = Place { name: name.to_owned(), parent: String::new() };
        keys::check(table, &keys::ENVIRONMENT, &place, problems);
    }
    let root = source.file.parent().unwrap_or(Path::new("/"));
    let reader = Reader { layers, own, name, parent: &parent, root };
    let timeouts = reader.timeouts(problems);
    let app = reader.app(problems);
    let hosts = reader.hosts(&app.name, problems);
    let (file, root) = (source.file.clone(), root.to_owned());
    Some(Environment { name: name.to_owned(), file, root, app, hosts, timeouts })
}

fn is_plain_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

struct Reader<'a> {
    layers: Layers<'a>,
    own: &'a Table,
    name: &'a str,
    parent: &'a str,
    root: &'a Path,
}

impl Reader<'_> {
    fn app(&self, problems: &mut Problems) -> App {
        let Self { layers, .. } = self;
        layers.last("deliver", problems, |node| values::first_choice(node, &["pull", "push", "artifact"]));
        layers.last("fetch", problems, |node| values::first_choice(node, &["full", "fast", "blobless"]));
        self.require(&["repo"], "\"git@github.com:acme/shop.git\"", problems);
        self.require(&["ref"], "\"main\"", problems);
        let repo = layers.last("repo", problems, values::repository).unwrap_or_default();
        let name = app_name(&repo);
        let context = hooks::Context { root: self.root, parent: self.parent };
        let placeholders = Placeholders { environment: self.name, app: &name, host: None };
        let supervisor = hooks::supervisor(layers, &context, problems)
            .map(|supervisor| supervisor.map(|text| placeholders.fill_command(text)));
        let (shared, carry) = self.kept_paths(problems);
        App {
            reference: layers.last("ref", problems, values::reference).unwrap_or_default(),
            shared,
            carry,
            keep_releases: layers.last("keep-releases", problems, values::count).unwrap_or(5),
            shell: layers.last("shell", problems, values::shell).unwrap_or_default(),
            prepend_path: self.strings("prepend-path", paths::search_directory, problems),
            profile: self.strings("profile", paths::on_host, problems),
            hooks: hooks::read(layers, &context, problems),
            logs: self.strings("logs", paths::log_files, problems),
            supervisor,
            name,
            repo,
        }
    }

    fn strings(
        &self,
        key: &str,
        read: impl Fn(&Node) -> Result<String, Problem>,
        problems: &mut Problems,
    ) -> Vec<String> {
        self.layers.last(key, problems, |node| values::list(node, &read)).unwrap_or_default()
    }

    /// `shared` and `carry`, none of which lies in another.
    fn kept_paths(&self, problems: &mut Problems) -> (Vec<SharedPath>, Vec<String>) {
        let mut read = |key| {
            self.layers
                .last(key, problems, |node| {
                    let places =
                        node.items().iter().map(|item| Ok((paths::in_release(item)?, item.span.clone())));
                    places.collect::<Result<Vec<_>, Problem>>()
                })
                .unwrap_or_default()
        };
        let (shared, carry) = (read("shared"), read("carry"));
        let all: Vec<_> =
            shared.iter().chain(&carry).map(|(path, span)| (path.path.as_str(), span.clone())).collect();
        problems.keep(paths::disjoint(&all));
        (
            shared.into_iter().map(|(path, _)| path).collect(),
            carry.into_iter().map(|(path, _)| path.path).collect(),
        )
    }

    fn hosts(&self, app: &str, problems: &mut Problems) -> Vec<super::Host> {
        for (table, _) in self.layers.tables() {
            if let (Some(one), Some(other)) = (table.get("host"), table.get("hosts")) {
                problems.push(
                    Problem::at(other.key_span.clone(), "both `host` and `hosts`")
                        .note(one.key_span.clone(), "two words for one thing: join the lists"),
                );
            }
        }
        let Some(entry) = self.require(&["host", "hosts"], "[\"web1.example.com\"]", problems) else {
            self.require(&["path"], "\"/var/www/shop\"", problems);
            return Vec::new();
        };
        let layers = self.layers.clone();
        let context = hosts::Context { root: self.root, layers, environment: self.name, app };
        let hosts = hosts::read(&entry.node, &context, problems);
        // Only here is known whether every host brings a path of its own.
        if hosts.iter().any(|host| host.path.as_str().is_empty()) {
            self.require(&["path"], "\"/var/www/shop\"", problems);
        }
        hosts
    }

    /// The strongest entry of one of the keys; that there is none is noted at the environment's header.
    fn require(&self, keys: &[&str], example: &str, problems: &mut Problems) -> Option<&Entry> {
        let strongest =
            self.layers.tables().filter_map(|(table, _)| keys.iter().find_map(|key| table.get(key)));
        if let Some(entry) = strongest.last() {
            return Some(entry);
        }
        if self.slid_away(keys) {
            return None;
        }
        let key = keys[0];
        let problem =
            Problem::at(self.own.span.clone(), format!("`{key}` is missing from `{}`", self.parent));
        problems.push(problem.help(format!("for example: {key} = {example}")));
        None
    }

    /// Whether a table that began before it took the key: that table tells, which says more than "missing".
    fn slid_away(&self, keys: &[&str]) -> bool {
        let inner = self.own.entries.iter().flat_map(|entry| entry.node.items());
        let took = |table: &Table| table.header && keys.iter().any(|key| table.get(key).is_some());
        inner.filter_map(|node| node.as_table().ok()).any(|table| took(table) && !is_host_table(table, keys))
    }

    fn timeouts(&self, problems: &mut Problems) -> Timeouts {
        let mut tables = Layers::default();
        for (table, name) in self.layers.tables() {
            if let Some(table) = table.get("timeout").and_then(|entry| problems.keep(entry.node.as_table())) {
                let place = Place { name: format!("{name}.timeout"), parent: name.to_owned() };
                keys::check(table, &keys::TIMEOUT, &place, problems);
                tables.push(table, place.name);
            }
        }
        let mut timeout = |key, seconds| {
            tables.last(key, problems, values::duration).unwrap_or(Duration::from_secs(seconds))
        };
        Timeouts {
            connect: timeout("connect", 10),
            hook: timeout("hook", 15 * 60),
            fetch: timeout("fetch", 15 * 60),
            reload: timeout("reload", 2 * 60),
            lost: timeout("lost", 30),
        }
    }
}

/// `host` and `path` are at home in the table of a host.
fn is_host_table(table: &Table, keys: &[&str]) -> bool {
    table.get("host").is_some() && keys.iter().all(|key| keys::HOST.known.contains(key) || *key == "hosts")
}

/// The last component of the repository, with nothing in it that a shell or a path would mind.
fn app_name(repo: &str) -> String {
    let last = repo.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or_default();
    let name = last.strip_suffix(".git").unwrap_or(last);
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
    let name: String = name.chars().map(plain).collect();
    let name = name.trim_start_matches(['.', '-']);
    if name.is_empty() { "app".to_owned() } else { name.to_owned() }
}
