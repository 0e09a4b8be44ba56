//! `%h` and its like, `~/` and `${NAME}` in the values of ssh_config.

use std::path::Path;

/// What the tokens of one host stand for.
pub(super) struct Tokens<'a> {
    /// `%h`: the name that is dialled.
    pub(super) hostname: &'a str,
    /// `%n`: the name as asked for.
    pub(super) original: &'a str,
    /// `%p`
    pub(super) port: u16,
    /// `%r`: the login there.
    pub(super) user: &'a str,
    /// `%u`: the operator's login.
    pub(super) local_user: &'a str,
    /// `%d`, and `~`.
    pub(super) home: &'a Path,
}

impl Tokens<'_> {
    /// `Err`: what is not understood.
    pub(super) fn expand(&self, text: &str) -> Result<String, String> {
        let mut out = String::new();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            if c != '%' {
                out.push(c);
                continue;
            }
            match chars.next() {
                Some('%') => out.push('%'),
                Some('h') => out.push_str(self.hostname),
                Some('n') => out.push_str(self.original),
                Some('p') => out.push_str(&self.port.to_string()),
                Some('r') => out.push_str(self.user),
                Some('u') => out.push_str(self.local_user),
                Some('d') => out.push_str(&self.home.to_string_lossy()),
                Some(other) => return Err(format!("the token %{other} is not supported here")),
                None => return Err("a % stands at the end; write %%".to_owned()),
            }
        }
        Ok(out)
    }

    /// As [`expand`](Self::expand), for a file: `~/` and `${HOME}` too.
    pub(super) fn path(&self, text: &str) -> Result<String, String> {
        let home = self.home.to_string_lossy();
        let text = match text.strip_prefix('~') {
            Some("") => home.clone().into_owned(),
            Some(rest) if rest.starts_with('/') => format!("{home}{rest}"),
            Some(_) => return Err(format!("{text}: another user's home is not supported")),
            None => text.to_owned(),
        };
        let text = text.replace("${HOME}", &home).replace("${USER}", self.local_user);
        if text.contains("${") {
            return Err(format!("{text}: only ${{HOME}} and ${{USER}} are supported"));
        }
        self.expand(&text)
    }
}
