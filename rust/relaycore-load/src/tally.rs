//! What is counted while a run goes on: per reader, per group, per second, and what is wrong.

use crate::report::{AccessUnits, Distribution, Finding, Packets, ReaderReport, Second};
use hdrhistogram::Histogram;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Nanoseconds a millisecond.
pub(crate) const MILLISECOND: u64 = 1_000_000;

/// Nanoseconds a second.
pub(crate) const SECOND: u64 = 1000 * MILLISECOND;

/// Longest time that a distribution tells apart, in microseconds: an hour.
const LONGEST_US: u64 = 3600 * 1_000_000;

/// Times, to three digits.
#[derive(Clone, Debug)]
pub(crate) struct Times(Histogram<u64>);

impl Times {
    pub(crate) fn new() -> Self {
        Self::with_digits(3)
    }

    /// Times that are good enough for a chart.
    fn rough() -> Self {
        Self::with_digits(2)
    }

    fn with_digits(digits: u8) -> Self {
        // Fails for bounds that make no sense, which these are not.
        let histogram = Histogram::new_with_bounds(1, LONGEST_US, digits);
        Self(histogram.expect("the bounds of a histogram"))
    }

    pub(crate) fn add(&mut self, nanoseconds: u64) {
        self.0.saturating_record((nanoseconds / 1000).max(1));
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.0.add(&other.0).expect("histograms of the same bounds");
    }

    pub(crate) fn distribution(&self) -> Distribution {
        if self.0.is_empty() {
            return Distribution::default();
        }
        let ms = |microseconds: u64| microseconds as f64 / 1000.0;
        let at = |quantile| ms(self.0.value_at_quantile(quantile));
        Distribution {
            count: self.0.len(),
            min: ms(self.0.min()),
            mean: self.0.mean() / 1000.0,
            p50: at(0.5),
            p90: at(0.9),
            p95: at(0.95),
            p99: at(0.99),
            p999: at(0.999),
            max: ms(self.0.max()),
        }
    }
}

/// The time that is measured, in nanoseconds of the run's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) from: u64,
    pub(crate) to: u64,
}

impl Window {
    /// No time at all.
    pub(crate) const NONE: Self = Self { from: 0, to: 0 };

    pub(crate) fn holds(self, at: u64) -> bool {
        (self.from..self.to).contains(&at)
    }
}

/// Of a group of readers; each worker has one for each group.
#[derive(Debug)]
pub(crate) struct GroupTally {
    pub(crate) asked: u64,
    pub(crate) failed: u64,
    pub(crate) left: u64,
    pub(crate) refused: u64,
    pub(crate) setup: Times,
    pub(crate) first_packet: Times,
    pub(crate) first_picture: Times,
    pub(crate) latency: Times,
    pub(crate) gap: Times,
    pub(crate) units: AccessUnits,
    pub(crate) packets: Packets,
    pub(crate) bytes: u64,
}

impl GroupTally {
    pub(crate) fn new() -> Self {
        Self {
            asked: 0,
            failed: 0,
            left: 0,
            refused: 0,
            setup: Times::new(),
            first_packet: Times::new(),
            first_picture: Times::new(),
            latency: Times::new(),
            gap: Times::new(),
            units: AccessUnits::default(),
            packets: Packets::default(),
            bytes: 0,
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.asked += other.asked;
        self.failed += other.failed;
        self.left += other.left;
        self.refused += other.refused;
        self.setup.merge(&other.setup);
        self.first_packet.merge(&other.first_packet);
        self.first_picture.merge(&other.first_picture);
        self.latency.merge(&other.latency);
        self.gap.merge(&other.gap);
        self.units.merge(&other.units);
        self.packets.merge(&other.packets);
        self.bytes += other.bytes;
    }
}

impl AccessUnits {
    fn merge(&mut self, other: &Self) {
        self.expected += other.expected;
        self.complete += other.complete;
        self.incomplete += other.incomplete;
        self.corrupt += other.corrupt;
        self.missing += other.missing;
        self.impaired += other.impaired;
        self.marked += other.marked;
        self.content_checked += other.content_checked;
    }
}

impl Packets {
    fn merge(&mut self, other: &Self) {
        self.received += other.received;
        self.lost += other.lost;
        self.reordered += other.reordered;
        self.duplicate += other.duplicate;
        self.malformed += other.malformed;
        self.impaired += other.impaired;
    }
}

/// Of one reader, over all its sessions.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ReaderTally {
    pub(crate) sessions: u32,
    pub(crate) failed: u32,
    pub(crate) setup_ns: Option<u64>,
    pub(crate) first_picture_ns: Option<u64>,
    pub(crate) latency_sum_ns: u64,
    pub(crate) latency_max_ns: u64,
    pub(crate) latencies: u64,
    pub(crate) complete: u64,
    pub(crate) broken: u64,
    pub(crate) lost: u64,
    pub(crate) bytes: u64,
}

impl ReaderTally {
    pub(crate) fn report(&self, playing: bool) -> ReaderReport {
        let ms = |nanoseconds: u64| nanoseconds as f64 / MILLISECOND as f64;
        ReaderReport {
            playing,
            sessions: self.sessions,
            failed: self.failed,
            setup_ms: self.setup_ns.map(ms),
            first_picture_ms: self.first_picture_ns.map(ms),
            latency_mean_ms: ms(self.latency_sum_ns) / self.latencies.max(1) as f64,
            latency_max_ms: ms(self.latency_max_ns),
            complete: self.complete,
            broken: self.broken,
            lost: self.lost,
            bytes: self.bytes,
        }
    }
}

/// What is wrong: each kind counted, with its first case.
#[derive(Debug, Default)]
pub(crate) struct Findings(HashMap<&'static str, Finding>);

impl Findings {
    pub(crate) fn add(&mut self, kind: &'static str, at: u64, example: impl FnOnce() -> String) {
        match self.0.entry(kind) {
            Entry::Occupied(mut found) => found.get_mut().count += 1,
            Entry::Vacant(place) => {
                place.insert(Finding {
                    kind: kind.into(),
                    count: 1,
                    first_at_ms: at / MILLISECOND,
                    example: example(),
                });
            }
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        for (kind, finding) in other.0 {
            match self.0.entry(kind) {
                Entry::Vacant(place) => {
                    place.insert(finding);
                }
                Entry::Occupied(mut found) => {
                    let found = found.get_mut();
                    let count = found.count + finding.count;
                    if finding.first_at_ms < found.first_at_ms {
                        *found = finding;
                    }
                    found.count = count;
                }
            }
        }
    }

    /// The most frequent first.
    pub(crate) fn into_sorted(self) -> Vec<Finding> {
        let mut all: Vec<_> = self.0.into_values().collect();
        all.sort_by(|one, other| (other.count, &one.kind).cmp(&(one.count, &other.kind)));
        all
    }
}

/// What one worker counts of one second.
#[derive(Debug)]
pub(crate) struct SecondTally {
    pub(crate) bytes: u64,
    pub(crate) access_units: u64,
    pub(crate) lost: u64,
    pub(crate) latency: Times,
}

impl SecondTally {
    pub(crate) fn new() -> Self {
        Self {
            bytes: 0,
            access_units: 0,
            lost: 0,
            latency: Times::rough(),
        }
    }
}

/// The seconds of a run, put together from what the workers count.
#[derive(Debug, Default)]
pub(crate) struct Series(Mutex<Vec<(Second, Option<Times>)>>);

/// Seconds after which no worker adds to one: its distribution is given up for three of its figures.
const SETTLED: usize = 3;

impl Series {
    /// Adds what a worker counted of the second that ends at `t`, and the readers that play there.
    pub(crate) fn add(&self, t: u64, part: &SecondTally, playing: u64) {
        let mut all = self.0.lock().unwrap_or_else(|broken| broken.into_inner());
        let index = usize::try_from(t).unwrap_or(usize::MAX).saturating_sub(1);
        while all.len() <= index {
            let second = Second {
                t: all.len() as u64 + 1,
                ..Second::default()
            };
            all.push((second, Some(Times::rough())));
            if let Some(settled) = all.len().checked_sub(SETTLED + 1) {
                settle(&mut all[settled]);
            }
        }
        let (second, times) = &mut all[index];
        second.playing += playing;
        second.bytes += part.bytes;
        second.access_units += part.access_units;
        second.lost += part.lost;
        if let Some(times) = times {
            times.merge(&part.latency);
        }
    }

    /// The newest second to which all have added at `elapsed` nanoseconds.
    pub(crate) fn last(&self, elapsed: u64) -> Second {
        let all = self.0.lock().unwrap_or_else(|broken| broken.into_inner());
        // Workers add to a second when it is over, at the latest a moment later.
        let settled = (elapsed.saturating_sub(SECOND / 4) / SECOND) as usize;
        match all.get(..settled.min(all.len())).and_then(<[_]>::last) {
            Some(entry) => settled_copy(entry),
            None => Second::default(),
        }
    }

    pub(crate) fn all(&self) -> Vec<Second> {
        let all = self.0.lock().unwrap_or_else(|broken| broken.into_inner());
        all.iter().map(settled_copy).collect()
    }
}

fn settle(entry: &mut (Second, Option<Times>)) {
    entry.0 = settled_copy(entry);
    entry.1 = None;
}

fn settled_copy((second, times): &(Second, Option<Times>)) -> Second {
    let Some(times) = times else { return *second };
    let distribution = times.distribution();
    Second {
        p50_ms: distribution.p50,
        p99_ms: distribution.p99,
        max_ms: distribution.max,
        ..*second
    }
}

/// Totals that anybody may look at while the run goes on.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) playing: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) publishing: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) access_units: AtomicU64,
    pub(crate) lost: AtomicU64,
}

impl Totals {
    pub(crate) fn count(counter: &AtomicU64, more: u64) {
        if more > 0 {
            counter.fetch_add(more, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_what_was_added() {
        let mut times = Times::new();
        for milliseconds in 1..=1000 {
            times.add(milliseconds * MILLISECOND);
        }
        let found = times.distribution();
        assert_eq!(found.count, 1000);
        let close = |value: f64, wanted: f64| (value - wanted).abs() < wanted / 500.0;
        assert!(close(found.p50, 500.0) && close(found.p99, 990.0));
        assert!(close(found.min, 1.0) && close(found.max, 1000.0) && close(found.mean, 500.5));
        assert_eq!(Times::new().distribution(), Distribution::default());
        times.add(600 * SECOND);
        assert!(close(times.distribution().max, 600_000.0));
    }

    #[test]
    fn a_finding_keeps_its_first_case_and_counts_the_others() {
        let mut one = Findings::default();
        one.add("closed", 5 * MILLISECOND, || "second".into());
        one.add("closed", 6 * MILLISECOND, || unreachable!());
        let mut other = Findings::default();
        other.add("closed", MILLISECOND, || "first".into());
        other.add("rare", 0, || "rare".into());
        one.merge(other);
        let all = one.into_sorted();
        assert_eq!((all[0].count, all[0].example.as_str()), (3, "first"));
        assert_eq!((all[1].count, all[1].kind.as_str()), (1, "rare"));
    }

    #[test]
    fn seconds_are_put_together_and_settle() {
        let series = Series::default();
        let mut part = SecondTally::new();
        part.bytes = 7;
        part.latency.add(10 * MILLISECOND);
        for t in 1..=6 {
            series.add(t, &part, 2);
            series.add(t, &part, 1);
        }
        let all = series.all();
        assert_eq!(all.len(), 6);
        for (second, t) in all.iter().zip(1..) {
            assert_eq!((second.t, second.bytes, second.playing), (t, 14, 3));
            assert!((second.p99_ms - 10.0).abs() < 0.2, "{second:?}");
        }
        assert_eq!(series.last(4 * SECOND + SECOND / 2).t, 4);
        assert_eq!(series.last(0).t, 0);
    }
}
