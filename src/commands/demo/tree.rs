//! A picture of what lies on a host: directories as a tree, links with what they point to.

use std::fs;
use std::path::Path;

/// What is said of some entries.
const NOTES: [(&str, &str); 5] = [
    (".shipit", "journal, lock, logs, and what a revert needs"),
    ("current", "live; replaced by one rename"),
    ("releases", "one per deploy; the names are the same on every host"),
    ("shared", "what outlives releases"),
    ("source", "the clone that they are checked out from"),
];

/// The tree below `root`, which is shown as `name`. Of `releases`, what lies in them too.
pub(super) fn draw(name: &str, root: &Path) -> String {
    let mut lines = vec![(name.to_owned(), "")];
    branch(root, "", 0, &mut lines);
    // A link is long: what is said of it stands after it, not all else as far to the right.
    let short = lines.iter().filter(|(line, note)| !note.is_empty() && !line.contains(" -> "));
    let width = short.map(|(line, _)| line.chars().count()).max().unwrap_or(0);
    let render = |(line, note): &(String, &str)| match *note {
        "" => format!("{line}\n"),
        note => format!("{line:width$}  {note}\n"),
    };
    lines.iter().map(render).collect()
}

fn branch(directory: &Path, indent: &str, depth: usize, lines: &mut Vec<(String, &'static str)>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    let mut names: Vec<String> =
        entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    let last = names.len();
    for (at, name) in names.iter().enumerate() {
        let (twig, below) = if at + 1 == last { ("└── ", "    ") } else { ("├── ", "│   ") };
        let target = fs::read_link(directory.join(name));
        let arrow = target.map(|target| format!(" -> {}", target.display())).unwrap_or_default();
        let note = NOTES.iter().find(|(known, _)| depth == 0 && known == name).map_or("", |(_, note)| note);
        lines.push((format!("{indent}{twig}{name}{arrow}"), note));
        let inside = depth == 0 && name == "releases";
        if inside {
            branch(&directory.join(name), &format!("{indent}{below}"), depth + 1, lines);
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_tree_shows_links_and_notes() {
        let root = tempfile::tempdir().unwrap();
        for directory in ["releases/b/inner", "releases/a", "source/objects"] {
            std::fs::create_dir_all(root.path().join(directory)).unwrap();
        }
        std::os::unix::fs::symlink("releases/b", root.path().join("current")).unwrap();
        assert_eq!(
            super::draw("web1:shop", root.path()),
            "web1:shop\n\
             ├── current -> releases/b  live; replaced by one rename\n\
             ├── releases  one per deploy; the names are the same on every host\n\
             │   ├── a\n\
             │   └── b\n\
             └── source    the clone that they are checked out from\n"
        );
    }
}
