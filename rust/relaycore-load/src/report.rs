//! What a run found, as JSON. Times are milliseconds.

use crate::platform;
use serde::Serialize;

/// A distribution of times, in milliseconds; all are 0 where nothing was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it: percentiles")]
pub struct Distribution {
    pub count: u64,
    pub min: f64,
    pub mean: f64,
    pub p50: f64,
    pub p90: f64,
    pub p95: f64,
    pub p99: f64,
    pub p999: f64,
    pub max: f64,
}

/// The whole of a run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Where it ran.
    pub machine: Machine,
    /// What the load generator itself cost: where it is near the limit, latencies are its own.
    pub generator: Generator,
    /// Seconds that were measured, without the warm-up.
    pub seconds: f64,
    /// Each group of readers.
    pub groups: Vec<GroupReport>,
    /// Each kind of source.
    pub sources: Vec<SourceReport>,
    /// The run second by second, the warm-up included.
    pub seconds_series: Vec<Second>,
    /// What the server did wrong, or the machine could not do.
    pub findings: Vec<Finding>,
}

/// Where a run took place.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Machine {
    /// Operating system.
    pub system: &'static str,
    /// Kind of processor.
    pub architecture: &'static str,
    /// Processors that this process may use.
    pub cpus: usize,
    /// Most descriptors that this process may have open.
    pub descriptors: Option<u64>,
    /// Whether the load generator was built with optimisations: without them its own latency is not small.
    pub optimised: bool,
}

impl Machine {
    /// This one, as this process may use it.
    pub(crate) fn this() -> Self {
        Self {
            system: std::env::consts::OS,
            architecture: std::env::consts::ARCH,
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
            descriptors: platform::descriptor_limit(),
            optimised: !cfg!(debug_assertions),
        }
    }
}

/// What the load generator itself cost while it was measured.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Generator {
    /// Threads that read, and one that publishes where there are sources.
    pub threads: usize,
    /// Processor time of all its threads, in seconds.
    pub cpu_seconds: f64,
    /// Share of the time in which the busiest thread had work, from 0 to 1. Near 1 the generator is the limit.
    pub busiest_thread: f64,
}

/// A group of readers.
#[derive(Clone, Debug, Default, Serialize)]
pub struct GroupReport {
    /// Name from the plan.
    pub name: String,
    /// Sessions that were begun; with churn more than there are readers.
    pub asked: u64,
    /// Readers that play at the end of the run.
    pub playing: u64,
    /// Sessions that failed: before PLAY was answered, or cut off after it.
    pub failed: u64,
    /// Sessions that the reader ended.
    pub left: u64,
    /// Sessions that were refused for their password.
    pub refused: u64,
    /// From connecting to the answer to PLAY.
    pub setup_ms: Distribution,
    /// From connecting to the first RTP packet.
    pub first_packet_ms: Distribution,
    /// From connecting to the last packet of the first random access point, which a decoder could show.
    pub first_picture_ms: Distribution,
    /// From the moment an access unit was sent by its source to the arrival of its last byte.
    pub latency_ms: Distribution,
    /// From one access unit to the next one of the same reader.
    pub gap_ms: Distribution,
    /// Access units of the time that was measured.
    pub access_units: AccessUnits,
    /// RTP packets of the time that was measured.
    pub packets: Packets,
    /// Bytes that arrived while it was measured, frames and answers included, headers of TCP, UDP and IP not.
    pub bytes: u64,
    /// How evenly the readers were served.
    pub fairness: Fairness,
    /// Each reader.
    pub readers: Vec<ReaderReport>,
}

/// Access units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AccessUnits {
    /// Those that came, whole or not, and those that are missing between them.
    pub expected: u64,
    /// Those whose packets all came; where their mark tells the length, with that length.
    pub complete: u64,
    /// Those of which packets are missing.
    pub incomplete: u64,
    /// Those whose packets all came, but whose length or content is another than the mark says.
    pub corrupt: u64,
    /// Those of which nothing came, as the numbers in the marks tell; only those with a mark are known.
    pub missing: u64,
    /// Those that the made-up link of the plan damaged; not among the expected ones.
    pub impaired: u64,
    /// Those that had a mark.
    pub marked: u64,
    /// Those of which the content was compared with its checksum, not only the length.
    pub content_checked: u64,
}

/// RTP packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Packets {
    /// Those that came.
    pub received: u64,
    /// Those that never came, as sequence numbers tell.
    pub lost: u64,
    /// Those that came after a later one.
    pub reordered: u64,
    /// Those that came twice.
    pub duplicate: u64,
    /// Those that are not RTP, or not of this stream.
    pub malformed: u64,
    /// Those that the made-up link of the plan took away; not among the lost ones that count against the server.
    pub impaired: u64,
}

/// How evenly readers were served, by the access units that each got whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Fairness {
    /// Jain's index: 1 where all got the same, 1/n where one of n got all.
    pub jain: f64,
    /// What the reader got that got least.
    pub least: u64,
    /// What the reader got that got most.
    pub most: u64,
}

/// One reader.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct ReaderReport {
    /// Whether it played at the end.
    pub playing: bool,
    /// Sessions that it began.
    pub sessions: u32,
    /// Sessions that failed.
    pub failed: u32,
    /// Set-up time of its last session, where it came so far.
    pub setup_ms: Option<f64>,
    /// Time to the first picture of its last session, where it came so far.
    pub first_picture_ms: Option<f64>,
    /// Mean latency.
    pub latency_mean_ms: f64,
    /// Largest latency.
    pub latency_max_ms: f64,
    /// Access units that came whole.
    pub complete: u64,
    /// Access units that did not: incomplete, corrupt or missing.
    pub broken: u64,
    /// Packets that never came.
    pub lost: u64,
    /// Bytes that arrived.
    pub bytes: u64,
}

/// The sources of one entry of the plan.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SourceReport {
    /// URL from the plan.
    pub url: String,
    /// How many there are.
    pub count: u64,
    /// How many send at the end of the run.
    pub publishing: u64,
    /// Sessions that failed.
    pub failed: u64,
    /// Sessions that were ended and begun anew, as the plan wants.
    pub restarts: u64,
    /// Access units sent while it was measured.
    pub access_units: u64,
    /// Access units that were not sent, since the server did not take the ones before in time.
    pub skipped: u64,
    /// Bytes sent while it was measured.
    pub bytes: u64,
    /// From connecting to the answer to RECORD.
    pub setup_ms: Distribution,
    /// How late access units were sent: where this is not small, the generator is overloaded.
    pub late_ms: Distribution,
}

/// One second of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Second {
    /// Seconds from the start of the run to its end.
    pub t: u64,
    /// Readers that play.
    pub playing: u64,
    /// Bytes that arrived in it.
    pub bytes: u64,
    /// Access units that arrived whole in it.
    pub access_units: u64,
    /// Packets that were lost in it.
    pub lost: u64,
    /// Median latency of the access units that arrived in it.
    pub p50_ms: f64,
    /// 99th percentile of the latency.
    pub p99_ms: f64,
    /// Largest latency.
    pub max_ms: f64,
}

/// What is wrong, counted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// What it is, for programs: a word with underscores.
    pub kind: String,
    /// How often it was seen.
    pub count: u64,
    /// When it was seen first, from the start of the run.
    pub first_at_ms: u64,
    /// Its first case, for people.
    pub example: String,
}

/// Where a run is: cheap to get, for a live view.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Snapshot {
    /// Milliseconds since the start.
    pub elapsed_ms: u64,
    /// Milliseconds from the start to the end that the plan wants.
    pub total_ms: u64,
    /// Whether the run has come to its end, or was stopped.
    pub finished: bool,
    /// Readers that play now.
    pub playing: u64,
    /// Sessions of readers that failed so far.
    pub failed: u64,
    /// Sources that send now.
    pub publishing: u64,
    /// Bytes that arrived so far.
    pub bytes: u64,
    /// Access units that arrived whole so far.
    pub access_units: u64,
    /// Packets lost so far.
    pub lost: u64,
    /// The last whole second.
    pub last_second: Second,
}

/// What the bare loop cost: see [`crate::floor`].
#[derive(Clone, Debug, Default, Serialize)]
pub struct FloorReport {
    /// Where it ran.
    pub machine: Machine,
    /// Processor time of the sending thread for each gigabit that it handed over, in seconds.
    pub cpu_seconds_per_gigabit: f64,
    /// Processor time of the sending thread, in seconds.
    pub cpu_seconds: f64,
    /// From the start of a burst to its last byte at a reader.
    pub latency_ms: Distribution,
    /// From the start of a burst to the moment at which all sockets have it.
    pub written_within_ms: Distribution,
    /// Bytes that were handed over.
    pub bytes: u64,
    /// Bytes that the readers got.
    pub received_bytes: u64,
    /// Bursts, to all sockets.
    pub bursts: u64,
    /// Writes that the sockets did not take at once.
    pub blocked: u64,
    /// Seconds that it took.
    pub seconds: f64,
}
