//! Bursts: RTP packets that entered a stream together, laid out once, ready to be written to every reader.
//!
//! Packets lie back to back, each behind the frame of an interleaved connection (RFC 2326 section 10.12), so that a
//! reader over TCP gets a burst with one write and a reader over UDP skips four bytes a packet:
//!
//! ```text
//! | '$' | channel | length, u16 big-endian | RTP packet (length bytes) | '$' | channel | ...
//! ```

use alloc::vec::Vec;

use crate::limits::{INTERLEAVED_HEADER_BYTES, RTP_HEADER_BYTES};
use crate::rtp::{PayloadType, RtpHeader, SequenceNumber, Ssrc};

/// First byte of each framed packet.
pub const MAGIC: u8 = b'$';

/// Longest packet that a frame can hold: its length has sixteen bits.
pub const PACKET_BYTES_MAX: usize = u16::MAX as usize;

/// Longest RTP payload that a frame can hold.
pub const PAYLOAD_BYTES_MAX: usize = PACKET_BYTES_MAX - RTP_HEADER_BYTES;

/// Collects the packets of one burst.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BurstBuilder {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl BurstBuilder {
    /// An empty burst.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty burst with room for `bytes` bytes of framed packets.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(bytes),
            ends: Vec::new(),
        }
    }

    /// Whether no packet was added yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Packets added so far.
    #[must_use]
    pub fn packet_count(&self) -> usize {
        self.ends.len()
    }

    /// Bytes added so far, frames included.
    #[must_use]
    pub fn byte_count(&self) -> usize {
        self.bytes.len()
    }

    /// Makes room for `bytes` more bytes of framed packets.
    pub fn reserve(&mut self, bytes: usize) {
        self.bytes.reserve(bytes);
    }

    /// Adds one packet made of `parts`, one after the other.
    ///
    /// # Panics
    ///
    /// When the packet is longer than [`PACKET_BYTES_MAX`], or the burst longer than 4 GiB: callers bound both.
    pub fn push(&mut self, channel: u8, parts: &[&[u8]]) {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let length = u16::try_from(length).expect("a packet is at most 65535 bytes");
        let [high, low] = length.to_be_bytes();
        self.bytes
            .reserve(INTERLEAVED_HEADER_BYTES + usize::from(length));
        self.bytes.extend_from_slice(&[MAGIC, channel, high, low]);
        for part in parts {
            self.bytes.extend_from_slice(part);
        }
        let end = u32::try_from(self.bytes.len()).expect("a burst is less than 4 GiB");
        self.ends.push(end);
    }

    /// The packets without their frames, in order.
    pub fn packets(&self) -> impl Iterator<Item = &[u8]> {
        packets(&self.bytes, &self.ends)
    }

    /// The framed bytes, and for each packet the offset at which it ends.
    #[must_use]
    pub fn finish(self) -> (Vec<u8>, Vec<u32>) {
        (self.bytes, self.ends)
    }
}

/// The packets of a finished burst without their frames, in order. `bytes` and `ends` are those of
/// [`BurstBuilder::finish`].
pub fn packets<'a>(bytes: &'a [u8], ends: &'a [u32]) -> impl Iterator<Item = &'a [u8]> {
    let mut start = 0;
    ends.iter().map(move |&end| {
        let end = end as usize;
        let packet = &bytes[start + INTERLEAVED_HEADER_BYTES..end];
        start = end;
        packet
    })
}

/// Writes the RTP packets of one track: counts the sequence numbers, and puts each packet behind its frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RtpWriter {
    /// Interleaved channel that the frames name.
    pub channel: u8,
    /// Payload type of each packet.
    pub payload_type: PayloadType,
    /// Source of each packet.
    pub ssrc: Ssrc,
    /// Sequence number of the next packet.
    pub next_sequence: SequenceNumber,
}

impl RtpWriter {
    /// Adds one packet whose payload is `parts`, one after the other, and advances the sequence number.
    ///
    /// # Panics
    ///
    /// When the payload is longer than [`PAYLOAD_BYTES_MAX`]: packetisers bound it.
    pub fn write(&mut self, out: &mut BurstBuilder, timestamp: u32, marker: bool, parts: &[&[u8]]) {
        let header = RtpHeader {
            marker,
            payload_type: self.payload_type,
            sequence: self.next_sequence,
            timestamp,
            ssrc: self.ssrc,
        }
        .to_bytes();
        self.next_sequence = self.next_sequence.next();
        // Packets have two parts nearly always (payload header and data): no allocation for those.
        match parts {
            [one] => out.push(self.channel, &[&header, one]),
            [one, two] => out.push(self.channel, &[&header, one, two]),
            _ => {
                let mut all: Vec<&[u8]> = Vec::with_capacity(parts.len() + 1);
                all.push(&header);
                all.extend_from_slice(parts);
                out.push(self.channel, &all);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtp::RtpPacket;
    use alloc::vec;

    fn writer() -> RtpWriter {
        RtpWriter {
            channel: 2,
            payload_type: PayloadType(97),
            ssrc: Ssrc(7),
            next_sequence: SequenceNumber(65_535),
        }
    }

    #[test]
    fn packets_are_framed_back_to_back() {
        let mut out = BurstBuilder::new();
        let mut rtp = writer();
        rtp.write(&mut out, 9, false, &[b"ab", b"c"]);
        rtp.write(&mut out, 9, true, &[b"d"]);
        assert_eq!(out.packet_count(), 2);
        let (bytes, ends) = out.finish();
        assert_eq!(ends, [19, 36]);
        assert_eq!(bytes[..4], [b'$', 2, 0, 15]);
        assert_eq!(bytes[19..23], [b'$', 2, 0, 13]);

        let parsed: Vec<_> = packets(&bytes, &ends)
            .map(|packet| RtpPacket::parse(packet).unwrap())
            .collect();
        assert_eq!(parsed[0].payload, b"abc");
        assert_eq!(parsed[1].payload, b"d");
        assert_eq!(parsed[0].header.sequence, SequenceNumber(65_535));
        assert_eq!(parsed[1].header.sequence, SequenceNumber(0));
        assert!(parsed[1].header.marker && !parsed[0].header.marker);
    }

    #[test]
    fn any_number_of_parts_makes_one_packet() {
        for count in 0..6 {
            let parts = vec![&b"xy"[..]; count];
            let mut out = BurstBuilder::new();
            writer().write(&mut out, 0, true, &parts);
            let packet = out.packets().next().unwrap();
            assert_eq!(
                RtpPacket::parse(packet).unwrap().payload,
                b"xy".repeat(count)
            );
        }
    }

    #[test]
    fn the_longest_payload_fits_its_frame() {
        let mut out = BurstBuilder::new();
        writer().write(&mut out, 0, true, &[&vec![1; PAYLOAD_BYTES_MAX]]);
        assert_eq!(
            out.packets().next().map(<[u8]>::len),
            Some(PACKET_BYTES_MAX)
        );
    }
}
