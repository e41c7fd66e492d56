//! MPEG-4, MPEG-1 and MPEG-2 video, transport streams, LATM, MPEG audio and AC-3: their payload formats; and what the
//! packets of every codec start.

use relaycore_proto::ac3::FRAME_BYTES_MAX;
use relaycore_proto::burst::BurstBuilder;
use relaycore_proto::latm;
use relaycore_proto::mpegts::{PACKET_BYTES, SYNC};
use relaycore_proto::payload::inspect::{PacketStart, inspect, is_rasl};
use relaycore_proto::payload::{self, Depacketiser, PayloadError};
use relaycore_proto::track::{Codec, Track};

use crate::media::{own_packets, packets, writer};
use crate::video::depacketised;

/// Packets of MPEG-4: what comes out begins with a start code.
pub fn mpeg4_depacketise(data: &[u8]) {
    for unit in depacketised::<payload::mpeg4::Mpeg4>(Codec::Mpeg4Video, data) {
        assert!(unit.data.starts_with(&[0, 0, 1]));
    }
}

/// Packets of MPEG-1 and MPEG-2 video: what comes out is within the limit.
pub fn mpegvideo_depacketise(data: &[u8]) {
    depacketised::<payload::mpegvideo::MpegVideo>(Codec::MpegVideo, data);
}

/// Packets of transport streams: what comes out is whole packets.
pub fn mpegts_depacketise(data: &[u8]) {
    let mut depacketiser = payload::mpegts::Depacketiser::new();
    for packet in packets(data) {
        if let Ok(Some(unit)) = depacketiser.push(&packet) {
            let (packets, rest) = unit.data.as_chunks::<PACKET_BYTES>();
            assert!(rest.is_empty() && packets.iter().all(|packet| packet[0] == SYNC));
        }
    }
}

/// Packets of LATM: what comes out is not empty.
pub fn latm_depacketise(data: &[u8]) {
    let mut depacketiser = payload::latm::Depacketiser::with_samples(1024);
    for packet in packets(data) {
        for unit in depacketiser.push(&packet).into_iter().flatten() {
            assert!(!unit.data.is_empty() && unit.complete);
        }
    }
}

/// A StreamMuxConfig: what it holds is not longer than it is.
pub fn latm_config(data: &[u8]) {
    if let Some(config) = latm::audio_specific_config(data) {
        assert!(!config.is_empty() && config.len() <= data.len());
    }
}

/// Packets of MPEG audio: what comes out is not empty, and bounded by what the offset of a fragment can say.
pub fn mpegaudio_depacketise(data: &[u8]) {
    let mut depacketiser = payload::mpegaudio::Depacketiser::new();
    for packet in packets(data) {
        for unit in depacketiser.push(&packet).into_iter().flatten() {
            assert!((1..=2 * usize::from(u16::MAX)).contains(&unit.data.len()));
        }
    }
}

/// Packets of AC-3: what is put together of fragments is bounded.
pub fn ac3_depacketise(data: &[u8]) {
    let mut depacketiser = payload::ac3::Depacketiser::new();
    for packet in packets(data) {
        for unit in depacketiser.push(&packet).into_iter().flatten() {
            assert!(unit.data.len() <= FRAME_BYTES_MAX.max(packet.payload.len()));
        }
    }
}

/// Bytes of any codec, which the second byte names, packetised with the limit that the first byte says, come back.
pub fn format_round_trip(data: &[u8]) {
    let Some((&[first, second], sent)) = data.split_first_chunk::<2>() else {
        return;
    };
    let limit = payload::PAYLOAD_LIMIT_MIN + usize::from(first);
    let codec = CODECS[usize::from(second) % CODECS.len()];
    let mut out = BurstBuilder::new();
    let result = payload::packetise(codec, 2, sent, 7, limit, &mut writer(), &mut out);
    if let Err(error) = result {
        assert!(out.is_empty() && !matches!(error, PayloadError::PayloadLimit(_)));
        return;
    }
    let mut units = Vec::new();
    let mut depacketiser = Depacketiser::new(&Track::new(codec, 48_000, 2, &[]));
    for packet in own_packets(&out) {
        assert!((1..=limit).contains(&packet.payload.len()));
        depacketiser
            .push(&packet, &mut units)
            .expect("own packets are valid");
    }
    let received: Vec<u8> = units.into_iter().flat_map(|unit| unit.data).collect();
    match codec {
        // What lies before the first start code, or behind the last slice, belongs to no picture.
        Codec::MpegVideo => assert!(sent.windows(received.len()).any(|part| part == received)),
        // A frame is as long as its header says; what follows it in the same packets is no frame.
        Codec::MpegAudio => assert!(received.len() <= sent.len()),
        Codec::Mpeg4Video if !sent.starts_with(&[0, 0, 1]) => {}
        _ => assert_eq!(received, sent, "{codec:?}"),
    }
}

/// Codecs whose access units are any bytes, or nearly.
const CODECS: [Codec; 9] = [
    Codec::Mpeg4Video,
    Codec::MpegVideo,
    Codec::Mp2t,
    Codec::Latm,
    Codec::Opus,
    Codec::L16,
    Codec::MpegAudio,
    Codec::Ac3,
    Codec::Other,
];

/// Packets of any codec, looked into as if they were of each.
pub fn packet_start(data: &[u8]) {
    for packet in packets(data) {
        for codec in Codec::ALL {
            let start = inspect(codec, &packet);
            assert!(!packet.payload.is_empty() || start == PacketStart::Nothing);
            // Where a picture of that kind begins, no reader can start.
            if is_rasl(codec, &packet) && packet.payload[0] >> 1 & 0x3f != AGGREGATION {
                assert!(codec == Codec::H265 && start != PacketStart::RandomAccess);
            }
        }
    }
}

/// Type of H.265 packets that hold several NAL units (RFC 7798 section 4.4.2).
const AGGREGATION: u8 = 48;
