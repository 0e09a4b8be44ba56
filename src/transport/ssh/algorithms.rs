//! The session's settings: algorithms in order of preference, windows, keepalives.
//!
//! Pure. Where a figure is not the library's default the reason stands beside it.

use std::borrow::Cow;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use russh::client::Config;
use russh::keys::Algorithm;
use russh::{Limits, Preferred, SshId, cipher, compression, kex, mac};

use super::Options;
use super::config::{Choice, Settings, supported};
use super::trust::Trust;

/// How long a connection may be silent, in times of `ServerAliveInterval`, where ssh_config says nothing.
const UNANSWERED: usize = 3;

/// A session with the host of `settings`, of which `trust` is known.
pub(super) fn config(options: &Options, settings: &Settings, trust: &Trust) -> Arc<Config> {
    let way = &settings.way;
    Arc::new(Config {
        client_id: SshId::Standard(Cow::Owned(format!("SSH-2.0-shipit_{}", options.version))),
        nodelay: true,
        window_size: 4 << 20,
        maximum_packet_size: 32 << 10,
        channel_buffer_size: 256,
        keepalive_interval: Some(way.alive_interval.unwrap_or(options.keepalive)),
        keepalive_max: match way.alive_interval {
            Some(_) => way.alive_count.try_into().unwrap_or(usize::MAX),
            None => UNANSWERED,
        },
        // Never start a rekey: one that meets full channels ends the connection (russh 0.65). The server's are handled.
        limits: Limits {
            rekey_write_limit: 1 << 36,
            rekey_read_limit: 1 << 36,
            rekey_time_limit: Duration::from_secs(24 * 60 * 60),
        },
        preferred: preferred(settings, trust),
        ..Config::default()
    })
}

fn preferred(settings: &Settings, trust: &Trust) -> Preferred {
    use supported::{CIPHERS, KEX, MACS, OLD_CIPHERS, OLD_KEX, OLD_MACS, chosen};
    let all = &settings.algorithms;
    let kex = chosen(all.kex.as_ref(), KEX, OLD_KEX).into_iter();
    let mut kex: Vec<kex::Name> = kex.filter_map(|name| kex::Name::try_from(name).ok()).collect();
    // Without these pseudo names strict key exchange and EXT_INFO are off. They are taken out before choosing, wherever they stand.
    kex.extend([kex::EXTENSION_SUPPORT_AS_CLIENT, kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT]);
    let ciphers = chosen(all.ciphers.as_ref(), CIPHERS, OLD_CIPHERS).into_iter();
    let macs = chosen(all.macs.as_ref(), MACS, OLD_MACS).into_iter();
    let packed: &[compression::Name] = match settings.way.compression {
        true => &[compression::ZLIB_LEGACY, compression::NONE],
        false => &[compression::NONE, compression::ZLIB_LEGACY],
    };
    Preferred {
        kex: Cow::Owned(kex),
        key: Cow::Owned(host_keys(all.host_keys.as_ref(), &trust.algorithms())),
        host_key_certificates: Cow::Owned(certificates(all.host_keys.as_ref(), trust)),
        cipher: Cow::Owned(ciphers.filter_map(|name| cipher::Name::try_from(name).ok()).collect()),
        mac: Cow::Owned(macs.filter_map(|name| mac::Name::try_from(name).ok()).collect()),
        compression: Cow::Borrowed(packed),
    }
}

/// Known types first, else the server may show a key that cannot be checked; RSA with SHA-1 only where it is asked for. An order
/// that was asked for stays.
fn host_keys(choice: Option<&Choice>, known: &[Algorithm]) -> Vec<Algorithm> {
    let names = supported::chosen(choice, supported::HOST_KEYS, supported::OLD_HOST_KEYS);
    let all = names.into_iter().filter_map(|name| Algorithm::from_str(name).ok());
    if matches!(choice, Some(Choice::Only(_) | Choice::First(_))) {
        return all.collect();
    }
    let rsa = |algorithm: &Algorithm| matches!(algorithm, Algorithm::Rsa { .. });
    let is_known = |algorithm: &Algorithm| known.iter().any(|k| k == algorithm || (rsa(k) && rsa(algorithm)));
    let (mut first, rest): (Vec<_>, Vec<_>) = all.partition(is_known);
    first.extend(rest);
    first
}

/// Only where one could be trusted: a server that has a certificate shows it in the place of its key.
fn certificates(choice: Option<&Choice>, trust: &Trust) -> Vec<Algorithm> {
    if !trust.has_authority() {
        return Vec::new();
    }
    let all: Vec<Algorithm> = host_keys(None, &[]);
    let names: Vec<String> = all.iter().map(Algorithm::to_certificate_type).collect();
    let usual: Vec<&str> = names.iter().map(String::as_str).collect();
    let chosen = supported::chosen(choice, &usual, &[]);
    let is_chosen = |algorithm: &Algorithm| chosen.contains(&algorithm.to_certificate_type().as_str());
    all.into_iter().filter(is_chosen).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use russh::keys::{EcdsaCurve, HashAlg};

    use super::supported::{CIPHERS, HOST_KEYS, KEX, MACS, OLD_CIPHERS, OLD_HOST_KEYS, OLD_KEX, OLD_MACS};
    use super::*;

    #[test]
    fn known_types_come_first_and_sha1_only_where_it_is_asked_for() {
        assert_eq!(host_keys(None, &[]).first(), Some(&Algorithm::Ed25519));
        let rsa = |hash| Algorithm::Rsa { hash };
        let keys = host_keys(None, &[rsa(None)]);
        assert_eq!(keys.first(), Some(&rsa(Some(HashAlg::Sha512))));
        assert_eq!(keys.len(), 6);
        assert!(!keys.contains(&rsa(None)));
        let old = Choice::And(vec!["ssh-rsa".into()]);
        assert_eq!(host_keys(Some(&old), &[]).last(), Some(&rsa(None)));
        let only = Choice::Only(vec!["ecdsa-sha2-nistp256".into(), "ssh-ed25519".into()]);
        let curve = EcdsaCurve::NistP256;
        assert_eq!(host_keys(Some(&only), &[Algorithm::Ed25519])[0], Algorithm::Ecdsa { curve });
    }

    fn names<'a>(all: impl Iterator<Item = &'a str>, but: &[&str]) -> BTreeSet<String> {
        all.filter(|name| !but.contains(name)).map(str::to_owned).collect()
    }

    #[test]
    fn the_names_are_the_librarys() {
        let ours = |usual: &[&str], old: &[&str]| names(usual.iter().chain(old).copied(), &[]);
        let ciphers = names(cipher::ALL_CIPHERS.iter().map(|name| name.as_ref()), &["clear", "none"]);
        assert_eq!(ours(CIPHERS, OLD_CIPHERS), ciphers);
        let macs = names(mac::ALL_MAC_ALGORITHMS.iter().map(|name| name.as_ref()), &["none"]);
        assert_eq!(ours(MACS, OLD_MACS), macs);
        let kexes = names(kex::ALL_KEX_ALGORITHMS.iter().map(|name| name.as_ref()), &["none"]);
        assert_eq!(ours(KEX, OLD_KEX), kexes);
        for name in HOST_KEYS.iter().chain(OLD_HOST_KEYS) {
            assert_eq!(Algorithm::from_str(name).unwrap().as_str(), *name);
        }
    }
}
