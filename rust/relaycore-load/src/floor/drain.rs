//! The readers: threads that take what comes, and find when each burst is whole.

use super::burst::{FRAMED_STAMP_BYTES, Stamp, unknown_bytes};
use super::sender::since;
use crate::inlet::inlet;
use crate::platform;
use crate::tally::Times;
use mio::event::Source;
use mio::net::{TcpStream, UdpSocket};
use mio::{Events, Interest, Poll, Registry, Token, Waker};
use relaycore_engine::datagrams::{INLET_BYTES, Inlet};
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Datagrams that are read of one socket before it is the turn of others.
const DATAGRAMS_AT_ONCE: usize = 256;

/// How long nothing comes after the sender has ended until nothing more is expected.
const QUIET: Duration = Duration::from_millis(100);

/// How long the readers go on after the sender has ended.
const LAST_WAIT: Duration = Duration::from_secs(5);

/// Token of the waker.
const WAKER: Token = Token(usize::MAX);

/// What came.
pub(super) struct Tally {
    /// From the start of each burst to its last byte.
    pub(super) latency: Times,
    /// Bytes of measured bursts.
    pub(super) bytes: u64,
}

/// A thread's readers, before the thread has started.
pub(super) struct Drain<R> {
    poll: Poll,
    waker: Arc<Waker>,
    readers: Vec<R>,
}

/// Tells a thread that the sender has ended.
pub(super) struct End {
    waker: Arc<Waker>,
    has_ended: Arc<AtomicBool>,
}

impl End {
    pub(super) fn tell(&self) -> io::Result<()> {
        self.has_ended.store(true, Ordering::Release);
        self.waker.wake()
    }
}

impl<R: Reader> Drain<R> {
    pub(super) fn new(mut readers: Vec<R>) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        for (index, reader) in readers.iter_mut().enumerate() {
            reader.register(poll.registry(), Token(index))?;
        }
        Ok(Self {
            poll,
            waker,
            readers,
        })
    }

    pub(super) fn end(&self, has_ended: &Arc<AtomicBool>) -> End {
        End {
            waker: self.waker.clone(),
            has_ended: has_ended.clone(),
        }
    }

    /// Reads until the sender has ended and all has come; times count from `epoch`, a burst is `burst_bytes` long.
    pub(super) fn run(
        mut self,
        epoch: Instant,
        burst_bytes: usize,
        has_ended: &AtomicBool,
    ) -> io::Result<Tally> {
        let mut intake = Intake {
            buffer: vec![0; INLET_BYTES],
            epoch,
            burst_bytes,
            tally: Tally {
                latency: Times::new(),
                bytes: 0,
            },
        };
        let mut events = Events::with_capacity(1024);
        let mut open = self.readers.len();
        let mut last: Option<Instant> = None;
        while open > 0 && last.is_none_or(|last| Instant::now() < last) {
            match self.poll.poll(&mut events, last.map(|_| QUIET)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                outcome => outcome?,
            }
            if events.is_empty() && last.is_some() {
                break;
            }
            for event in &events {
                let Some(reader) = self.readers.get_mut(event.token().0) else {
                    continue;
                };
                if !reader.read(&mut intake)? {
                    open -= 1;
                }
            }
            if last.is_none() && has_ended.load(Ordering::Acquire) {
                last = Some(Instant::now() + LAST_WAIT);
            }
        }
        Ok(intake.tally)
    }
}

/// What the readers of a thread share.
pub(super) struct Intake {
    buffer: Vec<u8>,
    epoch: Instant,
    burst_bytes: usize,
    tally: Tally,
}

impl Intake {
    fn now(&self) -> u64 {
        since(self.epoch, Instant::now())
    }
}

impl Tally {
    /// Counts bytes of a burst.
    fn count(&mut self, stamp: Stamp, bytes: usize) {
        if stamp.time > 0 {
            self.bytes += bytes as u64;
        }
    }

    /// Counts a burst that is whole.
    fn complete(&mut self, stamp: Stamp, now: u64) {
        if stamp.time > 0 {
            self.latency.add(now.saturating_sub(stamp.time));
        }
    }
}

/// One that is sent to.
pub(super) trait Reader: Send {
    fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()>;

    /// Reads all that is there; whether more may come.
    fn read(&mut self, intake: &mut Intake) -> io::Result<bool>;
}

/// Reads a TCP connection.
pub(super) struct ConnectionReader {
    socket: TcpStream,
    /// Bytes of the burst that came.
    at: usize,
    start: [u8; FRAMED_STAMP_BYTES],
    stamp: Stamp,
    /// Lowest number that the next burst may have.
    next: u64,
    has_ended: bool,
}

impl ConnectionReader {
    pub(super) fn new(socket: TcpStream) -> Self {
        Self {
            socket,
            at: 0,
            start: [0; FRAMED_STAMP_BYTES],
            stamp: Stamp { number: 0, time: 0 },
            next: 0,
            has_ended: false,
        }
    }

    fn take(&mut self, mut bytes: &[u8], now: u64, intake: &mut Intaken<'_>) -> io::Result<()> {
        while !bytes.is_empty() {
            if self.at < FRAMED_STAMP_BYTES {
                let length = bytes.len().min(FRAMED_STAMP_BYTES - self.at);
                self.start[self.at..self.at + length].copy_from_slice(&bytes[..length]);
                self.at += length;
                bytes = &bytes[length..];
                if self.at < FRAMED_STAMP_BYTES {
                    return Ok(());
                }
                self.stamp = Stamp::read_framed(&self.start)?;
                if self.stamp.number < self.next {
                    return Err(unknown_bytes());
                }
                self.next = self.stamp.number + 1;
                intake.tally.count(self.stamp, FRAMED_STAMP_BYTES);
            }
            let length = bytes.len().min(intake.burst_bytes - self.at);
            self.at += length;
            bytes = &bytes[length..];
            intake.tally.count(self.stamp, length);
            if self.at == intake.burst_bytes {
                self.at = 0;
                intake.tally.complete(self.stamp, now);
            }
        }
        Ok(())
    }
}

/// What is counted, without the buffer that is read from.
struct Intaken<'a> {
    burst_bytes: usize,
    tally: &'a mut Tally,
}

impl Reader for ConnectionReader {
    fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.socket.register(registry, token, Interest::READABLE)
    }

    fn read(&mut self, intake: &mut Intake) -> io::Result<bool> {
        // A connection that has ended may be told of once more.
        while !self.has_ended {
            let length = match self.socket.read(&mut intake.buffer) {
                Ok(0) => {
                    self.has_ended = true;
                    return Ok(false);
                }
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let now = intake.now();
            let mut counted = Intaken {
                burst_bytes: intake.burst_bytes,
                tally: &mut intake.tally,
            };
            self.take(&intake.buffer[..length], now, &mut counted)?;
            if length < intake.buffer.len() && platform::SHORT_READ_EMPTIES {
                break;
            }
        }
        Ok(true)
    }
}

/// Reads datagrams, as the readers of a load test do.
pub(super) struct DatagramReader {
    inlet: Inlet,
    /// Number of the burst that comes.
    number: u64,
    /// Bytes of it that came.
    at: usize,
}

impl DatagramReader {
    pub(super) fn new(socket: UdpSocket) -> Self {
        Self {
            inlet: inlet(socket),
            number: 0,
            at: 0,
        }
    }
}

impl Reader for DatagramReader {
    fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(&mut self.inlet.socket, token, Interest::READABLE)
    }

    fn read(&mut self, intake: &mut Intake) -> io::Result<bool> {
        let Intake {
            buffer,
            epoch,
            burst_bytes,
            tally,
        } = intake;
        let mut has_more = true;
        while has_more {
            let mut outcome = Ok(());
            let Self { inlet, number, at } = self;
            has_more = inlet.receive(buffer, DATAGRAMS_AT_ONCE, |packet, _| {
                let stamp = match Stamp::read(packet) {
                    Ok(stamp) => stamp,
                    Err(error) => {
                        outcome = Err(error);
                        return;
                    }
                };
                if stamp.number != *number {
                    *number = stamp.number;
                    *at = 0;
                }
                *at += packet.len();
                tally.count(stamp, packet.len());
                if *at == *burst_bytes {
                    tally.complete(stamp, since(*epoch, Instant::now()));
                }
            });
            outcome?;
        }
        Ok(true)
    }
}
