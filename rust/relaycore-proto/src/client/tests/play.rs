//! The usual way from OPTIONS to packets.

use super::*;

#[test]
fn the_requests_in_their_order() {
    let mut run = Run::new("rtsp://cam/a?b=c", TransportChoice::Auto);
    assert_eq!(run.events, [Event::Connect]);
    assert!(run.requests.is_empty());
    run.connect();
    run.serve(|request| Some(usual_answer(request)));
    let mut written = Vec::new();
    run.requests
        .iter()
        .for_each(|request| request.write_to(&mut written));
    assert_eq!(
        String::from_utf8(written).unwrap(),
        "OPTIONS rtsp://cam/a?b=c RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: relaycore/test\r\n\r\n\
         DESCRIBE rtsp://cam/a?b=c RTSP/1.0\r\nCSeq: 2\r\nUser-Agent: relaycore/test\r\n\
         Via: RTSP/1.0 relaycore-7\r\nAccept: application/sdp\r\n\r\n\
         SETUP rtsp://cam/a?b=c/trackID=0 RTSP/1.0\r\nCSeq: 3\r\nUser-Agent: relaycore/test\r\n\
         Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n\
         SETUP rtsp://cam/a?b=c/trackID=1 RTSP/1.0\r\nCSeq: 4\r\nUser-Agent: relaycore/test\r\nSession: 12\r\n\
         Transport: RTP/AVP/TCP;unicast;interleaved=2-3\r\n\r\n\
         PLAY rtsp://cam/a?b=c RTSP/1.0\r\nCSeq: 5\r\nUser-Agent: relaycore/test\r\nSession: 12\r\n\
         Range: npt=0.000-\r\n\r\n"
    );
    let [Event::Connect, Event::Ready(tracks), Event::Playing(first)] = run.events.as_slice()
    else {
        panic!("{:?}", run.events);
    };
    let deliveries: Vec<_> = tracks.iter().map(|ready| &ready.delivery).collect();
    let expected = [(0, 1), (2, 3)].map(|(rtp, rtcp)| Delivery::Interleaved { rtp, rtcp });
    assert_eq!(deliveries, expected.each_ref());
    assert_eq!(tracks[1].track.clock_rate, 48_000);
    let numbers: Vec<_> = first
        .iter()
        .map(|entry| entry.as_ref().map(|entry| entry.seq))
        .collect();
    assert_eq!(numbers, [Some(5), None]);
}

#[test]
fn packets_go_to_their_tracks_and_reports_back() {
    let mut run = Run::playing("rtsp://cam/a");
    for channel in [0, 1, 2, 3, 4, 255] {
        run.receive(&interleaved(channel, &[channel, 9]));
    }
    let expected = [
        (0, Lane::Rtp, Vec::from([0, 9])),
        (0, Lane::Rtcp, Vec::from([1, 9])),
        (1, Lane::Rtp, Vec::from([2, 9])),
        (1, Lane::Rtcp, Vec::from([3, 9])),
    ];
    assert_eq!(run.packets, expected);
    run.client.send_packet(1, Lane::Rtcp, b"rr");
    run.client.send_packet(2, Lane::Rtcp, b"no such track");
    assert_eq!(run.client.output(), interleaved(3, b"rr"));
}

#[test]
fn packets_count_from_the_moment_that_play_was_asked_for() {
    let mut run = Run::new("rtsp://cam/a", TransportChoice::Auto);
    run.connect();
    run.serve(|request| (request.method != Method::Setup).then(|| usual_answer(request)));
    run.receive(&interleaved(0, b"too early"));
    run.serve(|request| (request.method != Method::Play).then(|| usual_answer(request)));
    run.receive(&interleaved(0, b"in time"));
    assert_eq!(run.packets, [(0, Lane::Rtp, b"in time".to_vec())]);
}

#[test]
fn a_track_that_is_refused_is_left_out() {
    for refused in ["trackID=0", "trackID=1"] {
        let mut run = Run::new("rtsp://cam/a", TransportChoice::Auto);
        run.connect();
        run.serve(|request| {
            let refuse = request.method == Method::Setup && request.uri.ends_with(refused);
            Some(if refuse {
                "404 Not Found".into()
            } else {
                usual_answer(request)
            })
        });
        let ready = run.events.iter().find_map(|event| match event {
            Event::Ready(tracks) => Some(tracks.len()),
            _ => None,
        });
        assert_eq!(ready, Some(1));
        assert!(matches!(run.events.last(), Some(Event::Playing(_))));
    }
}

#[test]
fn a_driver_may_take_the_packets_itself() {
    let mut run = Run::playing("rtsp://cam/a");
    let packet = interleaved(0, b"whole");
    run.receive(&packet[..6]);
    assert!(!run.client.is_in_message());
    assert_eq!(run.client.take_partial_packet(), packet[..6]);
    assert!(run.client.take_partial_packet().is_empty());
    run.receive(b"RTSP/1.0 200 O");
    assert!(run.client.is_in_message());
    assert!(run.client.take_partial_packet().is_empty());
    run.receive(b"K\r\nCSeq: 99\r\n\r\n");
    assert!(!run.client.is_in_message());
    run.receive(&packet);
    assert_eq!(run.packets, [(0, Lane::Rtp, Vec::from(b"whole"))]);
}
