//! MPEG-4 part 2 video over RTP (RFC 6416 section 5): a picture and what precedes it, as they are, cut where a packet
//! ends; the marker is at the last packet.

use super::assemble::{Assembler, Format, OpenPicture};
use super::{PayloadError, write_fragments};
use crate::annexb::nal_units;
use crate::burst::{BurstBuilder, RtpWriter};
use crate::mpeg4::is_random_access;

/// Appends the packets of `access_unit` to `out`; the last one carries the marker. On an error nothing was appended.
pub fn packetise(
    access_unit: &[u8],
    timestamp: u32,
    max_payload: usize,
    rtp: &mut RtpWriter,
    out: &mut BurstBuilder,
) -> Result<(), PayloadError> {
    if nal_units(access_unit).next().is_none() {
        return Err(PayloadError::Empty);
    }
    write_fragments(access_unit, timestamp, max_payload, rtp, out, |_, _| [])
}

/// Puts access units together from received packets. After a loss an access unit is given all the same, as incomplete,
/// when its start is there.
pub type Depacketiser = Assembler<Mpeg4>;

/// What an [`Assembler`] knows about MPEG-4 video.
#[derive(Clone, Debug, Default)]
pub struct Mpeg4;

impl Format for Mpeg4 {
    fn take(&mut self, picture: &mut OpenPicture, payload: &[u8]) -> Result<(), PayloadError> {
        if picture.data.is_empty() && !payload.starts_with(&[0, 0, 1]) {
            // Without its start nobody can read the picture.
            picture.complete = false;
        } else {
            picture.data.extend_from_slice(payload);
        }
        Ok(())
    }

    fn finish(&mut self, picture: &mut OpenPicture) -> bool {
        is_random_access(&picture.data)
    }
}
