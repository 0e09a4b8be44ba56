//! What the demonstration tells, as data: text, and lines that a user would type, with the exit code each ends with.

/// A step of it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    /// What comes next.
    Title(&'static str),
    /// Why.
    Says(&'static str),
    /// What is typed in the work tree, and how it ends.
    Types(&'static str, u8),
    /// What lies on the first host.
    Tree,
}

use Step::{Says, Title, Tree, Types};

/// The history that is there at the beginning; run in the work tree.
pub(super) const BEFORE: [&str; 6] = [
    "git init -q --bare ../shop.git && git --git-dir ../shop.git symbolic-ref HEAD refs/heads/main",
    "git init -q && git symbolic-ref HEAD refs/heads/main && git remote add origin \"${PWD%/*}/shop.git\"",
    "git config user.name You && git config user.email you@example.com",
    "git add page && git commit -qm 'A page'",
    "git add port restart healthy && git commit -qm 'A port, and a way to restart'",
    "git add shipit.toml && git commit -qm 'Deploy with shipit' && git push -q -u origin main",
];

/// What every host serves.
const SERVES: &str = "shipit production exec 'cat ~/serving'";

/// From an empty host to a list of deploys.
pub(super) const STORY: [Step; 33] = [
    Title("1. A project"),
    Says("A small repository with some history, and a shipit.toml in it:"),
    Types("git log --oneline", 0),
    Types("cat shipit.toml", 0),
    Title("2. Setup"),
    Says("Once per host: directories, a clone, checks. Safe to repeat, also with a new host in the list."),
    Types("shipit production setup", 0),
    Title("3. The first deploy"),
    Says(
        "Every host builds the new release beside whatever runs there. Only when all are ready does any go live: \
         the link `current` is replaced by one rename, the app is reloaded, and `verify` says whether the new one \
         is what runs.",
    ),
    Types("shipit production", 0),
    Title("4. The next one"),
    Says("A change is committed and pushed. (Had it not been pushed, the deploy would be refused.)"),
    Types("echo 'the shop, second edition' >page", 0),
    Types("git commit -qam 'Second edition' && git push -q", 0),
    Types("shipit production", 0),
    Types(SERVES, 0),
    Title("5. A deploy that breaks on one host"),
    Says(
        "This one moves to port 9090, which another program on web2 has taken. web1 and web3 reload well, web2 \
         does not: all three are rolled back to what they served.",
    ),
    Types("echo 9090 >port", 0),
    Types("git commit -qam 'Move to port 9090' && git push -q", 0),
    Types("shipit production", 5),
    Types(SERVES, 0),
    Title("6. A release that starts, and then dies"),
    Says(
        "Its reload succeeds on every host, and a moment later the app is gone. `health` goes on looking for as long as \
         `stable-for` says, so this is no success either.",
    ),
    Types("echo 8080 >port && echo 'the third edition, which dies soon' >page", 0),
    Types("git commit -qam 'Third edition' && git push -q", 0),
    Types("shipit production", 5),
    Title("7. Going back"),
    Says("Don't like the second edition? The first is still on every host: no build, no network."),
    Types("shipit production revert", 0),
    Types("shipit production list", 0),
    Title("8. What lies on a host"),
    Tree,
];

/// How many runs of shipit it shows.
pub(super) fn runs() -> usize {
    STORY.iter().filter(|step| matches!(step, Types(line, _) if line.starts_with("shipit "))).count()
}
