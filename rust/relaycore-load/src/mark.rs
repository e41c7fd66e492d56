//! The mark that each access unit of a synthetic stream carries: which it is, when it was sent, and what it should hold.
//!
//! It is an SEI message of unregistered user data (ITU-T H.264 section D.1.7), which decoders pass over. Each byte of its
//! fields holds seven bits and has its highest bit set, so that no emulation prevention is ever needed and a mark always
//! has the same length:
//!
//! ```text
//! 06 | 05 | 51 | identifier (16) | run (5) | stream (5) | number (8) | sent (10) | bytes (5) | checksum (5) | sum (1) | 80
//! ```

/// Bytes of the whole NAL unit.
pub const MARK_BYTES: usize = 3 + IDENTIFIER.len() + FIELD_BYTES + 1;

/// What an access unit says of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// Random number of the run: marks of others are not ours.
    pub run: u32,
    /// Number of the source.
    pub stream: u32,
    /// Position among the access units of the source, from 0; 56 bits.
    pub number: u64,
    /// When it was handed to the socket, in nanoseconds since the start of the run.
    pub sent_ns: u64,
    /// Bytes of its slices' NAL units.
    pub bytes: u32,
    /// CRC-32 (IEEE 802.3) of its slices' NAL units, one behind the other.
    pub checksum: u32,
}

impl Mark {
    /// The mark as an SEI NAL unit.
    #[must_use]
    pub fn to_nal(&self) -> [u8; MARK_BYTES] {
        let mut out = [0; MARK_BYTES];
        out[..3].copy_from_slice(&HEADER);
        out[3..19].copy_from_slice(&IDENTIFIER);
        let fields = &mut out[19..19 + FIELD_BYTES];
        let mut place = 0;
        for (value, bytes) in self.fields() {
            for index in (0..bytes).rev() {
                fields[place] = (value >> (7 * index)) as u8 | 0x80;
                place += 1;
            }
        }
        fields[place] = sum(&fields[..place]);
        out[MARK_BYTES - 1] = TRAILING;
        out
    }

    /// The mark of an SEI NAL unit; `None` when it is none, or was damaged.
    #[must_use]
    pub fn read(nal: &[u8]) -> Option<Self> {
        let nal: &[u8; MARK_BYTES] = nal.get(..MARK_BYTES)?.try_into().ok()?;
        // The first byte has the importance as well, which a server may change.
        if nal[1..3] != HEADER[1..] || nal[3..19] != IDENTIFIER {
            return None;
        }
        let fields = &nal[19..19 + FIELD_BYTES];
        let (last, others) = fields.split_last()?;
        if *last != sum(others) || others.iter().any(|byte| byte & 0x80 == 0) {
            return None;
        }
        let mut rest = others;
        let mut next = |bytes: usize| {
            let (field, after) = rest.split_at(bytes);
            rest = after;
            let fold = |value, byte: &u8| value << 7 | u64::from(byte & 0x7f);
            field.iter().fold(0, fold)
        };
        Some(Self {
            run: next(5) as u32,
            stream: next(5) as u32,
            number: next(8),
            sent_ns: next(10),
            bytes: next(5) as u32,
            checksum: next(5) as u32,
        })
    }

    /// The fields and the bytes that each takes.
    fn fields(&self) -> [(u64, usize); 6] {
        [
            (self.run.into(), 5),
            (self.stream.into(), 5),
            (self.number, 8),
            (self.sent_ns, 10),
            (self.bytes.into(), 5),
            (self.checksum.into(), 5),
        ]
    }
}

/// Bytes of all fields.
const FIELD_BYTES: usize = 5 + 5 + 8 + 10 + 5 + 5 + 1;

/// SEI, user data without registration, length of what follows.
const HEADER: [u8; 3] = [0x06, 0x05, (IDENTIFIER.len() + FIELD_BYTES) as u8];

/// Whose user data it is: a UUID made for this purpose.
const IDENTIFIER: [u8; 16] = [
    0x9d, 0x1f, 0x5b, 0x52, 0x6b, 0x3c, 0x4e, 0x0a, 0xb7, 0x4d, 0x72, 0x65, 0x6c, 0x61, 0x79, 0x63,
];

/// End of the NAL unit.
const TRAILING: u8 = 0x80;

/// A sum over the fields, which notices a damaged one.
fn sum(fields: &[u8]) -> u8 {
    let weighted = fields.iter().zip(1u32..);
    let total = weighted.fold(0, |total: u32, (byte, weight)| {
        total.wrapping_add(u32::from(*byte) * weight)
    });
    total as u8 | 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: Mark = Mark {
        run: u32::MAX,
        stream: 7,
        number: (1 << 56) - 1,
        sent_ns: u64::MAX,
        bytes: 0x8000_0001,
        checksum: 0x1234_5678,
    };

    #[test]
    fn what_is_written_is_read() {
        for mark in [MARK, Mark::default()] {
            assert_eq!(Mark::read(&mark.to_nal()), Some(mark));
        }
    }

    #[test]
    fn no_start_code_can_arise() {
        let nal = Mark::default().to_nal();
        assert!(nal.windows(2).all(|pair| pair != [0, 0]));
        assert_eq!(usize::from(nal[2]), nal.len() - 4);
    }

    #[test]
    fn a_damaged_mark_is_none() {
        let whole = MARK.to_nal();
        for place in 1..MARK_BYTES - 1 {
            let mut nal = whole;
            nal[place] ^= 0x11;
            assert_eq!(Mark::read(&nal), None, "{place}");
        }
        assert_eq!(Mark::read(&whole[..MARK_BYTES - 1]), None);
    }
}
