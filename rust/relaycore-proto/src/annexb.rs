//! NAL units in a byte stream (ITU-T H.264 Annex B): `00 00 01 NAL 00 00 01 NAL ...`, with any number of zeros
//! before each start code and after the last NAL unit.

use alloc::vec::Vec;

use crate::scan::find_byte;

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

/// Where the start codes 00 00 01 of `data` begin, in order.
pub(crate) fn start_codes(data: &[u8]) -> impl Iterator<Item = usize> {
    let mut from = 0;
    core::iter::from_fn(move || {
        let start = from + find_start_code(data.get(from..)?)?;
        from = start + 3;
        Some(start)
    })
}

/// Position of the first 00 00 01 in `data`. Compressed video has one zero in about 256 bytes, so most of the time is
/// spent in the search for a zero.
fn find_start_code(data: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(zero) = find_byte(data, at, 0) {
        at = match data[zero..] {
            [0, 0, 1, ..] => return Some(zero),
            [0, 0, 0, ..] => zero + 1,
            [0, 0, _, ..] => zero + 3,
            [0, _, _, ..] => zero + 2,
            _ => return None,
        };
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

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn units(data: &[u8]) -> Vec<&[u8]> {
        nal_units(data).collect()
    }

    #[test]
    fn both_start_codes_and_zeros_around_them_are_understood() {
        let data = [
            9, 0, 0, 0, 0, 1, 7, 1, 0, 0, 1, 8, 2, 0, 0, 0, 1, 0x65, 0, 0, 3, 1, 0, 0, 0,
        ];
        assert_eq!(units(&data), [&[7, 1][..], &[8, 2], &[0x65, 0, 0, 3, 1]]);
    }

    #[test]
    fn what_has_no_nal_unit_gives_none() {
        for data in [
            &[][..],
            &[0],
            &[0, 0],
            &[0, 0, 1],
            &[0, 0, 0, 1],
            &[1, 2, 3],
            &[0, 0, 1, 0, 0, 1, 0],
        ] {
            assert!(units(data).is_empty(), "{data:?}");
        }
    }

    #[test]
    fn start_codes_are_found_at_every_alignment() {
        for before in 0..20 {
            for length in 1..20 {
                let mut data = vec![5; before];
                data.extend([0, 0, 1]);
                data.extend(vec![4; length]);
                data.extend([0, 0, 1, 3]);
                assert_eq!(units(&data), [&vec![4; length][..], &[3]]);
            }
        }
    }

    #[test]
    fn length_prefixed_units_become_a_byte_stream() {
        let data = [0, 2, 0x67, 1, 0, 1, 0x68];
        let expected = [0, 0, 0, 1, 0x67, 1, 0, 0, 0, 1, 0x68];
        assert_eq!(
            from_length_prefixed(&data, 2).as_deref(),
            Some(&expected[..])
        );
        assert_eq!(from_length_prefixed(&data[..6], 2), None);
        assert_eq!(from_length_prefixed(&[0, 0, 0, 9], 4), None);
        assert_eq!(from_length_prefixed(&data, 5), None);
    }
}
