//! Formats of sections to tracks.

use alloc::sync::Arc;
use core::fmt;

use super::parameters;
use super::parse::{Format, Media};
use crate::aac::AudioSpecificConfig;
use crate::latm;
use crate::rtp::PayloadType;
use crate::track::{Codec, ForeignFormat, Kind, Track};

impl Media {
    /// The track that this section describes: by the first of its formats that relaycore knows, or else by the first
    /// of all, whose packets it can carry without knowing what they hold.
    pub fn track(&self) -> Result<Track, FormatError> {
        let known = self.formats.iter().find(|format| {
            Codec::from_rtp_name(&format.encoding) != Codec::Other && format.is_described()
        });
        let format = known
            .or(self.formats.first())
            .ok_or(FormatError::NoFormat)?;
        self.track_of(format)
    }

    fn track_of(&self, format: &Format) -> Result<Track, FormatError> {
        if format.encoding.is_empty() {
            return Err(FormatError::NoMap(format.payload_type));
        }
        let codec = format.codec();
        let foreign = ForeignFormat {
            media: self.kind.clone(),
            encoding: format.encoding.clone(),
            fmtp: format.fmtp.clone(),
            attributes: self.attributes.clone(),
        };
        let parameters = parameters::read(codec, &foreign)?;
        let mut track = Track {
            codec,
            clock_rate: format.clock_rate,
            channels: format.channels,
            payload_type: format.payload_type,
            parameters,
            format: Some(Arc::new(foreign)),
        };
        if let Some(config) = audio_config(codec, &track.parameters) {
            // Publishers of LATM leave the channels out, or count them otherwise; the decoder goes by these.
            track.channels = config.output_channels();
            if track.clock_rate == 0 {
                track.clock_rate = config.sample_rate();
            }
        }
        if track.clock_rate == 0 {
            let rate = codec.fixed_clock_rate();
            track.clock_rate = rate.ok_or(FormatError::NoMap(format.payload_type))?;
        }
        track.channels = match (track.kind(), codec) {
            (_, Codec::Opus) => 2,
            (Kind::Audio, _) => track.channels.max(1),
            (Kind::Video | Kind::Application, _) => 0,
        };
        Ok(track)
    }
}

/// What the parameters of AAC say about its sound.
fn audio_config(codec: Codec, parameters: &[u8]) -> Option<AudioSpecificConfig> {
    match codec {
        Codec::Aac => AudioSpecificConfig::parse(parameters).ok(),
        Codec::Latm => {
            let config = latm::audio_specific_config(parameters)?;
            AudioSpecificConfig::parse(&config).ok()
        }
        _ => None,
    }
}

impl Format {
    /// Whether there is enough to know the format by: an encoding name.
    fn is_described(&self) -> bool {
        !self.encoding.is_empty()
    }

    /// Its codec. What a codec's packetisation cannot be read in is carried like any other unknown format.
    fn codec(&self) -> Codec {
        let codec = Codec::from_rtp_name(&self.encoding);
        let readable = match codec {
            // Mode 2 interleaves: packets would have to be put in order (RFC 6184 section 5.2).
            Codec::H264 => matches!(self.parameter("packetization-mode"), None | Some("0" | "1")),
            // So do packets with decoding order numbers (RFC 7798 section 4.1).
            Codec::H265 => matches!(self.parameter("sprop-max-don-diff"), None | Some("0")),
            // Otherwise the configuration is in the packets, which then have no bytes of their own (RFC 6416 section 6.1).
            Codec::Latm => self.parameter("cpresent") == Some("0"),
            Codec::Aac => self.is_high_bit_rate_aac(),
            _ => true,
        };
        if readable { codec } else { Codec::Other }
    }

    /// RFC 3640 section 3.3.6; publishers that leave out parameters mean their usual values.
    fn is_high_bit_rate_aac(&self) -> bool {
        let usual = [
            ("mode", "AAC-hbr"),
            ("sizelength", "13"),
            ("indexlength", "3"),
            ("indexdeltalength", "3"),
        ];
        usual.into_iter().all(|(name, usual)| {
            self.parameter(name)
                .is_none_or(|value| value.eq_ignore_ascii_case(usual))
        })
    }
}

/// Why a section is no track that can be carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormatError {
    /// The section has no format.
    NoFormat,
    /// Nothing says what a payload type is: it is not static, and has no `a=rtpmap` with encoding name and clock rate.
    NoMap(PayloadType),
    /// A parameter of the format has a value that cannot be read, or is missing.
    Parameter(&'static str),
}

impl fmt::Display for FormatError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFormat => write!(
                out,
                "the track names no format: add a payload type to its m= line"
            ),
            Self::NoMap(PayloadType(number)) => write!(
                out,
                "nothing says what payload type {number} is: add a line like a=rtpmap:{number} H264/90000"
            ),
            Self::Parameter(name) => write!(
                out,
                "the format parameter {name} is missing or cannot be read: set it in the a=fmtp line"
            ),
        }
    }
}

impl core::error::Error for FormatError {}
