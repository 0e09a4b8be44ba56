//! Objects of a git repository, written byte for byte: git refuses to write trees as hostile as these.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use sha1::{Digest, Sha1};

/// The id of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Id([u8; 20]);

impl Id {
    /// Of 40 hex digits.
    pub fn parse(hex: &str) -> Id {
        Id(std::array::from_fn(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()))
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A bare repository of SHA-1 ids with loose refs.
#[derive(Debug)]
pub struct Store(PathBuf);

impl Store {
    pub fn new(repository: &Path) -> Store {
        Store(repository.to_owned())
    }

    /// Writes an object as a loose one (gitrepository-layout(5)).
    pub fn write(&self, kind: &str, content: &[u8]) -> Id {
        let mut object = format!("{kind} {}\0", content.len()).into_bytes();
        object.extend_from_slice(content);
        let id = Id(Sha1::digest(&object).into());
        let hex = id.to_string();
        let dir = self.0.join("objects").join(&hex[..2]);
        let file = dir.join(&hex[2..]);
        if !file.exists() {
            fs::create_dir_all(dir).unwrap();
            fs::write(file, stored(&object)).unwrap();
        }
        id
    }

    /// What a branch names, if it is there and not packed.
    pub fn branch(&self, name: &str) -> Option<Id> {
        let text = fs::read_to_string(self.0.join("refs/heads").join(name)).ok()?;
        Some(Id::parse(text.trim()))
    }

    pub fn set_branch(&self, name: &str, id: Id) {
        fs::write(self.0.join("refs/heads").join(name), format!("{id}\n")).unwrap();
    }
}

// In the format of zlib (RFC 1950), in blocks that are not compressed (RFC 1951, 3.2.4).
fn stored(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let mut blocks = bytes.chunks(0xffff).peekable();
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).unwrap();
        out.push(u8::from(blocks.peek().is_none()));
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&(!length).to_le_bytes());
        out.extend_from_slice(block);
    }
    let (a, b) = bytes.iter().fold((1_u32, 0_u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65521;
        (a, (b + a) % 65521)
    });
    out.extend_from_slice(&(b << 16 | a).to_be_bytes());
    out
}
