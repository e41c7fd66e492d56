//! What RFC 6184 (H.264) and RFC 7798 (H.265) do alike: NAL units that share a packet, or take several.
//!
//! ```text
//! aggregation | header | size u16 | NAL unit | size u16 | NAL unit | ...
//! fragment    | header | S E type of the NAL unit | part of the NAL unit, without its header
//! ```
//!
//! Both headers have the length of the codec's NAL unit header, and another type.

use alloc::vec::Vec;
use core::iter;

use super::assemble::OpenPicture;
use super::{PayloadError, checked_limit, even_fragment};
use crate::annexb::{START_CODE, nal_units, push_nal};
use crate::burst::{BurstBuilder, RtpWriter};
use crate::limits::{INTERLEAVED_HEADER_BYTES, RTP_HEADER_BYTES};

/// S and E bits of the fragment's own header: first and last fragment of a NAL unit.
const FRAGMENT_START: u8 = 0x80;
const FRAGMENT_END: u8 = 0x40;

/// How a codec's NAL units become payloads.
pub(super) trait NalFormat {
    /// Header of a fragment, its own header with S, E and type included.
    type FragmentHeader: AsRef<[u8]>;

    /// Bytes of a NAL unit's header.
    const HEADER_BYTES: usize;

    /// Whether RTP has a place for the NAL unit.
    fn is_carried(nal: &[u8]) -> bool;

    /// Whether the NAL unit holds picture data.
    fn is_slice(nal: &[u8]) -> bool;

    /// Appends the header of an aggregation of `nals`.
    fn push_aggregation_header(nals: &[&[u8]], out: &mut Vec<u8>);

    /// Header of a fragment of `nal`, S and E as in `flags`.
    fn fragment_header(nal: &[u8], flags: u8) -> Self::FragmentHeader;
}

/// Appends the packets of `access_unit`, an Annex B byte stream, to `out`; the last one carries the marker.
pub(super) fn packetise<F: NalFormat>(
    access_unit: &[u8],
    timestamp: u32,
    max_payload: usize,
    rtp: &mut RtpWriter,
    out: &mut BurstBuilder,
) -> Result<(), PayloadError> {
    let limit = checked_limit(max_payload)?;
    let mut nals = nal_units(access_unit)
        .filter(|nal| F::is_carried(nal))
        .peekable();
    if nals.peek().is_none() {
        return Err(PayloadError::Empty);
    }
    let packets = access_unit.len() / limit + 4;
    let headers = INTERLEAVED_HEADER_BYTES + RTP_HEADER_BYTES + F::HEADER_BYTES + 1;
    out.reserve(access_unit.len() + packets * headers);

    let mut group = Group::default();
    while let Some(nal) = nals.next() {
        let small = !F::is_slice(nal) && Group::default().fits::<F>(nal, limit);
        if !small || !group.fits::<F>(nal, limit) {
            group.write::<F>(timestamp, false, rtp, out);
        }
        if small {
            group.nals.push(nal);
        } else {
            let last = nals.peek().is_none();
            write_nal::<F>(nal, timestamp, last, limit, rtp, out);
        }
    }
    group.write::<F>(timestamp, true, rtp, out);
    Ok(())
}

/// Neighbouring small NAL units that will share a packet.
#[derive(Default)]
struct Group<'a> {
    nals: Vec<&'a [u8]>,
}

impl<'a> Group<'a> {
    /// Whether `nal` has room in the aggregation: a header, then two bytes of size before each NAL unit.
    fn fits<F: NalFormat>(&self, nal: &'a [u8], limit: usize) -> bool {
        let used: usize = self.nals.iter().map(|nal| 2 + nal.len()).sum();
        F::HEADER_BYTES + used + 2 + nal.len() <= limit
    }

    /// Writes the group, if there is one, and empties it.
    fn write<F: NalFormat>(
        &mut self,
        timestamp: u32,
        marker: bool,
        rtp: &mut RtpWriter,
        out: &mut BurstBuilder,
    ) {
        match self.nals[..] {
            [] => return,
            [nal] => rtp.write(out, timestamp, marker, &[nal]),
            _ => {
                rtp.write(out, timestamp, marker, &[&aggregation::<F>(&self.nals)]);
            }
        }
        self.nals.clear();
    }
}

/// The payload of an aggregation of `nals`, which all have to fit one packet.
pub(super) fn aggregation<F: NalFormat>(nals: &[&[u8]]) -> Vec<u8> {
    let mut payload = Vec::new();
    F::push_aggregation_header(nals, &mut payload);
    for nal in nals {
        payload.extend_from_slice(&(nal.len() as u16).to_be_bytes());
        payload.extend_from_slice(nal);
    }
    payload
}

/// The NAL units of an aggregation, from behind its header, as far as their sizes are true.
pub(super) fn aggregated(mut rest: &[u8]) -> impl Iterator<Item = &[u8]> {
    iter::from_fn(move || {
        let (size, after) = rest.split_first_chunk::<2>()?;
        let (nal, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*size)))?;
        rest = after;
        Some(nal)
    })
}

/// Writes one NAL unit, as it is or in fragments of equal size.
fn write_nal<F: NalFormat>(
    nal: &[u8],
    timestamp: u32,
    last: bool,
    limit: usize,
    rtp: &mut RtpWriter,
    out: &mut BurstBuilder,
) {
    if nal.len() <= limit {
        rtp.write(out, timestamp, last, &[nal]);
        return;
    }
    let body = &nal[F::HEADER_BYTES..];
    let size = even_fragment(body.len(), limit - F::HEADER_BYTES - 1);
    let count = body.len().div_ceil(size);
    for (index, fragment) in body.chunks(size).enumerate() {
        let is_end = index + 1 == count;
        let start = if index == 0 { FRAGMENT_START } else { 0 };
        let end = if is_end { FRAGMENT_END } else { 0 };
        let header = F::fragment_header(nal, start | end);
        let parts = [header.as_ref(), fragment];
        rtp.write(out, timestamp, last && is_end, &parts);
    }
}

/// Takes the NAL units of an aggregation, from behind its header. One size at least must be there; NAL units too short
/// for a header are skipped.
pub(super) fn take_aggregation<F: NalFormat>(
    picture: &mut OpenPicture,
    mut rest: &[u8],
) -> Result<(), PayloadError> {
    loop {
        let (size, after) = rest
            .split_first_chunk::<2>()
            .ok_or(PayloadError::Truncated)?;
        let size = usize::from(u16::from_be_bytes(*size));
        let (nal, after) = after
            .split_at_checked(size)
            .ok_or(PayloadError::Truncated)?;
        if nal.len() >= F::HEADER_BYTES {
            push_nal(&mut picture.data, nal);
        }
        if after.is_empty() {
            return Ok(());
        }
        rest = after;
    }
}

/// Takes a fragment: `nal_header` is that of its NAL unit, `flags` its byte with S and E.
pub(super) fn take_fragment(
    picture: &mut OpenPicture,
    nal_header: &[u8],
    flags: u8,
    fragment: &[u8],
) {
    if flags & FRAGMENT_START != 0 {
        picture.drop_open();
        picture.open = Some(picture.data.len());
        picture.data.extend_from_slice(&START_CODE);
        picture.data.extend_from_slice(nal_header);
    } else if picture.open.is_none() {
        // The first fragment is lost: the others are of no use.
        picture.complete = false;
        return;
    }
    picture.data.extend_from_slice(fragment);
    if flags & FRAGMENT_END != 0 {
        picture.open = None;
    }
}
