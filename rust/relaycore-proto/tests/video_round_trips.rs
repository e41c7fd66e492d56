//! Packetise, depacketise, compare: H.265, VP8, VP9 and AV1.

mod support;

use relaycore_proto::access_unit::AccessUnit;
use relaycore_proto::annexb::{nal_units, push_nal};
use relaycore_proto::av1::{TEMPORAL_DELIMITER, obus};
use relaycore_proto::burst::BurstBuilder;
use relaycore_proto::payload::assemble::{Assembler, Format};
use relaycore_proto::payload::{PayloadError, av1, h265, vp8, vp9};
use support::video::{Packetise, packets_of, push_obu, receive};
use support::{Random, assert_one_access_unit, parsed, writer};

/// Makes a random access point, or another access unit, of about `size` bytes.
type Source = fn(&mut Random, bool, usize) -> Vec<u8>;

fn h265_source(random: &mut Random, random_access: bool, size: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for kind in [35, 32, 33, 34, 39] {
        if random.below(2) == 0 {
            let size = 2 + random.below(60);
            push_nal(&mut out, &nal(random, kind, size));
        }
    }
    let kind = if random_access { 19 } else { 1 };
    push_nal(&mut out, &nal(random, kind, size.max(2)));
    if random.below(3) == 0 {
        let size = 2 + random.below(2000);
        push_nal(&mut out, &nal(random, kind, size));
    }
    out
}

/// A NAL unit without zeros, which no start code can hide in.
fn nal(random: &mut Random, kind: u8, size: usize) -> Vec<u8> {
    let mut nal: Vec<u8> = random.bytes(size).iter().map(|byte| byte | 1).collect();
    nal[..2].copy_from_slice(&[kind << 1, 0x01]);
    nal
}

fn vp8_source(random: &mut Random, random_access: bool, size: usize) -> Vec<u8> {
    let mut frame = random.bytes(size.max(1));
    frame[0] = frame[0] & 0xfe | u8::from(!random_access);
    frame
}

fn vp9_source(random: &mut Random, random_access: bool, size: usize) -> Vec<u8> {
    let mut frame = random.bytes(size.max(1));
    frame[0] = if random_access { 0x82 } else { 0x86 };
    frame
}

fn av1_source(random: &mut Random, random_access: bool, size: usize) -> Vec<u8> {
    let mut out = TEMPORAL_DELIMITER.to_vec();
    if random_access {
        push_obu(&mut out, &[0x08], &[0, 0, 0, 0x02, 0xaf]);
    }
    for _ in 0..random.below(4) {
        let size = random.below(40);
        let payload = random.bytes(size);
        push_obu(&mut out, &[0x2c, 0x28], &payload);
    }
    let mut payload = random.bytes(size.max(1));
    payload[0] = if random_access { 0x10 } else { 0x30 };
    push_obu(&mut out, &[0x30], &payload);
    if random.below(3) == 0 {
        let size = random.below(900);
        let payload = random.bytes(size);
        push_obu(&mut out, &[0x20], &payload);
    }
    out
}

/// What every format keeps: each size comes back, in packets within the limit.
fn every_size_comes_back<F: Format>(packetise: Packetise, source: Source) {
    let mut random = Random::new(30);
    for limit in [256, 300, 1400] {
        let sizes = (1..40)
            .chain(limit - 12..limit + 6)
            .chain(limit * 2 - 20..limit * 2 + 6)
            .chain([limit * 20]);
        for (index, size) in sizes.enumerate() {
            let random_access = index % 2 == 0;
            let source = source(&mut random, random_access, size);
            let out = packets_of(packetise, &source, limit);
            let packets = parsed(&out);
            assert_one_access_unit(&packets, 77, limit);
            let units = receive(&mut Assembler::<F>::new(), &packets);
            let expected = AccessUnit {
                data: source,
                timestamp: 77,
                random_access,
                complete: true,
            };
            assert!(units == [expected], "{size} bytes, packets of {limit}");
        }
    }
}

/// What every format keeps when packets are lost: what is said to be complete is, and the other units are given.
/// `parts` cuts an access unit into what is either whole or not there.
fn losses_are_known<F: Format>(
    packetise: Packetise,
    source: Source,
    parts: fn(&[u8]) -> Vec<&[u8]>,
) {
    let mut random = Random::new(31);
    let (mut complete, mut incomplete) = (0, 0);
    for _ in 0..300 {
        let mut depacketiser = Assembler::<F>::new();
        let mut rtp = writer();
        let (mut sources, mut units) = (Vec::new(), Vec::new());
        let mut whole = [true; 6];
        for timestamp in 0..6 {
            let source = source(&mut random, timestamp == 0, 3000);
            let mut out = BurstBuilder::new();
            packetise(&source, timestamp, 500, &mut rtp, &mut out).unwrap();
            for packet in parsed(&out) {
                // A loss before the first packet is none that anyone could notice.
                if timestamp > 0 && random.below(20) == 0 {
                    whole[timestamp as usize] = false;
                    continue;
                }
                units.extend(depacketiser.push(&packet).unwrap());
                units.extend(depacketiser.take_pending());
            }
            sources.push(source);
        }
        for unit in &units {
            let index = unit.timestamp as usize;
            assert!(!unit.complete || unit.data == sources[index]);
            let sent = parts(&sources[index]);
            assert!(parts(&unit.data).iter().all(|part| sent.contains(part)));
            complete += usize::from(unit.complete);
            incomplete += usize::from(!unit.complete);
        }
        for (index, source) in sources.iter().enumerate() {
            let given = units.iter().any(|unit| unit.data == *source);
            assert!(given || !whole[index], "access unit {index}");
        }
    }
    assert!(complete > 500, "{complete} complete, {incomplete} not");
}

/// What every format keeps: the next access unit is not touched by one that is too long.
fn the_limit_is_kept<F: Format>(packetise: Packetise, source: Source) {
    let mut random = Random::new(32);
    let mut depacketiser = Assembler::<F>::with_limit(4000);
    let mut rtp = writer();
    let mut results = Vec::new();
    for (timestamp, size) in [(0, 9000), (1, 100)] {
        let source = source(&mut random, true, size);
        let mut out = BurstBuilder::new();
        packetise(&source, timestamp, 900, &mut rtp, &mut out).unwrap();
        results.extend(parsed(&out).iter().map(|packet| depacketiser.push(packet)));
    }
    let too_long = Err(PayloadError::TooLong { limit: 4000 });
    assert_eq!(
        results.iter().filter(|result| **result == too_long).count(),
        1
    );
    let units: Vec<_> = results.into_iter().flatten().flatten().collect();
    assert_eq!(units.len(), 1);
    assert_eq!((units[0].timestamp, units[0].complete), (1, true));
}

/// What every format keeps: an access unit without marker is given with the first packet of the next one.
fn a_missing_marker_costs_nothing<F: Format>(packetise: Packetise, source: Source) {
    let mut random = Random::new(33);
    let mut depacketiser = Assembler::<F>::new();
    let mut rtp = writer();
    let (mut sources, mut units) = (Vec::new(), Vec::new());
    for timestamp in 0..3 {
        let source = source(&mut random, true, 700);
        let mut out = BurstBuilder::new();
        packetise(&source, timestamp, 256, &mut rtp, &mut out).unwrap();
        for mut packet in parsed(&out) {
            packet.header.marker &= timestamp == 2;
            units.extend(depacketiser.push(&packet).unwrap());
        }
        sources.push(source);
    }
    units.extend(depacketiser.take_pending());
    assert!(units.iter().all(|unit| unit.complete));
    let data: Vec<_> = units.into_iter().map(|unit| unit.data).collect();
    assert_eq!(data, sources);
}

fn all_of<F: Format>(packetise: Packetise, source: Source, parts: fn(&[u8]) -> Vec<&[u8]>) {
    every_size_comes_back::<F>(packetise, source);
    losses_are_known::<F>(packetise, source, parts);
    the_limit_is_kept::<F>(packetise, source);
    a_missing_marker_costs_nothing::<F>(packetise, source);
    let mut out = BurstBuilder::new();
    let mut refused = |data: &[u8], limit| packetise(data, 0, limit, &mut writer(), &mut out);
    assert_eq!(refused(&[], 1400), Err(PayloadError::Empty));
    assert_eq!(refused(&[], 255), Err(PayloadError::PayloadLimit(255)));
    assert!(out.is_empty());
}

#[test]
fn h265_comes_back() {
    all_of::<h265::H265>(h265::packetise, h265_source, |unit| {
        nal_units(unit).collect()
    });
}

#[test]
fn vp8_comes_back() {
    all_of::<vp8::Vp8>(vp8::packetise, vp8_source, |unit| vec![unit]);
}

#[test]
fn vp9_comes_back() {
    all_of::<vp9::Vp9>(vp9::packetise, vp9_source, |unit| vec![unit]);
}

#[test]
fn av1_comes_back() {
    all_of::<av1::Av1>(av1::packetise, av1_source, |unit| {
        obus(unit).map(|obu| obu.payload).collect()
    });
}

#[test]
fn fragments_have_the_same_size() {
    let mut random = Random::new(34);
    let formats: [(Packetise, Source); 4] = [
        (h265::packetise, |random, _, size| {
            let mut out = Vec::new();
            push_nal(&mut out, &nal(random, 1, size));
            out
        }),
        (vp8::packetise, vp8_source),
        (vp9::packetise, vp9_source),
        (av1::packetise, |_, _, size| {
            let mut out = TEMPORAL_DELIMITER.to_vec();
            push_obu(&mut out, &[0x08], &[0, 0, 0, 0x02, 0xaf]);
            push_obu(&mut out, &[0x30], &vec![0x10; size]);
            out
        }),
    ];
    for (packetise, source) in formats {
        for size in [1401, 5000, 100_000] {
            let out = packets_of(packetise, &source(&mut random, false, size), 1400);
            let sizes: Vec<_> = out.packets().map(<[u8]>::len).collect();
            let (last, others) = sizes.split_last().unwrap();
            let even = others.iter().all(|size| *size == sizes[0]) && *last <= sizes[0];
            assert!(even, "{sizes:?}");
        }
    }
}
