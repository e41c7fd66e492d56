//! Frames of the WebSocket protocol (RFC 6455 section 5): written without a mask, as servers do, and read with one.
//!
//! ```text
//! | FIN, opcode | MASK, length (7 bits) | length, u16 or u64 where it is 126 or 127 | mask, 4 bytes | data |
//! ```

use alloc::vec::Vec;

/// Opcode of a message of bytes (section 5.2).
pub const BINARY: u8 = 2;
const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// Bytes before the data of a frame at most, where it has no mask.
pub const HEAD_BYTES_MAX: usize = 10;

/// Data of a control frame at most (section 5.5).
const CONTROL_BYTES_MAX: usize = 125;

/// Status of the end of a connection that has served its purpose (section 7.4.1).
pub const NORMAL: u16 = 1000;
/// Status of the end of a connection whose server goes away.
pub const GOING_AWAY: u16 = 1001;
const PROTOCOL_ERROR: u16 = 1002;
const UNSUPPORTED_DATA: u16 = 1003;
const TOO_BIG: u16 = 1009;

/// What stands before the data of a frame that is a whole message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Head {
    bytes: [u8; HEAD_BYTES_MAX],
    length: u8,
}

impl Head {
    /// That of a frame with `length` bytes of data, in its shortest form.
    #[must_use]
    pub fn new(opcode: u8, length: usize) -> Self {
        let mut head = Self::default();
        head.bytes[0] = 0x80 | opcode;
        head.length = match length {
            ..=125 => {
                head.bytes[1] = length as u8;
                2
            }
            126..=0xffff => {
                head.bytes[1] = 126;
                head.bytes[2..4].copy_from_slice(&(length as u16).to_be_bytes());
                4
            }
            _ => {
                head.bytes[1] = 127;
                head.bytes[2..].copy_from_slice(&(length as u64).to_be_bytes());
                10
            }
        };
        head
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

/// Adds a frame that is a whole message.
pub fn write(out: &mut Vec<u8>, opcode: u8, data: &[u8]) {
    out.extend_from_slice(Head::new(opcode, data.len()).as_bytes());
    out.extend_from_slice(data);
}

/// Makes what stands in `out` from `start` on the data of a binary message; nothing where that is empty.
pub fn wrap(out: &mut Vec<u8>, start: usize) {
    let length = out.len() - start;
    if length > 0 {
        let head = Head::new(BINARY, length);
        out.splice(start..start, head.as_bytes().iter().copied());
    }
}

/// Adds the frame that ends a connection.
pub fn write_close(out: &mut Vec<u8>, status: u16) {
    write(out, CLOSE, &status.to_be_bytes());
}

/// Adds a question whether the client is there.
pub fn write_ping(out: &mut Vec<u8>) {
    write(out, PING, &[]);
}

/// What came of what a client sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// Nothing that ends the connection.
    Nothing,
    /// The client ends it.
    Goodbye,
    /// It broke the rules, which is answered.
    Nonsense,
}

/// What messages of a client may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Messages {
    /// Whether they may be text, too, and not binary alone.
    pub text: bool,
    /// Bytes of one at most, all its frames together.
    pub bytes_max: u64,
}

/// Reads what a client sends, whose frames may come in any pieces. It keeps no data: that is handed on as it comes.
#[derive(Debug)]
pub struct FrameReader {
    takes: Messages,
    /// The head of a frame and, of a control frame, its data, as far as they came.
    pending: Vec<u8>,
    /// Data of a message that is still to come of the frame at hand.
    left: u64,
    /// Its mask, turned so that its first byte is that of the next byte of data.
    mask: [u8; 4],
    /// Bytes of the message so far, those announced included.
    message: u64,
    /// Whether a message goes on in another frame.
    is_fragmented: bool,
}

impl FrameReader {
    /// A reader of a new connection.
    #[must_use]
    pub fn new(takes: Messages) -> Self {
        Self {
            takes,
            pending: Vec::new(),
            left: 0,
            mask: [0; 4],
            message: 0,
            is_fragmented: false,
        }
    }

    /// Takes bytes, which are unmasked where they stand; the data of messages goes to `data`, answers to `answers`.
    /// What follows a goodbye or nonsense is not read.
    pub fn take(
        &mut self,
        mut bytes: &mut [u8],
        answers: &mut Vec<u8>,
        mut data: impl FnMut(&[u8]),
    ) -> Heard {
        while !bytes.is_empty() {
            if self.left > 0 {
                let length =
                    usize::try_from(self.left).map_or(bytes.len(), |left| left.min(bytes.len()));
                let (content, rest) = bytes.split_at_mut(length);
                unmask(content, self.mask);
                self.mask.rotate_left(length % 4);
                self.left -= length as u64;
                data(content);
                bytes = rest;
                continue;
            }
            self.pending.push(bytes[0]);
            bytes = &mut bytes[1..];
            match self.frame(answers) {
                Ok(Heard::Nothing) => {}
                Ok(heard) => return heard,
                Err(status) => {
                    write_close(answers, status);
                    return Heard::Nonsense;
                }
            }
        }
        Heard::Nothing
    }

    /// Looks at what came of a frame.
    fn frame(&mut self, answers: &mut Vec<u8>) -> Result<Heard, u16> {
        let [first, second, rest @ ..] = &self.pending[..] else {
            return Ok(Heard::Nothing);
        };
        let (is_final, opcode) = (first & 0x80 != 0, first & 0x0f);
        // No extension was agreed on, and clients always mask (section 5.1).
        if first & 0x70 != 0 || second & 0x80 == 0 {
            return Err(PROTOCOL_ERROR);
        }
        let is_control = opcode >= CLOSE;
        let (length, rest) = match (second & 0x7f, rest) {
            (126 | 127, _) if is_control => return Err(PROTOCOL_ERROR),
            (126, [high, low, rest @ ..]) => (u64::from(u16::from_be_bytes([*high, *low])), rest),
            (127, rest) => match rest.split_first_chunk::<8>() {
                Some((length, rest)) => (u64::from_be_bytes(*length), rest),
                None => return Ok(Heard::Nothing),
            },
            (126, _) => return Ok(Heard::Nothing),
            (length, rest) => (u64::from(length), rest),
        };
        let Some((mask, data)) = rest.split_first_chunk::<4>() else {
            return Ok(Heard::Nothing);
        };
        let mask = *mask;
        if !is_control {
            return self
                .begin_data(opcode, is_final, length, mask)
                .map(|()| Heard::Nothing);
        }
        if !is_final || length as usize > CONTROL_BYTES_MAX {
            return Err(PROTOCOL_ERROR);
        }
        if (data.len() as u64) < length {
            return Ok(Heard::Nothing);
        }
        let mut data = data.to_vec();
        unmask(&mut data, mask);
        self.pending.clear();
        control(opcode, &data, answers)
    }

    /// A frame of a message, whose data comes next.
    fn begin_data(
        &mut self,
        opcode: u8,
        is_final: bool,
        length: u64,
        mask: [u8; 4],
    ) -> Result<(), u16> {
        if opcode > BINARY || (opcode == 0) != self.is_fragmented {
            return Err(PROTOCOL_ERROR);
        }
        if opcode == TEXT && !self.takes.text {
            return Err(UNSUPPORTED_DATA);
        }
        self.message = self.message.saturating_add(length);
        if self.message > self.takes.bytes_max {
            return Err(TOO_BIG);
        }
        if is_final {
            self.message = 0;
        }
        self.is_fragmented = !is_final;
        (self.left, self.mask) = (length, mask);
        self.pending.clear();
        Ok(())
    }
}

/// What a whole control frame says; answers go to `answers`.
fn control(opcode: u8, data: &[u8], answers: &mut Vec<u8>) -> Result<Heard, u16> {
    match opcode {
        CLOSE => {
            let status = data
                .first_chunk::<2>()
                .map_or(NORMAL, |code| u16::from_be_bytes(*code));
            let is_status = (1000..5000).contains(&status);
            write_close(answers, if is_status { status } else { PROTOCOL_ERROR });
            Ok(Heard::Goodbye)
        }
        PING => {
            write(answers, PONG, data);
            Ok(Heard::Nothing)
        }
        PONG => Ok(Heard::Nothing),
        _ => Err(PROTOCOL_ERROR),
    }
}

/// Takes the mask off data that it begins with (section 5.3); putting it on is the same.
fn unmask(data: &mut [u8], mask: [u8; 4]) {
    let mut groups = data.chunks_exact_mut(4);
    for group in &mut groups {
        for (byte, mask) in group.iter_mut().zip(mask) {
            *byte ^= mask;
        }
    }
    for (byte, mask) in groups.into_remainder().iter_mut().zip(mask) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

    /// A frame as a client sends it.
    fn masked(first: u8, data: &[u8]) -> Vec<u8> {
        let mut frame = Vec::new();
        write(&mut frame, 0, data);
        frame[0] = first;
        frame[1] |= 0x80;
        let at = frame.len() - data.len();
        frame.splice(at..at, MASK);
        for (byte, mask) in frame[at + 4..].iter_mut().zip(MASK.iter().cycle()) {
            *byte ^= mask;
        }
        frame
    }

    const ANY: Messages = Messages {
        text: true,
        bytes_max: 1024,
    };

    /// What comes of bytes: what was heard, the answers, and the data of all messages.
    fn read(takes: Messages, bytes: &[u8]) -> (Heard, Vec<u8>, Vec<u8>) {
        let in_pieces = |size: usize| {
            let mut reader = FrameReader::new(takes);
            let (mut answers, mut data) = (Vec::new(), Vec::new());
            for piece in bytes.chunks(size) {
                let mut piece = piece.to_vec();
                let heard = reader.take(&mut piece, &mut answers, |bytes| {
                    data.extend_from_slice(bytes);
                });
                if heard != Heard::Nothing {
                    return (heard, answers, data);
                }
            }
            (Heard::Nothing, answers, data)
        };
        let whole = in_pieces(bytes.len().max(1));
        for size in 1..8 {
            assert_eq!(in_pieces(size), whole, "in pieces of {size}");
        }
        whole
    }

    fn heard(bytes: &[u8]) -> (Heard, Vec<u8>) {
        let (heard, answers, _) = read(ANY, bytes);
        (heard, answers)
    }

    #[test]
    fn lengths_have_the_shortest_form() {
        for (length, head) in [
            (0, &[0x82, 0][..]),
            (125, &[0x82, 125]),
            (126, &[0x82, 126, 0, 126]),
            (65_535, &[0x82, 126, 255, 255]),
            (65_536, &[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let mut out = Vec::new();
            write(&mut out, BINARY, &vec![7; length]);
            assert_eq!(&out[..head.len()], head);
            assert_eq!(out.len(), head.len() + length);
        }
    }

    #[test]
    fn pings_are_answered_and_goodbyes_returned() {
        assert_eq!(heard(&masked(0x89, b"there?")).1, b"\x8a\x06there?");
        assert_eq!(heard(&masked(0x8a, b"yes")), (Heard::Nothing, vec![]));
        let goodbye = heard(&masked(0x88, &[3, 0xe9, b'x']));
        assert_eq!(goodbye, (Heard::Goodbye, vec![0x88, 2, 3, 0xe9]));
        assert_eq!(heard(&masked(0x88, &[])).1, [0x88, 2, 3, 0xe8]);
        assert_eq!(heard(&masked(0x88, &[0, 1])).1, [0x88, 2, 3, 0xea]);
    }

    #[test]
    fn data_comes_in_order_whatever_lies_between() {
        let mut bytes = masked(0x81, b"hello");
        bytes.extend(masked(0x01, &[b'a'; 500]));
        bytes.extend(masked(0x89, b"?"));
        bytes.extend(masked(0x00, &[]));
        bytes.extend(masked(0x80, &[b'b'; 500]));
        bytes.extend(masked(0x82, &[]));
        bytes.extend(masked(0x82, b"more"));
        let data = [&b"hello"[..], &[b'a'; 500], &[b'b'; 500], b"more"].concat();
        assert_eq!(
            read(ANY, &bytes),
            (Heard::Nothing, b"\x8a\x01?".to_vec(), data)
        );
    }

    #[test]
    fn text_and_long_messages_are_refused_where_they_are_not_wanted() {
        let takes = Messages {
            text: false,
            bytes_max: 10,
        };
        let refused = |bytes: &[u8]| {
            let (heard, answers, data) = read(takes, bytes);
            assert_eq!((heard, &answers[..2]), (Heard::Nonsense, &[0x88, 2][..]));
            (u16::from_be_bytes([answers[2], answers[3]]), data)
        };
        assert_eq!(refused(&masked(0x81, b"hello")), (UNSUPPORTED_DATA, vec![]));
        assert_eq!(refused(&masked(0x82, &[7; 11])), (TOO_BIG, vec![]));
        let mut pieces = masked(0x02, &[7; 10]);
        assert_eq!(read(takes, &pieces).0, Heard::Nothing);
        pieces.extend(masked(0x80, &[7]));
        assert_eq!(refused(&pieces), (TOO_BIG, vec![7; 10]));
        // Each message counts for itself.
        let several = masked(0x82, &[7; 10]).repeat(3);
        assert_eq!(read(takes, &several), (Heard::Nothing, vec![], vec![7; 30]));
    }

    #[test]
    fn what_stands_somewhere_becomes_the_data_of_a_frame() {
        let mut out = b"before".to_vec();
        wrap(&mut out, 6);
        assert_eq!(out, b"before");
        out.extend_from_slice(b"data");
        wrap(&mut out, 6);
        assert_eq!(out, b"before\x82\x04data");
    }

    #[test]
    fn broken_rules_end_the_connection() {
        let mut unmasked = Vec::new();
        write(&mut unmasked, 1, b"hello");
        let long_control = {
            let mut frame = masked(0x82, &[0; 126]);
            frame[0] = 0x89;
            frame
        };
        let huge = [
            0x82, 0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255, 1, 2, 3, 4,
        ];
        let cases: [(&[u8], u16); 8] = [
            (&unmasked, PROTOCOL_ERROR),
            (&long_control, PROTOCOL_ERROR),
            (&masked(0xc1, b"x"), PROTOCOL_ERROR),
            (&masked(0x83, b"x"), PROTOCOL_ERROR),
            (&masked(0x8b, b"x"), PROTOCOL_ERROR),
            (&masked(0x09, b"x"), PROTOCOL_ERROR),
            (&masked(0x80, b"x"), PROTOCOL_ERROR),
            (&huge, TOO_BIG),
        ];
        for (bytes, status) in cases {
            let (found, out) = heard(bytes);
            assert_eq!(found, Heard::Nonsense, "{bytes:?}");
            assert_eq!(out[2..], status.to_be_bytes());
        }
    }
}
