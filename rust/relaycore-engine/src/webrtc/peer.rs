//! A client of WebRTC, connected or about to be.

use super::negotiation::{Agreed, MOST_CANDIDATES};
use super::publishing::Publisher;
use super::reading::Reader;
use crate::clock::{SECOND, now_ns};
use crate::mailbox::Seat;
use crate::web_session::Carried;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::time::Instant;
use str0m::{Candidate, Rtc};

/// How long a client has to connect after its offer was answered.
const CONNECT_NS: u64 = 20 * SECOND;

/// Most addresses that one client is known by at a time.
const MOST_ADDRESSES: usize = 16;

/// See the module.
pub(super) struct Peer {
    pub(super) rtc: Rtc,
    pub(super) session: Carried,
    /// What its checks of connectivity call this side: no other session has the same.
    pub(super) ufrag: String,
    pub(super) role: Role,
    /// When it wants to be woken.
    pub(super) deadline: Instant,
    /// When it will be.
    pub(super) wakes_at: Option<Instant>,
    /// Tells it from an earlier one in its place.
    pub(super) number: u64,
    /// Until when it has to connect, in nanoseconds of the engine's clock; `None` once it has.
    pub(super) connects_by: Option<u64>,
    /// Where it was heard from.
    pub(super) addresses: Vec<SocketAddr>,
    /// Candidates that were taken of it, with its offer and after that.
    candidates: usize,
    /// Its place among the sessions that there may be.
    _seat: Seat,
}

/// When clients are woken, the soonest first: the moment, the place and the number of each. What was planned before something
/// sooner came stays in it, and is passed over.
pub(super) type Wakes = BinaryHeap<Reverse<(Instant, usize, u64)>>;

/// What it does.
pub(super) enum Role {
    Reader(Reader),
    Publisher(Publisher),
}

impl Peer {
    pub(super) fn new(agreed: Agreed, session: Carried, seat: Seat) -> Self {
        let Agreed {
            rtc,
            ufrag,
            role,
            candidates,
            ..
        } = agreed;
        Self {
            rtc,
            session,
            ufrag,
            role,
            deadline: Instant::now(),
            wakes_at: None,
            number: 0,
            connects_by: Some(now_ns() + CONNECT_NS),
            addresses: Vec::new(),
            candidates,
            _seat: seat,
        }
    }

    /// Takes candidates, as long as there are not too many; gives how many.
    pub(super) fn add_candidates(&mut self, candidates: Vec<Candidate>) -> usize {
        let room = MOST_CANDIDATES.saturating_sub(self.candidates);
        let taken = candidates.len().min(room);
        for candidate in candidates.into_iter().take(taken) {
            self.rtc.add_remote_candidate(candidate);
        }
        self.candidates += taken;
        taken
    }

    /// Sees to it that the client at `key` is woken then at the latest.
    pub(super) fn wake_by(&mut self, at: Instant, key: usize, wakes: &mut Wakes) {
        if self.wakes_at.is_none_or(|planned| at < planned) {
            self.wakes_at = Some(at);
            wakes.push(Reverse((at, key, self.number)));
        }
    }

    /// Notes that it was heard from an address; gives one that it is no longer known by.
    pub(super) fn heard_from(&mut self, address: SocketAddr) -> Option<SocketAddr> {
        self.addresses.push(address);
        (self.addresses.len() > MOST_ADDRESSES).then(|| self.addresses.remove(0))
    }
}

impl Drop for Peer {
    /// A session lasts no longer than its client is served, also where that ends by a panic.
    fn drop(&mut self) {
        self.session.end("the connection failed");
    }
}
