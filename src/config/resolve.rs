//! From the tree of the file to one resolved environment: layers, required keys, defaults.
//!
//! Only what the environment is made of is checked: a mistake in staging does not stop a revert in production.

use std::path::Path;
use std::sync::Arc;

use super::app::App;
use super::command::{Answers, LocalCommand, Printed};
use super::document::{self, Document};
use super::environment::{Environment, Host, Site, Timeouts};
use super::error::ConfigError;
use super::file::{Entry, Node, Table};
use super::keys::{self, Key, Place, Scope};
use super::layers::{Layers, own_entry};
use super::nearest::nearest;
use super::paths::SharedPath;
use super::placeholders::Placeholders;
use super::problem::{Problem, Problems};
use super::sources::Sources;
use super::words::{self, Fetch, Shell};
use super::{
    apps, files, health, hooks, hosts, paths, repository, rollout, set, sites, supervisor_check,
    supervisor_reader, values,
};

/// The environment `name` of a file, resolved, where no command has to be run for that.
pub fn load(file: &Path, name: &str) -> Result<Environment, ConfigError> {
    document::read(file, &[])?.resolve(name, &Answers::default())
}

/// An environment as far as it is known before any command was run.
#[derive(Debug, Clone)]
pub struct Draft {
    /// All of it, but for the hosts that commands will print.
    pub environment: Environment,
    /// The commands that print them, each once.
    pub host_commands: Vec<LocalCommand>,
}

impl Document {
    /// Checks all that can be checked before a command is run. All mistakes are reported at once.
    ///
    /// # Errors
    /// When there is no such environment, or one with mistakes.
    pub fn draft(&self, name: &str) -> Result<Draft, ConfigError> {
        let over = self.over(name)?;
        let layers = self.layers(name, &over);
        let mut host_commands = Vec::new();
        for command in
            host_entry(&layers).map(|e| hosts::commands(&e.node, &self.sources)).unwrap_or_default()
        {
            if !host_commands.contains(&command) {
                host_commands.push(command);
            }
        }
        let environment = self.environment(name, &over, self.sources.clone(), None)?;
        Ok(Draft { environment, host_commands })
    }

    /// The environment, with what the commands of its [`Draft`] printed.
    ///
    /// # Errors
    /// As [`Document::draft`], and when a command failed or printed what is no host.
    pub fn resolve(&self, name: &str, answers: &Answers) -> Result<Environment, ConfigError> {
        let Draft { environment, host_commands } = self.draft(name)?;
        if host_commands.is_empty() {
            return Ok(environment);
        }
        let mut sources = self.sources.clone();
        let mut printed = Printed::default();
        let mut problems = Problems::default();
        for command in host_commands {
            problems.keep(printed.add(command, answers, &mut sources));
        }
        let problems = problems.into_vec();
        if !problems.is_empty() {
            return Err(sources.mistakes(problems));
        }
        let over = self.over(name)?;
        self.environment(name, &over, sources, Some(&printed))
    }

    /// What `--set` says, as a table.
    pub(super) fn over(&self, name: &str) -> Result<Table, ConfigError> {
        let mut problems = Problems::default();
        let empty = Table { entries: Vec::new(), span: 0..0, header: false };
        let below = |app: Option<&str>, key: &str| self.layers_with(name, app, &empty).entry(key).cloned();
        let over = set::apply(&self.assignments, &self.app_names(), &below, &mut problems);
        let problems = problems.into_vec();
        if problems.is_empty() { Ok(over) } else { Err(self.sources.mistakes(problems)) }
    }

    fn environment(
        &self,
        name: &str,
        over: &Table,
        sources: Sources,
        printed: Option<&Printed>,
    ) -> Result<Environment, ConfigError> {
        self.check_section(name)?;
        let layers = &self.layers(name, over);
        let sources = Arc::new(sources);
        let mut problems = Problems::default();
        let own = self.outer(name, &mut problems);
        let environment = own.map(|own| {
            for (table, name) in layers.tables() {
                let place = Place { name: name.to_owned(), parent: String::new() };
                keys::check(table, Scope::Environment, &place, &mut problems);
            }
            let parent = format!("deploy.{name}");
            let layers = layers.clone();
            let (document, sources) = (self, &sources);
            let reader = Reader { document, over, layers, own, name, parent: &parent, sources };
            let apps = apps::find(self, name, &reader.layers, &mut problems);
            reader.environment(&apps, printed, &mut problems)
        });
        let problems = problems.into_vec();
        if !problems.is_empty() {
            return Err(sources.mistakes(problems));
        }
        environment.ok_or_else(|| self.unknown_environment(name))
    }

    /// Checks what is around the environments; the strongest table of this one.
    fn outer(&self, name: &str, problems: &mut Problems) -> Option<&Table> {
        let mut own = None;
        for table in &self.tables {
            keys::check(table, Scope::File, &Place { name: String::new(), parent: String::new() }, problems);
            for key in ["defaults", "apps", "deploy"] {
                if let Some(entry) = table.get(key) {
                    problems.keep(entry.node.as_table());
                }
            }
            let Some(entry) = own_entry(table, name) else { continue };
            own = problems.keep(entry.node.as_table()).or(own);
            if !values::is_plain_name(name) {
                let message = format!("`{name}` is not a valid name for an environment");
                problems.push(
                    Problem::at(entry.key_span.clone(), message)
                        .help("use letters, digits and . _ - only, and start with a letter or a digit"),
                );
            }
        }
        own
    }

    fn unknown_environment(&self, name: &str) -> ConfigError {
        let known = self.environments();
        let nearest = nearest(name, known.iter().map(String::as_str)).map(str::to_owned);
        ConfigError::UnknownEnvironment { file: self.file.clone(), name: name.to_owned(), nearest, known }
    }
}

/// The strongest `host` or `hosts`.
pub(super) fn host_entry<'a>(layers: &Layers<'a>) -> Option<&'a Entry> {
    layers.tables().filter_map(|(table, _)| table.get("host").or_else(|| table.get("hosts"))).last()
}

struct Reader<'a> {
    document: &'a Document,
    /// What `--set` says.
    over: &'a Table,
    layers: Layers<'a>,
    own: &'a Table,
    name: &'a str,
    parent: &'a str,
    sources: &'a Arc<Sources>,
}

/// What one app is read from.
struct AppTables<'a> {
    /// None: the environment is the app.
    name: Option<&'a str>,
    layers: Layers<'a>,
    own: &'a Table,
    parent: String,
}

impl<'a> Reader<'a> {
    fn environment(
        &self,
        apps: &[apps::Named<'a>],
        printed: Option<&Printed>,
        problems: &mut Problems,
    ) -> Environment {
        let timeouts = self.timeouts(problems);
        let confirm = self.layers.value(Scope::Environment, "confirm", values::flag, problems);
        let rollout = rollout::read(&self.layers, problems);
        let groups = self.hosts(printed, problems);
        let commands = host_entry(&self.layers).map(|entry| hosts::commands(&entry.node, self.sources));
        let whole = (printed.is_some() || commands.is_none_or(|commands| commands.is_empty()))
            && !groups.iter().any(|group| group.hosts.is_empty());
        let of_apps = !apps.is_empty();
        let mut found: Vec<(App, Vec<Site>)> = Vec::new();
        for (number, AppTables { name, layers, own, parent }) in self.app_tables(apps).into_iter().enumerate()
        {
            let reader = Reader { layers, own, parent: &parent, ..*self };
            let app = reader.app(name, problems);
            let context = sites::Context {
                sources: self.sources,
                environment: self.name,
                layers: reader.layers.clone(),
                app: &app,
                number,
                whole,
            };
            let sites = sites::read(&groups, &context, problems);
            // Only here is known whether every host brings a path of its own.
            if groups.is_empty() || sites.iter().any(|site| site.path.as_str().is_empty()) {
                reader.require(&["path"], problems);
            }
            supervisor_check::check((&app, &sites), &groups, &reader.layers, timeouts.reload, problems);
            found.push((app, sites));
        }
        let (apps, sites): (Vec<App>, Vec<Vec<Site>>) = found.into_iter().unzip();
        let mut sites: Vec<Site> = sites.into_iter().flatten().collect();
        sites.sort_by_key(|site| (site.host, site.app));
        let hosts: Vec<Host> = groups.into_iter().flat_map(|group| group.hosts).collect();
        let environment = Environment {
            name: self.name.to_owned(),
            file: self.document.file.clone(),
            root: self.document.root().to_owned(),
            apps,
            of_apps,
            hosts,
            sites,
            rollout,
            timeouts,
            confirm,
            sources: Arc::clone(self.sources),
        };
        sites::check_paths(&environment, &self.own.span, problems);
        if whole && !environment.hosts.is_empty() {
            let place = host_entry(&self.layers).map_or(&self.own.span, |entry| &entry.key_span);
            sites::check_hosts(&environment, place, problems);
        }
        environment
    }

    fn app_tables(&self, apps: &[apps::Named<'a>]) -> Vec<AppTables<'a>> {
        let Self { document, name, over, .. } = *self;
        let tables = apps.iter().map(|app| AppTables {
            name: Some(app.name),
            layers: document.layers_with(name, Some(app.name), over),
            own: app.table,
            parent: format!("apps.{}", app.name),
        });
        let tables: Vec<AppTables<'_>> = tables.collect();
        if !tables.is_empty() {
            return tables;
        }
        let (layers, parent) = (self.layers.clone(), self.parent.to_owned());
        vec![AppTables { name: None, layers, own: self.own, parent }]
    }

    fn app(&self, name: Option<&str>, problems: &mut Problems) -> App {
        let Self { layers, .. } = self;
        layers.last("deliver", problems, words::deliver);
        self.require(&["repo"], problems);
        self.require(&["ref"], problems);
        let repo = layers.last("repo", problems, values::repository).unwrap_or_default();
        let name = name.map_or_else(|| app_name(&repo), str::to_owned);
        let context = hooks::Context { sources: self.sources, parent: self.parent };
        let placeholders = Placeholders { environment: self.name, app: &name, host: None };
        let supervisors = supervisor_reader::read(layers, &context, &name, problems);
        let supervisors = supervisors.iter().map(|one| one.map(|text| placeholders.fill_command(text)));
        let supervisors = supervisors.collect();
        let (shared, [carry, keep_assets]) = self.kept_paths(problems);
        let repo_token = repository::token(layers, &repo, problems);
        let (files, env_file) = files::read(layers, self.sources, problems);
        App {
            reference: layers.last("ref", problems, values::reference).unwrap_or_default(),
            fetch: layers.value(Scope::App, "fetch", Fetch::read, problems),
            submodules: layers.value(Scope::App, "submodules", values::flag, problems),
            subdir: layers.last("subdir", problems, repository::subdir),
            repo_key: layers.last("repo-key", problems, paths::on_host),
            repo_token,
            files,
            env_file,
            shared,
            carry,
            keep_assets,
            ignore_untracked: self.strings("ignore-untracked", paths::untracked, problems),
            keep_releases: layers.value(Scope::App, "keep-releases", values::count, problems),
            shell: layers.last("shell", problems, Shell::read).unwrap_or_default(),
            prepend_path: self.strings("prepend-path", paths::search_directory, problems),
            profile: self.strings("profile", paths::on_host, problems),
            hooks: hooks::read(layers, &context, problems),
            health: health::read(layers, &placeholders, problems),
            logs: self.strings("logs", paths::log_files, problems),
            // Of the app's own tables: an environment has no roles.
            roles: layers.of_app(self.name, &name).last("roles", problems, values::roles).unwrap_or_default(),
            supervisors,
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

    /// `shared`, `carry` and `keep-assets`; no path may contain another.
    fn kept_paths(&self, problems: &mut Problems) -> (Vec<SharedPath>, [Vec<String>; 2]) {
        let mut read = |key| {
            self.layers
                .last(key, problems, |node| {
                    let places =
                        node.items().iter().map(|item| Ok((paths::in_release(item)?, item.span.clone())));
                    places.collect::<Result<Vec<_>, Problem>>()
                })
                .unwrap_or_default()
        };
        let (shared, carry, assets) = (read("shared"), read("carry"), read("keep-assets"));
        let all = shared.iter().chain(&carry).chain(&assets);
        let all: Vec<_> = all.map(|(path, span)| (path.path.as_str(), span.clone())).collect();
        problems.keep(paths::disjoint(&all));
        (
            shared.into_iter().map(|(path, _)| path).collect(),
            [carry, assets].map(|paths| paths.into_iter().map(|(path, _)| path.path).collect()),
        )
    }

    fn hosts<'b>(&'b self, printed: Option<&'b Printed>, problems: &mut Problems) -> Vec<hosts::Group<'b>> {
        for (table, _) in self.layers.tables() {
            if let (Some(one), Some(other)) = (table.get("host"), table.get("hosts")) {
                problems.push(
                    Problem::at(other.key_span.clone(), "both `host` and `hosts`")
                        .note(one.key_span.clone(), "both mean the same: join the lists"),
                );
            }
        }
        let Some(entry) = self.require(&["host", "hosts"], problems) else {
            return Vec::new();
        };
        let layers = self.layers.clone();
        let context = hosts::Context { sources: self.sources, printed, layers, environment: self.name };
        hosts::read(&entry.node, &context, problems)
    }

    /// The strongest entry of one of the keys; where there is none, that is noted at the environment's header.
    fn require(&self, names: &[&str], problems: &mut Problems) -> Option<&'_ Entry> {
        let strongest =
            self.layers.tables().filter_map(|(table, _)| names.iter().find_map(|name| table.get(name)));
        if let Some(entry) = strongest.last() {
            return Some(entry);
        }
        if self.slid_away(names) {
            return None;
        }
        let name = names[0];
        let problem =
            Problem::at(self.own.span.clone(), format!("`{name}` is missing from `{}`", self.parent));
        problems.push(problem.maybe_help(Scope::Environment.key(name).and_then(Key::example)));
        None
    }

    /// Whether the key is in a table that began before it: the message about that table says more than "missing".
    fn slid_away(&self, keys: &[&str]) -> bool {
        let inner = self.own.entries.iter().flat_map(|entry| entry.node.items());
        let took = |table: &Table| table.header && keys.iter().any(|key| table.get(key).is_some());
        inner.filter_map(|node| node.as_table().ok()).any(|table| took(table) && !is_host_table(table, keys))
    }

    fn timeouts(&self, problems: &mut Problems) -> Timeouts {
        let tables = self.layers.inner("timeout", Scope::Timeout, problems);
        let mut timeout = |key| tables.value(Scope::Timeout, key, values::duration, problems);
        Timeouts {
            connect: timeout("connect"),
            hook: timeout("hook"),
            fetch: timeout("fetch"),
            reload: timeout("reload"),
            lost: timeout("lost"),
        }
    }
}

/// `host` and `path` belong in the table of a host.
fn is_host_table(table: &Table, keys: &[&str]) -> bool {
    table.get("host").is_some() && keys.iter().all(|key| Scope::Host.key(key).is_some() || *key == "hosts")
}

/// The last component of the repository, with only characters that are safe in a shell and a path.
fn app_name(repo: &str) -> String {
    let last = repo.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or_default();
    let name = last.strip_suffix(".git").unwrap_or(last);
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
    let name: String = name.chars().map(plain).collect();
    let name = name.trim_start_matches(['.', '-']);
    if name.is_empty() { "app".to_owned() } else { name.to_owned() }
}
