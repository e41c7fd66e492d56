//! Tracks: what a stream's audio and video are.

use alloc::vec::Vec;

use crate::aac::{AacError, AudioSpecificConfig};
use crate::rtp::PayloadType;

/// How the access units of a track are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// H.264 video (RFC 6184).
    H264,
    /// AAC audio (RFC 3640, mode AAC-hbr).
    Aac,
    /// Motion JPEG video (RFC 2435).
    Jpeg,
}

/// What a track shows to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
}

impl Kind {
    /// Media type of the `m=` line in SDP (RFC 8866 section 5.14).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Video => "video",
            Self::Audio => "audio",
        }
    }
}

impl Codec {
    /// Name in configuration, logs and the library: `h264`, `aac`, `jpeg`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::H264 => "h264",
            Self::Aac => "aac",
            Self::Jpeg => "jpeg",
        }
    }

    /// Encoding name of `a=rtpmap` in SDP.
    #[must_use]
    pub fn rtp_name(self) -> &'static str {
        match self {
            Self::H264 => "H264",
            Self::Aac => "mpeg4-generic",
            Self::Jpeg => "JPEG",
        }
    }

    /// The codec of a [`name`](Self::name), in any case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|codec| codec.name().eq_ignore_ascii_case(name))
    }

    /// Whether it is video or audio.
    #[must_use]
    pub fn kind(self) -> Kind {
        match self {
            Self::H264 | Self::Jpeg => Kind::Video,
            Self::Aac => Kind::Audio,
        }
    }

    /// Every codec.
    pub const ALL: [Self; 3] = [Self::H264, Self::Aac, Self::Jpeg];
}

/// One audio or video of a stream; one `m=` section in SDP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// How the access units are encoded.
    pub codec: Codec,
    /// Ticks of media time in a second, in Hz.
    pub clock_rate: u32,
    /// Audio channels; 0 for video.
    pub channels: u8,
    /// Payload type of the RTP packets.
    pub payload_type: PayloadType,
    /// What a decoder needs before the first access unit. H.264: sequence and picture parameter sets as Annex B byte
    /// stream, empty as long as they were not seen. AAC: AudioSpecificConfig. JPEG: empty.
    pub parameters: Vec<u8>,
}

impl Track {
    /// An H.264 track. `parameters` may be empty: then they come with the first random access point.
    #[must_use]
    pub fn h264(parameters: &[u8]) -> Self {
        Self {
            codec: Codec::H264,
            clock_rate: VIDEO_CLOCK_RATE,
            channels: 0,
            payload_type: PayloadType(96),
            parameters: parameters.to_vec(),
        }
    }

    /// An AAC track; `config` is its AudioSpecificConfig, from which clock rate and channels are taken.
    pub fn aac(config: &[u8]) -> Result<Self, AacError> {
        let parsed = AudioSpecificConfig::parse(config)?;
        Ok(Self {
            codec: Codec::Aac,
            clock_rate: parsed.sample_rate(),
            channels: parsed.output_channels(),
            payload_type: PayloadType(97),
            parameters: config.to_vec(),
        })
    }

    /// A Motion JPEG track, with its static payload type (RFC 3551 table 5).
    #[must_use]
    pub fn jpeg() -> Self {
        Self {
            codec: Codec::Jpeg,
            clock_rate: VIDEO_CLOCK_RATE,
            channels: 0,
            payload_type: PayloadType(26),
            parameters: Vec::new(),
        }
    }
}

/// Clock rate of all video payload formats used here, in Hz.
pub const VIDEO_CLOCK_RATE: u32 = 90_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_codec() {
        for codec in Codec::ALL {
            assert_eq!(Codec::from_name(codec.name()), Some(codec));
        }
        assert_eq!(Codec::from_name("H264"), Some(Codec::H264));
        assert_eq!(Codec::from_name("vp9"), None);
    }

    #[test]
    fn an_aac_track_takes_rate_and_channels_from_its_configuration() {
        let track = Track::aac(&[0x12, 0x10]).unwrap();
        assert_eq!((track.clock_rate, track.channels), (44_100, 2));
        assert_eq!(track.parameters, [0x12, 0x10]);
        assert_eq!(Track::aac(&[0x12]), Err(AacError::Truncated));
    }
}
