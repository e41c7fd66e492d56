//! One simulated reader: its sessions, one after the other, and what it reads of them.
//!
//! Until PLAY is answered all bytes go through the [`Client`]. After that packets are taken from the buffer that they
//! were read into, without a copy, and the client gets only what lies between them.

mod made_up;

use crate::call::Call;
use crate::check::{Brought, Check, Sink};
use crate::inlet::inlet;
use crate::link::Link;
use crate::plan::{Behaviour, Group};
use crate::platform::SHORT_READ_EMPTIES;
use crate::sessions::{ANSWERS_NS, RETRY_NS, kind_of, note_elsewhere, note_socket, settings};
use crate::shared::Shared;
use crate::tally::{
    Findings, GroupTally, MILLISECOND, ReaderTally, SECOND, SecondTally, Totals, Window,
};
use crate::target::Target;
use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};
use relaycore_engine::datagrams::{Inlet, bind_pair};
use relaycore_proto::burst::MAGIC;
use relaycore_proto::client::{
    Client, ClientError, Delivery, Event, Lane, ReadyTrack, TransportChoice,
};
use relaycore_proto::limits::INTERLEAVED_HEADER_BYTES;
use relaycore_proto::rtsp::status::StatusCode;
use relaycore_proto::track::Codec;
use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::sync::atomic::Ordering::Relaxed;

/// How often a slow reader reads.
const SLOW_TICK_NS: u64 = 20 * MILLISECOND;

/// How long the first picture may take, beside the time from one random access point to the next, until it is a finding
/// that it had not come at the end.
const PICTURE_NS: u64 = SECOND / 2;

/// Reads of a connection, or batches of datagrams, before it is the turn of others: a server that sends without end
/// keeps no reader of another from its packets.
const READS_AT_ONCE: usize = 4;

/// Datagrams that are read of one socket before it is the turn of others.
const DATAGRAMS_AT_ONCE: usize = 256;

/// Tokens of each reader in its event loop: the connection, and the port of its video.
pub(crate) const TOKENS: usize = 2;

/// What readers need of their worker.
pub(crate) struct Context<'a> {
    pub(crate) registry: &'a Registry,
    pub(crate) shared: &'a Shared,
    pub(crate) buffer: &'a mut [u8],
    pub(crate) groups: &'a mut [GroupTally],
    /// Index of the reader's group.
    pub(crate) index: usize,
    pub(crate) second: &'a mut SecondTally,
    pub(crate) findings: &'a mut Findings,
    pub(crate) window: Window,
}

impl Context<'_> {
    fn group(&mut self) -> &mut GroupTally {
        &mut self.groups[self.index]
    }

    fn split<'a>(&'a mut self, reader: &'a mut ReaderTally) -> (Sink<'a>, &'a mut [u8]) {
        let sink = Sink {
            group: &mut self.groups[self.index],
            reader,
            second: self.second,
            findings: self.findings,
            window: self.window,
            run: self.shared.run,
            next_numbers: &self.shared.next_numbers,
        };
        (sink, self.buffer)
    }
}

/// What a reader is, the same for all its sessions.
#[derive(Debug)]
pub(crate) struct Role<'a> {
    pub(crate) plan: &'a Group,
    pub(crate) target: &'a Target,
    pub(crate) is_udp: bool,
    /// Whether it sums up content.
    pub(crate) sums: bool,
    pub(crate) seed: u64,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    pub(crate) role: Role<'a>,
    pub(crate) tally: ReaderTally,
    /// Where its tokens begin.
    token: usize,
    /// When the next session begins; looked at while there is none.
    begins_at: u64,
    session: Option<Box<Session>>,
}

#[derive(Debug)]
struct Session {
    call: Call,
    began: u64,
    is_playing: bool,
    /// When it leaves.
    ends_at: u64,
    is_leaving: bool,
    check: Option<Check>,
    /// Index of the video among the tracks, and its channel.
    video: usize,
    channel: u8,
    /// Channels of all tracks: others are a fault of the server.
    channels: Vec<u8>,
    /// Part of an interleaved packet.
    partial: Vec<u8>,
    datagrams: Option<Inlet>,
    /// Ports that are bound for the tracks; those of the video's RTP are in `datagrams`.
    ports: Vec<(Option<UdpSocket>, UdpSocket)>,
    server: IpAddr,
    link: Option<Link>,
    /// Not read before.
    paused_until: u64,
    /// Bytes that a slow reader may read.
    allowance: u64,
    allowed_at: u64,
    is_stalled: bool,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(role: Role<'a>, token: usize, begins_at: u64) -> Self {
        Self {
            role,
            tally: ReaderTally::default(),
            token,
            begins_at,
            session: None,
        }
    }

    pub(crate) fn is_playing(&self) -> bool {
        self.session.as_ref().is_some_and(|it| it.is_playing)
    }

    /// When [`Reader::wake`] is to be called.
    pub(crate) fn deadline(&self) -> u64 {
        let Some(session) = &self.session else {
            return self.begins_at;
        };
        let mut at = session.ends_at;
        if !session.is_stalled {
            at = at.min(session.call.client.next_deadline().unwrap_or(u64::MAX));
        }
        if session.paused_until > 0 {
            at = at.min(session.paused_until);
        }
        if session.is_playing && self.role.plan.behaviour == Behaviour::Slow {
            at = at.min(session.allowed_at + SLOW_TICK_NS);
        }
        at
    }

    /// Does what is due.
    pub(crate) fn wake(&mut self, now: u64, context: &mut Context<'_>) {
        let Some(session) = &mut self.session else {
            if now >= self.begins_at {
                self.begin(now, context);
            }
            return;
        };
        if now >= session.ends_at {
            session.ends_at = u64::MAX;
            session.is_leaving = true;
            // It waits for the answer, at most.
            session.is_stalled = false;
            session.call.client.stop(now);
        }
        if !session.is_stalled
            && session
                .call
                .client
                .next_deadline()
                .is_some_and(|at| now >= at)
        {
            session.call.client.handle_deadline(now);
        }
        self.advance(now, context);
        let Some(session) = &mut self.session else {
            return;
        };
        let is_slow = session.is_playing && self.role.plan.behaviour == Behaviour::Slow;
        let was_paused = session.paused_until > 0 && now >= session.paused_until;
        if was_paused {
            session.paused_until = 0;
        }
        if is_slow && now >= session.allowed_at + SLOW_TICK_NS {
            let rate = self.role.plan.read_rate.unwrap_or(u64::MAX) / 8;
            let passed = (now - session.allowed_at).min(10 * SLOW_TICK_NS);
            let more = u128::from(rate) * u128::from(passed) / 1_000_000_000;
            session.allowance = u64::try_from(more).unwrap_or(u64::MAX);
            session.allowed_at = now;
            self.read(now, context);
            self.read_datagrams(context);
        } else if was_paused {
            self.read(now, context);
            self.read_datagrams(context);
        }
    }

    /// Begins a session.
    fn begin(&mut self, now: u64, context: &mut Context<'_>) {
        self.make_session(now, context);
        self.advance(now, context);
    }

    fn make_session(&mut self, now: u64, context: &mut Context<'_>) {
        self.begins_at = u64::MAX;
        self.tally.sessions += 1;
        context.group().asked += 1;
        let plan = self.role.plan;
        let transport = if self.role.is_udp {
            TransportChoice::UdpOnly
        } else {
            TransportChoice::Tcp
        };
        let seed = self.role.seed ^ u64::from(self.tally.sessions) << 40;
        let client = Client::new(self.role.target.url.clone(), settings(transport, seed), now);
        self.session = Some(Box::new(Session {
            call: Call::new(client),
            began: now,
            is_playing: false,
            ends_at: plan
                .stay_ms
                .map_or(u64::MAX, |stay| now + stay * MILLISECOND),
            is_leaving: false,
            check: None,
            video: 0,
            channel: 0,
            channels: Vec::new(),
            partial: Vec::new(),
            datagrams: None,
            ports: Vec::new(),
            server: self.role.target.address.ip(),
            link: plan
                .impairment
                .map(|impairment| Link::new(impairment, seed)),
            paused_until: 0,
            allowance: 0,
            allowed_at: now,
            is_stalled: false,
        }));
    }

    /// Something happened to the connection.
    pub(crate) fn connection_ready(
        &mut self,
        now: u64,
        is_readable: bool,
        context: &mut Context<'_>,
    ) {
        let Some(session) = &mut self.session else {
            return;
        };
        match session.call.settle(now) {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                note_socket(context.findings, now, &error);
                return self.end(ClientError::Disconnected, false, now, context);
            }
        }
        self.advance(now, context);
        if is_readable {
            self.read(now, context);
        }
    }

    /// Reads what the connection has.
    fn read(&mut self, now: u64, context: &mut Context<'_>) {
        for _ in 0..READS_AT_ONCE {
            let Some(session) = &mut self.session else {
                return;
            };
            if !session.call.is_connected() || session.is_stalled || session.paused_until > now {
                return;
            }
            let is_slow = session.is_playing && self.role.plan.behaviour == Behaviour::Slow;
            let kept = session.partial.len();
            let mut room = context.buffer.len() - kept;
            if is_slow {
                room = room.min(usize::try_from(session.allowance).unwrap_or(usize::MAX));
                if room == 0 {
                    return;
                }
            }
            context.buffer[..kept].copy_from_slice(&session.partial);
            let read = session.call.read(&mut context.buffer[kept..kept + room]);
            let now = context.shared.now();
            match read {
                Ok(0) => {
                    session.call.client.disconnected(now);
                    return self.advance(now, context);
                }
                Ok(count) => {
                    session.allowance = session.allowance.saturating_sub(count as u64);
                    session.partial.clear();
                    if context.window.holds(now) {
                        context.group().bytes += count as u64;
                        self.tally.bytes += count as u64;
                    }
                    context.second.bytes += count as u64;
                    self.received(kept + count, now, context);
                    // A read that gives less than it could has emptied the socket, where the event loop is one of edges.
                    if count < room && SHORT_READ_EMPTIES {
                        return;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => {
                    session.call.client.disconnected(now);
                    return self.advance(now, context);
                }
            }
        }
        self.resume_soon(context);
    }

    /// There is more to read, after others had their turn.
    fn resume_soon(&mut self, context: &Context<'_>) {
        if let Some(session) = &mut self.session {
            session.paused_until = session.paused_until.max(context.shared.now());
        }
    }

    /// Takes the first `count` bytes of the buffer.
    fn received(&mut self, count: usize, now: u64, context: &mut Context<'_>) {
        let takes_packets = self
            .session
            .as_ref()
            .is_some_and(|it| it.is_playing && !it.call.client.is_in_message());
        let start = if takes_packets {
            self.take_packets(count, now, context)
        } else {
            0
        };
        let Some(session) = &mut self.session else {
            return;
        };
        let rest = &context.buffer[start..count];
        match rest.first() {
            None => {}
            Some(&MAGIC) if takes_packets => session.partial.extend_from_slice(rest),
            Some(_) => self.give_client(start, count, now, context),
        }
    }

    /// Takes the whole interleaved packets at the start of the buffer, and gives the place behind them.
    fn take_packets(&mut self, count: usize, now: u64, context: &mut Context<'_>) -> usize {
        let Some(session) = &mut self.session else {
            return count;
        };
        let delay = session.link.as_ref().map_or(0, Link::delay_ns);
        let (mut sink, buffer) = context.split(&mut self.tally);
        let mut brought = Brought::default();
        let mut start = 0;
        let mut packets = 0;
        while let Some(&[magic, channel, high, low]) =
            buffer[start..count].first_chunk::<INTERLEAVED_HEADER_BYTES>()
        {
            let from = start + INTERLEAVED_HEADER_BYTES;
            let end = from + usize::from(u16::from_be_bytes([high, low]));
            if magic != MAGIC || end > count {
                break;
            }
            if channel == session.channel {
                packets += 1;
                if let Some(check) = &mut session.check {
                    let more = check.packet(now + delay, &buffer[from..end], false, &mut sink);
                    brought.first_packet |= more.first_packet;
                    brought.first_picture |= more.first_picture;
                }
            } else if !session.channels.contains(&channel) {
                sink.findings.add("unknown_channel", now, || {
                    format!("a packet on channel {channel}, which no track has")
                });
            }
            start = end;
        }
        // Parts of a packet do not count: a server that never finishes one is silent.
        if start > 0 {
            session.call.client.received_packet(now);
        }
        if let Some(link) = &mut session.link {
            let pause = link.pause_ns(packets);
            if pause > 0 {
                session.paused_until = now + pause;
            }
        }
        self.note(brought, now + delay, context);
        start
    }

    /// Gives bytes of the buffer to the client.
    fn give_client(&mut self, start: usize, count: usize, now: u64, context: &mut Context<'_>) {
        let Some(session) = &mut self.session else {
            return;
        };
        let mut brought = Brought::default();
        {
            let (mut sink, buffer) = context.split(&mut self.tally);
            let Session {
                call: Call { client, .. },
                check,
                video,
                ..
            } = &mut **session;
            client.receive(now, &buffer[start..count], |track, lane, packet| {
                if let (Some(check), Lane::Rtp, true) = (check.as_mut(), lane, track == *video) {
                    let more = check.packet(now, packet, false, &mut sink);
                    brought.first_packet |= more.first_packet;
                    brought.first_picture |= more.first_picture;
                }
            });
        }
        self.note(brought, now, context);
        self.advance(now, context);
        if let Some(session) = &mut self.session
            && session.is_playing
        {
            session.partial = session.call.client.take_partial_packet();
        }
    }

    /// Notes the first packet and the first picture of the session.
    fn note(&mut self, brought: Brought, now: u64, context: &mut Context<'_>) {
        let Some(session) = &mut self.session else {
            return;
        };
        let since = now.saturating_sub(session.began);
        if brought.first_packet {
            context.group().first_packet.add(since);
        }
        if brought.first_picture {
            context.group().first_picture.add(since);
            self.tally.first_picture_ns = Some(since);
            session.is_stalled = self.role.plan.behaviour == Behaviour::Stalled;
        }
    }

    /// Datagrams may have come.
    pub(crate) fn read_datagrams(&mut self, context: &mut Context<'_>) {
        let Some(session) = &mut self.session else {
            return;
        };
        let Session {
            call: Call { client, .. },
            check: Some(check),
            datagrams: Some(inlet),
            link,
            server,
            is_stalled: false,
            ..
        } = &mut **session
        else {
            return;
        };
        let shared = context.shared;
        let mut brought = Brought::default();
        let mut bytes = 0;
        let (mut sink, buffer) = context.split(&mut self.tally);
        // One time for a batch: a call is what brings its packets.
        let mut now = shared.now();
        let mut has_more = false;
        for _ in 0..READS_AT_ONCE {
            has_more = inlet.receive(buffer, DATAGRAMS_AT_ONCE, |packet, from| {
                if from.ip().to_canonical() != *server {
                    return;
                }
                bytes += packet.len() as u64;
                let Some(link) = link else {
                    let more = check.packet(now, packet, false, &mut sink);
                    brought.first_packet |= more.first_packet;
                    brought.first_picture |= more.first_picture;
                    return;
                };
                let arrival = now + link.delay_ns();
                if link.held.is_none() && link.reorders() {
                    link.held = Some(packet.to_vec());
                    return;
                }
                for packet in [Some(packet.to_vec()), link.held.take()]
                    .into_iter()
                    .flatten()
                {
                    let more = check.packet(arrival, &packet, link.loses(), &mut sink);
                    brought.first_packet |= more.first_packet;
                    brought.first_picture |= more.first_picture;
                }
            });
            now = shared.now();
            if !has_more {
                break;
            }
        }
        if bytes > 0 {
            client.received_packet(now);
            if context.window.holds(now) {
                context.group().bytes += bytes;
                self.tally.bytes += bytes;
            }
            context.second.bytes += bytes;
        }
        self.note(brought, now, context);
        if has_more {
            self.resume_soon(context);
        }
    }

    /// Writes what the client has to say, and does what it asks for.
    fn advance(&mut self, now: u64, context: &mut Context<'_>) {
        loop {
            let Some(session) = &mut self.session else {
                return;
            };
            session.call.flush();
            let Some(event) = session.call.client.next_event() else {
                return;
            };
            match event {
                Event::Connect => {
                    if std::mem::take(&mut session.is_playing) {
                        context.shared.totals.playing.fetch_sub(1, Relaxed);
                    }
                    session.check = None;
                    session.partial.clear();
                    let target = self.role.target;
                    match session.call.open(target, context.registry, self.token) {
                        Ok(true) => {}
                        Ok(false) => {
                            note_elsewhere(context.findings, now, &session.call.client);
                            return self.end(ClientError::Redirection(None), false, now, context);
                        }
                        Err(error) => {
                            note_socket(context.findings, now, &error);
                            return self.end(ClientError::Disconnected, false, now, context);
                        }
                    }
                }
                Event::Bind { tracks } => {
                    let ports = session.bind(tracks);
                    if let Err(error) = &ports {
                        note_socket(context.findings, now, error);
                    }
                    session.call.client.bound(ports.unwrap_or_default(), now);
                }
                Event::Ready(tracks) => {
                    let sums = self.role.sums;
                    if let Err(error) = session.ready(&tracks, sums, context.registry, self.token) {
                        note_socket(context.findings, now, &error);
                    }
                }
                Event::Playing(_) => {
                    session.is_playing = true;
                    session.allowed_at = now;
                    if let Some(check) = &mut session.check {
                        check.playing(now);
                    }
                    let setup = now.saturating_sub(session.began);
                    context.group().setup.add(setup);
                    self.tally.setup_ns = Some(setup);
                    context.shared.totals.playing.fetch_add(1, Relaxed);
                    if self.role.plan.wrong_password {
                        context.findings.add("wrong_password_accepted", now, || {
                            "the server plays to a reader with a wrong password".into()
                        });
                    }
                }
                Event::Ended(error) => return self.end(error, true, now, context),
            }
        }
    }

    /// The session is over. `notes` says whether the error is a finding that was not noted yet.
    fn end(&mut self, error: ClientError, notes: bool, now: u64, context: &mut Context<'_>) {
        let Some(mut session) = self.session.take() else {
            return;
        };
        session.call.flush();
        let plan = self.role.plan;
        if session.is_playing {
            context.shared.totals.playing.fetch_sub(1, Relaxed);
        }
        let is_refused = plan.wrong_password && is_refusal(&error);
        self.begins_at = now + RETRY_NS;
        if is_refused {
            context.group().refused += 1;
        } else if session.is_leaving || (session.is_stalled && error == ClientError::Disconnected) {
            context.group().left += 1;
            if plan.stay_ms.is_some() {
                self.begins_at = now;
            }
        } else {
            context.group().failed += 1;
            self.tally.failed += 1;
            Totals::count(&context.shared.totals.failed, 1);
            if notes {
                context
                    .findings
                    .add(kind_of(&error), now, || error.to_string());
            }
        }
    }

    /// The run is over: what did not come counts as missing, and the server hears a goodbye.
    pub(crate) fn finish(&mut self, now: u64, context: &mut Context<'_>) {
        let behind = self.behind(context);
        let Some(session) = &mut self.session else {
            return;
        };
        if let Some((units, period_ns)) = behind {
            let plan = self.role.plan;
            if plan.behaviour == Behaviour::Good && units > 0 {
                context.group().units.expected += units;
                context.group().units.missing += units;
                self.tally.broken += units;
                for late in 1..=units {
                    context.group().latency.add(late * period_ns);
                }
                context.findings.add("behind", now, || {
                    format!(
                        "a reader misses {units} access units that were sent a while before the end"
                    )
                });
            }
        }
        let age = now.saturating_sub(session.began);
        if !session.is_playing && !session.is_leaving && age >= ANSWERS_NS {
            context.findings.add("no_answer", now, || {
                let ms = age / MILLISECOND;
                format!("a reader that began {ms} ms before the end had no answer to its requests")
            });
        }
        let had_none = session.is_playing && self.tally.first_picture_ns.is_none();
        if had_none && age >= context.shared.gop_ns + PICTURE_NS {
            context.findings.add("no_picture", now, || {
                "the server plays, but no picture that a decoder could start with came".into()
            });
        }
        session.is_leaving = true;
        session.call.client.stop(now);
        session.call.flush();
    }

    /// Access units that were sent, and have not come; and the time between two. `None` where that is not known.
    pub(crate) fn behind(&self, context: &Context<'_>) -> Option<(u64, u64)> {
        let session = self.session.as_ref().filter(|it| it.is_playing)?;
        let (stream, number) = session.check.as_ref()?.newest()?;
        let sent = context.shared.next_numbers.get(stream as usize)?;
        let next = sent.load(Relaxed);
        let period = *context.shared.periods_ns.get(stream as usize)?;
        let measured = (context.window.to - context.window.from) / period.max(1);
        Some((next.saturating_sub(number + 1).min(measured), period))
    }
}

impl Session {
    /// Binds a pair of ports for each track; the first of each.
    fn bind(&mut self, tracks: usize) -> io::Result<Vec<u16>> {
        self.ports.clear();
        let local = self.call.local_ip()?;
        let mut numbers = Vec::with_capacity(tracks);
        for _ in 0..tracks {
            let (rtp, rtcp, port) = bind_pair(local)?;
            self.ports.push((Some(rtp), rtcp));
            numbers.push(port);
        }
        Ok(numbers)
    }

    /// The tracks are set up: the first of H.264 is looked into, or the first at all.
    fn ready(
        &mut self,
        tracks: &[ReadyTrack],
        sums: bool,
        registry: &Registry,
        token: usize,
    ) -> io::Result<()> {
        let is_h264 = |ready: &ReadyTrack| ready.track.codec == Codec::H264;
        self.video = tracks.iter().position(is_h264).unwrap_or(0);
        self.channels = tracks
            .iter()
            .filter_map(|ready| match ready.delivery {
                Delivery::Interleaved { rtp, rtcp } => Some([rtp, rtcp]),
                Delivery::Datagrams { .. } => None,
            })
            .flatten()
            .collect();
        let Some(video) = tracks.get(self.video) else {
            return Ok(());
        };
        let payload_type = video.track.payload_type.0;
        self.check = Some(Check::new(
            payload_type,
            is_h264(video),
            sums,
            self.link.is_some(),
        ));
        match video.delivery {
            Delivery::Interleaved { rtp, .. } => self.channel = rtp,
            Delivery::Datagrams { .. } => {
                let port = self.ports.get_mut(self.video);
                if let Some(mut rtp) = port.and_then(|(rtp, _)| rtp.take()) {
                    registry.register(&mut rtp, Token(token + 1), Interest::READABLE)?;
                    self.datagrams = Some(inlet(rtp));
                }
            }
        }
        Ok(())
    }
}

/// Whether a server that ends a session so has not let in whom it does not know, or would not even look.
fn is_refusal(error: &ClientError) -> bool {
    match error {
        ClientError::CredentialsWrong => true,
        ClientError::Refused { status, .. } => *status == StatusCode::FORBIDDEN,
        _ => false,
    }
}
