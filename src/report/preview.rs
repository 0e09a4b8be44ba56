//! What a run would do, as far as that is known without its lock: data, which text and JSON are made from.

use crate::executor::Looked;
use crate::executor::decide::{AppDecision, Decision, Refusal};
use crate::git::Pending;

/// What a run would do, as far as that is known without its lock.
#[derive(Debug)]
pub struct Preview {
    /// What each host answered, in the plan's order.
    pub looked: Vec<Looked>,
    /// What would be done; none: it would be refused.
    pub decision: Option<Decision>,
    /// Why it would be refused.
    pub refusal: Option<Refusal>,
    /// Of each app.
    pub apps: Vec<AppPreview>,
}

/// What it would do with an app.
#[derive(Debug)]
pub struct AppPreview {
    /// What was decided.
    pub decided: AppDecision,
    /// The commit that would be live; none: it is not known here, or hosts keep theirs.
    pub to: Option<String>,
    /// Hosts that answered, by what they serve.
    pub groups: Vec<Group>,
    /// Not all hosts serve the same, or some could not be asked.
    pub differ: bool,
}

/// Hosts that serve the same.
#[derive(Debug)]
pub struct Group {
    /// The commit that is live there; none: nothing is.
    pub from: Option<String>,
    /// Their indices.
    pub hosts: Vec<usize>,
    /// The commits between that and [`AppPreview::to`]; none where there are none, or where the work tree does not know them.
    pub pending: Option<Pending>,
}
