//! What this machine can do at all: the same bytes to the same number of sockets as a server has readers, in a bare loop.
//!
//! One thread hands a burst to each of the sockets in turn, as often as the plan says and with the system calls that it
//! says; other threads read what comes. No server can be better than this, so that what one costs is told as a ratio to
//! it, measured on the same machine in the same minutes.
//!
//! The sockets are read as those of the readers of a load test are, and all are on loopback: what the kernel does until
//! the bytes are at the reader is in the sender's time, as it is in that of a server under test.

mod burst;
mod drain;
mod sender;

use crate::plan::{FloorKind, FloorPlan};
use crate::platform;
use crate::report::{FloorReport, Machine};
use crate::tally::Times;
use burst::Burst;
use drain::{ConnectionReader, DatagramReader, Drain, Reader};
use mio::net::{TcpStream, UdpSocket};
use sender::{Connections, Datagrams, Outlets};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

/// Most threads that read, where no processor is named for them.
const DRAIN_THREADS: usize = 4;

/// Requests of a reader before media flows: OPTIONS, DESCRIBE, SETUP and PLAY.
const REQUESTS: usize = 4;

/// Descriptors that are needed besides the sockets.
const OTHER_DESCRIPTORS: u64 = 64;

/// Measures what the plan says; takes as long as that says, and a little longer.
///
/// Half a second of warm-up comes first and is in no figure. A burst begins when it is due, or when the one before has
/// been written where that took longer: then there are fewer bursts than the plan wants, which says that the machine
/// cannot do it.
///
/// # Errors
/// `InvalidInput` for a plan that cannot be carried out, `Unsupported` where the system lacks what it wants (system
/// calls, the processor time of a thread, pinning), and what the system says of sockets and threads.
pub fn measure(plan: &FloorPlan) -> io::Result<FloorReport> {
    plan.check()
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    sender::cpu_seconds()?;
    if let Some(limit) = platform::descriptor_limit() {
        let needed = 2 * plan.sockets as u64 + OTHER_DESCRIPTORS;
        if needed > limit {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!(
                    "{} sockets need {needed} descriptors and this process may have {limit}",
                    plan.sockets
                ),
            ));
        }
    }
    let is_tcp = matches!(plan.kind, FloorKind::TcpBurst | FloorKind::TcpPacket);
    let burst = Burst::new(plan.burst_bytes(), is_tcp);
    if is_tcp {
        let (writers, readers) = connect_streams(plan.sockets)?;
        let mut outlets = Connections::new(writers, plan.kind)?;
        run(plan, burst, &mut outlets, readers)
    } else {
        let (writers, readers) = connect_datagrams(plan.sockets)?;
        let mut outlets = Datagrams::new(writers, plan.kind, &burst)?;
        run(plan, burst, &mut outlets, readers)
    }
}

fn run<R: Reader>(
    plan: &FloorPlan,
    burst: Burst,
    outlets: &mut dyn Outlets,
    readers: Vec<R>,
) -> io::Result<FloorReport> {
    let epoch = Instant::now();
    let burst_bytes = burst.bytes().len();
    let has_ended = Arc::new(AtomicBool::new(false));
    let mut drains = Vec::new();
    for readers in deal(readers, drain_threads(plan)) {
        drains.push(Drain::new(readers)?);
    }
    let ends: Vec<_> = drains.iter().map(|drain| drain.end(&has_ended)).collect();
    let (sent, tallies) = thread::scope(|scope| {
        let (ready, are_ready) = mpsc::channel();
        let drains: Vec<_> = drains
            .into_iter()
            .map(|drain| {
                let (ready, has_ended) = (ready.clone(), &has_ended);
                scope.spawn(move || {
                    if let Some(cpu) = plan.drain_cpu {
                        platform::pin_current_thread(cpu)?;
                    }
                    // Whoever waits for it has gone when another thread could not start.
                    let _ = ready.send(());
                    drop(ready);
                    drain.run(epoch, burst_bytes, has_ended)
                })
            })
            .collect();
        drop(ready);
        // One that could not start gives up its sender without a word, and says why at its end.
        let sent = (are_ready.iter().count() == drains.len())
            .then(|| scope.spawn(|| sender::send(plan, epoch, burst, outlets)))
            .map(|thread| thread.join().expect("the sender does not panic"));
        for end in &ends {
            end.tell()?;
        }
        let tallies: Vec<_> = drains
            .into_iter()
            .map(|thread| thread.join().expect("a reader does not panic"))
            .collect();
        io::Result::Ok((sent, tallies))
    })?;
    let mut latency = Times::new();
    let mut received_bytes = 0;
    for tally in tallies {
        let tally = tally?;
        latency.merge(&tally.latency);
        received_bytes += tally.bytes;
    }
    let sent = sent.ok_or_else(|| io::Error::other("the readers did not start"))??;
    let gigabits = sent.counts.bytes as f64 * 8.0 / 1e9;
    Ok(FloorReport {
        machine: Machine::this(),
        cpu_seconds_per_gigabit: if gigabits > 0.0 {
            sent.cpu_seconds / gigabits
        } else {
            0.0
        },
        cpu_seconds: sent.cpu_seconds,
        latency_ms: latency.distribution(),
        written_within_ms: sent.written_within.distribution(),
        bytes: sent.counts.bytes,
        received_bytes,
        bursts: sent.bursts,
        blocked: sent.counts.blocked,
        seconds: sent.seconds,
    })
}

/// How many threads read: one where a processor is named for it, otherwise those that the sender leaves.
fn drain_threads(plan: &FloorPlan) -> usize {
    if plan.drain_cpu.is_some() {
        return 1;
    }
    let cpus = thread::available_parallelism().map_or(1, usize::from);
    cpus.saturating_sub(1)
        .clamp(1, DRAIN_THREADS)
        .min(plan.sockets)
}

/// Deals readers to threads, in turn.
fn deal<R>(readers: Vec<R>, threads: usize) -> Vec<Vec<R>> {
    let mut dealt: Vec<Vec<R>> = (0..threads).map(|_| Vec::new()).collect();
    for (index, reader) in readers.into_iter().enumerate() {
        dealt[index % threads].push(reader);
    }
    dealt
}

/// Connections: the ends that are written to, and those that are read.
fn connect_streams(count: usize) -> io::Result<(Vec<TcpStream>, Vec<ConnectionReader>)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let mut writers = Vec::with_capacity(count);
    let mut readers = Vec::with_capacity(count);
    while writers.len() < count {
        let reader = std::net::TcpStream::connect(address)?;
        let writer = loop {
            let (socket, peer) = listener.accept()?;
            // Somebody else may have found the port.
            if peer == reader.local_addr()? {
                break socket;
            }
        };
        writer.set_nodelay(true)?;
        converse(&reader, &writer)?;
        for socket in [&reader, &writer] {
            socket.set_nonblocking(true)?;
        }
        readers.push(ConnectionReader::new(TcpStream::from_std(reader)));
        writers.push(TcpStream::from_std(writer));
    }
    Ok((writers, readers))
}

/// Asks and answers, as a reader does before it plays.
///
/// A system that has seen both ends send holds back acknowledgements in the hope of data that they may go with, and sends
/// them when the next burst comes, in the sender's time; otherwise they go when the reader reads, in the reader's time. A
/// server's readers have asked for a description and for media, so that a loop without this would do less than a server
/// must.
fn converse(reader: &std::net::TcpStream, writer: &std::net::TcpStream) -> io::Result<()> {
    let mut byte = [0];
    for _ in 0..REQUESTS {
        for (mut from, mut to) in [(reader, writer), (writer, reader)] {
            from.write_all(&byte)?;
            to.read_exact(&mut byte)?;
        }
    }
    Ok(())
}

/// Pairs of UDP sockets that are connected to each other: those that are written to, and those that are read.
fn connect_datagrams(count: usize) -> io::Result<(Vec<std::net::UdpSocket>, Vec<DatagramReader>)> {
    let mut writers = Vec::with_capacity(count);
    let mut readers = Vec::with_capacity(count);
    for _ in 0..count {
        let [reader, writer] =
            [0; 2].map(|port| std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, port)));
        let (reader, writer) = (reader?, writer?);
        writer.connect(reader.local_addr()?)?;
        reader.connect(writer.local_addr()?)?;
        for socket in [&reader, &writer] {
            socket.set_nonblocking(true)?;
        }
        readers.push(DatagramReader::new(UdpSocket::from_std(reader)));
        writers.push(writer);
    }
    Ok((writers, readers))
}

#[cfg(test)]
mod tests;
