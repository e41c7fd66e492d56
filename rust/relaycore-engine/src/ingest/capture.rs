//! When the pictures of a source were taken: what its sender reports say, or else its quickest packets.

use crate::clock::SECOND;

/// The estimate moves by at most one part in this many of the time that passes: receivers synchronise by it, and it is
/// never stepped once they may have.
const SLEW: i64 = 100;

/// How long arrivals are watched for the quickest packet.
const WINDOW_NS: u64 = 5 * SECOND;

/// Maps media time to the moment of capture on the engine's clock.
#[derive(Debug, Default)]
pub(crate) struct Capture {
    /// Moment of capture minus media time, in nanoseconds.
    correction: i64,
    /// What the correction moves to.
    target: i64,
    moved_at: u64,
    /// Whether sender reports tell it.
    reported: bool,
    /// Begin of the window, and the least of arrival minus media time in it.
    window: Option<(u64, i64)>,
}

impl Capture {
    /// A sender report says that media time `pts_ns` was taken at `captured`, both in nanoseconds of the engine's
    /// clock.
    pub(crate) fn report(&mut self, pts_ns: i64, captured: i64, now: u64) {
        self.target = captured - pts_ns;
        if !std::mem::replace(&mut self.reported, true) {
            self.correction = self.target;
        }
        self.slew(now);
    }

    /// A packet with media time `pts_ns` arrives at `now`: when it was taken, in nanoseconds of the engine's clock.
    pub(crate) fn arrived(&mut self, pts_ns: i64, now: u64) -> i64 {
        if !self.reported {
            self.watch(now as i64 - pts_ns, now);
        }
        self.slew(now);
        pts_ns + self.correction
    }

    fn watch(&mut self, delay: i64, now: u64) {
        match &mut self.window {
            Some((since, least)) if now.saturating_sub(*since) < WINDOW_NS => {
                *least = delay.min(*least);
            }
            Some((_, least)) => {
                self.target = *least;
                self.window = Some((now, delay));
            }
            None => self.window = Some((now, delay)),
        }
    }

    fn slew(&mut self, now: u64) {
        let passed = now.saturating_sub(std::mem::replace(&mut self.moved_at, now));
        let most = i64::try_from(passed).unwrap_or(i64::MAX) / SLEW;
        self.correction += (self.target - self.correction).clamp(-most, most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::MILLISECOND;

    const MS: i64 = MILLISECOND as i64;

    #[test]
    fn the_first_report_counts_at_once_and_later_ones_are_slewed() {
        let mut capture = Capture::default();
        capture.arrived(0, 0);
        capture.report(0, -40 * MS, 0);
        assert_eq!(capture.arrived(1000 * MS, SECOND), 960 * MS);
        capture.report(1000 * MS, 1000 * MS, SECOND);
        assert_eq!(
            capture.arrived(2000 * MS, 2 * SECOND),
            1970 * MS,
            "10 ms in a second"
        );
        assert_eq!(capture.arrived(9000 * MS, 9 * SECOND), 9000 * MS);
    }

    #[test]
    fn without_reports_the_quickest_packet_tells() {
        let mut capture = Capture::default();
        let second = SECOND as i64;
        for number in 0..200u64 {
            // A clock that is 1 in 1000 slow, and every other packet 30 ms late.
            let now = number * SECOND / 10;
            let pts = now as i64 - now as i64 / 1000 - 30 * MS * (number % 2) as i64;
            let captured = capture.arrived(pts, now);
            assert!((now as i64 - captured) < 30 * MS + second / 50, "{number}");
        }
    }
}
