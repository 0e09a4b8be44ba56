//! The rules of `tests/house.rs`: from sources to faults, a line each. Knows Rust as far as paths go (`rust.rs`).

pub mod circles;
pub mod manifest;
mod rust;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// From the ground up: each uses only those before it.
pub const FLOORS: [&str; 11] = [
    "config",
    "git",
    "remote",
    "plan",
    "transport",
    "health",
    "executor",
    "error",
    "report",
    "cli",
    "commands",
];

/// Where each of these dependencies may be named: replacing one is then the edit of one folder.
const DOORS: [(&str, &str); 7] = [
    ("hyper", "src/health/"),
    ("hyper_util", "src/health/"),
    ("russh", "src/transport/ssh/"),
    ("clap", "src/cli/"),
    ("toml", "src/config/"),
    ("indicatif", "src/report/"),
    ("console", "src/report/"),
];

/// Lines of a file, at most.
pub const LONGEST: usize = 400;

/// A file of `src/`.
#[derive(Clone)]
pub struct Source {
    pub path: String,
    pub text: String,
}

/// All Rust and shell files of `src/`.
pub fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    read(Path::new("src"), &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(found.len() > 50, "where is src/?");
    found
}

fn read(directory: &Path, found: &mut Vec<Source>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.to_str().unwrap().to_owned();
        if path.is_dir() {
            read(&path, found);
        } else if name.ends_with(".rs") || name.ends_with(".sh") {
            found.push(Source { text: fs::read_to_string(&path).unwrap(), path: name });
        }
    }
}

impl Source {
    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    // Names of the modules that lead to it: src/a/b.rs is [a, b], src/a/mod.rs is [a], src/lib.rs is [].
    fn module(&self) -> Vec<&str> {
        let inner = self.path.trim_start_matches("src/").trim_end_matches(".rs");
        let mut names: Vec<&str> = inner.split('/').collect();
        if matches!(names.last(), Some(&("mod" | "lib" | "main"))) {
            names.pop();
        }
        names
    }

    fn code(&self) -> Vec<rust::Token> {
        rust::without_tests(rust::tokens(&self.text))
    }
}

// What is compiled into shipit: no tests, and not main.rs, which stands on all floors.
fn product(sources: &[Source]) -> impl Iterator<Item = &Source> {
    let tests: BTreeSet<String> = sources
        .iter()
        .filter(|s| s.is_rust())
        .flat_map(|s| {
            let parent = s.module().join("/");
            rust::test_modules(&rust::tokens(&s.text))
                .into_iter()
                .map(move |name| format!("src/{parent}/{name}.rs"))
        })
        .collect();
    sources.iter().filter(move |s| s.is_rust() && s.path != "src/main.rs" && !tests.contains(&s.path))
}

/// Uses of a floor by one below it, and ways around the question.
pub fn floors(sources: &[Source]) -> Vec<String> {
    let height = |name: &str| FLOORS.iter().position(|floor| *floor == name);
    let mut faults = Vec::new();
    for source in product(sources) {
        let module = source.module();
        let Some((from, own)) = module.first().and_then(|name| Some((*name, height(name)?))) else {
            continue;
        };
        for path in rust::paths(&source.code()) {
            let Some(to) = from_root(&module, &path.names) else { continue };
            let fault = match to.first().map(|name| (name, height(name))) {
                Some((_, Some(to))) if to <= own => continue,
                Some((to, Some(_))) => format!("{from} uses {to} above it"),
                _ => format!("{} is no floor's name", path.names.join("::")),
            };
            faults.push(format!("{}:{}: {fault}", source.path, path.line));
        }
    }
    faults.dedup();
    faults
}

// The path from the crate's root, where it begins there or climbs to it.
fn from_root<'a>(module: &[&str], names: &'a [String]) -> Option<&'a [String]> {
    match names.first()?.as_str() {
        "crate" => Some(&names[1..]),
        "super" => {
            let ups = names.iter().take_while(|name| *name == "super").count();
            (ups >= module.len()).then(|| &names[ups..])
        }
        _ => None,
    }
}

/// Dependencies named outside of their door.
pub fn doors(sources: &[Source]) -> Vec<String> {
    let mut faults = Vec::new();
    for source in sources.iter().filter(|s| s.is_rust()) {
        for path in rust::paths(&rust::tokens(&source.text)) {
            let door = DOORS.iter().find(|(dependency, _)| *dependency == path.names[0]);
            if let Some((dependency, door)) = door.filter(|(_, door)| !source.path.starts_with(door)) {
                faults.push(format!("{}:{}: {dependency} belongs behind {door}", source.path, path.line));
            }
        }
    }
    faults
}

/// The modules that lib.rs declares, sorted.
pub fn declared(lib: &Source) -> Vec<String> {
    let mut names = rust::modules(&rust::tokens(&lib.text));
    names.sort();
    names
}

/// The modules in the map of the code, in its order: rows of a table that begin with a link to one.
pub fn mapped(lib: &Source) -> Vec<String> {
    let rows = lib.text.lines().filter_map(|line| line.strip_prefix("//! | [`"));
    rows.filter_map(|row| Some(row.split_once("`]")?.0.to_owned())).collect()
}

/// Files that do not begin by saying what they are for.
pub fn headless(sources: &[Source]) -> Vec<String> {
    let headless = sources.iter().filter(|s| s.is_rust() && !s.text.starts_with("//! "));
    headless.map(|s| format!("{}: does not begin with //!", s.path)).collect()
}

/// Files of more than [`LONGEST`] lines.
pub fn too_long(sources: &[Source]) -> Vec<String> {
    let lines = sources.iter().map(|s| (s, s.text.lines().count()));
    lines.filter(|(_, n)| *n > LONGEST).map(|(s, n)| format!("{}: {n} lines", s.path)).collect()
}

/// Folders of Rust files without a `mod.rs`, and modules that are half a file and half a folder.
pub fn folders(sources: &[Source]) -> Vec<String> {
    let rust: BTreeSet<&str> = sources.iter().filter(|s| s.is_rust()).map(|s| s.path.as_str()).collect();
    let folders: BTreeSet<&str> = rust
        .iter()
        .filter_map(|path| Some(path.rsplit_once('/')?.0))
        .filter(|folder| *folder != "src")
        .collect();
    let mut faults = Vec::new();
    for folder in folders {
        if !rust.contains(format!("{folder}/mod.rs").as_str()) {
            faults.push(format!("{folder}: has no mod.rs"));
        }
        if rust.contains(format!("{folder}.rs").as_str()) {
            faults.push(format!("{folder}.rs: belongs into {folder}/mod.rs"));
        }
    }
    faults
}
