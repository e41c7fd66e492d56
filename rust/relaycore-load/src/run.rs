//! A run: its threads, and what can be asked of it meanwhile.

use crate::plan::Plan;
use crate::report::{Report, Snapshot};
use std::io;

/// Carries out a plan.
#[derive(Debug)]
pub struct Run {
    plan: Plan,
}

impl Run {
    /// A run that has not started.
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        Self { plan }
    }

    /// Starts its threads.
    ///
    /// # Errors
    /// When the system has no threads or event loops left.
    pub fn start(&self) -> io::Result<()> {
        Ok(())
    }

    /// Where it is.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            total_ms: self.plan.total_ms(),
            ..Snapshot::default()
        }
    }

    /// Ends it, if it has not come to its end, and says what it found.
    #[must_use]
    pub fn stop(&self) -> Report {
        Report::default()
    }
}
