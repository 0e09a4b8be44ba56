//! What a login needs to know; which keys it offers is in `identities`, offering them in `auth`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::keys::KeyFiles;
use super::route::Route;

/// One login on one host.
pub(super) struct Login<'a> {
    pub(super) route: &'a Route,
    pub(super) address: &'a str,
    pub(super) files: &'a KeyFiles,
    pub(super) agent: Option<PathBuf>,
    pub(super) home: &'a Path,
    /// For each answer of the server.
    pub(super) limit: Duration,
}
