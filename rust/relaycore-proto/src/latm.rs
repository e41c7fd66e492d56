//! LATM (ISO/IEC 14496-3 section 1.7): the configuration of a multiplex of AAC, StreamMuxConfig.

use alloc::vec::Vec;

use crate::bits::BitReader;

/// The AudioSpecificConfig within a StreamMuxConfig (section 1.7.3.1): what decoders of plain AAC need. Bits may follow
/// it in the last byte. `None` when there is none, or the multiplex holds several programs or layers.
#[must_use]
pub fn audio_specific_config(stream_mux_config: &[u8]) -> Option<Vec<u8>> {
    let mut reader = BitReader::new(stream_mux_config);
    let is_version_1 = reader.flag()?;
    if is_version_1 && reader.flag()? {
        return None; // audioMuxVersionA: not defined
    }
    if is_version_1 {
        read_value(&mut reader)?; // taraBufferFullness
    }
    reader.flag()?; // allStreamsSameTimeFraming
    reader.skip(6)?; // numSubFrames
    if reader.bits(4)? != 0 || reader.bits(3)? != 0 {
        return None; // numProgram, numLayer
    }
    let bits = if is_version_1 {
        (read_value(&mut reader)? as usize).min(reader.left())
    } else {
        reader.left()
    };
    let mut config = Vec::with_capacity(bits.div_ceil(8));
    let mut left = bits;
    while left > 0 {
        let count = left.min(8);
        let byte = reader.bits(count as u32)? << (8 - count);
        config.push(byte as u8);
        left -= count;
    }
    (!config.is_empty()).then_some(config)
}

/// `LatmGetValue`: two bits of how many bytes follow, less one.
fn read_value(reader: &mut BitReader<'_>) -> Option<u32> {
    let bytes = reader.bits(2)? + 1;
    reader.bits(8 * bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aac::AudioSpecificConfig;

    /// What ffmpeg and GStreamer write for AAC-LC, 44100 Hz, stereo.
    const FFMPEG: &[u8] = &[0x40, 0x00, 0x24, 0x20, 0x3f, 0xc0];

    #[test]
    fn the_configuration_of_aac_is_found() {
        let config = audio_specific_config(FFMPEG).unwrap();
        assert_eq!(config[..2], [0x12, 0x10]);
        let parsed = AudioSpecificConfig::parse(&config).unwrap();
        assert_eq!((parsed.sample_rate(), parsed.channels), (44_100, 2));
    }

    #[test]
    fn version_1_says_how_long_it_is() {
        // 1 0, taraBufferFullness 00 ff, then as above; length 00 10 (16 bits), then the configuration.
        let bytes = [0x8f, 0xf8, 0x00, 0x01, 0x01, 0x21, 0x00];
        assert_eq!(
            audio_specific_config(&bytes).as_deref(),
            Some(&[0x12, 0x10][..])
        );
    }

    #[test]
    fn other_multiplexes_are_not_read() {
        assert_eq!(audio_specific_config(&[]), None);
        assert_eq!(audio_specific_config(&[0x40]), None);
        assert_eq!(audio_specific_config(&[0xc0, 0, 0, 0]), None);
        assert_eq!(audio_specific_config(&[0x40, 0x20, 0x24, 0x20]), None);
    }
}
