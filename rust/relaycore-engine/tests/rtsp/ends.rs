//! Sessions that the server ends: their readers get a goodbye.

use crate::support::{Client, Feed, Server, datagram, rtcp_kinds, small_limits};
use relaycore_proto::limits::Limits;
use std::net::{TcpStream, UdpSocket};
use std::time::Duration;

fn is_goodbye(compound: &[u8]) -> bool {
    rtcp_kinds(compound).contains(&"BYE")
}

fn assert_ends_with_goodbyes(client: &mut Client, count: usize) {
    let goodbyes = client
        .rest()
        .iter()
        .filter(|(channel, data)| channel % 2 == 1 && is_goodbye(data))
        .count();
    assert_eq!(goodbyes, count);
}

#[test]
fn a_session_that_is_kicked_gets_a_goodbye() {
    let server = Server::open();
    let _feed = Feed::started(&server.engine, "cam");
    let mut client = Client::playing(&server, "cam", 2);
    let mut other = Client::playing(&server, "cam", 2);
    let id = client.session.clone().unwrap().replace(";timeout=60", "");
    assert!(server.engine.kick(&id));
    assert_ends_with_goodbyes(&mut client, 2);
    let (session, reason) = server.ended();
    assert_eq!(
        (session.id.as_str(), &*reason),
        (id.as_str(), "ended by the operator")
    );
    assert!(!server.engine.kick(&id), "it is gone");
    assert_eq!(other.status("OPTIONS", "*", &[]), 200);
}

#[test]
fn the_connection_of_a_kicked_datagram_session_lives() {
    let server = Server::open();
    let _feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    let mut client = Client::connect(server.address);
    let (_, [_rtp, rtcp]) = client.setup_udp(&url, 0);
    assert_eq!(client.status("PLAY", &url, &[]), 200);
    assert!(server.engine.kick(&server.engine.sessions()[0].id));
    assert_eq!(rtcp_kinds(&datagram(&rtcp)), ["SR", "SDES"]);
    assert!(is_goodbye(&datagram(&rtcp)));
    assert_eq!(client.status("PLAY", &url, &[]), 454);
}

#[test]
fn a_play_that_waits_is_answered_when_its_session_is_kicked() {
    let server = Server::open();
    let feed = Feed::new(&server.engine, "cam");
    let url = server.url("cam");
    for udp in [false, true] {
        let mut client = Client::connect(server.address);
        if udp {
            client.setup_udp(&url, 0);
        } else {
            client.setup_tcp(&url, 1);
        }
        let both = client.text("PLAY", &url, &[]) + &client.text("OPTIONS", "*", &[]);
        client.send(both.as_bytes());
        feed.wait_key_frame_wanted();
        assert!(server.engine.kick(&server.engine.sessions()[0].id));
        assert_eq!(client.response().status.0, 454);
        if udp {
            assert_eq!(client.response().status.0, 200);
        } else {
            client.wait_closed();
        }
        server.ended();
    }
}

#[test]
fn readers_of_a_removed_stream_get_a_goodbye_and_its_path_is_free() {
    let server = Server::open();
    let _feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    let mut playing = Client::playing(&server, "cam", 2);
    let mut ready = Client::connect(server.address);
    ready.setup_tcp(&url, 1);
    assert!(server.engine.remove_stream("cam"));
    assert!(!server.engine.remove_stream("cam"));
    assert_ends_with_goodbyes(&mut playing, 2);
    assert_eq!(server.ended().1, "the stream was removed");
    assert_eq!(ready.status("PLAY", &url, &[]), 454);
    ready.session = None;
    assert_eq!(ready.status("DESCRIBE", &url, &[]), 404);
    let _again = Feed::started(&server.engine, "cam");
    ready.play_tcp(&url, 2);
}

#[test]
fn a_track_that_sent_nothing_says_goodbye_as_well() {
    let server = Server::open();
    let mut feed = Feed::new(&server.engine, "cam");
    feed.key(100);
    let mut client = Client::playing(&server, "cam", 2);
    assert!(server.engine.kick(&server.engine.sessions()[0].id));
    let rest = client.rest();
    let sound: Vec<_> = rest.iter().filter(|(channel, _)| *channel == 3).collect();
    assert_eq!(sound.len(), 1, "no report before there was sound");
    assert_eq!(rtcp_kinds(&sound[0].1), ["RR", "SDES", "BYE"]);
}

#[test]
fn a_client_that_lost_its_connection_can_come_back_to_its_ports() {
    let server = Server::narrow(Limits::default());
    let _feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    let mut lost = Client::connect(server.address);
    let (_, [rtp, rtcp]) = lost.setup_udp(&url, 0);
    assert_eq!(lost.status("PLAY", &url, &[]), 200);
    drop(lost);
    let mut back = Client::connect(server.address);
    assert_eq!(back.status("OPTIONS", "*", &[]), 200);
    let port = |socket: &UdpSocket| {
        socket
            .local_addr()
            .map(|address| address.port())
            .unwrap_or(0)
    };
    let transport = format!("RTP/AVP;unicast;client_port={}-{}", port(&rtp), port(&rtcp));
    assert_eq!(back.setup(&url, 0, &transport).status.0, 200);
    assert_eq!(server.ended().1, "its client came back");
}

#[test]
fn closing_says_goodbye_to_everybody() {
    let server = Server::open();
    let _feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    let mut reader = Client::playing(&server, "cam", 2);
    let mut idle = Client::connect(server.address);
    let mut client = Client::connect(server.address);
    let (_, [_rtp, rtcp]) = client.setup_udp(&url, 0);
    assert_eq!(client.status("PLAY", &url, &[]), 200);
    server.engine.close(Duration::from_secs(10));
    assert_ends_with_goodbyes(&mut reader, 2);
    assert_eq!(rtcp_kinds(&datagram(&rtcp)), ["SR", "SDES"]);
    assert!(is_goodbye(&datagram(&rtcp)));
    idle.wait_closed();
    client.wait_closed();
    assert!(TcpStream::connect(server.address).is_err());
    assert!(server.engine.sessions().is_empty());
}

#[test]
fn a_reader_that_reads_nothing_does_not_hold_up_closing() {
    let server = Server::with(small_limits());
    let mut feed = Feed::started(&server.engine, "cam");
    let _stalled = Client::playing(&server, "cam", 1);
    let mut other = Client::playing(&server, "cam", 1);
    // More than the sockets' buffers take.
    for _ in 0..40 {
        feed.key(400_000);
        while !rtp_marker(&other.frame_on(0)) {}
    }
    server.engine.close(Duration::ZERO);
    assert!(server.engine.sessions().is_empty());
}

fn rtp_marker(packet: &[u8]) -> bool {
    packet[1] & 0x80 != 0
}
