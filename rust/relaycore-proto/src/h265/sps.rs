//! Sequence parameter sets (ITU-T H.265 section 7.3.2.2).

use super::{NAL_HEADER_BYTES, nal_type, type_of};
use crate::bits::BitReader;
use crate::nal::{SpsError, without_emulation_prevention};

/// What a sequence parameter set says about the pictures that refer to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sps {
    /// Width of the shown picture, in pixels.
    pub width: u32,
    /// Height of the shown picture, in pixels.
    pub height: u32,
    /// Profile: 1 main, 2 main 10, 3 main still picture, 4 range extensions.
    pub profile_idc: u8,
    /// Whether the tier is high instead of main.
    pub high_tier: bool,
    /// Thirty times the level: 93 is level 3.1.
    pub level_idc: u8,
    /// Chroma sampling: 0 grey, 1 for 4:2:0, 2 for 4:2:2, 3 for 4:4:4.
    pub chroma_format_idc: u8,
    /// Bits of a luma sample.
    pub bit_depth_luma: u8,
}

impl Sps {
    /// Reads a sequence parameter set: a NAL unit with its header, without start code.
    pub fn parse(nal: &[u8]) -> Result<Self, SpsError> {
        let Some((header, _)) = nal.split_first_chunk::<NAL_HEADER_BYTES>() else {
            return Err(SpsError::Truncated);
        };
        let kind = type_of(header[0]);
        if kind != nal_type::SPS {
            return Err(SpsError::NotSps { nal_type: kind });
        }
        let bytes = without_emulation_prevention(&nal[..nal.len().min(SPS_BYTES_MAX)]);
        let mut reader = BitReader::new(&bytes[NAL_HEADER_BYTES..]);
        Self::read(&mut reader).ok_or(SpsError::Truncated)?
    }

    /// `None` when the bits end too early.
    fn read(reader: &mut BitReader<'_>) -> Option<Result<Self, SpsError>> {
        reader.bits(4)?; // sps_video_parameter_set_id
        let sub_layers = reader.bits(3)?;
        if sub_layers > SUB_LAYERS_MAX {
            return Some(Err(SpsError::OutOfRange("sps_max_sub_layers_minus1")));
        }
        reader.flag()?; // sps_temporal_id_nesting_flag
        reader.bits(2)?; // general_profile_space
        let high_tier = reader.flag()?;
        let profile_idc = reader.bits(5)? as u8;
        reader.skip(32 + 48)?; // compatibility and constraint flags
        let level_idc = reader.bits(8)? as u8;
        skip_sub_layers(reader, sub_layers)?;
        if reader.unsigned_golomb()? > 15 {
            return Some(Err(SpsError::OutOfRange("sps_seq_parameter_set_id")));
        }
        let chroma_format_idc = reader.unsigned_golomb()?;
        if chroma_format_idc > 3 {
            return Some(Err(SpsError::OutOfRange("chroma_format_idc")));
        }
        if chroma_format_idc == 3 {
            reader.flag()?; // separate_colour_plane_flag
        }
        let (width, height) = (reader.unsigned_golomb()?, reader.unsigned_golomb()?);
        let mut crop = [0; 4];
        if reader.flag()? {
            for side in &mut crop {
                *side = reader.unsigned_golomb()?;
            }
        }
        let Some((width, height)) = shown_size(width, height, chroma_format_idc, crop) else {
            return Some(Err(SpsError::OutOfRange("picture size")));
        };
        let bit_depth_luma = reader.unsigned_golomb()?;
        if bit_depth_luma > 8 {
            return Some(Err(SpsError::OutOfRange("bit depth")));
        }
        Some(Ok(Self {
            width,
            height,
            profile_idc,
            high_tier,
            level_idc,
            chroma_format_idc: chroma_format_idc as u8,
            bit_depth_luma: 8 + bit_depth_luma as u8,
        }))
    }
}

/// Longest part that is read. What is of interest comes first.
const SPS_BYTES_MAX: usize = 1024;

/// Largest `sps_max_sub_layers_minus1`; 7 stands for the sets of further layers, which have another form.
const SUB_LAYERS_MAX: u32 = 6;

/// Largest width and height, in pixels.
const PIXELS_MAX: u32 = 65_536;

/// Skips profile and level of the sub-layers (section 7.3.3).
fn skip_sub_layers(reader: &mut BitReader<'_>, sub_layers: u32) -> Option<()> {
    if sub_layers == 0 {
        return Some(());
    }
    // Two flags for each of eight, the unused ones reserved.
    let flags = reader.bits(16)?;
    for layer in 0..sub_layers {
        let pair = flags >> (14 - 2 * layer);
        if pair & 2 != 0 {
            reader.skip(88)?; // profile
        }
        if pair & 1 != 0 {
            reader.skip(8)?; // level
        }
    }
    Some(())
}

/// Size in pixels within the conformance window (section 7.4.3.2.1); `None` when nothing is left or it is out of bounds.
fn shown_size(
    width: u32,
    height: u32,
    chroma_format_idc: u32,
    [left, right, top, bottom]: [u32; 4],
) -> Option<(u32, u32)> {
    let (unit_x, unit_y) = match chroma_format_idc {
        1 => (2, 2),
        2 => (2, 1),
        _ => (1, 1),
    };
    let shown = |size: u32, before: u32, after: u32, unit: u32| {
        let cropped = before.checked_add(after)?.checked_mul(unit)?;
        let shown = size.checked_sub(cropped)?;
        (size <= PIXELS_MAX && shown > 0).then_some(shown)
    };
    Some((
        shown(width, left, right, unit_x)?,
        shown(height, top, bottom, unit_y)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    /// Of x265, main profile, 320x180 (coded as 320x184).
    const X265: [u8; 30] = [
        0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00,
        0x03, 0x00, 0x3c, 0xa0, 0x0a, 0x08, 0x0b, 0x9f, 0x79, 0x65, 0x66, 0x92, 0x4c, 0xaf, 0x01,
    ];

    #[test]
    fn every_truncation_is_an_error() {
        let whole = Sps::parse(&X265).unwrap();
        assert_eq!((whole.width, whole.height), (320, 180));
        assert_eq!((whole.profile_idc, whole.level_idc), (1, 60));
        let mut shortest = X265.len();
        for end in (0..X265.len()).rev() {
            match Sps::parse(&X265[..end]) {
                Ok(sps) => {
                    assert_eq!(sps, whole);
                    shortest = end;
                }
                Err(error) => assert_eq!(error, SpsError::Truncated),
            }
        }
        assert!((20..28).contains(&shortest), "{shortest}");
    }

    #[test]
    fn sub_layers_are_skipped() {
        let plain = without_emulation_prevention(&X265);
        // Two sub-layers: the first with profile and level, the second with its level only.
        let mut layered = plain[..2].to_vec();
        layered.push(plain[2] | 2 << 1);
        layered.extend_from_slice(&plain[3..15]);
        layered.extend([0b1101_0000, 0]);
        layered.extend([0x55; 11 + 1 + 1]);
        layered.extend_from_slice(&plain[15..]);
        assert_eq!(Sps::parse(&layered), Sps::parse(&X265));
    }

    #[test]
    fn other_nal_units_and_impossible_values_are_errors() {
        assert_eq!(
            Sps::parse(&[0x40, 1]),
            Err(SpsError::NotSps { nal_type: 32 })
        );
        let mut bytes: Vec<u8> = X265.to_vec();
        bytes[2] |= 7 << 1;
        assert_eq!(
            Sps::parse(&bytes),
            Err(SpsError::OutOfRange("sps_max_sub_layers_minus1"))
        );
    }

    #[test]
    fn the_conformance_window_cuts_in_units_of_chroma() {
        assert_eq!(shown_size(320, 184, 1, [0, 0, 0, 2]), Some((320, 180)));
        assert_eq!(shown_size(320, 184, 2, [1, 1, 0, 4]), Some((316, 180)));
        assert_eq!(shown_size(320, 184, 3, [0, 1, 1, 0]), Some((319, 183)));
        assert_eq!(shown_size(16, 16, 1, [4, 4, 0, 0]), None);
        assert_eq!(shown_size(16, 16, 1, [u32::MAX, 1, 0, 0]), None);
        assert_eq!(shown_size(70_000, 16, 1, [0; 4]), None);
        assert_eq!(shown_size(0, 16, 1, [0; 4]), None);
    }
}
