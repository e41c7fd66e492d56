//! A reader inside this process: access units instead of packets.

use crate::burst::{Burst, Stages};
use crate::clock::now_ns;
use crate::cursor::{Cursor, Joining, Selection};
use crate::events::{Event, EventQueue};
use crate::ring::Ring;
use crate::stream::{JoinPolicy, Stream, StreamId, Subscriber};
use relaycore_proto::payload::Depacketiser;
use relaycore_proto::rtp::RtpPacket;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// An access unit as it was written to the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadUnit {
    /// Index of the track.
    pub track: usize,
    /// The encoded bytes: Annex B, one raw AAC frame, or a whole JPEG.
    pub data: Vec<u8>,
    /// Media time in ticks of the track's clock rate from the zero of the engine's clock.
    pub pts: i64,
    /// Whether a reader can start here.
    pub random_access: bool,
    /// When it passed the stages.
    pub stages: Stages,
}

/// Reads a stream from its newest random access point on.
///
/// Bursts wait in a queue bounded in bytes; a reader that is too slow loses everything up to the next random access
/// point, and what it lost is counted.
pub struct Reader {
    id: u64,
    stream: Arc<Stream>,
    queue: Arc<Queue>,
    subscriber: Arc<dyn Subscriber>,
    depacketisers: Mutex<Vec<Depacketiser>>,
    closed: AtomicBool,
}

struct Queue {
    id: u64,
    selection: Selection,
    most_bytes: usize,
    events: Arc<EventQueue>,
    state: Mutex<QueueState>,
}

#[derive(Default)]
struct QueueState {
    bursts: VecDeque<Arc<Burst>>,
    bytes: usize,
    /// Bursts are discarded until the next random access point.
    waiting: bool,
    announced: bool,
    ended: bool,
    discarded: u64,
}

impl Reader {
    /// A reader of `stream`, announced in `events` as `id` when it has something. `None` when the stream has ended.
    pub(crate) fn open(
        id: u64,
        stream: Arc<Stream>,
        most_bytes: usize,
        events: Arc<EventQueue>,
    ) -> Option<Self> {
        let tracks = stream.tracks();
        let selection = Selection::new(0..tracks.len(), stream.start_track());
        let state = Mutex::new(QueueState {
            waiting: true,
            ..QueueState::default()
        });
        let queue = Arc::new(Queue {
            id,
            selection,
            most_bytes,
            events,
            state,
        });
        let subscriber: Arc<dyn Subscriber> = Arc::clone(&queue) as Arc<dyn Subscriber>;
        // Held while subscribing, so that what comes at once queues up behind what is in the ring.
        let mut state = lock(&queue.state);
        let ring = stream.subscribe(Arc::clone(&subscriber))?;
        let waits = state.join(&ring, &stream, selection, most_bytes);
        queue.announce(&mut state);
        drop(state);
        if waits {
            stream.want_key_frame();
        }
        stream.counters.readers.fetch_add(1, Ordering::Relaxed);
        let depacketisers = Mutex::new(tracks.iter().map(Depacketiser::new).collect());
        Some(Self {
            id,
            stream,
            queue,
            subscriber,
            depacketisers,
            closed: AtomicBool::new(false),
        })
    }

    /// Its name in [`Event::ReaderReady`].
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The stream it reads.
    pub fn stream(&self) -> &Arc<Stream> {
        &self.stream
    }

    /// Takes about `limit` access units that are there, oldest first; never waits. When it gives none, the next one is
    /// announced.
    pub fn take(&self, limit: usize) -> Vec<ReadUnit> {
        let mut depacketisers = lock(&self.depacketisers);
        let mut units = Vec::new();
        while units.len() < limit {
            let burst = {
                let mut state = lock(&self.queue.state);
                let Some(burst) = state.bursts.pop_front() else {
                    state.announced = false;
                    break;
                };
                state.bytes -= burst.bytes.len();
                burst
            };
            if let Some(depacketiser) = depacketisers.get_mut(burst.track) {
                depacketise(depacketiser, &burst, &mut units);
            }
        }
        units
    }

    /// Whether the stream has ended and all was taken.
    pub fn has_ended(&self) -> bool {
        let state = lock(&self.queue.state);
        state.ended && state.bursts.is_empty()
    }

    /// RTP packets that it lost because it was too slow.
    pub fn discarded(&self) -> u64 {
        lock(&self.queue.state).discarded
    }

    /// Stops reading: what waits is dropped, nothing more comes.
    pub fn close(&self) {
        self.stream.unsubscribe(&self.subscriber);
        if !self.closed.swap(true, Ordering::Relaxed) {
            self.stream.counters.readers.fetch_sub(1, Ordering::Relaxed);
        }
        let mut state = lock(&self.queue.state);
        if !std::mem::replace(&mut state.ended, true) || !state.bursts.is_empty() {
            state.bursts.clear();
            state.bytes = 0;
        }
        drop(state);
        // Here and not when it is dropped, which a program may put off for long.
        if !self.closed.swap(true, Ordering::Relaxed) {
            self.stream.counters.readers.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.close();
    }
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader")
            .field("id", &self.id)
            .field("stream", &self.stream)
            .finish_non_exhaustive()
    }
}

impl QueueState {
    /// Takes what the policy gives from the ring; says whether a random access point is waited for.
    fn join(
        &mut self,
        ring: &Ring,
        stream: &Stream,
        selection: Selection,
        most_bytes: usize,
    ) -> bool {
        // In this process nothing is played by the clock of timestamps, so nothing has to be squeezed.
        let options = stream.options();
        let policy = if options.join == JoinPolicy::Wait {
            JoinPolicy::Wait
        } else {
            JoinPolicy::Raw
        };
        let joining = Joining {
            policy,
            can_force_key_frames: options.can_force_key_frames,
            now: now_ns(),
        };
        let mut cursor = Cursor::join(selection, ring, joining);
        self.waiting = cursor.is_waiting();
        while let Some(burst) = cursor.take(ring) {
            self.bytes += burst.bytes.len();
            self.bursts.push_back(burst);
        }
        if self.bytes > most_bytes {
            self.bursts.clear();
            self.bytes = 0;
            self.waiting = true;
        }
        self.waiting
    }
}

impl Queue {
    fn announce(&self, state: &mut QueueState) {
        if !state.announced && (!state.bursts.is_empty() || state.ended) {
            state.announced = self.events.push(Event::ReaderReady(self.id));
        }
    }
}

impl Subscriber for Queue {
    fn burst(&self, _: StreamId, burst: &Arc<Burst>) {
        let mut state = lock(&self.state);
        if state.waiting && !self.selection.is_start(burst) {
            state.discarded += if state.discarded > 0 {
                burst.packet_count() as u64
            } else {
                0
            };
            return;
        }
        state.waiting = false;
        if state.bytes + burst.bytes.len() > self.most_bytes {
            state.discarded += state
                .bursts
                .iter()
                .map(|burst| burst.packet_count() as u64)
                .sum::<u64>();
            state.bursts.clear();
            state.bytes = 0;
            if !self.selection.is_start(burst) {
                state.discarded += burst.packet_count() as u64;
                state.waiting = true;
                return;
            }
        }
        state.bytes += burst.bytes.len();
        state.bursts.push_back(Arc::clone(burst));
        self.announce(&mut state);
    }

    fn ended(&self, _: StreamId) {
        let mut state = lock(&self.state);
        state.ended = true;
        // Said even if something was said already: that may be about to be taken.
        state.announced = self.events.push(Event::ReaderReady(self.id));
    }
}

/// Appends the access units that `burst` completes to `units`.
fn depacketise(depacketiser: &mut Depacketiser, burst: &Burst, units: &mut Vec<ReadUnit>) {
    let mut complete = Vec::new();
    for packet in burst.rtp_packets() {
        // A packet that was made here is always understood; one of a foreign publisher may not be: it is left out.
        if let Ok(packet) = RtpPacket::parse(packet) {
            let _ = depacketiser.push(&packet, &mut complete);
        }
    }
    units.extend(complete.into_iter().map(|unit| ReadUnit {
        track: burst.track,
        data: unit.data,
        pts: burst.pts.wrapping_add(i64::from(
            unit.timestamp.wrapping_sub(burst.timestamp) as i32
        )),
        random_access: unit.random_access || burst.random_access,
        stages: burst.stages,
    }));
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
