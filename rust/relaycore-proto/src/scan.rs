//! Searching bytes.

const LOW_BITS: u64 = 0x0101_0101_0101_0101;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/// Position of the first `byte` in `data` at or behind `from`. Looks at eight bytes at a time.
pub(crate) fn find_byte(data: &[u8], from: usize, byte: u8) -> Option<usize> {
    let pattern = LOW_BITS * u64::from(byte);
    let mut at = from;
    while let Some(word) = data.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        // Bytes that are equal become zero; the lowest high bit that is set marks the first zero.
        let word = u64::from_le_bytes(*word) ^ pattern;
        let zeros = word.wrapping_sub(LOW_BITS) & !word & HIGH_BITS;
        if zeros != 0 {
            return Some(at + zeros.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    let tail = data.get(at..)?;
    tail.iter()
        .position(|&candidate| candidate == byte)
        .map(|position| at + position)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn finds_the_first_byte_at_every_position_and_length() {
        for byte in [0x00, 0x01, 0x7f, 0x80, 0xff] {
            for length in 0..40 {
                for position in 0..length {
                    let mut data = vec![byte ^ 0x81; length];
                    data[position] = byte;
                    data[length - 1] = byte;
                    assert_eq!(find_byte(&data, 0, byte), Some(position));
                    assert_eq!(find_byte(&data, position, byte), Some(position));
                    assert_eq!(find_byte(&data, position + 1, byte), {
                        (position + 1 < length).then_some(length - 1)
                    });
                    assert_eq!(find_byte(&data, length, byte), None);
                    assert_eq!(find_byte(&data, length + 1, byte), None);
                }
                assert_eq!(find_byte(&vec![byte ^ 1; length], 0, byte), None);
            }
        }
    }
}
