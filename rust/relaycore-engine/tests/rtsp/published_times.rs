//! What readers are told of the times of a published stream.

use crate::publish::{changed, picture, reader_of};
use crate::support::publisher::Publisher;
use crate::support::{Client, Server, datagram, rtcp_kinds, rtp_info, sender_report};
use relaycore_engine::clock::{SECOND, now_ns};
use relaycore_engine::paths::StreamChange;
use relaycore_proto::rtcp;
use relaycore_proto::rtp::RtpPacket;
use relaycore_proto::rtsp::header::range::Range;

/// Number and timestamp of a packet.
fn numbers(packet: &[u8]) -> (u16, u32) {
    let header = RtpPacket::parse(packet).unwrap().header;
    (header.sequence.0, header.timestamp)
}

#[test]
fn play_names_the_first_packet_of_each_track_and_its_moment() {
    let server = Server::open();
    for (publishes_datagrams, reads_datagrams, path) in
        [(false, false, "a"), (false, true, "b"), (true, false, "c")]
    {
        let mut publisher = match publishes_datagrams {
            false => Publisher::recording(&server, path),
            true => Publisher::recording_udp(&server, path),
        };
        let before = server.engine.unix_ns(now_ns());
        publisher.send(1, b"sound", true);
        publisher.key("first");
        while changed(&server) != StreamChange::Added {}
        let url = server.url(path);
        let mut reader = Client::connect(server.address);
        let mut sockets = Vec::new();
        for track in 0..2 {
            if reads_datagrams {
                sockets.push(reader.setup_udp(&url, track).1);
            } else {
                let transport = format!("RTP/AVP/TCP;interleaved={}-{}", 2 * track, 2 * track + 1);
                assert_eq!(reader.setup(&url, track, &transport).status.0, 200);
            }
        }
        let answer = reader.request("PLAY", &url, &[]);
        let after = server.engine.unix_ns(now_ns());
        publisher.send(1, b"more", true);
        // The sound was sent first.
        for (track, entry) in rtp_info(&answer).iter().enumerate().rev() {
            let packet = match sockets.get(track) {
                Some([rtp, _]) => datagram(rtp),
                None => reader.frame_on(2 * track as u8),
            };
            assert!(entry.url.ends_with(&format!("trackID={track}")));
            assert_eq!(
                numbers(&packet),
                (entry.seq, entry.rtptime),
                "{path} {track}"
            );
        }
        let range = Range::parse(answer.headers.get("Range").unwrap()).unwrap();
        let Range::Clock { start, end: None } = range else {
            panic!("{range:?}");
        };
        let (earliest, latest) = (before - SECOND / 20, after + SECOND / 20);
        assert!(
            (earliest..=latest).contains(&start),
            "{earliest} {start} {latest}"
        );
    }
}

#[test]
fn reports_are_repeated() {
    let server = Server::open();
    let mut publisher = Publisher::recording(&server, "live");
    let mut reader = reader_of(&server, &mut publisher);
    let mut distant = Client::connect(server.address);
    let (_, [_rtp, rtcp]) = distant.setup_udp(&server.url("live"), 0);
    assert_eq!(distant.status("PLAY", &server.url("live"), &[]), 200);
    let mut last = [0; 2];
    for _ in 0..2 {
        for (last, report) in last.iter_mut().zip([reader.frame_on(1), datagram(&rtcp)]) {
            assert_eq!(rtcp_kinds(&report), ["SR", "SDES"]);
            let report = sender_report(&report);
            assert!(report.ntp > *last);
            *last = report.ntp;
        }
        assert_eq!(rtcp_kinds(&publisher.rtcp(0)), ["RR", "SDES"]);
        publisher.picture("another");
        picture(&mut reader);
    }
}

#[test]
fn reports_are_carried_over() {
    let server = Server::open();
    let mut publisher = Publisher::recording(&server, "live");
    // A publisher whose clock was never set: 1 January 1970, a little after midnight.
    let started = rtcp::ntp_from_unix_ns(100_000_000_000);
    publisher.report(1, started);
    publisher.report(0, started);
    publisher.send(1, b"sound", true);
    publisher.advance(0, 9000);
    let mut reader = reader_of(&server, &mut publisher);
    let [video, sound] = [reader.frame_on(1), reader.frame_on(3)].map(|it| sender_report(&it));
    // What was taken at the same moment has the same time, whatever the tracks' timestamps are.
    let stream = server.engine.stream("live").unwrap();
    let clock = |track: usize| stream.sender_clock(track, now_ns()).unwrap();
    let (video_now, sound_now) = (clock(0), clock(1));
    let seconds = |ntp: u64| ntp as f64 / 4_294_967_296.0;
    let apart = seconds(video_now.0) - seconds(sound_now.0);
    assert!(apart.abs() < 0.5, "{apart}");
    let unset = seconds(video.ntp) - seconds(rtcp::ntp_from_unix_ns(stream.unix_ns(now_ns())));
    assert!(
        unset.abs() < 30.0,
        "the server's clock is told, not 1970: {unset}"
    );
    assert!((seconds(sound.ntp) - seconds(video.ntp)).abs() < 30.0);
}
