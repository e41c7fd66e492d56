//! Tracks: what a stream's audio and video are.

mod codec;
mod foreign;

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::aac::{AacError, AudioSpecificConfig};
use crate::rtp::PayloadType;

pub use codec::{Codec, Kind};
pub use foreign::ForeignFormat;
pub(crate) use foreign::parameters;

/// One audio, video or metadata of a stream; one `m=` section in SDP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// How the access units are encoded.
    pub codec: Codec,
    /// Ticks of media time in a second, in Hz.
    pub clock_rate: u32,
    /// Audio channels; 0 for everything else.
    pub channels: u8,
    /// Payload type of the RTP packets.
    pub payload_type: PayloadType,
    /// What a decoder needs before the first access unit; empty as long as it is not known, and for codecs not named here.
    ///
    /// - H.264: sequence and picture parameter sets as Annex B byte stream.
    /// - H.265: video, sequence and picture parameter sets as Annex B byte stream.
    /// - MPEG-4 video: the configuration, from the visual object sequence to the video object layer.
    /// - AAC: AudioSpecificConfig. LATM: StreamMuxConfig.
    pub parameters: Vec<u8>,
    /// How the publisher described it; `None` for a track that is made here.
    pub format: Option<Arc<ForeignFormat>>,
}

impl Track {
    /// A track that is made here. Where the codec prescribes the clock rate, or leaves no channels, `clock_rate` and
    /// `channels` do not matter; Opus always counts two channels (RFC 7587 section 7).
    ///
    /// The payload type is the static one of RFC 3551 where there is one, otherwise 96 for video, 97 for audio and 98
    /// for what is neither.
    #[must_use]
    pub fn new(codec: Codec, clock_rate: u32, channels: u8, parameters: &[u8]) -> Self {
        let clock_rate = codec.fixed_clock_rate().unwrap_or(clock_rate);
        let channels = match codec {
            Codec::Opus => 2,
            _ if codec.kind() == Kind::Audio => channels.max(1),
            _ => 0,
        };
        let payload_type = match (codec, clock_rate, channels) {
            (Codec::Pcmu, _, 1) => 0,
            (Codec::Pcma, _, 1) => 8,
            (Codec::G722, _, 1) => 9,
            (Codec::L16, 44_100, 2) => 10,
            (Codec::L16, 44_100, 1) => 11,
            (Codec::MpegAudio, ..) => 14,
            (Codec::Jpeg, ..) => 26,
            (Codec::MpegVideo, ..) => 32,
            (Codec::Mp2t, ..) => 33,
            _ => match codec.kind() {
                Kind::Video => 96,
                Kind::Audio => 97,
                Kind::Application => 98,
            },
        };
        Self {
            codec,
            clock_rate,
            channels,
            payload_type: PayloadType(payload_type),
            parameters: parameters.to_vec(),
            format: None,
        }
    }

    /// An H.264 track. `parameters` may be empty: then they come with the first random access point.
    #[must_use]
    pub fn h264(parameters: &[u8]) -> Self {
        Self::new(Codec::H264, VIDEO_CLOCK_RATE, 0, parameters)
    }

    /// An AAC track; `config` is its AudioSpecificConfig, from which clock rate and channels are taken.
    pub fn aac(config: &[u8]) -> Result<Self, AacError> {
        let parsed = AudioSpecificConfig::parse(config)?;
        let (rate, channels) = (parsed.sample_rate(), parsed.output_channels());
        Ok(Self::new(Codec::Aac, rate, channels, config))
    }

    /// A Motion JPEG track.
    #[must_use]
    pub fn jpeg() -> Self {
        Self::new(Codec::Jpeg, VIDEO_CLOCK_RATE, 0, &[])
    }

    /// What it is: as its publisher said, or as its codec is used.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match &self.format {
            Some(format) => Kind::from_media(&format.media),
            None => self.codec.kind(),
        }
    }

    /// Encoding name in SDP.
    #[must_use]
    pub fn encoding(&self) -> &str {
        match &self.format {
            Some(format) => &format.encoding,
            None => self.codec.rtp_name(),
        }
    }

    /// Whether readers of this track can go on with what a publisher calls `other`: the codec, the clock and the
    /// channels are the same, and what a decoder needs to start either is too, or comes with the packets.
    #[must_use]
    pub fn accepts(&self, other: &Self) -> bool {
        let same_codec = self.codec == other.codec
            && self.kind() == other.kind()
            && self.clock_rate == other.clock_rate
            && self.channels == other.channels;
        let fmtp = |track: &Self| track.format.as_ref().and_then(|format| format.fmtp.clone());
        same_codec
            && match self.codec {
                // Nothing is known of these but what their descriptions say.
                Codec::Other => {
                    self.encoding().eq_ignore_ascii_case(other.encoding())
                        && fmtp(self) == fmtp(other)
                }
                codec => codec.has_parameters_in_band() || self.parameters == other.parameters,
            }
    }
}

/// Clock rate of most video payload formats, in Hz.
pub const VIDEO_CLOCK_RATE: u32 = 90_000;

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;

    #[test]
    fn names_lead_back_to_their_codec() {
        for codec in Codec::ALL {
            assert_eq!(Codec::from_name(codec.name()), Some(codec));
            assert_eq!(Codec::from_rtp_name(codec.rtp_name()), codec);
        }
        assert_eq!(Codec::from_name("H264"), Some(Codec::H264));
        assert_eq!(Codec::from_name("theora"), None);
        assert_eq!(Codec::from_rtp_name("theora"), Codec::Other);
        assert_eq!(Codec::from_rtp_name("OPUS"), Codec::Opus);
    }

    #[test]
    fn an_aac_track_takes_rate_and_channels_from_its_configuration() {
        let track = Track::aac(&[0x12, 0x10]).unwrap();
        assert_eq!((track.clock_rate, track.channels), (44_100, 2));
        assert_eq!(track.parameters, [0x12, 0x10]);
        assert_eq!(Track::aac(&[0x12]), Err(AacError::Truncated));
    }

    #[test]
    fn tracks_made_here_have_the_numbers_that_their_format_prescribes() {
        let table = [
            (Codec::H265, 1, 2, (90_000, 0, 96)),
            (Codec::Mpeg4Video, 25_000, 0, (25_000, 0, 96)),
            (Codec::MpegVideo, 0, 0, (90_000, 0, 32)),
            (Codec::Mp2t, 0, 0, (90_000, 0, 33)),
            (Codec::Opus, 16_000, 1, (48_000, 2, 97)),
            (Codec::Pcmu, 16_000, 0, (8000, 1, 0)),
            (Codec::Pcma, 8000, 2, (8000, 2, 97)),
            (Codec::G722, 16_000, 1, (8000, 1, 9)),
            (Codec::L16, 44_100, 2, (44_100, 2, 10)),
            (Codec::L16, 44_100, 1, (44_100, 1, 11)),
            (Codec::L16, 48_000, 2, (48_000, 2, 97)),
            (Codec::MpegAudio, 44_100, 2, (90_000, 2, 14)),
            (Codec::Other, 1000, 7, (1000, 0, 98)),
        ];
        for (codec, rate, channels, expected) in table {
            let track = Track::new(codec, rate, channels, &[]);
            let numbers = (track.clock_rate, track.channels, track.payload_type.0);
            assert_eq!(numbers, expected, "{codec:?}");
            assert_eq!(track.kind(), codec.kind());
        }
    }

    #[test]
    fn readers_can_go_on_where_nothing_changed_that_they_were_told() {
        let h264 = Track::h264(&[1]);
        assert!(h264.accepts(&Track::h264(&[2])));
        assert!(!h264.accepts(&Track::new(Codec::H265, 0, 0, &[1])));
        let aac = Track::aac(&[0x11, 0x90]).unwrap();
        assert!(aac.accepts(&aac.clone()));
        assert!(!aac.accepts(&Track::aac(&[0x12, 0x10]).unwrap()));
        let rate = Track::new(Codec::L16, 48_000, 2, &[]);
        assert!(!rate.accepts(&Track::new(Codec::L16, 44_100, 2, &[])));
        assert!(!rate.accepts(&Track::new(Codec::L16, 48_000, 1, &[])));

        let other = |encoding: &str, fmtp: Option<&str>| Track {
            format: Some(Arc::new(ForeignFormat {
                media: String::from("application"),
                encoding: String::from(encoding),
                fmtp: fmtp.map(String::from),
                attributes: Vec::new(),
            })),
            ..Track::new(Codec::Other, 90_000, 0, &[])
        };
        assert!(other("smpte336m", None).accepts(&other("SMPTE336M", None)));
        assert!(!other("smpte336m", None).accepts(&other("vnd.onvif.metadata", None)));
        assert!(!other("x", None).accepts(&other("x", Some("a=b"))));
    }

    #[test]
    fn the_kind_is_what_the_publisher_said() {
        let mut track = Track::new(Codec::Other, 90_000, 0, &[]);
        for (media, kind) in [
            ("video", Kind::Video),
            ("Audio", Kind::Audio),
            ("text", Kind::Application),
        ] {
            track.format = Some(Arc::new(ForeignFormat {
                media: String::from(media),
                ..ForeignFormat::default()
            }));
            assert_eq!(track.kind(), kind);
        }
    }
}
