//! What a shell says of a line in a step names the file in which the step is kept on the host: a long path that tells a user
//! nothing, before the cause. It is left out.
//!
//! `/srv/shop/.shipit/releases/20261121T081502Z-1a2b3c4/steps/build.10.900: line 1: npmmm: command not found`

use std::borrow::Cow;

/// Where shipit's own files begin.
const OURS: &str = "/.shipit/";
/// Where the texts of steps are, below that.
const STEPS: &str = "/steps/";

/// The line without the path of a step.
pub(super) fn left_out(line: &str) -> Cow<'_, str> {
    match place(line) {
        Some((start, end)) => Cow::Owned(format!("{}{}", &line[..start], &line[end..])),
        None => Cow::Borrowed(line),
    }
}

/// Where the path begins, and where what follows it begins.
fn place(line: &str) -> Option<(usize, usize)> {
    let ours = line.find(OURS)?;
    let name = ours + line[ours..].find(STEPS)? + STEPS.len();
    let end = name + line[name..].find(": ")?;
    let (step, numbers) = line[name..end].split_once('.')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let ours_alone = step.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
        && numbers.split('.').all(digits)
        && !line[ours..name].contains(": ");
    // A shell may say its own name and a number before the path, which may hold blanks.
    let start = line[..ours].rfind(": /").map_or(0, |at| at + 2);
    (ours_alone && line[start..].starts_with('/')).then_some((start, end + 2))
}

#[cfg(test)]
mod tests {
    use super::left_out;

    #[test]
    fn the_cause_is_left() {
        let step = "/srv/my shop/.shipit/releases/20261121T081502Z-1a2b3c4/steps/build.10.900";
        for (line, shown) in [
            (format!("{step}: line 1: npmmm: command not found"), "line 1: npmmm: command not found"),
            (format!("shipit: 3: {step}: npmmm: not found"), "shipit: 3: npmmm: not found"),
            ("/srv/x/.shipit/run.a.b/meta/steps/pre-setup.10.900: line 2: x".to_owned(), "line 2: x"),
        ] {
            assert_eq!(left_out(&line), shown, "{line}");
        }
    }

    #[test]
    fn other_lines_are_as_they_were() {
        for line in [
            "",
            "line 1: npmmm: command not found",
            "cat /srv/x/.shipit/releases/a/steps/build.10.900: no path begins here",
            "/srv/x/.shipit/releases/a/steps/build.10.900",
            "/srv/x/.shipit/releases/a/steps/build.sh: what",
            "/srv/x/.shipit/journal: what: /steps/build.10.900: x",
        ] {
            assert_eq!(left_out(line), line);
        }
    }
}
