//! As much of Ruby as Capistrano's plain settings need: tokens, and where statements begin and end. Nothing is run.

use super::token::{
    Broken, Kind, Pieces, Statement, Token, bracket_end, escape, number, quoted_end, sign, single_quoted,
    starts_word, word_length,
};

/// Words that begin a block where a statement or a value may begin.
const OPENERS: [&str; 10] =
    ["if", "unless", "case", "while", "until", "for", "begin", "def", "class", "module"];

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    tokens: Vec<Token>,
    /// The words that end the heredocs which begin on this line, with where they begin.
    heredocs: Vec<(String, usize)>,
}

pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Broken> {
    let mut lexer = Lexer { text, at: 0, tokens: Vec::new(), heredocs: Vec::new() };
    lexer.line_start()?;
    while lexer.at < text.len() {
        lexer.step()?;
    }
    let end = text.len();
    lexer.end_line(end)?;
    Ok(lexer.tokens)
}

/// Whole statements: a list goes on after a comma and within brackets, a block up to its `end`.
pub(super) fn statements(tokens: &[Token]) -> Result<Vec<Statement<'_>>, Broken> {
    let mut statements = Vec::new();
    let (mut start, mut at) = (0, 0);
    let mut open: Vec<usize> = Vec::new();
    // `while x do`: the `do` is no block of its own.
    let mut loop_head = false;
    while at < tokens.len() {
        let token = &tokens[at];
        let before = at.checked_sub(1).map(|before| &tokens[before]).filter(|_| at > start);
        let word = token.word().filter(|_| !before.is_some_and(|token| token.is(".") || token.is("&.")));
        match word {
            Some("do") if !std::mem::replace(&mut loop_head, false) => open.push(at),
            Some("end") => {
                open.pop();
            }
            Some(word) if OPENERS.contains(&word) && begins(before) => {
                loop_head = ["while", "until", "for"].contains(&word);
                open.push(at);
            }
            _ if token.opens() => open.push(at),
            _ if token.closes() => {
                open.pop();
            }
            _ => {}
        }
        if token.kind == Kind::End {
            loop_head = false;
            let goes_on = before
                .is_some_and(|token| matches!(token.kind, Kind::Sign(_) | Kind::Label(_)) && !token.closes())
                || tokens[at + 1..]
                    .iter()
                    .find(|next| next.kind != Kind::End)
                    .is_some_and(|next| next.is(".") || next.is("&."));
            if open.is_empty() && !goes_on {
                if at > start {
                    statements.push(Statement { tokens: &tokens[start..at] });
                }
                start = at + 1;
            }
        }
        at += 1;
    }
    match open.first() {
        Some(at) => Err(Broken { span: tokens[*at].span.clone(), message: "this does not end in this file" }),
        None => Ok(statements),
    }
}

/// Whether a value may begin after this token, so that `if` is no modifier.
fn begins(before: Option<&Token>) -> bool {
    before.is_none_or(|token| match &token.kind {
        Kind::End | Kind::Label(_) => true,
        Kind::Sign(_) => !token.closes(),
        Kind::Word(word) => {
            ["do", "then", "else", "begin", "ensure", "and", "or", "not", "return"].contains(&word.as_str())
        }
        _ => false,
    })
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn push(&mut self, kind: Kind, length: usize) {
        self.tokens.push(Token { kind, span: self.at..self.at + length });
        self.at += length;
    }

    fn broken(&self, length: usize, message: &'static str) -> Broken {
        Broken { span: self.at..self.at + length, message }
    }

    /// A new literal may begin here, and this is no operator.
    fn operand(&self) -> bool {
        let spaced = self.text[..self.at].ends_with([' ', '\t']);
        let tight = !self.rest().chars().nth(1).is_none_or(|c| c.is_whitespace() || c == '=');
        let before = self.tokens.last();
        before.is_none_or(|token| !token.ends_value() || (spaced && tight && token.word().is_some()))
    }

    fn step(&mut self) -> Result<(), Broken> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Ok(()) };
        match first {
            '\n' => {
                let at = self.at;
                self.end_statement();
                self.end_line(at)?;
                self.line_start()?;
            }
            ';' => self.end_statement(),
            '\\' if rest[1..].starts_with(['\n', '\r']) => self.at += rest.find('\n').unwrap_or(0) + 1,
            c if c.is_whitespace() => self.at += c.len_utf8(),
            '#' => self.at += rest.find('\n').unwrap_or(rest.len()),
            '\'' | '"' | '`' => self.text(1, first, first != '\'')?,
            ':' if rest.starts_with("::") => self.push(Kind::Sign("::"), 2),
            ':' if rest[1..].starts_with(['"', '\'']) => {
                self.text(2, if rest[1..].starts_with('"') { '"' } else { '\'' }, rest[1..].starts_with('"'))?
            }
            ':' if rest[1..].starts_with(starts_word) => {
                let length = word_length(&rest[1..]);
                let mut pieces = Pieces::default();
                rest[1..=length].chars().for_each(|c| pieces.push(c));
                self.push(pieces.finish(), length + 1);
            }
            '%' if self.operand() => self.percent()?,
            '<' if rest.starts_with("<<") && self.operand() && self.heredoc() => {}
            '/' if self.operand() => {
                let line = rest.find('\n').unwrap_or(rest.len());
                match quoted_end(&rest[..line], 1, '/') {
                    Some(end) => self.push(Kind::Opaque, end + 1 + word_length(&rest[end + 1..])),
                    None => self.push(Kind::Opaque, 1),
                }
            }
            // `?a`, a character.
            '?' if self.operand() && rest[1..].chars().next().is_some_and(|c| !c.is_whitespace()) => {
                self.push(Kind::Opaque, 1 + rest[1..].chars().next().map_or(0, char::len_utf8));
            }
            c if c.is_ascii_digit() => {
                let (kind, length) = number(rest);
                self.push(kind, length);
            }
            c if starts_word(c) || c == '@' || c == '$' => self.word(),
            _ => {
                let (sign, length) = sign(rest);
                self.push(Kind::Sign(sign), length);
            }
        }
        Ok(())
    }

    /// Empty lines end nothing more.
    fn end_statement(&mut self) {
        match self.tokens.last() {
            Some(token) if token.kind != Kind::End => self.push(Kind::End, 1),
            _ => self.at += 1,
        }
    }

    fn word(&mut self) {
        let rest = self.rest();
        let start = rest.find(|c: char| c != '@' && c != '$').unwrap_or(rest.len());
        let mut length = start + word_length(&rest[start..]);
        let after = &rest[length..];
        if after.starts_with(':') && !after.starts_with("::") && start == 0 {
            let label = rest[..length].to_owned();
            return self.push(Kind::Label(label), length + 1);
        }
        if after.starts_with(['?', '!']) && !after[1..].starts_with('=') {
            length += 1;
        }
        self.push(Kind::Word(rest[..length].to_owned()), length.max(1));
    }

    /// From a quote of `before` bytes to its end.
    fn text(&mut self, before: usize, quote: char, replaces: bool) -> Result<(), Broken> {
        let rest = self.rest();
        let endless = || self.broken(before, "this string does not end in this file");
        if !replaces {
            let (kind, length) = single_quoted(rest, before, quote).ok_or_else(endless)?;
            self.push(kind, length);
            return Ok(());
        }
        let mut pieces = Pieces::default();
        let mut opaque = quote == '`';
        let mut at = before;
        loop {
            let c = rest[at..].chars().next().ok_or_else(endless)?;
            at += c.len_utf8();
            match c {
                c if c == quote => break,
                '\\' => {
                    let next = rest[at..].chars().next().ok_or_else(endless)?;
                    at += next.len_utf8();
                    match escape(next) {
                        // A line that goes on.
                        _ if next == '\n' => {}
                        Some(c) => pieces.push(c),
                        None => opaque = true,
                    }
                }
                '#' if rest[at..].starts_with('{') => {
                    let end = bracket_end(rest, at + 1, '{', '}').ok_or_else(endless)?;
                    pieces.code(&rest[at + 1..end]);
                    at = end + 1;
                }
                c => pieces.push(c),
            }
        }
        let kind = if opaque { Kind::Opaque } else { pieces.finish() };
        self.push(kind, at);
        Ok(())
    }

    /// `%w[a b]`, `%q(a)`, `%(a)`; of the others only where they end.
    fn percent(&mut self) -> Result<(), Broken> {
        let rest = self.rest();
        let letter = rest[1..].chars().next().filter(char::is_ascii_alphabetic);
        let at = 1 + letter.map_or(0, char::len_utf8);
        let Some(open) = rest[at..].chars().next().filter(|c| !c.is_alphanumeric() && !c.is_whitespace())
        else {
            self.push(Kind::Sign("other"), 1);
            return Ok(());
        };
        let close = match open {
            '[' => ']',
            '{' => '}',
            '(' => ')',
            '<' => '>',
            other => other,
        };
        let from = at + open.len_utf8();
        let end =
            if open == close { quoted_end(rest, from, close) } else { bracket_end(rest, from, open, close) };
        let end = end.ok_or_else(|| self.broken(at, "this string does not end in this file"))?;
        let inside = &rest[from..end];
        let plain = !inside.contains(['\\']) && !inside.contains("#{");
        let kind = match letter {
            Some('w' | 'i') if !inside.contains('\\') => words(inside),
            Some('W' | 'I') if plain => words(inside),
            None | Some('q' | 'Q') if plain => {
                let mut pieces = Pieces::default();
                inside.chars().for_each(|c| pieces.push(c));
                pieces.finish()
            }
            _ => Kind::Opaque,
        };
        self.push(kind, end + close.len_utf8());
        Ok(())
    }

    /// `<<~NAME`, whose lines follow this one; whether it is one.
    fn heredoc(&mut self) -> bool {
        let rest = self.rest();
        let at = if rest[2..].starts_with(['~', '-']) { 3 } else { 2 };
        let quote = rest[at..].chars().next().filter(|c| "'\"`".contains(*c));
        let from = at + quote.map_or(0, char::len_utf8);
        let length = word_length(&rest[from..]);
        if length == 0 || (quote.is_none() && !rest[from..].starts_with(|c: char| c.is_uppercase())) {
            return false;
        }
        if quote.is_some_and(|quote| !rest[from + length..].starts_with(quote)) {
            return false;
        }
        self.heredocs.push((rest[from..from + length].to_owned(), self.at));
        self.push(Kind::Opaque, from + length + quote.map_or(0, char::len_utf8));
        true
    }

    /// The lines of heredocs that began on the line before.
    fn end_line(&mut self, line_end: usize) -> Result<(), Broken> {
        for (word, began) in std::mem::take(&mut self.heredocs) {
            let mut at = (line_end + 1).max(self.at).min(self.text.len());
            let ended = self.text[at..].split_inclusive('\n').any(|line| {
                at += line.len();
                line.trim() == word
            });
            if !ended {
                return Err(Broken {
                    span: began..began + 2,
                    message: "this text does not end in this file",
                });
            }
            self.at = at;
        }
        if self.tokens.last().is_some_and(|token| token.kind != Kind::End) && self.at >= self.text.len() {
            self.tokens.push(Token { kind: Kind::End, span: self.at..self.at });
        }
        Ok(())
    }

    /// Comments of whole lines, and the end of the program.
    fn line_start(&mut self) -> Result<(), Broken> {
        let rest = self.rest();
        if rest.lines().next() == Some("__END__") {
            self.at = self.text.len();
        } else if rest.starts_with("=begin") {
            let end = rest
                .find("\n=end")
                .ok_or_else(|| self.broken(6, "this comment does not end in this file"))?;
            self.at += end + 5;
            self.at += self.rest().find('\n').unwrap_or(self.rest().len());
        }
        Ok(())
    }
}

fn words(text: &str) -> Kind {
    Kind::Words(text.split_whitespace().map(str::to_owned).collect())
}
