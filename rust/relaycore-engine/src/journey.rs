//! How far a client came on its way to a picture, and when: facts for whoever counts where viewers get lost.
//!
//! The first half of the way belongs to a connection, the second to the session that it sets up. An attempt that ends
//! without a session is told as [`crate::Event::Journey`]; that of a session is asked of it, at any time.

use crate::clock::now_ns;
use crate::session::{Protocol, SessionInfo, TransportKind};
use std::sync::atomic::Ordering;

/// Longest path and name of a program that an attempt keeps; a longer one is left out.
const TEXT_BYTES: usize = 255;

/// When a client passed what comes before its session, in nanoseconds of the engine's clock; 0 where it did not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Arrival {
    /// Its connection was taken in.
    pub connected: u64,
    /// It began to encrypt, and both sides agreed how.
    pub secured: u64,
    /// It was allowed to read the path that it asked for.
    pub authorised: u64,
    /// It got the description.
    pub described: u64,
}

/// What a connection knows of its attempt to read.
#[derive(Debug, Default)]
pub(crate) struct Attempt {
    pub(crate) arrival: Arrival,
    path: Option<String>,
    user_agent: Option<String>,
    /// Status of the newest refusal, unless something was passed after it; 0 without.
    status: u16,
    /// Whether the refused request said who asks.
    has_credentials: bool,
}

impl Attempt {
    /// An attempt that begins at `now`.
    pub(crate) fn new(now: u64) -> Self {
        Self {
            arrival: Arrival {
                connected: now,
                ..Arrival::default()
            },
            ..Self::default()
        }
    }

    /// Its client asks for a path, as a program of this name.
    pub(crate) fn asks(&mut self, path: &str, user_agent: Option<&str>) {
        keep(&mut self.path, Some(path).filter(|path| !path.is_empty()));
        keep(&mut self.user_agent, user_agent);
    }

    /// Its client may read.
    pub(crate) fn is_authorised(&mut self, now: u64) {
        self.status = 0;
        if self.arrival.authorised == 0 {
            self.arrival.authorised = now;
        }
    }

    /// Its client has the description.
    pub(crate) fn is_described(&mut self, now: u64) {
        self.status = 0;
        if self.arrival.described == 0 {
            self.arrival.described = now;
        }
    }

    /// Something was refused.
    pub(crate) fn is_refused(&mut self, status: u16, has_credentials: bool) {
        self.status = status;
        self.has_credentials = has_credentials;
    }

    /// What became of it, when its connection has ended.
    pub(crate) fn ended(
        self,
        protocol: Protocol,
        is_secure: bool,
        reason: &'static str,
    ) -> Journey {
        let now = now_ns();
        Journey {
            path: self.path,
            user_agent: self.user_agent,
            protocol,
            transport: None,
            is_secure,
            arrival: self.arrival,
            set_up: 0,
            playing: 0,
            first_packet: 0,
            first_picture: 0,
            served_until: now,
            ended: now,
            reason: Some(reason),
            status: self.status,
            has_credentials: self.has_credentials,
        }
    }
}

/// Replaces a text by another one that is not too long.
fn keep(place: &mut Option<String>, text: Option<&str>) {
    let Some(text) = text.filter(|text| text.len() <= TEXT_BYTES) else {
        return;
    };
    if place.as_deref() != Some(text) {
        *place = Some(text.to_owned());
    }
}

/// One attempt to read. Times are nanoseconds of the engine's clock; 0 where it did not come that far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journey {
    /// The path that it asked for last.
    pub path: Option<String>,
    /// What the client calls itself.
    pub user_agent: Option<String>,
    /// What the client speaks.
    pub protocol: Protocol,
    /// How media travels, where that was agreed.
    pub transport: Option<TransportKind>,
    /// Whether it is encrypted.
    pub is_secure: bool,
    /// What comes before the session.
    pub arrival: Arrival,
    /// Its first track was set up.
    pub set_up: u64,
    /// It was told that media flows, or is about to be.
    pub playing: u64,
    /// The first RTP packet was sent.
    pub first_packet: u64,
    /// The first random access point was sent.
    pub first_picture: u64,
    /// Until when it certainly got what was sent: until now, or until it lagged behind, or was heard no more.
    pub served_until: u64,
    /// It ended; 0 before.
    pub ended: u64,
    /// Why a connection without a session ended.
    pub reason: Option<&'static str>,
    /// Status of what was refused last; 0 where nothing was since the last stage.
    pub status: u16,
    /// Whether the refused request said who asks.
    pub has_credentials: bool,
}

impl SessionInfo {
    /// How far its reader came until now.
    pub fn journey(&self) -> Journey {
        let time = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        let counters = &self.counters;
        let ended = time(&counters.ended);
        let served_until = match ended {
            0 => self.served_until(now_ns()),
            _ => time(&counters.served_until),
        };
        Journey {
            path: Some(self.path.clone()),
            user_agent: self.user_agent.clone(),
            protocol: self.protocol,
            transport: Some(self.transport()),
            is_secure: self.is_secure,
            arrival: self.arrival,
            set_up: self.started,
            playing: time(&counters.playing_since),
            first_packet: time(&counters.first_packet),
            first_picture: time(&counters.first_picture),
            served_until,
            ended,
            reason: None,
            status: counters.refused.load(Ordering::Relaxed),
            has_credentials: true,
        }
    }

    /// Until when, at `now`, its reader has certainly got what was sent to it.
    pub(crate) fn served_until(&self, now: u64) -> u64 {
        let unless_0 = |time: u64| if time == 0 { now } else { time.min(now) };
        let left = unless_0(self.counters.left.load(Ordering::Relaxed));
        left.min(unless_0(self.counters.behind_since.load(Ordering::Relaxed)))
    }
}
