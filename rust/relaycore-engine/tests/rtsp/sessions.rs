//! Sessions and connections are two things: who may use which.

use crate::support::{Client, Feed, Server, datagram};
use relaycore_proto::limits::Limits;

#[test]
fn an_interleaved_session_belongs_to_its_connection() {
    let server = Server::narrow(Limits::default());
    let mut feed = Feed::started(&server.engine, "cam");
    let _private = Feed::started(&server.engine, "private");
    let url = server.url("cam");
    let mut owner = Client::connect(server.address);
    owner.setup_tcp(&url, 1);
    let mut other = Client::connect(server.address);
    other.session = owner.session.clone();
    for method in ["PLAY", "TEARDOWN", "GET_PARAMETER"] {
        assert_eq!(other.status(method, &url, &[]), 454, "{method}");
    }
    assert_eq!(other.setup(&url, 1, "RTP/AVP/TCP").status.0, 454);
    assert_eq!(owner.status("PLAY", &url, &[]), 200);
    owner.frame_on(0);
    assert_eq!(owner.status("TEARDOWN", &url, &[]), 200);
    owner.kept(0);
    // The place that the session had in the shard is taken by one of somebody else.
    let _reader = Client::playing(&server, "private", 1);
    feed.key(100);
    for client in [&mut owner, &mut other] {
        assert_eq!(client.status("OPTIONS", "*", &[]), 200);
        assert!(client.kept(0).is_empty());
    }
}

#[test]
fn a_session_of_datagrams_can_move_to_another_connection() {
    let server = Server::narrow(Limits::default());
    let mut feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    let mut first = Client::connect(server.address);
    let (_, [rtp, _rtcp]) = first.setup_udp(&url, 0);
    let mut second = Client::connect(server.address);
    second.session = first.session.clone();
    assert_eq!(second.status("PLAY", &url, &[]), 200);
    datagram(&rtp);
    first.send(b"GET / HTTP/1.0\r\n\r\n");
    first.wait_closed();
    feed.key(100);
    datagram(&rtp);
    assert_eq!(second.status("TEARDOWN", &url, &[]), 200);
    assert_eq!(server.ended().1, "the client ended it");
}

#[test]
fn a_play_that_waits_is_refused_when_its_session_moves() {
    let server = Server::narrow(Limits::default());
    let mut feed = Feed::new(&server.engine, "cam");
    let url = server.url("cam");
    let mut first = Client::connect(server.address);
    let (_, [rtp, _rtcp]) = first.setup_udp(&url, 0);
    let both = first.text("PLAY", &url, &[]) + &first.text("OPTIONS", "*", &[]);
    first.send(both.as_bytes());
    feed.wait_key_frame_wanted();
    let mut second = Client::connect(server.address);
    second.session = first.session.clone();
    assert_eq!(second.status("PAUSE", &url, &[]), 200);
    assert_eq!(first.response().status.0, 454);
    assert_eq!(first.response().status.0, 200);
    feed.key(100);
    assert_eq!(second.status("PLAY", &url, &[]), 200);
    datagram(&rtp);
}

#[test]
fn sessions_that_move_count_for_the_limit_of_a_connection() {
    let server = Server::narrow(Limits {
        sessions_per_connection: 2,
        ..Limits::default()
    });
    let _feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    let mut collector = Client::connect(server.address);
    for expected in [200, 200, 453] {
        let mut client = Client::connect(server.address);
        client.setup_udp(&url, 0);
        collector.session = client.session.clone();
        assert_eq!(collector.status("PLAY", &url, &[]), expected);
    }
}

#[test]
fn a_session_header_with_its_timeout_is_understood() {
    let server = Server::open();
    let _feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    let mut client = Client::connect(server.address);
    client.setup_tcp(&url, 1);
    let id = client.session.clone().unwrap().replace(";timeout=60", "");
    for session in [format!("{id};timeout=55"), format!("{id} ; timeout=60"), id] {
        client.session = Some(session);
        let answer = client.request("GET_PARAMETER", &url, &[]);
        let header = answer.headers.get("Session").unwrap();
        assert!(answer.status.0 == 200 && header.ends_with(";timeout=60"));
    }
}

#[test]
fn a_session_is_of_one_path() {
    let server = Server::open();
    let _feed = Feed::started(&server.engine, "cam");
    let _other = Feed::started(&server.engine, "other");
    let mut client = Client::connect(server.address);
    client.setup_tcp(&server.url("cam"), 1);
    assert_eq!(client.status("PLAY", &server.url("other"), &[]), 400);
    assert_eq!(
        client
            .setup(&server.url("other"), 1, "RTP/AVP/TCP")
            .status
            .0,
        400
    );
    assert_eq!(client.status("PLAY", &server.url("cam"), &[]), 200);
}

#[test]
fn several_sessions_share_a_connection() {
    let server = Server::open();
    let _feed = Feed::started(&server.engine, "cam");
    let mut other = Feed::started(&server.engine, "other");
    let mut client = Client::connect(server.address);
    client.play_tcp(&server.url("cam"), 1);
    let first = client.session.take();
    let answer = client.setup(&server.url("other"), 0, "RTP/AVP/TCP;interleaved=10-11");
    assert_eq!(answer.status.0, 200);
    assert_eq!(client.status("PLAY", &server.url("other"), &[]), 200);
    client.frame_on(10);
    client.session = first;
    assert_eq!(client.status("TEARDOWN", &server.url("cam"), &[]), 200);
    other.key(100);
    client.frame_on(10);
}
