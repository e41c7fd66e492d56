//! H.264 over RTP (RFC 6184), packetization mode 1.
//!
//! ```text
//! single NAL unit   | F NRI type | NAL unit payload ...                                          type 1..=23
//! STAP-A            | F NRI 24   | size u16 | NAL unit | size u16 | NAL unit | ...              section 5.7.1
//! FU-A              | F NRI 28   | S E R type | fragment of the NAL unit payload ...            section 5.8
//! ```

use alloc::vec::Vec;
use core::mem;

use super::order::{Arrival, Order};
use super::{PayloadError, checked_limit, even_fragment};
use crate::access_unit::AccessUnit;
use crate::annexb::{START_CODE, nal_units, push_nal};
use crate::burst::{BurstBuilder, RtpWriter};
use crate::h264::{is_random_access, is_slice, type_of};
use crate::limits::{ACCESS_UNIT_BYTES, INTERLEAVED_HEADER_BYTES, RTP_HEADER_BYTES};
use crate::rtp::RtpPacket;

const STAP_A: u8 = 24;
const FU_A: u8 = 28;

/// S and E bits of the FU header: first and last fragment of a NAL unit.
const FU_START: u8 = 0x80;
const FU_END: u8 = 0x40;

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
    let limit = checked_limit(max_payload)?;
    let mut nals = nal_units(access_unit)
        .filter(|nal| (1..=23).contains(&type_of(nal[0])))
        .peekable();
    if nals.peek().is_none() {
        return Err(PayloadError::Empty);
    }
    let packets = access_unit.len() / limit + 4;
    out.reserve(access_unit.len() + packets * (INTERLEAVED_HEADER_BYTES + RTP_HEADER_BYTES + 2));

    let mut group = Group::default();
    while let Some(nal) = nals.next() {
        let small = !is_slice(type_of(nal[0])) && Group::default().fits(nal, limit);
        if !small || !group.fits(nal, limit) {
            group.write(timestamp, false, rtp, out);
        }
        if small {
            group.nals.push(nal);
        } else {
            let last = nals.peek().is_none();
            write_nal(nal, timestamp, last, limit, rtp, out);
        }
    }
    group.write(timestamp, true, rtp, out);
    Ok(())
}

/// Puts access units together from received packets, of packetization modes 0 and 1.
///
/// Packets are given as they arrive; doubled and late ones are ignored. After a loss the access unit at hand is given
/// all the same, marked as incomplete, without the NAL unit that misses a fragment.
#[derive(Clone, Debug)]
pub struct Depacketiser {
    limit: usize,
    order: Order,
    /// The access unit at hand, as byte stream.
    data: Vec<u8>,
    /// Its timestamp; `None` before its first packet.
    timestamp: Option<u32>,
    complete: bool,
    /// It grew beyond the limit: its other packets are ignored.
    discarding: bool,
    /// Where in `data` the start code of a NAL unit lies whose last fragment is still to come.
    open: Option<usize>,
    /// An access unit that was completed and not given yet. There is never more than one: a call that completes two
    /// follows one that completed none.
    pending: Option<AccessUnit>,
}

impl Default for Depacketiser {
    fn default() -> Self {
        Self::new()
    }
}

impl Depacketiser {
    /// A depacketiser for one track, with the default limit for access units.
    #[must_use]
    pub fn new() -> Self {
        Self::with_limit(ACCESS_UNIT_BYTES)
    }

    /// A depacketiser that discards access units of more than `limit` bytes.
    #[must_use]
    pub fn with_limit(limit: usize) -> Self {
        Self {
            limit,
            order: Order::default(),
            data: Vec::new(),
            timestamp: None,
            complete: true,
            discarding: false,
            open: None,
            pending: None,
        }
    }

    /// Takes one packet, and gives the access unit that it completes: with its marker, or as the first packet of the
    /// next one where the marker was lost or is never set. When it completes both, the second is left for
    /// [`take_pending`](Self::take_pending), or else for the next call.
    ///
    /// After an error the depacketiser goes on with the next packet; the access unit at hand is incomplete.
    pub fn push(&mut self, packet: &RtpPacket<'_>) -> Result<Option<AccessUnit>, PayloadError> {
        let arrival = self.order.arrived(&packet.header);
        if arrival == Arrival::Late {
            return Ok(self.take_pending());
        }
        // Where a loss and a new timestamp meet, the loss may belong to either access unit.
        let after_loss = arrival == Arrival::AfterLoss;
        if after_loss {
            self.drop_open_nal();
            self.complete = false;
        }
        if self
            .timestamp
            .is_some_and(|timestamp| timestamp != packet.header.timestamp)
        {
            let former = self.finish();
            self.pending = self.pending.take().or(former);
        }
        self.timestamp = Some(packet.header.timestamp);
        self.complete &= !after_loss;
        let before = self.data.len();
        let taken = self.take_payload(packet.payload);
        if taken.is_err() {
            self.data.truncate(before);
            self.drop_open_nal();
            self.complete = false;
        }
        let finished = if packet.header.marker {
            self.finish()
        } else {
            None
        };
        let pending = self.pending.take();
        if let Err(error) = taken {
            self.pending = pending.or(finished);
            return Err(error);
        }
        match pending {
            None => Ok(finished),
            Some(pending) => {
                self.pending = finished;
                Ok(Some(pending))
            }
        }
    }

    /// The access unit that the last call to [`push`](Self::push) completed besides the one it gave.
    pub fn take_pending(&mut self) -> Option<AccessUnit> {
        self.pending.take()
    }

    /// Ends the access unit at hand. `None` when nothing of it arrived, or it was too long.
    fn finish(&mut self) -> Option<AccessUnit> {
        if self.open.is_some() {
            self.drop_open_nal();
            self.complete = false;
        }
        let timestamp = self.timestamp.take()?;
        let data = mem::take(&mut self.data);
        let complete = mem::replace(&mut self.complete, true);
        let discarded = mem::take(&mut self.discarding);
        if discarded || data.is_empty() {
            return None;
        }
        Some(AccessUnit {
            random_access: is_random_access(&data),
            data,
            timestamp,
            complete,
        })
    }

    /// Removes the NAL unit whose last fragment did not come.
    fn drop_open_nal(&mut self) {
        if let Some(start) = self.open.take() {
            self.data.truncate(start);
        }
    }

    fn take_payload(&mut self, payload: &[u8]) -> Result<(), PayloadError> {
        let Some(&first) = payload.first() else {
            return Ok(());
        };
        if self.discarding {
            return Ok(());
        }
        let kind = type_of(first);
        if self.open.is_some() && kind != FU_A {
            self.drop_open_nal();
            self.complete = false;
        }
        match kind {
            1..=23 => push_nal(&mut self.data, payload),
            STAP_A => self.take_aggregate(&payload[1..])?,
            FU_A => self.take_fragment(payload)?,
            25 => {
                return Err(PayloadError::Unsupported {
                    what: "the H.264 packet type STAP-B",
                });
            }
            26 | 27 => {
                return Err(PayloadError::Unsupported {
                    what: "the H.264 packet type MTAP",
                });
            }
            29 => {
                return Err(PayloadError::Unsupported {
                    what: "the H.264 packet type FU-B",
                });
            }
            _ => {
                return Err(PayloadError::Unsupported {
                    what: "an undefined H.264 packet type",
                });
            }
        }
        if self.data.len() > self.limit {
            self.data = Vec::new();
            self.open = None;
            self.discarding = true;
            return Err(PayloadError::TooLong { limit: self.limit });
        }
        Ok(())
    }

    /// NAL units behind their sizes. One size at least must be there; empty NAL units are skipped.
    fn take_aggregate(&mut self, mut rest: &[u8]) -> Result<(), PayloadError> {
        loop {
            let (size, after) = rest
                .split_first_chunk::<2>()
                .ok_or(PayloadError::Truncated)?;
            let size = usize::from(u16::from_be_bytes(*size));
            let (nal, after) = after
                .split_at_checked(size)
                .ok_or(PayloadError::Truncated)?;
            if !nal.is_empty() {
                push_nal(&mut self.data, nal);
            }
            if after.is_empty() {
                return Ok(());
            }
            rest = after;
        }
    }

    fn take_fragment(&mut self, payload: &[u8]) -> Result<(), PayloadError> {
        let Some((&[indicator, header], fragment)) = payload.split_first_chunk::<2>() else {
            return Err(PayloadError::Truncated);
        };
        if header & FU_START != 0 {
            if self.open.is_some() {
                self.drop_open_nal();
                self.complete = false;
            }
            self.open = Some(self.data.len());
            self.data.extend_from_slice(&START_CODE);
            self.data
                .push(indicator & (FORBIDDEN | IMPORTANCE) | type_of(header));
        } else if self.open.is_none() {
            // The first fragment is lost: the others are of no use.
            self.complete = false;
            return Ok(());
        }
        self.data.extend_from_slice(fragment);
        if header & FU_END != 0 {
            self.open = None;
        }
        Ok(())
    }
}

/// Neighbouring small NAL units that will share a packet.
#[derive(Default)]
struct Group<'a> {
    nals: Vec<&'a [u8]>,
}

impl<'a> Group<'a> {
    /// Whether `nal` has room in the STAP-A: one byte of header, then two bytes of size before each NAL unit.
    fn fits(&self, nal: &'a [u8], limit: usize) -> bool {
        let used: usize = self.nals.iter().map(|nal| 2 + nal.len()).sum();
        1 + used + 2 + nal.len() <= limit
    }

    /// Writes the group, if there is one, and empties it.
    fn write(&mut self, timestamp: u32, marker: bool, rtp: &mut RtpWriter, out: &mut BurstBuilder) {
        match self.nals[..] {
            [] => return,
            [nal] => rtp.write(out, timestamp, marker, &[nal]),
            _ => {
                // F is set when any NAL unit has it, NRI is the highest of all (section 5.7).
                let forbidden = self
                    .nals
                    .iter()
                    .fold(0, |bits, nal| bits | nal[0] & FORBIDDEN);
                let importance = self
                    .nals
                    .iter()
                    .map(|nal| nal[0] & IMPORTANCE)
                    .max()
                    .unwrap_or(0);
                let mut payload = Vec::new();
                payload.push(forbidden | importance | STAP_A);
                for nal in &self.nals {
                    // `fits` bounds each NAL unit to less than the packet.
                    payload.extend_from_slice(&(nal.len() as u16).to_be_bytes());
                    payload.extend_from_slice(nal);
                }
                rtp.write(out, timestamp, marker, &[&payload]);
            }
        }
        self.nals.clear();
    }
}

/// Writes one NAL unit, as it is or in fragments of equal size.
fn write_nal(
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
    let indicator = nal[0] & (FORBIDDEN | IMPORTANCE) | FU_A;
    let body = &nal[1..];
    let size = even_fragment(body.len(), limit - 2);
    let count = body.len().div_ceil(size);
    for (index, fragment) in body.chunks(size).enumerate() {
        let is_end = index + 1 == count;
        let start = if index == 0 { FU_START } else { 0 };
        let end = if is_end { FU_END } else { 0 };
        let header = [indicator, start | end | type_of(nal[0])];
        rtp.write(out, timestamp, last && is_end, &[&header, fragment]);
    }
}
