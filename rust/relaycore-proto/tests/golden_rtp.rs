//! Packets that ffmpeg sent, put together again and compared with what it was given.

mod support;

use relaycore_proto::aac::strip_adts;
use relaycore_proto::annexb::nal_units;
use relaycore_proto::h264::{is_random_access, parameter_sets};
use relaycore_proto::payload::{aac, h264, jpeg};
use relaycore_proto::rtp::RtpPacket;
use support::{golden, recorded};

#[test]
fn h264_of_ffmpeg() {
    let recording = golden("rtp/h264.rtp");
    let mut depacketiser = h264::Depacketiser::new();
    let mut units = Vec::new();
    for bytes in recorded(&recording) {
        let packet = RtpPacket::parse(bytes).unwrap();
        units.extend(depacketiser.push(&packet).unwrap());
    }
    assert_eq!(units.len(), 8);
    assert!(units.iter().all(|unit| unit.complete));
    let random_access: Vec<_> = units.iter().map(|unit| unit.random_access).collect();
    assert_eq!(
        random_access,
        [true, false, false, false, false, true, false, false]
    );
    assert!(parameter_sets(&units[0].data).is_some());
    assert!(parameter_sets(&units[1].data).is_none());

    let source = golden("h264/baseline_zerolatency.h264");
    let received: Vec<_> = units
        .iter()
        .flat_map(|unit| nal_units(&unit.data))
        .collect();
    let sent: Vec<_> = nal_units(&source).collect();
    assert_eq!(received, sent);
    for unit in &units {
        assert_eq!(is_random_access(&unit.data), unit.random_access);
    }
}

#[test]
fn aac_of_ffmpeg() {
    let source = golden("aac/stereo_44100.adts");
    let mut sent = Vec::new();
    let mut rest = &source[..];
    while !rest.is_empty() {
        let frame = strip_adts(rest).unwrap();
        assert_eq!(
            (frame.object_type, frame.sample_rate, frame.channels),
            (2, 44_100, 2)
        );
        sent.push(frame.access_unit);
        rest = frame.rest;
    }

    let recording = golden("rtp/aac.rtp");
    let mut depacketiser = aac::Depacketiser::new();
    let mut units = Vec::new();
    let packets = recorded(&recording);
    for bytes in &packets {
        units.extend(
            depacketiser
                .push(&RtpPacket::parse(bytes).unwrap())
                .unwrap(),
        );
    }
    assert!(
        packets.len() < units.len(),
        "ffmpeg puts several access units into a packet"
    );
    // ffmpeg waits for a third access unit before it sends a packet, at the end for nothing.
    assert_eq!(units.len(), sent.len() - 2);
    for (unit, data) in units.iter().zip(&sent) {
        assert_eq!(unit.data, *data);
    }
    for pair in units.windows(2) {
        assert_eq!(pair[1].timestamp.wrapping_sub(pair[0].timestamp), 1024);
    }
}

#[test]
fn jpeg_of_ffmpeg() {
    let recording = golden("rtp/jpeg.rtp");
    let mut depacketiser = jpeg::Depacketiser::new();
    let mut pictures = Vec::new();
    for bytes in recorded(&recording) {
        pictures.extend(
            depacketiser
                .push(&RtpPacket::parse(bytes).unwrap())
                .unwrap(),
        );
    }
    assert_eq!(pictures.len(), 3);
    for (index, picture) in pictures.iter().enumerate() {
        let source = golden(&format!("jpeg/ffmpeg_{}.jpg", index + 1));
        let scan = |jpeg: &[u8]| {
            let header = jpeg
                .windows(2)
                .position(|pair| pair == [0xff, 0xda])
                .unwrap();
            jpeg[header + 14..].to_vec()
        };
        assert_eq!(scan(&picture.data), scan(&source));
    }
}
