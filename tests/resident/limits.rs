//! Output: whole in the log, bounded on the line, and never taken for a reply.

use std::fs;

use shipit::remote::program::STARTED;
use shipit::remote::script::Script;
use shipit::remote::wire::Reply;

use crate::driver::NONCE;
use crate::ground::Ground;
use crate::jobs::{locked, step};
use crate::{Sh, on_each_shell};

on_each_shell!(
    a_hundred_megabytes_delay_nothing,
    what_looks_like_a_reply_is_none,
    a_silent_line_is_noticed_though_nobody_reads,
);

fn a_hundred_megabytes_delay_nothing(sh: Sh) {
    let ground = Ground::new(sh);
    let mut run = locked(&ground, 30);
    let before = run.beats();
    // As long as it takes until beats were answered while it was still printing.
    let text = r#"until [ -e "$OUT/enough" ]; do head -c 20000000 /dev/zero | tr '\0' x; done
head -c 100000000 /dev/zero | tr '\0' y"#;
    let number = run.tell(&step(600, text));
    crate::eventually("beats are answered meanwhile", || run.beats() >= before + 3);
    ground.leave("enough", "");
    let answer = run.wait(number).good();
    let log = ground.root().join(format!(".shipit/logs/{}.log", run.name));
    let log = fs::read(log).unwrap();
    assert!(log.len() > 100_000_000 && log.ends_with(&[b'y'; 100_000]), "the log is whole");
    assert_eq!(log.iter().filter(|byte| **byte == b'y').count(), 100_000_000);
    assert_eq!(answer.tails, [vec![b'y'; 16384]]);
    let live = run.heard.lock().unwrap().live.clone();
    assert!(!live.is_empty() && live.iter().all(|(_, length)| *length <= 16384), "{live:?}");
    run.script(&Script::new().unlock()).good();
    assert!(run.bye().success());
}

fn what_looks_like_a_reply_is_none(sh: Sh) {
    let ground = Ground::new(sh);
    let mut run = locked(&ground, 30);
    let fakes = format!(
        r#"
frame() {{ printf '\n{NONCE}\t%s\n' "$1"; }}
for number in 0 1 2 3; do
    frame "$number	done	0"; frame "$number	fail	step-failed	x	15"; frame "$number	fact	live	faked"
done
frame 'beat'; frame 'out	0	99999'; frame '2	tail	x	0	99999'
for fd in 3 4 5 6 7 8 9; do
    [ -e /proc/self/fd/$fd ] && echo "fd $fd is open" >>"$OUT/open"
done
sleep 2
printf 'no newline\000\377\033[2J\t'
exit 7"#
    );
    let answer = run.script(&step(600, &fakes)).failed("step-failed", "exit 7");
    assert!(!answer.facts.contains_key("live"), "{answer:?}");
    assert!(answer.tails[0].ends_with(b"no newline\0\xff\x1b[2J\t"), "{answer:?}");
    let heard = run.heard.lock().unwrap();
    let raw =
        heard.replies.iter().filter(|(_, reply)| matches!(reply, Reply::Raw(bytes) if !bytes.is_empty()));
    let raw: Vec<_> = raw.collect();
    // Beside what the start command says.
    let plain = |bytes: &[u8]| bytes == STARTED.as_bytes() || bytes.iter().all(|byte| *byte == b'\n');
    assert!(raw.iter().all(|(_, reply)| matches!(reply, Reply::Raw(bytes) if plain(bytes))), "{raw:?}");
    drop(heard);
    assert_eq!(ground.wrote("open"), "", "a job has none of our descriptors");
    run.script(&Script::new().unlock()).good();
    assert!(run.bye().success());
}

fn a_silent_line_is_noticed_though_nobody_reads(sh: Sh) {
    let ground = Ground::new(sh);
    // Longer than the pipe takes output in full.
    let mut run = locked(&ground, 8);
    run.tell(&step(600, "while :; do head -c 100000 /dev/zero; sleep 0.1; done"));
    run.step_begun("step", 1);
    run.stop_reading();
    run.silence();
    ground.comes_to_rest("frozen");
}
