//! Many faults, one after the other in each of several worlds, counted by kind.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::case::{Case, Kind};
use crate::fleet::Fleet;
use crate::judge::{self, Ending};

/// How often a fault that must strike is tried.
const TRIES: usize = 4;

/// After so many cases a world is made anew: good deploys leave journals and what git keeps until it tidies up, by its own rule
/// (`gc.auto`), and the disks are small.
const AGE: usize = 16;

/// How cases are played.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// So many at a time.
    pub worlds: usize,
    /// Each must strike.
    pub strict: bool,
    /// A case that is violated is played once more, in a new world, and counts when it is violated again.
    pub twice: bool,
    /// One of the two apps is run by a real pm2.
    pub pm2: bool,
}

/// Cases, all new, all old, split and named, moment missed, violations.
type Counts = [usize; 6];

#[derive(Debug, Default)]
struct Results {
    counts: BTreeMap<Kind, Counts>,
    violations: Vec<String>,
    /// Violated once, and not when played again.
    once: Vec<String>,
    time: Duration,
}

/// Plays all cases, prints the counts, and fails when one was violated.
pub fn run(cases: &[Case], manner: Manner) {
    let worlds = manner.worlds;
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Results::default());
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..worlds.min(cases.len()) {
            scope.spawn(|| work(cases, manner, &next, &results));
        }
    });
    let results = results.into_inner().unwrap();
    eprint!("{}", table(&results));
    eprintln!(
        "{} faults in {:.0} s, {:.1} s each in a world of its own, {worlds} worlds",
        cases.len(),
        start.elapsed().as_secs_f64(),
        results.time.as_secs_f64() / cases.len().max(1) as f64
    );
    if !results.once.is_empty() {
        let lines = results.once.join("\n");
        eprintln!("a defect, violated once and not again:\n{lines}");
        note_once(&lines);
    }
    assert!(results.violations.is_empty(), "violated:\n{}", results.violations.join("\n"));
}

/// Into the file that `tests/run` reads at its end: a test that passes shows nothing.
fn note_once(lines: &str) {
    let Some(file) = crate::asked("ONCE") else { return };
    let mut file = OpenOptions::new().append(true).create(true).open(file).unwrap();
    file.write_all(format!("{lines}\n").as_bytes()).unwrap();
}

fn work(cases: &[Case], manner: Manner, next: &AtomicUsize, results: &Mutex<Results>) {
    let (mut fleet, mut age) = (None, 0);
    loop {
        let at = next.fetch_add(1, Ordering::SeqCst);
        let Some(case) = cases.get(at) else { return };
        age += 1;
        if age > AGE {
            (fleet, age) = (None, 1);
        }
        let since = Instant::now();
        let mut played = caught(&mut fleet, case, manner);
        let pm2 = if manner.pm2 { " --pm2" } else { "" };
        let line = format!("tests/run faults{pm2} --only '{case}'");
        let mut once = None;
        if let (true, Err(fault)) = (manner.twice, &played) {
            eprintln!("==== {line}\n{fault}\n==== it is played again");
            once = Some(line.clone());
            fleet = None;
            played = caught(&mut fleet, case, manner);
        }
        let took = since.elapsed();
        let mut results = results.lock().unwrap();
        results.once.extend(once.filter(|_| played.is_ok()));
        results.time += took;
        let counts = results.counts.entry(case.kind).or_default();
        counts[0] += 1;
        counts[match &played {
            Ok(Ending::New) => 1,
            Ok(Ending::Old) => 2,
            Ok(Ending::Split) => 3,
            Ok(Ending::Missed) => 4,
            Err(_) => 5,
        }] += 1;
        let word =
            played.as_ref().map_or("VIOLATED".to_owned(), |ending| format!("{ending:?}").to_lowercase());
        eprintln!("{at:4} {:5.1}s {word:8} {case}", took.as_secs_f64());
        if let Err(fault) = played {
            eprintln!("==== {line}\n{fault}\n====");
            results.violations.push(line);
            // Nobody knows what is whole in it.
            drop(results);
            fleet = None;
        }
    }
}

fn caught(fleet: &mut Option<Fleet>, case: &Case, manner: Manner) -> Result<Ending, String> {
    let played = catch_unwind(AssertUnwindSafe(|| {
        play(fleet.get_or_insert_with(|| Fleet::new(manner.pm2)), case, manner.strict)
    }));
    played.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        Err(text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked").to_owned())
    })
}

// On a busy machine a run may be over before its moment was seen.
fn play(fleet: &mut Fleet, case: &Case, strict: bool) -> Result<Ending, String> {
    for _ in 0..TRIES {
        match judge::play(fleet, case)? {
            Ending::Missed if strict => {}
            ending => return Ok(ending),
        }
    }
    Err("its moment never came".to_owned())
}

fn table(results: &Results) -> String {
    let mut text = String::new();
    let head = ["cases", "all new", "all old", "split, named", "missed", "violations"];
    let row = |text: &mut String, name: &str, cells: [String; 6]| {
        write!(text, "{name:16}").unwrap();
        cells.iter().for_each(|cell| write!(text, " {cell:>12}").unwrap());
        text.push('\n');
    };
    row(&mut text, "kind", head.map(str::to_owned));
    let mut sum = Counts::default();
    for (kind, counts) in &results.counts {
        row(&mut text, kind.name(), counts.map(|count| count.to_string()));
        sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
    }
    row(&mut text, "all", sum.map(|count| count.to_string()));
    text
}
