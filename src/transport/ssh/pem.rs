//! Opening private keys that have a passphrase, in every format that OpenSSH writes or read once: its own, PKCS#8, and the PEM of
//! OpenSSL (`Proc-Type: 4,ENCRYPTED`), of which the SSH library knows one cipher and RSA only.
//!
//! Pure: text and passphrase in, key out. Slow on purpose where the format is (OpenSSH's own takes a tenth of a second).

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt, KeyIvInit};
use aes::{Aes128, Aes192, Aes256};
use russh::keys::ssh_encoding::base64::{Base64, Encoding};
use russh::keys::{PrivateKey, decode_secret_key};

/// Why a key stays closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Closed {
    /// Another passphrase may open it.
    Wrong,
    /// None will: what the file uses, which is not known here.
    Unknown(String),
}

/// Whether a text is a private key with a passphrase, in one of the older formats.
pub(super) fn is_encrypted(text: &str) -> bool {
    text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED")
}

/// The key.
pub(super) fn open(text: &str, passphrase: &str) -> Result<PrivateKey, Closed> {
    if !text.contains("Proc-Type: 4,ENCRYPTED") {
        return decode_secret_key(text, Some(passphrase)).map_err(|_| Closed::Wrong);
    }
    let (label, cipher, iv, bytes) =
        parts(text).ok_or_else(|| Closed::Unknown("a damaged PEM file".to_owned()))?;
    let clear = decrypt(cipher, &iv, &bytes, passphrase)?;
    // As a key without a passphrase the library reads it, RSA as well as EC.
    let body = Base64::encode_string(&clear);
    let plain = format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n");
    decode_secret_key(&plain, None).map_err(|_| Closed::Wrong)
}

/// What stands in the file: its label, the cipher's name, the initialization vector, and what is encrypted.
fn parts(text: &str) -> Option<(&str, &str, Vec<u8>, Vec<u8>)> {
    let label = text.split_once("-----BEGIN ")?.1.split_once("-----")?.0;
    let (cipher, rest) = text.split_once("DEK-Info:")?.1.split_once(',')?;
    let (iv, rest) = rest.trim_start().split_once('\n')?;
    let body: String = rest.split_once("-----END")?.0.split_ascii_whitespace().collect();
    let digits = iv.trim().as_bytes().chunks(2);
    let iv = digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    Some((label, cipher.trim(), iv.collect::<Option<_>>()?, Base64::decode_vec(&body).ok()?))
}

fn decrypt(cipher: &str, iv: &[u8], bytes: &[u8], passphrase: &str) -> Result<Vec<u8>, Closed> {
    let salt = iv.get(..8).ok_or(Closed::Wrong)?;
    let length = match cipher {
        "AES-128-CBC" => 16,
        "AES-192-CBC" => 24,
        "AES-256-CBC" => 32,
        other => return Err(Closed::Unknown(format!("the cipher {other}"))),
    };
    let key = derived(passphrase.as_bytes(), salt, length);
    let mut clear = bytes.to_vec();
    let found = match length {
        16 => clear_text(cbc::Decryptor::<Aes128>::new_from_slices(&key, iv), &mut clear),
        24 => clear_text(cbc::Decryptor::<Aes192>::new_from_slices(&key, iv), &mut clear),
        _ => clear_text(cbc::Decryptor::<Aes256>::new_from_slices(&key, iv), &mut clear),
    };
    found.ok_or(Closed::Wrong)
}

/// None where the padding is wrong, as it is with a wrong key.
fn clear_text<E>(cipher: Result<impl BlockModeDecrypt, E>, bytes: &mut [u8]) -> Option<Vec<u8>> {
    Some(cipher.ok()?.decrypt_padded::<Pkcs7>(bytes).ok()?.to_vec())
}

/// OpenSSL's way from a passphrase to a key (`EVP_BytesToKey` with MD5, one round): the format leaves no choice.
fn derived(passphrase: &[u8], salt: &[u8], length: usize) -> Vec<u8> {
    let mut key: Vec<u8> = Vec::new();
    while key.len() < length {
        let mut digest = md5::Context::new();
        digest.consume(&key[key.len().saturating_sub(16)..]);
        digest.consume(passphrase);
        digest.consume(salt);
        key.extend_from_slice(&digest.finalize().0);
    }
    key.truncate(length);
    key
}
