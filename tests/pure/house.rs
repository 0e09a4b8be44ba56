//! The house's own rules, read from the sources: floors, doors, heads of files, sizes, folders, dependencies.
//!
//! Each rule is a function from sources to faults, so that it is also shown sources that break it.

use crate::house_rules::circles::circles;
use crate::house_rules::manifest::uncommented;
use crate::house_rules::{
    FLOORS, LONGEST, Source, declared, doors, floors, folders, headless, mapped, sources, too_long,
};

fn none(faults: &[String]) {
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn no_floor_uses_one_above_it() {
    none(&floors(&sources()));
}

#[test]
fn no_files_import_one_another_in_a_circle() {
    let circles: Vec<String> = circles(&sources()).iter().map(|circle| circle.join(" ")).collect();
    none(&circles);
}

#[test]
fn every_dependency_with_a_door_stays_behind_it() {
    none(&doors(&sources()));
}

#[test]
fn the_crate_is_its_floors_and_the_map_shows_them_in_order() {
    let sources = sources();
    let lib = sources.iter().find(|s| s.path == "src/lib.rs").unwrap();
    let mut sorted = FLOORS.to_vec();
    sorted.sort_unstable();
    assert_eq!(declared(lib), sorted);
    assert_eq!(mapped(lib), FLOORS);
}

#[test]
fn every_file_says_on_top_what_it_is_for() {
    none(&headless(&sources()));
}

#[test]
fn no_file_is_too_long_to_read() {
    none(&too_long(&sources()));
}

#[test]
fn every_folder_is_complete_by_itself() {
    none(&folders(&sources()));
}

#[test]
fn every_dependency_says_why_it_is_there() {
    none(&uncommented(&std::fs::read_to_string("Cargo.toml").unwrap()));
}

// ---- each rule sees what breaks it

#[test]
fn a_circle_is_seen_through_re_exports_and_paths_in_the_text() {
    let files = |b: &str| {
        [
            source("src/plan/mod.rs", "mod a;\nmod b;\npub use a::A;\n"),
            source("src/plan/a.rs", "use super::b::B;\npub struct A(B);\n"),
            source("src/plan/b.rs", b),
        ]
    };
    for text in [
        "use crate::plan::A;\npub struct B;\n",
        "use super::A as Other;\npub struct B;\n",
        "pub struct B;\nfn f(_: &super::A) {}\n",
        "use crate::plan;\npub struct B;\nfn f() { plan::A::new() }\n",
        "use crate::plan::{self as all, A};\npub struct B;\n",
    ] {
        assert_eq!(circles(&files(text)), [["src/plan/a.rs", "src/plan/b.rs"]], "{text}");
    }
    for text in ["pub struct B;", "pub struct B;\n#[cfg(test)]\nmod tests { use super::super::A; }"] {
        assert_eq!(circles(&files(text)), [[""; 0]; 0], "{text}");
    }
}

fn source(path: &str, text: &str) -> Source {
    Source { path: path.into(), text: text.into() }
}

fn floors_of(path: &str, text: &str) -> Vec<String> {
    floors(&[source(path, text)])
}

#[test]
fn the_way_up_is_seen_however_it_is_written() {
    for text in [
        "use crate::executor::run;",
        "use crate::{config::Host, executor::{self, run}};",
        "pub use crate::executor as doer;",
        "fn f() -> crate::executor::Outcome { todo!() }",
        "fn f() { crate :: executor :: run() }",
        "fn f() { if x < 'a' { crate::executor::run() } }",
        "use super::super::executor::run;",
        "fn f() { g::<super::super::executor::Outcome>() }",
        "#[cfg(test)]\nmod tests { use crate::executor::run; }\nuse crate::executor::run;",
        "#[cfg(test)]\nuse crate::executor::a;\nuse crate::executor::b;",
        "const A: &str = \"\\\"\"; use crate::executor::run; const B: &str = \"\";",
        "const A: &str = r#\"a\"b\"#; use crate::executor::run;",
        "/* a /* nested */ comment */ use crate::executor::run;",
    ] {
        let faults = floors_of("src/plan/build.rs", text);
        assert_eq!(faults.len(), 1, "{text}: {faults:?}");
        assert!(faults[0].contains("plan uses executor"), "{faults:?}");
    }
    assert_eq!(floors_of("src/plan/mod.rs", "use super::executor::run;").len(), 1);
    assert_eq!(floors_of("src/error.rs", "use super::report::clean;").len(), 1);
    assert_eq!(
        floors_of("src/plan/mod.rs", "\n\nuse crate::cli;")[0],
        "src/plan/mod.rs:3: plan uses cli above it"
    );
}

#[test]
fn the_root_of_the_crate_is_no_way_around_the_floors() {
    for text in ["use crate as all;", "use crate::*;", "use crate::{self as all};", "use super::super::*;"] {
        assert_eq!(floors_of("src/plan/build.rs", text).len(), 1, "{text}");
    }
}

#[test]
fn what_is_allowed_is_no_fault() {
    for text in [
        "use crate::config::Host;\nuse crate::{git, remote::script::Script};\nuse crate::plan::Phase;",
        "use super::super::config::Host;\nuse super::stages::Stages;\npub(crate) fn f() {}",
        "//! As [`crate::executor`] does.\n// use crate::executor;\nconst A: &str = \"crate::executor::x\";",
        "const A: &str = r#\"crate::executor \"x\" \"#; const B: char = '\"'; const C: &str = \"crate::cli\";",
        "#[cfg(test)]\nmod tests {\n use crate::executor::run;\n fn f() { { crate::cli::x() } }\n}",
        "#[cfg(test)]\n#[allow(dead_code)]\nuse crate::executor::run;",
        "fn f<'a>(x: &'a str) -> &'a str { x }",
    ] {
        assert_eq!(floors_of("src/plan/build.rs", text), [""; 0], "{text}");
    }
    let tests = [
        source("src/plan/mod.rs", "#[cfg(test)]\nmod tests;"),
        source("src/plan/tests.rs", "use crate::cli::Cli;"),
    ];
    assert_eq!(floors(&tests), [""; 0]);
    let no_tests = [source("src/plan/mod.rs", "mod tests;"), tests[1].clone()];
    assert_eq!(floors(&no_tests).len(), 1, "a module is for tests when it says so, not by its name");
}

#[test]
fn a_dependency_outside_of_its_door_is_seen() {
    for text in
        ["use russh::client;", "fn f() { ::russh::client::connect() }", "use {std::io, russh as ssh};"]
    {
        assert_eq!(doors(&[source("src/transport/mod.rs", text)]).len(), 1, "{text}");
        assert_eq!(doors(&[source("src/transport/ssh/mod.rs", text)]), [""; 0], "{text}");
    }
    for (dependency, inside) in [
        ("clap", "src/cli/mod.rs"),
        ("hyper", "src/health/http.rs"),
        ("toml", "src/config/file.rs"),
        ("indicatif", "src/report/pretty.rs"),
        ("console", "src/report/style.rs"),
    ] {
        let text = format!("use {dependency}::Thing;");
        assert_eq!(doors(&[source("src/commands/list.rs", &text)]).len(), 1, "{dependency}");
        assert_eq!(doors(&[source(inside, &text)]), [""; 0], "{dependency}");
    }
    assert_eq!(doors(&[source("src/plan/mod.rs", "use super::console::x; fn f() { toml.len(); }")]), [""; 0]);
}

#[test]
fn missing_heads_long_files_and_split_folders_are_seen() {
    let bad = [
        source("src/plan/build.rs", "use std::io;\n//! late\n"),
        source("src/plan.rs", &"//! long\n".repeat(LONGEST + 1)),
        source("src/remote/scripts/base.sh", &"#\n".repeat(LONGEST + 1)),
    ];
    assert_eq!(headless(&bad), ["src/plan/build.rs: does not begin with //!"]);
    assert_eq!(too_long(&bad).len(), 2);
    assert_eq!(folders(&bad).len(), 2, "no src/plan/mod.rs, and src/plan.rs beside it");
    let good = [source("src/plan/mod.rs", "//! x\n"), source("src/plan/build.rs", "//! x\n")];
    assert_eq!((headless(&good), too_long(&good), folders(&good)), (vec![], vec![], vec![]));
}

#[test]
fn a_module_or_a_line_of_the_map_too_much_is_seen() {
    let lib = source(
        "src/lib.rs",
        "//! | [`config`] | x |\n//! | [`helper`] | y |\npub mod config;\nmod helper;\n",
    );
    assert_eq!(declared(&lib), ["config", "helper"]);
    assert_eq!(mapped(&lib), ["config", "helper"]);
}

#[test]
fn a_dependency_without_its_reason_is_seen() {
    let bad = "[dependencies]\n# why\na = \"1\"\nb = { version = \"1\", features = [\n  \"x\",\n] }\n\n[dev-dependencies]\n\
               c.workspace = true\n[dependencies.d]\nversion = \"1\"\n[lints.rust]\ne = \"deny\"\n";
    assert_eq!(
        uncommented(bad),
        ["b: no comment above it", "c: no comment above it", "d: no comment above it"]
    );
    let good =
        "[dependencies]\n# why\na = \"1\"\n\n# why\n[target.'cfg(unix)'.dependencies.b]\nversion = \"1\"\n";
    assert_eq!(uncommented(good), [""; 0]);
}
