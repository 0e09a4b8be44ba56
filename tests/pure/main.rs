//! What needs no host: the configuration, plans and messages as data, git on this machine, and the rules of the sources.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod house_rules;

mod bounds;
mod config;
mod config_apps;
mod config_find;
mod config_foreign;
mod config_foreign_mistakes;
mod config_health;
mod config_later;
mod config_layers;
mod config_mistakes;
mod config_pm2;
mod config_pm2_shapes;
mod config_rollout;
mod config_select;
mod config_supervisor;
mod decide;
mod git;
mod git_work_trees;
mod house;
mod messages;
mod messages_of_commands;
mod messages_of_logins;
mod messages_of_pm2;
mod messages_of_runs;
mod plan_fleet;
