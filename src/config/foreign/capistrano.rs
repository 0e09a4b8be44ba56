//! Capistrano's `config/deploy.rb` and `config/deploy/STAGE.rb`: what they say of an environment, in plain values.
//!
//! As Capistrano does, `deploy.rb` is read anew for each stage, before the file of the stage.

use std::path::Path;

use super::model::{Target, not_plain, section, shared, text_node};
use super::plain::{Plain, Steps};
use super::stage::Stage;
use crate::config::file::{Node, Value};
use crate::config::pm2::{Section, Unread};
use crate::config::problem::{Problem, Span};
use crate::config::sources::Text;

/// More files than this are no stages.
pub(super) const MOST_STAGES: usize = 64;

/// `deploy.rb`, the Capfile where there is one, and the files of the stages.
pub(super) fn read(texts: &[&Text]) -> Result<Section, Unread> {
    let is_capfile = |text: &&&Text| text.file.as_deref().is_some_and(|file| file.ends_with("Capfile"));
    let (common, rest) = texts.split_first().map_or((None, texts), |(first, rest)| (Some(*first), rest));
    let capfile = rest.iter().find(is_capfile).copied();
    let stages: Vec<&Text> = rest.iter().filter(|text| !is_capfile(text)).copied().collect();
    let start = common.map_or(0, Text::base);
    if stages.len() > MOST_STAGES {
        let message = format!("more than {MOST_STAGES} files of stages are beside this file");
        return Err(Unread::Problem(Problem::at(start..start, message)));
    }
    let mut targets: Vec<Target> = Vec::new();
    let names: Vec<(String, Option<&Text>)> = if stages.is_empty() {
        vec![("production".to_owned(), None)]
    } else {
        stages.iter().map(|text| (stem(text), Some(*text))).collect()
    };
    let steps = Steps::default();
    for (name, own) in names {
        let mut stage = Stage::new(&name, steps.clone());
        for text in capfile.into_iter().chain(common).chain(own) {
            stage.run(text).map_err(Unread::Problem)?;
        }
        stage.finish(texts);
        let mut target = target(stage, &name);
        let start = own.or(common).map_or(0, Text::base);
        target.span = start..start;
        targets.push(target);
    }
    section(texts, targets, &(start..start))
}

fn stem(text: &Text) -> String {
    text.file.as_deref().and_then(Path::file_stem).unwrap_or_default().to_string_lossy().into_owned()
}

fn target(mut stage: Stage, name: &str) -> Target {
    let mut problems = std::mem::take(&mut stage.problems);
    let mut needed = |key: &str| -> Option<Node> {
        if let Some(span) = stage.unread.get(key) {
            problems.push(not_plain(span, key, "Ruby"));
            return None;
        }
        let (value, span) = stage.settled(key)?;
        let node = value.as_ref().and_then(|value| text_or_number(value, &span));
        if node.is_none() {
            problems.push(not_plain(&span, key, "Ruby"));
        }
        node
    };
    let (repo, branch, path) = (needed("repo_url"), needed("branch"), needed("deploy_to"));
    let without_path = path.is_none() && !stage.is_set("deploy_to");
    let application = without_path.then(|| needed("application")).flatten();
    let branch_is_set = stage.is_set("branch");
    let at = stage.hosts.first().map_or(0..0, |host| host.name.span.clone());
    let list = |stage: &Stage, key: &str| -> Vec<Node> {
        let Some((value, span)) = stage.settled(key) else { return Vec::new() };
        let texts = value.as_ref().and_then(Plain::texts).unwrap_or_default();
        texts.iter().map(|text| text_node(text, &span)).collect()
    };
    // What Capistrano itself takes where nothing is said.
    let path = path.or_else(|| match &application?.value {
        Value::Text(application) => Some(text_node(&format!("/var/www/{application}"), &at)),
        _ => None,
    });
    let branch = branch.or_else(|| (!branch_is_set).then(|| text_node("master", &at)));
    let keep = stage.settled("keep_releases").and_then(|(value, span)| number(&value?, &span));
    let shared = shared(list(&stage, "linked_files"), list(&stage, "linked_dirs"));
    let Stage { hosts, remarks, .. } = stage;
    let name = name.to_owned();
    Target { name, span: 0..0, hosts, repo, branch, path, keep, shared, remarks, problems }
}

fn text_or_number(value: &Plain, span: &Span) -> Option<Node> {
    match value {
        Plain::Text(_) => value.node(span),
        Plain::Number(number) => Some(text_node(&number.to_string(), span)),
        _ => None,
    }
}

fn number(value: &Plain, span: &Span) -> Option<Node> {
    match value {
        Plain::Number(_) => value.node(span),
        Plain::Text(text) => Plain::Number(text.parse().ok()?).node(span),
        _ => None,
    }
}
