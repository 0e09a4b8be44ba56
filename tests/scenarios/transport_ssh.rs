//! Programs over SSH on a real OpenSSH server: how they end, what travels, what the library's traps would break.

use std::time::{Duration, Instant};

use crate::common_ssh::{Client, Result, Sshd, finish, friends, host, refused, run};
use bytes::Bytes;
use shipit::transport::{ConnectError, Exit, Output, Step};

on_each_client!(
    a_program_ends_with_its_code_and_both_its_outputs,
    binary_input_comes_back_byte_for_byte,
    a_server_that_renews_its_keys_under_load_disturbs_nothing,
    a_program_that_stops_reading_does_not_hang_its_writer,
    output_that_nobody_reads_stops_no_other_program,
    more_programs_than_the_server_allows_wait_for_their_turn,
    a_given_up_start_keeps_no_place_on_the_server,
    a_server_killed_under_a_program_leaves_it_lost,
    a_host_that_stops_answering_is_lost,
    a_dropped_connection_ends_on_the_server,
    many_connections_at_once_are_one_login_each,
    a_listener_that_never_speaks_is_given_up_and_left,
    a_server_silent_after_its_banner_is_given_up_and_left,
    a_server_that_hangs_up_first_is_tried_again_and_then_said,
    places_without_a_server,
    what_does_not_speak_ssh_is_named_so,
);

fn noise(length: usize) -> Bytes {
    let mut state = 1_u32;
    let byte = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..length).map(byte).collect()
}

async fn a_program_ends_with_its_code_and_both_its_outputs(client: Client) {
    let (server, operator) = friends();
    let connection = operator.by(client).connect(&server.host()).await.unwrap();
    let result = run(&*connection, "echo out; echo err >&2; exit 7").await;
    assert_eq!(result, Result { stdout: b"out\n".into(), stderr: b"err\n".into(), exit: Exit::Code(7) });
    assert_eq!(run(&*connection, "true").await.exit, Exit::Code(0));
    for signal in ["TERM", "USR2"] {
        // The system's `ssh` does not tell which.
        let name = if client == Client::OpenSsh { "" } else { signal };
        let exit = run(&*connection, &format!("kill -{signal} $$")).await.exit;
        assert_eq!(exit, Exit::Signal(name.to_owned()));
    }
    assert_eq!(run(&*connection, "exit 255").await.exit, Exit::Code(255));
    assert_eq!(server.count("Accepted publickey"), 1, "one login for all of it");
}

async fn binary_input_comes_back_byte_for_byte(client: Client) {
    let (server, operator) = friends();
    let connection = operator.by(client).connect(&server.host()).await.unwrap();
    let sent = noise(5 << 20);
    let result = finish(connection.exec("cat").await.unwrap(), sent.clone()).await;
    assert_eq!(result.exit, Exit::Code(0));
    assert!(result.stdout == sent, "{} of {} bytes", result.stdout.len(), sent.len());
}

async fn a_server_that_renews_its_keys_under_load_disturbs_nothing(client: Client) {
    let (server, operator) = (Sshd::start("RekeyLimit 1M"), crate::common_ssh::Operator::new());
    operator.befriend(&server);
    let connection = operator.by(client).connect(&server.host()).await.unwrap();
    let sent = noise(20 << 20);
    let (there_and_back, down, small) = futures_util::join!(
        async { finish(connection.exec("cat").await.unwrap(), sent.clone()).await },
        async { finish(connection.exec("head -c 40000000 /dev/zero").await.unwrap(), Bytes::new()).await },
        async {
            let mut exits = Vec::new();
            for number in 0..20 {
                exits.push(run(&*connection, &format!("exit {number}")).await.exit);
            }
            exits
        },
    );
    assert_eq!((there_and_back.exit, down.exit), (Exit::Code(0), Exit::Code(0)));
    assert!(there_and_back.stdout == sent, "{} of {} bytes", there_and_back.stdout.len(), sent.len());
    assert_eq!(down.stdout.len(), 40_000_000);
    assert_eq!(small, (0..20).map(Exit::Code).collect::<Vec<_>>());
}

async fn a_program_that_stops_reading_does_not_hang_its_writer(client: Client) {
    let (server, operator) = friends();
    let connection = operator.by(client).connect(&server.host()).await.unwrap();
    let channel = connection.exec("head -c 10 >/dev/null; exit 3").await.unwrap();
    assert_eq!(finish(channel, Bytes::from(vec![0; 20 << 20])).await.exit, Exit::Code(3));
}

async fn output_that_nobody_reads_stops_no_other_program(client: Client) {
    let (server, operator) = friends();
    let connection = operator.by(client).connect(&server.host()).await.unwrap();
    let unread = connection.exec("head -c 8000000 /dev/zero").await.unwrap();
    let dropped = connection.exec("head -c 50000000 /dev/zero").await.unwrap();
    drop(dropped);
    let other = tokio::time::timeout(Duration::from_secs(20), run(&*connection, "echo other")).await;
    assert_eq!(other.expect("stopped").stdout, b"other\n");
    let late = finish(unread, Bytes::new()).await;
    assert_eq!((late.stdout.len(), late.exit), (8_000_000, Exit::Code(0)));
}

async fn more_programs_than_the_server_allows_wait_for_their_turn(client: Client) {
    for limit in [10, 3, 1] {
        let (server, operator) =
            (Sshd::start(&format!("MaxSessions {limit}")), crate::common_ssh::Operator::new());
        operator.befriend(&server);
        let connection = operator.by(client).connect(&server.host()).await.unwrap();
        let all = (0..11).map(|number| {
            let connection = &connection;
            async move { run(&**connection, &format!("sleep 0.1; exit {number}")).await.exit }
        });
        let exits = futures_util::future::join_all(all).await;
        assert_eq!(exits, (0..11).map(Exit::Code).collect::<Vec<_>>(), "MaxSessions {limit}");
    }
}

async fn a_given_up_start_keeps_no_place_on_the_server(client: Client) {
    let (server, operator) = (Sshd::start("MaxSessions 2"), crate::common_ssh::Operator::new());
    operator.befriend(&server);
    let connection = operator.by(client).connect(&server.host()).await.unwrap();
    for _ in 0..10 {
        let _ = tokio::time::timeout(Duration::from_micros(50), connection.exec("true")).await;
    }
    assert_eq!(run(&*connection, "exit 4").await.exit, Exit::Code(4));
}

async fn a_server_killed_under_a_program_leaves_it_lost(client: Client) {
    let (server, operator) = friends();
    let connection = operator.by(client).connect(&server.host()).await.unwrap();
    let mut channel = connection.exec("echo started; sleep 60").await.unwrap();
    assert_eq!(channel.output.recv().await, Some(Output::Stdout(Bytes::from_static(b"started\n"))));
    for session in server.sessions() {
        crate::common_ssh::output("kill", &["-KILL", &session]);
    }
    let end = tokio::time::timeout(Duration::from_secs(10), channel.output.recv()).await.unwrap();
    assert!(matches!(end, Some(Output::End(Exit::Lost(_)))), "{end:?}");
    assert!(connection.exec("true").await.is_err());
}

async fn a_host_that_stops_answering_is_lost(client: Client) {
    let (server, operator) = friends();
    let ssh = operator.by_with(client, Duration::from_secs(10), Duration::from_millis(200));
    let connection = ssh.connect(&server.host()).await.unwrap();
    let mut channel = connection.exec("echo started; sleep 60").await.unwrap();
    assert!(channel.output.recv().await.is_some());
    for session in server.sessions() {
        crate::common_ssh::output("kill", &["-STOP", &session]);
    }
    let end = tokio::time::timeout(Duration::from_secs(10), channel.output.recv()).await.unwrap();
    let Some(Output::End(Exit::Lost(why))) = end else { panic!("{end:?}") };
    let words = ["the host stopped answering", "Timeout, server 127.0.0.1 not responding."];
    assert!(words.contains(&why.as_str()), "{why}");
}

async fn a_dropped_connection_ends_on_the_server(client: Client) {
    let (server, operator) = friends();
    let ssh = operator.by(client);
    for _ in 0..3 {
        let connection = ssh.connect(&server.host()).await.unwrap();
        let _running = connection.exec("sleep 60").await.unwrap();
        drop(connection);
    }
    let until = Instant::now() + Duration::from_secs(10);
    while !server.sessions().is_empty() {
        assert!(Instant::now() < until, "connections stay: {:?}", server.sessions());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn many_connections_at_once_are_one_login_each(client: Client) {
    // The default, which refuses every other connection beyond ten that are not logged in.
    let (server, operator) = (Sshd::start("MaxStartups 10:30:100"), crate::common_ssh::Operator::new());
    operator.befriend(&server);
    let (ssh, target) = (operator.by(client), server.host());
    let all = (0..30).map(|_| async { run(&*ssh.connect(&target).await.unwrap(), "exit 5").await.exit });
    let exits = futures_util::future::join_all(all).await;
    assert!(exits.iter().all(|exit| *exit == Exit::Code(5)));
    assert_eq!(server.count("Accepted publickey"), 30);
}

async fn a_listener_that_never_speaks_is_given_up_and_left(client: Client) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let operator = crate::common_ssh::Operator::new();
    let ssh = operator.by_with(client, Duration::from_millis(300), Duration::from_secs(15));
    let target = host("127.0.0.1", listener.local_addr().unwrap().port());
    let error = refused(&*ssh, &target).await;
    assert!(matches!(error, ConnectError::Timeout { step: Step::KeyExchange, .. }), "{error}");
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut said = Vec::new();
    let read = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut said);
    tokio::time::timeout(Duration::from_secs(2), read).await.expect("the socket stays open").unwrap();
    assert!(said.starts_with(b"SSH-2.0-"));
}

async fn a_server_silent_after_its_banner_is_given_up_and_left(client: Client) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let operator = crate::common_ssh::Operator::new();
    let ssh = operator.by_with(client, Duration::from_millis(300), Duration::from_secs(15));
    let target = host("127.0.0.1", listener.local_addr().unwrap().port());
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, b"SSH-2.0-slow\r\n").await.unwrap();
        let mut said = Vec::new();
        let read = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut said);
        tokio::time::timeout(Duration::from_secs(3), read).await.expect("the socket stays open").unwrap();
    };
    let (error, ()) = tokio::join!(refused(&*ssh, &target), serve);
    assert!(matches!(error, ConnectError::Timeout { step: Step::KeyExchange, .. }), "{error}");
}

async fn a_server_that_hangs_up_first_is_tried_again_and_then_said(client: Client) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let operator = crate::common_ssh::Operator::new();
    let ssh = operator.by(client);
    let target = host("127.0.0.1", listener.local_addr().unwrap().port());
    let mut tries = 0;
    let serve = async {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            // What sshd says when MaxStartups is reached.
            tokio::io::AsyncWriteExt::write_all(&mut stream, b"Exceeded MaxStartups\r\n").await.unwrap();
            tries += 1;
        }
    };
    let error = tokio::select! { error = refused(&*ssh, &target) => error, () = serve => unreachable!() };
    assert!(matches!(error, ConnectError::ClosedEarly { .. }), "{error}");
    assert!(error.to_string().ends_with("it said: Exceeded MaxStartups"), "{error}");
    assert_eq!(tries, 4);
}

async fn places_without_a_server(client: Client) {
    let operator = crate::common_ssh::Operator::new();
    let ssh = operator.by(client);
    let closed = refused(&*ssh, &host("127.0.0.1", crate::common_ssh::free_port())).await;
    assert!(closed.to_string().contains("connection refused"), "{closed}");
    let nowhere = refused(&*ssh, &host("no-such-host.invalid", 22)).await;
    assert!(matches!(nowhere, ConnectError::Resolve { .. }), "{nowhere}");
}

async fn what_does_not_speak_ssh_is_named_so(client: Client) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let operator = crate::common_ssh::Operator::new();
    let ssh = operator.by(client);
    let target = host("127.0.0.1", listener.local_addr().unwrap().port());
    // An early close is tried again.
    let serve = async {
        while let Ok((mut stream, _)) = listener.accept().await {
            let page = [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], &[b'x'; 1000]].concat();
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, &page).await;
        }
    };
    let error = tokio::select! {
        error = refused(&*ssh, &target) => error,
        () = serve => panic!("nothing listens any more"),
    };
    let said = error.to_string();
    // The system's `ssh` has words of its own.
    let named = said.ends_with("what answers there does not speak SSH 2") || client == Client::OpenSsh;
    assert!(named && said.contains("127.0.0.1"), "{error}");
}
