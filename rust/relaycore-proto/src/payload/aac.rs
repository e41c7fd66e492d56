//! AAC over RTP (RFC 3640), mode AAC-hbr (section 3.3.6).
//!
//! ```text
//! | AU-headers-length, u16, in bits | AU-header | AU-header | ... | access unit | access unit | ...
//! AU-header: 13 bits of size, 3 bits of index: 0 in the first header, the distance less one in the others
//! ```

use alloc::vec::Vec;

use super::{PayloadError, checked_limit, even_fragment};
use crate::aac::SAMPLES_PER_ACCESS_UNIT;
use crate::burst::{BurstBuilder, RtpWriter};

/// Longest access unit that the 13 bits of its header can describe, in bytes.
pub const ACCESS_UNIT_BYTES_MAX: usize = (1 << 13) - 1;

/// Bits of an AU-header, and bytes.
const HEADER_BITS: u16 = 16;
const HEADER_BYTES: usize = 2;

/// Appends the packets of `access_units` to `out`: as many access units a packet as fit, and fragments of equal size
/// where one does not fit.
///
/// `timestamp` is that of the first access unit; the others follow it at a distance of 1024 samples each. Access units of
/// another length (960 samples, or 2048 with spectral band replication) are given one by one. On an error nothing was
/// appended.
pub fn packetise(
    access_units: &[&[u8]],
    timestamp: u32,
    max_payload: usize,
    rtp: &mut RtpWriter,
    out: &mut BurstBuilder,
) -> Result<(), PayloadError> {
    let limit = checked_limit(max_payload)?;
    if access_units.is_empty() {
        return Err(PayloadError::Empty);
    }
    for unit in access_units {
        match unit.len() {
            0 => return Err(PayloadError::Empty),
            bytes if bytes > ACCESS_UNIT_BYTES_MAX => {
                return Err(PayloadError::AudioTooLong { bytes });
            }
            _ => {}
        }
    }
    let mut rest = access_units;
    let mut timestamp = timestamp;
    while let [first, ..] = rest {
        let count = fitting(rest, limit).max(1);
        if count == 1 && HEADER_BYTES * 2 + first.len() > limit {
            write_fragments(first, timestamp, limit, rtp, out);
        } else {
            write_whole(&rest[..count], timestamp, rtp, out);
        }
        timestamp = timestamp.wrapping_add(SAMPLES_PER_ACCESS_UNIT.wrapping_mul(count as u32));
        rest = &rest[count..];
    }
    Ok(())
}

/// How many of `access_units` fit into one packet.
fn fitting(access_units: &[&[u8]], limit: usize) -> usize {
    let mut used = HEADER_BYTES;
    access_units
        .iter()
        .take_while(|unit| {
            used += HEADER_BYTES + unit.len();
            used <= limit
        })
        .count()
}

/// One packet of whole access units. The marker is set: it says that the packet ends an access unit (section 3.1).
fn write_whole(
    access_units: &[&[u8]],
    timestamp: u32,
    rtp: &mut RtpWriter,
    out: &mut BurstBuilder,
) {
    let mut header = Vec::with_capacity(HEADER_BYTES * (1 + access_units.len()));
    header.extend_from_slice(&(HEADER_BITS * access_units.len() as u16).to_be_bytes());
    for unit in access_units {
        header.extend_from_slice(&au_header(unit));
    }
    let mut parts = Vec::with_capacity(1 + access_units.len());
    parts.push(&header[..]);
    parts.extend_from_slice(access_units);
    rtp.write(out, timestamp, true, &parts);
}

/// Packets of fragments. Each repeats the size of the whole access unit; the marker is at the last.
fn write_fragments(
    unit: &[u8],
    timestamp: u32,
    limit: usize,
    rtp: &mut RtpWriter,
    out: &mut BurstBuilder,
) {
    let [size_high, size_low] = au_header(unit);
    let [bits_high, bits_low] = HEADER_BITS.to_be_bytes();
    let header = [bits_high, bits_low, size_high, size_low];
    let size = even_fragment(unit.len(), limit - header.len());
    let count = unit.len().div_ceil(size);
    for (index, fragment) in unit.chunks(size).enumerate() {
        rtp.write(out, timestamp, index + 1 == count, &[&header, fragment]);
    }
}

fn au_header(unit: &[u8]) -> [u8; HEADER_BYTES] {
    // The caller checked that the length has 13 bits.
    ((unit.len() as u16) << 3).to_be_bytes()
}
