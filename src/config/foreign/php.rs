//! As much of PHP as the plain settings of a `deploy.php` need: tokens, and where statements begin and end. Nothing is run.

use super::token::{
    Broken, Kind, Pieces, Statement, Token, bracket_end, escape, number, sign, single_quoted, starts_word,
    word_length,
};

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    tokens: Vec<Token>,
}

pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Broken> {
    let mut lexer = Lexer { text, at: 0, tokens: Vec::new() };
    lexer.outside();
    if lexer.at >= text.len() && !text.contains("<?php") {
        return Err(Broken { span: 0..0, message: "this file holds no PHP: `<?php` is missing" });
    }
    lexer.all()
}

/// The tokens of a piece of code, without `<?php`.
pub(super) fn inner_tokens(text: &str) -> Result<Vec<Token>, Broken> {
    Lexer { text, at: 0, tokens: Vec::new() }.all()
}

/// Whole statements: up to `;`, or to the `}` of a block.
pub(super) fn statements(tokens: &[Token]) -> Result<Vec<Statement<'_>>, Broken> {
    let mut statements = Vec::new();
    let mut start = 0;
    let mut open: Vec<usize> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if token.opens() {
            open.push(at);
        } else if token.closes() {
            open.pop();
        }
        if !open.is_empty() {
            continue;
        }
        let next = tokens.get(at + 1);
        let block = token.is("}")
            && next.is_none_or(|next| match &next.kind {
                Kind::Word(word) => !["else", "elseif", "catch", "finally", "while"].contains(&word.as_str()),
                Kind::End | Kind::Sign(_) => false,
                _ => true,
            });
        if token.kind == Kind::End || block || next.is_none() {
            let end = if token.kind == Kind::End { at } else { at + 1 };
            if end > start {
                statements.push(Statement { tokens: &tokens[start..end] });
            }
            start = at + 1;
        }
    }
    match open.first() {
        Some(at) => Err(Broken { span: tokens[*at].span.clone(), message: "this does not end in this file" }),
        None => Ok(statements),
    }
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

    fn all(mut self) -> Result<Vec<Token>, Broken> {
        while self.at < self.text.len() {
            self.step()?;
        }
        Ok(self.tokens)
    }

    /// Up to the next `<?php`.
    fn outside(&mut self) {
        let rest = self.rest();
        self.at += rest.find("<?php").map_or(rest.len(), |at| at + 5);
    }

    fn step(&mut self) -> Result<(), Broken> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Ok(()) };
        match first {
            c if c.is_whitespace() => self.at += c.len_utf8(),
            ';' => self.push(Kind::End, 1),
            '?' if rest.starts_with("?>") => {
                self.push(Kind::End, 2);
                self.outside();
            }
            '/' if rest.starts_with("/*") => {
                let end = rest
                    .find("*/")
                    .ok_or_else(|| self.broken(2, "this comment does not end in this file"))?;
                self.at += end + 2;
            }
            '/' if rest.starts_with("//") => self.line_comment(),
            '#' if !rest.starts_with("#[") => self.line_comment(),
            '\'' => self.single()?,
            '"' => self.double()?,
            '`' => {
                let end = rest[1..]
                    .find('`')
                    .ok_or_else(|| self.broken(1, "this string does not end in this file"))?;
                self.push(Kind::Opaque, end + 2);
            }
            '<' if rest.starts_with("<<<") => self.heredoc()?,
            c if c.is_ascii_digit() => {
                let (kind, length) = number(rest);
                self.push(kind, length);
            }
            c if starts_word(c) || "$\\@".contains(c) => self.word(),
            _ => {
                let (sign, length) = sign(rest);
                self.push(Kind::Sign(sign), length);
            }
        }
        Ok(())
    }

    fn line_comment(&mut self) {
        let rest = self.rest();
        let line = rest.find('\n').unwrap_or(rest.len());
        self.at += rest[..line].find("?>").unwrap_or(line);
    }

    fn word(&mut self) {
        let rest = self.rest();
        let length = rest.find(|c: char| !c.is_alphanumeric() && !"_\\$@".contains(c)).unwrap_or(rest.len());
        let name = rest[..length].trim_start_matches('\\').to_owned();
        let after = &rest[length..];
        if after.starts_with(':') && !after.starts_with("::") && !name.starts_with('$') {
            return self.push(Kind::Label(name), length + 1);
        }
        self.push(Kind::Word(name), length);
    }

    fn single(&mut self) -> Result<(), Broken> {
        let text = single_quoted(self.rest(), 1, '\'');
        let (kind, length) = text.ok_or_else(|| self.broken(1, "this string does not end in this file"))?;
        self.push(kind, length);
        Ok(())
    }

    fn double(&mut self) -> Result<(), Broken> {
        let rest = self.rest();
        let (mut pieces, mut opaque, mut at) = (Pieces::default(), false, 1);
        let endless = || self.broken(1, "this string does not end in this file");
        loop {
            let c = rest[at..].chars().next().ok_or_else(endless)?;
            at += c.len_utf8();
            match c {
                '"' => break,
                '\\' => {
                    let next = rest[at..].chars().next().ok_or_else(endless)?;
                    at += next.len_utf8();
                    match next {
                        '\\' | '"' | '$' => pieces.push(next),
                        'n' | 't' | 'r' | 'e' => escape(next).into_iter().for_each(|c| pieces.push(c)),
                        'x' | 'u' | 'v' | 'f' | '0'..='7' => opaque = true,
                        other => ['\\', other].into_iter().for_each(|c| pieces.push(c)),
                    }
                }
                '$' if rest[at..].starts_with(starts_word) => {
                    let length = word_length(&rest[at..]);
                    pieces.code(&rest[at - 1..at + length]);
                    at += length;
                    // `$a[0]` and `$a->b` are more than the variable.
                    opaque |= rest[at..].starts_with('[') || rest[at..].starts_with("->");
                }
                '$' if rest[at..].starts_with('{') => opaque = true,
                '{' if rest[at..].starts_with('$') => {
                    let end = bracket_end(rest, at, '{', '}').ok_or_else(endless)?;
                    pieces.code(&rest[at..end]);
                    at = end + 1;
                }
                c => pieces.push(c),
            }
        }
        let kind = if opaque { Kind::Opaque } else { pieces.finish() };
        self.push(kind, at);
        Ok(())
    }

    /// `<<<NAME` up to a line that begins with the name.
    fn heredoc(&mut self) -> Result<(), Broken> {
        let rest = self.rest();
        let name = rest[3..].trim_start_matches([' ', '\'', '"']);
        let name = &name[..word_length(name)];
        let mut at = rest.find('\n').filter(|_| !name.is_empty()).map_or(rest.len(), |at| at + 1);
        for line in rest[at..].split_inclusive('\n') {
            let plain = line.trim_start();
            if plain.starts_with(name) && word_length(plain) == name.len() {
                self.push(Kind::Opaque, at + line.len() - plain.len() + name.len());
                return Ok(());
            }
            at += line.len();
        }
        Err(self.broken(3, "this text does not end in this file"))
    }
}
