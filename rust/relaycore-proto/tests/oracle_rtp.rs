//! RTP packets against the `rtp-types` crate: what one writes the other reads, and both refuse the same bytes.

mod support;

use relaycore_proto::rtp::RtpPacket;
use rtp_types::{RtpPacket as Theirs, RtpPacketBuilder};
use support::Random;

#[test]
fn packets_of_the_other_writer_are_read() {
    let mut random = Random::new(1);
    for _ in 0..2000 {
        let size = random.below(1500);
        let payload = random.bytes(size);
        let words = random.below(5);
        let extension_data = random.bytes(words * 4);
        let padding = random.below(3) as u8 * 4;
        let mut builder = RtpPacketBuilder::<&[u8], &[u8]>::new()
            .payload_type(random.below(128) as u8)
            .marker_bit(random.below(2) == 1)
            .sequence_number(random.next() as u16)
            .timestamp(random.next() as u32)
            .ssrc(random.next() as u32)
            .payload(&payload);
        for _ in 0..random.below(16) {
            builder = builder.add_csrc(random.next() as u32);
        }
        if random.below(2) == 1 {
            builder = builder.extension(0xabac, &extension_data);
        }
        if padding > 0 {
            builder = builder.padding(padding);
        }
        let bytes = builder.write_vec().unwrap();
        assert_same(&bytes);
        assert_eq!(RtpPacket::parse(&bytes).unwrap().payload, payload);
    }
}

#[test]
fn random_bytes_are_judged_alike() {
    let mut random = Random::new(2);
    let mut valid = 0;
    for _ in 0..20_000 {
        let size = random.below(120);
        let mut bytes = random.bytes(size);
        if let Some(first) = bytes.first_mut() {
            *first = *first & 0x3f | 0x80;
        }
        if bytes.len() > 24 && random.below(2) == 1 {
            bytes[14] = 0;
            bytes[15] = random.below(4) as u8;
        }
        valid += usize::from(assert_same(&bytes));
    }
    assert!(valid > 2000, "{valid} of the packets are valid");
}

/// Whether the packet is valid.
fn assert_same(bytes: &[u8]) -> bool {
    let ours = RtpPacket::parse(bytes);
    let theirs = Theirs::parse(bytes);
    let (Ok(ours), Ok(theirs)) = (&ours, &theirs) else {
        assert_eq!(
            ours.is_ok(),
            theirs.is_ok(),
            "{ours:?} {theirs:?} {bytes:02x?}"
        );
        return false;
    };
    assert_eq!(ours.header.marker, theirs.marker_bit());
    assert_eq!(ours.header.payload_type.0, theirs.payload_type());
    assert_eq!(ours.header.sequence.0, theirs.sequence_number());
    assert_eq!(ours.header.timestamp, theirs.timestamp());
    assert_eq!(ours.header.ssrc.0, theirs.ssrc());
    assert_eq!(ours.payload, theirs.payload());
    assert_eq!(
        ours.extension
            .map(|extension| (extension.profile, extension.data)),
        theirs.extension()
    );
    assert_eq!(ours.contributing.len(), theirs.csrc().count() * 4);
    true
}
