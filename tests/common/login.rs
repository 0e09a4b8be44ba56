//! What makes a directory a machine: the script that both kinds of server run in place of the login shell.
//!
//! Its fixed part is `login.sh`; here it learns which directory and which shells.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use super::process::require;

/// The shells of a machine.
#[derive(Debug, Clone, Copy)]
pub struct Shells {
    /// What runs the commands of a login.
    pub login: &'static str,
    /// What `/bin/sh` is.
    pub sh: &'static str,
}

/// Writes what stands between the server and the login shell.
pub fn write_login(root: &Path, shells: Shells) {
    let link = root.join("sh/sh");
    let _ = fs::remove_file(&link);
    symlink(require(shells.sh), &link).unwrap();
    require(shells.login.split(' ').next().unwrap());
    let root_text = root.to_str().unwrap();
    let login = shells.login;
    let login = format!("#!/bin/sh\nroot='{root_text}'\nlogin='{login}'\n{}", include_str!("login.sh"));
    put(&root.join("login"), &login, 0o755);
}

/// Writes a file with its mode and the directories it lies in.
pub fn put(file: &Path, text: &str, mode: u32) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    // by rename: a script that is being run is not written into
    let new = file.with_extension("new");
    fs::write(&new, text).unwrap();
    fs::set_permissions(&new, fs::Permissions::from_mode(mode)).unwrap();
    fs::rename(new, file).unwrap();
}
