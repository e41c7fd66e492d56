//! WebRTC where UDP does not get through: by TCP connections to the one port.

use crate::client::{Client, LIMIT};
use crate::{cam, picture, session, types, write};
use relaycore_engine::decision::Action;
use relaycore_engine::stream::Stream;
use relaycore_engine::{Engine, Event as EngineEvent, WebSession};
use relaycore_proto::ice_tcp;
use relaycore_proto::limits::Limits;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::atomic::Ordering;
use std::time::Instant;
use str0m::Event;
use str0m::media::{Direction, MediaKind};
use str0m::rtp::{RtpPacket, RtpWrite};

/// An engine, and where it listens.
fn engine() -> (Engine, SocketAddr) {
    let limits = Limits {
        request_time_ms: 100,
        reader_age_ms: 2000,
        ..Limits::default()
    };
    let engine = Engine::new(2, limits, "test".to_owned()).unwrap();
    let address = engine.listen((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    (engine, address)
}

/// The answer to a client that is to read, and its session.
fn answered(engine: &Engine, client: &Client) -> (String, WebSession) {
    let session = session(engine, "cam", Action::Read);
    let answer = engine.answer_offer(&session, &client.offer, None).unwrap();
    (answer, session)
}

fn packet(event: Event) -> Option<RtpPacket> {
    match event {
        Event::RtpPacket(packet) => Some(packet),
        _ => None,
    }
}

/// The first picture that a client gets, which is made once it has joined.
fn first_picture(client: &mut Client, stream: &Stream) -> Vec<RtpPacket> {
    let mut packets: Vec<RtpPacket> = Vec::new();
    let end = Instant::now() + LIMIT;
    while packets.last().is_none_or(|packet| !packet.header.marker) {
        assert!(Instant::now() < end, "no picture came");
        if stream.key_frame_wanted() {
            write(stream, &picture(true, true, 1), true);
        }
        packets.extend(client.step(&mut packet));
    }
    packets
}

/// Whether the other side closes, and says nothing before.
fn is_closed(mut socket: TcpStream) -> bool {
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    match socket.read(&mut [0; 64]) {
        Ok(count) => count == 0,
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    }
}

/// A first check for the session that an answer belongs to, as it goes over TCP; its signature is none.
fn check(ufrag: &str) -> Vec<u8> {
    let name = format!("{ufrag}:them");
    let mut attributes = vec![0, 6];
    attributes.extend_from_slice(&(name.len() as u16).to_be_bytes());
    attributes.extend_from_slice(name.as_bytes());
    attributes.resize(attributes.len().next_multiple_of(4), 0);
    attributes.extend_from_slice(&[0, 8, 0, 20]);
    attributes.extend_from_slice(&[7; 20]);
    let mut message = vec![0, 1];
    message.extend_from_slice(&(attributes.len() as u16).to_be_bytes());
    message.extend_from_slice(&[0x21, 0x12, 0xa4, 0x42]);
    message.extend_from_slice(&[9; 12]);
    message.extend_from_slice(&attributes);
    let mut out = Vec::new();
    assert!(ice_tcp::write(&mut out, &message));
    out
}

#[test]
fn an_answer_names_the_port_by_udp_and_by_tcp() {
    let (engine, address) = engine();
    cam(&engine, &[]);
    let client = Client::offering(&[MediaKind::Video], Direction::RecvOnly);
    let (answer, _session) = answered(&engine, &client);
    let candidates: Vec<_> = answer
        .lines()
        .filter(|line| line.starts_with("a=candidate:"))
        .collect();
    let by = |protocol: &str| candidates.iter().filter(|it| it.contains(protocol)).count();
    assert_eq!((by(" udp "), by(" tcp ")), (1, 1), "{candidates:?}");
    let tcp = candidates.iter().find(|it| it.contains(" tcp ")).unwrap();
    let port = address.port();
    assert!(tcp.contains(&format!(" 127.0.0.1 {port} typ host tcptype passive")));
}

#[test]
fn a_reader_gets_the_stream_over_tcp_alone() {
    let (engine, address) = engine();
    let stream = cam(&engine, &[]);
    let mut client = Client::over_tcp(address, &[MediaKind::Video], Direction::RecvOnly);
    let (answer, session) = answered(&engine, &client);
    client.connect(&answer);
    let packets = first_picture(&mut client, &stream);
    assert_eq!(types(&packets), [7, 8, 5]);
    for number in 2..100 {
        write(&stream, &picture(false, false, number), false);
        let next = client.until(packet);
        assert_eq!(next.payload[1] & 0x80, 0x80, "the first of each comes");
        while !client.until(packet).header.marker {}
    }
    assert_eq!(session.info().transport().name(), "tcp");
    assert!(session.info().counters.is_playing());
    client.rtc.close().unwrap();
    let end = Instant::now() + LIMIT;
    while !session.has_ended() {
        assert!(Instant::now() < end, "it does not end with its client");
        client.step(&mut |_| None::<()>);
    }
    assert!(is_closed(client.connection().try_clone().unwrap()));
}

#[test]
fn what_is_published_over_tcp_alone_can_be_read() {
    let (engine, address) = engine();
    let session = session(&engine, "phone", Action::Publish);
    let mut client = Client::over_tcp(address, &[MediaKind::Video], Direction::SendOnly);
    let answer = engine.answer_offer(&session, &client.offer, None).unwrap();
    client.connect(&answer);
    let stream = engine.stream("phone").unwrap();
    let mut number = 1u64;
    let end = Instant::now() + LIMIT;
    while stream.counters.packets.load(Ordering::Relaxed) < 10 {
        assert!(Instant::now() < end, "nothing came");
        let (mid, now) = (client.mids[0], Instant::now());
        let pt = client.rtc.media(mid).unwrap().remote_pts()[0];
        let mut api = client.rtc.direct_api();
        let tx = api.stream_tx_by_mid(mid, None).unwrap();
        let payload = vec![0x65, 0x88, 0x84];
        let write = RtpWrite::new(pt, number.into(), number as u32 * 3000, now, payload);
        tx.write_rtp(write.marker(true));
        number += 1;
        client.step(&mut |_| None::<()>);
    }
    assert!(session.info().counters.packets.load(Ordering::Relaxed) >= 10);
}

#[test]
fn strangers_are_closed() {
    let (engine, address) = engine();
    cam(&engine, &[]);
    let connect = |bytes: &[u8]| {
        let mut socket = TcpStream::connect(address).unwrap();
        socket.write_all(bytes).unwrap();
        socket
    };
    // While there is no session at all,
    assert!(is_closed(connect(&check("nobody"))));
    let mut client = Client::over_tcp(address, &[MediaKind::Video], Direction::RecvOnly);
    let (answer, session) = answered(&engine, &client);
    let ufrag = answer
        .lines()
        .find_map(|it| it.strip_prefix("a=ice-ufrag:"));
    let ufrag = ufrag.unwrap().trim();
    // whom no session expects, whose check is not signed with its password,
    assert!(is_closed(connect(&check("nobody"))));
    assert!(is_closed(connect(&check(ufrag))));
    // whose check never comes to its end, and who ends in the middle of it.
    let whole = check(ufrag);
    assert!(is_closed(connect(&whole[..1])));
    assert!(is_closed(connect(&whole[..whole.len() - 1])));
    drop(connect(&whole[..30]));
    // None of that disturbs who is expected,
    client.connect(&answer);
    // who is forgotten with the first garbage that the connection brings.
    let mut socket = client.connection().try_clone().unwrap();
    socket.write_all(&[0xff; 64]).unwrap();
    let end = Instant::now() + LIMIT;
    let mut buffer = [0; 4096];
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    while socket.read(&mut buffer).is_ok_and(|count| count > 0) {
        assert!(Instant::now() < end, "it goes on");
    }
    assert!(!session.has_ended(), "there may be another way");
}

#[test]
fn who_takes_nothing_is_skipped_and_delays_nobody() {
    const BYTES: usize = 200_000;
    let (engine, address) = engine();
    let stream = cam(&engine, &[]);
    let big = |is_key, number| {
        let mut unit = picture(is_key, is_key, number);
        unit.resize(BYTES, number | 1);
        unit
    };
    let connected = || {
        let mut client = Client::over_tcp(address, &[MediaKind::Video], Direction::RecvOnly);
        let (answer, session) = answered(&engine, &client);
        client.connect(&answer);
        first_picture(&mut client, &stream);
        (client, session)
    };
    let (mut stalled, stalled_session) = connected();
    let (mut other, other_session) = connected();
    let discarded = |session: &WebSession| {
        let counters = &session.info().counters;
        counters.discarded.load(Ordering::Relaxed)
    };
    let end = Instant::now() + 2 * LIMIT;
    let mut number = 0u8;
    while discarded(&stalled_session) == 0 {
        assert!(Instant::now() < end, "what it does not take grows");
        number = number.wrapping_add(2);
        write(&stream, &big(number % 20 == 2, number), number % 20 == 2);
        stalled.speak();
        // The other one gets this very picture before the next one is made.
        loop {
            let packet = other.until(packet);
            if packet.header.marker {
                break;
            }
        }
    }
    assert_eq!(discarded(&other_session), 0);
    assert!(!stalled_session.has_ended());
    // Nor is it kept for ever, though it goes on to send its checks.
    let end = Instant::now() + 2 * LIMIT;
    while !stalled_session.has_ended() {
        assert!(Instant::now() < end, "it is kept");
        stalled.speak();
        other.step(&mut |_| None::<()>);
    }
    let reasons: Vec<_> = engine
        .poll()
        .into_iter()
        .filter_map(|event| match event {
            EngineEvent::SessionEnded(_, reason) => Some(reason),
            _ => None,
        })
        .collect();
    assert_eq!(reasons, ["the client took nothing more"]);
}
