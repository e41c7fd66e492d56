//! AAC: AudioSpecificConfig (ISO/IEC 14496-3 section 1.6.2.1) and ADTS headers (section 1.A.2.2).

use alloc::vec::Vec;
use core::fmt;

use crate::bits::BitReader;

/// Samples of one AAC-LC access unit, in the usual configuration.
pub const SAMPLES_PER_ACCESS_UNIT: u32 = 1024;

/// What an AudioSpecificConfig says about an AAC track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioSpecificConfig {
    /// Audio object type of the core: 2 is AAC-LC.
    pub object_type: u8,
    /// Sample rate of the core, in Hz.
    pub core_sample_rate: u32,
    /// Sample rate after spectral band replication when the configuration says so, in Hz.
    pub extension_sample_rate: Option<u32>,
    /// Channels of the core; 0 when they are described within the stream.
    pub channels: u8,
    /// Samples of one access unit at the core's sample rate: 1024 or 960.
    pub core_samples: u32,
    /// Whether the configuration announces parametric stereo: mono in the core, stereo when decoded.
    pub parametric_stereo: bool,
}

impl AudioSpecificConfig {
    /// Reads the configuration, with spectral band replication signalled explicitly in either of the two ways: object
    /// type 5 or 29 in front, or the sync extension 0x2b7 behind.
    pub fn parse(bytes: &[u8]) -> Result<Self, AacError> {
        let mut reader = BitReader::new(bytes);
        Self::read(&mut reader).ok_or(AacError::Truncated)?
    }

    /// Sample rate of the decoded audio, which is the RTP clock rate (RFC 3640 section 3.1), in Hz.
    #[must_use]
    pub fn sample_rate(&self) -> u32 {
        self.extension_sample_rate.unwrap_or(self.core_sample_rate)
    }

    /// Samples that one access unit gives at [`sample_rate`](Self::sample_rate).
    #[must_use]
    pub fn samples(&self) -> u32 {
        let core_rate = u64::from(self.core_sample_rate.max(1));
        (u64::from(self.core_samples) * u64::from(self.sample_rate()) / core_rate) as u32
    }

    /// Channels of the decoded audio.
    #[must_use]
    pub fn output_channels(&self) -> u8 {
        if self.parametric_stereo && self.channels == 1 {
            2
        } else {
            self.channels
        }
    }

    /// Configuration of AAC-LC with `channels` channels at `sample_rate` Hz: two bytes, or five for a rate that has no
    /// index. `None` when there is no channel configuration for `channels`.
    #[must_use]
    pub fn aac_lc(sample_rate: u32, channels: u8) -> Option<Vec<u8>> {
        let configuration = match channels {
            1..=6 => channels,
            8 => 7,
            _ => return None,
        };
        let mut bits = u64::from(AAC_LC);
        let mut length = 5;
        match SAMPLE_RATES.iter().position(|&rate| rate == sample_rate) {
            Some(index) => {
                bits = bits << 4 | index as u64;
                length += 4;
            }
            None => {
                bits = bits << 28 | 0xf << 24 | u64::from(sample_rate & 0xff_ffff);
                length += 28;
            }
        }
        // Channel configuration, then GASpecificConfig: 1024 samples, no core coder, no extension.
        bits = bits << 4 | u64::from(configuration);
        bits <<= 3;
        length += 4 + 3;
        bits <<= 64 - length;
        let bytes = usize::try_from(length).ok()?.div_ceil(8);
        Some(bits.to_be_bytes()[..bytes].to_vec())
    }

    /// `None` when the bytes end too early.
    fn read(reader: &mut BitReader<'_>) -> Option<Result<Self, AacError>> {
        let mut object_type = read_object_type(reader)?;
        let Some(core_sample_rate) = read_sample_rate(reader)? else {
            return Some(Err(AacError::SampleRate));
        };
        let Some(channels) = channel_count(reader.bits(4)?) else {
            return Some(Err(AacError::Channels));
        };
        let mut config = Self {
            object_type,
            core_sample_rate,
            extension_sample_rate: None,
            channels,
            core_samples: SAMPLES_PER_ACCESS_UNIT,
            parametric_stereo: false,
        };
        if object_type == SBR || object_type == PARAMETRIC_STEREO {
            config.parametric_stereo = object_type == PARAMETRIC_STEREO;
            let Some(rate) = read_sample_rate(reader)? else {
                return Some(Err(AacError::SampleRate));
            };
            config.extension_sample_rate = Some(rate);
            object_type = read_object_type(reader)?;
            config.object_type = object_type;
        }
        if !is_general_audio(object_type) {
            return Some(Err(AacError::ObjectType(object_type)));
        }
        let short_frame = reader.flag()?;
        config.core_samples = if short_frame {
            960
        } else {
            SAMPLES_PER_ACCESS_UNIT
        };
        if config.extension_sample_rate.is_none() {
            // The extension behind is optional: what cannot be read is not there.
            let _ = config.read_sync_extension(reader);
        }
        Some(Ok(config))
    }

    /// Reads what may follow `frameLengthFlag`: the rest of GASpecificConfig, then the backward compatible signal of
    /// spectral band replication.
    fn read_sync_extension(&mut self, reader: &mut BitReader<'_>) -> Option<()> {
        let depends_on_core_coder = reader.flag()?;
        if depends_on_core_coder {
            reader.skip(14)?;
        }
        let extension_flag = reader.flag()?;
        if extension_flag || self.channels == 0 {
            return None;
        }
        if reader.bits(11)? != 0x2b7 || read_object_type(reader)? != SBR || !reader.flag()? {
            return None;
        }
        self.extension_sample_rate = Some(read_sample_rate(reader)??);
        if reader.bits(11)? == 0x548 {
            self.parametric_stereo = reader.flag()?;
        }
        Some(())
    }
}

/// One access unit without its ADTS header, and what follows it in `data`. `None` when `data` does not start with a
/// whole ADTS frame of one raw block.
#[must_use]
pub fn strip_adts(data: &[u8]) -> Option<AdtsFrame<'_>> {
    let header = data.first_chunk::<7>()?;
    let sync = u16::from_be_bytes([header[0], header[1]]);
    // Twelve bits of sync word, the MPEG version (either), and two bits of layer, always zero.
    if sync & 0xfff6 != 0xfff0 {
        return None;
    }
    let has_checksum = header[1] & 1 == 0;
    let length = usize::from(header[3] & 3) << 11
        | usize::from(header[4]) << 3
        | usize::from(header[5]) >> 5;
    let raw_blocks = header[6] & 3;
    let header_bytes = if has_checksum { 9 } else { 7 };
    let sample_rate = *SAMPLE_RATES.get(usize::from(header[2] >> 2 & 0xf))?;
    let configuration = u32::from(header[2] & 1) << 2 | u32::from(header[3] >> 6);
    if raw_blocks != 0 || length <= header_bytes {
        return None;
    }
    let (frame, rest) = data.split_at_checked(length)?;
    Some(AdtsFrame {
        access_unit: &frame[header_bytes..],
        object_type: (header[2] >> 6) + 1,
        sample_rate,
        channels: channel_count(configuration)?,
        rest,
    })
}

/// What [`strip_adts`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdtsFrame<'a> {
    /// The raw block.
    pub access_unit: &'a [u8],
    /// Audio object type: 2 is AAC-LC.
    pub object_type: u8,
    /// Sample rate, in Hz.
    pub sample_rate: u32,
    /// Channels; 0 when they are described within the stream.
    pub channels: u8,
    /// Data behind the frame.
    pub rest: &'a [u8],
}

/// Why bytes are not an AudioSpecificConfig of an AAC track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AacError {
    /// The configuration ends too early.
    Truncated,
    /// The audio object type is not one of AAC.
    ObjectType(u8),
    /// The sample rate is zero or has a reserved index.
    SampleRate,
    /// The channel configuration is reserved.
    Channels,
}

impl fmt::Display for AacError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => write!(out, "the AAC configuration ends too early"),
            Self::ObjectType(number) => {
                write!(
                    out,
                    "audio object type {number} is not AAC; encode the audio as AAC-LC"
                )
            }
            Self::SampleRate => write!(out, "the AAC configuration has no valid sample rate"),
            Self::Channels => write!(
                out,
                "the AAC configuration has a reserved channel configuration"
            ),
        }
    }
}

impl core::error::Error for AacError {}

/// `samplingFrequencyIndex`, table 1.18, in Hz.
const SAMPLE_RATES: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8000,
    7350,
];

/// Audio object types, table 1.17.
const AAC_LC: u8 = 2;
const SBR: u8 = 5;
const PARAMETRIC_STEREO: u8 = 29;

/// Whether GASpecificConfig follows, with the meaning that is read here: main, LC, SSR, LTP and their error resilient
/// forms.
fn is_general_audio(object_type: u8) -> bool {
    matches!(object_type, 1..=4 | 17 | 19)
}

fn read_object_type(reader: &mut BitReader<'_>) -> Option<u8> {
    let number = match reader.bits(5)? {
        31 => 32 + reader.bits(6)?,
        number => number,
    };
    Some(number as u8)
}

/// The inner `None` is a reserved index or a rate of zero.
fn read_sample_rate(reader: &mut BitReader<'_>) -> Option<Option<u32>> {
    let rate = match reader.bits(4)? {
        15 => Some(reader.bits(24)?),
        index => SAMPLE_RATES.get(index as usize).copied(),
    };
    Some(rate.filter(|&rate| rate > 0))
}

/// Channels of `channelConfiguration`, table 1.19, with the additions of its later editions.
fn channel_count(configuration: u32) -> Option<u8> {
    match configuration {
        0..=6 => Some(configuration as u8),
        7 | 12 | 14 => Some(8),
        11 => Some(7),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn parse(bytes: &[u8]) -> AudioSpecificConfig {
        AudioSpecificConfig::parse(bytes).unwrap()
    }

    #[test]
    fn plain_configurations_are_read() {
        let config = parse(&[0x11, 0x90]);
        assert_eq!(
            (config.object_type, config.sample_rate(), config.channels),
            (2, 48_000, 2)
        );
        assert_eq!((config.core_samples, config.samples()), (1024, 1024));
        assert_eq!(parse(&[0x12, 0x14]).core_samples, 960);
        // A rate without index, in 24 bits.
        let config = parse(&[0x17, 0x80, 0x3e, 0x81, 0x08]);
        assert_eq!((config.sample_rate(), config.channels), (32_002, 1));
    }

    #[test]
    fn spectral_band_replication_in_front_is_read() {
        // Object type 5, core 22050, stereo, extension 44100, then object type 2.
        let config = parse(&[0x2b, 0x92, 0x08, 0x00]);
        assert_eq!((config.object_type, config.core_sample_rate), (2, 22_050));
        assert_eq!((config.sample_rate(), config.samples()), (44_100, 2048));
        assert_eq!(config.output_channels(), 2);
    }

    #[test]
    fn parametric_stereo_in_front_is_read() {
        // Object type 29, core 22050, mono, extension 44100, then object type 2.
        let config = parse(&[0xeb, 0x8a, 0x08, 0x00]);
        assert_eq!((config.channels, config.output_channels()), (1, 2));
        assert_eq!(config.sample_rate(), 44_100);
    }

    #[test]
    fn spectral_band_replication_behind_is_read() {
        let config = parse(&[0x13, 0x90, 0x56, 0xe5, 0xa0]);
        assert_eq!(
            (config.core_sample_rate, config.sample_rate()),
            (22_050, 44_100)
        );
        assert!(!config.parametric_stereo);
        let config = parse(&[0x13, 0x88, 0x56, 0xe5, 0xa5, 0x48, 0x80]);
        assert!(config.parametric_stereo);
    }

    #[test]
    fn what_is_no_aac_is_an_error() {
        assert_eq!(AudioSpecificConfig::parse(&[]), Err(AacError::Truncated));
        assert_eq!(
            AudioSpecificConfig::parse(&[0x11]),
            Err(AacError::Truncated)
        );
        assert_eq!(
            AudioSpecificConfig::parse(&[0x06, 0x90, 0]),
            Err(AacError::SampleRate)
        );
        assert_eq!(
            AudioSpecificConfig::parse(&[0x11, 0xc8]),
            Err(AacError::Channels)
        );
        let usac = [0xf9, 0x46, 0x40, 0];
        assert_eq!(
            AudioSpecificConfig::parse(&usac),
            Err(AacError::ObjectType(42))
        );
    }

    #[test]
    fn written_configurations_are_read_back() {
        assert_eq!(
            AudioSpecificConfig::aac_lc(44_100, 2),
            Some(vec![0x12, 0x10])
        );
        assert_eq!(AudioSpecificConfig::aac_lc(44_100, 7), None);
        for rate in SAMPLE_RATES.into_iter().chain([1, 44_000]) {
            for channels in [1, 2, 6, 8] {
                let config = parse(&AudioSpecificConfig::aac_lc(rate, channels).unwrap());
                assert_eq!((config.sample_rate(), config.channels), (rate, channels));
                assert_eq!(config.samples(), 1024);
            }
        }
    }

    #[test]
    fn adts_frames_need_all_their_bytes() {
        // AAC-LC, 44100, stereo, nine bytes of header and checksum, three of data.
        let frame = [0xff, 0xf0, 0x50, 0x80, 0x01, 0x9f, 0xfc, 0, 0, 7, 8, 9, 1];
        let stripped = strip_adts(&frame).unwrap();
        assert_eq!(stripped.access_unit, [7, 8, 9]);
        assert_eq!((stripped.sample_rate, stripped.channels), (44_100, 2));
        assert_eq!(stripped.rest, [1]);
        for end in 0..12 {
            assert_eq!(strip_adts(&frame[..end]), None);
        }
    }
}
