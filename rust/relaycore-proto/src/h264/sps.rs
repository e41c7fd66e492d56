//! Sequence parameter sets (ITU-T H.264 section 7.3.2.1.1) with video usability information (annex E).

use super::{nal_type, type_of};
use crate::bits::BitReader;
use crate::nal::{SpsError, without_emulation_prevention};

/// What a sequence parameter set says about the pictures that refer to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sps {
    /// Width of the shown picture, in pixels.
    pub width: u32,
    /// Height of the shown picture, in pixels.
    pub height: u32,
    /// Profile: 66 baseline, 77 main, 100 high.
    pub profile_idc: u8,
    /// `constraint_set0_flag` (highest bit) to `constraint_set5_flag`, then two reserved bits.
    pub constraint_flags: u8,
    /// Ten times the level: 31 is level 3.1.
    pub level_idc: u8,
    /// Chroma sampling: 0 grey, 1 for 4:2:0, 2 for 4:2:2, 3 for 4:4:4.
    pub chroma_format_idc: u8,
    /// Bits of a luma sample.
    pub bit_depth_luma: u8,
    /// Whether pictures may be coded as fields.
    pub interlaced: bool,
    /// Most reference frames.
    pub max_num_ref_frames: u32,
    /// Shape of a pixel, width and height, when it is said.
    pub sample_aspect_ratio: Option<(u16, u16)>,
    /// Whether samples use the range 0 to 255 instead of 16 to 235, when it is said. Players assume they do not.
    pub full_range: Option<bool>,
    /// Colour primaries, transfer characteristics and matrix (tables E-3, E-4, E-5), when they are said.
    pub colour: Option<(u8, u8, u8)>,
    /// Frames in a second, numerator and denominator in lowest terms, when it is said.
    pub frame_rate: Option<(u32, u32)>,
    /// Most frames that come earlier in decoding order and later in output order, when it is said. 0: no B-frames.
    pub max_num_reorder_frames: Option<u32>,
}

impl Sps {
    /// Reads a sequence parameter set: a NAL unit with its first byte, without start code.
    ///
    /// Usability information that ends too early, which some encoders write, is used as far as it goes.
    pub fn parse(nal: &[u8]) -> Result<Self, SpsError> {
        match nal.first() {
            None => return Err(SpsError::Truncated),
            Some(&first) if type_of(first) != nal_type::SPS => {
                return Err(SpsError::NotSps {
                    nal_type: type_of(first),
                });
            }
            Some(_) => {}
        }
        let bytes = without_emulation_prevention(&nal[..nal.len().min(SPS_BYTES_MAX)]);
        let mut reader = BitReader::new(&bytes[1..]);
        Self::read(&mut reader).ok_or(SpsError::Truncated)?
    }

    /// `profile-level-id` of SDP (RFC 6184 section 8.1): profile, constraint flags, level.
    #[must_use]
    pub fn profile_level_id(&self) -> [u8; 3] {
        [self.profile_idc, self.constraint_flags, self.level_idc]
    }

    /// `None` when the bits end too early.
    fn read(reader: &mut BitReader<'_>) -> Option<Result<Self, SpsError>> {
        let profile_idc = reader.bits(8)? as u8;
        let constraint_flags = reader.bits(8)? as u8;
        let level_idc = reader.bits(8)? as u8;
        if reader.unsigned_golomb()? > 31 {
            return Some(Err(SpsError::OutOfRange("seq_parameter_set_id")));
        }
        let mut chroma = Chroma {
            format_idc: 1,
            separate_planes: false,
            bit_depth_luma: 8,
        };
        if HIGH_PROFILES.contains(&profile_idc) {
            chroma = match Chroma::read(reader)? {
                Ok(chroma) => chroma,
                Err(error) => return Some(Err(error)),
            };
        }
        reader.unsigned_golomb()?; // log2_max_frame_num_minus4
        if let Err(error) = skip_picture_order_count(reader)? {
            return Some(Err(error));
        }
        let max_num_ref_frames = reader.unsigned_golomb()?;
        reader.flag()?; // gaps_in_frame_num_value_allowed_flag
        let width_units = reader.unsigned_golomb()?;
        let height_units = reader.unsigned_golomb()?;
        let interlaced = !reader.flag()?;
        if interlaced {
            reader.flag()?; // mb_adaptive_frame_field_flag
        }
        reader.flag()?; // direct_8x8_inference_flag
        let mut crop = [0; 4];
        if reader.flag()? {
            for side in &mut crop {
                *side = reader.unsigned_golomb()?;
            }
        }
        let Some((width, height)) =
            shown_size(width_units, height_units, interlaced, &chroma, crop)
        else {
            return Some(Err(SpsError::OutOfRange("picture size")));
        };
        let mut sps = Self {
            width,
            height,
            profile_idc,
            constraint_flags,
            level_idc,
            chroma_format_idc: chroma.format_idc,
            bit_depth_luma: chroma.bit_depth_luma,
            interlaced,
            max_num_ref_frames,
            sample_aspect_ratio: None,
            full_range: None,
            colour: None,
            frame_rate: None,
            max_num_reorder_frames: None,
        };
        if reader.flag()? {
            let _ = sps.read_usability(reader);
        }
        Some(Ok(sps))
    }

    /// Reads `vui_parameters` (section E.1.1) into the fields, as far as the bits go.
    fn read_usability(&mut self, reader: &mut BitReader<'_>) -> Option<()> {
        if reader.flag()? {
            self.sample_aspect_ratio = match reader.bits(8)? {
                EXTENDED_ASPECT_RATIO => {
                    let ratio = (reader.bits(16)? as u16, reader.bits(16)? as u16);
                    (ratio.0 > 0 && ratio.1 > 0).then_some(ratio)
                }
                index => ASPECT_RATIOS.get((index as usize).wrapping_sub(1)).copied(),
            };
        }
        if reader.flag()? {
            reader.flag()?; // overscan_appropriate_flag
        }
        if reader.flag()? {
            reader.bits(3)?; // video_format
            self.full_range = Some(reader.flag()?);
            if reader.flag()? {
                let mut colour = [0; 3];
                for number in &mut colour {
                    *number = reader.bits(8)? as u8;
                }
                self.colour = Some((colour[0], colour[1], colour[2]));
            }
        }
        if reader.flag()? {
            reader.unsigned_golomb()?; // chroma_sample_loc_type_top_field
            reader.unsigned_golomb()?; // chroma_sample_loc_type_bottom_field
        }
        if reader.flag()? {
            let units_in_tick = reader.bits(32)?;
            let time_scale = reader.bits(32)?;
            reader.flag()?; // fixed_frame_rate_flag
            self.frame_rate = frame_rate(time_scale, units_in_tick);
        }
        let nal_hrd = reader.flag()?;
        if nal_hrd {
            skip_hrd(reader)?;
        }
        let vcl_hrd = reader.flag()?;
        if vcl_hrd {
            skip_hrd(reader)?;
        }
        if nal_hrd || vcl_hrd {
            reader.flag()?; // low_delay_hrd_flag
        }
        reader.flag()?; // pic_struct_present_flag
        if reader.flag()? {
            reader.flag()?; // motion_vectors_over_pic_boundaries_flag
            for _ in 0..4 {
                reader.unsigned_golomb()?; // bytes, bits and motion vector lengths
            }
            self.max_num_reorder_frames = Some(reader.unsigned_golomb()?);
        }
        Some(())
    }
}

/// Longest part that is read. The longest sequence parameter set that makes sense is far shorter.
const SPS_BYTES_MAX: usize = 4096;

/// Largest width and height, in macroblocks: 65536 pixels.
const MACROBLOCKS_MAX: u32 = 4096;

/// Profiles that say their chroma format and bit depth (section 7.3.2.1.1).
const HIGH_PROFILES: [u8; 13] = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135];

/// `aspect_ratio_idc` from 1 on (table E-1).
const ASPECT_RATIOS: [(u16, u16); 16] = [
    (1, 1),
    (12, 11),
    (10, 11),
    (16, 11),
    (40, 33),
    (24, 11),
    (20, 11),
    (32, 11),
    (80, 33),
    (18, 11),
    (15, 11),
    (64, 33),
    (160, 99),
    (4, 3),
    (3, 2),
    (2, 1),
];

/// `aspect_ratio_idc` of a ratio that is spelled out.
const EXTENDED_ASPECT_RATIO: u32 = 255;

struct Chroma {
    format_idc: u8,
    separate_planes: bool,
    bit_depth_luma: u8,
}

impl Chroma {
    fn read(reader: &mut BitReader<'_>) -> Option<Result<Self, SpsError>> {
        let format_idc = reader.unsigned_golomb()?;
        if format_idc > 3 {
            return Some(Err(SpsError::OutOfRange("chroma_format_idc")));
        }
        let separate_planes = format_idc == 3 && reader.flag()?;
        let bit_depth_luma = reader.unsigned_golomb()?;
        let bit_depth_chroma = reader.unsigned_golomb()?;
        if bit_depth_luma > 6 || bit_depth_chroma > 6 {
            return Some(Err(SpsError::OutOfRange("bit depth")));
        }
        reader.flag()?; // qpprime_y_zero_transform_bypass_flag
        if reader.flag()? {
            let lists = if format_idc == 3 { 12 } else { 8 };
            for index in 0..lists {
                if reader.flag()? {
                    skip_scaling_list(reader, if index < 6 { 16 } else { 64 })?;
                }
            }
        }
        let bit_depth_luma = 8 + bit_depth_luma as u8;
        Some(Ok(Self {
            format_idc: format_idc as u8,
            separate_planes,
            bit_depth_luma,
        }))
    }
}

/// Section 7.3.2.1.1.1: a list ends early when the next scale becomes zero.
fn skip_scaling_list(reader: &mut BitReader<'_>, size: usize) -> Option<()> {
    let (mut last_scale, mut next_scale) = (8i32, 8i32);
    for _ in 0..size {
        if next_scale != 0 {
            next_scale = last_scale
                .wrapping_add(reader.signed_golomb()?)
                .rem_euclid(256);
        }
        if next_scale != 0 {
            last_scale = next_scale;
        }
    }
    Some(())
}

fn skip_picture_order_count(reader: &mut BitReader<'_>) -> Option<Result<(), SpsError>> {
    match reader.unsigned_golomb()? {
        0 => {
            reader.unsigned_golomb()?; // log2_max_pic_order_cnt_lsb_minus4
        }
        1 => {
            reader.flag()?; // delta_pic_order_always_zero_flag
            reader.signed_golomb()?; // offset_for_non_ref_pic
            reader.signed_golomb()?; // offset_for_top_to_bottom_field
            let cycle = reader.unsigned_golomb()?;
            if cycle > 255 {
                return Some(Err(SpsError::OutOfRange(
                    "num_ref_frames_in_pic_order_cnt_cycle",
                )));
            }
            for _ in 0..cycle {
                reader.signed_golomb()?;
            }
        }
        2 => {}
        _ => return Some(Err(SpsError::OutOfRange("pic_order_cnt_type"))),
    }
    Some(Ok(()))
}

/// Section E.1.2.
fn skip_hrd(reader: &mut BitReader<'_>) -> Option<()> {
    let count = reader.unsigned_golomb()?;
    reader.bits(8)?; // bit_rate_scale, cpb_size_scale
    if count > 31 {
        return None;
    }
    for _ in 0..=count {
        reader.unsigned_golomb()?; // bit_rate_value_minus1
        reader.unsigned_golomb()?; // cpb_size_value_minus1
        reader.flag()?; // cbr_flag
    }
    reader.bits(20)?; // four lengths of five bits
    Some(())
}

/// Size in pixels after cropping (equations 7-13 to 7-22); `None` when nothing is left or it is out of bounds.
fn shown_size(
    width_units: u32,
    height_units: u32,
    interlaced: bool,
    chroma: &Chroma,
    [left, right, top, bottom]: [u32; 4],
) -> Option<(u32, u32)> {
    let fields = if interlaced { 2 } else { 1 };
    let columns = width_units
        .checked_add(1)
        .filter(|&count| count <= MACROBLOCKS_MAX)?;
    let rows = height_units
        .checked_add(1)?
        .checked_mul(fields)
        .filter(|&count| count <= MACROBLOCKS_MAX)?;
    let (crop_x, crop_y) = match chroma.format_idc {
        _ if chroma.separate_planes => (1, fields),
        1 => (2, 2 * fields),
        2 => (2, fields),
        _ => (1, fields),
    };
    let cropped_x = left.checked_add(right)?.checked_mul(crop_x)?;
    let cropped_y = top.checked_add(bottom)?.checked_mul(crop_y)?;
    let width = (columns * 16)
        .checked_sub(cropped_x)
        .filter(|&width| width > 0)?;
    let height = (rows * 16)
        .checked_sub(cropped_y)
        .filter(|&height| height > 0)?;
    Some((width, height))
}

/// A frame has two ticks, one a field (section E.2.1).
fn frame_rate(time_scale: u32, units_in_tick: u32) -> Option<(u32, u32)> {
    let denominator = units_in_tick.checked_mul(2)?;
    if time_scale == 0 || denominator == 0 {
        return None;
    }
    let (mut a, mut b) = (time_scale, denominator);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    Some((time_scale / a, denominator / a))
}
