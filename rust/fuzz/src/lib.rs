//! Bodies of the fuzz targets, as plain functions: libFuzzer calls them, and so does the test that runs the corpora.
//!
//! A body takes any bytes. It must not panic, and panics when what it checks does not hold.

pub mod client;
pub mod formats;
pub mod load;
pub mod media;
pub mod video;
pub mod webrtc;
pub mod wire;

/// What a target does with an input.
pub type Body = fn(&[u8]);

/// Every target: its name, which is that of its corpus too, and its body.
pub const TARGETS: [(&str, Body); 40] = [
    ("aac_config", media::aac_config),
    ("aac_depacketise", media::aac_depacketise),
    ("aac_round_trip", media::aac_round_trip),
    ("ac3_depacketise", formats::ac3_depacketise),
    ("annexb", media::annexb),
    ("av1_depacketise", video::av1_depacketise),
    ("av1_round_trip", video::av1_round_trip),
    ("base64_stream", wire::base64_stream),
    ("format_round_trip", formats::format_round_trip),
    ("h264_depacketise", media::h264_depacketise),
    ("h264_round_trip", media::h264_round_trip),
    ("h265_depacketise", video::h265_depacketise),
    ("h265_round_trip", video::h265_round_trip),
    ("h265_sps", video::h265_sps),
    ("ice_tcp", wire::ice_tcp),
    ("jpeg_depacketise", media::jpeg_depacketise),
    ("jpeg_inspect", media::jpeg_inspect),
    ("latm_config", formats::latm_config),
    ("latm_depacketise", formats::latm_depacketise),
    ("load_packets", load::load_packets),
    ("load_reader", load::load_reader),
    ("mpeg4_depacketise", formats::mpeg4_depacketise),
    ("mpegaudio_depacketise", formats::mpegaudio_depacketise),
    ("mpegts_depacketise", formats::mpegts_depacketise),
    ("mpegvideo_depacketise", formats::mpegvideo_depacketise),
    ("packet_start", formats::packet_start),
    ("rtcp", wire::rtcp),
    ("rtp", media::rtp),
    ("rtsp_client", client::rtsp_client),
    ("rtsp_parser", wire::rtsp_parser),
    ("rtsp_url", wire::rtsp_url),
    ("sdp", wire::sdp),
    ("sps", media::sps),
    ("transport_header", wire::transport_header),
    ("vp8_depacketise", video::vp8_depacketise),
    ("vp8_round_trip", video::vp8_round_trip),
    ("vp9_depacketise", video::vp9_depacketise),
    ("vp9_round_trip", video::vp9_round_trip),
    ("webrtc_offer", webrtc::webrtc_offer),
    ("websocket_frames", wire::websocket_frames),
];
