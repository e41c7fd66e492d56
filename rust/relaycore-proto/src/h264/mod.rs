//! H.264 (ITU-T Rec. H.264): NAL unit types, parameter sets, random access points.
//!
//! Everything here reads access units as Annex B byte streams, see [`annexb`](crate::annexb).

use alloc::vec::Vec;

use crate::annexb::{nal_units, push_nal};
use crate::bits::BitReader;
use crate::nal::{RECOVERY_POINT, sei_message};

mod sps;

pub use crate::nal::SpsError;
pub use sps::Sps;

/// NAL unit types (table 7-1) that are treated apart; `u8` on the wire, the low five bits of the first byte.
pub mod nal_type {
    /// Slice of a picture that is not an IDR picture.
    pub const SLICE: u8 = 1;
    /// Slice of an IDR picture.
    pub const IDR: u8 = 5;
    /// Supplemental enhancement information.
    pub const SEI: u8 = 6;
    /// Sequence parameter set.
    pub const SPS: u8 = 7;
    /// Picture parameter set.
    pub const PPS: u8 = 8;
    /// Access unit delimiter.
    pub const DELIMITER: u8 = 9;
}

/// Type of a NAL unit from its first byte.
#[must_use]
pub fn type_of(first_byte: u8) -> u8 {
    first_byte & 0x1f
}

/// Whether the NAL unit type holds picture data: slices and slice data partitions.
#[must_use]
pub fn is_slice(nal_type: u8) -> bool {
    (nal_type::SLICE..=nal_type::IDR).contains(&nal_type)
}

/// Whether a reader can start with this access unit: it holds an IDR picture, or a recovery point that makes this
/// very picture right (`recovery_frame_cnt` 0: an open group of pictures).
#[must_use]
pub fn is_random_access(access_unit: &[u8]) -> bool {
    for nal in nal_units(access_unit) {
        match type_of(nal[0]) {
            nal_type::IDR => return true,
            nal_type::SEI if recovery_point(nal) == Some(0) => return true,
            // The type of the first slice decides: no search through the rest of the picture.
            slice if is_slice(slice) => return false,
            _ => {}
        }
    }
    false
}

/// The sequence and picture parameter sets within `access_unit`, as Annex B byte stream; `None` unless there is at
/// least one of each.
#[must_use]
pub fn parameter_sets(access_unit: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let (mut has_sps, mut has_pps) = (false, false);
    for nal in nal_units(access_unit) {
        match type_of(nal[0]) {
            nal_type::SPS => has_sps = true,
            nal_type::PPS => has_pps = true,
            // Parameter sets come before the picture: no search through its data.
            slice if is_slice(slice) => break,
            _ => continue,
        }
        push_nal(&mut out, nal);
    }
    (has_sps && has_pps).then_some(out)
}

/// `recovery_frame_cnt` of the recovery point message in the SEI NAL unit `nal`: how many pictures after this one the
/// output is right when decoding starts here. `None` when there is no such message.
#[must_use]
pub fn recovery_point(nal: &[u8]) -> Option<u32> {
    let message = sei_message(nal, 1, RECOVERY_POINT)?;
    BitReader::new(message.as_slice()).unsigned_golomb()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(nals: &[&[u8]]) -> Vec<u8> {
        let mut out = Vec::new();
        for nal in nals {
            push_nal(&mut out, nal);
        }
        out
    }

    #[test]
    fn idr_pictures_and_immediate_recovery_points_are_random_access_points() {
        let immediate: &[u8] = &[0x06, 6, 1, 0xc4, 0x80];
        let in_eight: &[u8] = &[0x06, 6, 1, 0x13, 0x80];
        assert!(is_random_access(&unit(&[
            &[9, 0x10],
            &[0x67, 1],
            &[0x65, 1]
        ])));
        assert!(is_random_access(&unit(&[immediate, &[0x61, 1]])));
        assert!(!is_random_access(&unit(&[in_eight, &[0x61, 1]])));
        assert!(!is_random_access(&unit(&[&[0x67, 1], &[0x68, 1]])));
        assert!(!is_random_access(&[]));
        assert_eq!(recovery_point(in_eight), Some(8));
    }

    #[test]
    fn recovery_points_are_found_behind_other_messages() {
        // 300 bytes of another message: its size is 255 + 45.
        let mut nal = [0x06, 5, 255, 45].to_vec();
        nal.extend([0x11; 300]);
        nal.extend([6, 1, 0xc0, 0x80]);
        assert_eq!(recovery_point(&nal), Some(0));
        assert_eq!(recovery_point(&nal[..200]), None);
        assert_eq!(recovery_point(&[0x06]), None);
    }

    #[test]
    fn parameter_sets_are_taken_only_as_a_pair() {
        let pair: &[&[u8]] = &[&[0x67, 1, 2], &[0x68, 3]];
        let both = unit(&[&[9, 0x10], pair[0], pair[1], &[0x06, 5], &[0x65, 4]]);
        assert_eq!(parameter_sets(&both), Some(unit(pair)));
        assert_eq!(parameter_sets(&unit(&[pair[0], &[0x65, 4]])), None);
        assert_eq!(parameter_sets(&unit(&[&[0x65, 4], pair[0], pair[1]])), None);
    }
}
