//! Setup where the path is not there yet, and where steps on the operator's machine lie between.

use std::os::unix::fs::symlink;
use std::path::Path;

use shipit::remote::script::{Place, Script};
use shipit::remote::wire::Message;

use crate::driver::Run;
use crate::ground::Ground;
use crate::{Sh, eventually, on_each_shell};

on_each_shell!(
    setup_in_two_scripts,
    pre_setup_makes_the_path_possible,
    pre_setup_makes_the_path_possible_in_two_scripts,
    a_pre_setup_without_a_path_is_ended_like_any_job,
);

fn setup_in_two_scripts(sh: Sh) {
    let ground = Ground::bare(sh);
    for _ in 0..2 {
        let mut run = Run::start(&ground, 30);
        run.script(&Script::new().setup_lock().setup_hooks()).good();
        run.script(&Script::new().setup_hooks().setup_close().setup_hooks().setup(60)).good();
        assert_eq!(ground.run_dirs(), [format!("run.{}", run.name)]);
        run.script(&Script::new().unlock()).good();
        assert!(run.bye().success());
        ground.comes_to_rest("setup");
    }
    ground.deploy();
}

// The path leads through a link to nowhere: not even root can make it.
fn blocked(sh: Sh) -> Ground {
    let ground = Ground::at(sh, |base| base.join("blocked/app"));
    symlink(ground.out().join("later"), ground.root().parent().unwrap()).unwrap();
    ground
}

const PREPARE: &str = r#"mkdir "$OUT/later""#;

fn pre_setup_makes_the_path_possible(sh: Sh) {
    let ground = blocked(sh);
    let mut run = Run::start(&ground, 30);
    let script = Script::new()
        .setup_lock()
        .setup_hooks()
        .store("pre-setup", 60, PREPARE)
        .stored("pre-setup", Place::Home);
    run.script(&script.setup_close().setup_hooks().setup(60).unlock()).good();
    assert!(run.bye().success());
    leaves_no_other_place(&ground);
    ground.deploy();
}

fn pre_setup_makes_the_path_possible_in_two_scripts(sh: Sh) {
    let ground = blocked(sh);
    let mut run = Run::start(&ground, 30);
    let script = Script::new().setup_lock().setup_hooks().store("pre-setup", 60, PREPARE);
    run.script(&script).good();
    let script = Script::new().setup_hooks().stored_part("pre-setup", 0, Place::Home);
    run.script(&script.setup_close().setup_hooks().setup(60).unlock()).good();
    assert!(run.bye().success());
    leaves_no_other_place(&ground);
    ground.deploy();
}

fn a_pre_setup_without_a_path_is_ended_like_any_job(sh: Sh) {
    let ground = blocked(sh);
    let open = |limit| {
        let script =
            Script::new().setup_lock().setup_hooks().store("pre-setup", limit, "sleep 1002 & sleep 1002");
        script.stored("pre-setup", Place::Home)
    };
    let mut run = Run::start(&ground, 30);
    run.script(&open(1)).failed("timed-out", "1 s");
    run.close();
    leaves_no_other_place(&ground);

    let mut run = Run::start(&ground, 30);
    let number = run.tell(&open(600));
    run.step_begun("pre-setup", 1);
    eventually("it runs", || ground.processes().iter().any(|p| p.command.contains("sleep 1002")));
    run.message(&Message::Stop);
    run.wait(number).failed("stopped", "");
    assert!(run.bye().code().is_some());
    leaves_no_other_place(&ground);

    let mut run = Run::start(&ground, 30);
    run.tell(&open(600));
    run.step_begun("pre-setup", 1);
    eventually("it runs", || ground.processes().iter().any(|p| p.command.contains("sleep 1002")));
    run.cut();
    leaves_no_other_place(&ground);
}

fn leaves_no_other_place(ground: &Ground) {
    ground.comes_to_rest("setup");
    let places = [Path::new("/dev/shm").to_path_buf(), ground.home()];
    let given = ground.given();
    let names = |place: &Path| {
        let entries = std::fs::read_dir(place).unwrap().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect::<Vec<_>>()
    };
    let is_ours = |entry: &String| given.iter().any(|name| entry.starts_with(&format!("shipit-{name}")));
    eventually("the other place is gone", || !places.iter().any(|p| names(p).iter().any(is_ours)));
}
