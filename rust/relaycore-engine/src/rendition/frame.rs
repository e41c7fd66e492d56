//! Frames of the WebSocket protocol (RFC 6455 section 5): written without a mask, as servers do, and read with one.

/// Opcodes (section 5.2).
pub(super) const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// Bytes before the data of a frame at most.
pub(super) const MOST_HEAD_BYTES: usize = 10;

/// Data of a control frame at most (section 5.5).
const MOST_CONTROL_BYTES: usize = 125;

/// Data of a message of a viewer at most: nothing that it says is wanted.
const MOST_DATA_BYTES: u64 = 1024;

/// Status codes (section 7.4.1).
pub(super) const GOING_AWAY: u16 = 1001;
const PROTOCOL_ERROR: u16 = 1002;
const TOO_BIG: u16 = 1009;

/// Adds a frame that is a whole message.
pub(super) fn write(out: &mut Vec<u8>, opcode: u8, data: &[u8]) {
    out.push(0x80 | opcode);
    match data.len() {
        length @ ..=125 => out.push(length as u8),
        length @ ..=0xffff => {
            out.push(126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            out.push(127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(data);
}

/// Adds the frame that ends a connection.
pub(super) fn write_close(out: &mut Vec<u8>, status: u16) {
    write(out, CLOSE, &status.to_be_bytes());
}

/// Adds a question whether the viewer is there.
pub(super) fn write_ping(out: &mut Vec<u8>) {
    write(out, PING, &[]);
}

/// What came of what a viewer sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Nothing that ends the connection.
    Nothing,
    /// The viewer ends it.
    Goodbye,
    /// It broke the rules, which is answered.
    Nonsense,
}

/// Reads what a viewer sends, whose frames may come in any pieces.
#[derive(Debug, Default)]
pub(super) struct FrameReader {
    /// The head of a frame and, of a control frame, its data, as far as they came.
    pending: Vec<u8>,
    /// Data of a message that is still to come, and is thrown away.
    skip: u64,
    /// Data of the message so far.
    message: u64,
    /// Whether a message goes on in another frame.
    is_fragmented: bool,
}

impl FrameReader {
    /// Takes bytes; answers go to `out`.
    pub(super) fn take(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> Heard {
        while !bytes.is_empty() {
            if self.skip > 0 {
                let skipped = bytes
                    .len()
                    .min(usize::try_from(self.skip).unwrap_or(usize::MAX));
                self.skip -= skipped as u64;
                bytes = &bytes[skipped..];
                continue;
            }
            self.pending.push(bytes[0]);
            bytes = &bytes[1..];
            match self.frame(out) {
                Ok(Heard::Nothing) => {}
                Ok(heard) => return heard,
                Err(status) => {
                    write_close(out, status);
                    return Heard::Nonsense;
                }
            }
        }
        Heard::Nothing
    }

    /// Looks at what came of a frame.
    fn frame(&mut self, out: &mut Vec<u8>) -> Result<Heard, u16> {
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
        if !is_control {
            return self.data(opcode, is_final, length).map(|()| Heard::Nothing);
        }
        if !is_final || length as usize > MOST_CONTROL_BYTES {
            return Err(PROTOCOL_ERROR);
        }
        if (data.len() as u64) < length {
            return Ok(Heard::Nothing);
        }
        let data: Vec<u8> = data
            .iter()
            .zip(mask.iter().cycle())
            .map(|(byte, mask)| byte ^ mask)
            .collect();
        self.pending.clear();
        match opcode {
            CLOSE => {
                let status = data
                    .first_chunk::<2>()
                    .map_or(1000, |code| u16::from_be_bytes(*code));
                write_close(
                    out,
                    if (1000..5000).contains(&status) {
                        status
                    } else {
                        PROTOCOL_ERROR
                    },
                );
                Ok(Heard::Goodbye)
            }
            PING => {
                write(out, PONG, &data);
                Ok(Heard::Nothing)
            }
            PONG => Ok(Heard::Nothing),
            _ => Err(PROTOCOL_ERROR),
        }
    }

    /// A frame of a message, whose data is thrown away.
    fn data(&mut self, opcode: u8, is_final: bool, length: u64) -> Result<(), u16> {
        if opcode > BINARY || (opcode == 0) != self.is_fragmented {
            return Err(PROTOCOL_ERROR);
        }
        self.message = self.message.saturating_add(length);
        if self.message > MOST_DATA_BYTES {
            return Err(TOO_BIG);
        }
        if is_final {
            self.message = 0;
        }
        self.is_fragmented = !is_final;
        self.skip = length;
        self.pending.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    fn heard(bytes: &[u8]) -> (Heard, Vec<u8>) {
        let mut out = Vec::new();
        let heard = FrameReader::default().take(bytes, &mut out);
        // In single bytes it comes to the same.
        let (mut reader, mut slow) = (FrameReader::default(), Vec::new());
        let mut slowly = Heard::Nothing;
        for byte in bytes {
            if slowly == Heard::Nothing {
                slowly = reader.take(&[*byte], &mut slow);
            }
        }
        assert_eq!((&slowly, &slow), (&heard, &out));
        (heard, out)
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
    fn messages_are_thrown_away_whole_and_in_pieces() {
        let mut bytes = masked(0x81, b"hello");
        bytes.extend(masked(0x01, &[b'a'; 500]));
        bytes.extend(masked(0x89, b"?"));
        bytes.extend(masked(0x80, &[b'b'; 500]));
        bytes.extend(masked(0x82, &[]));
        assert_eq!(heard(&bytes), (Heard::Nothing, b"\x8a\x01?".to_vec()));
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
