//! VP9 over RTP (RFC 9628).
//!
//! ```text
//! payload descriptor         | I P L F B E V Z |                                                   section 4.2
//! picture ID, if I           | M | 7 bits |, or with M 15 bits
//! layer indices, if L        | TID U SID D |, and without F | TL0PICIDX u8 |
//! reference indices, if P, F | P_DIFF (7 bits) N |, again while N, up to three
//! scalability, if V          | N_S (3 bits) Y G RSV | sizes | N_G u8 | groups |                    section 4.2.1
//! ```

use alloc::vec::Vec;

use super::assemble::{Assembler, Format, OpenPicture};
use super::{PayloadError, write_fragments};
use crate::burst::{BurstBuilder, RtpWriter};
use crate::vp9::{SUPERFRAME_FRAMES_MAX, is_key_frame, push_superframe_index};

/// Bits of the descriptor: what follows it, and what the payload is.
const PICTURE_ID: u8 = 0x80;
const INTER_PREDICTED: u8 = 0x40;
const LAYER_INDICES: u8 = 0x20;
const FLEXIBLE: u8 = 0x10;
const START: u8 = 0x08;
const END: u8 = 0x04;
const SCALABILITY: u8 = 0x02;

/// M: the picture ID has fifteen bits instead of seven.
const LONG_PICTURE_ID: u8 = 0x80;

/// N: another reference index follows; there are at most three.
const MORE_REFERENCES: u8 = 0x01;
const REFERENCES_MAX: usize = 3;

/// Spatial layer in the byte of layer indices.
const SPATIAL_LAYER: u8 = 0x0e;

/// Y and G of the scalability structure: sizes of the spatial layers, and a description of the group of pictures.
const LAYER_SIZES: u8 = 0x10;
const PICTURE_GROUP: u8 = 0x08;

/// Bytes of a width and a height.
const LAYER_SIZE_BYTES: usize = 4;

/// Appends the packets of one frame, or superframe, to `out`; the last one carries the marker. On an error nothing was
/// appended.
///
/// Packets have neither picture IDs nor layers: the stream is one, whatever is inside.
pub fn packetise(
    frame: &[u8],
    timestamp: u32,
    max_payload: usize,
    rtp: &mut RtpWriter,
    out: &mut BurstBuilder,
) -> Result<(), PayloadError> {
    let predicted = if is_key_frame(frame) {
        0
    } else {
        INTER_PREDICTED
    };
    let descriptor = |is_first, is_last| {
        let start = if is_first { START } else { 0 };
        let end = if is_last { END } else { 0 };
        [predicted | start | end]
    };
    write_fragments(frame, timestamp, max_payload, rtp, out, descriptor)
}

/// Puts frames together from received packets. The spatial layers of a picture become one superframe.
///
/// A frame that misses a packet is discarded, and with it the spatial layers above; the layers below are given, marked
/// as incomplete.
pub type Depacketiser = Assembler<Vp9>;

/// The payload format, for [`Depacketiser`].
#[derive(Clone, Debug, Default)]
pub struct Vp9 {
    /// Where the frame of each spatial layer begins within the picture at hand.
    starts: Vec<usize>,
}

impl Format for Vp9 {
    fn take(&mut self, picture: &mut OpenPicture, payload: &[u8]) -> Result<(), PayloadError> {
        let (descriptor, data) = Descriptor::split(payload).ok_or(PayloadError::Truncated)?;
        if descriptor.is_start {
            picture.drop_open();
            if picture.data.is_empty() && descriptor.spatial_layer == 0 {
                picture.restart();
            }
            if !picture.complete {
                // A layer below is lost, without which this one is of no use.
                return Ok(());
            }
            let start = picture.data.len();
            self.starts.retain(|&earlier| earlier < start);
            if self.starts.len() == SUPERFRAME_FRAMES_MAX {
                return Err(PayloadError::Inconsistent {
                    what: "more than eight VP9 frames in a picture",
                });
            }
            self.starts.push(start);
            picture.open = Some(start);
        } else if picture.open.is_none() {
            // The start of the frame is lost: the rest is of no use.
            picture.complete = false;
            return Ok(());
        }
        picture.data.extend_from_slice(data);
        if descriptor.is_end {
            picture.open = None;
        }
        Ok(())
    }

    fn finish(&mut self, picture: &mut OpenPicture) -> bool {
        self.starts.retain(|&start| start < picture.data.len());
        push_superframe_index(&mut picture.data, &self.starts);
        is_key_frame(&picture.data)
    }
}

/// What of a payload descriptor matters to a receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Descriptor {
    /// The payload begins a frame.
    pub(crate) is_start: bool,
    /// The payload ends a frame.
    pub(crate) is_end: bool,
    /// Spatial layer of the frame; 0 where there are no layers.
    pub(crate) spatial_layer: u8,
}

impl Descriptor {
    /// The descriptor and the data behind it. `None` when the payload ends within the descriptor.
    pub(crate) fn split(payload: &[u8]) -> Option<(Self, &[u8])> {
        let (&flags, mut rest) = payload.split_first()?;
        if flags & PICTURE_ID != 0 {
            let bytes = 1 + usize::from(rest.first()? & LONG_PICTURE_ID != 0);
            rest = rest.get(bytes..)?;
        }
        let mut spatial_layer = 0;
        if flags & LAYER_INDICES != 0 {
            spatial_layer = (rest.first()? & SPATIAL_LAYER) >> 1;
            let bytes = if flags & FLEXIBLE == 0 { 2 } else { 1 };
            rest = rest.get(bytes..)?;
        }
        if flags & INTER_PREDICTED != 0 && flags & FLEXIBLE != 0 {
            for _ in 0..REFERENCES_MAX {
                let (&reference, after) = rest.split_first()?;
                rest = after;
                if reference & MORE_REFERENCES == 0 {
                    break;
                }
            }
        }
        if flags & SCALABILITY != 0 {
            rest = skip_scalability(rest)?;
        }
        let descriptor = Self {
            is_start: flags & START != 0,
            is_end: flags & END != 0,
            spatial_layer,
        };
        Some((descriptor, rest))
    }
}

fn skip_scalability(mut rest: &[u8]) -> Option<&[u8]> {
    let (&structure, after) = rest.split_first()?;
    rest = after;
    if structure & LAYER_SIZES != 0 {
        let layers = usize::from(structure >> 5) + 1;
        rest = rest.get(layers * LAYER_SIZE_BYTES..)?;
    }
    if structure & PICTURE_GROUP != 0 {
        let (&pictures, after) = rest.split_first()?;
        rest = after;
        for _ in 0..pictures {
            // TID, U, and two bits for the number of reference indices that follow.
            let references = usize::from(rest.first()? >> 2 & 3);
            rest = rest.get(1 + references..)?;
        }
    }
    Some(rest)
}
