//! JPEG pictures as cameras send them (ITU-T T.81, JFIF).
//!
//! A picture is a row of segments, each `FF marker length payload`, with the entropy-coded data behind the scan header:
//!
//! ```text
//! SOI  APPn/COM  DQT  SOF  DHT  DRI  SOS  entropy-coded data  EOI
//! ```
//!
//! Webcams get much of this wrong in ways that do not touch the picture: application segments with a length of zero, one
//! too small, or past the end of the data; no Huffman tables (they mean the standard ones); no end marker; padding behind
//! the end; the rest of a former picture before the start. All of that is read over, and counted in
//! [`Info::odd_segments`].

use core::fmt;

mod picture;
mod repair;
pub(crate) mod segments;
pub(crate) mod tables;

pub(crate) use picture::Picture;
pub use repair::repair;

/// What a JPEG picture is, without decoding it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info {
    /// Width, in pixels.
    pub width: u32,
    /// Height, in pixels.
    pub height: u32,
    /// How much colour there is.
    pub sampling: Sampling,
    /// How the picture is coded.
    pub coding: Coding,
    /// Minimum coded units from one restart marker to the next; 0 when there are none.
    pub restart_interval: u16,
    /// Whether the end of image marker is there.
    pub ends_with_eoi: bool,
    /// Whether the Huffman tables that the scan refers to are there. Where not, the standard ones are meant.
    pub has_huffman_tables: bool,
    /// Offset of the start of image marker.
    pub start: usize,
    /// Offset behind the end of image marker, or behind the last byte of picture data where there is none.
    pub end: usize,
    /// Things found that no JPEG should have: each was read over.
    pub odd_segments: u32,
}

/// Size of the colour planes against the brightness plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// No colour.
    Grey,
    /// Half the width and half the height.
    Yuv420,
    /// Half the width: what webcams send.
    Yuv422,
    /// Half the height.
    Yuv440,
    /// A quarter of the width.
    Yuv411,
    /// The same size.
    Yuv444,
    /// Anything else.
    Other,
}

/// Coding process of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// Baseline: what cameras send, and the only one that RTP carries.
    Baseline,
    /// Extended sequential.
    Extended,
    /// Progressive: several passes over the picture.
    Progressive,
    /// Lossless, hierarchical or arithmetic.
    Other,
}

/// Reads what a JPEG picture is. Needs one pass over the data, however broken it is.
pub fn inspect(data: &[u8]) -> Result<Info, JpegError> {
    Picture::read(data).map(|picture| picture.info)
}

/// Why a JPEG picture cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JpegError {
    /// No start of image marker.
    NoStart,
    /// No frame header.
    NoFrame,
    /// The frame header cannot be read, or has a component too many or too few.
    BrokenFrame,
    /// No scan header, or one that cannot be read.
    NoScan,
    /// No picture data behind the scan header.
    NoData,
    /// The frame refers to a quantisation table that is not there.
    NoQuantisationTable,
    /// The scan refers to a Huffman table that is not there, and for which no standard one can stand in.
    NoHuffmanTable,
    /// More segments than a picture can have use for.
    TooManySegments,
    /// Width or height is zero, or there are more pixels than the limit.
    Size {
        /// Width, in pixels.
        width: u32,
        /// Height, in pixels.
        height: u32,
    },
}

impl fmt::Display for JpegError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoStart => write!(out, "the data holds no JPEG picture"),
            Self::NoFrame => write!(out, "the JPEG has no frame header"),
            Self::BrokenFrame => write!(out, "the frame header of the JPEG is broken"),
            Self::NoScan => write!(out, "the JPEG has no scan header"),
            Self::NoData => write!(out, "the JPEG ends before its picture data"),
            Self::NoQuantisationTable => write!(out, "the JPEG lacks a quantisation table"),
            Self::NoHuffmanTable => write!(out, "the JPEG lacks a Huffman table"),
            Self::TooManySegments => write!(out, "the JPEG has too many segments"),
            Self::Size { width, height } => {
                write!(out, "a JPEG of {width} x {height} pixels is not accepted")
            }
        }
    }
}

impl core::error::Error for JpegError {}
