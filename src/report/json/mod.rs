//! Answers to questions as JSON, for `--output json`: an array with an object per host, or per deploy. Fields are an API as
//! the events are: they are added to, not changed. Text of hosts is in it as it came.

mod by;
mod check;
mod deploys;
mod plan;
mod show;
mod status;

pub(super) use by::by;
pub use check::check;
pub use deploys::list;
pub use plan::plan;
pub use show::{END, Text, begin, host, step, step_end};
pub use status::{revisions, status};
