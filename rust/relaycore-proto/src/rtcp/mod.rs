//! RTCP packets (RFC 3550 section 6, RFC 4585, RFC 5104): one kind of packet a file.
//!
//! A datagram, or an interleaved packet on an odd channel, is a *compound* of RTCP packets one behind the other. All
//! start alike, and their length is a multiple of four bytes:
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |V=2|P|  count  |  packet type  | length in words, minus one    |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

mod bye;
mod feedback;
mod ntp;
mod report;
mod source_description;

use alloc::vec::Vec;
use core::fmt;

pub use bye::{Bye, write_bye};
pub use feedback::{Fir, FirEntry, Nack, Pli, write_fir, write_nack, write_pli};
pub use ntp::{ntp_from_unix_ns, unix_ns_from_ntp};
pub use report::{
    ReceiverReport, ReportBlock, SenderReport, write_receiver_report, write_sender_report,
};
pub use source_description::{SourceDescription, write_sdes_cname};

use crate::rtp::Ssrc;

/// One packet of a compound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RtcpPacket {
    /// A sender says when it sent what, and what it received.
    SenderReport(SenderReport),
    /// A receiver says what it received.
    ReceiverReport(ReceiverReport),
    /// Who a source is.
    SourceDescription(SourceDescription),
    /// Sources end.
    Bye(Bye),
    /// A receiver lost packets and wants them again.
    Nack(Nack),
    /// A receiver lost a picture and wants a random access point.
    Pli(Pli),
    /// A receiver joined and wants a random access point.
    Fir(Fir),
    /// A packet of another kind, skipped by its length.
    Unknown {
        /// Packet type.
        packet_type: u8,
        /// The five bits of count or format.
        count: u8,
    },
}

/// Reads all packets of a compound.
///
/// A compound should start with a report (RFC 3550 section 6.1); reduced compounds without one (RFC 5506) are read as
/// well. Bytes that a packet has beyond what its count asks for are profile-specific and skipped.
pub fn parse_compound(bytes: &[u8]) -> Result<Vec<RtcpPacket>, RtcpError> {
    let mut packets = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let offset = bytes.len() - rest.len();
        let at = |kind| RtcpError { kind, offset };
        let header = rest
            .first_chunk::<HEADER_BYTES>()
            .ok_or(at(RtcpErrorKind::Truncated))?;
        let version = header[0] >> 6;
        if version != VERSION {
            return Err(at(RtcpErrorKind::Version(version)));
        }
        let words = usize::from(u16::from_be_bytes([header[2], header[3]])) + 1;
        let (packet, after) = rest
            .split_at_checked(words * 4)
            .ok_or(at(RtcpErrorKind::Truncated))?;
        let mut body = &packet[HEADER_BYTES..];
        if header[0] & PADDING != 0 {
            let padding = body.last().map_or(0, |&count| usize::from(count));
            let length = body.len().checked_sub(padding).filter(|_| padding != 0);
            body = &body[..length.ok_or(at(RtcpErrorKind::Padding))?];
        }
        let count = header[0] & 0x1f;
        packets.push(parse_packet(header[1], count, body).ok_or(at(RtcpErrorKind::Truncated))?);
        rest = after;
    }
    if packets.is_empty() {
        return Err(RtcpError {
            kind: RtcpErrorKind::Truncated,
            offset: 0,
        });
    }
    Ok(packets)
}

/// Whether `bytes`, which came where RTP comes as well, are RTCP: packet types 192 to 223 are those that RTP's marker
/// and payload type avoid (RFC 5761 section 4).
#[must_use]
pub fn is_rtcp(bytes: &[u8]) -> bool {
    matches!(bytes, [first, second, ..] if first >> 6 == VERSION && (192..=223).contains(second))
}

/// Why bytes are not a compound of RTCP packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtcpError {
    /// What is wrong.
    pub kind: RtcpErrorKind,
    /// Offset of the RTCP packet in the compound, in bytes.
    pub offset: usize,
}

/// What is wrong with an RTCP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RtcpErrorKind {
    /// The packet ends too early.
    Truncated,
    /// The version is not 2.
    Version(u8),
    /// The padding count is zero or larger than the packet.
    Padding,
}

impl fmt::Display for RtcpError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            RtcpErrorKind::Truncated => write!(out, "the RTCP packet ends too early")?,
            RtcpErrorKind::Version(version) => {
                write!(out, "the RTCP version is {version} instead of 2")?
            }
            RtcpErrorKind::Padding => {
                write!(out, "the RTCP packet counts padding that it cannot have")?
            }
        }
        write!(out, " (at byte {} of the compound)", self.offset)
    }
}

impl core::error::Error for RtcpError {}

const VERSION: u8 = 2;
const HEADER_BYTES: usize = 4;
/// P bit of the first byte.
const PADDING: u8 = 0x20;

/// Packet types (RFC 3550 section 12.1, RFC 4585 section 6.1).
const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const BYE: u8 = 203;
const TRANSPORT_FEEDBACK: u8 = 205;
const PAYLOAD_FEEDBACK: u8 = 206;

fn parse_packet(packet_type: u8, count: u8, body: &[u8]) -> Option<RtcpPacket> {
    Some(match (packet_type, count) {
        (SENDER_REPORT, _) => RtcpPacket::SenderReport(report::parse_sender(count, body)?),
        (RECEIVER_REPORT, _) => RtcpPacket::ReceiverReport(report::parse_receiver(count, body)?),
        (SOURCE_DESCRIPTION, _) => {
            RtcpPacket::SourceDescription(source_description::parse(count, body)?)
        }
        (BYE, _) => RtcpPacket::Bye(bye::parse(count, body)?),
        (TRANSPORT_FEEDBACK, feedback::NACK_FORMAT) => {
            RtcpPacket::Nack(feedback::parse_nack(body)?)
        }
        (PAYLOAD_FEEDBACK, feedback::PLI_FORMAT) => RtcpPacket::Pli(feedback::parse_pli(body)?),
        (PAYLOAD_FEEDBACK, feedback::FIR_FORMAT) => RtcpPacket::Fir(feedback::parse_fir(body)?),
        _ => RtcpPacket::Unknown { packet_type, count },
    })
}

/// Appends one packet: the header, then what `body` writes, filled up with zeros to whole words.
fn write_packet(out: &mut Vec<u8>, packet_type: u8, count: u8, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[VERSION << 6 | count & 0x1f, packet_type, 0, 0]);
    body(out);
    while !(out.len() - start).is_multiple_of(4) {
        out.push(0);
    }
    // The writers bound what they write to far less than the 65536 words of a packet.
    let words = ((out.len() - start) / 4 - 1) as u16;
    out[start + 2..start + 4].copy_from_slice(&words.to_be_bytes());
}

/// Takes a 32-bit number off the front of `bytes`.
fn take_u32(bytes: &mut &[u8]) -> Option<u32> {
    let (number, rest) = bytes.split_first_chunk::<4>()?;
    *bytes = rest;
    Some(u32::from_be_bytes(*number))
}

/// Takes a synchronisation source off the front of `bytes`.
fn take_ssrc(bytes: &mut &[u8]) -> Option<Ssrc> {
    take_u32(bytes).map(Ssrc)
}

/// The longest start of `text` that has at most `bytes` bytes and no broken character at its end.
fn cut(text: &str, bytes: usize) -> &str {
    let mut end = text.len().min(bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests;
