//! Challenges and their answers.

use super::*;

const URL: &str = "rtsp://anna:secret@cam/a";
const DIGEST: &str =
    "401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"cam\", nonce=\"n1\"\r\n\r\n";
const BASIC: &str = "401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"cam\"\r\n\r\n";

/// The `Authorization` header of each request so far.
fn authorizations(run: &Run) -> Vec<Option<&str>> {
    let requests = run.requests.iter();
    requests
        .map(|request| request.headers.get("Authorization"))
        .collect()
}

#[test]
fn credentials_are_sent_only_to_a_server_that_asks() {
    let run = Run::playing(URL);
    assert_eq!(authorizations(&run), [None; 5]);
    assert!(
        run.requests
            .iter()
            .all(|request| !request.uri.contains("anna"))
    );
}

#[test]
fn once_asked_each_request_has_an_answer() {
    for (challenge, start) in [
        (DIGEST, "Digest username=\"anna\""),
        (BASIC, "Basic YW5uYTpzZWNyZXQ="),
    ] {
        let mut run = Run::new(URL, TransportChoice::Auto);
        run.connect();
        run.serve(|request| {
            let is_open =
                request.method == Method::Options || request.headers.get("Authorization").is_some();
            Some(if is_open {
                usual_answer(request)
            } else {
                challenge.into()
            })
        });
        assert!(matches!(run.events.last(), Some(Event::Playing(_))));
        let [None, None, answers @ ..] = &authorizations(&run)[..] else {
            panic!("{:?}", run.requests);
        };
        assert_eq!(answers.len(), 4);
        assert!(
            answers
                .iter()
                .all(|answer| answer.is_some_and(|answer| answer.starts_with(start)))
        );
    }
}

#[test]
fn wrong_or_missing_credentials_end_it() {
    let table = [
        (URL, DIGEST, ClientError::CredentialsWrong),
        (URL, BASIC, ClientError::CredentialsWrong),
        ("rtsp://cam/a", DIGEST, ClientError::CredentialsMissing),
        (URL, "401 Unauthorized", ClientError::ChallengeUnknown),
        (
            URL,
            "401 Unauthorized\r\nWWW-Authenticate: Negotiate\r\n\r\n",
            ClientError::ChallengeUnknown,
        ),
    ];
    for (url, challenge, error) in table {
        let mut run = Run::new(url, TransportChoice::Auto);
        run.connect();
        run.serve(|_| Some(challenge.into()));
        assert_eq!(run.ended(), &error);
        assert!(error.is_lasting());
        assert!(run.requests.len() <= 2);
    }
}

#[test]
fn a_stale_nonce_is_replaced_but_not_for_ever() {
    let mut run = Run::new(URL, TransportChoice::Auto);
    run.connect();
    let mut nonce = 0;
    run.serve(|request| {
        nonce += 1;
        let is_right = nonce == 3;
        Some(if is_right {
            usual_answer(request)
        } else {
            format!(
                "401 Unauthorized\r\nWWW-Authenticate: Digest nonce=\"{nonce}\", stale=true\r\n\r\n"
            )
        })
    });
    assert_eq!(run.ended(), &ClientError::CredentialsWrong);
    let nonces = authorizations(&run).into_iter().flatten().map(|answer| {
        answer
            .split("nonce=\"")
            .nth(1)
            .unwrap()
            .chars()
            .next()
            .unwrap()
    });
    let nonces: String = nonces.collect();
    assert_eq!(
        nonces, "122456",
        "one nonce for OPTIONS, then one for each try of DESCRIBE"
    );
}

#[test]
fn a_nonce_that_ran_out_while_playing_is_replaced() {
    let mut run = Run::new(URL, TransportChoice::Auto);
    run.connect();
    run.serve(|request| {
        let knows = request.headers.get("Authorization").is_some();
        Some(if knows {
            usual_answer(request)
        } else {
            DIGEST.into()
        })
    });
    run.now += 5 * SECOND;
    run.receive(&interleaved(0, b"packet"));
    run.pass();
    assert_eq!(run.last_method(), &Method::GetParameter);
    run.answer("401 Unauthorized\r\nWWW-Authenticate: Digest nonce=\"n2\"\r\n\r\n");
    let again = run.requests.last().unwrap();
    assert_eq!(again.method, Method::GetParameter);
    assert!(
        again
            .headers
            .get("Authorization")
            .unwrap()
            .contains("nonce=\"n2\"")
    );
    assert_eq!(again.headers.get("Session"), Some("12"));
}

#[test]
fn a_server_that_hangs_up_behind_its_challenge_is_called_again_once() {
    let mut run = Run::new(URL, TransportChoice::Auto);
    run.connect();
    run.serve(|request| (request.headers.get("Authorization").is_none()).then(|| DIGEST.into()));
    run.client.disconnected(run.now);
    run.collect();
    assert_eq!(run.connections(), 2);
    run.connect();
    assert!(
        run.requests
            .last()
            .unwrap()
            .headers
            .get("Authorization")
            .is_some()
    );
    run.client.disconnected(run.now);
    run.collect();
    assert_eq!(run.ended(), &ClientError::Disconnected);
}
