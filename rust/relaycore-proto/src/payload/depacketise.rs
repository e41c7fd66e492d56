//! Packets of any codec to access units.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::{
    PayloadError, aac, ac3, av1, h264, h265, jpeg, latm, mpeg4, mpegaudio, mpegts, mpegvideo,
    other, vp8, vp9,
};
use crate::aac::{AudioSpecificConfig, SAMPLES_PER_ACCESS_UNIT};
use crate::access_unit::AccessUnit;
use crate::rtp::RtpPacket;
use crate::track::{Codec, Track};

/// Puts the access units of one track together from received packets; see the depacketiser of each format.
#[derive(Clone, Debug)]
pub struct Depacketiser(Format);

#[derive(Clone, Debug)]
enum Format {
    H264(h264::Depacketiser),
    H265(h265::Depacketiser),
    Mpeg4(mpeg4::Depacketiser),
    Jpeg(Box<jpeg::Depacketiser>),
    Vp8(vp8::Depacketiser),
    Vp9(vp9::Depacketiser),
    Av1(av1::Depacketiser),
    MpegVideo(mpegvideo::Depacketiser),
    Mp2t(mpegts::Depacketiser),
    Aac(aac::Depacketiser),
    Latm(latm::Depacketiser),
    MpegAudio(mpegaudio::Depacketiser),
    Ac3(ac3::Depacketiser),
    Other(other::Depacketiser),
}

impl Depacketiser {
    /// A depacketiser for `track`, with the default limit for access units.
    #[must_use]
    pub fn new(track: &Track) -> Self {
        let parameters = &track.parameters;
        Self(match track.codec {
            Codec::H264 => Format::H264(h264::Depacketiser::new()),
            Codec::H265 => Format::H265(h265::Depacketiser::new()),
            Codec::Mpeg4Video => Format::Mpeg4(mpeg4::Depacketiser::new()),
            Codec::Jpeg => Format::Jpeg(Box::default()),
            Codec::Vp8 => Format::Vp8(vp8::Depacketiser::new()),
            Codec::Vp9 => Format::Vp9(vp9::Depacketiser::new()),
            Codec::Av1 => Format::Av1(av1::Depacketiser::new()),
            Codec::MpegVideo => Format::MpegVideo(mpegvideo::Depacketiser::new()),
            Codec::Mp2t => Format::Mp2t(mpegts::Depacketiser::new()),
            Codec::Aac => Format::Aac(aac::Depacketiser::with_samples(samples(parameters))),
            Codec::Latm => {
                let config = crate::latm::audio_specific_config(parameters).unwrap_or_default();
                Format::Latm(latm::Depacketiser::with_samples(samples(&config)))
            }
            Codec::MpegAudio => Format::MpegAudio(mpegaudio::Depacketiser::new()),
            Codec::Ac3 => Format::Ac3(ac3::Depacketiser::new()),
            _ => Format::Other(other::Depacketiser::new()),
        })
    }

    /// Takes one packet, and appends the access units that it completes to `units`.
    ///
    /// After an error the depacketiser goes on with the next packet.
    pub fn push(
        &mut self,
        packet: &RtpPacket<'_>,
        units: &mut Vec<AccessUnit>,
    ) -> Result<(), PayloadError> {
        match &mut self.0 {
            Format::H264(format) => format.push_into(packet, units)?,
            Format::H265(format) => format.push_into(packet, units)?,
            Format::Mpeg4(format) => format.push_into(packet, units)?,
            Format::Jpeg(format) => format.push_into(packet, units)?,
            Format::Vp8(format) => format.push_into(packet, units)?,
            Format::Vp9(format) => format.push_into(packet, units)?,
            Format::Av1(format) => format.push_into(packet, units)?,
            Format::MpegVideo(format) => format.push_into(packet, units)?,
            Format::Mp2t(format) => units.extend(format.push(packet)?),
            Format::Aac(format) => units.extend(format.push(packet)?),
            Format::Latm(format) => units.extend(format.push(packet)?),
            Format::MpegAudio(format) => units.extend(format.push(packet)?),
            Format::Ac3(format) => units.extend(format.push(packet)?),
            Format::Other(format) => units.extend(format.push(packet)?),
        }
        Ok(())
    }
}

/// Ticks of the clock that an access unit of AAC lasts.
fn samples(config: &[u8]) -> u32 {
    let config = AudioSpecificConfig::parse(config);
    config.map_or(SAMPLES_PER_ACCESS_UNIT, |config| config.samples())
}
