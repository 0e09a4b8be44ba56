//! A host's own access to the repository, and the remedy for each way in which it may have none.

use super::answers::Answers;
use super::finding::Finding;
use super::remedy::{Way, at_home};
use crate::git;
use crate::remote::quote::quote;

/// Keys of servers, best first.
const KEY_TYPES: [&str; 3] = ["ssh-ed25519", "ecdsa-", "ssh-rsa"];

/// What is wrong, if anything is.
pub(super) fn access(answers: &Answers<'_>, way: &Way<'_>, repo: &str) -> Option<Finding> {
    let [why, said] = answers.first("repository")?;
    let broken = |text: &str| {
        let said = if said.is_empty() { String::new() } else { format!(": {said}") };
        Finding::broken(format!("{text}{said}"))
    };
    // Whoever pastes it with an address that held a token is asked for it.
    let repo = git::without_credentials(repo);
    let ask = format!("git ls-remote {} HEAD", quote(&repo));
    let finding = match why {
        "ok" => return None,
        "unknown-key" => unknown_key(answers, way, &ask, broken("the host key of the git server is not known here")),
        "changed-key" => broken("the git server shows another host key than the one that is known here")
            .advice("someone may be listening in; only if the server was set up anew: remove the line that ssh names, then check again")
            .remedy(way.ask(&ask)),
        "denied" => denied(answers, way, broken("the git server does not let this host in")),
        "login" => broken("the git server asks for a password, and nobody is there to type it")
            .advice("asked for once and kept on the host, in ~/.git-credentials; a token that may only read is best:")
            .remedy(way.ask(&format!("git config --global credential.helper store && {ask}"))),
        "no-address" | "refused" | "silent" | "cut" => broken("the git server cannot be reached from here")
            .advice("is the name right, and may this host connect there? to try it again:")
            .remedy(way.run(&ask)),
        "slow" => broken("the git server did not answer in time").advice("to try it by hand:").remedy(way.run(&ask)),
        "missing" => broken(&format!("there is no repository {repo}, or this host may not see it"))
            .advice("check `repo` in shipit.toml; to try it by hand:")
            .remedy(way.run(&ask)),
        _ => broken("git cannot read the repository from here").advice("to try it by hand:").remedy(way.run(&ask)),
    };
    Some(finding)
}

// The very key that was shown is made known: a second look at the server could show another.
fn unknown_key(answers: &Answers<'_>, way: &Way<'_>, ask: &str, finding: Finding) -> Finding {
    let keys: Vec<[&str; 3]> = answers.all("server-key").collect();
    let rank = |line: &str| {
        let kind = line.split(' ').nth(1).unwrap_or_default();
        KEY_TYPES.iter().position(|known| kind.starts_with(known)).unwrap_or(KEY_TYPES.len())
    };
    let Some([print, line, file]) = keys.into_iter().min_by_key(|[_, line, _]| rank(line)) else {
        return finding
            .advice(
                "ssh shows the fingerprint and asks; compare it with what the owner of the server publishes:",
            )
            .remedy(way.ask(&ask.replacen("git ", "GIT_SSH_COMMAND=ssh git ", 1)));
    };
    let file = if file.is_empty() { "~/.ssh/known_hosts" } else { file };
    finding
        .advice(format!("only if {print} is the fingerprint that the owner of the server publishes:"))
        .remedy(way.run(&format!("mkdir -p -m 700 ~/.ssh && echo {} >>{}", quote(line), at_home(file))))
}

fn denied(answers: &Answers<'_>, way: &Way<'_>, finding: Finding) -> Finding {
    let advice = "let the key that this prints read the repository (a deploy key, at the git server):";
    let [key] = answers.first("key").unwrap_or_default();
    let command = match key {
        "" => "mkdir -p -m 700 ~/.ssh && ssh-keygen -q -t ed25519 -N \"\" -f ~/.ssh/id_ed25519 && cat ~/.ssh/id_ed25519.pub"
            .to_owned(),
        key => format!("cat {}", quote(key)),
    };
    finding.advice(advice).remedy(way.run(&command))
}
