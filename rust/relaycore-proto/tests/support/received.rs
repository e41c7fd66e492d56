//! What comes out of recordings of packets.

use super::{golden, recorded};
use relaycore_proto::access_unit::{AccessUnit, is_random_access};
use relaycore_proto::payload::Depacketiser;
use relaycore_proto::rtp::RtpPacket;
use relaycore_proto::track::Track;

/// The access units within a recording in `tests/golden/rtp`: all of them complete, and those that a reader can start
/// with known as such.
pub(crate) fn received(track: &Track, recording: &str) -> Vec<AccessUnit> {
    let bytes = golden(&format!("rtp/{recording}.rtp"));
    let mut depacketiser = Depacketiser::new(track);
    let mut units = Vec::new();
    for packet in recorded(&bytes) {
        let packet = RtpPacket::parse(packet).unwrap();
        depacketiser.push(&packet, &mut units).unwrap();
    }
    assert!(units.iter().all(|unit| unit.complete), "{recording}");
    for unit in &units {
        assert_eq!(
            unit.random_access,
            is_random_access(track.codec, &unit.data)
        );
    }
    units
}

/// Places of the access units that a reader can start with.
pub(crate) fn random_access(units: &[AccessUnit]) -> Vec<usize> {
    let points = units
        .iter()
        .enumerate()
        .filter(|(_, unit)| unit.random_access);
    points.map(|(index, _)| index).collect()
}
