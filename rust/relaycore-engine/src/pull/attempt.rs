//! One attempt to pull a stream: from the first connection to the end of the last.

use super::connection::{Connection, Received};
use super::datagrams::PortPair;
use super::failure::Failure;
use super::resolve;
use super::{PullId, PullOptions, relay_name};
use crate::clock::{MILLISECOND, SECOND};
use crate::engine::Shared;
use crate::ingest::{Source, Upstream};
use crate::random::random_u64;
use crate::shard::ShardHandle;
use mio::Registry;
use relaycore_proto::client::{Client, Delivery, Event, Lane, ReadyTrack, ServerUrl, Settings};
use relaycore_proto::rtcp::{self, RtcpPacket};
use relaycore_proto::track::Track;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

/// Tokens of one pull: its connection, then RTP and RTCP of each track; the limit `tracks` is at most 64.
pub(super) const TOKENS: usize = 256;

/// Reads of the connection, each of so many bytes, and datagrams read from a port, before the others get their turn.
const READS: usize = 4;
const READ_BYTES: usize = 64 * 1024;
const DATAGRAMS: usize = 256;

/// Nanoseconds between two reports (RFC 3550 §6.2).
const REPORT_INTERVAL: u64 = 5 * SECOND;

/// Least time between two demands for a key frame, in nanoseconds: a server that makes one needs a while.
const KEY_FRAME_INTERVAL: u64 = 500 * MILLISECOND;

/// What an attempt needs of its surroundings.
pub(super) struct Surroundings<'a> {
    pub(super) shared: &'a Arc<Shared>,
    pub(super) shard: &'a ShardHandle,
    pub(super) registry: &'a Registry,
    /// The first of its tokens.
    pub(super) token: usize,
    /// To read into, of [`crate::inlet::INLET_BYTES`].
    pub(super) buffer: &'a mut [u8],
    pub(super) now: u64,
}

/// How an attempt goes on.
#[derive(Debug)]
pub(super) enum Step {
    /// It waits for something.
    Waits,
    /// There may be more to read.
    HasMore,
    /// It is over.
    Ended(Failure),
}

/// See the module.
pub(super) struct Attempt {
    pull: PullId,
    path: String,
    client: Client,
    connection: Option<Connection>,
    /// The question for the server's addresses that was asked last.
    question: u64,
    /// Addresses of the server that were not tried yet, the next one last.
    addresses: Vec<SocketAddr>,
    ports: Vec<PortPair>,
    tracks: Vec<Track>,
    deliveries: Vec<Delivery>,
    upstream: Arc<dyn Upstream>,
    source: Option<Source>,
    report_at: u64,
    /// When packets that wait for the rest of their access unit are passed on at the latest, in nanoseconds of the engine's clock.
    pub(super) flush_at: Option<u64>,
    key_frame_at: u64,
    /// When the server began to play.
    pub(super) playing_since: Option<u64>,
    /// Why it is given up from here; the client then only says goodbye.
    failure: Option<Failure>,
}

impl Attempt {
    /// An attempt to feed `path` from `server`.
    pub(super) fn new(
        pull: PullId,
        path: String,
        server: ServerUrl,
        options: PullOptions,
        upstream: Arc<dyn Upstream>,
        around: &mut Surroundings<'_>,
    ) -> Self {
        let settings = Settings {
            transport: options.transport,
            user_agent: around.shared.server_name.clone(),
            via: relay_name(around.shared.origin),
            limits: around.shared.limits,
            seed: random_u64(),
        };
        Self {
            pull,
            path,
            client: Client::new(server, settings, around.now),
            connection: None,
            question: 0,
            addresses: Vec::new(),
            ports: Vec::new(),
            tracks: Vec::new(),
            deliveries: Vec::new(),
            upstream,
            source: None,
            flush_at: None,
            report_at: u64::MAX,
            key_frame_at: 0,
            playing_since: None,
            failure: None,
        }
    }

    /// When to call [`Attempt::go_on`] at the latest.
    pub(super) fn deadline(&self) -> u64 {
        let client = self.client.next_deadline().unwrap_or(u64::MAX);
        client.min(self.report_at)
    }

    /// Ends it in order: the server is told, and [`Step::Ended`] comes when it has heard.
    pub(super) fn stop(&mut self, around: &mut Surroundings<'_>) -> Step {
        self.leave_path();
        self.client.stop(around.now);
        self.step(around)
    }

    /// The system answered which addresses the server has.
    pub(super) fn resolved(
        &mut self,
        question: u64,
        addresses: Vec<SocketAddr>,
        around: &mut Surroundings<'_>,
    ) -> Step {
        if question != self.question || self.connection.is_some() {
            return Step::Waits;
        }
        if addresses.is_empty() {
            let host = self.client.server().host().to_owned();
            self.give_up(Failure::NoAddress(host), around.now);
        }
        self.addresses = addresses;
        self.addresses.reverse();
        self.connect_next(around, None);
        self.step(around)
    }

    /// Socket `index` of it is ready.
    pub(super) fn ready(
        &mut self,
        index: usize,
        is_writable: bool,
        around: &mut Surroundings<'_>,
    ) -> Step {
        let mut has_more = false;
        match index.checked_sub(1) {
            None => {
                if is_writable {
                    self.writable(around);
                }
                has_more = self.read(around);
            }
            Some(port) => has_more |= self.read_port(port, around),
        }
        match self.step(around) {
            Step::Waits if has_more => Step::HasMore,
            step => step,
        }
    }

    /// Does what is due.
    pub(super) fn go_on(&mut self, around: &mut Surroundings<'_>) -> Step {
        if self
            .client
            .next_deadline()
            .is_some_and(|at| at <= around.now)
        {
            self.client.handle_deadline(around.now);
        }
        if self.report_at <= around.now {
            self.send_reports(around.now);
        }
        if self.flush_at.is_some_and(|at| at <= around.now) {
            self.flush(around.now);
        }
        self.step(around)
    }

    /// Readers of the stream wait for a key frame: the next report asks for it, as soon as that may be.
    pub(super) fn want_key_frame(&mut self, around: &mut Surroundings<'_>) -> Step {
        if self.source.is_some() {
            self.report_at = self.report_at.min(self.key_frame_at.max(around.now));
        }
        self.go_on(around)
    }

    /// Another source feeds the path now, or its stream has ended.
    pub(super) fn superseded(&mut self, around: &mut Surroundings<'_>) -> Step {
        self.give_up_path(around.now);
        self.step(around)
    }

    /// Closes what is open.
    pub(super) fn close(&mut self, registry: &Registry) {
        self.hang_up(registry);
        self.leave_path();
    }

    fn leave_path(&mut self) {
        self.source = None;
        self.flush_at = None;
        self.report_at = u64::MAX;
    }

    fn give_up_path(&mut self, now: u64) {
        if let Some(source) = &self.source {
            let ended = source.stream().end_reason();
            let reason =
                ended.unwrap_or("another publisher has the path; it is pulled when that leaves");
            self.give_up(Failure::Path(reason.to_owned()), now);
        }
    }

    fn give_up(&mut self, failure: Failure, now: u64) {
        self.leave_path();
        self.failure.get_or_insert(failure);
        self.client.stop(now);
    }

    /// Takes what the client says and writes what it wants to say, until there is nothing more of either.
    fn step(&mut self, around: &mut Surroundings<'_>) -> Step {
        loop {
            self.write(around.now);
            let Some(event) = self.client.next_event() else {
                return Step::Waits;
            };
            match event {
                Event::Connect => self.connect(around),
                Event::Bind { tracks } => self.bind(tracks, around),
                Event::Ready(tracks) => self.open_source(tracks, around),
                Event::Playing(_) => self.playing_since = Some(around.now),
                Event::Ended(error) => {
                    self.write(around.now);
                    self.close(around.registry);
                    let failure = self.failure.take();
                    return Step::Ended(failure.unwrap_or(Failure::Client(error)));
                }
            }
        }
    }

    /// Looks for the server.
    fn connect(&mut self, around: &mut Surroundings<'_>) {
        self.hang_up(around.registry);
        self.question = random_u64();
        let server = self.client.server();
        let (host, port) = (server.host(), server.port());
        match resolve::literal(host, port) {
            Some(address) => {
                self.addresses = vec![address];
                self.connect_next(around, None);
            }
            None => resolve::resolve(host, port, self.pull, self.question, around.shard),
        }
    }

    /// Tries the next address of the server; `failed` says what became of the one before.
    fn connect_next(
        &mut self,
        around: &mut Surroundings<'_>,
        mut failed: Option<(SocketAddr, io::ErrorKind)>,
    ) {
        self.hang_up(around.registry);
        while let Some(peer) = self.addresses.pop() {
            match Connection::begin(peer, around.registry, around.token) {
                Ok(connection) => {
                    self.connection = Some(connection);
                    return;
                }
                Err(error) => failed = Some((peer, error.kind())),
            }
        }
        if let Some((address, kind)) = failed {
            self.give_up(Failure::NotConnected(address, kind), around.now);
        }
    }

    /// The connection can be written to: it is there, or cannot be made.
    fn writable(&mut self, around: &mut Surroundings<'_>) {
        let Some(connection) = &mut self.connection else {
            return;
        };
        match connection.writable() {
            Ok(false) => {}
            Ok(true) => self.client.connected(around.now),
            Err(error) => {
                let failed = (connection.peer, error.kind());
                self.connect_next(around, Some(failed));
            }
        }
    }

    /// Reads the connection; whether there may be more.
    fn read(&mut self, around: &mut Surroundings<'_>) -> bool {
        let mut has_more = true;
        for _ in 0..READS {
            let Some(connection) = &mut self.connection else {
                return false;
            };
            match connection.read(&mut around.buffer[..READ_BYTES]) {
                Received::Bytes(length) => {
                    let (source, now) = (&mut self.source, around.now);
                    let mut is_goodbye = false;
                    let bytes = &around.buffer[..length];
                    self.client.receive(now, bytes, |track, lane, packet| {
                        if let Some(source) = source {
                            take(source, track, lane, packet, now);
                        }
                        is_goodbye = lane == Lane::Rtcp && says_goodbye(packet);
                    });
                    if is_goodbye {
                        self.client.received_goodbye(now);
                    }
                }
                Received::Nothing => has_more = false,
                Received::Closed => {
                    self.hang_up(around.registry);
                    self.client.disconnected(around.now);
                    has_more = false;
                }
            }
            // What the answers among it change comes before what follows them.
            if !has_more || self.client.has_event() {
                break;
            }
        }
        self.flush(around.now);
        has_more
    }

    /// Reads a port; whether there may be more. The ports of a track follow each other.
    fn read_port(&mut self, port: usize, around: &mut Surroundings<'_>) -> bool {
        let (track, is_rtcp_port) = (port / 2, port % 2 == 1);
        let Some(pair) = self.ports.get(track) else {
            return false;
        };
        let (client, source, now) = (&mut self.client, &mut self.source, around.now);
        let has_more = pair.receive(is_rtcp_port, around.buffer, DATAGRAMS, |packet, lane| {
            if lane == Lane::Rtp {
                client.received_packet(now);
            } else if says_goodbye(packet) {
                client.received_goodbye(now);
            }
            if let Some(source) = source {
                take(source, track, lane, packet, now);
            }
        });
        self.flush(around.now);
        has_more
    }

    /// What came together goes to the readers.
    fn flush(&mut self, now: u64) {
        let Some(source) = &mut self.source else {
            return;
        };
        self.flush_at = source.flush(now);
        if source.is_superseded() {
            self.give_up_path(now);
        }
    }

    fn write(&mut self, now: u64) {
        if let Some(connection) = &mut self.connection
            && !connection.write(&mut self.client)
        {
            self.client.disconnected(now);
        }
    }

    /// Binds a pair of ports for each track.
    fn bind(&mut self, tracks: usize, around: &mut Surroundings<'_>) {
        self.close_ports(around.registry);
        let local = self
            .connection
            .as_ref()
            .and_then(|it| Some((it.local().ok()?, it.peer.ip())));
        if let Some((local, server)) = local {
            for track in 0..tracks {
                let token = around.token + 1 + 2 * track;
                let Ok(pair) = PortPair::open(local, server, around.registry, token) else {
                    break;
                };
                self.ports.push(pair);
            }
        }
        let ports = self.ports.iter().map(|pair| pair.port).collect();
        self.client.bound(ports, around.now);
    }

    /// Packets are about to come: takes the path, unless that was done before the transport changed.
    fn open_source(&mut self, tracks: Vec<ReadyTrack>, around: &mut Surroundings<'_>) {
        let (tracks, deliveries): (Vec<_>, Vec<_>) = tracks
            .into_iter()
            .map(|ready| (ready.track, ready.delivery))
            .unzip();
        let is_ordered = deliveries
            .iter()
            .all(|delivery| matches!(delivery, Delivery::Interleaved { .. }));
        if let Some(connection) = &self.connection {
            let server = connection.peer.ip();
            for (pair, delivery) in self.ports.iter_mut().zip(&deliveries) {
                pair.expect(delivery, server);
            }
        }
        if is_ordered {
            self.close_ports(around.registry);
        }
        self.deliveries = deliveries;
        if let Some(source) = self.source.as_mut().filter(|_| tracks == self.tracks) {
            if !is_ordered {
                source.expect_disorder();
            }
            return self.send_reports(around.now);
        }
        self.source = None;
        self.tracks.clone_from(&tracks);
        let upstream = Arc::clone(&self.upstream);
        match around
            .shared
            .open_source(&self.path, tracks, is_ordered, upstream)
        {
            Ok(source) => {
                self.source = Some(source);
                self.send_reports(around.now);
            }
            Err(error) => self.give_up(Failure::Path(error.to_string()), around.now),
        }
    }

    /// Reports to the server how its tracks arrive, and asks for a key frame where readers wait for one.
    fn send_reports(&mut self, now: u64) {
        let Some(source) = &mut self.source else {
            self.report_at = u64::MAX;
            return;
        };
        self.report_at = now + REPORT_INTERVAL;
        let asks = now >= self.key_frame_at && source.stream().key_frame_wanted();
        if asks {
            self.key_frame_at = now + KEY_FRAME_INTERVAL;
        }
        for (track, delivery) in self.deliveries.iter().enumerate() {
            let Some(report) = source.report(track, now, asks) else {
                continue;
            };
            match delivery {
                Delivery::Interleaved { .. } => self.client.send_packet(track, Lane::Rtcp, &report),
                Delivery::Datagrams { .. } => {
                    if let Some(pair) = self.ports.get(track) {
                        pair.send_report(&report);
                    }
                }
            }
        }
    }

    fn hang_up(&mut self, registry: &Registry) {
        if let Some(connection) = self.connection.take() {
            connection.close(registry);
        }
        self.close_ports(registry);
    }

    fn close_ports(&mut self, registry: &Registry) {
        self.ports.drain(..).for_each(|pair| pair.close(registry));
    }
}

/// Gives a packet to the source. Some servers send reports where media belongs.
fn take(source: &mut Source, track: usize, lane: Lane, packet: &[u8], now: u64) {
    if lane == Lane::Rtcp || rtcp::is_rtcp(packet) {
        source.rtcp(track, packet, now);
    } else {
        source.packet(track, packet, now);
    }
}

fn says_goodbye(compound: &[u8]) -> bool {
    let is_bye = |packet: &RtcpPacket| matches!(packet, RtcpPacket::Bye(_));
    rtcp::parse_compound(compound).is_ok_and(|packets| packets.iter().any(is_bye))
}
