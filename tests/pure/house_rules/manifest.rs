//! Cargo.toml as text, because comments are what matters.

/// Dependencies without a comment right above them.
pub fn uncommented(manifest: &str) -> Vec<String> {
    let (mut inside, mut above) = (false, "");
    let mut faults = Vec::new();
    for line in manifest.lines() {
        let header = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let name = match header {
            Some(header) => {
                let (table, last) = header.rsplit_once('.').unwrap_or(("", header));
                inside = last.ends_with("dependencies");
                table.ends_with("dependencies").then_some(last)
            }
            None => line.split(['=', '.', ' ']).next().filter(|name| inside && is_name(name)),
        };
        if let Some(name) = name.filter(|_| !above.starts_with('#')) {
            faults.push(format!("{name}: no comment above it"));
        }
        above = line;
    }
    faults
}

fn is_name(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}
