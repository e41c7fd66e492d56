//! An RTSP connection: a socket, a parser, and what waits to be written. Not an RTSP session (RFC 2326 §1.1).

use super::allowance::Allowance;
use super::announce::Announced;
use super::output::Output;
use super::tunnel::Role;
use super::wire::Wire;
use crate::decision::Action;
use crate::journey::Attempt;
use relaycore_proto::ice_tcp::{self, Opening};
use relaycore_proto::rtsp::message::Request;
use relaycore_proto::rtsp::parser::Parser;
use std::collections::HashSet;
use std::net::SocketAddr;

/// Most paths whose decision a connection remembers; a client that wanders further is asked about again.
const REMEMBERED_PATHS: usize = 16;

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    /// Tells it from an earlier connection that had its place.
    pub(super) number: u64,
    /// The socket.
    pub(super) wire: Wire,
    /// Address of the client.
    pub(super) peer: SocketAddr,
    /// Address that the client reached.
    pub(super) local: SocketAddr,
    /// What it is used for.
    pub(super) role: Role,
    /// All that was received, until it is known whether that is RTSP.
    pub(super) opening: Option<Vec<u8>>,
    /// What was received and not yet taken.
    pub(super) parser: Parser,
    /// What waits to be written.
    pub(super) output: Output,
    /// What holds up the next request.
    pub(super) pending: Option<Pending>,
    /// Whether the socket may have more to read.
    pub(super) readable: bool,
    /// Whether its client sends nothing more than what may be left to read.
    pub(super) ends: bool,
    /// Sessions that were set up on this connection.
    pub(super) sessions: Vec<usize>,
    /// What its client has announced that it will publish.
    pub(super) announced: Option<Box<Announced>>,
    /// How far it came without a session; `None` where it is no attempt to read, or has become a session.
    pub(super) attempt: Option<Box<Attempt>>,
    /// Close when all is written.
    pub(super) closing: bool,
    /// How many requests it may send.
    pub(super) allowance: Allowance,
    /// When the request that has begun to come must be whole, in nanoseconds of the engine's clock.
    pub(super) request_by: Option<u64>,
    /// When it counts as idle, in nanoseconds of the engine's clock.
    pub(super) idle_at: u64,
    /// When the wheel looks at it next.
    pub(super) timer_at: u64,
    /// Whether the shard comes back to it in its next turn.
    pub(super) is_resumed: bool,
    granted: Vec<Grant>,
}

/// A decision that this connection may do something at a path.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    /// What it may do.
    pub(super) action: Action,
    /// The path.
    pub(super) path: String,
    /// Who it is, when known.
    pub(super) user: Option<String>,
    /// What whoever decided calls it.
    pub(super) ticket: u64,
    /// The era in which it was asked about; see `Engine::revoke_decisions`.
    pub(super) era: u64,
    /// Whether the request that asked for it is still being answered.
    pub(super) is_new: bool,
}

/// What holds up the next request of a connection: responses go out in the order of their requests.
#[derive(Debug)]
pub(super) enum Pending {
    /// A decision.
    Decision {
        /// The question.
        id: u64,
        /// The request that asks.
        request: Box<Request>,
        /// What it wants to do.
        action: Action,
        /// The path that it asks for.
        path: String,
        /// Place and number of the session that it is about, where it is about one.
        session: Option<(usize, u64)>,
        /// The era in which it was asked.
        era: u64,
        /// When it is given up, in nanoseconds of the engine's clock.
        deadline: u64,
    },
    /// The first picture of a session: the answer to PLAY names it.
    Play {
        /// The session.
        session: usize,
        /// The `CSeq` of the request.
        cseq: String,
        /// When the answer goes out without it.
        deadline: u64,
    },
    /// The next second, because of too many requests in this one.
    Allowance {
        /// When it begins.
        deadline: u64,
    },
}

impl Connection {
    /// A new connection.
    pub(super) fn new(
        wire: Wire,
        peer: SocketAddr,
        local: SocketAddr,
        parser: Parser,
        now: u64,
        idle_at: u64,
    ) -> Self {
        Self {
            number: 0,
            wire,
            peer,
            local,
            role: Role::default(),
            opening: Some(Vec::new()),
            parser,
            output: Output::default(),
            pending: None,
            readable: false,
            ends: false,
            sessions: Vec::new(),
            announced: None,
            attempt: Some(Box::new(Attempt::new(now))),
            closing: false,
            allowance: Allowance::default(),
            request_by: None,
            idle_at,
            timer_at: u64::MAX,
            is_resumed: false,
            granted: Vec::new(),
        }
    }

    /// Whether everything has gone into the socket.
    pub(super) fn has_written_all(&self) -> bool {
        self.output.is_empty() && !self.wire.has_unsent()
    }

    /// Notes when it has become secure, if it has.
    pub(super) fn note_security(&mut self, now: u64) {
        if let Some(attempt) = &mut self.attempt
            && attempt.arrival.secured == 0
            && self.wire.is_secure()
            && !self.wire.is_handshaking()
        {
            attempt.arrival.secured = now;
        }
    }

    /// Takes in what the client has sent.
    pub(super) fn received(&mut self, data: &[u8]) {
        if let Some(opening) = &mut self.opening {
            opening.extend_from_slice(data);
        }
        self.parser.push(data);
    }

    /// Whether it begins with a check of connectivity of WebRTC. Nothing else does that is not encrypted, once a few bytes
    /// of it are there.
    pub(super) fn begins_ice(&self) -> Opening {
        match &self.opening {
            Some(bytes) if !bytes.is_empty() && !self.wire.is_secure() => ice_tcp::opening(bytes),
            _ => Opening::Other,
        }
    }

    /// The decision for a path, when it was allowed.
    pub(super) fn grant(&self, action: Action, path: &str) -> Option<&Grant> {
        self.granted
            .iter()
            .find(|grant| grant.action == action && grant.path == path)
    }

    /// Whether one of these users was let in on it, for whatever path.
    pub(super) fn is_of(&self, users: &HashSet<String>) -> bool {
        self.granted
            .iter()
            .filter_map(|grant| grant.user.as_ref())
            .any(|user| users.contains(user))
    }

    /// The request that asked for the newest decision is answered.
    pub(super) fn age_grants(&mut self) {
        self.granted
            .iter_mut()
            .for_each(|grant| grant.is_new = false);
    }

    /// Remembers a decision; the oldest is forgotten first.
    pub(super) fn remember(&mut self, grant: Grant) {
        self.granted
            .retain(|known| known.action != grant.action || known.path != grant.path);
        if self.granted.len() == REMEMBERED_PATHS {
            self.granted.remove(0);
        }
        // Nearly all have one.
        self.granted.reserve_exact(1);
        self.granted.push(grant);
    }

    /// Whether its silence may end it: no session lives by it, and no tunnel, whose other side has its own deadline.
    pub(super) fn may_be_idle(&self) -> bool {
        let carries = matches!(self.role, Role::TunnelRequests { .. });
        self.closing || (self.sessions.is_empty() && !carries)
    }

    /// All that came was taken. If a request has begun with it, which is said, the rest has time until `by`.
    pub(super) fn has_begun_request(&mut self, by: u64) -> bool {
        let begun = self.parser.is_in_message();
        if begun {
            self.request_by.get_or_insert(by);
        }
        begun
    }

    /// When it should be looked at next.
    pub(super) fn deadline(&self) -> u64 {
        match &self.pending {
            Some(
                Pending::Decision { deadline, .. }
                | Pending::Play { deadline, .. }
                | Pending::Allowance { deadline },
            ) => *deadline,
            None => self.idle_at.min(self.request_by.unwrap_or(u64::MAX)),
        }
    }
}
