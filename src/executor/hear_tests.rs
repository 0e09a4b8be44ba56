//! What is known of a host, as it says it.

use bytes::Bytes;

use super::*;

#[derive(Default)]
struct Heard(String);

impl Observer for Heard {
    fn event(&mut self, event: &Event<'_>) {
        if let Event::ErrorOutput { bytes, .. } = event {
            self.0 += &String::from_utf8_lossy(bytes);
        }
    }
    fn tick(&mut self) {}
}

#[test]
fn a_host_without_proc_is_not_one_that_is_not_linux() {
    let said = |kernel: &'static str| {
        let (mut host, mut heard) = (HostState::new("web1", 0), Heard::default());
        let mut hear = |said| host.hear(said, Phase::Connect, &mut heard);
        hear(HostMessage::Reply(0, Reply::Raw(Bytes::from_static(kernel.as_bytes()))));
        hear(HostMessage::Gone(Exit::Code(NOT_LINUX)));
        host.failure.unwrap().message
    };
    assert_eq!(said("FreeBSD\n"), "hosts that are not Linux are not yet supported: this is FreeBSD");
    assert!(said("Linux\n").starts_with("/proc is not mounted"));
}

#[test]
fn a_command_is_over_when_both_its_streams_are() {
    let (mut host, mut heard) = (HostState::new("web1", 0), Heard::default());
    (host.running, host.shell) = (Some(1), Shell::Started);
    let error =
        |text: &'static str| HostMessage::StderrFrame(StderrFrame::Raw(Bytes::from_static(text.as_bytes())));
    let mut hear = |said| host.hear(said, Phase::Exec, &mut heard);
    assert!(!hear(error("one\n")));
    assert!(!hear(HostMessage::Reply(1, Reply::Code(0))));
    assert!(!hear(HostMessage::Reply(1, Reply::Done(0))), "its standard error may still be under way");
    assert!(!hear(error("two\n")));
    assert!(hear(HostMessage::StderrFrame(StderrFrame::Eof)));
    assert_eq!((host.running, heard.0.as_str()), (None, "one\ntwo\n"));
}
