//! A client that publishes.

use crate::clock::{SECOND, now_ns};
use crate::ingest::Source;
use crate::session::SessionInfo;
use relaycore_proto::rtcp;
use relaycore_proto::rtp::{PayloadType, RtpHeader, SequenceNumber, Ssrc};
use relaycore_proto::track::{Kind, Track};
use std::sync::atomic::Ordering;
use std::time::{SystemTime, UNIX_EPOCH};
use str0m::Rtc;
use str0m::media::{KeyframeRequestKind, Mid};
use str0m::rtp::RtpPacket;
use str0m::rtp::rtcp::SenderInfo;

/// How often a browser is asked for a key frame: of its own accord it makes one in minutes, and who joins between two
/// of them gets the whole group since the last one. In nanoseconds.
const KEY_FRAME_INTERVAL: u64 = 2 * SECOND;

/// Wishes of readers in between are heard this often.
const WISH_INTERVAL: u64 = SECOND / 2;

/// See the module.
pub(super) struct Publisher {
    source: Source,
    lines: Vec<Receiving>,
    /// When a key frame may be asked for, and when one is.
    wish_at: u64,
    key_frame_at: u64,
    /// When what is held back of an access unit goes on.
    pub(super) held_until: Option<u64>,
    packet: Vec<u8>,
}

/// A media of the session, and the track that it feeds.
pub(super) struct Receiving {
    track: usize,
    mid: Mid,
    payload_type: PayloadType,
    is_video: bool,
    /// The newest sender report that was taken.
    reported: Option<SystemTime>,
}

impl Receiving {
    pub(super) fn new(index: usize, mid: Mid, track: &Track) -> Self {
        Self {
            track: index,
            mid,
            payload_type: track.payload_type,
            is_video: track.kind() == Kind::Video,
            reported: None,
        }
    }
}

impl Publisher {
    pub(super) fn new(source: Source, lines: Vec<Receiving>) -> Self {
        Self {
            source,
            lines,
            wish_at: 0,
            key_frame_at: 0,
            held_until: None,
            packet: Vec::new(),
        }
    }

    /// Takes a packet.
    pub(super) fn packet(&mut self, packet: &RtpPacket, rtc: &mut Rtc, info: &SessionInfo) {
        let mid = rtc
            .direct_api()
            .stream_rx(&packet.header.ssrc)
            .map(|rx| rx.mid());
        let Some(line) = self.lines.iter_mut().find(|line| Some(line.mid) == mid) else {
            return;
        };
        let now = now_ns();
        let header = RtpHeader {
            marker: packet.header.marker,
            payload_type: line.payload_type,
            sequence: SequenceNumber(packet.header.sequence_number),
            timestamp: packet.header.timestamp,
            ssrc: Ssrc(*packet.header.ssrc),
        };
        if let Some(sender) = packet.last_sender_info
            && line.reported != Some(sender.ntp_time)
        {
            line.reported = Some(sender.ntp_time);
            self.source.rtcp(line.track, &report(&sender), now);
        }
        self.packet.clear();
        self.packet.extend_from_slice(&header.to_bytes());
        self.packet.extend_from_slice(&packet.payload);
        self.source.packet(line.track, &self.packet, now);
        let counters = &info.counters;
        if counters.first_packet.load(Ordering::Relaxed) == 0 {
            counters.first_packet.store(now, Ordering::Relaxed);
        }
    }

    /// What came together goes to the readers.
    pub(super) fn flush(&mut self, info: &SessionInfo) {
        self.held_until = self.source.flush(now_ns());
        let counters = &info.counters;
        counters
            .packets
            .store(self.source.packets, Ordering::Relaxed);
        counters.bytes.store(self.source.bytes, Ordering::Relaxed);
        let (lost, jitter) = self.source.reception();
        counters.lost.store(lost, Ordering::Relaxed);
        counters.jitter_ns.store(jitter, Ordering::Relaxed);
    }

    /// Asks for a key frame where it is time, or where readers wish for one.
    pub(super) fn ask(&mut self, rtc: &mut Rtc) {
        let now = now_ns();
        let is_wished = now >= self.wish_at && self.source.stream().key_frame_wanted();
        if !is_wished && now < self.key_frame_at {
            return;
        }
        self.wish_at = now + WISH_INTERVAL;
        self.key_frame_at = now + KEY_FRAME_INTERVAL;
        for line in self.lines.iter().filter(|line| line.is_video) {
            if let Some(stream) = rtc.direct_api().stream_rx_by_mid(line.mid, None) {
                stream.request_keyframe(KeyframeRequestKind::Pli);
            }
        }
    }

    /// Why its stream takes nothing more of it, where that is so.
    pub(super) fn superseded(&self) -> Option<&'static str> {
        let ended = self.source.stream().end_reason();
        self.source
            .is_superseded()
            .then(|| ended.unwrap_or("another publisher took the path over"))
    }

    /// Its stream has another source, or has ended.
    pub(super) fn reason(&self) -> &'static str {
        let ended = self.source.stream().end_reason();
        ended.unwrap_or("another publisher took the path over")
    }
}

/// A sender report as it came (RFC 3550 §6.4.1).
fn report(sender: &SenderInfo) -> Vec<u8> {
    let unix = sender
        .ntp_time
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let mut out = Vec::with_capacity(28);
    rtcp::write_sender_report(
        &mut out,
        &rtcp::SenderReport {
            ssrc: Ssrc(*sender.ssrc),
            ntp: rtcp::ntp_from_unix_ns(u64::try_from(unix.as_nanos()).unwrap_or(0)),
            rtp_timestamp: sender.rtp_time.numer() as u32,
            packet_count: sender.sender_packet_count,
            octet_count: sender.sender_octet_count,
            reports: Vec::new(),
        },
    );
    out
}
