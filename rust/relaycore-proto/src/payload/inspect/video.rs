//! MPEG-4 (RFC 6416), VP8 (RFC 7741), VP9 (RFC 9628), AV1, MPEG-1 and MPEG-2 (RFC 2250).

use super::{PacketStart, picture};
use crate::annexb::start_codes;
use crate::av1::{self, obu_type};
use crate::payload::{
    av1 as av1_payload, mpegvideo as mpegvideo_payload, vp8 as vp8_payload, vp9 as vp9_payload,
};
use crate::{mpeg4, mpegvideo, vp8, vp9};

pub(super) fn mpeg4(payload: &[u8]) -> PacketStart {
    if !payload.starts_with(&START_CODE) {
        return PacketStart::Nothing;
    }
    for unit in units(payload) {
        match unit[0] {
            mpeg4::start_code::GROUP => return PacketStart::RandomAccess,
            mpeg4::start_code::PLANE => return picture(mpeg4::is_intra(unit)),
            code if mpeg4::is_configuration(code) => return PacketStart::RandomAccess,
            _ => {}
        }
    }
    PacketStart::Prefix
}

pub(super) fn mpegvideo(payload: &[u8]) -> PacketStart {
    let Some(data) = mpegvideo_payload::data(payload).ok() else {
        return PacketStart::Nothing;
    };
    if !data.starts_with(&START_CODE) {
        return PacketStart::Nothing;
    }
    let mut start = PacketStart::Nothing;
    for unit in units(data) {
        match unit[0] {
            mpegvideo::start_code::SEQUENCE => return PacketStart::RandomAccess,
            // An intra picture without sequence header in front is of no use to a reader that has none.
            mpegvideo::start_code::PICTURE => return PacketStart::Picture,
            code if mpegvideo::start_code::SLICE.contains(&code) => return start,
            _ => start = PacketStart::Prefix,
        }
    }
    start
}

pub(super) fn vp8(payload: &[u8]) -> PacketStart {
    match vp8_payload::split_descriptor(payload) {
        Some((true, frame)) if !frame.is_empty() => picture(vp8::is_key_frame(frame)),
        _ => PacketStart::Nothing,
    }
}

pub(super) fn vp9(payload: &[u8]) -> PacketStart {
    match vp9_payload::Descriptor::split(payload) {
        Some((descriptor, frame))
            if descriptor.is_start && descriptor.spatial_layer == 0 && !frame.is_empty() =>
        {
            picture(vp9::is_key_frame(frame))
        }
        _ => PacketStart::Nothing,
    }
}

/// Looks for the first OBU that begins here and says something: the header of a sequence comes first at each random
/// access point (AV1 specification section 7.6).
pub(super) fn av1(payload: &[u8]) -> PacketStart {
    let mut start = PacketStart::Nothing;
    for element in av1_payload::elements(payload).map_while(Result::ok) {
        let Some(&first) = element.data.first().filter(|_| element.begins) else {
            continue;
        };
        match av1::type_of(first) {
            obu_type::SEQUENCE_HEADER => return PacketStart::RandomAccess,
            obu_type::FRAME | obu_type::FRAME_HEADER => return PacketStart::Picture,
            obu_type::TEMPORAL_DELIMITER | obu_type::METADATA => start = PacketStart::Prefix,
            _ => {}
        }
    }
    start
}

const START_CODE: [u8; 3] = [0, 0, 1];

/// What lies behind each start code of `data`, up to its end; the first byte is that of the start code.
fn units(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    start_codes(data)
        .filter_map(|start| data.get(start + 3..))
        .filter(|unit| !unit.is_empty())
}
