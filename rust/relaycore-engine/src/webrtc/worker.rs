//! The thread that serves WebRTC: its sockets, its clients, and the streams that they read.

use super::channel::{Caller, Channel};
use super::gateway::Handle;
use super::outlet::{Batch, Outlet};
use super::payloads::PayloadCache;
use super::peer::{Peer, Role, Wakes};
use super::reading::{Fed, Surroundings};
use super::restart::Restart;
use crate::burst::Burst;
use crate::clock::now_ns;
use crate::inlet::INLET_BYTES;
use crate::mailbox::Inbox;
use crate::ring::Ring;
use crate::stream::{Stream, StreamId, Subscriber};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use relaycore_proto::ice_tcp::Datagrams;
use slab::Slab;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use str0m::bwe::BweKind;
use str0m::ice::StunMessage;
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, IceConnectionState, Input, Output};

/// Wakes the thread for its commands.
pub(super) const WAKER: Token = Token(0);

/// Sockets are the tokens from here on.
const SOCKETS: usize = 1;

/// TCP connections are the tokens from here on.
const CHANNELS: usize = 1 << 16;

/// Datagrams that are read of one socket before it is the turn of others.
const DATAGRAMS: usize = 256;

/// How often it looks for sessions that others have ended.
const SWEEP: Duration = Duration::from_millis(100);

/// What the thread is told.
pub(super) enum Command {
    /// Serve this client.
    Serve(Box<Peer>),
    /// A connection that begins with a check of connectivity.
    Call(Box<Caller>),
    /// The client of this session can be reached here, too.
    Candidates(String, Vec<Candidate>),
    /// The client of a session wants to be connected anew.
    Restart(Box<Restart>),
    /// A stream that it subscribed to has a new burst.
    Burst(StreamId, Arc<Burst>),
    /// A stream that it subscribed to has ended.
    StreamEnded,
    /// The publisher of this session is asked for a key frame.
    KeyFrame(String),
    /// The publisher of this session feeds its stream no more.
    Superseded(String),
    /// Say goodbye to everybody and end.
    Close,
    /// Panic, where there is one in what this session needs, or in what all do.
    #[cfg(test)]
    Panic(Option<String>),
}

/// See the module.
pub(super) struct Worker {
    poll: Poll,
    commands: Inbox<Command>,
    handle: Handle,
    subscriber: Arc<dyn Subscriber>,
    outlets: Vec<Outlet>,
    channels: Slab<Channel>,
    peers: Slab<Peer>,
    /// Places of the clients by session, by what their checks call this side, and by address.
    by_session: HashMap<String, usize>,
    by_ufrag: HashMap<String, usize>,
    by_address: HashMap<SocketAddr, usize>,
    streams: HashMap<StreamId, LocalStream>,
    /// Streams with new bursts.
    touched: Vec<StreamId>,
    wakes: Wakes,
    next_number: u64,
    next_sweep: Instant,
    reader_age: u64,
    batch: Batch,
    buffer: Vec<u8>,
    /// A moment of the system's clock, and of the engine's in nanoseconds.
    epoch: (Instant, u64),
    is_closing: bool,
}

struct LocalStream {
    stream: Arc<Stream>,
    ring: Ring,
    payloads: PayloadCache,
    readers: Vec<usize>,
}

impl Worker {
    pub(super) fn new(
        reader_age: u64,
        poll: Poll,
        commands: Inbox<Command>,
        handle: Handle,
        sockets: Vec<UdpSocket>,
    ) -> io::Result<Self> {
        let mut outlets = Vec::new();
        for (index, socket) in sockets.into_iter().enumerate() {
            let mut outlet = Outlet::new(socket)?;
            let token = Token(SOCKETS + index);
            poll.registry()
                .register(&mut outlet.inlet.socket, token, Interest::READABLE)?;
            outlets.push(outlet);
        }
        Ok(Self {
            reader_age,
            poll,
            commands,
            subscriber: Arc::new(handle.clone()),
            handle,
            outlets,
            channels: Slab::new(),
            peers: Slab::new(),
            by_session: HashMap::new(),
            by_ufrag: HashMap::new(),
            by_address: HashMap::new(),
            streams: HashMap::new(),
            touched: Vec::new(),
            wakes: Wakes::new(),
            next_number: 0,
            next_sweep: Instant::now() + SWEEP,
            batch: Batch::default(),
            buffer: vec![0; INLET_BYTES],
            epoch: (Instant::now(), now_ns()),
            is_closing: false,
        })
    }

    /// Serves until told to close.
    pub(super) fn run(mut self) {
        let mut events = Events::with_capacity(64);
        let mut unread: Vec<usize> = Vec::new();
        while !self.is_closing {
            let timeout = if unread.is_empty() {
                self.timeout()
            } else {
                Duration::ZERO
            };
            if let Err(error) = self.poll.poll(&mut events, Some(timeout)) {
                if error.kind() == io::ErrorKind::Interrupted {
                    continue;
                }
                // Only a closed event queue fails otherwise, and nobody closes it but this thread.
                break;
            }
            for event in &events {
                let token = event.token().0;
                if token >= CHANNELS && event.is_writable() {
                    self.drain(token - CHANNELS);
                }
                let has_more = event.is_readable() || event.is_read_closed() || event.is_error();
                if token >= SOCKETS && has_more && !unread.contains(&token) {
                    unread.push(token);
                }
            }
            unread.retain(|token| match token.checked_sub(CHANNELS) {
                Some(channel) => self.listen_to(channel),
                None => self.receive(token - SOCKETS),
            });
            self.take_commands();
            self.fan_out();
            self.wake_due();
            self.sweep();
        }
    }

    fn timeout(&self) -> Duration {
        let next = self
            .wakes
            .peek()
            .map_or(self.next_sweep, |Reverse((at, ..))| *at);
        next.min(self.next_sweep)
            .saturating_duration_since(Instant::now())
    }

    fn take_commands(&mut self) {
        self.handle.awake();
        while let Some(command) = self.commands.take() {
            match command {
                Command::Serve(peer) => self.serve(*peer),
                Command::Call(caller) => self.called(*caller),
                Command::Candidates(session, candidates) => {
                    if let Some(&key) = self.by_session.get(&session) {
                        self.attend(key, |worker| {
                            if let Some(peer) = worker.peers.get_mut(key) {
                                peer.add_candidates(candidates);
                            }
                        });
                    }
                }
                Command::Restart(restart) => {
                    if let Some(&key) = self.by_session.get(&restart.session) {
                        self.attend(key, |worker| worker.restart(key, &restart));
                    }
                }
                Command::Burst(id, burst) => self.take_burst(id, burst),
                // Sessions that read it have ended with it; they are found at the next sweep.
                Command::StreamEnded => self.next_sweep = Instant::now(),
                Command::KeyFrame(session) => {
                    if let Some(&key) = self.by_session.get(&session) {
                        self.attend(key, |worker| worker.ask(key));
                    }
                }
                Command::Superseded(session) => {
                    if let Some(&key) = self.by_session.get(&session)
                        && let Some(Role::Publisher(publisher)) =
                            self.peers.get(key).map(|peer| &peer.role)
                    {
                        let reason = publisher.reason();
                        self.end(key, reason);
                    }
                }
                Command::Close => self.close(),
                #[cfg(test)]
                Command::Panic(None) => panic!("as the test wants it"),
                #[cfg(test)]
                Command::Panic(Some(session)) => {
                    if let Some(&key) = self.by_session.get(&session) {
                        self.attend(key, |_| panic!("as the test wants it"));
                    }
                }
            }
        }
    }

    /// Does what a client needs. A panic in that ends this client, and none of the others.
    fn attend<T>(&mut self, key: usize, work: impl FnOnce(&mut Self) -> T) -> Option<T> {
        let outcome = catch_unwind(AssertUnwindSafe(|| work(self)));
        if outcome.is_err() {
            // Whatever state it is in, nothing is asked of it any more.
            if let Some(peer) = self.take_out(key) {
                self.hang_up_all(&peer);
                let _ = catch_unwind(AssertUnwindSafe(|| drop(peer)));
            }
        }
        outcome.ok()
    }

    fn serve(&mut self, mut peer: Peer) {
        self.next_number += 1;
        peer.number = self.next_number;
        let (session, ufrag) = (peer.session.info().id.clone(), peer.ufrag.clone());
        let key = self.peers.insert(peer);
        self.by_session.insert(session, key);
        self.by_ufrag.insert(ufrag, key);
        self.attend(key, |worker| worker.turn(key));
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
        local.ring.push(burst, is_start);
        if !self.touched.contains(&id) {
            self.touched.push(id);
        }
    }

    fn fan_out(&mut self) {
        for id in std::mem::take(&mut self.touched) {
            let readers = self.streams.get(&id).map(|local| local.readers.clone());
            for key in readers.unwrap_or_default() {
                self.attend(key, |worker| worker.feed(key, id));
            }
        }
    }

    /// Gives a reader what a stream has for it, as far as its connection takes it.
    fn feed(&mut self, key: usize, id: StreamId) {
        while let Some(fed) = self.feed_once(key, id) {
            if fed.has_written {
                self.turn(key);
            }
            if !fed.is_full || !fed.has_written {
                return;
            }
        }
    }

    fn feed_once(&mut self, key: usize, id: StreamId) -> Option<Fed> {
        let (Some(peer), Some(local)) = (self.peers.get_mut(key), self.streams.get_mut(&id)) else {
            return None;
        };
        let Role::Reader(reader) = &mut peer.role else {
            return None;
        };
        let carrier = peer.carrier.and_then(|carrier| self.channels.get(carrier));
        let (epoch, zero) = self.epoch;
        let mut around = Surroundings {
            ring: &local.ring,
            payloads: &mut local.payloads,
            info: peer.session.info(),
            instant: &|at| match at.checked_sub(zero) {
                Some(later) => epoch + Duration::from_nanos(later),
                None => {
                    let earlier = Duration::from_nanos(zero - at);
                    epoch.checked_sub(earlier).unwrap_or(epoch)
                }
            },
            reader_age: self.reader_age,
            room: carrier.map_or(usize::MAX, Channel::room),
        };
        Some(reader.feed(id, &mut peer.rtc, &mut around))
    }

    /// Reads what came to a socket; whether there may be more.
    fn receive(&mut self, socket: usize) -> bool {
        let Some(outlet) = self.outlets.get(socket) else {
            return false;
        };
        let address = outlet.address;
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut came: Vec<(SocketAddr, Vec<u8>)> = Vec::new();
        let more = outlet
            .inlet
            .receive(&mut buffer, DATAGRAMS, |datagram, from| {
                came.push((from, datagram.to_vec()));
            });
        self.buffer = buffer;
        let mut heard = Vec::new();
        for (from, datagram) in came {
            if let Some(key) = self.take(address, from, &datagram)
                && !heard.contains(&key)
            {
                heard.push(key);
            }
        }
        for key in heard {
            self.attend(key, |worker| worker.flush_publisher(key));
        }
        more
    }

    /// Gives a datagram to the client that it is from.
    fn take(&mut self, to: SocketAddr, from: SocketAddr, datagram: &[u8]) -> Option<usize> {
        // One that panics before it is known whose it is is lost.
        let found = catch_unwind(AssertUnwindSafe(|| self.whose(to, from, datagram)));
        let (key, input) = found.ok()??;
        self.attend(key, |worker| worker.give(key, input))?
            .then_some(key)
    }

    /// The client that a datagram is from, and what it is for it.
    fn whose<'a>(
        &mut self,
        to: SocketAddr,
        from: SocketAddr,
        datagram: &'a [u8],
    ) -> Option<(usize, Input<'a>)> {
        let now = Instant::now();
        let receive = Receive::new(Protocol::Udp, from, to, datagram).ok()?;
        let input = Input::Receive(now, receive);
        let known = self.by_address.get(&from).copied();
        let known = known.filter(|key| {
            let peer = self.peers.get(*key);
            peer.is_some_and(|peer| peer.rtc.accepts(&input))
        });
        let key = match known {
            Some(key) => key,
            None => {
                let key = self.named_by(datagram, &input)?;
                let peer = self.peers.get_mut(key)?;
                if let Some(forgotten) = peer.heard_from(from) {
                    self.by_address.remove(&forgotten);
                }
                self.by_address.insert(from, key);
                key
            }
        };
        Some((key, input))
    }

    /// The client that a check of connectivity names: strangers prove with the first one that they know the answer.
    fn named_by(&self, datagram: &[u8], input: &Input<'_>) -> Option<usize> {
        let message = StunMessage::parse(datagram).ok()?;
        let (ufrag, _) = message.split_username()?;
        let key = *self.by_ufrag.get(ufrag)?;
        self.peers.get(key)?.rtc.accepts(input).then_some(key)
    }

    /// Takes a connection of a client that is known by its first check. Any other is closed.
    fn called(&mut self, caller: Caller) {
        let Caller {
            socket,
            opening,
            peer,
            local,
        } = caller;
        // Of a socket for both families, addresses of the older one come in the form of the newer one.
        let plain = |it: SocketAddr| SocketAddr::new(it.ip().to_canonical(), it.port());
        let (remote, local) = (plain(peer), plain(local));
        let mut first = None;
        let taken = Datagrams::default().push(&opening, |datagram| {
            first.get_or_insert_with(|| datagram.to_vec());
        });
        let Some(check) = first.filter(|_| taken.is_ok()) else {
            return;
        };
        // One that panics before it is known whose it is belongs to nobody.
        let found = catch_unwind(AssertUnwindSafe(|| {
            let receive = Receive::new(Protocol::Tcp, remote, local, &check).ok()?;
            self.named_by(&check, &Input::Receive(Instant::now(), receive))
        }));
        let Some(key) = found.ok().flatten() else {
            return;
        };
        let mut socket = TcpStream::from_std(socket);
        let entry = self.channels.vacant_entry();
        let number = entry.key();
        let interest = Interest::READABLE | Interest::WRITABLE;
        let registry = self.poll.registry();
        if registry
            .register(&mut socket, Token(CHANNELS + number), interest)
            .is_err()
        {
            return;
        }
        entry.insert(Channel::new(socket, remote, local, key));
        let peer = self.peers.get_mut(key);
        if let Some(spare) = peer.and_then(|peer| peer.connected_by(number)) {
            self.hang_up(spare);
        }
        self.hear(number, |channel, _, take| {
            channel.received(&opening, take).map(|()| false)
        });
    }

    /// Reads what came by a connection; whether there may be more.
    fn listen_to(&mut self, channel: usize) -> bool {
        self.hear(channel, |channel, buffer, take| {
            channel.receive(buffer, take)
        })
    }

    /// Gives the client of a connection what `receive` takes out of it; whether there may be more.
    fn hear(
        &mut self,
        number: usize,
        receive: impl FnOnce(&mut Channel, &mut [u8], &mut dyn FnMut(&[u8])) -> io::Result<bool>,
    ) -> bool {
        let Some(channel) = self.channels.get_mut(number) else {
            return false;
        };
        let mut came: Vec<Vec<u8>> = Vec::new();
        let received = receive(channel, &mut self.buffer, &mut |datagram| {
            came.push(datagram.to_vec());
        });
        let (key, from, to) = (channel.peer, channel.remote, channel.local);
        for datagram in came {
            // It may end by what it says.
            if !self.channels.contains(number) {
                return false;
            }
            self.attend(key, |worker| {
                let receive = Receive::new(Protocol::Tcp, from, to, &datagram).ok()?;
                let input = Input::Receive(Instant::now(), receive);
                let accepts = worker.peers.get(key)?.rtc.accepts(&input);
                accepts.then(|| worker.give(key, input))
            });
        }
        self.attend(key, |worker| worker.flush_publisher(key));
        // Its client may have another way, or will be missed.
        let more = received.inspect_err(|_| self.hang_up(number));
        more.unwrap_or(false)
    }

    /// A connection takes more: its reader gets what it was too full for.
    fn drain(&mut self, number: usize) {
        let Some(channel) = self.channels.get_mut(number) else {
            return;
        };
        let key = channel.peer;
        if channel.flush().is_err() {
            return self.hang_up(number);
        }
        let has_room = channel.room() > 0;
        if let Some(peer) = self.peers.get(key)
            && has_room
            && peer.carrier == Some(number)
            && let Role::Reader(reader) = &peer.role
        {
            let streams: Vec<_> = reader.feeds.iter().map(|feed| feed.stream.id()).collect();
            for id in streams {
                self.attend(key, |worker| worker.feed(key, id));
            }
        }
    }

    /// Sends what waits for the connections of a client.
    fn flush_channels(&mut self, key: usize) {
        let channels = self.peers.get(key).map(|peer| peer.channels.clone());
        for number in channels.unwrap_or_default() {
            let channel = self.channels.get_mut(number);
            if channel.is_some_and(|channel| channel.flush().is_err()) {
                self.hang_up(number);
            }
        }
    }

    /// Closes a connection.
    fn hang_up(&mut self, number: usize) {
        if let Some(mut channel) = self.channels.try_remove(number) {
            let _ = self.poll.registry().deregister(&mut channel.socket);
            if let Some(peer) = self.peers.get_mut(channel.peer) {
                peer.lost(number);
            }
        }
    }

    /// Closes the connections of a client that is forgotten.
    fn hang_up_all(&mut self, peer: &Peer) {
        for number in &peer.channels {
            self.hang_up(*number);
        }
    }

    /// Gives a client what came for it; whether it is still there.
    fn give(&mut self, key: usize, input: Input<'_>) -> bool {
        let Some(peer) = self.peers.get_mut(key) else {
            return false;
        };
        let is_taken = peer.rtc.handle_input(input).is_ok();
        if is_taken {
            self.turn(key);
        } else {
            self.end(key, "the connection failed");
        }
        is_taken
    }

    /// Sends what a client is to get, and does what has happened; notes when it wants to be woken.
    fn turn(&mut self, key: usize) {
        let Some(peer) = self.peers.get_mut(key) else {
            return;
        };
        // What was written is only sent when time goes on.
        let mut outcome = peer.rtc.handle_input(Input::Timeout(Instant::now()));
        let mut ended = None;
        let mut has_connected = false;
        while outcome.is_ok() {
            match peer.rtc.poll_output() {
                Ok(Output::Timeout(at)) => {
                    peer.deadline = at;
                    break;
                }
                Ok(Output::Transmit(datagram)) => {
                    let (batch, outlets) = (&mut self.batch, &self.outlets);
                    peer.send(&datagram, batch, outlets, &mut self.channels);
                }
                Ok(Output::Event(event)) => match event {
                    Event::Connected => {
                        peer.connects_by = None;
                        peer.session.info().counters.plays(now_ns());
                        has_connected = true;
                    }
                    Event::IceConnectionStateChange(IceConnectionState::Disconnected) => {
                        ended = Some("the connection was lost");
                    }
                    Event::Closed => ended = Some("the client ended it"),
                    Event::KeyframeRequest(request) => {
                        if let Role::Reader(reader) = &mut peer.role {
                            reader.wants_key_frame(request.mid);
                        }
                    }
                    Event::EgressBitrateEstimate(BweKind::Remb { estimate, .. }) => {
                        if let Role::Reader(reader) = &mut peer.role {
                            reader.estimated(estimate.as_u64(), peer.session.info());
                        }
                    }
                    Event::RtpPacket(packet) => {
                        if let Role::Publisher(publisher) = &mut peer.role {
                            publisher.packet(&packet, &mut peer.rtc, peer.session.info());
                        }
                    }
                    _ => {}
                },
                Err(error) => outcome = Err(error),
            }
        }
        self.batch.flush(&self.outlets);
        peer.wake_by(peer.deadline, key, &mut self.wakes);
        if !peer.channels.is_empty() {
            self.flush_channels(key);
        }
        if outcome.is_err() {
            ended = Some("the connection failed");
        }
        if let Some(reason) = ended {
            self.end(key, reason);
        } else if has_connected {
            self.connected(key);
        }
    }

    /// Media flows from now on.
    fn connected(&mut self, key: usize) {
        let Some(peer) = self.peers.get_mut(key) else {
            return;
        };
        let Role::Reader(reader) = &mut peer.role else {
            return self.ask(key);
        };
        let mut joined = Vec::new();
        let streams = reader.feeds.iter().map(|feed| Arc::clone(&feed.stream));
        for (number, stream) in streams.enumerate() {
            let id = stream.id();
            if !self.streams.contains_key(&id) {
                let Some(ring) = stream.subscribe(Arc::clone(&self.subscriber)) else {
                    continue;
                };
                let local = LocalStream {
                    stream,
                    ring,
                    payloads: PayloadCache::default(),
                    readers: Vec::new(),
                };
                self.streams.insert(id, local);
            }
            if let Some(local) = self.streams.get_mut(&id) {
                if number > 0 {
                    // The session is a reader of its path; this one is read beside that.
                    let readers = &local.stream.counters.readers;
                    readers.fetch_add(1, Ordering::Relaxed);
                }
                local.readers.push(key);
                joined.push(id);
            }
        }
        for id in joined {
            if let (Some(local), Some(peer)) = (self.streams.get(&id), self.peers.get_mut(key))
                && let Role::Reader(reader) = &mut peer.role
            {
                reader.join(id, &local.ring);
            }
            self.feed(key, id);
        }
    }

    fn flush_publisher(&mut self, key: usize) {
        let Some(peer) = self.peers.get_mut(key) else {
            return;
        };
        if let Role::Publisher(publisher) = &mut peer.role {
            publisher.flush(peer.session.info());
            if let Some(reason) = publisher.superseded() {
                return self.end(key, reason);
            }
            if let Some(until) = publisher.held_until {
                let until = Instant::now() + Duration::from_nanos(until.saturating_sub(now_ns()));
                peer.deadline = peer.deadline.min(until);
                peer.wake_by(until, key, &mut self.wakes);
            }
        }
    }

    /// Connects a client anew: from now on its checks have another name.
    fn restart(&mut self, key: usize, restart: &Restart) {
        // Of one that has ended nothing is said: who asked finds that out.
        let peer = self.peers.get_mut(key);
        let Some(peer) = peer.filter(|peer| !peer.session.has_ended()) else {
            return;
        };
        let answer = peer.restart(&restart.wish);
        let ufrag = peer.rtc.direct_api().local_ice_credentials().ufrag;
        let former = std::mem::replace(&mut peer.ufrag, ufrag.clone());
        self.by_ufrag.remove(&former);
        self.by_ufrag.insert(ufrag, key);
        // Whoever asked may have given up waiting.
        let _ = restart.reply.send(answer);
        self.turn(key);
    }

    /// Asks a publisher for a key frame where that is due.
    fn ask(&mut self, key: usize) {
        let Some(peer) = self.peers.get_mut(key) else {
            return;
        };
        if let Role::Publisher(publisher) = &mut peer.role {
            publisher.ask(&mut peer.rtc);
            self.turn(key);
        }
    }

    fn wake_due(&mut self) {
        let now = Instant::now();
        while let Some(Reverse((at, key, number))) = self.wakes.peek().copied() {
            if at > now {
                return;
            }
            self.wakes.pop();
            let Some(peer) = self.peers.get_mut(key).filter(|it| it.number == number) else {
                continue;
            };
            if peer.wakes_at != Some(at) {
                continue;
            }
            peer.wakes_at = None;
            if peer.deadline <= now {
                self.attend(key, |worker| {
                    worker.turn(key);
                    worker.flush_publisher(key);
                });
            } else {
                peer.wake_by(peer.deadline, key, &mut self.wakes);
            }
        }
    }

    /// Ends what others have ended, and who never connected; asks publishers for key frames.
    fn sweep(&mut self) {
        if Instant::now() < self.next_sweep {
            return;
        }
        self.next_sweep = Instant::now() + SWEEP;
        let now = now_ns();
        let keys: Vec<_> = self.peers.iter().map(|(key, _)| key).collect();
        for key in keys {
            let Some(peer) = self.peers.get(key) else {
                continue;
            };
            let carrier = peer.carrier.and_then(|carrier| self.channels.get(carrier));
            if peer.session.has_ended() {
                self.attend(key, |worker| worker.end(key, "ended"));
            } else if peer.connects_by.is_some_and(|by| now > by) {
                self.attend(key, |worker| worker.end(key, "the client never connected"));
            } else if carrier.is_some_and(|channel| channel.is_stuck(now)) {
                self.attend(key, |worker| {
                    worker.end(key, "the client took nothing more")
                });
            } else if peer.connects_by.is_none() && matches!(peer.role, Role::Publisher(_)) {
                self.attend(key, |worker| worker.ask(key));
            }
        }
    }

    /// Ends a session, for this reason where nobody has given another one.
    fn end(&mut self, key: usize, reason: &'static str) {
        if let Some(mut peer) = self.take_out(key) {
            self.say_goodbye(&mut peer);
            self.hang_up_all(&peer);
            peer.session.end(reason);
        }
    }

    /// Forgets a client.
    fn take_out(&mut self, key: usize) -> Option<Peer> {
        let peer = self.peers.try_remove(key)?;
        self.by_session.remove(&peer.session.info().id);
        self.by_ufrag.remove(&peer.ufrag);
        for address in &peer.addresses {
            self.by_address.remove(address);
        }
        if let Role::Reader(reader) = &peer.role {
            for (number, feed) in reader.feeds.iter().enumerate() {
                if number > 0 && feed.has_joined() {
                    feed.stream.counters.readers.fetch_sub(1, Ordering::Relaxed);
                }
                self.leave(key, feed.stream.id());
            }
        }
        Some(peer)
    }

    /// What closing sends, once: whoever does not get it notices by itself.
    fn say_goodbye(&mut self, peer: &mut Peer) {
        if peer.rtc.close().is_err() {
            return;
        }
        let _ = peer.rtc.handle_input(Input::Timeout(Instant::now()));
        while let Ok(output) = peer.rtc.poll_output() {
            match output {
                Output::Timeout(_) => break,
                Output::Transmit(datagram) => {
                    let (batch, outlets) = (&mut self.batch, &self.outlets);
                    peer.send(&datagram, batch, outlets, &mut self.channels);
                }
                Output::Event(_) => {}
            }
        }
        self.batch.flush(&self.outlets);
        for number in &peer.channels {
            if let Some(channel) = self.channels.get_mut(*number) {
                // Whoever does not get it notices by itself.
                let _ = channel.flush();
            }
        }
    }

    fn leave(&mut self, key: usize, id: StreamId) {
        let Some(local) = self.streams.get_mut(&id) else {
            return;
        };
        local.readers.retain(|reader| *reader != key);
        if local.readers.is_empty() {
            local.stream.unsubscribe(&self.subscriber);
            self.streams.remove(&id);
        }
    }

    fn close(&mut self) {
        let keys: Vec<_> = self.peers.iter().map(|(key, _)| key).collect();
        for key in keys {
            self.attend(key, |worker| worker.end(key, "the server was stopped"));
        }
        self.is_closing = true;
    }
}

impl Drop for Worker {
    /// What is left when the thread panics: its sessions end with their clients.
    fn drop(&mut self) {
        let keys: Vec<_> = self.peers.iter().map(|(key, _)| key).collect();
        for key in keys {
            self.take_out(key);
        }
    }
}
