//! Clients of WebRTC: whatever they offer, there is an answer or a refusal.

use relaycore_engine::decision::Action;
use relaycore_engine::session::Protocol;
use relaycore_engine::stream::JoinPolicy;
use relaycore_engine::{Engine, NewSession};
use relaycore_proto::limits::Limits;
use relaycore_proto::track::{Codec, Track};
use std::net::Ipv4Addr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Most candidates that an answer has for a media.
const CANDIDATES_MAX: usize = 32;

/// The engine that is asked, and how many have asked it.
static ENGINE: OnceLock<Engine> = OnceLock::new();
static CLIENTS: AtomicUsize = AtomicUsize::new(0);

/// Offers what is behind the first byte, which says whether to read (even) or to publish (odd); then gives the candidates
/// in it once more, as those that come later, and wants to be connected anew with its name and password.
pub fn webrtc_offer(data: &[u8]) {
    let [action, offer @ ..] = data else {
        return;
    };
    let engine = ENGINE.get_or_init(engine);
    let offer = String::from_utf8_lossy(offer);
    let number = CLIENTS.fetch_add(1, Ordering::Relaxed);
    let (action, path) = match action % 2 {
        0 => (Action::Read, "cam".to_owned()),
        _ => (Action::Publish, format!("phone{number}")),
    };
    let new = NewSession {
        protocol: Protocol::WebRtc,
        action,
        path,
        user: None,
        ticket: 0,
        peer: ([127, 0, 0, 1], 9).into(),
        user_agent: None,
        is_secure: false,
    };
    let session = engine
        .begin_session(new)
        .expect("what has happened is polled");
    match engine.answer_offer(&session, &offer, None) {
        Ok(answer) => {
            assert!(answer.starts_with("v=0\r\n") && answer.contains("a=ice-lite\r\n"));
            for media in answer.split("\r\nm=").skip(1) {
                assert!(media.matches("a=candidate:").count() <= CANDIDATES_MAX);
            }
        }
        Err(refused) => assert!(
            [400, 406, 409, 503].contains(&refused.status()),
            "{refused}"
        ),
    }
    engine.add_candidates(&session, &offer);
    if let Err(refused) = engine.restart_ice(&session, &offer) {
        assert!([400, 409, 503].contains(&refused.status()), "{refused}");
    }
    drop(session);
    engine.poll();
}

/// One with a stream that every browser plays.
fn engine() -> Engine {
    let limits = Limits {
        connections: usize::MAX,
        streams: usize::MAX,
        ..Limits::default()
    };
    let engine = Engine::new(1, limits, "fuzz".to_owned()).expect("there is an engine");
    let address = (Ipv4Addr::LOCALHOST, 0).into();
    engine.listen(address).expect("a port is free");
    let tracks = vec![Track::h264(&[]), Track::new(Codec::Opus, 48_000, 2, &[])];
    let added = engine.add_stream("cam", tracks, JoinPolicy::Squeeze, false);
    added.expect("the path is free");
    engine
}
