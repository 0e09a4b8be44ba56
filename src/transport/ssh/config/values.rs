//! The values of ssh_config keywords, from text to what they mean.

use std::path::PathBuf;

use super::parse::Place;
use super::tokens::Tokens;
use crate::transport::{ConnectError, NewKeys};

/// `IdentityAgent`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::transport::ssh) enum Agent {
    /// Not set, or `SSH_AUTH_SOCK`: the agent of the operator's session.
    Session,
    /// `none`
    None,
    /// A socket.
    Socket(PathBuf),
}

/// A value and where it stands, so that a mistake found late still has its line.
pub(super) type Said<T> = Option<(T, Place)>;

/// What stands between us and the host.
pub(super) enum Proxy {
    None,
    Jump(String),
    Command,
}

pub(super) fn port(text: &str, place: &Place) -> Result<u16, ConnectError> {
    text.parse().ok().filter(|port| *port != 0).ok_or_else(|| place.error(format!("{text} is not a port")))
}

pub(super) fn yes_no(keyword: &str, text: &str, place: &Place) -> Result<bool, ConnectError> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "true" => Ok(true),
        "no" | "false" => Ok(false),
        _ => Err(place.error(format!("{keyword} is yes or no, not {text}"))),
    }
}

/// `StrictHostKeyChecking`.
pub(super) fn new_keys(text: &str, place: &Place) -> Result<NewKeys, ConnectError> {
    match text.to_ascii_lowercase().as_str() {
        "ask" => Ok(NewKeys::Ask),
        "yes" | "true" => Ok(NewKeys::Refuse),
        "accept-new" | "no" | "off" | "false" => Ok(NewKeys::Accept),
        _ => Err(place.error(format!("StrictHostKeyChecking is yes, no, ask or accept-new, not {text}"))),
    }
}

fn file(text: &str, place: &Place, tokens: &Tokens<'_>) -> Result<PathBuf, ConnectError> {
    tokens.path(text).map(PathBuf::from).map_err(|reason| place.error(reason))
}

pub(super) fn identity_files(
    said: Vec<(String, Place)>,
    tokens: &Tokens<'_>,
) -> Result<Vec<PathBuf>, ConnectError> {
    let mut files = Vec::new();
    for (text, place) in said.iter().filter(|(text, _)| !text.eq_ignore_ascii_case("none")) {
        let path = file(text, place, tokens)?;
        if !files.contains(&path) {
            files.push(path);
        }
    }
    Ok(files)
}

pub(super) fn agent(said: Said<String>, tokens: &Tokens<'_>) -> Result<Agent, ConnectError> {
    match said {
        None => Ok(Agent::Session),
        Some((text, _)) if text.eq_ignore_ascii_case("none") => Ok(Agent::None),
        Some((text, _)) if text.trim_start_matches('$') == "SSH_AUTH_SOCK" => Ok(Agent::Session),
        Some((text, place)) if text.starts_with('$') => {
            Err(place.error(format!("{text}: only $SSH_AUTH_SOCK is supported here")))
        }
        Some((text, place)) => file(&text, &place, tokens).map(Agent::Socket),
    }
}

/// The jump hosts, or where a `ProxyCommand` stands.
pub(super) type Way = (Vec<String>, Option<(PathBuf, usize)>);

pub(super) fn proxy(said: Said<Proxy>, tokens: &Tokens<'_>) -> Result<Way, ConnectError> {
    match said {
        None | Some((Proxy::None, _)) => Ok((Vec::new(), None)),
        Some((Proxy::Command, place)) => Ok((Vec::new(), Some((place.file.to_path_buf(), place.line)))),
        Some((Proxy::Jump(text), place)) => {
            let text = tokens.expand(&text).map_err(|reason| place.error(reason))?;
            Ok((text.split(',').map(|hop| hop.trim().to_owned()).collect(), None))
        }
    }
}

pub(super) fn file_list(
    said: Said<Vec<String>>,
    tokens: &Tokens<'_>,
) -> Result<Option<Vec<PathBuf>>, ConnectError> {
    let Some((texts, place)) = said else { return Ok(None) };
    if matches!(texts.as_slice(), [only] if only.eq_ignore_ascii_case("none")) {
        return Ok(Some(Vec::new()));
    }
    texts.iter().map(|text| file(text, &place, tokens)).collect::<Result<_, _>>().map(Some)
}
