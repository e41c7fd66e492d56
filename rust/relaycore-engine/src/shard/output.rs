//! What a connection still has to write: RTSP messages and RTCP between whole interleaved frames, and bursts.

mod frames;

use crate::burst::Burst;
use frames::Frames;
use std::collections::VecDeque;
use std::io::{self, IoSlice, Write};
use std::sync::Arc;

/// Most bursts in one system call.
const PIECES: usize = 16;

/// Most bytes of bursts queued for one connection; they are shared, so this bounds what a slow reader holds alive.
const QUEUED_BYTES: usize = 512 * 1024;

/// Room for bursts and for bytes of messages that a connection keeps when all is written: what one burst and a report
/// take, so that a reader that has caught up, and has had its description, takes little memory and allocates nothing.
const KEPT_PIECES: usize = 4;
const KEPT_MESSAGE_BYTES: usize = 128;

/// A burst on its way into a socket.
#[derive(Debug)]
struct Piece {
    burst: Arc<Burst>,
    /// The burst's bytes with other channel numbers.
    remapped: Option<Arc<[u8]>>,
    /// Up to where it is written.
    end: usize,
    /// How many packets that is.
    packets: usize,
    session: usize,
    /// When its reader could have had it first, in nanoseconds of the engine's clock.
    since: u64,
}

impl Piece {
    fn bytes(&self) -> &[u8] {
        self.remapped.as_deref().unwrap_or(&self.burst.bytes)
    }
}

/// The queue of one connection.
#[derive(Debug, Default)]
pub(crate) struct Output {
    messages: Vec<u8>,
    messages_written: usize,
    pieces: VecDeque<Piece>,
    queued_bytes: usize,
    /// Bytes of the first piece that are written.
    position: usize,
    blocked: bool,
    /// Where all goes out in frames of a WebSocket.
    frames: Option<Box<Frames>>,
}

/// A burst that was written whole.
#[derive(Debug)]
pub(crate) struct Sent {
    /// The session it was for.
    pub(crate) session: usize,
    /// The burst.
    pub(crate) burst: Arc<Burst>,
    /// How many of its packets were sent.
    pub(crate) packets: usize,
}

impl Output {
    /// Adds the whole message that `write` appends; it goes out before bursts that were not begun.
    pub(crate) fn message(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.messages.len();
        write(&mut self.messages);
        self.frame_message(start);
    }

    /// Adds an interleaved frame (RFC 2326 §10.12) with an RTCP packet, which is far shorter than a frame may be.
    pub(crate) fn frame(&mut self, channel: u8, packet: &[u8]) {
        self.message(|out| {
            out.extend_from_slice(&[b'$', channel]);
            out.extend_from_slice(&(packet.len() as u16).to_be_bytes());
            out.extend_from_slice(packet);
        });
    }

    /// Adds a burst, on `channel` if that is not its usual one; its reader could have had it since `since`.
    pub(crate) fn push(&mut self, session: usize, burst: &Arc<Burst>, channel: u8, since: u64) {
        let usual = burst.bytes.get(1).is_some_and(|byte| *byte == channel);
        let remapped = (!usual).then(|| burst.on_channel(channel));
        self.queued_bytes += burst.bytes.len();
        self.pieces.push_back(Piece {
            burst: Arc::clone(burst),
            remapped,
            end: burst.bytes.len(),
            packets: burst.packet_count(),
            session,
            since,
        });
    }

    /// Whether more bursts should be pushed now.
    pub(crate) fn has_room(&self) -> bool {
        !self.blocked && self.pieces.len() < PIECES && self.queued_bytes < QUEUED_BYTES
    }

    /// Whether everything is written.
    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty() && self.messages.is_empty()
    }

    /// Bytes of messages that wait.
    pub(crate) fn message_bytes(&self) -> usize {
        self.messages.len() - self.messages_written
    }

    /// Whether the socket takes no more for now.
    pub(crate) fn is_blocked(&self) -> bool {
        self.blocked
    }

    /// The socket can be written again.
    pub(crate) fn unblock(&mut self) {
        self.blocked = false;
    }

    /// How long the oldest burst of a session has waited at `now`, in nanoseconds.
    pub(crate) fn age(&self, session: usize, now: u64) -> u64 {
        self.since(session)
            .map_or(0, |since| now.saturating_sub(since))
    }

    /// Since when the oldest burst of a session waits, in nanoseconds of the engine's clock.
    pub(crate) fn since(&self, session: usize) -> Option<u64> {
        self.pieces
            .iter()
            .find(|piece| piece.session == session)
            .map(|piece| piece.since)
    }

    /// Gives up the bursts of a session but for the packet, or the frame of a WebSocket, that is being written; gives
    /// the number of packets.
    pub(crate) fn discard(&mut self, session: usize) -> u64 {
        self.cut(session, |_, _| {})
    }

    /// As [`Output::discard`], for one track of a session.
    pub(crate) fn discard_track(&mut self, session: usize, track: usize) {
        let is_of = |piece: &Piece| piece.session == session && piece.burst.track == track;
        self.cut_where(is_of, |_, _| {});
    }

    /// As [`Output::discard`]; tells of each burst how many of its packets still go out.
    pub(crate) fn cut(&mut self, session: usize, told: impl FnMut(&Burst, usize)) -> u64 {
        self.cut_where(|piece| piece.session == session, told)
    }

    fn cut_where(
        &mut self,
        is_cut: impl Fn(&Piece) -> bool,
        mut told: impl FnMut(&Burst, usize),
    ) -> u64 {
        let mut discarded = 0;
        let open_end = self.frames.as_ref().map_or(0, |it| it.open_end());
        let position = self.position.max(open_end);
        let mut first = true;
        self.pieces.retain_mut(|piece| {
            let begun = std::mem::take(&mut first) && position > 0;
            if !is_cut(piece) {
                return true;
            }
            let keep = if begun {
                piece
                    .burst
                    .ends
                    .iter()
                    .position(|end| *end as usize >= position)
            } else {
                None
            };
            let kept = keep.map_or(0, |packet| packet + 1);
            discarded += (piece.packets - kept) as u64;
            piece.packets = kept;
            told(&piece.burst, kept);
            match keep {
                Some(packet) => {
                    let end = piece.burst.ends[packet] as usize;
                    self.queued_bytes -= piece.end - end;
                    piece.end = end;
                    true
                }
                None => {
                    self.queued_bytes -= piece.end;
                    false
                }
            }
        });
        discarded
    }

    /// Writes until all is written or the socket takes no more. Bursts that are written whole are added to `sent`;
    /// gives the bytes written.
    ///
    /// # Errors
    /// What the socket says, but for `WouldBlock`.
    pub(crate) fn write(
        &mut self,
        socket: &mut impl Write,
        sent: &mut Vec<Sent>,
    ) -> io::Result<usize> {
        if self.frames.is_some() {
            return self.write_frames(socket, sent);
        }
        self.write_by(sent, |output, sent| {
            let count = output.write_once(socket)?;
            output.written(count, sent);
            Ok(count)
        })
    }

    /// As [`Output::write`], by what writes once and gives how many bytes that were.
    #[inline(always)]
    fn write_by(
        &mut self,
        sent: &mut Vec<Sent>,
        mut write: impl FnMut(&mut Self, &mut Vec<Sent>) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let mut total = 0;
        self.finish_front(sent);
        while !self.blocked && !self.is_empty() {
            match write(self, sent) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => total += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.blocked = true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(total)
    }

    /// Where the packet that is being written ends, when one is.
    fn packet_end(&self) -> Option<usize> {
        let piece = self.pieces.front().filter(|_| self.position > 0)?;
        let end = piece
            .burst
            .ends
            .iter()
            .map(|end| *end as usize)
            .find(|end| *end >= self.position)?;
        (end > self.position).then_some(end)
    }

    fn write_once(&self, socket: &mut impl Write) -> io::Result<usize> {
        if !self.messages.is_empty() {
            return match (self.packet_end(), self.pieces.front()) {
                (Some(end), Some(piece)) => socket.write(&piece.bytes()[self.position..end]),
                _ => socket.write(&self.messages[self.messages_written..]),
            };
        }
        if self.pieces.len() == 1 {
            let piece = &self.pieces[0];
            return socket.write(&piece.bytes()[self.position..piece.end]);
        }
        let mut slices = [IoSlice::new(&[]); PIECES];
        let mut from = self.position;
        let mut count = 0;
        for (slice, piece) in slices.iter_mut().zip(&self.pieces) {
            *slice = IoSlice::new(&piece.bytes()[std::mem::take(&mut from)..piece.end]);
            count += 1;
        }
        socket.write_vectored(&slices[..count])
    }

    fn written(&mut self, mut count: usize, sent: &mut Vec<Sent>) {
        if !self.messages.is_empty() && self.packet_end().is_none() {
            return self.messages_written(count);
        }
        while let Some(piece) = self.pieces.front().filter(|_| count > 0) {
            let step = count.min(piece.end - self.position);
            self.position += step;
            count -= step;
            self.finish_front(sent);
        }
    }

    fn messages_written(&mut self, count: usize) {
        self.messages_written += count;
        if self.messages_written == self.messages.len() {
            self.messages.clear();
            self.messages_written = 0;
            // Descriptions are long and come once; reports stay.
            self.messages.shrink_to(KEPT_MESSAGE_BYTES);
        }
    }

    /// Takes the first piece off when it is written.
    fn finish_front(&mut self, sent: &mut Vec<Sent>) {
        let done = |piece: &mut Piece| piece.end <= self.position;
        if let Some(piece) = self.pieces.pop_front_if(done) {
            self.position = 0;
            self.queued_bytes -= piece.end;
            if self.pieces.is_empty() {
                self.pieces.shrink_to(KEPT_PIECES);
            }
            sent.push(Sent {
                session: piece.session,
                packets: piece.packets,
                burst: piece.burst,
            });
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::burst::tests::burst;

    /// Takes at most `room` bytes, then blocks.
    pub(super) struct Socket {
        pub(super) taken: Vec<u8>,
        pub(super) room: usize,
    }

    impl Socket {
        pub(super) fn with_room(room: usize) -> Self {
            Self {
                taken: Vec::new(),
                room,
            }
        }
    }

    impl Write for Socket {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let count = bytes.len().min(self.room);
            if count == 0 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            self.room -= count;
            self.taken.extend_from_slice(&bytes[..count]);
            Ok(count)
        }

        fn write_vectored(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
            let all: Vec<u8> = buffers.iter().flat_map(|bytes| bytes.to_vec()).collect();
            self.write(&all)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Names of what is in a byte stream of interleaved frames and messages that start with `R` and end with `.`.
    pub(super) fn parts(mut bytes: &[u8]) -> Vec<String> {
        let mut parts = Vec::new();
        while let Some(first) = bytes.first() {
            let length = if *first == b'$' {
                let length = 4 + usize::from(u16::from_be_bytes([bytes[2], bytes[3]]));
                parts.push(format!("{}:{}", bytes[1], length));
                length
            } else {
                let length = 1 + bytes.iter().position(|byte| *byte == b'.').unwrap();
                parts.push(String::from_utf8(bytes[..length].to_vec()).unwrap());
                length
            };
            bytes = &bytes[length..];
        }
        parts
    }

    #[test]
    fn a_message_never_cuts_a_packet_wherever_the_socket_stops() {
        let burst = Arc::new(burst(0, 0, 0, true, &[50, 60, 70]));
        for room in 0..burst.bytes.len() {
            let mut output = Output::default();
            let mut socket = Socket::with_room(room);
            let mut sent = Vec::new();
            output.push(1, &burst, 0, 0);
            output.write(&mut socket, &mut sent).unwrap();
            output.message(|out| out.extend_from_slice(b"RTSP."));
            socket.room = usize::MAX;
            output.unblock();
            output.write(&mut socket, &mut sent).unwrap();
            let parts = parts(&socket.taken);
            assert_eq!(parts.len(), 4, "{room}: {parts:?}");
            assert_eq!(parts.iter().filter(|part| part.starts_with('R')).count(), 1);
            assert!(output.is_empty() && sent.len() == 1 && output.queued_bytes == 0);
        }
    }

    #[test]
    fn discarding_finishes_the_packet_that_was_begun() {
        let whole = Arc::new(burst(0, 0, 0, true, &[50, 60, 70]));
        let first = whole.packet(0).end;
        for (room, kept) in [
            (0, 0),
            (1, 1),
            (first, 1),
            (first + 1, 2),
            (whole.bytes.len() - 1, 3),
        ] {
            let mut output = Output::default();
            let mut socket = Socket::with_room(room);
            output.push(1, &whole, 0, 0);
            output.push(1, &whole, 0, 0);
            output.write(&mut socket, &mut Vec::new()).unwrap();
            assert_eq!(output.discard(1), 6 - kept, "{room}");
            socket.room = usize::MAX;
            output.unblock();
            output.write(&mut socket, &mut Vec::new()).unwrap();
            assert_eq!(parts(&socket.taken).len() as u64, kept, "{room}");
            assert!(output.is_empty() && output.queued_bytes == 0);
        }
    }

    #[test]
    fn an_unusual_channel_is_written_into_the_frames() {
        let mut output = Output::default();
        let mut socket = Socket::with_room(usize::MAX);
        output.push(1, &Arc::new(burst(0, 0, 0, true, &[50, 60])), 4, 0);
        output.write(&mut socket, &mut Vec::new()).unwrap();
        assert_eq!(parts(&socket.taken), ["4:66", "4:76"]);
    }

    #[test]
    fn a_socket_that_takes_nothing_is_an_error() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Ok(0)
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut output = Output::default();
        output.message(|out| out.push(b'R'));
        assert!(output.write(&mut Closed, &mut Vec::new()).is_err());
    }
}
