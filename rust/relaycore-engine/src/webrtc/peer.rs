//! A client of WebRTC, connected or about to be.

use super::channel::Channel;
use super::negotiation::{Agreed, MOST_CANDIDATES};
use super::outlet::{Batch, Outlet};
use super::publishing::Publisher;
use super::reading::Reader;
use crate::clock::{SECOND, now_ns};
use crate::mailbox::Seat;
use crate::web_session::Carried;
use slab::Slab;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::atomic::Ordering;
use std::time::Instant;
use str0m::net::{Protocol, Transmit};
use str0m::{Candidate, Rtc};

/// How long a client has to connect after its offer was answered.
const CONNECT_NS: u64 = 20 * SECOND;

/// Most addresses that one client is known by at a time.
const MOST_ADDRESSES: usize = 16;

/// Most TCP connections of one client at a time.
const MOST_CHANNELS: usize = 4;

/// First bytes of datagrams that carry media (RFC 7983 section 7).
const MEDIA: RangeInclusive<u8> = 128..=191;

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
    /// Places of its TCP connections, and of the one among them that its media goes out by, if it does by one.
    pub(super) channels: Vec<usize>,
    pub(super) carrier: Option<usize>,
    /// Its offer, for when it wants to be connected anew.
    pub(super) offer: String,
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
            offer,
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
            channels: Vec::new(),
            carrier: None,
            offer,
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

    /// Its candidates are others from now on, so many.
    pub(super) fn restarted(&mut self, candidates: usize) {
        self.candidates = candidates;
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

    /// Notes a TCP connection; gives the place of one that is too much.
    pub(super) fn connected_by(&mut self, channel: usize) -> Option<usize> {
        self.channels.push(channel);
        let is_full = self.channels.len() > MOST_CHANNELS;
        let spare = self.channels.iter().find(|it| Some(**it) != self.carrier);
        spare.copied().filter(|_| is_full)
    }

    /// A TCP connection is gone.
    pub(super) fn lost(&mut self, channel: usize) {
        self.channels.retain(|it| *it != channel);
        self.carrier = self.carrier.filter(|it| *it != channel);
    }

    /// Puts a datagram where it leaves from.
    pub(super) fn send(
        &mut self,
        datagram: &Transmit,
        batch: &mut Batch,
        outlets: &[Outlet],
        channels: &mut Slab<Channel>,
    ) {
        let (from, to) = (datagram.source, datagram.destination);
        let is_media = datagram
            .contents
            .first()
            .is_some_and(|byte| MEDIA.contains(byte));
        let mut carrier = None;
        if datagram.proto == Protocol::Tcp {
            let leads = |key: &usize| {
                let channel = channels.get(*key);
                channel.is_some_and(|it| it.local == from && it.remote == to)
            };
            carrier = self.channels.iter().copied().find(leads);
            // One whose connection is gone is lost.
            if let Some(channel) = carrier.and_then(|key| channels.get_mut(key)) {
                channel.add(&datagram.contents);
            }
        } else {
            batch.add(outlets, from, to, &datagram.contents);
        }
        if is_media && carrier != self.carrier {
            self.carrier = carrier;
            let over_tcp = &self.session.info().counters.over_tcp;
            over_tcp.store(carrier.is_some(), Ordering::Relaxed);
        }
    }
}

impl Drop for Peer {
    /// A session lasts no longer than its client is served, also where that ends by a panic.
    fn drop(&mut self) {
        self.session.end("the connection failed");
    }
}
