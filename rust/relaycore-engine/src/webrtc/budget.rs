//! What the way to a reader carries, as its client estimates from how packets arrive (REMB,
//! draft-alvestrand-rmcat-remb), and what is sent of a stream when that is too little.
//!
//! An estimate rises no further than what comes gives reason for, so a low one alone means nothing: a picture that stood
//! still may move again. One that falls says that packets queue up. For a while from then on no more is sent than
//! it, beyond what a moment may exceed it by.

use crate::clock::SECOND;

/// How long a fall of the estimate counts, in nanoseconds: then more is tried.
const NARROW_NS: u64 = 10 * SECOND;

/// By what share an estimate falls that counts: one in so many.
const FALL: u64 = 32;

/// Bytes beyond the estimate that may be sent, as seconds of it: key frames are larger than what follows.
const EXCESS_SECONDS: u64 = 1;

const BITS: u64 = 8;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Budget {
    /// The newest estimate in bits a second; 0 before.
    rate: u64,
    /// Until when no more is sent, in nanoseconds of the engine's clock.
    narrow_until: u64,
    /// Bits that were sent beyond the estimate, as of `counted_at`.
    excess: u64,
    counted_at: u64,
}

impl Budget {
    /// The client estimates `rate` bits a second.
    pub(super) fn estimated(&mut self, rate: u64, now: u64) {
        let has_fallen = rate < self.rate - self.rate / FALL;
        if has_fallen {
            if !self.is_narrow(now) {
                (self.excess, self.counted_at) = (0, now);
            }
            self.narrow_until = now.saturating_add(NARROW_NS);
        }
        self.drain(now);
        self.rate = rate;
    }

    /// Whether as much was sent as the way carries, and more.
    pub(super) fn is_spent(&mut self, now: u64) -> bool {
        if !self.is_narrow(now) {
            return false;
        }
        self.drain(now);
        self.excess > self.most()
    }

    /// So much was sent.
    pub(super) fn spend(&mut self, bytes: usize) {
        // Sound goes on whatever is spent; it is no reason to show nothing for long.
        self.excess = self
            .excess
            .saturating_add(BITS.saturating_mul(bytes as u64))
            .min(self.most().saturating_mul(2));
    }

    fn is_narrow(&self, now: u64) -> bool {
        now < self.narrow_until
    }

    fn most(&self) -> u64 {
        self.rate.saturating_mul(EXCESS_SECONDS)
    }

    /// What the way has carried since the last time.
    fn drain(&mut self, now: u64) {
        let passed = now.saturating_sub(self.counted_at);
        let carried = u128::from(self.rate) * u128::from(passed) / u128::from(SECOND);
        let carried = u64::try_from(carried).unwrap_or(u64::MAX);
        self.excess = self.excess.saturating_sub(carried);
        self.counted_at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes that a second of pictures, 30 of `bytes` each, brings through from `from` on.
    fn second(budget: &mut Budget, from: u64, bytes: usize) -> usize {
        let mut sent = 0;
        for picture in 0..30 {
            if !budget.is_spent(from + picture * SECOND / 30) {
                budget.spend(bytes);
                sent += bytes;
            }
        }
        sent
    }

    #[test]
    fn without_an_estimate_that_falls_all_is_sent() {
        let mut budget = Budget::default();
        assert_eq!(second(&mut budget, 0, 100_000), 3_000_000);
        // A picture that stands still gives no reason for more.
        for (number, rate) in [200_000, 300_000, 295_000, 310_000].into_iter().enumerate() {
            let now = (number as u64 + 1) * SECOND;
            budget.estimated(rate, now);
            assert_eq!(second(&mut budget, now, 100_000), 3_000_000, "{rate}");
        }
    }

    #[test]
    fn after_a_fall_no_more_is_sent_than_the_estimate_for_a_while() {
        let mut budget = Budget::default();
        budget.estimated(8_000_000, 0);
        budget.estimated(800_000, SECOND);
        // A second's worth beyond it at once, then what it is: 100 kB a second.
        let mut seconds = (1..20).map(|number| second(&mut budget, number * SECOND, 10_000));
        let first = seconds.next().unwrap();
        assert!((190_000..=220_000).contains(&first), "{first}");
        for number in 2..11 {
            let sent = seconds.next().unwrap();
            assert!((80_000..=120_000).contains(&sent), "{number}: {sent}");
        }
        // Then more is tried.
        assert_eq!(seconds.next(), Some(300_000));
    }

    #[test]
    fn an_estimate_that_rises_again_lets_more_through() {
        let mut budget = Budget::default();
        budget.estimated(8_000_000, 0);
        budget.estimated(800_000, SECOND);
        second(&mut budget, SECOND, 10_000);
        budget.estimated(4_000_000, 2 * SECOND);
        assert_eq!(second(&mut budget, 2 * SECOND, 10_000), 300_000);
        // Whatever a client says.
        budget.estimated(u64::MAX, 3 * SECOND);
        budget.estimated(0, u64::MAX - NARROW_NS);
        budget.spend(usize::MAX / 16);
        budget.estimated(u64::MAX, u64::MAX - NARROW_NS + 1);
    }
}
