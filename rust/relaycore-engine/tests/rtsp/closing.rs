//! Connections that are closed from this side: the client gets the last words, whatever it sends meanwhile.

use crate::support::{Client, Feed, Server};
use relaycore_proto::limits::Limits;
use std::io::{Read, Write};

/// More than a shard reads before it looks at it, and less than it reads over.
const UNREAD: usize = 300_000;

#[test]
fn the_answer_to_what_is_broken_arrives_in_front_of_a_proper_end() {
    let server = Server::open();
    let mut client = Client::connect(server.address);
    let mut bytes = b"BROKEN\r\n\r\n".to_vec();
    bytes.resize(UNREAD, b'x');
    client.send(&bytes);
    let mut answer = Vec::new();
    // A reset would be an error here.
    client.socket.read_to_end(&mut answer).unwrap();
    assert!(answer.starts_with(b"RTSP/1.0 400"));
}

#[test]
fn a_refused_connection_ends_properly_and_leaves_room_at_once() {
    let server = Server::with(Limits {
        connections: 1,
        linger_ms: 60_000,
        ..Limits::default()
    });
    let mut first = Client::connect(server.address);
    assert_eq!(first.status("OPTIONS", "*", &[]), 200);
    let mut refused = Vec::new();
    for _ in 0..3 {
        let mut client = Client::connect(server.address);
        client.send(&[b'x'; UNREAD / 10]);
        let mut answer = Vec::new();
        client.socket.read_to_end(&mut answer).unwrap();
        assert!(answer.starts_with(b"RTSP/1.0 503"));
        refused.push(client);
    }
    first.send(b"BROKEN\r\n\r\n");
    assert_eq!(first.response().status.0, 400);
    first.wait_closed();
    // None of those that wait for their clients counts.
    let mut next = Client::connect(server.address);
    assert_eq!(next.status("OPTIONS", "*", &[]), 200);
}

#[test]
fn a_goodbye_arrives_although_the_client_reports_meanwhile() {
    let server = Server::open();
    let _feed = Feed::started(&server.engine, "cam");
    let mut client = Client::playing(&server, "cam", 1);
    client.frame_on(0);
    let reports = [b'$', 1, 0, 4, 0x80, 201, 0, 1].repeat(1000);
    client.send(&reports);
    assert!(server.engine.kick(&server.engine.sessions()[0].id));
    let mut rest = Vec::new();
    client.socket.read_to_end(&mut rest).unwrap();
    assert!(rest.windows(2).any(|bytes| bytes == [0x81, 203]), "BYE");
}

#[test]
fn a_client_that_never_stops_sending_is_cut_off() {
    let server = Server::with(Limits {
        linger_ms: 60_000,
        ..Limits::default()
    });
    let mut client = Client::connect(server.address);
    client.send(b"BROKEN\r\n\r\n");
    let chunk = [b'x'; 64 * 1024];
    while client.socket.write_all(&chunk).is_ok() {}
    assert_eq!(
        Client::connect(server.address).status("OPTIONS", "*", &[]),
        200
    );
}

#[test]
fn a_client_that_does_not_close_is_not_waited_for_any_longer_than_the_limit() {
    let server = Server::with(Limits {
        linger_ms: 100,
        ..Limits::default()
    });
    let mut client = Client::connect(server.address);
    client.send(b"BROKEN\r\n\r\n");
    client.wait_closed();
    // Writing fails once the server has let go of the connection.
    while client.socket.write_all(b"x").is_ok() {
        std::thread::yield_now();
    }
}
