//! What all threads of a run share.

use crate::tally::{Series, Totals, Window};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Instant;

/// See the module.
#[derive(Debug)]
pub(crate) struct Shared {
    epoch: Instant,
    /// Random number of the run, which its marks carry.
    pub(crate) run: u32,
    /// Milliseconds of warm-up and of measuring, as planned.
    pub(crate) total_ms: u64,
    /// When the run began, which the plan counts from, and the time that is measured; once the sources publish.
    begun: OnceLock<(u64, Window)>,
    stop: AtomicBool,
    sources_ready: AtomicBool,
    readers_done: AtomicBool,
    /// Number of the next access unit of each source.
    pub(crate) next_numbers: Vec<AtomicU64>,
    /// Nanoseconds between two access units of each source.
    pub(crate) periods_ns: Vec<u64>,
    /// Longest time from one random access point to the next, in nanoseconds: what a reader may have to wait for.
    pub(crate) gop_ns: u64,
    pub(crate) totals: Totals,
    pub(crate) series: Series,
}

impl Shared {
    pub(crate) fn new(run: u32, periods_ns: Vec<u64>, gop_ns: u64, total_ms: u64) -> Self {
        Self {
            epoch: Instant::now(),
            run,
            total_ms,
            begun: OnceLock::new(),
            stop: AtomicBool::new(false),
            sources_ready: AtomicBool::new(false),
            readers_done: AtomicBool::new(false),
            next_numbers: std::iter::repeat_with(AtomicU64::default)
                .take(periods_ns.len())
                .collect(),
            periods_ns,
            gop_ns,
            totals: Totals::default(),
            series: Series::default(),
        }
    }

    /// Nanoseconds since the run was made, never 0.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_nanos()).unwrap_or(u64::MAX) + 1
    }

    /// A moment of the system's clock on that of [`Shared::now`].
    pub(crate) fn at(&self, moment: Instant) -> u64 {
        let since = moment.saturating_duration_since(self.epoch);
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }

    /// Begins to count: the plan's times are from now on.
    pub(crate) fn begin(&self, window: Window, now: u64) {
        let _ = self.begun.set((now, window));
    }

    /// The time that is measured; nothing before it is known.
    pub(crate) fn window(&self) -> Window {
        self.begun().map_or(Window::NONE, |(_, window)| window)
    }

    /// When the plan's times began; `None` before.
    pub(crate) fn began(&self) -> Option<u64> {
        self.begun().map(|(began, _)| began)
    }

    /// Both at once, so that a thread which looks while the run begins does not see one of them only.
    pub(crate) fn begun(&self) -> Option<(u64, Window)> {
        self.begun.get().copied()
    }

    /// Ends the run at the next opportunity.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Relaxed);
    }

    /// The sources that are there from the beginning publish, or have tried to.
    pub(crate) fn sources_are_ready(&self) {
        self.sources_ready.store(true, Relaxed);
    }

    pub(crate) fn are_sources_ready(&self) -> bool {
        self.sources_ready.load(Relaxed)
    }

    /// No reader is left: the sources may go.
    pub(crate) fn readers_are_done(&self) {
        self.readers_done.store(true, Relaxed);
    }

    pub(crate) fn are_readers_done(&self) -> bool {
        self.readers_done.load(Relaxed)
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.load(Relaxed)
    }
}
