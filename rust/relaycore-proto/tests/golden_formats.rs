//! Packets of MPEG-4, MPEG-1 and MPEG-2 video, transport streams and audio that ffmpeg and GStreamer sent, put together
//! again and compared with what they were given, byte by byte.

mod support;

use relaycore_proto::aac::strip_adts;
use relaycore_proto::access_unit::AccessUnit;
use relaycore_proto::annexb::nal_units;
use relaycore_proto::mpeg4;
use relaycore_proto::mpegts::{PACKET_BYTES, SYNC};
use relaycore_proto::track::{Codec, Track};
use support::golden;
use support::received::{random_access, received};

/// StreamMuxConfig of AAC-LC, 48000 Hz, stereo, as ffmpeg and GStreamer describe it.
const LATM_CONFIG: &[u8] = &[0x40, 0x00, 0x23, 0x20, 0x3f, 0xc0];

fn joined(units: &[AccessUnit]) -> Vec<u8> {
    units.iter().flat_map(|unit| unit.data.clone()).collect()
}

#[test]
fn mpeg4_of_ffmpeg_and_gstreamer() {
    let source = golden("mpeg/mpeg4.m4v");
    let planes = |data: &[u8]| {
        let units = nal_units(data).filter(|unit| unit[0] == mpeg4::start_code::PLANE);
        units.map(<[u8]>::to_vec).collect::<Vec<_>>()
    };
    let configuration = mpeg4::configuration(&source);
    for recording in ["mpeg4_ffmpeg", "mpeg4_gstreamer"] {
        let units = received(&Track::new(Codec::Mpeg4Video, 48_000, 2, &[]), recording);
        assert!(planes(&joined(&units)) == planes(&source), "{recording}");
        assert_eq!(units.len(), 9, "{recording}");
        let points = random_access(&units);
        assert!(points.len() > 1 && points[0] == 0, "{recording}");
        assert_eq!(mpeg4::configuration(&units[0].data), configuration);
        assert_eq!(mpeg4::configuration(&units[1].data), None);
    }
}

#[test]
fn mpeg_video_of_ffmpeg_and_gstreamer() {
    for (recording, source) in [
        ("mpegvideo_ffmpeg", "mpeg/mpeg1.m1v"),
        ("mpegvideo_gstreamer", "mpeg/mpeg2.m2v"),
    ] {
        let units = received(&Track::new(Codec::MpegVideo, 48_000, 2, &[]), recording);
        assert!(joined(&units) == golden(source), "{recording}");
        assert_eq!(units.len(), 9, "{recording}");
        let points = random_access(&units);
        assert!(points.len() > 1 && points[0] == 0, "{recording}");
    }
}

#[test]
fn transport_streams_of_ffmpeg_and_gstreamer() {
    let units = received(&Track::new(Codec::Mp2t, 48_000, 2, &[]), "mpegts_gstreamer");
    // It keeps back what does not fill a packet.
    let (source, whole) = (golden("mpeg/h264.ts"), joined(&units));
    assert!(source.starts_with(&whole) && whole.len() + 7 * PACKET_BYTES > source.len());
    assert!(units[0].random_access && units.iter().any(|unit| !unit.random_access));

    let units = received(&Track::new(Codec::Mp2t, 48_000, 2, &[]), "mpegts_ffmpeg");
    let packets = joined(&units);
    assert!(packets.chunks(PACKET_BYTES).all(|packet| packet[0] == SYNC));
    assert!(units[0].random_access && units.iter().any(|unit| !unit.random_access));
}

#[test]
fn audio_of_ffmpeg_and_gstreamer() {
    for (codec, recording, source) in [
        (Codec::MpegAudio, "layer2_ffmpeg", "mpeg/layer2.mp2"),
        (Codec::MpegAudio, "layer3_ffmpeg", "mpeg/layer3.mp3"),
        (Codec::MpegAudio, "layer3_gstreamer", "mpeg/layer3.mp3"),
        (Codec::Ac3, "ac3_gstreamer", "mpeg/ac3.ac3"),
    ] {
        let units = received(&Track::new(codec, 48_000, 2, &[]), recording);
        let whole = joined(&units);
        // ffmpeg keeps back the frames that it was still collecting for a packet when the stream ends.
        let source = golden(source);
        assert!(source.starts_with(&whole), "{recording}");
        assert!(whole.len() * 10 >= source.len() * 9, "{recording}");
        let sizes: Vec<_> = units.iter().map(|unit| unit.data.len()).collect();
        assert!(sizes.iter().all(|size| *size == sizes[0]), "{sizes:?}");
        let ticks = units.windows(2).map(|pair| {
            let ticks = pair[1].timestamp.wrapping_sub(pair[0].timestamp);
            ticks.abs_diff(if codec == Codec::Ac3 { 1536 } else { 2160 })
        });
        // GStreamer counts in nanoseconds, which do not fit every clock.
        assert!(ticks.max() <= Some(1), "{recording}");
    }
}

#[test]
fn latm_of_ffmpeg_and_gstreamer() {
    let source = golden("mpeg/stereo_48000.adts");
    let mut frames = Vec::new();
    let mut rest = &source[..];
    while let Some(frame) = strip_adts(rest) {
        frames.push(frame.access_unit.to_vec());
        rest = frame.rest;
    }
    for recording in ["latm_ffmpeg", "latm_gstreamer"] {
        let units = received(&Track::new(Codec::Latm, 48_000, 2, LATM_CONFIG), recording);
        let data: Vec<_> = units.into_iter().map(|unit| unit.data).collect();
        assert!(data == frames, "{recording}");
    }
}
