//! AAC in LATM over RTP (RFC 6416 section 6), the configuration in SDP (`cpresent=0`).
//!
//! ```text
//! | length of an access unit: 255 for each full 255, then the remainder | access unit | length | access unit | ...
//! ```
//!
//! Such an `AudioMuxElement` may take several packets; the last one carries the marker.

use alloc::vec::Vec;

use super::assemble::{Assembler, Format, OpenPicture};
use super::{PayloadError, write_fragments};
use crate::access_unit::AccessUnit;
use crate::burst::{BurstBuilder, RtpWriter};
use crate::rtp::RtpPacket;

/// Appends the packets of `access_unit`, one raw AAC frame, to `out`; the last one carries the marker. On an error
/// nothing was appended.
pub fn packetise(
    access_unit: &[u8],
    timestamp: u32,
    max_payload: usize,
    rtp: &mut RtpWriter,
    out: &mut BurstBuilder,
) -> Result<(), PayloadError> {
    if access_unit.is_empty() {
        return Err(PayloadError::Empty);
    }
    let mut element = Vec::with_capacity(access_unit.len() + access_unit.len() / 255 + 1);
    element.resize(access_unit.len() / 255, 255);
    element.push((access_unit.len() % 255) as u8);
    element.extend_from_slice(access_unit);
    write_fragments(&element, timestamp, max_payload, rtp, out, |_, _| [])
}

/// Puts access units, raw AAC frames, together from received packets.
///
/// Packets are given as they arrive; doubled and late ones are ignored. What misses a packet is discarded; each access
/// unit that is given is complete, and a reader can start with it.
#[derive(Clone, Debug)]
pub struct Depacketiser {
    samples: u32,
    elements: Assembler<Element>,
}

/// Collects the bytes of an element.
#[derive(Clone, Debug, Default)]
struct Element;

impl Format for Element {
    fn take(&mut self, element: &mut OpenPicture, payload: &[u8]) -> Result<(), PayloadError> {
        element.data.extend_from_slice(payload);
        Ok(())
    }

    fn finish(&mut self, element: &mut OpenPicture) -> bool {
        if !element.complete {
            element.data.clear();
        }
        true
    }
}

impl Depacketiser {
    /// A depacketiser for a track of `samples` ticks of the clock an access unit: see
    /// [`AudioSpecificConfig::samples`](crate::aac::AudioSpecificConfig::samples).
    #[must_use]
    pub fn with_samples(samples: u32) -> Self {
        Self {
            samples,
            elements: Assembler::new(),
        }
    }

    /// Takes one packet, and gives the access units that it completes. After an error the depacketiser goes on with the
    /// next packet.
    pub fn push(&mut self, packet: &RtpPacket<'_>) -> Result<Vec<AccessUnit>, PayloadError> {
        let element = self.elements.push(packet);
        let pending = self.elements.take_pending();
        let mut units = Vec::new();
        for element in element?.into_iter().chain(pending) {
            self.split(&element, &mut units)?;
        }
        Ok(units)
    }

    fn split(&self, element: &AccessUnit, units: &mut Vec<AccessUnit>) -> Result<(), PayloadError> {
        let mut rest = &element.data[..];
        let mut timestamp = element.timestamp;
        while !rest.is_empty() {
            let full = rest.iter().take_while(|byte| **byte == 255).count();
            let &remainder = rest.get(full).ok_or(PayloadError::Truncated)?;
            let length = full * 255 + usize::from(remainder);
            let (unit, after) = rest[full + 1..]
                .split_at_checked(length)
                .ok_or(PayloadError::Truncated)?;
            if !unit.is_empty() {
                units.push(AccessUnit {
                    data: unit.to_vec(),
                    timestamp,
                    ..*element
                });
            }
            timestamp = timestamp.wrapping_add(self.samples);
            rest = after;
        }
        Ok(())
    }
}
