//! RTCP of a session: sender reports with the source's name, goodbyes, and what receivers say (RFC 3550 §6).

use super::Shard;
use super::session::{Session, Target};
use crate::clock::SECOND;
use relaycore_proto::rtcp::{self, ReceiverReport, ReportBlock, RtcpPacket, SenderReport};
use std::sync::atomic::Ordering;

/// Nanoseconds between sender reports.
pub(super) const REPORT_INTERVAL: u64 = 5 * SECOND;

/// The name that ties the tracks of all streams of a server to one clock (RFC 3550 §6.5.1).
const CNAME: &str = "relaycore";

/// A compound packet for one track: sender report, name, and a goodbye where the session ends. A track that has sent
/// nothing has no sender report; its goodbye goes out behind an empty receiver report (RFC 3550 §6.1).
fn compound(session: &Session, track: usize, now: u64, goodbye: bool) -> Option<Vec<u8>> {
    let transport = session.tracks.get(track)?.as_ref()?;
    let ssrc = session.stream.ssrc(track)?;
    let mut out = Vec::with_capacity(96);
    match session.stream.sender_clock(track, now) {
        Some((ntp, rtp_timestamp)) => rtcp::write_sender_report(
            &mut out,
            &SenderReport {
                ssrc,
                ntp,
                rtp_timestamp,
                packet_count: transport.packets,
                octet_count: transport.octets,
                reports: Vec::new(),
            },
        ),
        None if goodbye => {
            let reports = Vec::new();
            rtcp::write_receiver_report(&mut out, &ReceiverReport { ssrc, reports });
        }
        None => return None,
    }
    rtcp::write_sdes_cname(&mut out, ssrc, CNAME);
    if goodbye {
        rtcp::write_bye(&mut out, &[ssrc], None);
    }
    Some(out)
}

impl Shard {
    /// Sends a report of each track of a session.
    pub(super) fn send_reports(&mut self, key: usize, now: u64, goodbye: bool) {
        let Some(session) = self.sessions.get(key) else {
            return;
        };
        for track in session.track_numbers() {
            let Some(packet) = compound(session, track, now, goodbye) else {
                continue;
            };
            match session.tracks[track]
                .as_ref()
                .map(|transport| transport.target)
            {
                Some(Target::Interleaved { rtcp, .. }) => {
                    let connection = session
                        .connection
                        .and_then(|key| self.connections.get_mut(key));
                    if let Some(connection) = connection {
                        let out = connection.output.message();
                        out.extend_from_slice(&[b'$', rtcp]);
                        out.extend_from_slice(&(packet.len() as u16).to_be_bytes());
                        out.extend_from_slice(&packet);
                    }
                }
                Some(Target::Udp { local, rtcp, .. }) => {
                    if let Some(pair) = self.udp.get(&local) {
                        pair.send_rtcp(rtcp, &packet);
                    }
                }
                None => {}
            }
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
        for packet in packets {
            match packet {
                RtcpPacket::ReceiverReport(report) => take_reports(session, track, &report.reports),
                RtcpPacket::SenderReport(report) => take_reports(session, track, &report.reports),
                RtcpPacket::Pli(_) | RtcpPacket::Fir(_) => session.stream.want_key_frame(),
                _ => {}
            }
        }
    }
}

fn take_reports(session: &mut Session, track: usize, reports: &[ReportBlock]) {
    let Some(ssrc) = session.stream.ssrc(track) else {
        return;
    };
    let Some(report) = reports.iter().find(|report| report.ssrc == ssrc) else {
        return;
    };
    if let Some(transport) = session.tracks.get_mut(track).and_then(Option::as_mut) {
        transport.lost = u64::try_from(report.cumulative_lost).unwrap_or(0);
    }
    let lost = session
        .tracks
        .iter()
        .flatten()
        .map(|transport| transport.lost)
        .sum();
    session.info.counters.lost.store(lost, Ordering::Relaxed);
    session
        .info
        .counters
        .jitter
        .store(report.jitter, Ordering::Relaxed);
}
