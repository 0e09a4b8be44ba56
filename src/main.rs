//! The process: arguments in, exit code out. The only place that ends it.

use std::ffi::OsString;
use std::process::ExitCode;

use shipit::cli::Cli;
use shipit::commands;
use shipit::commands::apart::{self, Role};
use shipit::commands::ssh_helper;
use shipit::error::{Error, SystemError};
use shipit::report::{ColorChoice, Printer, Verbosity};

fn main() -> ExitCode {
    let code = shipit::error::guarded(shipit);
    if code == shipit::error::exit::BUG {
        let printer = Printer::new(ColorChoice::Auto, Verbosity::Normal, &|name| std::env::var_os(name));
        printer.show_error(&Error::Bug);
    }
    ExitCode::from(code)
}

fn shipit() -> u8 {
    if let Some(code) = ssh_helper::run(std::env::args_os(), &|name| std::env::var_os(name)) {
        return code;
    }
    let (role, is_ours) = Role::read(std::env::args_os().nth(1).as_deref());
    let program = std::env::args_os().take(1);
    let args = program.chain(std::env::args_os().skip(if is_ours { 2 } else { 1 }));
    match role {
        Role::First => work(args, true),
        Role::Second(directory) => apart::start_third(&directory),
        Role::Third(directory) => {
            let code = work(args, false);
            apart::end_third(&directory, code);
            code
        }
    }
}

// What was typed is done. `first`: no process of ours has started this one to do it.
fn work(args: impl Iterator<Item = OsString>, first: bool) -> u8 {
    let variables = |name: &str| std::env::var_os(name);
    let invocation = match Cli::parse_from(args, !first) {
        Ok(invocation) => invocation,
        Err(error) => {
            let printer = Printer::new(ColorChoice::Auto, Verbosity::Normal, &variables);
            if error.exit == 0 {
                printer.data(&error.text);
            } else {
                printer.error(&format!("error: {}\n", error.text.trim_end()));
            }
            return printer.settle(error.exit);
        }
    };
    let printer = Printer::new(invocation.color, invocation.verbosity, &variables);
    if first && apart::is_needed(&invocation) {
        return printer.settle(apart::follow(&invocation, &printer));
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(source) => {
            printer.show_error(&SystemError::Runtime { source }.into());
            return shipit::error::exit::FAILED;
        }
    };
    let code = match runtime.block_on(commands::run(&invocation, &printer)) {
        Ok(code) => code,
        Err(error) => commands::fail(&invocation, &printer, &error),
    };
    // Tasks that still wait for a host that says nothing must not keep us.
    runtime.shutdown_background();
    printer.settle(code)
}
