//! H.265 (ITU-T Rec. H.265, HEVC): NAL unit types, parameter sets, random access points.
//!
//! ```text
//! NAL unit header   | F | type (6 bits) | layer (6 bits) | temporal id plus 1 (3 bits) |            section 7.3.1.2
//! ```
//!
//! Everything here reads access units as Annex B byte streams, see [`annexb`](crate::annexb).

use alloc::vec::Vec;

use crate::annexb::{nal_units, push_nal};
use crate::bits::BitReader;
use crate::nal::{RECOVERY_POINT, sei_message};

mod sps;

pub use crate::nal::SpsError;
pub use sps::Sps;

/// Bytes of a NAL unit's header.
pub const NAL_HEADER_BYTES: usize = 2;

/// NAL unit types (table 7-1) that are treated apart.
pub mod nal_type {
    /// Leading picture that is not decodable when decoding starts at the picture it belongs to; no reference.
    pub const RASL_N: u8 = 8;
    /// The same, a reference of other such pictures.
    pub const RASL_R: u8 = 9;
    /// First type of pictures at which decoding can start: broken links, IDR, CRA.
    pub const BLA_W_LP: u8 = 16;
    /// IDR picture with leading pictures.
    pub const IDR_W_RADL: u8 = 19;
    /// IDR picture without leading pictures.
    pub const IDR_N_LP: u8 = 20;
    /// Clean random access: decoding can start here, leading pictures may be missing then.
    pub const CRA: u8 = 21;
    /// Last type, reserved, of pictures at which decoding can start.
    pub const RESERVED_IRAP: u8 = 23;
    /// Video parameter set.
    pub const VPS: u8 = 32;
    /// Sequence parameter set.
    pub const SPS: u8 = 33;
    /// Picture parameter set.
    pub const PPS: u8 = 34;
    /// Access unit delimiter.
    pub const DELIMITER: u8 = 35;
    /// Supplemental enhancement information before the picture that it is about.
    pub const PREFIX_SEI: u8 = 39;
}

/// Type of a NAL unit from its first byte.
#[must_use]
pub fn type_of(first_byte: u8) -> u8 {
    first_byte >> 1 & 0x3f
}

/// Whether the NAL unit type holds picture data.
#[must_use]
pub fn is_slice(nal_type: u8) -> bool {
    nal_type < nal_type::VPS
}

/// Whether the NAL unit type is that of pictures at which decoding can start (intra random access points).
#[must_use]
pub fn is_irap(nal_type: u8) -> bool {
    (nal_type::BLA_W_LP..=nal_type::RESERVED_IRAP).contains(&nal_type)
}

/// Whether the NAL unit type is that of leading pictures that cannot be decoded, and are not shown, when decoding starts
/// at the random access point before them.
#[must_use]
pub fn is_rasl(nal_type: u8) -> bool {
    matches!(nal_type, nal_type::RASL_N | nal_type::RASL_R)
}

/// Whether a reader can start with this access unit: it holds an IDR, CRA or broken link picture, or a recovery point
/// that makes this very picture right.
#[must_use]
pub fn is_random_access(access_unit: &[u8]) -> bool {
    for nal in nal_units(access_unit) {
        match type_of(nal[0]) {
            nal_type::PREFIX_SEI if recovery_point(nal) == Some(0) => return true,
            // The type of the first slice decides: no search through the rest of the picture.
            slice if is_slice(slice) => return is_irap(slice),
            _ => {}
        }
    }
    false
}

/// `recovery_poc_cnt` of the recovery point message in the SEI NAL unit `nal`: how far behind this picture, in picture
/// order, the output is right when decoding starts here. `None` when there is no such message.
#[must_use]
pub fn recovery_point(nal: &[u8]) -> Option<i32> {
    let message = sei_message(nal, NAL_HEADER_BYTES, RECOVERY_POINT)?;
    BitReader::new(message.as_slice()).signed_golomb()
}

/// The video, sequence and picture parameter sets within `access_unit`, as Annex B byte stream; `None` unless there is
/// at least one of each.
#[must_use]
pub fn parameter_sets(access_unit: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut found = [false; 3];
    for nal in nal_units(access_unit) {
        match type_of(nal[0]) {
            set @ nal_type::VPS..=nal_type::PPS => found[usize::from(set - nal_type::VPS)] = true,
            // Parameter sets come before the picture: no search through its data.
            slice if is_slice(slice) => break,
            _ => continue,
        }
        push_nal(&mut out, nal);
    }
    (found == [true; 3]).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VPS: &[u8] = &[0x40, 1, 0x0c];
    const SPS: &[u8] = &[0x42, 1, 1];
    const PPS: &[u8] = &[0x44, 1, 0xc1];
    const TRAIL: &[u8] = &[0x02, 1, 9];

    fn unit(nals: &[&[u8]]) -> Vec<u8> {
        let mut out = Vec::new();
        for nal in nals {
            push_nal(&mut out, nal);
        }
        out
    }

    #[test]
    fn every_kind_of_random_access_picture_is_known() {
        for kind in 0..64 {
            let slice: &[u8] = &[kind << 1, 1, 0x80];
            let expected = (16..=23).contains(&kind);
            assert_eq!(
                is_random_access(&unit(&[VPS, SPS, PPS, slice])),
                expected,
                "{kind}"
            );
        }
        assert!(!is_random_access(&unit(&[TRAIL, &[0x26, 1, 1]])));
        assert!(!is_random_access(&[]));
    }

    #[test]
    fn immediate_recovery_points_are_random_access_points() {
        // Payload type 6, one byte: recovery_poc_cnt 0 is a single one; 1 is 010.
        let immediate: &[u8] = &[0x4e, 1, 6, 1, 0xc0, 0x80];
        let later: &[u8] = &[0x4e, 1, 6, 1, 0x50, 0x80];
        assert!(is_random_access(&unit(&[immediate, TRAIL])));
        assert!(!is_random_access(&unit(&[later, TRAIL])));
        assert_eq!(recovery_point(later), Some(1));
        assert_eq!(recovery_point(&[0x4e]), None);
    }

    #[test]
    fn parameter_sets_are_taken_only_all_three() {
        let sets = [VPS, SPS, PPS];
        let all = unit(&[&[0x46, 1, 0x50], VPS, SPS, PPS, TRAIL]);
        assert_eq!(parameter_sets(&all), Some(unit(&sets)));
        for missing in 0..3 {
            let mut nals = sets.to_vec();
            nals.remove(missing);
            assert_eq!(parameter_sets(&unit(&nals)), None);
        }
        assert_eq!(parameter_sets(&unit(&[TRAIL, VPS, SPS, PPS])), None);
    }
}
