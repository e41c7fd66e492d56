//! The loop: one thread that writes each burst to all sockets.

use super::burst::{Burst, Stamp};
use crate::plan::{FloorKind, FloorPlan};
use crate::platform::{self, Batch};
use crate::tally::Times;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use std::io::{self, Write};
use std::net::UdpSocket;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// How long it sends before anything is counted: connections grow their windows, caches warm.
const WARM_UP: Duration = Duration::from_millis(500);

/// How long it waits in the end for sockets that did not take all.
const REST_WAIT: Duration = Duration::from_secs(1);

/// Most bytes of one send with segmentation offload: a little under what an IP packet can say.
const SEND_BYTES: usize = 65_000;

/// Most packets of one send with segmentation offload (`UDP_MAX_SEGMENTS` of older kernels).
const SEND_PACKETS: usize = 64;

/// What was sent while it was measured.
pub(super) struct Sent {
    /// See [`crate::report::FloorReport`], and so the others.
    pub(super) cpu_seconds: f64,
    pub(super) seconds: f64,
    pub(super) bursts: u64,
    pub(super) written_within: Times,
    pub(super) counts: Counts,
}

/// What happened at the sockets.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    /// Bytes of measured bursts that they took.
    pub(super) bytes: u64,
    /// Writes that they did not take at once.
    pub(super) blocked: u64,
}

/// Sends as planned; times count from `epoch`.
pub(super) fn send(
    plan: &FloorPlan,
    epoch: Instant,
    mut burst: Burst,
    outlets: &mut dyn Outlets,
) -> io::Result<Sent> {
    if let Some(cpu) = plan.sender_cpu {
        platform::pin_current_thread(cpu)?;
    }
    let interval = Duration::from_secs_f64(1.0 / plan.fps);
    let mut counts = Counts::default();
    let mut number = 0;
    let begin = Instant::now();
    while interval * number < WARM_UP {
        wait(begin + interval * number, outlets, &mut counts)?;
        burst.stamp(Stamp {
            number: u64::from(number),
            time: 0,
        });
        outlets.write(&burst, false, &mut counts)?;
        number += 1;
    }
    wait(begin + WARM_UP, outlets, &mut counts)?;

    let mut counts = Counts::default();
    let mut written_within = Times::new();
    let cpu_before = cpu_seconds()?;
    let start = Instant::now();
    let end = start + Duration::from_secs_f64(plan.seconds);
    let mut bursts = 0;
    loop {
        let due = start + interval.mul_f64(bursts as f64);
        let burst_start = Instant::now();
        if due >= end || burst_start >= end {
            break;
        }
        burst.stamp(Stamp {
            number: u64::from(number) + bursts,
            time: since(epoch, burst_start).max(1),
        });
        outlets.write(&burst, true, &mut counts)?;
        bursts += 1;
        let next = start + interval.mul_f64(bursts as f64);
        outlets.finish(next.min(end), &mut counts)?;
        // With sockets that did not take all within the time of a burst, this is that time: they get no other burst
        // before they have.
        written_within.add(since(burst_start, Instant::now()));
        wait(next.min(end), outlets, &mut counts)?;
    }
    outlets.finish(Instant::now() + REST_WAIT, &mut counts)?;
    Ok(Sent {
        cpu_seconds: cpu_seconds()? - cpu_before,
        seconds: start.elapsed().as_secs_f64(),
        bursts,
        written_within,
        counts,
    })
}

/// Nanoseconds from one moment to another.
pub(super) fn since(epoch: Instant, moment: Instant) -> u64 {
    u64::try_from(moment.saturating_duration_since(epoch).as_nanos()).unwrap_or(u64::MAX)
}

/// Processor time of the calling thread.
pub(super) fn cpu_seconds() -> io::Result<f64> {
    platform::thread_cpu_seconds().ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::Unsupported,
            "the processor time of a thread is not known on this system",
        )
    })
}

/// Waits for the time of the next burst; until then, sockets get the rest of the last one.
fn wait(due: Instant, outlets: &mut dyn Outlets, counts: &mut Counts) -> io::Result<()> {
    outlets.finish(due, counts)?;
    thread::sleep(due.saturating_duration_since(Instant::now()));
    Ok(())
}

/// The sockets that are written to.
pub(super) trait Outlets: Send {
    /// Writes a burst to each.
    fn write(&mut self, burst: &Burst, is_measured: bool, counts: &mut Counts) -> io::Result<()>;

    /// Writes what sockets did not take, until `end` or until they have taken all.
    fn finish(&mut self, end: Instant, counts: &mut Counts) -> io::Result<()>;
}

/// TCP connections.
pub(super) struct Connections {
    connections: Vec<Connection>,
    /// How many have a rest.
    behind: usize,
    is_burst_at_once: bool,
    poll: Poll,
    events: Events,
}

struct Connection {
    socket: TcpStream,
    rest: Option<Rest>,
}

/// What is left of a burst of which a connection took a part.
struct Rest {
    bytes: Arc<[u8]>,
    at: usize,
    is_measured: bool,
}

impl Connections {
    pub(super) fn new(sockets: Vec<TcpStream>, kind: FloorKind) -> io::Result<Self> {
        Ok(Self {
            connections: sockets
                .into_iter()
                .map(|socket| Connection { socket, rest: None })
                .collect(),
            behind: 0,
            is_burst_at_once: kind == FloorKind::TcpBurst,
            poll: Poll::new()?,
            events: Events::with_capacity(256),
        })
    }

    /// Lets a connection have more of its rest; whether that is all.
    fn resume(&mut self, index: usize, counts: &mut Counts) -> io::Result<bool> {
        let connection = &mut self.connections[index];
        let Some(rest) = &mut connection.rest else {
            return Ok(true);
        };
        let taken = write_all(&mut connection.socket, &rest.bytes[rest.at..])?;
        rest.at += taken;
        if rest.is_measured {
            counts.bytes += taken as u64;
        }
        if rest.at < rest.bytes.len() {
            return Ok(false);
        }
        connection.rest = None;
        self.behind -= 1;
        self.poll.registry().deregister(&mut connection.socket)?;
        Ok(true)
    }
}

impl Outlets for Connections {
    fn write(&mut self, burst: &Burst, is_measured: bool, counts: &mut Counts) -> io::Result<()> {
        let mut copy: Option<Arc<[u8]>> = None;
        for index in 0..self.connections.len() {
            if self.behind > 0 && !self.resume(index, counts)? {
                counts.blocked += 1;
                continue;
            }
            let connection = &mut self.connections[index];
            let taken = if self.is_burst_at_once {
                write(&mut connection.socket, burst.bytes())?
            } else {
                write_packets(&mut connection.socket, burst)?
            };
            if is_measured {
                counts.bytes += taken as u64;
            }
            if taken == burst.bytes().len() {
                continue;
            }
            counts.blocked += 1;
            self.behind += 1;
            connection.rest = Some(Rest {
                bytes: copy.get_or_insert_with(|| burst.bytes().into()).clone(),
                at: taken,
                is_measured,
            });
            self.poll.registry().register(
                &mut connection.socket,
                Token(index),
                Interest::WRITABLE,
            )?;
        }
        Ok(())
    }

    fn finish(&mut self, end: Instant, counts: &mut Counts) -> io::Result<()> {
        let mut events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        while self.behind > 0 {
            let time = end.saturating_duration_since(Instant::now());
            if time.is_zero() {
                break;
            }
            match self.poll.poll(&mut events, Some(time)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                outcome => outcome?,
            }
            for event in &events {
                self.resume(event.token().0, counts)?;
            }
        }
        self.events = events;
        Ok(())
    }
}

/// Writes once; how much the socket took.
fn write(socket: &mut TcpStream, bytes: &[u8]) -> io::Result<usize> {
    loop {
        match socket.write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}

/// Writes until the socket takes no more; how much it took.
fn write_all(socket: &mut TcpStream, bytes: &[u8]) -> io::Result<usize> {
    let mut at = 0;
    while at < bytes.len() {
        match write(socket, &bytes[at..])? {
            0 => break,
            taken => at += taken,
        }
    }
    Ok(at)
}

/// Writes packet by packet, until the socket takes no more; how much it took.
fn write_packets(socket: &mut TcpStream, burst: &Burst) -> io::Result<usize> {
    let mut at = 0;
    for packet in burst.packets() {
        let taken = write(socket, packet)?;
        at += taken;
        if taken < packet.len() {
            break;
        }
    }
    Ok(at)
}

/// UDP sockets, each connected to its reader. What one does not take is lost, as on any network.
pub(super) struct Datagrams {
    sockets: Vec<UdpSocket>,
    kind: FloorKind,
}

impl Datagrams {
    /// Sockets that get bursts like `burst`.
    pub(super) fn new(sockets: Vec<UdpSocket>, kind: FloorKind, burst: &Burst) -> io::Result<Self> {
        if kind == FloorKind::UdpOffload {
            for socket in &sockets {
                platform::set_segment(socket, burst.packet_bytes() as u16)?;
            }
        }
        Ok(Self { sockets, kind })
    }
}

impl Outlets for Datagrams {
    fn write(&mut self, burst: &Burst, is_measured: bool, counts: &mut Counts) -> io::Result<()> {
        let before = *counts;
        match self.kind {
            FloorKind::UdpSendmmsg => {
                let mut batch = Batch::new(burst.packets())?;
                let lengths: Vec<_> = burst.packets().map(<[u8]>::len).collect();
                for socket in &self.sockets {
                    let mut first = 0;
                    while first < lengths.len() {
                        let Some(sent) = taken(batch.send(socket, first), counts)? else {
                            break;
                        };
                        let bytes: usize = lengths[first..first + sent].iter().sum();
                        counts.bytes += bytes as u64;
                        first += sent;
                    }
                }
            }
            FloorKind::UdpOffload => {
                let most = (SEND_BYTES / burst.packet_bytes()).clamp(1, SEND_PACKETS);
                let step = most * burst.packet_bytes();
                for socket in &self.sockets {
                    let pieces = burst.runs().flat_map(|run| run.chunks(step));
                    send_pieces(socket, pieces, counts)?;
                }
            }
            _ => {
                for socket in &self.sockets {
                    send_pieces(socket, burst.packets(), counts)?;
                }
            }
        }
        if !is_measured {
            *counts = before;
        }
        Ok(())
    }

    fn finish(&mut self, _end: Instant, _counts: &mut Counts) -> io::Result<()> {
        Ok(())
    }
}

fn send_pieces<'a>(
    socket: &UdpSocket,
    pieces: impl Iterator<Item = &'a [u8]>,
    counts: &mut Counts,
) -> io::Result<()> {
    for piece in pieces {
        if let Some(bytes) = taken(socket.send(piece), counts)? {
            counts.bytes += bytes as u64;
        }
    }
    Ok(())
}

/// What a send took; `None` where the socket takes nothing for now.
fn taken(outcome: io::Result<usize>, counts: &mut Counts) -> io::Result<Option<usize>> {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            counts.blocked += 1;
            Ok(None)
        }
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(Some(0)),
        outcome => outcome.map(Some),
    }
}
