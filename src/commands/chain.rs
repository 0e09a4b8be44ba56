//! What `revert` goes back through, for the commands that show it: one host of each app stands for all that serve the same;
//! where they differ, `status` says so.

use std::collections::BTreeMap;

use crate::executor::Looked;
use crate::executor::decide::remembered;
use crate::remote::lineage;

/// Releases by what is live now.
#[derive(Debug, Default)]
pub(super) struct Chain<'a> {
    /// The newest that is live; none: nothing is.
    pub(super) live: Option<&'a str>,
    /// The number by which `revert` counts each it can go back to.
    pub(super) numbers: BTreeMap<&'a str, usize>,
}

impl<'a> Chain<'a> {
    pub(super) fn of(looked: &'a [Looked]) -> Self {
        let apps = looked.iter().map(|host| host.app + 1).max().unwrap_or(0);
        let hosts: Vec<_> = looked.iter().map(Looked::view).collect();
        let remembered = remembered(apps, &hosts);
        let live = remembered.iter().filter_map(|app| app.live).max();
        let states = lineage::states(&remembered);
        // A step is called after the newest that it makes live; an app that it does not move says nothing.
        let mut before: Vec<Option<&str>> = remembered.iter().map(|app| app.live).collect();
        let numbers = states.iter().enumerate().filter_map(|(at, state)| {
            let now: Vec<Option<&str>> =
                state.iter().map(|entry| entry.map(|entry| entry.release.as_str())).collect();
            let moved =
                now.iter().zip(&before).filter(|(now, before)| now != before).filter_map(|(now, _)| *now);
            let newest = moved.max();
            before = now;
            Some((newest?, at + 1))
        });
        let numbers: Vec<(&str, usize)> = numbers.collect();
        // Where two states have the same newest release, the nearer one is meant.
        let numbers = numbers.into_iter().rev().collect();
        Chain { live, numbers }
    }

    /// The release that `revert` counts so; 0: the live one.
    pub(super) fn release(&self, back: usize) -> Option<&'a str> {
        if back == 0 {
            return self.live;
        }
        self.numbers.iter().find(|(_, number)| **number == back).map(|(release, _)| *release)
    }
}
