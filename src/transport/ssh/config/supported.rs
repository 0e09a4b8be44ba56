//! The algorithms of the built-in client by name, those that are only used where they are asked for behind the others. A test in
//! `algorithms` compares them with the library's.

/// AES-GCM costs half of ChaCha20 where the CPU has AES.
pub(in crate::transport::ssh) const CIPHERS: &[&str] = &[
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
    "aes256-ctr",
    "aes192-ctr",
    "aes128-ctr",
];
pub(in crate::transport::ssh) const OLD_CIPHERS: &[&str] = &["aes256-cbc", "aes192-cbc", "aes128-cbc"];

/// The last three are for hosts in FIPS mode.
pub(in crate::transport::ssh) const KEX: &[&str] = &[
    "mlkem768x25519-sha256",
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "diffie-hellman-group-exchange-sha256",
    "diffie-hellman-group18-sha512",
    "diffie-hellman-group17-sha512",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group15-sha512",
    "diffie-hellman-group14-sha256",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
];
pub(in crate::transport::ssh) const OLD_KEX: &[&str] =
    &["diffie-hellman-group-exchange-sha1", "diffie-hellman-group14-sha1", "diffie-hellman-group1-sha1"];

pub(in crate::transport::ssh) const MACS: &[&str] =
    &["hmac-sha2-512-etm@openssh.com", "hmac-sha2-256-etm@openssh.com", "hmac-sha2-512", "hmac-sha2-256"];
pub(in crate::transport::ssh) const OLD_MACS: &[&str] = &["hmac-sha1-etm@openssh.com", "hmac-sha1"];

pub(in crate::transport::ssh) const HOST_KEYS: &[&str] = &[
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
];
/// RSA with SHA-1.
pub(in crate::transport::ssh) const OLD_HOST_KEYS: &[&str] = &["ssh-rsa"];

/// What a choice leaves of the algorithms that there are.
pub(in crate::transport::ssh) fn chosen<'a>(
    choice: Option<&'a super::Choice>,
    usual: &[&'a str],
    old: &[&'a str],
) -> Vec<&'a str> {
    let Some(choice) = choice else { return usual.to_vec() };
    let mut list = choice.of(usual);
    list.retain(|name| usual.contains(name) || old.contains(name));
    list
}
