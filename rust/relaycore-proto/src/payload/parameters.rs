//! Parameter sets among the packets of H.264 (RFC 6184) and H.265 (RFC 7798): found where a sender sends them, and put
//! into a packet of their own where it does not. What senders say wrongly of such packets is mended.

use alloc::vec::Vec;

use super::h264::{H264, STAP_A, mended_aggregation};
use super::h265::{AP, H265};
use super::nal_units::{NalFormat, aggregated, aggregation};
use crate::annexb::{nal_units, push_nal};
use crate::track::Codec;
use crate::{h264, h265};

/// Most bytes of a packet made here.
const PACKET_BYTES_MAX: usize = 1400;

/// Whether streams of the codec have parameter sets among their packets.
#[must_use]
pub fn are_sent(codec: Codec) -> bool {
    matches!(codec, Codec::H264 | Codec::H265)
}

/// Appends the parameter sets that the payload of one packet holds to `sets`, an Annex B byte stream, and says whether
/// there are any. Fragmented ones are not seen: parameter sets are small.
pub fn found(codec: Codec, payload: &[u8], sets: &mut Vec<u8>) -> bool {
    let before = sets.len();
    match (codec, payload) {
        (Codec::H264, [first, rest @ ..]) => {
            take(
                payload,
                rest,
                h264::type_of(*first) == STAP_A,
                is_h264,
                sets,
            );
        }
        (Codec::H265, [first, _, rest @ ..]) => {
            take(payload, rest, h265::type_of(*first) == AP, is_h265, sets);
        }
        _ => {}
    }
    sets.len() > before
}

/// Takes what `is_set` of a payload: of the NAL units `rest` of an aggregation, or else of the only one.
fn take(
    payload: &[u8],
    rest: &[u8],
    is_aggregation: bool,
    is_set: impl Fn(u8) -> bool,
    sets: &mut Vec<u8>,
) {
    if is_aggregation {
        let nals = aggregated(rest).take_while(|nal| !nal.is_empty());
        nals.filter(|nal| is_set(nal[0]))
            .for_each(|nal| push_nal(sets, nal));
    } else if is_set(payload[0]) {
        push_nal(sets, payload);
    }
}

fn is_h264(first: u8) -> bool {
    use h264::nal_type::{PPS, SPS};
    matches!(h264::type_of(first), SPS | PPS)
}

fn is_h265(first: u8) -> bool {
    use h265::nal_type::{PPS, SPS, VPS};
    matches!(h265::type_of(first), VPS | SPS | PPS)
}

/// The payload of a packet with these parameter sets, an Annex B byte stream. `None` where the codec has none, or they
/// do not fit a packet.
#[must_use]
pub fn packet(codec: Codec, sets: &[u8]) -> Option<Vec<u8>> {
    match codec {
        Codec::H264 => packed::<H264>(sets),
        Codec::H265 => packed::<H265>(sets),
        _ => None,
    }
}

/// The first byte that a payload should have, where it has another one. FFmpeg 5.1 leaves the importance of aggregations
/// of H.264 at 0, so that networks which drop by it would lose the parameter sets first.
#[must_use]
pub fn mended_start(codec: Codec, payload: &[u8]) -> Option<u8> {
    (codec == Codec::H264)
        .then(|| mended_aggregation(payload))
        .flatten()
}

fn packed<F: NalFormat>(sets: &[u8]) -> Option<Vec<u8>> {
    // Descriptions may hold anything: what is no NAL unit is left out.
    let nals: Vec<_> = nal_units(sets).filter(|nal| F::is_carried(nal)).collect();
    let payload = match nals[..] {
        [] => return None,
        [only] => only.to_vec(),
        _ => aggregation::<F>(&nals),
    };
    (payload.len() <= PACKET_BYTES_MAX).then_some(payload)
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
    fn aggregations_say_how_important_they_are() {
        let right = packet(Codec::H264, SETS_264).unwrap();
        assert_eq!(mended_start(Codec::H264, &right), None);
        for wrong in [0, 0x20, 0x80, 0xe0] {
            let payload = [&[wrong | STAP_A], &right[1..]].concat();
            assert_eq!(mended_start(Codec::H264, &payload), Some(0x60 | STAP_A));
            assert_eq!(mended_start(Codec::H265, &payload), None);
        }
        let forbidden = [STAP_A, 0, 1, 0xa6, 0, 1, 0x41];
        assert_eq!(mended_start(Codec::H264, &forbidden), Some(0xc0 | STAP_A));
        for other in [
            &[][..],
            &[0x65, 1],
            &[28, 0x85],
            &[STAP_A],
            &[STAP_A, 0, 9, 0x67],
        ] {
            assert_eq!(mended_start(Codec::H264, other), None);
        }
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
        let only = [0, 0, 0, 1, 0x67, 1, 2, 3];
        assert_eq!(packet(Codec::Mpeg4Video, &only), None);
        let without_header = [0, 0, 0, 1, 0x40, 0, 0, 0, 1, 0x42];
        assert_eq!(packet(Codec::H265, &without_header), None);
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
