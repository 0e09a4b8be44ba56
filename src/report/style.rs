//! The few ways in which text is set off. Colour never carries a meaning that the words do not.

use console::Style;

/// Colours, or none: decided once, by the printer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paint(pub bool);

impl Paint {
    pub(super) fn bold(self, text: &str) -> String {
        self.apply(Style::new().bold(), text)
    }

    pub(super) fn dim(self, text: &str) -> String {
        self.apply(Style::new().dim(), text)
    }

    pub(super) fn good(self, text: &str) -> String {
        self.apply(Style::new().green(), text)
    }

    pub(super) fn bad(self, text: &str) -> String {
        self.apply(Style::new().red(), text)
    }

    pub(super) fn odd(self, text: &str) -> String {
        self.apply(Style::new().yellow(), text)
    }

    fn apply(self, style: Style, text: &str) -> String {
        if text.is_empty() { String::new() } else { style.force_styling(self.0).apply_to(text).to_string() }
    }
}
