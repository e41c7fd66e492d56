//! Reading numbers of any number of bits, most significant bit first.

/// Reads bits from a byte slice. Every read past the end gives `None` and leaves the reader at the end.
#[derive(Clone, Debug)]
pub(crate) struct BitReader<'a> {
    bytes: &'a [u8],
    /// Bits read so far.
    position: usize,
}

impl<'a> BitReader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// Bits that are left.
    pub(crate) fn left(&self) -> usize {
        self.bytes.len() * 8 - self.position
    }

    /// One bit.
    pub(crate) fn flag(&mut self) -> Option<bool> {
        let byte = *self.bytes.get(self.position / 8)?;
        let bit = byte >> (7 - self.position % 8) & 1;
        self.position += 1;
        Some(bit == 1)
    }

    /// A number of `count` bits, at most 32.
    pub(crate) fn bits(&mut self, count: u32) -> Option<u32> {
        debug_assert!(count <= 32);
        if self.left() < count as usize {
            self.position = self.bytes.len() * 8;
            return None;
        }
        let mut value = 0u64;
        let mut wanted = count as usize;
        while wanted > 0 {
            let in_byte = 8 - self.position % 8;
            let taken = wanted.min(in_byte);
            let byte = u64::from(self.bytes[self.position / 8]);
            let chunk = byte >> (in_byte - taken) & ((1 << taken) - 1);
            value = value << taken | chunk;
            self.position += taken;
            wanted -= taken;
        }
        Some(value as u32)
    }

    /// Skips `count` bits.
    pub(crate) fn skip(&mut self, count: usize) -> Option<()> {
        let fits = self.left() >= count;
        self.position = if fits {
            self.position + count
        } else {
            self.bytes.len() * 8
        };
        fits.then_some(())
    }

    /// Unsigned Exp-Golomb number, `ue(v)` in ITU-T H.264 section 9.1.
    pub(crate) fn unsigned_golomb(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        let suffix = self.bits(zeros)?;
        Some(((1u64 << zeros) - 1) as u32 + suffix)
    }

    /// Signed Exp-Golomb number, `se(v)`.
    pub(crate) fn signed_golomb(&mut self) -> Option<i32> {
        let code = i64::from(self.unsigned_golomb()?);
        let magnitude = (code + 1) / 2;
        let value = if code % 2 == 1 { magnitude } else { -magnitude };
        i32::try_from(value).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_across_bytes() {
        let mut reader = BitReader::new(&[0b1010_1100, 0b0101_0011, 0xff, 0xff, 0xff, 0xff]);
        assert_eq!(reader.flag(), Some(true));
        assert_eq!(reader.bits(3), Some(0b010));
        assert_eq!(reader.bits(9), Some(0b1_1000_1010));
        assert_eq!(reader.skip(3), Some(()));
        assert_eq!(reader.bits(0), Some(0));
        assert_eq!(reader.bits(32), Some(u32::MAX));
        assert_eq!(reader.left(), 0);
        assert_eq!(
            (reader.flag(), reader.bits(1), reader.skip(1)),
            (None, None, None)
        );
    }

    #[test]
    fn reads_exp_golomb_numbers() {
        // 1 | 010 | 011 | 00100 | 00101, section 9.1.1 table 9-2: 0, 1, 2, 3, 4.
        let bytes = [0b1010_0110, 0b0100_0010, 0b1000_0000];
        let mut reader = BitReader::new(&bytes);
        for expected in 0..5 {
            assert_eq!(reader.unsigned_golomb(), Some(expected));
        }
        let mut reader = BitReader::new(&bytes);
        for expected in [0, 1, -1, 2, -2] {
            assert_eq!(reader.signed_golomb(), Some(expected));
        }
    }

    #[test]
    fn the_largest_exp_golomb_number_fits() {
        // 31 zeros, a one, 31 ones: 2^32 - 2.
        let bytes = [0, 0, 0, 1, 0xff, 0xff, 0xff, 0xfe];
        assert_eq!(BitReader::new(&bytes).unsigned_golomb(), Some(u32::MAX - 1));
        assert_eq!(BitReader::new(&[0; 9]).unsigned_golomb(), None);
    }
}
