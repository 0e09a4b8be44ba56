//! What a login needs to know. Which keys it has is in `identities`, offering them in `offer`, answers of a person in `answers`, and their order in
//! `auth`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::keys::KeyFiles;
use super::route::Route;
use super::secrets::Secrets;

/// One login on one host.
pub(super) struct Login<'a> {
    pub(super) route: &'a Route,
    pub(super) address: &'a str,
    pub(super) files: &'a KeyFiles,
    pub(super) agent: Option<PathBuf>,
    /// What a person answers.
    pub(super) secrets: &'a Secrets,
    pub(super) home: &'a Path,
    /// For each answer of the server.
    pub(super) limit: Duration,
    /// For the agent to sign.
    pub(super) signature: Duration,
}
