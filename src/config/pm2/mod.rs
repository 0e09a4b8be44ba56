//! Files of pm2's with a `deploy` section: `ecosystem.config.js` and its like, read as if they were a `shipit.toml`.
//!
//! What comes out is the table of a `shipit.toml`, with places in the user's own file; all that follows is one way for both.
//! Nothing is run here: what node answers about JavaScript is taken (`evaluated.rs`). A mistake in one environment leaves the
//! others as they are.

mod apps;
mod commands;
mod connection;
pub(super) mod error;
mod evaluated;
mod format;
mod hooks;
mod hosts;
mod json;
mod placeholder;
mod places;
mod raw;
mod remark;
mod shell;
mod split;
mod translate;
mod translator;
mod yaml;

use std::collections::BTreeMap;
use std::path::Path;

use raw::Raw;
use translator::Translator;

pub use apps::Pm2App;
pub use error::{EcosystemError, Exported};
pub use format::{FileFormat, ecosystem_in, needs_node};
pub(super) use places::{Place, find, places};
pub use remark::{Remark, RemarkKind};

use super::file::{Entry, Node, Table, Value};
use super::problem::{Problem, Problems, Span};
use super::sources::Text;

/// What node runs to read a file: it takes the file's name, and writes to descriptor 3 what [`super::read_evaluated`] takes.
pub const EVALUATE: &str = include_str!("evaluate.js");

/// A `deploy` section as the table of a `shipit.toml`, and what is to be said about it.
#[derive(Default)]
pub(super) struct Section {
    pub table: Table,
    /// By environment. One with mistakes is not to be used.
    pub problems: BTreeMap<String, Vec<Problem>>,
    pub remarks: BTreeMap<String, Vec<Remark>>,
    /// The variables of the operator that the file asked for.
    pub asked: Vec<String>,
    /// As the file has them.
    pub apps: Vec<Pm2App>,
    /// Of a tool that is not pm2.
    pub foreign: bool,
    /// What belongs to no environment that is written.
    pub unplaced: Vec<Remark>,
}

/// Why there is no section.
pub(super) enum Unread {
    Problem(Problem),
    Ecosystem(EcosystemError),
}

/// A file of YAML of another tool as a tree, in which `null` is an empty table, with the keys that are given twice.
pub(super) fn yaml_root(text: &Text) -> Result<(Table, Vec<(String, Span)>), Problem> {
    yaml::parse_with_nulls(&text.text, text.base()).map(|raw| (raw.root, raw.twice))
}

/// The section of a file that node did not run.
pub(super) fn read(text: &Text) -> Result<Section, Unread> {
    let raw = match text.file.as_deref().map(FileFormat::of) {
        Some(FileFormat::Yaml) => yaml::parse(&text.text, text.base()),
        _ => json::parse(&text.text, text.base()),
    };
    section(&raw.map_err(Unread::Problem)?, text)
}

/// The section of a file of which node answered this.
pub(super) fn read_evaluated(text: &Text, answer: &[u8]) -> Result<Section, Unread> {
    section(&evaluated::read(text, answer).map_err(Unread::Ecosystem)?, text)
}

fn section(raw: &Raw, text: &Text) -> Result<Section, Unread> {
    let file = text.file.clone().unwrap_or_default();
    let Some(deploy) = raw.root.get("deploy") else {
        return Err(Unread::Ecosystem(EcosystemError::NoDeploy { file }));
    };
    let environments = deploy.node.as_table().map_err(Unread::Problem)?;
    if let Some(problem) = hooks::flat(environments) {
        return Err(Unread::Problem(problem));
    }
    if environments.entries.is_empty() {
        let problem = deploy.node.problem("`deploy` has no environments");
        return Err(Unread::Problem(problem.help("deploy: { production: { … } }")));
    }
    let apps = raw.root.get("apps").map(|entry| entry.node.items()).unwrap_or_default();
    let apps = apps.iter().filter_map(|app| app.as_table().ok().map(Pm2App::of)).collect();
    let mut section = Section { asked: raw.asked.clone(), apps, ..Section::default() };
    let file_in_release = in_release(&file);
    let mut entries = Vec::new();
    for entry in &environments.entries {
        entries.push(environment(entry, raw, text, &file_in_release, &mut section));
    }
    let span = deploy.node.span.clone();
    let node = Node {
        value: Value::Table(Table { entries, span: span.clone(), header: false }),
        span: span.clone(),
    };
    let key_span = deploy.key_span.clone();
    section.table =
        Table { entries: vec![Entry { key: "deploy".to_owned(), key_span, node }], span, header: false };
    Ok(section)
}

fn environment(entry: &Entry, raw: &Raw, text: &Text, file_in_release: &str, section: &mut Section) -> Entry {
    let name = entry.key.as_str();
    let Ok(table) = entry.node.as_table() else { return entry.clone() };
    let mut translator = Translator {
        raw,
        text,
        name,
        table,
        file_in_release: file_in_release.to_owned(),
        made: Vec::new(),
        problems: Problems::default(),
        remarks: Vec::new(),
    };
    translate::all(&mut translator);
    let Translator { made, problems, remarks, .. } = translator;
    section.problems.insert(name.to_owned(), problems.into_vec());
    section.remarks.insert(name.to_owned(), remarks);
    let table = Table { entries: made, span: table.span.clone(), header: false };
    let node = Node { value: Value::Table(table), span: entry.node.span.clone() };
    Entry { key: name.to_owned(), key_span: entry.key_span.clone(), node }
}

/// A file as a release holds it: below the top of the work tree.
fn in_release(file: &Path) -> String {
    let top = file.ancestors().skip(1).find(|directory| directory.join(".git").exists());
    let inside = top.and_then(|top| file.strip_prefix(top).ok());
    let name = inside.or_else(|| file.file_name().map(Path::new)).unwrap_or(file);
    name.to_string_lossy().into_owned()
}
