//! Streams that sources feed: one at a time writes bursts whose packets are rewritten already.

use super::track::{Anchor, TrackPosition};
use super::{Stream, lock};
use crate::burst::{Parts, Stages};
use crate::clock::MILLISECOND;
use crate::ingest::Upstream;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A walk over the readers that takes less than this is repeated rather than put off: about fifty readers over TCP.
const PATIENCE_FROM_NS: u64 = 400_000;

/// Longest that packets are held back for the rest of their access unit.
const PATIENCE_NS: u64 = 2 * MILLISECOND;

/// A burst of a source, its packets rewritten.
#[derive(Debug)]
pub(crate) struct Relayed {
    /// Index of the track.
    pub(crate) track: usize,
    /// See [`Burst::bytes`].
    pub(crate) bytes: Vec<u8>,
    /// See [`Burst::ends`].
    pub(crate) ends: Vec<u32>,
    /// Media time of the first packet.
    pub(crate) pts: i64,
    /// Whether a reader can start here.
    pub(crate) random_access: bool,
    /// Where the track goes on behind it.
    pub(crate) position: TrackPosition,
    /// When it passed the stages.
    pub(crate) stages: Stages,
}

/// Another source feeds the stream now, or it has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Superseded;

impl Stream {
    /// Hands a burst of the source `number` to every subscriber.
    pub(crate) fn relay(&self, number: u64, relayed: Relayed) -> Result<(), Superseded> {
        let mut writer = lock(self.writers.get(relayed.track).ok_or(Superseded)?);
        let mut core = lock(&self.core);
        if core.ended.is_some() || core.source != Some(number) {
            return Err(Superseded);
        }
        let packets = relayed.ends.len() as u64;
        let position = relayed.position;
        writer.rtp.next_sequence = position.next_sequence;
        writer.newest_pts = position.newest_pts;
        writer.last = Some(Anchor {
            timestamp: position.timestamp_base.wrapping_add(relayed.pts as u32),
            captured: relayed.stages.captured,
        });
        let packets_before = writer.packets;
        writer.packets += packets;
        self.counters.packets.fetch_add(packets, Ordering::Relaxed);
        self.counters
            .bytes
            .fetch_add(relayed.bytes.len() as u64, Ordering::Relaxed);
        self.push_to(
            &mut core,
            Parts {
                index: 0,
                track: relayed.track,
                bytes: relayed.bytes,
                ends: relayed.ends,
                pts: relayed.pts,
                packets_before,
                random_access: relayed.random_access,
                stages: relayed.stages,
            },
        );
        Ok(())
    }

    /// Where a track goes on.
    pub(crate) fn position(&self, track: usize) -> TrackPosition {
        let writer = lock(&self.writers[track]);
        TrackPosition {
            ssrc: writer.rtp.ssrc,
            payload_type: writer.rtp.payload_type,
            channel: writer.rtp.channel,
            timestamp_base: writer.timestamp_base,
            next_sequence: writer.rtp.next_sequence,
            newest_pts: writer.newest_pts,
        }
    }

    /// From now on only the source `number` writes. `false` when the stream has ended.
    pub(crate) fn admit(&self, number: u64, upstream: Arc<dyn Upstream>, now: u64) -> bool {
        let mut core = lock(&self.core);
        if core.ended.is_some() {
            return false;
        }
        core.source = Some(number);
        core.last_source = Some(number);
        self.source_seen.store(now, Ordering::Relaxed);
        let former = lock(&self.upstream).replace(upstream);
        if let Some(former) = former {
            former.superseded();
        }
        true
    }

    /// The source `number` is gone. `false` when another one writes already, or the stream has ended.
    pub(crate) fn dismiss(&self, number: u64) -> bool {
        let mut core = lock(&self.core);
        if core.ended.is_some() || core.source != Some(number) {
            return false;
        }
        core.source = None;
        *lock(&self.upstream) = None;
        true
    }

    /// Number of the source that feeds it, while there is one.
    pub fn source(&self) -> Option<u64> {
        lock(&self.core).source
    }

    /// Whether no source has come after the source `number`, which is gone.
    pub(crate) fn is_vacant_since(&self, number: u64) -> bool {
        let core = lock(&self.core);
        core.source.is_none() && core.last_source == Some(number)
    }

    /// A shard took this long to write to all of its readers, in nanoseconds.
    pub(crate) fn walked(&self, walk_ns: u64) {
        self.walk_ns.store(walk_ns, Ordering::Relaxed);
    }

    /// How long a source may hold back the packets of an access unit that is not whole, in nanoseconds. Where readers
    /// are many, two walks over them for one access unit take longer than to wait for its end; where they are few,
    /// there is no reason to wait.
    pub(crate) fn patience_ns(&self) -> u64 {
        match self.walk_ns.load(Ordering::Relaxed) {
            ..PATIENCE_FROM_NS => 0,
            walk => walk.min(PATIENCE_NS),
        }
    }

    /// The source was heard at `now`.
    pub(crate) fn source_seen(&self, now: u64) {
        self.source_seen.store(now, Ordering::Relaxed);
    }

    /// When the source was heard last, in nanoseconds of the engine's clock.
    pub(crate) fn source_seen_at(&self) -> u64 {
        self.source_seen.load(Ordering::Relaxed)
    }
}
