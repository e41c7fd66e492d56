//! H.265 over RTP (RFC 7798), without decoding order numbers.
//!
//! ```text
//! single NAL unit   | F type layer TID | NAL unit payload ...                      type 0..=47   section 4.4.1
//! AP                | F 48 layer TID | size u16 | NAL unit | size u16 | NAL unit | ...          section 4.4.2
//! FU                | F 49 layer TID | S E type | fragment of the NAL unit payload ...          section 4.4.3
//! ```
//!
//! A sender whose SDP has `sprop-max-don-diff` above 0 puts decoding order numbers into its packets; these are not
//! understood here.

use alloc::vec::Vec;

use super::PayloadError;
use super::assemble::{Assembler, Format, OpenPicture};
use super::nal_units::{self, NalFormat, take_aggregation, take_fragment};
use crate::annexb::push_nal;
use crate::burst::{BurstBuilder, RtpWriter};
use crate::h265::{NAL_HEADER_BYTES, is_random_access, is_slice, type_of};

/// Aggregation packet and fragmentation unit.
pub(super) const AP: u8 = 48;
pub(super) const FU: u8 = 49;

/// Bits of the NAL unit header's first byte that are not the type: F, and the highest bit of the layer.
const NOT_TYPE: u8 = 0x81;
const FORBIDDEN: u8 = 0x80;

/// Type in the header of a fragment.
const FRAGMENT_TYPE: u8 = 0x3f;

/// Bits of the header's second byte that hold the temporal id plus 1; the others belong to the layer.
const TEMPORAL_ID: u8 = 0x07;

/// Appends the packets of `access_unit`, an Annex B byte stream, to `out`; the last one carries the marker.
///
/// Small NAL units that are not slices (parameter sets, SEI, delimiters) share a packet where they are neighbours. NAL
/// units of types that RTP has taken for itself (48 to 63, which decoders ignore) and those without a whole header are
/// left out. On an error nothing was appended.
pub fn packetise(
    access_unit: &[u8],
    timestamp: u32,
    max_payload: usize,
    rtp: &mut RtpWriter,
    out: &mut BurstBuilder,
) -> Result<(), PayloadError> {
    nal_units::packetise::<H265>(access_unit, timestamp, max_payload, rtp, out)
}

/// Puts access units together from received packets.
///
/// After a loss the access unit at hand is given all the same, marked as incomplete, without the NAL unit that misses a
/// fragment.
pub type Depacketiser = Assembler<H265>;

/// The payload format, for [`Depacketiser`].
#[derive(Clone, Copy, Debug, Default)]
pub struct H265;

impl Format for H265 {
    fn take(&mut self, picture: &mut OpenPicture, payload: &[u8]) -> Result<(), PayloadError> {
        let kind = type_of(payload[0]);
        if kind != FU {
            picture.drop_open();
        }
        let (header, rest) = payload
            .split_first_chunk::<NAL_HEADER_BYTES>()
            .ok_or(PayloadError::Truncated)?;
        match kind {
            0..AP => push_nal(&mut picture.data, payload),
            AP => return take_aggregation::<Self>(picture, rest),
            FU => {
                let (&flags, fragment) = rest.split_first().ok_or(PayloadError::Truncated)?;
                let first = header[0] & NOT_TYPE | (flags & FRAGMENT_TYPE) << 1;
                take_fragment(picture, &[first, header[1]], flags, fragment);
            }
            _ => {
                let what = match kind {
                    50 => "the H.265 packet type PACI",
                    _ => "an undefined H.265 packet type",
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

impl NalFormat for H265 {
    type FragmentHeader = [u8; 3];

    const HEADER_BYTES: usize = NAL_HEADER_BYTES;

    fn is_carried(nal: &[u8]) -> bool {
        nal.len() >= NAL_HEADER_BYTES && type_of(nal[0]) < AP
    }

    fn is_slice(nal: &[u8]) -> bool {
        is_slice(type_of(nal[0]))
    }

    /// F is set when any NAL unit has it; layer and temporal id are the lowest of all (section 4.4.2).
    fn push_aggregation_header(nals: &[&[u8]], out: &mut Vec<u8>) {
        let forbidden = nals.iter().fold(0, |bits, nal| bits | nal[0] & FORBIDDEN);
        let layer = |nal: &&[u8]| u16::from_be_bytes([nal[0] & 1, nal[1] & !TEMPORAL_ID]);
        let temporal_id = |nal: &&[u8]| nal[1] & TEMPORAL_ID;
        let [layer_high, layer_low] = nals.iter().map(layer).min().unwrap_or(0).to_be_bytes();
        let temporal_id = nals.iter().map(temporal_id).min().unwrap_or(1);
        out.extend([forbidden | AP << 1 | layer_high, layer_low | temporal_id]);
    }

    fn fragment_header(nal: &[u8], flags: u8) -> [u8; 3] {
        [nal[0] & NOT_TYPE | FU << 1, nal[1], flags | type_of(nal[0])]
    }
}
