//! Audio whose packets have no payload header: Opus (RFC 7587), and samples that are counted by their bytes, G.711,
//! G.722 and L16 (RFC 3551 section 4.5). Depacketised by [`super::other`]: each packet is an access unit.

use super::{PayloadError, checked_limit, even_fragment, other};
use crate::burst::{BurstBuilder, RtpWriter};

/// Appends `access_unit`, one Opus packet of at most 120 ms, to `out`. It cannot be cut. On an error nothing was
/// appended.
pub fn packetise_opus(
    access_unit: &[u8],
    timestamp: u32,
    max_payload: usize,
    rtp: &mut RtpWriter,
    out: &mut BurstBuilder,
) -> Result<(), PayloadError> {
    other::packetise(access_unit, timestamp, max_payload, rtp, out)
}

/// Appends the packets of `access_unit` to `out`: a block of any number of samples, `tick_bytes` bytes for each tick of
/// the clock (all channels of one sample, but two samples of G.722). The marker, which would say that silence ends here
/// (RFC 3551 section 4.1), is not set. On an error nothing was appended.
pub fn packetise_samples(
    access_unit: &[u8],
    tick_bytes: usize,
    timestamp: u32,
    max_payload: usize,
    rtp: &mut RtpWriter,
    out: &mut BurstBuilder,
) -> Result<(), PayloadError> {
    let limit = checked_limit(max_payload)?;
    if access_unit.is_empty() {
        return Err(PayloadError::Empty);
    }
    if tick_bytes == 0 || tick_bytes > limit || !access_unit.len().is_multiple_of(tick_bytes) {
        return Err(PayloadError::Inconsistent {
            what: "a sample that is not whole",
        });
    }
    let ticks = access_unit.len() / tick_bytes;
    let size = even_fragment(ticks, limit / tick_bytes);
    let mut timestamp = timestamp;
    for samples in access_unit.chunks(size * tick_bytes) {
        rtp.write(out, timestamp, false, &[samples]);
        timestamp = timestamp.wrapping_add(size as u32);
    }
    Ok(())
}
