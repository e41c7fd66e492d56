//! Feedback of receivers (RFC 4585 section 6, RFC 5104 section 4.3.1).
//!
//! ```text
//! header (format in place of the count), SSRC of who asks, SSRC of the source, then
//!   NACK: | packet (16) | bits for the 16 packets after it (16) | ...
//!   PLI:  nothing
//!   FIR:  | SSRC of the source (32) | number (8) | zero (24) | ...       (the source above is 0)
//! ```

use alloc::vec::Vec;

use super::{PAYLOAD_FEEDBACK, TRANSPORT_FEEDBACK, take_ssrc, take_u32, write_packet};
use crate::rtp::{SequenceNumber, Ssrc};

/// Packets that a receiver wants again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nack {
    /// Who asks.
    pub sender: Ssrc,
    /// The source of the packets.
    pub media: Ssrc,
    /// The packets.
    pub lost: Vec<SequenceNumber>,
}

/// A receiver lost a picture and cannot go on without a random access point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pli {
    /// Who asks.
    pub sender: Ssrc,
    /// The source to send a random access point.
    pub media: Ssrc,
}

/// A receiver asks sources for a random access point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fir {
    /// Who asks.
    pub sender: Ssrc,
    /// The sources that it asks.
    pub entries: Vec<FirEntry>,
}

/// One source that is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirEntry {
    /// The source to send a random access point.
    pub media: Ssrc,
    /// Number of the request: the same one again is a repetition.
    pub number: u8,
}

/// Appends a request for packets. Neighbours share an entry; `lost` should rise.
///
/// # Panics
///
/// When `lost` needs more than 16384 entries, more than any datagram carries.
pub fn write_nack(out: &mut Vec<u8>, nack: &Nack) {
    let mut entries: Vec<(SequenceNumber, u16)> = Vec::new();
    for &lost in &nack.lost {
        match entries.last_mut() {
            Some((first, bits)) if (1..=16).contains(&lost.distance(*first)) => {
                *bits |= 1 << (lost.distance(*first) - 1);
            }
            _ => entries.push((lost, 0)),
        }
    }
    assert!(
        entries.len() <= ENTRIES_MAX,
        "a request names at most {ENTRIES_MAX} groups of packets"
    );
    write_packet(out, TRANSPORT_FEEDBACK, NACK_FORMAT, |out| {
        out.extend_from_slice(&nack.sender.0.to_be_bytes());
        out.extend_from_slice(&nack.media.0.to_be_bytes());
        for (first, bits) in entries {
            out.extend_from_slice(&first.0.to_be_bytes());
            out.extend_from_slice(&bits.to_be_bytes());
        }
    });
}

/// Appends a picture loss indication.
pub fn write_pli(out: &mut Vec<u8>, pli: Pli) {
    write_packet(out, PAYLOAD_FEEDBACK, PLI_FORMAT, |out| {
        out.extend_from_slice(&pli.sender.0.to_be_bytes());
        out.extend_from_slice(&pli.media.0.to_be_bytes());
    });
}

/// Appends a full intra request.
///
/// # Panics
///
/// When there are more than 16384 entries, more than any datagram carries.
pub fn write_fir(out: &mut Vec<u8>, fir: &Fir) {
    assert!(
        fir.entries.len() <= ENTRIES_MAX,
        "a request names at most {ENTRIES_MAX} sources"
    );
    write_packet(out, PAYLOAD_FEEDBACK, FIR_FORMAT, |out| {
        out.extend_from_slice(&fir.sender.0.to_be_bytes());
        out.extend_from_slice(&[0; 4]);
        for entry in &fir.entries {
            out.extend_from_slice(&entry.media.0.to_be_bytes());
            out.extend_from_slice(&[entry.number, 0, 0, 0]);
        }
    });
}

/// Formats (RFC 4585 sections 6.2.1 and 6.3.1, RFC 5104 section 4.3.1).
pub(super) const NACK_FORMAT: u8 = 1;
pub(super) const PLI_FORMAT: u8 = 1;
pub(super) const FIR_FORMAT: u8 = 4;

/// Bound on what the writers take, below what the length field can count.
const ENTRIES_MAX: usize = 16_384;

pub(super) fn parse_nack(mut body: &[u8]) -> Option<Nack> {
    let (sender, media) = (take_ssrc(&mut body)?, take_ssrc(&mut body)?);
    let mut lost = Vec::new();
    while let Some(entry) = take_u32(&mut body) {
        let first = SequenceNumber((entry >> 16) as u16);
        lost.push(first);
        lost.extend(
            (0..16)
                .filter(|bit| entry >> bit & 1 != 0)
                .map(|bit| first.wrapping_add(bit + 1)),
        );
    }
    Some(Nack {
        sender,
        media,
        lost,
    })
}

pub(super) fn parse_pli(mut body: &[u8]) -> Option<Pli> {
    Some(Pli {
        sender: take_ssrc(&mut body)?,
        media: take_ssrc(&mut body)?,
    })
}

pub(super) fn parse_fir(mut body: &[u8]) -> Option<Fir> {
    let sender = take_ssrc(&mut body)?;
    let media = take_ssrc(&mut body)?;
    let mut entries = Vec::new();
    while let (Some(entry_media), Some(number)) = (take_ssrc(&mut body), take_u32(&mut body)) {
        entries.push(FirEntry {
            media: entry_media,
            number: (number >> 24) as u8,
        });
    }
    if entries.is_empty() {
        // Some receivers name the source where a PLI does, and leave the list out.
        entries.push(FirEntry { media, number: 0 });
    }
    Some(Fir { sender, entries })
}
