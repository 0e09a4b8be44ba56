//! Hosts of Deployer as environments: one for each stage, or for hosts that deploy the same.

use std::cell::Cell;
use std::collections::BTreeMap;

use super::deployer::{Deployer, Effective, Machine, Part, text_of};
use super::model::{Host, MOST_ENVIRONMENTS, Target, node, shared, taken, text_node};
use crate::config::file::{Node, Value};
use crate::config::pm2::Remark;
use crate::config::problem::{Problem, Span};
use crate::config::sources::Text;

/// The environment of hosts without a stage.
const USUAL: &str = "production";

/// Values that are replaced in all texts of a file.
const MOST_REPLACED: usize = 100_000;

/// One environment for each stage, or for hosts that deploy the same.
pub(super) fn targets(file: Deployer<'_>) -> Result<Vec<Target>, Problem> {
    let Deployer { text, config, machines, mut remarks } = file;
    let left = Cell::new(MOST_REPLACED);
    let mut targets: Vec<(Option<String>, String, Target)> = Vec::new();
    let mut known: BTreeMap<(Option<String>, Option<Meaning>), usize> = BTreeMap::new();
    for machine in &machines {
        let (stage, host, mut target) = of_machine(&config, machine, &left);
        usual(&mut target, text, &machine.alias.span, &mut remarks);
        let alike = (stage.clone(), stage.is_none().then(|| meaning(&target)));
        if let Some(at) = known.get(&alike) {
            let known = &mut targets[*at].2;
            join(known, target, &machine.alias);
            known.hosts.push(host);
            continue;
        }
        if targets.len() >= MOST_ENVIRONMENTS {
            let message = format!("more than {MOST_ENVIRONMENTS} environments");
            return Err(Problem::at(machine.alias.span.clone(), message));
        }
        known.insert(alike, targets.len());
        target.hosts.push(host);
        targets.push((stage, text_of(&machine.alias).unwrap_or_default(), target));
    }
    Ok(named(targets, &remarks))
}

fn of_machine(config: &Part, machine: &Machine, left: &Cell<usize>) -> (Option<String>, Host, Target) {
    let mut effective = Effective { config, machine, left, problems: Vec::new() };
    let mut target = Target {
        repo: effective.text("repository"),
        branch: effective.text("branch"),
        path: effective.text("deploy_path"),
        keep: effective.number("keep_releases"),
        ..Target::default()
    };
    target.shared = shared(effective.texts("shared_files"), effective.texts("shared_dirs"));
    let host = effective.host();
    let stage = effective.stage();
    target.problems = effective.problems;
    (stage, host, target)
}

/// What Deployer takes where nothing is said.
fn usual(target: &mut Target, text: &Text, span: &Span, remarks: &mut Vec<Remark>) {
    if target.keep.is_none() {
        target.keep = Some(node(Value::Integer(10), span));
    }
    let unread = target.problems.iter().any(|problem| problem.message.starts_with("`branch`"));
    if target.branch.is_none() && !unread {
        target.branch = Some(text_node("main", span));
        let because = "no branch is set, and Deployer takes the repository's default branch; write its name if it is another";
        let remark = taken(text, span, "branch", "`main`", because);
        if !remarks.iter().any(|known| known.kind == remark.kind) {
            remarks.push(remark);
        }
    }
}

/// What has to be the same for hosts of one environment, by its key.
type Meaning = [(&'static str, Vec<Option<String>>); 5];

fn meaning(target: &Target) -> Meaning {
    let text = |node: &Option<Node>| vec![node.as_ref().and_then(text_of)];
    [
        ("repository", text(&target.repo)),
        ("branch", text(&target.branch)),
        ("path", text(&target.path)),
        ("number of releases", text(&target.keep)),
        ("list of shared paths", target.shared.iter().map(text_of).collect()),
    ]
}

/// Hosts of one stage deploy the same.
fn join(known: &mut Target, other: Target, alias: &Node) {
    let (meant, means) = (meaning(known), meaning(&other));
    let others: Vec<&str> =
        meant.iter().zip(&means).filter(|(one, two)| one != two).map(|((key, _), _)| *key).collect();
    if let (false, Some(first)) = (others.is_empty(), known.hosts.first()) {
        let name = |node: &Node| text_of(node).unwrap_or_default();
        let message = format!(
            "`{}` has the same stage as `{}`, but another {}",
            name(alias),
            name(&first.name),
            others.join(", another ")
        );
        let problem = Problem::at(alias.span.clone(), message);
        known.problems.push(problem.help("give it a label of its own: labels: { stage: … }"));
    }
    known.problems.extend(other.problems);
}

/// Without a stage an environment is `production`, or where there are several, what its first host is called.
fn named(targets: Vec<(Option<String>, String, Target)>, remarks: &[Remark]) -> Vec<Target> {
    let without = targets.iter().filter(|(stage, ..)| stage.is_none()).count();
    let mut names: Vec<String> = Vec::new();
    let mut all = Vec::new();
    for (stage, alias, mut target) in targets {
        let plain = alias.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
        let alone = target.hosts.len() == 1 && plain && !target.hosts.iter().all(|host| host.is(&alias));
        let usual = if without > 1 || alone { environment(&alias) } else { USUAL.to_owned() };
        let name = stage.unwrap_or(usual);
        let mut own = name.clone();
        while names.contains(&own) {
            own.push_str("-2");
        }
        names.push(own.clone());
        target.name = own;
        target.remarks = remarks.to_vec();
        all.push(target);
    }
    all
}

fn environment(alias: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_".contains(c) { c } else { '-' };
    alias.chars().map(plain).collect()
}
