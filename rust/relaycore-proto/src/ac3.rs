//! AC-3 audio (ATSC A/52): the length of its frames.

/// Samples of each channel that a frame gives.
pub const SAMPLES_PER_FRAME: u32 = 1536;

/// Longest frame, in bytes: 640 kbit/s at 32000 Hz.
pub const FRAME_BYTES_MAX: usize = 3840;

/// Length in bytes of the frame at the start of `data`, from `fscod` and `frmsizecod` (section 5.4.1). `None` when no
/// frame starts there.
#[must_use]
pub fn frame_bytes(data: &[u8]) -> Option<usize> {
    let &[0x0b, 0x77, _, _, codes] = data.first_chunk::<5>()? else {
        return None;
    };
    let size_code = codes & 0x3f;
    let bit_rate = *BIT_RATES.get(usize::from(size_code >> 1))?;
    let words = match codes >> 6 {
        0 => bit_rate * 2,
        // Every second frame at 44100 Hz is longer by a word, so that the bit rate is met.
        1 => bit_rate * 320 / 147 + usize::from(size_code & 1),
        2 => bit_rate * 3,
        _ => return None,
    };
    Some(words * 2)
}

/// In kbit/s (table 5.18).
const BIT_RATES: [usize; 19] = [
    32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_the_table() {
        let frame = |codes| frame_bytes(&[0x0b, 0x77, 0, 0, codes]);
        assert_eq!(frame(0x00), Some(128));
        assert_eq!(frame(0x1c), Some(1536));
        assert_eq!(frame(0x40), Some(138));
        assert_eq!(frame(0x41), Some(140));
        assert_eq!(frame(0x40 | 37), Some(2 * 1394));
        assert_eq!(frame(0x80 | 37), Some(FRAME_BYTES_MAX));
        assert_eq!(frame(38), None);
        assert_eq!(frame(0xc0), None);
        assert_eq!(frame_bytes(&[0x0b, 0x78, 0, 0, 0]), None);
        assert_eq!(frame_bytes(&[0x0b, 0x77, 0, 0]), None);
    }
}
