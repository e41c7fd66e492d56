//! MPEG transport streams over RTP (RFC 2250 section 2): whole packets of 188 bytes, back to back. An access unit is
//! what one RTP packet carries.

use alloc::vec::Vec;

use super::order::{Arrival, Order};
use super::{PayloadError, checked_limit};
use crate::access_unit::AccessUnit;
use crate::burst::{BurstBuilder, RtpWriter};
use crate::mpegts::{PACKET_BYTES, SYNC, is_random_access};
use crate::rtp::RtpPacket;

/// Appends the RTP packets of `access_unit`, whole transport stream packets, to `out`: as many in each as fit, seven
/// with the usual limit. The marker is not set: it would say that the clock jumped. On an error nothing was appended.
pub fn packetise(
    access_unit: &[u8],
    timestamp: u32,
    max_payload: usize,
    rtp: &mut RtpWriter,
    out: &mut BurstBuilder,
) -> Result<(), PayloadError> {
    let limit = checked_limit(max_payload)?;
    if access_unit.is_empty() {
        return Err(PayloadError::Empty);
    }
    check(access_unit)?;
    for packets in access_unit.chunks(limit / PACKET_BYTES * PACKET_BYTES) {
        rtp.write(out, timestamp, false, &[packets]);
    }
    Ok(())
}

/// Gives the transport stream packets of each received RTP packet.
#[derive(Clone, Debug, Default)]
pub struct Depacketiser {
    order: Order,
}

impl Depacketiser {
    /// A depacketiser for one track.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one packet, and gives what it carries; nothing for doubled, late and empty ones. After an error the
    /// depacketiser goes on with the next packet.
    pub fn push(&mut self, packet: &RtpPacket<'_>) -> Result<Option<AccessUnit>, PayloadError> {
        if self.order.arrived(&packet.header) == Arrival::Late || packet.payload.is_empty() {
            return Ok(None);
        }
        check(packet.payload)?;
        Ok(Some(AccessUnit {
            random_access: is_random_access(packet.payload),
            data: Vec::from(packet.payload),
            timestamp: packet.header.timestamp,
            complete: true,
        }))
    }
}

/// Checks that `data` is made of whole packets.
fn check(data: &[u8]) -> Result<(), PayloadError> {
    let (packets, rest) = data.as_chunks::<PACKET_BYTES>();
    if !rest.is_empty() || packets.iter().any(|packet| packet[0] != SYNC) {
        return Err(PayloadError::Inconsistent {
            what: "something else than transport stream packets of 188 bytes",
        });
    }
    Ok(())
}
