//! A made-up bad link between the socket and the checks (see [`Impairment`]).

use crate::plan::Impairment;
use crate::tally::MILLISECOND;

/// How long TCP waits for what was lost before it sends it again: its shortest, on Linux.
const RETRANSMISSION_NS: u64 = 200 * MILLISECOND;

/// Decides by chance, the same for the same seed.
#[derive(Debug)]
pub(crate) struct Link {
    impairment: Impairment,
    state: u64,
    /// A packet that the next one overtakes.
    pub(crate) held: Option<Vec<u8>>,
}

impl Link {
    pub(crate) fn new(impairment: Impairment, seed: u64) -> Self {
        Self {
            impairment,
            // The state must not be 0, and seeds that follow each other should not be alike.
            state: (seed.wrapping_add(1)).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            held: None,
        }
    }

    /// How much later packets come.
    pub(crate) fn delay_ns(&self) -> u64 {
        self.impairment.delay_ms * MILLISECOND
    }

    /// Whether a packet is lost.
    pub(crate) fn loses(&mut self) -> bool {
        self.chance(self.impairment.loss)
    }

    /// Whether a packet comes after the next one.
    pub(crate) fn reorders(&mut self) -> bool {
        self.chance(self.impairment.reorder)
    }

    /// How long a connection stands still for one of `packets` packets that came.
    pub(crate) fn pause_ns(&mut self, packets: u64) -> u64 {
        let whole = |share: f64| (1.0 - share).powf(packets as f64);
        let trouble = 1.0 - whole(self.impairment.loss) * whole(self.impairment.reorder);
        if self.chance(trouble) {
            RETRANSMISSION_NS
        } else {
            0
        }
    }

    fn chance(&mut self, share: f64) -> bool {
        if share <= 0.0 {
            return false;
        }
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        ((self.state >> 11) as f64) < share * (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chances_are_as_often_as_they_say() {
        let impairment = Impairment {
            loss: 0.1,
            delay_ms: 5,
            reorder: 0.0,
        };
        let mut link = Link::new(impairment, 7);
        let lost = (0..100_000).filter(|_| link.loses()).count();
        assert!((9_500..10_500).contains(&lost), "{lost}");
        assert!((0..1000).all(|_| !link.reorders()));
        let paused = (0..100_000).filter(|_| link.pause_ns(2) > 0).count();
        assert!((18_500..19_500).contains(&paused), "{paused}");
        assert_eq!(link.delay_ns(), 5 * MILLISECOND);
    }

    #[test]
    fn the_same_seed_decides_the_same() {
        let impairment = Impairment {
            loss: 0.5,
            delay_ms: 0,
            reorder: 0.5,
        };
        let decide = |seed| {
            let mut link = Link::new(impairment, seed);
            (0..64).map(|_| link.loses()).collect::<Vec<_>>()
        };
        assert_eq!(decide(1), decide(1));
        assert_ne!(decide(1), decide(2));
    }
}
