//! The handoff between two threads: one place, the newest wins, what is displaced is counted.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// At most one item waits; so whatever the taker's pace, what it gets is never older than one interval of the giver.
#[derive(Debug)]
pub struct Handoff<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

/// What went through a [`Handoff`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HandoffCounts {
    /// Items given.
    pub offered: u64,
    /// Items taken.
    pub taken: u64,
    /// Items displaced by a newer one before they were taken.
    pub discarded: u64,
}

#[derive(Debug)]
struct State<T> {
    waiting: Option<T>,
    closed: bool,
    counts: HandoffCounts,
}

impl<T> Default for Handoff<T> {
    fn default() -> Self {
        let state = State {
            waiting: None,
            closed: false,
            counts: HandoffCounts::default(),
        };
        Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
        }
    }
}

impl<T> Handoff<T> {
    /// Leaves an item for the taker; gives back the one that it displaced, or the item itself once closed.
    pub fn offer(&self, item: T) -> Option<T> {
        let displaced = {
            let mut state = self.lock();
            if state.closed {
                return Some(item);
            }
            state.counts.offered += 1;
            let displaced = state.waiting.replace(item);
            state.counts.discarded += u64::from(displaced.is_some());
            displaced
        };
        self.changed.notify_one();
        displaced
    }

    /// Takes the item, waiting for one until `timeout` (for ever with `None`). `None` when the time is over or the
    /// handoff is closed and empty.
    pub fn take(&self, timeout: Option<Duration>) -> Option<T> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut state = self.lock();
        loop {
            if let Some(item) = state.waiting.take() {
                state.counts.taken += 1;
                return Some(item);
            }
            if state.closed {
                return None;
            }
            state = match deadline {
                None => self
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline
                        .checked_duration_since(Instant::now())
                        .filter(|left| !left.is_zero())?;
                    self.changed
                        .wait_timeout(state, left)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
            };
        }
    }

    /// Wakes every taker; what still waits can be taken, nothing more can be given.
    pub fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Whether [`Handoff::close`] was called.
    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// What went through so far.
    pub fn counts(&self) -> HandoffCounts {
        self.lock().counts
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn the_newest_wins_and_the_rest_is_counted() {
        let handoff = Handoff::default();
        assert_eq!(handoff.offer(1), None);
        assert_eq!(handoff.offer(2), Some(1));
        assert_eq!(handoff.take(None), Some(2));
        assert_eq!(handoff.take(Some(Duration::ZERO)), None);
        assert_eq!(
            handoff.counts(),
            HandoffCounts {
                offered: 2,
                taken: 1,
                discarded: 1
            }
        );
    }

    #[test]
    fn closing_wakes_a_waiting_taker() {
        let handoff = Arc::new(Handoff::<u8>::default());
        let taker = std::thread::spawn({
            let handoff = Arc::clone(&handoff);
            move || handoff.take(None)
        });
        handoff.close();
        assert_eq!(taker.join().unwrap(), None);
        assert_eq!(handoff.offer(7), Some(7), "nothing is taken in any more");
    }

    #[test]
    fn every_item_is_either_taken_or_discarded() {
        let handoff = Arc::new(Handoff::default());
        let taker = std::thread::spawn({
            let handoff = Arc::clone(&handoff);
            move || std::iter::from_fn(|| handoff.take(None)).collect::<Vec<u32>>()
        });
        let displaced = (0..10_000).filter_map(|item| handoff.offer(item)).count();
        handoff.close();
        let taken = taker.join().unwrap();
        assert!(taken.is_sorted(), "in order");
        assert_eq!(taken.last(), Some(&9_999), "the newest is never lost");
        assert_eq!(taken.len() + displaced, 10_000);
    }
}
