//! Datagrams over TCP, as WebRTC has them where UDP is blocked: candidates of ICE over TCP (RFC 6544), each datagram
//! behind its length (RFC 4571 section 2).
//!
//! Such a connection begins with a check of connectivity, a STUN message (RFC 8489), by which it is told apart from
//! whatever else comes to the same port.

use alloc::vec::Vec;

/// Longest datagram: nothing that this side agrees on makes packets of more than an MTU.
pub const MOST_DATAGRAM_BYTES: usize = 2000;

/// Bytes of a length.
const LENGTH_BYTES: usize = 2;

/// Bytes of the header of a STUN message (RFC 8489 section 5).
const HEADER_BYTES: usize = 20;

/// Type of a binding request, which a check of connectivity is.
const BINDING_REQUEST: [u8; 2] = [0, 1];

/// What tells STUN from other protocols (RFC 8489 section 5).
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];

/// What a connection may begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// No check of connectivity.
    Other,
    /// What may become one.
    NeedMore,
    /// A whole one, perhaps with more behind it.
    Check,
}

/// Looks at `start`, the first bytes of a connection.
#[must_use]
pub fn opening(start: &[u8]) -> Opening {
    let Some((length, message)) = start.split_first_chunk::<LENGTH_BYTES>() else {
        // No other protocol begins with so small a byte.
        let is_length = start.first().is_none_or(|byte| is_high_byte(*byte));
        return if is_length {
            Opening::NeedMore
        } else {
            Opening::Other
        };
    };
    let length = usize::from(u16::from_be_bytes(*length));
    let begins = |wanted: &[u8], at: usize| {
        let there = message.get(at..).unwrap_or_default();
        let count = there.len().min(wanted.len());
        there[..count] == wanted[..count]
    };
    // The message has the length without its header.
    let within = length.checked_sub(HEADER_BYTES);
    let within = within.filter(|_| length <= MOST_DATAGRAM_BYTES);
    let Some(within) = within.and_then(|within| u16::try_from(within).ok()) else {
        return Opening::Other;
    };
    if !begins(&BINDING_REQUEST, 0)
        || !begins(&within.to_be_bytes(), 2)
        || !begins(&MAGIC_COOKIE, 4)
    {
        Opening::Other
    } else if message.len() < length {
        Opening::NeedMore
    } else {
        Opening::Check
    }
}

fn is_high_byte(byte: u8) -> bool {
    usize::from(byte) <= MOST_DATAGRAM_BYTES >> 8
}

/// A datagram that is longer than any that is agreed on: what follows cannot be told apart any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

/// Datagrams out of the bytes of a connection, however those are cut.
#[derive(Debug, Default)]
pub struct Datagrams {
    /// The beginning of one that has not come whole, with its length.
    begun: Vec<u8>,
}

impl Datagrams {
    /// Takes bytes, and gives each datagram that is whole to `take`. Empty ones are none.
    ///
    /// # Errors
    /// When one is longer than [`MOST_DATAGRAM_BYTES`].
    pub fn push(&mut self, mut bytes: &[u8], mut take: impl FnMut(&[u8])) -> Result<(), TooLong> {
        while !self.begun.is_empty() && !bytes.is_empty() {
            let wanted = whole(&self.begun)?.unwrap_or(LENGTH_BYTES);
            let missing = wanted.saturating_sub(self.begun.len()).min(bytes.len());
            let (more, rest) = bytes.split_at(missing);
            self.begun.extend_from_slice(more);
            bytes = rest;
            if whole(&self.begun)? == Some(self.begun.len()) {
                give(&self.begun, &mut take);
                self.begun.clear();
            }
        }
        while let Some(end) = whole(bytes)? {
            let Some((frame, rest)) = bytes.split_at_checked(end) else {
                break;
            };
            give(frame, &mut take);
            bytes = rest;
        }
        self.begun.extend_from_slice(bytes);
        Ok(())
    }
}

/// Bytes of the datagram that `bytes` begin with and of its length, where that is known.
fn whole(bytes: &[u8]) -> Result<Option<usize>, TooLong> {
    let Some(length) = bytes.first_chunk::<LENGTH_BYTES>() else {
        return Ok(None);
    };
    let length = usize::from(u16::from_be_bytes(*length));
    if length > MOST_DATAGRAM_BYTES {
        return Err(TooLong);
    }
    Ok(Some(LENGTH_BYTES + length))
}

fn give(frame: &[u8], take: &mut impl FnMut(&[u8])) {
    let datagram = frame.get(LENGTH_BYTES..).unwrap_or_default();
    if !datagram.is_empty() {
        take(datagram);
    }
}

/// Writes a datagram behind its length; `false`, and nothing, where it is longer than a length can say.
pub fn write(out: &mut Vec<u8>, datagram: &[u8]) -> bool {
    let Ok(length) = u16::try_from(datagram.len()) else {
        return false;
    };
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(datagram);
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    /// A check of connectivity with attributes of that many bytes, as it comes over TCP.
    fn check(attributes: u16) -> Vec<u8> {
        let mut message = vec![0, 1];
        message.extend_from_slice(&attributes.to_be_bytes());
        message.extend_from_slice(&MAGIC_COOKIE);
        message.resize(HEADER_BYTES + usize::from(attributes), 10);
        let mut out = Vec::new();
        assert!(write(&mut out, &message));
        out
    }

    #[test]
    fn a_check_is_known_by_its_first_bytes_and_waited_for() {
        for attributes in [0, 80, 246, 1980] {
            let check = check(attributes);
            for end in 0..check.len() {
                assert_eq!(opening(&check[..end]), Opening::NeedMore, "{end}");
            }
            assert_eq!(opening(&check), Opening::Check);
            assert_eq!(opening(&[&check[..], b"more"].concat()), Opening::Check);
        }
    }

    #[test]
    fn nothing_else_is_taken_for_a_check() {
        let good = check(80);
        // All of its first ten bytes count.
        for place in 0..10 {
            let mut other = good.clone();
            other[place] ^= 0x40;
            assert_eq!(opening(&other), Opening::Other, "{place}");
            assert_eq!(opening(&other[..10]), Opening::Other, "{place}");
        }
        let others: [&[u8]; 7] = [
            b"O",
            b"OPTIONS * RTSP/1.0\r\n",
            b"\r\nGET / HTTP/1.1\r\n",
            b"\x16\x03\x01",
            b"$\0",
            &check(1981),
            &[0, 19, 0, 1],
        ];
        for other in others {
            assert_eq!(opening(other), Opening::Other, "{}", other.escape_ascii());
        }
    }

    #[test]
    fn datagrams_come_out_as_they_went_in_however_they_are_cut() {
        let sent: [&[u8]; 5] = [b"a", &[7; MOST_DATAGRAM_BYTES], b"bc", &[0; 300], b"d"];
        let mut bytes = Vec::new();
        for datagram in sent {
            assert!(write(&mut bytes, datagram));
            assert!(write(&mut bytes, b""));
        }
        for size in [1, 2, 3, 7, 1000, 2001, 2002, 2003, bytes.len()] {
            let mut datagrams = Datagrams::default();
            let mut came = Vec::new();
            for piece in bytes.chunks(size) {
                let taken = datagrams.push(piece, |datagram| came.push(datagram.to_vec()));
                assert_eq!(taken, Ok(()));
                assert!(datagrams.begun.len() <= LENGTH_BYTES + MOST_DATAGRAM_BYTES);
            }
            assert_eq!(came, sent, "{size}");
        }
    }

    #[test]
    fn what_is_too_long_ends_it_after_what_was_whole() {
        let mut bytes = Vec::new();
        assert!(write(&mut bytes, b"good"));
        assert!(write(&mut bytes, &[0; MOST_DATAGRAM_BYTES + 1]));
        for size in [1, bytes.len()] {
            let mut datagrams = Datagrams::default();
            let mut came = Vec::new();
            let mut pieces = bytes.chunks(size);
            let failed =
                pieces.find_map(|piece| datagrams.push(piece, |it| came.push(it.to_vec())).err());
            assert_eq!(
                (failed, &came[..]),
                (Some(TooLong), &[b"good".to_vec()][..])
            );
        }
        assert!(!write(&mut bytes, &[0; 65_536]));
    }
}
