//! What clients cannot bring about: a thread that panics, and what is bounded.

use super::gateway::Gateway;
use super::negotiation::MOST_CANDIDATES;
use super::worker::Command;
use crate::decision::Action;
use crate::session::Protocol;
use crate::stream::JoinPolicy;
use crate::{Engine, NewSession, WebSession};
use relaycore_proto::limits::Limits;
use relaycore_proto::track::Track;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use str0m::Rtc;
use str0m::media::{Direction, MediaKind};

fn engine(connections: usize) -> Engine {
    let limits = Limits {
        connections,
        ..Limits::default()
    };
    let engine = Engine::new(1, limits, String::from("test")).unwrap();
    engine.listen((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let track = vec![Track::h264(&[])];
    engine
        .add_stream("cam", track, JoinPolicy::Squeeze, true)
        .unwrap();
    engine
}

fn session(engine: &Engine) -> WebSession {
    let new = NewSession {
        protocol: Protocol::WebRtc,
        action: Action::Read,
        path: "cam".to_owned(),
        user: None,
        ticket: 0,
        peer: ([127, 0, 0, 1], 5000).into(),
        user_agent: None,
        is_secure: false,
    };
    engine.begin_session(new).unwrap()
}

fn offer() -> String {
    let mut rtc = Rtc::new(Instant::now());
    let mut changes = rtc.sdp_api();
    changes.add_media(MediaKind::Video, Direction::RecvOnly, None, None, None);
    changes.apply().unwrap().0.to_sdp_string()
}

fn candidates(count: usize) -> String {
    let lines = (0..count).map(|number| {
        let port = 1000 + number;
        format!("a=candidate:{number} 1 udp 1 127.0.0.1 {port} typ host\r\n")
    });
    lines.collect()
}

/// A session that is served.
fn served(engine: &Engine) -> WebSession {
    let session = session(engine);
    engine.answer_offer(&session, &offer(), None).unwrap();
    session
}

fn gateway(engine: &Engine) -> Arc<Gateway> {
    engine.shared.gateways.get(&engine.shared).unwrap()
}

fn wait(has_come: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !has_come() {
        assert!(Instant::now() < end, "it did not happen in time");
        std::thread::yield_now();
    }
}

#[test]
fn a_panic_for_one_client_ends_that_and_no_other() {
    let engine = engine(8);
    let (one, other) = (served(&engine), served(&engine));
    let gateway = gateway(&engine);
    let command = Command::Panic(Some(one.info().id.clone()));
    assert!(gateway.tell(command));
    wait(|| one.has_ended());
    assert!(!other.has_ended());
    wait(|| gateway.sessions() == 1);
    // The thread goes on: it ends what others end, and serves who comes.
    let third = served(&engine);
    other.end("done");
    wait(|| gateway.sessions() == 1);
    assert!(!third.has_ended());
}

#[test]
fn after_a_panic_in_the_thread_its_sessions_have_ended_and_the_next_offer_starts_another() {
    let engine = engine(2);
    let sessions = [served(&engine), served(&engine)];
    let dead = gateway(&engine);
    assert!(dead.tell(Command::Panic(None)));
    wait(|| sessions.iter().all(WebSession::has_ended));
    // Until its sockets are free, offers are refused and not answered in vain.
    wait(|| !Arc::ptr_eq(&dead, &gateway(&engine)));
    assert!(!dead.tell(Command::StreamEnded));
    assert_eq!(dead.sessions(), 0);
    let next = served(&engine);
    let gateway = gateway(&engine);
    assert_eq!(gateway.sessions(), 1);
    next.end("done");
    wait(|| gateway.sessions() == 0);
    engine.close(Duration::ZERO);
}

#[test]
fn offers_at_the_same_time_do_not_exceed_the_limit() {
    const LIMIT: usize = 3;
    let engine = engine(LIMIT);
    let sessions: Vec<_> = (0..16).map(|_| session(&engine)).collect();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let threads: Vec<_> = sessions
            .iter()
            .map(|session| {
                let engine = &engine;
                scope.spawn(move || {
                    let answered = engine.answer_offer(session, &offer(), None);
                    answered.map_or_else(|refused| refused.status(), |_| 201)
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let answered = statuses.iter().filter(|status| **status == 201).count();
    assert_eq!(answered, LIMIT, "{statuses:?}");
    assert!(statuses.iter().all(|status| [201, 503].contains(status)));
    // Who is refused for another reason takes no place.
    sessions.iter().for_each(|session| {
        session.end("done");
    });
    let gateway = gateway(&engine);
    wait(|| gateway.sessions() == 0);
    let refused = session(&engine);
    assert!(engine.answer_offer(&refused, "v=0", None).is_err());
    assert_eq!(gateway.sessions(), 0);
}

#[test]
fn candidates_are_bounded_in_a_session_and_not_in_a_request() {
    let engine = engine(4);
    let gateway = gateway(&engine);
    let session = session(&engine);
    let offered = format!("{}{}", offer(), candidates(20));
    let (mut peer, _) = gateway
        .agree(&engine.shared, session.share(), &offered, None)
        .unwrap();
    let taken = |count| peer.add_candidates(super::gateway::candidates_in(&candidates(count)));
    let taken: Vec<_> = [10, 10, 10].map(taken).to_vec();
    assert_eq!(taken, [10, 2, 0]);
    assert_eq!(MOST_CANDIDATES, 32);
    // Nor can an offer have more.
    let other = self::session(&engine);
    let offered = format!("{}{}", offer(), candidates(100));
    let agreed = gateway.agree(&engine.shared, other.share(), &offered, None);
    let (mut peer, answer) = agreed.unwrap();
    assert!(answer.contains("a=ice-lite"));
    let one_more = super::gateway::candidates_in(&candidates(1));
    assert_eq!(peer.add_candidates(one_more), 0);
}
