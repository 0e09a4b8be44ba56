//! How a host gets at the repository: how much of it, which part, and with what access.

use super::file::Node;
use super::layers::Layers;
use super::problem::{Fault, Problem, Problems};
use super::variable::{EnvValue, EnvVariable};
use super::{env, paths, values};

/// The key, as messages name it.
pub(super) const TOKEN: &str = "repo-token";

/// `subdir`.
pub(super) fn subdir(node: &Node) -> Result<String, Problem> {
    let path = paths::in_release(node)?.path;
    // git lists such names in quotes.
    if path.contains(['\\', '"']) {
        return Err(node.problem(format!("`{path}`: a subdir of these characters is not yet supported")));
    }
    Ok(path)
}

/// `repo-token`: a secret of the operator's, only for a server that will see it through an encrypted line.
pub(super) fn token(layers: &Layers<'_>, repo: &str, problems: &mut Problems) -> Option<EnvVariable> {
    layers.last(TOKEN, problems, |node| {
        let value = env::parse(values::any_text(node)?).map_err(|fault| fault.at(node.span.clone()))?;
        let fault = match value {
            EnvValue::Plain(_) | EnvValue::Command(_) | EnvValue::Printed(_) => Some(
                Fault::new("a token does not belong into this file")
                    .help("repo-token = \"${GIT_TOKEN}\" is your variable GIT_TOKEN"),
            ),
            EnvValue::Operator(_) if !repo.is_empty() && !encrypted(repo) => Some(
                Fault::new("`repo-token` is for a `repo` that begins with https://")
                    .help("over ssh it is a key that opens: `repo-key`, or the host's own"),
            ),
            EnvValue::Operator(_) => None,
        };
        let variable = EnvVariable { name: TOKEN.to_owned(), value, span: node.span.clone() };
        fault.map_or(Ok(variable), |fault| Err(fault.at(node.span.clone())))
    })
}

// Or one that no network sees.
fn encrypted(repo: &str) -> bool {
    let inside = ["http://127.0.0.1:", "http://127.0.0.1/", "http://localhost:", "http://localhost/"];
    repo.starts_with("https://") || inside.iter().any(|start| repo.starts_with(start))
}
