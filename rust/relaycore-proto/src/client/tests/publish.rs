//! The way from OPTIONS to RECORD.

use super::*;

const PUBLISHED: &str =
    "v=0\r\ns=-\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:trackID=0\r\n";

/// A publisher, behind the answer to its OPTIONS.
fn announcing(transport: TransportChoice) -> Run {
    let mut run = Run::new("rtsp://user:word@cam/a", transport);
    run.client = Client::publisher(
        ServerUrl::parse("rtsp://user:word@cam/a").unwrap(),
        run.client.settings.clone(),
        PUBLISHED.into(),
        SECOND,
    );
    run.collect();
    run.connect();
    run.answer("200 OK\r\n\r\n");
    run
}

#[test]
fn the_requests_in_their_order() {
    let mut run = announcing(TransportChoice::Tcp);
    let announce = run.requests.last().unwrap();
    assert_eq!(announce.method, Method::Announce);
    assert_eq!(announce.uri, "rtsp://cam/a");
    assert_eq!(
        announce.headers.get("Content-Type"),
        Some("application/sdp")
    );
    assert_eq!(announce.body, PUBLISHED.as_bytes());
    run.serve(|request| Some(usual_answer(request)));
    let methods: Vec<_> = run.requests.iter().map(|it| it.method.as_str()).collect();
    assert_eq!(methods, ["OPTIONS", "ANNOUNCE", "SETUP", "RECORD"]);
    let setup = &run.requests[2];
    assert_eq!(setup.uri, "rtsp://cam/a/trackID=0");
    assert_eq!(
        setup.headers.get("Transport"),
        Some("RTP/AVP/TCP;unicast;interleaved=0-1;mode=\"RECORD\"")
    );
    assert!(matches!(run.events.last(), Some(Event::Playing(_))));
}

#[test]
fn a_challenge_of_announce_is_answered_with_the_description_again() {
    let mut run = announcing(TransportChoice::Tcp);
    run.answer("401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\r\n");
    let announce = run.requests.last().unwrap();
    assert_eq!(announce.body, PUBLISHED.as_bytes());
    assert!(announce.headers.get("Authorization").is_some());
}

#[test]
fn a_publisher_is_kept_alive_and_never_silent() {
    let mut run = announcing(TransportChoice::Tcp);
    run.serve(|request| Some(usual_answer(request)));
    for _ in 0..100 {
        // Half of the 20 s that the session has.
        assert_eq!(run.pass(), 10 * SECOND);
        assert_eq!(*run.last_method(), Method::Options);
        run.answer("200 OK\r\n\r\n");
    }
    run.client.received_packet(run.now);
    assert_eq!(run.pass(), 10 * SECOND);
    run.client.stop(run.now);
    run.collect();
    assert_eq!(*run.last_method(), Method::Teardown);
}

#[test]
fn a_refusal_says_what_was_refused() {
    let mut run = announcing(TransportChoice::Tcp);
    run.answer("403 Forbidden\r\n\r\n");
    assert!(matches!(
        run.ended(),
        ClientError::Refused { method: Method::Announce, status, .. } if status.0 == 403
    ));
}

#[test]
fn udp_is_all_or_nothing_when_asked_so() {
    let mut run = announcing(TransportChoice::UdpOnly);
    run.answer("200 OK\r\n\r\n");
    assert_eq!(run.events.last(), Some(&Event::Bind { tracks: 1 }));
    run.client.bound(Vec::from([6000]), run.now);
    run.collect();
    run.answer("461 Unsupported Transport\r\n\r\n");
    assert_eq!(*run.ended(), ClientError::NoTransport);
}
