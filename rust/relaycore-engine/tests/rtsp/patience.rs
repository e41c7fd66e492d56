//! Clients that take their time, or too much of that of others.

use crate::support::{Client, Feed, PATIENCE, Server};
use relaycore_proto::limits::Limits;
use std::io::Write;
use std::time::{Duration, Instant};

#[test]
fn a_request_that_trickles_in_is_refused_in_the_end() {
    let server = Server::with(Limits {
        request_time_ms: 200,
        ..Limits::default()
    });
    let _feed = Feed::started(&server.engine, "cam");
    let mut opener = Client::connect(server.address);
    let mut session = Client::playing(&server, "cam", 1);
    session.frame_on(0);
    for client in [&mut opener, &mut session] {
        client.send(b"OPTIONS * RTSP/1.0\r\nX: ");
        let moment = Duration::from_millis(5);
        client.socket.set_read_timeout(Some(moment)).unwrap();
        while client.socket.peek(&mut [0]).is_err() {
            // Each byte is progress, and none of them is an end.
            let _ = client.socket.write(b"x");
        }
        client.socket.set_read_timeout(Some(PATIENCE)).unwrap();
        assert_eq!(client.response().status.0, 408);
        client.wait_closed();
    }
    assert_eq!(server.ended().0.path, "cam");
}

#[test]
fn http_that_trickles_in_is_refused_as_http() {
    let server = Server::with(Limits {
        request_time_ms: 100,
        ..Limits::default()
    });
    server.engine.accept_http(true);
    let mut client = Client::connect(server.address);
    client.send(b"GET / HTTP/1.1\r\nHost: ");
    assert!(client.wait_closed().starts_with(b"HTTP/1.1 408"));
}

#[test]
fn neither_silence_between_requests_nor_a_slow_packet_is_a_slow_request() {
    let server = Server::with(Limits {
        request_time_ms: 100,
        ..Limits::default()
    });
    let mut silent = Client::connect(server.address);
    assert_eq!(silent.status("OPTIONS", "*", &[]), 200);
    let mut packet = Client::connect(server.address);
    packet.send(b"$\0\0\x03a");
    // A slow request, begun after both, is the clock of this test.
    let mut slow = Client::connect(server.address);
    slow.send(b"OPT");
    assert_eq!(slow.response().status.0, 408);
    packet.send(b"bc");
    for client in [&mut silent, &mut packet] {
        assert_eq!(client.status("OPTIONS", "*", &[]), 200);
    }
}

#[test]
fn a_flood_of_requests_waits_for_its_turn_and_is_answered() {
    let server = Server::narrow(Limits {
        requests_per_second: 10,
        ..Limits::default()
    });
    let mut client = Client::connect(server.address);
    let text: String = (0..25).map(|_| client.text("OPTIONS", "*", &[])).collect();
    let begin = Instant::now();
    client.send(text.as_bytes());
    let mut other = Client::connect(server.address);
    assert_eq!(other.status("OPTIONS", "*", &[]), 200);
    for cseq in 1..=25 {
        assert_eq!(client.response().cseq(), Some(cseq.to_string().as_str()));
    }
    assert!(
        begin.elapsed() >= Duration::from_secs(2),
        "three seconds' worth"
    );
}

#[test]
fn a_client_that_never_reads_its_answers_is_closed_when_idle() {
    let server = Server::with(Limits {
        unread_response_bytes: 4096,
        idle_connection_s: 1,
        ..Limits::default()
    });
    let _feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    let mut client = Client::connect(server.address);
    let text: String = (0..100)
        .map(|_| client.text("DESCRIBE", &url, &[]))
        .collect();
    // Writing stops when both sides' buffers are full, and fails when the server gives up.
    let failed = loop {
        if let Err(error) = client.socket.write_all(text.as_bytes()) {
            break error.kind();
        }
    };
    use std::io::ErrorKind::{BrokenPipe, ConnectionReset};
    assert!(matches!(failed, BrokenPipe | ConnectionReset), "{failed}");
}
