//! Sender and receiver reports (RFC 3550 sections 6.4.1 and 6.4.2).
//!
//! ```text
//! SR: header, SSRC, NTP timestamp (8), RTP timestamp (4), packets (4), octets (4), count report blocks
//! RR: header, SSRC, count report blocks
//! ```

use alloc::vec::Vec;

use super::{RECEIVER_REPORT, SENDER_REPORT, take_ssrc, take_u32, write_packet};
use crate::rtp::Ssrc;

/// What a sender sent, and the instant at which its media clock and the wallclock meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SenderReport {
    /// The sender.
    pub ssrc: Ssrc,
    /// Wallclock, as 32.32 fixed point since 1900; [`ntp_from_unix_ns`](super::ntp_from_unix_ns) makes it.
    pub ntp: u64,
    /// Media time of the same instant, in ticks of the track's clock rate.
    pub rtp_timestamp: u32,
    /// RTP packets sent since the start.
    pub packet_count: u32,
    /// Bytes of payload sent since the start.
    pub octet_count: u32,
    /// What the sender receives from others.
    pub reports: Vec<ReportBlock>,
}

/// What a receiver received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverReport {
    /// The receiver.
    pub ssrc: Ssrc,
    /// One block for each source that it receives.
    pub reports: Vec<ReportBlock>,
}

/// Reception of one source.
///
/// ```text
/// | SSRC | fraction lost (8) | cumulative lost (24) | highest sequence | jitter | last SR | delay since last SR |
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportBlock {
    /// The source.
    pub ssrc: Ssrc,
    /// Share of packets lost since the last report, in 256ths.
    pub fraction_lost: u8,
    /// Packets lost since the start, 24 bits; negative when duplicates came.
    pub cumulative_lost: i32,
    /// Highest sequence number that came, with the number of wraps in the upper half.
    pub highest_sequence: u32,
    /// Variation of the packets' arrival, in ticks of the track's clock rate.
    pub jitter: u32,
    /// Middle 32 bits of the last sender report's NTP timestamp; 0 when none came.
    pub last_sender_report: u32,
    /// Time from then to this report, in 65536ths of a second.
    pub delay_since_last_sender_report: u32,
}

impl ReportBlock {
    /// Time from the sender to the receiver and back, in 65536ths of a second, when the report arrives at `ntp`
    /// (RFC 3550 section 6.4.1). `None` when the receiver saw no sender report, or the clock went backwards.
    #[must_use]
    pub fn round_trip(&self, ntp: u64) -> Option<u32> {
        if self.last_sender_report == 0 {
            return None;
        }
        let arrival = (ntp >> 16) as u32;
        let since = arrival.wrapping_sub(self.last_sender_report);
        let round_trip = since.wrapping_sub(self.delay_since_last_sender_report);
        (round_trip < 1 << 31).then_some(round_trip)
    }
}

/// Appends a sender report.
///
/// # Panics
///
/// When there are more than 31 report blocks: the count has five bits.
pub fn write_sender_report(out: &mut Vec<u8>, report: &SenderReport) {
    write_packet(out, SENDER_REPORT, count(&report.reports), |out| {
        out.extend_from_slice(&report.ssrc.0.to_be_bytes());
        out.extend_from_slice(&report.ntp.to_be_bytes());
        out.extend_from_slice(&report.rtp_timestamp.to_be_bytes());
        out.extend_from_slice(&report.packet_count.to_be_bytes());
        out.extend_from_slice(&report.octet_count.to_be_bytes());
        write_blocks(out, &report.reports);
    });
}

/// Appends a receiver report.
///
/// # Panics
///
/// When there are more than 31 report blocks: the count has five bits.
pub fn write_receiver_report(out: &mut Vec<u8>, report: &ReceiverReport) {
    write_packet(out, RECEIVER_REPORT, count(&report.reports), |out| {
        out.extend_from_slice(&report.ssrc.0.to_be_bytes());
        write_blocks(out, &report.reports);
    });
}

pub(super) fn parse_sender(count: u8, mut body: &[u8]) -> Option<SenderReport> {
    Some(SenderReport {
        ssrc: take_ssrc(&mut body)?,
        ntp: u64::from(take_u32(&mut body)?) << 32 | u64::from(take_u32(&mut body)?),
        rtp_timestamp: take_u32(&mut body)?,
        packet_count: take_u32(&mut body)?,
        octet_count: take_u32(&mut body)?,
        reports: parse_blocks(count, body)?,
    })
}

pub(super) fn parse_receiver(count: u8, mut body: &[u8]) -> Option<ReceiverReport> {
    Some(ReceiverReport {
        ssrc: take_ssrc(&mut body)?,
        reports: parse_blocks(count, body)?,
    })
}

/// Most report blocks of a packet.
const BLOCKS_MAX: usize = 31;

fn count(blocks: &[ReportBlock]) -> u8 {
    assert!(
        blocks.len() <= BLOCKS_MAX,
        "a report has at most {BLOCKS_MAX} blocks"
    );
    blocks.len() as u8
}

fn parse_blocks(count: u8, mut body: &[u8]) -> Option<Vec<ReportBlock>> {
    let mut blocks = Vec::with_capacity(usize::from(count));
    for _ in 0..count {
        let ssrc = take_ssrc(&mut body)?;
        let lost = take_u32(&mut body)?;
        blocks.push(ReportBlock {
            ssrc,
            fraction_lost: (lost >> 24) as u8,
            // The sign is the highest of the lower 24 bits.
            cumulative_lost: (lost << 8) as i32 >> 8,
            highest_sequence: take_u32(&mut body)?,
            jitter: take_u32(&mut body)?,
            last_sender_report: take_u32(&mut body)?,
            delay_since_last_sender_report: take_u32(&mut body)?,
        });
    }
    Some(blocks)
}

fn write_blocks(out: &mut Vec<u8>, blocks: &[ReportBlock]) {
    for block in blocks {
        let lost = block.cumulative_lost.clamp(-0x80_0000, 0x7f_ffff) as u32 & 0xff_ffff;
        out.extend_from_slice(&block.ssrc.0.to_be_bytes());
        out.extend_from_slice(&(u32::from(block.fraction_lost) << 24 | lost).to_be_bytes());
        out.extend_from_slice(&block.highest_sequence.to_be_bytes());
        out.extend_from_slice(&block.jitter.to_be_bytes());
        out.extend_from_slice(&block.last_sender_report.to_be_bytes());
        out.extend_from_slice(&block.delay_since_last_sender_report.to_be_bytes());
    }
}
