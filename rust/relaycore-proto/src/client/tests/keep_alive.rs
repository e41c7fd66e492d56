//! Sessions are kept alive, whatever the server thinks of the request.

use super::*;

/// A client that plays over TCP from a server with these methods and this session header.
fn playing(public: &str, session: &str) -> Run {
    let mut run = Run::new("rtsp://cam/a", TransportChoice::Auto);
    run.connect();
    run.serve(|request| {
        Some(match request.method {
            Method::Options => format!("200 OK\r\n{public}\r\n"),
            Method::Setup => format!("200 OK\r\n{session}\r\n"),
            _ => usual_answer(request),
        })
    });
    assert!(matches!(run.events.last(), Some(Event::Playing(_))));
    run
}

/// Lets packets come each second until the next request; gives the seconds that took.
fn seconds_to_request(run: &mut Run) -> u64 {
    let (start, requests) = (run.now, run.requests.len());
    while run.requests.len() == requests {
        run.now += SECOND;
        run.receive(&interleaved(0, b"packet"));
        run.client.handle_deadline(run.now);
        run.collect();
    }
    (run.now - start) / SECOND
}

#[test]
fn the_request_and_its_time_are_what_the_server_says() {
    let table = [
        (
            "Public: OPTIONS, get_parameter\r\n",
            "Session: 1;timeout=20\r\n",
            Method::GetParameter,
            10,
        ),
        (
            "Public: OPTIONS\r\nPublic: GET_PARAMETER\r\n",
            "Session: 1\r\n",
            Method::GetParameter,
            30,
        ),
        (
            "Public: OPTIONS, PLAY\r\n",
            "Session: 1;timeout=6\r\n",
            Method::Options,
            3,
        ),
        ("", "Session: 1;timeout=0\r\n", Method::Options, 30),
        (
            "",
            "Session: 1;timeout=4000000000\r\n",
            Method::Options,
            600,
        ),
    ];
    for (public, session, method, seconds) in table {
        let mut run = playing(public, session);
        for _ in 0..2 {
            assert_eq!(seconds_to_request(&mut run), seconds, "{session}");
            let request = run.requests.last().unwrap();
            assert_eq!(
                (&request.method, request.uri.as_str()),
                (&method, "rtsp://cam/a")
            );
            assert_eq!(request.headers.get("Session"), Some("1"));
            run.answer("200 OK");
        }
    }
}

#[test]
fn a_server_that_refuses_or_ignores_it_is_asked_for_options() {
    let mut run = playing("Public: GET_PARAMETER\r\n", "Session: 1;timeout=20\r\n");
    seconds_to_request(&mut run);
    run.answer("501 Not Implemented");
    for answer in [Some("405 Method Not Allowed"), None, None] {
        seconds_to_request(&mut run);
        assert_eq!(run.last_method(), &Method::Options);
        answer.into_iter().for_each(|answer| run.answer(answer));
    }
    for _ in 0..20 {
        seconds_to_request(&mut run);
    }
    assert!(
        matches!(run.events.last(), Some(Event::Playing(_))),
        "no answer is no end"
    );
}

#[test]
fn a_session_that_the_server_forgot_ends() {
    let mut run = playing("", "Session: 1\r\n");
    seconds_to_request(&mut run);
    run.answer("454 Session Not Found");
    assert_eq!(run.ended(), &ClientError::SessionEnded);
}
