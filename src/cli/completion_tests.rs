//! Lines that are being typed, and what can stand at their end.

use super::*;

fn cursor(line: &str) -> Cursor {
    let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    at_cursor(&words)
}

fn words_at(line: &str) -> Vec<String> {
    match cursor(line).wanted {
        Wanted::OneOf(words) | Wanted::Environments(words) => {
            words.into_iter().map(|(word, _)| word).collect()
        }
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn each_place_wants_something_of_its_own() {
    let table = [
        ("production ref ", Wanted::References),
        ("production --ref ", Wanted::References),
        ("production --ref=m", Wanted::References),
        ("production ref main ", Wanted::Anything),
        ("production revert ", Wanted::Reverts),
        ("production show ", Wanted::Deploys),
        ("production exec ", Wanted::Anything),
        ("production exec ls -", Wanted::Anything),
        ("-e production exec ls --", Wanted::Anything),
        ("production status ", Wanted::Anything),
        ("production --hosts ", Wanted::Hosts),
        ("--hosts=", Wanted::Hosts),
        ("production --apps ", Wanted::Apps),
        ("production status --apps=a,", Wanted::Apps),
        ("production --roles ", Wanted::Roles),
        ("production --batch ", Wanted::OneOf(Vec::new())),
        ("production --ref api=", Wanted::References),
        ("-c ", Wanted::Files),
        ("production --config=", Wanted::Files),
        ("-nC ", Wanted::Directories),
        ("-- --", Wanted::Environments(tool_names())),
        ("", Wanted::Environments(tool_names())),
        ("shipit.toml ", Wanted::Environments(tool_names())),
        ("-e ", Wanted::Environments(Vec::new())),
        ("demo ", Wanted::Anything),
        ("-e demo ", Wanted::OneOf(commands())),
        ("--lock-wait ", Wanted::OneOf(Vec::new())),
    ];
    for (line, expected) in table {
        assert_eq!(cursor(line).wanted, expected, "{line}");
    }
}

#[test]
fn keys_of_the_file_are_offered_with_their_meaning_and_their_words() {
    for line in ["production config ", "-e production config t"] {
        let words = words_at(line);
        assert!(words.iter().any(|word| word == "keep-releases"), "{line}: {words:?}");
        assert!(words.iter().any(|word| word == "timeout.hook"), "{line}: {words:?}");
    }
    assert!(words_at("production --set ").iter().any(|word| word == "rollout.batch="));
    assert_eq!(words_at("production --set shell="), ["sh", "bash", "login"]);
    assert_eq!(words_at("production --set forward-agent="), ["true", "false", "git", "all"]);
    assert_eq!(words_at("production --set=apps.api.submodules="), ["true", "false"]);
    assert_eq!(words_at("production --set ref="), [""; 0]);
    let cursor = cursor("production --set=shell=ba");
    assert_eq!((cursor.before.as_str(), cursor.typed.as_str()), ("--set=shell=", "ba"));
}

#[test]
fn words_are_those_of_the_grammar() {
    for line in ["production ", "-e production ", "shipit.toml production se", "production -n -- "] {
        let words = words_at(line);
        for command in ["update", "deploy", "ref", "setup", "revert", "status", "exec", "run", "unlock"] {
            assert!(words.iter().any(|word| word == command), "{line}: {words:?}");
        }
        assert!(!words.iter().any(|word| word == "prev" || word == "curr"), "{words:?}");
    }
    assert_eq!(words_at("completions "), ["bash", "zsh", "fish"]);
    assert_eq!(words_at("production --color "), ["auto", "always", "never"]);
    let options = words_at("production --");
    assert!(options.iter().any(|word| word == "--hosts") && options.iter().any(|word| word == "--help"));
}

#[test]
fn options_are_those_that_the_command_takes() {
    let offered = |line: &str| words_at(&format!("{line} --"));
    let common = ["--config", "--chdir", "--env", "--hosts", "--set", "--output", "--color", "--quiet"];
    let common =
        [&common[..], &["--roles", "--apps", "--concurrency", "--verbose", "--help", "--version"]].concat();
    let deploying = ["--force", "--redeploy", "--split", "--dry-run", "--yes", "--keep-failed", "--events"];
    let deploying = [&deploying[..], &["--batch", "--no-pause", "--max-unreachable"]].concat();
    for (line, own, not) in [
        (
            "production",
            &[&["--ref"], &deploying[..]].concat()[..],
            &["--check", "--lines", "--keep", "--for"][..],
        ),
        ("-e production", &["--ref"], &["--check"]),
        ("production ref main", &deploying, &["--ref"]),
        (
            "production plan",
            &["--ref", "--allow-older"],
            &["--yes", "--dry-run", "--events", "--keep-failed"],
        ),
        ("production status", &["--check"], &["--force", "--yes", "--events", "--origin"]),
        ("shipit.toml production logs", &["--lines", "--follow", "--since"], &["--force", "--output"]),
        ("production hold", &["--message", "--for", "--yes"], &["--dry-run"]),
        ("production run", &[], &["--yes"]),
        ("production nonsense", &["--check", "--lines", "--ref"], &[]),
        ("-q", &["--check", "--lines", "--ref"], &[]),
        ("production setup", &[], &["--batch", "--no-pause", "--max-unreachable", "--ref"]),
        ("production restart", &["--batch"], &["--no-pause", "--max-unreachable"]),
    ] {
        let options = offered(line);
        let there = |option: &str| options.iter().any(|known| known == option);
        for option in own.iter().chain(&common).filter(|option| !not.contains(option)) {
            assert!(there(option), "{line}: {option} is missing in {options:?}");
        }
        assert!(!not.iter().any(|option| there(option)), "{line}: {options:?}");
    }
    assert_eq!(offered("demo"), ["--keep", "--output", "--color", "--help", "--version"]);
    assert_eq!(offered("production config"), words_at("-e production config --"));
    assert!(offered("production config").iter().all(|option| option != "--hosts" && option != "--output"));
    assert!(offered("-e demo").iter().any(|option| option == "--ref"), "an environment of a tool's name");
    assert_eq!(offered("demo status"), offered("production status"));
}

#[test]
fn every_word_says_what_it_does() {
    for (word, meaning) in tool_names().into_iter().chain(commands()) {
        assert!(!meaning.is_empty(), "{word} is not in the help");
    }
    assert_eq!(help::describe("run"), "run on every host at once");
}

#[test]
fn what_was_typed_before_is_known_and_kept() {
    let cursor = cursor("-c fleet.toml -Cshop -e staging status --hosts=web1,!we");
    assert_eq!(cursor.config, Some(PathBuf::from("fleet.toml")));
    assert_eq!(cursor.chdir, Some(PathBuf::from("shop")));
    assert_eq!(cursor.environment.as_deref(), Some("staging"));
    assert_eq!((cursor.before.as_str(), cursor.typed.as_str()), ("--hosts=web1,!", "we"));
    for (line, before, typed) in [
        ("production --apps api,w", "api,", "w"),
        ("production --roles=web,d", "--roles=web,", "d"),
        ("production --ref=api=ma", "--ref=api=", "ma"),
        ("production ref api=ma", "api=", "ma"),
    ] {
        let cursor = at_cursor(&line.split(' ').map(str::to_owned).collect::<Vec<_>>());
        assert_eq!((cursor.before.as_str(), cursor.typed.as_str()), (before, typed), "{line}");
    }
    assert_eq!(super::at_cursor(&[]).wanted, Wanted::Environments(tool_names()));
}
