//! AC-3 over RTP (RFC 4184 section 4).
//!
//! ```text
//! | MBZ, 6 bits | FT, 2 bits | NF, u8 | frame | frame | ...
//! FT: 0 whole frames, 1 first fragment with 5/8 of the frame or more, 2 first fragment with less, 3 other fragments
//! NF: how many frames are in the packet, or how many fragments the frame has
//! ```

use alloc::vec;
use alloc::vec::Vec;

use super::order::{Arrival, Order};
use super::{PayloadError, checked_limit, even_fragment};
use crate::ac3::{FRAME_BYTES_MAX, SAMPLES_PER_FRAME, frame_bytes};
use crate::access_unit::AccessUnit;
use crate::burst::{BurstBuilder, RtpWriter};
use crate::rtp::RtpPacket;

/// Bytes of the header.
const HEADER_BYTES: usize = 2;

/// Values of FT, and its bits.
const WHOLE: u8 = 0;
const FIRST_LARGE: u8 = 1;
const FIRST_SMALL: u8 = 2;
const FURTHER: u8 = 3;

/// Appends the packets of `access_unit`, one frame, to `out`: fragments of equal size where it does not fit. The last
/// one carries the marker. On an error nothing was appended.
pub fn packetise(
    access_unit: &[u8],
    timestamp: u32,
    max_payload: usize,
    rtp: &mut RtpWriter,
    out: &mut BurstBuilder,
) -> Result<(), PayloadError> {
    let limit = checked_limit(max_payload)? - HEADER_BYTES;
    match access_unit.len() {
        0 => return Err(PayloadError::Empty),
        bytes if bytes > FRAME_BYTES_MAX => {
            return Err(PayloadError::TooLong {
                limit: FRAME_BYTES_MAX,
            });
        }
        _ => {}
    }
    let size = even_fragment(access_unit.len(), limit);
    let count = access_unit.len().div_ceil(size);
    let first = match count {
        1 => WHOLE,
        _ if size * 8 >= access_unit.len() * 5 => FIRST_LARGE,
        _ => FIRST_SMALL,
    };
    for (index, fragment) in access_unit.chunks(size).enumerate() {
        let kind = if index == 0 { first } else { FURTHER };
        // A frame is cut into sixteen fragments at most.
        let header = [kind, count as u8];
        rtp.write(out, timestamp, index + 1 == count, &[&header, fragment]);
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
    open: Option<OpenFrame>,
}

/// The first fragments of a frame.
#[derive(Clone, Debug)]
struct OpenFrame {
    timestamp: u32,
    data: Vec<u8>,
    /// Fragments that are to come.
    missing: u8,
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
        let (&[kind, number], data) = packet
            .payload
            .split_first_chunk::<HEADER_BYTES>()
            .ok_or(PayloadError::Truncated)?;
        let timestamp = packet.header.timestamp;
        let frame = match kind & FURTHER {
            WHOLE => return Ok(whole_frames(data, timestamp)),
            FURTHER => open.filter(|open| open.timestamp == timestamp),
            _ => Some(OpenFrame {
                timestamp,
                data: Vec::new(),
                missing: number,
            }),
        };
        let Some(mut frame) = frame else {
            // The first fragment is lost: the others are of no use.
            return Ok(Vec::new());
        };
        if frame.data.len() + data.len() > FRAME_BYTES_MAX {
            return Err(PayloadError::TooLong {
                limit: FRAME_BYTES_MAX,
            });
        }
        frame.data.extend_from_slice(data);
        frame.missing = frame.missing.saturating_sub(1);
        if frame.missing == 0 || packet.header.marker {
            return Ok(vec![AccessUnit::whole(frame.data, timestamp)]);
        }
        self.open = Some(frame);
        Ok(Vec::new())
    }
}

/// Frames one after the other. What has no header that says its length is a frame to its end.
fn whole_frames(data: &[u8], mut timestamp: u32) -> Vec<AccessUnit> {
    let mut units = Vec::new();
    let mut rest = data;
    while !rest.is_empty() {
        let length = frame_bytes(rest).unwrap_or(rest.len()).min(rest.len());
        let (frame, after) = rest.split_at(length);
        units.push(AccessUnit::whole(frame.to_vec(), timestamp));
        timestamp = timestamp.wrapping_add(SAMPLES_PER_FRAME);
        rest = after;
    }
    units
}
