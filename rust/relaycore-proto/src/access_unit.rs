//! Access units: encoded pictures and audio blocks, the things that flow between encoder, stream and reader.

use alloc::vec::Vec;

use crate::track::Codec;
use crate::{av1, h264, h265, mpeg4, mpegts, mpegvideo, vp8, vp9};

/// One encoded picture or audio block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessUnit {
    /// The encoded bytes: H.264 and H.265 as Annex B byte stream (every NAL unit behind 00 00 00 01), VP8 as a frame,
    /// VP9 as a frame or superframe, AV1 as a temporal unit of OBUs in the low-overhead form with its temporal
    /// delimiter, JPEG as a whole JFIF file, AAC as raw block without ADTS header.
    pub data: Vec<u8>,
    /// Media time, in ticks of the track's clock rate, as on the wire (wraps).
    pub timestamp: u32,
    /// Whether a reader can start here: an IDR picture (H.265: or CRA) or recovery point, a key frame, any JPEG, any
    /// audio block.
    pub random_access: bool,
    /// Whether all its packets arrived. An incomplete access unit may show damage or not decode at all.
    pub complete: bool,
}

impl AccessUnit {
    /// One that needs no other and is all there, as a block of audio is.
    #[must_use]
    pub fn whole(data: Vec<u8>, timestamp: u32) -> Self {
        Self {
            data,
            timestamp,
            random_access: true,
            complete: true,
        }
    }
}

/// Whether a reader can start with `access_unit`. Of codecs that are not looked into here, with each.
#[must_use]
pub fn is_random_access(codec: Codec, access_unit: &[u8]) -> bool {
    match codec {
        Codec::H264 => h264::is_random_access(access_unit),
        Codec::H265 => h265::is_random_access(access_unit),
        Codec::Mpeg4Video => mpeg4::is_random_access(access_unit),
        Codec::Vp8 => vp8::is_key_frame(access_unit),
        Codec::Vp9 => vp9::is_key_frame(access_unit),
        Codec::Av1 => av1::is_random_access(access_unit),
        Codec::MpegVideo => mpegvideo::is_random_access(access_unit),
        Codec::Mp2t => mpegts::is_random_access(access_unit),
        _ => true,
    }
}

/// What of `access_unit` belongs into [`Track::parameters`](crate::track::Track::parameters): the parameter sets of H.264
/// and H.265, the configuration of MPEG-4. `None` when they are not all there, and for codecs that have none.
#[must_use]
pub fn parameters(codec: Codec, access_unit: &[u8]) -> Option<Vec<u8>> {
    match codec {
        Codec::H264 => h264::parameter_sets(access_unit),
        Codec::H265 => h265::parameter_sets(access_unit),
        Codec::Mpeg4Video => mpeg4::configuration(access_unit),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_codec_has_its_own_random_access_points() {
        let idr = [0, 0, 0, 1, 0x65, 0x80];
        let cra = [0, 0, 0, 1, 0x2a, 1, 0x80];
        let key_frame_of_av1 = [0x12, 0, 0x0a, 1, 0, 0x32, 1, 0x10];
        for (codec, key, other) in [
            (Codec::H264, &idr[..], &[0, 0, 0, 1, 0x61, 0x80][..]),
            (Codec::H265, &cra, &[0, 0, 0, 1, 0x02, 1, 0x80]),
            (Codec::Vp8, &[0x50], &[0x51]),
            (Codec::Vp9, &[0x82], &[0x86]),
            (
                Codec::Mpeg4Video,
                &[0, 0, 1, 0xb6, 0x10],
                &[0, 0, 1, 0xb6, 0x50],
            ),
            (
                Codec::MpegVideo,
                &[0, 0, 1, 0xb3, 1, 0, 0, 1, 0, 0, 0x0f, 0xff, 0xf8],
                &[0, 0, 1, 0, 0, 0x0f, 0xff, 0xf8],
            ),
            (Codec::Mp2t, &[0x47, 0x40, 0, 0x10], &[0x47, 0x41, 0, 0x10]),
            (Codec::Av1, &key_frame_of_av1, &key_frame_of_av1[..5]),
        ] {
            assert!(is_random_access(codec, key), "{codec:?}");
            assert!(!is_random_access(codec, other), "{codec:?}");
        }
        assert!(is_random_access(Codec::Opus, &[1]));
    }

    #[test]
    fn parameter_sets_are_parameters() {
        let h264 = [0, 0, 0, 1, 0x67, 1, 0, 0, 0, 1, 0x68, 1];
        let h265 = [
            0, 0, 0, 1, 0x40, 1, 0, 0, 0, 1, 0x42, 1, 0, 0, 0, 1, 0x44, 1,
        ];
        assert_eq!(parameters(Codec::H264, &h264).as_deref(), Some(&h264[..]));
        assert_eq!(parameters(Codec::H265, &h265).as_deref(), Some(&h265[..]));
        assert_eq!(parameters(Codec::H265, &h265[..12]), None);
        assert_eq!(parameters(Codec::Jpeg, &h264), None);
    }
}
