use alloc::string::ToString;
use alloc::vec;

use super::*;
use crate::rtp::SequenceNumber;

const BLOCK: ReportBlock = ReportBlock {
    ssrc: Ssrc(0x0102_0304),
    fraction_lost: 0x80,
    cumulative_lost: -2,
    highest_sequence: 0x0001_ffff,
    jitter: 77,
    last_sender_report: 0x1234_5678,
    delay_since_last_sender_report: 0x0001_8000,
};

fn sender_report() -> SenderReport {
    SenderReport {
        ssrc: Ssrc(0xdead_beef),
        ntp: 0xe8d0_1234_8000_0000,
        rtp_timestamp: 90_000,
        packet_count: 10,
        octet_count: 12_345,
        reports: vec![BLOCK],
    }
}

/// One of each kind that is written here, and the packets it reads back as.
fn compound() -> (Vec<u8>, Vec<RtcpPacket>) {
    let receiver = ReceiverReport {
        ssrc: Ssrc(5),
        reports: vec![BLOCK; 31],
    };
    let nack = Nack {
        sender: Ssrc(1),
        media: Ssrc(2),
        lost: [65_534, 65_535, 0, 14, 15].map(SequenceNumber).to_vec(),
    };
    let pli = Pli {
        sender: Ssrc(3),
        media: Ssrc(4),
    };
    let fir = Fir {
        sender: Ssrc(6),
        entries: vec![
            FirEntry {
                media: Ssrc(7),
                number: 255,
            },
            FirEntry {
                media: Ssrc(8),
                number: 0,
            },
        ],
    };
    let mut out = Vec::new();
    write_sender_report(&mut out, &sender_report());
    write_sdes_cname(&mut out, Ssrc(9), "relaycore");
    write_receiver_report(&mut out, &receiver);
    write_nack(&mut out, &nack);
    write_pli(&mut out, pli);
    write_fir(&mut out, &fir);
    write_bye(
        &mut out,
        &[Ssrc(9), Ssrc(10)],
        Some("the camera was unplugged"),
    );
    let sources = vec![(Ssrc(9), Some("relaycore".to_string()))];
    let reason = Some("the camera was unplugged".to_string());
    let packets = vec![
        RtcpPacket::SenderReport(sender_report()),
        RtcpPacket::SourceDescription(SourceDescription { sources }),
        RtcpPacket::ReceiverReport(receiver),
        RtcpPacket::Nack(nack),
        RtcpPacket::Pli(pli),
        RtcpPacket::Fir(fir),
        RtcpPacket::Bye(Bye {
            ssrcs: vec![Ssrc(9), Ssrc(10)],
            reason,
        }),
    ];
    (out, packets)
}

#[test]
fn what_is_written_reads_back() {
    let (bytes, packets) = compound();
    assert_eq!(parse_compound(&bytes), Ok(packets));
    assert!(is_rtcp(&bytes));
}

#[test]
fn a_sender_report_has_the_bytes_of_the_rfc() {
    let mut out = Vec::new();
    let report = SenderReport {
        reports: vec![],
        ..sender_report()
    };
    write_sender_report(&mut out, &report);
    let expected = [
        0x80, 200, 0, 6, 0xde, 0xad, 0xbe, 0xef, 0xe8, 0xd0, 0x12, 0x34, 0x80, 0, 0, 0, 0, 1, 0x5f,
        0x90, 0, 0, 0, 10, 0, 0, 0x30, 0x39,
    ];
    assert_eq!(out, expected);
}

/// Items are padded to whole words, with at least one zero behind the last (RFC 3550 section 6.5).
#[test]
fn names_of_every_length_are_padded() {
    for length in 0..=300 {
        let name = "n".repeat(length);
        let mut out = Vec::new();
        write_sdes_cname(&mut out, Ssrc(1), &name);
        assert!(out.len().is_multiple_of(4));
        let written = length.min(255);
        assert_eq!(out.get(10 + written), Some(&0));
        let sources = vec![(Ssrc(1), Some("n".repeat(written)))];
        let expected = RtcpPacket::SourceDescription(SourceDescription { sources });
        assert_eq!(parse_compound(&out), Ok(vec![expected]));
    }
    let mut out = Vec::new();
    write_bye(&mut out, &[], Some(&"ü".repeat(200)));
    let reason = Some("ü".repeat(127));
    assert_eq!(
        parse_compound(&out),
        Ok(vec![RtcpPacket::Bye(Bye {
            ssrcs: vec![],
            reason
        })])
    );
}

#[test]
fn every_truncation_is_an_error_or_whole_packets() {
    let (bytes, packets) = compound();
    let mut complete = 0;
    for end in 0..bytes.len() {
        match parse_compound(&bytes[..end]) {
            Ok(read) => {
                complete += 1;
                assert_eq!(read, packets[..complete]);
            }
            Err(error) => {
                assert_eq!(error.kind, RtcpErrorKind::Truncated);
                assert!(error.offset <= end);
            }
        }
    }
    assert_eq!(complete, packets.len() - 1);
}

#[test]
fn counts_that_do_not_fit_are_errors() {
    let table: [(&[u8], RtcpErrorKind); 9] = [
        (&[0x40, 201, 0, 1, 0, 0, 0, 1], RtcpErrorKind::Version(1)),
        (&[0x81, 201, 0, 1, 0, 0, 0, 1], RtcpErrorKind::Truncated),
        (&[0x80, 200, 0, 1, 0, 0, 0, 1], RtcpErrorKind::Truncated),
        (
            &[0x81, 202, 0, 2, 0, 0, 0, 1, 1, 9, b'a', 0],
            RtcpErrorKind::Truncated,
        ),
        (
            &[0x82, 202, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0],
            RtcpErrorKind::Truncated,
        ),
        (
            &[0x81, 203, 0, 2, 0, 0, 0, 1, 4, b'a', b'b', b'c'],
            RtcpErrorKind::Truncated,
        ),
        (&[0x81, 206, 0, 1, 0, 0, 0, 1], RtcpErrorKind::Truncated),
        (&[0xa0, 201, 0, 1, 0, 0, 0, 0], RtcpErrorKind::Padding),
        (&[0xa0, 201, 0, 1, 0, 0, 0, 5], RtcpErrorKind::Padding),
    ];
    for (bytes, kind) in table {
        assert_eq!(
            parse_compound(bytes),
            Err(RtcpError { kind, offset: 0 }),
            "{bytes:?}"
        );
        let mut behind = vec![0x80, 201, 0, 1, 0, 0, 0, 1];
        behind.extend_from_slice(bytes);
        assert_eq!(
            parse_compound(&behind),
            Err(RtcpError { kind, offset: 8 }),
            "{bytes:?}"
        );
    }
}

#[test]
fn what_is_not_known_is_skipped_by_its_length() {
    let mut bytes = vec![0x83, 204, 0, 2, 0, 0, 0, 1, b'a', b'b', b'c', b'd'];
    bytes.extend([0x80, 201, 0, 3, 0, 0, 0, 1, 9, 9, 9, 9, 9, 9, 9, 9]);
    bytes.extend([0x8f, 206, 0, 0]);
    bytes.extend([0xa0, 201, 0, 2, 0, 0, 0, 2, 0, 0, 0, 4]);
    let report = |ssrc| {
        RtcpPacket::ReceiverReport(ReceiverReport {
            ssrc: Ssrc(ssrc),
            reports: vec![],
        })
    };
    let expected = vec![
        RtcpPacket::Unknown {
            packet_type: 204,
            count: 3,
        },
        report(1),
        RtcpPacket::Unknown {
            packet_type: 206,
            count: 15,
        },
        report(2),
    ];
    assert_eq!(parse_compound(&bytes), Ok(expected));
}

#[test]
fn a_full_intra_request_without_entries_means_the_source_in_front() {
    let bytes = [0x84, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2];
    let entries = vec![FirEntry {
        media: Ssrc(2),
        number: 0,
    }];
    assert_eq!(
        parse_compound(&bytes),
        Ok(vec![RtcpPacket::Fir(Fir {
            sender: Ssrc(1),
            entries
        })])
    );
}

/// The example of RFC 3550 section 6.4.1, figure 2.
#[test]
fn round_trip_of_the_rfc() {
    let block = ReportBlock {
        last_sender_report: 0xb705_2000,
        delay_since_last_sender_report: 0x0005_4000,
        ..BLOCK
    };
    let arrival = 0x0000_b710_8000_0000;
    assert_eq!(block.round_trip(arrival), Some(0x0006_2000));
    assert_eq!(block.round_trip(0x0000_b705_0000_0000), None);
    assert_eq!(
        ReportBlock {
            last_sender_report: 0,
            ..block
        }
        .round_trip(arrival),
        None
    );
}

#[test]
fn rtp_is_not_taken_for_rtcp() {
    assert!(!is_rtcp(&[0x80, 96, 0, 0]));
    assert!(!is_rtcp(&[0x80, 0x80 | 96, 0, 0]));
    assert!(!is_rtcp(&[0x00, 200, 0, 0]));
    assert!(!is_rtcp(&[0x80]));
}
