//! Access units of any codec to packets.

use super::{PayloadError, aac, av1, h264, h265, jpeg, other, vp8, vp9};
use crate::burst::{BurstBuilder, RtpWriter};
use crate::track::Codec;

/// Appends the packets of one access unit of `codec` to `out`. On an error nothing was appended.
pub fn packetise(
    codec: Codec,
    access_unit: &[u8],
    timestamp: u32,
    max_payload: usize,
    rtp: &mut RtpWriter,
    out: &mut BurstBuilder,
) -> Result<(), PayloadError> {
    match codec {
        Codec::H264 => h264::packetise(access_unit, timestamp, max_payload, rtp, out),
        Codec::H265 => h265::packetise(access_unit, timestamp, max_payload, rtp, out),
        Codec::Vp8 => vp8::packetise(access_unit, timestamp, max_payload, rtp, out),
        Codec::Vp9 => vp9::packetise(access_unit, timestamp, max_payload, rtp, out),
        Codec::Av1 => av1::packetise(access_unit, timestamp, max_payload, rtp, out),
        Codec::Aac => aac::packetise(&[access_unit], timestamp, max_payload, rtp, out),
        Codec::Jpeg => jpeg::packetise(access_unit, timestamp, max_payload, rtp, out),
        _ => other::packetise(access_unit, timestamp, max_payload, rtp, out),
    }
}
