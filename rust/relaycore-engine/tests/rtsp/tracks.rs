//! The URL of one track, where a session has one or several.

use crate::support::{Client, Feed, Server, datagram, rtcp_kinds};

#[test]
fn a_lone_track_is_controlled_by_its_own_url() {
    let server = Server::open();
    let _feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    let mut client = Client::connect(server.address);
    client.setup_tcp(&url, 1);
    for method in ["PLAY", "PAUSE", "TEARDOWN"] {
        assert_eq!(client.status(method, &format!("{url}/trackID=0"), &[]), 200);
    }
}

#[test]
fn a_client_without_aggregate_control_plays_one_track_after_the_other() {
    let server = Server::open();
    let mut feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    let mut client = Client::connect(server.address);
    client.setup_tcp(&url, 2);
    for track in 0..2 {
        assert_eq!(
            client.status("PLAY", &format!("{url}/trackID={track}"), &[]),
            200
        );
    }
    feed.sound();
    feed.picture(100);
    client.frame_on(2);
    client.frame_on(0);
}

#[test]
fn one_track_of_several_cannot_pause_alone() {
    let server = Server::open();
    let _feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    let mut client = Client::connect(server.address);
    client.play_tcp(&url, 2);
    assert_eq!(
        client.status("PAUSE", &format!("{url}/trackID=1"), &[]),
        460
    );
    assert_eq!(client.status("PAUSE", &format!("{url}/"), &[]), 200);
}

#[test]
fn an_interleaved_track_that_is_given_up_says_goodbye_and_is_silent() {
    let server = Server::open();
    let mut feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    let mut client = Client::connect(server.address);
    client.play_tcp(&url, 2);
    let (video, sound) = (format!("{url}/trackID=0"), format!("{url}/trackID=1"));
    feed.key(100);
    assert_eq!(client.status("TEARDOWN", &video, &[]), 200);
    let goodbye = client.kept(1).pop().unwrap();
    assert_eq!(rtcp_kinds(&goodbye), ["SR", "SDES", "BYE"]);
    assert_eq!(client.status("TEARDOWN", &video, &[]), 404, "it is gone");
    for _ in 0..5 {
        feed.key(100);
        feed.sound();
        assert_eq!(client.frame().unwrap().0, 2);
    }
    // The last track is the session.
    assert_eq!(client.status("TEARDOWN", &sound, &[]), 200);
    assert_eq!(server.ended().1, "the client ended it");
    assert_eq!(client.status("PLAY", &url, &[]), 454);
}

#[test]
fn a_track_of_datagrams_that_is_given_up_leaves_its_ports() {
    let server = Server::narrow(relaycore_proto::limits::Limits::default());
    let mut feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    let mut client = Client::connect(server.address);
    let (answer, [_rtp, rtcp]) = client.setup_udp(&url, 0);
    let (_, [sound, _]) = client.setup_udp(&url, 1);
    assert_eq!(client.status("PLAY", &url, &[]), 200);
    feed.sound();
    datagram(&sound);
    assert_eq!(
        client.status("TEARDOWN", &format!("{url}/trackID=0"), &[]),
        200
    );
    assert_eq!(rtcp_kinds(&datagram(&rtcp)), ["SR", "SDES"]);
    assert_eq!(rtcp_kinds(&datagram(&rtcp)), ["SR", "SDES", "BYE"]);
    feed.sound();
    datagram(&sound);
    let ports = answer.headers.get("Transport").unwrap().split(';');
    let ports = ports.clone().find(|part| part.starts_with("client_port="));
    let offer = format!("RTP/AVP;unicast;{}", ports.unwrap());
    let mut other = Client::connect(server.address);
    assert_eq!(other.setup(&url, 0, &offer).status.0, 200);
}
