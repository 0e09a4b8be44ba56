//! Deployer's `deploy.yaml`: `config` and `hosts`; its `tasks` and hooks are named.

use std::rc::Rc;

use super::deployer::{Deployer, Machine, Part, is_taken_over, recipe};
use super::deployer_targets::targets;
use super::model::{MOST_ITEMS, MOST_LEFT_OUT, left_out_as, place, section, taken, text_node};
use crate::config::file::{Entry, Table, Value};
use crate::config::pm2::{Remark, RemarkKind, Section, Unread, yaml_root};
use crate::config::problem::{Problem, Span};
use crate::config::sources::Text;

pub(super) fn read(text: &Text) -> Result<Section, Unread> {
    let (root, twice) = yaml_root(text).map_err(Unread::Problem)?;
    let mut remarks: Vec<Remark> = twice.iter().map(|(key, span)| given_twice(text, key, span)).collect();
    let mut config = Part::default();
    let mut machines = Vec::new();
    for entry in &root.entries {
        match entry.key.as_str() {
            "import" => import(entry, &mut config, text, &mut remarks),
            "config" | "hosts" => {}
            // One of many: each has a line of its own.
            "tasks" | "before" | "after" => match entry.node.as_table() {
                Ok(tasks) => remarks.extend(tasks.entries.iter().map(|task| line(text, &entry.key, task))),
                Err(_) => remarks.push(line(text, "", entry)),
            },
            _ => remarks.push(line(text, "", entry)),
        }
    }
    for entry in table(&root, "config").map_err(Unread::Problem)? {
        take(&mut config, entry);
        if !is_taken_over(&entry.key) {
            remarks.push(line(text, "config", entry));
        }
        enough(&remarks, &machines, text)?;
    }
    for entry in table(&root, "hosts").map_err(Unread::Problem)? {
        let mut part = Part::default();
        for own in &entry.node.as_table().map_err(Unread::Problem)?.entries {
            take(&mut part, own);
            if !is_taken_over(&own.key) {
                remarks.push(line(text, &format!("hosts: {}", entry.key), own));
            }
            enough(&remarks, &machines, text)?;
        }
        remarks.extend(other_labels(&part, text));
        machines.push(Machine { alias: text_node(&entry.key, &entry.key_span), part: Rc::new(part) });
        enough(&remarks, &machines, text)?;
    }
    enough(&remarks, &machines, text)?;
    let targets = targets(Deployer { text, config, machines, remarks }).map_err(Unread::Problem)?;
    section(&[text], targets, &(text.base()..text.base()))
}

/// What is larger is no configuration.
fn enough(remarks: &[Remark], machines: &[Machine], text: &Text) -> Result<(), Unread> {
    let message = if remarks.len() > MOST_LEFT_OUT {
        format!("more than {MOST_LEFT_OUT} keys cannot be taken over")
    } else if machines.len() > MOST_ITEMS {
        format!("more than {MOST_ITEMS} hosts")
    } else {
        return Ok(());
    };
    Err(Unread::Problem(Problem::at(text.base()..text.base(), message)))
}

fn table<'a>(root: &'a Table, key: &str) -> Result<&'a [Entry], Problem> {
    root.get(key).map_or(Ok(&[]), |entry| entry.node.as_table().map(|table| table.entries.as_slice()))
}

/// A key without a value is one that is not set.
fn take(part: &mut Part, entry: &Entry) {
    let empty = matches!(&entry.node.value, Value::Table(table) if table.entries.is_empty());
    if !empty {
        part.set(&entry.key, entry.node.clone());
    }
}

fn import(entry: &Entry, config: &mut Part, text: &Text, remarks: &mut Vec<Remark>) {
    for item in entry.node.items() {
        let name = match &item.value {
            Value::Text(name) => name.as_str(),
            _ => "",
        };
        remarks.extend(of_recipe(name, &item.span, config, text));
    }
}

/// What a recipe brings, and what is to be said of it.
pub(super) fn of_recipe(name: &str, span: &Span, config: &mut Part, text: &Text) -> Option<Remark> {
    let Some(paths) = recipe(name) else { return Some(left_out_as(place(text, span), name)) };
    if paths.0.is_empty() && paths.1.is_empty() {
        return None;
    }
    config.add_recipe(paths, span);
    let all: Vec<&str> = paths.0.iter().chain(paths.1).copied().collect();
    let because = format!(
        "what {name} of Deployer 7 shares, where the file sets nothing else; its tasks are not taken over"
    );
    Some(taken(text, span, "shared", &format!("`{}`", all.join("`, `")), &because))
}

/// Labels that say neither the stage nor a role.
pub(super) fn other_labels(part: &Part, text: &Text) -> Vec<Remark> {
    let labels = part.get("labels").and_then(|entry| entry.node.as_table().ok());
    let other = |entry: &&Entry| !["stage", "env", "role", "roles"].contains(&entry.key.as_str());
    let others = labels.into_iter().flat_map(|labels| &labels.entries).filter(other);
    others.map(|entry| line(text, "labels", entry)).collect()
}

/// A key by the tables around it.
fn line(text: &Text, around: &str, entry: &Entry) -> Remark {
    let around = if around.is_empty() { String::new() } else { format!("{around}: ") };
    left_out_as(place(text, &entry.key_span), &format!("{around}{}", entry.key))
}

fn given_twice(text: &Text, key: &str, span: &Span) -> Remark {
    Remark { place: place(text, span), kind: RemarkKind::GivenTwice { key: key.to_owned() } }
}
