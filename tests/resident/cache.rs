//! The program is kept on the host by its digest: who keeps it, and what is run when something else lies there.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use shipit::remote::program::digest;
use shipit::remote::script::Script;
use shipit::remote::wire::{Mode, Reply};

use crate::driver::Run;
use crate::full::Disk;
use crate::ground::Ground;
use crate::{Sh, on_each_shell};

on_each_shell!(
    a_run_with_the_lock_keeps_it_and_the_next_is_not_sent_it,
    what_has_another_digest_is_not_run,
    where_another_login_could_write_nothing_is_kept,
    a_host_that_cannot_keep_it_is_sent_it,
    a_full_disk_keeps_nothing_and_harms_nothing,
    three_are_kept_whoever_writes,
);

/// Whether a run without the lock is sent the program; it works.
fn asks(ground: &Ground) -> bool {
    let mut run = Run::start_as(ground, Mode::Free, 30);
    run.script(&Script::new().holder()).good();
    asked(run)
}

/// The same of one with the lock.
fn locking_asks(ground: &Ground) -> bool {
    let mut run = Run::start(ground, 30);
    run.script(&Script::new().lock()).good();
    run.script(&Script::new().unlock()).good();
    asked(run)
}

fn asked(run: Run) -> bool {
    let asked = run.heard.lock().unwrap().replies.contains(&(0, Reply::Need));
    assert!(run.bye().success());
    asked
}

fn cache(ground: &Ground) -> PathBuf {
    ground.home().join(".cache/shipit")
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).map(|entries| entries.flatten().collect()).unwrap_or_else(|_| Vec::new());
    let mut names: Vec<String> =
        entries.into_iter().map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The file of the only program.
fn kept(dir: &Path) -> PathBuf {
    let names = names(dir);
    assert_eq!(names.len(), 1, "{names:?}");
    dir.join(&names[0])
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// A host that keeps nothing yet.
fn without(sh: Sh) -> Ground {
    let ground = Ground::new(sh);
    let _ = fs::remove_dir_all(ground.home().join(".cache"));
    ground
}

fn a_run_with_the_lock_keeps_it_and_the_next_is_not_sent_it(sh: Sh) {
    let ground = without(sh);
    assert!(asks(&ground) && asks(&ground), "without the lock nothing is kept");
    assert_eq!(names(&cache(&ground)), [""; 0]);
    assert!(locking_asks(&ground));
    let file = kept(&cache(&ground));
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(file.file_name().unwrap().to_str().unwrap(), format!("program.{}", digest(&text)));
    assert_eq!(
        [mode(&file), mode(&cache(&ground)), mode(&ground.home().join(".cache"))],
        [0o600, 0o700, 0o700]
    );
    assert!(!asks(&ground) && !locking_asks(&ground));
    assert_eq!(fs::read_to_string(kept(&cache(&ground))).unwrap(), text);
    ground.comes_to_rest("all of them");
}

fn what_has_another_digest_is_not_run(sh: Sh) {
    let ground = without(sh);
    locking_asks(&ground);
    let file = kept(&cache(&ground));
    let text = fs::read_to_string(&file).unwrap();
    let planted = format!("touch '{}'\n", ground.out().join("planted").display());
    let cut = text[..text.len() / 2].to_owned();
    for other in [planted + &text, text.replacen("exit", "true", 1), cut, String::new()] {
        fs::write(&file, other).unwrap();
        assert!(asks(&ground));
        assert!(locking_asks(&ground));
        assert!(!asks(&ground), "the next with the lock put it right");
        assert_eq!(fs::read_to_string(kept(&cache(&ground))).unwrap(), text);
    }
    // None of these is read.
    let pipe = || assert!(std::process::Command::new("mkfifo").arg(&file).status().unwrap().success());
    let endless = || symlink("/dev/zero", &file).unwrap();
    let directory = || fs::create_dir(&file).unwrap();
    for make in [&pipe as &dyn Fn(), &endless, &directory] {
        let _ = fs::remove_file(&file);
        make();
        assert!(asks(&ground) && locking_asks(&ground));
        assert_eq!(asks(&ground), file.is_dir(), "a directory is nothing that a rename replaces");
    }
    assert!(!ground.out().join("planted").exists());
}

fn where_another_login_could_write_nothing_is_kept(sh: Sh) {
    let ground = without(sh);
    locking_asks(&ground);
    let (home, cache) = (ground.home(), cache(&ground));
    for (dir, open) in
        [(&cache, 0o770), (&cache, 0o702), (&cache, 0o1777), (&home.join(".cache"), 0o777), (&home, 0o775)]
    {
        let before = mode(dir);
        set_mode(dir, open);
        assert!(asks(&ground) && locking_asks(&ground) && asks(&ground), "{} with {open:o}", dir.display());
        set_mode(dir, before);
        assert!(!asks(&ground));
    }
    // In a sticky directory nobody can replace what is there.
    set_mode(&home, 0o1777);
    assert!(!asks(&ground));
    set_mode(&home, 0o755);
    let open = ground.base().join("open");
    fs::create_dir(&open).unwrap();
    set_mode(&open, 0o777);
    fs::rename(home.join(".cache"), open.join("cache")).unwrap();
    symlink(open.join("cache"), home.join(".cache")).unwrap();
    assert!(asks(&ground), "what a link leads to is looked at");
    set_mode(&open, 0o755);
    assert!(!asks(&ground));
    // Only root can give a directory away.
    if chown(open.join("cache/shipit"), Some(1), None).is_ok() {
        assert!(asks(&ground) && locking_asks(&ground) && asks(&ground));
    }
    ground.comes_to_rest("all of them");
}

fn a_host_that_cannot_keep_it_is_sent_it(sh: Sh) {
    let mut ground = without(sh);
    let view = ground.root().to_path_buf();
    let broken = ground.base().join("broken");
    fs::create_dir(&broken).unwrap();
    fs::write(broken.join("sha256sum"), "#!/bin/sh\nexit 127\n").unwrap();
    set_mode(&broken.join("sha256sum"), 0o755);
    let path = std::env::var("PATH").unwrap();
    let ways = [
        // No sha256sum; a home where nothing can be made; a cache that is not absolute; a write that ends in the middle.
        vec!["env".to_owned(), format!("PATH={}:{path}", broken.display())],
        vec!["env".to_owned(), "XDG_CACHE_HOME=/proc/none".to_owned()],
        vec!["env".to_owned(), "-u".to_owned(), "XDG_CACHE_HOME".to_owned(), "HOME=/dev/null".to_owned()],
        ["sh", "-c", "ulimit -f 64; exec \"$@\"", "sh"].map(str::to_owned).to_vec(),
    ];
    for way in ways {
        ground.behind(way.clone(), view.clone());
        assert!(locking_asks(&ground) && locking_asks(&ground) && asks(&ground), "{way:?}");
    }
    ground.behind(vec!["env".into(), "XDG_CACHE_HOME=cache".into()], view.clone());
    assert!(locking_asks(&ground));
    assert!(!asks(&ground), "as if it were not set");
    ground
        .behind(vec!["env".into(), format!("XDG_CACHE_HOME={}", ground.base().join("mine").display())], view);
    assert!(locking_asks(&ground) && !asks(&ground));
    kept(&ground.base().join("mine/shipit"));
    ground.comes_to_rest("all of them");
}

fn a_full_disk_keeps_nothing_and_harms_nothing(sh: Sh) {
    let mut disk = Disk::new(sh);
    let view = disk.ground.view.clone();
    let mut way = disk.ground.way_in();
    way.pop();
    let cache = disk.ground.root().with_file_name("cache");
    way.extend(["env".to_owned(), format!("XDG_CACHE_HOME={}", cache.display())]);
    disk.ground.behind(way, view.clone());
    assert!(locking_asks(&disk.ground) && !asks(&disk.ground));
    let seen = view.with_file_name("cache").join("shipit");
    fs::remove_file(kept(&seen)).unwrap();
    let mut run = Run::start(&disk.ground, 30);
    // Full to the last byte before the program is kept, which comes after the answer.
    let filled = run.tell_text(
        "lock\ncat /dev/zero >\"$root/../fill\" 2>/dev/null\nprintf x >>\"$root/../fill\"\ntrue\n",
    );
    run.wait(filled).good();
    assert!(asked_with(run, &Script::new().unlock()));
    assert_eq!(names(&seen), [""; 0], "no piece of it");
    fs::remove_file(view.with_file_name("fill")).unwrap();
    assert!(locking_asks(&disk.ground) && !asks(&disk.ground));
}

fn asked_with(mut run: Run, last: &Script) -> bool {
    run.script(last).good();
    asked(run)
}

fn three_are_kept_whoever_writes(sh: Sh) {
    let ground = without(sh);
    locking_asks(&ground);
    let (cache, file) = (cache(&ground), kept(&cache(&ground)));
    for (age, name) in
        [(1, "program.aa"), (2, "program.bb"), (3, "program.cc"), (4, "program.new.dead.7"), (5, "notes")]
    {
        fs::write(cache.join(name), name).unwrap();
        let time = std::time::SystemTime::now() - std::time::Duration::from_secs(age * 1000);
        fs::File::open(cache.join(name)).unwrap().set_modified(time).unwrap();
    }
    fs::remove_file(&file).unwrap();
    let mut run = Run::start(&ground, 30);
    run.script(&Script::new().lock()).good();
    let text = "for n in 1 2 3 4 5 6; do (run=$run.$n; write_program) & done; wait\n";
    let number = run.tell_text(text);
    run.wait(number).good();
    assert!(asked_with(run, &Script::new().unlock()));
    let ours = file.file_name().unwrap().to_str().unwrap().to_owned();
    let left = names(&cache);
    assert!(left.contains(&ours) && left.contains(&"notes".to_owned()), "{left:?}");
    assert!(left.len() <= 4 && !left.iter().any(|name| name.contains("new")), "{left:?}");
    assert!(!asks(&ground));
}
