//! AV1 over RTP (RTP Payload Format For AV1, version 1.0, of the Alliance for Open Media).
//!
//! ```text
//! aggregation header | Z Y W (2 bits) N 0 0 0 |                                                      section 4.4
//! OBU elements       | size, LEB128 | OBU | size | OBU | ...         W = 0: each element has a size   section 4.3
//!                    | size | OBU | ... | OBU |                      W = 1..=3: all but the last one
//! ```
//!
//! Z: the first element goes on from the packet before; Y: the last one goes on in the next packet; N: a coded video
//! sequence begins. OBUs are without their own size, and the temporal delimiter is not sent.

use alloc::vec::Vec;
use core::{iter, mem};

use super::assemble::{Assembler, Format, OpenPicture};
use super::{PayloadError, checked_limit, even_fragment};
use crate::av1::{
    Obu, TEMPORAL_DELIMITER, is_random_access, leb128_bytes, obu_type, obus, push_leb128,
    split_leb128,
};
use crate::burst::{BurstBuilder, RtpWriter};
use crate::limits::{INTERLEAVED_HEADER_BYTES, RTP_HEADER_BYTES};

/// Bits of the aggregation header.
const CONTINUES: u8 = 0x80;
const TO_BE_CONTINUED: u8 = 0x40;
const NEW_SEQUENCE: u8 = 0x08;

/// Where W lies, and the most elements that it can count.
const COUNT_SHIFT: u8 = 4;
const COUNT_MAX: usize = 3;

/// Appends the packets of one temporal unit, OBUs in the low-overhead form, to `out`; the last one carries the marker.
/// Temporal delimiters, tile lists and padding are left out (section 5). On an error nothing was appended.
pub fn packetise(
    temporal_unit: &[u8],
    timestamp: u32,
    max_payload: usize,
    rtp: &mut RtpWriter,
    out: &mut BurstBuilder,
) -> Result<(), PayloadError> {
    let limit = checked_limit(max_payload)?;
    let carried: Vec<_> = obus(temporal_unit)
        .filter(|obu| is_carried(obu.kind()))
        .collect();
    if carried.is_empty() {
        return Err(PayloadError::Empty);
    }
    let lengths = carried.iter().map(element_bytes);
    let total: usize = lengths.map(|length| leb128_bytes(length) + length).sum();
    let room = even_fragment(total, limit - 1);
    let headers = INTERLEAVED_HEADER_BYTES + RTP_HEADER_BYTES + 1;
    out.reserve(total + (total / room + 2 + carried.len() / COUNT_MAX) * headers);

    let mut new_sequence = if is_random_access(temporal_unit) {
        NEW_SEQUENCE
    } else {
        0
    };
    let mut payload = Vec::with_capacity(1 + room);
    let mut unsent = Unsent {
        obus: &carried,
        offset: 0,
    };
    while !unsent.is_empty() {
        unsent.fill(&mut payload, room);
        payload[0] |= mem::take(&mut new_sequence);
        rtp.write(out, timestamp, unsent.is_empty(), &[&payload]);
    }
    Ok(())
}

/// What is left of a temporal unit's OBUs, each without its size.
struct Unsent<'a> {
    obus: &'a [Obu<'a>],
    /// Bytes of the first one that were sent.
    offset: usize,
}

impl Unsent<'_> {
    fn is_empty(&self) -> bool {
        self.obus.is_empty()
    }

    /// Makes the payload of the next packet: its header, and at most `room` bytes behind it.
    fn fill(&mut self, payload: &mut Vec<u8>, room: usize) {
        payload.clear();
        payload.push(if self.offset > 0 { CONTINUES } else { 0 });
        for count in 1..=COUNT_MAX {
            let obu = &self.obus[0];
            let left = element_bytes(obu) - self.offset;
            let space = 1 + room - payload.len();
            // An element with a size leaves room for one byte of another one behind it.
            let has_size =
                count < COUNT_MAX && self.obus.len() > 1 && leb128_bytes(left) + left < space;
            if has_size {
                push_leb128(payload, left);
            }
            let end = self.offset + left.min(space);
            push_part(obu, self.offset, end, payload);
            if left <= space {
                self.obus = &self.obus[1..];
                self.offset = 0;
            } else {
                self.offset = end;
                payload[0] |= TO_BE_CONTINUED;
            }
            if !has_size {
                payload[0] |= (count as u8) << COUNT_SHIFT;
                break;
            }
        }
    }
}

fn element_bytes(obu: &Obu<'_>) -> usize {
    obu.header().len() + obu.payload.len()
}

/// Appends the bytes from `start` to `end` of an element.
fn push_part(obu: &Obu<'_>, start: usize, end: usize, out: &mut Vec<u8>) {
    let header = obu.header();
    let in_header = start.min(header.len())..end.min(header.len());
    let in_payload = start.saturating_sub(header.len())..end.saturating_sub(header.len());
    out.extend_from_slice(&header[in_header]);
    out.extend_from_slice(&obu.payload[in_payload]);
}

/// Puts temporal units together from received packets, each in the low-overhead form with its temporal delimiter.
///
/// After a loss the temporal unit at hand is given all the same, marked as incomplete, without the OBU that misses a
/// part.
pub type Depacketiser = Assembler<Av1>;

/// The payload format, for [`Depacketiser`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Av1;

impl Format for Av1 {
    fn take(&mut self, picture: &mut OpenPicture, payload: &[u8]) -> Result<(), PayloadError> {
        if picture.data.is_empty() {
            picture.data.extend_from_slice(&TEMPORAL_DELIMITER);
        }
        if payload[0] & CONTINUES == 0 {
            picture.drop_open();
        }
        for element in elements(payload) {
            let element = element?;
            if element.begins {
                picture.open = Some(picture.data.len());
            } else if picture.open.is_none() {
                // The start of the OBU is lost: its rest is of no use.
                picture.complete = false;
                continue;
            }
            picture.data.extend_from_slice(element.data);
            if element.ends {
                close_obu(picture)?;
            }
        }
        Ok(())
    }

    fn finish(&mut self, picture: &mut OpenPicture) -> bool {
        picture.drop_open();
        if picture.data == TEMPORAL_DELIMITER {
            picture.data.clear();
        }
        is_random_access(&picture.data)
    }
}

/// An OBU, or a part of one, within a packet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Element<'a> {
    pub(crate) data: &'a [u8],
    /// It is the first part of its OBU.
    pub(crate) begins: bool,
    /// It is the last part of its OBU.
    pub(crate) ends: bool,
}

/// The elements of a payload, which is not empty, up to the first that is cut off.
pub(crate) fn elements(payload: &[u8]) -> impl Iterator<Item = Result<Element<'_>, PayloadError>> {
    let header = payload[0];
    let count = usize::from(header >> COUNT_SHIFT) & COUNT_MAX;
    let mut rest = &payload[1..];
    let mut index = 0;
    iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        index += 1;
        let split = if index == count {
            Some((rest, &[][..]))
        } else {
            split_leb128(rest).and_then(|(size, after)| after.split_at_checked(size))
        };
        let Some((data, after)) = split else {
            rest = &[];
            return Some(Err(PayloadError::Truncated));
        };
        rest = after;
        Some(Ok(Element {
            data,
            begins: index > 1 || header & CONTINUES == 0,
            ends: !after.is_empty() || header & TO_BE_CONTINUED == 0,
        }))
    })
}

/// Writes the OBU anew that is whole now, with its size.
fn close_obu(picture: &mut OpenPicture) -> Result<(), PayloadError> {
    let Some(start) = picture.open else {
        return Ok(());
    };
    let whole = picture.data.split_off(start);
    if !whole.is_empty() {
        // Some senders leave the OBU its own size, which is allowed.
        let (obu, _) = Obu::split(&whole).ok_or(PayloadError::Inconsistent {
            what: "an AV1 OBU whose own size is longer than it",
        })?;
        if is_carried(obu.kind()) {
            obu.push_sized(&mut picture.data);
        }
    }
    picture.open = None;
    Ok(())
}

/// Whether OBUs of the type are sent. Receivers ignore the others (section 5).
fn is_carried(kind: u8) -> bool {
    !matches!(
        kind,
        obu_type::TEMPORAL_DELIMITER | obu_type::TILE_LIST | obu_type::PADDING
    )
}
