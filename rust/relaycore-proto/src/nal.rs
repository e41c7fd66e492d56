//! What NAL units of H.264 and H.265 have in common.

use alloc::vec::Vec;
use core::fmt;

/// Payload type of the recovery point message (ITU-T H.264 section D.1.8, ITU-T H.265 section D.2.8).
pub(crate) const RECOVERY_POINT: u32 = 6;

/// Longest part of an SEI NAL unit that is searched. Recovery points come first; user data behind may be large.
const SEI_BYTES_MAX: usize = 512;

/// The bytes of a NAL unit without the emulation prevention bytes (ITU-T H.264 section 7.4.1): 00 00 03 becomes 00 00.
pub(crate) fn without_emulation_prevention(nal: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(nal.len());
    out.extend(without_emulation_prevention_bytes(nal));
    out
}

fn without_emulation_prevention_bytes(nal: &[u8]) -> impl Iterator<Item = u8> {
    let mut zeros = 0;
    nal.iter().copied().filter(move |&byte| {
        let is_prevention = zeros >= 2 && byte == 3;
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        !is_prevention
    })
}

/// The start of an SEI message's payload: enough for two numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SeiMessage {
    bytes: [u8; SEI_MESSAGE_BYTES],
    length: usize,
}

/// Bytes of a message that are kept.
const SEI_MESSAGE_BYTES: usize = 16;

impl SeiMessage {
    /// Its bytes, without emulation prevention.
    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// The first message of type `wanted` in the SEI NAL unit `nal`, whose header has `header_bytes` bytes (ITU-T H.264
/// section 7.3.2.3). `None` when there is no such message near the start.
pub(crate) fn sei_message(nal: &[u8], header_bytes: usize, wanted: u32) -> Option<SeiMessage> {
    let searched = &nal[..nal.len().min(SEI_BYTES_MAX)];
    let mut bytes = without_emulation_prevention_bytes(searched.get(header_bytes..)?);
    loop {
        let payload_type = take_number(&mut bytes)?;
        let size = take_number(&mut bytes)? as usize;
        if payload_type == wanted {
            let mut message = SeiMessage::default();
            for (slot, byte) in message.bytes.iter_mut().zip(bytes.take(size)) {
                *slot = byte;
                message.length += 1;
            }
            return Some(message);
        }
        if size > 0 {
            bytes.nth(size - 1)?;
        }
    }
}

/// A number in the form of SEI headers: 255 for each full 255, then the remainder.
fn take_number(bytes: &mut impl Iterator<Item = u8>) -> Option<u32> {
    let mut value = 0u32;
    loop {
        let byte = bytes.next()?;
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
