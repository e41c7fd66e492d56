//! How many requests a connection may send: so many in a second, and the rest has to wait for the next one.

use crate::clock::SECOND;

/// What is left of this second.
#[derive(Debug, Default)]
pub(super) struct Allowance {
    left: usize,
    /// When the next second begins, in nanoseconds of the engine's clock.
    renews_at: u64,
}

impl Allowance {
    /// When the next request may be taken, if not at `now`.
    pub(super) fn held_until(&self, now: u64) -> Option<u64> {
        (self.left == 0 && now < self.renews_at).then_some(self.renews_at)
    }

    /// A request was taken; `most` may be taken in a second.
    pub(super) fn spend(&mut self, now: u64, most: usize) {
        if now >= self.renews_at {
            self.left = most;
            self.renews_at = now + SECOND;
        }
        self.left = self.left.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_exceeds_the_allowance_waits_for_the_next_second() {
        let mut allowance = Allowance::default();
        for start in [SECOND, 3 * SECOND] {
            for _ in 0..3 {
                assert_eq!(allowance.held_until(start), None);
                allowance.spend(start, 3);
            }
            assert_eq!(allowance.held_until(start + 1), Some(start + SECOND));
            assert_eq!(allowance.held_until(start + SECOND), None);
        }
    }
}
