//! Commands to paste. Each line is quoted once for the operator's shell and, where values of a host are in it, once more
//! for the host's, so that pasting runs what is read and nothing that a host slipped in.

use crate::config::Host;
use crate::remote::quote::quote;

/// How commands are run on a host: by the operator's own ssh, to be pasted.
pub(super) struct Remote<'a> {
    pub(super) host: &'a Host,
    /// The login there is root: nothing needs sudo.
    pub(super) root: bool,
    /// The tool that installs packages there, where one is known.
    pub(super) packager: &'a str,
}

impl Remote<'_> {
    /// A command on the host.
    pub(super) fn run(&self, command: &str) -> String {
        self.ssh("", command)
    }

    /// A command on the host that may ask something.
    pub(super) fn ask(&self, command: &str) -> String {
        self.ssh("-t ", command)
    }

    /// Commands on the host that need root, one after the other as long as they succeed.
    pub(super) fn sudo(&self, commands: &[&str]) -> String {
        if self.root {
            return self.run(&commands.join(" && "));
        }
        let commands: Vec<String> = commands.iter().map(|command| format!("sudo {command}")).collect();
        self.ask(&commands.join(" && "))
    }

    /// A command that installs a package, if the host's package manager is known.
    pub(super) fn install(&self, package: &str) -> Option<String> {
        let package = quote(package);
        Some(self.sudo(&[&match self.packager {
            "apt-get" | "dnf" | "yum" => format!("{} install -y {package}", self.packager),
            "zypper" => format!("zypper --non-interactive install {package}"),
            "apk" => format!("apk add {package}"),
            "pacman" => format!("pacman -S --noconfirm {package}"),
            _ => return None,
        }]))
    }

    /// The host, as `ssh` takes it.
    pub(super) fn target(&self) -> String {
        let user = self.host.user.as_ref().map_or(String::new(), |user| format!("{user}@"));
        quote(&format!("{user}{}", self.host.machine))
    }

    fn ssh(&self, options: &str, command: &str) -> String {
        let host = self.host;
        if host.local {
            return command.to_owned();
        }
        let mut line = format!("ssh {options}");
        if let Some(jump) = &host.jump {
            line += &format!("-J {} ", quote(&jump.join(",")));
        }
        if let Some(key) = &host.key {
            line += &format!("-i {} ", quote(&key.display().to_string()));
        }
        if let Some(port) = host.port {
            line += &format!("-p {port} ");
        }
        format!("{line}{} {}", self.target(), quote(command))
    }
}

/// A path of a host for its shell: `~/` stays the home there.
pub(super) fn at_home(path: &str) -> String {
    match path.strip_prefix("~/") {
        Some(rest) => format!("~/{}", quote(rest)),
        None => quote(path),
    }
}

/// A list of strings as shipit.toml has it.
pub(super) fn toml_list(items: &[String]) -> String {
    let quoted = |item: &String| format!("\"{}\"", item.replace('\\', "\\\\").replace('"', "\\\""));
    format!("[{}]", items.iter().map(quoted).collect::<Vec<_>>().join(", "))
}
