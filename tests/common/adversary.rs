//! What the generators of hostile hosts, logins and names share: chance that a seed repeats, and how long to go on.

use std::time::{Duration, Instant};

/// Chance, the same for the same seed (splitmix64).
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap()
    }

    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// The seeds of a run, one after the other, until the time is over: at least one. `SHIPIT_ADVERSARY_SECONDS` says how long
/// (else 5), `SHIPIT_ADVERSARY_SEED` which is the first: else it is chance where the time is given, and 1 where it is not.
#[derive(Debug)]
pub struct Seeds {
    kind: &'static str,
    until: Instant,
    next: u64,
    count: u64,
}

impl Seeds {
    pub fn new(kind: &'static str) -> Seeds {
        let number = |name: &str| {
            std::env::var(name).ok().filter(|text| !text.is_empty()).map(|text| text.parse().unwrap())
        };
        let asked = number("SHIPIT_ADVERSARY_SECONDS");
        let seconds: u64 = asked.unwrap_or(5);
        let chance = || u64::from(std::process::id()) * 1000;
        let first =
            number("SHIPIT_ADVERSARY_SEED").unwrap_or_else(|| if asked.is_some() { chance() } else { 1 });
        Seeds { kind, until: Instant::now() + Duration::from_secs(seconds), next: first, count: 0 }
    }

    /// The next one. A test says it when it fails, and `SHIPIT_ADVERSARY_SEED` begins with it again.
    pub fn next_seed(&mut self) -> Option<u64> {
        if self.count > 0 && Instant::now() >= self.until {
            eprintln!("{}: {} rounds", self.kind, self.count);
            return None;
        }
        let seed = self.next;
        (self.next, self.count) = (self.next + 1, self.count + 1);
        Some(seed)
    }
}
