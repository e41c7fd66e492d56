//! Readers come and go; who stays notices nothing.

use crate::support::{Client, Feed, Server, datagram};
use relaycore_proto::rtp::RtpPacket;

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
