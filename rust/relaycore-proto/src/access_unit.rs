//! Access units: encoded pictures and audio blocks, the things that flow between encoder, stream and reader.

use alloc::vec::Vec;

/// One encoded picture or audio block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessUnit {
    /// The encoded bytes: H.264 as Annex B byte stream (every NAL unit behind 00 00 00 01), AAC as raw block without
    /// ADTS header, JPEG as a whole JFIF file.
    pub data: Vec<u8>,
    /// Media time, in ticks of the track's clock rate, as on the wire (wraps).
    pub timestamp: u32,
    /// Whether a reader can start here: an IDR picture or recovery point, any JPEG, any audio block.
    pub random_access: bool,
    /// Whether all its packets arrived. An incomplete access unit may show damage or not decode at all.
    pub complete: bool,
}
