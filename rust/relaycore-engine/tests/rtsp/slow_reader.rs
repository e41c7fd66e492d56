//! A reader that does not keep up loses whole groups of pictures, and nobody else loses anything.

use crate::support::{Client, Feed, Server, datagram, small_limits};
use relaycore_engine::clock::now_ns;
use relaycore_engine::decision::Answer;
use relaycore_engine::stream::JoinPolicy;
use relaycore_proto::limits::Limits;
use relaycore_proto::rtp::{RtpHeader, RtpPacket, SequenceNumber};
use std::sync::atomic::Ordering;

/// NAL unit types that stand before a picture that can be started from: parameter sets, alone or aggregated.
const STARTS: [u8; 2] = [7, 24];

fn parse(packet: &[u8]) -> (RtpHeader, u8) {
    let packet = RtpPacket::parse(packet).unwrap();
    (packet.header, packet.payload[0] & 0x1f)
}

/// Reads up to the end of a picture, and asserts that nothing is missing since `last`.
fn picture_end(client: &mut Client, mut last: Option<SequenceNumber>) -> SequenceNumber {
    loop {
        let (header, _) = parse(&client.frame_on(0));
        assert!(
            last.is_none_or(|last| last.next() == header.sequence),
            "the other reader lost a packet"
        );
        if header.marker {
            return header.sequence;
        }
        last = Some(header.sequence);
    }
}

/// Asserts that a client that plays one track, and reads nothing until pictures are discarded, goes on with a picture that
/// it can start from, and is answered. Its limits are small.
pub(crate) fn assert_loses_whole_pictures(server: &Server, feed: &mut Feed, client: &mut Client) {
    let session = server.engine.sessions().pop().unwrap();
    let discarded = || session.counters.discarded.load(Ordering::Relaxed);
    // Nothing is read meanwhile.
    while discarded() == 0 {
        feed.key(400_000);
        feed.picture(100_000);
    }
    let mut last: Option<SequenceNumber> = None;
    let mut gaps = 0;
    while gaps == 0 {
        let (header, kind) = parse(&client.frame_on(0));
        if last.is_some_and(|last| last.next() != header.sequence) {
            assert!(STARTS.contains(&kind));
            gaps += 1;
        }
        last = Some(header.sequence);
        feed.key(1000);
    }
    assert_eq!(client.status("OPTIONS", "*", &[]), 200);
}

#[test]
fn a_stalled_reader_resumes_at_a_random_access_point_and_disturbs_nobody() {
    let server = Server::with(small_limits());
    let mut feed = Feed::started(&server.engine, "cam");
    let mut stalled = Client::narrow(server.address);
    stalled.play_tcp(&server.url("cam"), 1);
    let stalled_session = server.engine.sessions().pop().unwrap();
    let discarded = || stalled_session.counters.discarded.load(Ordering::Relaxed);
    let mut other = Client::playing(&server, "cam", 1);
    let mut last = picture_end(&mut other, None);
    let mut follow = |feed: &mut Feed, other: &mut Client, key: bool| {
        if key {
            feed.key(400_000);
        } else {
            feed.picture(100_000);
        }
        last = picture_end(other, Some(last));
        last
    };
    // More than the sockets' buffers take, and for longer than a reader may be late.
    let mut number = 0;
    while number < 60 || discarded() == 0 {
        follow(&mut feed, &mut other, number % 5 == 0);
        number += 1;
    }
    let end = follow(&mut feed, &mut other, true);
    let lag = || stalled_session.counters.lag_ns(now_ns());
    assert!(lag() > 0);

    let mut gap = 0;
    let (mut last, _) = parse(&stalled.frame_on(0));
    while last.sequence != end {
        let (header, kind) = parse(&stalled.frame_on(0));
        let step = u64::from(header.sequence.0.wrapping_sub(last.sequence.0));
        if step != 1 {
            assert!(STARTS.contains(&kind), "it resumes at NAL unit type {kind}");
            gap += step - 1;
        }
        last = header;
    }
    assert!(gap > 0);
    assert_eq!(discarded() as u16, gap as u16, "numbers wrap in a long gap");
    assert_eq!(stalled.status("OPTIONS", "*", &[]), 200);
    assert_eq!(lag(), 0, "it has all that there is");
}

#[test]
fn packets_that_left_the_ring_before_they_were_sent_are_counted_too() {
    let server = Server::with(Limits {
        ring_bytes: 65_536,
        ..small_limits()
    });
    let mut feed = Feed::started(&server.engine, "cam");
    let mut stalled = Client::narrow(server.address);
    stalled.play_tcp(&server.url("cam"), 1);
    let session = server.engine.sessions().pop().unwrap();
    let discarded = || session.counters.discarded.load(Ordering::Relaxed);
    let mut other = Client::playing(&server, "cam", 1);
    let mut end = picture_end(&mut other, None);
    let mut number = 0;
    while number < 200 || discarded() == 0 {
        feed.key(60_000);
        end = picture_end(&mut other, Some(end));
        number += 1;
    }
    let mut gap = 0;
    let (mut last, _) = parse(&stalled.frame_on(0));
    while last.sequence != end {
        let (header, _) = parse(&stalled.frame_on(0));
        gap += u64::from(header.sequence.0.wrapping_sub(last.sequence.0)) - 1;
        last = header;
    }
    assert!(gap > 0);
    assert_eq!(discarded() as u16, gap as u16, "numbers wrap in a long gap");
}

#[test]
fn a_picture_that_is_being_sent_in_portions_is_sent_whole() {
    let server = Server::with(Limits {
        ring_bytes: 65_536,
        ..Limits::default()
    });
    let mut feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    let mut client = Client::connect(server.address);
    let (_, [rtp, _rtcp]) = client.setup_udp(&url, 0);
    let (_, [_sound, _]) = client.setup_udp(&url, 1);
    assert_eq!(client.status("PLAY", &url, &[]), 200);
    let (mut last, _) = parse(&datagram(&rtp));
    for _ in 0..5 {
        while !last.marker {
            last = parse(&datagram(&rtp)).0;
        }
        // Larger than the ring: it leaves it with the next burst.
        feed.key(70_000);
        let before = last.sequence;
        last = parse(&datagram(&rtp)).0;
        assert_eq!(last.sequence, before.next());
        feed.sound();
        while !last.marker {
            let (header, _) = parse(&datagram(&rtp));
            assert_eq!(header.sequence, last.sequence.next());
            last = header;
        }
    }
}

/// Pictures of a group.
const PICTURES: u32 = 40;

#[test]
fn the_past_that_a_reader_joins_with_does_not_make_it_late() {
    for join in [JoinPolicy::Raw, JoinPolicy::Squeeze] {
        let limits = Limits {
            reader_age_ms: 1000,
            decision_timeout_ms: 1200,
            ..Limits::default()
        };
        let server = Server::deciding(limits, |request| {
            (request.path == "cam").then_some(Answer::Allow {
                user: None,
                ticket: 0,
            })
        });
        let mut feed = Feed::joining(&server.engine, "cam", join);
        feed.key(50_000);
        for _ in 1..PICTURES {
            feed.picture(20_000);
        }
        // A question that stays open is a clock: when it is given up, the pictures are older than a reader may be late.
        let mut clock = Client::connect(server.address);
        assert_eq!(clock.status("DESCRIBE", &server.url("clock"), &[]), 503);
        let mut client = Client::playing(&server, "cam", 1);
        let (mut last, kind) = parse(&client.frame_on(0));
        assert!(STARTS.contains(&kind));
        let mut shown = 0;
        while shown < PICTURES {
            let (header, _) = parse(&client.frame_on(0));
            assert_eq!(header.sequence, last.sequence.next(), "{join:?}");
            shown += u32::from(header.marker);
            last = header;
        }
    }
}
