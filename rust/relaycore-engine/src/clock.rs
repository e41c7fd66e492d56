//! The engine's two clocks: a monotonic one that all stages share, and its mapping to wallclock time.
//!
//! `now` counts nanoseconds from a zero of this process. Media time of every track counts from the same zero, which is
//! what keeps sound and picture together without any further bookkeeping.

use std::sync::{Mutex, OnceLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Nanoseconds a second.
pub const SECOND: u64 = 1_000_000_000;

/// Nanoseconds a millisecond.
pub const MILLISECOND: u64 = 1_000_000;

/// How fast the mapping follows a drifting system clock: 1 part in this many.
const SLEW: i128 = 2000;

/// A system clock further off than this was set, it did not drift: the mapping follows at once.
const STEP: i128 = SECOND as i128;

/// What the clock shows when it is first read: moments before that, such as the capture of what a device had buffered,
/// are numbers as well.
const START: u64 = 1000 * SECOND;

/// The name that ties the tracks of all streams of a server to one clock (RFC 3550 §6.5.1).
pub(crate) const CNAME: &str = "relaycore";

/// Monotonic time in nanoseconds, from a zero a while before the clock was first read in this process.
pub fn now_ns() -> u64 {
    static EPOCH: OnceLock<Instant> = OnceLock::new();
    let epoch = EPOCH.get_or_init(Instant::now);
    START.saturating_add(u64::try_from(epoch.elapsed().as_nanos()).unwrap_or(u64::MAX))
}

/// Maps `now` to Unix time. A drifting system clock is followed by slewing, never by steps, since receivers
/// synchronise tracks by the sender reports that are made from this mapping.
#[derive(Debug)]
pub struct WallClock {
    state: Mutex<Mapping>,
}

#[derive(Debug, Clone, Copy)]
struct Mapping {
    /// Unix time minus `now`, in nanoseconds.
    offset: i128,
    measured_at: u64,
}

impl Default for WallClock {
    fn default() -> Self {
        let now = now_ns();
        Self {
            state: Mutex::new(Mapping {
                offset: system_ns() - i128::from(now),
                measured_at: now,
            }),
        }
    }
}

impl WallClock {
    /// Unix time in nanoseconds at the moment `at` of the monotonic clock.
    pub fn unix_ns(&self, at: u64) -> u64 {
        let now = now_ns();
        let mut mapping = self
            .state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        mapping.follow(now, system_ns() - i128::from(now));
        u64::try_from(i128::from(at) + mapping.offset).unwrap_or(0)
    }
}

impl Mapping {
    fn follow(&mut self, now: u64, measured: i128) {
        let error = measured - self.offset;
        if error.abs() >= STEP {
            self.offset = measured;
        } else {
            let most = i128::from(now.saturating_sub(self.measured_at)) / SLEW;
            self.offset += error.clamp(-most, most);
        }
        self.measured_at = now;
    }
}

fn system_ns() -> i128 {
    // A clock before 1970 is a machine without a battery: its pictures then carry 1970, which is as true.
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_nanos() as i128)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drift_is_slewed() {
        let mut mapping = Mapping {
            offset: 0,
            measured_at: 0,
        };
        mapping.follow(SECOND, 100 * i128::from(MILLISECOND));
        assert_eq!(mapping.offset, i128::from(SECOND) / SLEW);
        mapping.follow(2 * SECOND, 0);
        assert_eq!(mapping.offset, 0);
    }

    #[test]
    fn a_clock_that_was_set_is_followed_at_once() {
        let mut mapping = Mapping {
            offset: 0,
            measured_at: 0,
        };
        mapping.follow(SECOND, 3600 * i128::from(SECOND));
        assert_eq!(mapping.offset, 3600 * i128::from(SECOND));
    }

    #[test]
    fn unix_time_moves_with_the_monotonic_clock() {
        let clock = WallClock::default();
        let now = now_ns();
        let first = clock.unix_ns(now);
        let second = clock.unix_ns(now + SECOND);
        assert!(second - first >= SECOND - MILLISECOND && second - first <= SECOND + MILLISECOND);
    }
}
