//! What the tests of media formats share.

#![allow(dead_code, reason = "each test file uses a part of it")]

pub(crate) mod received;
pub(crate) mod video;

use std::fs;
use std::path::PathBuf;

use relaycore_proto::burst::{BurstBuilder, RtpWriter};
use relaycore_proto::rtp::{PayloadType, RtpPacket, SequenceNumber, Ssrc};

/// Bytes of a file in `tests/golden`.
pub(crate) fn golden(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/golden")
        .join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The packets of a recording, each behind its length (RFC 4571).
pub(crate) fn recorded(bytes: &[u8]) -> Vec<&[u8]> {
    let mut packets = Vec::new();
    let mut rest = bytes;
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let (packet, after) = after.split_at(u16::from_be_bytes(*length).into());
        packets.push(packet);
        rest = after;
    }
    packets
}

/// Numbers that look random and are the same in each run (xorshift64*).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    /// A number from 0 to `bound` - 1.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }
}

/// A writer whose sequence numbers soon wrap.
pub(crate) fn writer() -> RtpWriter {
    RtpWriter {
        channel: 0,
        payload_type: PayloadType(96),
        ssrc: Ssrc(0x1234_5678),
        next_sequence: SequenceNumber(65_530),
    }
}

/// The packets of a burst, parsed.
pub(crate) fn parsed(burst: &BurstBuilder) -> Vec<RtpPacket<'_>> {
    burst
        .packets()
        .map(|packet| RtpPacket::parse(packet).expect("own packets are valid"))
        .collect()
}

/// Checks what every burst of one access unit keeps: the limit, rising sequence numbers, and the marker at the end only.
pub(crate) fn assert_one_access_unit(
    packets: &[RtpPacket<'_>],
    timestamp: u32,
    max_payload: usize,
) {
    for (index, packet) in packets.iter().enumerate() {
        assert!(
            packet.payload.len() <= max_payload,
            "{} > {max_payload}",
            packet.payload.len()
        );
        assert!(!packet.payload.is_empty());
        assert_eq!(packet.header.timestamp, timestamp);
        assert_eq!(
            packet.header.sequence,
            SequenceNumber(65_530).wrapping_add(index as u16)
        );
        assert_eq!(packet.header.marker, index + 1 == packets.len());
    }
}
