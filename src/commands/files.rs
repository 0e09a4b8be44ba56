//! What `files` names, read: files of the operator's, and what commands of theirs print.

use std::io::Read as _;
use std::path::Path;

use super::context::Context;
use super::local_commands;
use crate::config::{App, Environment, FileEntry, FileSource, LocalCommand};
use crate::error::{Error, FileError, UsageError};

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
        let bytes = bytes.map_err(|source| UsageError::File { path: file.path.clone(), source })?;
        all += bytes.len();
        files.push(FileEntry::new(&file.path, file.mode, &bytes));
    }
    if all > LARGEST_ALL {
        return Err(UsageError::FilesTooLarge { bytes: all, limit: LARGEST_ALL }.into());
    }
    Ok(files)
}

fn from(path: &Path) -> Result<Vec<u8>, FileError> {
    let unreadable = |source| FileError::Unreadable { file: path.to_owned(), source };
    // Looked at before it is opened: opening a pipe would wait for its writer.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(FileError::NotAFile { file: path.to_owned() });
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    within(bytes).ok_or_else(|| FileError::TooLarge { file: path.to_owned(), limit: LARGEST })
}

fn printed(context: &Context<'_>, command: &LocalCommand) -> Result<Vec<u8>, FileError> {
    let Environment { name, timeouts, .. } = &context.environment;
    let text = || command.text.clone();
    let bytes = local_commands::print(command, name, timeouts.hook, context.printer)
        .map_err(|failure| FileError::Command { command: text(), failure })?;
    within(bytes).ok_or_else(|| FileError::TooMuchOutput { command: text(), limit: LARGEST })
}

fn within(bytes: Vec<u8>) -> Option<Vec<u8>> {
    (bytes.len() as u64 <= LARGEST).then_some(bytes)
}
