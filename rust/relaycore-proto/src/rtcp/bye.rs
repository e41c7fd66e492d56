//! Goodbye (RFC 3550 section 6.6): sources end.
//!
//! ```text
//! header, count SSRCs, optionally: | length (8) | reason in UTF-8 | zeros up to whole words |
//! ```

use alloc::string::String;
use alloc::vec::Vec;

use super::{BYE, cut, take_ssrc, write_packet};
use crate::rtp::Ssrc;

/// Sources that end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bye {
    /// The sources.
    pub ssrcs: Vec<Ssrc>,
    /// Why, for a person.
    pub reason: Option<String>,
}

/// Appends a goodbye. A reason is cut to 255 bytes.
///
/// # Panics
///
/// When there are more than 31 sources: the count has five bits.
pub fn write_bye(out: &mut Vec<u8>, ssrcs: &[Ssrc], reason: Option<&str>) {
    assert!(
        ssrcs.len() <= SOURCES_MAX,
        "a goodbye has at most {SOURCES_MAX} sources"
    );
    write_packet(out, BYE, ssrcs.len() as u8, |out| {
        for ssrc in ssrcs {
            out.extend_from_slice(&ssrc.0.to_be_bytes());
        }
        if let Some(reason) = reason {
            let reason = cut(reason, REASON_BYTES_MAX);
            out.push(reason.len() as u8);
            out.extend_from_slice(reason.as_bytes());
        }
    });
}

pub(super) fn parse(count: u8, mut body: &[u8]) -> Option<Bye> {
    let mut ssrcs = Vec::with_capacity(usize::from(count));
    for _ in 0..count {
        ssrcs.push(take_ssrc(&mut body)?);
    }
    let reason = match body.split_first() {
        Some((&length, text)) => {
            let text = text.get(..usize::from(length))?;
            Some(String::from_utf8_lossy(text).into_owned()).filter(|reason| !reason.is_empty())
        }
        None => None,
    };
    Some(Bye { ssrcs, reason })
}

/// Most sources of a packet.
const SOURCES_MAX: usize = 31;
/// Longest reason: its length has eight bits.
const REASON_BYTES_MAX: usize = 255;
