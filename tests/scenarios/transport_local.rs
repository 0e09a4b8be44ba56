//! The operator's own machine as a host: what a program meets there is what it would meet behind sshd.

use std::ffi::OsString;

use crate::common_ssh::{Result, finish, host, output, run};
use bytes::Bytes;
use shipit::transport::local::Local;
use shipit::transport::{Connection, Exit, Transport};

#[allow(clippy::unwrap_used, reason = "a helper of tests")]
async fn here(home: &tempfile::TempDir) -> Box<dyn Connection> {
    let variables = [("HOME", "/operator"), ("PATH", "/usr/bin:/bin"), ("LC_ALL", "C"), ("SECRET", "x")];
    let variables = variables.map(|(name, value)| (OsString::from(name), OsString::from(value)));
    Local::new(home.path().to_path_buf(), variables).connect(&host("localhost", 22)).await.unwrap()
}

#[tokio::test]
async fn programs_end_as_they_do_over_ssh() {
    let home = tempfile::tempdir().unwrap();
    let connection = here(&home).await;
    let result = run(&*connection, "echo out; echo err >&2; exit 7").await;
    assert_eq!(result, Result { stdout: b"out\n".into(), stderr: b"err\n".into(), exit: Exit::Code(7) });
    assert_eq!(run(&*connection, "kill -TERM $$").await.exit, Exit::Signal("TERM".to_owned()));
    assert_eq!(run(&*connection, "kill -USR2 $$").await.exit, Exit::Signal("USR2".to_owned()));
}

#[tokio::test]
async fn input_comes_back_and_a_program_that_stops_reading_does_not_hang_its_writer() {
    let home = tempfile::tempdir().unwrap();
    let connection = here(&home).await;
    let sent = Bytes::from(vec![7; 5 << 20]);
    let result = finish(connection.exec("cat").await.unwrap(), sent.clone()).await;
    assert!(result.stdout == sent);
    let channel = connection.exec("head -c 10 >/dev/null; exit 3").await.unwrap();
    assert_eq!(finish(channel, sent).await.exit, Exit::Code(3));
}

#[tokio::test]
async fn a_small_clean_environment_in_the_home_directory() {
    let home = tempfile::tempdir().unwrap();
    let connection = here(&home).await;
    let found = run(&*connection, "pwd -P; env").await;
    let text = String::from_utf8(found.stdout).unwrap();
    assert!(text.starts_with(&*home.path().canonicalize().unwrap().to_string_lossy()), "{text}");
    assert!(text.contains("LC_ALL=C") && !text.contains("SECRET"), "{text}");
}

#[tokio::test]
async fn a_process_group_of_its_own_without_ignored_signals() {
    let home = tempfile::tempdir().unwrap();
    let connection = here(&home).await;
    let found = run(&*connection, "ps -o pgid= -p $$; echo $$; grep SigIgn /proc/$$/status").await;
    let text = String::from_utf8(found.stdout).unwrap();
    let words: Vec<&str> = text.split_whitespace().collect();
    assert_eq!(words[0], words[1], "leads its group");
    assert_ne!(words[0], output("ps", &["-o", "pgid=", "-p", &std::process::id().to_string()]));
    // The two above 31 belong to the C library.
    let ignored = u64::from_str_radix(words[3], 16).unwrap() & 0x7fff_ffff;
    assert_eq!(ignored, 0, "no signal ignored");
}
