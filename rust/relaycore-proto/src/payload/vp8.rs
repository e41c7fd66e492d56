//! VP8 over RTP (RFC 7741).
//!
//! ```text
//! payload descriptor   | X R N S R PID (3 bits) |                                                  section 4.2
//! extension, if X      | I L T K RSV |
//! picture ID, if I     | M | 7 bits |, or with M 15 bits
//! TL0PICIDX, if L      | u8 |
//! TID, KEYIDX, if T, K | TID Y KEYIDX |
//! ```

use super::assemble::{Assembler, Format, OpenPicture};
use super::{PayloadError, write_fragments};
use crate::burst::{BurstBuilder, RtpWriter};
use crate::vp8::is_key_frame;

/// The descriptor has an extension.
const EXTENDED: u8 = 0x80;

/// The payload begins a partition. What is sent here is not cut at partitions: it begins a frame.
const START: u8 = 0x10;

/// Index of the partition that the payload begins in.
const PARTITION: u8 = 0x07;

/// Parts that the extension announces: picture ID, TL0PICIDX, temporal layer, key frame index.
const PICTURE_ID: u8 = 0x80;
const TL0PICIDX: u8 = 0x40;
const TID_OR_KEYIDX: u8 = 0x30;

/// M: the picture ID has fifteen bits instead of seven.
const LONG_PICTURE_ID: u8 = 0x80;

/// Appends the packets of one frame to `out`; the last one carries the marker. On an error nothing was appended.
pub fn packetise(
    frame: &[u8],
    timestamp: u32,
    max_payload: usize,
    rtp: &mut RtpWriter,
    out: &mut BurstBuilder,
) -> Result<(), PayloadError> {
    write_fragments(frame, timestamp, max_payload, rtp, out, |is_first, _| {
        [if is_first { START } else { 0 }]
    })
}

/// Puts frames together from received packets.
///
/// A frame that misses a packet is discarded: each frame that is given is complete.
pub type Depacketiser = Assembler<Vp8>;

/// The payload format, for [`Depacketiser`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Vp8;

impl Format for Vp8 {
    fn take(&mut self, picture: &mut OpenPicture, payload: &[u8]) -> Result<(), PayloadError> {
        let (is_start, data) = split_descriptor(payload).ok_or(PayloadError::Truncated)?;
        if is_start {
            picture.restart();
        } else if picture.open.is_none() {
            // The start of the frame is lost: the rest is of no use.
            return Ok(());
        }
        picture.data.extend_from_slice(data);
        Ok(())
    }

    fn finish(&mut self, picture: &mut OpenPicture) -> bool {
        is_key_frame(&picture.data)
    }
}

/// Whether the payload begins a frame, and the data behind its descriptor. `None` when it ends within the descriptor.
pub(crate) fn split_descriptor(payload: &[u8]) -> Option<(bool, &[u8])> {
    let (&first, mut rest) = payload.split_first()?;
    if first & EXTENDED != 0 {
        let (&extension, after) = rest.split_first()?;
        rest = after;
        if extension & PICTURE_ID != 0 {
            let bytes = 1 + usize::from(rest.first()? & LONG_PICTURE_ID != 0);
            rest = rest.get(bytes..)?;
        }
        let parts = [extension & TL0PICIDX, extension & TID_OR_KEYIDX];
        let bytes = parts.iter().filter(|&&part| part != 0).count();
        rest = rest.get(bytes..)?;
    }
    Some((first & START != 0 && first & PARTITION == 0, rest))
}
