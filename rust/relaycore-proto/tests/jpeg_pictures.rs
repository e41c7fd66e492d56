//! JPEG pictures of cjpeg and ffmpeg, what webcams do to them, and what RTP carries of them.

mod support;

use relaycore_proto::burst::BurstBuilder;
use relaycore_proto::jpeg::{Coding, Info, JpegError, Sampling, inspect, repair};
use relaycore_proto::payload::{PayloadError, jpeg};
use support::{Random, assert_one_access_unit, golden, parsed, writer};

/// Offset of the first segment with `marker` in a picture without oddities.
fn segment(jpeg: &[u8], marker: u8) -> usize {
    let mut at = 2;
    while jpeg[at + 1] != marker {
        at += 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
    }
    at
}

fn with_inserted(jpeg: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    [&jpeg[..at], bytes, &jpeg[at..]].concat()
}

fn without_segments(jpeg: &[u8], marker: u8) -> Vec<u8> {
    let mut out = jpeg[..2].to_vec();
    let mut at = 2;
    loop {
        let end = at + 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
        if jpeg[at + 1] != marker {
            out.extend_from_slice(&jpeg[at..end]);
        }
        if jpeg[at + 1] == 0xda {
            out.extend_from_slice(&jpeg[end..]);
            return out;
        }
        at = end;
    }
}

#[test]
fn pictures_in_order_are_read() {
    let expected = [
        ("420", Sampling::Yuv420, Coding::Baseline, 0),
        ("420_optimised", Sampling::Yuv420, Coding::Baseline, 0),
        ("422", Sampling::Yuv422, Coding::Baseline, 0),
        ("422_restart", Sampling::Yuv422, Coding::Baseline, 8),
        ("444", Sampling::Yuv444, Coding::Baseline, 0),
        ("grey", Sampling::Grey, Coding::Baseline, 0),
        ("progressive", Sampling::Yuv420, Coding::Progressive, 0),
    ];
    for (name, sampling, coding, restart_interval) in expected {
        let jpeg = golden(&format!("jpeg/{name}.jpg"));
        let info = Info {
            width: 317,
            height: 179,
            sampling,
            coding,
            restart_interval,
            ends_with_eoi: true,
            has_huffman_tables: true,
            start: 0,
            end: jpeg.len(),
            odd_segments: 0,
        };
        assert_eq!(inspect(&jpeg), Ok(info), "{name}");
        assert!(repair(&jpeg).as_ref() == Ok(&jpeg), "{name}");
    }
}

#[test]
fn application_segments_with_any_length_are_read_over() {
    let jpeg = golden("jpeg/422.jpg");
    let tables = segment(&jpeg, 0xdb);
    let vendor_data = b"\x01\x02vendor\xff\x00\xff\xd8\x03\xff\xdb\x00";
    for marker in (0xe0..=0xef).chain([0xfe]) {
        for length in [0u16, 1, 2, 3, 5, 17, 18, 19, 200, 700, 20_000, 65_535] {
            let mut odd = vec![0xff, marker];
            odd.extend(length.to_be_bytes());
            odd.extend(vendor_data);
            let broken = with_inserted(&jpeg, tables, &odd);
            let info =
                inspect(&broken).unwrap_or_else(|error| panic!("{marker:x} {length}: {error}"));
            assert_eq!(
                (info.width, info.height, info.start, info.end),
                (317, 179, 0, broken.len())
            );
            assert!(repair(&broken).as_ref() == Ok(&jpeg), "{marker:x} {length}");
            let is_right = usize::from(length) == vendor_data.len() + 2;
            assert_eq!(
                info.odd_segments == 0,
                is_right,
                "{marker:x} {length}: {}",
                info.odd_segments
            );
        }
    }
}

#[test]
fn no_length_of_an_application_segment_hides_the_picture() {
    let jpeg = golden("jpeg/422.jpg");
    for length in 0..=jpeg.len() as u16 + 20 {
        let mut odd = vec![0xff, 0xe5];
        odd.extend(length.to_be_bytes());
        odd.extend(b"vendor");
        let broken = with_inserted(&jpeg, 2, &odd);
        let size = inspect(&broken).map(|info| (info.width, info.height));
        assert_eq!(size, Ok((317, 179)), "{length}");
    }
}

#[test]
fn a_thumbnail_in_a_broken_segment_is_not_taken_for_the_picture() {
    let jpeg = golden("jpeg/420.jpg");
    let thumbnail = golden("jpeg/grey.jpg");
    for length in [0u16, 40, 65_535] {
        let mut odd = vec![0xff, 0xe1];
        odd.extend(length.to_be_bytes());
        odd.extend(b"Exif\0\0");
        odd.extend(&thumbnail);
        let broken = with_inserted(&jpeg, 2, &odd);
        assert_eq!(
            inspect(&broken).map(|info| info.sampling),
            Ok(Sampling::Yuv420),
            "{length}"
        );
        assert!(repair(&broken).as_ref() == Ok(&jpeg), "{length}");
    }
}

#[test]
fn fill_bytes_and_doubled_starts_are_read_over() {
    let jpeg = golden("jpeg/420.jpg");
    for at in [
        segment(&jpeg, 0xdb),
        segment(&jpeg, 0xc0),
        segment(&jpeg, 0xda),
    ] {
        let filled = with_inserted(&jpeg, at, &[0xff; 5]);
        assert_eq!(inspect(&filled).map(|info| info.odd_segments), Ok(0));
        assert!(repair(&filled).as_ref() == Ok(&jpeg));
        let padded = with_inserted(&jpeg, at, &[0; 3]);
        assert!(repair(&padded).as_ref() == Ok(&jpeg));
    }
    let doubled = with_inserted(&jpeg, 0, &[0xff, 0xd8]);
    assert!(repair(&doubled).as_ref() == Ok(&jpeg));
}

#[test]
fn bytes_around_the_picture_are_left_out() {
    let jpeg = golden("jpeg/420.jpg");
    let tail_of_former = &jpeg[jpeg.len() - 700..];
    for before in [
        &b"--frame\r\n\r\n"[..],
        &[0; 9],
        tail_of_former,
        &[0xff, 0xd8, 0],
    ] {
        for behind in [&[][..], &[0; 5000], &[0xff; 40], b"--frame"] {
            let data = [before, &jpeg, behind].concat();
            let info = inspect(&data).unwrap();
            assert_eq!(
                (info.start, info.end),
                (before.len(), before.len() + jpeg.len())
            );
            assert!(repair(&data).as_ref() == Ok(&jpeg));
        }
    }
}

#[test]
fn a_missing_end_is_put_in() {
    let jpeg = golden("jpeg/420.jpg");
    let ended = &jpeg[..jpeg.len() - 2];
    for behind in [&[][..], &[0; 3000], &[0xff; 40]] {
        let data = [ended, behind].concat();
        let info = inspect(&data).unwrap();
        assert!(!info.ends_with_eoi);
        assert_eq!(info.end, ended.len());
        assert!(repair(&data).as_ref() == Ok(&jpeg));
    }
    let two = [ended, &jpeg].concat();
    assert_eq!(inspect(&two).map(|info| info.end), Ok(ended.len()));
}

#[test]
fn missing_huffman_tables_are_the_standard_ones() {
    let jpeg = golden("jpeg/422.jpg");
    let bare = without_segments(&jpeg, 0xc4);
    let info = inspect(&bare).unwrap();
    assert!(!info.has_huffman_tables);
    assert_eq!(info.odd_segments, 0);
    let repaired = repair(&bare).unwrap();
    assert!(inspect(&repaired).unwrap().has_huffman_tables);
    // The same tables as those that cjpeg wrote, whatever the order: RTP takes both for standard.
    let packets = |jpeg: &[u8]| {
        let mut out = BurstBuilder::new();
        jpeg::packetise(jpeg, 0, 1400, &mut writer(), &mut out).unwrap();
        out.finish()
    };
    assert_eq!(packets(&repaired), packets(&jpeg));
    assert_eq!(packets(&bare), packets(&jpeg));
}

#[test]
fn what_has_no_picture_is_an_error() {
    let jpeg = golden("jpeg/420.jpg");
    assert_eq!(inspect(&[]), Err(JpegError::NoStart));
    assert_eq!(inspect(&[0xff, 0xd8]), Err(JpegError::NoStart));
    assert_eq!(
        inspect(&jpeg[..segment(&jpeg, 0xc0)]),
        Err(JpegError::NoFrame)
    );
    assert_eq!(
        inspect(&without_segments(&jpeg, 0xc0)),
        Err(JpegError::NoFrame)
    );
    assert_eq!(
        inspect(&jpeg[..segment(&jpeg, 0xda)]),
        Err(JpegError::NoScan)
    );
    assert_eq!(
        inspect(&jpeg[..segment(&jpeg, 0xda) + 14]),
        Err(JpegError::NoData)
    );
    assert_eq!(
        inspect(&without_segments(&jpeg, 0xdb)),
        Err(JpegError::NoQuantisationTable)
    );
    let mut large = jpeg.clone();
    let frame = segment(&jpeg, 0xc0);
    large[frame + 5..frame + 9].fill(0xff);
    assert_eq!(
        inspect(&large),
        Err(JpegError::Size {
            width: 65_535,
            height: 65_535
        })
    );
    large[frame + 5..frame + 7].fill(0);
    assert_eq!(
        inspect(&large),
        Err(JpegError::Size {
            width: 65_535,
            height: 0
        })
    );
}

#[test]
fn every_truncation_gives_an_answer() {
    for name in ["420", "422_restart", "progressive"] {
        let jpeg = golden(&format!("jpeg/{name}.jpg"));
        for end in 0..jpeg.len() {
            if let Ok(info) = inspect(&jpeg[..end]) {
                assert!(info.end <= end && !info.ends_with_eoi);
            }
        }
    }
}

#[test]
fn pictures_come_back_from_rtp() {
    let mut depacketiser = jpeg::Depacketiser::new();
    let mut rtp = writer();
    for (timestamp, name) in ["420", "422", "422_restart", "ffmpeg_1"]
        .into_iter()
        .enumerate()
    {
        let source = golden(&format!("jpeg/{name}.jpg"));
        for limit in (256..600).step_by(7).chain([1400, 60_000]) {
            let mut out = BurstBuilder::new();
            jpeg::packetise(&source, timestamp as u32, limit, &mut rtp, &mut out).unwrap();
            let packets = parsed(&out);
            let sizes: Vec<_> = packets.iter().map(|packet| packet.payload.len()).collect();
            let (last, others) = sizes.split_last().unwrap();
            assert!(
                others.iter().all(|size| *size == sizes[0]) && *last <= sizes[0],
                "{sizes:?}"
            );
            assert!(sizes[0] <= limit);
            let mut pictures = Vec::new();
            for packet in &packets {
                pictures.extend(depacketiser.push(packet).unwrap());
            }
            assert_eq!(pictures.len(), 1);
            let info = inspect(&pictures[0].data).unwrap();
            let sent = inspect(&source).unwrap();
            assert_eq!(
                (info.sampling, info.restart_interval),
                (sent.sampling, sent.restart_interval)
            );
            assert_eq!(info.width, sent.width.next_multiple_of(8));
            assert_eq!(info.height, sent.height.next_multiple_of(8));
            assert_eq!(info.odd_segments, 0);
            // Packetised again, it is the same: tables and picture data came through.
            let mut first = BurstBuilder::new();
            jpeg::packetise(&source, 0, 1400, &mut writer(), &mut first).unwrap();
            let mut second = BurstBuilder::new();
            jpeg::packetise(&pictures[0].data, 0, 1400, &mut writer(), &mut second).unwrap();
            assert_eq!(first, second);
        }
    }
}

#[test]
fn jpeg_packets_have_the_headers_of_the_rfc() {
    let source = golden("jpeg/422_restart.jpg");
    let mut out = BurstBuilder::new();
    jpeg::packetise(&source, 9, 1400, &mut writer(), &mut out).unwrap();
    let packets = parsed(&out);
    assert_one_access_unit(&packets, 9, 1400);
    let (width, height) = (317u32.div_ceil(8) as u8, 179u32.div_ceil(8) as u8);
    let first = packets[0].payload;
    assert_eq!(
        first[..12],
        [0, 0, 0, 0, 64, 255, width, height, 0, 8, 0xff, 0xff]
    );
    assert_eq!(first[12..16], [0, 0, 0, 128]);
    let offset = (first.len() - 12 - 132) as u16;
    let [high, low] = offset.to_be_bytes();
    let second = packets[1].payload;
    assert_eq!(
        second[..12],
        [0, 0, high, low, 64, 255, width, height, 0, 8, 0xff, 0xff]
    );
}

#[test]
fn the_tables_of_a_quality_factor_are_those_of_cjpeg() {
    // cjpeg scales the same tables by the same rule, so quality 50 of RFC 2435 is quality 50 of cjpeg.
    let source = golden("jpeg/420.jpg");
    let mut out = BurstBuilder::new();
    jpeg::packetise(&source, 0, 60_000, &mut writer(), &mut out).unwrap();
    let mut payload = parsed(&out)[0].payload.to_vec();
    let in_band = payload.splice(8..8 + 132, []).collect::<Vec<_>>();
    payload[5] = 50;
    let mut bare = BurstBuilder::new();
    writer().write(&mut bare, 0, true, &[&payload]);
    let picture = jpeg::Depacketiser::new()
        .push(&parsed(&bare)[0])
        .unwrap()
        .unwrap();
    let tables = segment(&picture.data, 0xdb);
    assert_eq!(picture.data[tables + 5..tables + 69], in_band[4..68]);
    assert_eq!(picture.data[tables + 70..tables + 134], in_band[68..132]);
}

#[test]
fn what_rtp_cannot_carry_is_refused_with_the_reason() {
    let mut wide = golden("jpeg/420.jpg");
    let frame = segment(&wide, 0xc0);
    wide[frame + 7..frame + 9].copy_from_slice(&2048u16.to_be_bytes());
    let cases = [
        (golden("jpeg/444.jpg"), "its colour sampling is 4:4:4"),
        (golden("jpeg/grey.jpg"), "it has no colour"),
        (golden("jpeg/progressive.jpg"), "it is not baseline"),
        (
            golden("jpeg/420_optimised.jpg"),
            "its Huffman tables are not the standard ones",
        ),
        (wide, "it is larger than 2040 pixels"),
    ];
    for (jpeg, what) in cases {
        let mut out = BurstBuilder::new();
        let result = jpeg::packetise(&jpeg, 0, 1400, &mut writer(), &mut out);
        assert_eq!(result, Err(PayloadError::JpegNotCarried { what }));
        assert!(out.is_empty());
    }
}

#[test]
fn a_picture_that_misses_a_packet_is_discarded() {
    let source = golden("jpeg/422.jpg");
    let mut random = Random::new(30);
    let mut depacketiser = jpeg::Depacketiser::new();
    let mut rtp = writer();
    for timestamp in 0..40 {
        let mut out = BurstBuilder::new();
        jpeg::packetise(&source, timestamp, 600, &mut rtp, &mut out).unwrap();
        let packets = parsed(&out);
        let lost = random.below(packets.len() * 2);
        let mut pictures = Vec::new();
        for (index, packet) in packets.iter().enumerate() {
            if index != lost {
                pictures.extend(depacketiser.push(packet).unwrap());
                // Doubled packets change nothing.
                pictures.extend(depacketiser.push(packet).unwrap());
            }
        }
        assert_eq!(pictures.len(), usize::from(lost >= packets.len()));
    }
}
