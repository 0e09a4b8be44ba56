//! How a host reaches the repository: which part of it, and with what access.

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

/// `repo-token`: a secret of the operator's, only for a server that receives it over an encrypted connection.
pub(super) fn token(layers: &Layers<'_>, repo: &str, problems: &mut Problems) -> Option<EnvVariable> {
    layers.last(TOKEN, problems, |node| {
        let value = env::parse(values::any_text(node)?).map_err(|fault| fault.at(node.span.clone()))?;
        let fault = match value {
            EnvValue::Plain(_) | EnvValue::Command(_) | EnvValue::Printed(_) => Some(
                Fault::new("a token does not belong in this file")
                    .help("use one of your variables: repo-token = \"${GIT_TOKEN}\""),
            ),
            EnvValue::Operator(_) if !repo.is_empty() && !encrypted(repo) => Some(
                Fault::new("`repo-token` needs a `repo` that starts with https://")
                    .help("for a repository over SSH use `repo-key`, or the host's own key"),
            ),
            EnvValue::Operator(_) => None,
        };
        let variable = EnvVariable { name: TOKEN.to_owned(), value, span: node.span.clone() };
        fault.map_or(Ok(variable), |fault| Err(fault.at(node.span.clone())))
    })
}

// Or to this machine, without a network.
fn encrypted(repo: &str) -> bool {
    let inside = ["http://127.0.0.1:", "http://127.0.0.1/", "http://localhost:", "http://localhost/"];
    repo.starts_with("https://") || inside.iter().any(|start| repo.starts_with(start))
}
