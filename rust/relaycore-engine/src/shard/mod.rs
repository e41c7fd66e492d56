//! A shard: one thread with an event loop of its own, which owns the sockets of its readers.
//!
//! It waits for sockets, commands and deadlines, and never for another thread. A new burst costs one command a shard;
//! the shard then walks its readers and writes. Nothing here takes a lock that a reader could hold.

mod allowance;
mod announce;
mod connection;
mod group;
mod handle;
mod handover;
mod http;
mod input;
mod journey;
mod lifecycle;
mod linger;
mod media;
mod output;
mod play;
mod receive;
mod record_setup;
mod reports;
mod requests;
mod session;
mod setup;
mod track;
mod tunnel;
pub(crate) mod udp;
mod web;
mod websocket;
pub(crate) mod wheel;
mod wire;

pub(crate) use group::Groups;
pub use group::HoldGroupError;
pub(crate) use handle::{Command, ShardHandle};
pub(crate) use lifecycle::KICKED;
pub(crate) use tunnel::Tunnels;

use crate::burst::Burst;
use crate::clock::{MILLISECOND, SECOND, now_ns};
use crate::engine::Shared;
use crate::mailbox::Inbox;
use crate::numbers::NumberMap;
use crate::pull::Pulls;
use crate::ring::Ring;
use crate::stream::{Stream, StreamId, Subscriber};
use connection::Connection;
use group::GroupPorts;
use linger::Lingering;
use mio::{Events, Poll, Token};
use output::Sent;
use receive::ReceivePorts;
use session::Session;
use slab::Slab;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tunnel::TunnelKey;
use udp::UdpPair;
use web::Carried;
use wheel::Wheel;

/// Wakes the shard for its commands.
const WAKER: Token = Token(0);

/// Listening sockets are the tokens from here on.
const LISTENERS: usize = 1;

/// Connections that were closed here and not yet by their clients are the tokens from here on.
const LINGERING: usize = 1 << 11;

/// RTCP ports are the tokens from here on.
const RTCP_PORTS: usize = 1 << 12;

/// Among the RTCP ports, those of groups are these and the following.
const GROUP_PORTS: usize = 1 << 10;

/// Ports of publishers are the tokens from here on, two a pair.
const RECEIVE_PORTS: usize = 1 << 13;

/// Connections are the tokens from here on.
const CONNECTIONS: usize = 1 << 16;

/// Encrypted connections that speak HTTP are the tokens from here on, two each.
const WEB: usize = 1 << 23;

/// Sockets of pulls are the tokens from here on: there are never as many connections at a time.
const PULLS: usize = 1 << 24;

/// Longest RTCP packet that is read whole.
const RTCP_BYTES: usize = 2048;

/// RTCP packets read from one port before the others get their turn.
const RTCP_PACKETS: usize = 256;

/// The readers that one thread serves; see the module.
pub(crate) struct Shard {
    number: usize,
    shared: Arc<Shared>,
    poll: Poll,
    commands: Inbox<Command>,
    /// All shards, this one at `number`.
    shards: Vec<ShardHandle>,
    /// This shard as streams know it.
    subscriber: Arc<dyn Subscriber>,
    listeners: Vec<mio::net::TcpListener>,
    connections: Slab<Connection>,
    lingering: Slab<Lingering>,
    /// Encrypted connections that speak HTTP.
    carried: Slab<Carried>,
    sessions: Slab<Session>,
    session_keys: HashMap<String, usize>,
    /// Connections that wait for a decision, by its id.
    asked: HashMap<u64, usize>,
    /// Tunnels over HTTP: the connection that its answers go out on.
    tunnels: HashMap<TunnelKey, usize>,
    streams: NumberMap<StreamId, LocalStream>,
    /// Streams with new bursts.
    touched: Vec<StreamId>,
    udp: HashMap<IpAddr, UdpPair>,
    rtcp_ports: Vec<IpAddr>,
    /// Groups that this shard sends to: the session of each.
    groups: HashMap<StreamId, usize>,
    group_ports: Slab<GroupPorts>,
    /// Where RTCP of datagram sessions comes from.
    rtcp_peers: HashMap<SocketAddr, usize>,
    /// Ports on which publishers are received.
    receive_ports: Slab<ReceivePorts>,
    /// Ports of publishers that may have more to read, by their tokens.
    unread_datagrams: Vec<usize>,
    /// Sessions of multicast that wait for the first picture, with their numbers.
    expecting: HashMap<usize, u64>,
    /// Streams that wait for another source, by the number of the last one.
    vacancies: HashMap<u64, Arc<Stream>>,
    /// Streams that are pulled from other servers.
    pulls: Pulls,
    /// Publishers that are in the middle of an access unit, and until when its packets may wait for the rest.
    held: Vec<(usize, u64)>,
    /// Sessions in the middle of a paced burst.
    pacing: Vec<usize>,
    wheel: Wheel<TimerKey>,
    next_number: u64,
    next_question: u64,
    session_timeout: u64,
    reader_age: u64,
    /// Connections whose requests go on.
    resumed: Vec<usize>,
    /// RTCP ports that may have more to read.
    unread_ports: Vec<usize>,
    /// Whether the wheel comes back to the listeners.
    accepts_again: bool,
    /// Kept to be filled again.
    read_buffer: Vec<u8>,
    /// Kept to be filled again by datagrams of publishers; nothing until some come.
    datagrams: Vec<u8>,
    /// Kept to be filled again: a walk over the readers allocates nothing.
    walked: Vec<usize>,
    sent: Vec<Sent>,
    /// Kept to be filled again with the report that is sent.
    report: Vec<u8>,
    /// When the shard ends, once it was told to.
    ends_at: Option<u64>,
}

/// A stream that someone in this shard reads.
struct LocalStream {
    stream: Arc<Stream>,
    ring: Ring,
    readers: Vec<usize>,
    /// Bursts that came since the last walk; while there are any, the stream is among those touched.
    fresh: Vec<Arc<Burst>>,
}

/// What a deadline belongs to. Numbers tell an old owner of the place from a new one.
#[derive(Debug, Clone, Copy)]
enum TimerKey {
    Connection(usize, u64),
    Session(usize, u64),
    Linger(usize, u64),
    /// A stream waits for another source than that of this number.
    Vacancy(u64),
    /// Accept again after the system had no more file descriptors.
    Accept,
}

impl Shard {
    /// The event loop and the handle of a shard that does not run yet.
    ///
    /// # Errors
    /// When the operating system refuses an event queue.
    pub(crate) fn prepare() -> io::Result<(Poll, ShardHandle, Inbox<Command>)> {
        let poll = Poll::new()?;
        let waker = mio::Waker::new(poll.registry(), WAKER)?;
        let (handle, receiver) = ShardHandle::new(waker);
        Ok((poll, handle, receiver))
    }

    /// A shard, to [`Shard::run`] on a thread of its own.
    pub(crate) fn new(
        number: usize,
        shared: Arc<Shared>,
        poll: Poll,
        commands: Inbox<Command>,
        shards: Vec<ShardHandle>,
    ) -> Self {
        Self {
            subscriber: Arc::new(shards[number].clone()),
            pulls: Pulls::new(Arc::clone(&shared), shards[number].clone(), PULLS),
            session_timeout: shared.limits.session_timeout_s * SECOND,
            reader_age: shared.limits.reader_age_ms * MILLISECOND,
            number,
            shared,
            poll,
            commands,
            shards,
            listeners: Vec::new(),
            connections: Slab::new(),
            lingering: Slab::new(),
            carried: Slab::new(),
            sessions: Slab::new(),
            session_keys: HashMap::new(),
            asked: HashMap::new(),
            tunnels: HashMap::new(),
            streams: NumberMap::default(),
            touched: Vec::new(),
            udp: HashMap::new(),
            rtcp_ports: Vec::new(),
            groups: HashMap::new(),
            group_ports: Slab::new(),
            rtcp_peers: HashMap::new(),
            receive_ports: Slab::new(),
            unread_datagrams: Vec::new(),
            expecting: HashMap::new(),
            vacancies: HashMap::new(),
            held: Vec::new(),
            pacing: Vec::new(),
            wheel: Wheel::new(now_ns()),
            next_number: 0,
            next_question: 0,
            resumed: Vec::new(),
            unread_ports: Vec::new(),
            accepts_again: false,
            read_buffer: Vec::new(),
            datagrams: Vec::new(),
            walked: Vec::new(),
            sent: Vec::new(),
            report: Vec::new(),
            ends_at: None,
        }
    }

    /// Serves until told to close.
    pub(crate) fn run(mut self) {
        let mut events = Events::with_capacity(1024);
        let mut due = Vec::new();
        while !self.has_ended() {
            let timeout = self.timeout();
            if let Err(error) = self.poll.poll(&mut events, timeout) {
                if error.kind() == io::ErrorKind::Interrupted {
                    continue;
                }
                // Only a closed event queue fails otherwise, and nobody closes it but this thread.
                break;
            }
            self.shards[self.number].attend();
            for event in &events {
                match event.token().0 {
                    0 => {}
                    listener @ LISTENERS..LINGERING => self.accept(listener - LISTENERS),
                    closed @ LINGERING..RTCP_PORTS => self.read_over(closed - LINGERING),
                    port @ RTCP_PORTS..RECEIVE_PORTS => self.read_rtcp(port - RTCP_PORTS),
                    port @ RECEIVE_PORTS..CONNECTIONS => self.read_datagrams(port - RECEIVE_PORTS),
                    token @ PULLS.. => {
                        self.pulls
                            .ready(token, event.is_writable(), self.poll.registry());
                    }
                    token @ WEB.. => self.web_event(token - WEB),
                    token => self.connection_event(
                        token - CONNECTIONS,
                        event.is_readable(),
                        event.is_writable(),
                        event.is_read_closed() || event.is_error(),
                    ),
                }
            }
            self.relay_held();
            self.take_commands();
            self.fan_out();
            self.pace();
            self.pulls.turn(self.poll.registry());
            let now = now_ns();
            self.wheel.turn(now, &mut due);
            for key in due.drain(..) {
                self.timer(key, now);
            }
            // What is not done after its turn goes on after the others.
            for key in std::mem::take(&mut self.resumed) {
                if let Some(connection) = self.connections.get_mut(key) {
                    connection.is_resumed = false;
                }
                self.serve(key);
            }
            for port in std::mem::take(&mut self.unread_ports) {
                self.read_rtcp(port);
            }
            for port in std::mem::take(&mut self.unread_datagrams) {
                self.read_datagrams(port);
            }
        }
    }

    fn has_ended(&self) -> bool {
        self.ends_at.is_some_and(|at| {
            now_ns() >= at
                || (self.pulls.is_empty()
                    && self
                        .connections
                        .iter()
                        .all(|(_, connection)| connection.has_written_all()))
        })
    }

    fn timeout(&self) -> Option<Duration> {
        let unread = !self.unread_ports.is_empty() || !self.unread_datagrams.is_empty();
        if !self.resumed.is_empty() || unread {
            return Some(Duration::ZERO);
        }
        let now = now_ns();
        let paced = self.pacing.iter().filter_map(|key| self.sessions.get(*key));
        let paced = paced
            .map(|session| session.paced_at.saturating_sub(now))
            .min();
        let held = self.held.iter().map(|(_, until)| *until).min();
        let held = held.map(|until| until.saturating_sub(now));
        let ends = self.ends_at.map(|at| at.saturating_sub(now));
        [
            self.wheel.until_next(now),
            self.pulls.until_next(now),
            paced,
            held,
            ends,
        ]
        .into_iter()
        .flatten()
        .min()
        .map(Duration::from_nanos)
    }

    fn take_commands(&mut self) {
        self.shards[self.number].awake();
        while let Some(command) = self.commands.take() {
            match command {
                Command::Listen(listener) => self.listen(listener),
                Command::Connection(socket, peer) => self.open_connection(socket, peer),
                Command::Adopt(moving) => self.adopt_connection(*moving),
                Command::CameBack(rtcp) => self.end_orphan(rtcp),
                Command::OpenGroup(open) => self.open_group(*open),
                Command::CloseGroup(stream) => self.close_group(stream),
                Command::GroupReport(stream, track, from, packet) => {
                    self.take_group_report(stream, track, from, &packet);
                }
                Command::Burst(id, burst) => self.take_burst(id, burst),
                Command::StreamEnded(id) => self.end_stream(id),
                Command::Answer(id, answer) => self.answered(id, answer),
                Command::Kick(id) => {
                    if let Some(key) = self.session_keys.get(&id).copied() {
                        self.kick(key);
                    }
                }
                Command::Disconnect(users) => self.disconnect(&users),
                Command::Vacant(stream, number, until) => {
                    self.vacancies.insert(number, stream);
                    self.wheel.add(until, TimerKey::Vacancy(number));
                }
                Command::KeyFrame(key, number) => self.ask_key_frame(key, number),
                Command::Superseded(key, number) => self.superseded(key, number),
                Command::Pull(command) => self.pulls.command(command, self.poll.registry()),
                Command::Close(patience) => self.close(patience),
            }
        }
    }

    fn take_burst(&mut self, id: StreamId, burst: Arc<Burst>) {
        let Some(local) = self.streams.get_mut(&id) else {
            return;
        };
        // What was in the ring that the subscription began with is not told again.
        if !local.ring.is_empty() && burst.index < local.ring.end() {
            return;
        }
        let is_start = local.stream.is_start(&burst);
        local.ring.push(Arc::clone(&burst), is_start);
        if local.fresh.is_empty() {
            self.touched.push(id);
        }
        local.fresh.push(burst);
    }

    fn read_rtcp(&mut self, port: usize) {
        if let Some(group) = port.checked_sub(GROUP_PORTS) {
            return self.read_group(group);
        }
        let mut buffer = [0; RTCP_BYTES];
        let now = now_ns();
        for _ in 0..RTCP_PACKETS {
            let Some(pair) = self
                .rtcp_ports
                .get(port)
                .and_then(|address| self.udp.get(address))
            else {
                return;
            };
            let Some((length, from)) = pair.receive_rtcp(&mut buffer) else {
                return;
            };
            let Some((address, key)) = self.reporter(from) else {
                continue;
            };
            let track = self
                .sessions
                .get(key)
                .and_then(|session| session.track_of_address(address));
            if let Some(track) = track {
                self.receive_rtcp(key, track, &buffer[..length], now);
            }
        }
        self.read_again(port);
    }

    /// The address that a receiver said it reports from, and its session, where the report came from there, or from
    /// the port before: that of its packets, which receivers that know one port alone use for both (RFC 5761).
    fn reporter(&self, from: SocketAddr) -> Option<(SocketAddr, usize)> {
        let behind = from.port().checked_add(1);
        let behind = behind.map(|port| SocketAddr::new(from.ip(), port));
        let mut addresses = [Some(from), behind].into_iter().flatten();
        addresses.find_map(|address| Some((address, *self.rtcp_peers.get(&address)?)))
    }

    /// Comes back to an RTCP port after the others had their turn.
    fn read_again(&mut self, port: usize) {
        if !self.unread_ports.contains(&port) {
            self.unread_ports.push(port);
        }
    }

    fn timer(&mut self, key: TimerKey, now: u64) {
        match key {
            TimerKey::Connection(key, number) => self.connection_timer(key, number, now),
            TimerKey::Session(key, number) => self.session_timer(key, number, now),
            TimerKey::Linger(key, number) => self.linger_timer(key, number),
            TimerKey::Vacancy(number) => {
                if let Some(stream) = self.vacancies.remove(&number) {
                    self.shared.give_up(&stream, number);
                }
            }
            TimerKey::Accept => {
                self.accepts_again = false;
                (0..self.listeners.len()).for_each(|listener| self.accept(listener))
            }
        }
    }
}
