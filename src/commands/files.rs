//! What `files` names, read: files of the operator's, and what commands of theirs print.

use std::io::Read as _;
use std::path::Path;
use std::process::Stdio;

use tokio::io::AsyncReadExt as _;
use tokio::process::Command;

use super::Context;
use crate::config::{FileEntry, FileSource};
use crate::error::Error;

/// Hosts take these as lines of a shell: larger things belong into the repository, or to what copies files.
const LARGEST: u64 = 256 << 10;
const LARGEST_ALL: usize = 1 << 20;

/// All of them. A dry run starts no command: what it would print is not shown anyway.
pub(super) async fn read(context: &Context<'_>) -> Result<Vec<FileEntry>, Error> {
    let root = &context.environment.root;
    let mut files = Vec::new();
    let mut all = 0;
    for file in &context.environment.app.files {
        let bytes = match &file.source {
            FileSource::From(path) => from(path),
            FileSource::Command(_) if context.invocation.dry_run => Ok(Vec::new()),
            FileSource::Command(text) => {
                let limit = context.environment.timeouts.hook;
                let printed = tokio::time::timeout(limit, printed(text, root)).await;
                printed.unwrap_or_else(|_| Err(format!("`{text}` took longer than {} s", limit.as_secs())))
            }
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

async fn printed(text: &str, root: &Path) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| format!("cannot run `{text}`: {error}");
    let mut command = Command::new("/bin/sh");
    command.args(["-c", text]).current_dir(root).kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut child = command.spawn().map_err(failed)?;
    let stdout = child.stdout.take().ok_or_else(|| format!("`{text}` has no output"))?;
    let mut bytes = Vec::new();
    stdout.take(LARGEST + 1).read_to_end(&mut bytes).await.map_err(failed)?;
    let Some(bytes) = within(bytes) else {
        return Err(too_large(&format!("what `{text}` prints")));
    };
    let status = child.wait().await.map_err(failed)?;
    if status.success() { Ok(bytes) } else { Err(format!("`{text}` failed: {status}")) }
}

fn within(bytes: Vec<u8>) -> Option<Vec<u8>> {
    (bytes.len() as u64 <= LARGEST).then_some(bytes)
}

fn too_large(what: &str) -> String {
    format!("{what} is larger than {LARGEST} bytes, the most that can be sent")
}
