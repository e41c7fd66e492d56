//! How long to wait before another attempt.

use crate::clock::{MILLISECOND, SECOND};

/// The first pause, in nanoseconds.
const FIRST: u64 = SECOND / 2;

/// A server that played for this long was well: the next pause is the first again.
const WELL: u64 = 10 * SECOND;

/// Pauses that double, up to a longest one. Each is cut by up to half of it at random, so that the many who lost the
/// same server do not come back at the same moment.
#[derive(Debug)]
pub(super) struct Retry {
    longest: u64,
    next: u64,
}

impl Retry {
    /// Pauses of at most `longest_ms` milliseconds.
    pub(super) fn new(longest_ms: u64) -> Self {
        let longest = longest_ms * MILLISECOND;
        Self {
            longest,
            next: FIRST.min(longest),
        }
    }

    /// The server played for so many nanoseconds before this attempt failed.
    pub(super) fn played(&mut self, nanoseconds: u64) {
        if nanoseconds >= WELL {
            self.next = FIRST.min(self.longest);
        }
    }

    /// The pause before another look at a path that was not free: that costs nobody anything, so it does not grow.
    pub(super) fn glance(&self) -> u64 {
        FIRST.min(self.longest)
    }

    /// Only a person can mend what failed: the pauses are the longest from now on.
    pub(super) fn give_time(&mut self) {
        self.next = self.longest;
    }

    /// The next pause in nanoseconds; `random` cuts it.
    pub(super) fn pause(&mut self, random: u64) -> u64 {
        let pause = self.next;
        self.next = pause.saturating_mul(2).min(self.longest);
        pause - random % (pause / 2 + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_begin_anew_when_all_was_well() {
        let mut retry = Retry::new(3000);
        let pauses: Vec<_> = (0..5).map(|_| retry.pause(0) / MILLISECOND).collect();
        assert_eq!(pauses, [500, 1000, 2000, 3000, 3000]);
        retry.played(SECOND);
        assert_eq!(retry.pause(0), 3 * SECOND);
        retry.played(WELL);
        assert_eq!(retry.pause(0), FIRST);
        retry.give_time();
        assert_eq!(retry.pause(0), 3 * SECOND);
    }

    #[test]
    fn a_pause_is_cut_by_half_of_it_at_most() {
        for random in [0, 1, 777_777_777, u64::MAX] {
            let pause = Retry::new(60_000).pause(random);
            assert!((FIRST / 2..=FIRST).contains(&pause), "{pause}");
        }
        assert_eq!(Retry::new(100).pause(0), 100 * MILLISECOND);
    }
}
