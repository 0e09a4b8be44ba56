//! Reasons: read from a host, and the same list in the scripts.

use super::*;
use crate::config::Program;
use crate::remote::adapters::adapter;
use crate::remote::program;

fn said(text: &str) -> Said {
    text.parse().unwrap()
}

#[test]
fn a_reason_has_its_fields_and_no_others() {
    let fields = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let full = Reason::CannotMake { path: "/p".into(), said: said("mkdir: no") };
    assert_eq!(Reason::parse("cannot-make", &fields(&["/p", "mkdir: no"])), Some(full));
    assert_eq!(Reason::parse("cannot-make", &fields(&["/p"])), None);
    assert_eq!(Reason::parse("cannot-make", &fields(&["/p", "mkdir: no", "more"])), None);
    assert_eq!(Reason::parse("step-failed", &fields(&["many"])), None);
    assert_eq!(Reason::parse("git-access", &fields(&["gremlins", "128"])), None);
    assert_eq!(Reason::parse("gremlins", &[]), None);
}

#[test]
fn the_words_of_a_tool_follow_the_message_and_are_bounded() {
    let written = |text: &str| Reason::CannotWrite { path: "/p".into(), said: said(text) }.message();
    assert_eq!(written(""), "cannot write to /p");
    assert_eq!(written(" cp: no "), "cannot write to /p: cp: no");
    assert!(written(&"ä".repeat(5000)).chars().count() < 400);
}

#[test]
fn a_hint_about_the_disk_is_given_where_the_tool_said_it() {
    let hint = |text: &str| {
        Reason::CannotMake { path: "/p".into(), said: said(text) }.hint(Step::Prepare).unwrap_or_default()
    };
    assert!(hint("mkdir: cannot create directory '/p': No space left on device").contains("disk is full"));
    assert!(hint("cp: cannot create '/p/x': No space left on device (no inodes are left)").contains("df -i"));
    assert!(hint("mkdir: can't create directory '/p': Disk quota exceeded").contains("quota"));
    assert!(hint("mkdir: cannot create directory '/p': Read-only file system").contains("read-only"));
    assert!(hint("mkdir: cannot create directory '/p': Permission denied").contains("check` says whose"));
    assert_eq!(hint("mkdir: 'No space left on device': File exists"), hint(""));
}

#[test]
fn the_message_of_a_step_that_failed_is_its_exit_code_and_common_codes_have_a_hint() {
    let failed = |code| Reason::StepFailed { code };
    assert_eq!((failed(3).exit_code(), failed(3).hint(Step::Build)), (Some(3), None));
    assert!(failed(127).hint(Step::Build).unwrap().starts_with("command not found"));
    assert_eq!(Reason::Stopped {}.exit_code(), None);
}

// The arguments of each call of `fail` in the scripts: reason, step, fields.
fn calls() -> Vec<Vec<String>> {
    let lines = program::all().into_iter().flat_map(str::lines).map(str::trim);
    let starts = lines.filter(|line| !line.starts_with('#')).filter_map(|line| {
        let call = line.strip_prefix("fail ").or_else(|| line.split_once(" fail ").map(|(_, rest)| rest));
        call.filter(|call| call.starts_with(|first: char| first.is_ascii_lowercase()))
    });
    starts.map(arguments).collect()
}

// The words of a simple command, up to its end.
fn arguments(call: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for c in call.chars() {
        match c {
            '"' => {
                quoted = !quoted;
                word.push(c);
            }
            ';' if !quoted => break,
            ' ' if !quoted => words.extend((!word.is_empty()).then(|| std::mem::take(&mut word))),
            c => word.push(c),
        }
    }
    words.extend((!word.is_empty()).then_some(word));
    words
}

#[test]
fn scripts_give_these_reasons_with_their_fields_and_no_others() {
    let calls = calls();
    assert!(calls.len() > 50, "{calls:?}");
    for call in &calls {
        let known = Reason::ALL.iter().find(|(word, _)| *word == call[0]);
        let (_, fields) = known.unwrap_or_else(|| panic!("not a reason: {call:?}"));
        assert_eq!(call.len(), 2 + fields.len(), "{call:?} has not the fields {fields:?}");
    }
    let adapters: String = Program::WORDS.iter().map(|(_, program)| adapter(*program)).collect();
    // Adapters have calls of their own, and so has what is told in the same way: the word is enough.
    let says = |word: &str| {
        adapters.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').any(|said| said == word)
    };
    let told = |word: &str| program::SOURCE.contains(&format!("answer_fail={word}$fields"));
    for (word, _) in Reason::ALL {
        let given = calls.iter().any(|call| call[0] == *word) || says(word) || told(word);
        assert!(given, "no script gives the reason {word}");
    }
}
