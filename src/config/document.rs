//! A configuration as it was written: the file, those that it extends, and what `--set` says, each in its text.
//!
//! Knows no key but `extends`. Files are read once, here.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::ConfigError;
use super::file::{self, Entry, Source, Table};
use super::pm2::{self, EcosystemError, FileFormat, Pm2App, Remark, Section, Unread};
use super::problem::{Problem, Problems};
use super::set::{self, Assignment, Setting};
use super::sources::{Sources, Text};
use super::values;

/// What was read, not yet resolved.
pub struct Document {
    /// The file that was asked for, absolute.
    pub(super) file: PathBuf,
    pub(super) sources: Sources,
    /// One a file, weakest first.
    pub(super) tables: Vec<Table>,
    pub(super) assignments: Vec<Assignment>,
    /// What a file of pm2's says besides its tables.
    pub(super) section: Option<Section>,
}

/// Reads a file, all that it extends, and what is set over it.
///
/// # Errors
/// When one cannot be read or is no TOML; when node has to run it ([`pm2::needs_node`]).
pub fn read(file: &Path, settings: &[Setting]) -> Result<Document, ConfigError> {
    if pm2::needs_node(file) {
        let (file, command) = (file.to_owned(), "this command".to_owned());
        return Err(ConfigError::Ecosystem(EcosystemError::NotRun { file, command }));
    }
    let source = Source::read(file)?;
    if FileFormat::of(file) != FileFormat::Toml {
        return Document::of_pm2(source, settings, pm2::read);
    }
    let Source { file, text } = source;
    let text = unix_lines(text);
    let mut document = Document::new(&file);
    let mut table = document.parse(Text::of_file(&file, text))?;
    let mut chain = vec![identity(&file)];
    while let Some(entry) = table.get("extends") {
        let next = document.extended(entry, &mut chain);
        let next = next.map_err(|problem| document.sources.mistakes(vec![problem]))?;
        document.tables.push(table);
        table = document.parse(next)?;
    }
    document.tables.push(table);
    document.tables.reverse();
    document.with(settings)
}

/// The names of the file's environments, in its order.
///
/// # Errors
/// As [`read`].
pub fn environments(file: &Path) -> Result<Vec<String>, ConfigError> {
    Ok(read(file, &[])?.environments())
}

/// Reads a file of pm2's that node has run, by what it answered ([`super::EVALUATE`]).
///
/// # Errors
/// When the file cannot be read, or exports no configuration.
pub fn read_evaluated(file: &Path, answer: &[u8], settings: &[Setting]) -> Result<Document, ConfigError> {
    Document::of_pm2(Source::read(file)?, settings, |text| pm2::read_evaluated(text, answer))
}

impl Document {
    fn new(file: &Path) -> Self {
        Self {
            file: file.to_owned(),
            sources: Sources::default(),
            tables: Vec::new(),
            assignments: Vec::new(),
            section: None,
        }
    }

    fn of_pm2(
        source: Source,
        settings: &[Setting],
        read: impl FnOnce(&Text) -> Result<Section, Unread>,
    ) -> Result<Self, ConfigError> {
        Self::of_texts(vec![source], |texts| read(texts[0]))?.with(settings)
    }

    /// A configuration of another tool; the first of its files gives it its name.
    pub(super) fn of_texts(
        sources: Vec<Source>,
        read: impl FnOnce(&[&Text]) -> Result<Section, Unread>,
    ) -> Result<Self, ConfigError> {
        let mut document = Self::new(sources.first().map_or(Path::new(""), |source| source.file.as_path()));
        let texts: Vec<Arc<Text>> = sources
            .into_iter()
            .map(|Source { file, text }| document.sources.add(Text::of_file(&file, text)))
            .collect();
        let texts: Vec<&Text> = texts.iter().map(|text| &**text).collect();
        let section = read(&texts).map_err(|unread| match unread {
            Unread::Problem(problem) => document.sources.mistakes(vec![problem]),
            Unread::Ecosystem(error) => ConfigError::Ecosystem(error),
        })?;
        document.tables.push(section.table.clone());
        document.section = Some(section);
        Ok(document)
    }

    /// With what is set over it.
    fn with(mut self, settings: &[Setting]) -> Result<Self, ConfigError> {
        let root = self.root().to_owned();
        let mut problems = Problems::default();
        for setting in settings {
            let text = self.sources.add(Text::other(setting.origin, setting.text.clone(), &root));
            self.assignments.extend(problems.keep(set::read(&text)));
        }
        let problems = problems.into_vec();
        if problems.is_empty() { Ok(self) } else { Err(self.sources.mistakes(problems)) }
    }

    /// What the user of a file of pm2's should know about an environment; none for a `shipit.toml`.
    #[must_use]
    pub fn remarks(&self, environment: &str) -> &[Remark] {
        let section = self.section.as_ref();
        section.and_then(|section| section.remarks.get(environment)).map_or(&[], Vec::as_slice)
    }

    /// What is to be said of the file of another tool that belongs to no environment.
    #[must_use]
    pub fn unplaced(&self) -> &[Remark] {
        self.section.as_ref().map_or(&[], |section| &section.unplaced)
    }

    /// The apps of a file of pm2's.
    #[must_use]
    pub fn pm2_apps(&self) -> &[Pm2App] {
        self.section.as_ref().map_or(&[], |section| &section.apps)
    }

    /// The operator's variables that a file of pm2's asked for: what it says depends on them.
    #[must_use]
    pub fn variables_asked(&self) -> &[String] {
        self.section.as_ref().map_or(&[], |section| &section.asked)
    }

    /// Mistakes in pm2's own form of an environment.
    pub(super) fn check_section(&self, environment: &str) -> Result<(), ConfigError> {
        let problems = self.section.as_ref().and_then(|section| section.problems.get(environment));
        match problems.filter(|problems| !problems.is_empty()) {
            Some(problems) => Err(self.sources.mistakes(problems.clone())),
            None => Ok(()),
        }
    }

    /// The directory of the file that was asked for.
    pub(super) fn root(&self) -> &Path {
        self.file.parent().unwrap_or(Path::new("/"))
    }

    /// The names of the environments, those of extended files first.
    #[must_use]
    pub fn environments(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for table in &self.tables {
            let deploy = table.get("deploy").and_then(|entry| entry.node.as_table().ok());
            for entry in deploy.into_iter().flat_map(|deploy| &deploy.entries) {
                if !names.contains(&entry.key) {
                    names.push(entry.key.clone());
                }
            }
        }
        names
    }

    /// The names of all apps, those of extended files first.
    pub(super) fn app_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        let tables = self.tables.iter().filter_map(|table| table.get("apps")?.node.as_table().ok());
        for entry in tables.flat_map(|table| &table.entries) {
            if !names.contains(&entry.key.as_str()) {
                names.push(&entry.key);
            }
        }
        names
    }

    fn parse(&mut self, text: Text) -> Result<Table, ConfigError> {
        let text = self.sources.add(text);
        file::parse(&text.text, text.base()).map_err(|problems| self.sources.mistakes(problems))
    }

    /// The text of the file that `extends` names.
    fn extended(&self, entry: &Entry, chain: &mut Vec<PathBuf>) -> Result<Text, Problem> {
        let node = &entry.node;
        let name = values::line(node)?;
        let path = straight(&self.sources.of(&node.span).directory.join(&name));
        let Source { file, text } = Source::read(&path).map_err(|error| {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
            node.problem(format!("{error}{}", cause.unwrap_or_default()))
                .help("`extends` is another file like this one, relative to the directory of this one")
        })?;
        let text = unix_lines(text);
        let identity = identity(&file);
        if chain.contains(&identity) {
            let own = chain.last() == Some(&identity);
            let circle = if own { "this file itself" } else { "a file that extends this one" };
            return Err(node.problem(format!("`{name}` is {circle}: `extends` must not be circular")));
        }
        chain.push(identity);
        Ok(Text::of_file(&file, text))
    }
}

/// A text of several lines means the same whatever editor wrote the file: TOML leaves their ends to the reader, and a shell
/// takes a carriage return for part of a word.
fn unix_lines(text: String) -> String {
    if text.contains('\r') { text.replace("\r\n", "\n") } else { text }
}

/// Without the `..` that led to it, which mean nothing to the reader of a message.
fn straight(path: &Path) -> PathBuf {
    match (path.parent().map(Path::canonicalize), path.file_name()) {
        (Some(Ok(directory)), Some(name)) => directory.join(name),
        _ => path.to_owned(),
    }
}

/// The same for all paths that lead to one file.
fn identity(file: &Path) -> PathBuf {
    file.canonicalize().unwrap_or_else(|_| file.to_owned())
}
