//! H.264 over RTP (RFC 6184), packetization mode 1.
//!
//! ```text
//! single NAL unit   | F NRI type | NAL unit payload ...                                          type 1..=23
//! STAP-A            | F NRI 24   | size u16 | NAL unit | size u16 | NAL unit | ...              section 5.7.1
//! FU-A              | F NRI 28   | S E R type | fragment of the NAL unit payload ...            section 5.8
//! ```

use alloc::vec::Vec;

use super::{PayloadError, checked_limit, even_fragment};
use crate::annexb::nal_units;
use crate::burst::{BurstBuilder, RtpWriter};
use crate::h264::{is_slice, type_of};
use crate::limits::{INTERLEAVED_HEADER_BYTES, RTP_HEADER_BYTES};

const STAP_A: u8 = 24;
const FU_A: u8 = 28;

/// S and E bits of the FU header: first and last fragment of a NAL unit.
const FU_START: u8 = 0x80;
const FU_END: u8 = 0x40;

/// F and NRI bits of a NAL unit's first byte.
const FORBIDDEN: u8 = 0x80;
const IMPORTANCE: u8 = 0x60;

/// Appends the packets of `access_unit`, an Annex B byte stream, to `out`; the last one carries the marker.
///
/// Small NAL units that are not slices (parameter sets, SEI, delimiters) share a packet where they are neighbours. NAL
/// units of types that RTP has taken for itself (0 and 24 to 31, which decoders ignore) are left out. On an error
/// nothing was appended.
pub fn packetise(
    access_unit: &[u8],
    timestamp: u32,
    max_payload: usize,
    rtp: &mut RtpWriter,
    out: &mut BurstBuilder,
) -> Result<(), PayloadError> {
    let limit = checked_limit(max_payload)?;
    let mut nals = nal_units(access_unit)
        .filter(|nal| (1..=23).contains(&type_of(nal[0])))
        .peekable();
    if nals.peek().is_none() {
        return Err(PayloadError::Empty);
    }
    let packets = access_unit.len() / limit + 4;
    out.reserve(access_unit.len() + packets * (INTERLEAVED_HEADER_BYTES + RTP_HEADER_BYTES + 2));

    let mut group = Group::default();
    while let Some(nal) = nals.next() {
        let small = !is_slice(type_of(nal[0])) && Group::default().fits(nal, limit);
        if !small || !group.fits(nal, limit) {
            group.write(timestamp, false, rtp, out);
        }
        if small {
            group.nals.push(nal);
        } else {
            let last = nals.peek().is_none();
            write_nal(nal, timestamp, last, limit, rtp, out);
        }
    }
    group.write(timestamp, true, rtp, out);
    Ok(())
}

/// Neighbouring small NAL units that will share a packet.
#[derive(Default)]
struct Group<'a> {
    nals: Vec<&'a [u8]>,
}

impl<'a> Group<'a> {
    /// Whether `nal` has room in the STAP-A: one byte of header, then two bytes of size before each NAL unit.
    fn fits(&self, nal: &'a [u8], limit: usize) -> bool {
        let used: usize = self.nals.iter().map(|nal| 2 + nal.len()).sum();
        1 + used + 2 + nal.len() <= limit
    }

    /// Writes the group, if there is one, and empties it.
    fn write(&mut self, timestamp: u32, marker: bool, rtp: &mut RtpWriter, out: &mut BurstBuilder) {
        match self.nals[..] {
            [] => return,
            [nal] => rtp.write(out, timestamp, marker, &[nal]),
            _ => {
                // F is set when any NAL unit has it, NRI is the highest of all (section 5.7).
                let forbidden = self
                    .nals
                    .iter()
                    .fold(0, |bits, nal| bits | nal[0] & FORBIDDEN);
                let importance = self
                    .nals
                    .iter()
                    .map(|nal| nal[0] & IMPORTANCE)
                    .max()
                    .unwrap_or(0);
                let mut payload = Vec::new();
                payload.push(forbidden | importance | STAP_A);
                for nal in &self.nals {
                    // `fits` bounds each NAL unit to less than the packet.
                    payload.extend_from_slice(&(nal.len() as u16).to_be_bytes());
                    payload.extend_from_slice(nal);
                }
                rtp.write(out, timestamp, marker, &[&payload]);
            }
        }
        self.nals.clear();
    }
}

/// Writes one NAL unit, as it is or in fragments of equal size.
fn write_nal(
    nal: &[u8],
    timestamp: u32,
    last: bool,
    limit: usize,
    rtp: &mut RtpWriter,
    out: &mut BurstBuilder,
) {
    if nal.len() <= limit {
        rtp.write(out, timestamp, last, &[nal]);
        return;
    }
    let indicator = nal[0] & (FORBIDDEN | IMPORTANCE) | FU_A;
    let body = &nal[1..];
    let size = even_fragment(body.len(), limit - 2);
    let count = body.len().div_ceil(size);
    for (index, fragment) in body.chunks(size).enumerate() {
        let is_end = index + 1 == count;
        let start = if index == 0 { FU_START } else { 0 };
        let end = if is_end { FU_END } else { 0 };
        let header = [indicator, start | end | type_of(nal[0])];
        rtp.write(out, timestamp, last && is_end, &[&header, fragment]);
    }
}
