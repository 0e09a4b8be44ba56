//! What a run does, decided purely from what hosts said and what is wanted. Every command that changes hosts, its dry run
//! and `plan` decide here, so that what is announced is what happens.

mod adopting;
mod decision;
mod deploy;
mod intent;
mod make;
mod refusal;
mod restart;
mod revert;
mod serving;
mod skip;
mod sync;
mod variables;
mod view;
mod way_back;

pub use super::role::Role;
pub use adopting::adopting;
pub use decision::{AppDecision, Change, Decision, Goal};
pub use deploy::check_hold;
pub use intent::{Intent, RevertTo};
pub use make::decide;
pub use refusal::Refusal;
pub use revert::remembered;
pub use serving::{Serving, common_release};
pub use skip::{MayNotSkip, Skip, may_skip, missing_from};
pub use variables::variables;
pub use view::{Contact, HostView, Situation};
pub(super) use way_back::{
    Answer, Confirmation, Failed, Failures, Progress, Returned, Shown, confirmation, finished,
    is_to_be_asked, may_have_been_live, returned, serves_goal,
};
