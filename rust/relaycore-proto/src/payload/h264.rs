//! H.264 over RTP (RFC 6184), packetization mode 1.
//!
//! ```text
//! single NAL unit   | F NRI type | NAL unit payload ...                                          type 1..=23
//! STAP-A            | F NRI 24   | size u16 | NAL unit | size u16 | NAL unit | ...              section 5.7.1
//! FU-A              | F NRI 28   | S E R type | fragment of the NAL unit payload ...            section 5.8
//! ```

use alloc::vec::Vec;

use super::PayloadError;
use super::assemble::{Assembler, Format, OpenPicture};
use super::nal_units::{self, NalFormat, aggregated, take_aggregation, take_fragment};
use crate::annexb::push_nal;
use crate::burst::{BurstBuilder, RtpWriter};
use crate::h264::{is_random_access, is_slice, type_of};

/// Packets that hold several NAL units, or a part of one.
pub(super) const STAP_A: u8 = 24;
pub(super) const FU_A: u8 = 28;

/// F and NRI bits of a NAL unit's first byte.
const FORBIDDEN: u8 = 0x80;
const IMPORTANCE: u8 = 0x60;

/// Appends the packets of `access_unit`, an Annex B byte stream, to `out`; the last one carries the marker.
///
/// Small NAL units that are not slices (parameter sets, SEI, delimiters) share a packet where they are neighbours. NAL
/// units of types that RTP has taken for itself (0 and 24 to 31, which decoders ignore) are left out. On an error
/// nothing was appended.
pub fn packetise(
    access_unit: &[u8],
    timestamp: u32,
    max_payload: usize,
    rtp: &mut RtpWriter,
    out: &mut BurstBuilder,
) -> Result<(), PayloadError> {
    nal_units::packetise::<H264>(access_unit, timestamp, max_payload, rtp, out)
}

/// The first byte that the payload of a packet should have, where it is an aggregation with another one: NRI is the
/// highest of its NAL units, F is set when any has it (section 5.7).
pub(super) fn mended_aggregation(payload: &[u8]) -> Option<u8> {
    let (&first, rest) = payload.split_first()?;
    if type_of(first) != STAP_A {
        return None;
    }
    let header = aggregation_header(aggregated(rest).filter_map(|nal| nal.first()))?;
    (header != first).then_some(header)
}

/// The header of an aggregation of NAL units with these first bytes; `None` when there are none.
fn aggregation_header<'a>(firsts: impl Iterator<Item = &'a u8>) -> Option<u8> {
    firsts
        .map(|first| (first & FORBIDDEN, first & IMPORTANCE))
        .reduce(|one, next| (one.0 | next.0, one.1.max(next.1)))
        .map(|(forbidden, importance)| forbidden | importance | STAP_A)
}

/// Puts access units together from received packets, of packetization modes 0 and 1.
///
/// After a loss the access unit at hand is given all the same, marked as incomplete, without the NAL unit that misses a
/// fragment.
pub type Depacketiser = Assembler<H264>;

/// The payload format, for [`Depacketiser`].
#[derive(Clone, Copy, Debug, Default)]
pub struct H264;

impl Format for H264 {
    fn take(&mut self, picture: &mut OpenPicture, payload: &[u8]) -> Result<(), PayloadError> {
        let kind = type_of(payload[0]);
        if kind != FU_A {
            picture.drop_open();
        }
        match kind {
            1..=23 => push_nal(&mut picture.data, payload),
            STAP_A => return take_aggregation::<Self>(picture, &payload[1..]),
            FU_A => {
                let Some((&[indicator, header], fragment)) = payload.split_first_chunk::<2>()
                else {
                    return Err(PayloadError::Truncated);
                };
                let nal_header = indicator & (FORBIDDEN | IMPORTANCE) | type_of(header);
                take_fragment(picture, &[nal_header], header, fragment);
            }
            _ => {
                let what = match kind {
                    25 => "the H.264 packet type STAP-B",
                    26 | 27 => "the H.264 packet type MTAP",
                    29 => "the H.264 packet type FU-B",
                    _ => "an undefined H.264 packet type",
                };
                return Err(PayloadError::Unsupported { what });
            }
        }
        Ok(())
    }

    fn finish(&mut self, picture: &mut OpenPicture) -> bool {
        picture.drop_open();
        is_random_access(&picture.data)
    }
}

impl NalFormat for H264 {
    type FragmentHeader = [u8; 2];

    const HEADER_BYTES: usize = 1;

    fn is_carried(nal: &[u8]) -> bool {
        (1..=23).contains(&type_of(nal[0]))
    }

    fn is_slice(nal: &[u8]) -> bool {
        is_slice(type_of(nal[0]))
    }

    /// F is set when any NAL unit has it, NRI is the highest of all (section 5.7).
    fn push_aggregation_header(nals: &[&[u8]], out: &mut Vec<u8>) {
        out.push(aggregation_header(nals.iter().map(|nal| &nal[0])).unwrap_or(STAP_A));
    }

    fn fragment_header(nal: &[u8], flags: u8) -> [u8; 2] {
        let indicator = nal[0] & (FORBIDDEN | IMPORTANCE) | FU_A;
        [indicator, flags | type_of(nal[0])]
    }
}
