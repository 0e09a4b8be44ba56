//! As much of Rust as it takes to find paths: comments and literals out, `use` trees flattened, test items left out.
//! Must not be cleverer than that; what it cannot read it fails on.

/// A word, `::`, or any other single character, and the line it stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub text: String,
    pub line: usize,
}

/// A path such as `crate::plan::Phase`, flattened where it comes from a `use` tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    pub names: Vec<String>,
    pub line: usize,
}

/// Words and signs; no comments, no literals.
pub fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let (mut found, mut at, mut line) = (Vec::new(), 0, 1);
    while at < chars.len() {
        let rest = &chars[at..];
        let (length, token) = match rest {
            ['/', '/', ..] => (rest.iter().take_while(|c| **c != '\n').count(), None),
            ['/', '*', ..] => (block_comment(rest), None),
            ['"', ..] => (string(rest), None),
            ['\'', ..] => (quote(rest), None),
            [':', ':', ..] => (2, Some("::".to_owned())),
            [first, ..] if first.is_alphabetic() || *first == '_' => {
                let word: String = rest.iter().take_while(|c| c.is_alphanumeric() || **c == '_').collect();
                let length = word.chars().count();
                match raw_string(&word, &rest[length..]) {
                    Some(more) => (length + more, None),
                    None => (length, Some(word)),
                }
            }
            [first, ..] if first.is_whitespace() => (1, None),
            [first, ..] => (1, Some(first.to_string())),
            [] => unreachable!(),
        };
        found.extend(token.map(|text| Token { text, line }));
        line += rest[..length].iter().filter(|c| **c == '\n').count();
        at += length;
    }
    found
}

fn block_comment(rest: &[char]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match rest[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn string(rest: &[char]) -> usize {
    let mut at = 1;
    while rest[at] != '"' {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

// A character, or the start of a lifetime.
fn quote(rest: &[char]) -> usize {
    match rest {
        [_, '\\', ..] => 3 + rest[3..].iter().take_while(|c| **c != '\'').count() + 1,
        [_, _, '\'', ..] => 3,
        _ => 1,
    }
}

// After `r`, `br` or `cr`: what follows the word, when it is a raw string.
fn raw_string(word: &str, rest: &[char]) -> Option<usize> {
    let hashes = rest.iter().take_while(|c| **c == '#').count();
    if !matches!(word, "r" | "br" | "cr") || rest.get(hashes) != Some(&'"') {
        return None;
    }
    let end: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let inside = rest[hashes + 1..].windows(end.len()).position(|window| window == end)?;
    Some(hashes + 1 + inside + end.len())
}

fn starts(tokens: &[Token], words: &[&str]) -> bool {
    tokens.len() >= words.len() && tokens.iter().zip(words).all(|(token, word)| token.text == *word)
}

const TEST: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];

/// Without the items that only tests have.
pub fn without_tests(tokens: Vec<Token>) -> Vec<Token> {
    let (mut kept, mut at) = (Vec::new(), 0);
    while at < tokens.len() {
        if starts(&tokens[at..], &TEST) {
            at += TEST.len() + item(&tokens[at + TEST.len()..]);
        } else {
            kept.push(tokens[at].clone());
            at += 1;
        }
    }
    kept
}

// The length of an item: up to its semicolon or the end of its braces; of a field or an arm, up to its comma.
fn item(tokens: &[Token]) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        match token.text.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" if depth == 1 => return at + 1,
            "}" | ")" | "]" if depth == 0 => return at,
            "}" | ")" | "]" => depth -= 1,
            ";" | "," if depth == 0 => return at + 1,
            _ => {}
        }
    }
    tokens.len()
}

/// Names of the modules that are declared here, in files of their own or not.
pub fn modules(tokens: &[Token]) -> Vec<String> {
    let pairs = tokens.windows(2).filter(|pair| pair[0].text == "mod");
    pairs.map(|pair| pair[1].text.clone()).collect()
}

/// Those of them that only tests have.
pub fn test_modules(tokens: &[Token]) -> Vec<String> {
    let marked =
        (0..tokens.len()).filter(|at| starts(&tokens[*at..], &TEST)).map(|at| &tokens[at + TEST.len()..]);
    marked.filter(|rest| starts(rest, &["mod"])).map(|rest| rest[1].text.clone()).collect()
}

/// All paths of two names and more, and all that is brought in by `use`.
pub fn paths(tokens: &[Token]) -> Vec<Path> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < tokens.len() {
        let text = |back: usize| at.checked_sub(back).map_or("", |at| tokens[at].text.as_str());
        // `<T>::name`, `Vec::<T>::new`: no path of its own. `::name` alone is one.
        let goes_on = text(1) == "::" && text(2) == ">";
        if tokens[at].text == "use" {
            at = tree(tokens, at + 1, &[], &mut found);
        } else if is_word(&tokens[at].text) && !goes_on {
            let mut names = vec![tokens[at].text.clone()];
            let line = tokens[at].line;
            while starts(&tokens[at + 1..], &["::"]) && tokens.get(at + 2).is_some_and(|t| is_word(&t.text)) {
                names.push(tokens[at + 2].text.clone());
                at += 2;
            }
            if names.len() > 1 {
                found.push(Path { names, line });
            }
            at += 1;
        } else {
            at += 1;
        }
    }
    found
}

// A `use` tree from `at`; where it ends. `{…}` branches, the rest is a chain of names.
fn tree(tokens: &[Token], mut at: usize, before: &[String], found: &mut Vec<Path>) -> usize {
    let mut names = before.to_vec();
    let line = tokens[at].line;
    loop {
        match tokens[at].text.as_str() {
            "{" => {
                at += 1;
                while tokens[at].text != "}" {
                    at = tree(tokens, at, &names, found);
                    at += usize::from(tokens[at].text == ",");
                }
                return at + 1;
            }
            "," | ";" | "}" => break,
            "as" => at += 1,
            "::" => {}
            name => names.push(name.to_owned()),
        }
        at += 1;
    }
    found.push(Path { names, line });
    at
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// The paths that one `use` brings in, each with one name more at its end: the one by which it is known here.
pub fn aliased(item: &[Token]) -> Vec<Vec<String>> {
    let mut plain = Vec::new();
    let mut aliases = Vec::new();
    let mut at = 0;
    // `as NAME` is taken out, and stands for the path before it.
    let mut without = Vec::new();
    while at < item.len() {
        if item[at].text == "as" && at + 1 < item.len() {
            aliases.push((without.len(), item[at + 1].text.clone()));
            at += 2;
        } else {
            without.push(item[at].clone());
            at += 1;
        }
    }
    let mut ends = Vec::new();
    ends_of(&without, &mut ends);
    tree(&without, 1, &[], &mut plain);
    plain
        .into_iter()
        .zip(ends)
        .map(|(path, end)| {
            let alias = aliases.iter().find(|(before, _)| *before == end).map(|(_, alias)| alias.clone());
            let last = path.names.last().cloned().unwrap_or_default();
            let mut names = path.names;
            names.push(alias.unwrap_or(last));
            names
        })
        .collect()
}

// Where each path of a `use` tree ends, in the order of [`tree`].
fn ends_of(item: &[Token], ends: &mut Vec<usize>) {
    for (at, token) in item.iter().enumerate().skip(1) {
        let before = item[at - 1].text.as_str();
        if matches!(token.text.as_str(), "," | ";" | "}") && !matches!(before, "}" | ",") {
            ends.push(at);
        }
    }
}
