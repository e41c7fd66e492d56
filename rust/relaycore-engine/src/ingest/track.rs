//! One track of a source: its packets, rewritten, on their way into bursts of the stream.

use super::capture::Capture;
use super::timeline::{Timeline, nanoseconds, ticks};
use crate::burst::Stages;
use crate::clock::{SECOND, now_ns};
use crate::stream::{Relayed, Stream, Superseded, TrackPosition};
use relaycore_proto::burst::BurstBuilder;
use relaycore_proto::payload::inspect::{PacketStart, inspect};
use relaycore_proto::payload::parameters;
use relaycore_proto::receive::begins_new_count;
use relaycore_proto::rtp::{RtpHeader, RtpPacket, SequenceNumber, Ssrc};
use relaycore_proto::track::{Codec, Kind};

/// A moment of capture that is further from the arrival of its packet than this is not believed.
const CAPTURE_NS: i64 = 5 * SECOND as i64;

/// Most bytes of parameter sets that are kept of one access unit.
const PARAMETER_BYTES: usize = 4096;

/// Most bytes of packets that wait for the rest of their access unit.
const HELD_BYTES: usize = 128 * 1024;

/// See the module.
#[derive(Debug)]
pub(super) struct TrackRelay {
    index: usize,
    codec: Codec,
    clock_rate: u32,
    /// Where the stream's track goes on.
    position: TrackPosition,
    incoming: Option<Incoming>,
    timeline: Timeline,
    capture: Capture,
    /// Timestamp and moment of capture of the newest sender report.
    reported: Option<(u32, i64)>,
    unit: Unit,
    open: Option<OpenBurst>,
}

/// The sender whose packets come now.
#[derive(Debug, Clone, Copy)]
struct Incoming {
    ssrc: Ssrc,
    next: SequenceNumber,
    /// How far the stream's numbers are beyond those of the sender.
    shift: u16,
}

/// The access unit whose packets come now.
#[derive(Debug, Default)]
struct Unit {
    timestamp: Option<u32>,
    /// Whether something of its picture has come.
    begun: bool,
    /// Parameter sets that came in it, as Annex B byte stream.
    parameters: Vec<u8>,
}

#[derive(Debug)]
struct OpenBurst {
    packets: BurstBuilder,
    pts: i64,
    captured: u64,
    received: u64,
    random_access: bool,
}

impl TrackRelay {
    pub(super) fn new(
        index: usize,
        codec: Codec,
        clock_rate: u32,
        position: TrackPosition,
    ) -> Self {
        Self {
            index,
            codec,
            clock_rate,
            position,
            incoming: None,
            timeline: Timeline::new(clock_rate),
            capture: Capture::default(),
            reported: None,
            unit: Unit::default(),
            open: None,
        }
    }

    /// A sender report says that `timestamp` was taken at `captured` of the engine's clock.
    pub(super) fn report(&mut self, timestamp: u32, captured: i64, now: u64) {
        self.reported = Some((timestamp, captured));
        if let Some(pts) = self.timeline.at(timestamp) {
            let pts_ns = nanoseconds(pts, self.clock_rate);
            self.capture.report(pts_ns, captured, now);
        }
    }

    /// As [`TrackRelay::take`], of a packet that may have waited for others.
    pub(super) fn take_held(
        &mut self,
        bytes: &[u8],
        now: u64,
        number: u64,
        stream: &Stream,
    ) -> Result<(), Superseded> {
        RtpPacket::parse(bytes).map_or(Ok(()), |packet| {
            self.take(&packet, bytes, now, number, stream)
        })
    }

    /// Takes the next packet of the sender, in order, which was parsed from `bytes`.
    pub(super) fn take(
        &mut self,
        packet: &RtpPacket<'_>,
        bytes: &[u8],
        now: u64,
        number: u64,
        stream: &Stream,
    ) -> Result<(), Superseded> {
        let header = packet.header;
        let Some(sequence) = self.sequence(&header, packet.payload.is_empty()) else {
            return Ok(());
        };
        let pts = self.place(header.timestamp, now);
        let mut closed = Ok(());
        // A sender that has set its clock may come back to a timestamp of before.
        let is_placed_anew = self.open.as_ref().is_some_and(|open| open.pts != pts);
        if self.unit.timestamp != Some(header.timestamp) || is_placed_anew {
            closed = self.close(number, stream);
            self.unit.timestamp = Some(header.timestamp);
            self.unit.begun = false;
            self.unit.parameters.clear();
        }
        let pts_ns = nanoseconds(pts, self.clock_rate);
        let captured = u64::try_from(self.capture.arrived(pts_ns, now)).unwrap_or(0);
        let outgoing = self.outgoing(&header, pts);
        let open = self.open.get_or_insert_with(|| OpenBurst {
            packets: BurstBuilder::with_capacity(bytes.len() + 64),
            pts,
            captured,
            received: now,
            random_access: false,
        });
        let mut sequence = sequence;
        let start = inspect(self.codec, packet);
        if start == PacketStart::RandomAccess && !self.unit.begun {
            open.random_access = true;
        }
        let found = parameters::found(self.codec, packet.payload, &mut self.unit.parameters);
        self.unit.parameters.truncate(PARAMETER_BYTES);
        if start == PacketStart::RandomAccess && !found && parameters::are_sent(self.codec) {
            if !self.unit.parameters.is_empty() {
                stream.learn_parameters(self.index, &self.unit.parameters);
            } else if !self.unit.begun {
                // Decoders that did not read the description, or an older one, need them (RFC 6184 §8.4).
                let known = stream.tracks();
                let sets = known
                    .get(self.index)
                    .map_or(&[][..], |track| &track.parameters);
                if let Some(payload) = parameters::packet(self.codec, sets) {
                    let inserted = RtpHeader {
                        marker: false,
                        sequence,
                        ..outgoing
                    };
                    open.packets
                        .push(self.position.channel, &[&inserted.to_bytes(), &payload]);
                    sequence = sequence.next();
                    if let Some(incoming) = &mut self.incoming {
                        incoming.shift = incoming.shift.wrapping_add(1);
                    }
                }
            }
        }
        self.unit.begun |= matches!(start, PacketStart::RandomAccess | PacketStart::Picture);
        if header.marker && !found && self.codec.kind() == Kind::Video {
            // Senders that copy a stream without times give every picture the same one. Parameter sets belong to the
            // picture behind them, also where they come with a marker of their own.
            self.unit.timestamp = None;
        }
        let mut head = RtpHeader {
            sequence,
            ..outgoing
        }
        .to_bytes();
        head[0] = bytes[0];
        let rest = &bytes[head.len()..];
        let channel = self.position.channel;
        match parameters::mended_start(self.codec, packet.payload) {
            Some(first) => {
                let at = rest.len() - packet.payload.len() - usize::from(packet.padding);
                let parts = [&head[..], &rest[..at], &[first], &rest[at + 1..]];
                open.packets.push(channel, &parts);
            }
            None => open.packets.push(channel, &[&head, rest]),
        }
        self.position.next_sequence = sequence.next();
        self.position.newest_pts = Some(
            self.position
                .newest_pts
                .map_or(pts, |newest| newest.max(pts)),
        );
        closed
    }

    /// Until when the burst at hand may wait for the rest of its access unit, for which it waits at most `patience`
    /// nanoseconds.
    pub(super) fn held_until(&self, patience: u64) -> Option<u64> {
        let open = self.open.as_ref()?;
        let goes_on = self.codec.kind() == Kind::Video && self.unit.timestamp.is_some();
        (goes_on && open.packets.byte_count() < HELD_BYTES).then(|| open.received + patience)
    }

    /// Hands the burst at hand to the readers.
    pub(super) fn close(&mut self, number: u64, stream: &Stream) -> Result<(), Superseded> {
        let Some(open) = self.open.take() else {
            return Ok(());
        };
        let (bytes, ends) = open.packets.finish();
        stream.relay(
            number,
            Relayed {
                track: self.index,
                bytes,
                ends,
                pts: open.pts,
                random_access: open.random_access,
                position: self.position,
                stages: Stages {
                    captured: open.captured,
                    received: open.received,
                    packetised: now_ns(),
                    ..Stages::default()
                },
            },
        )
    }

    /// The stream's number for a packet; `None` for one that is not passed on.
    fn sequence(&mut self, header: &RtpHeader, is_empty: bool) -> Option<SequenceNumber> {
        let restarts = |incoming: &Incoming| {
            let ahead = header.sequence.distance(incoming.next);
            incoming.ssrc != header.ssrc || begins_new_count(ahead)
        };
        if self.incoming.as_ref().is_none_or(restarts) {
            if self
                .incoming
                .is_some_and(|incoming| incoming.ssrc != header.ssrc)
            {
                self.timeline.restart();
                self.reported = None;
            }
            self.incoming = Some(Incoming {
                ssrc: header.ssrc,
                next: header.sequence,
                shift: self
                    .position
                    .next_sequence
                    .0
                    .wrapping_sub(header.sequence.0),
            });
        }
        let incoming = self.incoming.as_mut()?;
        if header.sequence.distance(incoming.next) < 0 {
            return None;
        }
        incoming.next = header.sequence.next();
        if is_empty {
            // It only kept a path open: readers see no gap in its place.
            incoming.shift = incoming.shift.wrapping_sub(1);
            return None;
        }
        Some(header.sequence.wrapping_add(incoming.shift))
    }

    /// Media time of a packet. The first one of a sender stands at its moment of capture, where a report told it before,
    /// or else at its arrival; never before what the stream has already.
    fn place(&mut self, timestamp: u32, now: u64) -> i64 {
        if let Some(pts) = self.timeline.follow(timestamp, now) {
            return pts;
        }
        let told = self.reported.map(|(reported, captured)| {
            let since = i64::from(timestamp.wrapping_sub(reported) as i32);
            captured + nanoseconds(since, self.clock_rate)
        });
        let at = told
            .filter(|captured| (now as i64 - captured).abs() < CAPTURE_NS)
            .and_then(|captured| u64::try_from(captured).ok())
            .unwrap_or(now);
        let earliest = self
            .position
            .newest_pts
            .map_or(i64::MIN, |newest| newest + 1);
        let pts = ticks(at, self.clock_rate).max(earliest);
        self.timeline.place(timestamp, pts, now);
        pts
    }

    fn outgoing(&self, header: &RtpHeader, pts: i64) -> RtpHeader {
        RtpHeader {
            marker: header.marker,
            payload_type: self.position.payload_type,
            sequence: header.sequence,
            timestamp: self.position.timestamp_base.wrapping_add(pts as u32),
            ssrc: self.position.ssrc,
        }
    }
}
