//! Bodies of the fuzz targets, as plain functions: libFuzzer calls them, and so does the test that runs the corpora.
//!
//! A body takes any bytes. It must not panic, and panics when what it checks does not hold.

pub mod client;
pub mod media;
pub mod wire;

/// What a target does with an input.
pub type Body = fn(&[u8]);

/// Every target: its name, which is that of its corpus too, and its body.
pub const TARGETS: [(&str, Body); 16] = [
    ("aac_config", media::aac_config),
    ("aac_depacketise", media::aac_depacketise),
    ("aac_round_trip", media::aac_round_trip),
    ("annexb", media::annexb),
    ("h264_depacketise", media::h264_depacketise),
    ("h264_round_trip", media::h264_round_trip),
    ("jpeg_depacketise", media::jpeg_depacketise),
    ("jpeg_inspect", media::jpeg_inspect),
    ("rtcp", wire::rtcp),
    ("rtp", media::rtp),
    ("rtsp_client", client::rtsp_client),
    ("rtsp_parser", wire::rtsp_parser),
    ("rtsp_url", wire::rtsp_url),
    ("sdp", wire::sdp),
    ("sps", media::sps),
    ("transport_header", wire::transport_header),
];
