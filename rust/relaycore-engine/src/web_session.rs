//! Sessions of browsers: listed, told of and ended as those of RTSP are, whoever carries their media.
//!
//! A session begins outside of the shards, with [`Engine::begin_session`]. Whoever began it carries its media and counts
//! it here, or gives it to a shard together with its socket. It ends once, for the first reason that comes: because its
//! owner says so, because it is kicked, or because its stream has ended.

use crate::burst::Burst;
use crate::clock::now_ns;
use crate::decision::Action;
use crate::engine::{Engine, Shared, lock};
use crate::events::Event;
use crate::journey::Arrival;
use crate::random::session_id;
use crate::session::{Protocol, Server, SessionCounters, SessionInfo, TransportKind};
use crate::stream::{Stream, StreamId, Subscriber};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

/// A session that is to begin.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// What its client speaks.
    pub protocol: Protocol,
    /// Whether it reads or publishes.
    pub action: Action,
    /// Its path.
    pub path: String,
    /// Who it is, when known.
    pub user: Option<String>,
    /// The ticket of the decision that let it in.
    pub ticket: u64,
    /// Address of the client.
    pub peer: SocketAddr,
    /// What the client calls itself.
    pub user_agent: Option<String>,
    /// Whether it is encrypted on its way.
    pub is_secure: bool,
}

/// Why a session did not begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BeginSessionError {
    /// There is no stream to read at the path.
    NoStream(String),
    /// What begins has to be told, and nobody takes what is told.
    Overloaded,
}

impl fmt::Display for BeginSessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoStream(path) => write!(f, "no stream at the path {path}"),
            Self::Overloaded => f.write_str("too many events wait; try again"),
        }
    }
}

impl std::error::Error for BeginSessionError {}

/// A session whose media its owner carries; it ends at the latest when this is dropped.
pub struct WebSession {
    visit: Arc<Visit>,
}

/// The sessions that no shard serves, by id.
#[derive(Default)]
pub(crate) struct Visits(Mutex<HashMap<String, Arc<Visit>>>);

struct Visit {
    info: Arc<SessionInfo>,
    shared: Arc<Shared>,
    /// What a reader reads.
    stream: Option<Arc<Stream>>,
}

impl Engine {
    /// Begins a session of a browser, which is told as [`Event::SessionStarted`]. Reading takes a stream at the path;
    /// when that ends, the session does.
    ///
    /// # Errors
    /// When there is no stream to read, or too much waits to be told.
    pub fn begin_session(&self, new: NewSession) -> Result<WebSession, BeginSessionError> {
        let shared = &self.shared;
        let stream = match new.action {
            Action::Read => {
                let found = shared.stream(&new.path);
                Some(found.ok_or_else(|| BeginSessionError::NoStream(new.path.clone()))?)
            }
            Action::Publish => None,
        };
        if shared.events.is_full() {
            return Err(BeginSessionError::Overloaded);
        }
        let info = shared.begin_session(new, Server::outside());
        let visit = Arc::new(Visit {
            info,
            shared: Arc::clone(shared),
            stream,
        });
        lock(&shared.visits.0).insert(visit.info.id.clone(), Arc::clone(&visit));
        if let Some(stream) = &visit.stream {
            stream.counters.readers.fetch_add(1, Ordering::Relaxed);
            if !stream.witness(Arc::clone(&visit) as Arc<dyn Subscriber>) {
                visit.ended(stream.id());
            }
        }
        Ok(WebSession { visit })
    }
}

impl Shared {
    /// Lists a session and tells that it has begun.
    pub(crate) fn begin_session(&self, new: NewSession, server: Server) -> Arc<SessionInfo> {
        let now = now_ns();
        let info = Arc::new(SessionInfo {
            id: session_id(),
            server,
            action: new.action,
            path: new.path,
            user: new.user,
            ticket: new.ticket,
            peer: new.peer,
            user_agent: new.user_agent,
            protocol: new.protocol,
            transport: match new.protocol {
                Protocol::WebRtc => TransportKind::Udp,
                _ => TransportKind::Tcp,
            },
            is_secure: new.is_secure,
            arrival: Arrival {
                connected: now,
                secured: if new.is_secure { now } else { 0 },
                authorised: now,
                described: now,
            },
            started: now,
            counters: SessionCounters::default(),
        });
        self.remember(&info);
        self.events.push(Event::SessionStarted(Arc::clone(&info)));
        info
    }

    /// Takes a session off the list and tells that it has ended; `false` when that was done before.
    pub(crate) fn finish_session(
        &self,
        info: &Arc<SessionInfo>,
        reason: impl Into<Cow<'static, str>>,
    ) -> bool {
        if !self.forget(info) {
            return false;
        }
        let (now, counters) = (now_ns(), &info.counters);
        counters.playing.store(0, Ordering::Relaxed);
        counters
            .served_until
            .store(info.served_until(now), Ordering::Relaxed);
        counters.ended.store(now, Ordering::Relaxed);
        let ended = Event::SessionEnded(Arc::clone(info), reason.into());
        self.events.push(ended);
        true
    }
}

impl WebSession {
    /// What others may know of it.
    pub fn info(&self) -> &Arc<SessionInfo> {
        &self.visit.info
    }

    /// Whether it has ended, for whatever reason.
    pub fn has_ended(&self) -> bool {
        self.visit.info.counters.ended.load(Ordering::Relaxed) > 0
    }

    /// Media is to flow from now on.
    pub fn plays(&self) {
        self.visit.info.counters.plays(now_ns());
    }

    /// Counts media that went out, or came from a publisher.
    pub fn add(&self, bytes: u64) {
        let counters = &self.visit.info.counters;
        let now = now_ns();
        if counters.playing_since.load(Ordering::Relaxed) == 0 {
            counters.plays(now);
        }
        if counters.packets.fetch_add(1, Ordering::Relaxed) == 0 {
            counters.first_packet.store(now, Ordering::Relaxed);
        }
        counters.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts parts of the media that its client was too slow for.
    pub fn add_discarded(&self, count: u64) {
        let counters = &self.visit.info.counters;
        counters.discarded.fetch_add(count, Ordering::Relaxed);
    }

    /// Its client has the first picture; only the first call counts.
    pub fn first_picture(&self) {
        let first = &self.visit.info.counters.first_picture;
        let _ = first.compare_exchange(0, now_ns(), Ordering::Relaxed, Ordering::Relaxed);
    }

    /// For whoever in the engine carries its media.
    pub(crate) fn share(&self) -> Carried {
        Carried(Arc::clone(&self.visit))
    }

    /// Ends it; `false` when it has ended already.
    pub fn end(&self, reason: impl Into<Cow<'static, str>>) -> bool {
        let visits = &self.visit.shared.visits;
        visits.end(&self.visit.info.id, reason)
    }
}

/// A session, for whoever in the engine carries its media; its owner is still the one who keeps it.
#[derive(Clone)]
pub(crate) struct Carried(Arc<Visit>);

impl Carried {
    /// What others may know of it.
    pub(crate) fn info(&self) -> &Arc<SessionInfo> {
        &self.0.info
    }

    /// Whether it has ended, for whatever reason.
    pub(crate) fn has_ended(&self) -> bool {
        self.0.info.counters.ended.load(Ordering::Relaxed) > 0
    }

    /// Ends it; `false` when it has ended already.
    pub(crate) fn end(&self, reason: impl Into<Cow<'static, str>>) -> bool {
        self.0.shared.visits.end(&self.0.info.id, reason)
    }
}

impl Drop for WebSession {
    fn drop(&mut self) {
        self.end("the client left");
    }
}

impl fmt::Debug for WebSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WebSession").field(self.info()).finish()
    }
}

impl Visits {
    /// Ends the session of this id; `false` when there is none.
    pub(crate) fn end(&self, id: &str, reason: impl Into<Cow<'static, str>>) -> bool {
        let found = lock(&self.0).remove(id);
        found
            .inspect(|visit| {
                visit.leave();
                visit.shared.finish_session(&visit.info, reason);
            })
            .is_some()
    }

    /// Ends those of these users.
    pub(crate) fn end_of(&self, users: &HashSet<String>, reason: &'static str) {
        self.end_where(reason, |info| {
            info.user.as_ref().is_some_and(|user| users.contains(user))
        });
    }

    /// Ends all.
    pub(crate) fn end_all(&self, reason: &'static str) {
        self.end_where(reason, |_| true);
    }

    fn end_where(&self, reason: &'static str, ends: impl Fn(&SessionInfo) -> bool) {
        let ending: Vec<_> = lock(&self.0)
            .values()
            .filter(|visit| ends(&visit.info))
            .map(|visit| visit.info.id.clone())
            .collect();
        for id in ending {
            self.end(&id, reason);
        }
    }
}

impl Visit {
    /// It reads its stream no more.
    fn leave(self: &Arc<Self>) {
        if let Some(stream) = &self.stream {
            stream.counters.readers.fetch_sub(1, Ordering::Relaxed);
            stream.unsubscribe(&(Arc::clone(self) as Arc<dyn Subscriber>));
        }
    }
}

impl Subscriber for Visit {
    fn burst(&self, _: StreamId, _: &Arc<Burst>) {}

    fn ended(&self, _: StreamId) {
        let ended = self.stream.as_ref().and_then(|stream| stream.end_reason());
        let reason = ended.unwrap_or("the stream has ended");
        self.shared.visits.end(&self.info.id, reason);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shard::KICKED;
    use relaycore_proto::limits::Limits;
    use relaycore_proto::track::Track;
    use std::time::Duration;

    fn engine() -> Engine {
        let engine = Engine::new(1, Limits::default(), String::from("test")).unwrap();
        let track = vec![Track::h264(&[])];
        engine
            .add_stream("cam", track, crate::stream::JoinPolicy::Squeeze, false)
            .unwrap();
        engine
    }

    fn new(path: &str, action: Action) -> NewSession {
        NewSession {
            protocol: Protocol::Hls,
            action,
            path: path.to_owned(),
            user: Some("ada".to_owned()),
            ticket: 7,
            peer: ([127, 0, 0, 1], 5000).into(),
            user_agent: None,
            is_secure: true,
        }
    }

    fn readers(engine: &Engine) -> usize {
        let stream = engine.stream("cam").unwrap();
        stream.counters.readers.load(Ordering::Relaxed)
    }

    /// What was told since the last call: ids that began, and ids that ended with their reasons.
    fn told(engine: &Engine) -> Vec<(String, Option<String>)> {
        let told = engine.poll().into_iter().filter_map(|event| match event {
            Event::SessionStarted(info) => Some((info.id.clone(), None)),
            Event::SessionEnded(info, reason) => Some((info.id.clone(), Some(reason.into_owned()))),
            _ => None,
        });
        told.collect()
    }

    #[test]
    fn a_session_is_listed_counted_and_told_until_its_owner_ends_it() {
        let engine = engine();
        let session = engine.begin_session(new("cam", Action::Read)).unwrap();
        let info = Arc::clone(session.info());
        assert_eq!((info.protocol.name(), info.ticket), ("hls", 7));
        assert_eq!((engine.sessions().len(), readers(&engine)), (1, 1));
        assert!(!info.counters.is_playing());
        session.add(1000);
        session.add(500);
        session.first_picture();
        assert!(info.counters.is_playing() && info.journey().first_picture > 0);
        assert_eq!(info.counters.bytes.load(Ordering::Relaxed), 1500);
        assert!(session.end(format!("said {}", "goodbye")) && session.has_ended());
        assert!(!session.end("again") && !info.counters.is_playing());
        drop(session);
        assert_eq!((engine.sessions().len(), readers(&engine)), (0, 0));
        let ended = (info.id.clone(), Some("said goodbye".to_owned()));
        assert_eq!(told(&engine), [(info.id.clone(), None), ended]);
    }

    #[test]
    fn others_end_it_once_for_the_first_reason() {
        type End = fn(&Engine, &str);
        let ends: [(End, &str); 4] = [
            (|engine, id| assert!(engine.kick(id)), KICKED),
            (
                |engine, _| engine.disconnect(HashSet::from(["ada".to_owned()])),
                KICKED,
            ),
            (
                |engine, _| assert!(engine.remove_stream("cam")),
                "the stream was removed",
            ),
            (
                |engine, _| engine.close(Duration::ZERO),
                "the server was stopped",
            ),
        ];
        for (end, why) in ends {
            let engine = engine();
            let session = engine.begin_session(new("cam", Action::Read)).unwrap();
            let id = session.info().id.clone();
            end(&engine, &id);
            assert!(session.has_ended() && engine.sessions().is_empty());
            assert!(!engine.kick(&id));
            drop(session);
            assert_eq!(told(&engine)[1..], [(id, Some(why.to_owned()))]);
        }
    }

    #[test]
    fn disconnecting_spares_others_and_publishers_need_no_stream() {
        let engine = engine();
        let session = engine.begin_session(new("new", Action::Publish)).unwrap();
        engine.disconnect(HashSet::from(["bob".to_owned()]));
        assert!(!session.has_ended());
        let refused = engine.begin_session(new("none", Action::Read));
        assert_eq!(
            refused.unwrap_err(),
            BeginSessionError::NoStream("none".to_owned())
        );
        engine.close(Duration::ZERO);
        assert!(session.has_ended());
    }
}
