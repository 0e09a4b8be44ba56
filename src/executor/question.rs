//! What the operator is asked during a run: one variant for each question, worded here. Each says on which hosts it is about,
//! which commits, and what the answer no does.

use crate::remote::version::Version;

/// A question with the answers yes and no.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields say what their names and the variant say")]
pub enum Question {
    /// Whether to deploy at all (`confirm`). Nothing was changed yet.
    Deploy { environment: String, changes: Vec<Going>, hosts: Vec<String> },
    /// Whether the next batch goes live (`rollout.pause`). `live`: the hosts that are live with the new release.
    Batch { next: String, changes: Vec<Going>, hosts: Vec<String>, live: Vec<String> },
}

/// What goes live of an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Going {
    /// Its name, where there are several apps.
    pub app: Option<String>,
    /// What is live; none: nothing is.
    pub from: Option<Version>,
    /// What goes live.
    pub to: Version,
    /// How many commits go out, where the work tree knows that.
    pub commits: Option<usize>,
}

impl Going {
    fn text(&self) -> String {
        let app = self.app.as_ref().map_or(String::new(), |app| format!("{app}: "));
        let range = match &self.from {
            Some(from) if *from != self.to => format!("{}..{}", from.short(), self.to.short()),
            _ => self.to.short().to_owned(),
        };
        match self.commits {
            None | Some(0) => format!("{app}{range}"),
            Some(1) => format!("{app}1 commit ({range})"),
            Some(count) => format!("{app}{count} commits ({range})"),
        }
    }
}

impl Question {
    /// As it is asked, without the answers that are possible.
    #[must_use]
    pub fn text(&self) -> String {
        let what = |changes: &[Going]| changes.iter().map(Going::text).collect::<Vec<_>>().join("; ");
        match self {
            Question::Deploy { environment, changes, hosts } => {
                format!("deploy {} to {environment}, on {}?", what(changes), hosts.join(", "))
            }
            Question::Batch { next, changes, hosts, live } => {
                let no = match &live[..] {
                    [] => "no stops here; nothing live was changed".to_owned(),
                    live => format!("no rolls back {}", live.join(", ")),
                };
                format!("go on with {next} on {}: {}? ({no})", hosts.join(", "), what(changes))
            }
        }
    }
}
