//! A host's own access to the repository, and the remedy for each way in which it may have none.

use super::access::Access;
use super::answers::Answers;
use super::finding::Finding;
use super::problem::Problem;
use super::remedy::{Remote, at_home};
use crate::git;
use crate::remote::quote::quote;

/// Keys of servers, best first.
const KEY_TYPES: [&str; 3] = ["ssh-ed25519", "ecdsa-", "ssh-rsa"];

/// What is wrong, if anything is.
pub(super) fn access(answers: &Answers<'_>, remote: &Remote<'_>, repo: &str) -> Option<Finding> {
    let [why, output] = answers.first("repository")?;
    // Without the token that an address may hold: git asks for it when this is pasted.
    let repo = git::without_credentials(repo);
    let list = format!("git ls-remote {} HEAD", quote(&repo));
    let (access, remedy) = match why {
        "ok" => return None,
        "unknown-key" => unknown_key(answers, remote, &list),
        "changed-key" => (Access::ChangedKey, remote.ask(&list)),
        "denied" => (Access::Denied, remote.run(&public_key(answers))),
        "login" => {
            let store = format!("git config --global credential.helper store && {list}");
            (Access::Password, remote.ask(&store))
        }
        "no-address" | "refused" | "silent" | "cut" => (Access::Unreachable, remote.run(&list)),
        "format" => (Access::Format, remote.run(&list)),
        "slow" => (Access::TimedOut, remote.run(&list)),
        "missing" => (Access::Missing { repo }, remote.run(&list)),
        _ => (Access::Other, remote.run(&list)),
    };
    Some(Finding::new(Problem::Repository(access, output.to_owned()), remedy))
}

/// That the ref does not exist, where the repository answered.
pub(super) fn reference(answers: &Answers<'_>, remote: &Remote<'_>, repo: &str) -> Option<Finding> {
    let [reference] = answers.first("no-ref")?;
    let repo = git::without_credentials(repo);
    let list = format!("git ls-remote --heads --tags {}", quote(&repo));
    let access = Access::NoReference { repo, reference: reference.to_owned() };
    Some(Finding::new(Problem::Repository(access, String::new()), remote.run(&list)))
}

// The very key that was shown is made known: a second look at the server could show another.
fn unknown_key(answers: &Answers<'_>, remote: &Remote<'_>, list: &str) -> (Access, String) {
    let keys: Vec<[&str; 3]> = answers.all("server-key").collect();
    let rank = |line: &str| {
        let kind = line.split(' ').nth(1).unwrap_or_default();
        KEY_TYPES.iter().position(|known| kind.starts_with(known)).unwrap_or(KEY_TYPES.len())
    };
    let Some([fingerprint, line, file]) = keys.into_iter().min_by_key(|[_, line, _]| rank(line)) else {
        let by_ssh = list.replacen("git ", "GIT_SSH_COMMAND=ssh git ", 1);
        return (Access::UnknownKey { fingerprint: None }, remote.ask(&by_ssh));
    };
    let file = if file.is_empty() { "~/.ssh/known_hosts" } else { file };
    let add = format!("mkdir -p -m 700 ~/.ssh && echo {} >>{}", quote(line), at_home(file));
    (Access::UnknownKey { fingerprint: Some(fingerprint.to_owned()) }, remote.run(&add))
}

/// A command that prints the public key of the host, which it makes where there is none.
fn public_key(answers: &Answers<'_>) -> String {
    match answers.first("key").unwrap_or_default() {
        [""] => "mkdir -p -m 700 ~/.ssh && ssh-keygen -q -t ed25519 -N \"\" -f ~/.ssh/id_ed25519 && cat ~/.ssh/id_ed25519.pub"
            .to_owned(),
        [key] => format!("cat {}", quote(key)),
    }
}
