//! Scripts: what the worker of a resident shell runs, as text. One typed function per function of `scripts/*.sh`;
//! all arguments are quoted here. Variables (`$rel`, `$root`) are the resident shell's own.

mod adopt;
mod deploy;
mod health;
mod look;
mod text;
mod upkeep;
mod variables;

pub use adopt::Unshared;
pub use health::{HealthKind, Tries, health_variables};
pub use text::{Direction, Place, Script, Takes};
pub use variables::{assignments, enter, exports, ssh_with};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::remote::program;

    const CALLS: [&str; 5] = [
        include_str!("adopt.rs"),
        include_str!("deploy.rs"),
        include_str!("health.rs"),
        include_str!("look.rs"),
        include_str!("upkeep.rs"),
    ];

    // The text between quotes that follows at once.
    fn quoted(text: &str) -> Option<&str> {
        text.trim_start().strip_prefix('"')?.split('"').next()
    }

    #[test]
    fn every_call_is_of_a_function_that_the_program_has() {
        let lines = program::all().into_iter().flat_map(str::lines);
        let functions: BTreeSet<&str> = lines.filter_map(|line| line.strip_suffix("() {")).collect();
        let mut calls = 0;
        for text in CALLS {
            let plain = text.split(".call(").skip(1).filter_map(quoted);
            let steps = text.split(".step(").skip(1).filter_map(|rest| quoted(rest.split_once("],")?.1));
            let written = text.split("writeln!(self.text, ").skip(1).filter_map(quoted);
            let written = written.filter_map(|line| line.split(' ').next());
            for name in plain.chain(steps).chain(written) {
                calls += 1;
                assert!(functions.contains(name), "no function {name}");
            }
        }
        let all = CALLS.iter().map(|text| text.matches("-> Self").count()).sum::<usize>();
        assert!(calls > 60 && calls + 3 >= all, "{calls} of {all}");
    }
}
