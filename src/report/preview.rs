//! What a run would do, as far as that is known without its lock: data, which text and JSON are made from.

use crate::executor::decide::{AppDecision, Decision, Refusal};
use crate::executor::{Live, Looked};
use crate::git::Pending;
use crate::remote::version::Version;

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
    pub to: Option<Version>,
    /// Hosts that answered, by what they serve.
    pub groups: Vec<Group>,
    /// Not all hosts serve the same, or some could not be asked.
    pub differ: bool,
}

/// Hosts that serve the same.
#[derive(Debug)]
pub struct Group {
    /// What is live there; none: nothing is. Releases of one commit count as the same.
    pub from: Option<Live>,
    /// Their indices.
    pub hosts: Vec<usize>,
    /// The commits between that and [`AppPreview::to`]; none where there are none, or where the work tree does not know them.
    pub pending: Option<Pending>,
}
