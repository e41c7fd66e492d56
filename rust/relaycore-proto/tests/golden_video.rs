//! Packets that ffmpeg and GStreamer sent, put together again and compared with what they were given, byte by byte: a
//! decoder so makes the same pictures of both.

mod support;

use relaycore_proto::access_unit::AccessUnit;
use relaycore_proto::annexb::nal_units;
use relaycore_proto::av1;
use relaycore_proto::h265::{self, Sps};
use relaycore_proto::track::{Codec, Track};
use support::golden;
use support::received::{random_access, received};

/// The frames of an IVF file: a header of 32 bytes, then each frame behind its size and time.
fn ivf(name: &str) -> Vec<Vec<u8>> {
    let bytes = golden(name);
    let mut frames = Vec::new();
    let mut rest = &bytes[32..];
    while let Some((&[s0, s1, s2, s3, ..], after)) = rest.split_first_chunk::<12>() {
        let (frame, after) = after.split_at(u32::from_le_bytes([s0, s1, s2, s3]) as usize);
        frames.push(frame.to_vec());
        rest = after;
    }
    frames
}

#[test]
fn h265_of_ffmpeg_and_gstreamer() {
    let source = golden("h265/open_gop.h265");
    let sent: Vec<_> = nal_units(&source).collect();
    for recording in ["h265_ffmpeg", "h265_gstreamer"] {
        let units = received(&Track::new(Codec::H265, 90_000, 0, &[]), recording);
        assert_eq!(units.len(), 10, "{recording}");
        let nals: Vec<_> = units
            .iter()
            .flat_map(|unit| nal_units(&unit.data))
            .collect();
        assert!(nals == sent, "{recording}");
        // The second point is a clean random access picture, its leading pictures behind it.
        assert_eq!(random_access(&units), [0, 4], "{recording}");
        let first_slice = |unit: &AccessUnit| {
            let types = nal_units(&unit.data)
                .map(|nal| h265::type_of(nal[0]))
                .collect::<Vec<_>>();
            types
                .into_iter()
                .find(|kind| h265::is_slice(*kind))
                .unwrap()
        };
        assert_eq!(first_slice(&units[4]), h265::nal_type::CRA);
        assert!(h265::is_rasl(first_slice(&units[5])));
        assert!(h265::parameter_sets(&units[0].data).is_some());
        assert!(h265::parameter_sets(&units[1].data).is_none());
    }
}

#[test]
fn h265_parameter_sets_of_x265() {
    let sps = |name: &str| {
        let bytes = golden(name);
        let mut nals = nal_units(&bytes);
        let nal = nals.find(|nal| h265::type_of(nal[0]) == h265::nal_type::SPS);
        Sps::parse(nal.unwrap()).unwrap()
    };
    let main = sps("h265/open_gop.h265");
    assert_eq!((main.width, main.height), (320, 180));
    assert_eq!(
        (
            main.profile_idc,
            main.chroma_format_idc,
            main.bit_depth_luma
        ),
        (1, 1, 8)
    );
    let deep = sps("h265/main422_10.h265");
    assert_eq!((deep.width, deep.height), (162, 94));
    assert_eq!(
        (
            deep.profile_idc,
            deep.chroma_format_idc,
            deep.bit_depth_luma
        ),
        (4, 2, 10)
    );
}

#[test]
fn frames_of_ffmpeg_and_gstreamer() {
    for (codec, file, points, recordings) in [
        (
            Codec::Vp8,
            "vp8/partitions.ivf",
            [0, 5],
            &["vp8_ffmpeg", "vp8_gstreamer"][..],
        ),
        (
            Codec::Vp9,
            "vp9/superframes.ivf",
            [0, 10],
            &["vp9_ffmpeg", "vp9_gstreamer"],
        ),
        (
            Codec::Av1,
            "av1/hidden_frames.ivf",
            [0, 10],
            &["av1_ffmpeg"],
        ),
    ] {
        let sent = ivf(file);
        for recording in recordings {
            let units = received(&Track::new(codec, 90_000, 0, &[]), recording);
            assert_eq!(units.len(), sent.len(), "{recording}");
            for (index, (unit, frame)) in units.iter().zip(&sent).enumerate() {
                assert!(unit.data == *frame, "access unit {index} of {recording}");
            }
            assert_eq!(random_access(&units), points, "{recording}");
        }
    }
}

#[test]
fn av1_of_ffmpeg_tells_its_sequence_header() {
    let units = received(&Track::new(Codec::Av1, 90_000, 0, &[]), "av1_ffmpeg");
    let header = av1::sequence_header(&units[0].data).unwrap();
    assert_eq!(av1::type_of(header[0]), av1::obu_type::SEQUENCE_HEADER);
    assert_eq!(av1::sequence_header(&units[1].data), None);
}
