//! Servers that send the client elsewhere.

use super::*;

#[test]
fn every_kind_of_redirection_is_followed_on_a_new_connection() {
    for status in [301, 302, 303, 305, 307] {
        let mut run = Run::new("rtsp://cam/a", TransportChoice::Auto);
        run.connect();
        run.answer(&usual_answer(&run.requests[0]));
        run.answer(&format!(
            "{status} Elsewhere\r\nLocation: rtsp://other:8554/b\r\n\r\n"
        ));
        assert_eq!(run.connections(), 2);
        let server = run.client.server();
        assert_eq!(
            (server.host(), server.port(), server.uri()),
            ("other", 8554, "rtsp://other:8554/b")
        );
        run.receive(b"RTSP/1.0 200 OK\r\n\r\n$");
        run.connect();
        run.serve(|request| Some(usual_answer(request)));
        assert!(matches!(run.events.last(), Some(Event::Playing(_))));
        assert_eq!(run.requests[2].uri, "rtsp://other:8554/b");
    }
}

#[test]
fn redirections_are_counted_and_have_to_lead_somewhere() {
    let mut run = Run::new("rtsp://cam/a", TransportChoice::Auto);
    while !matches!(run.events.last(), Some(Event::Ended(_))) {
        run.connect();
        run.answer("302 Elsewhere\r\nLocation: /a\r\n\r\n");
    }
    assert_eq!(run.ended(), &ClientError::TooManyRedirections);
    assert_eq!(run.connections(), 6);
    for (location, error) in [
        ("", None),
        ("Location: http://cam/\r\n", Some(ServerUrlError::Scheme)),
    ] {
        let mut run = Run::new("rtsp://cam/a", TransportChoice::Auto);
        run.connect();
        run.answer(&format!("301 Elsewhere\r\n{location}\r\n"));
        assert_eq!(run.ended(), &ClientError::Redirection(error));
    }
}

#[test]
fn a_strange_server_gets_no_credentials() {
    let challenge = "401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\r\n";
    for (location, knows) in [("rtsp://other/a", false), ("rtsp://cam:8554/a", true)] {
        let mut run = Run::new("rtsp://anna:secret@cam/a", TransportChoice::Auto);
        run.connect();
        run.answer(challenge);
        assert!(
            run.requests
                .last()
                .unwrap()
                .headers
                .get("Authorization")
                .is_some()
        );
        run.answer(&format!("302 Elsewhere\r\nLocation: {location}\r\n\r\n"));
        run.connect();
        let first = run.requests.last().unwrap();
        assert_eq!(
            first.headers.get("Authorization"),
            None,
            "it did not ask yet"
        );
        run.answer(challenge);
        assert_eq!(matches!(run.events.last(), Some(Event::Connect)), knows);
        assert_eq!(
            run.events.last() == Some(&Event::Ended(ClientError::CredentialsMissing)),
            !knows
        );
    }
}

#[test]
fn a_server_may_redirect_a_running_session() {
    let mut run = Run::playing("rtsp://cam/a");
    run.receive(b"REDIRECT rtsp://cam/a RTSP/1.0\r\nCSeq: 1\r\nLocation: rtsp://cam2/a\r\n\r\n");
    assert_eq!(run.events.last(), Some(&Event::Connect));
    assert_eq!(run.client.server().host(), "cam2");
}
