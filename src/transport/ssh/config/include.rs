//! The files an `Include` pattern names, sorted as glob(3) sorts them.

use std::path::{Component, Path, PathBuf};

use crate::transport::ssh::pattern;

/// A path without wildcards names itself, whether it exists or not. A directory that cannot be listed holds nothing.
pub(super) fn expand(path: &Path) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    for component in path.components() {
        found = match component {
            Component::Normal(name) if is_pattern(&name.to_string_lossy()) => {
                found.iter().flat_map(|base| entries(base, &name.to_string_lossy())).collect()
            }
            other => found.into_iter().map(|base| base.join(other)).collect(),
        };
    }
    found
}

fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?'])
}

fn entries(directory: &Path, wanted: &str) -> Vec<PathBuf> {
    let Ok(listing) = std::fs::read_dir(directory) else { return Vec::new() };
    let names = listing.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    // A leading dot has to be asked for.
    let fits =
        |name: &String| name.starts_with('.') == wanted.starts_with('.') && pattern::matches(wanted, name);
    let mut names: Vec<String> = names.filter(fits).collect();
    names.sort();
    names.into_iter().map(|name| directory.join(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::expand;

    #[test]
    fn wildcards_in_any_component_sorted_without_hidden_files() {
        let dir = tempfile::tempdir().unwrap();
        for path in ["a.d/2.conf", "a.d/1.conf", "a.d/.hidden.conf", "a.d/readme", "b.d/0.conf"] {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let named = |pattern: &str| -> Vec<String> {
            let found = expand(&dir.path().join(pattern));
            found.iter().map(|p| p.strip_prefix(dir.path()).unwrap().to_string_lossy().into_owned()).collect()
        };
        assert_eq!(named("?.d/*.conf"), ["a.d/1.conf", "a.d/2.conf", "b.d/0.conf"]);
        assert_eq!(named("missing"), ["missing"]);
        assert!(named("c*/x").is_empty());
    }
}
