//! Work of the engine that needs no socket, which is timed (`micro`) and whose instructions are counted (`counted`).

use relaycore_engine::burst::{Burst, Parts, Stages};
use relaycore_engine::cursor::{Cursor, Joining, Selection};
use relaycore_engine::frames::{FrameBuffer, FramePool, Handoff};
use relaycore_engine::ring::{Ring, RingLimits};
use relaycore_engine::stream::JoinPolicy;
use std::sync::Arc;
use std::time::Duration;

/// Cursors that a new burst is walked for.
const CURSORS: usize = 100;

/// Bytes of a burst: one short packet in its frame.
const PACKET: [u8; 20] = [
    b'$', 0, 0, 16, 0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0x41, 1, 2, 3,
];

/// A ring and the cursors of its readers.
pub(crate) struct Walking {
    ring: Ring,
    cursors: Vec<Cursor>,
    next: u64,
}

impl Default for Walking {
    fn default() -> Self {
        let limits = RingLimits {
            bytes: 1000 * PACKET.len(),
            age_ns: u64::MAX,
        };
        let mut walking = Self {
            ring: Ring::new(limits),
            cursors: Vec::new(),
            next: 0,
        };
        walking.push();
        let joining = Joining {
            policy: JoinPolicy::Raw,
            can_force_key_frames: false,
            now: 0,
        };
        let selection = Selection::new([0], 0);
        walking
            .cursors
            .extend((0..CURSORS).map(|_| Cursor::join(selection, &walking.ring, joining)));
        walking
    }
}

impl Walking {
    /// A burst comes, and each reader takes what it has not had; gives how many bursts that were.
    pub(crate) fn walk(&mut self) -> usize {
        self.push();
        let mut taken = 0;
        for cursor in &mut self.cursors {
            while cursor.take(&self.ring).is_some() {
                taken += 1;
            }
        }
        taken
    }

    fn push(&mut self) {
        let burst = Burst::new(Parts {
            index: self.next,
            track: 0,
            bytes: PACKET.to_vec(),
            ends: vec![PACKET.len() as u32],
            pts: 0,
            packets_before: self.next,
            random_access: true,
            stages: Stages::default(),
        });
        self.next += 1;
        self.ring.push(Arc::new(burst), true);
    }
}

/// Frames on their way to an encoder.
pub(crate) struct Handing {
    pool: FramePool,
    handoff: Handoff<FrameBuffer>,
}

impl Default for Handing {
    fn default() -> Self {
        Self {
            pool: FramePool::new(64, 64, 3).expect("an even size"),
            handoff: Handoff::default(),
        }
    }
}

impl Handing {
    /// A frame is taken from the pool, left for the encoder, taken by it, and goes back; gives its width.
    pub(crate) fn hand(&self) -> usize {
        let frame = self.pool.acquire().expect("a free frame");
        self.handoff.offer(frame);
        let frame = self.handoff.take(Some(Duration::ZERO));
        frame.map_or(0, |frame| frame.width())
    }
}
