//! Pulls from servers that are odd, broken or gone.

use crate::pull::{change, hasty_limits, pull, stream_change, wait_for};
use crate::support::publisher::{DESCRIPTION, Publisher};
use crate::support::{Client, Feed, OddServer, Reply, Server, rtcp_kinds};
use relaycore_engine::paths::{PathOptions, StreamChange};
use relaycore_engine::pull::{PullChange, TransportChoice};
use relaycore_proto::limits::Limits;
use relaycore_proto::rtcp;
use relaycore_proto::rtp::{PayloadType, RtpHeader, SequenceNumber, Ssrc};
use relaycore_proto::rtsp::message::Request;
use relaycore_proto::rtsp::method::Method;
use std::net::{Ipv4Addr, TcpListener};

/// Limits at which a pull loses patience at once.
fn impatient_limits() -> Limits {
    Limits {
        pull_answer_ms: 200,
        pull_silence_ms: 200,
        pull_first_packet_ms: 100,
        ..hasty_limits()
    }
}

/// An interleaved packet with a whole picture that holds `text`.
fn picture(sequence: u16, text: &[u8]) -> Vec<u8> {
    let header = RtpHeader {
        marker: true,
        payload_type: PayloadType(96),
        sequence: SequenceNumber(sequence),
        timestamp: 9000 * u32::from(sequence),
        ssrc: Ssrc(77),
    };
    let packet = [&header.to_bytes()[..], &[0x65, 0x88], text].concat();
    [&[b'$', 0, 0, packet.len() as u8], &packet[..]].concat()
}

/// What a server answers that has nothing odd; PLAY is followed by `packets`.
fn usual(request: &Request, packets: &[u8]) -> Reply {
    let length = DESCRIPTION.len();
    match request.method {
        Method::Describe => Reply::Answer(format!(
            "200 OK\r\nContent-Length: {length}\r\n\r\n{DESCRIPTION}"
        )),
        Method::Setup => {
            let transport = request.headers.get("Transport").unwrap();
            Reply::Answer(format!(
                "200 OK\r\nSession: 9\r\nTransport: {transport}\r\n\r\n"
            ))
        }
        Method::Play => Reply::Then("200 OK".into(), packets.to_vec()),
        _ => Reply::Answer("200 OK".into()),
    }
}

fn failed(relay: &Server) -> String {
    match change(relay) {
        PullChange::Failed(reason) => reason,
        other => panic!("it did not fail: {other:?}"),
    }
}

#[test]
fn a_server_that_asks_for_a_password_gets_an_answer_and_nothing_before() {
    let challenge =
        "401 No\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\n\r\n";
    let server = OddServer::open(
        move |_, request| match request.headers.get("Authorization") {
            None => Reply::Answer(challenge.into()),
            Some(_) => usual(request, &picture(1, b"first")),
        },
    );
    let relay = Server::open();
    pull(
        &relay,
        &server.url("anna:sec%3Aret", "a"),
        TransportChoice::Auto,
    );
    assert_eq!(change(&relay), PullChange::Connected);
    assert_eq!(server.request().headers.get("Authorization"), None);
    let play = server.wait(&Method::Play);
    let answer = play.headers.get("Authorization").unwrap();
    assert!(
        answer.starts_with("Digest username=\"anna\", realm=\"r\", nonce=\"n\""),
        "{answer}"
    );
    assert!(
        answer.contains("nc=00000005") && !answer.contains("sec:ret"),
        "{answer}"
    );
}

#[test]
fn a_wrong_password_is_told_once_and_tried_again() {
    let challenge = "401 No\r\nWWW-Authenticate: Basic realm=\"r\"\r\n\r\n";
    let server = OddServer::open(move |connection, request| match connection {
        0..4 => Reply::Answer(challenge.into()),
        _ => usual(request, &picture(1, b"first")),
    });
    let relay = Server::with(hasty_limits());
    pull(
        &relay,
        &server.url("anna:wrong", "a"),
        TransportChoice::Auto,
    );
    let reason = failed(&relay);
    assert!(
        reason.contains("refused the user name and password"),
        "{reason}"
    );
    assert!(
        !reason.contains("wrong:") && !reason.contains("anna"),
        "{reason}"
    );
    assert_eq!(
        change(&relay),
        PullChange::Connected,
        "the same reason is not told again"
    );
}

#[test]
fn a_server_that_dies_is_found_again_and_readers_go_on() {
    // The second connection is lost behind a request that comes when the first readers are there.
    let server = OddServer::open(|connection, request| {
        let is_over = connection == 0 && request.method == Method::GetParameter;
        match is_over {
            true => Reply::HangUp,
            false if request.method == Method::Options => {
                Reply::Answer("200 OK\r\nPublic: GET_PARAMETER\r\n\r\n".into())
            }
            false if request.method == Method::Setup => {
                let transport = request.headers.get("Transport").unwrap();
                let session = "Session: 9;timeout=1";
                Reply::Answer(format!(
                    "200 OK\r\n{session}\r\nTransport: {transport}\r\n\r\n"
                ))
            }
            false => {
                let text = format!("connection {connection}");
                usual(request, &picture(1, text.as_bytes()))
            }
        }
    });
    let relay = Server::with(hasty_limits());
    pull(&relay, &server.url("x", "a"), TransportChoice::Auto);
    assert_eq!(stream_change(&relay), StreamChange::Added);
    let mut reader = Client::playing(&relay, "cam", 1);
    wait_for(&mut reader, b"connection 0");
    assert_eq!(stream_change(&relay), StreamChange::Vacant);
    wait_for(&mut reader, b"connection 1");
}

#[test]
fn reports_go_to_the_server_from_the_start() {
    let server = OddServer::open(|_, request| usual(request, &picture(1, b"first")));
    let relay = Server::open();
    pull(&relay, &server.url("x", "a"), TransportChoice::Tcp);
    for channel in [1, 3] {
        let (found, packet) = server.packet();
        assert_eq!((found, rtcp_kinds(&packet)), (channel, vec!["RR", "SDES"]));
    }
}

#[test]
fn a_redirection_leads_to_another_server() {
    let origin = Server::open();
    let mut feed = Feed::started(&origin.engine, "there");
    let location = origin.url("there");
    let server = OddServer::open(move |_, _| {
        Reply::Answer(format!("302 Elsewhere\r\nLocation: {location}\r\n\r\n"))
    });
    let relay = Server::open();
    pull(&relay, &server.url("x", "a"), TransportChoice::Auto);
    assert_eq!(change(&relay), PullChange::Connected);
    let mut reader = Client::playing(&relay, "cam", 2);
    feed.key(100);
    wait_for(&mut reader, b"picture 2;");
}

#[test]
fn a_goodbye_ends_an_attempt() {
    let mut goodbye = Vec::new();
    rtcp::write_bye(&mut goodbye, &[Ssrc(77)], None);
    let mut packets = picture(1, b"only");
    packets.extend([b'$', 1, 0, goodbye.len() as u8]);
    packets.extend(goodbye);
    let server = OddServer::open(move |_, request| usual(request, &packets));
    let relay = Server::with(hasty_limits());
    pull(&relay, &server.url("x", "a"), TransportChoice::Tcp);
    assert_eq!(change(&relay), PullChange::Connected);
    assert_eq!(failed(&relay), "the server ended the session");
    server.wait(&Method::Teardown);
}

#[test]
fn silence_and_garbage_end_an_attempt() {
    type Answer = fn(&Request) -> Reply;
    let table: [(&str, Answer); 5] = [
        ("did not answer in time", |_| Reply::Silence),
        ("the connection to the server was lost", |_| Reply::HangUp),
        ("not RTSP", |_| {
            Reply::Bytes(b"\0\0 what is this?\r\n\r\n".to_vec())
        }),
        ("404 Not Found", |_| Reply::Answer("404 Not Found".into())),
        ("no packet came for too long", |request| usual(request, b"")),
    ];
    for (expected, answer) in table {
        let server = OddServer::open(move |_, request| answer(request));
        let relay = Server::with(impatient_limits());
        pull(&relay, &server.url("x", "a"), TransportChoice::Tcp);
        let mut seen = Vec::new();
        while !seen
            .last()
            .is_some_and(|reason: &String| reason.contains(expected))
        {
            match change(&relay) {
                PullChange::Failed(reason) => seen.push(reason),
                PullChange::Connected => assert!(expected.contains("no packet")),
                PullChange::Ended => panic!("nobody took it back"),
            }
        }
        assert_eq!(seen.len(), 1, "{seen:?}");
    }
}

#[test]
fn where_no_datagram_comes_through_the_connection_carries_the_packets() {
    let server = OddServer::open(|_, request| usual(request, &picture(1, b"over the connection")));
    let relay = Server::with(Limits {
        pull_first_packet_ms: 100,
        ..Limits::default()
    });
    pull(&relay, &server.url("x", "a"), TransportChoice::Udp);
    assert_eq!(change(&relay), PullChange::Connected);
    let is_udp = |request: Request| {
        request
            .headers
            .get("Transport")
            .unwrap()
            .contains("client_port")
    };
    assert!(is_udp(server.wait(&Method::Setup)));
    server.wait(&Method::Teardown);
    assert!(!is_udp(server.wait(&Method::Setup)));
    let mut reader = Client::playing(&relay, "cam", 1);
    wait_for(&mut reader, b"over the connection");
}

#[test]
fn a_server_that_is_not_there_is_told_once_and_found_when_it_comes() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let relay = Server::with(hasty_limits());
    pull(
        &relay,
        &format!("rtsp://{address}/cam"),
        TransportChoice::Auto,
    );
    let reason = failed(&relay);
    assert!(
        reason.contains(&address.to_string()) && reason.contains("is the server running"),
        "{reason}"
    );
    let origin = Server::open();
    let _feed = Feed::started(&origin.engine, "cam");
    origin.engine.listen(address).unwrap();
    assert_eq!(change(&relay), PullChange::Connected);
}

#[test]
fn a_pull_never_takes_a_path_from_a_publisher_and_waits_until_it_leaves() {
    let origin = Server::open();
    let _feed = Feed::started(&origin.engine, "cam");
    for takeover in [false, true] {
        let relay = Server::with(hasty_limits());
        let options = PathOptions {
            takeover,
            ..PathOptions::default()
        };
        relay.engine.configure_path("cam", options);
        let mut publisher = Publisher::recording(&relay, "cam");
        pull(&relay, &origin.url("cam"), TransportChoice::Auto);
        let reason = failed(&relay);
        assert!(reason.contains("has a publisher already"), "{reason}");
        publisher.teardown();
        assert_eq!(change(&relay), PullChange::Connected);
    }
}

#[test]
fn a_publisher_that_takes_the_path_over_ends_the_attempt_and_not_the_pull() {
    let origin = Server::open();
    let _feed = Feed::started(&origin.engine, "cam");
    let relay = Server::with(hasty_limits());
    let options = PathOptions {
        takeover: true,
        ..PathOptions::default()
    };
    relay.engine.configure_path("cam", options);
    pull(&relay, &origin.url("cam"), TransportChoice::Auto);
    assert_eq!(change(&relay), PullChange::Connected);
    let mut publisher = Publisher::recording(&relay, "cam");
    let reason = failed(&relay);
    assert!(reason.contains("another publisher"), "{reason}");
    assert_eq!(origin.ended().1, "the client ended it");
    publisher.teardown();
    while change(&relay) != PullChange::Connected {}
}

#[test]
fn a_path_that_the_program_writes_cannot_be_fed() {
    let origin = Server::open();
    let _feed = Feed::started(&origin.engine, "cam");
    let relay = Server::with(hasty_limits());
    let _written = Feed::new(&relay.engine, "cam");
    pull(&relay, &origin.url("cam"), TransportChoice::Auto);
    let reason = failed(&relay);
    assert!(reason.contains("has a stream already"), "{reason}");
    assert!(origin.engine.sessions().is_empty());
}
