//! What can be said of supervisors only once all else is read: their times against the limits of the environment, and their
//! names when `{app}`, `{env}` and `{host}` are filled in.

use std::time::Duration;

use super::app::App;
use super::environment::{Host, Site};
use super::file::Entry;
use super::hosts::Group;
use super::layers::Layers;
use super::problem::{Problem, Problems};
use super::supervisor::{KnownSupervisor, Supervisor};
use super::supervisor_reader::name_fault;

/// An app with its sites, in so far as these are known; `limit` is `timeout.reload`.
pub(super) fn check(
    (app, sites): (&App, &[Site]),
    groups: &[Group<'_>],
    layers: &Layers<'_>,
    limit: Duration,
    problems: &mut Problems,
) {
    let Some(entry) = layers.entry("supervisor") else { return };
    let set =
        layers.tables().filter_map(|(table, _)| table.get("timeout")?.node.as_table().ok()?.get("reload"));
    times(&app.supervisors, entry, (limit, set.last()), problems);
    let hosts: Vec<&Host> = groups.iter().flat_map(|group| &group.hosts).collect();
    let here: Vec<&Host> = sites.iter().filter_map(|site| hosts.get(site.host).copied()).collect();
    names(app, &here, entry, problems);
}

/// A reload ends at `timeout.reload`, with its place where the file sets it: nothing can be watched for longer.
fn times(
    supervisors: &[Supervisor],
    entry: &Entry,
    limit: (Duration, Option<&Entry>),
    problems: &mut Problems,
) {
    let (limit, limit_entry) = limit;
    // What could not be read has its own problem.
    let items = entry.node.items();
    for (item, supervisor) in items.iter().zip(supervisors).filter(|_| items.len() == supervisors.len()) {
        let Some(known) = supervisor.known().filter(|known| known.stable_for >= limit) else { continue };
        let stable = item.as_table().ok().and_then(|table| table.get("stable-for"));
        let (shown, most) = (known.stable_for.as_secs_f64(), limit.as_secs_f64());
        let message = format!("`stable-for` is {shown} s, and `timeout.reload` ends a reload after {most} s");
        let place = stable.map_or(&entry.key_span, |stable| &stable.node.span);
        let problem = Problem::at(place.clone(), message)
            .help("the reload takes its time, too: set a longer `timeout.reload`, or a shorter `stable-for`");
        problems.push(match limit_entry {
            Some(limit) => problem.note(limit.node.span.clone(), "the limit"),
            None => problem,
        });
    }
}

/// Names on these hosts: what the placeholders come to may be none.
fn names(app: &App, hosts: &[&Host], entry: &Entry, problems: &mut Problems) {
    let on_hosts = hosts.iter().flat_map(|host| app.supervisors_on(host));
    let unfilled = app.supervisors.iter().filter(|_| hosts.is_empty()).cloned();
    for supervisor in on_hosts.chain(unfilled) {
        let Some(known) = supervisor.known() else { continue };
        for (name, fault) in named(known) {
            let program = known.program.name();
            let message = format!("`{name}` is not a name that {program} can have: {fault}");
            problems.push(
                Problem::at(entry.node.span.clone(), message)
                    .label("with {env}, {app} and {host} filled in; no other words in braces are"),
            );
        }
    }
}

fn named(known: &KnownSupervisor) -> impl Iterator<Item = (&str, &'static str)> {
    let names = known.settings.iter().filter(|(key, _)| *key == known.program.names());
    names.filter_map(|(_, name)| Some((name.as_str(), name_fault(name, known.program, false)?)))
}
