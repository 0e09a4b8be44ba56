//! Configurations of Capistrano, Deployer and shipit-js, as far as they are plain values: for `import` alone.
//!
//! Nothing of Ruby or PHP is run. What is not taken over is named, line by line.

mod capistrano;
mod deployer;
mod deployer_php;
mod deployer_targets;
mod deployer_yaml;
mod expression;
mod inner;
mod model;
mod php;
mod plain;
mod ruby;
mod shipit_js;
mod shown;
mod ssh_options;
mod stage;
mod stage_left_out;
mod token;

use std::path::{Path, PathBuf};

use super::document::Document;
use super::error::ConfigError;
use super::file::Source;

pub use shipit_js::EVALUATE_SHIPIT_JS;

/// Which tool a file is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// `config/deploy.rb`, and a file for each stage in `config/deploy/`.
    Capistrano,
    /// `deploy.php`, and `deploy.yaml`.
    Deployer,
    /// `shipitfile.js`, which node has to run.
    ShipitJs,
}

/// Where each tool has its file.
const FILES: [(&str, Tool); 8] = [
    ("config/deploy.rb", Tool::Capistrano),
    ("deploy.php", Tool::Deployer),
    ("deploy.yaml", Tool::Deployer),
    ("deploy.yml", Tool::Deployer),
    ("shipitfile.js", Tool::ShipitJs),
    ("shipitfile.cjs", Tool::ShipitJs),
    ("shipitfile.mjs", Tool::ShipitJs),
    ("shipitfile.babel.js", Tool::ShipitJs),
];

impl Tool {
    /// Of a file of that name; else the extension decides.
    #[must_use]
    pub fn of(file: &Path) -> Option<Self> {
        let named = FILES.iter().find(|(name, _)| file.ends_with(Path::new(name))).map(|(_, tool)| *tool);
        named.or_else(|| match file.extension()?.to_str()? {
            "rb" => Some(Tool::Capistrano),
            "php" => Some(Tool::Deployer),
            _ => None,
        })
    }

    /// The directory of the project that a file is for: a `shipit.toml` belongs there.
    #[must_use]
    pub fn project(self, file: &Path) -> Option<&Path> {
        let directory = file.parent()?;
        let inside = self == Tool::Capistrano && directory.ends_with("config");
        if inside { directory.parent() } else { Some(directory) }
    }
}

/// The file of another tool in a directory.
#[must_use]
pub fn foreign_in(directory: &Path) -> Option<PathBuf> {
    FILES.iter().map(|(name, _)| directory.join(name)).find(|file| file.is_file())
}

/// Reads a file of another tool; `answer`: what node answered, where it has to run it ([`EVALUATE_SHIPIT_JS`]).
///
/// # Errors
/// When it cannot be read, or names no hosts.
pub fn read_foreign(file: &Path, answer: Option<&[u8]>) -> Result<Document, ConfigError> {
    let source = Source::read(file)?;
    match (Tool::of(file), answer) {
        (Some(Tool::Capistrano), _) => {
            let mut texts = vec![source];
            let capfile = Tool::Capistrano.project(file).map(|project| project.join("Capfile"));
            let capfile = capfile.filter(|capfile| capfile.is_file());
            texts.extend(capfile.map(|capfile| Source::read(&capfile)).transpose()?);
            texts.extend(stages(&file.with_extension(""))?);
            Document::of_texts(texts, capistrano::read)
        }
        (Some(Tool::ShipitJs), Some(answer)) => {
            Document::of_texts(vec![source], |texts| shipit_js::read(texts[0], answer))
        }
        _ if file.extension().is_some_and(|end| end == "php") => {
            Document::of_texts(vec![source], |texts| deployer_php::read(texts[0]))
        }
        _ => Document::of_texts(vec![source], |texts| deployer_yaml::read(texts[0])),
    }
}

/// The files of Capistrano's stages, in the order of their names.
fn stages(directory: &Path) -> Result<Vec<Source>, ConfigError> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> =
        entries.filter(|file| file.extension().is_some_and(|end| end == "rb")).collect();
    files.sort();
    // One too many is refused by the reader.
    files.truncate(capistrano::MOST_STAGES + 1);
    files.iter().map(|file| Source::read(file)).collect()
}
