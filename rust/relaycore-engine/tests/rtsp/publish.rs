//! Streams that clients publish: what readers get of them, and who may publish where.

use crate::support::publisher::{DESCRIPTION, PPS, Publisher, SPS};
use crate::support::{Client, Server, rtcp_kinds, rtp_info};
use relaycore_engine::Event;
use relaycore_engine::decision::{Action, Answer};
use relaycore_engine::paths::{PathOptions, StreamChange};
use relaycore_proto::limits::Limits;
use relaycore_proto::rtcp::{self, RtcpPacket};
use relaycore_proto::rtp::RtpPacket;
use std::ops::ControlFlow;
use std::sync::atomic::Ordering;

/// The next change of a stream.
pub(crate) fn changed(server: &Server) -> StreamChange {
    server.wait(|event| match event {
        Event::Stream(_, change) => ControlFlow::Break(change),
        other => ControlFlow::Continue(other),
    })
}

/// The name that a test gave a picture, behind the two bytes of its header.
pub(crate) fn name(packet: &[u8]) -> String {
    let payload = RtpPacket::parse(packet).unwrap().payload;
    String::from_utf8_lossy(&payload[2..]).into_owned()
}

/// The next packet of video that holds a picture.
pub(crate) fn picture(reader: &mut Client) -> Vec<u8> {
    loop {
        let packet = reader.frame_on(0);
        if matches!(RtpPacket::parse(&packet).unwrap().payload[0] & 0x1f, 1 | 5) {
            return packet;
        }
    }
}

/// A reader that got the first picture of `publisher`, called `first`.
pub(crate) fn reader_of(server: &Server, publisher: &mut Publisher) -> Client {
    publisher.key("first");
    assert_eq!(changed(server), StreamChange::Added);
    // A reader that came before would ask the publisher for a key frame.
    server.wait_begun("live");
    let mut reader = Client::playing(server, "live", 2);
    assert_eq!(name(&picture(&mut reader)), "first");
    reader
}

/// The channels on which goodbyes come until the connection is closed.
fn goodbyes(reader: &mut Client) -> Vec<u8> {
    let mut rest = reader.rest();
    rest.retain(|(channel, data)| channel % 2 == 1 && rtcp_kinds(data).contains(&"BYE"));
    rest.into_iter().map(|(channel, _)| channel).collect()
}

#[test]
fn packets_get_the_numbers_of_the_stream_and_keep_their_payload() {
    let server = Server::open();
    let mut publisher = Publisher::recording(&server, "live");
    publisher.key("first");
    assert_eq!(changed(&server), StreamChange::Added);
    let mut reader = Client::connect(server.address);
    let answer = reader.play_tcp(&server.url("live"), 2);
    let stream = server.engine.stream("live").unwrap();
    let mut first = None;
    let mut payloads = Vec::new();
    for _ in 0..3 {
        let packet = reader.frame_on(0);
        let parsed = RtpPacket::parse(&packet).unwrap();
        assert_eq!(Some(parsed.header.ssrc), stream.ssrc(0));
        first.get_or_insert((parsed.header.sequence.0, parsed.header.timestamp));
        payloads.push(parsed.payload.to_vec());
    }
    assert_eq!(payloads, [SPS, PPS, b"\x65\x88first"]);
    let info = rtp_info(&answer).remove(0);
    assert_eq!(first, Some((info.seq, info.rtptime)));
    publisher.send(1, b"sound", true);
    let sound = reader.frame_on(2);
    let sound = RtpPacket::parse(&sound).unwrap();
    assert_eq!(
        (sound.payload, sound.header.payload_type.0),
        (&b"sound"[..], 8)
    );
    assert_eq!(Some(sound.header.ssrc), stream.ssrc(1));
}

#[test]
fn readers_stay_while_publishers_come_and_go() {
    let server = Server::open();
    let mut publisher = Publisher::recording(&server, "live");
    let mut reader = reader_of(&server, &mut publisher);
    publisher.picture("second");
    let mut last = picture(&mut reader);
    for round in 0..3 {
        if round % 2 == 0 {
            publisher.teardown();
        }
        drop(publisher);
        assert_eq!(changed(&server), StreamChange::Vacant);
        publisher = Publisher::recording(&server, "live");
        assert_eq!(changed(&server), StreamChange::Resumed);
        publisher.key("again");
        let next = RtpPacket::parse(&last).unwrap().header.sequence.next();
        let (sets, again) = (reader.frame_on(0), picture(&mut reader));
        let [before, sets, after] =
            [&last, &sets, &again].map(|packet| RtpPacket::parse(packet).unwrap().header);
        assert_eq!(sets.sequence, next, "nothing is missing");
        assert_eq!((after.ssrc, name(&again).as_str()), (before.ssrc, "again"));
        let later = after.timestamp.wrapping_sub(before.timestamp);
        assert!((1..90_000 * 60).contains(&later), "{later}");
        last = again;
    }
}

#[test]
fn a_second_publisher_is_refused_while_the_first_sends() {
    let server = Server::open();
    let mut first = Publisher::recording(&server, "live");
    let mut reader = reader_of(&server, &mut first);
    let mut second = Publisher::connect(&server, "live");
    let response = second.announce(DESCRIPTION);
    assert_eq!(response.status.0, 403);
    let reason = response.reason.unwrap();
    assert!(reason.contains("has a publisher already"), "{reason}");
    first.picture("second");
    assert_eq!(name(&picture(&mut reader)), "second");
}

#[test]
fn two_that_announce_together_do_not_both_publish() {
    let server = Server::open();
    let mut publishers = [0, 1].map(|_| Publisher::connect(&server, "live"));
    for publisher in &mut publishers {
        assert_eq!(publisher.announce(DESCRIPTION).status.0, 200);
    }
    let statuses = publishers
        .each_mut()
        .map(|publisher| publisher.setup(0).status.0);
    assert_eq!(statuses, [200, 403]);
}

#[test]
fn where_the_path_says_so_a_second_publisher_takes_over() {
    let server = Server::open();
    let takeover = PathOptions {
        takeover: true,
        ..PathOptions::default()
    };
    server.engine.configure_path("live", takeover);
    let mut first = Publisher::recording(&server, "live");
    let mut reader = reader_of(&server, &mut first);
    let mut second = Publisher::recording(&server, "live");
    assert_eq!(changed(&server), StreamChange::Resumed);
    assert!(first.client.wait_closed().is_empty());
    let (session, reason) = server.ended();
    assert_eq!(session.action, Action::Publish);
    assert_eq!(reason, "another publisher took the path over");
    second.key("mine");
    assert_eq!(name(&picture(&mut reader)), "mine");
}

#[test]
fn a_silent_publisher_gives_way() {
    let limits = Limits {
        publisher_silence_ms: 500,
        ..Limits::default()
    };
    let server = Server::with(limits);
    let mut first = Publisher::recording(&server, "live");
    let mut reader = reader_of(&server, &mut first);
    let mut second = Publisher::connect(&server, "live");
    while second.announce(DESCRIPTION).status.0 == 403 {
        std::thread::yield_now();
    }
    second.setup(0);
    second.setup(1);
    second.record();
    second.key("mine");
    assert_eq!(name(&picture(&mut reader)), "mine");
}

#[test]
fn readers_of_other_tracks_are_ended_with_the_reason() {
    let server = Server::open();
    let mut publisher = Publisher::recording(&server, "live");
    let mut reader = reader_of(&server, &mut publisher);
    publisher.teardown();
    let mut other = Publisher::connect(&server, "live");
    other.announce("v=0\r\ns=-\r\nm=audio 0 RTP/AVP 0\r\na=control:streamid=0\r\n");
    other.setup(0);
    let (session, reason) = server.wait(|event| match event {
        Event::SessionEnded(session, reason) if session.action == Action::Read => {
            ControlFlow::Break((session, reason))
        }
        other => ControlFlow::Continue(other),
    });
    assert_eq!(
        (session.path.as_str(), &*reason),
        ("live", "another publisher came with other tracks")
    );
    assert_eq!(goodbyes(&mut reader), [1, 3]);
}

#[test]
fn a_stream_ends_when_no_publisher_comes_back_in_time() {
    let server = Server::open();
    let soon = PathOptions {
        publisher_timeout: 1_000_000,
        ..PathOptions::default()
    };
    server.engine.configure_path("live", soon);
    let mut publisher = Publisher::recording(&server, "live");
    let mut reader = reader_of(&server, &mut publisher);
    publisher.teardown();
    assert_eq!(changed(&server), StreamChange::Vacant);
    let gone = StreamChange::Removed("the publisher left and none came back");
    assert_eq!(changed(&server), gone);
    assert_eq!(goodbyes(&mut reader), [1, 3]);
    assert!(server.engine.stream("live").is_none());
}

#[test]
fn a_publisher_that_sends_nothing_leaves_nothing() {
    let server = Server::open();
    let mut publisher = Publisher::recording(&server, "live");
    assert_eq!(changed(&server), StreamChange::Added);
    publisher.teardown();
    assert!(matches!(changed(&server), StreamChange::Removed(_)));
    assert!(server.engine.stream("live").is_none());
}

#[test]
fn datagrams_are_put_in_order() {
    let server = Server::open();
    let mut publisher = Publisher::recording_udp(&server, "live");
    let mut reader = reader_of(&server, &mut publisher);
    let mut packets = Vec::new();
    for number in 0..6 {
        packets.push(publisher.packet(0, format!("\x41\x01{number}").as_bytes(), true));
        publisher.advance(0, 3000);
    }
    for number in [1, 3, 2, 0, 5, 4] {
        publisher.send_packet(0, &packets[number]);
    }
    let got: Vec<_> = (0..6).map(|_| name(&picture(&mut reader))).collect();
    assert_eq!(got, ["0", "1", "2", "3", "4", "5"]);
}

#[test]
fn datagrams_of_others_are_not_taken() {
    let server = Server::open();
    let mut publisher = Publisher::recording_udp(&server, "live");
    let mut reader = reader_of(&server, &mut publisher);
    let forged = publisher.packet(0, b"\x41\x01forged", true);
    let socket = std::net::UdpSocket::bind("127.0.0.2:0").unwrap();
    let port = publisher.server_port(0);
    socket.send_to(&forged, ("127.0.0.1", port)).unwrap();
    publisher.advance(0, 3000);
    publisher.skip_back(0);
    publisher.picture("mine");
    assert_eq!(name(&picture(&mut reader)), "mine");
}

#[test]
fn a_key_frame_is_asked_for_upstream_with_a_report() {
    let server = Server::open();
    for (datagrams, path) in [(false, "tcp"), (true, "udp")] {
        let mut publisher = match datagrams {
            false => Publisher::recording(&server, path),
            true => Publisher::recording_udp(&server, path),
        };
        publisher.picture("in the middle");
        while changed(&server) != StreamChange::Added {}
        let mut reader = Client::connect(server.address);
        reader.setup_tcp(&server.url(path), 2);
        let text = reader.text("PLAY", &server.url(path), &[]);
        reader.send(text.as_bytes());
        let packets = rtcp::parse_compound(&publisher.rtcp(0)).unwrap();
        let [
            RtcpPacket::ReceiverReport(report),
            RtcpPacket::SourceDescription(_),
            RtcpPacket::Pli(pli),
        ] = &packets[..]
        else {
            panic!("{packets:?}");
        };
        assert_eq!(pli.media, publisher.ssrc(0));
        assert_eq!(report.reports[0].ssrc, publisher.ssrc(0));
        publisher.key("asked for");
        assert_eq!(reader.response().status.0, 200);
        assert_eq!(name(&picture(&mut reader)), "asked for");
    }
}

#[test]
fn a_publisher_is_asked_about_as_one() {
    let server = Server::deciding(Limits::default(), |request| {
        Some(match request.action {
            Action::Publish => Answer::Refuse {
                status: 403,
                reason: "Not you".to_owned(),
            },
            Action::Read => Answer::Allow {
                user: None,
                ticket: 0,
            },
        })
    });
    let mut publisher = Publisher::connect(&server, "live");
    let response = publisher.announce(DESCRIPTION);
    assert_eq!(
        (response.status.0, response.reason.as_deref()),
        (403, Some("Not you"))
    );
    let question = server.asked();
    assert_eq!(
        (question.path.as_str(), question.method.as_str()),
        ("live", "ANNOUNCE")
    );
}

#[test]
fn what_is_out_of_order_or_makes_no_sense_is_refused() {
    let server = Server::open();
    let mut publisher = Publisher::connect(&server, "live");
    assert_eq!(publisher.setup(0).status.0, 455, "SETUP before ANNOUNCE");
    assert_eq!(publisher.record().status.0, 454, "RECORD before SETUP");
    for nonsense in ["", "hello", "v=0\r\ns=-\r\n", "v=0\r\nm=video\r\n"] {
        let response = publisher.announce(nonsense);
        assert_eq!(response.status.0, 400, "{nonsense:?}");
        assert!(response.reason.is_some(), "{nonsense:?}");
    }
    let many = "m=audio 0 RTP/AVP 0\r\n".repeat(Limits::default().tracks + 1);
    assert_eq!(publisher.announce(&format!("v=0\r\n{many}")).status.0, 400);
    let url = server.url("live");
    assert_eq!(
        publisher
            .client
            .status("ANNOUNCE", &url, &[("Content-Type", "text/plain")]),
        415
    );
    assert_eq!(
        publisher.client.status("ANNOUNCE", &server.url(""), &[]),
        400
    );
    assert_eq!(publisher.announce(DESCRIPTION).status.0, 200);
    assert_eq!(publisher.setup(7).status.0, 404);
    assert_eq!(publisher.setup(0).status.0, 200);
    assert_eq!(
        publisher.client.status("PLAY", &url, &[]),
        455,
        "a publisher does not read"
    );
    assert_eq!(publisher.record().status.0, 200);
    // A reader does not publish.
    publisher.key("first");
    let mut reader = Client::playing(&server, "live", 1);
    assert_eq!(reader.status("RECORD", &url, &[]), 455);
}

#[test]
fn publishers_of_more_streams_than_the_limit_are_refused() {
    let server = Server::with(Limits {
        streams: 1,
        ..Limits::default()
    });
    let _first = Publisher::recording(&server, "one");
    let mut second = Publisher::connect(&server, "two");
    assert_eq!(second.announce(DESCRIPTION).status.0, 200);
    let refused = second.setup(0);
    assert_eq!(refused.status.0, 453);
    assert!(refused.reason.unwrap().contains("limit"));
}

#[test]
fn garbage_from_a_publisher_harms_nobody() {
    let server = Server::open();
    let mut publisher = Publisher::recording(&server, "live");
    let mut reader = reader_of(&server, &mut publisher);
    for length in 0..40 {
        let garbage = vec![0x80 | length as u8; length];
        publisher.send_packet(0, &garbage);
        publisher.send_packet(1, &garbage);
    }
    publisher.picture("second");
    assert_eq!(name(&picture(&mut reader)), "second");
}

#[test]
fn a_publisher_counts_what_it_sent() {
    let server = Server::open();
    let mut publisher = Publisher::recording(&server, "live");
    let _reader = reader_of(&server, &mut publisher);
    // Whoever reads and counts the packets answers behind them.
    assert_eq!(publisher.client.status("OPTIONS", "*", &[]), 200);
    let sessions = server.engine.sessions();
    let session = sessions.iter().find(|it| it.action == Action::Publish);
    let counters = &session.unwrap().counters;
    assert_eq!(counters.packets.load(Ordering::Relaxed), 3);
}
