//! The decisions after a failure, as tables.
//!
//! A host is written as words: its fate (`untouched`, `touched`, `switched`, `serving`, `doubt`, `failed`), `running` (its
//! script was not waited for), `lost@PHASE`, and why it failed: `first:STEP` before the way back, `later:STEP` on it, where
//! STEP is `interrupted` for a step that was.

use super::*;
use crate::executor::fleet::plain_failure;

struct Host {
    progress: Progress,
    first: Option<Failure>,
    later: Option<Failure>,
}

impl Host {
    fn failures(&self) -> Failures<'_> {
        Failures { first: self.first.as_ref(), later: self.later.as_ref() }
    }
}

fn host(words: &str) -> Host {
    let mut host = Host { progress: Progress::default(), first: None, later: None };
    for word in words.split(' ') {
        match word.split_once([':', '@']) {
            Some(("lost", name)) => host.progress.lost = Some(phase(name)),
            Some(("first", step)) => host.first = Some(failure(step)),
            Some(("later", step)) => host.later = Some(failure(step)),
            Some(other) => panic!("{other:?} in {words}"),
            None if word == "running" => host.progress.running = true,
            None if word == "elsewhere" => host.progress.elsewhere = true,
            None => host.progress.fate = fate(word),
        }
    }
    host
}

fn phase(name: &str) -> Phase {
    let all = [
        Phase::Prepare,
        Phase::Ready,
        Phase::Activate,
        Phase::Confirm,
        Phase::Finish,
        Phase::SingleHost,
        Phase::Rollback,
    ];
    all.into_iter().find(|phase| phase.name() == name).unwrap_or_else(|| panic!("{name}"))
}

fn failure(step: &str) -> Failure {
    match step {
        "interrupted" => plain_failure(FailureKind::Interrupted, Step::Build, String::new()),
        "lost" => plain_failure(FailureKind::Lost, Step::Rollback, String::new()),
        step => plain_failure(FailureKind::Step, Step::parse(step).unwrap(), String::new()),
    }
}

const FATES: [(&str, Fate); 8] = [
    ("untouched", Fate::Untouched),
    ("touched", Fate::Touched),
    ("switched", Fate::Switched),
    ("serving", Fate::InService),
    ("doubt", Fate::InDoubt { switched: false }),
    ("doubt+switched", Fate::InDoubt { switched: true }),
    ("failed", Fate::RecoveryFailed { switched: false }),
    ("failed+switched", Fate::RecoveryFailed { switched: true }),
];

fn fate(word: &str) -> Fate {
    FATES.iter().find(|(name, _)| *name == word).unwrap_or_else(|| panic!("{word}")).1
}

fn shown(returned: Returned) -> String {
    let (name, _) = FATES.iter().find(|(_, fate)| *fate == returned.fate).unwrap();
    let failure = if returned.shown == Shown::First { "first" } else { "later" };
    format!("{name} {failure}")
}

#[test]
fn what_may_have_been_live() {
    for (words, failed_in, expected) in [
        ("untouched", "activate", false),
        ("touched", "activate", false),
        ("switched", "prepare", true),
        ("serving", "confirm", true),
        // it was still at work
        ("untouched running", "prepare", false),
        ("touched running", "activate", true),
        ("touched running", "deploy", true),
        // it is gone
        ("untouched lost@prepare", "prepare", false),
        ("untouched lost@ready", "activate", false),
        ("touched lost@activate", "activate", true),
        ("touched lost@confirm", "confirm", true),
        ("untouched lost@deploy", "deploy", true),
        ("untouched lost@rollback", "prepare", false),
    ] {
        let is = may_have_been_live(host(words).progress, Some(phase(failed_in)));
        assert_eq!(is, expected, "{words} in {failed_in}");
    }
    assert!(!may_have_been_live(host("touched running").progress, None));
}

#[test]
fn what_became_of_a_host_on_its_way_back() {
    // host; whether any was live; its fate then, and which of its failures is shown
    for (words, was_live, expected) in [
        ("untouched", false, "untouched later"),
        ("untouched first:build", false, "untouched first"),
        ("switched", true, "switched later"),
        ("switched first:reload", true, "switched first"),
        // it said that not all could be rolled back
        ("switched later:reload", true, "failed+switched later"),
        ("switched first:reload later:verify", true, "failed+switched first"),
        ("untouched later:unlock", true, "failed later"),
        // its steps went well, and it serves something else
        ("switched elsewhere", true, "failed+switched later"),
        ("switched elsewhere first:reload", true, "failed+switched first"),
        ("untouched elsewhere first:build", false, "untouched first"),
        // nothing was live: what fails then is no failed rollback, unless it says that it is out of service
        ("touched first:build later:unlock", false, "touched first"),
        ("touched first:build later:rollback", false, "failed first"),
        ("touched later:rollback", false, "failed later"),
        // a lost connection says nothing of that
        ("switched lost@activate first:lost", true, "switched first"),
        ("switched lost@rollback later:lost", true, "switched later"),
        ("touched lost@rollback later:lost", false, "touched later"),
        // the user left before it had finished
        ("switched running first:reload", true, "doubt+switched later"),
        ("touched running", false, "doubt later"),
        ("untouched running", false, "untouched later"),
        ("untouched running", true, "doubt later"),
        // in doubt it stays
        ("doubt first:build later:reload", true, "doubt later"),
        ("failed+switched first:build", true, "failed+switched later"),
        // an interrupted step is no reason where another step failed
        ("switched first:interrupted", true, "switched first"),
        ("switched first:interrupted later:reload", true, "failed+switched later"),
        ("untouched lost@rollback first:interrupted later:lost", false, "untouched first"),
    ] {
        let host = host(words);
        let is = returned(host.progress, host.failures(), was_live);
        assert_eq!(shown(is), expected, "{words}, live: {was_live}");
    }
}

#[test]
fn what_became_of_a_host_that_finished_in_place() {
    for (words, begun, expected) in [
        ("touched", true, "touched later"),
        ("touched first:interrupted", true, "touched later"),
        ("touched first:reload", true, "failed first"),
        ("touched later:reload", true, "failed later"),
        ("touched first:interrupted later:reload", true, "failed later"),
        ("touched running", true, "failed later"),
        ("touched lost@activate", true, "failed later"),
        ("doubt", true, "failed later"),
        // nothing was begun
        ("untouched first:lock", false, "untouched first"),
        ("untouched lost@prepare later:lost", false, "untouched later"),
    ] {
        let host = host(words);
        let is = finished(host.progress, host.failures(), begun);
        assert_eq!(shown(is), expected, "{words}, begun: {begun}");
    }
}

#[test]
fn which_hosts_are_called_again() {
    for (words, was_live, expected) in [
        ("untouched lost@prepare", false, false),
        ("untouched lost@prepare", true, true),
        ("touched lost@activate", false, true),
        ("switched", true, false),
        ("doubt lost@activate", true, false),
    ] {
        assert_eq!(is_to_be_asked(host(words).progress, was_live), expected, "{words}, live: {was_live}");
    }
}

fn live(letter: &str) -> Option<Live> {
    (letter != "-").then(|| Live { release: letter.to_owned(), version: None })
}

#[test]
fn what_the_answer_of_a_lost_host_means() {
    // what it serves (`…`: it is not finished), what it served, what goes live: back; back where hosts go on; done
    for (words, expected) in [
        ("a a b", [true, true, false]),
        ("b a b", [false, true, true]),
        ("c a b", [false, false, false]),
        ("- - b", [true, true, false]),
        ("- a b", [false, false, false]),
        ("a… a b", [false, false, false]),
        ("b… a b", [false, false, false]),
        ("b b b", [true, true, true]),
        ("- - -", [true, true, false]),
    ] {
        let [is, before, goal] = words.split(' ').collect::<Vec<_>>()[..] else { panic!("{words}") };
        let answer = Answer {
            live: live(is.trim_end_matches('…')),
            unfinished: is.ends_with('…'),
            ..Answer::default()
        };
        let (before, goal) = (live(before), live(goal));
        let back = |policy| answer.is_back(before.as_ref(), goal.as_ref(), policy);
        let done = answer.is_done(goal.as_ref());
        assert_eq!([back(OnFailure::RollBack), back(OnFailure::Continue), done], expected, "{words}");
    }
}

#[test]
fn one_host_that_did_not_hear_takes_all_back() {
    let asked = |heard: &[bool]| heard.iter().copied().enumerate().collect::<BTreeMap<_, _>>();
    assert_eq!(confirmation(&asked(&[true, true])), Confirmation::Forward(vec![0, 1]));
    assert_eq!(confirmation(&asked(&[true, false, true])), Confirmation::Back(vec![0, 2]));
    assert_eq!(confirmation(&asked(&[false])), Confirmation::Back(vec![]));
    assert_eq!(confirmation(&asked(&[])), Confirmation::Forward(vec![]), "none could be asked");
}

#[test]
fn how_a_failed_run_ends() {
    let (step, unreachable) = (Some(FailureKind::Step), Some(FailureKind::Unreachable));
    let (back, on) = (OnFailure::RollBack, OnFailure::Continue);
    // was live, sure, all there, policy, cause, signal
    for ((was_live, is_sure, all_there, policy, cause, signal), expected) in [
        ((false, true, false, back, step, 0), End::Failed),
        ((false, true, false, back, unreachable, 0), End::Unreachable),
        ((false, true, false, back, None, 2), End::Interrupted(2)),
        ((false, true, false, back, step, 2), End::Interrupted(2)),
        ((true, true, false, back, step, 0), End::RolledBack),
        ((true, true, false, back, step, 15), End::RolledBack),
        ((true, true, false, back, None, 15), End::Interrupted(15)),
        // a drained host may not have been taken in again
        ((false, false, false, back, step, 0), End::Split),
        ((true, false, true, back, None, 2), End::Split),
        // hosts that had begun went on
        ((true, true, true, on, step, 0), End::Split),
        ((true, true, true, on, None, 2), End::Done),
        ((true, true, false, on, None, 2), End::Split),
        ((false, true, false, on, None, 2), End::Interrupted(2)),
        ((false, true, true, on, step, 0), End::Failed),
    ] {
        let failed = Failed { was_live, is_sure, all_there, policy, cause, signal };
        assert_eq!(failed.end(), expected, "{failed:?}");
    }
    let (a, b) = (live("a"), live("b"));
    assert!(serves_goal(Fate::Switched, a.as_ref(), b.as_ref()));
    assert!(serves_goal(Fate::Untouched, b.as_ref(), b.as_ref()));
    assert!(!serves_goal(Fate::Touched, a.as_ref(), b.as_ref()));
    assert!(serves_goal(Fate::Untouched, None, None), "nothing goes live there");
}
