//! Where a line of ssh_config stands, for messages.

use std::path::Path;
use std::rc::Rc;

use crate::transport::ConnectError;

/// Where a line stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::transport) struct Place {
    /// The file, or `ssh-options`.
    pub(in crate::transport) file: Rc<Path>,
    /// From 1.
    pub(in crate::transport) line: usize,
}

impl Place {
    pub(super) fn error(&self, reason: impl Into<String>) -> ConnectError {
        ConnectError::SshConfig {
            file: self.file.to_path_buf(),
            line: Some(self.line),
            reason: reason.into(),
        }
    }
}
