//! What a run is to do, as the program that starts it says in JSON.
//!
//! Times are milliseconds from the start of the run, rates are bits per second. Unknown fields are refused, so that a
//! misspelt one does not pass for its default.

use crate::synth::{ACCESS_UNIT_BYTES_MAX, Shape};
use serde::Deserialize;
use std::fmt;

/// Most threads of a run.
pub const THREADS_MAX: usize = 256;

/// Most readers, or sources, of a run: descriptors run out before.
pub const SESSIONS_MAX: usize = 1_000_000;

/// Highest bit rate of one source, and the rate up to which a slow reader reads.
pub const BITRATE_MAX: u64 = 10_000_000_000;

/// Longest burst of the bare loop.
pub const BURST_BYTES_MAX: usize = 64 << 20;

/// A whole run.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Start of all random choices: the same plan makes the same ones.
    #[serde(default)]
    pub seed: u64,
    /// Threads that read; the sources have one of their own.
    #[serde(default = "one")]
    pub threads: usize,
    /// Processors that the threads are pinned to, in turn; `None` leaves that to the system.
    #[serde(default)]
    pub cpus: Option<Vec<usize>>,
    /// Time until measuring begins: what comes before is not in the latencies and access units, but set-ups are.
    #[serde(default)]
    pub warm_up_ms: u64,
    /// Time that is measured, after the warm-up.
    pub duration_ms: u64,
    /// Of so many readers one checks the content of each access unit; the others check its length and its mark.
    #[serde(default = "sixteen")]
    pub check_one_in: usize,
    /// What is published.
    #[serde(default)]
    pub sources: Vec<Source>,
    /// Who reads.
    #[serde(default)]
    pub groups: Vec<Group>,
}

/// Publishers that are alike.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// How the stream comes to the server.
    pub kind: SourceKind,
    /// `rtsp://host:port/path` to publish to, or `udp://host:port` to send plain RTP to; `{n}` is the number of the
    /// source, from 0. Plain RTP goes to two ports further for each further source, where `{n}` is not used.
    pub url: String,
    /// User, for [`SourceKind::Publish`].
    #[serde(default)]
    pub user: Option<String>,
    /// Password of the user.
    #[serde(default)]
    pub password: Option<String>,
    /// How packets travel, for [`SourceKind::Publish`].
    #[serde(default)]
    pub transport: SourceTransport,
    /// How many there are.
    #[serde(default = "one")]
    pub count: usize,
    /// Bits per second of the access units.
    pub bitrate: u64,
    /// Access units per second.
    #[serde(default = "thirty")]
    pub fps: f64,
    /// Time between two random access points.
    #[serde(default = "one_second")]
    pub gop_ms: u64,
    /// How many times longer than another access unit one with a random access point is.
    #[serde(default = "one_time")]
    pub key_frame_times: f64,
    /// When the first of them starts.
    #[serde(default)]
    pub start_ms: u64,
    /// How many start in a second; `None` for all at once.
    #[serde(default)]
    pub ramp_per_second: Option<f64>,
    /// Time after which each ends its session and publishes anew.
    #[serde(default)]
    pub restart_every_ms: Option<u64>,
}

/// How a source's stream comes to the server.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// ANNOUNCE and RECORD.
    Publish,
    /// RTP over UDP without any session.
    RtpUdp,
}

/// How packets of a publisher travel.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum SourceTransport {
    /// Interleaved on the connection.
    #[default]
    Tcp,
    /// As datagrams.
    Udp,
}

/// Readers that are alike.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Name in the report.
    pub name: String,
    /// What they read; `{n}` is the number of the reader in its group modulo [`Group::paths`].
    pub url: String,
    /// Number of different URLs.
    #[serde(default = "one")]
    pub paths: usize,
    /// How many readers there are.
    pub count: usize,
    /// How packets travel.
    #[serde(default)]
    pub transport: ReaderTransport,
    /// User.
    #[serde(default)]
    pub user: Option<String>,
    /// Password of the user.
    #[serde(default)]
    pub password: Option<String>,
    /// Whether a password is sent that is not the one above: the server has to refuse it.
    #[serde(default)]
    pub wrong_password: bool,
    /// How many begin in a second; `None` for all at once.
    #[serde(default)]
    pub ramp_per_second: Option<f64>,
    /// When the first begins.
    #[serde(default)]
    pub start_ms: u64,
    /// Time after which a reader leaves, to come again at once.
    #[serde(default)]
    pub stay_ms: Option<u64>,
    /// How they read.
    #[serde(default)]
    pub behaviour: Behaviour,
    /// Bits per second at which a slow reader reads.
    #[serde(default)]
    pub read_rate: Option<u64>,
    /// What happens to packets between the socket and the checks.
    #[serde(default)]
    pub impairment: Option<Impairment>,
}

/// How packets of readers travel.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ReaderTransport {
    /// Interleaved on the connection.
    #[default]
    Tcp,
    /// As datagrams.
    Udp,
    /// Every second reader over UDP, the others over TCP.
    Mixed,
}

/// How readers read.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Behaviour {
    /// What comes, at once.
    #[default]
    Good,
    /// Nothing after the first picture; the connection stays open.
    Stalled,
    /// At [`Group::read_rate`].
    Slow,
}

/// A bad link, made up behind the socket.
///
/// Over UDP a lost packet never reaches the checks. Over TCP nothing is lost or out of order on a real link, so that
/// loss and reorder show as delay: the connection is not read for as long as a retransmission takes.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Impairment {
    /// Share of packets that is lost, from 0 to 1.
    #[serde(default)]
    pub loss: f64,
    /// Time that each packet takes longer.
    #[serde(default)]
    pub delay_ms: u64,
    /// Share of packets that comes after the next one, from 0 to 1.
    #[serde(default)]
    pub reorder: f64,
}

/// What the bare loop is to do: see [`crate::floor`].
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FloorPlan {
    /// How many sockets get each burst.
    pub sockets: usize,
    /// Bits per second to each.
    pub bitrate: u64,
    /// Bursts per second.
    #[serde(default = "thirty")]
    pub fps: f64,
    /// How long, in seconds.
    pub seconds: f64,
    /// Which system calls.
    pub kind: FloorKind,
    /// Processor of the thread that sends.
    #[serde(default)]
    pub sender_cpu: Option<usize>,
    /// Processor of the threads that read.
    #[serde(default)]
    pub drain_cpu: Option<usize>,
}

/// How the bare loop writes.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum FloorKind {
    /// TCP, one write for each burst.
    TcpBurst,
    /// TCP, one write for each packet.
    TcpPacket,
    /// UDP, one send with segmentation offload for each burst.
    UdpOffload,
    /// UDP, `sendmmsg` for all packets of a burst.
    UdpSendmmsg,
    /// UDP, one send for each packet.
    UdpPacket,
}

/// Why a plan cannot be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanError(pub String);

impl fmt::Display for PlanError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for PlanError {}

impl Plan {
    /// Reads and checks a plan.
    pub fn parse(json: &[u8]) -> Result<Self, PlanError> {
        let plan: Self = parse(json)?;
        check(plan.threads, 1, THREADS_MAX, "threads")?;
        check(plan.check_one_in, 1, SESSIONS_MAX, "check_one_in")?;
        check(plan.duration_ms, 1, DAY_MS, "duration_ms")?;
        check(plan.warm_up_ms, 0, DAY_MS, "warm_up_ms")?;
        if plan.cpus.as_ref().is_some_and(Vec::is_empty) {
            return Err(PlanError("cpus is empty: leave it out, or name one".into()));
        }
        plan.sources.iter().try_for_each(Source::check)?;
        plan.groups.iter().try_for_each(Group::check)?;
        let sources: usize = plan.sources.iter().map(|source| source.count).sum();
        let readers: usize = plan.groups.iter().map(|group| group.count).sum();
        check(sources, 0, SESSIONS_MAX, "the number of all sources")?;
        check(readers, 0, SESSIONS_MAX, "the number of all readers")?;
        Ok(plan)
    }

    /// Whole time of the run, in milliseconds.
    #[must_use]
    pub fn total_ms(&self) -> u64 {
        self.warm_up_ms + self.duration_ms
    }
}

impl Source {
    /// What its stream is like.
    pub(crate) fn shape(&self) -> Shape {
        Shape {
            bitrate: self.bitrate,
            fps: self.fps,
            gop_ms: self.gop_ms,
            key_frame_times: self.key_frame_times,
        }
    }

    /// Nanoseconds between two access units.
    pub(crate) fn period_ns(&self) -> u64 {
        (1e9 / self.fps) as u64
    }

    fn check(&self) -> Result<(), PlanError> {
        check(self.count, 1, SESSIONS_MAX, "count of a source")?;
        check(self.bitrate, 1000, BITRATE_MAX, "bitrate")?;
        check(self.fps, 0.1, 1000.0, "fps")?;
        check(self.gop_ms, 1, DAY_MS, "gop_ms")?;
        check(self.key_frame_times, 1.0, 1000.0, "key_frame_times")?;
        let longest = "bitrate, fps and key_frame_times: the bytes of an access unit";
        check(self.shape().longest(), 1, ACCESS_UNIT_BYTES_MAX, longest)?;
        check_ramp(self.ramp_per_second)?;
        match self.restart_every_ms {
            Some(every) => check(every, 10, DAY_MS, "restart_every_ms"),
            None => Ok(()),
        }
    }
}

impl Group {
    fn check(&self) -> Result<(), PlanError> {
        check(self.count, 1, SESSIONS_MAX, "count of a group")?;
        check(self.paths, 1, SESSIONS_MAX, "paths")?;
        check_ramp(self.ramp_per_second)?;
        if let Some(stay) = self.stay_ms {
            check(stay, 10, DAY_MS, "stay_ms")?;
        }
        if self.behaviour == Behaviour::Slow && self.read_rate.is_none() {
            return Err(PlanError(format!(
                "group {:?} is slow: say how slow with read_rate, in bits per second",
                self.name
            )));
        }
        if let Some(rate) = self.read_rate {
            check(rate, 1000, BITRATE_MAX, "read_rate")?;
        }
        if self.wrong_password && self.user.is_none() {
            return Err(PlanError(format!(
                "group {:?} has a wrong password, but no user to try it with",
                self.name
            )));
        }
        if let Some(link) = &self.impairment {
            check(link.loss, 0.0, 1.0, "loss")?;
            check(link.reorder, 0.0, 1.0, "reorder")?;
            check(link.delay_ms, 0, 60_000, "delay_ms")?;
        }
        Ok(())
    }
}

impl FloorPlan {
    /// Reads and checks a plan.
    pub fn parse(json: &[u8]) -> Result<Self, PlanError> {
        let plan: Self = parse(json)?;
        plan.check()?;
        Ok(plan)
    }

    /// Checks that it can be carried out.
    pub(crate) fn check(&self) -> Result<(), PlanError> {
        check(self.sockets, 1, SESSIONS_MAX, "sockets")?;
        check(self.bitrate, 1000, BITRATE_MAX, "bitrate")?;
        check(self.fps, 0.1, 1000.0, "fps")?;
        check(self.seconds, 0.01, 86_400.0, "seconds")?;
        check(
            self.burst_bytes(),
            0,
            BURST_BYTES_MAX,
            "the length of a burst",
        )
    }

    /// Bytes of a burst, without frames.
    #[must_use]
    pub fn burst_bytes(&self) -> usize {
        (self.bitrate as f64 / self.fps / 8.0) as usize
    }
}

const DAY_MS: u64 = 24 * 3600 * 1000;

fn parse<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, PlanError> {
    serde_json::from_slice(json)
        .map_err(|error| PlanError(format!("the plan cannot be read: {error}")))
}

fn check_ramp(ramp: Option<f64>) -> Result<(), PlanError> {
    match ramp {
        Some(rate) => check(rate, 0.01, 1_000_000.0, "ramp_per_second"),
        None => Ok(()),
    }
}

fn check<T: PartialOrd + fmt::Display>(
    value: T,
    lowest: T,
    highest: T,
    name: &str,
) -> Result<(), PlanError> {
    // Written so that NaN is refused.
    if value >= lowest && value <= highest {
        return Ok(());
    }
    Err(PlanError(format!(
        "{name} is {value}: it must be from {lowest} to {highest}"
    )))
}

fn one() -> usize {
    1
}

fn sixteen() -> usize {
    16
}

fn thirty() -> f64 {
    30.0
}

fn one_second() -> u64 {
    1000
}

fn one_time() -> f64 {
    1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(json: &str) -> String {
        Plan::parse(json.as_bytes()).unwrap_err().0
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let plan = Plan::parse(
            br#"{"duration_ms": 1000,
                "sources": [{"kind": "publish", "url": "rtsp://h/{n}", "bitrate": 1000000}],
                "groups": [{"name": "a", "url": "rtsp://h/{n}", "count": 3, "transport": "mixed"}]}"#,
        )
        .unwrap();
        assert_eq!((plan.threads, plan.total_ms()), (1, 1000));
        assert_eq!(plan.sources[0].transport, SourceTransport::Tcp);
        assert_eq!(plan.groups[0].behaviour, Behaviour::Good);
    }

    #[test]
    fn what_cannot_be_done_is_refused_with_the_reason() {
        assert!(refused("{").contains("cannot be read"));
        assert!(refused(r#"{"duration_ms": 1, "thread": 2}"#).contains("thread"));
        assert!(refused(r#"{"duration_ms": 0}"#).contains("duration_ms"));
        assert!(refused(r#"{"duration_ms": 1, "threads": 1000}"#).contains("from 1 to 256"));
        let group = |more: &str| {
            refused(&format!(
                r#"{{"duration_ms": 1, "groups": [{{"name": "g", "url": "rtsp://h", "count": 1, {more}}}]}}"#
            ))
        };
        assert!(group(r#""behaviour": "slow""#).contains("read_rate"));
        assert!(group(r#""wrong_password": true"#).contains("no user"));
        assert!(group(r#""impairment": {"loss": 1.5}"#).contains("loss"));
        assert!(group(r#""ramp_per_second": 0"#).contains("ramp_per_second"));
    }
}
