//! What readers and publishers have in common: the settings of their client, and their timers.

use crate::platform;
use crate::tally::{Findings, MILLISECOND};
use relaycore_proto::client::{Client, ClientError, Settings, TransportChoice};
use relaycore_proto::limits::Limits;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;

/// How long a session that failed waits until it tries again.
pub(crate) const RETRY_NS: u64 = 1000 * MILLISECOND;

/// How long a server may take to answer all requests of a session until it is a finding that it had not at the end.
pub(crate) const ANSWERS_NS: u64 = 1000 * MILLISECOND;

/// How long the threads sleep at most, so that they notice the end of the run.
pub(crate) const NAP_NS: u64 = 50 * MILLISECOND;

/// Milliseconds that a server gets to answer, and for which it may be silent.
const PATIENCE_MS: u64 = 10_000;

/// The settings of a client with this way of sending.
pub(crate) fn settings(transport: TransportChoice, seed: u64) -> Settings {
    let limits = Limits {
        pull_answer_ms: PATIENCE_MS,
        pull_silence_ms: PATIENCE_MS,
        pull_first_packet_ms: PATIENCE_MS,
        ..Limits::default()
    };
    Settings {
        transport,
        user_agent: concat!("relaycore-load/", env!("CARGO_PKG_VERSION")).into(),
        via: "relaycore-load".into(),
        limits,
        seed,
    }
}

/// The kind of finding that the end of a session is.
pub(crate) fn kind_of(error: &ClientError) -> &'static str {
    match error {
        ClientError::Refused { .. } => "refused",
        ClientError::CredentialsMissing => "password_missing",
        ClientError::CredentialsWrong => "password_refused",
        ClientError::ChallengeUnknown => "unknown_challenge",
        ClientError::TooManyRedirections | ClientError::Redirection(_) => "redirected",
        ClientError::Description(_) | ClientError::NoTrack(_) => "unusable_description",
        ClientError::NoTransport => "no_transport",
        ClientError::NoAnswer => "no_answer",
        ClientError::Silent => "silent",
        ClientError::Disconnected => "closed",
        ClientError::SessionEnded => "session_ended",
        ClientError::Unreadable(_) => "unreadable",
        ClientError::Flooded => "flooded",
        ClientError::Stopped => "stopped",
    }
}

/// Notes that a socket could not be had.
pub(crate) fn note_socket(findings: &mut Findings, now: u64, error: &io::Error) {
    let kind = if platform::is_descriptor_limit(error) {
        "too_few_descriptors"
    } else {
        "no_connection"
    };
    findings.add(kind, now, || error.to_string());
}

/// Notes that a server sent its client to another host than the plan's, which is not followed.
pub(crate) fn note_elsewhere(findings: &mut Findings, now: u64, client: &Client) {
    let server = client.server();
    findings.add("redirected", now, || {
        let (host, port) = (server.host(), server.port());
        format!("the server redirects to {host}, port {port}, which is not under test")
    });
}

/// When each of many sessions is due. An entry may be early: whoever is woken asks again.
#[derive(Debug)]
pub(crate) struct Timers {
    heap: BinaryHeap<Reverse<(u64, usize)>>,
    /// The earliest entry of each.
    scheduled: Vec<u64>,
}

impl Timers {
    pub(crate) fn new(count: usize) -> Self {
        Self {
            heap: BinaryHeap::with_capacity(count),
            scheduled: vec![u64::MAX; count],
        }
    }

    /// `index` is to be woken at `at`, or before.
    pub(crate) fn set(&mut self, index: usize, at: u64) {
        if at < self.scheduled[index] {
            self.scheduled[index] = at;
            self.heap.push(Reverse((at, index)));
        }
    }

    /// One that is due at `now`.
    pub(crate) fn due(&mut self, now: u64) -> Option<usize> {
        while let Some(&Reverse((at, index))) = self.heap.peek() {
            if at > now {
                return None;
            }
            self.heap.pop();
            // One that was set earlier afterwards has been woken by that.
            if self.scheduled[index] == at {
                self.scheduled[index] = u64::MAX;
                return Some(index);
            }
        }
        None
    }

    /// When the next one is due.
    pub(crate) fn next(&self) -> u64 {
        self.heap.peek().map_or(u64::MAX, |Reverse((at, _))| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_woken_at_its_earliest_time() {
        let mut timers = Timers::new(3);
        timers.set(0, 50);
        timers.set(1, 20);
        timers.set(0, 70);
        timers.set(0, 10);
        assert_eq!(timers.next(), 10);
        assert_eq!(timers.due(9), None);
        assert_eq!(timers.due(10), Some(0));
        timers.set(0, 30);
        assert_eq!(
            [timers.due(60), timers.due(60), timers.due(60)],
            [Some(1), Some(0), None]
        );
        assert_eq!(timers.due(u64::MAX), None);
    }
}
