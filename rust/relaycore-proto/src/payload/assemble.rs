//! Access units of video put together from packets: what is the same in all payload formats.
//!
//! The packets of an access unit have one timestamp, and the last of them the marker. What lies within their payloads
//! is the business of a [`Format`].

use alloc::vec::Vec;
use core::{fmt, mem};

use super::PayloadError;
use super::order::{Arrival, Order};
use crate::access_unit::AccessUnit;
use crate::limits::ACCESS_UNIT_BYTES;
use crate::rtp::RtpPacket;

/// What a payload format knows about the packets of an access unit.
pub trait Format: Clone + fmt::Debug + Default {
    /// Adds a payload, which is not empty, to the picture at hand.
    ///
    /// On an error, what was added is behind [`OpenPicture::open`], or can stay.
    fn take(&mut self, picture: &mut OpenPicture, payload: &[u8]) -> Result<(), PayloadError>;

    /// Ends the picture at hand, whose data becomes an access unit unless it is left empty. Gives whether a reader can
    /// start with it.
    fn finish(&mut self, picture: &mut OpenPicture) -> bool;
}

/// The access unit at hand.
#[derive(Clone, Debug)]
pub struct OpenPicture {
    /// What arrived of it.
    pub data: Vec<u8>,
    /// Where in `data` a part begins that is of no use unless the next packet is there too.
    pub open: Option<usize>,
    /// Whether nothing of it is known to be lost.
    pub complete: bool,
}

impl Default for OpenPicture {
    fn default() -> Self {
        Self {
            data: Vec::new(),
            open: None,
            complete: true,
        }
    }
}

impl OpenPicture {
    /// Removes the part whose other packets did not come, if there is one.
    pub fn drop_open(&mut self) {
        if let Some(start) = self.open.take() {
            self.data.truncate(start);
            self.complete = false;
        }
    }

    /// Begins anew, with a part that needs all its packets.
    pub fn restart(&mut self) {
        self.data.clear();
        self.open = Some(0);
        self.complete = true;
    }
}

/// Puts access units together from received packets.
///
/// Packets are given as they arrive; doubled and late ones are ignored.
#[derive(Clone, Debug)]
pub struct Assembler<F> {
    format: F,
    limit: usize,
    order: Order,
    picture: OpenPicture,
    /// Timestamp of the picture; `None` before its first packet.
    timestamp: Option<u32>,
    /// It grew beyond the limit: its other packets are ignored.
    discarding: bool,
    /// An access unit that was completed and not given yet. There is never more than one: a call that completes two
    /// follows one that completed none.
    pending: Option<AccessUnit>,
}

impl<F: Format> Default for Assembler<F> {
    fn default() -> Self {
        Self::new()
    }
}

impl<F: Format> Assembler<F> {
    /// A depacketiser for one track, with the default limit for access units.
    #[must_use]
    pub fn new() -> Self {
        Self::with_limit(ACCESS_UNIT_BYTES)
    }

    /// A depacketiser that discards access units of more than `limit` bytes.
    #[must_use]
    pub fn with_limit(limit: usize) -> Self {
        Self {
            format: F::default(),
            limit,
            order: Order::default(),
            picture: OpenPicture::default(),
            timestamp: None,
            discarding: false,
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
            self.picture.drop_open();
            self.picture.complete = false;
        }
        if self
            .timestamp
            .is_some_and(|timestamp| timestamp != packet.header.timestamp)
        {
            let former = self.finish();
            self.pending = self.pending.take().or(former);
        }
        self.timestamp = Some(packet.header.timestamp);
        self.picture.complete &= !after_loss;
        let taken = self.take_payload(packet.payload);
        if taken.is_err() {
            self.picture.drop_open();
            self.picture.complete = false;
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

    /// Takes one packet, and appends the access units that it completes to `units`.
    ///
    /// After an error the depacketiser goes on with the next packet; the access unit at hand is incomplete.
    pub fn push_into(
        &mut self,
        packet: &RtpPacket<'_>,
        units: &mut Vec<AccessUnit>,
    ) -> Result<(), PayloadError> {
        let unit = self.push(packet);
        let pending = self.take_pending();
        let taken = unit.map(|unit| units.extend(unit));
        units.extend(pending);
        taken
    }

    /// The access unit that the last call to [`push`](Self::push) completed besides the one it gave.
    pub fn take_pending(&mut self) -> Option<AccessUnit> {
        self.pending.take()
    }

    fn take_payload(&mut self, payload: &[u8]) -> Result<(), PayloadError> {
        if payload.is_empty() || self.discarding {
            return Ok(());
        }
        self.format.take(&mut self.picture, payload)?;
        if self.picture.data.len() > self.limit {
            self.picture = OpenPicture::default();
            self.discarding = true;
            return Err(PayloadError::TooLong { limit: self.limit });
        }
        Ok(())
    }

    /// Ends the access unit at hand. `None` when nothing of it arrived, or it was too long.
    fn finish(&mut self) -> Option<AccessUnit> {
        let timestamp = self.timestamp.take()?;
        let mut picture = mem::take(&mut self.picture);
        if mem::take(&mut self.discarding) {
            return None;
        }
        let random_access = self.format.finish(&mut picture);
        if picture.data.is_empty() {
            return None;
        }
        Some(AccessUnit {
            data: picture.data,
            timestamp,
            random_access,
            complete: picture.complete,
        })
    }
}
