//! What is known about one host's keys, and the verdict on the key or certificate that its server shows; as OpenSSH judges with
//! `StrictHostKeyChecking yes`.
//!
//! Pure. A key that stands in no file is not trusted, a revoked one never, whatever else names it. A certificate that
//! is not good is no worse than none: the key in it may still be known by itself.

use std::path::PathBuf;
use std::rc::Rc;

use russh::keys::ssh_key::certificate::CertType;
use russh::keys::{Algorithm, Certificate, HashAlg, PublicKey};

use super::known_hosts::{Kind, Known, KnownHosts, name};

/// With which an authority may sign: OpenSSH's default of `CASignatureAlgorithms`, so never with SHA-1.
pub(super) const AUTHORITY_ALGORITHMS: [&str; 8] = [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "rsa-sha2-512",
    "rsa-sha2-256",
];

/// What is known about one host's keys.
#[derive(Debug, Clone, Default)]
pub(super) struct Trust {
    pinned: Option<String>,
    named: Vec<Known>,
    /// Entries without a port for a host on another one: they can vouch for a key, not contradict it.
    bare: Vec<Known>,
    /// The name that a certificate has to be for.
    principal: String,
    /// With which its authority may have signed it.
    authority_algorithms: Vec<String>,
    /// `RequiredRSASize`: an RSA key of fewer bits is not trusted, whoever knows it.
    least_rsa_bits: u32,
}

/// The answer about a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Trusted,
    Unknown,
    /// `known`: the fingerprint of the key that stands there.
    Changed {
        file: PathBuf,
        line: usize,
        known: String,
    },
    Revoked {
        file: PathBuf,
        line: usize,
    },
    NotPinned {
        pinned: String,
    },
    /// An RSA key of fewer bits than `least`.
    Short {
        bits: u32,
        least: u32,
    },
}

/// Under which name a host is looked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    /// `HostName`
    pub(super) host: &'a str,
    pub(super) port: u16,
    /// `HostKeyAlias`, which has no port.
    pub(super) alias: Option<&'a str>,
}

impl Subject<'_> {
    /// As known_hosts has it.
    pub(super) fn name(&self) -> String {
        self.alias.map_or_else(|| name(self.host, self.port), str::to_ascii_lowercase)
    }
}

impl Trust {
    /// Only this key (`SHA256:…`) will do; no file is asked.
    pub(super) fn pinned(fingerprint: &str) -> Self {
        Self { pinned: Some(fingerprint.to_owned()), ..Self::default() }
    }

    /// What `files` say of a host.
    pub(super) fn of(files: &[Rc<KnownHosts>], subject: Subject<'_>) -> Self {
        let all = |name: &str| files.iter().flat_map(|file| file.known(name).collect::<Vec<_>>()).collect();
        let bare = match (subject.alias, subject.port) {
            (Some(_), _) | (None, 22) => Vec::new(),
            (None, _) => all(&subject.host.to_ascii_lowercase()),
        };
        Self {
            pinned: None,
            named: all(&subject.name()),
            bare,
            principal: subject.alias.map_or_else(|| subject.host.to_ascii_lowercase(), str::to_owned),
            authority_algorithms: AUTHORITY_ALGORITHMS.map(str::to_owned).to_vec(),
            least_rsa_bits: 0,
        }
    }

    pub(super) fn with_least_rsa_bits(mut self, bits: u32) -> Self {
        self.least_rsa_bits = bits;
        self
    }

    /// With other algorithms for authorities (`CASignatureAlgorithms`).
    pub(super) fn with_authority_algorithms(mut self, names: &[&str]) -> Self {
        self.authority_algorithms = names.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    /// Whether nothing at all is known.
    pub(super) fn is_empty(&self) -> bool {
        self.pinned.is_none() && self.named.is_empty() && self.bare.is_empty()
    }

    fn all(&self) -> impl Iterator<Item = &Known> {
        self.named.iter().chain(&self.bare)
    }

    /// The key types that could be trusted: to be asked for first, so that the server shows one of them.
    pub(super) fn algorithms(&self) -> Vec<Algorithm> {
        let usable = |known: &&Known| known.kind == Kind::Host && self.revoked(&known.key).is_none();
        self.all().filter(usable).map(|known| known.key.algorithm()).collect()
    }

    /// Whether a certificate could be trusted: then it is asked for.
    pub(super) fn has_authority(&self) -> bool {
        self.all().any(|known| known.kind == Kind::Authority)
    }

    /// Whether `key` is the host's.
    pub(super) fn verdict(&self, key: &PublicKey) -> Verdict {
        if let Some(short) = self.short(key) {
            return short;
        }
        if let Some(pinned) = &self.pinned {
            let found = key.fingerprint(HashAlg::Sha256).to_string();
            return match found == pinned.trim_end_matches('=') {
                true => Verdict::Trusted,
                false => Verdict::NotPinned { pinned: pinned.clone() },
            };
        }
        if let Some(known) = self.revoked(key) {
            return Verdict::Revoked { file: known.file.clone(), line: known.line };
        }
        if self.all().any(|known| known.kind == Kind::Host && same(&known.key, key)) {
            return Verdict::Trusted;
        }
        let other = |known: &&Known| known.kind == Kind::Host && known.key.algorithm() == key.algorithm();
        match self.named.iter().find(other) {
            Some(Known { key, file, line, .. }) => {
                let known = key.fingerprint(HashAlg::Sha256).to_string();
                Verdict::Changed { file: file.clone(), line: *line, known }
            }
            None => Verdict::Unknown,
        }
    }

    /// The same of a certificate at `now`, in seconds since 1970. If it is not good: why, and the verdict on the key in it.
    pub(super) fn verdict_on_certificate(
        &self,
        certificate: &Certificate,
        now: u64,
    ) -> (Verdict, Option<String>) {
        let authority = PublicKey::new(certificate.signature_key().clone(), "");
        let key = PublicKey::new(certificate.public_key().clone(), "");
        if let Some(short) = self.short(&key).or_else(|| self.short(&authority)) {
            return (short, None);
        }
        if let Some(known) = self.revoked(&authority).or_else(|| self.revoked(&key)) {
            return (Verdict::Revoked { file: known.file.clone(), line: known.line }, None);
        }
        match self.fault(certificate, &authority, now) {
            None => (Verdict::Trusted, None),
            Some(fault) => (self.verdict(&key), Some(fault)),
        }
    }

    /// Why a certificate is not good.
    fn fault(&self, certificate: &Certificate, authority: &PublicKey, now: u64) -> Option<String> {
        let is_authority = |known: &Known| known.kind == Kind::Authority && same(&known.key, authority);
        let algorithm = certificate.signature().algorithm();
        let names = certificate.valid_principals();
        Some(if !self.all().any(is_authority) {
            let fingerprint = authority.fingerprint(HashAlg::Sha256);
            format!("its authority {fingerprint} is in no @cert-authority line for this host")
        } else if certificate.cert_type() != CertType::Host {
            "it is one for users, not for hosts".to_owned()
        } else if !self.authority_algorithms.iter().any(|name| *name == algorithm.as_str()) {
            format!("it is signed with {algorithm}, which is not allowed")
        } else if certificate.verify_signature().is_err() {
            "its signature is wrong".to_owned()
        } else if now < certificate.valid_after() {
            "it is not valid yet".to_owned()
        } else if now >= certificate.valid_before() {
            "it has expired".to_owned()
        } else if !names.is_empty() && !names.contains(&self.principal) {
            format!("it is for {}, not for {}", names.join(", "), self.principal)
        } else if !certificate.critical_options().is_empty() {
            "it has critical options, which no host certificate may have".to_owned()
        } else {
            return None;
        })
    }

    fn short(&self, key: &PublicKey) -> Option<Verdict> {
        let bits = key.key_data().rsa()?.key_size();
        (bits < self.least_rsa_bits).then_some(Verdict::Short { bits, least: self.least_rsa_bits })
    }

    fn revoked(&self, key: &PublicKey) -> Option<&Known> {
        self.all().find(|known| known.kind == Kind::Revoked && same(&known.key, key))
    }
}

/// Whatever their comments.
fn same(one: &PublicKey, other: &PublicKey) -> bool {
    one.key_data() == other.key_data()
}

#[cfg(test)]
#[path = "trust_tests.rs"]
mod tests;
