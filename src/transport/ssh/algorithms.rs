//! The session's settings: algorithms in order of preference, windows, keepalives.
//!
//! Pure. Where a figure is not the library's default the reason stands beside it.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use russh::client::Config;
use russh::keys::{Algorithm, EcdsaCurve, HashAlg};
use russh::{Limits, Preferred, SshId, cipher, kex};

use super::Options;

/// AES-GCM costs half of ChaCha20 where the CPU has AES.
const CIPHERS: &[cipher::Name] = &[
    cipher::AES_128_GCM,
    cipher::AES_256_GCM,
    cipher::CHACHA20_POLY1305,
    cipher::AES_256_CTR,
    cipher::AES_192_CTR,
    cipher::AES_128_CTR,
];

/// For hosts in FIPS mode; the library has them, but not in its default.
const MORE_KEX: [kex::Name; 3] = [kex::ECDH_SHA2_NISTP256, kex::ECDH_SHA2_NISTP384, kex::ECDH_SHA2_NISTP521];

/// A session with a server whose keys of the types `known` would be trusted.
pub(super) fn config(options: &Options, known: &[Algorithm]) -> Arc<Config> {
    let mut kex = Preferred::DEFAULT.kex.to_vec();
    // The pseudo names at the end (strict kex, EXT_INFO) are taken out before choosing, wherever they stand.
    kex.extend(MORE_KEX);
    Arc::new(Config {
        client_id: SshId::Standard(Cow::Owned(format!("SSH-2.0-shipit_{}", options.version))),
        nodelay: true,
        window_size: 4 << 20,
        maximum_packet_size: 32 << 10,
        channel_buffer_size: 256,
        keepalive_interval: Some(options.keepalive),
        keepalive_max: 3,
        // Never start a rekey: one that meets full channels ends the connection (russh 0.65). The server's are handled.
        limits: Limits {
            rekey_write_limit: 1 << 36,
            rekey_read_limit: 1 << 36,
            rekey_time_limit: Duration::from_secs(24 * 60 * 60),
        },
        preferred: Preferred {
            kex: Cow::Owned(kex),
            key: Cow::Owned(host_keys(known)),
            cipher: Cow::Borrowed(CIPHERS),
            ..Preferred::DEFAULT
        },
        ..Config::default()
    })
}

/// Known types first, else the server may show a key that cannot be checked; never RSA with SHA-1.
fn host_keys(known: &[Algorithm]) -> Vec<Algorithm> {
    let ecdsa = |curve| Algorithm::Ecdsa { curve };
    let all = [
        Algorithm::Ed25519,
        ecdsa(EcdsaCurve::NistP256),
        ecdsa(EcdsaCurve::NistP384),
        ecdsa(EcdsaCurve::NistP521),
        Algorithm::Rsa { hash: Some(HashAlg::Sha512) },
        Algorithm::Rsa { hash: Some(HashAlg::Sha256) },
    ];
    let rsa = |algorithm: &Algorithm| matches!(algorithm, Algorithm::Rsa { .. });
    let is_known = |algorithm: &Algorithm| known.iter().any(|k| k == algorithm || (rsa(k) && rsa(algorithm)));
    let (mut first, rest): (Vec<_>, Vec<_>) = all.into_iter().partition(is_known);
    first.extend(rest);
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_types_come_first_and_sha1_never() {
        assert_eq!(host_keys(&[]).first(), Some(&Algorithm::Ed25519));
        let keys = host_keys(&[Algorithm::Rsa { hash: None }]);
        assert_eq!(keys.first(), Some(&Algorithm::Rsa { hash: Some(HashAlg::Sha512) }));
        assert_eq!(keys.len(), 6);
        assert!(!keys.contains(&Algorithm::Rsa { hash: None }));
    }

    #[test]
    fn strict_key_exchange_stays_on() {
        let config = config(&Options::new("/".into(), "u".into()), &[]);
        assert!(config.preferred.kex.contains(&kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT));
        assert!(config.preferred.kex.contains(&kex::EXTENSION_SUPPORT_AS_CLIENT));
    }
}
