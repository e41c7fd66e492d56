//! Payload formats: how access units are carried in RTP packets, one file a format.
//!
//! Each format has a `packetise` function, which appends the packets of an access unit to a burst, and a
//! `Depacketiser`, which puts access units together from received packets. [`packetise`] and [`Depacketiser`] choose the
//! format by a track's codec, and [`inspect`](inspect::inspect) says what begins within a packet without putting anything together.
//!
//! Large access units are split **evenly**: all packets of a split have the same size, only the last one may be
//! shorter. The kernel or network card can then cut them out of one large datagram (segmentation offload).
//!
//! What the formats of video have in common is in [`assemble`]: order, losses, the limit, the end of an access unit.

use core::fmt;

use crate::burst::{BurstBuilder, PAYLOAD_BYTES_MAX, RtpWriter};
use crate::jpeg::JpegError;
use crate::limits::{INTERLEAVED_HEADER_BYTES, RTP_HEADER_BYTES};

pub mod aac;
pub mod ac3;
pub mod assemble;
pub mod audio;
pub mod av1;
mod depacketise;
pub mod h264;
pub mod h265;
pub mod inspect;
pub mod jpeg;
pub mod latm;
pub mod mpeg4;
pub mod mpegaudio;
pub mod mpegts;
pub mod mpegvideo;
mod nal_units;
mod order;
pub mod other;
mod packetise;
pub mod parameters;
pub mod vp8;
pub mod vp9;

pub use depacketise::Depacketiser;
pub use packetise::packetise;

/// Smallest payload limit that the packetisers accept, in bytes: room for every payload header and some data.
pub const PAYLOAD_LIMIT_MIN: usize = 256;

/// Why an access unit was not packetised, or a packet not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadError {
    /// The access unit holds nothing that can be sent.
    Empty,
    /// The payload limit is below [`PAYLOAD_LIMIT_MIN`].
    PayloadLimit(usize),
    /// An audio access unit is longer than its 13 bit length can say.
    AudioTooLong {
        /// Length of the access unit.
        bytes: usize,
    },
    /// The payload ends within its own header.
    Truncated,
    /// A packetisation that is not supported.
    Unsupported {
        /// What the packet uses, by its name in the RFC.
        what: &'static str,
    },
    /// The packet contradicts itself or the packets before it.
    Inconsistent {
        /// What does not fit.
        what: &'static str,
    },
    /// The access unit grew beyond the limit and was discarded.
    TooLong {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The JPEG cannot be read.
    Jpeg(JpegError),
    /// The JPEG cannot be carried by RFC 2435.
    JpegNotCarried {
        /// What RFC 2435 has no place for.
        what: &'static str,
    },
}

impl fmt::Display for PayloadError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(out, "the access unit holds nothing to send"),
            Self::PayloadLimit(limit) => {
                write!(
                    out,
                    "the RTP payload limit of {limit} bytes is below {PAYLOAD_LIMIT_MIN}"
                )
            }
            Self::AudioTooLong { bytes } => {
                write!(
                    out,
                    "the audio access unit has {bytes} bytes, and RFC 3640 carries at most 8191"
                )
            }
            Self::Truncated => write!(out, "the RTP payload ends within its header"),
            Self::Unsupported { what } => write!(out, "{what} is not supported"),
            Self::Inconsistent { what } => write!(out, "the RTP payload does not fit: {what}"),
            Self::TooLong { limit } => {
                write!(
                    out,
                    "the access unit is longer than {limit} bytes and was discarded"
                )
            }
            Self::Jpeg(error) => error.fmt(out),
            Self::JpegNotCarried { what } => {
                write!(
                    out,
                    "RTP cannot carry this JPEG ({what}); let it be encoded as H.264"
                )
            }
        }
    }
}

impl core::error::Error for PayloadError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Jpeg(error) => Some(error),
            _ => None,
        }
    }
}

impl From<JpegError> for PayloadError {
    fn from(error: JpegError) -> Self {
        Self::Jpeg(error)
    }
}

/// Checks a payload limit and bounds it to what a frame can hold.
pub(crate) fn checked_limit(max_payload: usize) -> Result<usize, PayloadError> {
    if max_payload < PAYLOAD_LIMIT_MIN {
        return Err(PayloadError::PayloadLimit(max_payload));
    }
    Ok(max_payload.min(PAYLOAD_BYTES_MAX))
}

/// Size of the fragments when `length` bytes are split evenly into fragments of at most `limit` bytes.
pub(crate) fn even_fragment(length: usize, limit: usize) -> usize {
    length.div_ceil(length.div_ceil(limit).max(1)).max(1)
}

/// Appends `data` in fragments of equal size, each behind the header that `header` gives for it: it is told whether the
/// fragment is the first and whether it is the last, which carries the marker.
fn write_fragments<const HEADER_BYTES: usize>(
    data: &[u8],
    timestamp: u32,
    max_payload: usize,
    rtp: &mut RtpWriter,
    out: &mut BurstBuilder,
    header: impl Fn(bool, bool) -> [u8; HEADER_BYTES],
) -> Result<(), PayloadError> {
    let limit = checked_limit(max_payload)?;
    if data.is_empty() {
        return Err(PayloadError::Empty);
    }
    let size = even_fragment(data.len(), limit - HEADER_BYTES);
    let count = data.len().div_ceil(size);
    let headers = INTERLEAVED_HEADER_BYTES + RTP_HEADER_BYTES + HEADER_BYTES;
    out.reserve(data.len() + count * headers);
    for (index, fragment) in data.chunks(size).enumerate() {
        let is_last = index + 1 == count;
        let parts = [&header(index == 0, is_last)[..], fragment];
        rtp.write(out, timestamp, is_last, &parts);
    }
    Ok(())
}
