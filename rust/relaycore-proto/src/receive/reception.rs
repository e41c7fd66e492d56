//! How well the packets of one source arrive (RFC 3550 sections 6.4.1 and A.1, A.3, A.8).

use super::begins_new_count;
use crate::rtcp::{ReportBlock, SenderReport};
use crate::rtp::{RtpHeader, SequenceNumber, Ssrc};

const SECOND_NS: u64 = 1_000_000_000;

/// Counts the packets of one track of a publisher. A new synchronisation source, or one that starts anew, begins a new
/// count.
#[derive(Clone, Debug)]
pub struct Reception {
    clock_rate: u32,
    source: Option<Source>,
    /// Losses of the sources before this one.
    lost_before: u64,
}

#[derive(Clone, Debug)]
struct Source {
    ssrc: Ssrc,
    first: u32,
    /// Highest sequence number, the wraps in its upper half.
    highest: u32,
    received: u32,
    expected_before: u32,
    received_before: u32,
    /// Arrival minus timestamp of the packet before, in ticks.
    transit: u32,
    /// Sixteen times the jitter, in ticks.
    jitter: u32,
    /// Middle bits of the NTP timestamp of the newest sender report, and when it came in nanoseconds.
    reported: Option<(u32, u64)>,
}

impl Reception {
    /// Nothing has arrived yet of a track with this clock rate, in Hz.
    #[must_use]
    pub fn new(clock_rate: u32) -> Self {
        Self {
            clock_rate,
            source: None,
            lost_before: 0,
        }
    }

    /// A packet arrived at `now`, in nanoseconds of any steady clock.
    pub fn packet(&mut self, header: &RtpHeader, now: u64) {
        let arrival = self.ticks(now);
        match &mut self.source {
            Some(source) if source.goes_on_with(header) => source.packet(header, arrival),
            _ => {
                self.lost_before += u64::from(self.source.as_ref().map_or(0, Source::lost_or_zero));
                self.source = Some(Source::new(header, arrival));
            }
        }
    }

    /// A report of the source arrived at `now`. One of another source is ignored.
    pub fn sender_report(&mut self, report: &SenderReport, now: u64) {
        if let Some(source) = self.source.as_mut().filter(|it| it.ssrc == report.ssrc) {
            source.reported = Some(((report.ntp >> 16) as u32, now));
        }
    }

    /// What to report of the source at `now`; `None` before its first packet. The share of lost packets is that since
    /// the last call.
    pub fn report(&mut self, now: u64) -> Option<ReportBlock> {
        let source = self.source.as_mut()?;
        let expected = source.expected();
        let expected_now = expected.wrapping_sub(source.expected_before);
        let received_now = source.received.wrapping_sub(source.received_before);
        source.expected_before = expected;
        source.received_before = source.received;
        let lost_now = i64::from(expected_now) - i64::from(received_now);
        let fraction_lost = match lost_now {
            lost if lost <= 0 || expected_now == 0 => 0,
            lost => u8::try_from((lost << 8) / i64::from(expected_now)).unwrap_or(u8::MAX),
        };
        let (last_sender_report, since) = source.reported.unwrap_or_default();
        let delay = u128::from(now.saturating_sub(since)) * 65_536 / u128::from(SECOND_NS);
        Some(ReportBlock {
            ssrc: source.ssrc,
            fraction_lost,
            cumulative_lost: source.lost(),
            highest_sequence: source.highest,
            jitter: source.jitter >> 4,
            last_sender_report,
            delay_since_last_sender_report: match source.reported {
                Some(_) => u32::try_from(delay).unwrap_or(u32::MAX),
                None => 0,
            },
        })
    }

    /// The source whose packets come now.
    #[must_use]
    pub fn ssrc(&self) -> Option<Ssrc> {
        self.source.as_ref().map(|source| source.ssrc)
    }

    /// Packets lost since the start, over all sources.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost_before + u64::from(self.source.as_ref().map_or(0, Source::lost_or_zero))
    }

    /// Variation of the packets' arrival, in ticks.
    #[must_use]
    pub fn jitter(&self) -> u32 {
        self.source.as_ref().map_or(0, |source| source.jitter >> 4)
    }

    fn ticks(&self, now: u64) -> u32 {
        (u128::from(now) * u128::from(self.clock_rate) / u128::from(SECOND_NS)) as u32
    }
}

impl Source {
    fn new(header: &RtpHeader, arrival: u32) -> Self {
        let first = u32::from(header.sequence.0);
        Self {
            ssrc: header.ssrc,
            first,
            highest: first,
            received: 1,
            expected_before: 0,
            received_before: 0,
            transit: arrival.wrapping_sub(header.timestamp),
            jitter: 0,
            reported: None,
        }
    }

    fn newest(&self) -> SequenceNumber {
        SequenceNumber(self.highest as u16)
    }

    fn goes_on_with(&self, header: &RtpHeader) -> bool {
        let ahead = header.sequence.distance(self.newest());
        header.ssrc == self.ssrc && !begins_new_count(ahead)
    }

    fn packet(&mut self, header: &RtpHeader, arrival: u32) {
        let ahead = header.sequence.distance(self.newest());
        if ahead > 0 {
            self.highest = self.highest.wrapping_add(u32::from(ahead.unsigned_abs()));
        }
        self.received = self.received.wrapping_add(1);
        let transit = arrival.wrapping_sub(header.timestamp);
        let change = (transit.wrapping_sub(self.transit) as i32).unsigned_abs();
        self.transit = transit;
        // Section A.8, with the rounding of its integer form.
        self.jitter = self
            .jitter
            .wrapping_add(change)
            .wrapping_sub((self.jitter + 8) >> 4);
    }

    fn expected(&self) -> u32 {
        self.highest.wrapping_sub(self.first).wrapping_add(1)
    }

    /// Packets lost; negative when some came twice.
    fn lost(&self) -> i32 {
        self.expected().wrapping_sub(self.received) as i32
    }

    fn lost_or_zero(&self) -> u32 {
        u32::try_from(self.lost()).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtp::PayloadType;

    const PACKET_NS: u64 = 20_000_000;

    fn header(ssrc: u32, sequence: u16, timestamp: u32) -> RtpHeader {
        RtpHeader {
            marker: false,
            payload_type: PayloadType(96),
            sequence: SequenceNumber(sequence),
            timestamp,
            ssrc: Ssrc(ssrc),
        }
    }

    /// Packets of 20 ms at 8 kHz, each `late` nanoseconds after its time.
    fn receive(reception: &mut Reception, numbers: impl IntoIterator<Item = u16>, late: u64) {
        for number in numbers {
            let at = u64::from(number) * PACKET_NS + late;
            reception.packet(&header(1, number, u32::from(number) * 160), at);
        }
    }

    #[test]
    fn losses_are_counted_and_their_share_is_that_since_the_last_report() {
        let mut reception = Reception::new(8000);
        assert_eq!(reception.report(0), None);
        receive(&mut reception, (0..100).filter(|number| number % 4 != 1), 0);
        let report = reception.report(0).unwrap();
        assert_eq!((report.cumulative_lost, report.fraction_lost), (25, 64));
        assert_eq!(report.highest_sequence, 99);
        receive(&mut reception, 100..200, 0);
        let report = reception.report(0).unwrap();
        assert_eq!((report.cumulative_lost, report.fraction_lost), (25, 0));
    }

    #[test]
    fn the_highest_number_counts_its_wraps() {
        let mut reception = Reception::new(8000);
        for number in [65_534, 65_535, 0, 1u16] {
            reception.packet(&header(1, number, 0), 0);
        }
        let report = reception.report(0).unwrap();
        assert_eq!(
            (report.highest_sequence, report.cumulative_lost),
            (0x1_0001, 0)
        );
    }

    #[test]
    fn doubled_packets_make_the_loss_negative_and_its_share_zero() {
        let mut reception = Reception::new(8000);
        receive(&mut reception, [0, 1, 1, 1], 0);
        let report = reception.report(0).unwrap();
        assert_eq!((report.cumulative_lost, report.fraction_lost), (-2, 0));
        assert_eq!(reception.lost(), 0);
    }

    #[test]
    fn jitter_is_that_of_section_a_8() {
        let mut reception = Reception::new(8000);
        receive(&mut reception, 0..500, 0);
        assert_eq!(reception.jitter(), 0, "evenly spaced");
        for number in 500..2000u16 {
            // Every other packet 10 ms late: 80 ticks of difference each time.
            let late = u64::from(number % 2) * 10_000_000;
            receive(&mut reception, [number], late);
        }
        assert!(
            (78..=80).contains(&reception.jitter()),
            "{}",
            reception.jitter()
        );
    }

    #[test]
    fn reports_are_echoed_with_their_delay() {
        let mut reception = Reception::new(8000);
        receive(&mut reception, [0], 0);
        let report = SenderReport {
            ssrc: Ssrc(1),
            ntp: 0x1234_5678_9abc_def0,
            rtp_timestamp: 0,
            packet_count: 1,
            octet_count: 1,
            reports: alloc::vec::Vec::new(),
        };
        let block = reception.report(SECOND_NS).unwrap();
        assert_eq!(
            (
                block.last_sender_report,
                block.delay_since_last_sender_report
            ),
            (0, 0)
        );
        reception.sender_report(&report, SECOND_NS);
        let block = reception.report(SECOND_NS + SECOND_NS / 2).unwrap();
        assert_eq!(block.last_sender_report, 0x5678_9abc);
        assert_eq!(block.delay_since_last_sender_report, 32_768);
    }

    #[test]
    fn another_source_begins_a_new_count_and_keeps_the_losses() {
        let mut reception = Reception::new(8000);
        receive(&mut reception, [0, 5], 0);
        reception.packet(&header(2, 700, 0), 0);
        assert_eq!(reception.ssrc(), Some(Ssrc(2)));
        assert_eq!(reception.report(0).unwrap().cumulative_lost, 0);
        reception.packet(&header(2, 30_000, 0), 0);
        assert_eq!(
            reception.report(0).unwrap().cumulative_lost,
            0,
            "it started anew"
        );
        assert_eq!(reception.lost(), 4);
    }
}
