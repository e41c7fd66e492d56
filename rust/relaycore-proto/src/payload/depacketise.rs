//! Packets of any codec to access units.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::{PayloadError, aac, h264, jpeg, other};
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
    Aac(aac::Depacketiser),
    Jpeg(Box<jpeg::Depacketiser>),
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
            Codec::Jpeg => Format::Jpeg(Box::default()),
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
            Format::H264(format) => {
                let unit = format.push(packet);
                let pending = format.take_pending();
                units.extend(unit?);
                units.extend(pending);
            }
            Format::Aac(format) => units.extend(format.push(packet)?),
            Format::Jpeg(format) => units.extend(format.push(packet)?),
            Format::Other(format) => units.extend(format.push(packet)?),
        }
        Ok(())
    }
}
