//! What a packet starts, seen without putting access units together.
//!
//! A relay asks this of each packet that a publisher sends, so nothing here allocates or looks further into the
//! payload than its headers.

use core::iter;

use crate::h264;
use crate::rtp::RtpPacket;
use crate::track::Codec;

/// What begins within a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketStart {
    /// Nothing: the packet goes on with what came before.
    Nothing,
    /// Something that comes before a picture and belongs to it, but does not say what picture it is: a delimiter, a
    /// picture parameter set, other supplemental information.
    Prefix,
    /// A random access point: a reader can start with this packet.
    RandomAccess,
    /// A picture that refers to others.
    Picture,
}

/// What begins within `packet`, whose track is of `codec`. An empty packet starts nothing.
///
/// Audio and whatever is not looked into can be joined at each packet. A picture whose slices lie in several packets
/// is started by the first of them alone.
#[must_use]
pub fn inspect(codec: Codec, packet: &RtpPacket<'_>) -> PacketStart {
    let payload = packet.payload;
    if payload.is_empty() {
        return PacketStart::Nothing;
    }
    match codec {
        Codec::H264 => inspect_h264(payload),
        // Bytes 1 to 3 are the offset of the fragment (RFC 2435 section 3.1).
        Codec::Jpeg => match payload {
            [_, 0, 0, 0, ..] => PacketStart::RandomAccess,
            _ => PacketStart::Nothing,
        },
        _ => PacketStart::RandomAccess,
    }
}

/// Whether `packet` holds slices of a picture that comes behind a random access point in decoding order and cannot be
/// decoded by a reader that started with it, which so skips it: a RASL picture of H.265.
#[must_use]
pub fn is_rasl(codec: Codec, packet: &RtpPacket<'_>) -> bool {
    let _ = (codec, packet);
    false
}

fn inspect_h264(payload: &[u8]) -> PacketStart {
    let mut start = PacketStart::Nothing;
    for nal in h264_nals(payload) {
        match h264::type_of(nal[0]) {
            h264::nal_type::SPS => return PacketStart::RandomAccess,
            h264::nal_type::SEI if h264::recovery_point(nal).is_some() => {
                return PacketStart::RandomAccess;
            }
            // `first_mb_in_slice` is an Exp-Golomb number: its first bit is set when it is 0.
            slice if h264::is_slice(slice) => {
                if nal.get(1).is_some_and(|byte| byte & 0x80 != 0) {
                    return if slice == h264::nal_type::IDR {
                        PacketStart::RandomAccess
                    } else {
                        PacketStart::Picture
                    };
                }
            }
            _ => start = PacketStart::Prefix,
        }
    }
    start
}

/// The NAL units that begin within `payload` (RFC 6184), as far as they lie in it. The low five bits of the first byte
/// of each are its type: of a fragment, that byte is the FU header.
fn h264_nals(payload: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (single, aggregation) = match payload {
        [] => (None, &[][..]),
        [first, rest @ ..] => match h264::type_of(*first) {
            STAP_A => (None, rest),
            FU_A => (begun(rest), &[][..]),
            _ => (Some(payload), &[][..]),
        },
    };
    single.into_iter().chain(aggregated(aggregation))
}

const STAP_A: u8 = 24;
const FU_A: u8 = 28;

/// The fragment, from its FU header on, when it is the first of its NAL unit: the bit S is set.
fn begun(fragment: &[u8]) -> Option<&[u8]> {
    fragment
        .first()
        .is_some_and(|header| header & 0x80 != 0)
        .then_some(fragment)
}

/// NAL units behind their sizes, as far as these are true.
fn aggregated(mut rest: &[u8]) -> impl Iterator<Item = &[u8]> {
    let all = iter::from_fn(move || {
        let (size, after) = rest.split_first_chunk::<2>()?;
        let (nal, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*size)))?;
        rest = after;
        Some(nal)
    });
    all.filter(|nal| !nal.is_empty())
}
