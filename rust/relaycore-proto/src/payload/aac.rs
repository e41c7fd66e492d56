//! AAC over RTP (RFC 3640), mode AAC-hbr (section 3.3.6).
//!
//! ```text
//! | AU-headers-length, u16, in bits | AU-header | AU-header | ... | access unit | access unit | ...
//! AU-header: 13 bits of size, 3 bits of index: 0 in the first header, the distance less one in the others
//! ```

use alloc::vec;
use alloc::vec::Vec;

use super::order::{Arrival, Order};
use super::{PayloadError, checked_limit, even_fragment};
use crate::aac::SAMPLES_PER_ACCESS_UNIT;
use crate::access_unit::AccessUnit;
use crate::burst::{BurstBuilder, RtpWriter};
use crate::rtp::RtpPacket;

/// Longest access unit that the 13 bits of its header can describe, in bytes.
pub const ACCESS_UNIT_BYTES_MAX: usize = (1 << 13) - 1;

/// Bits of an AU-header, and bytes.
const HEADER_BITS: u16 = 16;
const HEADER_BYTES: usize = 2;

/// Bits of AU-Index and AU-Index-delta in an AU-header.
const INDEX_MASK: u16 = 0x7;

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

/// Puts access units together from received packets.
///
/// Packets are given as they arrive; doubled and late ones are ignored. An access unit that misses a fragment is
/// discarded; each access unit that is given is complete, and a reader can start with it.
#[derive(Clone, Debug)]
pub struct Depacketiser {
    samples: u32,
    order: Order,
    fragments: Option<Fragments>,
}

/// The first fragments of an access unit.
#[derive(Clone, Debug)]
struct Fragments {
    timestamp: u32,
    /// Length of the whole access unit, in bytes.
    size: usize,
    data: Vec<u8>,
}

impl Default for Depacketiser {
    fn default() -> Self {
        Self::new()
    }
}

impl Depacketiser {
    /// A depacketiser for a track of 1024 samples an access unit.
    #[must_use]
    pub fn new() -> Self {
        Self::with_samples(SAMPLES_PER_ACCESS_UNIT)
    }

    /// A depacketiser for a track of `samples` ticks of the clock an access unit: see
    /// [`AudioSpecificConfig::samples`](crate::aac::AudioSpecificConfig::samples).
    #[must_use]
    pub fn with_samples(samples: u32) -> Self {
        Self {
            samples,
            order: Order::default(),
            fragments: None,
        }
    }

    /// Takes one packet, and gives the access units that it completes. After an error the depacketiser goes on with the
    /// next packet.
    pub fn push(&mut self, packet: &RtpPacket<'_>) -> Result<Vec<AccessUnit>, PayloadError> {
        match self.order.arrived(&packet.header) {
            Arrival::Late => return Ok(Vec::new()),
            Arrival::AfterLoss => self.fragments = None,
            Arrival::InOrder => {}
        }
        if packet.payload.is_empty() {
            return Ok(Vec::new());
        }
        let fragments = self.fragments.take();
        let (headers, data) = split_headers(packet.payload)?;
        if let [high, low] = *headers {
            let size = usize::from(u16::from_be_bytes([high, low]) >> 3);
            if size > data.len() {
                return self.take_fragment(fragments, size, packet.header.timestamp, data);
            }
        }
        self.take_whole(headers, data, packet.header.timestamp)
    }

    fn take_whole(
        &self,
        headers: &[u8],
        data: &[u8],
        timestamp: u32,
    ) -> Result<Vec<AccessUnit>, PayloadError> {
        let mut units = Vec::with_capacity(headers.len() / HEADER_BYTES);
        let mut rest = data;
        for (position, header) in headers.chunks_exact(HEADER_BYTES).enumerate() {
            let header = u16::from_be_bytes([header[0], header[1]]);
            if position > 0 && header & INDEX_MASK != 0 {
                return Err(PayloadError::Unsupported {
                    what: "interleaving of AAC access units",
                });
            }
            let size = usize::from(header >> 3);
            let (unit, after) = rest.split_at_checked(size).ok_or(PayloadError::Truncated)?;
            rest = after;
            if !unit.is_empty() {
                let distance = self.samples.wrapping_mul(position as u32);
                units.push(AccessUnit::whole(
                    unit.to_vec(),
                    timestamp.wrapping_add(distance),
                ));
            }
        }
        Ok(units)
    }

    fn take_fragment(
        &mut self,
        fragments: Option<Fragments>,
        size: usize,
        timestamp: u32,
        data: &[u8],
    ) -> Result<Vec<AccessUnit>, PayloadError> {
        let started =
            fragments.filter(|started| started.timestamp == timestamp && started.size == size);
        let mut fragments = started.unwrap_or_else(|| Fragments {
            timestamp,
            size,
            data: Vec::with_capacity(size),
        });
        if fragments.data.len() + data.len() > size {
            return Err(PayloadError::Inconsistent {
                what: "more fragments than the access unit has bytes",
            });
        }
        fragments.data.extend_from_slice(data);
        if fragments.data.len() == size {
            return Ok(vec![AccessUnit::whole(fragments.data, timestamp)]);
        }
        self.fragments = Some(fragments);
        Ok(Vec::new())
    }
}

/// The AU-headers and the data behind them.
fn split_headers(payload: &[u8]) -> Result<(&[u8], &[u8]), PayloadError> {
    let (bits, rest) = payload
        .split_first_chunk::<HEADER_BYTES>()
        .ok_or(PayloadError::Truncated)?;
    let bits = u16::from_be_bytes(*bits);
    if bits == 0 || !bits.is_multiple_of(HEADER_BITS) {
        return Err(PayloadError::Inconsistent {
            what: "AU-headers of another length than 16 bits",
        });
    }
    rest.split_at_checked(usize::from(bits / 8))
        .ok_or(PayloadError::Truncated)
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
