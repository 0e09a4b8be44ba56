//! The documents say what the program does: README and `docs/` have its commands, options, exit codes and events, the
//! files in them can be planned, and no link leads nowhere.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{Kind, World};
use crate::examples::{plan_all, root};
use serde_json::Value;

/// Every document for people, by its path in the repository.
fn documents() -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> =
        ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "examples/README.md", "benches/README.md"]
            .into_iter()
            .map(root)
            .collect();
    let pages = fs::read_dir(root("docs")).unwrap().flatten().map(|entry| entry.path());
    all.extend(pages.filter(|path| path.extension().is_some_and(|end| end == "md")));
    all
}

fn text(path: &str) -> String {
    fs::read_to_string(root(path)).unwrap()
}

fn help() -> String {
    World::new(Kind::InProcess, 0).shipit(&["--help"]).ends_with(0).stdout
}

/// The first cells of the tables in a part of a page.
fn first_cells(text: &str) -> Vec<String> {
    let cell =
        |line: &str| Some(line.strip_prefix("| ")?.replace("\\|", "/").split(" | ").next()?.to_owned());
    text.lines().filter_map(cell).filter(|cell| !cell.starts_with("---")).collect()
}

/// What stands in backquotes.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// The part of a page under a heading.
fn part<'a>(text: &'a str, heading: &str) -> &'a str {
    let after = text.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no {heading}")).1;
    after.split("\n## ").next().unwrap()
}

#[test]
fn the_readme_can_be_read_in_one_sitting() {
    assert!(text("README.md").lines().count() <= 150);
}

#[test]
fn every_page_is_listed() {
    let list = text("docs/README.md");
    for path in documents().iter().filter(|path| path.parent() == Some(&root("docs"))) {
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(
            name == "README.md" || list.contains(&format!("]({name})")),
            "{name} is not in docs/README.md"
        );
    }
}

/// As GitHub makes it of a heading.
fn anchor(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    heading.trim().to_lowercase().chars().filter(kept).map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn anchors(file: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| anchor(line.trim_start_matches('#')))
        .collect()
}

#[test]
fn no_link_leads_nowhere() {
    let mut seen = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.starts_with("http")) {
            let (file, place) = link.split_once('#').unwrap_or((link, ""));
            let file = match file {
                "" => document.clone(),
                file => document.parent().unwrap().join(file),
            };
            assert!(file.exists(), "{}: {link}", document.display());
            assert!(place.is_empty() || anchors(&file).contains(place), "{}: {link}", document.display());
            seen += 1;
        }
    }
    assert!(seen > 50, "{seen}");
}

#[test]
fn the_files_in_the_documents_can_be_planned() {
    let mut seen = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for block in text.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()) {
            let directory = tempfile::tempdir().unwrap();
            let file = directory.path().join("shipit.toml");
            fs::write(&file, block).unwrap();
            assert!(!plan_all(&file).is_empty(), "{}: {block}", document.display());
            seen += 1;
        }
    }
    assert!(seen > 5, "{seen}");
}

#[test]
fn the_page_on_commands_has_those_of_the_help() {
    let help = help();
    let commands = help.split("\nOptions").next().unwrap();
    // Two blanks, the names, and what is said of them from the 29th column on.
    let names = commands.lines().filter_map(|line| line.strip_prefix("  ")?.get(..26));
    let names = names.filter(|names| !names.starts_with(' '));
    let of_help: BTreeSet<String> =
        names.flat_map(|names| names.split(',')).filter_map(first_word).map(str::to_owned).collect();
    let page = text("docs/commands.md");
    let of_page: BTreeSet<String> = ["Deploy", "Look", "Act", "Without an environment"]
        .iter()
        .flat_map(|heading| first_cells(part(&page, heading)))
        .flat_map(|cell| quoted(&cell).filter_map(first_word).map(str::to_owned).collect::<Vec<_>>())
        .collect();
    assert!(of_help.len() > 20, "{of_help:?}");
    assert_eq!(of_page, of_help);
}

fn first_word(words: &str) -> Option<&str> {
    words.split_whitespace().next()
}

#[test]
fn the_page_on_commands_has_the_options_of_the_help() {
    let help = help();
    let options = help.split("\nOptions").nth(1).unwrap().split("\nExit codes").next().unwrap();
    let names = |words: &str| {
        let words = words.split([' ', ',', '/']).filter(|word| word.starts_with('-'));
        words.map(str::to_owned).collect::<Vec<String>>()
    };
    let lines = options.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
    let of_help: BTreeSet<String> =
        lines.filter_map(|line| line.split_once("  ")).flat_map(|(left, _)| names(left)).collect();
    let page = text("docs/commands.md");
    let cells = first_cells(part(&page, "Options"));
    let of_page: BTreeSet<String> = cells.iter().flat_map(|cell| quoted(cell)).flat_map(names).collect();
    // Said in the text beside the option.
    let beside = ["-F"].map(str::to_owned);
    assert!(of_help.len() > 30, "{of_help:?}");
    assert_eq!(of_page.difference(&of_help).filter(|name| !beside.contains(name)).count(), 0, "{of_page:?}");
    assert_eq!(of_help.difference(&of_page).count(), 0, "{of_help:?}");
}

#[test]
fn the_page_on_exit_codes_has_those_of_the_help() {
    let page = text("docs/exit-codes.md");
    let rows: Vec<u8> = first_cells(&page).iter().filter_map(|cell| cell.parse().ok()).collect();
    let help = help();
    let codes = help.split("Exit codes:").nth(1).unwrap().lines();
    let codes: Vec<u8> = codes.filter_map(|line| line.split_whitespace().next()?.parse().ok()).collect();
    assert_eq!(rows, codes);
}

#[test]
fn the_page_on_json_has_the_events_and_words_of_the_schema() {
    let world = World::new(Kind::InProcess, 0);
    let schema: Value =
        serde_json::from_str(&world.shipit(&["schema", "--events"]).ends_with(0).stdout).unwrap();
    let page = text("docs/json.md");
    let rows: Vec<Vec<String>> = part(&page, "Events")
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| quoted(line).map(str::to_owned).collect())
        .collect();
    let shared = ["v", "time", "event"];
    let of_schema: Vec<Vec<String>> = schema["oneOf"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| {
            let name = event["properties"]["event"]["const"].as_str().unwrap();
            let fields = event["required"].as_array().unwrap().iter().filter_map(Value::as_str);
            let own = fields.filter(|field| !shared.contains(field));
            std::iter::once(name).chain(own).map(str::to_owned).collect()
        })
        .collect();
    assert_eq!(rows, of_schema);
    let words = |place: &str| -> Vec<String> {
        let words = schema.pointer(place).and_then(|of| of["enum"].as_array()).expect(place);
        words.iter().map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    for (field, place) in [
        ("`result` of the run", "/$defs/outcome/properties/result"),
        ("`result` of a host", "/$defs/host-outcome/properties/result"),
        ("`kind` of a failure", "/$defs/failure/properties/kind"),
    ] {
        let line = page.lines().find_map(|line| line.strip_prefix(&format!("| {field} | "))).expect(field);
        assert_eq!(quoted(line).collect::<Vec<_>>(), words(place), "{field}");
    }
}
