//! The client itself: its phases, and how it is driven.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

use super::credentials::Authenticator;
use super::description::Description;
use super::error::ClientError;
use super::requests::Waiting;
use super::server_url::ServerUrl;
use super::transport::{Delivery, Lower, TransportChoice};
use crate::limits::{INTERLEAVED_HEADER_BYTES, Limits};
use crate::rtsp::header::rtp_info::Entry;
use crate::rtsp::header::session::Session;
use crate::rtsp::method::Method;
use crate::rtsp::parser::{Element, Parser};
use crate::track::Track;

/// Nanoseconds a millisecond.
pub(super) const MILLISECOND: u64 = 1_000_000;

/// Nanoseconds that a server gets to answer the goodbye.
const GOODBYE_NS: u64 = 1000 * MILLISECOND;

/// Nanoseconds that a stream may be silent once its server said goodbye in RTCP.
const FAREWELL_NS: u64 = 1000 * MILLISECOND;

/// Most bytes that wait to be written: requests are short, so more of them means that a server does not read.
const OUTPUT_BYTES: usize = 64 * 1024;

/// What a client needs to know, beside the URL.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which way of sending is asked for.
    pub transport: TransportChoice,
    /// Value of the `User-Agent` header.
    pub user_agent: String,
    /// Name of this relay in the `Via` header (RFC 2326 section 12.43), by which it knows its own requests.
    pub via: String,
    /// Bounds of what the server sends, and of how long it takes.
    pub limits: Limits,
    /// A random number: the client's nonces start with it.
    pub seed: u64,
}

/// What the driver is told, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Close the connection, if there is one, connect to [`Client::server`], and call [`Client::connected`].
    Connect,
    /// Bind a pair of UDP ports for each of so many tracks, and call [`Client::bound`].
    Bind {
        /// Number of pairs.
        tracks: usize,
    },
    /// The tracks are set up: from now on their packets may come. PLAY is asked for. Comes again when the transport
    /// changes.
    Ready(Vec<ReadyTrack>),
    /// The server plays; for each track its first packet, where the server tells (RFC 2326 section 12.33). For a
    /// publisher: it records, and packets may be sent.
    Playing(Vec<Option<Entry>>),
    /// It is over. What [`Client::output`] still holds is a goodbye, worth one last write.
    Ended(ClientError),
}

/// A track whose packets are about to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadyTrack {
    /// What it is.
    pub track: Track,
    /// How its packets come.
    pub delivery: Delivery,
}

/// What a packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Media.
    Rtp,
    /// Reports.
    Rtcp,
}

/// How far a client is.
///
/// ```text
/// Connecting -> Options -> Describe -> [Bind ->] Setup (each track) -> Play -> Playing -> Stopping -> Ended
///                       or Announce                                 or Record
///      ^            any: redirection, connection lost after a challenge           |
///      +------------------------------------------------------------------ Switching -> [Bind ->] Setup
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// There is no connection yet.
    Connecting,
    /// OPTIONS was sent.
    Options,
    /// DESCRIBE was sent, or by a publisher ANNOUNCE.
    Describe,
    /// UDP ports are being bound.
    Bind,
    /// SETUP of the track behind those that are set up was sent.
    Setup,
    /// PLAY was sent, or by a publisher RECORD.
    Play,
    /// Packets come, or go.
    Playing,
    /// TEARDOWN was sent, to start again with another transport.
    Switching,
    /// TEARDOWN was sent.
    Stopping,
    /// It is over.
    Ended,
}

/// See the module. Times are nanoseconds of any clock that only goes forward.
///
/// After each call that takes `now`: write what [`Client::output`] holds and tell [`Client::written`] how much of it,
/// take every [`Client::next_event`], and call [`Client::handle_deadline`] at [`Client::next_deadline`].
#[derive(Debug)]
pub struct Client {
    pub(super) settings: Settings,
    pub(super) server: ServerUrl,
    pub(super) authenticator: Authenticator,
    /// The description of what is published; `None` for a client that pulls.
    pub(super) announced: Option<String>,
    pub(super) redirections: u64,
    /// Whether a connection was opened again after it was lost behind a challenge.
    pub(super) reopened: bool,
    pub(super) lower: Lower,
    pub(super) fell_back: bool,
    pub(super) phase: Phase,
    pub(super) parser: Parser,
    pub(super) output: Vec<u8>,
    pub(super) events: VecDeque<Event>,
    pub(super) next_cseq: u32,
    /// Requests without an answer, oldest first.
    pub(super) waiting: VecDeque<Waiting>,
    /// Known from the answer to DESCRIBE on.
    pub(super) description: Description,
    /// Of the tracks that are set up.
    pub(super) deliveries: Vec<Delivery>,
    /// The first of each pair of UDP ports.
    pub(super) ports: Vec<u16>,
    pub(super) session: Option<Session>,
    /// The request that keeps the session alive.
    pub(super) keep_alive: Method,
    pub(super) keep_alive_at: u64,
    /// When an answer, or in [`Phase::Playing`] a packet, has to be here.
    pub(super) patience_ends: u64,
    pub(super) had_packet: bool,
    /// Whether the server said goodbye in RTCP, and no packet has come since.
    pub(super) had_goodbye: bool,
}

impl Client {
    /// A client of the stream at `server`. The first event is [`Event::Connect`].
    #[must_use]
    pub fn new(server: ServerUrl, settings: Settings, now: u64) -> Self {
        Self::of(server, settings, None, now)
    }

    /// A client that publishes what `description` (SDP) describes to `server`. Its events are those of any client;
    /// sending packets from [`Event::Playing`] on is the driver's part.
    #[must_use]
    pub fn publisher(server: ServerUrl, settings: Settings, description: String, now: u64) -> Self {
        Self::of(server, settings, Some(description), now)
    }

    fn of(server: ServerUrl, settings: Settings, announced: Option<String>, now: u64) -> Self {
        let mut client = Self {
            announced,
            authenticator: Authenticator::new(server.credentials().cloned(), settings.seed),
            lower: settings.transport.first(),
            parser: Parser::new(settings.limits),
            server,
            settings,
            redirections: 0,
            reopened: false,
            fell_back: false,
            phase: Phase::Connecting,
            output: Vec::new(),
            events: VecDeque::new(),
            next_cseq: 1,
            waiting: VecDeque::new(),
            description: Description::default(),
            deliveries: Vec::new(),
            ports: Vec::new(),
            session: None,
            keep_alive: Method::Options,
            keep_alive_at: u64::MAX,
            patience_ends: 0,
            had_packet: false,
            had_goodbye: false,
        };
        client.connect(now);
        client
    }

    /// The server to connect to.
    #[must_use]
    pub fn server(&self) -> &ServerUrl {
        &self.server
    }

    /// The connection that [`Event::Connect`] asked for is there.
    pub fn connected(&mut self, now: u64) {
        if self.phase == Phase::Connecting {
            self.phase = Phase::Options;
            let uri = String::from(self.server.uri());
            self.send(Method::Options, uri, Vec::new(), now);
        }
    }

    /// The connection is gone, or could not be made.
    pub fn disconnected(&mut self, now: u64) {
        let is_challenged = self.waiting.iter().any(Waiting::is_answer);
        match self.phase {
            Phase::Ended => {}
            Phase::Stopping => self.end(ClientError::Stopped),
            Phase::Switching => self.connect(now),
            // Some servers close the connection behind a challenge, and want the answer on another.
            _ if is_challenged && !self.reopened => {
                self.reopened = true;
                self.connect(now);
            }
            _ => self.end(ClientError::Disconnected),
        }
    }

    /// The ports that [`Event::Bind`] asked for: the first, even one of each pair. Too few of them say that there are
    /// none to be had.
    pub fn bound(&mut self, ports: Vec<u16>, now: u64) {
        if self.phase != Phase::Bind {
            return;
        }
        if ports.len() < self.description.sections.len() {
            self.fall_back(now);
        } else {
            self.ports = ports;
            self.phase = Phase::Setup;
            self.send_setup(now);
        }
    }

    /// Takes bytes of the connection. Each packet of a track that is among them is given to `packet`: the track's
    /// index, what the packet is, and its bytes.
    pub fn receive(&mut self, now: u64, data: &[u8], mut packet: impl FnMut(usize, Lane, &[u8])) {
        if matches!(self.phase, Phase::Connecting | Phase::Ended) {
            return;
        }
        self.parser.push(data);
        while self.phase != Phase::Ended {
            match self.parser.next() {
                Ok(None) => return,
                Ok(Some(Element::Interleaved { channel, data })) => {
                    let is_open = matches!(self.phase, Phase::Play | Phase::Playing);
                    let found = lane_of(&self.deliveries, channel).filter(|_| is_open);
                    if let Some((track, lane)) = found {
                        packet(track, lane, data);
                        if lane == Lane::Rtp {
                            self.received_packet(now);
                        }
                    }
                }
                Ok(Some(Element::Response(response))) => self.response(&response, now),
                Ok(Some(Element::Request(request))) => self.server_request(&request, now),
                Err(error) if error.is_fatal() => return self.fail(ClientError::Unreadable(error)),
                // A request that cannot be read was skipped.
                Err(_) => {}
            }
        }
    }

    /// Whether a message of the server has begun that is not whole yet: what comes next belongs to it.
    #[must_use]
    pub fn is_in_message(&self) -> bool {
        self.parser.is_in_message()
    }

    /// The part of an interleaved packet that has come so far, which the client then forgets: for a driver that takes
    /// packets from the connection by itself, without copying them, and gives [`Client::receive`] only what lies
    /// between them. Empty within a message.
    #[must_use]
    pub fn take_partial_packet(&mut self) -> Vec<u8> {
        if self.parser.is_in_message() {
            return Vec::new();
        }
        let unread = self.parser.unread().to_vec();
        if !unread.is_empty() {
            self.parser = Parser::new(self.settings.limits);
        }
        unread
    }

    /// A packet of a track came that [`Client::receive`] did not see: a datagram, or one that the driver took.
    pub fn received_packet(&mut self, now: u64) {
        self.had_packet = true;
        self.had_goodbye = false;
        if self.phase == Phase::Playing && self.announced.is_none() {
            self.patience_ends = now + self.settings.limits.pull_silence_ms * MILLISECOND;
        }
    }

    /// The server said goodbye for a track in RTCP (RFC 3550 section 6.6). Some say it and go on, with another source or
    /// with the other tracks: it is over when nothing more comes.
    pub fn received_goodbye(&mut self, now: u64) {
        if self.phase == Phase::Playing {
            self.had_goodbye = true;
            self.patience_ends = self.patience_ends.min(now + FAREWELL_NS);
        }
    }

    /// Sends a packet of a track to the server, where its packets are interleaved. Left out while the server does not
    /// read.
    pub fn send_packet(&mut self, track: usize, lane: Lane, data: &[u8]) {
        let Some(Delivery::Interleaved { rtp, rtcp }) = self.deliveries.get(track) else {
            return;
        };
        let channel = match lane {
            Lane::Rtp => *rtp,
            Lane::Rtcp => *rtcp,
        };
        let Ok(length) = u16::try_from(data.len()) else {
            return;
        };
        if self.output.len() + INTERLEAVED_HEADER_BYTES + data.len() <= OUTPUT_BYTES {
            self.output.extend_from_slice(&[b'$', channel]);
            self.output.extend_from_slice(&length.to_be_bytes());
            self.output.extend_from_slice(data);
        }
    }

    /// Ends the session; [`Event::Ended`] says when the server has heard of it, or does not answer.
    pub fn stop(&mut self, now: u64) {
        match self.phase {
            Phase::Setup | Phase::Play | Phase::Playing if self.session.is_some() => {
                self.phase = Phase::Stopping;
                self.send_teardown(now);
                self.patience_ends = now + GOODBYE_NS;
            }
            Phase::Switching => self.phase = Phase::Stopping,
            Phase::Stopping | Phase::Ended => {}
            _ => self.end(ClientError::Stopped),
        }
    }

    /// Whether something happened.
    #[must_use]
    pub fn has_event(&self) -> bool {
        !self.events.is_empty()
    }

    /// What happened; `None` when there is nothing more.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// What is to be written to the connection.
    #[must_use]
    pub fn output(&self) -> &[u8] {
        &self.output
    }

    /// So many bytes of the output were written.
    pub fn written(&mut self, bytes: usize) {
        self.output.drain(..bytes.min(self.output.len()));
    }

    /// When to call [`Client::handle_deadline`]; `None` when it is over.
    #[must_use]
    pub fn next_deadline(&self) -> Option<u64> {
        match self.phase {
            Phase::Ended => None,
            Phase::Playing => Some(self.patience_ends.min(self.keep_alive_at)),
            _ => Some(self.patience_ends),
        }
    }

    /// Does what is due at `now`.
    pub fn handle_deadline(&mut self, now: u64) {
        if self.phase == Phase::Playing && now >= self.keep_alive_at {
            self.send_keep_alive(now);
        }
        if now < self.patience_ends {
            return;
        }
        match self.phase {
            Phase::Ended => {}
            Phase::Playing if self.had_goodbye => {
                self.send_teardown(now);
                self.end(ClientError::SessionEnded);
            }
            Phase::Playing if self.may_fall_back() => self.fall_back(now),
            Phase::Playing => self.fail(ClientError::Silent),
            Phase::Switching => self.connect(now),
            Phase::Stopping => self.end(ClientError::Stopped),
            _ => self.fail(ClientError::NoAnswer),
        }
    }

    /// Whether packets may still come another way than this one, on which none came.
    pub(super) fn may_fall_back(&self) -> bool {
        let next = self.settings.transport.second();
        self.lower == Lower::Udp && !self.had_packet && !self.fell_back && next.is_some()
    }

    /// Goes on with the other transport, or ends where there is none.
    pub(super) fn fall_back(&mut self, now: u64) {
        let other = self.settings.transport.second();
        let Some(lower) = other.filter(|_| !self.fell_back) else {
            return self.fail(ClientError::NoTransport);
        };
        self.fell_back = true;
        self.lower = lower;
        self.deliveries.clear();
        if self.session.is_some() {
            self.phase = Phase::Switching;
            self.send_teardown(now);
        } else {
            self.begin_setup(now);
        }
    }

    /// Starts again on a new connection.
    pub(super) fn connect(&mut self, now: u64) {
        self.phase = Phase::Connecting;
        self.parser = Parser::new(self.settings.limits);
        self.output.clear();
        self.waiting.clear();
        self.deliveries.clear();
        self.session = None;
        self.had_packet = false;
        self.had_goodbye = false;
        self.wait_for_answer(now);
        self.events.push_back(Event::Connect);
    }

    /// Ends with a goodbye to the server where it has a session.
    pub(super) fn fail(&mut self, error: ClientError) {
        let knows_session = matches!(self.phase, Phase::Setup | Phase::Play | Phase::Playing);
        if knows_session && self.session.is_some() && error != ClientError::SessionEnded {
            self.send_teardown(0);
        }
        self.end(error);
    }

    pub(super) fn end(&mut self, error: ClientError) {
        self.phase = Phase::Ended;
        self.events.push_back(Event::Ended(error));
    }

    pub(super) fn wait_for_answer(&mut self, now: u64) {
        self.patience_ends = now + self.settings.limits.pull_answer_ms * MILLISECOND;
    }

    /// Whether more waits to be written than a server that reads would leave.
    pub(super) fn is_flooded(&self) -> bool {
        self.output.len() > OUTPUT_BYTES
    }
}

/// The track and the kind of packet on a channel of the connection.
fn lane_of(deliveries: &[Delivery], channel: u8) -> Option<(usize, Lane)> {
    deliveries
        .iter()
        .enumerate()
        .find_map(|(track, delivery)| match delivery {
            Delivery::Interleaved { rtp, .. } if *rtp == channel => Some((track, Lane::Rtp)),
            Delivery::Interleaved { rtcp, .. } if *rtcp == channel => Some((track, Lane::Rtcp)),
            _ => None,
        })
}
