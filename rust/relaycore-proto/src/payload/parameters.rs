//! Parameter sets among the packets of H.264 (RFC 6184) and H.265 (RFC 7798): found where a sender sends them, and put
//! into a packet of their own where it does not.

use alloc::vec::Vec;

use crate::annexb::{nal_units, push_nal};
use crate::track::Codec;

/// Most bytes of a packet made here.
const PACKET_BYTES_MAX: usize = 1400;

/// Packets that hold several NAL units: STAP-A of H.264, AP of H.265.
const STAP_A: u8 = 24;
const AP: u8 = 48;

/// Bits of the first byte of an H.264 NAL unit: forbidden zero bit and importance.
const IMPORTANCE: u8 = 0x60;

/// Appends the parameter sets that the payload of one packet holds to `sets`, an Annex B byte stream, and says whether
/// there are any. Fragmented ones are not seen: parameter sets are small.
pub fn found(codec: Codec, payload: &[u8], sets: &mut Vec<u8>) -> bool {
    let before = sets.len();
    match codec {
        Codec::H264 => match payload.first().map(|first| first & 0x1f) {
            Some(7 | 8) => push_nal(sets, payload),
            Some(STAP_A) => aggregated(&payload[1..], |nal| {
                if matches!(nal[0] & 0x1f, 7 | 8) {
                    push_nal(sets, nal);
                }
            }),
            _ => {}
        },
        Codec::H265 => match payload.first().map(|first| first >> 1 & 0x3f) {
            Some(32..=34) => push_nal(sets, payload),
            Some(AP) => aggregated(payload.get(2..).unwrap_or(&[]), |nal| {
                if matches!(nal[0] >> 1 & 0x3f, 32..=34) {
                    push_nal(sets, nal);
                }
            }),
            _ => {}
        },
        _ => {}
    }
    sets.len() > before
}

/// The payload of a packet with these parameter sets, an Annex B byte stream. `None` where the codec has none, or they
/// do not fit a packet.
#[must_use]
pub fn packet(codec: Codec, sets: &[u8]) -> Option<Vec<u8>> {
    let nals: Vec<_> = nal_units(sets).collect();
    if let [only] = nals[..] {
        return (only.len() <= PACKET_BYTES_MAX).then(|| only.to_vec());
    }
    let mut payload = match codec {
        Codec::H264 => {
            let importance = nals.iter().map(|nal| nal[0] & IMPORTANCE).max()?;
            [importance | STAP_A].to_vec()
        }
        // Layer 0 and temporal layer 0, of which parameter sets are.
        Codec::H265 => [AP << 1, 1].to_vec(),
        _ => return None,
    };
    for nal in nals {
        payload.extend_from_slice(&u16::try_from(nal.len()).ok()?.to_be_bytes());
        payload.extend_from_slice(nal);
    }
    (2 < payload.len() && payload.len() <= PACKET_BYTES_MAX).then_some(payload)
}

/// Calls `each` with the NAL units of an aggregate: two bytes of length before each.
fn aggregated(mut rest: &[u8], mut each: impl FnMut(&[u8])) {
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length));
        let Some((nal, after)) = after.split_at_checked(length).filter(|_| length > 0) else {
            return;
        };
        each(nal);
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETS_264: &[u8] = &[0, 0, 0, 1, 0x67, 1, 2, 3, 0, 0, 0, 1, 0x28, 4];
    const SETS_265: &[u8] = &[
        0, 0, 0, 1, 0x40, 1, 9, 0, 0, 0, 1, 0x42, 1, 8, 0, 0, 0, 1, 0x44, 1, 7,
    ];

    #[test]
    fn what_is_packed_is_found() {
        for (codec, sets) in [(Codec::H264, SETS_264), (Codec::H265, SETS_265)] {
            let payload = packet(codec, sets).unwrap();
            let mut seen = Vec::new();
            assert!(found(codec, &payload, &mut seen));
            assert_eq!(seen, sets);
        }
        assert_eq!(packet(Codec::H264, SETS_264).unwrap()[0], 0x60 | STAP_A);
    }

    #[test]
    fn single_sets_are_packets_of_their_own() {
        let only = [0, 0, 0, 1, 0x67, 1, 2, 3];
        assert_eq!(packet(Codec::H264, &only).unwrap(), [0x67, 1, 2, 3]);
        let mut seen = Vec::new();
        assert!(found(Codec::H264, &[0x67, 1, 2, 3], &mut seen));
        assert!(found(Codec::H264, &[0x68, 4], &mut seen));
        assert!(!found(Codec::H264, &[0x65, 4], &mut seen));
        assert_eq!(seen.len(), 8 + 6);
    }

    #[test]
    fn what_does_not_fit_or_is_cut_gives_nothing() {
        assert_eq!(packet(Codec::H264, &[]), None);
        assert_eq!(packet(Codec::Aac, SETS_264), None);
        let mut large = SETS_264.to_vec();
        large.resize(PACKET_BYTES_MAX + 20, 5);
        assert_eq!(packet(Codec::H264, &large), None);
        let mut seen = Vec::new();
        for cut in [
            &[][..],
            &[24],
            &[24, 0],
            &[24, 0, 9, 0x67],
            &[24, 0, 0, 0x67],
        ] {
            assert!(!found(Codec::H264, cut, &mut seen));
        }
    }
}
