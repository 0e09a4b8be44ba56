//! A plan as one JSON value, for `--output json`: what the dry run shows, in the same order. Fields are an API: they are
//! added to, not changed. No secret is in it: of `env` a value that is one is null, of files there is only the place.

use serde_json::{Map, Value, json};

use super::preview::Preview;
use crate::executor::event::Failure;
use crate::git;
use crate::plan::{LocalHook, Plan, Stage, Target, Who, Work, alike};
use crate::remote::program::start_command;
use crate::remote::script::Script;

/// All of it. What a deploy brings is null where it was not asked.
pub(super) fn document(plan: &Plan, preview: Option<&Preview>) -> Value {
    let environment = &plan.environment;
    let hosts: Vec<Value> =
        plan.targets.iter().enumerate().map(|(at, target)| host(target, preview, at)).collect();
    json!({
        "environment": environment.name,
        "action": plan.action.name(),
        "ref": environment.app.reference,
        "repo": git::without_credentials(&environment.app.repo),
        "revision": preview.and_then(|preview| preview.revision.as_ref()),
        "nothing_to_do": preview.map(|preview| preview.is_live),
        "commits": preview.map(commits),
        "hosts": hosts,
        "start": start_command(),
        "stages": stages(plan),
    })
}

/// One value for all hosts that serve the same; the newest ten commits are named.
fn commits(preview: &Preview) -> Value {
    let brings = preview.brings.iter().map(|bring| {
        let pending = bring.pending.as_ref();
        let named = |commit: &git::Commit| json!({ "revision": commit.revision, "subject": commit.subject });
        json!({
            "hosts": bring.hosts,
            "from": bring.from,
            "total": pending.map(|pending| pending.total),
            "is_counted": pending.map(|pending| pending.is_counted),
            "taken_back": pending.map(|pending| pending.taken_back),
            "commits": pending.map(|pending| pending.commits.iter().map(named).collect::<Vec<_>>()),
        })
    });
    brings.collect()
}

fn host(target: &Target, preview: Option<&Preview>, at: usize) -> Value {
    let looked = preview.and_then(|preview| preview.looked.get(at));
    let live = looked.and_then(|host| host.live.as_ref());
    let variables: Map<String, Value> = target
        .shown_variables()
        .map(|(name, value)| (name.to_owned(), Value::from(value.into_owned())))
        .collect();
    let env: Map<String, Value> =
        target.shown_env.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
    let file = |(path, mode): &(String, u32)| json!({ "path": format!("shared/{path}"), "mode": format!("{mode:04o}") });
    json!({
        "host": target.host.name,
        "path": target.host.path.to_string(),
        "variables": variables,
        "env": env,
        "files": target.files.iter().map(file).collect::<Vec<_>>(),
        "enter": target.enter,
        "live": live.map(|live| json!({ "release": live.release, "revision": live.revision })),
        "failure": looked.and_then(|host| host.failure.as_ref()).map(Failure::to_json),
    })
}

/// In the order of the text; `when` says which are only sent in that case.
fn stages(plan: &Plan) -> Vec<Value> {
    let one = |when: &str, script: &Script, hosts: usize| {
        let scripts = vec![script.clone(); hosts];
        (!script.is_empty()).then(|| stage(plan, when, Value::Null, Who::All, &scripts))
    };
    let all = plan.targets.len();
    let opening = stage(plan, "always", plan.opening_phase.name().into(), Who::All, &plan.opening);
    let find = one("unresolved", &plan.find, 1);
    let leave = one("nothing-to-do", &plan.leave, all);
    let undo = one("failure", &plan.undo, all);
    let told = plan.stages.iter().map(|Stage { phase, who, work }| match work {
        Work::Remote(scripts) => stage(plan, "always", phase.name().into(), *who, scripts),
        Work::Local(hooks) => local(plan, "always", phase.name().into(), *who, hooks),
    });
    let after = [("success", &plan.after), ("failure", &plan.after_failure)];
    let after = after.into_iter().filter(|(_, hooks)| !hooks.is_empty());
    std::iter::once(opening)
        .chain(find)
        .chain(leave)
        .chain(told)
        .chain(undo)
        .chain(after.map(|(when, hooks)| local(plan, when, Value::Null, Who::All, hooks)))
        .collect()
}

fn stage(plan: &Plan, when: &str, phase: Value, who: Who, scripts: &[Script]) -> Value {
    let name = |at: &usize| plan.targets[*at].host.name.as_str();
    let scripts: Vec<Value> = alike(scripts)
        .into_iter()
        .map(|(script, hosts)| {
            let hosts: Vec<&str> = hosts.iter().map(name).collect();
            json!({ "hosts": hosts, "script": script.as_str() })
        })
        .collect();
    json!({ "when": when, "phase": phase, "of": of(who), "where": "hosts", "scripts": scripts })
}

fn local(plan: &Plan, when: &str, phase: Value, who: Who, hooks: &[LocalHook]) -> Value {
    let hook = |hook: &LocalHook| {
        let host = hook.target.map(|at| plan.targets[at].host.name.as_str());
        json!({ "step": hook.step, "host": host, "script": hook.text })
    };
    let hooks: Vec<Value> = hooks.iter().map(hook).collect();
    json!({ "when": when, "phase": phase, "of": of(who), "where": "here", "hooks": hooks })
}

/// Which of the hosts, where only their answers can tell.
fn of(who: Who) -> &'static str {
    match who {
        Who::All => "all",
        Who::Bare => "bare",
        Who::Lacking => "lacking",
        Who::Having => "having",
        Who::Differing => "differing",
        Who::Rest => "rest",
    }
}
