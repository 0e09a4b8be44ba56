//! shipit: deploys git repositories to fleets of servers over SSH, all or nothing.

pub mod cli;
pub mod config;
pub mod executor;
pub mod git;
pub mod remote;
pub mod plan;
pub mod report;
pub mod transport;
