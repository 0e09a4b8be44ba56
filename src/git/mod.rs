//! git at the operator's end: what a ref means, and whether the work tree holds something that is not deployed.
//!
//! Knows no host. Local questions go to libgit2; whatever needs the network goes to the operator's own git, which
//! has their keys, helpers and proxies. Nothing here changes a repository.

mod error;
mod pending;
mod project;
mod reference;
mod remote;
mod url;
pub use url::{Server, is_path, origin, server, without_credentials};
mod work_tree;

pub use error::GitError;
pub use pending::{Commit, Pending, pending};
pub use project::{Project, Remote, project, reference_names};
pub use reference::{Reference, Revision};
pub use remote::{Resolved, resolve};
pub use work_tree::{LocalState, check, head};
