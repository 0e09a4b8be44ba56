//! `keep-assets`: pages that are open while a deploy goes live find the files that they name.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use crate::common::{Host, Kind, World};

/// A build as of a front end: each release has files that no other has, and some that all have.
const BUILD: &str = r#"n=$(cat page)
mkdir -p out/static/deep out/cache
echo "of $n" >"out/static/$n.js"
echo "of $n" >"out/static/deep/odd $n
name.js"
echo "of $n" >"out/static/-o"
echo "of $n" >"out/static/.hidden"
echo "of $n" >"out/cache/$n"
ln -s /etc/hostname "out/static/link-$n"
case $n in two) echo file >out/static/turned ;; *) mkdir out/static/turned && echo "$n" >out/static/turned/"$n" ;; esac"#;

fn names(host: &Host, directory: &str) -> Vec<String> {
    let entries = fs::read_dir(host.path(directory)).unwrap();
    let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn files_of_the_releases_that_stay_are_taken_along() {
    let build = format!("build = '''\n{BUILD}'''\n");
    let world = World::deployed(
        Kind::Sshd,
        1,
        &format!("keep-releases = 3\nkeep-assets = [\"out/static/\"]\n{build}"),
    );
    let host = world.host("web1");
    let odd = |page: &str| format!("odd {page}\nname.js");
    world.deploy("two");
    let at = "app/current/out/static";
    assert_eq!(names(host, at), ["-o", ".hidden", "deep", "link-two", "one.js", "turned", "two.js"]);
    assert_eq!(names(host, &format!("{at}/deep")), [odd("one"), odd("two")]);
    assert_eq!(host.read(&format!("{at}/-o")).as_deref(), Some("of two\n"), "its own stays");
    assert_eq!(host.read(&format!("{at}/turned")).as_deref(), Some("file\n"));
    assert_eq!(names(host, "app/current/out/cache"), ["two"], "nothing beside it");

    let (one, two) = (host.releases()[0].clone(), host.current().unwrap());
    world.deploy("three");
    assert!(names(host, at).contains(&"one.js".to_owned()), "{:?}", names(host, at));
    let inode = |path: &str| fs::metadata(host.path(path)).unwrap().ino();
    assert_eq!(inode(&format!("{at}/two.js")), inode(&format!("app/{two}/out/static/two.js")), "a hard link");
    assert_eq!(names(host, &format!("{at}/turned")), ["one", "three"]);
    // A release passes on its own files only: those of the first go with it.
    world.deploy("four");
    assert_eq!(
        names(host, at),
        ["-o", ".hidden", "deep", "four.js", "link-four", "three.js", "turned", "two.js"]
    );
    assert_eq!(names(host, &format!("{at}/deep")), [odd("four"), odd("three"), odd("two")]);
    assert!(!host.releases().contains(&one));
    assert!(
        !host.path(&format!("app/.shipit/releases/{one}/assets")).exists(),
        "nor does its record keep them"
    );
    host.is_at_rest();
}

#[test]
fn what_the_build_does_not_leave_is_said() {
    // What was a directory is a link now: nothing may be made through it.
    let sub = "case $(cat page) in one) mkdir -p real/sub/deep && touch real/sub/deep/f ;; *) ln -s ../../../shared real/sub ;; esac";
    let build = format!("build = 'mkdir -p real && ln -s /tmp led && touch real/$(cat page) && {sub}'");
    let lines = format!("keep-assets = [\"reel\", \"led/static\", \"real\"]\n{build}\n");
    let world = World::deployed(Kind::Sshd, 1, &lines);
    world.publish("two");
    let said = world.shipit(&["production"]).ends_with(0).stderr;
    for path in ["reel", "led/static"] {
        let told = format!("`keep-assets` names {path}, and the build left no such directory in the release");
        assert_eq!(said.matches(&told).count(), 1, "{said}");
    }
    let host = world.host("web1");
    assert_eq!(names(host, "app/current/real"), ["one", "sub", "two"]);
    assert!(host.path("app/current/real/sub/").is_dir() && names(host, "app/shared").is_empty());
    // The release to return to has what it had; one that is built again has its own.
    world.shipit(&["production", "revert"]).ends_with(0);
    assert_eq!(names(host, "app/current/real"), ["one", "sub"]);
    let [_, two] = &host.releases()[..] else { panic!("{:?}", host.releases()) };
    fs::remove_dir_all(host.path(&format!("app/releases/{two}"))).unwrap();
    world.deploy("three");
    assert_eq!(names(host, "app/current/real"), ["one", "sub", "three"]);
}

#[test]
fn where_links_cannot_be_made_files_are_copied_and_a_full_disk_fails_the_step() {
    let build = "build = 'mkdir real && touch real/$(cat page)'\n";
    let world = World::deployed(Kind::Sshd, 1, &format!("keep-assets = \"real\"\n{build}"));
    let host = world.host("web1");
    let ln = "#!/bin/sh\ncase $1 in ./*) echo 'ln: Invalid cross-device link' >&2; exit 1 ;; esac\nexec /bin/ln \"$@\"\n";
    host.tool("ln", ln);
    world.deploy("two");
    assert_eq!(names(host, "app/current/real"), ["one", "two"]);
    assert_eq!(fs::metadata(host.path("app/current/real/one")).unwrap().nlink(), 1);
    host.tool("cp", "#!/bin/sh\necho 'cp: error writing: No space left on device' >&2\nexit 1\n");
    world.publish("three");
    let run = world.shipit(&["production"]).ends_with(1);
    assert!(run.stderr.contains("taking older assets along failed"), "{}", run.stderr);
    assert!(run.stderr.contains("No space left on device"), "{}", run.stderr);
    world.serve("two");
    host.is_at_rest();
}
