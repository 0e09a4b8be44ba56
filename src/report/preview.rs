//! What a dry run shows: the plan, and above that of a deploy what it would bring, as text or as one JSON value.

use super::{Printer, Verbosity, clean, human, json};
use crate::config::App;
use crate::executor::Looked;
use crate::git::Pending;
use crate::plan::{self, Plan};

/// What a deploy would bring.
#[derive(Debug)]
pub struct Preview {
    /// What each host answered, in the plan's order.
    pub looked: Vec<Looked>,
    /// Of each app.
    pub apps: Vec<AppPreview>,
}

/// What it would bring of an app.
#[derive(Debug)]
pub struct AppPreview {
    /// The commit that would go out; none: it is not known here.
    pub revision: Option<String>,
    /// All hosts serve this commit with this configuration.
    pub is_live: bool,
    /// Hosts that serve the same are grouped.
    pub incoming: Vec<Incoming>,
    /// Not all hosts serve the same, or some could not be asked.
    pub differ: bool,
}

/// What it would bring to hosts that serve the same.
#[derive(Debug)]
pub struct Incoming {
    /// The commit that is live there; none: nothing is.
    pub from: Option<String>,
    /// These hosts.
    pub hosts: Vec<String>,
    /// The commits between; none where there are none, or where the work tree does not know them.
    pub pending: Option<Pending>,
}

/// How a plan is shown.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// As one JSON value.
    pub json: bool,
    /// The deploy makes a new release though nothing changed.
    pub redeploy: bool,
}

/// Any plan; with what a deploy would bring, where that was asked.
pub fn print(printer: &Printer, plan: &Plan, preview: Option<&Preview>, format: Format) {
    if format.json {
        printer.json(&json::plan(plan, preview));
        return;
    }
    let whole = printer.verbosity() == Verbosity::Verbose;
    let news = preview.map_or_else(Vec::new, |preview| lines(plan, preview, format.redeploy));
    let news: Vec<String> = news.iter().map(|line| printer.harmless(line)).collect();
    printer.data_as_it_is(&plan::show_with(plan, whole, &news));
}

/// What it brings, for people.
fn lines(plan: &Plan, preview: &Preview, redeploys: bool) -> Vec<String> {
    let apps = &plan.environment.apps;
    let told = |(app, news): (&App, &AppPreview)| {
        let lines = app_lines(news, redeploys);
        let named = apps.len() > 1 && !lines.is_empty();
        let name = named.then(|| format!("{}:", clean::line(app.name.as_bytes(), 80)));
        name.into_iter().chain(lines).collect::<Vec<_>>()
    };
    apps.iter().zip(&preview.apps).flat_map(told).collect()
}

fn app_lines(preview: &AppPreview, redeploys: bool) -> Vec<String> {
    let Some(revision) = &preview.revision else { return Vec::new() };
    let short = human::revision(revision);
    if preview.is_live && !redeploys {
        return vec![format!("nothing to do: {short} is live everywhere, with this configuration")];
    }
    let told = |incoming: &Incoming| {
        let lines = match (&incoming.from, &incoming.pending) {
            (None, _) => vec![format!("nothing is live yet; {short} goes out")],
            (Some(from), _) if from == revision => vec![format!("{short} is live; no commit goes out")],
            (Some(from), Some(pending)) => human::commits(None, from, revision, pending),
            (Some(from), None) => vec![format!("{}..{short} goes out", human::revision(from))],
        };
        let names: Vec<&str> = incoming.hosts.iter().map(String::as_str).collect();
        let on = preview.differ.then(|| format!("on {}:", human::names(&names)));
        on.into_iter().chain(lines).collect::<Vec<_>>()
    };
    preview.incoming.iter().flat_map(told).collect()
}
