//! Output in frames of a WebSocket: a message of RTSP or a report is a frame, and so are the packets of a burst.
//!
//! What is in a frame is whole: messages, and packets behind their `$`. The length of a frame is told before its data,
//! so what is in one that has begun is sent, whatever becomes of its session. That is why a large burst is cut into
//! several: an answer waits for the end of one, as it waits for the end of a packet elsewhere.
//!
//! Bursts are not copied: the heads of frames lie between them in the call that writes.

use super::{Output, PIECES, Piece, Sent};
use relaycore_proto::websocket::frame::{BINARY, Head, wrap, write_close};
use std::io::{self, IoSlice, Write};

/// Most data of a frame with several packets: its length then takes two bytes.
const FRAME_BYTES: usize = 0xffff;

/// What is known of the frames of one connection.
#[derive(Debug, Default)]
pub(super) struct Frames {
    /// The frame that is being written, whose data is the next of the first piece.
    open: Option<Frame>,
    /// Whether the frame that ends the connection was added.
    has_ended: bool,
}

/// A frame with packets.
#[derive(Debug, Clone, Copy, Default)]
struct Frame {
    head: Head,
    /// Bytes of the head that are written.
    head_written: usize,
    /// Where what is not written of its data lies in its piece.
    start: usize,
    end: usize,
}

impl Frames {
    /// Where the frame that is being written ends in the first piece; 0 without one.
    pub(super) fn open_end(&self) -> usize {
        self.open.map_or(0, |frame| frame.end)
    }
}

impl Frame {
    /// The next one of a piece that is written up to `start`.
    fn of(piece: &Piece, start: usize) -> Self {
        let mut end = piece.end;
        if end - start > FRAME_BYTES {
            let ends = &piece.burst.ends;
            let first = ends.partition_point(|end| *end as usize <= start);
            let behind = ends.partition_point(|end| *end as usize <= start + FRAME_BYTES);
            // A packet in its own frame may just be longer.
            end = ends[first.max(behind.saturating_sub(1))] as usize;
        }
        Self {
            head: Head::new(BINARY, end - start),
            head_written: 0,
            start,
            end,
        }
    }

    fn head_rest(&self) -> &[u8] {
        &self.head.as_bytes()[self.head_written..]
    }

    /// Notes that up to `count` bytes more are written; gives how many of these are not of this frame.
    fn written(&mut self, count: usize) -> usize {
        let of_head = count.min(self.head_rest().len());
        self.head_written += of_head;
        let of_data = (count - of_head).min(self.end - self.start);
        self.start += of_data;
        count - of_head - of_data
    }

    fn is_done(&self) -> bool {
        self.head_rest().is_empty() && self.start == self.end
    }
}

impl Output {
    /// From now on all that is added goes out in frames.
    pub(crate) fn begin_frames(&mut self) {
        self.frames = Some(Box::default());
    }

    /// Makes a frame of the message that stands in the messages from `start` on, where all goes out in frames.
    pub(super) fn frame_message(&mut self, start: usize) {
        match &self.frames {
            // Nothing comes after the end.
            Some(frames) if frames.has_ended => self.messages.truncate(start),
            Some(_) => wrap(&mut self.messages, start),
            None => {}
        }
    }

    /// Where answers to the client's frames are added, which are frames.
    pub(crate) fn answers(&mut self) -> &mut Vec<u8> {
        &mut self.messages
    }

    /// An answer was the frame that ends the connection.
    pub(crate) fn note_end(&mut self) {
        if let Some(frames) = &mut self.frames {
            frames.has_ended = true;
        }
    }

    /// Ends the connection with this status where all goes out in frames, and was not ended yet: what was not begun is
    /// given up. `false` where nothing goes out in frames.
    pub(crate) fn end_frames(&mut self, status: u16) -> bool {
        let Some(frames) = &mut self.frames else {
            return false;
        };
        if !std::mem::replace(&mut frames.has_ended, true) {
            write_close(&mut self.messages, status);
        }
        self.cut_where(|_| true, |_, _| {});
        true
    }

    /// As [`Output::write`], in frames. Most connections have none, and shall not pay for them.
    #[inline(never)]
    pub(crate) fn write_frames(
        &mut self,
        socket: &mut impl Write,
        sent: &mut Vec<Sent>,
    ) -> io::Result<usize> {
        self.write_by(sent, |output, sent| output.write_frames_once(socket, sent))
    }

    /// Writes what one call takes; gives how many bytes that were.
    fn write_frames_once(
        &mut self,
        socket: &mut impl Write,
        sent: &mut Vec<Sent>,
    ) -> io::Result<usize> {
        let is_open = self.frames.as_ref().is_some_and(|it| it.open.is_some());
        let most = match (self.messages.is_empty(), is_open) {
            (true, _) => PIECES,
            (false, true) => 1,
            (false, false) => {
                let count = socket.write(&self.messages[self.messages_written..])?;
                self.messages_written(count);
                return Ok(count);
            }
        };
        let (mut planned, count) = self.plan(most);
        let mut slices = [IoSlice::new(&[]); 2 * PIECES];
        let mut filled = 0;
        for ((number, frame), pair) in planned[..count].iter().zip(slices.chunks_exact_mut(2)) {
            let data = &self.pieces[*number].bytes()[frame.start..frame.end];
            pair[0] = IoSlice::new(frame.head_rest());
            pair[1] = IoSlice::new(data);
            filled += 2;
        }
        let written = socket.write_vectored(&slices[..filled])?;
        let mut rest = written;
        for (_, frame) in &mut planned[..count] {
            if rest == 0 {
                break;
            }
            rest = frame.written(rest);
            self.position = frame.start;
            if let Some(frames) = &mut self.frames {
                frames.open = Some(*frame).filter(|frame| !frame.is_done());
            }
            self.finish_front(sent);
        }
        Ok(written)
    }

    /// The next frames, at most so many, each with the number of its piece.
    fn plan(&self, most: usize) -> ([(usize, Frame); PIECES], usize) {
        let mut planned = [(0, Frame::default()); PIECES];
        let mut count = 0;
        let mut open = self.frames.as_ref().and_then(|frames| frames.open);
        let mut from = self.position;
        for (number, piece) in self.pieces.iter().enumerate() {
            let mut start = std::mem::take(&mut from);
            while start < piece.end {
                if count == most {
                    return (planned, count);
                }
                let frame = open.take().unwrap_or_else(|| Frame::of(piece, start));
                planned[count] = (number, frame);
                count += 1;
                start = frame.end;
            }
        }
        (planned, count)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Socket, parts};
    use super::*;
    use crate::burst::tests::burst;
    use std::sync::Arc;

    /// The data of binary messages and what ends the connection, which must be all that there is.
    fn frames(mut bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut frames = Vec::new();
        while let [first, length, rest @ ..] = bytes {
            let (length, rest) = match *length {
                126 => (
                    usize::from(u16::from_be_bytes([rest[0], rest[1]])),
                    &rest[2..],
                ),
                127 => (
                    u64::from_be_bytes(*rest.first_chunk().unwrap()) as usize,
                    &rest[8..],
                ),
                length => (usize::from(length), rest),
            };
            assert!([0x82, 0x88].contains(first), "{first:#x}");
            frames.push(rest[..length].to_vec());
            bytes = &rest[length..];
        }
        assert!(bytes.is_empty());
        frames
    }

    fn framed() -> Output {
        let mut output = Output::default();
        output.begin_frames();
        output
    }

    /// Lets the socket take `room` bytes, then the rest after `meanwhile`; gives all that it took.
    fn written(output: &mut Output, room: usize, meanwhile: impl FnOnce(&mut Output)) -> Vec<u8> {
        let mut socket = Socket::with_room(room);
        output.write(&mut socket, &mut Vec::new()).unwrap();
        meanwhile(output);
        socket.room = usize::MAX;
        output.unblock();
        output.write(&mut socket, &mut Vec::new()).unwrap();
        assert!(output.is_empty() && output.queued_bytes == 0 && output.position == 0);
        socket.taken
    }

    #[test]
    fn a_burst_is_a_frame_and_several_go_out_together() {
        let mut output = framed();
        output.message(|out| out.extend_from_slice(b"RTSP."));
        output.push(1, &Arc::new(burst(0, 0, 0, true, &[50, 60])), 0, 0);
        output.push(1, &Arc::new(burst(1, 1, 0, true, &[7])), 2, 0);
        output.frame(3, b"sr");
        let frames = frames(&written(&mut output, usize::MAX, |_| {}));
        let found: Vec<_> = frames.iter().map(|data| parts(data)).collect();
        assert_eq!(
            found,
            [
                vec!["RTSP."],
                vec!["3:6"],
                vec!["0:66", "0:76"],
                vec!["2:23"]
            ]
        );
    }

    #[test]
    fn a_large_burst_is_cut_between_packets() {
        let sizes = [[1000; 100].as_slice(), &[65_519; 2], &[10]].concat();
        let large = Arc::new(burst(0, 0, 0, true, &sizes));
        let mut output = framed();
        output.push(1, &large, 0, 0);
        let frames = frames(&written(&mut output, usize::MAX, |_| {}));
        assert!(frames.iter().all(|data| data.len() <= 65_535));
        assert_eq!(
            frames
                .iter()
                .map(|data| parts(data).len())
                .collect::<Vec<_>>(),
            [64, 36, 1, 1, 1]
        );
        assert_eq!(frames.concat(), large.bytes[..]);
        // One packet that is longer than that is a frame of its own.
        let longest = Arc::new(burst(0, 0, 0, true, &[65_523, 65_523]));
        output.push(1, &longest, 0, 0);
        let lengths = self::frames(&written(&mut output, usize::MAX, |_| {}));
        assert_eq!(
            lengths.iter().map(Vec::len).collect::<Vec<_>>(),
            [65_539, 65_539]
        );
    }

    #[test]
    fn a_message_never_cuts_a_frame_wherever_the_socket_stops() {
        let burst = Arc::new(burst(0, 0, 0, true, &[50, 60, 70]));
        for room in 0..burst.bytes.len() + 4 {
            let mut output = framed();
            output.push(1, &burst, 0, 0);
            output.push(1, &burst, 0, 0);
            let taken = written(&mut output, room, |output| {
                output.message(|out| out.extend_from_slice(b"RTSP."));
            });
            let frames = frames(&taken);
            assert_eq!(frames.len(), 3, "{room}");
            let place = frames.iter().position(|data| data == b"RTSP.").unwrap();
            assert_eq!(place, usize::from(room > 0), "{room}");
        }
    }

    #[test]
    fn discarding_finishes_the_frame_that_was_begun() {
        let whole = Arc::new(burst(0, 0, 0, true, &[50, 60, 70]));
        for room in 0..whole.bytes.len() + 4 {
            let mut output = framed();
            output.push(1, &whole, 0, 0);
            output.push(1, &whole, 0, 0);
            let kept = 3 * u64::from(room > 0);
            let taken = written(&mut output, room, |output| {
                assert_eq!(output.discard(1), 6 - kept, "{room}");
            });
            assert_eq!(frames(&taken).len() as u64, kept / 3, "{room}");
        }
    }

    #[test]
    fn of_a_large_burst_what_is_in_no_frame_yet_is_discarded() {
        let large = Arc::new(burst(0, 0, 0, true, &[1000; 200]));
        let mut output = framed();
        output.push(1, &large, 0, 0);
        let taken = written(&mut output, 70_000, |output| {
            assert_eq!(output.discard(1), 72);
        });
        assert_eq!(frames(&taken).len(), 2);
    }

    #[test]
    fn nothing_comes_after_the_end_but_what_was_begun() {
        let whole = Arc::new(burst(0, 0, 0, true, &[50]));
        for room in [0, 10] {
            let mut output = framed();
            output.push(1, &whole, 0, 0);
            output.push(1, &whole, 0, 0);
            let taken = written(&mut output, room, |output| {
                assert!(output.end_frames(1000) && output.end_frames(1001));
                output.message(|out| out.extend_from_slice(b"RTSP."));
                output.frame(1, b"bye");
            });
            let frames = frames(&taken);
            assert_eq!(frames.last().unwrap(), &[0x03, 0xe8]);
            assert_eq!(frames.len(), 1 + usize::from(room > 0));
        }
        assert!(!Output::default().end_frames(1000));
    }
}
