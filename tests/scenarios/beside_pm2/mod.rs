//! The same ecosystem file and repository by the real `pm2 deploy` and by shipit, against real sshds: what is the same, and
//! what differs and stands in `docs/pm2-deploy.md`.
//!
//! Each tool plays one story in a world of its own (`story.rs`) and notes facts; `rows.rs` says what each fact has to be.

mod page;
mod rows;
mod side;
mod story;

use std::collections::BTreeMap;

use side::{Side, Tool};

fn play(tool: Tool) -> BTreeMap<String, String> {
    let mut side = Side::new(tool);
    story::play(&mut side);
    std::mem::take(&mut side.facts)
}

#[test]
fn each_row_is_so() {
    let (by_pm2, mut by_shipit) = std::thread::scope(|scope| {
        let by_pm2 = scope.spawn(|| play(Tool::Pm2));
        let by_shipit = scope.spawn(|| play(Tool::Shipit));
        (by_pm2.join().unwrap(), by_shipit.join().unwrap())
    });
    let file = "the file";
    assert_eq!(by_pm2[file], by_shipit[file], "both read the same");
    let mut wrong = Vec::new();
    let mut judged = vec![file.to_owned()];
    for row in rows::rows() {
        for (tool, facts, expected) in [("pm2", &by_pm2, &row.pm2), ("shipit", &by_shipit, &row.shipit)] {
            let found = facts.get(&row.fact).map_or("is not looked at", String::as_str);
            if found != expected {
                wrong.push(format!("{} by {tool}: {found:?}, expected {expected:?}", row.fact));
            }
        }
        judged.push(row.fact);
    }
    by_shipit.extend(by_pm2);
    let unjudged = by_shipit.keys().filter(|fact| !judged.contains(fact));
    wrong.extend(unjudged.map(|fact| format!("{fact}: no row says what it has to be")));
    eprintln!("{} rows", judged.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
