//! shipit.toml: found, read, merged and checked.
//!
//! What leaves this module is resolved: plain structs that cannot hold a bad value, so nothing below reads the
//! file or the process environment again. Secrets are read only when a command needs them
//! ([`Environment::sites`] hold [`EnvValue::Operator`], evaluated by [`EnvValue::evaluate`]). Nothing is run here:
//! a [`Draft`] and an [`Environment`] say which local commands have to be run, and take their output.

mod app;
mod apps;
mod command;
mod digest;
mod discover;
mod document;
mod doubtful;
mod endpoint;
mod env;
mod environment;
mod error;
mod file;
mod files;
mod foreign;
mod health;
mod hooks;
mod host_name;
mod hosts;
mod keys;
mod layers;
mod mistakes;
mod nearest;
mod outline;
mod paths;
mod per_host;
mod placeholders;
mod plain_secret;
mod pm2;
mod problem;
mod repository;
mod resolve;
mod rollout;
mod schema;
mod select;
mod set;
mod shown;
mod sites;
mod sources;
mod supervisor;
mod supervisor_check;
mod supervisor_reader;
mod values;
mod variable;
mod words;
mod written;

pub use app::{App, FileEntry, FileSource, Hook, Hooks, SentFile};
pub use command::{Answers, LocalCommand};
pub use discover::{FILE_NAME, find};
pub use document::{Document, environments, read, read_evaluated};
pub use endpoint::HttpUrl;
pub use env::Unevaluated;
pub use environment::{Environment, ForwardAgent, Host, Site, Timeouts};
pub use error::ConfigError;
pub use file::{quoted, trust};
pub use foreign::{EVALUATE_SHIPIT_JS, Tool as ForeignTool, foreign_in, read_foreign};
pub use health::{Health, HealthCheck, HttpCheck};
pub use host_name::{host_fault, user_fault};
pub use keys::{key_names, key_values};
pub use mistakes::Mistakes;
pub use nearest::nearest;
pub use outline::Outline;
pub use paths::{RemotePath, RemotePathError, SharedPath};
pub use pm2::{
    EVALUATE, EcosystemError, Exported, FileFormat, Pm2App, Remark, RemarkKind, ecosystem_in, needs_node,
};
pub use resolve::{Draft, load};
pub use rollout::{BatchSize, Pause, Rollout, Share};
pub use schema::schema;
pub use select::{Choice, first_host, glob_matches, select};
pub use set::Setting;
pub use sites::has_role;
pub use supervisor::{KnownSupervisor, Program, Strategy, Supervisor, SupervisorCommands, SupervisorKind};
pub use values::{LONGEST, parse_duration, reference_fault};
pub use variable::{EnvEntry, EnvPart, EnvValue, EnvVariable};
pub use words::{Fetch, Shell, SshClient};
