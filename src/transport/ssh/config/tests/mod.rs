//! ssh_config as we read it, beside OpenSSH's own reading of it, and what is said about mistakes.

mod alone;
mod manual;
mod oracle;
mod rows;
