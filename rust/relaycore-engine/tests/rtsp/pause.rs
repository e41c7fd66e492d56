//! PAUSE and PLAY: numbering goes on where it stopped (RFC 2326 appendix B).

use crate::support::{Client, Feed, Server, datagram, rtp_info};
use relaycore_proto::rtp::{RtpHeader, RtpPacket};
use relaycore_proto::rtsp::message::Response;

fn header(packet: &[u8]) -> RtpHeader {
    RtpPacket::parse(packet).unwrap().header
}

fn assert_goes_on(last: &RtpHeader, answer: &Response, next: &RtpHeader) {
    let info = rtp_info(answer);
    assert_eq!(next.sequence, last.sequence.next());
    assert_eq!(
        (info[0].seq, info[0].rtptime),
        (next.sequence.0, next.timestamp)
    );
    assert_eq!(next.ssrc, last.ssrc);
}

#[test]
fn interleaved_packets_go_on_where_they_stopped() {
    let server = Server::open();
    let mut feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    let mut client = Client::playing(&server, "cam", 1);
    feed.picture(100);
    let mut last = header(&client.frame_on(0));
    for _ in 0..3 {
        while !last.marker {
            last = header(&client.frame_on(0));
        }
        // The answer to PAUSE may come before or after a picture that was on its way.
        let text = client.text("PAUSE", &url, &[]);
        client.send(text.as_bytes());
        assert_eq!(client.response().status.0, 200);
        let paused = client.request("OPTIONS", "*", &[]);
        assert_eq!(paused.status.0, 200);
        for packet in client.kept(0) {
            last = header(&packet);
        }
        feed.key(5000);
        feed.picture(100);
        assert_eq!(client.status("OPTIONS", "*", &[]), 200);
        assert!(client.kept(0).is_empty(), "nothing is sent while it pauses");
        let answer = client.request("PLAY", &url, &[]);
        let next = header(&client.frame_on(0));
        assert_goes_on(&last, &answer, &next);
        last = next;
        feed.picture(5000);
    }
    let discarded = &server.engine.sessions()[0].counters.discarded;
    assert_eq!(discarded.load(std::sync::atomic::Ordering::Relaxed), 0);
}

#[test]
fn datagrams_go_on_where_they_stopped() {
    let server = Server::open();
    let mut feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    let mut client = Client::connect(server.address);
    let (_, [rtp, _rtcp]) = client.setup_udp(&url, 0);
    assert_eq!(client.status("PLAY", &url, &[]), 200);
    let mut last = header(&datagram(&rtp));
    for _ in 0..3 {
        while !last.marker {
            last = header(&datagram(&rtp));
        }
        assert_eq!(client.status("PAUSE", &url, &[]), 200);
        feed.key(5000);
        let answer = client.request("PLAY", &url, &[]);
        let next = header(&datagram(&rtp));
        assert_goes_on(&last, &answer, &next);
        last = next;
    }
}

#[test]
fn a_pause_in_the_middle_of_a_large_picture_loses_its_rest_alone() {
    let server = Server::open();
    let mut feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    let mut client = Client::playing(&server, "cam", 1);
    let mut last = header(&client.frame_on(0));
    // More than the socket takes: the pause comes while it is being written.
    for _ in 0..4 {
        feed.key(3_000_000);
    }
    assert_eq!(client.status("PAUSE", &url, &[]), 200);
    feed.key(100);
    let answer = client.request("PLAY", &url, &[]);
    for packet in client.kept(0) {
        let next = header(&packet);
        assert_eq!(next.sequence, last.sequence.next());
        last = next;
    }
    assert_goes_on(&last, &answer, &header(&client.frame_on(0)));
}
