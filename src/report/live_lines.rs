//! The live lines of a run, for whoever has to ask or say something while they are drawn: they make way, and come back.
//!
//! All of it is one thread: the run, which draws, and a login that asks a person.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::pretty::Pretty;
use crate::executor::event::{Event, Observer};

/// The lines that are drawn now, if any are.
#[derive(Debug, Clone, Default)]
pub(super) struct LiveLines(Arc<Mutex<Weak<Mutex<Pretty>>>>);

/// While it lives, nothing is drawn.
#[derive(Debug)]
pub(super) struct Still {
    lines: Weak<Mutex<Pretty>>,
    /// Whether the question stands on the screen: who asks need not write it.
    pub(super) asked: bool,
}

impl LiveLines {
    /// From now on these are the lines.
    pub(super) fn show(&self, lines: Pretty) -> Box<dyn Observer> {
        let lines = Arc::new(Mutex::new(lines));
        *locked(&self.0) = Arc::downgrade(&lines);
        Box::new(Shown(lines))
    }

    /// Takes them away and shows a question in their place.
    pub(super) fn make_way(&self, question: &str) -> Still {
        let lines = self.lines();
        let asked = lines.upgrade().is_some_and(|lines| locked(&lines).make_way_for(question));
        Still { lines, asked }
    }

    fn lines(&self) -> Weak<Mutex<Pretty>> {
        locked(&self.0).clone()
    }

    /// Says something above them. `false`: there are none.
    pub(super) fn say(&self, text: &str) -> bool {
        self.lines().upgrade().is_some_and(|lines| locked(&lines).say(text))
    }
}

impl Drop for Still {
    fn drop(&mut self) {
        if let Some(lines) = self.lines.upgrade() {
            locked(&lines).come_back();
        }
    }
}

/// One thread uses it, so that nothing is ever half changed.
fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The lines, as the run knows them.
#[derive(Debug)]
struct Shown(Arc<Mutex<Pretty>>);

impl Observer for Shown {
    fn event(&mut self, event: &Event<'_>) {
        locked(&self.0).event(event);
    }

    fn tick(&mut self) {
        locked(&self.0).tick();
    }
}
