//! What servers get wrong and are forgiven.

use super::*;

#[test]
fn odd_lines_and_numbers_are_taken() {
    let mut run = Run::new("rtsp://cam/a", TransportChoice::Auto);
    run.connect();
    run.receive(b"RTSP/1.0 100 Continue\r\nCSeq: 1\r\n\r\n");
    run.receive(b"RTSP/1.0 200\npublic :GET_PARAMETER\nno header at all\n\n");
    run.receive(b"\r\n\r\nRTSP/1.0 200 OK\r\nCSeq: 900\r\n\r\n");
    let sdp = SDP.replace("\r\n", "\r");
    let length = sdp.len();
    run.receive(b"rtsp/1.0 200 OK\r\nCseq:2 \r\nX: Latin-1 \xe9\r\n");
    run.receive(format!("Content-length: {length}\r\n\r\n{sdp}").as_bytes());
    run.receive(b"RTSP/1.0 200 OK\r\nCSeq: zwei\r\nSession:  ab;Timeout=9 ;x\r\n folded\r\n\r\n");
    run.receive(b"RTSP/1.0 200 OK\r\nTransport: RTP/AVP/TCP;interleaved=0-1\r\n\r\n");
    run.receive(b"RTSP/1.1 200 OK\r\nRTP-Info: nonsense\r\n\r\n");
    assert!(
        matches!(run.events.last(), Some(Event::Playing(_))),
        "{:?}",
        run.events
    );
    let play = run.requests.last().unwrap();
    assert_eq!(play.headers.get("Session"), Some("ab"));
    run.pass();
    assert_eq!(run.last_method(), &Method::GetParameter);
}

#[test]
fn the_pieces_of_a_connection_do_not_matter() {
    let answers = |requests: &[Request]| {
        let mut bytes = Vec::new();
        for request in requests {
            let cseq = request.cseq().unwrap();
            let text = usual_answer(request);
            let (line, rest) = text.split_once("\r\n").unwrap();
            bytes.extend(format!("RTSP/1.0 {line}\r\nCSeq: {cseq}\r\n{rest}").into_bytes());
        }
        bytes.extend(interleaved(0, b"$$ RTSP/1.0"));
        bytes.extend(b"RTSP/1.0 200 OK\r\n\r\n");
        bytes.extend(interleaved(3, b"report"));
        bytes
    };
    let whole = Run::playing("rtsp://cam/a");
    let bytes = answers(&whole.requests);
    for size in [1, 2, 3, 7, 50] {
        let mut run = Run::new("rtsp://cam/a", TransportChoice::Auto);
        run.connect();
        bytes.chunks(size).for_each(|piece| run.receive(piece));
        assert_eq!(run.requests, whole.requests);
        assert_eq!(run.events, whole.events);
        let packets: Vec<_> = run
            .packets
            .iter()
            .map(|(track, lane, _)| (*track, *lane))
            .collect();
        assert_eq!(packets, [(0, Lane::Rtp), (1, Lane::Rtcp)]);
    }
}

#[test]
fn answers_that_nobody_waits_for_change_nothing() {
    let mut run = Run::new("rtsp://cam/a", TransportChoice::Auto);
    run.receive(b"RTSP/1.0 200 OK\r\n\r\n");
    run.connect();
    for status in ["200 OK", "401 Unauthorized", "302 Found", "454 No"] {
        run.receive(format!("RTSP/1.0 {status}\r\nCSeq: 55\r\n\r\n").as_bytes());
    }
    assert_eq!(run.events, [Event::Connect]);
    assert_eq!(run.requests.len(), 1);
}

#[test]
fn limits_hold_for_what_a_server_sends() {
    let limits = Limits {
        rtsp_body_bytes: 1024,
        tracks: 1,
        ..Limits::default()
    };
    let mut run = Run::with("rtsp://cam/a", TransportChoice::Auto, limits);
    run.connect();
    run.answer("200 OK");
    run.answer("200 OK\r\nContent-Length: 1025\r\n\r\n");
    assert!(matches!(run.ended(), ClientError::Unreadable(_)));
    let mut run = Run::with("rtsp://cam/a", TransportChoice::Auto, limits);
    run.connect();
    run.serve(|request| Some(usual_answer(request)));
    assert!(matches!(&run.events[1], Event::Ready(tracks) if tracks.len() == 1));
}
