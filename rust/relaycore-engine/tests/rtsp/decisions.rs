//! Who may read is decided elsewhere: allowed, challenged, refused, or not answered.

use crate::support::publisher::{DESCRIPTION, Publisher};
use crate::support::{Client, Feed, PATIENCE, Server, small_limits};
use relaycore_engine::decision::{Action, Answer, Request};
use relaycore_proto::limits::Limits;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

fn allow() -> Option<Answer> {
    Some(Answer::Allow {
        user: Some("anna".to_owned()),
        ticket: 7,
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
    assert_eq!(sessions[0].ticket, 7);
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
    server.engine.answer(
        late,
        Answer::Allow {
            user: None,
            ticket: 0,
        },
    );
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

/// An engine that asks before media flows, and whose question about that is answered as `open` says.
fn asking(open: &Arc<AtomicBool>) -> Server {
    let door = Arc::clone(open);
    let server = Server::deciding(Limits::default(), move |request| {
        let refused = Answer::Refuse {
            status: 503,
            reason: "Not on record".to_owned(),
        };
        (request.session.is_none() || door.load(Ordering::Relaxed))
            .then(allow)
            .unwrap_or(Some(refused))
    });
    server.engine.ask_before_media(true);
    server
}

/// The next question that is about a session.
fn asked_about_session(server: &Server) -> Request {
    std::iter::repeat_with(|| server.asked())
        .find(|request| request.session.is_some())
        .unwrap()
}

#[test]
fn before_media_flows_it_is_asked_about_the_session_and_once() {
    let open = Arc::new(AtomicBool::new(false));
    let server = asking(&open);
    let feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    let track = format!("{url}/trackID=0");
    let transport = [("Transport", "RTP/AVP/TCP;unicast;interleaved=0-1")];
    let mut client = Client::connect(server.address);
    assert_eq!(client.status("SETUP", &track, &transport), 200);
    let refused = client.request("PLAY", &url, &[]);
    assert_eq!(refused.status.0, 503);
    assert_eq!(refused.reason.as_deref(), Some("Not on record"));
    let [session] = &server.engine.sessions()[..] else {
        panic!("the session waits for another PLAY")
    };
    assert!(!session.counters.is_playing());
    let question = asked_about_session(&server);
    assert_eq!(
        (question.action, question.method.as_str()),
        (Action::Read, "PLAY")
    );
    assert!(Arc::ptr_eq(&question.session.unwrap(), session));
    open.store(true, Ordering::Relaxed);
    assert_eq!(client.status("PLAY", &url, &[]), 200);
    assert_eq!(client.status("PAUSE", &url, &[]), 200);
    open.store(false, Ordering::Relaxed);
    assert_eq!(client.status("PLAY", &url, &[]), 200, "it is admitted");
    drop(feed);
}

#[test]
fn before_a_publisher_is_heard_it_is_asked_about_its_session() {
    let open = Arc::new(AtomicBool::new(false));
    let server = asking(&open);
    let mut publisher = Publisher::connect(&server, "drone");
    assert_eq!(publisher.announce(DESCRIPTION).status.0, 200);
    assert_eq!(publisher.setup(0).status.0, 200);
    assert_eq!(publisher.record().status.0, 503);
    let question = asked_about_session(&server);
    assert_eq!(
        (question.action, question.method.as_str()),
        (Action::Publish, "RECORD")
    );
    open.store(true, Ordering::Relaxed);
    assert_eq!(publisher.record().status.0, 200);
}

#[test]
fn no_session_begins_while_nobody_takes_what_is_told() {
    use relaycore_engine::{Engine, Event};
    let limits = Limits {
        event_queue: 64,
        ..Limits::default()
    };
    let engine = Engine::new(1, limits, "test".to_owned()).unwrap();
    let address = engine.listen(([127, 0, 0, 1], 0).into()).unwrap();
    let _feed = Feed::started(&engine, "cam");
    let url = format!("rtsp://{address}/cam");
    let transport = [("Transport", "RTP/AVP/TCP;unicast;interleaved=0-1")];
    let mut client = Client::connect(address);
    let track = format!("{url}/trackID=0");
    let setup = client.text("SETUP", &track, &transport);
    client.send(setup.as_bytes());
    let give_up = Instant::now() + PATIENCE;
    while engine.sessions().is_empty() {
        assert!(Instant::now() < give_up, "the question came");
        for event in engine.poll() {
            if let Event::Request(request) = event {
                engine.answer(
                    request.id,
                    Answer::Allow {
                        user: None,
                        ticket: 0,
                    },
                );
            }
        }
    }
    assert_eq!(client.response().status.0, 200);
    engine.poll();
    let mut begun = 0;
    while client.status("SETUP", &track, &transport) == 200 {
        begun += 1;
        assert_eq!(client.status("TEARDOWN", &url, &[]), 200);
        client.session = None;
    }
    assert_eq!(client.status("SETUP", &track, &transport), 503);
    let told = engine.poll();
    let started = |event: &&Event| matches!(event, Event::SessionStarted(_));
    let ended = |event: &&Event| matches!(event, Event::SessionEnded(..));
    assert_eq!(
        told.iter().filter(started).count(),
        begun,
        "all of them are told"
    );
    assert_eq!(told.iter().filter(ended).count(), begun);
    assert_eq!(client.status("SETUP", &track, &transport), 200);
}

/// An engine that lets everybody in as whom the query of the URL names.
fn naming(limits: Limits) -> Server {
    Server::deciding(limits, |request| {
        Some(Answer::Allow {
            user: request.query.clone(),
            ticket: 0,
        })
    })
}

#[test]
fn a_user_who_is_disconnected_keeps_nothing_open_and_others_keep_all() {
    let server = naming(Limits::default());
    let _feed = Feed::started(&server.engine, "cam");
    let url = |user: &str| format!("{}?{user}", server.url("cam"));
    let [mut over_tcp, mut over_udp, mut asking, mut other] =
        std::array::from_fn(|_| Client::connect(server.address));
    let start = |client: &mut Client, user: &str| {
        assert_eq!(client.status("DESCRIBE", &url(user), &[]), 200);
    };
    for client in [&mut over_tcp, &mut over_udp, &mut asking] {
        start(client, "anna");
    }
    start(&mut other, "bo");
    over_tcp.play_tcp(&server.url("cam"), 2);
    let (response, _sockets) = over_udp.setup_udp(&server.url("cam"), 0);
    assert_eq!(response.status.0, 200);
    other.play_tcp(&server.url("cam"), 2);
    let mut unnamed = Client::connect(server.address);
    assert_eq!(unnamed.status("OPTIONS", &url("anna"), &[]), 200);

    server.engine.disconnect(["anna".to_owned()].into());
    for client in [&mut over_tcp, &mut over_udp, &mut asking] {
        client.wait_closed();
    }
    let users: Vec<_> = server
        .engine
        .sessions()
        .iter()
        .map(|session| session.user.clone())
        .collect();
    assert_eq!(users, [Some("bo".to_owned())]);
    assert_eq!(other.status("GET_PARAMETER", &server.url("cam"), &[]), 200);
    assert_eq!(
        unnamed.status("OPTIONS", &server.url("cam"), &[]),
        200,
        "nobody was let in there"
    );
}

#[test]
fn a_user_who_reads_nothing_more_is_disconnected_all_the_same() {
    let server = naming(Limits::default());
    let mut feed = Feed::started(&server.engine, "cam");
    let mut client = Client::narrow(server.address);
    let url = format!("{}?anna", server.url("cam"));
    assert_eq!(client.status("DESCRIBE", &url, &[]), 200);
    client.play_tcp(&server.url("cam"), 2);
    // More than the buffers between the two hold.
    for _ in 0..40 {
        feed.key(200_000);
    }
    server.engine.disconnect(["anna".to_owned()].into());
    let begun = Instant::now();
    while server.engine.connections() > 0 {
        assert!(begun.elapsed() < PATIENCE, "it is still open");
        std::thread::yield_now();
    }
    assert!(server.engine.sessions().is_empty());
}
