//! Single values: a node of the file in, a value that cannot be bad out.
//!
//! Each reader says what it expected; none knows which key it reads for.

use std::time::Duration;

use super::file::{Node, Value};
use super::nearest::nearest;
use super::problem::{Fault, Problem};

/// A string, not empty, without control characters.
pub(super) fn line(node: &Node) -> Result<String, Problem> {
    let text = any_text(node)?;
    if text.trim().is_empty() {
        return Err(node.problem("this must not be empty"));
    }
    if text.chars().any(char::is_control) {
        return Err(node.problem("control characters are not possible here"));
    }
    Ok(text.to_owned())
}

/// Any string that can travel to a host.
pub(super) fn any_text(node: &Node) -> Result<&str, Problem> {
    match &node.value {
        Value::Text(text) if text.contains('\0') => Err(node.problem("a NUL cannot be passed to a program")),
        Value::Text(text) => Ok(text),
        _ => Err(node.expected("a string")),
    }
}

pub(super) fn flag(node: &Node) -> Result<bool, Problem> {
    match node.value {
        Value::Flag(flag) => Ok(flag),
        _ => Err(node.expected("true or false")),
    }
}

/// `roles`, and the names of apps: words of letters, digits and . _ -.
pub(super) fn roles(node: &Node) -> Result<Vec<String>, Problem> {
    list(node, |item| {
        let text = line(item)?;
        if is_plain_name(&text) {
            return Ok(text);
        }
        Err(item
            .problem(format!("`{text}` is not a valid name"))
            .help("use letters, digits and . _ - only, and start with a letter or a digit"))
    })
}

pub(super) fn is_plain_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

/// A list, or one item instead of a list of one.
pub(super) fn list<T>(node: &Node, item: impl Fn(&Node) -> Result<T, Problem>) -> Result<Vec<T>, Problem> {
    node.items().iter().map(item).collect()
}

pub(super) fn port(node: &Node) -> Result<u16, Problem> {
    match node.value {
        Value::Integer(port) => u16::try_from(port)
            .ok()
            .filter(|port| *port != 0)
            .ok_or_else(|| node.problem("a port is between 1 and 65535")),
        _ => Err(node.expected("an integer")),
    }
}

/// `keep-releases`.
pub(super) fn count(node: &Node) -> Result<u32, Problem> {
    match node.value {
        Value::Integer(count) => u32::try_from(count)
            .ok()
            .filter(|count| *count != 0)
            .ok_or_else(|| node.problem("this must be at least 1").label("the live release always stays")),
        _ => Err(node.expected("an integer")),
    }
}

/// Longer than a year is a slip, and would overflow clocks that it is added to.
pub const LONGEST: Duration = Duration::from_secs(366 * 86_400);

/// `"10s"`, `"1h30m"`, or seconds.
pub(super) fn duration(node: &Node) -> Result<Duration, Problem> {
    let found = match &node.value {
        Value::Integer(seconds) => u64::try_from(*seconds).ok().map(Duration::from_secs),
        Value::Text(text) => parse_duration(text),
        _ => return Err(node.expected("a duration like \"10s\", or seconds")),
    };
    found.filter(|found| !found.is_zero() && *found <= LONGEST).ok_or_else(|| {
        node.problem("this is not a valid duration").help(
            "write a number and ms, s, m, h or d: \"500ms\", \"10s\", \"1h30m\", \"2d\"; it must be more than 0",
        )
    })
}

/// As [`duration`], or none at all: `"0s"`, 0.
pub(super) fn pause(node: &Node) -> Result<Duration, Problem> {
    match &node.value {
        Value::Integer(0) => Ok(Duration::ZERO),
        Value::Text(text) if text.contains('0') && parse_duration(text) == Some(Duration::ZERO) => {
            Ok(Duration::ZERO)
        }
        _ => duration(node),
    }
}

/// What a text says that is a duration: of a file, and of an option. Digits alone are seconds.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    if !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()) {
        return rest.parse().ok().map(Duration::from_secs);
    }
    let mut sum = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = &rest[..rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len())];
        rest = &rest[unit.len()..];
        let milliseconds = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        sum = sum.checked_add(Duration::from_millis(number.checked_mul(milliseconds)?))?;
    }
    (!text.trim().is_empty()).then_some(sum)
}

/// What the word means that is one of these.
pub(super) fn choice<T: Copy>(node: &Node, words: &[(&'static str, T)]) -> Result<T, Problem> {
    let text = any_text(node)?;
    if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == text) {
        return Ok(*meaning);
    }
    let quoted: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
    let near = nearest(text, words.iter().map(|(word, _)| *word));
    Err(node
        .problem(format!("\"{text}\" is not one of {}", quoted.join(", ")))
        .maybe_help(near.map(|word| format!("did you mean \"{word}\"?"))))
}

/// What `git clone` takes.
pub(super) fn repository(node: &Node) -> Result<String, Problem> {
    let text = line(node)?;
    if text.starts_with('-') {
        return Err(node.problem("a repository cannot begin with `-`: git would take it for an option"));
    }
    match secret(&text) {
        Some(help) => Err(node.problem("this address contains a token or a password").help(help)),
        None => Ok(text),
    }
}

/// What to write instead of an address with a secret in it, which every process list on the hosts would show.
fn secret(repo: &str) -> Option<String> {
    const TOKENS: [&str; 9] =
        ["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "gldt-", "ATBB"];
    let (scheme, rest) = repo.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let (login, server) = authority.rsplit_once('@')?;
    let path = &rest[authority.len()..];
    if !scheme.to_ascii_lowercase().starts_with("http") {
        let (user, _) = login.split_once(':')?;
        return Some(format!(
            "ssh takes no password from an address: write \"{scheme}://{user}@{server}{path}\", and see `repo-key`"
        ));
    }
    // Nobody's name is as long as the shortest of other tokens.
    let is_token = TOKENS.iter().any(|start| login.starts_with(start)) || login.len() >= 32;
    (login.contains(':') || is_token).then(|| {
        format!(
            "leave it out, and take it from a variable of yours: repo = \"{scheme}://{server}{path}\" and \
             repo-token = \"${{GIT_TOKEN}}\""
        )
    })
}

/// `ref`.
pub(super) fn reference(node: &Node) -> Result<String, Problem> {
    let text = line(node)?;
    let fault = reference_fault(&text).map(|reason| Fault::new(format!("`{text}` is not a ref: {reason}")));
    let fault = fault.or_else(|| {
        (text == "HEAD").then(|| {
            Fault::new("`HEAD` cannot be the ref in a file").help(
                "name a branch, a tag or a commit here; `--ref HEAD` deploys the commit of this work tree",
            )
        })
    });
    match fault {
        Some(fault) => Err(fault.at(node.span.clone())),
        None => Ok(text),
    }
}

/// Why git would not have this as the name of a branch, tag or commit (the rules of `git check-ref-format`).
pub fn reference_fault(text: &str) -> Option<&'static str> {
    const NEVER: &[char] = &[' ', '~', '^', ':', '?', '*', '[', '\\'];
    if text.is_empty() {
        Some("it is empty")
    } else if text.starts_with('-') {
        Some("it begins with `-`")
    } else if text.chars().any(|c| c.is_control() || NEVER.contains(&c)) {
        Some("blanks, control characters and ~ ^ : ? * [ \\ cannot be in one")
    } else if text.contains("..") || text.contains("@{") || text == "@" {
        Some("`..`, `@{` and a bare `@` cannot be in one")
    } else if text.ends_with('.') {
        Some("it ends with a dot")
    } else if text.split('/').any(|part| part.is_empty() || part.starts_with('.') || part.ends_with(".lock"))
    {
        Some("a part between slashes is empty, begins with a dot or ends with `.lock`")
    } else {
        None
    }
}

/// `host-key`, as `ssh-keygen -l` prints it.
pub(super) fn fingerprint(node: &Node) -> Result<String, Problem> {
    let text = line(node)?;
    let base64 = |c: u8| c.is_ascii_alphanumeric() || c == b'+' || c == b'/';
    match text.strip_prefix("SHA256:") {
        Some(digest) if digest.len() == 43 && digest.bytes().all(base64) => Ok(text),
        _ => Err(node
            .problem("this is not a fingerprint of a host key")
            .help("`ssh-keygen -lf` prints it: SHA256: and 43 letters, digits, + or /")),
    }
}
