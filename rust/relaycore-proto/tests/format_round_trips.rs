//! Packetise, depacketise, compare: MPEG-4, MPEG-1 and MPEG-2 video, transport streams and the audio formats.

mod support;

use relaycore_proto::access_unit::AccessUnit;
use relaycore_proto::burst::BurstBuilder;
use relaycore_proto::payload::{self, Depacketiser, PayloadError};
use relaycore_proto::rtp::RtpPacket;
use relaycore_proto::track::{Codec, Track};
use support::{Random, parsed, writer};

/// Bytes without zeros, in which no start code can hide.
fn noise(random: &mut Random, size: usize) -> Vec<u8> {
    random.bytes(size).iter().map(|byte| byte | 1).collect()
}

fn push_unit(out: &mut Vec<u8>, code: u8, body: &[u8]) {
    out.extend([0, 0, 1, code]);
    out.extend(body);
}

/// A picture, intra or not, with or without its configuration.
fn mpeg4_source(random: &mut Random, size: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let intra = random.below(2) == 0;
    if intra {
        push_unit(&mut out, 0xb0, &[1]);
        push_unit(&mut out, 0x20, &noise(random, 12));
    }
    let mut plane = noise(random, size);
    plane[0] = if intra { 0x11 } else { 0x51 };
    push_unit(&mut out, 0xb6, &plane);
    out
}

/// A picture, or two fields, of slices.
fn mpeg_video_source(random: &mut Random, size: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let intra = random.below(2) == 0;
    if intra {
        push_unit(&mut out, 0xb3, &noise(random, 100));
        push_unit(&mut out, 0xb8, &noise(random, 4));
    }
    for field in 0..1 + random.below(2) {
        let coding_type = if intra && field == 0 { 1 } else { 3 };
        push_unit(&mut out, 0, &[0x7f, coding_type << 3 | 1, 0xff, 0xfb, 0x77]);
        push_unit(&mut out, 0xb5, &noise(random, 5));
        for row in 1..4 {
            let size = 1 + random.below(size);
            push_unit(&mut out, row, &noise(random, size));
        }
    }
    out
}

fn transport_source(random: &mut Random, size: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for _ in 0..1 + size / 188 {
        let mut packet = random.bytes(188);
        packet[0] = 0x47;
        out.extend(packet);
    }
    out
}

fn bytes_source(random: &mut Random, size: usize) -> Vec<u8> {
    random.bytes(size)
}

/// Whole samples of two channels.
fn samples_source(random: &mut Random, size: usize) -> Vec<u8> {
    random.bytes(size * 4)
}

/// A frame of MPEG-1 layer III, 320 kbit/s, 32000 Hz, or of 32 kbit/s: 1440 or 144 bytes.
fn mpeg_audio_source(random: &mut Random, _: usize) -> Vec<u8> {
    let (rate, size) = if random.below(2) == 0 {
        (0xe8, 1440)
    } else {
        (0x18, 144)
    };
    let mut frame = random.bytes(size);
    frame[..4].copy_from_slice(&[0xff, 0xfb, rate, 0]);
    frame
}

/// A frame of 640 kbit/s at 32000 Hz, or of 32 kbit/s at 48000 Hz: 3840 or 128 bytes.
fn ac3_source(random: &mut Random, _: usize) -> Vec<u8> {
    let (codes, size) = if random.below(2) == 0 {
        (0x80 | 37, 3840)
    } else {
        (0, 128)
    };
    let mut frame = random.bytes(size);
    frame[..5].copy_from_slice(&[0x0b, 0x77, 0, 0, codes]);
    frame
}

type Source = fn(&mut Random, usize) -> Vec<u8>;

/// Codec, largest size asked from the source, source, and whether packets say where an access unit ends.
const FORMATS: [(Codec, usize, Source, bool); 10] = [
    (Codec::Mpeg4Video, 6000, mpeg4_source, true),
    (Codec::MpegVideo, 3000, mpeg_video_source, true),
    (Codec::Latm, 3000, bytes_source, true),
    (Codec::MpegAudio, 1, mpeg_audio_source, true),
    (Codec::Ac3, 1, ac3_source, true),
    (Codec::Opus, 255, bytes_source, true),
    (Codec::Other, 255, bytes_source, true),
    (Codec::Mp2t, 6000, transport_source, false),
    (Codec::L16, 700, samples_source, false),
    (Codec::Pcmu, 700, samples_source, false),
];

fn track(codec: Codec) -> Track {
    Track::new(codec, 48_000, 2, &[])
}

fn receive(depacketiser: &mut Depacketiser, packets: &[RtpPacket<'_>]) -> Vec<AccessUnit> {
    let mut units = Vec::new();
    for packet in packets {
        depacketiser.push(packet, &mut units).unwrap();
    }
    units
}

#[test]
fn every_format_of_every_size_and_limit() {
    let mut random = Random::new(40);
    for (codec, largest, source, keeps_units) in FORMATS {
        let track = track(codec);
        let mut depacketiser = Depacketiser::new(&track);
        let mut rtp = writer();
        for round in 0..200 {
            let size = 1 + random.below(largest);
            let data = source(&mut random, size);
            let limit = 256 + random.below(1300);
            let mut out = BurstBuilder::new();
            let channels = track.channels;
            payload::packetise(codec, channels, &data, round, limit, &mut rtp, &mut out).unwrap();
            let packets = parsed(&out);
            assert!(packets.iter().all(|packet| packet.payload.len() <= limit));
            let units = receive(&mut depacketiser, &packets);
            let whole: Vec<u8> = units.iter().flat_map(|unit| unit.data.clone()).collect();
            assert_eq!(whole, data, "{codec:?}");
            assert!(units.iter().all(|unit| unit.complete));
            if keeps_units {
                assert_eq!(units.len(), 1, "{codec:?}");
                assert_eq!(units[0].timestamp, round);
                let random_access = relaycore_proto::access_unit::is_random_access(codec, &data);
                assert_eq!(units[0].random_access, random_access, "{codec:?}");
            }
        }
    }
}

#[test]
fn nothing_that_is_given_as_complete_was_damaged() {
    let mut random = Random::new(41);
    for (codec, largest, source, keeps_units) in FORMATS {
        if !keeps_units {
            continue;
        }
        let mut lost = 0;
        for _ in 0..100 {
            let mut depacketiser = Depacketiser::new(&track(codec));
            let mut rtp = writer();
            let (mut sent, mut units) = (Vec::new(), Vec::new());
            for timestamp in 0..6 {
                let data = source(&mut random, largest);
                let mut out = BurstBuilder::new();
                payload::packetise(codec, 2, &data, timestamp, 500, &mut rtp, &mut out).unwrap();
                for packet in parsed(&out) {
                    // A loss before the first packet is none that anyone could notice.
                    if timestamp > 0 && random.below(8) == 0 {
                        lost += 1;
                    } else {
                        units.extend(receive(&mut depacketiser, &[packet]));
                    }
                }
                sent.push(data);
            }
            for unit in units.iter().filter(|unit| unit.complete) {
                assert_eq!(unit.data, sent[unit.timestamp as usize], "{codec:?}");
            }
        }
        assert!(lost > 0);
    }
}

#[test]
fn what_a_format_cannot_carry_is_refused() {
    let mut out = BurstBuilder::new();
    let mut packetise =
        |codec, data: &[u8]| payload::packetise(codec, 2, data, 0, 1400, &mut writer(), &mut out);
    for (codec, ..) in FORMATS {
        assert_eq!(packetise(codec, &[]), Err(PayloadError::Empty), "{codec:?}");
    }
    for codec in [Codec::Mpeg4Video, Codec::MpegVideo] {
        let result = packetise(codec, b"no start code");
        assert_eq!(result, Err(PayloadError::Empty), "{codec:?}");
    }
    for (codec, data) in [
        (Codec::Mp2t, &[0x47; 187][..]),
        (Codec::Mp2t, &[0x48; 188]),
        (Codec::L16, &[0; 5]),
    ] {
        let result = packetise(codec, data);
        assert!(matches!(result, Err(PayloadError::Inconsistent { .. })));
    }
    for (codec, size) in [
        (Codec::Opus, 1401),
        (Codec::Ac3, 3841),
        (Codec::MpegAudio, 65_536),
    ] {
        let result = packetise(codec, &vec![1; size]);
        assert!(matches!(result, Err(PayloadError::TooLong { .. })));
    }
    assert!(out.is_empty());
}

#[test]
fn headers_are_those_of_the_rfcs() {
    let packets = |codec, data: &[u8], limit| {
        let mut out = BurstBuilder::new();
        payload::packetise(codec, 2, data, 0, limit, &mut writer(), &mut out).unwrap();
        let packets = parsed(&out);
        let parts = packets.iter().map(|packet| {
            let head = packet.payload.iter().take(4).copied().collect::<Vec<_>>();
            (head, packet.header.marker, packet.header.timestamp)
        });
        parts.collect::<Vec<_>>()
    };
    // RFC 6416 section 6.3: 255 for each full 255.
    let latm = packets(Codec::Latm, &[9; 510], 1400);
    assert_eq!(latm, [(vec![255, 255, 0, 9], true, 0)]);
    // RFC 4184 section 4.1.2: the first of two equal fragments is less than 5/8 of the frame.
    let ac3 = packets(Codec::Ac3, &[9; 600], 400);
    let expected = [(vec![2, 2, 9, 9], false, 0), (vec![3, 2, 9, 9], true, 0)];
    assert_eq!(ac3, expected);
    let ac3 = packets(Codec::Ac3, &[9; 100], 400);
    assert_eq!(ac3, [(vec![0, 1, 9, 9], true, 0)]);
    // RFC 2250 section 3.5: the offset of each fragment.
    let audio = packets(Codec::MpegAudio, &[9; 600], 400);
    let expected = [
        (vec![0, 0, 0, 0], false, 0),
        (vec![0, 0, 1, 0x2c], false, 0),
    ];
    assert_eq!(audio, expected);
    // Samples of L16 with two channels: four bytes a tick.
    let l16 = packets(Codec::L16, &[9; 1600], 800);
    assert_eq!(l16[1], (vec![9; 4], false, 200));
    // RFC 2250 section 3.4: temporal reference 0x1fd, P picture, S, B and E; full pel and f_code 3 forward.
    let mut picture = Vec::new();
    push_unit(&mut picture, 0xb3, &[1; 8]);
    push_unit(&mut picture, 0, &[0x7f, 0x57, 0xff, 0xfd, 0x80]);
    push_unit(&mut picture, 1, &[1; 300]);
    push_unit(&mut picture, 2, &[1; 10]);
    let whole = packets(Codec::MpegVideo, &picture, 1400);
    assert_eq!(whole, [(vec![0x01, 0xfd, 0x3a, 0x0b], true, 0)]);
    let cut = packets(Codec::MpegVideo, &picture, 300);
    let expected = [
        (vec![0x01, 0xfd, 0x32, 0x0b], false, 0),
        (vec![0x01, 0xfd, 0x0a, 0x0b], false, 0),
        (vec![0x01, 0xfd, 0x1a, 0x0b], true, 0),
    ];
    assert_eq!(cut, expected);
}

#[test]
fn several_frames_share_a_packet() {
    let mut frames = vec![0xff, 0xfb, 0x18, 0];
    frames.resize(144, 7);
    frames = frames.repeat(3);
    let mut out = BurstBuilder::new();
    writer().write(&mut out, 500, true, &[&[0; 4], &frames]);
    let units = receive(
        &mut Depacketiser::new(&track(Codec::MpegAudio)),
        &parsed(&out),
    );
    // 1152 samples at 32000 Hz, on a clock of 90000 Hz.
    let timestamps: Vec<_> = units.iter().map(|unit| unit.timestamp).collect();
    assert_eq!(timestamps, [500, 500 + 3240, 500 + 2 * 3240]);

    let mut frames = vec![0x0b, 0x77, 0, 0, 0];
    frames.resize(128, 7);
    frames = frames.repeat(2);
    let mut out = BurstBuilder::new();
    writer().write(&mut out, 500, true, &[&[0, 2], &frames]);
    let units = receive(&mut Depacketiser::new(&track(Codec::Ac3)), &parsed(&out));
    let seen: Vec<_> = units
        .iter()
        .map(|unit| (unit.timestamp, unit.data.len()))
        .collect();
    assert_eq!(seen, [(500, 128), (2036, 128)]);
}
