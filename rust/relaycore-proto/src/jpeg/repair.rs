//! Making a JPEG picture that every decoder reads out of one that few do.

use alloc::vec::Vec;

use super::segments::marker;
use super::{JpegError, Picture, tables};

/// The picture without what no JPEG should have: bytes around it, application segments (which cameras get wrong) but those
/// that tell colours, gaps between segments. Standard Huffman tables and the end of image marker are put in where they
/// are missing. The picture data is not touched.
pub fn repair(data: &[u8]) -> Result<Vec<u8>, JpegError> {
    let picture = Picture::read(data)?;
    let mut out = Vec::with_capacity(
        picture.info.end - picture.info.start + tables::STANDARD_HUFFMAN_BYTES + 2,
    );
    out.extend_from_slice(&[0xff, marker::SOI]);
    for segment in &picture.kept {
        if segment.marker == marker::SOS && !picture.info.has_huffman_tables {
            tables::push_missing_huffman(&mut out, &picture.huffman);
        }
        push_segment(&mut out, segment.marker, segment.payload);
    }
    out.extend_from_slice(picture.scans);
    out.extend_from_slice(&[0xff, marker::EOI]);
    Ok(out)
}

/// Appends a segment. Its payload came out of a segment, so its length fits.
pub(super) fn push_segment(out: &mut Vec<u8>, marker: u8, payload: &[u8]) {
    let [high, low] = (payload.len() as u16 + 2).to_be_bytes();
    out.extend_from_slice(&[0xff, marker, high, low]);
    out.extend_from_slice(payload);
}
