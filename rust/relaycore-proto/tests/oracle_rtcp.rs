//! RTCP packets, compared with the crate `rtcp-types`.

use relaycore_proto::rtcp::{
    Bye, Fir, FirEntry, Nack, Pli, ReceiverReport, ReportBlock, RtcpErrorKind, RtcpPacket,
    SenderReport, SourceDescription, parse_compound, write_bye, write_fir, write_nack, write_pli,
    write_receiver_report, write_sdes_cname, write_sender_report,
};
use relaycore_proto::rtp::{SequenceNumber, Ssrc};
use rtcp_types::prelude::*;

const BLOCK: ReportBlock = ReportBlock {
    ssrc: Ssrc(0x0102_0304),
    fraction_lost: 3,
    cumulative_lost: 0x0001_0203,
    highest_sequence: 0x0001_ffff,
    jitter: 77,
    last_sender_report: 0x1234_5678,
    delay_since_last_sender_report: 0x0001_8000,
};

fn oracle_block() -> rtcp_types::ReportBlockBuilder {
    rtcp_types::ReportBlock::builder(0x0102_0304)
        .fraction_lost(3)
        .cumulative_lost(0x0001_0203)
        .extended_sequence_number(0x0001_ffff)
        .interarrival_jitter(77)
        .last_sender_report_timestamp(0x1234_5678)
        .delay_since_last_sender_report_timestamp(0x0001_8000)
}

/// What the oracle writes.
fn written(packet: &dyn RtcpPacketWriter) -> Vec<u8> {
    let mut bytes = vec![0; packet.calculate_size().unwrap()];
    packet.write_into_unchecked(&mut bytes);
    bytes
}

/// Asserts that both write the same bytes, and that they read back as `packet`.
fn same(ours: impl FnOnce(&mut Vec<u8>), theirs: &dyn RtcpPacketWriter, packet: RtcpPacket) {
    let mut out = Vec::new();
    ours(&mut out);
    assert_eq!(out, written(theirs), "{packet:?}");
    assert_eq!(parse_compound(&out), Ok(vec![packet]));
}

#[test]
fn reports_are_the_same() {
    for blocks in [0, 1, 31] {
        let report = SenderReport {
            ssrc: Ssrc(7),
            ntp: 0xe8d0_1234_8000_0001,
            rtp_timestamp: 1,
            packet_count: u32::MAX,
            octet_count: 3,
            reports: vec![BLOCK; blocks],
        };
        let mut oracle = rtcp_types::SenderReport::builder(7)
            .ntp_timestamp(report.ntp)
            .rtp_timestamp(1)
            .packet_count(u32::MAX)
            .octet_count(3);
        let mut oracle_receiver = rtcp_types::ReceiverReport::builder(8);
        for _ in 0..blocks {
            oracle = oracle.add_report_block(oracle_block());
            oracle_receiver = oracle_receiver.add_report_block(oracle_block());
        }
        same(
            |out| write_sender_report(out, &report),
            &oracle,
            RtcpPacket::SenderReport(report.clone()),
        );
        let report = ReceiverReport {
            ssrc: Ssrc(8),
            reports: vec![BLOCK; blocks],
        };
        let packet = RtcpPacket::ReceiverReport(report.clone());
        same(
            |out| write_receiver_report(out, &report),
            &oracle_receiver,
            packet,
        );
    }
}

#[test]
fn names_and_goodbyes_are_the_same() {
    for length in [1, 2, 3, 4, 5, 255] {
        let name = "n".repeat(length);
        let item = rtcp_types::SdesItem::builder(rtcp_types::SdesItem::CNAME, &name);
        let chunk = rtcp_types::SdesChunk::builder(9).add_item(item);
        let oracle = rtcp_types::Sdes::builder().add_chunk(chunk);
        let sources = vec![(Ssrc(9), Some(name.clone()))];
        let packet = RtcpPacket::SourceDescription(SourceDescription { sources });
        same(|out| write_sdes_cname(out, Ssrc(9), &name), &oracle, packet);

        let oracle = rtcp_types::Bye::builder()
            .add_source(1)
            .add_source(2)
            .reason(&name);
        let ssrcs = vec![Ssrc(1), Ssrc(2)];
        let packet = RtcpPacket::Bye(Bye {
            ssrcs: ssrcs.clone(),
            reason: Some(name.clone()),
        });
        same(|out| write_bye(out, &ssrcs, Some(&name)), &oracle, packet);
    }
    let oracle = rtcp_types::Bye::builder().add_source(1);
    let packet = RtcpPacket::Bye(Bye {
        ssrcs: vec![Ssrc(1)],
        reason: None,
    });
    same(|out| write_bye(out, &[Ssrc(1)], None), &oracle, packet);
}

#[test]
fn feedback_is_the_same() {
    let fci = rtcp_types::Pli::builder();
    let oracle = rtcp_types::PayloadFeedback::builder(&fci)
        .sender_ssrc(1)
        .media_ssrc(2);
    let pli = Pli {
        sender: Ssrc(1),
        media: Ssrc(2),
    };
    same(|out| write_pli(out, pli), &oracle, RtcpPacket::Pli(pli));

    let fci = rtcp_types::Fir::builder().add_ssrc(5, 6);
    let oracle = rtcp_types::PayloadFeedback::builder(&fci).sender_ssrc(1);
    let fir = Fir {
        sender: Ssrc(1),
        entries: vec![FirEntry {
            media: Ssrc(5),
            number: 6,
        }],
    };
    same(
        |out| write_fir(out, &fir),
        &oracle,
        RtcpPacket::Fir(fir.clone()),
    );

    let mut fci = rtcp_types::Nack::builder();
    let lost = [10, 11, 13, 26, 27, 400];
    for sequence in lost {
        fci = fci.add_rtp_sequence(sequence);
    }
    let oracle = rtcp_types::TransportFeedback::builder(&fci)
        .sender_ssrc(1)
        .media_ssrc(2);
    let nack = Nack {
        sender: Ssrc(1),
        media: Ssrc(2),
        lost: lost.map(SequenceNumber).to_vec(),
    };
    same(
        |out| write_nack(out, &nack),
        &oracle,
        RtcpPacket::Nack(nack.clone()),
    );
}

/// Every single changed byte of a compound: what the oracle takes as whole packets, relaycore does not call cut off.
/// Padding longer than its packet, which the oracle takes, is an error here.
#[test]
fn changed_bytes_are_judged_alike() {
    let mut compound = Vec::new();
    let report = ReceiverReport {
        ssrc: Ssrc(8),
        reports: vec![BLOCK],
    };
    write_receiver_report(&mut compound, &report);
    write_sdes_cname(&mut compound, Ssrc(8), "name");
    write_bye(&mut compound, &[Ssrc(8)], None);
    let mut taken = 0;
    for at in 0..compound.len() {
        for value in [0x00, 0x7f, 0x80, 0x81, 0xa0, 0xc8, 0xff] {
            let mut changed = compound.clone();
            changed[at] = value;
            let oracle = rtcp_types::Compound::parse(&changed)
                .is_ok_and(|mut packets| packets.all(|packet| packet.is_ok()));
            if oracle {
                taken += 1;
                let cut_off = matches!(
                    parse_compound(&changed),
                    Err(error) if error.kind == RtcpErrorKind::Truncated
                );
                assert!(!cut_off, "byte {at} = {value:#x}: {changed:?}");
            }
        }
    }
    assert!(taken > compound.len());
}
