//! Trees as bytes: names and modes that git itself would refuse to write.

use super::store::{Id, Store};

/// What an entry is.
#[derive(Debug, Clone)]
pub enum Node {
    File(Vec<u8>),
    Script(Vec<u8>),
    Link(Vec<u8>),
    /// A commit, with the mode of a submodule.
    Module(Id),
    Tree(Vec<Entry>),
    /// An object of that kind, under a mode of another.
    Odd(&'static str, Box<Node>),
}

/// A name and what it is.
pub type Entry = (Vec<u8>, Node);

pub fn entry(name: impl AsRef<[u8]>, node: Node) -> Entry {
    (name.as_ref().to_vec(), node)
}

pub fn file(text: impl AsRef<[u8]>) -> Node {
    Node::File(text.as_ref().to_vec())
}

pub fn link(to: impl AsRef<[u8]>) -> Node {
    Node::Link(to.as_ref().to_vec())
}

pub fn dir<const N: usize>(entries: [Entry; N]) -> Node {
    Node::Tree(entries.into())
}

/// A path of directories with `node` at its end.
pub fn below(path: &[&str], node: Node) -> Entry {
    let (name, rest) = path.split_first().unwrap();
    if rest.is_empty() { entry(name, node) } else { entry(name, Node::Tree(vec![below(rest, node)])) }
}

/// Writes it; its mode and its id.
pub fn write(store: &Store, node: &Node) -> (&'static str, Id) {
    let blob = |text: &[u8]| store.write("blob", text);
    match node {
        Node::File(text) => ("100644", blob(text)),
        Node::Script(text) => ("100755", blob(text)),
        Node::Link(to) => ("120000", blob(to)),
        Node::Module(id) => ("160000", *id),
        Node::Odd(mode, node) => (mode, write(store, node).1),
        Node::Tree(entries) => {
            let mut bytes = Vec::new();
            for (name, node) in entries {
                let (mode, id) = write(store, node);
                bytes.extend_from_slice(format!("{mode} ").as_bytes());
                bytes.extend_from_slice(name);
                bytes.push(0);
                bytes.extend_from_slice(id.bytes());
            }
            ("40000", store.write("tree", &bytes))
        }
    }
}

/// Sorts as git does, all the way down: other trees are not listed whole.
pub fn sort(entries: &mut [Entry]) {
    let key = |(name, node): &Entry| {
        let mut key = name.clone();
        if matches!(node, Node::Tree(_)) {
            key.push(b'/');
        }
        key
    };
    entries.sort_by_key(key);
    for (_, node) in entries {
        if let Node::Tree(inner) = node {
            sort(inner);
        }
    }
}
