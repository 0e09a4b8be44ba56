//! The tokens of Ruby and of PHP that plain settings are made of, with their places.

use std::ops::Range;

/// What a text is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Plain(String),
    /// What the language would put there: `#{…}` of Ruby, `$name` of PHP.
    Code(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name, with the `$` or `@` before it.
    Word(String),
    /// `name:`
    Label(String),
    /// A string, and a symbol of Ruby.
    Text(Vec<Piece>),
    Number(i64),
    /// `%w[a b]`
    Words(Vec<String>),
    Sign(&'static str),
    /// The end of a line of Ruby, and `;`.
    End,
    /// A literal that is no plain value: a regular expression, a heredoc, the output of a command.
    Opaque,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub kind: Kind,
    /// In the text of the file.
    pub span: Range<usize>,
}

/// Where a file cannot be read on, and why.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub span: Range<usize>,
    pub message: &'static str,
}

/// One statement, or a block up to its end.
pub(super) struct Statement<'a> {
    pub tokens: &'a [Token],
}

impl Statement<'_> {
    pub fn span(&self) -> Range<usize> {
        let start = self.tokens.first().map_or(0, |token| token.span.start);
        start..self.tokens.last().map_or(start, |token| token.span.end)
    }
}

impl Token {
    pub fn is(&self, sign: &str) -> bool {
        matches!(self.kind, Kind::Sign(own) if own == sign)
    }

    pub fn word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Word(word) => Some(word),
            _ => None,
        }
    }

    /// The text of a string in which nothing is replaced.
    pub fn plain(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(pieces) => match pieces.as_slice() {
                [Piece::Plain(text)] => Some(text),
                _ => None,
            },
            _ => None,
        }
    }

    pub fn opens(&self) -> bool {
        ["(", "[", "{"].iter().any(|sign| self.is(sign))
    }

    pub fn closes(&self) -> bool {
        [")", "]", "}"].iter().any(|sign| self.is(sign))
    }

    /// A value may end here: what follows is an operator and no new literal.
    pub fn ends_value(&self) -> bool {
        !matches!(self.kind, Kind::Sign(_) | Kind::End | Kind::Label(_)) || self.closes()
    }
}

/// Signs that belong together, the longer ones first.
const SIGNS: [&str; 49] = [
    "?->", "<=>", "===", "!==", "||=", "&&=", "**=", "...", "??=", "->", "=>", "::", "&.", "?:", "??", "||",
    "&&", "==", "!=", "<=", ">=", "=~", "!~", "<<", ">>", "+=", "-=", ".=", "..", "**", "++", "--", "(", ")",
    "[", "]", "{", "}", ",", ".", "=", "+", "-", "?", ":", "|", "<", ">", "!",
];

/// The sign that a text begins with; any other character is a sign that no setting has.
pub(super) fn sign(text: &str) -> (&'static str, usize) {
    let found = SIGNS.iter().find(|sign| text.starts_with(**sign));
    found.map_or(("other", text.chars().next().map_or(1, char::len_utf8)), |sign| (*sign, sign.len()))
}

pub(super) fn starts_word(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

/// How long the name is that a text begins with.
pub(super) fn word_length(text: &str) -> usize {
    text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len())
}

/// A number, or what looks like one and is none that a setting has.
pub(super) fn number(text: &str) -> (Kind, usize) {
    let mut length = text.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(text.len());
    let fraction =
        text[length..].strip_prefix('.').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    if fraction || text[length..].starts_with(|c: char| c.is_alphabetic()) {
        let more = |c: char| !c.is_alphanumeric() && c != '_' && c != '.';
        length = text.find(more).unwrap_or(text.len());
        return (Kind::Opaque, length);
    }
    let digits = text[..length].replace('_', "");
    // A leading zero makes an octal number in both languages.
    let octal = digits.len() > 1 && digits.starts_with('0');
    match digits.parse() {
        Ok(number) if !octal => (Kind::Number(number), length),
        _ => (Kind::Opaque, length),
    }
}

/// What stands between quotes, up to the one that ends it: its characters with where they are, a `\` and what follows as one.
pub(super) fn quoted_end(text: &str, from: usize, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text[from..].char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return Some(from + at),
            _ => {}
        }
    }
    None
}

/// A text in which nothing is replaced, from after its first quote, and where it ends. A `\` keeps what is neither a quote nor another
/// one.
pub(super) fn single_quoted(text: &str, from: usize, quote: char) -> Option<(Kind, usize)> {
    let mut pieces = Pieces::default();
    let mut chars = text[from..].char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            c if c == quote => return Some((pieces.finish(), from + at + c.len_utf8())),
            '\\' => {
                let (_, next) = chars.next()?;
                if next != quote && next != '\\' {
                    pieces.push('\\');
                }
                pieces.push(next);
            }
            c => pieces.push(c),
        }
    }
    None
}

/// Where the bracket ends that is open at `from`, those in it counted.
pub(super) fn bracket_end(text: &str, from: usize, open: char, close: char) -> Option<usize> {
    let (mut depth, mut escaped) = (0usize, false);
    for (at, c) in text[from..].char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == close && depth == 0 => return Some(from + at),
            c if c == close => depth -= 1,
            c if c == open => depth += 1,
            _ => {}
        }
    }
    None
}

/// Collects the pieces of a text.
#[derive(Default)]
pub(super) struct Pieces(Vec<Piece>);

impl Pieces {
    pub fn push(&mut self, c: char) {
        match self.0.last_mut() {
            Some(Piece::Plain(text)) => text.push(c),
            _ => self.0.push(Piece::Plain(c.to_string())),
        }
    }

    pub fn code(&mut self, code: &str) {
        self.0.push(Piece::Code(code.to_owned()));
    }

    pub fn finish(mut self) -> Kind {
        if self.0.is_empty() {
            self.0.push(Piece::Plain(String::new()));
        }
        Kind::Text(self.0)
    }
}

/// A character of `\n` and its like in double quotes; none: it is more than one character.
pub(super) fn escape(c: char) -> Option<char> {
    match c {
        'n' => Some('\n'),
        't' => Some('\t'),
        'r' => Some('\r'),
        'e' => Some('\u{1b}'),
        // Numbers of characters: `\x41`, `\u00e9`, `\0`.
        'x' | 'u' | 'a' | 'b' | 'f' | 'v' | 's' | 'c' | 'C' | 'M' => None,
        c if c.is_ascii_digit() => None,
        c => Some(c),
    }
}
