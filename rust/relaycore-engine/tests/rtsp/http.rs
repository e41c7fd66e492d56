//! HTTP on the port of RTSP goes to whoever takes it, with every byte that was read.

use crate::support::{Client, Server};
use relaycore_engine::{Event, HttpConnection};
use relaycore_proto::limits::Limits;
use std::io::{Read, Write};
use std::ops::ControlFlow;

/// The next connection that the engine gives away.
fn given(server: &Server) -> HttpConnection {
    server.wait(|event| match event {
        Event::Http(connection) => ControlFlow::Break(connection),
        other => ControlFlow::Continue(other),
    })
}

/// Reads until `end` has come.
fn read_until(connection: &mut HttpConnection, end: &[u8]) -> Vec<u8> {
    connection.socket.set_nonblocking(false).unwrap();
    let mut data = connection.data.clone();
    let mut buffer = [0; 4096];
    while !data.ends_with(end) {
        let length = connection.socket.read(&mut buffer).unwrap();
        assert!(length > 0, "closed after {}", data.escape_ascii());
        data.extend_from_slice(&buffer[..length]);
    }
    data
}

#[test]
fn a_request_of_http_is_given_away_with_its_connection() {
    let server = Server::open();
    server.engine.accept_http(true);
    let request = b"POST /api HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody";
    let mut client = Client::connect(server.address);
    client.send(request);
    let mut connection = given(&server);
    assert_eq!(read_until(&mut connection, b"body"), request);
    assert_eq!(connection.peer, client.socket.local_addr().unwrap());
    assert_eq!(connection.local, server.address);
    connection.socket.write_all(b"answer").unwrap();
    drop(connection);
    assert_eq!(client.wait_closed(), b"answer");
    assert_eq!(
        Client::connect(server.address).status("OPTIONS", "*", &[]),
        200
    );
}

#[test]
fn no_byte_is_lost_however_the_request_is_cut() {
    let server = Server::open();
    server.engine.accept_http(true);
    let request = b"\r\nGET /x HTTP/1.1\r\nUpgrade: websocket\r\n\r\n\x81\x05hello";
    for cut in 1..request.len() {
        let mut client = Client::connect(server.address);
        client.socket.set_nodelay(true).unwrap();
        client.send(&request[..cut]);
        client.send(&request[cut..]);
        assert_eq!(read_until(&mut given(&server), b"hello"), request);
    }
}

#[test]
fn what_is_too_long_for_rtsp_is_left_to_the_web_as_well() {
    let server = Server::open();
    server.engine.accept_http(true);
    let request = format!(
        "GET /x HTTP/1.1\r\nCookie: {}\r\n\r\n",
        "c".repeat(2 * Limits::default().rtsp_line_bytes)
    );
    let mut client = Client::connect(server.address);
    client.send(request.as_bytes());
    let mut connection = given(&server);
    assert_eq!(read_until(&mut connection, b"\r\n\r\n"), request.as_bytes());
}

#[test]
fn http_behind_rtsp_and_rtsp_itself_stay_here() {
    let server = Server::open();
    server.engine.accept_http(true);
    let mut client = Client::connect(server.address);
    assert_eq!(client.status("OPTIONS", "*", &[]), 200);
    client.send(b"GET / HTTP/1.1\r\n\r\n");
    let answer = String::from_utf8(client.wait_closed()).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
}

#[test]
fn connections_that_were_given_away_leave_room_for_others() {
    let server = Server::with(Limits {
        connections: 2,
        ..Limits::default()
    });
    server.engine.accept_http(true);
    let mut kept = Vec::new();
    for _ in 0..6 {
        let mut client = Client::connect(server.address);
        client.send(b"GET / HTTP/1.1\r\n\r\n");
        kept.push((client, given(&server)));
    }
}

#[test]
fn where_events_wait_too_long_http_is_refused() {
    use relaycore_engine::Engine;
    let limits = Limits {
        event_queue: 64,
        ..Limits::default()
    };
    let engine = Engine::new(1, limits, "test".to_owned()).unwrap();
    engine.accept_http(true);
    let address = engine.listen(([127, 0, 0, 1], 0).into()).unwrap();
    let mut clients: Vec<_> = (0..65).map(|_| Client::connect(address)).collect();
    for client in &mut clients {
        client.send(b"GET / HTTP/1.1\r\n\r\n");
    }
    // One of them finds the queue full: whichever the shard served last.
    let is_answered = |client: &&mut Client| {
        client.socket.set_nonblocking(true).unwrap();
        client.socket.peek(&mut [0]).is_ok()
    };
    let refused = loop {
        if let Some(client) = clients.iter_mut().find(is_answered) {
            break client;
        }
        std::thread::yield_now();
    };
    refused.socket.set_nonblocking(false).unwrap();
    let answer = String::from_utf8(refused.wait_closed()).unwrap();
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
}
