//! ssh_config text into a tree of blocks and settings, `Include` already followed.
//!
//! Knows the shape of lines and of values, not what a value means for a host. A mistake is an error wherever it stands, as for ssh.

use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::criteria::{self, Criterion};
use super::include;
use super::keywords::{self, Keyword};
use super::kind::Kind;
use super::place::Place;
use super::words::{split_keyword, words};
use crate::transport::ConnectError;
use crate::transport::ssh::hop::Hop;

/// How deep files may include files: OpenSSH's limit.
const DEPTH: usize = 16;
/// A file larger than this is none that a person wrote.
const LARGEST: u64 = 16 << 20;

/// A line that means something.
pub(super) enum Item {
    /// `Host`: what follows counts where one of the patterns matches.
    Host(Vec<String>),
    /// `Match`
    Match(Vec<Criterion>, Place),
    /// `Include`: the files it named, in order.
    Include(Vec<Vec<Item>>),
    /// Any other keyword, with its arguments.
    Set { keyword: &'static Keyword, arguments: Vec<String>, place: Place },
    /// A keyword that no row of the table has, as written. Perhaps `IgnoreUnknown` names it.
    Unknown { keyword: String, place: Place },
    /// What only a newer OpenSSH reads.
    OfOpenSsh { what: &'static str, place: Place },
}

/// Reads the file of a login, or the machine's.
pub(super) struct Reader<'a> {
    pub(super) home: &'a Path,
    /// Relative paths are those of the login's `.ssh`, not of `/etc/ssh`.
    pub(super) users: bool,
}

impl Reader<'_> {
    /// A file that does not exist is empty.
    pub(super) fn file(&self, path: &Path) -> Result<Vec<Item>, ConnectError> {
        self.nested(path, 0)
    }

    fn nested(&self, path: &Path, depth: usize) -> Result<Vec<Item>, ConnectError> {
        // As ssh: the file of the login, and all that are included.
        if depth > 0 || self.users {
            check_owner(path)?;
        }
        let Some(text) = text(path)? else { return Ok(Vec::new()) };
        let file: Rc<Path> = path.into();
        let mut items = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let place = Place { file: Rc::clone(&file), line: index + 1 };
            match split_keyword(line) {
                None => {}
                Some((keyword, rest)) if keyword.eq_ignore_ascii_case("include") => {
                    items.push(self.include(&arguments(keyword, rest, &place)?, &place, depth)?);
                }
                Some((keyword, rest)) => items.push(item(keyword, rest, place)?),
            }
        }
        Ok(items)
    }

    fn include(&self, patterns: &[String], place: &Place, depth: usize) -> Result<Item, ConnectError> {
        if depth >= DEPTH {
            return Err(place.error("too many files include each other"));
        }
        let base: PathBuf = if self.users { self.home.join(".ssh") } else { "/etc/ssh".into() };
        let mut files = Vec::new();
        for pattern in patterns {
            if pattern.is_empty() {
                return Err(place.error("Include has an empty argument"));
            }
            if pattern.contains("${") || pattern.contains('%') {
                return Ok(Item::OfOpenSsh { what: "Include", place: place.clone() });
            }
            let path = match pattern.strip_prefix('~') {
                Some(_) if !self.users => return Err(place.error(format!("{pattern}: ~ is whose?"))),
                Some(rest) if rest.is_empty() || rest.starts_with('/') => {
                    self.home.join(rest.trim_start_matches('/'))
                }
                Some(_) => {
                    return Err(place.error(format!("{pattern}: another user's home is not supported")));
                }
                None => base.join(pattern),
            };
            for file in include::expand(&path) {
                files.push(self.nested(&file, depth + 1)?);
            }
        }
        Ok(Item::Include(files))
    }
}

/// One setting, as after `ssh -o`.
pub(super) fn option(text: &str, place: Place) -> Result<Option<Item>, ConnectError> {
    let Some((keyword, rest)) = split_keyword(text) else { return Ok(None) };
    if ["host", "match", "include"].iter().any(|block| keyword.eq_ignore_ascii_case(block)) {
        return Err(place.error(format!("{keyword} belongs into a file")));
    }
    item(keyword, rest, place).map(Some)
}

fn item(keyword: &str, rest: &str, place: Place) -> Result<Item, ConnectError> {
    let mut arguments = arguments(keyword, rest, &place)?;
    if keyword.eq_ignore_ascii_case("host") {
        if arguments.iter().any(String::is_empty) {
            return Err(place.error("Host has an empty argument"));
        }
        return Ok(Item::Host(arguments));
    }
    if keyword.eq_ignore_ascii_case("match") {
        let criteria = criteria::parse(&arguments).map_err(|reason| place.error(reason))?;
        return Ok(Item::Match(criteria, place));
    }
    let Some(found) = keywords::find(keyword) else {
        return Ok(Item::Unknown { keyword: keyword.to_owned(), place });
    };
    if found.kind.is_raw() {
        // A quoting of its own, or none: the value is the rest of the line.
        let raw = rest.trim_start_matches(|c: char| c == '=' || c.is_ascii_whitespace());
        // Of the two only jump hosts may have a comment behind them.
        let raw = if found.kind == Kind::Jump { raw.split('#').next().unwrap_or_default() } else { raw };
        arguments = vec![raw.trim_end().to_owned()];
    }
    found.kind.judge(found.name, &arguments).map_err(|reason| place.error(reason))?;
    if found.kind == Kind::Jump && !arguments.concat().eq_ignore_ascii_case("none") {
        let hops = arguments.iter().flat_map(|text| text.split(','));
        hops.into_iter().try_for_each(|hop| Hop::check(hop.trim())).map_err(|reason| place.error(reason))?;
    }
    Ok(Item::Set { keyword: found, arguments, place })
}

fn arguments(keyword: &str, rest: &str, place: &Place) -> Result<Vec<String>, ConnectError> {
    let arguments = words(rest).ok_or_else(|| place.error("a quote is not closed"))?;
    if rest.is_empty() || arguments.is_empty() {
        return Err(place.error(format!("{keyword} lacks its argument")));
    }
    Ok(arguments)
}

/// `None`: there is nothing to read. A directory that a wildcard named is empty, as for ssh.
fn text(path: &Path) -> Result<Option<String>, ConnectError> {
    let failed = |reason: String| ConnectError::SshConfig { file: path.to_path_buf(), line: None, reason };
    match std::fs::metadata(path) {
        Ok(file) if file.is_dir() => return Ok(None),
        Ok(file) if !file.is_file() && !file.file_type().is_char_device() => {
            return Err(failed("it is not a file".to_owned()));
        }
        Ok(file) if file.len() > LARGEST => {
            return Err(failed(format!("it is larger than {} MB", LARGEST >> 20)));
        }
        _ => {}
    }
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(format!("cannot be read: {error}"))),
    }
}

/// Nobody but root and the own login can write to it.
fn check_owner(path: &Path) -> Result<(), ConnectError> {
    let Ok(file) = std::fs::metadata(path) else { return Ok(()) };
    let own = rustix::process::getuid().as_raw();
    if file.uid() != 0 && file.uid() != own {
        let reason = format!("it belongs to another user (uid {}), so that it is not read", file.uid());
        return Err(ConnectError::SshConfig { file: path.to_path_buf(), line: None, reason });
    }
    if file.mode() & 0o022 != 0 {
        return Err(ConnectError::SshConfigExposed { file: path.to_path_buf() });
    }
    Ok(())
}
