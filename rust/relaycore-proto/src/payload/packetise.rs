//! Access units of any codec to packets.

use super::{
    PayloadError, aac, ac3, audio, av1, h264, h265, jpeg, latm, mpeg4, mpegaudio, mpegts,
    mpegvideo, other, vp8, vp9,
};
use crate::burst::{BurstBuilder, RtpWriter};
use crate::track::Codec;

/// Appends the packets of one access unit of `codec` to `out`; `channels` are those of the track. On an error nothing
/// was appended.
pub fn packetise(
    codec: Codec,
    channels: u8,
    access_unit: &[u8],
    timestamp: u32,
    max_payload: usize,
    rtp: &mut RtpWriter,
    out: &mut BurstBuilder,
) -> Result<(), PayloadError> {
    let format = match codec {
        Codec::H264 => h264::packetise,
        Codec::H265 => h265::packetise,
        Codec::Mpeg4Video => mpeg4::packetise,
        Codec::Jpeg => jpeg::packetise,
        Codec::Vp8 => vp8::packetise,
        Codec::Vp9 => vp9::packetise,
        Codec::Av1 => av1::packetise,
        Codec::MpegVideo => mpegvideo::packetise,
        Codec::Mp2t => mpegts::packetise,
        Codec::Latm => latm::packetise,
        Codec::Opus => audio::packetise_opus,
        Codec::MpegAudio => mpegaudio::packetise,
        Codec::Ac3 => ac3::packetise,
        Codec::Aac => {
            return aac::packetise(&[access_unit], timestamp, max_payload, rtp, out);
        }
        Codec::Pcmu | Codec::Pcma | Codec::G722 | Codec::L16 => {
            let sample_bytes = if codec == Codec::L16 { 2 } else { 1 };
            let tick_bytes = sample_bytes * usize::from(channels);
            return audio::packetise_samples(
                access_unit,
                tick_bytes,
                timestamp,
                max_payload,
                rtp,
                out,
            );
        }
        _ => other::packetise,
    };
    format(access_unit, timestamp, max_payload, rtp, out)
}
