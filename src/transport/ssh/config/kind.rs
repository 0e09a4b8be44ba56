//! What the values of keywords look like, and what OpenSSH refuses. Every line of a file is judged when it is read, also one in
//! a block for other hosts: ssh refuses the whole file for it.

/// The form of a value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// One word.
    Text,
    /// One word or several.
    Texts,
    /// The rest of the line in words; none is fine.
    Words,
    /// `yes` or `no`.
    Flag,
    /// One of these, in any case.
    Word(&'static [&'static str]),
    /// A whole number.
    Number,
    /// `90`, `1m30s`, or `none`.
    Time,
    /// 1 to 65535.
    Port,
    /// One file; each line adds one.
    File,
    /// Files; `none` alone.
    Files,
    /// Patterns of names; each line adds some.
    SendEnv,
    /// `NAME=value`, of the first line only.
    SetEnv,
    /// The rest of the line, as it stands.
    Command,
    /// The rest of the line up to a comment: jump hosts.
    Jump,
    /// Names with commas, perhaps after `+`, `-` or `^`.
    Algorithms,
    /// Not judged.
    Free,
}

impl Kind {
    /// Whether a later line adds to an earlier one.
    pub(super) fn adds_up(self) -> bool {
        matches!(self, Self::File | Self::SendEnv)
    }

    /// Whether the value is the rest of the line.
    pub(super) fn is_raw(self) -> bool {
        matches!(self, Self::Command | Self::Jump)
    }

    /// What is wrong with the value of `keyword`, in OpenSSH's eyes.
    pub(super) fn judge(self, keyword: &str, arguments: &[String]) -> Result<(), String> {
        let Some(first) = arguments.first().filter(|first| !first.is_empty()) else {
            return match self {
                Self::Words | Self::Free => Ok(()),
                _ => Err(format!("{keyword} lacks its argument")),
            };
        };
        let several = matches!(
            self,
            Self::Texts
                | Self::Words
                | Self::Files
                | Self::SendEnv
                | Self::SetEnv
                | Self::Command
                | Self::Jump
                | Self::Free
        );
        if let (false, Some(second)) = (several, arguments.get(1)) {
            return Err(format!("{keyword} takes one argument: {second} is one too many"));
        }
        self.judge_first(keyword, first)?;
        self.judge_all(keyword, arguments)
    }

    fn judge_first(self, keyword: &str, first: &str) -> Result<(), String> {
        let known = |words: &[&str]| words.iter().any(|word| first.eq_ignore_ascii_case(word));
        match self {
            Self::Flag if !known(&["yes", "no", "true", "false"]) => {
                Err(format!("{keyword} is yes or no, not {first}"))
            }
            Self::Word(words) if !known(words) => {
                let words: Vec<&str> =
                    words.iter().filter(|w| !["true", "false"].contains(w)).copied().collect();
                Err(format!("{keyword} is {}, not {first}", listed(&words)))
            }
            Self::Number if first.parse::<i32>().is_err() => Err(format!("{first} is not a number")),
            Self::Time if seconds(first).is_none() && first != "none" => {
                Err(format!("{first} is not a time"))
            }
            Self::Port if port(first).is_none() => Err(format!("{first} is not a port")),
            Self::Algorithms if first.trim_start_matches(['+', '-', '^']).is_empty() => {
                Err(format!("{keyword} names no algorithm"))
            }
            _ => Ok(()),
        }
    }

    fn judge_all(self, keyword: &str, arguments: &[String]) -> Result<(), String> {
        for argument in arguments {
            match self {
                Self::Free | Self::Words | Self::Command | Self::Jump => {}
                _ if argument.is_empty() => return Err(format!("{keyword} has an empty argument")),
                Self::Files if arguments.len() > 1 && argument.eq_ignore_ascii_case("none") => {
                    return Err(format!("{keyword}: none has to stand alone"));
                }
                Self::SendEnv if argument.contains('=') => {
                    return Err(format!("{keyword} takes names: {argument} is none"));
                }
                Self::SetEnv if !argument.contains('=') => {
                    return Err(format!("{keyword} takes NAME=value: {argument} is none"));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn listed(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

pub(super) fn port(text: &str) -> Option<u16> {
    text.parse().ok().filter(|port| *port != 0)
}

/// A time in OpenSSH's form (`90`, `1m30s`), in seconds.
pub(super) fn seconds(text: &str) -> Option<u64> {
    let mut total = 0_u64;
    let mut rest = text;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let number: u64 = rest.get(..digits)?.parse().ok()?;
        let mut after = rest.get(digits..)?.chars();
        let factor = match after.next().map(|unit| unit.to_ascii_lowercase()) {
            None | Some('s') => 1,
            Some('m') => 60,
            Some('h') => 60 * 60,
            Some('d') => 24 * 60 * 60,
            Some('w') => 7 * 24 * 60 * 60,
            Some(_) => return None,
        };
        total = total.checked_add(number.checked_mul(factor)?)?;
        rest = after.as_str();
    }
    // OpenSSH counts in an int.
    (total <= i32::MAX.unsigned_abs().into()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::{Kind, seconds};

    #[test]
    fn times_as_openssh_reads_them() {
        let table = [
            ("90", Some(90)),
            ("1m30s", Some(90)),
            ("2H", Some(7200)),
            ("1w1d", Some(8 * 86400)),
            ("0", Some(0)),
            ("", None),
            ("m", None),
            ("1x", None),
            ("-1", None),
            ("99999999999", None),
        ];
        for (text, expected) in table {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }

    #[test]
    fn values_that_openssh_refuses() {
        let judge = |kind: Kind, text: &str| {
            let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
            kind.judge("Key", &words).err().unwrap_or_default()
        };
        let table = [
            (Kind::Flag, "maybe", "Key is yes or no, not maybe"),
            (Kind::Flag, "yes no", "Key takes one argument: no is one too many"),
            (Kind::Word(&["a", "b", "true"]), "c", "Key is a or b, not c"),
            (Kind::Number, "1x", "1x is not a number"),
            (Kind::Time, "1x", "1x is not a time"),
            (Kind::Files, "/a none", "Key: none has to stand alone"),
            (Kind::SendEnv, "A=b", "Key takes names: A=b is none"),
            (Kind::SetEnv, "A", "Key takes NAME=value: A is none"),
            (Kind::Algorithms, "+", "Key names no algorithm"),
            (Kind::Flag, "YES", ""),
            (Kind::Time, "none", ""),
        ];
        for (kind, text, expected) in table {
            assert_eq!(judge(kind, text), expected, "{text}");
        }
    }
}
