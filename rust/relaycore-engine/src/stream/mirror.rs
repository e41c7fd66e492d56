//! A stream that shows what another one shows, under numbers of its own: many cameras of one encode.
//!
//! The packets of the source are made once. As long as somebody reads the mirror, each burst is copied, and SSRC,
//! sequence numbers and timestamps in the copy are those of the mirror; while nobody does, the mirror hears nothing of
//! the source and costs nothing. What goes wrong with real cameras can be made to go wrong here: [`Faults`].
//!
//! Locks are taken in this order: those of [`Mirror`], the source's, the mirror's own stream's. [`Mirror::state`] comes
//! behind the source's.

use super::delay::Delays;
use super::source::Relayed;
use super::track::TrackPosition;
use super::{Stream, StreamId, Subscriber, lock};
use crate::burst::{Burst, FRAME_HEADER};
use crate::clock::now_ns;
use crate::ingest::Upstream;
use crate::random::random_u64;
use relaycore_proto::rtp::SequenceNumber;
use std::sync::{Arc, Mutex, Weak};

/// What goes wrong with a mirror.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Faults {
    /// Share of the packets that are lost, from 0 to 1.
    pub loss: f64,
    /// Packets come late by anything up to this, in nanoseconds; they keep their order.
    pub jitter_ns: u64,
    /// Nothing comes, and sessions go on.
    pub frozen: bool,
    /// How far the clock of its sender reports is ahead, in nanoseconds.
    pub clock_offset_ns: i64,
}

/// What makes a stream a mirror.
pub(super) struct Mirror {
    number: u64,
    source: Arc<Stream>,
    own: Weak<Stream>,
    this: Weak<Self>,
    /// By track: how far timestamps are ahead of the source's.
    shifts: Vec<u32>,
    /// Whether it hears of the source.
    attached: Mutex<bool>,
    state: Mutex<State>,
    delays: Arc<Delays>,
}

struct State {
    faults: Faults,
    /// Nothing goes on before a random access point: something is missing.
    waiting: bool,
    /// Number of the next packet, by track.
    next: Vec<SequenceNumber>,
    /// When the burst before is due.
    due: u64,
    /// Bursts that are late.
    late: usize,
    dice: u64,
}

impl Mirror {
    /// Makes `own`, which nobody has written to, a mirror of `source`. `number` names it among sources. Not of another
    /// mirror.
    pub(super) fn begin(
        number: u64,
        own: &Arc<Stream>,
        source: Arc<Stream>,
        delays: Arc<Delays>,
    ) -> bool {
        let tracks = own.writers.len();
        let base = |stream: &Stream, track| stream.position(track).timestamp_base;
        let shifts = (0..tracks)
            .map(|track| base(own, track).wrapping_sub(base(&source, track)))
            .collect();
        let next = (0..tracks).map(|track| own.position(track).next_sequence);
        let state = State {
            faults: Faults::default(),
            waiting: false,
            next: next.collect(),
            due: 0,
            late: 0,
            dice: random_u64() | 1,
        };
        let mirror = Arc::new_cyclic(|this| Self {
            number,
            source: Arc::clone(&source),
            own: Arc::downgrade(own),
            this: Weak::clone(this),
            shifts,
            attached: Mutex::new(false),
            state: Mutex::new(state),
            delays,
        });
        let asks = Arc::clone(&mirror) as Arc<dyn Upstream>;
        own.admit(number, asks, now_ns())
            && own.mirror.set(Arc::clone(&mirror)).is_ok()
            && source.witness(mirror)
    }

    /// Somebody begins to read: what the source holds from its newest random access point on comes at once.
    pub(super) fn attach(&self) {
        let mut attached = lock(&self.attached);
        let (Some(own), Some(this)) = (self.own.upgrade(), self.this.upgrade()) else {
            return;
        };
        if !*attached {
            own.clear();
            lock(&self.state).waiting = true;
            *attached = self.source.follow(this);
        }
    }

    /// Somebody reads no more.
    pub(super) fn detach(&self) {
        let mut attached = lock(&self.attached);
        let (Some(own), Some(this)) = (self.own.upgrade(), self.this.upgrade()) else {
            return;
        };
        if *attached && !own.has_subscribers() {
            self.source.unfollow(&(this as Arc<dyn Subscriber>));
            own.clear();
            *attached = false;
        }
    }

    /// Its stream has ended.
    pub(super) fn leave(&self) {
        if let Some(this) = self.this.upgrade() {
            self.source.unsubscribe(&(this as Arc<dyn Subscriber>));
        }
    }

    pub(super) fn source(&self) -> Arc<Stream> {
        Arc::clone(&self.source)
    }

    pub(super) fn faults(&self) -> Faults {
        lock(&self.state).faults
    }

    pub(super) fn set_faults(&self, faults: Faults) {
        let was_frozen = std::mem::replace(&mut lock(&self.state).faults, faults).frozen;
        if was_frozen && !faults.frozen {
            self.source.want_key_frame();
        }
    }

    /// As [`Mirror::relay`], for a burst that was late.
    pub(super) fn relay_late(&self, burst: &Burst) {
        self.relay(burst);
        lock(&self.state).late -= 1;
    }

    /// Gives a burst of the source to the readers of the mirror.
    fn relay(&self, burst: &Burst) {
        let Some(own) = self.own.upgrade() else {
            return;
        };
        let position = own.position(burst.track);
        let relayed = self.rewritten(burst, position, own.start_track());
        if let Some(relayed) = relayed {
            // A stream that has ended takes nothing more.
            let _ = own.relay(self.number, relayed);
        }
    }

    fn rewritten(
        &self,
        burst: &Burst,
        mut position: TrackPosition,
        start_track: usize,
    ) -> Option<Relayed> {
        let mut state = lock(&self.state);
        let is_start = burst.random_access && burst.track == start_track;
        state.waiting = state.faults.frozen || (state.waiting && !is_start);
        if state.waiting {
            return None;
        }
        let shift = self.shifts.get(burst.track)?;
        let (mut bytes, mut ends) = (
            Vec::with_capacity(burst.bytes.len()),
            Vec::with_capacity(burst.ends.len()),
        );
        let mut start = 0;
        for end in &burst.ends {
            let end = *end as usize;
            let sequence = state.next[burst.track];
            state.next[burst.track] = sequence.next();
            if state.loses() {
                start = end;
                continue;
            }
            let at = bytes.len() + FRAME_HEADER;
            bytes.extend_from_slice(burst.bytes.get(start..end)?);
            start = end;
            let header: &mut [u8; 12] = bytes.get_mut(at..at + 12)?.try_into().ok()?;
            let timestamp = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
            header[2..4].copy_from_slice(&sequence.0.to_be_bytes());
            header[4..8].copy_from_slice(&timestamp.wrapping_add(*shift).to_be_bytes());
            header[8..12].copy_from_slice(&position.ssrc.0.to_be_bytes());
            ends.push(bytes.len() as u32);
        }
        position.next_sequence = state.next[burst.track];
        position.newest_pts = position.newest_pts.max(Some(burst.pts));
        (!ends.is_empty()).then_some(Relayed {
            track: burst.track,
            bytes,
            ends,
            pts: burst.pts,
            random_access: burst.random_access,
            position,
            stages: burst.stages,
        })
    }
}

impl State {
    /// Whether the next packet is lost.
    fn loses(&mut self) -> bool {
        self.faults.loss > 0.0 && self.chance() < self.faults.loss
    }

    /// When the next burst is due: behind the one before, and late by up to the jitter.
    fn next_due(&mut self, now: u64) -> u64 {
        let late = (self.chance() * self.faults.jitter_ns as f64) as u64;
        self.due = self.due.max(now.saturating_add(late));
        self.due
    }

    /// Something from 0 to 1 (xorshift64, Marsaglia 2003): what is lost need not be hard to guess.
    fn chance(&mut self) -> f64 {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        (self.dice >> 11) as f64 / (1u64 << 53) as f64
    }
}

impl Subscriber for Mirror {
    fn burst(&self, _: StreamId, burst: &Arc<Burst>) {
        let due = {
            let mut state = lock(&self.state);
            // None overtakes those that are late.
            (state.faults.jitter_ns > 0 || state.late > 0).then(|| {
                state.late += 1;
                state.next_due(now_ns())
            })
        };
        let Some((due, this)) = due.zip(self.this.upgrade()) else {
            return self.relay(burst);
        };
        if !self.delays.add(due, this, Arc::clone(burst)) {
            self.relay_late(burst);
        }
    }

    fn ended(&self, _: StreamId) {
        if let Some(own) = self.own.upgrade() {
            own.end("the stream that it shows has ended");
        }
    }
}

impl Upstream for Mirror {
    fn key_frame_wanted(&self) {
        if let Some(own) = self.own.upgrade() {
            // The source keeps the demands of all its mirrors together.
            own.key_frame_wanted();
        }
        self.source.want_key_frame();
    }

    fn superseded(&self) {}
}

#[cfg(test)]
mod tests;
