//! Where a keyword asks for what only OpenSSH's client can do. Pure.

use super::Choice;
use super::supported;
use super::values::Values;

/// Host, Match and Include: what they ask for is found while they are read.
pub(super) fn never(_: &Values) -> bool {
    false
}

fn unless_none(values: &Values, keyword: &str) -> bool {
    values.first(keyword).is_some_and(|value| !value.eq_ignore_ascii_case("none"))
}

/// `%` and `${…}` in values where OpenSSH began to expand them after it had taken them literally for years.
fn expands(text: &str) -> bool {
    text.contains('%') || text.contains("${")
}

pub(super) fn user_expands(values: &Values) -> bool {
    values.first("User").is_some_and(expands)
}

pub(super) fn set_env_expands(values: &Values) -> bool {
    values.all("SetEnv").any(expands)
}

pub(super) fn fdpass(values: &Values) -> bool {
    values.yes("ProxyUseFdpass") && unless_none(values, "ProxyCommand")
}

pub(super) fn canonicalizes(values: &Values) -> bool {
    values.yes("CanonicalizeHostname")
        || values.first("CanonicalizeHostname").is_some_and(|value| value.eq_ignore_ascii_case("always"))
}

pub(super) fn cnames(values: &Values) -> bool {
    unless_none(values, "CanonicalizePermittedCNAMEs")
}

pub(super) fn host_ip(values: &Values) -> bool {
    values.yes("CheckHostIP")
}

pub(super) fn known_hosts_command(values: &Values) -> bool {
    unless_none(values, "KnownHostsCommand")
}

pub(super) fn revoked_host_keys(values: &Values) -> bool {
    unless_none(values, "RevokedHostKeys")
}

pub(super) fn dns(values: &Values) -> bool {
    let no = |value: &str| value.eq_ignore_ascii_case("no") || value.eq_ignore_ascii_case("false");
    values.first("VerifyHostKeyDNS").is_some_and(|value| !no(value))
}

pub(super) fn localhost(values: &Values) -> bool {
    values.yes("NoHostAuthenticationForLocalhost")
}

pub(super) fn pkcs11(values: &Values) -> bool {
    unless_none(values, "PKCS11Provider")
}

pub(super) fn security_key(values: &Values) -> bool {
    let built_in = |value: &str| value.eq_ignore_ascii_case("internal") || value == "$SSH_SK_PROVIDER";
    values.first("SecurityKeyProvider").is_some_and(|value| !built_in(value))
}

/// Whether a choice leaves none of the algorithms that the built-in client has.
fn lacks(values: &Values, keyword: &str, usual: &[&str], old: &[&str]) -> bool {
    let choice = values.first(keyword).map(Choice::parse);
    choice.is_some() && supported::chosen(choice.as_ref(), usual, old).is_empty()
}

pub(super) fn ciphers(values: &Values) -> bool {
    lacks(values, "Ciphers", supported::CIPHERS, supported::OLD_CIPHERS)
}

pub(super) fn kex(values: &Values) -> bool {
    lacks(values, "KexAlgorithms", supported::KEX, supported::OLD_KEX)
}

/// AES-GCM and ChaCha20 need none.
pub(super) fn macs(values: &Values) -> bool {
    lacks(values, "MACs", supported::MACS, supported::OLD_MACS)
}

/// Those of certificates are not counted: they are about authorities.
pub(super) fn host_keys(values: &Values) -> bool {
    lacks(values, "HostKeyAlgorithms", supported::HOST_KEYS, supported::OLD_HOST_KEYS)
}

/// Many distributions set it for all hosts. It matters where a public key is not tried.
pub(super) fn gssapi(values: &Values) -> bool {
    let left_out = |methods: &str| !methods.split(',').any(|method| method == "publickey");
    values.yes("GSSAPIAuthentication") && values.first("PreferredAuthentications").is_some_and(left_out)
}

pub(super) fn gssapi_kex(values: &Values) -> bool {
    values.yes("GSSAPIKeyExchange")
}

pub(super) fn hostbased(values: &Values) -> bool {
    values.yes("HostbasedAuthentication")
}
