//! Encrypted connections on the port of the others.

use crate::slow_reader::assert_loses_whole_pictures;
use crate::support::tls::{certificate, pem, secured};
use crate::support::{Client, Feed, Server, small_limits};
use relaycore_engine::decision::Answer;
use relaycore_engine::tls::{Certificate, CertificateError};
use relaycore_engine::{Event, HttpConnection};
use relaycore_proto::limits::Limits;
use relaycore_proto::rtp::RtpPacket;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::ops::ControlFlow;

fn secure_client(server: &Server) -> Client {
    Client::of(secured(server.address))
}

fn open(limits: Limits) -> Server {
    let server = Server::with(limits);
    server.engine.set_certificate(Some(certificate()));
    server
}

#[test]
fn a_reader_gets_the_same_packets_with_encryption_and_without() {
    let server = open(Limits::default());
    let mut feed = Feed::started(&server.engine, "cam");
    let mut plain = Client::playing(&server, "cam", 1);
    let mut secure = secure_client(&server);
    secure.play_tcp(&server.url("cam"), 1);
    let sessions = server.engine.sessions();
    let mut kinds: Vec<_> = sessions.iter().map(|session| session.is_secure).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, [false, true]);
    // Pictures of many packets and records, and of less than one.
    for size in [100, 16_384, 50_000, 300_000] {
        feed.key(size);
        feed.picture(size);
    }
    let mut pictures = 0;
    let mut begun = None;
    while pictures < 6 {
        let packet = secure.frame_on(0);
        let sequence = RtpPacket::parse(&packet).unwrap().header.sequence;
        // They did not join at the same moment.
        let mut other = plain.frame_on(0);
        while RtpPacket::parse(&other).unwrap().header.sequence != sequence {
            assert!(begun.is_none(), "a packet is missing");
            other = plain.frame_on(0);
        }
        begun = Some(sequence);
        assert_eq!(packet, other);
        pictures += u32::from(RtpPacket::parse(&packet).unwrap().header.marker);
    }
    assert_eq!(secure.status("TEARDOWN", &server.url("cam"), &[]), 200);
}

#[test]
fn a_publisher_may_be_encrypted() {
    let server = open(Limits::default());
    let mut client = secure_client(&server);
    let url = server.url("pushed");
    let description = crate::support::publisher::DESCRIPTION;
    let length = description.len().to_string();
    let headers = [
        ("Content-Type", "application/sdp"),
        ("Content-Length", length.as_str()),
    ];
    let text = client.text("ANNOUNCE", &url, &headers) + description;
    client.send(text.as_bytes());
    assert_eq!(client.response().status.0, 200);
    let setup = |client: &mut Client, transport: &str| {
        let url = format!("{url}/streamid=0");
        client.status("SETUP", &url, &[("Transport", transport)])
    };
    let datagrams = "RTP/AVP;unicast;client_port=5000-5001;mode=record";
    assert_eq!(setup(&mut client, datagrams), 461);
    let interleaved = "RTP/AVP/TCP;unicast;interleaved=0-1;mode=record";
    assert_eq!(setup(&mut client, interleaved), 200);
    assert_eq!(client.status("RECORD", &url, &[]), 200);
}

#[test]
fn media_does_not_leave_the_encryption() {
    let server = open(Limits::default());
    let _feed = Feed::started(&server.engine, "cam");
    let mut client = secure_client(&server);
    let url = server.url("cam");
    let datagrams = "RTP/AVP;unicast;client_port=5000-5001";
    assert_eq!(client.setup(&url, 0, datagrams).status.0, 461);
    let both = format!("{datagrams},RTP/AVP/TCP;unicast;interleaved=0-1");
    let response = client.setup(&url, 0, &both);
    let transport = response.headers.get("Transport").unwrap();
    assert!(transport.starts_with("RTP/AVP/TCP"), "{transport}");
}

#[test]
fn questions_say_whether_the_client_is_encrypted() {
    let server = Server::deciding(Limits::default(), |request| {
        Some(match request.is_secure {
            true => Answer::Allow {
                user: None,
                ticket: 0,
            },
            false => Answer::Refuse {
                status: 403,
                reason: "Use rtsps".to_owned(),
            },
        })
    });
    server.engine.set_certificate(Some(certificate()));
    let _feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    let mut plain = Client::connect(server.address);
    assert_eq!(plain.status("DESCRIBE", &url, &[]), 403);
    let mut secure = secure_client(&server);
    assert_eq!(secure.status("DESCRIBE", &url, &[]), 200);
    // A client may well keep to the scheme of its URL.
    let url = url.replace("rtsp://", "rtsps://");
    assert_eq!(secure.status("DESCRIBE", &url, &[]), 200);
}

#[test]
fn a_slow_reader_that_is_encrypted_loses_whole_pictures() {
    let server = open(small_limits());
    let mut feed = Feed::started(&server.engine, "cam");
    let mut client = secure_client(&server);
    client.play_tcp(&server.url("cam"), 1);
    assert_loses_whole_pictures(&server, &mut feed, &mut client);
}

#[test]
fn without_a_certificate_nothing_is_encrypted_and_with_another_new_ones_are() {
    let server = Server::open();
    let mut client = Client::connect(server.address);
    // A handshake record is no RTSP.
    client.send(&[0x16, 3, 1, 0, 5, 1, 0, 0, 1, 3, b'\r', b'\n']);
    assert!(!client.wait_closed().is_empty());
    server.engine.set_certificate(Some(certificate()));
    let mut first = secure_client(&server);
    assert_eq!(first.status("OPTIONS", "*", &[]), 200);
    server.engine.set_certificate(Some(certificate()));
    let mut second = secure_client(&server);
    assert_eq!(second.status("OPTIONS", "*", &[]), 200);
    assert_eq!(first.status("OPTIONS", "*", &[]), 200);
    server.engine.set_certificate(None);
    assert_eq!(first.status("OPTIONS", "*", &[]), 200);
}

#[test]
fn what_is_no_handshake_ends_with_an_alert() {
    let server = open(Limits::default());
    for garbage in [
        &[0x16, 3, 1, 0, 5, 1, 0, 0, 1, 3][..],
        &[0x16, 0xff, 0xff, 0xff, 0xff, 0xff],
        b"\x16GET / HTTP/1.1\r\n\r\n",
    ] {
        let mut client = Client::connect(server.address);
        client.send(garbage);
        let answer = client.wait_closed();
        assert!(answer.is_empty() || answer[0] == 0x15, "{answer:?}");
    }
    assert_eq!(secure_client(&server).status("OPTIONS", "*", &[]), 200);
}

#[test]
fn a_handshake_has_to_end_in_time() {
    let server = open(Limits {
        request_time_ms: 100,
        ..Limits::default()
    });
    let mut client = Client::connect(server.address);
    client.send(&[0x16, 3, 1, 2, 0]);
    client.wait_closed();
    let mut silent = secure_client(&server);
    assert_eq!(silent.status("OPTIONS", "*", &[]), 200);
}

/// The next connection that the engine gives away.
fn given(server: &Server) -> HttpConnection {
    let connection = server.wait(|event| match event {
        Event::Http(connection) => ControlFlow::Break(connection),
        other => ControlFlow::Continue(other),
    });
    connection.socket.set_nonblocking(false).unwrap();
    connection
}

#[test]
fn http_within_the_encryption_is_carried_both_ways() {
    let server = open(Limits::default());
    server.engine.accept_http(true);
    let body = vec![b'x'; 1_000_000];
    let head = format!("POST / HTTP/1.1\r\nContent-Length: {}\r\n\r\n", body.len());
    let mut client = secure_client(&server);
    let mut sender = client.socket.try_clone().unwrap();
    let sent = body.clone();
    let sending = std::thread::spawn(move || {
        sender.write_all(head.as_bytes()).unwrap();
        sender.write_all(&sent).unwrap();
        sender.shutdown(Shutdown::Write).unwrap();
    });
    let mut connection = given(&server);
    assert!(connection.is_secure);
    assert_eq!(connection.peer.ip(), server.address.ip());
    let mut received = connection.data.clone();
    connection.socket.read_to_end(&mut received).unwrap();
    assert!(received.ends_with(&body) && received.starts_with(b"POST / "));
    sending.join().unwrap();
    connection.socket.write_all(&body).unwrap();
    drop(connection);
    assert_eq!(client.wait_closed(), body);
}

#[test]
fn a_carried_connection_ends_with_its_client() {
    let server = Server::with(Limits {
        connections: 1,
        ..Limits::default()
    });
    server.engine.set_certificate(Some(certificate()));
    server.engine.accept_http(true);
    for _ in 0..3 {
        let mut client = secure_client(&server);
        client.send(b"GET / HTTP/1.1\r\n\r\n");
        let mut connection = given(&server);
        client.socket.shutdown(Shutdown::Both).unwrap();
        assert_eq!(connection.socket.read(&mut [0]).unwrap(), 0);
    }
}

#[test]
fn certificates_that_cannot_be_used_say_why() {
    let (chain, key) = pem();
    let (_, other) = pem();
    let refused = |chain: &str, key: &str| {
        Certificate::from_pem(chain.as_bytes(), key.as_bytes()).unwrap_err()
    };
    assert!(matches!(refused("", &key), CertificateError::Chain(_)));
    assert!(matches!(refused(&key, &key), CertificateError::Chain(_)));
    assert!(matches!(refused(&chain, ""), CertificateError::Key(_)));
    assert!(matches!(refused(&chain, &other), CertificateError::Pair(_)));
}
