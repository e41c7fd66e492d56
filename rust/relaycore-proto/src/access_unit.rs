//! Access units: encoded pictures and audio blocks, the things that flow between encoder, stream and reader.

use alloc::vec::Vec;

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
