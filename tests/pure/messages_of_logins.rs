//! What a login asks and says on the terminal.

use std::path::PathBuf;

use shipit::report::login_prompt;
use shipit::transport::{LoginNote, LoginQuestion};

use crate::messages::{named, section};

#[test]
fn what_a_login_asks_and_says() {
    let (user, host, path) = (named("deploy"), named("web1"), PathBuf::from("/home/ann/.ssh/id_ed25519"));
    let password = |again| LoginQuestion::Password { user: named("deploy"), host: named("web1"), again };
    let questions = [
        LoginQuestion::Passphrase { path: path.clone(), again: false },
        LoginQuestion::Passphrase { path, again: true },
        password(false),
        password(true),
        LoginQuestion::Server {
            user,
            host: host.clone(),
            instructions: named("Duo\x1b[2J two-factor login\nwelcome"),
            prompt: named("Passcode or option (1-2): "),
            echo: true,
        },
    ];
    let key = named("ann@laptop (agent)");
    let notes =
        [LoginNote::Touch { key: key.clone(), host: host.clone() }, LoginNote::AgentWaits { key, host }];
    let questions = questions.iter().map(login_prompt::question_text);
    let texts = questions.chain(notes.iter().map(login_prompt::note_text));
    insta::assert_snapshot!(section("asked and said by a login", texts));
}
