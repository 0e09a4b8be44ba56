//! Scenarios: the `shipit` binary against hosts that really execute, and the SSH client against real servers. A module is a
//! command, or a kind of thing that can happen; `common` is the world that they play in.
//!
//! One binary for all of them: each test binary links russh and ring once more.
#![allow(clippy::print_stderr, clippy::unwrap_used, clippy::expect_used)]

#[macro_use]
#[path = "../common/mod.rs"]
mod common;
mod balancer;
#[macro_use]
mod common_ssh;
mod doctor;
mod json_schema;
mod plan_sent;
#[path = "../pm2/client.rs"]
mod pm2_client;

mod adopt;
mod adversary;
mod apps;
mod assets;
mod beside_pm2;
mod check;
mod check_machine;
mod check_repository;
mod ci;
mod ci_jobs;
mod cli;
mod cli_variables;
mod commits;
mod completions;
mod config_command;
mod config_confirm;
mod config_origin;
mod config_schema;
mod config_set;
mod console;
mod demo;
mod deploy;
mod documents;
mod doubt;
mod drain;
mod dry_run;
mod ecosystem;
mod examples;
mod examples_deployed;
mod exec;
mod failures;
mod faults;
mod files;
mod git_access;
mod git_modes;
mod hold;
mod hooks;
mod host_keys;
mod import;
mod init;
mod inside_pm2;
mod json;
mod kept;
mod logs;
mod owner;
mod plain;
mod plan;
mod pm2;
mod pm2_defects;
mod pm2_week;
mod preview;
mod prune;
mod restart;
mod revert;
mod rolling;
mod rollout;
mod show;
mod smoke;
mod ssh_agrees;
mod ssh_questions;
mod status;
mod supervisors;
mod sync;
mod traffic;
mod transport_agent;
mod transport_dial;
mod transport_fuzz;
mod transport_health;
mod transport_local;
mod transport_login;
mod transport_openssh;
mod transport_signing;
mod transport_ssh;
mod transport_trust;
mod transport_ways;
mod unwell;
mod whole;
