//! shipit: deploys git repositories to fleets of servers over SSH, all or nothing.

pub mod cli;
pub mod commands;
pub mod config;
pub mod error;
pub mod executor;
pub mod git;
pub mod plan;
pub mod remote;
pub mod report;
pub mod transport;
