//! What clients offer in SETUP, and what is chosen.

use crate::support::{Client, Feed, Server};
use relaycore_proto::rtsp::header::transport::{Profile, Transport};
use relaycore_proto::rtsp::message::Response;

fn chosen(response: &Response) -> Transport {
    assert_eq!(response.status.0, 200);
    Transport::parse(response.headers.get("Transport").unwrap()).unwrap()
}

#[test]
fn odd_offers_of_real_clients_are_understood() {
    let server = Server::open();
    let _feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    for (offer, interleaved, profile) in [
        (
            "RTP/AVP/TCP;unicast;interleaved=0-1",
            true,
            Profile::RtpAvpTcp,
        ),
        ("RTP/AVP/TCP;interleaved=4-5", true, Profile::RtpAvpTcp),
        ("RTP/AVP/TCP", true, Profile::RtpAvpTcp),
        (
            "RTP/AVP/TCP;unicast;mode=\"PLAY\"",
            true,
            Profile::RtpAvpTcp,
        ),
        ("RTP/AVP;client_port=45000-45001", false, Profile::RtpAvpUdp),
        (
            "RTP/AVP/UDP;unicast;client_port=45002-45003;mode=play",
            false,
            Profile::RtpAvpUdp,
        ),
        (
            "RTP/AVP/UDP;unicast;client_port=45004-45005,RTP/AVP/TCP;unicast;interleaved=0-1",
            false,
            Profile::RtpAvpUdp,
        ),
        (
            "RTP/SAVP;unicast;client_port=45006-45007,RTP/AVP;multicast,RTP/AVP/TCP;unicast",
            true,
            Profile::RtpAvpTcp,
        ),
        (
            "RTP/AVP;unicast;destination=127.0.0.1;client_port=45008-45009",
            false,
            Profile::RtpAvpUdp,
        ),
    ] {
        let mut client = Client::connect(server.address);
        let transport = chosen(&client.setup(&url, 0, offer));
        assert_eq!(transport.profile, profile, "{offer}");
        assert_eq!(transport.interleaved.is_some(), interleaved, "{offer}");
        assert_eq!(transport.server_port.is_some(), !interleaved, "{offer}");
        let session = client.session.unwrap();
        assert!(session.ends_with(";timeout=60"), "{session}");
    }
}

#[test]
fn channels_are_those_that_the_client_chose() {
    let server = Server::open();
    let _feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    let mut client = Client::connect(server.address);
    let video = chosen(&client.setup(&url, 0, "RTP/AVP/TCP;unicast;interleaved=6-7"));
    assert_eq!(video.interleaved, Some((6, 7)));
    let taken = chosen(&client.setup(&url, 1, "RTP/AVP/TCP;unicast;interleaved=7-8"));
    let (rtp, rtcp) = taken.interleaved.unwrap();
    assert!(![6, 7].contains(&rtp) && ![6, 7].contains(&rtcp));
    assert_eq!(client.status("PLAY", &url, &[]), 200);
    for channel in [7, rtcp, rtp, 6] {
        assert_eq!(client.frame().unwrap().0, channel);
    }
}

#[test]
fn a_track_can_be_set_up_again_as_it_was() {
    let server = Server::open();
    let _feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    let mut client = Client::connect(server.address);
    for _ in 0..2 {
        let transport = chosen(&client.setup(&url, 0, "RTP/AVP/TCP;unicast;interleaved=8-9"));
        assert_eq!(transport.interleaved, Some((8, 9)));
    }
    let mut client = Client::connect(server.address);
    for _ in 0..2 {
        let transport = chosen(&client.setup(&url, 0, "RTP/AVP;unicast;client_port=45010-45011"));
        assert_eq!(transport.client_port, Some((45010, 45011)));
    }
    let other = client.setup(&url, 1, "RTP/AVP;unicast;client_port=45010-45011");
    assert_eq!(
        other.status.0, 461,
        "two tracks cannot report from one port"
    );
}

#[test]
fn a_session_keeps_to_one_way() {
    let server = Server::open();
    let _feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    let mut client = Client::connect(server.address);
    chosen(&client.setup(&url, 0, "RTP/AVP/TCP;unicast;interleaved=0-1"));
    let other = client.setup(&url, 1, "RTP/AVP;unicast;client_port=45012-45013");
    assert_eq!(other.status.0, 461);
    let both = "RTP/AVP;unicast;client_port=45012-45013,RTP/AVP/TCP;unicast;interleaved=2-3";
    assert!(chosen(&client.setup(&url, 1, both)).interleaved.is_some());
}
