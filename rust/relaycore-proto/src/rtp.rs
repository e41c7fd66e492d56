//! RTP packets (RFC 3550 section 5.1).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |V=2|P|X|  CC   |M|     PT      |       sequence number         |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                           timestamp                           |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                             SSRC                              |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |              CSRC list (CC times), header extension (X)       |
//! ```

use core::fmt;

use crate::limits::RTP_HEADER_BYTES;

/// Payload type: seven bits that name a format within an RTP session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PayloadType(pub u8);

/// Synchronisation source: the number of one sender of RTP packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ssrc(pub u32);

impl fmt::Display for Ssrc {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:08x}", self.0)
    }
}

/// Sequence number of an RTP packet: one more for each packet, from 65535 back to 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SequenceNumber(pub u16);

impl SequenceNumber {
    /// The number of the packet after this one.
    #[must_use]
    pub fn next(self) -> Self {
        self.wrapping_add(1)
    }

    /// The number of the packet `count` packets after this one.
    #[must_use]
    pub fn wrapping_add(self, count: u16) -> Self {
        Self(self.0.wrapping_add(count))
    }

    /// Packets from `earlier` to `self`; negative when `self` is the earlier one (RFC 1982 serial numbers).
    #[must_use]
    pub fn distance(self, earlier: Self) -> i16 {
        self.0.wrapping_sub(earlier.0) as i16
    }
}

/// The fixed header fields that matter to a receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtpHeader {
    /// Marker bit: the last packet of an access unit, in the video formats used here.
    pub marker: bool,
    /// Format of the payload.
    pub payload_type: PayloadType,
    /// Position among the packets of the source.
    pub sequence: SequenceNumber,
    /// Media time of the first byte of payload, in ticks of the track's clock rate.
    pub timestamp: u32,
    /// The source.
    pub ssrc: Ssrc,
}

impl RtpHeader {
    /// The header as sent: version 2, no padding, no header extension, no contributing sources.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; RTP_HEADER_BYTES] {
        let mut bytes = [0; RTP_HEADER_BYTES];
        bytes[0] = VERSION << 6;
        bytes[1] = u8::from(self.marker) << 7 | self.payload_type.0 & 0x7f;
        bytes[2..4].copy_from_slice(&self.sequence.0.to_be_bytes());
        bytes[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        bytes[8..12].copy_from_slice(&self.ssrc.0.to_be_bytes());
        bytes
    }

    /// Writes [`to_bytes`](Self::to_bytes) over the start of a packet, to put a received packet onto a stream's own
    /// timeline. Padding, extension and contributing sources of the packet stay as they are. Returns `false`, and
    /// changes nothing, when `packet` is shorter than the header.
    pub fn overwrite(&self, packet: &mut [u8]) -> bool {
        let Some(fixed) = packet.first_chunk_mut::<RTP_HEADER_BYTES>() else {
            return false;
        };
        let flags = fixed[0];
        *fixed = self.to_bytes();
        fixed[0] = flags;
        true
    }
}

/// Header extension (RFC 3550 section 5.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension<'a> {
    /// "Defined by profile": 0xabac is ONVIF's replay extension, 0xbede the one-byte form of RFC 8285.
    pub profile: u16,
    /// Content, a multiple of four bytes.
    pub data: &'a [u8],
}

/// An RTP packet, borrowed from the bytes it was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtpPacket<'a> {
    /// Fixed header.
    pub header: RtpHeader,
    /// Payload, without padding.
    pub payload: &'a [u8],
    /// Header extension.
    pub extension: Option<Extension<'a>>,
    /// Contributing sources, four bytes each.
    pub contributing: &'a [u8],
    /// Bytes of padding after the payload, the count byte included.
    pub padding: u8,
}

impl RtpPacket<'_> {
    /// Reads one whole packet. The payload may be empty: receivers ignore such packets, senders use them to keep a
    /// path through a firewall open.
    pub fn parse(bytes: &[u8]) -> Result<RtpPacket<'_>, RtpError> {
        let Some((fixed, rest)) = bytes.split_first_chunk::<RTP_HEADER_BYTES>() else {
            return Err(RtpError::Truncated { bytes: bytes.len() });
        };
        let version = fixed[0] >> 6;
        if version != VERSION {
            return Err(RtpError::Version(version));
        }
        let truncated = RtpError::Truncated { bytes: bytes.len() };
        let contributing_bytes = usize::from(fixed[0] & 0x0f) * 4;
        let (contributing, mut rest) =
            rest.split_at_checked(contributing_bytes).ok_or(truncated)?;

        let mut extension = None;
        if fixed[0] & 0x10 != 0 {
            let (head, after) = rest.split_first_chunk::<4>().ok_or(truncated)?;
            let words = usize::from(u16::from_be_bytes([head[2], head[3]]));
            let (data, after) = after.split_at_checked(words * 4).ok_or(truncated)?;
            extension = Some(Extension {
                profile: u16::from_be_bytes([head[0], head[1]]),
                data,
            });
            rest = after;
        }

        let mut padding = 0;
        if fixed[0] & 0x20 != 0 {
            padding = rest.last().copied().unwrap_or(0);
            let length = rest.len().checked_sub(usize::from(padding));
            match length {
                Some(length) if padding != 0 => rest = &rest[..length],
                _ => return Err(RtpError::Padding(padding)),
            }
        }

        Ok(RtpPacket {
            header: RtpHeader {
                marker: fixed[1] & 0x80 != 0,
                payload_type: PayloadType(fixed[1] & 0x7f),
                sequence: SequenceNumber(u16::from_be_bytes([fixed[2], fixed[3]])),
                timestamp: u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]),
                ssrc: Ssrc(u32::from_be_bytes([
                    fixed[8], fixed[9], fixed[10], fixed[11],
                ])),
            },
            payload: rest,
            extension,
            contributing,
            padding,
        })
    }
}

/// Why bytes are not an RTP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RtpError {
    /// The packet ends within its header.
    Truncated {
        /// Length of the packet.
        bytes: usize,
    },
    /// The version is not 2.
    Version(u8),
    /// The padding count is zero or larger than what follows the header.
    Padding(u8),
}

impl fmt::Display for RtpError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { bytes } => {
                write!(
                    out,
                    "the RTP packet of {bytes} bytes ends within its header"
                )
            }
            Self::Version(version) => write!(out, "the RTP version is {version} instead of 2"),
            Self::Padding(count) => {
                write!(
                    out,
                    "the RTP packet counts {count} bytes of padding, which it cannot have"
                )
            }
        }
    }
}

impl core::error::Error for RtpError {}

/// The only version of RTP in use.
const VERSION: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: RtpHeader = RtpHeader {
        marker: true,
        payload_type: PayloadType(96),
        sequence: SequenceNumber(0x1234),
        timestamp: 0xdead_beef,
        ssrc: Ssrc(0x0102_0304),
    };

    #[test]
    fn header_bytes_are_those_of_the_rfc() {
        assert_eq!(
            HEADER.to_bytes(),
            [0x80, 0xe0, 0x12, 0x34, 0xde, 0xad, 0xbe, 0xef, 1, 2, 3, 4]
        );
    }

    #[test]
    fn reads_contributing_sources_extension_and_padding() {
        let mut bytes = HEADER.to_bytes().to_vec();
        bytes[0] |= 0x20 | 0x10 | 2;
        bytes.extend([1; 8]);
        bytes.extend([0xab, 0xac, 0, 1, 9, 9, 9, 9]);
        bytes.extend(b"payload");
        bytes.extend([0, 0, 3]);
        let packet = RtpPacket::parse(&bytes).unwrap();
        assert_eq!(packet.header, HEADER);
        assert_eq!(packet.payload, b"payload");
        assert_eq!(packet.contributing, [1; 8]);
        assert_eq!(
            packet.extension,
            Some(Extension {
                profile: 0xabac,
                data: &[9; 4]
            })
        );
        assert_eq!(packet.padding, 3);
    }

    #[test]
    fn every_truncation_within_the_header_is_an_error() {
        let mut bytes = HEADER.to_bytes().to_vec();
        bytes[0] |= 0x10 | 3;
        bytes.extend([0; 12 + 4]);
        bytes[12 + 12 + 3] = 2;
        bytes.extend([0; 8]);
        assert!(RtpPacket::parse(&bytes).is_ok());
        for end in 0..bytes.len() {
            let error = RtpError::Truncated { bytes: end };
            assert_eq!(RtpPacket::parse(&bytes[..end]), Err(error));
        }
    }

    #[test]
    fn impossible_padding_and_versions_are_errors() {
        let mut bytes = HEADER.to_bytes().to_vec();
        bytes[0] |= 0x20;
        assert_eq!(RtpPacket::parse(&bytes), Err(RtpError::Padding(0)));
        bytes.push(0);
        assert_eq!(RtpPacket::parse(&bytes), Err(RtpError::Padding(0)));
        bytes[12] = 2;
        assert_eq!(RtpPacket::parse(&bytes), Err(RtpError::Padding(2)));
        bytes[12] = 1;
        assert_eq!(
            RtpPacket::parse(&bytes).map(|packet| packet.payload.len()),
            Ok(0)
        );
        bytes[0] = 0x40;
        assert_eq!(RtpPacket::parse(&bytes), Err(RtpError::Version(1)));
    }

    #[test]
    fn sequence_numbers_wrap() {
        assert_eq!(SequenceNumber(65_535).next(), SequenceNumber(0));
        assert_eq!(SequenceNumber(2).distance(SequenceNumber(65_534)), 4);
        assert_eq!(SequenceNumber(65_534).distance(SequenceNumber(2)), -4);
    }

    #[test]
    fn overwriting_keeps_the_flags_of_the_packet() {
        let mut bytes = [0xb1; 16];
        assert!(HEADER.overwrite(&mut bytes));
        assert_eq!(bytes[0], 0xb1);
        assert_eq!(bytes[1..12], HEADER.to_bytes()[1..]);
        assert_eq!(bytes[12..], [0xb1; 4]);
        assert!(!HEADER.overwrite(&mut bytes[..11]));
    }
}
