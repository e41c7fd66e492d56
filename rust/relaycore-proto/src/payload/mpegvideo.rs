//! MPEG-1 and MPEG-2 video over RTP (RFC 2250 section 3).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |   MBZ   |T|         TR        |A|N|S|B|E|  P  | | BFC | | FFC |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//!                                  AN              FBV     FFV
//! ```
//!
//! Behind it comes the extension for MPEG-2 when T is set, then the bytes of the stream. Slices begin a packet or follow
//! whole slices; headers begin a packet.

use alloc::vec::Vec;
use core::ops::Range;

use super::assemble::{Assembler, Format, OpenPicture};
use super::{PayloadError, checked_limit, even_fragment};
use crate::annexb::start_codes;
use crate::burst::{BurstBuilder, RtpWriter};
use crate::mpegvideo::{PictureHeader, is_random_access, start_code};

/// Bytes of the header, and as many again of its extension for MPEG-2.
const HEADER_BYTES: usize = 4;

/// T: the extension follows.
const HAS_EXTENSION: u8 = 0x04;

/// S, B and E: a sequence header is here, a slice begins here, a slice ends here.
const SEQUENCE: u32 = 1 << 13;
const SLICE_BEGINS: u32 = 1 << 12;
const SLICE_ENDS: u32 = 1 << 11;

/// Appends the packets of `access_unit`, one picture or two fields with what precedes them, to `out`; the last packet
/// carries the marker. On an error nothing was appended.
pub fn packetise(
    access_unit: &[u8],
    timestamp: u32,
    max_payload: usize,
    rtp: &mut RtpWriter,
    out: &mut BurstBuilder,
) -> Result<(), PayloadError> {
    let limit = checked_limit(max_payload)? - HEADER_BYTES;
    let parts = parts(access_unit);
    let Some(last) = parts.last().map(|part| part.bytes.end) else {
        return Err(PayloadError::Empty);
    };
    let mut write = |header: u32, bytes: Range<usize>| {
        let marker = bytes.end == last;
        let payload = [&header.to_be_bytes()[..], &access_unit[bytes]];
        rtp.write(out, timestamp, marker, &payload);
    };
    let mut rest = &parts[..];
    while let [first, ..] = rest {
        let start = first.bytes.start;
        let fits = |(index, part): &(usize, &Part)| {
            (*index == 0 || !part.has_headers) && part.bytes.end - start <= limit
        };
        let count = rest.iter().enumerate().take_while(fits).count();
        if let Some(whole) = rest.get(count.wrapping_sub(1)) {
            write(
                first.header | SLICE_BEGINS | SLICE_ENDS,
                start..whole.bytes.end,
            );
            rest = &rest[count..];
        } else {
            let size = even_fragment(first.bytes.len(), limit);
            for at in first.bytes.clone().step_by(size) {
                let end = (at + size).min(first.bytes.end);
                let mut header = first.header;
                if at == start {
                    header |= SLICE_BEGINS;
                } else {
                    header &= !SEQUENCE;
                }
                if end == first.bytes.end {
                    header |= SLICE_ENDS;
                }
                write(header, at..end);
            }
            rest = &rest[1..];
        }
    }
    Ok(())
}

/// A slice, and the headers in front of it.
struct Part {
    bytes: Range<usize>,
    has_headers: bool,
    /// Header of its packets, without the bits for slices.
    header: u32,
}

/// Cuts a picture into its slices. What has no slice is left out.
fn parts(access_unit: &[u8]) -> Vec<Part> {
    let starts: Vec<_> = start_codes(access_unit).collect();
    let ends = starts.iter().skip(1).copied().chain([access_unit.len()]);
    let mut parts = Vec::new();
    let mut headers: Option<usize> = None;
    let (mut picture, mut sequence) = (0, 0);
    for (&start, end) in starts.iter().zip(ends) {
        // A start code is followed by nothing only at the end, where a picture was cut off.
        let Some(unit) = access_unit
            .get(start + 3..end)
            .filter(|unit| !unit.is_empty())
        else {
            continue;
        };
        if start_code::SLICE.contains(&unit[0]) {
            let begin = headers.take();
            parts.push(Part {
                bytes: begin.unwrap_or(start)..end,
                has_headers: begin.is_some(),
                header: picture | sequence,
            });
            sequence = 0;
            continue;
        }
        headers.get_or_insert(start);
        if unit[0] == start_code::SEQUENCE {
            sequence = SEQUENCE;
        }
        if let Some(header) = PictureHeader::parse(unit) {
            picture = u32::from(header.temporal_reference) << 16
                | u32::from(header.coding_type) << 8
                | u32::from(header.backward) << 4
                | u32::from(header.forward);
        }
    }
    parts
}

/// Puts access units together from received packets. After a loss an access unit is given all the same, as incomplete,
/// without the slices that miss a fragment.
pub type Depacketiser = Assembler<MpegVideo>;

/// What an [`Assembler`] knows about MPEG-1 and MPEG-2 video.
#[derive(Clone, Debug, Default)]
pub struct MpegVideo;

impl Format for MpegVideo {
    fn take(&mut self, picture: &mut OpenPicture, payload: &[u8]) -> Result<(), PayloadError> {
        let data = data(payload)?;
        let header = payload[2];
        if header & (SLICE_BEGINS >> 8) as u8 != 0 || data.starts_with(&[0, 0, 1]) {
            picture.drop_open();
            picture.open = Some(picture.data.len());
        } else if picture.open.is_none() {
            // The start of the slice is lost: the others are of no use.
            picture.complete = false;
            return Ok(());
        }
        picture.data.extend_from_slice(data);
        if header & (SLICE_ENDS >> 8) as u8 != 0 {
            picture.open = None;
        }
        Ok(())
    }

    fn finish(&mut self, picture: &mut OpenPicture) -> bool {
        // Senders that set no E: what is there was not cut off by a loss, which would have dropped it.
        picture.open = None;
        is_random_access(&picture.data)
    }
}

/// The bytes of the stream behind the header of a payload.
pub(super) fn data(payload: &[u8]) -> Result<&[u8], PayloadError> {
    let (header, rest) = payload
        .split_first_chunk::<HEADER_BYTES>()
        .ok_or(PayloadError::Truncated)?;
    if header[0] & HAS_EXTENSION == 0 {
        return Ok(rest);
    }
    rest.get(HEADER_BYTES..).ok_or(PayloadError::Truncated)
}
