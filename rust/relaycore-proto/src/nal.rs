//! What NAL units of H.264 and H.265 have in common.

use alloc::vec::Vec;
use core::fmt;

/// Payload type of the recovery point message (ITU-T H.264 section D.1.8, ITU-T H.265 section D.2.8).
pub(crate) const RECOVERY_POINT: u32 = 6;

/// Longest part of an SEI NAL unit that is searched. Recovery points come first; user data behind may be large.
const SEI_BYTES_MAX: usize = 512;

/// Bytes of an SEI message that are given: those of a recovery point hold one number of at most seventeen bits, which
/// takes thirty-three.
pub(crate) const SEI_PAYLOAD_BYTES: usize = 5;

/// The bytes of a NAL unit without the emulation prevention bytes (ITU-T H.264 section 7.4.1): 00 00 03 becomes 00 00.
pub(crate) fn without_emulation_prevention(nal: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(nal.len());
    out.extend(unescaped(nal));
    out
}

/// The same, byte by byte, for what may not allocate.
fn unescaped(nal: &[u8]) -> impl Iterator<Item = u8> {
    let mut zeros = 0;
    nal.iter().copied().filter(move |&byte| {
        let is_prevention = zeros >= 2 && byte == 3;
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        !is_prevention
    })
}

/// The first bytes, zeros behind its end, of the first message of type `wanted` in the SEI NAL unit `nal`, whose header
/// has `header_bytes` bytes (ITU-T H.264 section 7.3.2.3). `None` when there is no such message near the start.
pub(crate) fn sei_message(
    nal: &[u8],
    header_bytes: usize,
    wanted: u32,
) -> Option<[u8; SEI_PAYLOAD_BYTES]> {
    let searched = &nal[..nal.len().min(SEI_BYTES_MAX)];
    let mut rest = unescaped(searched).skip(header_bytes);
    loop {
        let payload_type = take_number(&mut rest)?;
        let size = take_number(&mut rest)? as usize;
        if payload_type == wanted {
            let mut payload = [0; SEI_PAYLOAD_BYTES];
            for (byte, value) in payload.iter_mut().zip(rest.take(size)) {
                *byte = value;
            }
            return Some(payload);
        }
        if size > 0 {
            rest.nth(size - 1)?;
        }
    }
}

/// A number in the form of SEI headers: 255 for each full 255, then the remainder.
fn take_number(rest: &mut impl Iterator<Item = u8>) -> Option<u32> {
    let mut value = 0u32;
    loop {
        let byte = rest.next()?;
        value += u32::from(byte);
        if byte != 0xff {
            return Some(value);
        }
    }
}

/// Why bytes are not a sequence parameter set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpsError {
    /// The bits end too early.
    Truncated,
    /// The NAL unit has another type.
    NotSps {
        /// Its type.
        nal_type: u8,
    },
    /// A value that the standard does not allow, by its name.
    OutOfRange(&'static str),
}

impl fmt::Display for SpsError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => write!(out, "the sequence parameter set ends too early"),
            Self::NotSps { nal_type } => {
                write!(
                    out,
                    "a NAL unit of type {nal_type} is no sequence parameter set"
                )
            }
            Self::OutOfRange(what) => {
                write!(out, "the sequence parameter set has an impossible {what}")
            }
        }
    }
}

impl core::error::Error for SpsError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emulation_prevention_is_removed() {
        assert_eq!(
            without_emulation_prevention(&[0, 0, 3, 1, 0, 0, 3]),
            [0, 0, 1, 0, 0]
        );
        assert_eq!(
            without_emulation_prevention(&[0, 3, 0, 0, 0, 3, 3]),
            [0, 3, 0, 0, 0, 3]
        );
    }
}
