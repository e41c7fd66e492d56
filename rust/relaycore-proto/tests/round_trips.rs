//! Packetise, depacketise, compare: over many sizes, limits and losses.

mod support;

use relaycore_proto::access_unit::AccessUnit;
use relaycore_proto::annexb::push_nal;
use relaycore_proto::burst::BurstBuilder;
use relaycore_proto::payload::{PayloadError, aac, h264};
use relaycore_proto::rtp::RtpPacket;
use support::{Random, assert_one_access_unit, parsed, writer};

/// A picture with some small NAL units in front; `sizes` are those of its slices.
fn picture(random: &mut Random, nal_type: u8, sizes: &[usize]) -> Vec<u8> {
    let mut out = Vec::new();
    for _ in 0..random.below(4) {
        let size = 1 + random.below(60);
        let small_type = 6 + random.below(3) as u8;
        push_nal(&mut out, &nal(random, small_type, size));
    }
    for &size in sizes {
        push_nal(&mut out, &nal(random, nal_type, size));
    }
    out
}

/// A NAL unit without zeros, which no start code can hide in.
fn nal(random: &mut Random, nal_type: u8, size: usize) -> Vec<u8> {
    let mut nal: Vec<u8> = random.bytes(size).iter().map(|byte| byte | 1).collect();
    nal[0] = 0x60 | nal_type;
    nal
}

fn receive(depacketiser: &mut h264::Depacketiser, packets: &[RtpPacket<'_>]) -> Vec<AccessUnit> {
    let mut units = Vec::new();
    for packet in packets {
        units.extend(depacketiser.push(packet).unwrap());
    }
    units
}

#[test]
fn h264_of_every_size_around_the_limit() {
    let mut random = Random::new(10);
    for limit in [256, 300, 1400] {
        for size in (1..40)
            .chain(limit - 6..limit + 6)
            .chain(limit * 2 - 8..limit * 2 + 4)
        {
            let source = picture(&mut random, 5, &[size]);
            let mut out = BurstBuilder::new();
            h264::packetise(&source, 77, limit, &mut writer(), &mut out).unwrap();
            let packets = parsed(&out);
            assert_one_access_unit(&packets, 77, limit);
            let units = receive(&mut h264::Depacketiser::new(), &packets);
            let expected = AccessUnit {
                data: source,
                timestamp: 77,
                random_access: true,
                complete: true,
            };
            assert_eq!(units, [expected]);
        }
    }
}

#[test]
fn h264_of_random_pictures() {
    let mut random = Random::new(11);
    let mut depacketiser = h264::Depacketiser::new();
    let mut rtp = writer();
    for timestamp in 0..300 {
        let limit = 256 + random.below(1300);
        let sizes: Vec<_> = (0..1 + random.below(4))
            .map(|_| 1 + random.below(9000))
            .collect();
        let source = picture(&mut random, 1, &sizes);
        let mut out = BurstBuilder::new();
        h264::packetise(&source, timestamp, limit, &mut rtp, &mut out).unwrap();
        let units = receive(&mut depacketiser, &parsed(&out));
        assert_eq!(units.len(), 1);
        assert_eq!(units[0].data, source);
        assert!(units[0].complete && !units[0].random_access);
    }
}

#[test]
fn fragments_of_a_picture_have_the_same_size() {
    let mut random = Random::new(12);
    for size in [1401, 5000, 100_000] {
        let mut source = Vec::new();
        push_nal(&mut source, &nal(&mut random, 5, size));
        let mut out = BurstBuilder::new();
        h264::packetise(&source, 0, 1400, &mut writer(), &mut out).unwrap();
        let sizes: Vec<_> = out.packets().map(<[u8]>::len).collect();
        let (last, others) = sizes.split_last().unwrap();
        assert!(
            others.iter().all(|size| *size == sizes[0]) && *last <= sizes[0],
            "{sizes:?}"
        );
        assert_eq!(sizes.len(), (size - 1).div_ceil(1398));
    }
}

#[test]
fn small_nal_units_share_a_packet_of_the_highest_importance() {
    let mut source = Vec::new();
    for nal in [
        &[0x09, 0x10][..],
        &[0x67, 1, 2],
        &[0x28, 3],
        &[0x06, 5, 1, 7],
        &[0x65, 9],
    ] {
        push_nal(&mut source, nal);
    }
    let mut out = BurstBuilder::new();
    h264::packetise(&source, 0, 1400, &mut writer(), &mut out).unwrap();
    let packets = parsed(&out);
    let aggregate = [
        0x78, 0, 2, 0x09, 0x10, 0, 3, 0x67, 1, 2, 0, 2, 0x28, 3, 0, 4, 0x06, 5, 1, 7,
    ];
    assert_eq!(packets[0].payload, aggregate);
    assert_eq!(packets[1].payload, [0x65, 9]);
    assert_eq!(packets.len(), 2);
}

#[test]
fn what_rtp_cannot_carry_is_left_out_or_refused() {
    let mut source = Vec::new();
    push_nal(&mut source, &[0x18, 1]);
    let mut out = BurstBuilder::new();
    let mut rtp = writer();
    assert_eq!(
        h264::packetise(&source, 0, 1400, &mut rtp, &mut out),
        Err(PayloadError::Empty)
    );
    assert_eq!(
        h264::packetise(b"no start code", 0, 1400, &mut rtp, &mut out),
        Err(PayloadError::Empty)
    );
    let limit = Err(PayloadError::PayloadLimit(255));
    assert_eq!(h264::packetise(&source, 0, 255, &mut rtp, &mut out), limit);
    assert!(out.is_empty());
    assert_eq!(rtp, writer());
    push_nal(&mut source, &[0x61, 5]);
    h264::packetise(&source, 0, 1400, &mut rtp, &mut out).unwrap();
    assert_eq!(parsed(&out)[0].payload, [0x61, 5]);
}

#[test]
fn h264_with_losses_never_gives_a_damaged_nal_unit() {
    let mut random = Random::new(13);
    for _ in 0..300 {
        let mut depacketiser = h264::Depacketiser::new();
        let mut rtp = writer();
        let (mut sources, mut units) = (Vec::new(), Vec::new());
        let mut lost_any = false;
        for timestamp in 0..6 {
            let source = picture(&mut random, 1, &[3000, 40, 2000]);
            let mut out = BurstBuilder::new();
            h264::packetise(&source, timestamp, 500, &mut rtp, &mut out).unwrap();
            for packet in parsed(&out) {
                // A loss before the first packet is none that anyone could notice.
                if timestamp > 0 && random.below(10) == 0 {
                    lost_any = true;
                    continue;
                }
                units.extend(depacketiser.push(&packet).unwrap());
            }
            units.extend(depacketiser.take_pending());
            sources.push(source);
        }
        for unit in &units {
            let source = &sources[unit.timestamp as usize];
            assert!(!unit.complete || unit.data == *source);
            for nal in relaycore_proto::annexb::nal_units(&unit.data) {
                assert!(relaycore_proto::annexb::nal_units(source).any(|sent| sent == nal));
            }
        }
        let all_complete = units.len() == 6 && units.iter().all(|unit| unit.complete);
        assert!(all_complete || lost_any);
    }
}

#[test]
fn a_lost_marker_costs_no_picture() {
    let mut depacketiser = h264::Depacketiser::new();
    let mut rtp = writer();
    let mut units = Vec::new();
    for timestamp in 0..3 {
        let mut out = BurstBuilder::new();
        rtp.write(
            &mut out,
            timestamp,
            timestamp == 2,
            &[&[0x61, timestamp as u8]],
        );
        units.extend(receive(&mut depacketiser, &parsed(&out)));
    }
    units.extend(depacketiser.take_pending());
    let timestamps: Vec<_> = units.iter().map(|unit| unit.timestamp).collect();
    assert_eq!(timestamps, [0, 1, 2]);
    assert!(units.iter().all(|unit| unit.complete));
}

#[test]
fn a_picture_beyond_the_limit_is_discarded_and_the_next_one_is_not() {
    let mut depacketiser = h264::Depacketiser::with_limit(2000);
    let mut rtp = writer();
    let mut random = Random::new(14);
    let mut results = Vec::new();
    for (timestamp, size) in [(0, 5000), (1, 100)] {
        let mut source = Vec::new();
        push_nal(&mut source, &nal(&mut random, 1, size));
        let mut out = BurstBuilder::new();
        h264::packetise(&source, timestamp, 900, &mut rtp, &mut out).unwrap();
        results.extend(parsed(&out).iter().map(|packet| depacketiser.push(packet)));
    }
    let errors = results.iter().filter(|result| result.is_err()).count();
    assert_eq!(errors, 1);
    let units: Vec<_> = results.into_iter().flatten().flatten().collect();
    assert_eq!(units.len(), 1);
    assert_eq!((units[0].timestamp, units[0].complete), (1, true));
}

#[test]
fn packetisations_that_are_not_supported_are_named() {
    for (first, what) in [
        (25, "STAP-B"),
        (26, "MTAP"),
        (27, "MTAP"),
        (29, "FU-B"),
        (0, "undefined"),
    ] {
        let mut out = BurstBuilder::new();
        writer().write(&mut out, 0, true, &[&[first, 0, 0]]);
        let error = h264::Depacketiser::new()
            .push(&parsed(&out)[0])
            .unwrap_err();
        assert!(error.to_string().contains(what), "{error}");
    }
}

#[test]
fn aac_of_every_size_and_number() {
    let mut random = Random::new(20);
    let mut depacketiser = aac::Depacketiser::new();
    let mut rtp = writer();
    for round in 0..400 {
        let limit = 256 + random.below(1300);
        let count = 1 + random.below(12);
        let longest = [10, 400, 8191][round % 3];
        let sources: Vec<_> = (0..count)
            .map(|_| {
                let size = 1 + random.below(longest);
                random.bytes(size)
            })
            .collect();
        let slices: Vec<_> = sources.iter().map(Vec::as_slice).collect();
        let mut out = BurstBuilder::new();
        aac::packetise(&slices, 5000, limit, &mut rtp, &mut out).unwrap();
        let mut units = Vec::new();
        for packet in parsed(&out) {
            assert!(packet.payload.len() <= limit);
            units.extend(depacketiser.push(&packet).unwrap());
        }
        assert_eq!(units.len(), count);
        for (index, (unit, source)) in units.iter().zip(&sources).enumerate() {
            assert_eq!(unit.data, *source);
            assert_eq!(unit.timestamp, 5000 + 1024 * index as u32);
        }
    }
}

#[test]
fn aac_packets_have_the_headers_of_the_rfc() {
    let mut out = BurstBuilder::new();
    aac::packetise(&[&[1, 2, 3], &[4]], 0, 1400, &mut writer(), &mut out).unwrap();
    let packets = parsed(&out);
    assert_eq!(
        packets[0].payload,
        [0, 32, 0, 3 << 3, 0, 1 << 3, 1, 2, 3, 4]
    );
    assert!(packets[0].header.marker);
}

#[test]
fn aac_that_misses_a_fragment_is_discarded() {
    let data = vec![7; 3000];
    let mut rtp = writer();
    let mut out = BurstBuilder::new();
    aac::packetise(&[&data, &[1]], 0, 1000, &mut rtp, &mut out).unwrap();
    let packets = parsed(&out);
    for lost in 0..packets.len() - 1 {
        let mut depacketiser = aac::Depacketiser::new();
        let mut units = Vec::new();
        for (index, packet) in packets.iter().enumerate() {
            if index != lost {
                units.extend(depacketiser.push(packet).unwrap());
            }
        }
        assert_eq!(units.len(), 1, "without packet {lost}");
        assert_eq!(units[0].data, [1]);
    }
}

#[test]
fn aac_that_cannot_be_carried_is_refused() {
    let mut out = BurstBuilder::new();
    let long = vec![0; 8192];
    let mut packetise = |units: &[&[u8]]| aac::packetise(units, 0, 1400, &mut writer(), &mut out);
    assert_eq!(packetise(&[]), Err(PayloadError::Empty));
    assert_eq!(packetise(&[&[1], &[]]), Err(PayloadError::Empty));
    assert_eq!(
        packetise(&[&[1], &long]),
        Err(PayloadError::AudioTooLong { bytes: 8192 })
    );
    assert!(out.is_empty());
}
