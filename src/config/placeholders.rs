//! `{env}`, `{app}` and `{host}` in `path`, in `health` and in the supervisor's commands.
//!
//! All three hold letters, digits and `. _ - % + :` only, so they can be put into a command unquoted.

use super::nearest::nearest;
use super::problem::Fault;

const NAMES: [&str; 3] = ["env", "app", "host"];

/// The values; without `host` that one is left for later.
pub(super) struct Placeholders<'a> {
    pub environment: &'a str,
    pub app: &'a str,
    pub host: Option<&'a str>,
}

impl Placeholders<'_> {
    fn value(&self, name: &str) -> Option<&str> {
        match name {
            "env" => Some(self.environment),
            "app" => Some(self.app),
            "host" => self.host,
            _ => None,
        }
    }

    /// In a command: other braces are the shell's, and `${env}` is its variable.
    pub fn fill_command(&self, text: &str) -> String {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            let (before, after) = rest.split_at(open);
            filled.push_str(before);
            let name = after[1..].split_once('}').map(|(name, _)| name);
            match name.and_then(|name| Some((name, self.value(name)?))).filter(|_| !before.ends_with('$')) {
                Some((name, value)) => {
                    filled.push_str(value);
                    rest = &after[name.len() + 2..];
                }
                None => {
                    filled.push('{');
                    rest = &after[1..];
                }
            }
        }
        filled + rest
    }

    /// In a path: any other word in braces is a slip.
    pub fn fill_path(&self, text: &str) -> Result<String, Fault> {
        self.fill_strictly(text, "a path")
    }

    /// In what no shell reads, where any other word in braces is a slip.
    pub fn fill_strictly(&self, text: &str, what: &str) -> Result<String, Fault> {
        let filled = self.fill_command(text);
        if text.contains("${") {
            return Err(Fault::new(format!("variables are not expanded in {what}"))
                .help("use the placeholders {env}, {app} and {host}, without a `$`"));
        }
        let mut rest = text;
        while let Some((_, after)) = rest.split_once('{') {
            let name = after.split('}').next().unwrap_or(after);
            if !NAMES.contains(&name) {
                let near = nearest(name, NAMES).map(|near| format!("; did you mean `{{{near}}}`?"));
                return Err(Fault::new(format!("`{{{name}}}` is not a placeholder in {what}")).help(
                    format!("the placeholders are {{env}}, {{app}} and {{host}}{}", near.unwrap_or_default()),
                ));
            }
            rest = after;
        }
        Ok(filled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_three_names_are_replaced_and_never_a_variable_of_the_shell() {
        let values = Placeholders { environment: "production", app: "shop", host: Some("web1") };
        for (text, filled) in [
            ("run {app} --on {host}", "run shop --on web1"),
            ("{env}{env}", "productionproduction"),
            ("echo ${env} ${host:-x}", "echo ${env} ${host:-x}"),
            ("{ echo a; } {x} {", "{ echo a; } {x} {"),
            ("a{b{app}", "a{bshop"),
        ] {
            assert_eq!(values.fill_command(text), filled, "{text}");
        }
        assert!(values.fill_path("/srv/{branch}").is_err());
        assert_eq!(values.fill_path("/srv/{app}-{env}").unwrap(), "/srv/shop-production");
    }
}
