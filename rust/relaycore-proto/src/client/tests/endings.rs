//! How it ends: stopped, silent, refused, closed, flooded.

use super::*;

#[test]
fn stopping_says_goodbye_and_waits_a_moment_for_the_answer() {
    for is_answered in [true, false] {
        let mut run = Run::playing("rtsp://cam/a");
        run.client.stop(run.now);
        run.collect();
        let goodbye = run.requests.last().unwrap();
        assert_eq!(
            (&goodbye.method, goodbye.headers.get("Session")),
            (&Method::Teardown, Some("12"))
        );
        assert!(!matches!(run.events.last(), Some(Event::Ended(_))));
        if is_answered {
            run.answer("200 OK");
        } else {
            assert_eq!(run.pass(), SECOND);
        }
        assert_eq!(run.ended(), &ClientError::Stopped);
        assert_eq!(run.client.next_deadline(), None);
    }
}

#[test]
fn stopping_without_a_session_is_done_at_once() {
    let mut run = Run::new("rtsp://cam/a", TransportChoice::Auto);
    run.client.stop(run.now);
    run.collect();
    assert_eq!(run.ended(), &ClientError::Stopped);
    assert!(run.requests.is_empty());
}

#[test]
fn a_server_that_does_not_answer_is_given_up_at_every_step() {
    for answers in 0..5 {
        let mut run = Run::new("rtsp://cam/a", TransportChoice::Auto);
        run.connect();
        let mut left = answers;
        run.serve(|request| {
            left -= 1;
            (left >= 0).then(|| usual_answer(request))
        });
        assert_eq!(run.pass(), 15 * SECOND);
        assert_eq!(run.ended(), &ClientError::NoAnswer);
    }
    let mut run = Run::new("rtsp://cam/a", TransportChoice::Auto);
    run.pass();
    assert_eq!(run.ended(), &ClientError::NoAnswer, "no connection either");
}

#[test]
fn silence_ends_it_with_a_goodbye() {
    let mut run = Run::playing("rtsp://cam/a");
    run.now += 9 * SECOND;
    run.receive(&interleaved(0, b"media"));
    run.now += 9 * SECOND;
    run.receive(&interleaved(1, b"reports are no media"));
    while !matches!(run.events.last(), Some(Event::Ended(_))) {
        run.pass();
    }
    assert_eq!(run.ended(), &ClientError::Silent);
    assert_eq!(run.now, 20 * SECOND);
    assert_eq!(run.last_method(), &Method::Teardown);
}

#[test]
fn a_goodbye_ends_it_unless_packets_go_on() {
    let mut run = Run::playing("rtsp://cam/a");
    run.client.received_goodbye(run.now);
    run.receive(&interleaved(0, b"another source"));
    run.now += 2 * SECOND;
    run.client.handle_deadline(run.now);
    run.client.received_goodbye(run.now);
    assert_eq!(run.pass(), SECOND);
    assert_eq!(run.ended(), &ClientError::SessionEnded);
    assert_eq!(run.last_method(), &Method::Teardown);
    run.client.received_goodbye(run.now);
    run.collect();
    assert_eq!(run.ended(), &ClientError::SessionEnded, "once");
}

#[test]
fn a_refusal_says_what_and_why() {
    for method in [Method::Describe, Method::Setup, Method::Play] {
        let mut run = Run::new("rtsp://cam/a", TransportChoice::Auto);
        run.connect();
        run.serve(|request| {
            let refuse = request.method == method;
            Some(if refuse {
                "403 Go\x1b away".into()
            } else {
                usual_answer(request)
            })
        });
        let text = run.ended().to_string();
        assert_eq!(text, format!("the server refused {method}: 403 Go away"));
    }
    let mut run = Run::new("rtsp://cam/a", TransportChoice::Auto);
    run.connect();
    run.serve(|request| match request.method {
        Method::Options => Some("404".into()),
        _ => Some(usual_answer(request)),
    });
    assert!(
        matches!(run.events.last(), Some(Event::Playing(_))),
        "OPTIONS is not needed"
    );
}

#[test]
fn a_lost_connection_and_garbage_end_it() {
    let mut run = Run::playing("rtsp://cam/a");
    run.client.disconnected(run.now);
    run.collect();
    assert_eq!(run.ended(), &ClientError::Disconnected);
    let mut run = Run::playing("rtsp://cam/a");
    run.receive(b"\x16\x03\x01 what is this\r\n");
    assert!(matches!(run.ended(), ClientError::Unreadable(_)));
    run.receive(b"RTSP/1.0 200 OK\r\n\r\n");
    run.client.disconnected(run.now);
    run.collect();
    assert!(
        matches!(run.ended(), ClientError::Unreadable(_)),
        "nothing follows"
    );
}

#[test]
fn requests_of_the_server_are_answered_as_long_as_it_reads() {
    let mut run = Run::playing("rtsp://cam/a");
    let table = [
        ("OPTIONS", "200 OK"),
        ("GET_PARAMETER", "200 OK"),
        ("SET_PARAMETER", "200 OK"),
        ("ANNOUNCE", "200 OK"),
        ("PING", "501 Not Implemented"),
    ];
    for (method, answer) in table {
        let request = format!("{method} * RTSP/1.0\r\nCSeq: 77\r\n\r\n");
        run.client
            .receive(run.now, request.as_bytes(), |_, _, _| {});
        let text = String::from_utf8(run.client.output().to_vec()).unwrap();
        assert!(
            text.starts_with(&format!("RTSP/1.0 {answer}\r\nCSeq: 77\r\n")),
            "{text}"
        );
        run.client.written(text.len());
    }
    run.receive(b"TEARDOWN * RTSP/1.0\r\nCSeq: 78\r\n\r\n");
    assert_eq!(run.ended(), &ClientError::SessionEnded);
    let mut run = Run::playing("rtsp://cam/a");
    let flood = b"OPTIONS * RTSP/1.0\r\n\r\n".repeat(10_000);
    run.client.receive(run.now, &flood, |_, _, _| {});
    assert!(run.client.output().len() < 70_000);
    run.collect();
    assert_eq!(run.ended(), &ClientError::Flooded);
}
