//! A plan as one JSON value, for `--output json`: what the dry run shows, in the same order. Fields are an API: they are
//! added to, not changed. No secret is in it: of `env` a value that is one is null, of files there is only the place.

use serde_json::{Map, Value, json};

use crate::config::Pause;
use crate::executor::Live;
use crate::executor::decide::Change;
use crate::executor::event::Failure;
use crate::git;
use crate::plan::{Batch, LocalHook, Participants, Plan, Stage, Target, Work, alike};
use crate::remote::program::{DIGEST, start_command};
use crate::remote::script::Script;
use crate::report::preview::{AppPreview, Preview};

/// All of it. What a deploy brings is null where it was not asked.
#[must_use]
pub fn plan(plan: &Plan, preview: Option<&Preview>) -> Value {
    let environment = &plan.environment;
    let apps: Vec<Value> = (environment.apps.iter().enumerate())
        .map(|(at, app)| {
            let news = preview.and_then(|preview| preview.apps.get(at));
            json!({
                "app": app.name,
                "ref": app.reference,
                "repo": git::without_credentials(&app.repo),
                "revision": news.and_then(|news| news.to.as_ref()),
                "nothing_to_do": news.map(|news| news.decided.change == Change::Unchanged),
                "change": news.map(|news| news.decided.change.name()),
                "commits": news.map(|news| commits(plan, news)),
            })
        })
        .collect();
    let hosts: Vec<Value> =
        plan.targets.iter().enumerate().map(|(at, target)| host(target, preview, at)).collect();
    json!({
        "environment": environment.name,
        "action": plan.action.name(),
        "apps": apps,
        "hosts": hosts,
        "refused": preview.and_then(|preview| preview.refusal.as_ref()).map(|refusal| refusal.failure().to_json()),
        "start": start_command(),
        "program_sha256": *DIGEST,
        "stages": stages(plan),
    })
}

/// One value for all hosts that serve the same; the newest ten commits are named.
fn commits(plan: &Plan, news: &AppPreview) -> Value {
    let groups = news.groups.iter().map(|group| {
        let pending = group.pending.as_ref();
        let hosts: Vec<&str> = group.hosts.iter().map(|at| plan.targets[*at].name.as_str()).collect();
        let named = |commit: &git::Commit| json!({ "revision": commit.revision, "subject": commit.subject });
        json!({
            "hosts": hosts,
            "from": group.from.as_ref().map(Live::revision),
            "total": pending.map(|pending| pending.total),
            "is_counted": pending.map(|pending| pending.is_counted),
            "taken_back": pending.map(|pending| pending.dropped_total),
            "commits": pending.map(|pending| pending.commits.iter().map(named).collect::<Vec<_>>()),
        })
    });
    groups.collect()
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
        "host": target.name,
        "path": target.path.to_string(),
        "variables": variables,
        "env": env,
        "files": target.files.iter().map(file).collect::<Vec<_>>(),
        "enter": target.enter,
        "live": live.map(|live| json!({ "release": live.release, "revision": live.revision() })),
        "role": preview.and_then(|preview| preview.decision.as_ref()).map(|decision| decision.roles[at].name()),
        "failure": looked.and_then(|host| host.failure.as_ref()).map(Failure::to_json),
    })
}

/// In the order of the text; `when` says which are only sent in that case.
fn stages(plan: &Plan) -> Vec<Value> {
    let part = |when: &str, (phase, batch, participants): (Value, Option<Batch>, Participants)| {
        let batch = batch.map(|Batch { app, number, of }| {
            json!({ "app": plan.environment.apps[app].name, "number": number, "of": of })
        });
        Map::from_iter([
            ("when".to_owned(), Value::from(when)),
            ("phase".to_owned(), phase),
            ("batch".to_owned(), batch.into()),
            ("of".to_owned(), participants.name().into()),
        ])
    };
    let all = plan.targets.len();
    let mut told = vec![scripts(
        plan,
        part("always", (plan.opening_phase.name().into(), None, Participants::All)),
        &plan.opening,
    )];
    let mut only = |when: &str, all: &[Script]| {
        if all.iter().any(|script| !script.is_empty()) {
            told.push(scripts(plan, part(when, (Value::Null, None, Participants::All)), all));
        }
    };
    only("unresolved", &unresolved(plan));
    only("adopting", &plan.adopt);
    only("nothing-to-do", &vec![plan.release_lock.clone(); all]);
    for Stage { phase, participants, batch, work } in &plan.stages {
        let part = part("always", (phase.name().into(), *batch, *participants));
        told.push(match work {
            Work::Remote(all) => scripts(plan, part, all),
            Work::Local(hooks) => local(plan, part, hooks),
            Work::Health(targets) => {
                let hosts: Vec<&str> = targets.iter().map(|at| plan.targets[*at].name.as_str()).collect();
                with(part, json!({ "where": "here", "health": hosts }))
            }
            Work::Pause(pause) => with(part, json!({ "where": "here", "pause": spoken(*pause) })),
        });
    }
    let recovery = plan.recovery.parts().into_iter().chain([("health-on-host", "", &plan.check_health)]);
    for (when, _, script) in recovery.filter(|(_, _, script)| !script.is_empty()) {
        let all = vec![script.clone(); all];
        told.push(scripts(plan, part(when, (Value::Null, None, Participants::All)), &all));
    }
    for (when, hooks) in
        [("asked", &plan.local_steps), ("success", &plan.after_success), ("failure", &plan.after_failure)]
    {
        if !hooks.is_empty() {
            told.push(local(plan, part(when, (Value::Null, None, Participants::All)), hooks));
        }
    }
    told
}

/// What asks the first host of each app for its commit, where that was not asked with the connection.
fn unresolved(plan: &Plan) -> Vec<Script> {
    let mut scripts = vec![Script::new(); plan.targets.len()];
    for (at, app) in plan.environment.apps.iter().enumerate() {
        if git::is_path(&app.repo) {
            continue;
        }
        if let Some(first) = plan.first_of(at) {
            scripts[first] = plan.find_ref[at].clone();
        }
    }
    scripts
}

fn spoken(pause: Pause) -> Value {
    match pause {
        Pause::None => Value::Null,
        Pause::Lasting(time) => time.as_secs_f64().into(),
        Pause::Ask => "ask".into(),
    }
}

fn with(mut part: Map<String, Value>, more: Value) -> Value {
    if let Value::Object(more) = more {
        part.extend(more);
    }
    Value::Object(part)
}

fn scripts(plan: &Plan, part: Map<String, Value>, scripts: &[Script]) -> Value {
    let name = |at: &usize| plan.targets[*at].name.as_str();
    let scripts: Vec<Value> = alike(scripts)
        .into_iter()
        .map(|(script, hosts)| {
            let hosts: Vec<&str> = hosts.iter().map(name).collect();
            json!({ "hosts": hosts, "script": script.as_str() })
        })
        .collect();
    with(part, json!({ "where": "hosts", "scripts": scripts }))
}

fn local(plan: &Plan, part: Map<String, Value>, hooks: &[LocalHook]) -> Value {
    let hook = |hook: &LocalHook| {
        let host = hook.target.map(|at| plan.targets[at].name.as_str());
        json!({ "step": hook.step.name(), "host": host, "script": hook.text })
    };
    let hooks: Vec<Value> = hooks.iter().map(hook).collect();
    with(part, json!({ "where": "here", "hooks": hooks }))
}
