//! ssh_config text into a tree of blocks and settings, `Include` already followed.
//!
//! Knows the shape of lines (`key value`, `key=value`, quotes, comments), not what a keyword means.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::include;
use crate::transport::ConnectError;

/// How deep files may include files: OpenSSH's limit.
const DEPTH: usize = 16;

/// A line that means something.
#[derive(Debug)]
pub(super) enum Item {
    /// `Host`: what follows counts where one of the patterns matches.
    Host(Vec<String>),
    /// `Match`, in words.
    Match(Vec<String>, Place),
    /// `Include`: the files it named, in order.
    Include(Vec<Vec<Item>>),
    /// Any other keyword, in lower case, with its arguments.
    Set { keyword: String, arguments: Vec<String>, place: Place },
}

/// Where a line stands.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) file: Rc<Path>,
    pub(super) line: usize,
}

impl Place {
    pub(super) fn error(&self, reason: impl Into<String>) -> ConnectError {
        ConnectError::SshConfig {
            file: self.file.to_path_buf(),
            line: Some(self.line),
            reason: reason.into(),
        }
    }
}

/// Reads files.
pub(super) struct Reader<'a> {
    pub(super) home: &'a Path,
}

impl Reader<'_> {
    /// A file that does not exist is empty.
    pub(super) fn file(&self, path: &Path) -> Result<Vec<Item>, ConnectError> {
        self.nested(path, 0)
    }

    fn nested(&self, path: &Path, depth: usize) -> Result<Vec<Item>, ConnectError> {
        // As ssh: the files of the login, and all that are included.
        if depth > 0 || path.starts_with(self.home) {
            check_owner(path)?;
        }
        let text = match std::fs::read(path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => {
                let reason = format!("cannot be read: {error}");
                return Err(ConnectError::SshConfig { file: path.to_path_buf(), line: None, reason });
            }
        };
        let file: Rc<Path> = path.into();
        let mut items = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let place = Place { file: Rc::clone(&file), line: index + 1 };
            let Some((keyword, rest)) = split_keyword(line) else { continue };
            let arguments = || words(rest).ok_or_else(|| place.error("a quote is not closed"));
            items.push(match keyword.as_str() {
                "host" => Item::Host(non_empty(arguments()?, &place)?),
                "match" => Item::Match(non_empty(arguments()?, &place)?, place),
                "include" => Item::Include(self.include(&arguments()?, &place, depth)?),
                // The command is the rest of the line and has a quoting of its own.
                "proxycommand" => Item::Set { keyword, arguments: vec![rest.trim().to_owned()], place },
                _ => match words(rest) {
                    Some(arguments) => Item::Set { keyword, arguments, place },
                    // Perhaps a keyword with a syntax of its own: it is judged if its meaning is needed.
                    None => Item::Set { keyword, arguments: Vec::new(), place },
                },
            });
        }
        Ok(items)
    }

    fn include(
        &self,
        patterns: &[String],
        place: &Place,
        depth: usize,
    ) -> Result<Vec<Vec<Item>>, ConnectError> {
        if depth >= DEPTH {
            return Err(place.error("too many files include each other"));
        }
        let system = Path::new("/etc/ssh");
        let base: PathBuf =
            if place.file.starts_with(system) { system.into() } else { self.home.join(".ssh") };
        let mut files = Vec::new();
        for pattern in patterns {
            let path = match pattern.strip_prefix("~/") {
                Some(rest) => self.home.join(rest),
                None => base.join(pattern),
            };
            for file in include::expand(&path) {
                files.push(self.nested(&file, depth + 1)?);
            }
        }
        Ok(files)
    }
}

fn non_empty(arguments: Vec<String>, place: &Place) -> Result<Vec<String>, ConnectError> {
    if arguments.is_empty() { Err(place.error("an argument is missing")) } else { Ok(arguments) }
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

/// The keyword in lower case, and what stands behind the blanks or the one `=` after it.
fn split_keyword(line: &str) -> Option<(String, &str)> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let (keyword, rest) = match line.strip_prefix('"').and_then(|quoted| quoted.split_once('"')) {
        Some(parts) => parts,
        None => line.split_at(line.find(|c: char| c.is_ascii_whitespace() || c == '=').unwrap_or(line.len())),
    };
    let rest = rest.trim_start();
    Some((keyword.to_ascii_lowercase(), rest.strip_prefix('=').unwrap_or(rest).trim_start()))
}

/// Words as OpenSSH splits them: quotes of both kinds, `\` before a quote, a blank or itself, `#` before a word ends the line. `None`: a quote is not closed.
fn words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut chars = text.chars().peekable();
    loop {
        while chars.next_if(char::is_ascii_whitespace).is_some() {}
        match chars.peek() {
            None | Some('#') => return Some(words),
            Some(_) => {}
        }
        let mut word = String::new();
        let mut quote = None;
        while let Some(c) = chars.next_if(|c| quote.is_some() || !c.is_ascii_whitespace()) {
            match c {
                '\\' if chars.peek().is_some_and(|next| escapable(*next, quote)) => word.extend(chars.next()),
                '"' | '\'' if quote.is_none() => quote = Some(c),
                _ if quote == Some(c) => quote = None,
                _ => word.push(c),
            }
        }
        if quote.is_some() {
            return None;
        }
        words.push(word);
    }
}

fn escapable(next: char, quote: Option<char>) -> bool {
    matches!(next, '"' | '\'' | '\\') || (quote.is_none() && next == ' ')
}

#[cfg(test)]
mod tests {
    use super::{split_keyword, words};

    #[test]
    fn lines_are_split_as_openssh_does() {
        let table: [(&str, &str, &[&str]); 9] = [
            ("HostName web1", "hostname", &["web1"]),
            ("\tPort=2222", "port", &["2222"]),
            ("Port = 2222 # note", "port", &["2222"]),
            ("Host  a\tb", "host", &["a", "b"]),
            ("IdentityFile \"~/my key\"", "identityfile", &["~/my key"]),
            ("IdentityFile ~/my\\ key", "identityfile", &["~/my key"]),
            ("User 'x y'z", "user", &["x yz"]),
            ("User a#b", "user", &["a#b"]),
            ("User a\\b \\\"q", "user", &["a\\b", "\"q"]),
        ];
        for (line, keyword, arguments) in table {
            let (found, rest) = split_keyword(line).unwrap();
            assert_eq!(
                (found.as_str(), words(rest).unwrap()),
                (keyword, arguments.iter().map(|a| (*a).to_owned()).collect()),
                "{line}"
            );
        }
        assert_eq!(split_keyword("  # Host x"), None);
        assert_eq!(words("\"open"), None);
    }
}
