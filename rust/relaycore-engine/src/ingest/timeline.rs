//! A source's RTP timestamps on the timeline of its stream.

use crate::clock::SECOND;

/// A source whose timestamps and packets part by more than this has set its clock: what follows is placed anew.
const JUMP_NS: i64 = 10 * SECOND as i64;

/// Media time in ticks of `clock_rate` at a moment of the engine's clock.
pub(crate) fn ticks(at_ns: u64, clock_rate: u32) -> i64 {
    (u128::from(at_ns) * u128::from(clock_rate) / u128::from(SECOND)) as i64
}

/// The moment of the engine's clock that media time `pts` in ticks of `clock_rate` stands for.
pub(crate) fn nanoseconds(pts: i64, clock_rate: u32) -> i64 {
    (i128::from(pts) * i128::from(SECOND) / i128::from(clock_rate.max(1))) as i64
}

/// Places the timestamps of one track, which have 32 bits and start anywhere, on the 64-bit media time of the stream.
#[derive(Debug)]
pub(crate) struct Timeline {
    clock_rate: u32,
    last: Option<Placed>,
}

#[derive(Debug, Clone, Copy)]
struct Placed {
    timestamp: u32,
    pts: i64,
    /// Arrival minus media time, in nanoseconds.
    delay: i64,
}

impl Timeline {
    /// A timeline on which nothing is placed.
    pub(crate) fn new(clock_rate: u32) -> Self {
        Self {
            clock_rate,
            last: None,
        }
    }

    /// The next packet is placed anew: it comes from another sender.
    pub(crate) fn restart(&mut self) {
        self.last = None;
    }

    /// Media time of a packet that arrived at `now`, by its distance from the one before. `None` when it has to be
    /// placed anew.
    pub(crate) fn follow(&mut self, timestamp: u32, now: u64) -> Option<i64> {
        let last = self.last?;
        // The signed distance: pictures are sent in the order in which they are decoded.
        let pts = last.pts + i64::from(timestamp.wrapping_sub(last.timestamp) as i32);
        let delay = self.delay(pts, now);
        if (delay - last.delay).abs() > JUMP_NS {
            self.last = None;
            return None;
        }
        self.last = Some(Placed {
            timestamp,
            pts,
            delay,
        });
        Some(pts)
    }

    /// Places a packet at `pts`.
    pub(crate) fn place(&mut self, timestamp: u32, pts: i64, now: u64) {
        let delay = self.delay(pts, now);
        self.last = Some(Placed {
            timestamp,
            pts,
            delay,
        });
    }

    /// Media time of `timestamp`, which may lie before or after the newest packet.
    pub(crate) fn at(&self, timestamp: u32) -> Option<i64> {
        let last = self.last?;
        Some(last.pts + i64::from(timestamp.wrapping_sub(last.timestamp) as i32))
    }

    fn delay(&self, pts: i64, now: u64) -> i64 {
        now as i64 - nanoseconds(pts, self.clock_rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_go_on_across_the_wrap_and_backwards() {
        let mut timeline = Timeline::new(90_000);
        assert_eq!(timeline.follow(5, 0), None);
        timeline.place(u32::MAX - 999, 90_000, SECOND);
        assert_eq!(timeline.follow(2000, SECOND), Some(93_000));
        assert_eq!(
            timeline.follow(1000, SECOND),
            Some(92_000),
            "sent in order of decoding"
        );
        assert_eq!(timeline.at(2000), Some(93_000));
    }

    #[test]
    fn a_clock_that_was_set_is_placed_anew() {
        let mut timeline = Timeline::new(90_000);
        timeline.place(0, 90_000, SECOND);
        assert_eq!(
            timeline.follow(90_000 * 11, 2 * SECOND),
            Some(90_000 * 12),
            "a burst"
        );
        assert_eq!(timeline.follow(1 << 30, 2 * SECOND), None);
        assert_eq!(timeline.at(1 << 30), None);
    }

    #[test]
    fn a_source_that_stood_still_is_placed_anew() {
        let mut timeline = Timeline::new(90_000);
        timeline.place(0, 90_000, SECOND);
        assert_eq!(timeline.follow(3000, 5 * SECOND), Some(93_000));
        assert_eq!(timeline.follow(6000, 20 * SECOND), None);
    }
}
