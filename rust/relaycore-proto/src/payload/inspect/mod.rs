//! What a packet starts, seen without putting access units together.
//!
//! A relay asks this of each packet that a publisher sends, so nothing here allocates or looks further into the
//! payload than its headers.

mod nal_units;
mod video;

use crate::mpegts;
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
/// - A picture whose slices or layers lie in several packets is started by the first of them alone.
/// - Sequence parameter sets of H.264 and H.265 and the configuration of MPEG-4 are random access points by themselves:
///   encoders send them in front of one, and often in a packet of their own.
/// - So is a recovery point, where a stream that is refreshed piece by piece has no other: its pictures are right some
///   pictures later.
/// - Audio, and whatever is not looked into, can be joined at each packet but the later fragments of a frame.
#[must_use]
pub fn inspect(codec: Codec, packet: &RtpPacket<'_>) -> PacketStart {
    let payload = packet.payload;
    if payload.is_empty() {
        return PacketStart::Nothing;
    }
    match codec {
        Codec::H264 => nal_units::h264(payload),
        Codec::H265 => nal_units::h265(payload),
        Codec::Mpeg4Video => video::mpeg4(payload),
        // Bytes 1 to 3 are the offset of the fragment (RFC 2435 section 3.1).
        Codec::Jpeg => random_access_if(matches!(payload, [_, 0, 0, 0, ..])),
        Codec::Vp8 => video::vp8(payload),
        Codec::Vp9 => video::vp9(payload),
        Codec::Av1 => video::av1(payload),
        Codec::MpegVideo => video::mpegvideo(payload),
        Codec::Mp2t => transport_stream(payload),
        // Bytes 2 and 3 are the offset of the fragment (RFC 2250 section 3.5).
        Codec::MpegAudio => random_access_if(matches!(payload, [_, _, 0, 0, ..])),
        // The low two bits are 3 in all fragments but the first (RFC 4184 section 4.1.1).
        Codec::Ac3 => random_access_if(payload[0] & 3 != 3),
        Codec::Aac
        | Codec::Latm
        | Codec::Opus
        | Codec::Pcmu
        | Codec::Pcma
        | Codec::G722
        | Codec::L16
        | Codec::Other => PacketStart::RandomAccess,
    }
}

/// Whether `packet` holds slices of a picture that comes behind a random access point in decoding order and cannot be
/// decoded by a reader that started there, which so skips it: a RASL picture of H.265 (ITU-T H.265 section 3.111). True
/// of each of the picture's packets.
#[must_use]
pub fn is_rasl(codec: Codec, packet: &RtpPacket<'_>) -> bool {
    codec == Codec::H265 && nal_units::is_rasl(packet.payload)
}

fn random_access_if(is_start: bool) -> PacketStart {
    if is_start {
        PacketStart::RandomAccess
    } else {
        PacketStart::Nothing
    }
}

/// What a picture starts, by whether a reader can start with it.
fn picture(is_random_access: bool) -> PacketStart {
    if is_random_access {
        PacketStart::RandomAccess
    } else {
        PacketStart::Picture
    }
}

fn transport_stream(payload: &[u8]) -> PacketStart {
    let mut start = PacketStart::Nothing;
    for packet in payload.chunks(mpegts::PACKET_BYTES) {
        match mpegts::begins(packet) {
            mpegts::Begins::RandomAccess => return PacketStart::RandomAccess,
            mpegts::Begins::Section => start = PacketStart::Picture,
            mpegts::Begins::Nothing => {}
        }
    }
    start
}
