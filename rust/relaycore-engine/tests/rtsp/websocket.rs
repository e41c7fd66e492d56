//! RTSP in a WebSocket: the same sessions, within frames.

use crate::slow_reader::assert_loses_whole_pictures;
use crate::support::publisher::Publisher;
use crate::support::tls::{certificate, secured};
use crate::support::websocket::{WHOLE, WebSocket, handshake, masked};
use crate::support::{Client, Feed, PATIENCE, Server, rtcp_kinds, small_limits};
use relaycore_engine::Event;
use relaycore_engine::decision::Handshake;
use relaycore_engine::session::Protocol;
use relaycore_proto::limits::Limits;
use relaycore_proto::rtp::RtpPacket;
use relaycore_proto::rtsp::parser::{Element, Parser};
use std::net::TcpStream;
use std::ops::ControlFlow;
use std::sync::atomic::Ordering;

fn client(server: &Server) -> Client {
    Client::of(WebSocket::open(server.address).carried())
}

/// A request of OPTIONS with a number.
fn options(cseq: u32) -> Vec<u8> {
    format!("OPTIONS * RTSP/1.0\r\nCSeq: {cseq}\r\n\r\n").into_bytes()
}

/// What is in a message: responses by their number, packets by their channel. It has to be whole.
fn contents(message: &[u8]) -> Vec<Result<u32, u8>> {
    let mut parser = Parser::new(Limits::default());
    parser.push(message);
    let mut found = Vec::new();
    loop {
        match parser.next().unwrap() {
            Some(Element::Response(response)) => {
                found.push(Ok(response.cseq().unwrap().parse().unwrap()));
            }
            Some(Element::Interleaved { channel, .. }) => found.push(Err(channel)),
            Some(Element::Request(request)) => panic!("{request:?}"),
            None => break,
        }
    }
    assert!(parser.unread().is_empty(), "{}", message.escape_ascii());
    found
}

#[test]
fn a_session_goes_from_options_to_teardown() {
    let server = Server::open();
    // It is RTSP, whoever takes other requests of HTTP.
    server.engine.accept_http(true);
    let mut feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    let mut client = client(&server);
    assert_eq!(client.status("OPTIONS", &url, &[]), 200);
    assert!(!client.request("DESCRIBE", &url, &[]).body.is_empty());
    client.play_tcp(&url, 1);
    let session = server.engine.sessions().pop().unwrap();
    assert_eq!(session.protocol, Protocol::RtspOverWebSocket);
    feed.key(20_000);
    for _ in 0..10 {
        client.frame_on(0);
    }
    assert_eq!(client.status("TEARDOWN", &url, &[]), 200);
    assert_eq!(server.ended().1, "the client ended it");
    assert!(session.counters.packets.load(Ordering::Relaxed) >= 10);
}

#[test]
fn requests_may_be_cut_and_joined_anywhere() {
    let server = Server::open();
    let mut socket = WebSocket::open(server.address);
    // One message in fragments, with a ping between them; bytes each for itself; several in one.
    let (first, second) = (options(1), options(2));
    socket.send(0x02, &first[..9]);
    socket.send(0x89, b"there?");
    socket.send(0x00, &[]);
    socket.send(0x80, &first[9..]);
    for byte in &second {
        socket.send(WHOLE, &[*byte]);
    }
    let mut several = [options(3), options(4)].concat();
    several.extend_from_slice(&options(5)[..7]);
    socket.send(WHOLE, &several);
    socket.send(WHOLE, &options(5)[7..]);
    assert_eq!(socket.read(), Some((0x8a, b"there?".to_vec())));
    for cseq in 1..=5 {
        assert_eq!(contents(&socket.message()), [Ok(cseq)]);
    }
}

#[test]
fn no_byte_is_lost_however_the_handshake_and_frames_are_cut() {
    let server = Server::open();
    let opening = [handshake("").into_bytes(), masked(WHOLE, &options(7))].concat();
    let head = handshake("").len();
    for cut in [
        0,
        1,
        head - 1,
        head,
        head + 1,
        head + 6,
        opening.len() - 1,
        opening.len(),
    ] {
        let socket = TcpStream::connect(server.address).unwrap();
        socket.set_nodelay(true).unwrap();
        let (first, second) = opening.split_at(cut);
        std::io::Write::write_all(&mut &socket, first).unwrap();
        let mut socket = WebSocket::over(socket, second);
        assert_eq!(contents(&socket.message()), [Ok(7)]);
    }
    let mut socket = WebSocket::open(server.address);
    for byte in masked(WHOLE, &options(8)) {
        std::io::Write::write_all(&mut socket.socket, &[byte]).unwrap();
    }
    assert_eq!(contents(&socket.message()), [Ok(8)]);
}

#[test]
fn what_is_in_a_frame_is_whole_and_a_picture_is_one() {
    let server = Server::open();
    let mut feed = Feed::started(&server.engine, "cam");
    let mut socket = WebSocket::open(server.address);
    socket.play(&server.url("cam"));
    let mut found = Vec::new();
    let mut sizes = Vec::new();
    while sizes.len() < 4 {
        let message = socket.message();
        let inside = contents(&message);
        if inside.contains(&Err(0)) {
            sizes.push((message.len(), inside.len()));
            // The picture that it began with is there.
            match sizes.len() {
                1 => drop(feed.picture(5_000)),
                2 => drop(feed.key(200_000)),
                _ => {}
            }
        }
        found.extend(inside);
    }
    assert!(found.contains(&Ok(2)) && found.contains(&Err(1)));
    // All packets of a small picture come together, a large one in few frames.
    assert!(sizes[1].1 >= 4 && sizes[1].0 > 5_000, "{sizes:?}");
    assert!((64_000..=65_535).contains(&sizes[2].0), "{sizes:?}");
}

/// Reads both readers of one track until so many pictures have ended, which must be the same to the byte.
fn assert_same_packets(plain: &mut Client, carried: &mut Client, pictures: usize) {
    let mut begun = false;
    let mut ended = 0;
    while ended < pictures {
        let packet = carried.frame_on(0);
        let header = RtpPacket::parse(&packet).unwrap().header;
        // They did not join at the same moment.
        let mut other = plain.frame_on(0);
        while RtpPacket::parse(&other).unwrap().header.sequence != header.sequence {
            assert!(!begun, "a packet is missing");
            other = plain.frame_on(0);
        }
        begun = true;
        assert_eq!(packet, other);
        ended += usize::from(header.marker);
    }
}

#[test]
fn a_reader_gets_the_same_packets_in_frames_and_without_and_encrypted() {
    let server = Server::open();
    server.engine.set_certificate(Some(certificate()));
    let mut feed = Feed::started(&server.engine, "cam");
    let secure = || WebSocket::over(secured(server.address), handshake(""));
    for is_secure in [false, true] {
        let carried = match is_secure {
            false => WebSocket::open(server.address),
            true => secure(),
        };
        let mut carried = Client::of(carried.carried());
        let mut plain = Client::playing(&server, "cam", 1);
        carried.play_tcp(&server.url("cam"), 1);
        let sessions = server.engine.sessions();
        let found = sessions
            .iter()
            .find(|it| it.protocol == Protocol::RtspOverWebSocket);
        assert_eq!(found.map(|session| session.is_secure), Some(is_secure));
        for size in [100, 16_384, 50_000, 300_000] {
            feed.key(size);
            feed.picture(size);
        }
        assert_same_packets(&mut plain, &mut carried, 6);
        assert_eq!(carried.status("TEARDOWN", &server.url("cam"), &[]), 200);
    }
}

#[test]
fn a_stalled_reader_loses_whole_pictures_and_its_frames_stay_right() {
    let server = Server::with(small_limits());
    let mut feed = Feed::started(&server.engine, "cam");
    let mut client = client(&server);
    client.play_tcp(&server.url("cam"), 1);
    assert_loses_whole_pictures(&server, &mut feed, &mut client);
}

#[test]
fn a_publisher_comes_through_it_and_its_readers_learn_that_it_has_gone() {
    let server = Server::open();
    let mut publisher = Publisher::connect(&server, "pushed");
    publisher.client = client(&server);
    assert_eq!(
        publisher
            .announce(crate::support::publisher::DESCRIPTION)
            .status
            .0,
        200
    );
    assert_eq!(publisher.setup(0).status.0, 200);
    assert_eq!(publisher.setup(1).status.0, 200);
    assert_eq!(publisher.record().status.0, 200);
    publisher.key("first");
    server.wait_begun("pushed");
    let mut reader = client(&server);
    reader.play_tcp(&server.url("pushed"), 1);
    publisher.key("second");
    while !reader.frame_on(0).ends_with(b"second") {}
    publisher
        .client
        .socket
        .shutdown(std::net::Shutdown::Both)
        .unwrap();
    let (session, reason) = server.ended();
    assert_eq!(
        (session.protocol, &*reason),
        (
            Protocol::RtspOverWebSocket,
            "the client closed the connection"
        )
    );
    assert!(server.engine.remove_stream("pushed"));
    let rest = reader.rest();
    let goodbye = rest.iter().rev().find(|(channel, _)| *channel == 1);
    assert!(rtcp_kinds(&goodbye.unwrap().1).contains(&"BYE"));
}

#[test]
fn media_does_not_leave_it() {
    let server = Server::open();
    let _feed = Feed::started(&server.engine, "cam");
    let mut client = client(&server);
    let url = server.url("cam");
    let datagrams = "RTP/AVP;unicast;client_port=5000-5001";
    let refused = client.setup(&url, 0, datagrams);
    assert_eq!(refused.status.0, 461);
    assert!(refused.reason.unwrap().contains("in a WebSocket"));
    let both = format!("{datagrams},RTP/AVP/TCP;unicast;interleaved=0-1");
    let response = client.setup(&url, 0, &both);
    let transport = response.headers.get("Transport").unwrap();
    assert!(transport.starts_with("RTP/AVP/TCP"), "{transport}");
}

#[test]
fn frames_that_break_the_rules_end_the_session_and_say_why() {
    let server = Server::with(Limits {
        access_unit_bytes: 65_536,
        ..Limits::default()
    });
    let _feed = Feed::started(&server.engine, "cam");
    let unmasked = [&[WHOLE, 36][..], &options(9)].concat();
    for (frame, status) in [
        (unmasked, 1002),
        (masked(0xc2, b"x"), 1002),
        (masked(0x83, b"x"), 1002),
        (masked(0x80, b"x"), 1002),
        (masked(0x81, &options(9)), 1003),
        (masked(WHOLE, &[b'$'; 65_537])[..14].to_vec(), 1009),
    ] {
        let mut socket = WebSocket::open(server.address);
        let setup = format!(
            "SETUP {}/trackID=0 RTSP/1.0\r\nCSeq: 1\r\nTransport: RTP/AVP/TCP;interleaved=0-1\r\n\r\n",
            server.url("cam")
        );
        socket.send(WHOLE, setup.as_bytes());
        assert_eq!(contents(&socket.message()), [Ok(1)]);
        std::io::Write::write_all(&mut socket.socket, &frame).unwrap();
        assert_eq!(socket.end(), status);
        assert_eq!(
            server.ended().1,
            "the client sent what is no WebSocket frame"
        );
    }
}

#[test]
fn limits_of_rtsp_hold_within_frames() {
    let server = Server::open();
    let mut socket = WebSocket::open(server.address);
    for _ in 0..20 {
        socket.send(WHOLE, &[b'A'; 1000]);
    }
    let answer = String::from_utf8(socket.message()).unwrap();
    assert!(answer.starts_with("RTSP/1.0 4"), "{answer}");
    assert_eq!(socket.end(), 1000);
}

#[test]
fn who_says_goodbye_is_answered_and_the_session_ends() {
    let server = Server::open();
    let mut feed = Feed::started(&server.engine, "cam");
    let mut socket = WebSocket::open(server.address);
    socket.play(&server.url("cam"));
    while !contents(&socket.message()).contains(&Ok(2)) {}
    feed.key(300_000);
    socket.send(0x88, &[0x03, 0xe9]);
    assert_eq!(socket.end(), 1001);
    assert_eq!(server.ended().1, "the client closed the connection");
}

#[test]
fn who_is_ended_by_the_server_gets_a_goodbye() {
    let server = Server::with(Limits {
        idle_connection_s: 1,
        ..Limits::default()
    });
    let mut idle = WebSocket::open(server.address);
    assert_eq!(idle.end(), 1000);
    let mut open = WebSocket::open(server.address);
    open.send(WHOLE, &options(1));
    assert_eq!(contents(&open.message()), [Ok(1)]);
    server.engine.close(PATIENCE);
    assert_eq!(open.end(), 1001);
}

#[test]
fn handshakes_that_are_not_right_say_what_would_be() {
    let server = Server::open();
    server.engine.accept_http(true);
    let whole = handshake("");
    for (from, to, status, header) in [
        (
            "Upgrade: websocket\r\n",
            "",
            "426",
            "Upgrade: websocket\r\n",
        ),
        (
            "Version: 13",
            "Version: 8",
            "426",
            "Sec-WebSocket-Version: 13\r\n",
        ),
        ("dGhl", "!", "400", ""),
        ("HTTP/1.1", "HTTP/1.0", "426", "Upgrade: websocket\r\n"),
    ] {
        let mut client = Client::connect(server.address);
        client.send(whole.replace(from, to).as_bytes());
        let answer = String::from_utf8(client.wait_closed()).unwrap();
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
        assert!(answer.contains(header), "{answer}");
    }
}

#[test]
fn other_sub_protocols_are_left_to_the_web() {
    let server = Server::open();
    server.engine.accept_http(true);
    for other in [
        handshake("").replace("rtsp.onvif.org", "relaycore.mp4"),
        handshake("").replace("GET", "POST"),
    ] {
        let mut client = Client::connect(server.address);
        client.send(other.as_bytes());
        let given = server.wait(|event| match event {
            Event::Http(connection) => ControlFlow::Break(connection),
            other => ControlFlow::Continue(other),
        });
        assert_eq!(given.data, other.as_bytes());
    }
}

#[test]
fn a_question_says_what_the_handshake_said_and_credentials_are_those_of_rtsp() {
    let server = Server::with_login();
    let _feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    let headers = "Origin: http://page.example\r\nSec-Fetch-Site: cross-site\r\nVia: 1.1 proxy\r\n\
                   Cookie: login=1\r\nAuthorization: right\r\n";
    let socket = TcpStream::connect(server.address).unwrap();
    let mut client = Client::of(WebSocket::over(socket, handshake(headers)).carried());
    assert_eq!(client.status("DESCRIBE", &url, &[]), 401);
    let right = [("Authorization", "right")];
    assert_eq!(client.status("DESCRIBE", &url, &right), 200);
    let asked = Handshake {
        host: "relay.example:8554".to_owned(),
        origin: Some("http://page.example".to_owned()),
        fetch_site: Some("cross-site".to_owned()),
        is_forwarded: true,
    };
    assert_eq!(server.asked().handshake, Some(asked));
    let mut plain = Client::connect(server.address);
    assert_eq!(plain.status("DESCRIBE", &url, &right), 200);
    let handshakes = [server.asked().handshake, server.asked().handshake];
    assert_eq!(handshakes.iter().filter(|it| it.is_none()).count(), 1);
}
