//! Packetise, depacketise, compare: H.265, VP8, VP9 and AV1.

mod support;

use relaycore_proto::access_unit::AccessUnit;
use relaycore_proto::annexb::{nal_units, push_nal};
use relaycore_proto::av1::{TEMPORAL_DELIMITER, obus};
use relaycore_proto::burst::{BurstBuilder, RtpWriter};
use relaycore_proto::payload::assemble::{Assembler, Format};
use relaycore_proto::payload::{PayloadError, av1, h265, vp8, vp9};
use relaycore_proto::rtp::RtpPacket;
use support::{Random, assert_one_access_unit, parsed, writer};

type Packetise =
    fn(&[u8], u32, usize, &mut RtpWriter, &mut BurstBuilder) -> Result<(), PayloadError>;

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

/// Appends an OBU with its size.
fn push_obu(out: &mut Vec<u8>, header: &[u8], payload: &[u8]) {
    out.push(header[0] | 0x02);
    out.extend_from_slice(&header[1..]);
    let mut size = payload.len();
    while size >= 0x80 {
        out.push(size as u8 | 0x80);
        size >>= 7;
    }
    out.push(size as u8);
    out.extend_from_slice(payload);
}

fn packets_of(packetise: Packetise, source: &[u8], limit: usize) -> BurstBuilder {
    let mut out = BurstBuilder::new();
    packetise(source, 77, limit, &mut writer(), &mut out).unwrap();
    out
}

fn receive<F: Format>(
    depacketiser: &mut Assembler<F>,
    packets: &[RtpPacket<'_>],
) -> Vec<AccessUnit> {
    let mut units = Vec::new();
    for packet in packets {
        units.extend(depacketiser.push(packet).unwrap());
        units.extend(depacketiser.take_pending());
    }
    units
}

/// Packets with these payloads, one timestamp, and the marker on the last.
fn raw(payloads: &[&[u8]]) -> BurstBuilder {
    let mut out = BurstBuilder::new();
    let mut rtp = writer();
    for (index, payload) in payloads.iter().enumerate() {
        rtp.write(&mut out, 77, index + 1 == payloads.len(), &[payload]);
    }
    out
}

fn received<F: Format>(payloads: &[&[u8]]) -> Vec<AccessUnit> {
    receive(&mut Assembler::<F>::new(), &parsed(&raw(payloads)))
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

#[test]
fn h265_headers_are_those_of_the_rfc() {
    let mut source = Vec::new();
    push_nal(&mut source, &[0x40, 0x0a, 1]);
    push_nal(&mut source, &[0x42, 0x03, 2, 3]);
    let mut slice = vec![7; 600];
    slice[..2].copy_from_slice(&[0x27, 0x0b]);
    push_nal(&mut source, &slice);
    let out = packets_of(h265::packetise, &source, 303);
    let packets = parsed(&out);
    // The lowest layer (0) and the lowest temporal id (2) of both.
    let aggregation = [0x60, 0x02, 0, 3, 0x40, 0x0a, 1, 0, 4, 0x42, 0x03, 2, 3];
    assert_eq!(packets[0].payload, aggregation);
    assert_eq!(packets[1].payload[..4], [0x63, 0x0b, 0x80 | 19, 7]);
    assert_eq!(packets[2].payload[..4], [0x63, 0x0b, 0x40 | 19, 7]);
    assert_eq!(packets.len(), 3);
}

#[test]
fn h265_that_rtp_cannot_carry_is_left_out() {
    let mut source = Vec::new();
    push_nal(&mut source, &[48 << 1, 1, 5]);
    push_nal(&mut source, &[0x02]);
    let mut out = BurstBuilder::new();
    assert_eq!(
        h265::packetise(&source, 0, 1400, &mut writer(), &mut out),
        Err(PayloadError::Empty)
    );
    push_nal(&mut source, &[0x02, 1, 5]);
    h265::packetise(&source, 0, 1400, &mut writer(), &mut out).unwrap();
    assert_eq!(parsed(&out)[0].payload, [0x02, 1, 5]);
}

#[test]
fn h265_packets_that_are_not_supported_are_named() {
    for (kind, what) in [(50, "PACI"), (51, "undefined"), (63, "undefined")] {
        let out = raw(&[&[kind << 1, 1, 0]]);
        let error = h265::Depacketiser::new()
            .push(&parsed(&out)[0])
            .unwrap_err();
        assert!(error.to_string().contains(what), "{error}");
    }
    for cut_off in [&[0x02][..], &[0x60, 1, 0], &[0x60, 1, 0, 3, 1], &[0x62, 1]] {
        let out = raw(&[cut_off]);
        let result = h265::Depacketiser::new().push(&parsed(&out)[0]);
        assert_eq!(result, Err(PayloadError::Truncated), "{cut_off:?}");
    }
}

#[test]
fn vp8_descriptors_of_every_form_are_read() {
    // X, then picture ID of seven and fifteen bits, TL0PICIDX, TID and KEYIDX in one byte.
    for descriptor in [
        &[0x10][..],
        &[0x90, 0x00],
        &[0x90, 0x80, 0x11],
        &[0x90, 0x80, 0x81, 0x22],
        &[0xb0, 0x40, 5],
        &[0x90, 0x20, 0x40],
        &[0x90, 0x10, 0x03],
        &[0x90, 0xf0, 0x81, 0x22, 5, 0x43],
    ] {
        let first = [descriptor, &[0x50, 1, 2]].concat();
        let units = received::<vp8::Vp8>(&[&first, &[0x01, 3], &[0x11, 4], &[0x00, 5]]);
        assert_eq!(units.len(), 1, "{descriptor:?}");
        assert_eq!(units[0].data, [0x50, 1, 2, 3, 4, 5]);
        assert!(units[0].random_access && units[0].complete);
        for end in 1..descriptor.len() {
            let out = raw(&[&descriptor[..end]]);
            let result = vp8::Depacketiser::new().push(&parsed(&out)[0]);
            assert_eq!(result, Err(PayloadError::Truncated));
        }
    }
    let out = packets_of(vp8::packetise, &[1; 300], 256);
    let packets = parsed(&out);
    assert_eq!([packets[0].payload[0], packets[1].payload[0]], [0x10, 0]);
}

#[test]
fn vp9_descriptors_of_every_form_are_read() {
    for descriptor in [
        &[0x0c][..],
        &[0x8c, 0x11],
        &[0x8c, 0x81, 0x22],
        &[0x2c, 0x50, 9],
        &[0xbc, 0x81, 0x22, 0x50],
        &[0x5c, 0x02],
        &[0x5c, 0x03, 0x05, 0x06],
        &[0x5c, 0x03, 0x05, 0x07],
        &[0x4c],
        // Two layers with sizes, and two pictures with one and no reference.
        &[0x0e, 0x38, 1, 64, 0, 180, 2, 128, 1, 104, 2, 0x04, 1, 0x20],
        &[0x0e, 0x00],
    ] {
        let payload = [descriptor, &[0x82, 1, 2]].concat();
        let units = received::<vp9::Vp9>(&[&payload]);
        assert_eq!(units.len(), 1, "{descriptor:?}");
        assert_eq!(units[0].data, [0x82, 1, 2]);
        assert!(units[0].random_access && units[0].complete);
        for end in 1..descriptor.len() {
            let out = raw(&[&descriptor[..end]]);
            let result = vp9::Depacketiser::new().push(&parsed(&out)[0]);
            assert_eq!(result, Err(PayloadError::Truncated), "{descriptor:?} {end}");
        }
    }
    for (first, expected) in [(0x82, [0x08, 0x04]), (0x86, [0x48, 0x44])] {
        let out = packets_of(vp9::packetise, &[first; 300], 256);
        let packets = parsed(&out);
        assert_eq!([packets[0].payload[0], packets[1].payload[0]], expected);
    }
}

#[test]
fn vp9_layers_become_a_superframe() {
    let base: &[u8] = &[0x2c, 0x00, 0, 0x82, 1, 2];
    let upper_start: &[u8] = &[0x68, 0x03, 0, 0x86, 4];
    let upper_end: &[u8] = &[0x64, 0x03, 0, 5];
    let units = received::<vp9::Vp9>(&[base, upper_start, upper_end]);
    let index = [0xd9, 3, 0, 0, 0, 3, 0, 0, 0, 0xd9];
    assert_eq!(
        units[0].data,
        [&[0x82, 1, 2, 0x86, 4, 5][..], &index].concat()
    );
    assert!(units[0].random_access && units[0].complete);

    // Between two frames that are there, so that the loss is noticed.
    let other: &[u8] = &[0x4c, 0x86];
    let out = raw(&[other, base, upper_start, upper_end, other]);
    let mut packets = parsed(&out);
    for (packet, timestamp) in packets.iter_mut().zip([1, 2, 2, 2, 3]) {
        packet.header.timestamp = timestamp;
    }
    for lost in [1, 2, 3] {
        let mut left = packets.clone();
        left.remove(lost);
        let mut units = receive(&mut vp9::Depacketiser::new(), &left);
        units.retain(|unit| unit.timestamp == 2);
        if lost == 1 {
            assert!(units.is_empty(), "the upper layer is of no use alone");
        } else {
            assert_eq!(units.len(), 1);
            assert_eq!(units[0].data, [0x82, 1, 2]);
            assert!(units[0].random_access && !units[0].complete);
        }
    }
}

#[test]
fn av1_payloads_are_those_of_the_specification() {
    let mut source = TEMPORAL_DELIMITER.to_vec();
    push_obu(&mut source, &[0x08], &[0, 0, 9]);
    push_obu(&mut source, &[0x78], &[0; 4]);
    push_obu(&mut source, &[0x34, 0x28], &[0x10, 7]);
    let out = packets_of(av1::packetise, &source, 1400);
    let packets = parsed(&out);
    // W is 2, N is set; padding (type 15) and temporal delimiter are left out.
    assert_eq!(
        packets[0].payload,
        [0x28, 4, 0x08, 0, 0, 9, 0x34, 0x28, 0x10, 7]
    );
    assert_eq!(packets.len(), 1);

    let mut source = TEMPORAL_DELIMITER.to_vec();
    push_obu(&mut source, &[0x30], &[0x30; 600]);
    let out = packets_of(av1::packetise, &source, 256);
    let headers: Vec<_> = parsed(&out)
        .iter()
        .map(|packet| packet.payload[0])
        .collect();
    assert_eq!(headers, [0x50, 0xd0, 0x90]);
}

#[test]
fn av1_elements_of_every_form_are_read() {
    let expected = [0x12, 0, 0x0a, 2, 0, 0, 0x32, 2, 0x10, 7];
    let sequence_header: &[u8] = &[0x08, 0, 0];
    for payloads in [
        // W = 2, W = 0, OBUs with their own sizes, a temporal delimiter that should not be there, an empty element.
        &[&[0x28, 3, 0x08, 0, 0, 0x30, 0x10, 7][..]][..],
        &[&[0x08, 3, 0x08, 0, 0, 3, 0x30, 0x10, 7]],
        &[&[0x08, 4, 0x0a, 2, 0, 0, 4, 0x32, 2, 0x10, 7]],
        &[&[0x38, 1, 0x10, 3, 0x08, 0, 0, 0x30, 0x10, 7]],
        &[&[0x08, 0, 3, 0x08, 0, 0, 3, 0x30, 0x10, 7]],
        // Cut within the header and within the payload, with and without W.
        &[&[0x68, 3, 0x08, 0, 0, 0x30], &[0x90, 0x10, 7]],
        &[&[0x48, 3, 0x08, 0, 0, 2, 0x30, 0x10], &[0x80, 1, 7]],
        &[
            &[0x58, 0x08],
            &[0xd0, 0],
            &[0xe0, 1, 0, 0x30],
            &[0x90, 0x10, 7],
        ],
    ] {
        let units = received::<av1::Av1>(payloads);
        assert_eq!(units.len(), 1, "{payloads:x?}");
        assert_eq!(units[0].data, expected, "{payloads:x?}");
        assert!(units[0].random_access && units[0].complete);
    }
    assert!(received::<av1::Av1>(&[&[0x90, 1, 2]]).is_empty());
    assert!(received::<av1::Av1>(&[&[0x18]]).is_empty());
    let only_header = received::<av1::Av1>(&[&[&[0x18], sequence_header].concat()]);
    assert!(!only_header[0].random_access);

    for (payload, error) in [
        (&[0x20, 9, 1][..], PayloadError::Truncated),
        (&[0x00, 0x80], PayloadError::Truncated),
        (
            &[0x10, 0x32, 9, 1],
            PayloadError::Inconsistent {
                what: "an AV1 OBU whose own size is longer than it",
            },
        ),
    ] {
        let out = raw(&[payload]);
        let result = av1::Depacketiser::new().push(&parsed(&out)[0]);
        assert_eq!(result, Err(error));
    }
}
