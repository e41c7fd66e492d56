//! Packets of any codec to access units.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::{PayloadError, aac, av1, h264, h265, jpeg, other, vp8, vp9};
use crate::aac::AudioSpecificConfig;
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
    Jpeg(Box<jpeg::Depacketiser>),
    Vp8(vp8::Depacketiser),
    Vp9(vp9::Depacketiser),
    Av1(av1::Depacketiser),
    Aac(aac::Depacketiser),
    Other(other::Depacketiser),
}

impl Depacketiser {
    /// A depacketiser for `track`, with the default limit for access units.
    #[must_use]
    pub fn new(track: &Track) -> Self {
        Self(match track.codec {
            Codec::H264 => Format::H264(h264::Depacketiser::new()),
            Codec::Aac => {
                let config = AudioSpecificConfig::parse(&track.parameters).ok();
                let samples = config.map(|config| config.samples());
                Format::Aac(
                    samples.map_or_else(aac::Depacketiser::new, aac::Depacketiser::with_samples),
                )
            }
            Codec::H265 => Format::H265(h265::Depacketiser::new()),
            Codec::Jpeg => Format::Jpeg(Box::default()),
            Codec::Vp8 => Format::Vp8(vp8::Depacketiser::new()),
            Codec::Vp9 => Format::Vp9(vp9::Depacketiser::new()),
            Codec::Av1 => Format::Av1(av1::Depacketiser::new()),
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
            Format::Jpeg(format) => format.push_into(packet, units)?,
            Format::Vp8(format) => format.push_into(packet, units)?,
            Format::Vp9(format) => format.push_into(packet, units)?,
            Format::Av1(format) => format.push_into(packet, units)?,
            Format::Aac(format) => units.extend(format.push(packet)?),
            Format::Other(format) => units.extend(format.push(packet)?),
        }
        Ok(())
    }
}
