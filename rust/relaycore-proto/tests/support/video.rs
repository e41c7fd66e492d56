//! What the tests of several video formats share.

use relaycore_proto::access_unit::AccessUnit;
use relaycore_proto::burst::{BurstBuilder, RtpWriter};
use relaycore_proto::payload::PayloadError;
use relaycore_proto::payload::assemble::{Assembler, Format};
use relaycore_proto::rtp::RtpPacket;

use super::writer;

/// A format's packetiser.
pub(crate) type Packetise =
    fn(&[u8], u32, usize, &mut RtpWriter, &mut BurstBuilder) -> Result<(), PayloadError>;

/// The packets of one access unit, whose timestamp is 77.
pub(crate) fn packets_of(packetise: Packetise, source: &[u8], limit: usize) -> BurstBuilder {
    let mut out = BurstBuilder::new();
    packetise(source, 77, limit, &mut writer(), &mut out).unwrap();
    out
}

/// The access units that packets hold.
pub(crate) fn receive<F: Format>(
    depacketiser: &mut Assembler<F>,
    packets: &[RtpPacket<'_>],
) -> Vec<AccessUnit> {
    let mut units = Vec::new();
    for packet in packets {
        units.extend(depacketiser.push(packet).unwrap());
        units.extend(depacketiser.take_pending());
    }
    units
}

/// Appends an OBU with its size.
pub(crate) fn push_obu(out: &mut Vec<u8>, header: &[u8], payload: &[u8]) {
    out.push(header[0] | 0x02);
    out.extend_from_slice(&header[1..]);
    let mut size = payload.len();
    while size >= 0x80 {
        out.push(size as u8 | 0x80);
        size >>= 7;
    }
    out.push(size as u8);
    out.extend_from_slice(payload);
}
