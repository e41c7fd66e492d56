//! A client of WebRTC, connected or about to be.

use super::publishing::Publisher;
use super::reading::Reader;
use crate::clock::{SECOND, now_ns};
use crate::web_session::Carried;
use std::net::SocketAddr;
use std::time::Instant;
use str0m::Rtc;

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
}

/// What it does.
pub(super) enum Role {
    Reader(Reader),
    Publisher(Publisher),
}

impl Peer {
    pub(super) fn new(rtc: Rtc, session: Carried, ufrag: String, role: Role) -> Self {
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
        }
    }

    /// Notes that it was heard from an address; gives one that it is no longer known by.
    pub(super) fn heard_from(&mut self, address: SocketAddr) -> Option<SocketAddr> {
        self.addresses.push(address);
        (self.addresses.len() > MOST_ADDRESSES).then(|| self.addresses.remove(0))
    }
}
