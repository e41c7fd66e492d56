//! Readers come and go; who stays notices nothing.

use crate::support::{Client, Feed, Server, datagram, rtp_info, sender_report};
use relaycore_engine::clock::{MILLISECOND, SECOND};
use relaycore_engine::stream::JoinPolicy;
use relaycore_proto::rtcp::ntp_from_unix_ns;
use relaycore_proto::rtp::RtpPacket;
use relaycore_proto::rtsp::header::range::Range;

#[test]
fn two_hundred_joins_and_leaves_cost_a_control_reader_nothing() {
    let server = Server::open();
    let mut feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    let mut control = Client::playing(&server, "cam", 1);
    let first = RtpPacket::parse(&control.frame_on(0))
        .unwrap()
        .header
        .sequence;
    for number in 0..200 {
        feed.key(2000);
        let mut client = Client::connect(server.address);
        if number % 4 == 0 {
            let (_, [rtp, _rtcp]) = client.setup_udp(&url, 0);
            assert_eq!(client.status("PLAY", &url, &[]), 200);
            datagram(&rtp);
        } else {
            client.play_tcp(&url, 2);
            client.frame_on(0);
        }
        feed.picture(2000);
        if number % 2 == 0 {
            assert_eq!(client.status("TEARDOWN", &url, &[]), 200);
        }
    }
    let last = feed.key(100);
    let mut expected = first;
    loop {
        let packet = control.frame_on(0);
        let packet = RtpPacket::parse(&packet).unwrap();
        expected = expected.next();
        assert_eq!(packet.header.sequence, expected);
        if packet.payload.ends_with(&last[last.len() - 90..]) {
            break;
        }
    }
}

/// Receivers put the packets on a wall clock by Range and RTP-Info first, and by sender reports later: both are true of
/// the same timestamps, also where those of the first pictures are squeezed.
#[test]
fn the_range_is_the_moment_of_the_first_timestamp_by_the_reports() {
    for policy in [JoinPolicy::Squeeze, JoinPolicy::Raw] {
        let server = Server::open();
        let mut feed = Feed::joining(&server.engine, "cam", policy);
        feed.group(&[2000, 1200, 400].map(|age| age * MILLISECOND));
        let url = server.url("cam");
        let mut client = Client::connect(server.address);
        client.setup_tcp(&url, 1);
        let answer = client.request("PLAY", &url, &[]);
        let Ok(Range::Clock { start, end: None }) =
            Range::parse(answer.headers.get("Range").unwrap())
        else {
            panic!("{answer:?}");
        };
        let report = sender_report(&client.frame_on(1));
        let ticks = report
            .rtp_timestamp
            .wrapping_sub(rtp_info(&answer)[0].rtptime);
        let expected = start + u64::from(ticks) * SECOND / 90_000;
        let apart = report.ntp.abs_diff(ntp_from_unix_ns(expected)) as f64 / 4_294_967_296.0;
        // Range is written in milliseconds.
        assert!(apart < 0.002, "{policy:?}: {apart} s");
    }
}
