//! Supplemental enhancement information (ITU-T H.264 section 7.3.2.3 and annex D).

use super::without_emulation_prevention;
use crate::bits::BitReader;

/// Payload type of the recovery point message (section D.1.8).
const RECOVERY_POINT: u32 = 6;

/// Longest part of a NAL unit that is searched. Recovery points come first; user data behind may be large.
const SEARCHED_BYTES: usize = 512;

/// `recovery_frame_cnt` of the recovery point message in the SEI NAL unit `nal`: how many pictures after this one the
/// output is right when decoding starts here. `None` when there is no such message.
#[must_use]
pub fn recovery_point(nal: &[u8]) -> Option<u32> {
    let searched = &nal[..nal.len().min(SEARCHED_BYTES)];
    let bytes = without_emulation_prevention(searched);
    let mut rest = bytes.get(1..)?;
    loop {
        let payload_type = take_number(&mut rest)?;
        let size = take_number(&mut rest)? as usize;
        if payload_type == RECOVERY_POINT {
            let payload = &rest[..size.min(rest.len())];
            return BitReader::new(payload).unsigned_golomb();
        }
        rest = rest.get(size..)?;
    }
}

/// A number in the form of SEI headers: 255 for each full 255, then the remainder.
fn take_number(rest: &mut &[u8]) -> Option<u32> {
    let mut value = 0u32;
    loop {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        value += u32::from(byte);
        if byte != 0xff {
            return Some(value);
        }
    }
}
