//! The doctor's questions under each shell: what is found on a host where all is well, and on one where nothing is.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use shipit::remote::script::Script;
use shipit::remote::wire::{Mode, Reply};

use crate::driver::Run;
use crate::ground::Ground;
use crate::{Sh, on_each_shell};

on_each_shell!(
    a_host_that_is_well,
    a_host_on_which_nothing_was_set_up,
    what_lies_in_the_way,
    a_repository_that_is_not_there,
    a_repository_of_another_format_and_a_damaged_clone,
    a_login_without_a_home,
    commands_of_hooks_and_of_logins,
    a_profile_that_fails,
    values_are_one_line_each,
);

// What was found: words with their values.
fn found(ground: &Ground, more: &[(&str, &str)], script: &Script) -> Vec<(String, Vec<String>)> {
    let mut run = Run::start_as(ground, Mode::Free, 30);
    run.set(ground, more);
    run.script(script).good();
    let replies = std::mem::take(&mut run.heard.lock().unwrap().replies);
    assert!(run.bye().success());
    ground.comes_to_rest("check");
    let found = replies.into_iter().filter_map(|(_, reply)| match reply {
        Reply::Found(word, values) => Some((word, values)),
        _ => None,
    });
    found.collect()
}

fn all() -> Script {
    Script::new().check_begin().check_git().check_repository(60, "", "").check_tools(&[]).check_session()
}

fn words(found: &[(String, Vec<String>)]) -> Vec<&str> {
    found.iter().map(|(word, _)| word.as_str()).filter(|word| *word != "linger").collect()
}

fn values<'a>(found: &'a [(String, Vec<String>)], word: &str) -> Vec<&'a [String]> {
    found.iter().filter(|(known, _)| known == word).map(|(_, values)| values.as_slice()).collect()
}

fn a_host_that_is_well(sh: Sh) {
    let ground = Ground::deployed(sh);
    let answers = found(&ground, &[], &all().clock());
    // Not every file system counts inodes.
    let words: Vec<&str> = words(&answers).into_iter().filter(|word| *word != "inodes").collect();
    assert_eq!(words, ["me", "space", "git", "repository", "clock"]);
    assert_eq!(values(&answers, "repository")[0][0], "ok");
    assert!(values(&answers, "git")[0][0].starts_with(|c: char| c.is_ascii_digit()));
    assert!(values(&answers, "space")[0][0].parse::<u64>().is_ok());
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let told: u64 = values(&answers, "clock")[0][0].parse().unwrap();
    assert!(now.abs_diff(told) < 600);
}

fn a_host_on_which_nothing_was_set_up(sh: Sh) {
    let ground = Ground::bare(sh);
    assert_eq!(values(&found(&ground, &[], &all()), "setup").len(), 1);
    assert!(!ground.root().exists(), "nothing was made");
}

fn what_lies_in_the_way(sh: Sh) {
    let ground = Ground::deployed(sh);
    let current = ground.root().join("current");
    fs::remove_file(&current).unwrap();
    symlink("source", &current).unwrap();
    fs::write(ground.root().join("source/.git"), "").unwrap();
    let answers = found(&ground, &[], &all());
    let foreign = values(&answers, "foreign");
    assert_eq!(foreign[0], [current.to_str().unwrap(), "source"]);
    assert_eq!(foreign[1][0], ground.root().join("source").to_str().unwrap());

    let ground = Ground::at(sh, |base| base.join("file/below/app"));
    let file = ground.base().join("file");
    fs::write(&file, "").unwrap();
    assert_eq!(values(&found(&ground, &[], &all()), "blocked")[0], [file.to_str().unwrap()]);
    fs::remove_file(&file).unwrap();
    symlink("nowhere", &file).unwrap();
    assert_eq!(values(&found(&ground, &[], &all()), "blocked")[0], [file.to_str().unwrap()]);
}

fn a_repository_that_is_not_there(sh: Sh) {
    let ground = Ground::new(sh);
    let answers = found(&ground, &[("repo", "/nowhere/shop.git")], &all());
    assert_eq!(values(&answers, "repository")[0][0], "missing");
    assert!(values(&answers, "repository")[0][1].contains("/nowhere/shop.git"));
}

fn a_repository_of_another_format_and_a_damaged_clone(sh: Sh) {
    let ground = Ground::deployed(sh);
    let (other, work) = (ground.base().join("sha256.git"), ground.base().join("sha256"));
    let (other, work) = (other.to_str().unwrap(), work.to_str().unwrap());
    ground.repo.git(&["init", "-q", "--bare", "--object-format=sha256", other]);
    ground.repo.git(&["init", "-q", "--object-format=sha256", work]);
    ground.repo.git(&["-C", work, "commit", "-q", "--allow-empty", "-m", "x"]);
    ground.repo.git(&["-C", work, "push", "-q", other, "HEAD:main"]);
    fs::write(ground.root().join("source/objects/17"), "").unwrap();
    let answers = found(&ground, &[("repo", other)], &all());
    assert_eq!(values(&answers, "repository")[0][0], "format");
    assert_eq!(values(&answers, "source-damaged")[0], [ground.root().join("source").to_str().unwrap()]);
}

fn a_login_without_a_home(sh: Sh) {
    let ground = Ground::new(sh);
    let away = ground.base().join("away");
    fs::rename(ground.home(), &away).unwrap();
    fs::create_dir(ground.home()).unwrap();
    let mut run = Run::start_as(&ground, Mode::Free, 30);
    fs::remove_dir(ground.home()).unwrap();
    run.script(&Script::new().check_begin().check_tools(&[])).good();
    let replies = std::mem::take(&mut run.heard.lock().unwrap().replies);
    let said =
        |word: &str| replies.iter().any(|(_, reply)| matches!(reply, Reply::Found(is, _) if is == word));
    assert!(said("home") && !said("profile"), "{replies:?}");
    assert!(run.bye().success());
    fs::rename(away, ground.home()).unwrap();
    // Without the variable, it is what the system says of this login.
    let mut run = Run::start_as(&ground, Mode::Free, 30);
    let number = run.tell_text("unset HOME\nfind_home\nfact live \"$HOME\"\n");
    let home = run.wait(number).fact("live").to_owned();
    assert!(home.starts_with('/'), "{home}");
    assert!(run.bye().success());
}

fn commands_of_hooks_and_of_logins(sh: Sh) {
    let ground = Ground::new(sh);
    let bin = ground.home().join("my bin");
    fs::create_dir(&bin).unwrap();
    fs::write(bin.join("only-login"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(bin.join("only-login"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(
        ground.home().join(".profile"),
        format!("echo noise\nPATH='{}':$PATH\nexport PATH\n", bin.display()),
    )
    .unwrap();
    let script = Script::new()
        .check_begin()
        .check_tools(&["ls", "if", "cd", "only-login", "nowhere-at-all"].map(str::to_owned));
    let answers = found(&ground, &[], &script);
    let tools = values(&answers, "tool");
    assert_eq!(
        tools,
        [
            &["only-login".to_owned(), bin.display().to_string()][..],
            &["nowhere-at-all".to_owned(), String::new()]
        ]
    );
}

fn a_profile_that_fails(sh: Sh) {
    let ground = Ground::new(sh);
    let mut run = Run::start_as(&ground, Mode::Free, 30);
    run.message(&shipit::remote::wire::Message::Data("enter", "echo it is not there >&2; exit 14\n"));
    run.script(&Script::new().check_begin().check_tools(&[])).good();
    let said = |(_, reply): &(u32, Reply)| {
        matches!(reply, Reply::Found(word, values)
        if word == "profile" && *values == ["exit", "14", "it is not there"])
    };
    assert!(run.heard.lock().unwrap().replies.iter().any(said));
    assert!(run.bye().success());
}

fn values_are_one_line_each(sh: Sh) {
    let ground = Ground::new(sh);
    let mut run = Run::start_as(&ground, Mode::Free, 30);
    let script = format!("{}found word 'a\nb' 'c\td' '' 'e  f'\n", shipit::remote::program::CHECK);
    let number = run.tell_text(&script);
    run.wait(number).good();
    let said = |(_, reply): &(u32, Reply)| matches!(reply, Reply::Found(word, values) if word == "word" && *values == ["a", "c", "", "e  f"]);
    assert!(run.heard.lock().unwrap().replies.iter().any(said));
    assert!(run.bye().success());
}
