//! Media: RTP packets, payload formats, and the elementary streams within them.
//!
//! Targets that take several packets read them as RFC 4571 frames them: a length of two bytes before each.

use relaycore_proto::aac::{self, AudioSpecificConfig};
use relaycore_proto::annexb::nal_units;
use relaycore_proto::burst::{BurstBuilder, RtpWriter};
use relaycore_proto::h264::{self, Sps, type_of};
use relaycore_proto::jpeg::{self, Coding, JpegError};
use relaycore_proto::payload;
use relaycore_proto::rtp::{PayloadType, RtpPacket, SequenceNumber, Ssrc};

/// A short limit, so that short inputs reach it.
pub(crate) const ACCESS_UNIT_BYTES: usize = 20_000;

/// One packet: what was read covers it, and a new header changes nothing else.
pub fn rtp(data: &[u8]) {
    let Ok(packet) = RtpPacket::parse(data) else {
        return;
    };
    let extension = packet
        .extension
        .map_or(0, |extension| 4 + extension.data.len());
    let length = 12 + packet.contributing.len() + extension + packet.payload.len();
    assert_eq!(length + usize::from(packet.padding), data.len());

    let mut header = packet.header;
    header.sequence = header.sequence.next();
    let mut rewritten = data.to_vec();
    assert!(header.overwrite(&mut rewritten));
    let reread = RtpPacket::parse(&rewritten).expect("the new header is valid");
    assert_eq!(reread.header, header);
    assert_eq!(
        (reread.payload, reread.extension),
        (packet.payload, packet.extension)
    );
}

/// Packets of H.264: what comes out is within the limit and made of NAL units.
pub fn h264_depacketise(data: &[u8]) {
    let mut depacketiser = payload::h264::Depacketiser::with_limit(ACCESS_UNIT_BYTES);
    for packet in packets(data) {
        let unit = depacketiser.push(&packet);
        let pending = depacketiser.take_pending();
        for unit in unit.into_iter().flatten().chain(pending) {
            assert!(unit.data.len() <= ACCESS_UNIT_BYTES);
            assert!(unit.data.starts_with(&[0, 0, 0, 1]));
            assert_eq!(unit.random_access, h264::is_random_access(&unit.data));
        }
    }
}

/// Packets of AAC: what comes out is whole and can be described by a header.
pub fn aac_depacketise(data: &[u8]) {
    let mut depacketiser = payload::aac::Depacketiser::new();
    for packet in packets(data) {
        for unit in depacketiser.push(&packet).into_iter().flatten() {
            assert!((1..=payload::aac::ACCESS_UNIT_BYTES_MAX).contains(&unit.data.len()));
        }
    }
}

/// Packets of JPEG: what comes out is a picture.
pub fn jpeg_depacketise(data: &[u8]) {
    let mut depacketiser = payload::jpeg::Depacketiser::with_limit(ACCESS_UNIT_BYTES);
    for packet in packets(data) {
        if let Ok(Some(picture)) = depacketiser.push(&packet) {
            let info = jpeg::inspect(&picture.data);
            assert!(matches!(info, Ok(_) | Err(JpegError::NoData)), "{info:?}");
        }
    }
}

/// A JPEG picture: repaired it is the same picture, and what RTP carries of it comes back.
pub fn jpeg_inspect(data: &[u8]) {
    let Ok(info) = jpeg::inspect(data) else {
        assert!(jpeg::repair(data).is_err());
        return;
    };
    assert!(info.start < info.end && info.end <= data.len());
    let repaired = jpeg::repair(data).expect("a picture that can be read can be repaired");
    let after = jpeg::inspect(&repaired).expect("a repaired picture can be read");
    assert_eq!((after.width, after.height), (info.width, info.height));
    assert_eq!((after.sampling, after.coding), (info.sampling, info.coding));
    assert!(after.has_huffman_tables);
    // What stands between several scans may be too broken to find the end behind it.
    assert!(after.ends_with_eoi || info.coding == Coding::Progressive || !info.ends_with_eoi);

    let mut out = BurstBuilder::new();
    if payload::jpeg::packetise(data, 0, 300, &mut writer(), &mut out).is_err() {
        assert!(out.is_empty());
        return;
    }
    let mut depacketiser = payload::jpeg::Depacketiser::new();
    let pictures: Vec<_> = own_packets(&out)
        .filter_map(|packet| depacketiser.push(&packet).expect("own packets are valid"))
        .collect();
    assert_eq!(pictures.len(), 1);
    let carried = jpeg::inspect(&pictures[0].data).expect("a carried picture can be read");
    assert_eq!(carried.width, info.width.next_multiple_of(8));
    assert_eq!(carried.height, info.height.next_multiple_of(8));
    assert_eq!(carried.sampling, info.sampling);
}

/// NAL units that are read for what they say.
pub fn sps(data: &[u8]) {
    if let Ok(sps) = Sps::parse(data) {
        assert!((1..=65_536).contains(&sps.width) && (1..=65_536).contains(&sps.height));
        assert!(
            sps.frame_rate
                .is_none_or(|(numerator, denominator)| numerator > 0 && denominator > 0)
        );
    }
    let _ = h264::recovery_point(data);
}

/// A byte stream: the NAL units are those that a plain search finds.
pub fn annexb(data: &[u8]) {
    let found: Vec<_> = nal_units(data).collect();
    assert_eq!(found, plain_nal_units(data));
    let sets = h264::parameter_sets(data);
    if let Some(sets) = sets {
        assert!(nal_units(&sets).count() >= 2);
    }
    let _ = h264::is_random_access(data);
}

/// A byte stream, packetised with the limit that the first byte says, comes back.
pub fn h264_round_trip(data: &[u8]) {
    let Some((&first, stream)) = data.split_first() else {
        return;
    };
    let limit = payload::PAYLOAD_LIMIT_MIN + usize::from(first);
    let carried: Vec<_> = nal_units(stream)
        .filter(|nal| (1..=23).contains(&type_of(nal[0])))
        .collect();
    let mut out = BurstBuilder::new();
    let result = payload::h264::packetise(stream, 7, limit, &mut writer(), &mut out);
    assert_eq!(result.is_ok(), !carried.is_empty());
    let mut depacketiser = payload::h264::Depacketiser::new();
    let mut units = Vec::new();
    for packet in own_packets(&out) {
        assert!(packet.payload.len() <= limit);
        units.extend(depacketiser.push(&packet).expect("own packets are valid"));
    }
    assert!(
        units
            .iter()
            .all(|unit| unit.complete && unit.timestamp == 7)
    );
    let received: Vec<_> = units
        .iter()
        .flat_map(|unit| nal_units(&unit.data))
        .collect();
    assert_eq!(received, carried);
}

/// Access units, as long as the first bytes say, packetised with the limit of the byte before them, come back.
pub fn aac_round_trip(data: &[u8]) {
    let Some((&[first, high, low], rest)) = data.split_first_chunk::<3>() else {
        return;
    };
    let limit = payload::PAYLOAD_LIMIT_MIN + usize::from(first);
    let size = usize::from(u16::from_be_bytes([high, low])).max(1);
    let sent: Vec<_> = rest.chunks(size).collect();
    let mut out = BurstBuilder::new();
    if payload::aac::packetise(&sent, 7, limit, &mut writer(), &mut out).is_err() {
        assert!(out.is_empty());
        return;
    }
    let mut depacketiser = payload::aac::Depacketiser::new();
    let mut received = Vec::new();
    for packet in own_packets(&out) {
        assert!(packet.payload.len() <= limit);
        let units = depacketiser.push(&packet).expect("own packets are valid");
        received.extend(units.into_iter().map(|unit| unit.data));
    }
    assert_eq!(received, sent);
}

/// An AudioSpecificConfig, and an ADTS frame.
pub fn aac_config(data: &[u8]) {
    if let Ok(config) = AudioSpecificConfig::parse(data) {
        assert!(config.sample_rate() > 0 && config.core_sample_rate > 0);
        let _ = config.samples();
        if let Some(written) = AudioSpecificConfig::aac_lc(config.sample_rate(), config.channels) {
            let reread =
                AudioSpecificConfig::parse(&written).expect("own configurations are valid");
            assert_eq!(reread.sample_rate(), config.sample_rate());
        }
    }
    let mut rest = data;
    while let Some(frame) = aac::strip_adts(rest) {
        assert!(!frame.access_unit.is_empty() && frame.rest.len() < rest.len());
        rest = frame.rest;
    }
}

pub(crate) fn writer() -> RtpWriter {
    RtpWriter {
        channel: 0,
        payload_type: PayloadType(96),
        ssrc: Ssrc(1),
        next_sequence: SequenceNumber(65_530),
    }
}

pub(crate) fn own_packets(burst: &BurstBuilder) -> impl Iterator<Item = RtpPacket<'_>> {
    burst
        .packets()
        .map(|packet| RtpPacket::parse(packet).expect("own packets are valid"))
}

/// The packets within `data` that are RTP.
pub(crate) fn packets(data: &[u8]) -> impl Iterator<Item = RtpPacket<'_>> {
    let mut rest = data;
    std::iter::from_fn(move || {
        let (length, after) = rest.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_be_bytes(*length)).min(after.len());
        let (packet, after) = after.split_at(length);
        rest = after;
        Some(packet)
    })
    .filter_map(|packet| RtpPacket::parse(packet).ok())
}

/// NAL units found by looking at each byte.
fn plain_nal_units(data: &[u8]) -> Vec<&[u8]> {
    let starts: Vec<_> = (0..data.len())
        .filter(|&at| data[at..].starts_with(&[0, 0, 1]))
        .collect();
    let mut units = Vec::new();
    for (index, start) in starts.iter().enumerate() {
        let end = starts.get(index + 1).copied().unwrap_or(data.len());
        let mut unit = &data[start + 3..end];
        while let [before @ .., 0] = unit {
            unit = before;
        }
        if !unit.is_empty() {
            units.push(unit);
        }
    }
    units
}
