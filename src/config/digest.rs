//! One hash of everything that decides what a release on a host contains and how it is made live.
//!
//! Equal digest and equal commit mean "nothing to do". Not part of it: which ref, which hosts, timeouts, how
//! many releases stay, and what only runs around setup or on the operator's machine after a deploy.

use sha2::{Digest, Sha256};

use secrecy::ExposeSecret;

use super::app::{FileEntry, Hook};
use super::environment::{Environment, Site};
use super::health::HealthCheck;
use super::variable::EnvEntry;
use super::words::Shell;

/// Goes up when the encoding changes: then every host gets a new release once.
const VERSION: &str = "1";

impl Environment {
    /// sha256 in hex; `env` is the evaluated one of that site, `files` what it is sent.
    #[must_use]
    pub fn digest(&self, site: &Site, env: &[EnvEntry], files: &[FileEntry]) -> String {
        let (app, host) = (&self.apps[site.app], &self.hosts[site.host]);
        let mut encoder = Encoder::default();
        encoder.field("version", VERSION);
        encoder.field("environment", &self.name);
        encoder.field("app", &app.name);
        encoder.field("repo", &app.repo);
        for shared in &app.shared {
            encoder.field(if shared.directory { "shared-directory" } else { "shared" }, &shared.path);
        }
        encoder.all("carry", &app.carry);
        encoder.field("shell", shell_name(app.shell));
        encoder.all("prepend-path", &app.prepend_path);
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
            hooks.iter().for_each(|hook| encoder.hook(name, hook));
        }
        for supervisor in app.supervisors_on(host) {
            for (step, text) in supervisor.steps() {
                encoder.field(&format!("supervisor.{step}"), text);
            }
            if let Some(known) = supervisor.known() {
                encoder.field("supervisor", known.program.name());
                known.parameters().iter().for_each(|(key, value)| encoder.field(key, value));
            }
        }
        if let Some(health) = app.health_on(host) {
            encoder.health(&health.check);
        }
        if app.submodules {
            encoder.field("submodules", "yes");
        }
        encoder.all("subdir", &app.subdir);
        for file in files {
            encoder.field("file.path", &file.path);
            encoder.field("file.mode", &file.mode.to_string());
            encoder.field("file.content", file.content.expose_secret());
        }
        for entry in env {
            encoder.field("env.name", &entry.name);
            encoder.field("env.value", entry.value.expose_secret());
        }
        encoder.finish()
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
struct Encoder(Sha256);

impl Encoder {
    fn field(&mut self, name: &str, value: &str) {
        for part in [name, value] {
            self.0.update((part.len() as u64).to_be_bytes());
            self.0.update(part.as_bytes());
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

    fn finish(self) -> String {
        self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
