//! `%h` and its like, `~/` and `${NAME}` in the values of ssh_config. Pure.

use std::path::{Path, PathBuf};

use sha1::{Digest as _, Sha1};

use super::Machine;

/// What stands for what.
pub(super) struct Tokens<'a> {
    pub(super) hostname: &'a str,
    /// As typed.
    pub(super) original: &'a str,
    pub(super) port: u16,
    pub(super) user: &'a str,
    pub(super) local_user: &'a str,
    pub(super) home: &'a Path,
    /// `HostKeyAlias`
    pub(super) alias: Option<&'a str>,
    /// `ProxyJump` as written; empty: none.
    pub(super) jump: &'a str,
    pub(super) machine: &'a Machine,
}

/// The tokens of files, agents and `Match exec`. Others take fewer.
pub(super) const MOST: &str = "CdhijkLlnpru";
/// Those of `ProxyCommand` and `ProxyJump`.
pub(super) const PROXY: &str = "hknpr";

impl Tokens<'_> {
    /// Replaces the tokens in `allowed`. Another one, or a lonely `%`, is an error.
    pub(super) fn expand(&self, text: &str, allowed: &str) -> Result<String, String> {
        self.replaced(text, allowed, false)
    }

    /// As [`expand`](Self::expand) with most tokens, and `${NAME}`.
    pub(super) fn with_variables(&self, text: &str) -> Result<String, String> {
        self.replaced(text, MOST, true)
    }

    /// A file: `~/`, tokens and variables.
    pub(super) fn path(&self, text: &str) -> Result<PathBuf, String> {
        self.with_variables(&self.at_home(text)?).map(PathBuf::from)
    }

    /// `~/` and nothing else.
    pub(super) fn at_home(&self, text: &str) -> Result<String, String> {
        let home = self.home.to_string_lossy();
        match text.strip_prefix('~') {
            Some("") => Ok(home.into_owned()),
            // The directory may hold what looks like a token.
            Some(rest) if rest.starts_with('/') => Ok(format!("{home}{rest}")),
            Some(_) => Err(format!("{text}: another user's home is not supported")),
            None => Ok(text.to_owned()),
        }
    }

    fn replaced(&self, text: &str, allowed: &str, variables: bool) -> Result<String, String> {
        let mut out = String::new();
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '$' if variables && chars.next_if_eq(&'{').is_some() => {
                    let mut name = String::new();
                    loop {
                        match chars.next() {
                            Some('}') => break,
                            Some(c) => name.push(c),
                            None => return Err(format!("{text}: }} is missing")),
                        }
                    }
                    let value = self.machine.variable(&name);
                    out.push_str(value.ok_or_else(|| format!("the variable {name} is not set"))?);
                }
                '%' => match chars.next() {
                    Some('%') => out.push('%'),
                    Some(token) if allowed.contains(token) => out.push_str(&self.value(token)),
                    Some(token) => return Err(format!("{text}: there is no token %{token} here")),
                    None => return Err(format!("{text}: a % stands at the end; write %%")),
                },
                c => out.push(c),
            }
        }
        Ok(out)
    }

    fn value(&self, token: char) -> String {
        match token {
            'h' => self.hostname.to_owned(),
            'n' => self.original.to_owned(),
            'p' => self.port.to_string(),
            'r' => self.user.to_owned(),
            'u' => self.local_user.to_owned(),
            'd' => self.home.to_string_lossy().into_owned(),
            'i' => self.machine.uid.to_string(),
            'j' => self.jump.to_owned(),
            'k' => self.alias.unwrap_or(self.original).to_owned(),
            'l' => self.machine.name.clone(),
            'L' => self.machine.name.split('.').next().unwrap_or_default().to_owned(),
            _ => self.connection(),
        }
    }

    /// `%C`: one name for one way to one login.
    fn connection(&self) -> String {
        let text = format!("{}{}{}{}{}", self.machine.name, self.hostname, self.port, self.user, self.jump);
        Sha1::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_and_variables() {
        let machine = Machine {
            name: "desk.example.com".into(),
            uid: 1000,
            variables: vec![("KEYS".into(), "/keys".into())],
        };
        let tokens = Tokens {
            hostname: "web1.example.com",
            original: "web1",
            port: 22,
            user: "deploy",
            local_user: "ann",
            home: Path::new("/home/a%b"),
            alias: None,
            jump: "",
            machine: &machine,
        };
        let table = [
            ("%h %n %p %r %u", Ok("web1.example.com web1 22 deploy ann")),
            ("%L %l %i %k %j|", Ok("desk desk.example.com 1000 web1 |")),
            ("100%%", Ok("100%")),
            ("${KEYS}/$x", Ok("/keys/$x")),
            ("${NONE}", Err("the variable NONE is not set")),
            ("${NONE", Err("${NONE: } is missing")),
            ("%T", Err("%T: there is no token %T here")),
            ("x%", Err("x%: a % stands at the end; write %%")),
        ];
        for (text, expected) in table {
            let found = tokens.with_variables(text);
            assert_eq!(found, expected.map(str::to_owned).map_err(str::to_owned), "{text}");
        }
        assert_eq!(tokens.with_variables("%C").unwrap().len(), 40);
        assert_eq!(tokens.expand("${KEYS}%n", PROXY).unwrap(), "${KEYS}web1");
        assert!(tokens.expand("%d", PROXY).is_err());
        assert!(tokens.path("~bob/x").is_err());
    }
}
