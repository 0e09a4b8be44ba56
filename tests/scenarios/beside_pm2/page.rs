//! `docs/pm2-deploy.md` names each difference, and each row of its tables is played by the test that it names.

use std::collections::BTreeSet;
use std::fs;

use super::rows::rows;
use crate::examples::root;

/// The rows of the table under a heading: their cells.
fn table(heading: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(root("docs/pm2-deploy.md")).unwrap();
    let part = text.split_once(&format!("\n## {heading}\n")).expect(heading).1;
    let part = part.split("\n## ").next().unwrap();
    let lines = part.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let rows = lines.map(|line| line.split(" | ").map(str::to_owned).collect());
    rows.skip(1).filter(|cells: &Vec<String>| !cells[0].starts_with("---")).collect()
}

/// What stands in backquotes.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// Whether a test of this name is there: `file::function`, or `defect_NN`.
fn is_test(name: &str) -> bool {
    let (file, function) = match name.split_once("::") {
        Some((file, function)) => (file, format!("fn {function}(")),
        None => ("pm2_defects", format!("fn {name}_")),
    };
    ["tests/scenarios", "tests/pure", "src"].iter().any(|floor| {
        let text = fs::read_to_string(root(&format!("{floor}/{file}.rs"))).unwrap_or_default();
        text.contains(&function)
    })
}

#[test]
fn the_page_has_each_difference_and_each_of_its_rows_is_played() {
    let rows = rows();
    assert!(rows.len() >= 40, "{}", rows.len());
    let differ: BTreeSet<&str> = rows.iter().filter_map(|row| row.page).collect();
    let page = table("Differences from `pm2 deploy`");
    let beside = page.iter().filter(|cells| cells[2] == "`beside_pm2`").map(|cells| cells[0].as_str());
    assert_eq!(beside.collect::<BTreeSet<&str>>(), differ);
    for cells in page.iter().filter(|cells| cells[2] != "`beside_pm2`") {
        let tests: Vec<&str> = quoted(&cells[2]).collect();
        assert!(!tests.is_empty() && tests.iter().all(|test| is_test(test)), "{cells:?}");
    }
}

#[test]
fn each_defect_has_its_test_or_a_reason() {
    let page = table("The defects of `pm2 deploy`, one by one");
    let numbers: Vec<u32> =
        page.iter().flat_map(|cells| cells[0].split(", ").map(|number| number.parse().unwrap())).collect();
    assert_eq!(numbers, (1..=38).collect::<Vec<u32>>());
    for cells in &page {
        let named: Vec<&str> = quoted(&cells[2]).collect();
        let tests = named.iter().filter(|name| name.starts_with("defect_") || name.contains("::"));
        assert!(tests.clone().all(|test| is_test(test)), "{cells:?}");
        assert!(tests.count() > 0 || ["35", "38"].contains(&cells[0].as_str()), "{cells:?}");
    }
}
