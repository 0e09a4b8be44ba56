//! The fault suite: real sshds, real git, the real binary, two worlds' worth of faults at chosen and at random moments, and
//! an exact judgement after each. All hosts serve the old or all the new, or the report names those that differ; nothing is
//! left; the next plain run succeeds.
//!
//!   tests/run --test fault_suite             the chosen ones, below, and twice fifteen by chance
//!   tests/run faults --seed S --count N      by chance
//!   tests/run faults --all [--part K/N]      every kind at every step, and a hundred cuts at random bytes
//!   tests/run faults --all --action revert   those of one action
//!   tests/run faults --pm2 …                 with one of the apps run by a real pm2
//!   tests/run faults --only 'CASE; CASE'     these again, as violations name them
//!
//! Deadlines catch hangs; a violation is a bug of shipit.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

#[path = "../common/mod.rs"]
mod common;

mod case;
mod codes;
mod draw;
mod events;
mod fleet;
mod ground;
mod judge;
mod look;
mod proxy;
mod strike;
mod suite;

use case::Case;
use suite::Manner;

/// Faults that every test run plays, each for something that others do not show.
const CHOSEN: &str = "\
deploy cut-rst web1 at step-started:build@web1/api +0
deploy cut-fin web3 at step-started:reload@web3/web +0
deploy cut-rst web2 at phase-started:confirm +0
deploy cut-fin web4 at phase-started:finish +0
deploy cut-rst web3 down 3000
first cut-rst web2 up 30000
deploy kill-session web2 at step-started:post-deploy@web2/api +0
deploy kill-machine web3 at step-started:build@web3/web +0
deploy kill-machine web2 at step-started:reload@web2/api +0
deploy freeze web1 at step-started:fetch@web1/web +0
deploy freeze web3 at step-started:reload@web3/api +0
deploy hiccup web2 at step-started:reload@web2/web +0
deploy silent web4 at step-started:verify@web4/api +0
deploy silent-up web2 at phase-started:confirm +0
deploy silent-down web3 at step-started:pre-activate@web3/web +0
deploy client-kill web1 at step-started:migrate@web1/api +0
deploy client-kill web1 at step-started:reload@web2/web +0
deploy client-kill web1 at phase-started:activate#2 +0
deploy client-kill web1 at phase-started:confirm +0
deploy cut-rst web4 at phase-started:activate#2 +0
deploy client-term web1 at step-started:reload@web1/api +0
deploy client-int web1 at step-started:fetch@web2/web +0
deploy client-int web1 at step-started:verify@web4/api +0
deploy client-int-twice web1 at step-started:reload@web3/web +0
deploy client-int-twice web1 at step-ended:undrain@web1/web +0
deploy client-freeze web2 at host-done:lock@web4/web +0
deploy client-freeze web1 at step-started:reload@web1/api +0
deploy disk-full web2 at step-started:checkout@web2/web +0
deploy disk-full web3 at phase-started:activate +0
deploy goal-emptied web2 at step-started:drain@web2/web +0
deploy goal-removed web3 at phase-started:activate +0
deploy live-halved web1 at step-started:build@web1/api +0
deploy read-only web2 at step-started:reload@web2/api +0
deploy no-inodes web3 at phase-started:activate +0
deploy other-disk web4
revert goal-removed web2 at phase-started:activate +0
revert live-halved web3 at phase-started:finish +0
deploy hook-fails web1 in pre-deploy-local
deploy hook-fails web2 in pre-deploy
deploy hook-fails web3 in build
deploy hook-fails web1 in migrate
deploy hook-fails web4 in pre-activate
deploy hook-fails web3 in drain
deploy hook-fails web1 in post-deploy
deploy hook-fails web2 in reload
deploy hook-fails web3 in verify
deploy hook-fails web1 in health
deploy hook-fails web4 in pulse
first hook-fails web2 in pulse
deploy client-int web1 at step-started:health@web2/web +0
deploy cut-rst web4 at step-started:health@web4/web +0
deploy silent web2 at step-started:health@web2/web +0
deploy hook-fails web2 in undrain
deploy client-kill web1 at step-started:undrain@web2/web +0
deploy cut-rst web1 at step-started:drain@web3/web +0
deploy hook-fails web1 in post-deploy-local
deploy fails-both-ways web3 in reload
deploy held-lock web2
deploy clock-ahead web1
deploy clock-behind web1
first client-kill web1 at step-started:reload@web1/api +0
first hook-fails web2 in reload
revert cut-rst web1 at step-started:reload@web1/web +0
revert kill-session web3 at phase-started:confirm +0
revert kill-machine web2 at step-started:post-deploy@web2/api +0
revert freeze web4 at step-started:reload@web4/web +0
revert silent web3 at connected@web3/web +0
revert client-kill web1 at step-started:reload@web1/api +0
revert client-int web1 at step-started:reload@web3/web +0
revert client-int-twice web3 at step-started:reload@web3/web +143
revert kill-session web2 at phase-started:activate +0
revert client-term web1 at phase-started:prepare +0
revert disk-full web4 at phase-started:activate +0
revert hook-fails web2 in reload
revert hook-fails web3 in post-deploy
revert hook-fails web1 in pulse
revert client-int web2 at step-started:health@web1/web +0
revert client-int-twice web2 at step-started:health@web4/web +0
revert hook-fails web4 in undrain
revert held-lock web4
";

/// The chosen faults are played in so many parts, each in a world of its own: few enough that making the worlds costs little,
/// enough that no part is what all others are waited for.
const PARTS: usize = 6;

macro_rules! parts {
    ($($part:ident $number:literal),+ $(,)?) => {
        mod chosen {
            $(#[test]
            fn $part() {
                super::play_part(concat!("chosen::", stringify!($part)), $number);
            })+

            #[test]
            fn no_part_is_left_out() {
                assert_eq!([$($number),+].len(), super::PARTS);
            }
        }
    };
}

parts!(part_1 0, part_2 1, part_3 2, part_4 3, part_5 4, part_6 5);

/// Those that are played with a real pm2: a reload takes seconds there, and goes on when its operator is gone.
const WITH_PM2: &str = "\
deploy client-kill web1 at step-started:reload@web1/api +0
deploy client-int web1 at step-started:reload@web2/api +0
deploy kill-session web2 at step-started:reload@web2/api +0
deploy kill-machine web3 at step-started:reload@web3/api +0
deploy cut-rst web1 at step-started:verify@web1/api +0
deploy freeze web4 at step-started:reload@web4/api +0
deploy hook-fails web2 in health
deploy disk-full web3 at step-started:reload@web3/api +0
deploy goal-removed web2 at step-started:reload@web2/api +0
first client-kill web1 at step-started:reload@web1/api +0
revert client-kill web1 at step-started:reload@web1/api +0
";

#[test]
fn with_a_real_pm2() {
    ground::with_disks("with_a_real_pm2", || {
        suite::run(&cases(WITH_PM2), Manner { worlds: 1, strict: true, twice: true, pm2: true });
    });
}

/// Faults by chance that every test run plays: some that are always the same, and as many that are others with each commit.
/// Their moments may be hard to meet: one that ends badly is played again, and counts when it is so again.
mod by_chance {
    use super::{Case, Manner, draw, ground, number, suite};

    const EACH: u64 = 15;

    #[test]
    fn always_the_same() {
        play("by_chance::always_the_same", 4);
    }

    #[test]
    fn others_with_each_commit() {
        play("by_chance::others_with_each_commit", number("OF_COMMIT", 1));
    }

    fn play(test: &str, seed: u64) {
        ground::with_disks(test, || {
            let clean = draw::Clean::runs();
            let cases: Vec<Case> = (0..EACH).map(|n| draw::by_chance(&clean, seed, n)).collect();
            suite::run(&cases, Manner { worlds: 1, strict: false, twice: true, pm2: false });
        });
    }
}

fn play_part(test: &str, part: usize) {
    ground::with_disks(test, || {
        let cases: Vec<Case> = cases(CHOSEN).into_iter().skip(part).step_by(PARTS).collect();
        suite::run(&cases, Manner { worlds: 1, strict: true, twice: true, pm2: false });
    });
}

fn cases(lines: &str) -> Vec<Case> {
    let lines = lines.split(['\n', ';']).map(str::trim).filter(|line| !line.is_empty());
    lines.map(|line| line.parse().unwrap()).collect()
}

/// What `tests/run faults` asks for.
pub fn asked(name: &str) -> Option<String> {
    std::env::var(format!("SHIPIT_FAULTS_{name}")).ok().filter(|value| !value.is_empty())
}

fn number(name: &str, or: u64) -> u64 {
    asked(name).map_or(or, |value| value.parse().unwrap_or_else(|_| panic!("{value:?} is no number")))
}

#[test]
#[ignore = "for tests/run faults, which says which"]
fn asked_for() {
    ground::with_disks("asked_for", || {
        let worlds = usize::try_from(number("WORLDS", 3)).unwrap();
        let twice = asked("TWICE").is_some();
        let pm2 = asked("PM2").is_some();
        if let Some(lines) = asked("ONLY") {
            return suite::run(&cases(&lines), Manner { worlds, strict: true, twice, pm2 });
        }
        let clean = draw::Clean::runs();
        let cases: Vec<Case> = if asked("ALL").is_some() {
            let mut all = draw::all(&clean);
            if let Some(action) = asked("ACTION") {
                all.retain(|case| case.to_string().starts_with(&format!("{action} ")));
            }
            draw::part(all, asked("PART").as_deref().unwrap_or("1/1"))
        } else {
            let (seed, count) = (number("SEED", 1), number("COUNT", 30));
            eprintln!("seed {seed}, {count} faults");
            (0..count).map(|n| draw::by_chance(&clean, seed, n)).collect()
        };
        suite::run(&cases, Manner { worlds, strict: false, twice, pm2 });
    });
}
