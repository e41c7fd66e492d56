//! Clients that mean harm or are broken: they get an answer or are closed, and nobody else notices.

use crate::support::{Client, Feed, Server, datagram};
use relaycore_proto::limits::Limits;
use relaycore_proto::rtp::RtpPacket;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes that look like nothing, the same in every run.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed | 1;
    let step = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    std::iter::repeat_with(step).take(length).collect()
}

#[test]
fn whatever_comes_in_a_reader_loses_nothing() {
    let server = Server::narrow(Limits::default());
    let mut feed = Feed::started(&server.engine, "cam");
    let mut control = Client::playing(&server, "cam", 1);
    let mut last = RtpPacket::parse(&control.frame_on(0))
        .unwrap()
        .header
        .sequence;
    let tls_hello = [&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3][..], &noise(1, 508)].concat();
    let mut attacks = vec![
        tls_hello,
        b"GET /cam HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(),
        b"CONNECT a:443 HTTP/1.1\r\n\r\n".to_vec(),
        vec![b'A'; 100_000],
        [
            b"OPTIONS * RTSP/1.0\r\nCSeq: ".to_vec(),
            vec![b'1'; 100_000],
        ]
        .concat(),
        [
            b"OPTIONS * RTSP/1.0\r\n".to_vec(),
            b"A: b\r\n".repeat(10_000),
        ]
        .concat(),
        b"SETUP rtsp://a/cam RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 99999999999\r\n\r\n".to_vec(),
        b"\x00\x01\x02\x03\x04\xff\r\n\r\n".to_vec(),
        vec![b'$'; 65_536],
        vec![b'\n'; 65_536],
    ];
    attacks.extend((2..30).map(|seed| noise(seed, 5000)));
    for (number, attack) in attacks.iter().enumerate() {
        let mut attacker = Client::connect(server.address);
        // The server may have closed it before all was sent.
        let _ = attacker.socket.write_all(attack);
        drop(attacker);
        feed.picture(1000);
        loop {
            let packet = control.frame_on(0);
            let header = RtpPacket::parse(&packet).unwrap().header;
            if header.sequence == last {
                continue;
            }
            assert_eq!(header.sequence, last.next(), "after attack {number}");
            last = header.sequence;
            if header.marker {
                break;
            }
        }
    }
    assert_eq!(
        Client::connect(server.address).status("OPTIONS", "*", &[]),
        200
    );
}

#[test]
fn what_speaks_another_protocol_is_told_so() {
    let server = Server::open();
    let mut browser = Client::connect(server.address);
    browser.send(b"GET /cam HTTP/1.1\r\nHost: a\r\n\r\n");
    let answer = String::from_utf8(browser.wait_closed()).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 400") && answer.contains("rtsp://"),
        "{answer}"
    );
    let mut tls = Client::connect(server.address);
    tls.send(&[0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0, b'\n', b'\n']);
    let answer = String::from_utf8(tls.wait_closed()).unwrap();
    assert!(answer.starts_with("RTSP/1.0 400"), "{answer}");
}

#[test]
fn a_request_may_come_byte_by_byte() {
    let server = Server::open();
    let mut client = Client::connect(server.address);
    client.socket.set_nodelay(true).unwrap();
    for byte in client.text("OPTIONS", "*", &[]).bytes() {
        client.send(&[byte]);
    }
    assert_eq!(client.response().status.0, 200);
}

#[test]
fn lines_and_bodies_beyond_their_limits_are_refused_and_the_connection_closed() {
    let server = Server::open();
    let line = format!("OPTIONS rtsp://a/{} RTSP/1.0\r\n", "b".repeat(10_000));
    let body = "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 70000\r\n\r\n";
    for (bytes, status) in [(line.as_str(), 414), (body, 413)] {
        let mut client = Client::connect(server.address);
        client.send(bytes.as_bytes());
        assert_eq!(client.response().status.0, status);
        client.wait_closed();
    }
}

#[test]
fn a_flood_of_packets_on_one_connection_starves_no_other() {
    let server = Server::narrow(Limits::default());
    let mut feed = Feed::started(&server.engine, "cam");
    let mut control = Client::playing(&server, "cam", 1);
    let mut flood = Client::connect(server.address);
    let stop = AtomicBool::new(false);
    let frames = [b'$', 9, 0, 0].repeat(64 * 1024);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                flood.send(&frames);
            }
        });
        for _ in 0..100 {
            feed.picture(100);
            control.frame_on(0);
            assert_eq!(control.status("OPTIONS", "*", &[]), 200);
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(flood.status("OPTIONS", "*", &[]), 200);
}

#[test]
fn datagrams_of_strangers_change_nothing() {
    let server = Server::open();
    let _feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    let mut client = Client::connect(server.address);
    let (answer, [rtp, rtcp]) = client.setup_udp(&url, 0);
    let transport = answer.headers.get("Transport").unwrap();
    let ports = relaycore_proto::rtsp::header::transport::Transport::parse(transport).unwrap();
    let port = ports.server_port.unwrap().1;
    assert_eq!(client.status("PLAY", &url, &[]), 200);
    let stranger = std::net::UdpSocket::bind(("127.0.0.1", 0)).unwrap();
    for seed in 0..50 {
        stranger
            .send_to(&noise(seed, 100), ("127.0.0.1", port))
            .unwrap();
        rtcp.send_to(&noise(seed, 100), ("127.0.0.1", port))
            .unwrap();
    }
    datagram(&rtp);
    assert_eq!(client.status("OPTIONS", "*", &[]), 200);
    assert_eq!(server.engine.sessions().len(), 1);
}
