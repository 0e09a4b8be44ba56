//! What `files` names, read: files of the operator's, and what commands of theirs print.

use std::io::Read as _;
use std::path::Path;

use super::context::Context;
use super::local_commands;
use crate::config::{App, Environment, FileEntry, FileSource, LocalCommand};
use crate::error::Error;

/// Hosts take these as lines of a shell: larger things belong into the repository, or to what copies files.
const LARGEST: u64 = 256 << 10;
const LARGEST_ALL: usize = 1 << 20;

/// Those of each app. A dry run starts no command: what it would print is not shown anyway.
pub(super) fn read(context: &Context<'_>) -> Result<Vec<Vec<FileEntry>>, Error> {
    context.environment.apps.iter().map(|app| of(app, context)).collect()
}

fn of(app: &App, context: &Context<'_>) -> Result<Vec<FileEntry>, Error> {
    let mut files = Vec::new();
    let mut all = 0;
    for file in &app.files {
        let bytes = match &file.source {
            FileSource::From(path) => from(path),
            FileSource::Command(_) if context.invocation.dry_run => Ok(Vec::new()),
            FileSource::Command(command) => printed(context, command),
        };
        let bytes = bytes.map_err(|why| Error::Usage(format!("files.\"shared/{}\": {why}", file.path)))?;
        all += bytes.len();
        files.push(FileEntry::new(&file.path, file.mode, &bytes));
    }
    if all > LARGEST_ALL {
        let text = format!("files: {all} bytes together; at most {LARGEST_ALL} can be sent");
        return Err(Error::Usage(text));
    }
    Ok(files)
}

fn from(path: &Path) -> Result<Vec<u8>, String> {
    let unreadable = |error: std::io::Error| format!("cannot read {}: {error}", path.display());
    // Looked at before it is opened: opening a pipe would wait for its writer.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(format!("{} is not a file", path.display()));
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    within(bytes).ok_or_else(|| too_large(&path.display().to_string()))
}

fn printed(context: &Context<'_>, command: &LocalCommand) -> Result<Vec<u8>, String> {
    let Environment { name, timeouts, .. } = &context.environment;
    let named = |why: String| format!("`{}` {why}", command.text);
    let bytes = local_commands::print(command, name, timeouts.hook, context.printer).map_err(named)?;
    within(bytes).ok_or_else(|| too_large(&format!("what `{}` prints", command.text)))
}

fn within(bytes: Vec<u8>) -> Option<Vec<u8>> {
    (bytes.len() as u64 <= LARGEST).then_some(bytes)
}

fn too_large(what: &str) -> String {
    format!("{what} is larger than {LARGEST} bytes, the most that can be sent")
}
