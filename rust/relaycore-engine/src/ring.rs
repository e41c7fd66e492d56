//! The newest bursts of a stream, bounded in bytes and in age.

use crate::burst::Burst;
use crate::cursor::Selection;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;

/// Most copies with other numbers that are kept between two bursts; more are made anew for each reader.
const RENUMBERED_MAX: usize = 8;

/// Bounds of a [`Ring`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RingLimits {
    /// Most bytes of bursts.
    pub bytes: usize,
    /// Oldest burst, in nanoseconds behind the newest.
    pub age_ns: u64,
}

/// Bursts in the order of their index, without gaps; the oldest leave first.
#[derive(Debug)]
pub struct Ring {
    bursts: VecDeque<Arc<Burst>>,
    bytes: usize,
    limits: RingLimits,
    /// Index of the newest random access point of the track that readers start from.
    newest_start: Option<u64>,
    /// Until the next burst comes.
    squeezed: RefCell<Option<Squeezed>>,
    /// Until the next burst comes.
    renumbered: RefCell<Vec<Renumbered>>,
}

/// A copy for readers whose numbers are `shift` further.
#[derive(Debug)]
struct Renumbered {
    of: Arc<Burst>,
    shift: u16,
    copy: Arc<Burst>,
}

/// Copies of a group of pictures for readers of these tracks who join at the random access point of this index.
#[derive(Debug)]
struct Squeezed {
    of: (u64, Selection),
    copies: Vec<Arc<Burst>>,
}

impl Ring {
    /// An empty ring.
    pub fn new(limits: RingLimits) -> Self {
        Self {
            bursts: VecDeque::new(),
            bytes: 0,
            limits,
            newest_start: None,
            squeezed: RefCell::default(),
            renumbered: RefCell::default(),
        }
    }

    /// Adds the next burst; `is_start` says whether a reader can start there. The newest burst always stays.
    pub fn push(&mut self, burst: Arc<Burst>, is_start: bool) {
        debug_assert!(
            self.bursts
                .back()
                .is_none_or(|last| last.index + 1 == burst.index)
        );
        self.squeezed.take();
        self.renumbered.get_mut().clear();
        if is_start {
            self.newest_start = Some(burst.index);
        }
        self.bytes += burst.bytes.len();
        let newest = burst.stages.packetised;
        self.bursts.push_back(burst);
        while self.bursts.len() > 1 {
            let oldest = &self.bursts[0];
            let old = newest.saturating_sub(oldest.stages.packetised) > self.limits.age_ns;
            if !old && self.bytes <= self.limits.bytes {
                break;
            }
            self.bytes -= oldest.bytes.len();
            self.bursts.pop_front();
        }
        if self.newest_start.is_some_and(|start| start < self.first()) {
            self.newest_start = None;
        }
    }

    /// Index of the oldest burst held, or of the next one when there is none.
    pub fn first(&self) -> u64 {
        self.bursts.front().map_or(0, |burst| burst.index)
    }

    /// Index that the next burst will have.
    pub fn end(&self) -> u64 {
        self.bursts.back().map_or(0, |burst| burst.index + 1)
    }

    /// The burst with this index, when it is still here.
    pub fn get(&self, index: u64) -> Option<&Arc<Burst>> {
        let place = index.checked_sub(self.first())?;
        self.bursts.get(usize::try_from(place).ok()?)
    }

    /// Bursts from `index` on.
    pub fn from(
        &self,
        index: u64,
    ) -> impl DoubleEndedIterator<Item = &Arc<Burst>> + ExactSizeIterator {
        let skip = usize::try_from(index.saturating_sub(self.first()))
            .unwrap_or(usize::MAX)
            .min(self.bursts.len());
        self.bursts.range(skip..)
    }

    /// The copies that `make` makes for a reader that joins, made once for all who join between two bursts: a crowd that
    /// comes at once costs one copy of the group of pictures, in time and in memory.
    pub(crate) fn squeezed(
        &self,
        of: (u64, Selection),
        make: impl FnOnce() -> Vec<Arc<Burst>>,
    ) -> Vec<Arc<Burst>> {
        let mut kept = self.squeezed.borrow_mut();
        match &*kept {
            Some(squeezed) if squeezed.of == of => squeezed.copies.clone(),
            _ => {
                let copies = make();
                *kept = Some(Squeezed {
                    of,
                    copies: copies.clone(),
                });
                copies
            }
        }
    }

    /// A burst with sequence numbers that are `shift` further, made once for all readers of such numbers who take it before
    /// the next one comes.
    pub(crate) fn renumbered(&self, burst: &Arc<Burst>, shift: u16) -> Arc<Burst> {
        let mut kept = self.renumbered.borrow_mut();
        let is_it = |one: &&Renumbered| one.shift == shift && Arc::ptr_eq(&one.of, burst);
        if let Some(known) = kept.iter().find(is_it) {
            return Arc::clone(&known.copy);
        }
        let copy = Arc::new(burst.renumbered(shift));
        if kept.len() < RENUMBERED_MAX {
            kept.push(Renumbered {
                of: Arc::clone(burst),
                shift,
                copy: Arc::clone(&copy),
            });
        }
        copy
    }

    /// Index of the newest burst that a reader can start from.
    pub fn newest_start(&self) -> Option<u64> {
        self.newest_start
    }

    /// How many bursts it holds.
    pub fn len(&self) -> usize {
        self.bursts.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.bursts.is_empty()
    }

    /// How many bytes it holds.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::burst::tests::burst;

    fn filled(limits: RingLimits, count: u64) -> Ring {
        let mut ring = Ring::new(limits);
        for index in 0..count {
            let mut burst = burst(index, 0, index as u32, index % 10 == 0, &[84]);
            burst.stages.packetised = index * 1000;
            let start = burst.random_access;
            ring.push(Arc::new(burst), start);
        }
        ring
    }

    #[test]
    fn bytes_are_bounded() {
        let ring = filled(
            RingLimits {
                bytes: 450,
                age_ns: u64::MAX,
            },
            25,
        );
        assert_eq!(
            (ring.len(), ring.bytes(), ring.first(), ring.end()),
            (4, 400, 21, 25)
        );
        assert_eq!(
            ring.newest_start(),
            None,
            "the random access point at 20 has left"
        );
    }

    #[test]
    fn age_is_bounded() {
        let ring = filled(
            RingLimits {
                bytes: usize::MAX,
                age_ns: 6000,
            },
            25,
        );
        assert_eq!((ring.first(), ring.newest_start()), (18, Some(20)));
        assert_eq!(ring.from(20).len(), 5);
        assert_eq!(ring.from(3).len(), 7);
        assert!(ring.get(17).is_none() && ring.get(25).is_none());
        assert_eq!(ring.get(24).map(|burst| burst.index), Some(24));
    }

    #[test]
    fn copies_with_other_numbers_are_shared_until_the_next_burst_and_bounded() {
        let limits = RingLimits {
            bytes: usize::MAX,
            age_ns: u64::MAX,
        };
        let mut ring = filled(limits, 2);
        let [first, second] = [0, 1].map(|index| Arc::clone(ring.get(index).unwrap()));
        let copy = ring.renumbered(&first, 3);
        assert_eq!((copy.index, copy.sequence), (0, first.sequence + 3));
        assert!(Arc::ptr_eq(&copy, &ring.renumbered(&first, 3)));
        assert_eq!(ring.renumbered(&first, 4).sequence, first.sequence + 4);
        assert_eq!(ring.renumbered(&second, 3).index, 1);
        for shift in 10..30 {
            let sequence = ring.renumbered(&first, shift).sequence;
            assert_eq!(sequence, first.sequence + shift);
        }
        assert_eq!(ring.renumbered.borrow().len(), RENUMBERED_MAX);
        ring.push(Arc::new(burst(2, 0, 2, false, &[84])), false);
        assert!(ring.renumbered.borrow().is_empty());
        assert!(!Arc::ptr_eq(&copy, &ring.renumbered(&first, 3)));
    }

    #[test]
    fn the_newest_burst_stays_even_when_it_is_too_big() {
        let ring = filled(
            RingLimits {
                bytes: 10,
                age_ns: 0,
            },
            3,
        );
        assert_eq!((ring.len(), ring.first()), (1, 2));
    }
}
