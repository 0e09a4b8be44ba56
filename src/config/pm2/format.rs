//! Which files are read, by their names.

use std::path::{Path, PathBuf};

use super::json;
use crate::config::file::Source;

/// How a configuration is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    /// shipit's own.
    Toml,
    /// pm2's, which node has to run.
    JavaScript,
    /// pm2's.
    Json,
    /// pm2's.
    Yaml,
}

/// In the order of pm2, so that both read the same file; `package.json` counts where it has a `deploy` section.
const NAMES: [&str; 7] = [
    "ecosystem.json",
    "ecosystem.yml",
    "ecosystem.yaml",
    "ecosystem.config.js",
    "ecosystem.config.cjs",
    "ecosystem.config.mjs",
    "ecosystem.json5",
];

impl FileFormat {
    /// Of a file of that name. What is not one of pm2's is shipit's.
    #[must_use]
    pub fn of(file: &Path) -> Self {
        match file.extension().and_then(|end| end.to_str()) {
            Some("js" | "cjs" | "mjs") => FileFormat::JavaScript,
            Some("json" | "json5") => FileFormat::Json,
            Some("yml" | "yaml") => FileFormat::Yaml,
            _ => FileFormat::Toml,
        }
    }
}

/// Whether node has to run the file: also JSON with expressions in it, which pm2 takes for JavaScript.
#[must_use]
pub fn needs_node(file: &Path) -> bool {
    match FileFormat::of(file) {
        FileFormat::Toml | FileFormat::Yaml => false,
        FileFormat::JavaScript => true,
        FileFormat::Json => Source::read(file).is_ok_and(|source| json::parse(&source.text, 0).is_err()),
    }
}

/// pm2's file in a directory, where there is one.
#[must_use]
pub fn ecosystem_in(directory: &Path) -> Option<PathBuf> {
    let named = NAMES.iter().map(|name| directory.join(name)).find(|file| file.symlink_metadata().is_ok());
    named.or_else(|| {
        let package = directory.join("package.json");
        let source = Source::read(&package).ok()?;
        json::parse(&source.text, 0).ok()?.root.get("deploy").map(|_| package)
    })
}
