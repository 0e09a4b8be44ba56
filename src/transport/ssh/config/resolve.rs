//! The settings of one host: what the walk found, made into what it means.
//!
//! Pure but for the answers that `Match exec` was given.

use std::net::Ipv6Addr;
use std::path::PathBuf;

use super::keywords::{Handling, KEYWORDS};
use super::parse::Item;
use super::query::{Query, Stop};
use super::settings::{
    Agent, Algorithms, Choice, Family, ForwardAgent, HostKeyRules, LoginRules, Need, SessionRules, Settings,
    Way,
};
use super::tokens::{PROXY, Tokens};
use super::values::Values;
use super::walk::Walk;
use crate::transport::ssh::pattern::matches;
use crate::transport::{ConnectError, NewKeys};

/// `options`: what shipit.toml says as after `ssh -o`; it comes before all files.
pub(super) fn resolve(options: &[Item], files: &[Vec<Item>], query: &Query<'_>) -> Result<Settings, Stop> {
    let mut walk = Walk::new(query);
    walk.items(options, true)?;
    for items in files {
        walk.items(items, true)?;
    }
    let hostname = canonical(&walk.hostname());
    if let Some(said) = walk.values.said("Hostname") {
        let text = said.arguments.concat().replace("%%", "").replace("%h", "");
        if let Some((_, token)) = text.split_once('%') {
            let token = token.chars().next().unwrap_or(' ');
            return Err(said.place.error(format!("HostName has no token %{token}: write %% for a %")).into());
        }
    }
    if walk.wants_second {
        walk.again_for(hostname.clone());
        walk.items(options, true)?;
        for items in files {
            walk.items(items, true)?;
        }
    }
    Ok(finish(walk, query, hostname)?)
}

/// Names in lower case, addresses in their shortest form.
fn canonical(host: &str) -> String {
    let (address, zone) = host.split_once('%').map_or((host, None), |(address, zone)| (address, Some(zone)));
    match (address.parse::<Ipv6Addr>(), zone) {
        (Ok(address), None) => address.to_string(),
        (Ok(address), Some(zone)) => format!("{address}%{zone}"),
        (Err(_), _) => host.to_ascii_lowercase(),
    }
}

fn finish(walk: Walk<'_>, query: &Query<'_>, hostname: String) -> Result<Settings, ConnectError> {
    let values = &walk.values;
    let tokens = walk.tokens(&hostname);
    if let Some(said) = values.said("RefuseConnection") {
        return Err(ConnectError::RefusedByConfig {
            host: query.host.to_owned(),
            text: said.arguments.join(" "),
            file: said.place.file.to_path_buf(),
            line: said.place.line,
        });
    }
    let mut needs = walk.needs.clone();
    needs.extend(KEYWORDS.iter().filter_map(|keyword| match keyword.handling {
        Handling::OpenSsh(_, holds) if holds(values) => {
            let place = values.said(keyword.name)?.place.clone();
            Some(Need { keyword: keyword.name.to_owned(), place, known: true })
        }
        _ => None,
    }));
    Ok(Settings {
        asked: query.host.to_owned(),
        user: walk.user().to_owned(),
        port: walk.port(),
        way: way(values, &tokens)?,
        trust: trust(values, &tokens)?,
        login: login(values, &tokens)?,
        algorithms: algorithms(values),
        session: session(values, &tokens)?,
        needs_openssh: needs,
        hostname: hostname.clone(),
    })
}

fn way(values: &Values, tokens: &Tokens<'_>) -> Result<Way, ConnectError> {
    let expanded = |keyword: &str| match values.said(keyword) {
        Some(said) if !said.arguments.concat().eq_ignore_ascii_case("none") => tokens
            .expand(&said.arguments.concat(), PROXY)
            .map(Some)
            .map_err(|reason| said.place.error(reason)),
        _ => Ok(None),
    };
    let jumps = expanded("ProxyJump")?.unwrap_or_default();
    Ok(Way {
        jumps: jumps.split(',').map(|hop| hop.trim().to_owned()).filter(|hop| !hop.is_empty()).collect(),
        proxy_command: expanded("ProxyCommand")?,
        family: match values.first("AddressFamily").map(str::to_ascii_lowercase).as_deref() {
            Some("inet") => Family::V4,
            Some("inet6") => Family::V6,
            _ => Family::Any,
        },
        bind_address: values.text("BindAddress"),
        bind_interface: values.text("BindInterface"),
        connect_timeout: values.time("ConnectTimeout").filter(|time| !time.is_zero()),
        attempts: values.number("ConnectionAttempts", 1).max(1),
        alive_interval: values.time("ServerAliveInterval").filter(|time| !time.is_zero()),
        alive_count: values.number("ServerAliveCountMax", 3),
        tcp_keepalive: values.flag("TCPKeepAlive", true),
        compression: values.yes("Compression"),
    })
}

fn trust(values: &Values, tokens: &Tokens<'_>) -> Result<HostKeyRules, ConnectError> {
    let checking = values.first("StrictHostKeyChecking").map(str::to_ascii_lowercase);
    Ok(HostKeyRules {
        user_files: values.known_hosts("UserKnownHostsFile", |text| tokens.path(text))?,
        // Tokens are not for this one.
        global_files: values
            .known_hosts("GlobalKnownHostsFile", |text| tokens.at_home(text).map(PathBuf::from))?,
        alias: values.first("HostKeyAlias").map(str::to_ascii_lowercase),
        new_keys: match checking.as_deref() {
            None | Some("ask") => NewKeys::Ask,
            Some("yes" | "true") => NewKeys::Refuse,
            Some(_) => NewKeys::Accept,
        },
        hashed: values.yes("HashKnownHosts"),
    })
}

fn login(values: &Values, tokens: &Tokens<'_>) -> Result<LoginRules, ConnectError> {
    let public_key = values.first("PubkeyAuthentication").map(str::to_ascii_lowercase);
    Ok(LoginRules {
        identity_files: values.files("IdentityFile", tokens)?,
        identities_set: !values.every("IdentityFile").is_empty(),
        identities_only: values.yes("IdentitiesOnly"),
        certificates: values.files("CertificateFile", tokens)?,
        agent: agent(values, tokens)?,
        preferred: values.list("PreferredAuthentications"),
        public_key: !matches!(public_key.as_deref(), Some("no" | "false")),
        password: values.flag("PasswordAuthentication", true),
        keyboard: values.flag("KbdInteractiveAuthentication", true),
        prompts: values.number("NumberOfPasswordPrompts", 3),
        batch: values.yes("BatchMode"),
    })
}

fn agent(values: &Values, tokens: &Tokens<'_>) -> Result<Agent, ConnectError> {
    let Some(said) = values.said("IdentityAgent") else { return Ok(Agent::Session) };
    match said.arguments.concat().as_str() {
        none if none.eq_ignore_ascii_case("none") => Ok(Agent::None),
        "SSH_AUTH_SOCK" | "$SSH_AUTH_SOCK" | "${SSH_AUTH_SOCK}" => Ok(Agent::Session),
        text => match socket(text, tokens) {
            Ok(Some(path)) => Ok(Agent::Socket(path)),
            // As ssh: `$NAME` of a variable that is not set is no agent.
            Ok(None) => Ok(Agent::None),
            Err(reason) => Err(said.place.error(reason)),
        },
    }
}

/// A path, or `$NAME`: what the variable says.
fn socket(text: &str, tokens: &Tokens<'_>) -> Result<Option<PathBuf>, String> {
    match text.strip_prefix('$').filter(|name| !name.starts_with('{')) {
        Some(name) => Ok(tokens.machine.variable(name).filter(|path| !path.is_empty()).map(PathBuf::from)),
        None => tokens.path(text).map(Some),
    }
}

fn algorithms(values: &Values) -> Algorithms {
    let choice = |keyword: &str| values.first(keyword).map(Choice::parse);
    Algorithms {
        ciphers: choice("Ciphers"),
        macs: choice("MACs"),
        kex: choice("KexAlgorithms"),
        host_keys: choice("HostKeyAlgorithms"),
        user_keys: choice("PubkeyAcceptedAlgorithms"),
        authorities: choice("CASignatureAlgorithms"),
        rsa_bits: values.number("RequiredRSASize", 1024).max(1024),
    }
}

fn session(values: &Values, tokens: &Tokens<'_>) -> Result<SessionRules, ConnectError> {
    let forward_agent = match values.said("ForwardAgent") {
        None => ForwardAgent::No,
        Some(said) => match said.arguments.concat() {
            yes if ["yes", "true"].contains(&yes.to_ascii_lowercase().as_str()) => ForwardAgent::Yes,
            no if ["no", "false"].contains(&no.to_ascii_lowercase().as_str()) => ForwardAgent::No,
            text => match socket(&text, tokens).map_err(|reason| said.place.error(reason))? {
                Some(path) => ForwardAgent::Socket(path),
                None => ForwardAgent::No,
            },
        },
    };
    Ok(SessionRules { variables: variables(values, tokens), forward_agent })
}

fn variables(values: &Values, tokens: &Tokens<'_>) -> Vec<(String, String)> {
    let mut patterns: Vec<&str> = Vec::new();
    for pattern in values.all("SendEnv") {
        match pattern.strip_prefix('-') {
            Some(gone) => patterns.retain(|pattern| !matches(gone, pattern)),
            None => patterns.push(pattern),
        }
    }
    let wanted = |name: &str| patterns.iter().any(|pattern| matches(pattern, name));
    let sent = tokens.machine.variables.iter().filter(|(name, _)| wanted(name)).cloned();
    let set = values.all("SetEnv").filter_map(|pair| pair.split_once('='));
    sent.chain(set.map(|(name, value)| (name.to_owned(), value.to_owned()))).collect()
}
