//! Import circles among files. An import is an edge to the file that defines the name, however many re-exports lie between;
//! a `mod` line is none. Paths in the text count like `use` lines.

use std::collections::{BTreeMap, BTreeSet};

use super::rust::{self, Token};
use super::{Source, product};

/// Groups of files that import one another in a circle, sorted.
pub fn circles(sources: &[Source]) -> Vec<Vec<String>> {
    let files = Files::read(sources);
    let edges: Vec<BTreeSet<usize>> = (0..files.all.len()).map(|at| files.imports(at)).collect();
    let reached: Vec<BTreeSet<usize>> = (0..edges.len()).map(|at| reach(&edges, at)).collect();
    let mut circles = BTreeSet::new();
    for at in 0..edges.len() {
        let circle: Vec<String> = (0..edges.len())
            .filter(|other| reached[at].contains(other) && reached[*other].contains(&at))
            .map(|other| files.all[other].path.clone())
            .collect();
        if circle.len() > 1 {
            circles.insert(circle);
        }
    }
    circles.into_iter().collect()
}

fn reach(edges: &[BTreeSet<usize>], from: usize) -> BTreeSet<usize> {
    let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(at) = open.pop() {
        for next in &edges[at] {
            if seen.insert(*next) {
                open.push(*next);
            }
        }
    }
    seen
}

// One file: what it defines, what it brings in under which name.
struct File {
    path: String,
    module: Vec<String>,
    defined: BTreeSet<String>,
    brought: Vec<(String, Vec<String>)>,
    paths: Vec<Vec<String>>,
}

struct Files {
    all: Vec<File>,
    by_module: BTreeMap<Vec<String>, usize>,
}

impl Files {
    fn read(sources: &[Source]) -> Files {
        let all: Vec<File> = product(sources).map(file).collect();
        let by_module = all.iter().enumerate().map(|(at, file)| (file.module.clone(), at)).collect();
        Files { all, by_module }
    }

    fn imports(&self, at: usize) -> BTreeSet<usize> {
        let file = &self.all[at];
        let found = file.paths.iter().filter_map(|path| self.defines(at, path, 0));
        found.filter(|other| *other != at).collect()
    }

    // The file that defines what a path in that file means; none: it is not ours, or a module and no more.
    fn defines(&self, at: usize, path: &[String], depth: usize) -> Option<usize> {
        if depth > 16 {
            return None;
        }
        // `use a::{self, B}` brings in a module and no more.
        let path = path.strip_suffix(&["self".to_owned()]).unwrap_or(path);
        let (mut module, rest) = self.start(at, path, depth)?;
        let mut rest = rest.into_iter().peekable();
        while let Some(name) = rest.peek() {
            let child: Vec<String> = module.iter().cloned().chain([name.clone()]).collect();
            if !self.by_module.contains_key(&child) {
                break;
            }
            module = child;
            rest.next();
        }
        let holder = *self.by_module.get(&module)?;
        let name = rest.next()?;
        let file = &self.all[holder];
        if file.defined.contains(&name) {
            return Some(holder);
        }
        let through = file.brought.iter().find(|(alias, _)| *alias == name);
        let through = through.map(|(_, path)| path.iter().cloned().chain(rest).collect::<Vec<_>>());
        through.and_then(|path| self.defines(holder, &path, depth + 1)).or(Some(holder))
    }

    // The module from which a path is read, and what follows.
    fn start(&self, at: usize, path: &[String], depth: usize) -> Option<(Vec<String>, Vec<String>)> {
        let file = &self.all[at];
        let first = path.first()?;
        match first.as_str() {
            "crate" => Some((Vec::new(), path[1..].to_vec())),
            "self" => Some((file.module.clone(), path[1..].to_vec())),
            "super" => {
                let ups = path.iter().take_while(|name| *name == "super").count();
                let kept = file.module.len().checked_sub(ups)?;
                Some((file.module[..kept].to_vec(), path[ups..].to_vec()))
            }
            _ => {
                let child: Vec<String> = file.module.iter().cloned().chain([first.clone()]).collect();
                if self.by_module.contains_key(&child) {
                    return Some((file.module.clone(), path.to_vec()));
                }
                let (_, brought) = file.brought.iter().find(|(alias, whole)| {
                    alias == first && matches!(whole[0].as_str(), "crate" | "super" | "self")
                })?;
                let whole: Vec<String> = brought.iter().chain(&path[1..]).cloned().collect();
                if depth > 16 { None } else { self.start(at, &whole, depth + 1) }
            }
        }
    }
}

fn file(source: &Source) -> File {
    let tokens = source.code();
    let (brought, paths) = (brought(&tokens), rust::paths(&tokens));
    File {
        path: source.path.clone(),
        module: source.module().into_iter().map(str::to_owned).collect(),
        defined: defined(&tokens),
        brought,
        paths: paths.into_iter().map(|path| path.names).collect(),
    }
}

fn defined(tokens: &[Token]) -> BTreeSet<String> {
    const WORDS: [&str; 8] = ["fn", "struct", "enum", "trait", "type", "const", "static", "union"];
    let pairs = tokens.windows(2).filter(|pair| WORDS.contains(&pair[0].text.as_str()));
    pairs.map(|pair| pair[1].text.clone()).collect()
}

// What `use` brings in: the name by which it is known here, and its path.
fn brought(tokens: &[Token]) -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    for at in (0..tokens.len()).filter(|at| tokens[*at].text == "use") {
        let end =
            tokens[at..].iter().position(|token| token.text == ";").map_or(tokens.len(), |n| at + n + 1);
        for path in rust::aliased(&tokens[at..end]) {
            let Some((alias, names)) = path.split_last() else { continue };
            let mut names = names.to_vec();
            if names.last().is_some_and(|last| last == "self") {
                names.pop();
            }
            let alias =
                if alias == "self" { names.last().cloned().unwrap_or_default() } else { alias.clone() };
            found.push((alias, names));
        }
    }
    found
}
