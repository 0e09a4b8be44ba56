//! What is sent to a host whose directory another tool made, before anything else is done there: what a run has stored with
//! a release is stored with those that are adopted.

use super::model::Work;
use super::phase::Phase;
use super::stages::Stages;
use super::store::store_all;
use crate::config::{App, Environment};
use crate::remote::script::{Script, Unshared};

/// What a build makes, and a new release makes again.
const BUILT: [&str; 4] = ["node_modules", "dist", ".next", "*.log"];

/// The scripts, by target. `then`: what the opening told, told again.
pub(super) fn adopt(environment: &Environment, unshared: Unshared, then: &Script) -> Vec<Script> {
    let mut stages = Stages::new(environment);
    stages.apps(|stages, app| {
        let (entries, seconds) = (entries(app), stages.limits.fetch + 900);
        stages.all(Script::adopt_begin);
        store_all(stages, app);
        stages.all(|script| script.adopt(unshared, &entries, seconds).then(then));
    });
    stages.phase(Phase::Lock);
    let remote = |work| if let Work::Remote(scripts) = work { Some(scripts) } else { None };
    stages.end().into_iter().find_map(|stage| remote(stage.work)).unwrap_or_default()
}

/// What becomes of paths of another tool's, as `adopt` of the scripts takes it.
pub(super) fn entries(app: &App) -> Vec<String> {
    let shared =
        app.shared.iter().map(|one| format!("{}:{}", if one.directory { 'd' } else { 'f' }, one.path));
    let carried = app.carry.iter().map(|path| format!("c:{path}"));
    let sent = app.files.iter().map(|file| format!("c:{}", file.path));
    let ignored = BUILT.iter().copied().chain(app.ignore_untracked.iter().map(String::as_str));
    shared.chain(carried).chain(sent).chain(ignored.map(|pattern| format!("i:{pattern}"))).collect()
}
