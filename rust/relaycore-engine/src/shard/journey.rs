//! What is noted of attempts to read while they are served; see [`crate::journey`].

use super::Shard;
use super::connection::Connection;
use super::session::Session;
use super::tunnel::Role;
use crate::burst::Burst;
use crate::clock::now_ns;
use crate::journey::{Arrival, Attempt};
use crate::session::Protocol;
use crate::stream::Stream;
use relaycore_proto::rtsp::message::Request;
use relaycore_proto::rtsp::status::StatusCode;
use relaycore_proto::rtsp::url::Url;
use slab::Slab;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Shard {
    /// A request of a client that has no session yet says what it wants and which program it is.
    pub(super) fn note_request(&mut self, key: usize, request: &Request, url: &Url) {
        let connection = self.connections.get_mut(key);
        if let Some(attempt) = connection.and_then(|connection| connection.attempt.as_mut()) {
            attempt.asks(&url.path, request.headers.get("User-Agent"));
        }
    }

    /// Its client may read what it asks for.
    pub(super) fn note_authorised(&mut self, key: usize) {
        let connection = self.connections.get_mut(key);
        if let Some(attempt) = connection.and_then(|connection| connection.attempt.as_mut()) {
            attempt.is_authorised(now_ns());
        }
    }

    /// A request was refused.
    pub(super) fn note_refusal(&mut self, key: usize, request: &Request, status: StatusCode) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        if let Some(attempt) = &mut connection.attempt {
            attempt.is_refused(status.0, request.headers.get("Authorization").is_some());
        } else if let Some(session) = connection.sessions.last()
            && let Some(session) = self.sessions.get(*session)
        {
            let refused = &session.info.counters.refused;
            refused.store(status.0, Ordering::Relaxed);
        }
    }

    /// A connection whose attempt has become a session sets up another one: that is an attempt of its own.
    pub(super) fn begin_attempt(&mut self, key: usize, request: &Request, url: &Url) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        if connection.attempt.is_some() {
            return;
        }
        let now = now_ns();
        let mut attempt = Box::new(Attempt::new(now));
        attempt.asks(&url.path, request.headers.get("User-Agent"));
        connection.attempt = Some(attempt);
        connection.note_security(now);
    }

    /// The attempt of a connection has become a session, or turns out to be none; what came before.
    pub(super) fn end_attempt(&mut self, key: usize, now: u64) -> Arrival {
        let Some(connection) = self.connections.get_mut(key) else {
            return Arrival::default();
        };
        connection.note_security(now);
        let attempt = connection.attempt.take();
        attempt.map(|attempt| attempt.arrival).unwrap_or_default()
    }

    /// Tells the attempt of a connection that has ended without a session.
    pub(super) fn tell_journey(
        &self,
        connection: &mut Connection,
        role: &Role,
        reason: &'static str,
    ) {
        connection.note_security(now_ns());
        let Some(attempt) = connection.attempt.take() else {
            return;
        };
        let protocol = match role {
            Role::Plain => Protocol::Rtsp,
            Role::TunnelAnswers { .. } => Protocol::RtspOverHttp,
            Role::WebSocket(_) => Protocol::RtspOverWebSocket,
            Role::TunnelRequests { .. } => return,
        };
        if self.shared.tells_journeys.load(Ordering::Relaxed) {
            let reason = match (reason, self.ends_at) {
                ("closed", Some(_)) => "the server was stopped",
                _ if connection.wire.is_handshaking() => "the encryption was not agreed on",
                _ => reason,
            };
            let journey = attempt.ended(protocol, connection.wire.is_secure(), reason);
            self.shared.events.push_journey(journey);
        }
    }

    /// Watches for the first picture that a session of multicast gets: its own shard sends it nothing.
    pub(super) fn expect(&mut self, session_key: usize) {
        if let Some(session) = self.sessions.get(session_key)
            && session.info.counters.first_picture.load(Ordering::Relaxed) == 0
        {
            self.expecting.insert(session_key, session.number);
        }
    }
}

/// Tells sessions of multicast that the first packet and picture since they play went to their group.
pub(super) fn meet(
    expecting: &mut HashMap<usize, u64>,
    sessions: &Slab<Session>,
    stream: &Stream,
    fresh: &[Arc<Burst>],
    now: u64,
) {
    let starts = |burst: &Arc<Burst>| burst.random_access && stream.is_start(burst);
    let is_start = fresh.iter().any(starts);
    expecting.retain(|key, number| {
        let session = sessions.get(*key);
        let Some(session) = session.filter(|session| session.number == *number) else {
            return false;
        };
        let counters = &session.info.counters;
        if session.stream_id() != stream.id() || !counters.is_playing() || fresh.is_empty() {
            return true;
        }
        if counters.first_packet.load(Ordering::Relaxed) == 0 {
            counters.first_packet.store(now, Ordering::Relaxed);
        }
        if is_start {
            counters.first_picture.store(now, Ordering::Relaxed);
        }
        !is_start
    });
}
