//! git at the operator's end: what a ref means, and whether the work tree holds something that is not deployed.
//!
//! Knows no host. All questions go to the operator's own git, which reads every format of repositories and has their keys,
//! helpers and proxies. Nothing here changes a repository.

mod command;
mod error;
mod pending;
mod project;
mod reference;
mod remote;
mod remotes;
mod url;
use command::ask;
pub use url::{Server, is_path, origin, server, ssh_server, without_credentials};
mod work_tree;

pub use error::GitError;
pub use pending::{Commit, Pending, Unknown, pending};
pub use project::{Project, Remote, project, reference_names};
pub use reference::{Reference, Revision};
pub use remote::{Resolved, resolve};
pub use work_tree::{Changes, LocalState, Unchecked, check, head, peel};
