//! Which faults: drawn by chance from a seed, or all there are. What can be struck is taken from clean runs.

use crate::case::{Action, Case, Cut, KINDS, Kind, Moment, Way};
use crate::events::Events;
use crate::fleet::{Fleet, HOSTS};

/// The hooks that can fail.
const HOOKS: [&str; 13] = [
    "pre-deploy-local",
    "pre-deploy",
    "build",
    "migrate",
    "pre-activate",
    "drain",
    "post-deploy",
    "reload",
    "verify",
    "health",
    "pulse",
    "undrain",
    "post-deploy-local",
];

/// What a clean run looks like: its events, and the bytes on each line, there and back.
#[derive(Debug)]
pub struct Clean {
    action: Action,
    keys: Vec<String>,
    bytes: Vec<[u64; 2]>,
}

impl Clean {
    /// A deploy and a revert on a fleet of their own.
    pub fn runs() -> [Clean; 2] {
        let mut fleet = Fleet::new(false);
        [Action::Deploy, Action::Revert].map(|action| {
            fleet.lines.iter().for_each(crate::proxy::Proxy::reset);
            let words: &[&str] = if action == Action::Deploy { &[] } else { &["revert"] };
            fleet.publish();
            fleet.start(words, &[]).wait().ends_with(0);
            let mut events = Events::default();
            events.poll(&fleet.events());
            let mut keys: Vec<String> = events.keys.into_iter().filter(|key| key != "finished").collect();
            // Hosts come in any order.
            keys.sort();
            let bytes =
                fleet.lines.iter().map(|line| [line.passed(Way::Up), line.passed(Way::Down)]).collect();
            Clean { action, keys, bytes }
        })
    }
}

/// Numbers by chance, the same for the same seed (splitmix64).
#[derive(Debug)]
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64, number: u64) -> Chance {
        Chance(seed.wrapping_mul(0x2545_F491_4F6C_DD1D) ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }
}

/// A fault by chance.
pub fn by_chance(clean: &[Clean; 2], seed: u64, number: u64) -> Case {
    let mut chance = Chance::new(seed, number);
    loop {
        let clean = chance.of(clean);
        let kind = chance.of(&KINDS).0;
        let host = usize::try_from(chance.below(HOSTS as u64)).unwrap();
        let first = clean.action == Action::Deploy && chance.below(5) == 0;
        let action = if first { Action::First } else { clean.action };
        let case = |moment| Case { action, kind, host, moment };
        let moment = match kind {
            // Half of the cuts by bytes.
            Kind::CutRst | Kind::CutFin if chance.below(2) == 0 => {
                let way = *chance.of(&[Way::Up, Way::Down]);
                Moment::Bytes(way, chance.below(clean.bytes[host][way as usize]))
            }
            kind if kind.at_an_event() => {
                let delay = if chance.below(3) == 0 { 0 } else { chance.below(300) };
                Moment::Event(chance.of(&clean.keys).clone(), delay)
            }
            Kind::HookFails => Moment::Step((*chance.of(&HOOKS)).to_owned()),
            Kind::BothWays => Moment::Step("reload".into()),
            _ => Moment::Always,
        };
        let case = case(moment);
        // What is quick to say and has few forms is drawn more rarely.
        if sensible(&case) && (kind.at_an_event() || chance.below(3) == 0) {
            return case;
        }
    }
}

// A hook that the action or the host does not run cannot fail.
fn sensible(case: &Case) -> bool {
    let Moment::Step(step) = &case.moment else { return true };
    let before = ["pre-deploy-local", "pre-deploy", "build", "migrate", "pre-activate"];
    let activates = !before.contains(&step.as_str());
    let first = case.host == 0 || !(step == "migrate" || step.ends_with("-local"));
    let served = step != "drain" || case.action != Action::First;
    first && served && (case.action != Action::Revert || activates && case.kind != Kind::BothWays)
}

/// A hundred cuts at random bytes.
pub fn cuts(clean: &[Clean; 2], seed: u64) -> Vec<Case> {
    let cut = |number: u64| {
        let mut chance = Chance::new(seed, number);
        let clean = &clean[usize::try_from(number % 2).unwrap()];
        let host = usize::try_from(chance.below(HOSTS as u64)).unwrap();
        let way = *chance.of(&[Way::Up, Way::Down]);
        let bytes = chance.below(clean.bytes[host][way as usize]);
        let kind = if *chance.of(&[Cut::Rst, Cut::Fin]) == Cut::Rst { Kind::CutRst } else { Kind::CutFin };
        Case { action: clean.action, kind, host, moment: Moment::Bytes(way, bytes) }
    };
    (0..100).map(cut).collect()
}

/// Of these every so many, from the first, second, … on: `2/10`.
pub fn part(cases: Vec<Case>, part: &str) -> Vec<Case> {
    let (number, of) = part.split_once('/').expect("a part is written 2/10");
    let (number, of): (usize, usize) = (number.parse().unwrap(), of.parse().unwrap());
    cases.into_iter().skip(number - 1).step_by(of).collect()
}

/// Every kind at every step, on the first host and on one of the others.
pub fn all(clean: &[Clean; 2]) -> Vec<Case> {
    let mut cases = Vec::new();
    for clean in clean {
        for host in [0, 2] {
            let mine = format!("@web{}", host + 1);
            for (kind, _) in KINDS {
                if kind.of_the_client() && host != 0 {
                    continue;
                }
                let case = |moment| Case { action: clean.action, kind, host, moment };
                if kind.at_an_event() {
                    let keys = clean.keys.iter().filter(|key| !key.contains('@') || key.contains(&mine));
                    cases.extend(keys.map(|key| case(Moment::Event(key.clone(), 0))));
                } else if kind == Kind::HookFails {
                    cases.extend(HOOKS.map(|step| case(Moment::Step(step.into()))));
                } else if kind == Kind::BothWays {
                    cases.push(case(Moment::Step("reload".into())));
                } else {
                    cases.push(case(Moment::Always));
                }
            }
        }
    }
    cases.retain(sensible);
    cases.extend(cuts(clean, 4));
    cases
}
