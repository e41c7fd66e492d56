//! Small fixed workloads whose instructions are counted, by `python -m benchmarks.instructions`.
//!
//! `counted` lists the names of the workloads, `counted NAME TIMES` does one of them so many times. What one time costs is
//! the difference between two runs, so that setting up does not count.

use std::hint::black_box;
use std::io::{Write, stdout};
use std::process::ExitCode;

#[path = "../../relaycore-proto/benches/work/mod.rs"]
mod packets;
#[path = "../../relaycore-engine/tests/fan_out/readers.rs"]
mod readers;
#[path = "../../relaycore-engine/benches/work/mod.rs"]
mod work;

use packets::Work;
use readers::{FanOut, Transport};
use work::{Handing, Walking};

/// Readers that a picture is written to.
const READERS: usize = 50;

/// Does something so many times.
type Workload = fn(usize);

const WORKLOADS: [(&str, Workload); 9] = [
    ("packetise", |times| {
        repeat(times, &Work::default(), Work::packetise)
    }),
    ("depacketise", |times| {
        repeat(times, &Work::default(), Work::depacketise)
    }),
    ("parse_interleaved", |times| {
        repeat(times, &Work::default(), Work::parse_interleaved)
    }),
    ("parse_request", |times| {
        repeat(times, &Work::default(), Work::parse_request)
    }),
    ("parse_report", |times| {
        repeat(times, &Work::default(), Work::parse_report)
    }),
    ("cursors", |times| {
        let mut walking = Walking::default();
        (0..times).for_each(|_| {
            black_box(walking.walk());
        });
    }),
    ("handoff", |times| {
        repeat(times, &Handing::default(), Handing::hand)
    }),
    ("shard_tcp", |times| fan_out(Transport::Tcp, times)),
    ("shard_udp", |times| fan_out(Transport::Udp, times)),
];

fn repeat<T>(times: usize, work: &T, step: fn(&T) -> usize) {
    for _ in 0..times {
        black_box(step(black_box(work)));
    }
}

fn fan_out(transport: Transport, times: usize) {
    let mut fan_out = FanOut::open(transport, READERS);
    (0..times).for_each(|_| fan_out.burst());
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).filter(|it| !it.starts_with("--"));
    let Some(name) = arguments.next() else {
        let names = WORKLOADS.map(|(name, _)| name).join("\n");
        return match writeln!(stdout(), "{names}") {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        };
    };
    let times = arguments.next().and_then(|times| times.parse().ok());
    let known = WORKLOADS.iter().find(|(known, _)| *known == name);
    let (Some((_, workload)), Some(times)) = (known, times) else {
        return ExitCode::FAILURE;
    };
    workload(times);
    ExitCode::SUCCESS
}
