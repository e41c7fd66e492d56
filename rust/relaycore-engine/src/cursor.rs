//! Where a reader is in a stream: how it joins, what it gets next, and how it skips when it is too slow.
//!
//! Nothing here knows a socket. The owner of a cursor keeps a [`Ring`] of the stream and asks.

use crate::burst::Burst;
use crate::clock::{MILLISECOND, SECOND};
use crate::ring::Ring;
use crate::squeeze::squeeze;
use crate::stream::JoinPolicy;
use std::collections::VecDeque;
use std::sync::Arc;

/// A cached random access point younger than this is as good as one made now, even where one can be asked for.
const FRESH_NS: u64 = 250 * MILLISECOND;

/// Sound that is sent from before the first picture, at most; it makes the first packet of its track known.
const PRELUDE_NS: u64 = 200 * MILLISECOND;

/// Which tracks of a stream a reader has set up, and which of them it starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Selection {
    mask: u64,
    start_track: usize,
}

impl Selection {
    /// The tracks in `tracks`; a reader starts at a random access point of `start_track` if it has that, else of the
    /// first that it has.
    pub fn new(tracks: impl IntoIterator<Item = usize>, start_track: usize) -> Self {
        let mask = tracks
            .into_iter()
            .filter(|track| *track < 64)
            .fold(0, |mask, track| mask | 1u64 << track);
        let has_start = start_track < 64 && mask >> start_track & 1 == 1;
        Self {
            mask,
            start_track: if has_start {
                start_track
            } else {
                mask.trailing_zeros() as usize
            },
        }
    }

    /// The same without `track`, which leaves at least one.
    pub fn without(self, track: usize) -> Self {
        let left = (0..64).filter(|other| *other != track && self.mask >> other & 1 == 1);
        Self::new(left, self.start_track)
    }

    /// Whether the reader gets this burst.
    pub fn has(&self, burst: &Burst) -> bool {
        burst.track < 64 && self.mask >> burst.track & 1 == 1
    }

    /// Whether the reader can start at this burst.
    pub fn is_start(&self, burst: &Burst) -> bool {
        burst.track == self.start_track && burst.random_access
    }
}

/// A reader's place; see the module.
#[derive(Debug)]
pub struct Cursor {
    selection: Selection,
    /// Bursts before `next` that it still gets, some of them private copies.
    catch_up: VecDeque<Arc<Burst>>,
    next: u64,
    waiting: bool,
    /// Index and timestamp of the random access point that it started from, until the next one.
    started: Option<(u64, u32)>,
    /// Bursts before this one were sent or given up: they do not come again.
    floor: u64,
    /// When it joined or skipped last: the age of older bursts counts from then, since it could not have had them
    /// sooner.
    since: u64,
    /// How far its numbers of the track that it starts from are beyond those of the stream; see [`Cursor::ahead`].
    ahead: i64,
    /// How many packets of each track that it gets came before the next one it takes or leaves out, once that is known.
    positions: Vec<(usize, u64)>,
    missed: u64,
}

/// How a reader should join a stream.
#[derive(Debug, Clone, Copy)]
pub struct Joining {
    /// The policy of the stream.
    pub policy: JoinPolicy,
    /// Whether a key frame can be asked for.
    pub can_force_key_frames: bool,
    /// Nanoseconds of the engine's clock.
    pub now: u64,
}

impl Cursor {
    /// A cursor that has joined, or waits for the next random access point (see [`Cursor::is_waiting`]: ask for a key
    /// frame then).
    pub fn join(selection: Selection, ring: &Ring, joining: Joining) -> Self {
        let mut cursor = Self {
            selection,
            catch_up: VecDeque::new(),
            next: ring.end(),
            waiting: true,
            started: None,
            floor: 0,
            since: joining.now,
            ahead: 0,
            positions: Vec::new(),
            missed: 0,
        };
        let start = ring.from(0).rev().find(|burst| selection.is_start(burst));
        let Some(start) = start.filter(|_| joining.policy != JoinPolicy::Wait) else {
            return cursor;
        };
        let fresh = joining.now.saturating_sub(start.stages.packetised) < FRESH_NS;
        let index = start.index;
        match joining.policy {
            JoinPolicy::Raw => cursor.start(ring, index),
            _ if fresh || !joining.can_force_key_frames => cursor.start_squeezed(ring, index),
            _ => {}
        }
        cursor
    }

    /// The reader gets this track no longer.
    pub fn leave(&mut self, track: usize) {
        let start_track = self.selection.start_track;
        self.selection = self.selection.without(track);
        if self.selection.start_track != start_track {
            // Timestamps of another track say nothing about what leads.
            self.started = None;
            self.ahead = 0;
        }
        self.catch_up.retain(|burst| burst.track != track);
        self.positions.retain(|(known, _)| *known != track);
    }

    /// Whether it waits for a random access point.
    pub fn is_waiting(&self) -> bool {
        self.waiting
    }

    /// Starts, when it waits and a random access point has come; says whether it has started now.
    pub fn try_start(&mut self, ring: &Ring) -> bool {
        if !self.waiting {
            return false;
        }
        let selection = self.selection;
        let start = ring
            .from(self.next)
            .find(|burst| selection.is_start(burst))
            .map(|burst| burst.index);
        if let Some(start) = start {
            self.start(ring, start);
        }
        start.is_some()
    }

    /// What to send now, without moving on.
    pub fn peek<'a>(&'a mut self, ring: &'a Ring) -> Option<&'a Arc<Burst>> {
        if self.waiting {
            return None;
        }
        if !self.catch_up.is_empty() {
            return self.catch_up.front();
        }
        self.next = self.next.max(ring.first());
        let burst = ring.get(self.next)?;
        if self.wants(burst) {
            return Some(burst);
        }
        self.pass_unwanted(ring);
        ring.get(self.next)
    }

    /// Takes what [`Cursor::peek`] gives, and moves past it.
    pub fn take(&mut self, ring: &Ring) -> Option<Arc<Burst>> {
        let burst = Arc::clone(self.peek(ring)?);
        if self.catch_up.pop_front().is_none() {
            self.next += 1;
        } else if self.catch_up.is_empty() {
            self.catch_up = VecDeque::new();
        }
        let is_later =
            |(start, _): &mut (u64, u32)| burst.index > *start && self.selection.is_start(&burst);
        self.started.take_if(is_later);
        let before = burst.packets_before;
        let after = before + burst.packet_count() as u64;
        let known = self
            .positions
            .iter_mut()
            .find(|(track, _)| *track == burst.track);
        match known {
            Some((_, position)) => {
                self.missed += before.saturating_sub(*position);
                *position = after;
            }
            None => self.positions.push((burst.track, after)),
        }
        Some(burst)
    }

    /// RTP packets that passed by unseen since the last call: while it waited, or because they left the ring. What
    /// [`Cursor::skip`] told is not told again.
    pub fn missed(&mut self) -> u64 {
        std::mem::take(&mut self.missed)
    }

    /// When this reader could have had a burst first, in nanoseconds of the engine's clock.
    pub fn could_have(&self, burst: &Burst) -> u64 {
        self.since.max(burst.stages.packetised)
    }

    /// How long the next burst has waited at `now`, in nanoseconds; 0 when there is none. A burst that has left the
    /// ring has waited for ever.
    pub fn age(&mut self, ring: &Ring, now: u64) -> u64 {
        if self.waiting {
            return 0;
        }
        if self.catch_up.is_empty() && self.next < ring.first() {
            return u64::MAX;
        }
        self.behind_since(ring)
            .map_or(0, |since| now.saturating_sub(since))
    }

    /// When it could have had the next burst, in nanoseconds of the engine's clock; `None` when there is none yet.
    pub fn behind_since(&mut self, ring: &Ring) -> Option<u64> {
        let since = self.since;
        self.peek(ring)
            .map(|burst| since.max(burst.stages.packetised))
    }

    /// Gives up what was not taken at `now` and goes on at the newest random access point, or waits for the next one.
    /// Gives the number of RTP packets that are skipped.
    pub fn skip(&mut self, ring: &Ring, now: u64) -> u64 {
        let selection = self.selection;
        let start = ring
            .from(self.next)
            .rev()
            .find(|burst| selection.is_start(burst))
            .map(|burst| burst.index);
        let to = start.unwrap_or(ring.end());
        let passed = ring.from(self.next).take_while(|burst| burst.index < to);
        self.leave_out(self.leading_packets(passed));
        let positions = std::mem::take(&mut self.positions);
        let mut skipped = 0;
        for (track, position) in positions {
            let next = ring.from(to).find(|burst| burst.track == track);
            let last = ring.from(0).rev().find(|burst| burst.track == track);
            let reached = match (next, last) {
                (Some(next), _) => next.packets_before,
                (None, Some(last)) => last.packets_before + last.packet_count() as u64,
                (None, None) => position,
            };
            skipped += reached.saturating_sub(position);
            self.positions.push((track, reached.max(position)));
        }
        self.catch_up.clear();
        self.next = to;
        self.floor = to;
        self.since = now;
        self.waiting = true;
        // Numbers jump here in any case: they may be those of the stream again.
        self.ahead = 0;
        if let Some(start) = start {
            self.begin(ring, start);
        }
        skipped
    }

    /// Sequence number and timestamp of the first packet of each track that will be sent, as far as it is known.
    pub fn first_packets(&self, ring: &Ring) -> Vec<(usize, u16, u32)> {
        let mut first: Vec<(usize, u16, u32)> = Vec::new();
        for burst in self
            .catch_up
            .iter()
            .chain(ring.from(self.next))
            .filter(|burst| self.selection.has(burst))
        {
            if !first.iter().any(|(track, ..)| *track == burst.track) {
                let sequence = burst.sequence.wrapping_add(self.ahead(burst.track));
                first.push((burst.track, sequence, burst.timestamp));
            }
        }
        first.sort_unstable();
        first
    }

    /// How far the reader's sequence numbers of `track` are beyond those of the stream, modulo 2^16, from the burst on
    /// that it took last.
    ///
    /// A jump in the numbers means packets that were lost (RFC 3550 §5.1), and those that lead are none that the reader
    /// should have got. So where it is known how many are left out, what comes before them has numbers that are so much
    /// higher, and the stream's own are reached behind them, at no cost for the rest of its time. Those that had not come
    /// when the reader started are taken off what follows.
    pub fn ahead(&self, track: usize) -> u16 {
        match track == self.selection.start_track {
            true => self.ahead as u16,
            false => 0,
        }
    }

    /// The moment that belongs to the timestamp of the first burst of the track it starts from, when it has started: that
    /// of its capture, and as much later as the timestamp was squeezed. `clock_rate` is that of the track.
    pub fn first_moment(&self, ring: &Ring, clock_rate: u32) -> Option<u64> {
        let first = self
            .catch_up
            .iter()
            .chain(ring.from(self.next))
            .find(|burst| self.selection.is_start(burst))?;
        let own = ring
            .get(first.index)
            .map_or(first.timestamp, |burst| burst.timestamp);
        let later =
            u64::from(first.timestamp.wrapping_sub(own)) * SECOND / u64::from(clock_rate.max(1));
        Some(first.stages.captured + later)
    }

    /// The track that it starts from.
    pub fn start_track(&self) -> usize {
        self.selection.start_track
    }

    /// Whether the reader gets this burst.
    fn wants(&self, burst: &Burst) -> bool {
        self.selection.has(burst) && !self.leads(burst)
    }

    /// Moves on to the next burst that it gets.
    #[inline(never)]
    fn pass_unwanted(&mut self, ring: &Ring) {
        while let Some(burst) = ring.get(self.next).filter(|burst| !self.wants(burst)) {
            if self.selection.has(burst) {
                self.leave_out(burst.packet_count() as u64);
            }
            self.next += 1;
        }
    }

    /// Whether this burst is left out. Pictures that are sent behind the random access point that the reader started from,
    /// but shown before it, refer to pictures that it never had: leading pictures of H.265, or of an open group. The next
    /// random access point is none of them: where it seems to be, the clock of the source was set back.
    fn leads(&self, burst: &Burst) -> bool {
        self.started.is_some_and(|(index, timestamp)| {
            burst.track == self.selection.start_track
                && burst.index > index
                && (burst.timestamp.wrapping_sub(timestamp) as i32) < 0
                && !burst.random_access
        })
    }

    fn start(&mut self, ring: &Ring, index: u64) {
        self.prelude(ring, index);
        self.begin(ring, index);
    }

    /// Goes on with the random access point of this index.
    fn begin(&mut self, ring: &Ring, index: u64) {
        self.started = ring.get(index).map(|burst| (index, burst.timestamp));
        let group = ring
            .from(index)
            .take_while(|burst| burst.index == index || !self.selection.is_start(burst));
        self.ahead = self.leading_packets(group) as i64;
        self.next = index;
        self.waiting = false;
    }

    /// Passes so many packets of the track that it starts from.
    fn leave_out(&mut self, packets: u64) {
        self.ahead -= packets as i64;
        let track = self.selection.start_track;
        if let Some((_, position)) = self.positions.iter_mut().find(|(known, _)| *known == track) {
            *position += packets;
        }
    }

    /// How many packets of these bursts are left out.
    fn leading_packets<'a>(&self, bursts: impl Iterator<Item = &'a Arc<Burst>>) -> u64 {
        let leading = bursts.filter(|burst| self.leads(burst));
        leading.map(|burst| burst.packet_count() as u64).sum()
    }

    /// Starts at the live edge behind a copy of the group of pictures from `index`, squeezed into the last moments, so
    /// that a player decodes through it at once instead of playing the past.
    fn start_squeezed(&mut self, ring: &Ring, index: u64) {
        self.prelude(ring, ring.end());
        self.started = ring.get(index).map(|burst| (index, burst.timestamp));
        let of = (index, self.selection);
        let copies = ring.squeezed(of, || self.squeezed_group(ring, index));
        self.catch_up.extend(copies);
        self.next = ring.end();
        self.waiting = false;
    }

    /// The squeezed copy of the group of pictures from `index`, without what leads. Its numbers are those that
    /// [`Cursor::ahead`] would make of them.
    fn squeezed_group(&self, ring: &Ring, index: u64) -> Vec<Arc<Burst>> {
        let track = self.selection.start_track;
        let of_track = |burst: &&Arc<Burst>| burst.track == track;
        let group = || ring.from(index).filter(of_track);
        let shown: Vec<_> = group().filter(|burst| !self.leads(burst)).collect();
        let newest = || ring.from(0).filter(of_track).map(|burst| burst.timestamp);
        let is_reordered = newest()
            .zip(newest().skip(1))
            .any(|(one, next)| (next.wrapping_sub(one) as i32) < 0);
        let squeezed = squeeze(&shown, is_reordered);
        let retime = |timestamp| squeezed.get(&timestamp).copied().unwrap_or(timestamp);
        let mut copies = Vec::with_capacity(shown.len());
        let mut ahead = self.leading_packets(group());
        for burst in group() {
            if self.leads(burst) {
                ahead -= burst.packet_count() as u64;
            } else {
                copies.push(Arc::new(burst.caught_up(retime, ahead)));
            }
        }
        copies
    }

    /// The newest burst before `index` of each other track, so that the first packet of every track is known; none that
    /// it had already.
    fn prelude(&mut self, ring: &Ring, index: u64) {
        let newest = ring
            .from(0)
            .next_back()
            .map_or(0, |burst| burst.stages.packetised);
        let mut seen = 1u64 << self.selection.start_track;
        let from = self.floor.max(ring.first());
        let before = ring.from(from).take((index.saturating_sub(from)) as usize);
        let mut prelude: Vec<_> = Vec::new();
        for burst in before.rev() {
            let old = newest.saturating_sub(burst.stages.packetised) > PRELUDE_NS;
            if old || self.selection.mask & !seen == 0 {
                break;
            }
            if self.selection.has(burst) && seen >> burst.track & 1 == 0 {
                seen |= 1 << burst.track;
                prelude.push(Arc::clone(burst));
            }
        }
        self.catch_up.extend(prelude.into_iter().rev());
    }
}

#[cfg(test)]
mod tests;
