//! NAL units in a byte stream (ITU-T H.264 Annex B): `00 00 01 NAL 00 00 01 NAL ...`, with any number of zeros
//! before each start code and after the last NAL unit.

use alloc::vec::Vec;

/// Start code written before each NAL unit: the four-byte form, which every parser understands at any place.
pub const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// The NAL units of `data`, without start codes and the zeros around them. Bytes before the first start code are
/// skipped: without a start code there is no NAL unit. Empty NAL units are left out.
#[must_use]
pub fn nal_units(data: &[u8]) -> NalUnits<'_> {
    let rest = match find_start_code(data) {
        Some(at) => &data[at + 3..],
        None => &[],
    };
    NalUnits { rest }
}

/// Iterator of [`nal_units`].
#[derive(Clone, Debug)]
pub struct NalUnits<'a> {
    /// From behind a start code to the end of the data.
    rest: &'a [u8],
}

impl<'a> Iterator for NalUnits<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        while !self.rest.is_empty() {
            let (nal, rest) = match find_start_code(self.rest) {
                Some(at) => (&self.rest[..at], &self.rest[at + 3..]),
                None => (self.rest, &[][..]),
            };
            self.rest = rest;
            let nal = without_trailing_zeros(nal);
            if !nal.is_empty() {
                return Some(nal);
            }
        }
        None
    }
}

/// Appends `nal` behind a start code.
pub fn push_nal(out: &mut Vec<u8>, nal: &[u8]) {
    out.reserve(START_CODE.len() + nal.len());
    out.extend_from_slice(&START_CODE);
    out.extend_from_slice(nal);
}

/// Converts NAL units behind big-endian lengths of `length_bytes` bytes (ISO/IEC 14496-15, as in MP4 files) into a
/// byte stream. `None` when a length does not fit the data or `length_bytes` is not 1, 2, 3 or 4.
#[must_use]
pub fn from_length_prefixed(data: &[u8], length_bytes: usize) -> Option<Vec<u8>> {
    if !(1..=4).contains(&length_bytes) {
        return None;
    }
    let mut out = Vec::with_capacity(data.len() + 16);
    let mut rest = data;
    while !rest.is_empty() {
        let (prefix, after) = rest.split_at_checked(length_bytes)?;
        let length = prefix
            .iter()
            .fold(0, |length, &byte| length << 8 | usize::from(byte));
        let (nal, after) = after.split_at_checked(length)?;
        push_nal(&mut out, nal);
        rest = after;
    }
    Some(out)
}

/// Position of the first 00 00 01 in `data`.
///
/// Looks at eight bytes at a time for a zero, because compressed video has one zero in about 256 bytes.
fn find_start_code(data: &[u8]) -> Option<usize> {
    const LOW_BITS: u64 = 0x0101_0101_0101_0101;
    const HIGH_BITS: u64 = 0x8080_8080_8080_8080;
    let mut at = 0;
    while at + 3 <= data.len() {
        if let Some(word) = data[at..].first_chunk::<8>() {
            let word = u64::from_le_bytes(*word);
            // The lowest high bit that is set marks the first byte that is zero.
            let zeros = word.wrapping_sub(LOW_BITS) & !word & HIGH_BITS;
            if zeros == 0 {
                at += 8;
                continue;
            }
            at += zeros.trailing_zeros() as usize / 8;
        }
        match data[at..] {
            [0, 0, 1, ..] => return Some(at),
            [0, 0, 0, ..] => at += 1,
            [0, 0, _, ..] => at += 3,
            [0, _, ..] => at += 2,
            _ => at += 1,
        }
    }
    None
}

/// `trailing_zero_8bits` and the extra zero of four-byte start codes belong to no NAL unit: each NAL unit ends with a
/// byte that is not zero (section 7.4.1).
fn without_trailing_zeros(nal: &[u8]) -> &[u8] {
    let length = nal
        .iter()
        .rposition(|&byte| byte != 0)
        .map_or(0, |last| last + 1);
    &nal[..length]
}
