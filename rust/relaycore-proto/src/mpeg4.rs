//! MPEG-4 part 2 video (ISO/IEC 14496-2): start codes, configuration, random access points.
//!
//! ```text
//! 00 00 01 b0  visual object sequence ┐
//! 00 00 01 b5  visual object          │ configuration: what a decoder needs
//! 00 00 01 00  video object           │
//! 00 00 01 20  video object layer     ┘
//! 00 00 01 b3  group of video object planes, optional
//! 00 00 01 b6  video object plane (VOP): a picture
//! ```

use alloc::vec::Vec;

use crate::annexb::{nal_units, push_nal};

/// Start codes (table 6-3) that are treated apart: the byte behind 00 00 01.
pub mod start_code {
    use core::ops::RangeInclusive;

    /// Video object layers.
    pub const LAYER: RangeInclusive<u8> = 0x20..=0x2f;
    /// Visual object sequence.
    pub const SEQUENCE: u8 = 0xb0;
    /// User data.
    pub const USER_DATA: u8 = 0xb2;
    /// Group of video object planes: an intra picture follows.
    pub const GROUP: u8 = 0xb3;
    /// Visual object.
    pub const OBJECT: u8 = 0xb5;
    /// Video object plane.
    pub const PLANE: u8 = 0xb6;
}

/// Whether the start code is one of the configuration: everything up to the video object layer.
#[must_use]
pub fn is_configuration(code: u8) -> bool {
    code <= *start_code::LAYER.end() || matches!(code, start_code::SEQUENCE | start_code::OBJECT)
}

/// Whether a video object plane, from its start code's last byte on, refers to no other: `vop_coding_type` 0.
#[must_use]
pub fn is_intra(plane: &[u8]) -> bool {
    plane.get(1).is_some_and(|byte| byte >> 6 == 0)
}

/// Whether a reader can start with this access unit: its picture refers to no other.
#[must_use]
pub fn is_random_access(access_unit: &[u8]) -> bool {
    nal_units(access_unit)
        .find(|unit| unit[0] == start_code::PLANE)
        .is_some_and(is_intra)
}

/// The configuration within `access_unit`, which may be followed by a picture; `None` unless there is a video object
/// layer.
#[must_use]
pub fn configuration(access_unit: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut has_layer = false;
    for unit in nal_units(access_unit) {
        match unit[0] {
            start_code::GROUP | start_code::PLANE => break,
            code => has_layer |= start_code::LAYER.contains(&code),
        }
        push_nal(&mut out, unit);
    }
    has_layer.then_some(out)
}
