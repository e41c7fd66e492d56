//! What packets of ffmpeg and GStreamer start, compared with the access units that they become.

mod support;

use relaycore_proto::annexb::nal_units;
use relaycore_proto::burst::BurstBuilder;
use relaycore_proto::payload::inspect::{PacketStart, inspect, is_rasl};
use relaycore_proto::payload::{self, Depacketiser};
use relaycore_proto::rtp::RtpPacket;
use relaycore_proto::track::{Codec, Track};
use relaycore_proto::{h264, h265};
use support::{golden, parsed, recorded, writer};

const RECORDINGS: &[(Codec, &str)] = &[
    (Codec::H264, "h264"),
    (Codec::H265, "h265_ffmpeg"),
    (Codec::H265, "h265_gstreamer"),
    (Codec::Mpeg4Video, "mpeg4_ffmpeg"),
    (Codec::Mpeg4Video, "mpeg4_gstreamer"),
    (Codec::Jpeg, "jpeg"),
    (Codec::Vp8, "vp8_ffmpeg"),
    (Codec::Vp8, "vp8_gstreamer"),
    (Codec::Vp9, "vp9_ffmpeg"),
    (Codec::Vp9, "vp9_gstreamer"),
    (Codec::Av1, "av1_ffmpeg"),
    (Codec::MpegVideo, "mpegvideo_ffmpeg"),
    (Codec::MpegVideo, "mpegvideo_gstreamer"),
    (Codec::Aac, "aac"),
    (Codec::Latm, "latm_ffmpeg"),
    (Codec::MpegAudio, "layer3_gstreamer"),
    (Codec::Ac3, "ac3_gstreamer"),
];

/// The packets of a recording, those of an access unit together: it ends with the marker, and of audio each packet is
/// by itself. Timestamps do not tell them apart, for ffmpeg does not know the times of a stream that it only copies.
fn access_units(recording: &[u8]) -> Vec<Vec<RtpPacket<'_>>> {
    let mut units = vec![Vec::new()];
    for packet in recorded(recording) {
        let packet = RtpPacket::parse(packet).unwrap();
        let marker = packet.header.marker;
        units.last_mut().unwrap().push(packet);
        if marker {
            units.push(Vec::new());
        }
    }
    units.retain(|unit| !unit.is_empty());
    units
}

/// The first thing of an access unit that says what it is.
fn start(codec: Codec, packets: &[RtpPacket<'_>]) -> PacketStart {
    let mut starts = packets.iter().map(|packet| inspect(codec, packet));
    starts
        .find(|start| !matches!(start, PacketStart::Nothing | PacketStart::Prefix))
        .expect("each access unit begins with something")
}

#[test]
fn packets_say_what_their_access_units_are() {
    for &(codec, recording) in RECORDINGS {
        let bytes = golden(&format!("rtp/{recording}.rtp"));
        let mut depacketiser = Depacketiser::new(&Track::new(codec, 48_000, 2, &[]));
        let mut points = 0;
        for (number, packets) in access_units(&bytes).iter().enumerate() {
            let mut units = Vec::new();
            for packet in packets {
                depacketiser.push(packet, &mut units).unwrap();
            }
            let random_access = units.iter().any(|unit| unit.random_access);
            let expected = if random_access {
                PacketStart::RandomAccess
            } else {
                PacketStart::Picture
            };
            assert_eq!(start(codec, packets), expected, "{recording} {number}");
            points += usize::from(random_access);
        }
        assert!(points > 1, "{recording}");
    }
}

#[test]
fn each_picture_is_started_by_one_packet() {
    let codecs = [
        Codec::Jpeg,
        Codec::Vp8,
        Codec::Vp9,
        Codec::MpegVideo,
        Codec::Mpeg4Video,
    ];
    for &(codec, recording) in RECORDINGS {
        if !codecs.contains(&codec) {
            continue;
        }
        let bytes = golden(&format!("rtp/{recording}.rtp"));
        for packets in access_units(&bytes) {
            let starts = packets.iter().map(|packet| inspect(codec, packet));
            let count = starts.filter(|start| *start != PacketStart::Nothing);
            assert_eq!(count.count(), 1, "{recording}");
        }
    }
}

/// x264 with intra refresh has one IDR picture, at its start, and recovery points from there on.
#[test]
fn streams_that_are_refreshed_piece_by_piece_can_be_joined_at_recovery_points() {
    let stream = golden("h264/intra_refresh.h264");
    let mut pictures = Vec::<Vec<u8>>::new();
    let mut begun = true;
    for nal in nal_units(&stream) {
        let is_slice = h264::is_slice(h264::type_of(nal[0]));
        if begun && !(is_slice && nal[1] & 0x80 == 0) {
            pictures.push(Vec::new());
        }
        begun = is_slice;
        let picture = pictures.last_mut().unwrap();
        relaycore_proto::annexb::push_nal(picture, nal);
    }
    let mut points = Vec::new();
    for (number, picture) in pictures.iter().enumerate() {
        let mut out = BurstBuilder::new();
        payload::h264::packetise(picture, 0, 300, &mut writer(), &mut out).unwrap();
        if start(Codec::H264, &parsed(&out)) == PacketStart::RandomAccess {
            points.push(number);
        }
    }
    assert_eq!(points, [0, 4]);
    assert!(!h264::is_random_access(&pictures[4]));
}

#[test]
fn pictures_that_cannot_be_decoded_after_a_join_are_known_by_each_of_their_packets() {
    for recording in ["h265_ffmpeg", "h265_gstreamer"] {
        let bytes = golden(&format!("rtp/{recording}.rtp"));
        let mut depacketiser = Depacketiser::new(&Track::new(Codec::H265, 0, 0, &[]));
        let mut found = 0;
        for packets in access_units(&bytes) {
            let mut units = Vec::new();
            for packet in &packets {
                depacketiser.push(packet, &mut units).unwrap();
            }
            let rasl = units
                .iter()
                .any(|unit| nal_units(&unit.data).any(|nal| h265::is_rasl(h265::type_of(nal[0]))));
            for packet in &packets {
                assert_eq!(is_rasl(Codec::H265, packet), rasl, "{recording}");
                assert!(!is_rasl(Codec::H264, packet));
            }
            found += usize::from(rasl);
        }
        assert!(found > 0, "{recording}");
    }
}

#[test]
fn what_is_not_whole_starts_nothing() {
    for codec in Codec::ALL {
        for payload in [
            &[][..],
            &[0x7c],
            &[0x78, 0, 9, 0x67],
            &[0x62, 1],
            &[0x80],
            &[0xff; 2],
        ] {
            let mut out = BurstBuilder::new();
            writer().write(&mut out, 0, false, &[payload]);
            let start = inspect(codec, &parsed(&out)[0]);
            if payload.is_empty() {
                assert_eq!(start, PacketStart::Nothing, "{codec:?}");
            }
        }
    }
    let start = |codec, payload: &[u8]| {
        let mut out = BurstBuilder::new();
        writer().write(&mut out, 0, false, &[payload]);
        inspect(codec, &parsed(&out)[0])
    };
    // Later fragments and slices, a delimiter, an aggregation that ends too early.
    assert_eq!(
        start(Codec::H264, &[0x7c, 0x05, 0x80]),
        PacketStart::Nothing
    );
    assert_eq!(start(Codec::H264, &[0x65, 0x40]), PacketStart::Nothing);
    assert_eq!(start(Codec::H264, &[0x09, 0xf0]), PacketStart::Prefix);
    assert_eq!(
        start(Codec::H264, &[0x78, 0, 9, 0x67]),
        PacketStart::Nothing
    );
    assert_eq!(
        start(Codec::H265, &[0x62, 1, 0x13, 0x80]),
        PacketStart::Nothing
    );
    assert_eq!(
        start(Codec::H265, &[0x62, 1, 0x93, 0x80]),
        PacketStart::RandomAccess
    );
    assert_eq!(start(Codec::H265, &[0x46, 1, 0x50]), PacketStart::Prefix);
    assert_eq!(
        start(Codec::MpegAudio, &[0, 0, 0, 1, 2]),
        PacketStart::Nothing
    );
    assert_eq!(start(Codec::Ac3, &[3, 2, 9]), PacketStart::Nothing);
    assert_eq!(
        start(Codec::Mpeg4Video, &[0, 0, 1, 0xb2, 9]),
        PacketStart::Prefix
    );
    assert_eq!(
        start(Codec::MpegVideo, &[0, 0, 0, 0, 0, 0, 1, 0xb8]),
        PacketStart::Prefix
    );
    assert_eq!(
        start(Codec::Mp2t, &[0x47, 0x41, 0, 0x10]),
        PacketStart::Picture
    );
}
