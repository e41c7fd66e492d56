//! Every refusal on purpose: the right status, the header that goes with it, and a connection that lives on.

use crate::support::{Client, Feed, Server, small_limits};
use relaycore_proto::limits::Limits;

/// A served stream and a client of its server.
fn fixture() -> (Server, Feed, Client, String) {
    let server = Server::open();
    let feed = Feed::started(&server.engine, "cam");
    let client = Client::connect(server.address);
    let url = server.url("cam");
    (server, feed, client, url)
}

/// Status, method, URL, and headers of a request.
type Case<'a> = (u16, &'a str, &'a str, &'a [(&'a str, &'a str)]);

const TCP: &[(&str, &str)] = &[("Transport", "RTP/AVP/TCP;unicast;interleaved=0-1")];

#[test]
fn each_refusal_has_its_status_and_leaves_the_connection_open() {
    let (server, _feed, mut client, url) = fixture();
    let missing = server.url("nothing");
    let track = format!("{url}/trackID=0");
    let far_track = format!("{url}/trackID=7");
    let cases: &[Case<'_>] = &[
        (404, "DESCRIBE", &missing, &[]),
        (404, "SETUP", &missing, TCP),
        (404, "SETUP", &far_track, TCP),
        (403, "ANNOUNCE", &url, &[]),
        (454, "RECORD", &url, &[]),
        (406, "DESCRIBE", &url, &[("Accept", "application/json")]),
        (454, "PLAY", &url, &[("Session", "12345678")]),
        (454, "PLAY", &url, &[]),
        (454, "PAUSE", &url, &[]),
        (454, "TEARDOWN", &url, &[]),
        (454, "GET_PARAMETER", &url, &[("Session", "12345678")]),
        (459, "SETUP", &url, TCP),
        (461, "SETUP", &track, &[]),
        (
            461,
            "SETUP",
            &track,
            &[("Transport", "RTP/SAVP;unicast;client_port=9000-9001")],
        ),
        (461, "SETUP", &track, &[("Transport", "RTP/AVP;multicast")]),
        (
            455,
            "SETUP",
            &track,
            &[("Transport", "RTP/AVP/TCP;mode=record")],
        ),
        (
            461,
            "SETUP",
            &track,
            &[("Transport", "RAW/RAW/UDP;unicast;client_port=9000-9001")],
        ),
        (461, "SETUP", &track, &[("Transport", "RTP/AVP;unicast")]),
        (
            461,
            "SETUP",
            &track,
            &[(
                "Transport",
                "RTP/AVP;unicast;destination=192.0.2.1;client_port=9000-9001",
            )],
        ),
        (501, "FLY", &url, &[]),
        (
            551,
            "DESCRIBE",
            &url,
            &[("Require", "www.onvif.org/ver20/backchannel")],
        ),
        (551, "OPTIONS", "*", &[("Require", "onvif-replay")]),
        (400, "DESCRIBE", "http://[::1", &[]),
    ];
    for (status, method, uri, headers) in cases {
        let response = client.request(method, uri, headers);
        assert_eq!(response.status.0, *status, "{method} {uri} {headers:?}");
        assert!(response.reason.is_some_and(|reason| !reason.is_empty()));
        assert_eq!(
            client.status("OPTIONS", "*", &[]),
            200,
            "after {method} {uri}"
        );
    }
    assert!(server.engine.sessions().is_empty());
}

#[test]
fn refusals_say_what_would_be_accepted() {
    let (_server, _feed, mut client, url) = fixture();
    let unknown = client.request("FLY", &url, &[]);
    assert!(unknown.headers.get("Public").unwrap().contains("DESCRIBE"));
    let tag = "www.onvif.org/ver20/backchannel";
    let required = client.request("DESCRIBE", &url, &[("Require", tag)]);
    assert_eq!(required.headers.get("Unsupported"), Some(tag));
    client.setup_tcp(&url, 1);
    let state = client.request("PAUSE", &url, &[]);
    assert_eq!(state.status.0, 455);
    let allow = state.headers.get("Allow").unwrap();
    assert!(allow.contains("PLAY") && !allow.contains("PAUSE") && !allow.contains("RECORD"));
}

#[test]
fn a_request_without_a_number_or_of_another_version_is_refused() {
    let (_server, _feed, mut client, _) = fixture();
    client.send(b"OPTIONS * RTSP/1.0\r\n\r\n");
    let response = client.response();
    assert_eq!((response.status.0, response.cseq()), (400, None));
    client.send(b"OPTIONS * RTSP/2.0\r\nCSeq: 7\r\n\r\n");
    let response = client.response();
    assert_eq!((response.status.0, response.cseq()), (505, Some("7")));
    assert_eq!(client.status("OPTIONS", "*", &[]), 200);
}

#[test]
fn of_required_features_those_are_named_that_are_not_served() {
    let (_server, _feed, mut client, url) = fixture();
    let (sound, replay) = ("www.onvif.org/ver20/backchannel", "onvif-replay");
    for (required, missing) in [
        (&["play.basic"][..], None),
        (&["Play.Basic, "], None),
        (&[sound], Some(sound.to_owned())),
        (&[replay], Some(replay.to_owned())),
        (
            &["play.basic,x.y", "play.basic, onvif-replay"],
            Some("x.y, onvif-replay".to_owned()),
        ),
    ] {
        let headers: Vec<_> = required.iter().map(|tag| ("Require", *tag)).collect();
        let response = client.request("DESCRIBE", &url, &headers);
        let expected = if missing.is_some() { 551 } else { 200 };
        assert_eq!(response.status.0, expected, "{required:?}");
        assert_eq!(response.headers.get("Unsupported"), missing.as_deref());
    }
    // As go2rtc does: without the feature on the same connection.
    assert_eq!(client.status("DESCRIBE", &url, &[]), 200);
}

#[test]
fn a_range_that_is_none_is_refused_and_any_other_plays_live() {
    let (_server, _feed, mut client, url) = fixture();
    client.setup_tcp(&url, 1);
    // RFC 2326 section 12.29 has a status for units that are not understood.
    for (range, status) in [("bytes=0-", 501), ("npt=soon-", 400), ("npt", 400)] {
        assert_eq!(client.status("PLAY", &url, &[("Range", range)]), status);
    }
    assert_eq!(client.status("PLAY", &url, &[("Range", "npt=0.000-")]), 200);
    assert_eq!(client.status("PLAY", &url, &[("Range", "npt=now-")]), 200);
}

#[test]
fn a_connection_holds_no_more_sessions_than_the_limit() {
    let server = Server::with(Limits {
        sessions_per_connection: 2,
        ..small_limits()
    });
    let _feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    let mut client = Client::connect(server.address);
    for expected in [200, 200, 453] {
        client.session = None;
        assert_eq!(client.setup(&url, 0, "RTP/AVP/TCP").status.0, expected);
    }
}

#[test]
fn a_connection_too_many_is_told_so_and_room_that_is_made_is_used() {
    let server = Server::with(Limits {
        connections: 2,
        ..small_limits()
    });
    let mut first = Client::connect(server.address);
    let mut second = Client::connect(server.address);
    assert_eq!(first.status("OPTIONS", "*", &[]), 200);
    assert_eq!(second.status("OPTIONS", "*", &[]), 200);
    let mut third = Client::connect(server.address);
    let response = third.response();
    assert_eq!(response.status.0, 503);
    assert!(response.headers.get("Retry-After").is_some());
    third.wait_closed();
    first.send(b"GET / HTTP/1.0\r\n\r\n");
    first.wait_closed();
    assert_eq!(
        Client::connect(server.address).status("OPTIONS", "*", &[]),
        200
    );
}
