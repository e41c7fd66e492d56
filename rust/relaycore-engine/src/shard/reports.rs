//! RTCP of a session: sender reports with the source's name, goodbyes, and what receivers say (RFC 3550 §6).

use super::Shard;
use super::session::{Session, Target};
use crate::clock::{CNAME, SECOND};
use relaycore_proto::rtcp::{self, ReceiverReport, ReportBlock, RtcpPacket, SenderReport};
use std::sync::atomic::Ordering;

/// Nanoseconds between sender reports.
pub(super) const REPORT_INTERVAL: u64 = 5 * SECOND;

/// Writes a compound packet for one track to `out`: sender report, name, and a goodbye where the session ends. A track
/// that has sent nothing has no sender report; its goodbye goes out behind an empty receiver report (RFC 3550 §6.1).
/// `None` when there is nothing to say.
fn write_compound(
    out: &mut Vec<u8>,
    session: &mut Session,
    track: usize,
    now: u64,
    goodbye: bool,
) -> Option<()> {
    let transport = session.tracks.get_mut(track)?.as_mut()?;
    let ssrc = session.stream.ssrc(track)?;
    match session.stream.sender_clock(track, now) {
        Some((ntp, rtp_timestamp)) => {
            transport.reported.sent = Some((middle(ntp), now));
            rtcp::write_sender_report(
                out,
                &SenderReport {
                    ssrc,
                    ntp,
                    rtp_timestamp,
                    packet_count: transport.packets,
                    octet_count: transport.octets,
                    reports: Vec::new(),
                },
            );
        }
        None if goodbye => {
            let reports = Vec::new();
            rtcp::write_receiver_report(out, &ReceiverReport { ssrc, reports });
        }
        None => return None,
    }
    rtcp::write_sdes_cname(out, ssrc, CNAME);
    if goodbye {
        rtcp::write_bye(out, &[ssrc], None);
    }
    Some(())
}

impl Shard {
    /// Sends a report of each track of a session.
    pub(super) fn send_reports(&mut self, key: usize, now: u64, goodbye: bool) {
        let tracks = self.sessions.get(key).map_or(0, |it| it.tracks.len());
        for track in 0..tracks {
            self.send_report(key, track, now, goodbye);
        }
    }

    /// Sends a report of one track of a session.
    pub(super) fn send_report(&mut self, key: usize, track: usize, now: u64, goodbye: bool) {
        let mut packet = std::mem::take(&mut self.report);
        packet.clear();
        if let Some(session) = self.sessions.get_mut(key)
            && write_compound(&mut packet, session, track, now, goodbye).is_some()
        {
            self.send_rtcp(key, track, &packet);
        }
        self.report = packet;
    }

    fn send_rtcp(&mut self, key: usize, track: usize, packet: &[u8]) {
        let Some(session) = self.sessions.get(key) else {
            return;
        };
        let transport = session.tracks.get(track).and_then(Option::as_ref);
        match transport.map(|transport| transport.target) {
            Some(Target::Interleaved { rtcp, .. }) => {
                let connection = session
                    .connection
                    .and_then(|key| self.connections.get_mut(key));
                if let Some(connection) = connection {
                    connection.output.frame(rtcp, packet);
                }
            }
            Some(Target::Udp { local, rtcp, .. }) => {
                if let Some(pair) = self.udp.get(&local) {
                    pair.send_rtcp(rtcp, packet);
                }
            }
            Some(Target::Group { ports }) => {
                if let Some(ports) = self.group_ports.get(ports) {
                    ports.pair.send_rtcp(ports.rtcp, packet);
                }
            }
            Some(Target::Member | Target::Receive { .. }) | None => {}
        }
    }

    /// Takes in what a receiver reports about a track. Anything that parses shows that it is alive.
    pub(super) fn receive_rtcp(&mut self, key: usize, track: usize, packet: &[u8], now: u64) {
        let Ok(packets) = rtcp::parse_compound(packet) else {
            return;
        };
        let Some(session) = self.sessions.get_mut(key) else {
            return;
        };
        session.alive_until = now + self.session_timeout;
        session.info.counters.left.store(0, Ordering::Relaxed);
        for packet in packets {
            match packet {
                RtcpPacket::ReceiverReport(report) => {
                    take_reports(session, track, &report.reports, now);
                }
                RtcpPacket::SenderReport(report) => {
                    take_reports(session, track, &report.reports, now);
                }
                RtcpPacket::Pli(_) | RtcpPacket::Fir(_) => session.stream.want_key_frame(),
                _ => {}
            }
        }
    }
}

/// The middle 32 bits of an NTP timestamp: seconds and fraction by 16 bits (RFC 3550 §6.4.1).
fn middle(ntp: u64) -> u32 {
    (ntp >> 16) as u32
}

fn take_reports(session: &mut Session, track: usize, reports: &[ReportBlock], now: u64) {
    let Some(ssrc) = session.stream.ssrc(track) else {
        return;
    };
    let Some(report) = reports.iter().find(|report| report.ssrc == ssrc) else {
        return;
    };
    let clock_rate = session.stream.tracks()[track].clock_rate;
    let Some(transport) = session.tracks.get_mut(track).and_then(Option::as_mut) else {
        return;
    };
    let reported = &mut transport.reported;
    reported.lost = u64::try_from(report.cumulative_lost).unwrap_or(0);
    reported.jitter_ns = u64::from(report.jitter) * SECOND / u64::from(clock_rate.max(1));
    let counters = &session.info.counters;
    if let Some(round_trip) = round_trip(reported.sent, report, now) {
        counters.round_trip_ns.store(round_trip, Ordering::Relaxed);
    }
    let all = || {
        let tracks = session.tracks.iter().flatten();
        tracks.map(|transport| transport.reported)
    };
    let lost = all().map(|reported| reported.lost).sum();
    counters.lost.store(lost, Ordering::Relaxed);
    let jitter = all().map(|reported| reported.jitter_ns).max();
    counters
        .jitter_ns
        .store(jitter.unwrap_or(0), Ordering::Relaxed);
}

/// The time to the receiver and back in nanoseconds: from the sender report until now, less the time for which the
/// receiver kept it (RFC 3550 §6.4.1). Only the newest sender report counts, by the monotonic clock, so that neither a
/// clock that is set nor made-up timestamps give a time that never was.
fn round_trip(sent: Option<(u32, u64)>, report: &ReportBlock, now: u64) -> Option<u64> {
    let (timestamp, sent_at) = sent?;
    if report.last_sender_report != timestamp {
        return None;
    }
    let kept = (u64::from(report.delay_since_last_sender_report) * SECOND) >> 16;
    now.checked_sub(sent_at)?.checked_sub(kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use relaycore_proto::rtp::Ssrc;

    fn block(last_sender_report: u32, delay_since_last_sender_report: u32) -> ReportBlock {
        ReportBlock {
            ssrc: Ssrc(1),
            fraction_lost: 0,
            cumulative_lost: 0,
            highest_sequence: 0,
            jitter: 0,
            last_sender_report,
            delay_since_last_sender_report,
        }
    }

    #[test]
    fn the_round_trip_is_without_the_time_that_the_receiver_took() {
        let sent = Some((middle(0x0000_0012_3456_0000), 10 * SECOND));
        let half_a_second = 1 << 15;
        assert_eq!(
            round_trip(sent, &block(0x0012_3456, half_a_second), 11 * SECOND),
            Some(SECOND / 2)
        );
    }

    #[test]
    fn a_report_that_cannot_be_true_gives_no_round_trip() {
        let sent = Some((7, 10 * SECOND));
        let now = 11 * SECOND;
        assert_eq!(
            round_trip(None, &block(7, 0), now),
            None,
            "nothing was sent"
        );
        assert_eq!(
            round_trip(sent, &block(0, 0), now),
            None,
            "it got no report"
        );
        assert_eq!(round_trip(sent, &block(6, 0), now), None, "an older one");
        assert_eq!(
            round_trip(sent, &block(7, u32::MAX), now),
            None,
            "kept longer"
        );
    }
}
