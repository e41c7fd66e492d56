//! Session descriptions (RFC 8866), as RTSP uses them (RFC 2326 appendix C): what DESCRIBE answers and ANNOUNCE brings.
//!
//! ```text
//! v=0
//! o=- 1 1 IN IP4 127.0.0.1
//! s=cam
//! c=IN IP4 0.0.0.0
//! t=0 0
//! a=control:*
//! m=video 0 RTP/AVP 96              one section for each track
//! a=rtpmap:96 H264/90000
//! a=fmtp:96 packetization-mode=1;...
//! a=control:trackID=0
//! ```

mod format;
mod parameters;
mod parse;
mod write;

use core::fmt;

pub use format::FormatError;
pub use parameters::write as fmtp;
pub use parse::{Format, Media, Sdp, SdpError, parse};
pub use write::{SessionDescription, write, write_with_query};

/// Who sends a track, seen from the side that wrote the description (RFC 8866 section 6.7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// Both sides.
    #[default]
    SendRecv,
    /// The side that wrote it.
    SendOnly,
    /// The other side.
    RecvOnly,
    /// Nobody.
    Inactive,
}

impl Direction {
    /// The attribute's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    /// The direction that an attribute names.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let all = [
            Self::SendRecv,
            Self::SendOnly,
            Self::RecvOnly,
            Self::Inactive,
        ];
        all.into_iter()
            .find(|known| known.name().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

#[cfg(test)]
mod tests;
