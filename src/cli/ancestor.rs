//! Whether a pm2 daemon is an ancestor of this process: an app of pm2's deploys the machine that it runs on.

use std::fs;

/// Generations that are looked at, at most.
const GENERATIONS: usize = 64;

/// The number of the process of pm2 that this one descends from: pm2 sets the variable for all that it starts.
#[must_use]
pub fn pm2_number() -> Option<String> {
    let number = std::env::var("pm_id").ok()?;
    (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(number)
}

/// Whether a pm2 daemon started this process, or what started it. Where there is no /proc: no.
pub(super) fn is_inside_pm2() -> bool {
    // It tells also of a daemon whose title says nothing, as in a container.
    if pm2_number().is_some() {
        return true;
    }
    let mut pid = std::process::id();
    for _ in 0..GENERATIONS {
        let Some(parent) = parent(pid) else { return false };
        // pm2 gives its daemon this title: "PM2 v7.0.4: God Daemon (/home/node/.pm2)".
        let title = fs::read(format!("/proc/{parent}/cmdline")).unwrap_or_default();
        if title.starts_with(b"PM2 ") && title.windows(11).any(|part| part == b"God Daemon ") {
            return true;
        }
        pid = parent;
    }
    false
}

// proc(5), stat: what follows the name in brackets is the state, then the parent.
fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let rest = stat.rsplit_once(") ")?.1;
    rest.split(' ').nth(1)?.parse().ok().filter(|parent| *parent > 1)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_parent_of_a_process_is_read() {
        let parent = super::parent(std::process::id());
        assert_eq!(parent, Some(std::os::unix::process::parent_id()));
        assert_eq!(super::parent(u32::MAX), None);
    }
}
