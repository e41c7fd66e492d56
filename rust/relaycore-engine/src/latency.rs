//! How long bursts took through each stage, from the sensor to the socket.

use crate::burst::Stages;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// How many of the newest bursts are remembered.
const REMEMBERED: usize = 512;

/// Names of the stages in the order of [`StageTimes`].
pub const STAGES: [&str; 7] = [
    "capture",
    "decode",
    "wait",
    "encode",
    "packetise",
    "send",
    "total",
];

/// Durations of one burst in nanoseconds.
///
/// In the order of [`STAGES`]: from the sensor to the capture thread, decoding, waiting in the handoff, in the encoder,
/// packetising, until a shard had written to its last reader, and all of it.
pub type StageTimes = [u64; 7];

/// The newest durations of a stream's start track.
#[derive(Debug, Default)]
pub struct LatencyTrace {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    newest: VecDeque<StageTimes>,
}

impl LatencyTrace {
    /// Remembers a burst that was written to its readers at `sent`.
    pub fn record(&self, stages: &Stages, sent: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.newest.len() == REMEMBERED {
            state.newest.pop_front();
        }
        state.newest.push_back(durations(stages, sent));
    }

    /// The newest durations, oldest first.
    pub fn newest(&self) -> Vec<StageTimes> {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .newest
            .iter()
            .copied()
            .collect()
    }
}

fn durations(stages: &Stages, sent: u64) -> StageTimes {
    let mut before = stages.captured;
    let mut step = |at: u64| {
        if at == 0 {
            return 0;
        }
        let took = at.saturating_sub(before);
        before = before.max(at);
        took
    };
    [
        step(stages.received),
        step(stages.decoded),
        step(stages.taken),
        step(stages.encoded),
        step(stages.packetised),
        step(sent),
        sent.saturating_sub(stages.captured),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_follow_each_other() {
        let stages = Stages {
            captured: 100,
            received: 110,
            decoded: 130,
            taken: 135,
            encoded: 180,
            packetised: 181,
        };
        assert_eq!(durations(&stages, 190), [10, 20, 5, 45, 1, 9, 90]);
    }

    #[test]
    fn a_stage_that_was_not_passed_takes_nothing() {
        let stages = Stages {
            captured: 100,
            packetised: 110,
            ..Stages::default()
        };
        assert_eq!(durations(&stages, 115), [0, 0, 0, 0, 10, 5, 15]);
    }

    #[test]
    fn only_the_newest_are_remembered() {
        let trace = LatencyTrace::default();
        for sent in 1..=600 {
            trace.record(&Stages::default(), sent);
        }
        let newest = trace.newest();
        assert_eq!((newest.len(), newest[REMEMBERED - 1][6]), (REMEMBERED, 600));
    }
}
