//! One hash of everything that decides what a release on a host contains and how it is made live.
//!
//! Equal digest and equal commit mean "nothing to do". Not part of it: which ref, which hosts, timeouts, how
//! many releases stay, and what only runs around setup or on the operator's machine after a deploy.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use secrecy::ExposeSecret;

use super::app::{FileEntry, Hook};
use super::environment::{Environment, Site};
use super::health::HealthCheck;
use super::supervisor::Supervisor;
use super::variable::EnvEntry;
use super::words::Shell;

/// Goes up when the encoding changes: then every host gets a new release once.
const VERSION: &str = "1";

/// Digits of the digest of a part: enough to tell one value from the next, and too few to find a secret by.
const PART_DIGITS: usize = 5;

impl Environment {
    /// sha256 in hex; `env` is the evaluated one of that site, `files` what it is sent.
    #[must_use]
    pub fn digest(&self, site: &Site, env: &[EnvEntry], files: &[FileEntry]) -> String {
        hex(self.encoded(site, env, files).whole)
    }

    /// The same, part by part, to tell later which of them changed: `build:1a2b3 env.API_KEY:4c5d6`, sorted.
    #[must_use]
    pub fn digest_of_parts(&self, site: &Site, env: &[EnvEntry], files: &[FileEntry]) -> String {
        let part = |(name, hash): (String, Sha256)| {
            let name = name.replace(|c: char| c.is_whitespace() || c.is_control() || c == ':', "?");
            format!("{name}:{}", &hex(hash)[..PART_DIGITS])
        };
        self.encoded(site, env, files).parts.into_iter().map(part).collect::<Vec<_>>().join(" ")
    }

    fn encoded(&self, site: &Site, env: &[EnvEntry], files: &[FileEntry]) -> Encoder {
        let (app, host) = (&self.apps[site.app], &self.hosts[site.host]);
        let mut encoder = Encoder::default();
        encoder.field("version", VERSION);
        encoder.field("environment", &self.name);
        encoder.field("app", &app.name);
        encoder.field("repo", &app.repo);
        for shared in &app.shared {
            encoder.part("shared");
            encoder.field(if shared.directory { "shared-directory" } else { "shared" }, &shared.path);
        }
        encoder.part("carry");
        encoder.all("carry", &app.carry);
        encoder.part("keep-assets");
        encoder.all("keep-assets", &app.keep_assets);
        encoder.part("shell");
        encoder.field("shell", shell_name(app.shell));
        encoder.part("prepend-path");
        encoder.all("prepend-path", &app.prepend_path);
        encoder.part("profile");
        encoder.all("profile", &app.profile);
        for (name, hooks) in [
            ("pre-deploy-local", &app.hooks.pre_deploy_local),
            ("pre-deploy", &app.hooks.pre_deploy),
            ("build", &app.hooks.build),
            ("migrate", &app.hooks.migrate),
            ("pre-activate", &app.hooks.pre_activate),
            ("post-deploy", &app.hooks.post_deploy),
            ("drain", &app.hooks.drain),
            ("undrain", &app.hooks.undrain),
        ] {
            encoder.part(name);
            hooks.iter().for_each(|hook| encoder.hook(name, hook));
        }
        encoder.part("supervisor");
        app.supervisors_on(host).iter().for_each(|supervisor| encoder.supervisor(supervisor));
        encoder.part("health");
        if let Some(health) = app.health_on(host) {
            encoder.health(&health.check);
        }
        encoder.part("submodules");
        if app.submodules {
            encoder.field("submodules", "yes");
        }
        encoder.part("subdir");
        encoder.all("subdir", &app.subdir);
        for file in files {
            encoder.part(&format!("shared/{}", file.path));
            encoder.field("file.path", &file.path);
            encoder.field("file.mode", &file.mode.to_string());
            encoder.field("file.content", file.content.expose_secret());
        }
        for entry in env {
            encoder.part(&format!("env.{}", entry.name));
            encoder.field("env.name", &entry.name);
            encoder.field("env.value", entry.value.expose_secret());
        }
        encoder
    }
}

fn shell_name(shell: Shell) -> &'static str {
    match shell {
        Shell::BashOrSh => "bash-or-sh",
        Shell::Sh => "sh",
        Shell::Bash => "bash",
        Shell::Login => "login",
    }
}

/// Fields as name and value, each after its length, so that different lists of fields have different encodings.
#[derive(Default)]
struct Encoder {
    whole: Sha256,
    /// Of those that have any field.
    parts: BTreeMap<String, Sha256>,
    /// The part that the next fields belong to; what comes before the first has none.
    part: String,
}

impl Encoder {
    fn part(&mut self, name: &str) {
        name.clone_into(&mut self.part);
    }

    fn field(&mut self, name: &str, value: &str) {
        let of_part = (!self.part.is_empty()).then(|| self.parts.entry(self.part.clone()).or_default());
        for hash in std::iter::once(&mut self.whole).chain(of_part) {
            for text in [name, value] {
                hash.update((text.len() as u64).to_be_bytes());
                hash.update(text.as_bytes());
            }
        }
    }

    fn all<'a>(&mut self, name: &str, values: impl IntoIterator<Item = &'a String>) {
        values.into_iter().for_each(|value| self.field(name, value));
    }

    fn hook(&mut self, name: &str, hook: &Hook) {
        self.field("hook", name);
        self.field("hook.once", if hook.once { "yes" } else { "no" });
        self.field("hook.local", if hook.local { "yes" } else { "no" });
        self.all("hook.role", &hook.roles);
        self.field("hook.text", &hook.text);
    }

    fn supervisor(&mut self, supervisor: &Supervisor) {
        for (step, text) in supervisor.steps() {
            self.field(&format!("supervisor.{step}"), text);
        }
        if let Some(known) = supervisor.known() {
            self.field("supervisor", known.program.name());
            known.parameters().iter().for_each(|(key, value)| self.field(key, value));
        }
    }

    fn health(&mut self, check: &HealthCheck) {
        match check {
            HealthCheck::Http(http) => {
                self.field("health.http", &http.url.to_string());
                self.field("health.status", &http.status_text());
                self.all("health.body", &http.body);
                self.field("health.release", if http.release { "yes" } else { "no" });
            }
            HealthCheck::Tcp { host, port } => self.field("health.tcp", &format!("{host} {port}")),
            HealthCheck::Command(text) => self.field("health.command", text),
        }
    }
}

fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
