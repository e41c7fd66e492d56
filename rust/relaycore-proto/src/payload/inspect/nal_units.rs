//! H.264 (RFC 6184) and H.265 (RFC 7798).

use super::{PacketStart, picture};
use crate::nal::{RECOVERY_POINT, sei_message};
use crate::payload::h264::{FU_A, STAP_A};
use crate::payload::h265::{AP, FU};
use crate::payload::nal_units::aggregated;
use crate::{h264, h265};

/// S: the fragment is the first of its NAL unit.
const FRAGMENT_START: u8 = 0x80;

/// First bit of a slice's own header: of H.264 it is set when `first_mb_in_slice`, an Exp-Golomb number, is 0; of H.265
/// it is `first_slice_segment_in_pic_flag`.
const FIRST_SLICE: u8 = 0x80;

/// A NAL unit that begins within a payload.
struct Begun<'a> {
    kind: u8,
    /// What of it lies in the payload, without its header.
    body: &'a [u8],
}

pub(super) fn h264(payload: &[u8]) -> PacketStart {
    let mut start = PacketStart::Nothing;
    for nal in h264_nals(payload) {
        match nal.kind {
            h264::nal_type::SPS => return PacketStart::RandomAccess,
            h264::nal_type::SEI if is_recovery_point(&nal) => return PacketStart::RandomAccess,
            slice if h264::is_slice(slice) && is_first_slice(&nal) => {
                return picture(slice == h264::nal_type::IDR);
            }
            // SEI, picture parameter sets and delimiters, and what extends sequence parameter sets and slices.
            6 | 8 | 9 | 13..=15 => start = PacketStart::Prefix,
            _ => {}
        }
    }
    start
}

pub(super) fn h265(payload: &[u8]) -> PacketStart {
    let mut start = PacketStart::Nothing;
    for nal in h265_nals(payload) {
        match nal.kind {
            h265::nal_type::VPS | h265::nal_type::SPS => return PacketStart::RandomAccess,
            h265::nal_type::PREFIX_SEI if is_recovery_point(&nal) => {
                return PacketStart::RandomAccess;
            }
            slice if h265::is_slice(slice) && is_first_slice(&nal) => {
                return picture(h265::is_irap(slice));
            }
            h265::nal_type::PPS | h265::nal_type::DELIMITER | h265::nal_type::PREFIX_SEI => {
                start = PacketStart::Prefix;
            }
            _ => {}
        }
    }
    start
}

/// Whether the payload holds a RASL picture, or a part of one.
pub(super) fn is_rasl(payload: &[u8]) -> bool {
    match payload {
        // Of fragments, the first or not, the third byte holds the type.
        [first, _, header, ..] if h265::type_of(*first) == FU => h265::is_rasl(header & 0x3f),
        _ => h265_nals(payload).any(|nal| h265::is_rasl(nal.kind)),
    }
}

fn is_recovery_point(nal: &Begun<'_>) -> bool {
    sei_message(nal.body, 0, RECOVERY_POINT).is_some()
}

fn is_first_slice(nal: &Begun<'_>) -> bool {
    nal.body.first().is_some_and(|byte| byte & FIRST_SLICE != 0)
}

fn h264_nals(payload: &[u8]) -> impl Iterator<Item = Begun<'_>> {
    let whole = |nal| begun(nal, h264::type_of, 1);
    let (single, aggregation) = match payload {
        [] => (None, &[][..]),
        [first, rest @ ..] => match (h264::type_of(*first), rest) {
            (STAP_A, _) => (None, rest),
            (FU_A, [header, body @ ..]) => {
                let kind = h264::type_of(*header);
                let begins = header & FRAGMENT_START != 0;
                (begins.then_some(Begun { kind, body }), &[][..])
            }
            (kind, body) => (Some(Begun { kind, body }), &[][..]),
        },
    };
    single
        .into_iter()
        .chain(aggregated(aggregation).filter_map(whole))
}

fn h265_nals(payload: &[u8]) -> impl Iterator<Item = Begun<'_>> {
    let whole = |nal| begun(nal, h265::type_of, h265::NAL_HEADER_BYTES);
    let (single, aggregation) = match payload {
        [first, _, rest @ ..] => match (h265::type_of(*first), rest) {
            (AP, _) => (None, rest),
            (FU, [header, body @ ..]) => {
                let kind = header & 0x3f;
                let begins = header & FRAGMENT_START != 0;
                (begins.then_some(Begun { kind, body }), &[][..])
            }
            (kind, body) => (Some(Begun { kind, body }), &[][..]),
        },
        _ => (None, &[][..]),
    };
    single
        .into_iter()
        .chain(aggregated(aggregation).filter_map(whole))
}

/// A whole NAL unit; `None` when it is too short for its header.
fn begun(nal: &[u8], type_of: impl Fn(u8) -> u8, header_bytes: usize) -> Option<Begun<'_>> {
    Some(Begun {
        kind: type_of(*nal.first()?),
        body: nal.get(header_bytes..)?,
    })
}
