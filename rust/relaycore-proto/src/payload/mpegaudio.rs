//! MPEG-1 and MPEG-2 audio over RTP (RFC 2250 section 3.5).
//!
//! ```text
//! | MBZ, u16 | offset of the fragment, u16 | frame | frame | ...
//! ```

use alloc::vec;
use alloc::vec::Vec;

use super::order::{Arrival, Order};
use super::{PayloadError, checked_limit, even_fragment};
use crate::access_unit::AccessUnit;
use crate::burst::{BurstBuilder, RtpWriter};
use crate::mpegaudio::FrameHeader;
use crate::rtp::RtpPacket;
use crate::track::VIDEO_CLOCK_RATE;

/// Bytes of the header.
const HEADER_BYTES: usize = 4;

/// Appends the packets of `access_unit`, one frame with its header, to `out`: fragments of equal size where it does not
/// fit. The marker is not set: it would say that silence ends here. On an error nothing was appended.
pub fn packetise(
    access_unit: &[u8],
    timestamp: u32,
    max_payload: usize,
    rtp: &mut RtpWriter,
    out: &mut BurstBuilder,
) -> Result<(), PayloadError> {
    let limit = checked_limit(max_payload)? - HEADER_BYTES;
    if access_unit.is_empty() {
        return Err(PayloadError::Empty);
    }
    if u16::try_from(access_unit.len()).is_err() {
        return Err(PayloadError::TooLong {
            limit: u16::MAX.into(),
        });
    }
    let size = even_fragment(access_unit.len(), limit);
    for (index, fragment) in access_unit.chunks(size).enumerate() {
        let offset = (index * size) as u16;
        let header = u32::from(offset).to_be_bytes();
        rtp.write(out, timestamp, false, &[&header, fragment]);
    }
    Ok(())
}

/// Puts frames together from received packets.
///
/// Packets are given as they arrive; doubled and late ones are ignored. A frame that misses a fragment is discarded;
/// each that is given is complete, and a reader can start with it.
#[derive(Clone, Debug, Default)]
pub struct Depacketiser {
    order: Order,
    /// The first fragments of a frame, with its timestamp.
    open: Option<(u32, Vec<u8>)>,
}

impl Depacketiser {
    /// A depacketiser for one track.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one packet, and gives the frames that it completes. After an error the depacketiser goes on with the next
    /// packet.
    pub fn push(&mut self, packet: &RtpPacket<'_>) -> Result<Vec<AccessUnit>, PayloadError> {
        match self.order.arrived(&packet.header) {
            Arrival::Late => return Ok(Vec::new()),
            Arrival::AfterLoss => self.open = None,
            Arrival::InOrder => {}
        }
        if packet.payload.is_empty() {
            return Ok(Vec::new());
        }
        let open = self.open.take();
        let (header, data) = packet
            .payload
            .split_first_chunk::<HEADER_BYTES>()
            .ok_or(PayloadError::Truncated)?;
        let offset = usize::from(u16::from_be_bytes([header[2], header[3]]));
        let timestamp = packet.header.timestamp;
        if offset == 0 {
            return Ok(self.take_frames(data, timestamp));
        }
        let Some((_, mut frame)) =
            open.filter(|(start, frame)| *start == timestamp && frame.len() == offset)
        else {
            // The first fragment is lost: the others are of no use.
            return Ok(Vec::new());
        };
        frame.extend_from_slice(data);
        let length = FrameHeader::parse(&frame).map_or(frame.len(), |header| header.bytes);
        if frame.len() < length {
            self.open = Some((timestamp, frame));
            return Ok(Vec::new());
        }
        frame.truncate(length);
        Ok(vec![AccessUnit::whole(frame, timestamp)])
    }

    /// Takes frames, of which the last may go on in the next packet. What has no header that says its length is a frame
    /// to its end.
    fn take_frames(&mut self, data: &[u8], mut timestamp: u32) -> Vec<AccessUnit> {
        let mut units = Vec::new();
        let mut rest = data;
        while !rest.is_empty() {
            let header = FrameHeader::parse(rest);
            let length = header.map_or(rest.len(), |header| header.bytes);
            let Some((frame, after)) = rest.split_at_checked(length) else {
                self.open = Some((timestamp, rest.to_vec()));
                break;
            };
            units.push(AccessUnit::whole(frame.to_vec(), timestamp));
            if let Some(header) = header {
                let ticks = header.samples * VIDEO_CLOCK_RATE / header.sample_rate;
                timestamp = timestamp.wrapping_add(ticks);
            }
            rest = after;
        }
        units
    }
}
