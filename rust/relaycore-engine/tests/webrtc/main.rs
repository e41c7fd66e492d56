//! WebRTC against a client that is none of ours: what it reads and publishes, how sessions end, and who is refused.

mod client;
mod tcp;

use client::{Client, LIMIT};
use relaycore_engine::burst::Stages;
use relaycore_engine::clock::now_ns;
use relaycore_engine::decision::Action;
use relaycore_engine::session::Protocol;
use relaycore_engine::stream::{JoinPolicy, Stream, Written};
use relaycore_engine::webrtc::OfferError;
use relaycore_engine::{Engine, Event as EngineEvent, NewSession, WebSession};
use relaycore_proto::limits::Limits;
use relaycore_proto::track::{Codec, Track};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use str0m::bwe::Bitrate;
use str0m::media::{Direction, KeyframeRequestKind, MediaKind};
use str0m::rtp::{RtpPacket, RtpWrite};
use str0m::{Event, RtcConfig};

const SPS: &[u8] = &[
    0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x47, 0xfe, 0xc8,
];
const PPS: &[u8] = &[0, 0, 0, 1, 0x68, 0xce, 0x3c, 0x80];

/// An access unit of H.264: an IDR picture, or one that follows.
fn picture(is_key: bool, with_parameters: bool, number: u8) -> Vec<u8> {
    let mut unit = Vec::new();
    if with_parameters {
        unit.extend_from_slice(SPS);
        unit.extend_from_slice(PPS);
    }
    unit.extend_from_slice(&[0, 0, 0, 1, if is_key { 0x65 } else { 0x41 }, 0x88]);
    unit.extend(std::iter::repeat_n(number | 1, 3000));
    unit
}

fn engine() -> Engine {
    let engine = Engine::new(2, Limits::default(), "test".to_owned()).unwrap();
    engine.listen((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    engine
}

fn session(engine: &Engine, path: &str, action: Action) -> WebSession {
    let new = NewSession {
        protocol: Protocol::WebRtc,
        action,
        path: path.to_owned(),
        user: None,
        ticket: 0,
        peer: ([127, 0, 0, 1], 5000).into(),
        user_agent: None,
        is_secure: false,
    };
    engine.begin_session(new).unwrap()
}

fn write(stream: &Stream, data: &[u8], is_key: bool) {
    let now = now_ns();
    let unit = Written {
        data,
        pts: (now / 1_000_000 * 90) as i64,
        random_access: Some(is_key),
        stages: Stages {
            captured: now,
            ..Stages::default()
        },
    };
    stream.write(0, unit).unwrap();
}

fn cam(engine: &Engine, parameters: &[u8]) -> Arc<Stream> {
    let track = Track::h264(parameters);
    engine
        .add_stream("cam", vec![track], JoinPolicy::Squeeze, true)
        .unwrap()
}

/// Types of the NAL units that packets bring, in order: of those in several packets once.
fn types(packets: &[RtpPacket]) -> Vec<u8> {
    let mut types = Vec::new();
    for payload in packets.iter().map(|packet| &packet.payload) {
        match payload[0] & 0x1f {
            24 => {
                let mut rest = &payload[1..];
                while let [high, low, units @ ..] = rest {
                    let length = usize::from(u16::from_be_bytes([*high, *low]));
                    types.push(units[0] & 0x1f);
                    rest = &units[length..];
                }
            }
            28 if payload[1] & 0x80 == 0 => {}
            28 => types.push(payload[1] & 0x1f),
            alone => types.push(alone),
        }
    }
    types
}

/// A client that is connected to the stream, and the packets of its first access unit.
fn reading(engine: &Engine, stream: &Stream, key: &[u8]) -> (Client, WebSession, Vec<RtpPacket>) {
    let session = session(engine, "cam", Action::Read);
    let mut client = Client::offering(&[MediaKind::Video], Direction::RecvOnly);
    let answer = engine.answer_offer(&session, &client.offer, None).unwrap();
    client.connect(&answer);
    let mut packets = Vec::new();
    let end = Instant::now() + LIMIT;
    while packets
        .last()
        .is_none_or(|packet: &RtpPacket| !packet.header.marker)
    {
        assert!(Instant::now() < end, "no picture came");
        if stream.key_frame_wanted() {
            write(stream, key, true);
        }
        packets.extend(client.step(&mut |event| match event {
            Event::RtpPacket(packet) => Some(packet),
            _ => None,
        }));
    }
    (client, session, packets)
}

#[test]
fn a_reader_gets_the_packets_of_the_stream_from_a_key_frame_on() {
    let engine = engine();
    let stream = cam(&engine, &[]);
    let (mut client, session, packets) = reading(&engine, &stream, &picture(true, true, 1));
    assert_eq!(types(&packets), [7, 8, 5]);
    let first = packets[0].header.sequence_number;
    for (number, packet) in packets.iter().enumerate() {
        assert_eq!(
            packet.header.sequence_number,
            first.wrapping_add(number as u16)
        );
        assert_eq!(packet.header.timestamp, packets[0].header.timestamp);
    }
    write(&stream, &picture(false, false, 2), false);
    let next = client.until(|event| match event {
        Event::RtpPacket(packet) => Some(packet),
        _ => None,
    });
    assert_ne!(next.header.timestamp, packets[0].header.timestamp);
    let counters = &session.info().counters;
    assert!(counters.is_playing() && counters.packets.load(Ordering::Relaxed) >= 4);
    assert!(counters.first_picture.load(Ordering::Relaxed) > 0);
}

#[test]
fn only_who_publishes_is_told_of_each_packet() {
    let engine = engine();
    cam(&engine, &[]);
    let answer = |path, action, direction| {
        let session = session(&engine, path, action);
        let client = Client::offering(&[MediaKind::Video], direction);
        assert!(client.offer.contains("transport-wide-cc"));
        engine.answer_offer(&session, &client.offer, None).unwrap()
    };
    let reads = answer("cam", Action::Read, Direction::RecvOnly);
    assert!(reads.contains("sdes:mid") && !reads.contains("transport-wide-cc"));
    assert!(reads.contains("abs-send-time") && reads.contains("goog-remb"));
    let publishes = answer("phone", Action::Publish, Direction::SendOnly);
    assert!(publishes.contains("transport-wide-cc"));
}

#[test]
fn a_reader_on_a_narrow_way_gets_the_beginning_of_each_group_and_no_gap() {
    let engine = engine();
    let stream = cam(&engine, &[]);
    let (mut client, session, packets) = reading(&engine, &stream, &picture(true, true, 1));
    let counters = &session.info().counters;
    assert_eq!(counters.bandwidth.load(Ordering::Relaxed), 0);
    let estimate = |client: &mut Client, rate: u64| {
        let ssrc = packets[0].header.ssrc;
        let mut api = client.rtc.direct_api();
        let rx = api.stream_rx(&ssrc).unwrap();
        rx.request_remb(Bitrate::from(rate));
        let end = Instant::now() + LIMIT;
        let mut came = Vec::new();
        let is_near = |told: u64| told.abs_diff(rate) <= rate / 100;
        while !is_near(counters.bandwidth.load(Ordering::Relaxed)) {
            assert!(Instant::now() < end, "nobody hears it");
            came.extend(client.step(&mut |event| match event {
                Event::RtpPacket(packet) => Some(packet),
                _ => None,
            }));
        }
        came
    };
    // A low one means nothing by itself.
    estimate(&mut client, 400_000);
    let discarded = || counters.discarded.load(Ordering::Relaxed);
    for number in 0..40 {
        write(
            &stream,
            &picture(number == 0, number == 0, number),
            number == 0,
        );
    }
    let mut received = packets.last().unwrap().header.sequence_number;
    let mut next = |client: &mut Client| {
        let packet = client.until(|event| match event {
            Event::RtpPacket(packet) => Some(packet),
            _ => None,
        });
        received = received.wrapping_add(1);
        assert_eq!(packet.header.sequence_number, received, "nothing is missed");
        packet
    };
    (0..40).for_each(|_| while !next(&mut client).header.marker {});
    assert_eq!(discarded(), 0);
    // One that falls does: of 120 kB at once, about a second's worth comes.
    assert_eq!(estimate(&mut client, 200_000), []);
    for number in 0..40 {
        write(
            &stream,
            &picture(number == 0, number == 0, number),
            number == 0,
        );
    }
    let mut units = 0;
    let mut is_first = true;
    let end = Instant::now() + LIMIT;
    loop {
        assert!(Instant::now() < end, "it does not go on");
        let came = client.step(&mut |event| match event {
            Event::RtpPacket(packet) => Some(packet),
            _ => None,
        });
        let Some(packet) = came else {
            write(&stream, &picture(true, true, 99), true);
            continue;
        };
        received = received.wrapping_add(1);
        assert_eq!(packet.header.sequence_number, received, "nothing is missed");
        let begins = std::mem::replace(&mut is_first, packet.header.marker);
        let is_key = begins && types(std::slice::from_ref(&packet)).starts_with(&[7]);
        if is_key && units > 0 {
            break;
        }
        units += usize::from(packet.header.marker);
    }
    assert!((1..40).contains(&units), "{units}");
    assert!(discarded() > 0 && !session.has_ended());
}

#[test]
fn parameter_sets_that_only_the_description_has_come_with_the_key_frame() {
    let engine = engine();
    let stream = cam(&engine, &[SPS, PPS].concat());
    let (_client, _session, packets) = reading(&engine, &stream, &picture(true, false, 1));
    assert_eq!(types(&packets), [7, 8, 5]);
}

#[test]
fn a_wish_for_a_key_frame_reaches_who_makes_the_stream() {
    let engine = engine();
    let stream = cam(&engine, &[]);
    let (mut client, _session, packets) = reading(&engine, &stream, &picture(true, true, 1));
    let ssrc = packets[0].header.ssrc;
    let end = Instant::now() + LIMIT;
    while !stream.key_frame_wanted() {
        assert!(Instant::now() < end, "nobody heard the wish");
        let mut api = client.rtc.direct_api();
        let rx = api.stream_rx(&ssrc).unwrap();
        rx.request_keyframe(KeyframeRequestKind::Pli);
        client.step(&mut |_| None::<()>);
    }
}

#[test]
fn a_client_that_has_moved_is_connected_anew_and_misses_nothing() {
    let engine = engine();
    let stream = cam(&engine, &[]);
    let session = session(&engine, "cam", Action::Read);
    let mut client = Client::offering(&[MediaKind::Video], Direction::RecvOnly);
    let mut answer = engine.answer_offer(&session, &client.offer, None).unwrap();
    client.connect(&answer);
    write(&stream, &picture(true, true, 1), true);
    let packet = |event| match event {
        Event::RtpPacket(packet) => Some(packet),
        _ => None,
    };
    let mut last = client.until(packet);
    while !last.header.marker {
        last = client.until(packet);
    }
    for _ in 0..3 {
        let asked = client.moved();
        let fragment = engine.restart_ice(&session, &asked).unwrap();
        let has = |line| fragment.contains(line);
        assert!(
            has("a=ice-lite\r\n") && has("a=candidate:") && has("a=mid:"),
            "{fragment}"
        );
        let value = |text: &str, prefix| {
            let mut values = text.lines().filter_map(|line| line.strip_prefix(prefix));
            values.next().unwrap().to_owned()
        };
        // Candidates name their session, too.
        for prefix in ["a=ice-ufrag:", "a=ice-pwd:"] {
            let (old, new) = (value(&answer, prefix), value(&fragment, prefix));
            assert_ne!(old, new);
            answer = answer.replace(&old, &new);
        }
        client.accept(&answer);
        // Once its new checks are answered, its media comes there, behind what came before.
        let sent = client.sent.len();
        let end = Instant::now() + LIMIT;
        let next = loop {
            assert!(Instant::now() < end, "nothing comes to the new address");
            write(&stream, &picture(false, false, 2), false);
            if let Some(packet) = client.step(&mut { packet }) {
                break packet;
            }
        };
        assert!(client.sent.len() > sent);
        assert_eq!(next.header.ssrc, last.header.ssrc);
        last = next;
    }
    assert!(!session.has_ended());
    let refused = engine.restart_ice(&session, "a=ice-ufrag:abcd\r\n");
    assert_eq!(refused.unwrap_err().status(), 400);
    session.end("done");
    let gone = engine.restart_ice(&session, &client.moved());
    assert_eq!(gone.unwrap_err().status(), 409);
}

#[test]
fn who_is_kicked_hears_goodbye() {
    let engine = engine();
    let stream = cam(&engine, &[]);
    let (mut client, session, _) = reading(&engine, &stream, &picture(true, true, 1));
    assert!(engine.kick(&session.info().id));
    client.until(|event| matches!(event, Event::Closed).then_some(()));
    assert!(session.has_ended() && engine.sessions().is_empty());
}

#[test]
fn the_session_ends_with_its_client_and_its_stream() {
    let engine = engine();
    let stream = cam(&engine, &[]);
    let (mut client, session, _) = reading(&engine, &stream, &picture(true, true, 1));
    client.rtc.close().unwrap();
    wait(&mut client, || session.has_ended());
    let (mut client, session, _) = reading(&engine, &stream, &picture(true, true, 2));
    assert!(engine.remove_stream("cam"));
    client.until(|event| matches!(event, Event::Closed).then_some(()));
    assert!(session.has_ended());
    assert_eq!(stream.counters.readers.load(Ordering::Relaxed), 0);
}

fn wait(client: &mut Client, has_come: impl Fn() -> bool) {
    let end = Instant::now() + LIMIT;
    while !has_come() {
        assert!(Instant::now() < end, "it did not happen in time");
        client.step(&mut |_| None::<()>);
    }
}

#[test]
fn what_a_client_publishes_can_be_read() {
    let engine = engine();
    let session = session(&engine, "phone", Action::Publish);
    let mut client = Client::offering(&[MediaKind::Video, MediaKind::Audio], Direction::SendOnly);
    let answer = engine.answer_offer(&session, &client.offer, None).unwrap();
    client.connect(&answer);
    let tracks = engine.stream("phone").unwrap().tracks();
    let codecs: Vec<_> = tracks.iter().map(|track| track.codec).collect();
    assert_eq!(codecs, [Codec::H264, Codec::Opus]);
    let reader = engine.open_reader("phone", None).unwrap();
    let payload_type = {
        let media = client.rtc.media(client.mids[0]).unwrap();
        media.remote_pts()[0]
    };
    let nals = [&SPS[4..], &PPS[4..], &[0x65, 0x88, 1, 2, 3, 4][..]];
    let mut sequence = 100_u64;
    let mut units = Vec::new();
    let end = Instant::now() + LIMIT;
    let mut time = 0_u32;
    while units.len() < 3 {
        assert!(Instant::now() < end, "nothing can be read");
        time += 3000;
        for (number, nal) in nals.iter().enumerate() {
            let mut api = client.rtc.direct_api();
            let tx = api.stream_tx_by_mid(client.mids[0], None).unwrap();
            let now = Instant::now();
            let packet = RtpWrite::new(payload_type, sequence.into(), time, now, nal.to_vec());
            tx.write_rtp(packet.marker(number == 2));
            sequence += 1;
        }
        client.step(&mut |_| None::<()>);
        units.extend(reader.take(16));
    }
    let expected = [SPS, PPS, &[0, 0, 0, 1, 0x65, 0x88, 1, 2, 3, 4][..]].concat();
    assert!(
        units
            .iter()
            .all(|unit| unit.data == expected && unit.random_access)
    );
    // Another one finds the path taken.
    let second = self::session(&engine, "phone", Action::Publish);
    let other = Client::offering(&[MediaKind::Video], Direction::SendOnly);
    let refused = engine
        .answer_offer(&second, &other.offer, None)
        .unwrap_err();
    assert_eq!(refused.status(), 409);
    assert!(session.end("done"));
    client.until(|event| matches!(event, Event::Closed).then_some(()));
}

/// A phone system or a camera has G.711 and nothing else; what is agreed on is what comes.
#[test]
fn sound_in_g711_can_be_published_where_there_is_no_opus() {
    type Enable = fn(RtcConfig) -> RtcConfig;
    let cases: [(Enable, Codec); 4] = [
        (|it| it.enable_pcmu(true, false), Codec::Pcmu),
        (|it| it.enable_pcma(true, false), Codec::Pcma),
        (
            |it| it.enable_pcma(true, false).enable_pcmu(true, false),
            Codec::Pcmu,
        ),
        (
            |it| it.enable_pcmu(true, false).enable_opus(true, false),
            Codec::Opus,
        ),
    ];
    for (enable, codec) in cases {
        let engine = engine();
        let session = session(&engine, "phone", Action::Publish);
        let config = enable(RtcConfig::new().clear_codecs());
        let mut client = Client::with(config, &[MediaKind::Audio], Direction::SendOnly);
        let answer = engine.answer_offer(&session, &client.offer, None).unwrap();
        client.connect(&answer);
        let stream = engine.stream("phone").unwrap();
        let tracks = stream.tracks();
        assert_eq!((tracks.len(), tracks[0].codec), (1, codec));
        let payload_types = client.rtc.media(client.mids[0]).unwrap().remote_pts();
        assert_eq!(payload_types.len(), 1);
        let payload_type = payload_types[0];
        let reader = engine.open_reader("phone", None).unwrap();
        let end = Instant::now() + LIMIT;
        let mut units = Vec::new();
        for number in 0_u32.. {
            assert!(Instant::now() < end, "nothing can be read of {codec:?}");
            let mut api = client.rtc.direct_api();
            let tx = api.stream_tx_by_mid(client.mids[0], None).unwrap();
            let (sequence, now) = (u64::from(100 + number), Instant::now());
            let payload = vec![0x78, 1, 2, 3];
            tx.write_rtp(RtpWrite::new(
                payload_type,
                sequence.into(),
                number * 160,
                now,
                payload,
            ));
            client.step(&mut |_| None::<()>);
            units.extend(reader.take(16));
            if !units.is_empty() {
                break;
            }
        }
        assert_eq!(units[0].data, [0x78, 1, 2, 3]);
    }
}

/// One number of two formats: str0m panics of that.
#[test]
fn an_offer_that_contradicts_itself_is_refused() {
    let engine = engine();
    cam(&engine, &[]);
    let media = |mid: u8, format: &str| {
        format!(
            "m=video 9 UDP/TLS/RTP/SAVPF 102\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:wxyz\r\n\
             a=ice-pwd:0123456789012345678901\r\na=fingerprint:sha-256 {}\r\na=setup:actpass\r\n\
             a=mid:{mid}\r\na=recvonly\r\na=rtcp-mux\r\na=rtpmap:102 H264/90000\r\na=fmtp:102 {format}\r\n",
            ["AB"; 32].join(":")
        )
    };
    let offer = format!(
        "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n{}{}",
        media(0, "packetization-mode=1;profile-level-id=42e01f"),
        media(1, "packetization-mode=0;profile-level-id=42e01f")
    );
    let session = session(&engine, "cam", Action::Read);
    let refused = engine.answer_offer(&session, &offer, None).unwrap_err();
    assert!(matches!(refused, OfferError::Malformed(_)));
}

#[test]
fn offers_that_are_none_are_refused() {
    let engine = engine();
    cam(&engine, &[]);
    let reads = |offer: &str| {
        let session = session(&engine, "cam", Action::Read);
        engine.answer_offer(&session, offer, None).unwrap_err()
    };
    let client = Client::offering(&[MediaKind::Audio], Direction::RecvOnly);
    assert!(matches!(reads(&client.offer), OfferError::Unacceptable(_)));
    let sending = Client::offering(&[MediaKind::Video], Direction::SendOnly);
    assert!(matches!(reads(&sending.offer), OfferError::Unacceptable(_)));
    let mut broken = vec![String::new(), "v=0".to_owned(), "\0\u{ff}".repeat(40)];
    broken.push("a".repeat(70_000));
    broken.push(client.offer.replace("a=fingerprint", "a=finger"));
    broken.push(client.offer.replace("a=ice-ufrag", "a=ice"));
    for offer in broken {
        let status = reads(&offer).status();
        assert!(status == 400 || status == 406, "{status} for {offer:.60}");
    }
    // Cut anywhere: an answer or a refusal, and never a panic.
    let good = Client::offering(&[MediaKind::Video], Direction::RecvOnly).offer;
    for end in (0..good.len())
        .step_by(7)
        .filter(|end| good.is_char_boundary(*end))
    {
        let session = session(&engine, "cam", Action::Read);
        let _ = engine.answer_offer(&session, &good[..end], None);
    }
}

/// Numbers that look random and are the same in each run (xorshift64*).
struct Random(u64);

impl Random {
    /// A number from 0 to `bound` - 1.
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16) as usize % bound
    }
}

/// Checks, handshake and reports that were damaged on their way, or by somebody who overheard them: the client whose
/// they were goes on, which a panic in what it sends would end.
#[test]
fn damaged_datagrams_disturb_nobody() {
    let engine = engine();
    let stream = cam(&engine, &[]);
    let (mut client, session, packets) = reading(&engine, &stream, &picture(true, true, 1));
    let server = packets[0].header.ssrc;
    let relay = client.relay.unwrap();
    let stranger = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let seen = std::mem::take(&mut client.sent);
    let mut random = Random(7);
    for round in 0..40 {
        for _ in 0..50 {
            let mut datagram = seen[random.below(seen.len())].clone();
            for _ in 0..=random.below(4) {
                let at = random.below(datagram.len().max(1));
                match random.below(4) {
                    0 => datagram.truncate(at),
                    1 => datagram.extend_from_slice(&[0xff; 9]),
                    2 => datagram.splice(at..at, [0, 0, 0xff, 0x80]).for_each(drop),
                    _ if at < datagram.len() => datagram[at] ^= 1 << random.below(8),
                    _ => {}
                }
            }
            let _ = stranger.send_to(&datagram, relay);
            let _ = client.socket.send_to(&datagram, relay);
        }
        let end = Instant::now() + LIMIT;
        write(&stream, &picture(false, false, 5), false);
        while client.step(&mut |event| match event {
            Event::RtpPacket(packet) => Some(packet.header.ssrc),
            _ => None,
        }) != Some(server)
        {
            assert!(Instant::now() < end, "nothing came in round {round}");
            assert!(!session.has_ended(), "it ended in round {round}");
        }
    }
}

#[test]
fn garbage_disturbs_nobody() {
    let engine = engine();
    let stream = cam(&engine, &[]);
    let (mut client, session, packets) = reading(&engine, &stream, &picture(true, true, 1));
    let server = packets[0].header.ssrc;
    let target = {
        let mut found = None;
        while found.is_none() {
            let mut buffer = [0; 2000];
            write(&stream, &picture(false, false, 3), false);
            client
                .socket
                .set_read_timeout(Some(Duration::from_millis(100)))
                .unwrap();
            found = client
                .socket
                .recv_from(&mut buffer)
                .ok()
                .map(|(_, from)| from);
        }
        found.unwrap()
    };
    let stranger = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let mut state = 1_u64;
    for number in 0..2000_u64 {
        let mut random = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(number | 1);
            (state >> 33) as u8
        };
        let length = usize::from(random()) * 5 % 1300;
        let mut datagram: Vec<u8> = (0..length).map(|_| random()).collect();
        if let Some(first) = datagram.first_mut() {
            *first = [0, 1, 20, 22, 128, 144, 200, 255][(number % 8) as usize];
        }
        // From a stranger, and as if from the client itself.
        let _ = stranger.send_to(&datagram, target);
        let _ = client.socket.send_to(&datagram, target);
    }
    let end = Instant::now() + LIMIT;
    loop {
        assert!(
            Instant::now() < end && !session.has_ended(),
            "it was disturbed"
        );
        write(&stream, &picture(false, false, 5), false);
        let came = client.step(&mut |event| match event {
            Event::RtpPacket(packet) => Some(packet.header.ssrc),
            _ => None,
        });
        if came == Some(server) {
            break;
        }
    }
    engine.close(Duration::from_millis(100));
    let ended = engine.poll().into_iter().any(
        |event| matches!(event, EngineEvent::SessionEnded(_, why) if why == "the server was stopped"),
    );
    assert!(ended);
}
