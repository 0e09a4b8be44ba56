//! CI systems: what each reads out of a log beside text. Lines that fold, marks on failures, a page of summary.
//!
//! Knows which system it is from variables that it is handed. A log is also a way in: GitHub carries out commands that
//! it finds in it, so whatever a host said goes through [`Ci::harmless`].

use std::borrow::Cow;
use std::ffi::OsString;
use std::path::PathBuf;

pub(super) mod github;
mod markdown;

pub(super) use markdown::summary;

/// Who reads the log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Ci {
    /// No CI system.
    #[default]
    None,
    /// GitHub Actions, and the file of the step's summary.
    GitHub { summary: Option<PathBuf> },
    /// GitLab CI.
    GitLab,
    /// One that only says that it is one.
    Other,
}

/// A fold that is open in the log.
#[derive(Debug)]
pub(super) struct Fold(String);

impl Ci {
    /// From the environment, by `lookup`.
    pub(super) fn detect(lookup: &dyn Fn(&str) -> Option<OsString>) -> Self {
        let set = |name: &str| {
            lookup(name).is_some_and(|value| !matches!(value.to_str(), Some("" | "0" | "false")))
        };
        if set("GITHUB_ACTIONS") {
            let summary = lookup("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()).map(PathBuf::from);
            return Ci::GitHub { summary };
        }
        match (set("GITLAB_CI"), set("CI")) {
            (true, _) => Ci::GitLab,
            (_, true) => Ci::Other,
            _ => Ci::None,
        }
    }

    /// The line that opens a fold, where there are folds. `number` tells it from others of that name.
    pub(super) fn open(&self, name: &str, number: usize) -> Option<(String, Fold)> {
        match self {
            Ci::GitHub { .. } => Some((format!("::group::{}\n", github::data(name)), Fold(String::new()))),
            Ci::GitLab => {
                let section: String =
                    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
                let section = format!("shipit_{section}_{number}");
                let now = jiff::Timestamp::now().as_second();
                Some((format!("\x1b[0Ksection_start:{now}:{section}\r\x1b[0K[{name}]\n"), Fold(section)))
            }
            Ci::None | Ci::Other => None,
        }
    }

    /// The line that closes it.
    pub(super) fn close(&self, fold: &Fold) -> String {
        match self {
            Ci::GitHub { .. } => "::endgroup::\n".to_owned(),
            Ci::GitLab => {
                let now = jiff::Timestamp::now().as_second();
                format!("\x1b[0Ksection_end:{now}:{}\r\x1b[0K\n", fold.0)
            }
            Ci::None | Ci::Other => String::new(),
        }
    }

    /// A line that marks the run as failed, where there is such a thing.
    pub(super) fn annotation(&self, title: &str, message: &str) -> Option<String> {
        let github = matches!(self, Ci::GitHub { .. });
        github.then(|| format!("::error title={}::{}\n", github::property(title), github::data(message)))
    }

    /// `text`, so that no line of it is taken for a command.
    pub(super) fn harmless<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self {
            Ci::GitHub { .. } => github::harmless(text),
            Ci::None | Ci::GitLab | Ci::Other => Cow::Borrowed(text),
        }
    }

    /// The lines between which nothing at all is taken for a command: for output that must stay as it is.
    pub(super) fn deaf(&self) -> Option<(String, String)> {
        let mut token = [0_u8; 16];
        // Without randomness a host could guess the word; then commands go on to be heard, and lines carry a host's name.
        let known = matches!(self, Ci::GitHub { .. }) && getrandom::fill(&mut token).is_ok();
        let token: String = token.iter().map(|byte| format!("{byte:02x}")).collect();
        known.then(|| (format!("::stop-commands::{token}\n"), format!("::{token}::\n")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detected(variables: &[(&str, &str)]) -> Ci {
        Ci::detect(&|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn systems_are_known_by_their_variables() {
        assert_eq!(detected(&[]), Ci::None);
        assert_eq!(detected(&[("CI", "false")]), Ci::None);
        assert_eq!(detected(&[("CI", "1")]), Ci::Other);
        assert_eq!(detected(&[("CI", "true"), ("GITLAB_CI", "true")]), Ci::GitLab);
        let summary = Some(PathBuf::from("/s"));
        let variables = [("CI", "true"), ("GITHUB_ACTIONS", "true"), ("GITHUB_STEP_SUMMARY", "/s")];
        assert_eq!(detected(&variables), Ci::GitHub { summary });
        assert_eq!(detected(&[("GITHUB_ACTIONS", "true")]), Ci::GitHub { summary: None });
    }

    #[test]
    fn gitlab_folds_have_names_of_their_own() {
        let (open, fold) = Ci::GitLab.open("rollback", 3).unwrap();
        assert!(
            open.starts_with("\x1b[0Ksection_start:")
                && open.ends_with(":shipit_rollback_3\r\x1b[0K[rollback]\n")
        );
        let close = Ci::GitLab.close(&fold);
        assert!(close.starts_with("\x1b[0Ksection_end:") && close.ends_with(":shipit_rollback_3\r\x1b[0K\n"));
        assert!(Ci::Other.open("prepare", 1).is_none());
    }

    #[test]
    fn commands_are_heard_again_only_by_a_word_that_no_host_knows() {
        let ci = Ci::GitHub { summary: None };
        let ((stop, resume), (other, _)) = (ci.deaf().unwrap(), ci.deaf().unwrap());
        assert_eq!(
            stop.trim_start_matches("::stop-commands"),
            resume.trim_end_matches("::\n").to_owned() + "\n"
        );
        assert_ne!(stop, other);
        assert!(Ci::GitLab.deaf().is_none());
    }
}
