//! Values of `env` that look like secrets and stand in a file in plain text. A guess from the name and the value: it is told,
//! and nothing depends on it.

use super::variable::{EnvValue, EnvVariable, names_variable};

/// Words that a variable with a secret has in its name.
const WORDS: [&str; 10] = [
    "SECRET",
    "TOKEN",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "PASS",
    "PWD",
    "CREDENTIAL",
    "CREDENTIALS",
    "APIKEY",
];

impl EnvVariable {
    /// Whether it looks like a secret that anybody who reads the file can see.
    #[must_use]
    pub fn is_plain_secret(&self) -> bool {
        matches!(&self.value, EnvValue::Plain(text) if looks_secret(&self.name, text))
    }
}

/// Whether a text of a file looks like a secret under that name. One that names a variable of the operator is none in plain text.
pub(super) fn looks_secret(name: &str, text: &str) -> bool {
    if names_variable(text) {
        return false;
    }
    // `SESSION_TOKEN = "true"` and `PASSWORD_LENGTH = "12"` are settings.
    let setting =
        text.is_empty() || text.parse::<f64>().is_ok() || matches!(text, "true" | "false" | "yes" | "no");
    if setting {
        return false;
    }
    let name = name.to_ascii_uppercase();
    let words: Vec<&str> = name.split('_').collect();
    // A file that holds it, or where to get it.
    let elsewhere = matches!(words.last(), Some(&("FILE" | "PATH" | "DIR" | "URL" | "HEADER" | "NAME")));
    let public = words.iter().any(|word| matches!(*word, "PUBLIC" | "PUBLISHABLE"));
    let key = words.len() > 1 && words.last() == Some(&"KEY");
    let named = !elsewhere && !public && (key || words.iter().any(|word| WORDS.contains(word)));
    named || has_password(text)
}

/// An address with a password: `postgres://shop:pw@db/shop`.
fn has_password(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let password = authority.rsplit_once('@').and_then(|(login, _)| login.split_once(':'));
    !scheme.is_empty() && password.is_some_and(|(_, password)| !password.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_secret() {
        for (name, text) in [
            ("API_KEY", "abc"),
            ("DB_PASSWORD", "hunter2"),
            ("github_token", "x"),
            ("SESSION_SECRET", "keyboard cat"),
            ("DATABASE_URL", "postgres://shop:pw@db/shop"),
            ("MYSQL_PWD", "a"),
        ] {
            assert!(looks_secret(name, text), "{name}");
        }
        for (name, text) in [
            ("NODE_ENV", "production"),
            ("KEY", "left"),
            ("API_KEY", ""),
            ("API_KEY", "${API_KEY}"),
            ("TOKEN_TTL", "3600"),
            ("SHOW_PASSWORD", "true"),
            ("STRIPE_PUBLIC_KEY", "pk_1"),
            ("SSL_KEY_PATH", "/etc/key"),
            ("PASSWORD_FILE", "/run/secrets/db"),
            ("DATABASE_URL", "postgres://db/shop"),
            ("DATABASE_URL", "postgres://shop@db/shop"),
            ("COMPASS", "north"),
        ] {
            assert!(!looks_secret(name, text), "{name}={text}");
        }
    }
}
