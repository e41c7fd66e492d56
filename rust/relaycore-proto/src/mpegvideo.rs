//! MPEG-1 and MPEG-2 video (ISO/IEC 11172-2, ITU-T H.262): start codes, pictures, random access points.

use crate::annexb::nal_units;
use crate::bits::BitReader;

/// Start codes (ITU-T H.262 table 6-1) that are treated apart: the byte behind 00 00 01.
pub mod start_code {
    use core::ops::RangeInclusive;

    /// Picture header.
    pub const PICTURE: u8 = 0x00;
    /// Slices, by their row.
    pub const SLICE: RangeInclusive<u8> = 0x01..=0xaf;
    /// Sequence header: what a decoder needs.
    pub const SEQUENCE: u8 = 0xb3;
}

/// What the header of a picture says (section 6.2.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PictureHeader {
    /// Position in the order of output within its group; ten bits.
    pub temporal_reference: u16,
    /// How it is coded: 1 intra, 2 from earlier pictures, 3 from earlier and later ones, 4 intra DC only.
    pub coding_type: u8,
    /// `full_pel_forward_vector` and `forward_f_code`, four bits.
    pub forward: u8,
    /// `full_pel_backward_vector` and `backward_f_code`, four bits.
    pub backward: u8,
}

impl PictureHeader {
    /// Coding type of pictures that refer to no other.
    pub const INTRA: u8 = 1;

    /// Reads a header from its start code's last byte on.
    #[must_use]
    pub fn parse(unit: &[u8]) -> Option<Self> {
        let mut reader = BitReader::new(unit);
        if reader.bits(8)? != u32::from(start_code::PICTURE) {
            return None;
        }
        let mut header = Self {
            temporal_reference: reader.bits(10)? as u16,
            coding_type: reader.bits(3)? as u8,
            ..Self::default()
        };
        reader.skip(16)?; // vbv_delay
        if matches!(header.coding_type, 2 | 3) {
            header.forward = reader.bits(4)? as u8;
        }
        if header.coding_type == 3 {
            header.backward = reader.bits(4)? as u8;
        }
        Some(header)
    }
}

/// Whether a reader can start with this access unit: a sequence header stands before a picture that refers to no other.
#[must_use]
pub fn is_random_access(access_unit: &[u8]) -> bool {
    let mut has_sequence = false;
    for unit in nal_units(access_unit) {
        match unit[0] {
            start_code::SEQUENCE => has_sequence = true,
            start_code::PICTURE => {
                let header = PictureHeader::parse(unit);
                return has_sequence
                    && header.is_some_and(|header| header.coding_type == PictureHeader::INTRA);
            }
            code if start_code::SLICE.contains(&code) => return false,
            _ => {}
        }
    }
    false
}
