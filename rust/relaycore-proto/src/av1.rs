//! AV1 (AV1 Bitstream & Decoding Process Specification): open bitstream units (OBUs), temporal units, random access
//! points.
//!
//! ```text
//! OBU header      | 0 | type (4 bits) | X | S | 0 |                                               section 5.3.2
//! extension, if X | temporal layer (3 bits) | spatial layer (2 bits) | 0 |                         section 5.3.3
//! size, if S      | LEB128: seven bits a byte, lowest first, highest bit set in all but the last |  section 4.10.5
//! payload         | size bytes, or without S all that is left |
//! ```
//!
//! A temporal unit, which is the access unit of AV1, is a temporal delimiter and all OBUs of one moment, in the
//! low-overhead form: each with its size.

use alloc::vec::Vec;

use crate::bits::BitReader;

/// OBU types (section 6.2.2) that are treated apart.
pub mod obu_type {
    /// Sequence header.
    pub const SEQUENCE_HEADER: u8 = 1;
    /// Temporal delimiter: begins a temporal unit.
    pub const TEMPORAL_DELIMITER: u8 = 2;
    /// Frame header; the tiles follow in OBUs of their own.
    pub const FRAME_HEADER: u8 = 3;
    /// Metadata.
    pub const METADATA: u8 = 5;
    /// Frame header and tiles in one.
    pub const FRAME: u8 = 6;
    /// Tile list, of large scale tile coding.
    pub const TILE_LIST: u8 = 8;
    /// Padding.
    pub const PADDING: u8 = 15;
}

/// A temporal delimiter with its size, as it begins each temporal unit.
pub const TEMPORAL_DELIMITER: [u8; 2] = [obu_type::TEMPORAL_DELIMITER << 3 | HAS_SIZE, 0];

const HAS_EXTENSION: u8 = 0x04;
const HAS_SIZE: u8 = 0x02;

/// Longest LEB128 number.
const LEB128_BYTES_MAX: usize = 8;

/// An OBU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Obu<'a> {
    /// Header, with the extension if there is one, the bit that announces a size cleared.
    header: [u8; 2],
    header_bytes: usize,
    /// What follows header and size.
    pub payload: &'a [u8],
}

impl<'a> Obu<'a> {
    /// Takes one OBU off the start of `data`. Without a size it is all of `data`. `None` when `data` ends too early.
    #[must_use]
    pub fn split(data: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (&first, mut rest) = data.split_first()?;
        let mut header = [first & !HAS_SIZE, 0];
        let mut header_bytes = 1;
        if first & HAS_EXTENSION != 0 {
            (header[1], rest) = rest.split_first().map(|(&byte, after)| (byte, after))?;
            header_bytes = 2;
        }
        let (payload, rest) = if first & HAS_SIZE == 0 {
            (rest, &[][..])
        } else {
            let (size, after) = split_leb128(rest)?;
            after.split_at_checked(size)?
        };
        let obu = Self {
            header,
            header_bytes,
            payload,
        };
        Some((obu, rest))
    }

    /// The header without size: one byte, or two.
    #[must_use]
    pub fn header(&self) -> &[u8] {
        &self.header[..self.header_bytes]
    }

    /// The type.
    #[must_use]
    pub fn kind(&self) -> u8 {
        type_of(self.header[0])
    }

    /// Appends the OBU with its size.
    pub fn push_sized(&self, out: &mut Vec<u8>) {
        out.push(self.header[0] | HAS_SIZE);
        out.extend_from_slice(&self.header()[1..]);
        push_leb128(out, self.payload.len());
        out.extend_from_slice(self.payload);
    }
}

/// The OBUs of a temporal unit, up to the first that is cut off.
pub fn obus(temporal_unit: &[u8]) -> impl Iterator<Item = Obu<'_>> {
    let mut rest = temporal_unit;
    core::iter::from_fn(move || {
        let (obu, after) = Obu::split(rest)?;
        rest = after;
        Some(obu)
    })
}

/// Type of an OBU from its first byte.
#[must_use]
pub fn type_of(first_byte: u8) -> u8 {
    first_byte >> 3 & 0x0f
}

/// Whether a reader can start with this temporal unit: it holds a sequence header, and its first frame is a key frame
/// that is shown (section 7.5).
#[must_use]
pub fn is_random_access(temporal_unit: &[u8]) -> bool {
    let mut sequence_header = None;
    for obu in obus(temporal_unit) {
        match (obu.kind(), sequence_header) {
            (obu_type::SEQUENCE_HEADER, _) => sequence_header = Some(obu.payload),
            (obu_type::FRAME | obu_type::FRAME_HEADER, Some(sequence_header)) => {
                return has_reduced_still_picture_header(sequence_header)
                    || is_shown_key_frame(obu.payload);
            }
            (obu_type::FRAME | obu_type::FRAME_HEADER, None) => return false,
            _ => {}
        }
    }
    false
}

/// The sequence header within `temporal_unit`, with its size; `None` when there is none. It is what files call the
/// configuration OBUs.
#[must_use]
pub fn sequence_header(temporal_unit: &[u8]) -> Option<Vec<u8>> {
    let found = obus(temporal_unit).find(|obu| obu.kind() == obu_type::SEQUENCE_HEADER)?;
    let mut out = Vec::with_capacity(found.payload.len() + 4);
    found.push_sized(&mut out);
    Some(out)
}

/// Section 5.5.1: three bits of profile, `still_picture`, then this flag. Such frames say nothing about their type: they
/// are key frames.
fn has_reduced_still_picture_header(sequence_header: &[u8]) -> bool {
    sequence_header
        .first()
        .is_some_and(|first| first & 0x08 != 0)
}

/// Section 5.9.2: `show_existing_frame`, two bits of `frame_type` (0 is key), `show_frame`.
fn is_shown_key_frame(frame_header: &[u8]) -> bool {
    BitReader::new(frame_header).bits(4) == Some(0b0001)
}

/// Takes a LEB128 number off the start of `data`. `None` when it ends too early or has more than eight bytes or 32 bits.
pub(crate) fn split_leb128(data: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0u64;
    for (index, &byte) in data.iter().take(LEB128_BYTES_MAX).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            let value = u32::try_from(value).ok()?;
            return Some((value as usize, &data[index + 1..]));
        }
    }
    None
}

/// Appends a LEB128 number in its shortest form.
pub(crate) fn push_leb128(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Bytes of a LEB128 number in its shortest form.
pub(crate) fn leb128_bytes(value: usize) -> usize {
    let bits = (usize::BITS - value.leading_zeros()).max(1);
    bits.div_ceil(7) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEQUENCE_HEADER: [u8; 4] = [0x0a, 2, 0, 0];

    fn unit(obus: &[&[u8]]) -> Vec<u8> {
        [&TEMPORAL_DELIMITER[..], &obus.concat()].concat()
    }

    #[test]
    fn leb128_numbers_come_back() {
        for value in [0, 1, 127, 128, 16_383, 16_384, 2_097_151, u32::MAX as usize] {
            let mut bytes = Vec::new();
            push_leb128(&mut bytes, value);
            assert_eq!(bytes.len(), leb128_bytes(value), "{value}");
            bytes.push(9);
            assert_eq!(split_leb128(&bytes), Some((value, &[9][..])));
            assert_eq!(split_leb128(&bytes[..bytes.len() - 2]), None);
        }
        // Zeros behind the number are allowed, up to eight bytes.
        assert_eq!(split_leb128(&[0x81, 0x80, 0]), Some((1, &[][..])));
        assert_eq!(split_leb128(&[0x80; 9]), None);
        assert_eq!(split_leb128(&[0xff, 0xff, 0xff, 0xff, 0x1f]), None);
    }

    #[test]
    fn obus_are_taken_with_and_without_sizes() {
        let (obu, rest) = Obu::split(&[0x36, 0x28, 2, 7, 8, 9]).unwrap();
        assert_eq!((obu.kind(), obu.payload, rest), (6, &[7, 8][..], &[9][..]));
        assert_eq!(obu.header(), [0x34, 0x28]);
        let (same, rest) = Obu::split(&[0x34, 0x28, 7, 8]).unwrap();
        assert_eq!((same, rest.len()), (obu, 0));
        let mut out = Vec::new();
        obu.push_sized(&mut out);
        assert_eq!(out, [0x36, 0x28, 2, 7, 8]);
        for cut_off in [&[][..], &[0x34], &[0x32], &[0x32, 1], &[0x32, 0x80]] {
            assert_eq!(Obu::split(cut_off), None, "{cut_off:?}");
        }
    }

    #[test]
    fn shown_key_frames_behind_a_sequence_header_are_random_access_points() {
        let shown_key: &[u8] = &[0x32, 1, 0b0001_0000];
        for (frame, expected) in [
            (0b0001_0000, true),
            (0b0000_0000, false),
            (0b0011_0000, false),
            (0b0101_0000, false),
            (0b1001_0000, false),
        ] {
            let found = is_random_access(&unit(&[&SEQUENCE_HEADER, &[0x32, 1, frame]]));
            assert_eq!(found, expected, "{frame:08b}");
        }
        assert!(!is_random_access(&unit(&[shown_key])));
        assert!(!is_random_access(&unit(&[shown_key, &SEQUENCE_HEADER])));
        let still: &[u8] = &[0x0a, 1, 0x18];
        assert!(is_random_access(&unit(&[still, &[0x32, 1, 0x80]])));
        assert!(!is_random_access(&[0; 9]));
    }

    #[test]
    fn the_sequence_header_is_found() {
        let found = sequence_header(&unit(&[&[0x2a, 1, 1], &SEQUENCE_HEADER, &[0x32, 1, 0x10]]));
        assert_eq!(found.as_deref(), Some(&SEQUENCE_HEADER[..]));
        assert_eq!(sequence_header(&unit(&[&[0x32, 1, 0x10]])), None);
    }
}
