//! A client that reads.

use super::budget::Budget;
use super::payloads::{PayloadCache, Payloads};
use crate::burst::Burst;
use crate::clock::{MILLISECOND, now_ns};
use crate::cursor::{Cursor, Joining, Selection};
use crate::ring::Ring;
use crate::session::SessionInfo;
use crate::stream::{Stream, StreamId};
use relaycore_proto::annexb;
use relaycore_proto::h264::{nal_type, type_of};
use relaycore_proto::rtp::RtpPacket;
use relaycore_proto::track::{Codec, Kind, Track};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;
use str0m::Rtc;
use str0m::media::{Mid, Pt};
use str0m::rtp::RtpWrite;

/// Type of a packet with several NAL units (RFC 6184 section 5.7.1).
const STAP_A: u8 = 24;

/// Most bytes of parameter sets that are sent before a picture which comes without.
const MOST_PARAMETER_BYTES: usize = 1200;

/// One wish of a client for a key frame is heard in this time, in nanoseconds.
const KEY_FRAME_INTERVAL: u64 = 500 * MILLISECOND;

/// See the module.
pub(super) struct Reader {
    pub(super) feeds: Vec<Feed>,
    /// When its next wish for a key frame is heard.
    key_frame_at: u64,
    /// What the way to its client carries.
    budget: Budget,
}

/// A stream that it reads tracks of.
pub(super) struct Feed {
    pub(super) stream: Arc<Stream>,
    lines: Vec<Line>,
    cursor: Option<Cursor>,
    /// Whether the rest of this group of pictures is not sent.
    is_cut: bool,
}

/// A track, and the media of the session that it goes out as.
pub(super) struct Line {
    track: usize,
    codec: Codec,
    mid: Mid,
    payload_type: Pt,
    /// Number of the next packet. A client misses nothing that it was never sent, so its numbers are its own.
    sequence: u64,
    is_video: bool,
}

impl Line {
    pub(super) fn new(index: usize, track: &Track, mid: Mid, payload_type: Pt) -> Self {
        Self {
            track: index,
            codec: track.codec,
            mid,
            payload_type,
            sequence: 1,
            is_video: track.kind() == Kind::Video,
        }
    }

    /// Writes a burst of its track.
    fn write(
        &mut self,
        rtc: &mut Rtc,
        burst: &Burst,
        payloads: &Payloads,
        captured: Instant,
        parameters: Option<Arc<[u8]>>,
    ) -> usize {
        let mut bytes = 0;
        let mut api = rtc.direct_api();
        let Some(stream) = api.stream_tx_by_mid(self.mid, None) else {
            return 0;
        };
        let mut write = |payload: Arc<[u8]>, timestamp, marker| {
            bytes += payload.len();
            let sequence = self.sequence.into();
            self.sequence += 1;
            let packet = RtpWrite::new(self.payload_type, sequence, timestamp, captured, payload);
            stream.write_rtp(packet.marker(marker).nackable(self.is_video));
        };
        if let Some(parameters) = parameters {
            write(parameters, burst.timestamp, false);
        }
        for (packet, payload) in burst.rtp_packets().zip(payloads.iter()) {
            if let Ok(packet) = RtpPacket::parse(packet) {
                let header = packet.header;
                write(Arc::clone(payload), header.timestamp, header.marker);
            }
        }
        bytes
    }
}

impl Feed {
    pub(super) fn new(stream: Arc<Stream>, lines: Vec<Line>) -> Self {
        Self {
            stream,
            lines,
            cursor: None,
            is_cut: false,
        }
    }

    /// Whether it has a place in the stream.
    pub(super) fn has_joined(&self) -> bool {
        self.cursor.is_some()
    }

    /// Takes its place in the stream.
    fn join(&mut self, ring: &Ring, now: u64) {
        let tracks = self.lines.iter().map(|line| line.track);
        let options = self.stream.options();
        let joining = Joining {
            policy: options.join,
            can_force_key_frames: options.can_force_key_frames,
            now,
        };
        let selection = Selection::new(tracks, self.stream.start_track());
        let cursor = Cursor::join(selection, ring, joining);
        if cursor.is_waiting() {
            self.stream.want_key_frame();
        }
        self.cursor = Some(cursor);
    }
}

/// What feeding needs to know of the rest.
pub(super) struct Surroundings<'a> {
    pub(super) ring: &'a Ring,
    pub(super) payloads: &'a mut PayloadCache,
    pub(super) info: &'a SessionInfo,
    /// Turns a moment of the engine's clock, in nanoseconds, into one of the system's.
    pub(super) instant: &'a dyn Fn(u64) -> Instant,
    /// Age from which bursts are given up, in nanoseconds.
    pub(super) reader_age: u64,
    /// Bytes that the reader's connection has room for; what is begun is written to its end.
    pub(super) room: usize,
}

/// What became of feeding.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Fed {
    /// Whether something was written.
    pub(super) has_written: bool,
    /// Whether there may be more than there was room for.
    pub(super) is_full: bool,
}

impl Reader {
    pub(super) fn new(feeds: Vec<Feed>) -> Self {
        Self {
            feeds,
            key_frame_at: 0,
            budget: Budget::default(),
        }
    }

    /// Takes its place in the stream of this number.
    pub(super) fn join(&mut self, stream: StreamId, ring: &Ring) {
        let feed = self
            .feeds
            .iter_mut()
            .find(|feed| feed.stream.id() == stream);
        if let Some(feed) = feed {
            feed.join(ring, now_ns());
        }
    }

    /// Writes what the stream of this number has for it, as far as there is room.
    pub(super) fn feed(
        &mut self,
        stream: StreamId,
        rtc: &mut Rtc,
        around: &mut Surroundings<'_>,
    ) -> Fed {
        let Some(feed) = self.feeds.iter_mut().find(|it| it.stream.id() == stream) else {
            return Fed::default();
        };
        let Feed {
            stream,
            lines,
            cursor: Some(cursor),
            is_cut,
        } = feed
        else {
            return Fed::default();
        };
        let now = now_ns();
        let counters = &around.info.counters;
        cursor.try_start(around.ring);
        if cursor.age(around.ring, now) >= around.reader_age {
            let skipped = cursor.skip(around.ring, now);
            counters.discarded.fetch_add(skipped, Ordering::Relaxed);
            if cursor.is_waiting() {
                stream.want_key_frame();
            }
        }
        let mut fed = Fed::default();
        let mut room = around.room;
        loop {
            if room == 0 {
                fed.is_full = true;
                break;
            }
            let Some(burst) = cursor.take(around.ring) else {
                break;
            };
            let Some(line) = lines.iter_mut().find(|line| line.track == burst.track) else {
                continue;
            };
            if line.is_video {
                // What would come too late anyway is not sent: the rest of a group, since its pictures need each other.
                *is_cut &= !stream.is_start(&burst);
                *is_cut |= self.budget.is_spent(now);
                if *is_cut {
                    let skipped = burst.packet_count() as u64;
                    counters.discarded.fetch_add(skipped, Ordering::Relaxed);
                    continue;
                }
            }
            let payloads = around.payloads.of(&burst);
            let parameters = (burst.random_access && line.codec == Codec::H264)
                .then(|| missing_parameters(stream, burst.track, &payloads))
                .flatten();
            let captured = match burst.stages.captured {
                0 => burst.stages.packetised,
                captured => captured,
            };
            let captured = (around.instant)(captured);
            let bytes = line.write(rtc, &burst, &payloads, captured, parameters);
            room = room.saturating_sub(bytes);
            self.budget.spend(bytes);
            let packets = burst.packet_count() as u64;
            counters.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
            if counters.packets.fetch_add(packets, Ordering::Relaxed) == 0 {
                counters.first_packet.store(now, Ordering::Relaxed);
            }
            if stream.is_start(&burst) && counters.first_picture.load(Ordering::Relaxed) == 0 {
                counters.first_picture.store(now, Ordering::Relaxed);
            }
            fed.has_written = true;
        }
        fed
    }

    /// Its client estimates that the way to it carries so many bits a second.
    pub(super) fn estimated(&mut self, rate: u64, info: &SessionInfo) {
        self.budget.estimated(rate, now_ns());
        info.counters.bandwidth.store(rate, Ordering::Relaxed);
    }

    /// Its client wants a key frame of a media.
    pub(super) fn wants_key_frame(&mut self, mid: Mid) {
        let now = now_ns();
        if now < self.key_frame_at {
            return;
        }
        let has = |feed: &&Feed| feed.lines.iter().any(|line| line.mid == mid);
        if let Some(feed) = self.feeds.iter().find(has) {
            self.key_frame_at = now + KEY_FRAME_INTERVAL;
            feed.stream.want_key_frame();
        }
    }
}

/// A packet with the parameter sets of a stream of H.264, where these packets, which begin a group of pictures, bring
/// none: browsers do not read those of a description.
fn missing_parameters(stream: &Stream, track: usize, payloads: &Payloads) -> Option<Arc<[u8]>> {
    if payloads.iter().any(|payload| has_sps(payload)) {
        return None;
    }
    let tracks = stream.tracks();
    let parameters = &tracks.get(track)?.parameters;
    let mut packet = vec![STAP_A];
    for unit in annexb::nal_units(parameters) {
        packet[0] |= unit[0] & 0x60;
        packet.extend_from_slice(&u16::try_from(unit.len()).ok()?.to_be_bytes());
        packet.extend_from_slice(unit);
    }
    (packet.len() > 1 && packet.len() <= MOST_PARAMETER_BYTES).then(|| Arc::from(packet))
}

/// Whether a payload of H.264 has a sequence parameter set (RFC 6184 section 5.4).
fn has_sps(payload: &[u8]) -> bool {
    let Some((first, mut rest)) = payload.split_first() else {
        return false;
    };
    match type_of(*first) {
        nal_type::SPS => true,
        STAP_A => {
            while let Some((length, units)) = rest.split_first_chunk::<2>() {
                let length = usize::from(u16::from_be_bytes(*length));
                let Some((unit, behind)) = units.split_at_checked(length) else {
                    return false;
                };
                if unit
                    .first()
                    .is_some_and(|byte| type_of(*byte) == nal_type::SPS)
                {
                    return true;
                }
                rest = behind;
            }
            false
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::has_sps;

    #[test]
    fn parameter_sets_are_found_alone_and_among_others() {
        assert!(has_sps(&[0x67, 1, 2]));
        assert!(has_sps(&[24, 0, 2, 0x09, 0xf0, 0, 3, 0x67, 1, 2]));
        for other in [
            &[][..],
            &[0x65],
            &[24],
            &[24, 0, 9, 0x67],
            &[24, 0, 0],
            &[0x7c, 0x87],
        ] {
            assert!(!has_sps(other), "{other:?}");
        }
    }
}
