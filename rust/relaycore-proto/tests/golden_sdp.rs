//! What ffmpeg and GStreamer announce for each codec, read, and written again for readers.

mod support;

use relaycore_proto::rtp::PayloadType;
use relaycore_proto::sdp::{self, SessionDescription};
use relaycore_proto::track::{Codec, Kind, Track};
use support::golden;

/// Description, codec, clock rate, channels, payload type, and bytes of the parameters.
const DESCRIPTIONS: &[(&str, Codec, u32, u8, u8, usize)] = &[
    ("h264_ffmpeg", Codec::H264, 90_000, 0, 96, 38),
    ("h264_gstreamer", Codec::H264, 90_000, 0, 96, 40),
    ("h265_ffmpeg", Codec::H265, 90_000, 0, 96, 84),
    ("h265_gstreamer", Codec::H265, 90_000, 0, 96, 91),
    ("mpeg4_ffmpeg", Codec::Mpeg4Video, 90_000, 0, 96, 47),
    ("mpeg4_gstreamer", Codec::Mpeg4Video, 90_000, 0, 96, 47),
    ("jpeg_ffmpeg", Codec::Jpeg, 90_000, 0, 26, 0),
    ("jpeg_gstreamer", Codec::Jpeg, 90_000, 0, 26, 0),
    ("vp8_ffmpeg", Codec::Vp8, 90_000, 0, 96, 0),
    ("vp8_gstreamer", Codec::Vp8, 90_000, 0, 96, 0),
    ("vp9_ffmpeg", Codec::Vp9, 90_000, 0, 96, 0),
    ("vp9_gstreamer", Codec::Vp9, 90_000, 0, 96, 0),
    ("mpegvideo_ffmpeg", Codec::MpegVideo, 90_000, 0, 32, 0),
    ("mpegts_gstreamer", Codec::Mp2t, 90_000, 0, 33, 0),
    ("raw_gstreamer", Codec::Other, 90_000, 0, 96, 0),
    ("aac_ffmpeg", Codec::Aac, 48_000, 2, 96, 5),
    // GStreamer prefers LATM, and says nothing of channels.
    ("aac_gstreamer", Codec::Latm, 48_000, 2, 96, 7),
    ("latm_ffmpeg", Codec::Latm, 48_000, 2, 96, 6),
    ("opus_ffmpeg", Codec::Opus, 48_000, 2, 96, 0),
    ("opus_gstreamer", Codec::Opus, 48_000, 2, 96, 0),
    ("pcmu_ffmpeg", Codec::Pcmu, 8000, 1, 0, 0),
    ("pcmu_gstreamer", Codec::Pcmu, 8000, 1, 0, 0),
    ("pcma_ffmpeg", Codec::Pcma, 16_000, 2, 96, 0),
    ("pcma_gstreamer", Codec::Pcma, 8000, 1, 8, 0),
    ("g722_ffmpeg", Codec::G722, 8000, 1, 9, 0),
    ("g722_gstreamer", Codec::G722, 8000, 1, 9, 0),
    ("l16_ffmpeg", Codec::L16, 48_000, 2, 96, 0),
    ("l16_static_ffmpeg", Codec::L16, 44_100, 2, 10, 0),
    ("l16_gstreamer", Codec::L16, 48_000, 2, 96, 0),
    ("mpegaudio_ffmpeg", Codec::MpegAudio, 90_000, 1, 14, 0),
    ("mpegaudio_gstreamer", Codec::MpegAudio, 90_000, 1, 14, 0),
    ("ac3_gstreamer", Codec::Ac3, 48_000, 1, 96, 0),
];

fn announced(name: &str) -> Track {
    let text = String::from_utf8(golden(&format!("sdp/{name}.sdp"))).unwrap();
    let description = sdp::parse(&text).unwrap();
    assert_eq!(description.media.len(), 1, "{name}");
    description.media[0].track().unwrap()
}

fn described(track: &Track) -> String {
    sdp::write(&SessionDescription {
        origin_id: 1,
        version: 1,
        name: "golden",
        information: "",
        uri: "",
        address: "0.0.0.0",
        port: 0,
        tool: "",
        tracks: std::slice::from_ref(track),
    })
}

#[test]
fn every_codec_is_known_by_what_publishers_write() {
    for &(name, codec, clock_rate, channels, payload_type, parameters) in DESCRIPTIONS {
        let track = announced(name);
        assert_eq!(track.codec, codec, "{name}");
        let numbers = (track.clock_rate, track.channels, track.payload_type);
        let expected = (clock_rate, channels, PayloadType(payload_type));
        assert_eq!(numbers, expected, "{name}");
        assert_eq!(track.parameters.len(), parameters, "{name}");
        if codec != Codec::Other {
            assert_eq!(track.kind(), codec.kind(), "{name}");
        }
    }
    assert_eq!(announced("raw_gstreamer").kind(), Kind::Video);
}

#[test]
fn readers_are_told_what_the_publisher_said() {
    for &(name, ..) in DESCRIPTIONS {
        let track = announced(name);
        let format = track.format.clone().unwrap();
        let text = described(&track);
        let read = sdp::parse(&text).unwrap().media[0].track().unwrap();
        assert_eq!(read, track, "{text}");
        let map = format!("a=rtpmap:{} {}/", track.payload_type.0, format.encoding);
        assert!(text.contains(&map), "{text}");
        if let Some(fmtp) = &format.fmtp {
            let line = format!("a=fmtp:{} {fmtp}\r\n", track.payload_type.0);
            assert!(text.contains(&line), "{text}");
        }
        assert!(track.accepts(&read), "{name}");
    }
    assert!(described(&announced("h264_gstreamer")).contains("\r\na=framerate:25\r\n"));
}

/// The profile that is announced has to be that of the parameter sets, also after they changed.
#[test]
fn parameter_sets_that_changed_are_written_anew() {
    let mut track = announced("h264_gstreamer");
    track.parameters = announced("h264_ffmpeg").parameters;
    let text = described(&track);
    let expected = "a=fmtp:96 packetization-mode=1;level-asymmetry-allowed=1;profile-level-id=64000B;\
        sprop-parameter-sets=";
    assert!(text.contains(expected), "{text}");
    let read = sdp::parse(&text).unwrap().media[0].track().unwrap();
    assert_eq!(read.parameters, track.parameters);

    let mut track = announced("h265_gstreamer");
    track.parameters = announced("h265_ffmpeg").parameters;
    let read = sdp::parse(&described(&track)).unwrap().media[0]
        .track()
        .unwrap();
    assert_eq!(read.parameters, track.parameters);
}
