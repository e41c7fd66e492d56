//! A viewer: its connection, and where it is in the rendition.

use super::Framing;
use super::chunk::{Chunk, Header};
use crate::clock::{SECOND, now_ns};
use crate::web_session::Carried;
use mio::net::TcpStream;
use relaycore_proto::websocket::frame::{self, FrameReader, Heard, Messages};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read as _, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How often a viewer is asked whether it is there, and how long it may be silent. What is sent to it and taken says
/// nothing: buffers on the way take much.
const PING_NS: u64 = 15 * SECOND;
const SILENCE_NS: u64 = 45 * SECOND;

/// How long a viewer gets to take its goodbye.
const FAREWELL_NS: u64 = SECOND;

/// What a viewer may send: nothing that it says is wanted.
const MESSAGES: Messages = Messages {
    text: true,
    bytes_max: 1024,
};

/// Bytes of one read, and how many of them there are before it is the turn of others.
const READ_BYTES: usize = 4096;
const READS: usize = 4;

/// Bytes that may come of a viewer from whom nothing is expected.
const MOST_INTAKE_BYTES: usize = 64 * 1024;

/// Bytes of answers to a viewer that wait at most: who asks and does not read is left.
const MOST_ANSWER_BYTES: usize = 4096;

/// See the module.
pub(super) struct Viewer {
    pub(super) rendition: u64,
    pub(super) socket: TcpStream,
    pub(super) session: Carried,
    framing: Framing,
    /// What goes out between chunks.
    answers: Vec<u8>,
    /// What is going out, and how much of that is out.
    pieces: VecDeque<Piece>,
    position: usize,
    /// Index of the next chunk; `None` while it waits for one to begin at.
    next: Option<u64>,
    /// Chunks before this one were sent or given up: it does not begin there.
    floor: u64,
    /// When it came or skipped last, in nanoseconds of the engine's clock: it could not have had older chunks sooner.
    since: u64,
    header: Option<Arc<Header>>,
    reader: FrameReader,
    /// Bytes that came where none are wanted.
    intake: usize,
    pub(super) is_blocked: bool,
    /// Nothing is sent after what waits, and the connection is closed then at the latest, in nanoseconds of the engine's
    /// clock.
    ends_by: Option<u64>,
    ping_at: u64,
    silent_at: u64,
    count: Arc<AtomicUsize>,
}

/// How much was read of what came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// All.
    All,
    /// Some: there may be more.
    Some,
}

struct Piece {
    bytes: Arc<[u8]>,
    /// Bytes of media in it.
    payload: usize,
    is_start: bool,
}

/// The chunks that there are, the oldest first, without gaps.
#[derive(Default)]
pub(super) struct ChunkRing {
    pub(super) chunks: VecDeque<Arc<Chunk>>,
    pub(super) bytes: usize,
}

impl ChunkRing {
    fn get(&self, index: u64) -> Option<&Arc<Chunk>> {
        let first = self.chunks.front()?.index;
        self.chunks
            .get(usize::try_from(index.checked_sub(first)?).ok()?)
    }

    fn newest_start(&self) -> Option<&Arc<Chunk>> {
        self.chunks.iter().rev().find(|chunk| chunk.is_start)
    }

    /// Adds a chunk; those go that are older than `age_ns`, or more than `bytes` together.
    pub(super) fn push(&mut self, chunk: Arc<Chunk>, age_ns: u64, bytes: usize) {
        let now = chunk.at;
        self.bytes += chunk.bytes.len();
        self.chunks.push_back(chunk);
        while self.chunks.len() > 1
            && (self.bytes > bytes || now.saturating_sub(self.chunks[0].at) > age_ns)
        {
            if let Some(gone) = self.chunks.pop_front() {
                self.bytes -= gone.bytes.len();
            }
        }
    }
}

impl Viewer {
    pub(super) fn new(
        rendition: u64,
        framing: Framing,
        socket: std::net::TcpStream,
        session: Carried,
        greeting: &[u8],
        count: Arc<AtomicUsize>,
    ) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        let now = now_ns();
        session.info().counters.plays(now);
        Self {
            rendition,
            socket: TcpStream::from_std(socket),
            session,
            framing,
            answers: greeting.to_vec(),
            pieces: VecDeque::new(),
            position: 0,
            next: None,
            floor: 0,
            since: now,
            header: None,
            reader: FrameReader::new(MESSAGES),
            is_blocked: false,
            ends_by: None,
            intake: 0,
            ping_at: now + PING_NS,
            silent_at: now + SILENCE_NS,
            count,
        }
    }

    /// Writes what the ring has for it, as far as the socket takes it.
    ///
    /// # Errors
    /// When the connection is lost, or all is said.
    pub(super) fn feed(&mut self, ring: &ChunkRing, reader_age: u64) -> io::Result<()> {
        while !self.is_blocked {
            if self.pieces.is_empty() {
                if !self.answers.is_empty() {
                    let bytes = Arc::from(std::mem::take(&mut self.answers));
                    self.add(bytes, 0, false);
                } else if self.ends_by.is_some() {
                    return Err(ErrorKind::ConnectionAborted.into());
                } else if !self.take_chunk(ring, reader_age) {
                    return Ok(());
                }
            }
            self.write()?;
        }
        Ok(())
    }

    fn add(&mut self, bytes: Arc<[u8]>, payload: usize, is_start: bool) {
        self.pieces.push_back(Piece {
            bytes,
            payload,
            is_start,
        });
    }

    /// Takes the next chunk, or where it begins the newest that it can begin at; `false` when there is none.
    fn take_chunk(&mut self, ring: &ChunkRing, reader_age: u64) -> bool {
        let next = self
            .next
            .and_then(|next| ring.get(next).map(|chunk| (next, chunk)));
        let (now, since) = (now_ns(), self.since);
        let is_late = |chunk: &Chunk| now.saturating_sub(chunk.at.max(since)) > reader_age;
        let chunk = match (self.next, next) {
            (Some(_), Some((_, chunk))) if !is_late(chunk) => chunk,
            // Nothing new yet.
            (Some(next), None) if ring.chunks.back().is_none_or(|last| last.index < next) => {
                return false;
            }
            (before, _) => {
                let from = before.unwrap_or(self.floor);
                let start = ring.newest_start().filter(|chunk| chunk.index >= from);
                let to = start.map_or_else(
                    || ring.chunks.back().map_or(from, |last| last.index + 1),
                    |chunk| chunk.index,
                );
                if before.is_some() {
                    let counters = &self.session.info().counters;
                    counters
                        .discarded
                        .fetch_add(to.saturating_sub(from), Ordering::Relaxed);
                }
                (self.floor, self.since) = (to, now);
                let Some(start) = start else {
                    self.next = None;
                    return false;
                };
                start
            }
        };
        let chunk = Arc::clone(chunk);
        self.next = Some(chunk.index + 1);
        if let Some(header) = &chunk.header
            && self
                .header
                .as_ref()
                .is_none_or(|known| !Arc::ptr_eq(known, header))
        {
            self.header = Some(Arc::clone(header));
            self.add(Arc::clone(&header.bytes), 0, false);
        }
        self.add(Arc::clone(&chunk.bytes), chunk.payload, chunk.is_start);
        true
    }

    /// Writes the pieces.
    fn write(&mut self) -> io::Result<()> {
        while let Some(piece) = self.pieces.front() {
            match self.socket.write(&piece.bytes[self.position..]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => self.position += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.is_blocked = true;
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            if self.position == piece.bytes.len() {
                self.count_piece();
            }
        }
        Ok(())
    }

    /// The first piece is out.
    fn count_piece(&mut self) {
        self.position = 0;
        let Some(piece) = self.pieces.pop_front() else {
            return;
        };
        if piece.payload == 0 {
            return;
        }
        let (now, counters) = (now_ns(), &self.session.info().counters);
        counters
            .bytes
            .fetch_add(piece.payload as u64, Ordering::Relaxed);
        if counters.packets.fetch_add(1, Ordering::Relaxed) == 0 {
            counters.first_packet.store(now, Ordering::Relaxed);
        }
        if piece.is_start && counters.first_picture.load(Ordering::Relaxed) == 0 {
            counters.first_picture.store(now, Ordering::Relaxed);
        }
    }

    /// Reads what came, a little at a time.
    ///
    /// # Errors
    /// Why the connection ends, where it does.
    pub(super) fn read(&mut self) -> Result<Read, &'static str> {
        let mut buffer = [0; READ_BYTES];
        for _ in 0..READS {
            match self.socket.read(&mut buffer) {
                Ok(0) => return Err("the client left"),
                Ok(length) => self.take(&mut buffer[..length])?,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Read::All),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Err("the connection was lost"),
            }
        }
        Ok(Read::Some)
    }

    fn take(&mut self, bytes: &mut [u8]) -> Result<(), &'static str> {
        if self.ends_by.is_some() {
            return Ok(());
        }
        self.silent_at = now_ns() + SILENCE_NS;
        if self.framing == Framing::Plain {
            self.intake += bytes.len();
            return if self.intake > MOST_INTAKE_BYTES {
                Err("the client sends where nothing is expected of it")
            } else {
                Ok(())
            };
        }
        match self.reader.take(bytes, &mut self.answers, |_| {}) {
            Heard::Nothing if self.answers.len() > MOST_ANSWER_BYTES => {
                return Err("the client asks and does not read");
            }
            Heard::Nothing => {}
            Heard::Goodbye => self.ends("the client ended it"),
            Heard::Nonsense => self.ends("the client sent what is no WebSocket frame"),
        }
        Ok(())
    }

    /// The session ends now, the connection with what waits.
    fn ends(&mut self, reason: &'static str) {
        self.session.end(reason);
        self.ends_by = Some(now_ns() + FAREWELL_NS);
    }

    /// Says goodbye; the connection ends when that is out.
    pub(super) fn say_goodbye(&mut self) {
        if self.ends_by.is_none() {
            self.ends_by = Some(now_ns() + FAREWELL_NS);
            if self.framing == Framing::WebSocket {
                frame::write_close(&mut self.answers, frame::GOING_AWAY);
            }
        }
    }

    /// Asks whether it is there where that is due; `false` when it has been silent for too long.
    pub(super) fn is_there(&mut self, now: u64) -> bool {
        if let Some(ends_by) = self.ends_by {
            return now < ends_by;
        }
        if self.framing == Framing::Plain {
            return true;
        }
        if now >= self.ping_at {
            self.ping_at = now + PING_NS;
            frame::write_ping(&mut self.answers);
        }
        now < self.silent_at
    }

    /// Whether something waits that is no chunk.
    pub(super) fn has_answers(&self) -> bool {
        !self.answers.is_empty() || self.ends_by.is_some()
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}
