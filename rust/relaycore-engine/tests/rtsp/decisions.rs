//! Who may read is decided elsewhere: allowed, challenged, refused, or not answered.

use crate::support::{Client, Feed, Server, small_limits};
use relaycore_engine::decision::{Action, Answer, Request};
use relaycore_proto::limits::Limits;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

fn allow() -> Option<Answer> {
    Some(Answer::Allow {
        user: Some("anna".to_owned()),
    })
}

#[test]
fn the_question_says_who_asks_for_what_and_is_asked_once_a_path() {
    let server = Server::deciding(Limits::default(), |_| allow());
    let _feed = Feed::started(&server.engine, "cam");
    let url = format!("{}?token=x", server.url("cam"));
    let mut client = Client::connect(server.address);
    let headers = [("Authorization", "Digest a=b"), ("User-Agent", "test/1")];
    assert_eq!(client.status("DESCRIBE", &url, &headers), 200);
    client.play_tcp(&server.url("cam"), 2);
    let Request {
        action,
        method,
        path,
        uri,
        query,
        authorization,
        user_agent,
        peer,
        ..
    } = server.asked();
    assert_eq!(
        (action, method.as_str(), path.as_str()),
        (Action::Read, "DESCRIBE", "cam")
    );
    assert_eq!((uri, query.as_deref()), (url, Some("token=x")));
    assert_eq!(authorization.as_deref(), Some("Digest a=b"));
    assert_eq!(user_agent.as_deref(), Some("test/1"));
    assert_eq!(peer, client.socket.local_addr().unwrap());
    let sessions = server.engine.sessions();
    assert_eq!(sessions[0].user.as_deref(), Some("anna"));
    assert_eq!(client.status("DESCRIBE", &server.url("other"), &[]), 404);
    assert_eq!(server.asked().path, "other", "nothing was asked in between");
}

#[test]
fn what_was_allowed_is_asked_again_when_decisions_are_revoked_and_sessions_go_on() {
    let open = Arc::new(AtomicBool::new(true));
    let door = Arc::clone(&open);
    let server = Server::deciding(Limits::default(), move |_| {
        let refused = Answer::Refuse {
            status: 403,
            reason: "Not any more".to_owned(),
        };
        door.load(Ordering::Relaxed)
            .then(allow)
            .unwrap_or(Some(refused))
    });
    let feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    let mut client = Client::connect(server.address);
    client.play_tcp(&url, 2);
    assert_eq!(client.status("GET_PARAMETER", &url, &[]), 200);
    open.store(false, Ordering::Relaxed);
    assert_eq!(
        client.status("DESCRIBE", &url, &[]),
        200,
        "it is remembered"
    );
    server.engine.revoke_decisions();
    assert_eq!(
        client.status("GET_PARAMETER", &url, &[]),
        200,
        "its own session"
    );
    assert_eq!(client.status("DESCRIBE", &url, &[]), 403);
    let mut other = Client::connect(server.address);
    assert_eq!(other.status("DESCRIBE", &url, &[]), 403);
    open.store(true, Ordering::Relaxed);
    assert_eq!(client.status("DESCRIBE", &url, &[]), 200);
    drop(feed);
}

#[test]
fn a_challenge_carries_all_its_headers_whether_credentials_came_or_not() {
    let server = Server::deciding(Limits::default(), |request| match &request.authorization {
        Some(right) if right == "right" => allow(),
        _ => Some(Answer::Challenge(vec![
            "Digest realm=\"a\"".into(),
            "Basic".into(),
        ])),
    });
    let _feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    let mut client = Client::connect(server.address);
    for headers in [&[][..], &[("Authorization", "wrong")]] {
        let response = client.request("DESCRIBE", &url, headers);
        let challenges: Vec<_> = response.headers.get_all("WWW-Authenticate").collect();
        assert_eq!(response.status.0, 401);
        assert_eq!(challenges, ["Digest realm=\"a\"", "Basic"]);
    }
    assert_eq!(
        client.status("DESCRIBE", &url, &[("Authorization", "right")]),
        200
    );
}

#[test]
fn a_refusal_says_why() {
    let server = Server::deciding(Limits::default(), |_| {
        Some(Answer::Refuse {
            status: 403,
            reason: "Come back tomorrow\r\nX: y".to_owned(),
        })
    });
    let mut client = Client::connect(server.address);
    let response = client.request("DESCRIBE", &server.url("cam"), &[]);
    assert_eq!(response.status.0, 403);
    assert_eq!(response.reason.as_deref(), Some("Come back tomorrow  X: y"));
    assert_eq!(client.status("OPTIONS", "*", &[]), 200);
}

#[test]
fn an_open_question_ends_in_503_and_the_connection_lives() {
    let server = Server::deciding(small_limits(), |request| match request.path.as_str() {
        "cam" => None,
        _ => allow(),
    });
    let mut client = Client::connect(server.address);
    let response = client.request("DESCRIBE", &server.url("cam"), &[]);
    assert_eq!(response.status.0, 503);
    assert!(response.headers.get("Retry-After").is_some());
    let late = server.asked().id;
    server.engine.answer(late, Answer::Allow { user: None });
    assert_eq!(client.status("DESCRIBE", &server.url("other"), &[]), 404);
}

#[test]
fn an_answer_that_nobody_waits_for_is_ignored() {
    let server = Server::open();
    for id in [0, 1, 255, 256, 257, u64::MAX] {
        server.engine.answer(id, Answer::Challenge(Vec::new()));
    }
    let mut client = Client::connect(server.address);
    assert_eq!(client.status("DESCRIBE", &server.url("cam"), &[]), 404);
}

#[test]
fn where_nobody_takes_questions_they_are_refused_at_once() {
    use relaycore_engine::Engine;
    let limits = Limits {
        event_queue: 64,
        ..Limits::default()
    };
    let engine = Engine::new(1, limits, "test".to_owned()).unwrap();
    let address = engine.listen(([127, 0, 0, 1], 0).into()).unwrap();
    let mut waiting: Vec<_> = (0..65).map(|_| Client::connect(address)).collect();
    for client in &mut waiting {
        let text = client.text("DESCRIBE", &format!("rtsp://{address}/cam"), &[]);
        client.send(text.as_bytes());
    }
    // One of them finds the queue full: whichever the shard served last.
    let refused = waiting
        .iter_mut()
        .rev()
        .map(Client::response)
        .next()
        .unwrap();
    assert_eq!(refused.status.0, 503);
    assert_eq!(engine.discarded_events(), 1);
}

#[test]
fn where_there_is_no_stream_each_wish_to_read_it_is_asked_about() {
    let server = Server::open();
    let mut client = Client::connect(server.address);
    let url = server.url("later");
    for _ in 0..2 {
        assert_eq!(client.status("DESCRIBE", &url, &[]), 404);
        assert_eq!(server.asked().path, "later");
    }
    let _feed = Feed::started(&server.engine, "later");
    assert_eq!(client.status("DESCRIBE", &url, &[]), 200);
    assert_eq!(client.status("DESCRIBE", &url, &[]), 200);
    server.engine.remove_stream("later");
    assert_eq!(client.status("DESCRIBE", &url, &[]), 404);
    assert_eq!(server.asked().path, "later");
}
