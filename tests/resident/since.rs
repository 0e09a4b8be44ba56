//! `logs --since` under each shell: where a time begins in a log, whatever form times have in it.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, SystemTime};

use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, ToSpan};
use shipit::remote::script::Script;
use shipit::remote::since::Since;
use shipit::remote::wire::{Mode, Reply};

use crate::driver::Run;
use crate::ground::Ground;
use crate::{Sh, on_each_shell};

on_each_shell!(times_of_many_forms, a_log_of_many_pieces, a_log_that_its_logger_moves_away);

/// A line of that time, in the form of a logger.
type Form = fn(Timestamp, &str) -> String;

fn local(at: Timestamp, form: &str) -> String {
    at.to_zoned(TimeZone::system()).strftime(form).to_string()
}

fn utc(at: Timestamp, form: &str) -> String {
    at.strftime(form).to_string()
}

fn tai(at: Timestamp, text: &str) -> String {
    format!("@{:016x}00000000 {text}", (1_u64 << 62) + u64::try_from(at.as_second()).unwrap() + 10)
}

fn east(at: Timestamp, text: &str) -> String {
    let zone = TimeZone::fixed(Offset::from_seconds(19_800).unwrap());
    format!("{} {text}", at.to_zoned(zone).strftime("%Y-%m-%dT%H:%M:%S%:z"))
}

const FORMS: [(&str, Form); 12] = [
    ("pm2", |at, text| format!("{}: {text}", local(at, "%Y-%m-%dT%H:%M:%S"))),
    ("node", |at, text| format!("{} {text}", utc(at, "%Y-%m-%dT%H:%M:%S.123Z"))),
    ("python", |at, text| format!("{} INFO {text}", local(at, "%Y-%m-%d %H:%M:%S,123"))),
    ("level first", |at, text| format!("[ERROR] {} {text}", local(at, "%Y-%m-%d %H:%M:%S"))),
    ("nginx", |at, text| format!("{} [error] {text}", local(at, "%Y/%m/%d %H:%M:%S"))),
    ("access", |at, text| {
        format!("192.0.2.1 - - [{}] \"GET / HTTP/1.1\" {text}", utc(at, "%d/%b/%Y:%H:%M:%S +0000"))
    }),
    ("pino", |at, text| format!("{{\"level\":30,\"time\":{},\"msg\":\"{text}\"}}", at.as_millisecond())),
    ("winston", |at, text| {
        let time = utc(at, "%Y-%m-%dT%H:%M:%S.000Z");
        format!("{{\"message\":\"{text} of 2001-01-01 00:00:00\",\"timestamp\":\"{time}\"}}")
    }),
    ("svlogd -tt", |at, text| format!("{} {text}", utc(at, "%Y-%m-%d_%H:%M:%S.00000"))),
    ("svlogd -ttt", |at, text| format!("{} {text}", utc(at, "%Y-%m-%dT%H:%M:%S.00000"))),
    ("s6-log t", tai),
    ("east", east),
];

struct Told {
    pieces: Vec<String>,
    facts: Vec<(String, String)>,
}

fn ask(run: &mut Run, script: &Script) -> Told {
    run.script(script).good();
    let replies = std::mem::take(&mut run.heard.lock().unwrap().replies);
    let mut told = Told { pieces: Vec::new(), facts: Vec::new() };
    for (_, reply) in replies {
        match reply {
            Reply::Piece(_, _, bytes) => told.pieces.push(String::from_utf8_lossy(&bytes).into_owned()),
            Reply::Fact(name, value) => told.facts.push((name, value)),
            _ => {}
        }
    }
    told
}

fn since(minutes: u64, lines: Option<u32>, patterns: &[&str]) -> Script {
    let patterns: Vec<String> = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
    Script::new().since(Since::Ago(Duration::from_secs(60 * minutes))).tails(lines, &patterns)
}

fn times_of_many_forms(sh: Sh) {
    let ground = Ground::deployed(sh);
    let log = ground.root().join("log");
    fs::create_dir(&log).unwrap();
    let now = Timestamp::now();
    for (name, form) in FORMS {
        let mut text = String::from("before all times\n");
        for (minutes, line) in [(90, "first"), (20, "second"), (5, "third"), (1, "fourth")] {
            text += &form(now - i64::from(minutes).minutes(), line);
            text += "\n    at a line of its own\n";
        }
        fs::write(log.join(name), text).unwrap();
    }
    let at = |minutes: u64| SystemTime::now() - Duration::from_secs(60 * minutes);
    for (name, minutes) in [("plain", 0), ("old and plain", 30)] {
        let mut file = File::create(log.join(name)).unwrap();
        file.write_all(b"no time\n").unwrap();
        file.set_modified(at(minutes)).unwrap();
    }
    let mut run = Run::start_as(&ground, Mode::Free, 30);
    let told = ask(&mut run, &since(10, None, &["log/*"]));
    assert_eq!(told.pieces.len(), FORMS.len(), "{:?}", told.pieces);
    for piece in &told.pieces {
        assert!(piece.contains("third") && piece.contains("fourth"), "{piece}");
        assert!(!piece.contains("second"), "{piece}");
        assert!(piece.ends_with("\n    at a line of its own\n") && piece.lines().count() == 4, "{piece}");
    }
    let untimed: Vec<&str> =
        told.facts.iter().filter(|(name, _)| name == "untimed").map(|(_, value)| value.as_str()).collect();
    assert_eq!(untimed, [ground.root().join("log/plain").to_str().unwrap()]);
    // What comes later is shown, also where no times are.
    fs::OpenOptions::new().append(true).open(log.join("plain")).unwrap().write_all(b"more\n").unwrap();
    let told = ask(&mut run, &Script::new().tails(None, &["log/*".to_owned()]));
    assert_eq!(told.pieces, ["more\n"]);
    assert!(run.bye().success());
    let mut run = Run::start_as(&ground, Mode::Free, 30);
    let told = ask(&mut run, &since(10, Some(1), &["log/node", "log/pm2"]));
    assert_eq!(told.pieces, ["    at a line of its own\n"; 2]);
    assert!(run.bye().success());
}

fn a_log_of_many_pieces(sh: Sh) {
    let ground = Ground::deployed(sh);
    let log = ground.root().join("log");
    fs::create_dir(&log).unwrap();
    // Two hours, a line each 400 ms: what is asked for is a third of it.
    let start = Timestamp::now() - 2.hours();
    let line = |n: i64| format!("{} line {n} {}\n", start + (400 * n).milliseconds(), "x".repeat(50));
    let text: String = (0..18_000).map(line).collect();
    fs::write(log.join("a"), &text).unwrap();
    fs::write(log.join("b"), &text).unwrap();
    let mut run = Run::start_as(&ground, Mode::Free, 30);
    let mut pieces = ask(&mut run, &since(40, None, &["log/a", "log/b"])).pieces;
    loop {
        let more = ask(&mut run, &Script::new().tails(None, &["log/a".into(), "log/b".into()])).pieces;
        if more.is_empty() {
            break;
        }
        pieces.extend(more);
    }
    assert!(run.bye().success());
    // One file after the other.
    let all = pieces.concat();
    let half = &all[..all.len() / 2];
    assert_eq!(half, &all[all.len() / 2..]);
    let first: i64 = half.split(' ').nth(2).unwrap().parse().unwrap();
    // The question came a moment later, and asks in whole seconds: up to two lines more.
    assert!((11_997..13_000).contains(&first), "{first}");
    assert_eq!(half, (first..18_000).map(line).collect::<String>());
}

/// A directory that svlogd or s6-log writes to.
struct Logger {
    dir: PathBuf,
    moved: u32,
}

impl Logger {
    fn write(&self, text: &str) {
        let mut file = OpenOptions::new().append(true).create(true).open(self.dir.join("current")).unwrap();
        for line in text.split(' ') {
            file.write_all(format!("{}\n", tai(Timestamp::now(), line)).as_bytes()).unwrap();
        }
    }

    /// Gives `current` another name; with a program, which packs it, the file itself is gone then.
    fn rotate(&mut self, packer: Option<&str>) {
        self.moved += 1;
        let stamp = self.dir.join(format!("@400000006a000000{:08x}.s", self.moved));
        fs::rename(self.dir.join("current"), &stamp).unwrap();
        File::create(self.dir.join("current")).unwrap();
        if let Some(packer) = packer {
            let packed = self.dir.join("packed");
            let out = File::create(&packed).unwrap();
            let packing =
                Command::new(packer).arg("-c").stdin(File::open(&stamp).unwrap()).stdout(out).status();
            assert!(packing.unwrap().success());
            fs::remove_file(&stamp).unwrap();
            fs::rename(packed, stamp).unwrap();
        }
    }
}

/// What lines say, without their times.
fn words(told: &Told) -> String {
    let text = told.pieces.concat();
    text.lines().map(|line| line.split_once(' ').unwrap().1).collect::<Vec<_>>().join(" ")
}

fn a_log_that_its_logger_moves_away(sh: Sh) {
    let ground = Ground::deployed(sh);
    let mut log = Logger { dir: ground.root().join("log"), moved: 0 };
    fs::create_dir(&log.dir).unwrap();
    fs::write(log.dir.join("lock"), "").unwrap();
    // Names that are no stamps are not its own.
    fs::write(log.dir.join("@4000000000000000000000zz.s"), "@4000000000000000 no\n").unwrap();
    log.write("a1 a2 a3");
    log.rotate(Some("gzip"));
    log.write("b1 b2");
    log.rotate(None);
    let mut run = Run::start_as(&ground, Mode::Free, 30);
    let lines = |count| Script::new().tails(Some(count), &["log/current".to_owned()]);
    assert_eq!(words(&ask(&mut run, &lines(3))), "a3 b1 b2", "of an empty log");
    log.write("c1");
    assert_eq!(words(&ask(&mut run, &lines(3))), "c1");
    log.write("c2");
    log.rotate(Some("gzip"));
    log.write("d1");
    log.rotate(None);
    log.write("e1");
    assert_eq!(words(&ask(&mut run, &lines(3))), "c2 d1 e1", "twice since it was asked");
    // While its processor works, s6-log calls it so.
    log.write("e2");
    fs::rename(log.dir.join("current"), log.dir.join("previous")).unwrap();
    log.write("f1");
    assert_eq!(words(&ask(&mut run, &lines(3))), "e2 f1");
    fs::rename(log.dir.join("previous"), log.dir.join("@400000006a00000100000000.s")).unwrap();
    log.write("f2");
    assert_eq!(words(&ask(&mut run, &lines(3))), "f2", "nothing is shown twice");
    let many: Vec<String> = (0..9000).map(|number| number.to_string()).collect();
    log.write(&many.join(" "));
    fs::rename(log.dir.join("current"), log.dir.join("@400000006a00000200000000.u")).unwrap();
    log.write("g1");
    let mut all = Vec::new();
    while all.last().is_none_or(|piece: &String| !piece.is_empty()) {
        all.push(ask(&mut run, &lines(3)).pieces.concat());
    }
    let all = words(&Told { pieces: all, facts: Vec::new() });
    assert_eq!(all, format!("{} g1", many.join(" ")), "what takes more than one piece");
    assert!(run.bye().success());
}
