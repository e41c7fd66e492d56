//! Payloads of H.265, VP8, VP9 and AV1, byte by byte: what is written is as the specifications print it, and every form
//! that they allow is read.

mod support;

use relaycore_proto::access_unit::AccessUnit;
use relaycore_proto::annexb::push_nal;
use relaycore_proto::av1::TEMPORAL_DELIMITER;
use relaycore_proto::burst::BurstBuilder;
use relaycore_proto::payload::assemble::{Assembler, Format};
use relaycore_proto::payload::{PayloadError, av1, h265, vp8, vp9};
use support::video::{packets_of, push_obu, receive};
use support::{parsed, writer};

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
fn vp9_pictures_have_eight_frames_at_most() {
    let frame: &[u8] = &[0x0c, 0x82];
    let units = received::<vp9::Vp9>(&[frame; 8]);
    assert_eq!(units[0].data.len(), 8 + 34);
    assert!(units[0].complete);

    let out = raw(&[frame; 9]);
    let mut depacketiser = vp9::Depacketiser::new();
    let mut results: Vec<_> = parsed(&out)
        .iter()
        .map(|packet| depacketiser.push(packet))
        .collect();
    let error = results.pop().unwrap().unwrap_err();
    assert!(error.to_string().contains("eight VP9 frames"), "{error}");
    let unit = depacketiser.take_pending().unwrap();
    assert!(unit.data.len() == 8 + 34 && !unit.complete);
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
