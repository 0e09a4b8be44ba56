//! The files an `Include` pattern names, sorted as glob(3) sorts them.

use std::path::{Path, PathBuf};

use glob::MatchOptions;

/// As glob(3) without flags: a leading dot has to be asked for, and no wildcard stands for a slash.
const AS_GLOB: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// A pattern that names no file, or cannot be understood, names nothing. A directory that cannot be listed holds nothing.
pub(super) fn expand(path: &Path) -> Vec<PathBuf> {
    let mut pattern = path.to_string_lossy().into_owned();
    // glob(3) knows no `**`; the library would go into all directories for it.
    while pattern.contains("**") {
        pattern = pattern.replace("**", "*");
    }
    if path.exists() {
        return vec![path.to_path_buf()];
    }
    let Ok(found) = glob::glob_with(&pattern, AS_GLOB) else { return Vec::new() };
    let mut found: Vec<PathBuf> = found.filter_map(Result::ok).collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::expand;

    #[test]
    fn wildcards_in_any_component_sorted_without_hidden_files() {
        let dir = tempfile::tempdir().unwrap();
        for path in ["a.d/2.conf", "a.d/1.conf", "a.d/.hidden.conf", "a.d/readme", "b.d/0.conf", "c[1]"] {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let named = |pattern: &str| -> Vec<String> {
            let found = expand(&dir.path().join(pattern));
            found.iter().map(|p| p.strip_prefix(dir.path()).unwrap().to_string_lossy().into_owned()).collect()
        };
        assert_eq!(named("?.d/*.conf"), ["a.d/1.conf", "a.d/2.conf", "b.d/0.conf"]);
        assert_eq!(named("[ab].d/[!1].conf"), ["a.d/2.conf", "b.d/0.conf"]);
        assert_eq!(named("**/1.conf"), ["a.d/1.conf"]);
        assert_eq!(named("c[1]"), ["c[1]"], "a name that looks like a pattern");
        assert!(named("missing").is_empty() && named("x*/x").is_empty());
    }
}
