//! Formats that are carried and not looked into: each packet is an access unit.

use alloc::vec::Vec;

use super::order::{Arrival, Order};
use super::{PayloadError, checked_limit};
use crate::access_unit::AccessUnit;
use crate::burst::{BurstBuilder, RtpWriter};
use crate::rtp::RtpPacket;

/// Appends `access_unit` to `out` as one packet with the marker. What does not fit into a packet is refused: nobody
/// knows where such a format may be cut. On an error nothing was appended.
pub fn packetise(
    access_unit: &[u8],
    timestamp: u32,
    max_payload: usize,
    rtp: &mut RtpWriter,
    out: &mut BurstBuilder,
) -> Result<(), PayloadError> {
    let limit = checked_limit(max_payload)?;
    match access_unit.len() {
        0 => Err(PayloadError::Empty),
        bytes if bytes > limit => Err(PayloadError::TooLong { limit }),
        _ => {
            rtp.write(out, timestamp, true, &[access_unit]);
            Ok(())
        }
    }
}

/// Gives each received packet's payload as an access unit.
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

    /// Takes one packet, and gives its payload. Doubled, late and empty packets give nothing.
    pub fn push(&mut self, packet: &RtpPacket<'_>) -> Result<Option<AccessUnit>, PayloadError> {
        if self.order.arrived(&packet.header) == Arrival::Late || packet.payload.is_empty() {
            return Ok(None);
        }
        let data = Vec::from(packet.payload);
        Ok(Some(AccessUnit::whole(data, packet.header.timestamp)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtp::{PayloadType, SequenceNumber, Ssrc};

    #[test]
    fn a_packet_is_an_access_unit() {
        let mut rtp = RtpWriter {
            channel: 0,
            payload_type: PayloadType(98),
            ssrc: Ssrc(1),
            next_sequence: SequenceNumber(65_535),
        };
        let mut out = BurstBuilder::new();
        packetise(&[1, 2], 5, 256, &mut rtp, &mut out).unwrap();
        packetise(&[3; 256], 6, 256, &mut rtp, &mut out).unwrap();
        let too_long = Err(PayloadError::TooLong { limit: 256 });
        assert_eq!(packetise(&[3; 257], 7, 256, &mut rtp, &mut out), too_long);
        let empty = Err(PayloadError::Empty);
        assert_eq!(packetise(&[], 7, 256, &mut rtp, &mut out), empty);

        let mut depacketiser = Depacketiser::new();
        let mut received = Vec::new();
        for packet in out.packets().chain(out.packets()) {
            let packet = RtpPacket::parse(packet).unwrap();
            received.extend(depacketiser.push(&packet).unwrap());
        }
        let received: Vec<_> = received
            .iter()
            .map(|unit| (unit.timestamp, unit.data.len()))
            .collect();
        assert_eq!(received, [(5, 2), (6, 256)]);
    }
}
