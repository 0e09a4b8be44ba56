//! The pm2 adapter under the real pm2, without SSH: its steps are run as a host runs them, in a deploy path laid out here.
//!
//! `tests/run` installs pm2 7, 6 and 5. What is served is asked over HTTP.
#![allow(clippy::print_stderr, clippy::unwrap_used, clippy::expect_used)]

#[allow(dead_code)]
#[path = "../common/booted.rs"]
mod booted;
#[allow(dead_code)]
#[path = "../common/process.rs"]
mod process;

mod client;
mod kept;
mod lab;

mod adoption;
mod failures;
mod files;
mod normal;
mod several;
mod unit;
mod upkeep;

/// Runs a test on each major version of pm2.
macro_rules! on_each_pm2 {
    ($($name:ident),* $(,)?) => {
        mod pm2_7 { $( #[test] fn $name() { super::$name(7) } )* }
        mod pm2_6 { $( #[test] fn $name() { super::$name(6) } )* }
        mod pm2_5 { $( #[test] fn $name() { super::$name(5) } )* }
    };
}
pub(crate) use on_each_pm2;

/// Waits until `holds` is true; fails with what it was about when it is not within a minute.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let start = std::time::Instant::now();
    while !holds() {
        assert!(start.elapsed().as_secs() < 60, "never came: {what}");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}
