//! What is sent: the bytes of a burst, cut into packets.

use crate::mark::MARK_BYTES;
use relaycore_proto::limits::RTP_HEADER_BYTES;
use std::io;
use std::ops::Range;

/// Most bytes of a packet, its frame not counted: what relaycore puts into one fits an Ethernet packet as well.
const PACKET_BYTES: usize = 1396;

/// Bytes of the first packet of a burst of several: an access unit of the load begins with its mark, in a packet of its
/// own, and a run of packets that are sent with one call has one size.
const FIRST_BYTES: usize = RTP_HEADER_BYTES + MARK_BYTES;

/// Bytes of the frame in front of a packet over TCP (RFC 2326 §10.12).
const FRAME_BYTES: usize = 4;

/// Bytes that each packet begins with: what says that it is one, number of the burst, and its time.
const STAMP_BYTES: usize = 24;

/// Bytes of a TCP connection from the start of a burst to the end of its stamp.
pub(super) const FRAMED_STAMP_BYTES: usize = FRAME_BYTES + STAMP_BYTES;

/// What a packet begins with: any eight bytes that the rest of it does not have.
const MAGIC: [u8; 8] = *b"\xf1floor\r\n";

/// What a packet says of its burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Number of the burst, from 0.
    pub(super) number: u64,
    /// When its sending began, in nanoseconds; 0 where it is not measured.
    pub(super) time: u64,
}

impl Stamp {
    /// The stamp that a packet begins with.
    pub(super) fn read(packet: &[u8]) -> io::Result<Self> {
        let [magic, number, time] = [0, 8, 16].map(|at| packet.get(at..at + 8));
        match (magic, number, time) {
            (Some(magic), Some(number), Some(time)) if magic == MAGIC => Ok(Self {
                number: number_of(number),
                time: number_of(time),
            }),
            _ => Err(unknown_bytes()),
        }
    }

    /// The stamp of the burst that `bytes` of a connection begin.
    pub(super) fn read_framed(bytes: &[u8; FRAMED_STAMP_BYTES]) -> io::Result<Self> {
        match bytes {
            [b'$', 0, _, _, packet @ ..] => Self::read(packet),
            _ => Err(unknown_bytes()),
        }
    }
}

fn number_of(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |number, &byte| number << 8 | u64::from(byte))
}

pub(super) fn unknown_bytes() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "bytes came that nobody sent")
}

/// A burst.
pub(super) struct Burst {
    bytes: Vec<u8>,
    /// Where the packets are, with their frames.
    packets: Vec<Range<usize>>,
    /// Bytes in front of each packet.
    frame: usize,
}

impl Burst {
    /// A burst of about `length` bytes: the last packet is long enough for a stamp.
    pub(super) fn new(length: usize, is_framed: bool) -> Self {
        let frame = if is_framed { FRAME_BYTES } else { 0 };
        let mut bytes = Vec::new();
        let mut packets = Vec::new();
        let mut left = length.max(1);
        while left > 0 {
            let most = match packets.is_empty() && left > PACKET_BYTES {
                true => FIRST_BYTES,
                false => PACKET_BYTES,
            };
            let packet = left.clamp(STAMP_BYTES, most);
            let start = bytes.len();
            if is_framed {
                bytes.extend([b'$', 0]);
                bytes.extend((packet as u16).to_be_bytes());
            }
            bytes.resize(start + frame + packet, 0x5a);
            packets.push(start..bytes.len());
            left = left.saturating_sub(packet);
        }
        Self {
            bytes,
            packets,
            frame,
        }
    }

    /// Writes the stamp to each packet.
    pub(super) fn stamp(&mut self, stamp: Stamp) {
        for packet in &self.packets {
            let start = packet.start + self.frame;
            let place = &mut self.bytes[start..start + STAMP_BYTES];
            place[..8].copy_from_slice(&MAGIC);
            place[8..16].copy_from_slice(&stamp.number.to_le_bytes());
            place[16..].copy_from_slice(&stamp.time.to_le_bytes());
        }
    }

    /// All bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Each packet, with its frame.
    pub(super) fn packets(&self) -> impl Iterator<Item = &[u8]> {
        self.packets
            .iter()
            .map(|packet| &self.bytes[packet.clone()])
    }

    /// The runs of packets that have one size, but for the last of each: the first packet alone, and all others.
    pub(super) fn runs(&self) -> impl Iterator<Item = &[u8]> {
        let (first, others) = self.bytes.split_at(self.packets[0].end);
        [first, others].into_iter().filter(|run| !run.is_empty())
    }

    /// Bytes of each packet behind the first, but for the last, which may have fewer.
    pub(super) fn packet_bytes(&self) -> usize {
        self.packets.get(1).unwrap_or(&self.packets[0]).len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_cut_into_packets_that_each_have_a_stamp() {
        let stamp = Stamp {
            number: 7,
            time: 1 << 40,
        };
        for (length, packets) in [
            (0, vec![24]),
            (1396, vec![1396]),
            (1397, vec![71, 1326]),
            (3000, vec![71, 1396, 1396, 137]),
        ] {
            let mut burst = Burst::new(length, false);
            burst.stamp(stamp);
            assert_eq!(burst.runs().flatten().count(), burst.bytes().len());
            let found: Vec<_> = burst.packets().map(<[u8]>::len).collect();
            assert_eq!(found, packets);
            for packet in burst.packets() {
                assert_eq!(Stamp::read(packet).unwrap(), stamp);
            }
            let mut burst = Burst::new(length, true);
            burst.stamp(stamp);
            for packet in burst.packets() {
                assert_eq!(packet[..2], *b"$\0");
                assert_eq!(
                    usize::from(packet[2]) << 8 | usize::from(packet[3]),
                    packet.len() - 4
                );
                let start = packet.first_chunk().unwrap();
                assert_eq!(Stamp::read_framed(start).unwrap(), stamp);
            }
        }
        assert!(Stamp::read(&[0; 24]).is_err());
        assert!(Stamp::read(&MAGIC).is_err());
    }
}
