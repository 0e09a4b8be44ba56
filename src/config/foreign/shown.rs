//! As much of a statement as can be shown without its values, any of which may be a secret.

/// Calls whose first argument is a name.
const NAMING: [&str; 24] = [
    "add",
    "after",
    "append",
    "ask",
    "before",
    "fail",
    "host",
    "import",
    "include",
    "include_once",
    "install_plugin",
    "localhost",
    "namespace",
    "on",
    "remove",
    "require",
    "require_once",
    "role",
    "server",
    "set",
    "set_if_empty",
    "task",
    "->add",
    "->set",
];

/// The name of a call with its first argument, where that is a name; else the first word.
pub(super) fn shown(line: &str) -> &str {
    let word = |c: char| c.is_alphanumeric() || "_$@.:?!\\".contains(c);
    let arrow = if line.starts_with("->") { 2 } else { 0 };
    let end = arrow + line[arrow..].find(|c| !word(c)).unwrap_or(line.len() - arrow);
    let (call, rest) = line.split_at(end);
    if !NAMING.contains(&call) {
        return call;
    }
    let blanks = rest.len() - rest.trim_start_matches([' ', '\t', '(']).len();
    let argument = argument(&rest[blanks..]);
    if argument == 0 {
        return call;
    }
    let end = end + blanks + argument;
    // Nothing more is said that is a value.
    if [")", ");", " do"].contains(&line[end..].trim_end()) { line } else { &line[..end] }
}

/// How long the name is that begins here; 0: it is none.
fn argument(text: &str) -> usize {
    let quoted = text.strip_prefix(['\'', '"']);
    if let Some(inside) = quoted {
        let end = inside.find(text.chars().next().unwrap_or_default());
        return end.filter(|end| !inside[..*end].contains(['\\', '#', '$'])).map_or(0, |end| end + 2);
    }
    let symbol = text.strip_prefix(':').unwrap_or(text);
    let length = symbol.find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':').unwrap_or(symbol.len());
    if length == 0 { 0 } else { text.len() - symbol.len() + length }
}
