//! A source: what feeds a stream from outside, one at a time.

use super::timeline::nanoseconds;
use super::track::TrackRelay;
use crate::clock::{CNAME, SECOND, now_ns};
use crate::engine::Shared;
use crate::random::random_u32;
use crate::stream::{Stream, Superseded};
use relaycore_proto::receive::{Reception, Reorder};
use relaycore_proto::rtcp::{self, Pli, ReceiverReport, RtcpPacket, SenderReport};
use relaycore_proto::rtp::{RtpPacket, Ssrc};
use relaycore_proto::track::Kind;
use std::sync::Arc;

/// A wallclock of a sender that is further from ours than this was never set: then only its differences count.
const WALLCLOCK_NS: i64 = 10 * SECOND as i64;

/// Whoever owns a source, as the stream sees it. Called from any thread, with locks held: it must only queue.
pub(crate) trait Upstream: Send + Sync {
    /// Readers wait for a key frame: the far side should be asked.
    fn key_frame_wanted(&self);
    /// Another source has the stream now, or it has ended.
    fn superseded(&self);
}

/// Feeds a stream until it is dropped or superseded; see the module above.
pub(crate) struct Source {
    shared: Arc<Shared>,
    stream: Arc<Stream>,
    number: u64,
    tracks: Vec<SourceTrack>,
    /// Our wallclock minus the sender's, once a report told it, in nanoseconds.
    offset: Option<i64>,
    /// Our own number in receiver reports.
    ssrc: Ssrc,
    superseded: bool,
    /// RTP packets and their bytes that were taken.
    pub(crate) packets: u64,
    /// See above.
    pub(crate) bytes: u64,
}

struct SourceTrack {
    relay: TrackRelay,
    reception: Reception,
    /// Only where packets can overtake each other.
    reorder: Option<Reorder>,
}

impl Source {
    /// The source `number` of `stream`, which the stream knows already.
    pub(crate) fn new(
        shared: Arc<Shared>,
        stream: Arc<Stream>,
        number: u64,
        ordered: bool,
    ) -> Self {
        let tracks = stream.tracks();
        let tracks = tracks.iter().enumerate().map(|(index, track)| SourceTrack {
            relay: TrackRelay::new(index, track.codec, track.clock_rate, stream.position(index)),
            reception: Reception::new(track.clock_rate),
            reorder: (!ordered).then(Reorder::default),
        });
        Self {
            tracks: tracks.collect(),
            shared,
            stream,
            number,
            offset: None,
            ssrc: Ssrc(random_u32()),
            superseded: false,
            packets: 0,
            bytes: 0,
        }
    }

    /// The stream that it feeds.
    pub(crate) fn stream(&self) -> &Arc<Stream> {
        &self.stream
    }

    /// Whether another source has taken the stream over, or the stream has ended: nothing more is taken.
    pub(crate) fn is_superseded(&self) -> bool {
        self.superseded
    }

    /// Packets that arrive from now on may have overtaken each other.
    pub(crate) fn expect_disorder(&mut self) {
        for track in &mut self.tracks {
            track.reorder.get_or_insert_default();
        }
    }

    /// Takes an RTP packet of a track that arrived at `now`.
    pub(crate) fn packet(&mut self, track: usize, bytes: &[u8], now: u64) {
        let Some(SourceTrack {
            relay,
            reception,
            reorder,
        }) = self.tracks.get_mut(track)
        else {
            return;
        };
        let Ok(packet) = RtpPacket::parse(bytes) else {
            return;
        };
        self.packets += 1;
        self.bytes += bytes.len() as u64;
        self.stream.source_seen(now);
        reception.packet(&packet.header, now);
        let (number, stream) = (self.number, &self.stream);
        let taken = match reorder {
            Some(reorder) => {
                let mut taken = Ok(());
                reorder.push(&packet.header, bytes, now, |bytes| {
                    taken = taken.and(relay.take_held(bytes, now, number, stream));
                });
                taken
            }
            None => relay.take(&packet, bytes, now, number, stream),
        };
        self.note(taken);
    }

    /// Takes RTCP of the far side that arrived at `now`.
    pub(crate) fn rtcp(&mut self, track: usize, compound: &[u8], now: u64) {
        let Ok(packets) = rtcp::parse_compound(compound) else {
            return;
        };
        for packet in packets {
            if let RtcpPacket::SenderReport(report) = packet {
                self.sender_report(track, &report, now);
            }
        }
    }

    fn sender_report(&mut self, track: usize, report: &SenderReport, now: u64) {
        let Some(track) = self.tracks.get_mut(track) else {
            return;
        };
        track.reception.sender_report(report, now);
        let Some(theirs) = rtcp::unix_ns_from_ntp(report.ntp).and_then(|it| i64::try_from(it).ok())
        else {
            return;
        };
        // Their wallclock as a moment of the engine's clock, if it is right.
        let ours = self.stream.unix_ns(now) as i64;
        let captured = theirs - (ours - now as i64);
        let offset = *self.offset.get_or_insert_with(|| {
            let wrong_by = now as i64 - captured;
            if wrong_by.abs() < WALLCLOCK_NS {
                0
            } else {
                wrong_by
            }
        });
        track
            .relay
            .report(report.rtp_timestamp, captured + offset, now);
    }

    /// After what arrived together: the bursts go to the readers, but for one whose access unit goes on while there are
    /// many readers. Gives the time when to call again at the latest for it, in nanoseconds of the engine's clock.
    pub(crate) fn flush(&mut self, now: u64) -> Option<u64> {
        let (number, stream) = (self.number, &self.stream);
        let patience = stream.patience_ns();
        let mut flushed = Ok(());
        let mut held = None::<u64>;
        for SourceTrack { relay, reorder, .. } in &mut self.tracks {
            if let Some(reorder) = reorder {
                reorder.expire(now, |bytes| {
                    flushed = flushed.and(relay.take_held(bytes, now, number, stream));
                });
            }
            match relay.held_until(patience).filter(|until| *until > now) {
                Some(until) => held = Some(held.map_or(until, |held| held.min(until))),
                None => flushed = flushed.and(relay.close(number, stream)),
            }
        }
        self.note(flushed);
        held
    }

    fn note(&mut self, taken: Result<(), Superseded>) {
        self.superseded |= taken.is_err();
    }

    /// A compound for the far side of a track: what arrived of it, our name, and the wish for a key frame where that is
    /// one of pictures.
    pub(crate) fn report(&mut self, track: usize, now: u64, key_frame: bool) -> Option<Vec<u8>> {
        let kind = self.stream.tracks().get(track)?.kind();
        let track = self.tracks.get_mut(track)?;
        let mut out = Vec::with_capacity(80);
        let reports = track.reception.report(now).into_iter().collect();
        let ssrc = self.ssrc;
        rtcp::write_receiver_report(&mut out, &ReceiverReport { ssrc, reports });
        rtcp::write_sdes_cname(&mut out, ssrc, CNAME);
        let media = track
            .reception
            .ssrc()
            .filter(|_| key_frame && kind == Kind::Video);
        if let Some(media) = media {
            rtcp::write_pli(
                &mut out,
                Pli {
                    sender: ssrc,
                    media,
                },
            );
        }
        Some(out)
    }

    /// RTP packets lost on the way here, over all tracks, and the largest jitter of a track in nanoseconds.
    pub(crate) fn reception(&self) -> (u64, u64) {
        let lost = self.tracks.iter().map(|track| track.reception.lost()).sum();
        let known = self.stream.tracks();
        let jitters = self.tracks.iter().zip(known.iter()).map(|(track, known)| {
            nanoseconds(i64::from(track.reception.jitter()), known.clock_rate)
        });
        (
            lost,
            jitters
                .max()
                .and_then(|it| u64::try_from(it).ok())
                .unwrap_or(0),
        )
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        let (number, stream) = (self.number, &self.stream);
        for SourceTrack { relay, reorder, .. } in &mut self.tracks {
            if let Some(reorder) = reorder {
                reorder.drain(|bytes| {
                    // What another source has superseded goes nowhere.
                    let _ = relay.take_held(bytes, now_ns(), number, stream);
                });
            }
            let _ = relay.close(number, stream);
        }
        self.shared.vacate(&self.stream, self.number);
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source")
            .field("stream", &self.stream)
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}
