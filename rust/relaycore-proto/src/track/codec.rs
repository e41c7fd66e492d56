//! Codecs: how access units are encoded, and how SDP calls that.

/// How the access units of a track are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// H.264 video (RFC 6184).
    H264,
    /// H.265 video (RFC 7798).
    H265,
    /// MPEG-4 part 2 video (RFC 6416 section 5).
    Mpeg4Video,
    /// Motion JPEG video (RFC 2435).
    Jpeg,
    /// VP8 video (RFC 7741).
    Vp8,
    /// VP9 video (RFC 9628).
    Vp9,
    /// AV1 video (RTP Payload Format For AV1, Alliance for Open Media).
    Av1,
    /// MPEG-1 and MPEG-2 video (RFC 2250 section 3).
    MpegVideo,
    /// MPEG transport stream (RFC 2250 section 2).
    Mp2t,
    /// AAC audio (RFC 3640, mode AAC-hbr).
    Aac,
    /// AAC audio in LATM (RFC 6416 section 6).
    Latm,
    /// Opus audio (RFC 7587).
    Opus,
    /// G.711 audio, μ-law (RFC 3551 section 4.5.14).
    Pcmu,
    /// G.711 audio, A-law (RFC 3551 section 4.5.14).
    Pcma,
    /// G.722 audio (RFC 3551 section 4.5.2).
    G722,
    /// Uncompressed audio, 16 bits a sample, big-endian (RFC 3551 section 4.5.11).
    L16,
    /// MPEG-1 and MPEG-2 audio, layers I to III (RFC 2250 section 3.5).
    MpegAudio,
    /// AC-3 audio (RFC 4184).
    Ac3,
    /// Anything else: its packets are carried, and never looked into.
    Other,
}

/// What a track is for a person; the media type of the `m=` line in SDP (RFC 8866 section 5.14).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
    /// Neither: metadata, text, telemetry.
    Application,
}

impl Kind {
    /// Its media type in SDP.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Application => "application",
        }
    }

    /// The kind of a media type in SDP; all but video and audio are [`Application`](Self::Application).
    #[must_use]
    pub fn from_media(media: &str) -> Self {
        if media.eq_ignore_ascii_case("video") {
            Self::Video
        } else if media.eq_ignore_ascii_case("audio") {
            Self::Audio
        } else {
            Self::Application
        }
    }
}

impl Codec {
    /// Every codec.
    pub const ALL: [Self; 19] = [
        Self::H264,
        Self::H265,
        Self::Mpeg4Video,
        Self::Jpeg,
        Self::Vp8,
        Self::Vp9,
        Self::Av1,
        Self::MpegVideo,
        Self::Mp2t,
        Self::Aac,
        Self::Latm,
        Self::Opus,
        Self::Pcmu,
        Self::Pcma,
        Self::G722,
        Self::L16,
        Self::MpegAudio,
        Self::Ac3,
        Self::Other,
    ];

    /// Name in configuration, logs and the library: `h264`, `aac`, `jpeg`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::H264 => "h264",
            Self::H265 => "h265",
            Self::Mpeg4Video => "mpeg4",
            Self::Jpeg => "jpeg",
            Self::Vp8 => "vp8",
            Self::Vp9 => "vp9",
            Self::Av1 => "av1",
            Self::MpegVideo => "mpegvideo",
            Self::Mp2t => "mpegts",
            Self::Aac => "aac",
            Self::Latm => "latm",
            Self::Opus => "opus",
            Self::Pcmu => "pcmu",
            Self::Pcma => "pcma",
            Self::G722 => "g722",
            Self::L16 => "l16",
            Self::MpegAudio => "mpegaudio",
            Self::Ac3 => "ac3",
            Self::Other => "other",
        }
    }

    /// Encoding name of `a=rtpmap` in SDP.
    #[must_use]
    pub fn rtp_name(self) -> &'static str {
        match self {
            Self::H264 => "H264",
            Self::H265 => "H265",
            Self::Mpeg4Video => "MP4V-ES",
            Self::Jpeg => "JPEG",
            Self::Vp8 => "VP8",
            Self::Vp9 => "VP9",
            Self::Av1 => "AV1",
            Self::MpegVideo => "MPV",
            Self::Mp2t => "MP2T",
            Self::Aac => "mpeg4-generic",
            Self::Latm => "MP4A-LATM",
            Self::Opus => "opus",
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
            Self::G722 => "G722",
            Self::L16 => "L16",
            Self::MpegAudio => "MPA",
            Self::Ac3 => "ac3",
            Self::Other => "octet-stream",
        }
    }

    /// The codec of a [`name`](Self::name), in any case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|codec| codec.name().eq_ignore_ascii_case(name))
    }

    /// The codec of an encoding name in SDP, in any case; [`Other`](Self::Other) when it is not known.
    #[must_use]
    pub fn from_rtp_name(name: &str) -> Self {
        let known = Self::ALL
            .into_iter()
            .find(|codec| codec.rtp_name().eq_ignore_ascii_case(name));
        known.unwrap_or(Self::Other)
    }

    /// What it encodes. A track that a publisher described may say otherwise: see [`Track::kind`](super::Track::kind).
    #[must_use]
    pub fn kind(self) -> Kind {
        match self {
            Self::H264
            | Self::H265
            | Self::Mpeg4Video
            | Self::Jpeg
            | Self::Vp8
            | Self::Vp9
            | Self::Av1
            | Self::MpegVideo
            | Self::Mp2t => Kind::Video,
            Self::Aac
            | Self::Latm
            | Self::Opus
            | Self::Pcmu
            | Self::Pcma
            | Self::G722
            | Self::L16
            | Self::MpegAudio
            | Self::Ac3 => Kind::Audio,
            Self::Other => Kind::Application,
        }
    }

    /// The clock rate that its payload format prescribes, in Hz; `None` where the track chooses it.
    #[must_use]
    pub fn fixed_clock_rate(self) -> Option<u32> {
        match self {
            Self::H264
            | Self::H265
            | Self::Jpeg
            | Self::Vp8
            | Self::Vp9
            | Self::Av1
            | Self::MpegVideo
            | Self::Mp2t
            | Self::MpegAudio => Some(super::VIDEO_CLOCK_RATE),
            Self::Opus => Some(48_000),
            // For G.722 a mistake that stays: its samples are 16000 a second (RFC 3551 section 4.5.2).
            Self::Pcmu | Self::Pcma | Self::G722 => Some(8000),
            Self::Mpeg4Video | Self::Aac | Self::Latm | Self::L16 | Self::Ac3 | Self::Other => None,
        }
    }

    /// Whether what a decoder needs to start may change within a stream: it comes again in the packets.
    #[must_use]
    pub fn has_parameters_in_band(self) -> bool {
        matches!(
            self,
            Self::H264
                | Self::H265
                | Self::Jpeg
                | Self::Vp8
                | Self::Vp9
                | Self::Av1
                | Self::MpegVideo
                | Self::Mp2t
        )
    }
}
