//! MPEG-1 and MPEG-2 audio (ISO/IEC 11172-3, 13818-3), layers I to III: frame headers.
//!
//! ```text
//! | sync word, 11 bits | version 2 | layer 2 | protection 1 | bit rate 4 | rate 2 | padding 1 | 9 more bits |
//! ```

/// What the header of a frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// Length of the whole frame, its header included, in bytes.
    pub bytes: usize,
    /// Samples of each channel that it gives.
    pub samples: u32,
    /// Samples in a second, in Hz.
    pub sample_rate: u32,
}

impl FrameHeader {
    /// Reads the header at the start of `data`. `None` when there is none, or the bit rate is "free": then nothing says
    /// where the frame ends.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<Self> {
        let &[first, second, third, _] = data.first_chunk::<4>()?;
        if first != 0xff || second & 0xe0 != 0xe0 {
            return None;
        }
        let (version, layer) = (second >> 3 & 3, second >> 1 & 3);
        if version == 1 || layer == 0 {
            return None;
        }
        let is_version_1 = version == MPEG_1;
        let rates = match (is_version_1, layer) {
            (true, LAYER_1) => &BIT_RATES[0],
            (true, LAYER_2) => &BIT_RATES[1],
            (true, _) => &BIT_RATES[2],
            (false, LAYER_1) => &BIT_RATES[3],
            (false, _) => &BIT_RATES[4],
        };
        let bit_rate = match rates.get(usize::from(third >> 4)) {
            None | Some(0) => return None,
            Some(&rate) => u32::from(rate) * 1000,
        };
        let shift = match version {
            MPEG_1 => 0,
            MPEG_2 => 1,
            _ => 2,
        };
        let sample_rate = SAMPLE_RATES.get(usize::from(third >> 2 & 3))? >> shift;
        let padding = u32::from(third >> 1 & 1);
        let samples = match (layer, is_version_1) {
            (LAYER_1, _) => 384,
            (LAYER_2, _) | (_, true) => 1152,
            (_, false) => 576,
        };
        let bytes = if layer == LAYER_1 {
            (12 * bit_rate / sample_rate + padding) * 4
        } else {
            samples / 8 * bit_rate / sample_rate + padding
        };
        Some(Self {
            bytes: bytes as usize,
            samples,
            sample_rate,
        })
    }
}

const MPEG_1: u8 = 3;
const MPEG_2: u8 = 2;

const LAYER_1: u8 = 3;
const LAYER_2: u8 = 2;

/// In Hz; half of it for MPEG-2, a quarter for what is called MPEG-2.5.
const SAMPLE_RATES: [u32; 3] = [44_100, 48_000, 32_000];

/// In kbit/s: MPEG-1 layers I, II and III, MPEG-2 layer I, MPEG-2 layers II and III. 0 is "free".
const BIT_RATES: [[u16; 15]; 5] = [
    [
        0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448,
    ],
    [
        0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384,
    ],
    [
        0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320,
    ],
    [
        0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256,
    ],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_every_version_and_layer() {
        let table = [
            // MPEG-1 layer III, 128 kbit/s, 44100 Hz, without and with padding.
            ([0xff, 0xfb, 0x90, 0], (417, 1152, 44_100)),
            ([0xff, 0xfb, 0x92, 0], (418, 1152, 44_100)),
            // MPEG-1 layer II, 192 kbit/s, 48000 Hz.
            ([0xff, 0xfd, 0xa4, 0], (576, 1152, 48_000)),
            // MPEG-1 layer I, 384 kbit/s, 32000 Hz.
            ([0xff, 0xff, 0xc8, 0], (576, 384, 32_000)),
            // MPEG-2 layer III, 64 kbit/s, 22050 Hz.
            ([0xff, 0xf3, 0x80, 0], (208, 576, 22_050)),
            // MPEG-2.5 layer III, 8 kbit/s, 8000 Hz.
            ([0xff, 0xe3, 0x18, 0], (72, 576, 8000)),
        ];
        for (header, expected) in table {
            let frame = FrameHeader::parse(&header).unwrap();
            let numbers = (frame.bytes, frame.samples, frame.sample_rate);
            assert_eq!(numbers, expected, "{header:02x?}");
        }
    }

    #[test]
    fn what_is_reserved_or_free_has_no_length() {
        for header in [
            [0xff, 0xfb, 0x00, 0],
            [0xff, 0xfb, 0xf0, 0],
            [0xff, 0xfb, 0x9c, 0],
            [0xff, 0xeb, 0x90, 0],
            [0xff, 0xf9, 0x90, 0],
            [0xfe, 0xfb, 0x90, 0],
        ] {
            assert_eq!(FrameHeader::parse(&header), None, "{header:02x?}");
        }
        assert_eq!(FrameHeader::parse(&[0xff, 0xfb, 0x90]), None);
    }
}
