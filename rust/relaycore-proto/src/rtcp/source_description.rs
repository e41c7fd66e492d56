//! Source descriptions (RFC 3550 section 6.5), of which only the canonical name is used.
//!
//! ```text
//! header, then for each source: SSRC, items, zeros up to whole words (at least one)
//! item: | type (8) | length (8) | text in UTF-8 |
//! ```

use alloc::string::String;
use alloc::vec::Vec;

use super::{SOURCE_DESCRIPTION, cut, take_ssrc, write_packet};
use crate::rtp::Ssrc;

/// Who the sources are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceDescription {
    /// Each source with its canonical name: the same for all tracks of a stream, which a player plays in step.
    pub sources: Vec<(Ssrc, Option<String>)>,
}

/// Appends a source description with the canonical name of one source. A name is cut to 255 bytes.
pub fn write_sdes_cname(out: &mut Vec<u8>, ssrc: Ssrc, cname: &str) {
    let cname = cut(cname, ITEM_BYTES_MAX);
    write_packet(out, SOURCE_DESCRIPTION, 1, |out| {
        out.extend_from_slice(&ssrc.0.to_be_bytes());
        out.extend_from_slice(&[CNAME, cname.len() as u8]);
        out.extend_from_slice(cname.as_bytes());
        out.push(END);
    });
}

pub(super) fn parse(count: u8, mut body: &[u8]) -> Option<SourceDescription> {
    let mut sources = Vec::with_capacity(usize::from(count));
    for _ in 0..count {
        let chunk = body;
        let ssrc = take_ssrc(&mut body)?;
        let mut cname = None;
        loop {
            let (&item, after) = body.split_first()?;
            body = after;
            if item == END {
                break;
            }
            let (&length, after) = body.split_first()?;
            let (text, after) = after.split_at_checked(usize::from(length))?;
            body = after;
            if item == CNAME {
                cname.get_or_insert_with(|| String::from_utf8_lossy(text).into_owned());
            }
        }
        // The next source starts at a whole word.
        let used = (chunk.len() - body.len()).next_multiple_of(4);
        body = chunk.get(used..)?;
        sources.push((ssrc, cname));
    }
    Some(SourceDescription { sources })
}

/// Item types (RFC 3550 section 12.2).
const END: u8 = 0;
const CNAME: u8 = 1;
/// Longest text of an item: its length has eight bits.
const ITEM_BYTES_MAX: usize = 255;
