//! H.265, VP8, VP9 and AV1: their payload formats, and what access units say about themselves.

use relaycore_proto::access_unit::{AccessUnit, is_random_access};
use relaycore_proto::annexb::nal_units;
use relaycore_proto::av1::{self, obu_type, obus};
use relaycore_proto::burst::{BurstBuilder, RtpWriter};
use relaycore_proto::h265::{self, NAL_HEADER_BYTES, Sps};
use relaycore_proto::payload::assemble::{Assembler, Format};
use relaycore_proto::payload::{self, PayloadError};
use relaycore_proto::track::Codec;

use crate::media::{ACCESS_UNIT_BYTES, own_packets, packets, writer};

/// Packets of H.265: what comes out is within the limit and made of NAL units.
pub fn h265_depacketise(data: &[u8]) {
    for unit in depacketised::<payload::h265::H265>(Codec::H265, data) {
        assert!(unit.data.starts_with(&[0, 0, 0, 1]));
    }
}

/// Packets of VP8: what comes out is whole and within the limit.
pub fn vp8_depacketise(data: &[u8]) {
    for unit in depacketised::<payload::vp8::Vp8>(Codec::Vp8, data) {
        assert!(unit.complete);
    }
}

/// Packets of VP9: what comes out is within the limit, but for the index of a superframe.
pub fn vp9_depacketise(data: &[u8]) {
    depacketised::<payload::vp9::Vp9>(Codec::Vp9, data);
}

/// Packets of AV1: what comes out is within the limit, begins with a temporal delimiter, and is made of whole OBUs.
pub fn av1_depacketise(data: &[u8]) {
    for unit in depacketised::<payload::av1::Av1>(Codec::Av1, data) {
        assert!(unit.data.starts_with(&av1::TEMPORAL_DELIMITER));
        let mut again = Vec::new();
        for obu in obus(&unit.data) {
            obu.push_sized(&mut again);
        }
        assert_eq!(again, unit.data);
        let delimiters = obus(&unit.data).filter(|obu| obu.kind() == obu_type::TEMPORAL_DELIMITER);
        assert_eq!(delimiters.count(), 1);
    }
}

/// A byte stream of H.265, packetised with the limit that the first byte says, comes back.
pub fn h265_round_trip(data: &[u8]) {
    let carried = |unit: &[u8]| -> Vec<Vec<u8>> {
        let nals = nal_units(unit)
            .filter(|nal| nal.len() >= NAL_HEADER_BYTES && h265::type_of(nal[0]) < 48);
        nals.map(<[u8]>::to_vec).collect()
    };
    round_trip::<payload::h265::H265, _>(payload::h265::packetise, carried, data);
    let _ = h265::parameter_sets(data);
}

/// A frame of VP8, packetised with the limit that the first byte says, comes back.
pub fn vp8_round_trip(data: &[u8]) {
    round_trip::<payload::vp8::Vp8, _>(payload::vp8::packetise, whole, data);
}

/// A frame of VP9, packetised with the limit that the first byte says, comes back.
pub fn vp9_round_trip(data: &[u8]) {
    round_trip::<payload::vp9::Vp9, _>(payload::vp9::packetise, whole, data);
}

/// A temporal unit of AV1, packetised with the limit that the first byte says, comes back.
pub fn av1_round_trip(data: &[u8]) {
    let left_out = [
        obu_type::TEMPORAL_DELIMITER,
        obu_type::TILE_LIST,
        obu_type::PADDING,
    ];
    let carried = |unit: &[u8]| -> Vec<Vec<u8>> {
        let carried = obus(unit).filter(|obu| !left_out.contains(&obu.kind()));
        let parts = carried.map(|obu| [obu.header(), obu.payload].concat());
        parts.collect()
    };
    round_trip::<payload::av1::Av1, _>(payload::av1::packetise, carried, data);
    let _ = av1::sequence_header(data);
}

/// NAL units of H.265 that are read for what they say.
pub fn h265_sps(data: &[u8]) {
    if let Ok(sps) = Sps::parse(data) {
        assert!((1..=65_536).contains(&sps.width) && (1..=65_536).contains(&sps.height));
        assert!((8..=16).contains(&sps.bit_depth_luma) && sps.chroma_format_idc <= 3);
    }
    let _ = h265::recovery_point(data);
}

/// The access units within packets.
pub(crate) fn depacketised<F: Format>(codec: Codec, data: &[u8]) -> Vec<AccessUnit> {
    let mut depacketiser = Assembler::<F>::with_limit(ACCESS_UNIT_BYTES);
    let mut units = Vec::new();
    for packet in packets(data) {
        let _ = depacketiser.push_into(&packet, &mut units);
    }
    units.extend(depacketiser.take_pending());
    for unit in &units {
        assert!(!unit.data.is_empty() && unit.data.len() <= ACCESS_UNIT_BYTES + INDEX_BYTES_MAX);
        assert_eq!(unit.random_access, is_random_access(codec, &unit.data));
    }
    units
}

/// Longest index of a superframe: eight sizes of four bytes, with a byte on either side.
const INDEX_BYTES_MAX: usize = 34;

type Packetise =
    fn(&[u8], u32, usize, &mut RtpWriter, &mut BurstBuilder) -> Result<(), PayloadError>;

/// Packetises and depacketises what lies behind the first byte, and compares what is `carried` of it.
fn round_trip<F: Format, P: PartialEq + std::fmt::Debug>(
    packetise: Packetise,
    carried: impl Fn(&[u8]) -> Vec<P>,
    data: &[u8],
) {
    let Some((&first, sent)) = data.split_first() else {
        return;
    };
    let limit = payload::PAYLOAD_LIMIT_MIN + usize::from(first);
    let mut out = BurstBuilder::new();
    let result = packetise(sent, 7, limit, &mut writer(), &mut out);
    let sent = carried(sent);
    assert_eq!(result.is_ok(), !sent.is_empty());
    let mut depacketiser = Assembler::<F>::new();
    let mut units = Vec::new();
    for packet in own_packets(&out) {
        assert!((1..=limit).contains(&packet.payload.len()));
        depacketiser
            .push_into(&packet, &mut units)
            .expect("own packets are valid");
    }
    assert!(
        units
            .iter()
            .all(|unit| unit.complete && unit.timestamp == 7)
    );
    let received: Vec<_> = units.iter().flat_map(|unit| carried(&unit.data)).collect();
    assert_eq!(received, sent);
}

/// The one part of a frame that is carried whole, if it has anything.
fn whole(frame: &[u8]) -> Vec<Vec<u8>> {
    let frame = Some(frame.to_vec()).filter(|frame| !frame.is_empty());
    frame.into_iter().collect()
}
