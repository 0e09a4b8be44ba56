//! What a run of this client has on this machine: a directory, and somebody who listens to what `ssh` asks.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use tokio::sync::mpsc;

use super::questions::{Desk, Question};
use super::run_directory::RunDirectory;

/// It goes with the run.
pub(super) struct Ground {
    /// Before the directory in which it lies.
    _desk: Desk,
    pub(super) directory: RunDirectory,
    pub(super) nonce: String,
}

impl Ground {
    /// In the first of `bases` that takes it. `open` counts the questions that wait for an answer.
    pub(super) fn make(
        bases: &[PathBuf],
        program: &Path,
        open: Arc<AtomicUsize>,
        asked: mpsc::Sender<Question>,
    ) -> io::Result<Self> {
        let directory = RunDirectory::make(bases, program)?;
        let nonce = format!("{:016x}", getrandom::u64().map_err(io::Error::other)?);
        let desk = Desk::open(directory.path(), nonce.clone(), open, asked)?;
        Ok(Self { _desk: desk, directory, nonce })
    }
}
