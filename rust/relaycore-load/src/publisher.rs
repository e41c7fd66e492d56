//! One source: it publishes a synthetic stream, or sends it as plain RTP.

use crate::call::Call;
use crate::plan::{Source, SourceTransport};
use crate::sessions::{ANSWERS_NS, RETRY_NS, kind_of, note_elsewhere, note_socket, settings};
use crate::shared::Shared;
use crate::synth::Synth;
use crate::tally::{Findings, MILLISECOND, SECOND, Times, Window};
use crate::target::Target;
use mio::Registry;
use mio::net::UdpSocket;
use relaycore_engine::datagrams::bind_pair;
use relaycore_proto::burst::{BurstBuilder, RtpWriter};
use relaycore_proto::client::{Client, ClientError, Delivery, Event, TransportChoice};
use relaycore_proto::payload::h264::packetise;
use relaycore_proto::rtp::{PayloadType, SequenceNumber, Ssrc};
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::Ordering::Relaxed;

/// Longest RTP payload, so that a packet with all its headers fits an Ethernet frame behind most tunnels.
const PAYLOAD_BYTES: usize = 1384;

/// Payload type of the video: the first dynamic one.
const PAYLOAD_TYPE: PayloadType = PayloadType(96);

/// Ticks of media time in a second.
const CLOCK_RATE: f64 = 90_000.0;

/// Reads of a connection before it is the turn of others.
const READS_AT_ONCE: usize = 16;

/// A source that is further behind than this does not catch up, but goes on from now.
const BACKLOG_NS: u64 = SECOND;

/// What is counted of the sources of one entry of the plan.
#[derive(Debug)]
pub(crate) struct SourceTally {
    pub(crate) failed: u64,
    pub(crate) restarts: u64,
    pub(crate) access_units: u64,
    pub(crate) skipped: u64,
    pub(crate) bytes: u64,
    pub(crate) setup: Times,
    pub(crate) late: Times,
}

impl SourceTally {
    pub(crate) fn new() -> Self {
        Self {
            failed: 0,
            restarts: 0,
            access_units: 0,
            skipped: 0,
            bytes: 0,
            setup: Times::new(),
            late: Times::new(),
        }
    }
}

/// What sources need of their thread.
pub(crate) struct Context<'a> {
    pub(crate) registry: &'a Registry,
    pub(crate) shared: &'a Shared,
    pub(crate) buffer: &'a mut [u8],
    pub(crate) tallies: &'a mut [SourceTally],
    /// Index of the source's entry in the plan.
    pub(crate) entry: usize,
    pub(crate) findings: &'a mut Findings,
    pub(crate) window: Window,
}

impl Context<'_> {
    fn tally(&mut self) -> &mut SourceTally {
        &mut self.tallies[self.entry]
    }
}

/// Where a source sends to.
#[derive(Debug)]
pub(crate) enum Destination {
    /// It publishes there.
    Server(Target),
    /// Plain RTP.
    Port(SocketAddr),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Publisher<'a> {
    plan: &'a Source,
    destination: Destination,
    /// Number among all sources.
    stream: u32,
    token: usize,
    synth: Synth,
    rtp: RtpWriter,
    /// Nanoseconds between two access units.
    period_ns: u64,
    /// Ticks of media time between two access units, and those so far.
    period_ticks: f64,
    ticks: f64,
    begins_at: u64,
    session: Option<Box<Session>>,
    unit: Vec<u8>,
    tries: u64,
    /// Whether it has published, or tried to.
    pub(crate) is_settled: bool,
}

#[derive(Debug)]
struct Session {
    /// `None` for plain RTP.
    call: Option<Call>,
    began: u64,
    /// When the next access unit is due; `None` before RECORD.
    due: Option<u64>,
    /// When the rest of what the server said is read.
    resumes_at: u64,
    ends_at: u64,
    is_leaving: bool,
    /// Framed packets that the connection did not take yet.
    pending: Vec<u8>,
    /// Where datagrams leave.
    datagrams: Option<UdpSocket>,
    ports: Vec<(UdpSocket, UdpSocket)>,
}

impl<'a> Publisher<'a> {
    pub(crate) fn new(
        plan: &'a Source,
        destination: Destination,
        stream: u32,
        run: u32,
        begins_at: u64,
        token: usize,
    ) -> Self {
        Self {
            plan,
            destination,
            stream,
            token,
            synth: Synth::new(&plan.shape(), run, stream),
            rtp: RtpWriter {
                channel: 0,
                payload_type: PAYLOAD_TYPE,
                ssrc: Ssrc(run.rotate_left(7) ^ stream),
                next_sequence: SequenceNumber(run as u16),
            },
            period_ns: plan.period_ns(),
            period_ticks: CLOCK_RATE / plan.fps,
            ticks: f64::from(run >> 8),
            begins_at,
            session: None,
            unit: Vec::new(),
            tries: 0,
            is_settled: false,
        }
    }

    pub(crate) fn is_publishing(&self) -> bool {
        self.session.as_ref().is_some_and(|it| it.due.is_some())
    }

    /// It begins at `at`.
    pub(crate) fn begin_at(&mut self, at: u64) {
        self.begins_at = at;
    }

    /// When [`Publisher::wake`] is to be called.
    pub(crate) fn deadline(&self) -> u64 {
        let Some(session) = &self.session else {
            return self.begins_at;
        };
        let client = session
            .call
            .as_ref()
            .and_then(|call| call.client.next_deadline());
        let at = session.due.unwrap_or(u64::MAX).min(session.ends_at);
        at.min(client.unwrap_or(u64::MAX)).min(session.resumes_at)
    }

    /// Does what is due.
    pub(crate) fn wake(&mut self, now: u64, context: &mut Context<'_>) {
        let Some(session) = &mut self.session else {
            if now >= self.begins_at {
                self.begin(now, context);
            }
            return;
        };
        if let Some(Call { client, .. }) = &mut session.call {
            if now >= session.ends_at {
                session.ends_at = u64::MAX;
                session.is_leaving = true;
                session.due = None;
                context.shared.totals.publishing.fetch_sub(1, Relaxed);
                client.stop(now);
            }
            if client.next_deadline().is_some_and(|at| now >= at) {
                client.handle_deadline(now);
            }
        }
        let resumes = now >= session.resumes_at;
        if resumes {
            session.resumes_at = u64::MAX;
        }
        self.advance(now, context);
        if resumes {
            self.read(now, context);
        }
        if let Some(session) = &self.session
            && let Some(due) = session.due
            && now >= due
        {
            self.send(due, context);
        }
    }

    fn begin(&mut self, now: u64, context: &mut Context<'_>) {
        self.begins_at = u64::MAX;
        self.tries += 1;
        let mut session = Session {
            call: None,
            began: now,
            due: None,
            resumes_at: u64::MAX,
            ends_at: u64::MAX,
            is_leaving: false,
            pending: Vec::new(),
            datagrams: None,
            ports: Vec::new(),
        };
        match &self.destination {
            Destination::Server(target) => {
                let transport = match self.plan.transport {
                    SourceTransport::Tcp => TransportChoice::Tcp,
                    SourceTransport::Udp => TransportChoice::UdpOnly,
                };
                let seed =
                    u64::from(context.shared.run) << 32 ^ u64::from(self.stream) ^ self.tries;
                session.call = Some(Call::new(Client::publisher(
                    target.url.clone(),
                    settings(transport, seed),
                    self.synth.description(),
                    now,
                )));
                self.session = Some(Box::new(session));
                self.advance(now, context);
            }
            Destination::Port(address) => {
                match connected_to(*address) {
                    Ok(socket) => session.datagrams = Some(socket),
                    Err(error) => {
                        note_socket(context.findings, now, &error);
                        self.begins_at = now + RETRY_NS;
                        self.is_settled = true;
                        return;
                    }
                }
                self.session = Some(Box::new(session));
                self.publish(now, context);
            }
        }
    }

    /// From now on access units are sent.
    fn publish(&mut self, now: u64, context: &mut Context<'_>) {
        self.is_settled = true;
        self.synth.restart();
        let Some(session) = &mut self.session else {
            return;
        };
        // Sources that begin together do not all send at the same moment: the golden ratio spreads any number of them.
        let phase = (f64::from(self.stream) * 0.618_033_988_749_895).fract();
        session.due = Some(now + (phase * self.period_ns as f64) as u64);
        if let Some(every) = self.plan.restart_every_ms {
            session.ends_at = now + every * MILLISECOND;
        }
        context.shared.totals.publishing.fetch_add(1, Relaxed);
        if session.call.is_some() {
            context.tally().setup.add(now.saturating_sub(session.began));
        }
    }

    /// Sends the access unit that was due.
    fn send(&mut self, due: u64, context: &mut Context<'_>) {
        let Some(session) = &mut self.session else {
            return;
        };
        let now = context.shared.now();
        let is_measured = context.window.holds(now);
        let late = now.saturating_sub(due);
        let next = due + self.period_ns;
        session.due = Some(if late > BACKLOG_NS {
            now + self.period_ns
        } else {
            next
        });
        if is_measured {
            context.tally().late.add(late);
        }
        self.ticks += self.period_ticks;
        if !session.pending.is_empty() {
            context.tally().skipped += u64::from(is_measured);
            return;
        }
        self.synth.write(now, &mut self.unit);
        let timestamp = (self.ticks as u64) as u32;
        let mut burst = BurstBuilder::with_capacity(self.unit.len() * 11 / 10);
        if let Err(error) = packetise(
            &self.unit,
            timestamp,
            PAYLOAD_BYTES,
            &mut self.rtp,
            &mut burst,
        ) {
            context
                .findings
                .add("own_stream", now, || error.to_string());
            return;
        }
        context.tally().access_units += u64::from(is_measured);
        if let Some(number) = context.shared.next_numbers.get(self.stream as usize) {
            number.store(self.synth.next_number(), Relaxed);
        }
        if let Some(socket) = &session.datagrams {
            let sent: u64 = burst
                .packets()
                .filter_map(|packet| socket.send(packet).ok())
                .map(|bytes| bytes as u64)
                .sum();
            context.tally().bytes += if is_measured { sent } else { 0 };
        } else {
            let (bytes, _) = burst.finish();
            context.tally().bytes += if is_measured { bytes.len() as u64 } else { 0 };
            session.pending = bytes;
            session.flush();
        }
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
        let Some(call) = &mut session.call else {
            return;
        };
        match call.settle(now) {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                note_socket(context.findings, now, &error);
                return self.end(&ClientError::Disconnected, false, now, context);
            }
        }
        self.advance(now, context);
        if is_readable {
            self.read(now, context);
        }
    }

    /// Reads what the server has to say.
    fn read(&mut self, now: u64, context: &mut Context<'_>) {
        for _ in 0..READS_AT_ONCE {
            let call = self.session.as_mut().and_then(|it| it.call.as_mut());
            let Some(call) = call else {
                return;
            };
            match call.read(context.buffer) {
                Ok(0) => call.client.disconnected(now),
                Ok(count) => call
                    .client
                    .receive(now, &context.buffer[..count], |_, _, _| {}),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => call.client.disconnected(now),
            }
            self.advance(now, context);
        }
        if let Some(session) = &mut self.session {
            session.resumes_at = context.shared.now();
        }
    }

    /// Writes what is to be written, and does what the client asks for.
    fn advance(&mut self, now: u64, context: &mut Context<'_>) {
        loop {
            let Some(session) = &mut self.session else {
                return;
            };
            session.flush();
            let Some(call) = &mut session.call else {
                return;
            };
            let Some(event) = call.client.next_event() else {
                return;
            };
            match event {
                Event::Connect => {
                    if session.due.take().is_some() {
                        context.shared.totals.publishing.fetch_sub(1, Relaxed);
                    }
                    session.pending.clear();
                    let Destination::Server(target) = &self.destination else {
                        return;
                    };
                    match call.open(target, context.registry, self.token) {
                        Ok(true) => {}
                        Ok(false) => {
                            note_elsewhere(context.findings, now, &call.client);
                            return self.end(&ClientError::Redirection(None), false, now, context);
                        }
                        Err(error) => {
                            note_socket(context.findings, now, &error);
                            return self.end(&ClientError::Disconnected, false, now, context);
                        }
                    }
                }
                Event::Bind { tracks } => {
                    let ports = call
                        .local_ip()
                        .and_then(|local| (0..tracks).map(|_| bind_pair(local)).collect());
                    let ports: Vec<_> = ports.unwrap_or_else(|error| {
                        note_socket(context.findings, now, &error);
                        Vec::new()
                    });
                    call.client
                        .bound(ports.iter().map(|(.., port)| *port).collect(), now);
                    session.ports = ports
                        .into_iter()
                        .map(|(rtp, rtcp, _)| (rtp, rtcp))
                        .collect();
                }
                Event::Ready(tracks) => {
                    let server = self.address().ip();
                    let Some(session) = &mut self.session else {
                        return;
                    };
                    match tracks.first().map(|ready| &ready.delivery) {
                        Some(Delivery::Interleaved { rtp, .. }) => self.rtp.channel = *rtp,
                        Some(Delivery::Datagrams { server_ports, .. }) => {
                            let port = server_ports.map_or(0, |(rtp, _)| rtp);
                            if let Some((rtp, _)) = session.ports.pop()
                                && rtp.connect((server, port).into()).is_ok()
                            {
                                session.datagrams = Some(rtp);
                            }
                        }
                        None => {}
                    }
                }
                Event::Playing(_) => self.publish(now, context),
                Event::Ended(error) => return self.end(&error, true, now, context),
            }
        }
    }

    fn address(&self) -> SocketAddr {
        match &self.destination {
            Destination::Server(target) => target.address,
            Destination::Port(address) => *address,
        }
    }

    fn end(&mut self, error: &ClientError, notes: bool, now: u64, context: &mut Context<'_>) {
        let Some(session) = self.session.take() else {
            return;
        };
        self.is_settled = true;
        if session.due.is_some() {
            context.shared.totals.publishing.fetch_sub(1, Relaxed);
        }
        if session.is_leaving {
            context.tally().restarts += 1;
            self.begins_at = now;
            return;
        }
        context.tally().failed += 1;
        self.begins_at = now + RETRY_NS;
        if notes {
            context
                .findings
                .add(source_kind(error), now, || format!("a source: {error}"));
        }
    }

    /// The run is over.
    pub(crate) fn finish(&mut self, now: u64, findings: &mut Findings) {
        if let Some(session) = &mut self.session
            && let Some(call) = &mut session.call
        {
            let age = now.saturating_sub(session.began);
            if session.due.is_none() && !session.is_leaving && age >= ANSWERS_NS {
                findings.add("no_answer", now, || {
                    let ms = age / MILLISECOND;
                    format!(
                        "a source that began {ms} ms before the end had no answer to its requests"
                    )
                });
            }
            call.client.stop(now);
            session.flush();
        }
    }

    /// Sends nothing more, but stays.
    pub(crate) fn pause(&mut self) {
        if let Some(session) = self.session.as_mut().filter(|it| it.due.is_some()) {
            session.due = Some(u64::MAX);
            session.ends_at = u64::MAX;
        }
        self.begins_at = u64::MAX;
    }
}

/// The kind of finding that the end of a source's session is.
fn source_kind(error: &ClientError) -> &'static str {
    match error {
        ClientError::Disconnected => "source_closed",
        ClientError::Refused { .. } => "source_refused",
        other => kind_of(other),
    }
}

/// A socket whose datagrams go to `address`.
fn connected_to(address: SocketAddr) -> io::Result<UdpSocket> {
    let any: IpAddr = if address.is_ipv4() {
        Ipv4Addr::UNSPECIFIED.into()
    } else {
        Ipv6Addr::UNSPECIFIED.into()
    };
    let socket = UdpSocket::bind((any, 0).into())?;
    socket.connect(address)?;
    Ok(socket)
}

impl Session {
    /// Writes what waits, as far as the connection takes it: first the rest of the packets, which a request must not
    /// come between.
    fn flush(&mut self) {
        let Some(call) = &mut self.call else {
            return;
        };
        if !self.pending.is_empty() {
            let written = call.write(&self.pending);
            if written < self.pending.len() {
                self.pending.drain(..written);
                return;
            }
            self.pending.clear();
        }
        call.flush();
    }
}
